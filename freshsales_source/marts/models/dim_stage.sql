-- Grain: one row per stage of a pipeline, deleted ones flagged: they still name the past of their deals.
-- Question: through which stages do deals go, and what does each of them mean?
-- The one place that tells what is won and what is lost. `choice_type` serves where a forecast type has another name.
SELECT
    deal_stages.id AS stage_id,
    deal_stages.name AS stage,
    deal_stages.position AS stage_position,
    deal_stages.deal_pipeline_id AS pipeline_id,
    deal_pipelines.name AS pipeline,
    deal_pipelines.position AS pipeline_position,
    deal_pipelines.is_default AS is_default_pipeline,
    CASE
        WHEN deal_stages.forecast_type = 'Open' THEN 'open'
        WHEN deal_stages.forecast_type = 'Closed Won' THEN 'won'
        WHEN deal_stages.forecast_type = 'Closed Lost' THEN 'lost'
        WHEN deal_stages.choice_type = 1 THEN 'open'
        WHEN deal_stages.choice_type = 2 THEN 'won'
        WHEN deal_stages.choice_type = 3 THEN 'lost'
        ELSE 'unknown'
    END AS outcome,
    deal_stages.probability,
    deal_pipelines.rotting_days,
    is_gone(deal_stages) OR COALESCE(is_gone(deal_pipelines), FALSE) AS is_deleted,
    COALESCE(deal_stages._deleted_at, deal_pipelines._deleted_at) AS deleted_at
FROM deal_stages
LEFT JOIN deal_pipelines ON deal_pipelines.id = deal_stages.deal_pipeline_id
