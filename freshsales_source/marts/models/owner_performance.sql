-- Grain: one row per owner of deals and currency; the owner is null for deals of nobody.
-- Question: who wins how much, how often and how fast?
WITH sums AS (
    SELECT
        owner_id,
        currency_code,
        metric('deals') AS deals,
        metric('open_deals') AS open_deals,
        metric('won_deals') AS won_deals,
        metric('lost_deals') AS lost_deals,
        metric('unknown_deals') AS unknown_deals,
        metric('open_amount') AS open_amount,
        metric('won_amount') AS won_amount,
        metric('lost_amount') AS lost_amount,
        metric('win_rate_by_count') AS win_rate_by_count,
        metric('win_rate_by_amount') AS win_rate_by_amount,
        metric('mean_won_amount') AS mean_won_amount,
        metric('mean_won_cycle_days') AS mean_won_cycle_days,
        metric('median_won_cycle_days') AS median_won_cycle_days
    FROM fct_deals
    GROUP BY owner_id, currency_code
)
SELECT
    sums.owner_id,
    dim_owner.name AS owner,
    dim_owner.is_active,
    dim_owner.is_deleted,
    sums.currency_code,
    sums.deals,
    sums.open_deals,
    sums.won_deals,
    sums.lost_deals,
    sums.unknown_deals,
    sums.open_amount,
    sums.won_amount,
    sums.lost_amount,
    sums.win_rate_by_count,
    sums.win_rate_by_amount,
    sums.mean_won_amount,
    sums.mean_won_cycle_days,
    sums.median_won_cycle_days
FROM sums
LEFT JOIN dim_owner ON dim_owner.owner_id = sums.owner_id
