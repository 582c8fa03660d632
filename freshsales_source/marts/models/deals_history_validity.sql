-- Grain: one row per change seen of a deal, with the span of time for which it held.
-- Question: what did a deal look like at any moment since the first sync?
-- A span begins at `valid_from` and ends just before `valid_to`, which is null while it holds. Of two rows with one
-- `valid_from`, which only a plain dlt run can leave, the one loaded last holds; the other never held for any time.
WITH spans AS (
    SELECT
        deals_history.*,
        LEAD(valid_from) OVER (PARTITION BY deal_id ORDER BY valid_from, _synced_at, change_hash) AS valid_to
    FROM deals_history
)
SELECT spans.*
FROM spans
WHERE valid_to IS NULL OR valid_from < valid_to
