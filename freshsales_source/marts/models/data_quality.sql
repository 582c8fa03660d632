-- Grain: one row per check.
-- Question: which records lack what the other answers stand on, and how many are they?
WITH facts AS (
    SELECT
        fct_deals.*,
        dim_owner.owner_id IS NOT NULL AND NOT dim_owner.is_deleted AS has_owner,
        dim_stage.is_deleted AS is_stage_deleted,
        bridge.deal_id IS NOT NULL AS has_contact
    FROM fct_deals
    LEFT JOIN dim_owner ON dim_owner.owner_id = fct_deals.owner_id
    LEFT JOIN dim_stage ON dim_stage.stage_id = fct_deals.stage_id
    LEFT JOIN (SELECT DISTINCT deal_id FROM bridge_deal_contact) AS bridge ON bridge.deal_id = fct_deals.deal_id
),
people AS (
    SELECT
        dim_contact.*,
        COUNT(*) OVER (PARTITION BY LOWER(dim_contact.email)) AS sharing,
        bridge.contact_id IS NOT NULL AS has_account
    FROM dim_contact
    LEFT JOIN (SELECT DISTINCT contact_id FROM bridge_contact_account) AS bridge
        ON bridge.contact_id = dim_contact.contact_id
    WHERE NOT dim_contact.is_deleted
),
companies AS (
    SELECT dim_account.*, COUNT(*) OVER (PARTITION BY LOWER(dim_account.name)) AS namesakes
    FROM dim_account
    WHERE NOT dim_account.is_deleted
),
linked AS (
    SELECT fct_activities.*, bridge.activity_id IS NOT NULL AS has_record
    FROM fct_activities
    LEFT JOIN (SELECT DISTINCT activity_kind, activity_id FROM bridge_activity_record) AS bridge
        ON bridge.activity_kind = fct_activities.activity_kind AND bridge.activity_id = fct_activities.activity_id
),
checks AS (
    SELECT
        'deals_in_unknown_stage' AS check_name,
        'deals' AS object,
        'The CRM names no such stage, or not whether it is open, won or lost: in no win rate.' AS meaning,
        metric('checked_records') AS checked_records,
        metric('unknown_deals') AS affected_records
    FROM facts
    UNION ALL
    SELECT
        'open_deals_in_deleted_stage',
        'deals',
        'Open, in a stage or pipeline that was deleted.',
        metric('open_deals'),
        COUNT(CASE WHEN outcome = 'open' AND is_stage_deleted THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'open_deals_overdue',
        'deals',
        'Open, and the expected close date is over.',
        metric('open_deals'),
        metric('overdue_deals')
    FROM facts
    UNION ALL
    SELECT
        'open_deals_without_expected_close',
        'deals',
        'Open, without an expected close date: never overdue.',
        metric('open_deals'),
        COUNT(CASE WHEN outcome = 'open' AND expected_close_date IS NULL THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'open_deals_without_owner',
        'deals',
        'Open, and nobody owns it, or somebody whom the CRM does not list any more.',
        metric('open_deals'),
        COUNT(CASE WHEN outcome = 'open' AND NOT has_owner THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'closed_deals_without_close_date',
        'deals',
        'Won or lost, without a close date: in no month and no cycle.',
        metric('closed_deals'),
        COUNT(CASE WHEN outcome IN ('won', 'lost') AND closed_date IS NULL THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'deals_closed_before_creation',
        'deals',
        'Won or lost before they were made: a cycle below zero, counted as it is.',
        metric('closed_deals'),
        COUNT(CASE WHEN cycle_days < 0 THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'won_deals_without_amount',
        'deals',
        'Won, without an amount: in no sum and no mean.',
        metric('won_deals'),
        COUNT(CASE WHEN outcome = 'won' AND amount IS NULL THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'deals_with_amount_without_currency',
        'deals',
        'An amount of which the CRM does not name the currency.',
        metric('checked_records'),
        COUNT(CASE WHEN amount IS NOT NULL AND currency_code IS NULL THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'deals_without_account',
        'deals',
        'No company.',
        metric('checked_records'),
        COUNT(CASE WHEN account_id IS NULL THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'deals_without_contact',
        'deals',
        'No contact takes part.',
        metric('checked_records'),
        COUNT(CASE WHEN NOT has_contact THEN 1 END)
    FROM facts
    UNION ALL
    SELECT
        'contacts_without_email',
        'contacts',
        'No e-mail address.',
        metric('checked_records'),
        COUNT(CASE WHEN email IS NULL OR email = '' THEN 1 END)
    FROM people
    UNION ALL
    SELECT
        'contacts_sharing_an_email',
        'contacts',
        'Another contact has the same e-mail address.',
        metric('checked_records'),
        COUNT(CASE WHEN email <> '' AND sharing > 1 THEN 1 END)
    FROM people
    UNION ALL
    SELECT
        'contacts_without_account',
        'contacts',
        'Belongs to no company.',
        metric('checked_records'),
        COUNT(CASE WHEN account_id IS NULL AND NOT has_account THEN 1 END)
    FROM people
    UNION ALL
    SELECT
        'accounts_sharing_a_name',
        'sales_accounts',
        'Another company has the same name.',
        metric('checked_records'),
        COUNT(CASE WHEN name <> '' AND namesakes > 1 THEN 1 END)
    FROM companies
    UNION ALL
    SELECT
        'accounts_without_owner',
        'sales_accounts',
        'Nobody owns it.',
        metric('checked_records'),
        COUNT(CASE WHEN owner_id IS NULL THEN 1 END)
    FROM companies
    UNION ALL
    SELECT
        'activities_overdue',
        'activities',
        'Planned for a time that is over, and not done.',
        metric('checked_records'),
        metric('overdue_activities')
    FROM linked
    UNION ALL
    SELECT
        'activities_without_record',
        'activities',
        'Hangs on no contact, account, deal or lead: an answer to nobody.',
        metric('checked_records'),
        COUNT(CASE WHEN NOT has_record THEN 1 END)
    FROM linked
)
SELECT
    check_name,
    object,
    meaning,
    checked_records,
    affected_records,
    metric('affected_rate') AS affected_rate
FROM checks
