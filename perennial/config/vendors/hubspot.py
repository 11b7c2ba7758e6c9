"""HubSpot: what perennial.yml may say of an account, and the tables landed from it.

What lives here: names, types and defaults. What does not: paths and properties (perennial/sources/hubspot), meaning
(models/staging/hubspot).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource

Object = Literal["contacts", "deals", "meetings", "calls", "emails", "communications"]
OBJECTS: tuple[Object, ...] = ("contacts", "deals", "meetings", "calls", "emails", "communications")


class Settings(ApiSource):
    """One account. `token_env` names a private app's token, a service key or an OAuth access token."""

    kind: Literal["hubspot"]
    api_version: str = Field(default="2026-09", pattern=r"^(v3|\d{4}-\d{2})$")
    page_size: int = Field(default=200, ge=1, le=200)
    # every plan allows 100 in ten seconds, the larger ones 190
    requests_per_second: float = Field(default=9.0, gt=0)
    objects: tuple[Object, ...] = OBJECTS  # what the token's scopes let us read
    # off: the account's plan has no batch reading of subscriptions; opt-outs are read all the same
    subscriptions: Literal["batch", "off"] = "batch"


_ENGAGEMENT = (
    "engagement_id:id! contact_id:id happened_at:at~ direction:text channel_type:text status:text object_source:text"
    " owner_id:id created_at:at updated_at:at is_deleted:boolean"
)
_TABLES = (
    table(
        "contacts", "contact_id", "created_at",
        "contact_id:id! email:text phone:text mobile_phone:text first_name:text last_name:text company:text"
        " country:text country_code:text lifecycle_stage:text owner_id:id birth_date:text analytics_source:text"
        " analytics_detail_1:text analytics_detail_2:text lead_source:text lead_campaign:text"
        " email_opted_out:boolean object_source:text created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "contact_changes", "change_id", "changed_at",
        "change_id:id! contact_id:id! property:text! value:text changed_at:at! source_type:text source_id:text"
        " source_label:text user_id:id",
    ),
    table("contact_merges", "merged_id", None, "merged_id:id! contact_id:id! updated_at:at"),
    table(
        "statuses", "address subscription_id channel", "stated_at",
        "address:id! subscription_id:id! channel:text! status:text! stated_at:at source:text legal_basis:text"
        " explanation:text",
    ),
    table("subscriptions", "subscription_id", None, "subscription_id:id! name:text purpose:text method:text"),
    table("lifecycle_stages", "stage_id", None, "stage_id:id! label:text position:integer"),
    table(
        "deals", "deal_id", "created_at",
        "deal_id:id! contact_id:id name:text pipeline_id:id stage_id:id amount:amount currency:text lost_reason:text"
        " is_closed:boolean is_won:boolean owner_id:id closes_at:at created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "deal_stages", "pipeline_id stage_id", None,
        "pipeline_id:id! stage_id:id! label:text position:integer is_closed:boolean probability:rate",
    ),
    table(
        "meetings", "meeting_id", "created_at",
        "meeting_id:id! contact_id:id outcome:text starts_at:at ends_at:at value_amount:amount currency:text"
        " owner_id:id created_at:at updated_at:at is_deleted:boolean",
    ),
    *(table(name, "engagement_id", "happened_at", _ENGAGEMENT) for name in ("calls", "emails", "communications")),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
