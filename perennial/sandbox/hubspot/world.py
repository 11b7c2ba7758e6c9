"""The demo world's CRM as a HubSpot account would hand it out.

What lives here: contract tables of the demo → records in HubSpot's wire shape. What does not: the API.

Ids are the demo's without their letter (C100000 → "100000"): HubSpot's are numbers written as texts. What HubSpot has
no field for stands in custom properties named like the contract's columns: `lifecycle_stage_reason`,
`consent_<channel>`, a meeting's `value_amount` and `currency`. What it cannot carry: change_id (a change has no id) and
a consent's jurisdiction. Contacts merged away still stand beside their winner, as they do where they were read before
the merge. A no to e-mail is both the contact's hs_email_optout and, for a usable address, UNSUBSCRIBED; an open deal
has a closing date that is only hoped for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from perennial.demo.contacts import COUNTRIES, PLACEHOLDER_EMAILS

Record = dict[str, Any]

STAGES = {"qualified": "salesqualifiedlead", "disqualified": "90210001"}  # the rest are called the same
_STAGE_OPTIONS = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
    ("90210001", "disqualified"),
)
# Lead source → analytics source and its two details; None in the detail: the campaign
_SOURCES: dict[str, tuple[str, str | None, str | None]] = {
    "organic": ("ORGANIC_SEARCH", "Unknown keywords (SSL)", "Google"),
    "paid_search": ("PAID_SEARCH", None, "Unknown keywords (SSL)"),
    "social_ads": ("PAID_SOCIAL", "Facebook", None),
    "referral": ("REFERRALS", "www.example.org", "/partners"),
    "event": ("OFFLINE", "EVENT", "12-34567"),
    "import": ("OFFLINE", "IMPORT", "12-98765"),
}
# Who changed a stage → what HubSpot calls the sources of such a change; used in turn
_CHANGED_BY = {
    "human": ("CRM_UI", "MOBILE_IOS"),
    "agent": ("CUSTOMER_AGENT", "PROSPECTING_AGENT"),
    "rule": ("AUTOMATION_PLATFORM", "WORKFLOWS"),
    "event": ("FORM", "INTEGRATION"),
}
_DEAL_STAGES = {
    "proposal": ("presentationscheduled", "0.6", "false"),
    "closed won": ("closedwon", "1.0", "true"),
    "closed lost": ("closedlost", "0.0", "true"),
}
_OUTCOMES = {"kept": "COMPLETED", "missed": "NO_SHOW", "cancelled": "CANCELED", "booked": "SCHEDULED"}
MARKETING, ONE_TO_ONE, SERVICE = 7001, 7002, 7003


def records(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[Record]]:
    """Collection → records, for HubspotApi.seed; the demo's tables of the source `crm` by their contract names."""
    rows = {name: list(_rows(table)) for name, table in tables.items()}
    consents = _by_contact(rows.get("consents", []))
    changes = _by_contact(rows.get("crm_stage_changes", []), "contact_id")
    losers: dict[str, list[str]] = defaultdict(list)
    for row in rows.get("crm_contacts", []):
        if row["merged_into_id"]:
            losers[row["merged_into_id"]].append(numeric(row["contact_id"]))
    contacts = rows.get("crm_contacts", [])
    return {
        "properties": [_stage_property()],
        "pipelines": [_pipeline()],
        "definitions": _definitions(),
        "owners": [_owner(name) for name in sorted({row["owner_id"] for row in contacts if row["owner_id"]})],
        "contacts": [
            _contact(row, changes[row["contact_id"]], consents[row["contact_id"]], losers[row["contact_id"]])
            for row in contacts
        ],
        "deals": [_deal(row) for row in rows.get("crm_deals", [])],
        "meetings": [_meeting(row) for row in rows.get("appointments", [])],
        "statuses": [
            status for row in contacts for status in _statuses(row, consents[row["contact_id"]])
        ],
    }  # fmt: skip


def numeric(name: str) -> str:
    """The demo's id as HubSpot writes ids."""
    return str(int("".join(sign for sign in name if sign.isdigit())))


def _rows(table: pd.DataFrame) -> Iterator[Record]:
    for row in table.to_dict("records"):
        yield {name: None if pd.isna(value) else value for name, value in row.items()}


