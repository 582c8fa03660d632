-- Grain: one row per object that a sync has looked at.
-- Question: how whole is the copy of each object, by the newest run that looked at it?
WITH newest AS (
    SELECT
        _sync_objects.*,
        _sync_runs.finished_at,
        ROW_NUMBER() OVER (
            PARTITION BY _sync_objects.object ORDER BY _sync_runs.started_at DESC, _sync_runs.run_id DESC
        ) AS place
    FROM _sync_objects
    JOIN _sync_runs ON _sync_runs.run_id = _sync_objects.run_id
)
SELECT
    object,
    verdict,
    reason,
    verdict IN ('matched', 'not_available') AS is_whole,
    expected_count,
    loaded_count,
    metric('missing_rows') AS missing_rows,
    watermark_after,
    finished_at AS checked_at,
    run_id
FROM newest
WHERE place = 1
