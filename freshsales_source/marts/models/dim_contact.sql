-- Grain: one row per contact, deleted ones flagged.
-- Question: who do we know, at which company, and how far along is the relation?
SELECT
    contacts.id AS contact_id,
    contacts.display_name AS name,
    contacts.job_title,
    contacts.email,
    contacts.sales_account_id AS account_id,
    contacts.owner_id,
    contact_statuses.name AS status,
    lifecycle_stages.name AS lifecycle_stage,
    lead_sources.name AS lead_source,
    campaigns.name AS campaign,
    territories.name AS territory,
    contacts.city,
    contacts.state,
    contacts.country,
    contacts.created_at,
    local_date(contacts.created_at) AS created_date,
    is_gone(contacts) AS is_deleted,
    contacts._deleted_reason AS deleted_reason,
    contacts._deleted_at AS deleted_at,
    custom_fields(contacts)
FROM contacts
LEFT JOIN contact_statuses ON contact_statuses.id = contacts.contact_status_id
LEFT JOIN lifecycle_stages
    ON lifecycle_stages.id = COALESCE(contacts.lifecycle_stage_id, contact_statuses.lifecycle_stage_id)
LEFT JOIN lead_sources ON lead_sources.id = contacts.lead_source_id
LEFT JOIN campaigns ON campaigns.id = contacts.campaign_id
LEFT JOIN territories ON territories.id = contacts.territory_id
