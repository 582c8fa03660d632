-- Grain: one row per deal that is not deleted.
-- Question: which deals are open, won or lost, what are they worth, and how old are they?
-- `outcome` is `unknown` where the CRM names no such stage. Ages are days between dates in the account's time zone.
-- `currency_code` is the currency's number where its code is not known: no two currencies are ever taken for one.
WITH bands AS (
    SELECT 1 AS age_band_position, '0-30' AS age_band, -1000000 AS first_day, 30 AS last_day
    UNION ALL
    SELECT 2, '31-60', 31, 60
    UNION ALL
    SELECT 3, '61-90', 61, 90
    UNION ALL
    SELECT 4, '91-180', 91, 180
    UNION ALL
    SELECT 5, 'over 180', 181, 1000000
),
staged AS (
    SELECT
        deals.*,
        COALESCE(dim_stage.outcome, 'unknown') AS outcome,
        COALESCE(deals.deal_pipeline_id, dim_stage.pipeline_id) AS pipeline_id,
        COALESCE(deals.probability, dim_stage.probability) AS chance,
        dim_stage.rotting_days AS patience,
        local_date(deals.created_at) AS created_date,
        local_date(deals.stage_updated_time) AS stage_since
    FROM deals
    LEFT JOIN dim_stage ON dim_stage.stage_id = deals.deal_stage_id
    WHERE NOT is_gone(deals)
),
aged AS (
    SELECT
        staged.*,
        as_of.as_of_date,
        CASE WHEN outcome = 'open' THEN DATE_DIFF('day', created_date, as_of_date) END AS age_days,
        CASE WHEN outcome = 'open' THEN DATE_DIFF('day', stage_since, as_of_date) END AS stage_age_days
    FROM staged
    CROSS JOIN as_of
)
SELECT
    aged.id AS deal_id,
    aged.name,
    aged.outcome,
    aged.pipeline_id,
    aged.deal_stage_id AS stage_id,
    aged.owner_id,
    aged.sales_account_id AS account_id,
    COALESCE(currencies.currency_code, CAST(aged.currency_id AS TEXT)) AS currency_code,
    aged.amount,
    aged.base_currency_amount,
    aged.chance AS probability,
    CAST(aged.amount * aged.chance * 0.01 AS DECIMAL(38, 9)) AS weighted_amount,
    aged.created_at,
    aged.created_date,
    CAST(DATE_TRUNC('month', CAST(aged.created_date AS TIMESTAMP)) AS DATE) AS created_month,
    aged.expected_close AS expected_close_date,
    aged.closed_date,
    CASE
        WHEN aged.outcome IN ('won', 'lost')
            THEN CAST(DATE_TRUNC('month', CAST(aged.closed_date AS TIMESTAMP)) AS DATE)
    END AS closed_month,
    aged.stage_since,
    CASE
        WHEN aged.outcome IN ('won', 'lost') THEN DATE_DIFF('day', aged.created_date, aged.closed_date)
    END AS cycle_days,
    aged.age_days,
    aged.stage_age_days,
    bands.age_band,
    bands.age_band_position,
    aged.outcome = 'open' AND COALESCE(aged.expected_close < aged.as_of_date, FALSE) AS is_overdue,
    aged.outcome = 'open' AND COALESCE(aged.stage_age_days > aged.patience, FALSE) AS is_rotting,
    deal_types.name AS deal_type,
    deal_reasons.name AS lost_reason,
    lead_sources.name AS lead_source,
    campaigns.name AS campaign,
    custom_fields(deals, aged)
FROM aged
LEFT JOIN bands ON aged.age_days BETWEEN bands.first_day AND bands.last_day
LEFT JOIN currencies ON currencies.id = aged.currency_id
LEFT JOIN deal_types ON deal_types.id = aged.deal_type_id
LEFT JOIN deal_reasons ON deal_reasons.id = aged.deal_reason_id
LEFT JOIN lead_sources ON lead_sources.id = aged.lead_source_id
LEFT JOIN campaigns ON campaigns.id = aged.campaign_id
