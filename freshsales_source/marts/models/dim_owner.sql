-- Grain: one row per user of the CRM, those who left too.
-- Question: who owns records, and who of them is still there?
SELECT
    id AS owner_id,
    display_name AS name,
    email,
    is_active,
    is_gone(owners) AS is_deleted,
    _deleted_reason AS deleted_reason,
    _deleted_at AS deleted_at
FROM owners
