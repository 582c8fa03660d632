-- Grain: one row.
-- Question: how many deals were made, won and lost in all, and how long does it take to win one?
SELECT
    metric('deals') AS deals,
    metric('open_deals') AS open_deals,
    metric('won_deals') AS won_deals,
    metric('lost_deals') AS lost_deals,
    metric('unknown_deals') AS unknown_deals,
    metric('win_rate_by_count') AS win_rate_by_count,
    metric('mean_won_cycle_days') AS mean_won_cycle_days,
    metric('median_won_cycle_days') AS median_won_cycle_days,
    metric('open_base_amount') AS open_base_amount,
    metric('won_base_amount') AS won_base_amount,
    metric('overdue_deals') AS overdue_deals,
    metric('rotting_deals') AS rotting_deals
FROM fct_deals
