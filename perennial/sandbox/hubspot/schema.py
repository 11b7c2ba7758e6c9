"""Which object types and properties the sandbox's HubSpot account has, and how its paths are spelt.

What lives here: object types, property types, default properties, versions. What does not: records.
"""

from __future__ import annotations

import re

OBJECT_TYPES = {
    "contacts": "0-1", "companies": "0-2", "deals": "0-3", "notes": "0-46", "meetings": "0-47", "calls": "0-48",
    "emails": "0-49", "tasks": "0-27", "communications": "0-18",
}  # fmt: skip
_BY_NUMBER = {number: name for name, number in OBJECT_TYPES.items()}
_PLURAL = {"company": "companies", **{name[:-1]: name for name in OBJECT_TYPES if name != "companies"}}

DATE_VERSIONS = ("2026-03", "2026-09")
MODIFIED = dict.fromkeys(OBJECT_TYPES, "hs_lastmodifieddate") | {"contacts": "lastmodifieddate"}
_CRM_OBJECTS = ("contacts", "companies", "deals")
CREATED = {name: "createdate" if name in _CRM_OBJECTS else "hs_createdate" for name in OBJECT_TYPES}

# What a read hands out when it asks for nothing
DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline",
    ),
}  # fmt: skip
ENGAGEMENT_DEFAULTS = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")

_TIMES = {"hs_createdate", "hs_lastmodifieddate", "hs_timestamp"}
_TYPES = {
    "number": {
        "hs_object_id", "amount", "hs_closed_amount", "num_associated_contacts", "value_amount", "hs_call_duration",
    },
    "datetime": {
        "createdate", "lastmodifieddate", "closedate", "hs_meeting_start_time", "hs_meeting_end_time", *_TIMES,
    },
    "bool": {"hs_email_optout", "hs_is_closed", "hs_is_closed_won"},
    "enumeration": {
        "lifecyclestage", "hs_analytics_source", "dealstage", "pipeline", "hs_meeting_outcome", "hubspot_owner_id",
        "hs_communication_channel_type", "hs_email_direction", "hs_call_direction",
    },
}  # fmt: skip
# Besides the defaults; whatever a seeded record holds is added to these
_KNOWN = {
    "contacts": (
        "phone", "mobilephone", "company", "country", "hs_country_region_code", "lifecyclestage",
        "lifecycle_stage_reason", "hubspot_owner_id", "date_of_birth", "hs_analytics_source",
        "hs_analytics_source_data_1", "hs_analytics_source_data_2", "hs_merged_object_ids", "hs_additional_emails",
        "hs_email_optout",
    ),
    "deals": (
        "deal_currency_code", "closed_lost_reason", "hs_is_closed", "hs_is_closed_won", "hubspot_owner_id",
        "num_associated_contacts",
    ),
    "meetings": (
        "hs_timestamp", "hs_meeting_title", "hs_meeting_body", "hs_meeting_start_time", "hs_meeting_end_time",
        "hs_meeting_outcome", "hubspot_owner_id",
    ),
    "communications": (
        "hs_timestamp", "hs_communication_channel_type", "hs_communication_logged_from", "hs_communication_body",
        "hubspot_owner_id",
    ),
    "calls": ("hs_timestamp", "hs_call_direction", "hs_call_status", "hs_call_duration", "hubspot_owner_id"),
    "emails": ("hs_timestamp", "hs_email_direction", "hs_email_status", "hs_email_subject", "hubspot_owner_id"),
    "notes": ("hs_timestamp", "hs_note_body", "hubspot_owner_id"),
    "tasks": ("hs_timestamp", "hs_task_subject", "hs_task_status", "hubspot_owner_id"),
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}

_DATED = re.compile(
    r"^/(crm|communication-preferences)(?:/(objects|associations|pipelines|owners|properties))?/(\d{4}-\d\d)(/.*)?$"
)
_NUMBERED = re.compile(r"^/crm/v3/(objects|pipelines|owners|properties)(/.*)?$")
_FOURTH = re.compile(r"^/(?:crm/v4/(associations)|(communication-preferences)/v4)(/.*)?$")


def object_type(text: str) -> str | None:
    """The object type meant by a path's segment: its plural, singular or number."""
    return text if text in OBJECT_TYPES else _BY_NUMBER.get(text) or _PLURAL.get(text)


def singular(kind: str) -> str:
    return "company" if kind == "companies" else kind.removesuffix("s")


def defaults(kind: str) -> tuple[str, ...]:
    return DEFAULTS.get(kind, ENGAGEMENT_DEFAULTS)


def known_properties(kind: str) -> tuple[str, ...]:
    return (*defaults(kind), *_KNOWN.get(kind, ()))


def property_type(name: str) -> str:
    return _TYPE_OF.get(name, "string")


def resolve(path: str) -> tuple[str, str] | None:
    """(area, rest of the path) whatever the version's spelling: dated, v3, or v4 where only that exists."""
    dated = _DATED.match(path)
    if dated:
        system, area, version, rest = dated.groups()
        if version not in DATE_VERSIONS or (system == "crm") != bool(area):
            return None
        return area or "preferences", rest or ""
    numbered = _NUMBERED.match(path)
    if numbered:
        return numbered[1], numbered[2] or ""
    fourth = _FOURTH.match(path)
    if fourth:
        return "associations" if fourth[1] else "preferences", fourth[3] or ""
    return None
