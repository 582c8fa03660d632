-- Grain: one row per pipeline, stage and currency that has open deals.
-- Question: what is in the pipeline now, at which stage, how likely, and how late?
WITH stages AS (
    SELECT
        pipeline_id,
        stage_id,
        currency_code,
        metric('open_deals') AS open_deals,
        metric('open_amount') AS open_amount,
        metric('weighted_open_amount') AS weighted_open_amount,
        metric('overdue_deals') AS overdue_deals,
        metric('rotting_deals') AS rotting_deals,
        metric('mean_open_age_days') AS mean_open_age_days,
        metric('mean_stage_age_days') AS mean_stage_age_days
    FROM fct_deals
    WHERE outcome = 'open'
    GROUP BY pipeline_id, stage_id, currency_code
)
SELECT
    stages.pipeline_id,
    deal_pipelines.name AS pipeline,
    deal_pipelines.position AS pipeline_position,
    stages.stage_id,
    dim_stage.stage,
    dim_stage.stage_position,
    dim_stage.is_deleted AS is_deleted_stage,
    stages.currency_code,
    stages.open_deals,
    stages.open_amount,
    stages.weighted_open_amount,
    stages.overdue_deals,
    stages.rotting_deals,
    stages.mean_open_age_days,
    stages.mean_stage_age_days
FROM stages
LEFT JOIN deal_pipelines ON deal_pipelines.id = stages.pipeline_id
LEFT JOIN dim_stage ON dim_stage.stage_id = stages.stage_id
