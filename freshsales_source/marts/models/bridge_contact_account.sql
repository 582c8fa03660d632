-- Grain: one row per contact of `dim_contact` and company it belongs to.
-- Question: who belongs to which company?
SELECT
    contacts__sales_accounts.contact_id,
    contacts__sales_accounts.sales_account_id AS account_id,
    contacts__sales_accounts.is_primary,
    COUNT(*) OVER (PARTITION BY contacts__sales_accounts.contact_id) AS accounts_of_contact
FROM contacts__sales_accounts
JOIN dim_contact ON dim_contact.contact_id = contacts__sales_accounts.contact_id
