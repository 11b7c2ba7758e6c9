"""Klaviyo: what perennial.yml may say of an account, and the tables landed from it.

What lives here: names, types and defaults. What does not: calls (perennial/sources/klaviyo), meaning
(models/staging/klaviyo).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource
from perennial.config.values import Duration


class Settings(ApiSource):
    """One account. `token_env` names a private API key. `api_version` is the revision.

    Events carry the time they happened at, not the time Klaviyo heard of them, so a night begins a day back.
    """

    kind: Literal["klaviyo"]
    api_version: str = Field(default="2026-10-15", pattern=r"^\d{4}-\d\d-\d\d(\.[a-z]+)?$")
    page_size: int = Field(default=1000, ge=1, le=1000)  # of events; other lists have smaller pages
    requests_per_second: float = Field(default=10.0, gt=0)
    overlap: Duration = timedelta(days=1)
    external_id_is: Literal["customer_id", "contact_id"] = "customer_id"  # what the shop or CRM puts into external_id
    stage_tag: str = "stage:"  # a campaign's or flow's tag that begins so names its stage
    predictive_analytics: bool = False  # costs a lower rate: 15,000 profiles a minute instead of 75,000
    find_deleted: bool = True  # list the ids of all profiles every night: what is gone was deleted or merged


_TABLES = (
    table(
        "profiles", "profile_id", "created_at",
        "profile_id:id! email:text phone:text external_id:id external_id_type:text first_name:text last_name:text"
        " organization:text locale:text country:text email_consent:text email_consent_at:at"
        " email_consent_changed_at:at email_method:text email_method_detail:text sms_consent:text sms_consent_at:at"
        " sms_consent_changed_at:at sms_method:text sms_method_detail:text sms_transactional_consent:text"
        " sms_transactional_consent_at:at sms_transactional_consent_changed_at:at push_consent:text"
        " push_consent_at:at whatsapp_phone:text whatsapp_consent:text whatsapp_consent_at:at"
        " whatsapp_consent_changed_at:at whatsapp_transactional_consent:text whatsapp_transactional_consent_at:at"
        " whatsapp_transactional_consent_changed_at:at suppression_reasons:text suppressed_at:at undeliverable_at:at"
        " historic_clv_amount:amount predicted_clv_amount:amount predicted_orders_count:score churn_probability:score"
        " next_order_at:at~ last_event_at:at created_at:at updated_at:at is_deleted:boolean",
    ),
    table("profile_ids", "profile_id", None, "profile_id:id! is_deleted:boolean"),
    table(
        "events", "event_id", "occurred_at",
        "event_id:id! profile_id:id metric_id:id! occurred_at:at! send_id:id sent_at:at message_id:id flow_id:id"
        " variation_id:id url:text is_machine:boolean bounce_type:text method:text method_detail:text",
    ),
    table("metrics", "metric_id", "created_at", "metric_id:id! name:text integration:text created_at:at"),
    table(
        "campaigns", "campaign_id", "send_at",
        "campaign_id:id! name:text status:text channel:text stage:text is_archived:boolean send_at:at~ scheduled_at:at~"
        " created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "campaign_messages", "campaign_id message_id", None, "campaign_id:id! message_id:id!",
        parent="campaigns",
    ),
    table(
        "flows", "flow_id", "created_at",
        "flow_id:id! name:text status:text stage:text trigger_type:text is_archived:boolean created_at:at updated_at:at"
        " is_deleted:boolean",
    ),
    table(
        "flow_messages", "flow_id message_id", "created_at",
        "flow_id:id! message_id:id! name:text action_type:text created_at:at",
        parent="flows",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
