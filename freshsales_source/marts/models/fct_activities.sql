-- Grain: one row per task, appointment or logged sales activity that is not deleted.
-- Question: what was done, by whom and when, and what is still to do?
-- A task is done at its completion, an appointment at its end, a logged activity when people spoke. Mails are not here:
-- no list of the API shows them.
WITH every AS (
    SELECT
        'task' AS activity_kind,
        id AS activity_id,
        task_type_id,
        CAST(NULL AS BIGINT) AS sales_activity_type_id,
        outcome_id,
        COALESCE(owner_id, creater_id) AS owner_id,
        created_at,
        due_date AS due_at,
        CASE WHEN status = 1 THEN COALESCE(completed_date, updated_at) END AS done_at
    FROM tasks
    WHERE NOT is_gone(tasks)
    UNION ALL
    SELECT
        'appointment',
        id,
        CAST(NULL AS BIGINT),
        CAST(NULL AS BIGINT),
        outcome_id,
        COALESCE(owner_id, creater_id),
        created_at,
        from_date,
        COALESCE(end_date, from_date)
    FROM appointments
    WHERE NOT is_gone(appointments)
    UNION ALL
    SELECT
        'sales_activity',
        id,
        CAST(NULL AS BIGINT),
        sales_activity_type_id,
        sales_activity_outcome_id,
        COALESCE(owner_id, creater_id),
        created_at,
        start_date,
        COALESCE(conversation_time, end_date, start_date, created_at)
    FROM sales_activities
    WHERE NOT is_gone(sales_activities)
),
timed AS (
    SELECT
        every.*,
        as_of.as_of_at,
        COALESCE(done_at <= as_of_at, FALSE) AS is_done
    FROM every
    CROSS JOIN as_of
)
SELECT
    timed.activity_kind,
    timed.activity_id,
    COALESCE(sales_activity_types.name, sales_activity_entity_types.name) AS activity_type,
    sales_activity_outcomes.name AS activity_outcome,
    timed.owner_id,
    timed.created_at,
    timed.due_at,
    CASE WHEN timed.is_done THEN timed.done_at END AS done_at,
    CASE WHEN timed.is_done THEN local_date(timed.done_at) END AS done_date,
    timed.is_done,
    NOT timed.is_done AND COALESCE(timed.due_at < timed.as_of_at, FALSE) AS is_overdue
FROM timed
LEFT JOIN sales_activity_types ON sales_activity_types.id = timed.sales_activity_type_id
LEFT JOIN sales_activity_entity_types ON sales_activity_entity_types.id = timed.task_type_id
LEFT JOIN sales_activity_outcomes ON sales_activity_outcomes.id = timed.outcome_id
