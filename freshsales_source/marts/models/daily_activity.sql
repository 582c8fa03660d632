-- Grain: one row per day, owner and kind of activity that was done.
-- Question: who did how much on which day?
WITH done AS (
    SELECT done_date, owner_id, activity_kind, metric('done_activities') AS done_activities
    FROM fct_activities
    WHERE is_done
    GROUP BY done_date, owner_id, activity_kind
)
SELECT
    done.done_date,
    done.owner_id,
    dim_owner.name AS owner,
    done.activity_kind,
    done.done_activities
FROM done
LEFT JOIN dim_owner ON dim_owner.owner_id = done.owner_id
