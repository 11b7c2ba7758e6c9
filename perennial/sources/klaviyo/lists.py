"""What is asked of Klaviyo, and what the answers look like.

What lives here: the schema of each list's items, and which field fills which landed column. What does not: asking
(adapter.py), the landed tables themselves (perennial/config/vendors/klaviyo.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perennial.config.vendors.klaviyo import Settings
from perennial.sources.api.shape import Optional
from perennial.sources.base import Form, Rows

# --- events: their properties are whatever the account's systems send, so nothing in them is relied on

PROPERTIES = (
    "$message", "$flow", "$variation", "$_cohort$message_send_cohort", "URL", "machine_open", "Apple Privacy Open",
    "Bot Click", "Bounce Type", "method", "method_detail",
)  # fmt: skip
_EVENT = {
    "id": "text",
    "attributes": {"datetime": "text", "event_properties": dict.fromkeys(PROPERTIES, "any text?")},
    "relationships": {"profile": Optional(data={"id": "text"}), "metric": {"data": {"id": "text"}}},
}


def _property(name: str) -> str:
    return f'item.attributes.event_properties."{name}"'


_COHORT = _property("$_cohort$message_send_cohort")  # seconds since 1970 at which it was sent to this person : message
_MESSAGE = _property("$message")
_PROFILE = "item.relationships.profile.data.id"
_IS_MACHINE = " or ".join(
    f"coalesce(lower({_property(name)}), '') in ('true', '1', 'yes')"
    for name in ("machine_open", "Apple Privacy Open", "Bot Click")
)
EVENTS = Form(
    "data[]",
    _EVENT,
    [
        Rows(
            "events",
            {
                "event_id": "item.id",
                "profile_id": _PROFILE,
                "metric_id": "item.relationships.metric.data.id",
                "occurred_at": "item.attributes.datetime",
                # one message to one person: Klaviyo has no id of its own for it
                "send_id": (
                    f"case when {_MESSAGE} is not null then"
                    f" concat(coalesce({_COHORT}, {_MESSAGE}), ':', coalesce({_PROFILE}, '')) end"
                ),
                "sent_at": f"make_timestamp(try_cast(split_part({_COHORT}, ':', 1) as bigint) * 1000000)",
                "message_id": _MESSAGE,
                "flow_id": _property("$flow"),
                "variation_id": _property("$variation"),
                "url": _property("URL"),
                "is_machine": _IS_MACHINE,
                "bounce_type": _property("Bounce Type"),
                "method": _property("method"),
                "method_detail": _property("method_detail"),
            },
        )
    ],
)

# --- profiles

_TOLD = {"consent": "text", "consent_timestamp": "text?"}
_CHANGED = {**_TOLD, "last_updated": "text?"}
_EXPLAINED = {**_CHANGED, "method": "text?", "method_detail": "text?"}
_PROFILE_ITEM = {
    "id": "text",
    "attributes": {
        "email": "text", "phone_number": "text", "external_id": "text", "first_name": "text", "last_name": "text",
        "organization": "text", "locale": "text?", "created": "text", "updated": "text", "last_event_date": "text?",
        "location": {"country": "text"},
        "subscriptions": {
            "email": Optional(
                marketing={
                    **_EXPLAINED, "custom_method_detail": "text?",
                    "suppression": [{"reason": "text", "timestamp": "text"}],
                },
            ),
            "sms": Optional(marketing=Optional(_EXPLAINED), transactional=Optional(_CHANGED)),
            "mobile_push": Optional(marketing=Optional(_TOLD)),
            "whatsapp": Optional(
                marketing=Optional({**_CHANGED, "phone_number": "text?"}),
                transactional=Optional({**_CHANGED, "phone_number": "text?"}),
            ),
        },
        "predictive_analytics": Optional(
            historic_clv="number?", predicted_clv="number?", predicted_number_of_orders="number?",
            churn_probability="number?", expected_date_of_next_order="text?",
        ),
    },
}  # fmt: skip
_SUBSCRIBED = "item.attributes.subscriptions"
_MAIL, _TEXT = f"{_SUBSCRIBED}.email.marketing", f"{_SUBSCRIBED}.sms"
_CHAT = f"{_SUBSCRIBED}.whatsapp"
_FORECAST = "item.attributes.predictive_analytics"
_UNDELIVERABLE = "x.reason in ('HARD_BOUNCE', 'INVALID_EMAIL')"


def _state(name: str, path: str) -> dict[str, str]:
    """Three columns of one consent: its word, since when, and when anything about it last changed."""
    return {
        f"{name}_consent": f"{path}.consent",
        f"{name}_consent_at": f"{path}.consent_timestamp",
        f"{name}_consent_changed_at": f"{path}.last_updated",
    }


def _latest(condition: str) -> str:
    """The last time of the suppressions that meet a condition."""
    times = f"list_transform(list_filter({_MAIL}.suppression, lambda x: {condition}), lambda x: try_cast(x.timestamp as timestamptz))"  # noqa: E501
    return f"list_max({times})"


def profiles(source: Settings) -> Form:
    columns = {
        "profile_id": "item.id",
        "email": "item.attributes.email",
        "phone": "item.attributes.phone_number",
        "external_id": "item.attributes.external_id",
        "external_id_type": f"'{source.external_id_is}'",
        "first_name": "item.attributes.first_name",
        "last_name": "item.attributes.last_name",
        "organization": "item.attributes.organization",
        "locale": "item.attributes.locale",
        "country": "item.attributes.location.country",
        **_state("email", _MAIL),
        "email_method": f"{_MAIL}.method",
        "email_method_detail": f"coalesce(nullif({_MAIL}.custom_method_detail, ''), {_MAIL}.method_detail)",
        **_state("sms", f"{_TEXT}.marketing"),
        "sms_method": f"{_TEXT}.marketing.method",
        "sms_method_detail": f"{_TEXT}.marketing.method_detail",
        **_state("sms_transactional", f"{_TEXT}.transactional"),
        "push_consent": f"{_SUBSCRIBED}.mobile_push.marketing.consent",
        "push_consent_at": f"{_SUBSCRIBED}.mobile_push.marketing.consent_timestamp",
        "whatsapp_phone": f"coalesce({_CHAT}.marketing.phone_number, {_CHAT}.transactional.phone_number)",
        **_state("whatsapp", f"{_CHAT}.marketing"),
        **_state("whatsapp_transactional", f"{_CHAT}.transactional"),
        "suppression_reasons": (
            f"array_to_string(list_sort(list_distinct(list_transform({_MAIL}.suppression, lambda x: x.reason))), ', ')"
        ),
        "suppressed_at": _latest("true"),
        "undeliverable_at": _latest(_UNDELIVERABLE),
        "historic_clv_amount": f"{_FORECAST}.historic_clv",
        "predicted_clv_amount": f"{_FORECAST}.predicted_clv",
        "predicted_orders_count": f"{_FORECAST}.predicted_number_of_orders",
        "churn_probability": f"{_FORECAST}.churn_probability",
        "next_order_at": f"{_FORECAST}.expected_date_of_next_order",
        "last_event_at": "item.attributes.last_event_date",
        "created_at": "item.attributes.created",
        "updated_at": "item.attributes.updated",
        "is_deleted": "false",
    }
    return Form("data[]", _PROFILE_ITEM, [Rows("profiles", columns)])


PROFILE_IDS = Form("data[]", {"id": "text"}, [Rows("profile_ids", {"profile_id": "item.id", "is_deleted": "false"})])

# --- metrics, campaigns, flows

METRICS = Form(
    "data[]",
    {
        "id": "text",
        "attributes": {"name": "text", "created": "text?", "integration": Optional(name="text?")},
    },
    [
        Rows(
            "metrics",
            {
                "metric_id": "item.id",
                "name": "item.attributes.name",
                "integration": "item.attributes.integration.name",
                "created_at": "item.attributes.created",
            },
        )
    ],
)
_STAGE = "(cast(context.stages as json) ->> item.id)"  # the adapter knows the tags' names
CAMPAIGNS = Form(
    "data[]",
    {
        "id": "text",
        "attributes": {
            "name": "text", "status": "text", "archived": "boolean", "send_time": "text?", "scheduled_at": "text?",
            "created_at": "text", "updated_at": "text",
        },
        "relationships": {"campaign-messages": {"data": [{"id": "text"}]}},
    },
    [
        Rows(
            "campaigns",
            {
                "campaign_id": "item.id",
                "name": "item.attributes.name",
                "status": "item.attributes.status",
                "channel": "context.channel",
                "stage": _STAGE,
                "is_archived": "item.attributes.archived",
                "send_at": "item.attributes.send_time",
                "scheduled_at": "item.attributes.scheduled_at",
                "created_at": "item.attributes.created_at",
                "updated_at": "item.attributes.updated_at",
                "is_deleted": "false",
            },
        ),
        Rows(
            "campaign_messages",
            {"campaign_id": "item.id", "message_id": "line.id"},
            each='item.relationships."campaign-messages".data',
        ),
    ],
    ["channel", "stages"],
)  # fmt: skip
FLOWS = Form(
    "data[]",
    {
        "id": "text",
        "attributes": {
            "name": "text", "status": "text", "archived": "boolean", "created": "text", "updated": "text",
            "trigger_type": "text",
        },
    },
    [
        Rows(
            "flows",
            {
                "flow_id": "item.id",
                "name": "item.attributes.name",
                "status": "item.attributes.status",
                "stage": _STAGE,
                "trigger_type": "item.attributes.trigger_type",
                "is_archived": "item.attributes.archived",
                "created_at": "item.attributes.created",
                "updated_at": "item.attributes.updated",
                "is_deleted": "false",
            },
        )
    ],
    ["stages"],
)  # fmt: skip
# The sending steps of the flows of a page, each with its flow: the adapter puts the two together.
STEPS = Form(
    "[]",
    {
        "flow": "text",
        "action": {
            "id": "text",
            "attributes": {
                "created": "text?",
                "definition": {"type": "text", "data": Optional(message=Optional(id="text?", name="text?"))},
            },
        },
    },
    [
        Rows(
            "flow_messages",
            {
                "flow_id": "item.flow",
                "message_id": "item.action.attributes.definition.data.message.id",
                "name": "item.action.attributes.definition.data.message.name",
                "action_type": "item.action.attributes.definition.type",
                "created_at": "item.action.attributes.created",
            },
            where="item.action.attributes.definition.data.message.id is not null",
        )
    ],
)


def named(item: Mapping[str, Any], relation: str) -> list[str]:
    """The ids that a relationship of an item names."""
    return [each["id"] for each in ((item.get("relationships") or {}).get(relation) or {}).get("data") or ()]
