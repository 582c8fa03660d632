-- Grain: one row per deal of `fct_deals` and contact who takes part in it.
-- Question: who takes part in which deal?
-- An amount added over this table counts once per contact: divide it by `contacts_of_deal`, or count deals apart.
SELECT
    deals__contacts.deal_id,
    deals__contacts.contact_id,
    COUNT(*) OVER (PARTITION BY deals__contacts.deal_id) AS contacts_of_deal
FROM deals__contacts
JOIN fct_deals ON fct_deals.deal_id = deals__contacts.deal_id
