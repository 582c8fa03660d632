-- Grain: one row per unbroken stay of a deal in a stage.
-- Question: how long do deals stay in each stage, and where do they go from there?
-- A deletion ends a stay, a restore begins one. Deals that are deleted now are left out, as from every fact.
-- `left_at` is null while the deal is there, `next_stage_id` also where it was deleted next. A stay with `is_first_seen`
-- may have begun before anybody looked. Place 0 is nowhere: deleted, or without a stage.
WITH places AS (
    SELECT
        deal_id,
        deal_pipeline_id,
        valid_from,
        is_first_seen,
        CASE WHEN is_deleted THEN 0 ELSE COALESCE(deal_stage_id, 0) END AS place,
        MAX(CASE WHEN valid_to IS NULL AND is_deleted THEN 1 ELSE 0 END) OVER (PARTITION BY deal_id) AS is_gone
    FROM deals_history_validity
),
changes AS (
    SELECT
        places.*,
        COALESCE(LAG(place) OVER (PARTITION BY deal_id ORDER BY valid_from), 0) AS place_before
    FROM places
),
moves AS (
    SELECT
        changes.*,
        LEAD(valid_from) OVER (PARTITION BY deal_id ORDER BY valid_from) AS left_at,
        NULLIF(LEAD(place) OVER (PARTITION BY deal_id ORDER BY valid_from), 0) AS next_stage_id
    FROM changes
    WHERE place <> place_before
)
SELECT
    deal_id,
    ROW_NUMBER() OVER (PARTITION BY deal_id ORDER BY valid_from) AS visit,
    deal_pipeline_id,
    place AS deal_stage_id,
    valid_from AS entered_at,
    left_at,
    next_stage_id,
    is_first_seen
FROM moves
WHERE place <> 0 AND is_gone = 0
