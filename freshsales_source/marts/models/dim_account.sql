-- Grain: one row per company, deleted ones flagged.
-- Question: which companies do we know, where are they, and whose are they?
SELECT
    sales_accounts.id AS account_id,
    sales_accounts.name,
    sales_accounts.parent_sales_account_id AS parent_account_id,
    sales_accounts.owner_id,
    industry_types.name AS industry,
    business_types.name AS business_type,
    territories.name AS territory,
    sales_accounts.city,
    sales_accounts.state,
    sales_accounts.country,
    sales_accounts.number_of_employees AS employees,
    sales_accounts.annual_revenue,
    sales_accounts.created_at,
    local_date(sales_accounts.created_at) AS created_date,
    is_gone(sales_accounts) AS is_deleted,
    sales_accounts._deleted_reason AS deleted_reason,
    sales_accounts._deleted_at AS deleted_at,
    custom_fields(sales_accounts)
FROM sales_accounts
LEFT JOIN industry_types ON industry_types.id = sales_accounts.industry_type_id
LEFT JOIN business_types ON business_types.id = sales_accounts.business_type_id
LEFT JOIN territories ON territories.id = sales_accounts.territory_id
