-- Grain: one row per day: 27 years up to the end of next year, and every day that a fact names.
-- Question: to which week, month, quarter and year does a day belong?
WITH digits AS (
    SELECT 0 AS digit
    UNION ALL SELECT 1
    UNION ALL SELECT 2
    UNION ALL SELECT 3
    UNION ALL SELECT 4
    UNION ALL SELECT 5
    UNION ALL SELECT 6
    UNION ALL SELECT 7
    UNION ALL SELECT 8
    UNION ALL SELECT 9
),
ends AS (
    SELECT CAST(CAST(EXTRACT(YEAR FROM as_of_date) + 1 AS TEXT) || '-12-31' AS DATE) AS last_day FROM as_of
),
days AS (
    SELECT
        ends.last_day - CAST(a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit AS INTEGER) AS date
    FROM ends
    CROSS JOIN digits AS a
    CROSS JOIN digits AS b
    CROSS JOIN digits AS c
    CROSS JOIN digits AS d
    UNION
    SELECT created_date FROM fct_deals
    UNION
    SELECT expected_close_date FROM fct_deals
    UNION
    SELECT closed_date FROM fct_deals
    UNION
    SELECT stage_since FROM fct_deals
    UNION
    SELECT done_date FROM fct_activities
    UNION
    SELECT created_date FROM fct_leads
    UNION
    SELECT created_date FROM dim_account
    UNION
    SELECT created_date FROM dim_contact
)
SELECT
    date,
    CAST(EXTRACT(YEAR FROM date) AS BIGINT) AS year,
    CAST(EXTRACT(QUARTER FROM date) AS BIGINT) AS quarter,
    CAST(EXTRACT(MONTH FROM date) AS BIGINT) AS month,
    CAST(EXTRACT(DAY FROM date) AS BIGINT) AS day,
    CAST(EXTRACT(ISODOW FROM date) AS BIGINT) AS weekday,
    CAST(DATE_TRUNC('week', CAST(date AS TIMESTAMP)) AS DATE) AS week_start,
    CAST(DATE_TRUNC('month', CAST(date AS TIMESTAMP)) AS DATE) AS month_start,
    CAST(DATE_TRUNC('quarter', CAST(date AS TIMESTAMP)) AS DATE) AS quarter_start
FROM days
WHERE date IS NOT NULL