def _by_contact(rows: list[Record], column: str = "contact_ref") -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def _at(value: Any) -> str:
    return pd.Timestamp(value).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _amount(value: Any) -> str | None:
    return None if value is None else format(Decimal(str(value)).normalize(), "f")


def _record(name: str, created: str, updated: str, properties: dict[str, str | None], **more: Any) -> Record:
    return {
        "id": name,
        "properties": {"hs_object_id": name, **properties},
        "createdAt": created,
        "updatedAt": updated,
        "archived": False,
        **more,
    }


def _contact(row: Record, changes: list[Record], consents: list[Record], losers: list[str]) -> Record:
    created, updated = _at(row["created_at"]), _at(row["updated_at"])
    past = _history(row, changes, consents)
    properties = {
        "createdate": created,
        "lastmodifieddate": updated,
        "email": row["email"],
        "phone": row["phone"],
        "firstname": row["first_name"],
        "lastname": row["last_name"],
        "company": row["company"],
        "country": COUNTRIES.get(row["country"], row["country"]),
        "hs_country_region_code": row["country"],
        **_source(row["lead_source"], row["lead_campaign"]),
        **{name: entries[0]["value"] for name, entries in past.items() if entries},
        "lifecyclestage": _stage(row["lifecycle_stage"]),
        "hubspot_owner_id": row["owner_id"] and numeric(row["owner_id"]),
        "date_of_birth": row["birth_on"] and row["birth_on"].isoformat(),
        "hs_merged_object_ids": ";".join(losers) or None,
    }
    return _record(numeric(row["contact_id"]), created, updated, properties, propertiesWithHistory=past)


def _stage(word: str | None) -> str | None:
    return None if word is None else STAGES.get(word, word)


def _source(word: str | None, campaign: str | None) -> dict[str, str | None]:
    source, first, second = _SOURCES.get(word or "", (None, None, None))
    if word == "paid_search":
        first = campaign
    if word == "social_ads":
        second = campaign
    return {
        "hs_analytics_source": source,
        "hs_analytics_source_data_1": first,
        "hs_analytics_source_data_2": second,
    }


def _history(row: Record, changes: list[Record], consents: list[Record]) -> dict[str, list[Record]]:
    """Property → its values, the newest first."""
    past: dict[str, list[Record]] = {"lifecyclestage": [], "lifecycle_stage_reason": []}
    for place, change in enumerate(changes):
        entry = _entry(row, change["changed_at"], change["changed_by"], place)
        past["lifecyclestage"].append({"value": _stage(change["to_stage"]), **entry})
        if change["reason"]:
            past["lifecycle_stage_reason"].append({"value": change["reason"], **entry})
    for consent in consents:
        entry = _entry(row, consent["changed_at"], "human", 0) | {"sourceLabel": consent["evidence"]}
        if consent["channel"] != "email":
            past.setdefault(f"consent_{consent['channel']}", []).append({"value": consent["status"], **entry})
        elif consent["status"] == "denied":
            past.setdefault("hs_email_optout", []).append({"value": "true", **entry})
    for entries in past.values():
        entries.sort(key=lambda each: str(each["timestamp"]), reverse=True)
    return past


def _entry(row: Record, at: Any, changed_by: str, place: int) -> Record:
    kinds = _CHANGED_BY[changed_by]
    entry: Record = {"timestamp": _at(at), "sourceType": kinds[place % len(kinds)], "sourceLabel": None}
    if changed_by != "human":
        return {**entry, "sourceId": f"{entry['sourceType'].lower()}:{numeric(row['contact_id'])}"}
    user = _user(row["owner_id"] or "U0")
    return {**entry, "sourceId": f"userId:{user}", "updatedByUserId": user}


def _user(owner: str) -> int:
    return 9_000_000 + int(numeric(owner))


def _statuses(row: Record, consents: list[Record]) -> Iterator[Record]:
    """What was said about marketing e-mail, where the contact has an address that can be anybody's."""
    address = (row["email"] or "").strip().lower()
    if "@" not in address or address in PLACEHOLDER_EMAILS:
        return
    for consent in consents:
        if (consent["channel"], consent["purpose"]) != ("email", "marketing"):
            continue
        granted = consent["status"] == "granted"
        yield {
            "subscriberIdString": address,
            "subscriptionId": MARKETING,
            "subscriptionName": "Marketing Information",
            "channel": "EMAIL",
            "status": "SUBSCRIBED" if granted else "UNSUBSCRIBED",
            "source": consent["evidence"],
            "timestamp": _at(consent["changed_at"]),
            **({"legalBasis": "CONSENT_WITH_NOTICE"} if granted else {}),
        }


