"""What is asked of HubSpot, and what the answers look like.

What lives here: properties, payload schemas, and which field fills which landed column. What does not: asking
(adapter.py), the landed tables themselves (perennial/config/vendors/hubspot.py).

A property that an account does not have is left out of answers, one without a value is null: properties that every
account has are needed, the others end with "?".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.sources.api.shape import OptionalList
from perennial.sources.base import Form, Rows


@dataclass(frozen=True)
class Kind:
    """One type of object: the property that says when it changed, what is read of it, and the forms it takes."""

    name: str
    key: str
    modified: str
    properties: Sequence[str]
    forms: Mapping[str, Form]
    history: Sequence[str] = ()  # properties whose past is read; without any, links to contacts are read instead


def _item(modified: str, properties: Sequence[str], **more: Any) -> dict[str, Any]:
    """The schema of one object. Names ending with "?" are properties that an account may lack."""
    leaves = {name.rstrip("?"): "text?" if name.endswith("?") else "text" for name in (*properties, modified)}
    return {
        "id": "text", "createdAt": "text", "updatedAt": "text", "archived": "boolean", "properties": leaves, **more,
    }  # fmt: skip


def _rows(table: str, key: str, modified: str, columns: Mapping[str, str]) -> Rows:
    """`columns`: landed column → property."""
    return Rows(
        table,
        {
            key: "item.id",
            **{column: f"item.properties.{name}" for column, name in columns.items()},
            "created_at": "item.createdAt",
            "updated_at": f"coalesce(item.properties.{modified}, item.updatedAt)",
            "is_deleted": "item.archived",
        },
    )


def deleted_form(table: str, key: str) -> Form:
    """Objects in the bin: only that they are there, so that nothing else of them is landed anew."""
    item = {"id": "text", "createdAt": "text", "updatedAt": "text", "archived": "boolean", "archivedAt": "text?"}
    columns = {
        key: "item.id",
        "created_at": "item.createdAt",
        "updated_at": "greatest(coalesce(item.archivedAt, item.updatedAt), item.updatedAt)",
        "is_deleted": "item.archived",
    }
    return Form("results[]", item, [Rows(table, columns)])


# --- contacts, with the past of what says a stage or a permission

CONSENT_CHANNELS = ("sms", "whatsapp", "direct_mail", "voice", "ads", "push")
_HISTORY = (
    "lifecyclestage",
    "lifecycle_stage_reason",
    "hs_email_optout",
    "hs_email_hard_bounce_reason_enum",
    *(f"consent_{channel}" for channel in CONSENT_CHANNELS),
)
_CONTACT = {
    "email": "email",
    "phone": "phone",
    "mobile_phone": "mobilephone",
    "first_name": "firstname",
    "last_name": "lastname",
    "company": "company",
    "country": "country",
    "country_code": "hs_country_region_code",
    "lifecycle_stage": "lifecyclestage",
    "owner_id": "hubspot_owner_id",
    "birth_date": "date_of_birth",
    "analytics_source": "hs_analytics_source",
    "analytics_detail_1": "hs_analytics_source_data_1",
    "analytics_detail_2": "hs_analytics_source_data_2",
    "lead_source": "lead_source",
    "lead_campaign": "lead_campaign",
    "email_opted_out": "hs_email_optout",
    "object_source": "hs_object_source",
}
_ALWAYS_THERE = {"email", "phone", "firstname", "lastname", "company", "country", "lifecyclestage", "hubspot_owner_id"}
_CONTACT_PROPERTIES = (
    *(name if name in _ALWAYS_THERE else f"{name}?" for name in _CONTACT.values()),
    "hs_merged_object_ids?",
    "hs_additional_emails?",
)
_ENTRY = {
    "value": "text", "timestamp": "text", "sourceType": "text?", "sourceId": "text?", "sourceLabel": "text?",
    "updatedByUserId": "number?",
}  # fmt: skip
_CONTACT_ITEM = _item(
    "lastmodifieddate",
    _CONTACT_PROPERTIES,
    propertiesWithHistory={name: [_ENTRY] if name == "lifecyclestage" else OptionalList([_ENTRY]) for name in _HISTORY},
)


def _past(name: str) -> str:
    entries = f"item.propertiesWithHistory.{name}"
    return f"list_transform({entries}, lambda x: {{'property': '{name}', 'entry': x}})"


_CHANGES = Rows(
    "contact_changes",
    {
        "change_id": "concat_ws(':', item.id, line.property, line.entry.\"timestamp\", coalesce(line.entry.value, ''))",
        "contact_id": "item.id",
        "property": "line.property",
        "value": "line.entry.value",
        "changed_at": 'line.entry."timestamp"',
        "source_type": "line.entry.sourceType",
        "source_id": "line.entry.sourceId",
        "source_label": "line.entry.sourceLabel",
        "user_id": "line.entry.updatedByUserId",
    },
    each=f"flatten([{', '.join(_past(name) for name in _HISTORY)}])",
)
_MERGES = Rows(
    "contact_merges",
    {
        "merged_id": "trim(line)",
        "contact_id": "item.id",
        "updated_at": "coalesce(item.properties.lastmodifieddate, item.updatedAt)",
    },
    each="string_split(item.properties.hs_merged_object_ids, ';')",
    where="trim(line) not in ('', item.id)",
)
_STATUS = {
    "subscriptionId": "text", "channel": "text", "status": "text", "timestamp": "text?", "source": "text?",
    "legalBasis": "text?", "legalBasisExplanation": "text?",
}  # fmt: skip
STATUSES = Form(
    "results[]",
    {"subscriberIdString": "text", "statuses": [_STATUS]},
    [
        Rows(
            "statuses",
            {
                "address": "lower(trim(item.subscriberIdString))",
                "subscription_id": "line.subscriptionId",
                "channel": "line.channel",
                "status": "line.status",
                # nobody said anything: its time is that of the answer, and would make it look new every night
                "stated_at": "case when line.status <> 'NOT_SPECIFIED' then line.\"timestamp\" end",
                "source": "case when line.status <> 'NOT_SPECIFIED' then line.source end",
                "legal_basis": "line.legalBasis",
                "explanation": "line.legalBasisExplanation",
            },
            each="item.statuses",
        )
    ],
)
CONTACTS = Kind(
    "contacts",
    "contact_id",
    "lastmodifieddate",
    [name.rstrip("?") for name in _CONTACT_PROPERTIES],
    {
        "records": Form(
            "results[]",
            _CONTACT_ITEM,
            [_rows("contacts", "contact_id", "lastmodifieddate", _CONTACT), _CHANGES, _MERGES],
        ),
        "statuses": STATUSES,
    },
    _HISTORY,
)

# --- deals and engagements, each with the contact it is about

_MODIFIED = "hs_lastmodifieddate"
LINKED = Form("results[]", {"from": {"id": "text"}, "to": [{"toObjectId": "text"}]}, [])  # kept, read through context
_CONTACT_OF = "(cast(context.contacts as json) ->> item.id)"


def _linked_kind(name: str, key: str, columns: Mapping[str, str], always: Sequence[str]) -> Kind:
    properties = list(columns.values())
    rows = _rows(name, key, _MODIFIED, columns)
    rows = Rows(rows.table, {**rows.columns, "contact_id": _CONTACT_OF})
    item = _item(_MODIFIED, [each if each in always else f"{each}?" for each in properties])
    forms = {"records": Form("results[]", item, [rows], ["contacts"]), "links": LINKED}
    return Kind(name, key, _MODIFIED, properties, forms)


DEALS = _linked_kind(
    "deals",
    "deal_id",
    {
        "name": "dealname",
        "pipeline_id": "pipeline",
        "stage_id": "dealstage",
        "amount": "amount",
        "currency": "deal_currency_code",
        "lost_reason": "closed_lost_reason",
        "is_closed": "hs_is_closed",
        "is_won": "hs_is_closed_won",
        "owner_id": "hubspot_owner_id",
        "closes_at": "closedate",
    },
    ["dealname", "pipeline", "dealstage", "amount", "closedate"],
)
MEETINGS = _linked_kind(
    "meetings",
    "meeting_id",
    {
        "outcome": "hs_meeting_outcome",
        "starts_at": "hs_meeting_start_time",
        "ends_at": "hs_meeting_end_time",
        "value_amount": "value_amount",
        "currency": "currency",
        "owner_id": "hubspot_owner_id",
    },
    ["hs_meeting_outcome", "hs_meeting_start_time"],
)
_ENGAGEMENT = {
    "happened_at": "hs_timestamp",
    "object_source": "hs_object_source",
    "owner_id": "hubspot_owner_id",
}
CALLS = _linked_kind(
    "calls",
    "engagement_id",
    {**_ENGAGEMENT, "direction": "hs_call_direction", "status": "hs_call_status"},
    ["hs_timestamp"],
)
EMAILS = _linked_kind(
    "emails",
    "engagement_id",
    {**_ENGAGEMENT, "direction": "hs_email_direction", "status": "hs_email_status"},
    ["hs_timestamp", "hs_email_direction"],
)
COMMUNICATIONS = _linked_kind(
    "communications",
    "engagement_id",
    {**_ENGAGEMENT, "channel_type": "hs_communication_channel_type"},
    ["hs_timestamp", "hs_communication_channel_type"],
)
KINDS = {each.name: each for each in (CONTACTS, DEALS, MEETINGS, CALLS, EMAILS, COMMUNICATIONS)}

# --- the words an account uses: short lists, read whole

LIFECYCLE_STAGES = Form(
    "options[]",
    {"value": "text", "label": "text", "displayOrder": "number?"},
    [Rows("lifecycle_stages", {"stage_id": "item.value", "label": "item.label", "position": "item.displayOrder"})],
)
DEAL_STAGES = Form(
    "results[]",
    {
        "id": "text",
        "stages": [
            {
                "id": "text",
                "label": "text",
                "displayOrder": "number?",
                "metadata": {"isClosed": "text?", "probability": "text?"},
            }
        ],
    },
    [
        Rows(
            "deal_stages",
            {
                "pipeline_id": "item.id",
                "stage_id": "line.id",
                "label": "line.label",
                "position": "line.displayOrder",
                "is_closed": "line.metadata.isClosed",
                "probability": "line.metadata.probability",
            },
            each="item.stages",
        )
    ],
)
SUBSCRIPTIONS = Form(
    "results[]",
    {"id": "text", "name": "text", "purpose": "text?", "communicationMethod": "text?"},
    [
        Rows(
            "subscriptions",
            {
                "subscription_id": "item.id",
                "name": "item.name",
                "purpose": "item.purpose",
                "method": "item.communicationMethod",
            },
        )
    ],
)
