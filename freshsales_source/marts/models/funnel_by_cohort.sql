-- Grain: one row per month of creation, pipeline and currency of deals.
-- Question: what became of the deals that were made in a month?
WITH cohorts AS (
    SELECT
        created_month,
        pipeline_id,
        currency_code,
        metric('deals') AS deals,
        metric('open_deals') AS open_deals,
        metric('won_deals') AS won_deals,
        metric('lost_deals') AS lost_deals,
        metric('unknown_deals') AS unknown_deals,
        metric('amount') AS amount,
        metric('open_amount') AS open_amount,
        metric('won_amount') AS won_amount,
        metric('lost_amount') AS lost_amount,
        metric('win_rate_by_count') AS win_rate_by_count,
        metric('win_rate_by_amount') AS win_rate_by_amount,
        metric('mean_won_cycle_days') AS mean_won_cycle_days,
        metric('median_won_cycle_days') AS median_won_cycle_days
    FROM fct_deals
    GROUP BY created_month, pipeline_id, currency_code
)
SELECT
    cohorts.created_month,
    cohorts.pipeline_id,
    deal_pipelines.name AS pipeline,
    cohorts.currency_code,
    cohorts.deals,
    cohorts.open_deals,
    cohorts.won_deals,
    cohorts.lost_deals,
    cohorts.unknown_deals,
    cohorts.amount,
    cohorts.open_amount,
    cohorts.won_amount,
    cohorts.lost_amount,
    cohorts.win_rate_by_count,
    cohorts.win_rate_by_amount,
    cohorts.mean_won_cycle_days,
    cohorts.median_won_cycle_days
FROM cohorts
LEFT JOIN deal_pipelines ON deal_pipelines.id = cohorts.pipeline_id