def _deal(row: Record) -> Record:
    created, updated = _at(row["created_at"]), _at(row["updated_at"])
    hoped_for = pd.Timestamp(row["created_at"]) + pd.Timedelta(days=90)
    properties = {
        "createdate": created,
        "hs_lastmodifieddate": updated,
        "dealname": f"Deal {numeric(row['deal_id'])}",
        "pipeline": "default",
        "dealstage": _DEAL_STAGES[row["stage"]][0],
        "amount": _amount(row["amount"]),
        "deal_currency_code": row["currency"],
        "closedate": _at(row["closed_at"] or hoped_for),
        "closed_lost_reason": row["lost_reason"],
        "hs_is_closed": str(row["status"] != "open").lower(),
        "hs_is_closed_won": str(row["status"] == "won").lower(),
    }
    return _record(
        numeric(row["deal_id"]), created, updated, properties, associations=_linked("deal", row["contact_id"])
    )


def _meeting(row: Record) -> Record:
    booked, starts = pd.Timestamp(row["booked_at"]), pd.Timestamp(row["starts_at"])
    created, updated = _at(booked), _at(booked if row["status"] == "booked" else max(booked, starts))
    properties = {
        "hs_createdate": created,
        "hs_lastmodifieddate": updated,
        "hs_timestamp": _at(starts),
        "hs_meeting_title": "Appointment",
        "hs_meeting_start_time": _at(starts),
        "hs_meeting_end_time": _at(starts + pd.Timedelta(minutes=30)),
        "hs_meeting_outcome": _OUTCOMES[row["status"]],
        "value_amount": _amount(row["value_amount"]),
        "currency": row["currency"],
    }
    name = numeric(row["appointment_id"])
    return _record(name, created, updated, properties, associations=_linked("meeting", row["contact_ref"]))


def _linked(kind: str, contact: str | None) -> Record:
    if contact is None:
        return {}
    return {"contacts": {"results": [{"id": numeric(contact), "type": f"{kind}_to_contact"}]}}


def _owner(name: str) -> Record:
    return {
        "id": numeric(name),
        "email": f"owner{numeric(name)}@example.com",
        "firstName": "Owner",
        "lastName": numeric(name),
        "userId": _user(name),
        "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2020-01-01T00:00:00.000Z",
        "archived": False,
    }


def _stage_property() -> Record:
    return {
        "id": "contacts/lifecyclestage",
        "name": "lifecyclestage",
        "label": "Lifecycle Stage",
        "type": "enumeration",
        "fieldType": "radio",
        "groupName": "contactinformation",
        "options": [
            {"value": value, "label": label, "displayOrder": place, "hidden": False}
            for place, (value, label) in enumerate(_STAGE_OPTIONS)
        ],
    }


def _pipeline() -> Record:
    return {
        "id": "default",
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "archived": False,
        "createdAt": "2020-01-01T00:00:00.000Z",
        "updatedAt": "2020-01-01T00:00:00.000Z",
        "stages": [
            {
                "id": name,
                "label": label,
                "displayOrder": place,
                "archived": False,
                "metadata": {"probability": probability, "isClosed": closed},
            }
            for place, (label, (name, probability, closed)) in enumerate(_DEAL_STAGES.items())
        ],
    }


def _definitions() -> list[Record]:
    named = (
        (MARKETING, "Marketing Information", "Marketing"),
        (ONE_TO_ONE, "One to One", "Sales"),
        (SERVICE, "Customer Service Communication", "Service"),
    )
    return [
        {
            "id": str(number),
            "name": name,
            "description": name,
            "purpose": purpose,
            "communicationMethod": "Email",
            "isActive": True,
            "isDefault": True,
            "isInternal": purpose == "Sales",
            "createdAt": "2020-01-01T00:00:00.000Z",
            "updatedAt": "2020-01-01T00:00:00.000Z",
        }
        for number, name, purpose in named
    ]
