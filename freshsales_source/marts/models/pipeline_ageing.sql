-- Grain: one row per span of ages and currency that has open deals; the span is null where the creation is not known.
-- Question: how old are the open deals?
SELECT
    age_band,
    age_band_position,
    currency_code,
    metric('open_deals') AS open_deals,
    metric('open_amount') AS open_amount
FROM fct_deals
WHERE outcome = 'open'
GROUP BY age_band, age_band_position, currency_code
