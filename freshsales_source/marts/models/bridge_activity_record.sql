-- Grain: one row per activity of `fct_activities` and record that it hangs on.
-- Question: which activities belong to a contact, account, deal or lead?
WITH links AS (
    SELECT 'task' AS activity_kind, id AS activity_id, targetable_type AS record_type, targetable_id AS record_id
    FROM tasks
    UNION
    SELECT 'task', task_id, target_type, target_id FROM tasks__targetables
    UNION
    SELECT 'appointment', id, targetable_type, targetable_id FROM appointments
    UNION
    SELECT 'appointment', appointment_id, target_type, target_id FROM appointments__targetables
    UNION
    SELECT 'sales_activity', id, targetable_type, targetable_id FROM sales_activities
)
SELECT links.activity_kind, links.activity_id, links.record_type, links.record_id
FROM links
JOIN fct_activities
    ON fct_activities.activity_kind = links.activity_kind AND fct_activities.activity_id = links.activity_id
WHERE links.record_id IS NOT NULL
