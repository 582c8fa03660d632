-- Grain: one row per month of creation and owner of contacts and leads.
-- Question: how many new people had an activity, and how long did they wait for it?
WITH waits AS (
    SELECT
        created_month,
        owner_id,
        metric('leads') AS leads,
        metric('answered_leads') AS answered_leads,
        metric('unanswered_leads') AS unanswered_leads,
        metric('answered_rate') AS answered_rate,
        metric('mean_response_hours') AS mean_response_hours,
        metric('median_response_hours') AS median_response_hours
    FROM fct_leads
    GROUP BY created_month, owner_id
)
SELECT
    waits.created_month,
    waits.owner_id,
    dim_owner.name AS owner,
    waits.leads,
    waits.answered_leads,
    waits.unanswered_leads,
    waits.answered_rate,
    waits.mean_response_hours,
    waits.median_response_hours
FROM waits
LEFT JOIN dim_owner ON dim_owner.owner_id = waits.owner_id
