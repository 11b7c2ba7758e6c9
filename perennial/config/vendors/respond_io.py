"""respond.io: what perennial.yml may say of a workspace, and the tables landed from it.

What lives here: names, types and defaults. What does not: asking (perennial/sources/respond_io), receiving webhooks
(perennial/sources/inbound.py), meaning (models/staging/respond_io).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource
from perennial.config.values import Duration, Name, Variable


class Settings(ApiSource):
    """One workspace. `token_env` names an access token of its Developer API."""

    kind: Literal["respond_io"]
    api_version: str = "v2"
    page_size: int = Field(default=100, ge=1, le=100)
    requests_per_second: float = Field(default=4.5, gt=0)  # respond.io allows 5 per call and second
    # the last part of a webhook's address → the variable that holds its signing key: every webhook has its own
    hook_env: dict[Name, Variable] = {}
    # every contact's messages cost one call: in so many nights each contact is asked for; the open ones, the new ones
    # and those that a webhook told of are asked for every night
    sweep_nights: int = Field(default=1, ge=1, le=60)
    status_window: Duration = timedelta(days=7)  # how long a message may still be delivered, read or fail
    campaign_field: str = "source_campaign"  # the custom field that holds which campaign brought a conversation

    @field_validator("campaign_field")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not value.strip() or "'" in value:
            raise ValueError("is no name of a custom field; write its name as the API calls it")
        return value


_SENDER = "sender:text user_id:id team_id:id workflow_id:id broadcast_id:id"
_MESSAGE = f"channel_id:id traffic:text message_type:text {_SENDER}"

_TABLES = (
    table(
        "contacts", "contact_id", "created_at",
        "contact_id:id! first_name:text last_name:text phone:text email:text country:text status:text assignee_id:id"
        " lifecycle:text tags:text custom_fields:text is_blocked:boolean created_at:at is_deleted:boolean",
    ),
    table(
        "contact_fields", "contact_id name", None,
        "contact_id:id! name:text! value:text",
        parent="contacts",
    ),
    table("channels", "channel_id", "created_at", "channel_id:id! name:text source:text created_at:at"),
    table("users", "user_id", None, "user_id:id! role:text team_id:id team:text"),
    table(
        "messages", "message_id", "sent_at",
        f"message_id:id! contact_id:id! channel_message_id:id {_MESSAGE} sent_at:at! updated_at:at",
    ),
    table(
        "message_statuses", "message_id status changed_at", "changed_at",
        "message_id:id! status:text! changed_at:at!",
        parent="messages",
    ),
    # what webhooks told, each delivery as it was received; an event that was delivered twice is here twice
    table(
        "deliveries", "event_id received_at", "received_at",
        "event_id:id! received_at:at! event_type:text! hook:text segment:text contact_id:id happened_at:at"
        " assignee_id:id lifecycle:text old_lifecycle:text action:text changed_by:text"
        " opened_at:at opened_by:text closed_at:at closed_by:text category:text first_response_seconds:integer"
        f" team:text last_assigned_at:at source_campaign:text message_id:id channel_message_id:id {_MESSAGE}"
        " channel_source:text sent_at:at",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
