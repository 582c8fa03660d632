-- Grain: one row per month in which deals were closed and currency; the month is null for those without a close date.
-- Question: what was won and lost each month?
SELECT
    closed_month,
    currency_code,
    metric('won_deals') AS won_deals,
    metric('lost_deals') AS lost_deals,
    metric('won_amount') AS won_amount,
    metric('lost_amount') AS lost_amount,
    metric('win_rate_by_count') AS win_rate_by_count,
    metric('win_rate_by_amount') AS win_rate_by_amount,
    metric('mean_won_amount') AS mean_won_amount,
    metric('mean_won_cycle_days') AS mean_won_cycle_days,
    metric('median_won_cycle_days') AS median_won_cycle_days
FROM fct_deals
WHERE outcome IN ('won', 'lost')
GROUP BY closed_month, currency_code
