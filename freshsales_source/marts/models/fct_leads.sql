-- Grain: one row per contact, and per lead of a Classic account, that is not deleted.
-- Question: how long did each new person wait for the first activity?
-- An activity before the record was made counts as no wait. Mails are not seen (`fct_activities`).
WITH persons AS (
    SELECT 'Contact' AS record_type, id AS record_id, owner_id, lead_source_id, created_at
    FROM contacts
    WHERE NOT is_gone(contacts)
    UNION ALL
    SELECT 'Lead', id, owner_id, lead_source_id, created_at
    FROM leads
    WHERE NOT is_gone(leads)
),
answers AS (
    SELECT
        bridge_activity_record.record_type,
        bridge_activity_record.record_id,
        MIN(fct_activities.done_at) AS first_activity_at
    FROM bridge_activity_record
    JOIN fct_activities
        ON fct_activities.activity_kind = bridge_activity_record.activity_kind
        AND fct_activities.activity_id = bridge_activity_record.activity_id
    GROUP BY bridge_activity_record.record_type, bridge_activity_record.record_id
)
SELECT
    persons.record_type,
    persons.record_id,
    persons.owner_id,
    lead_sources.name AS lead_source,
    persons.created_at,
    local_date(persons.created_at) AS created_date,
    CAST(DATE_TRUNC('month', CAST(local_date(persons.created_at) AS TIMESTAMP)) AS DATE) AS created_month,
    answers.first_activity_at,
    CASE
        WHEN answers.first_activity_at < persons.created_at THEN CAST(0 AS DECIMAL(38, 9))
        ELSE CAST(
            (EXTRACT(EPOCH FROM answers.first_activity_at) - EXTRACT(EPOCH FROM persons.created_at)) / 3600
            AS DECIMAL(38, 9)
        )
    END AS response_hours
FROM persons
LEFT JOIN answers ON answers.record_type = persons.record_type AND answers.record_id = persons.record_id
LEFT JOIN lead_sources ON lead_sources.id = persons.lead_source_id
