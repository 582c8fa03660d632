-- Grain: one row.
-- Question: as of when, and in which time zone, do the answers of all other tables hold?
-- The end of the last sync, and where only dlt loads, the newest row: an age counted today would tell more than was read.
WITH seen AS (
    SELECT MAX(finished_at) AS seen_at FROM _sync_runs
    UNION ALL
    SELECT MAX(_synced_at) FROM deals
    UNION ALL
    SELECT MAX(_synced_at) FROM contacts
    UNION ALL
    SELECT MAX(_synced_at) FROM sales_accounts
    UNION ALL
    SELECT MAX(_synced_at) FROM tasks
    UNION ALL
    SELECT MAX(_synced_at) FROM appointments
    UNION ALL
    SELECT MAX(_synced_at) FROM sales_activities
),
newest AS (
    SELECT COALESCE(MAX(seen_at), CURRENT_TIMESTAMP) AS as_of_at FROM seen
)
SELECT
    as_of_at,
    local_date(as_of_at) AS as_of_date,
    time_zone() AS time_zone
FROM newest
