-- Grain: one row per currency of deals.
-- Question: what is won, lost and open in each currency, and at which win rates?
SELECT
    currency_code,
    metric('deals') AS deals,
    metric('open_deals') AS open_deals,
    metric('won_deals') AS won_deals,
    metric('lost_deals') AS lost_deals,
    metric('unknown_deals') AS unknown_deals,
    metric('amount') AS amount,
    metric('open_amount') AS open_amount,
    metric('weighted_open_amount') AS weighted_open_amount,
    metric('won_amount') AS won_amount,
    metric('lost_amount') AS lost_amount,
    metric('win_rate_by_count') AS win_rate_by_count,
    metric('win_rate_by_amount') AS win_rate_by_amount,
    metric('mean_won_amount') AS mean_won_amount,
    metric('mean_won_cycle_days') AS mean_won_cycle_days,
    metric('median_won_cycle_days') AS median_won_cycle_days
FROM fct_deals
GROUP BY currency_code
