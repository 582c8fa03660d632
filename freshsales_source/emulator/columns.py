"""The columns of each object's rows, in wire order, with the value an empty record has.

Key sets and their order: seen in recorded responses of one Suite account (2023). `*_NEWER`: seen in the
column list of one production account, types inferred. `*_SINGLE`: seen in responses with masked values.
`()` stands for an empty list. Columns that are computed at read time stand here too; `computed.py` fills
them.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTACT: Mapping[str, object] = {
    "id": None,
    "first_name": None,
    "last_name": None,
    "display_name": None,
    "avatar": None,
    "job_title": None,
    "city": None,
    "state": None,
    "zipcode": None,
    "country": None,
    "email": None,
    "emails": (),
    "time_zone": None,
    "work_number": None,
    "mobile_number": None,
    "address": None,
    "last_seen": None,
    "lead_score": 0,
    "last_contacted": None,
    "open_deals_amount": None,
    "won_deals_amount": None,
    "links": None,
    "last_contacted_sales_activity_mode": None,
    "custom_field": None,
    "created_at": None,
    "updated_at": None,
    "keyword": None,
    "medium": None,
    "last_contacted_mode": None,
    "recent_note": None,
    "won_deals_count": 0,
    "last_contacted_via_sales_activity": None,
    "completed_sales_sequences": None,
    "active_sales_sequences": None,
    "web_form_ids": None,
    "open_deals_count": 0,
    "last_assigned_at": None,
    "facebook": None,
    "twitter": None,
    "linkedin": None,
    "is_deleted": False,
    "team_user_ids": None,
    "external_id": None,
    "work_email": None,
    "subscription_status": 1,
    "subscription_types": "1;2;3;4;5",
    "unsubscription_reason": None,
    "other_unsubscription_reason": None,
    "customer_fit": 0,
    "whatsapp_subscription_status": 2,
    "sms_subscription_status": 2,
    "last_seen_chat": None,
    "first_seen_chat": None,
    "locale": None,
    "total_sessions": None,
    "system_tags": (),
    "first_campaign": None,
    "first_medium": None,
    "first_source": None,
    "last_campaign": None,
    "last_medium": None,
    "last_source": None,
    "latest_campaign": None,
    "latest_medium": None,
    "latest_source": None,
    "mcr_id": None,
    "phone_numbers": (),
    "tags": (),
}
SALES_ACCOUNT: Mapping[str, object] = {
    "id": None,
    "name": None,
    "address": None,
    "city": None,
    "state": None,
    "zipcode": None,
    "country": None,
    "number_of_employees": None,
    "annual_revenue": None,
    "website": None,
    "owner_id": None,
    "phone": None,
    "open_deals_amount": None,
    "open_deals_count": 0,
    "won_deals_amount": None,
    "won_deals_count": 0,
    "last_contacted": None,
    "last_contacted_mode": None,
    "facebook": None,
    "twitter": None,
    "linkedin": None,
    "links": None,
    "custom_field": None,
    "created_at": None,
    "updated_at": None,
    "avatar": None,
    "parent_sales_account_id": None,
    "recent_note": None,
    "last_contacted_via_sales_activity": None,
    "last_contacted_sales_activity_mode": None,
    "completed_sales_sequences": None,
    "active_sales_sequences": None,
    "last_assigned_at": None,
    "is_deleted": False,
    "team_user_ids": None,
    "web_form_ids": None,
    "tags": (),
}
DEAL: Mapping[str, object] = {
    "id": None,
    "name": None,
    "amount": None,
    "base_currency_amount": None,
    "expected_close": None,
    "closed_date": None,
    "stage_updated_time": None,
    "custom_field": None,
    "probability": 0,
    "updated_at": None,
    "created_at": None,
    "deal_pipeline_id": None,
    "deal_stage_id": None,
    "age": None,
    "links": None,
    "recent_note": None,
    "completed_sales_sequences": None,
    "active_sales_sequences": None,
    "web_form_id": None,
    "upcoming_activities_time": None,
    "collaboration": None,
    "last_assigned_at": None,
    "last_contacted_sales_activity_mode": None,
    "last_contacted_via_sales_activity": None,
    "expected_deal_value": None,
    "is_deleted": False,
    "team_user_ids": None,
    "avatar": None,
    "forecast_category": None,
    "deal_prediction": 0,
    "deal_prediction_last_updated_at": None,
    "freddy_forecast_metrics": None,
    "last_deal_prediction": None,
    "rotten_days": None,
    "tags": (),
}

CONTACT_SINGLE: Mapping[str, object] = {
    "has_duplicates": False,
    "duplicates_searched_today": False,
    "has_connections": False,
    "connections_searched_today": False,
}
SALES_ACCOUNT_SINGLE: Mapping[str, object] = {"has_connections": False}
DEAL_SINGLE: Mapping[str, object] = {}

CONTACT_NEWER: Mapping[str, object] = {
    "record_type_id": None,
    "description": None,
    "amb_subscription_status": None,
}
SALES_ACCOUNT_NEWER: Mapping[str, object] = {
    "record_type_id": None,
    "description": None,
    "note": None,
    "health_score": None,
    "account_tier": None,
    "renewal_date": None,
    "domains": (),
}
DEAL_NEWER: Mapping[str, object] = {
    "record_type_id": None,
    "has_products": False,
    "products": (),
    "deal_price_adjustments": (),
}

_CONVERSATIONS = (
    "/conversations/all?include=email_conversation_recipients%2Ctargetable%2Cphone_number%2Cphone_caller"
    "%2Cnote%2Cuser&per_page=3"
)
_TASKS = "/tasks?include=creater,owner,updater,targetable,users,task_type"
_APPOINTMENTS = "/appointments?include=creater,owner,updater,targetable,appointment_attendees,conference,note"
# What follows "/crm/sales/<object>/<id>" in each value of `links`.
DEAL_LINKS: Mapping[str, str] = {
    "conversations": _CONVERSATIONS,
    "document_associations": "/document_associations",
    "notes": "/notes?include=creater",
    "tasks": _TASKS,
    "appointments": _APPOINTMENTS,
}
SALES_ACCOUNT_LINKS: Mapping[str, str] = DEAL_LINKS
CONTACT_LINKS: Mapping[str, str] = {
    "conversations": _CONVERSATIONS,
    "timeline_feeds": "/timeline_feeds",
    "document_associations": "/document_associations",
    "notes": "/notes?include=creater",
    "tasks": _TASKS,
    "appointments": _APPOINTMENTS,
    "reminders": "/reminders?include=creater,owner,updater,targetable",
    "duplicates": "/duplicates",
    "connections": "/connections",
}
