"""A HubSpot account for the connector's tests: records in its wire shape, and what should be landed of them.

What lives here: seeding, and comparing what the sandbox holds with what was landed. What does not: any test.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from perennial.sandbox.hubspot.api import HubspotApi
from tests.support.vendor import NOW, VendorWorld

BEGAN = NOW - timedelta(days=30)
CONTACTS_ONLY = {"objects": ["contacts"]}
KEYS = {
    "contacts": "contact_id", "deals": "deal_id", "meetings": "meeting_id", "calls": "engagement_id",
    "emails": "engagement_id", "communications": "engagement_id",
}  # fmt: skip


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def contact(number: int, changed: datetime, **properties: str | None) -> dict[str, Any]:
    """Its lifecycle: a lead from the beginning, and since it changed whatever `lifecyclestage` says."""
    stage = properties.get("lifecyclestage", "lead")
    past = [{"value": "lead", "timestamp": iso(BEGAN), "sourceType": "FORM", "sourceId": "form"}]
    if stage != "lead":
        person = {"sourceType": "CRM_UI", "sourceId": "userId:7", "updatedByUserId": 7}
        past.insert(0, {"value": stage, "timestamp": iso(changed), **person})
    return {
        "id": str(number),
        "properties": {
            "email": f"c{number}@example.com", "firstname": "First", "lifecyclestage": stage, **properties,
        },
        "propertiesWithHistory": {"lifecyclestage": past},
        "createdAt": iso(BEGAN),
        "updatedAt": iso(changed),
    }  # fmt: skip


def other(kind: str, number: int, changed: datetime, about: int | None = None, **properties: str) -> dict[str, Any]:
    """A deal or an engagement, linked to a contact."""
    links = {"contacts": {"results": [{"id": str(about), "type": "any"}]}} if about is not None else {}
    needed = {
        "deals": {"dealname": "Deal", "pipeline": "default", "dealstage": "won", "amount": "10.50"},
        "meetings": {"hs_meeting_outcome": "SCHEDULED", "hs_meeting_start_time": iso(changed)},
    }.get(kind, {"hs_timestamp": iso(changed)})
    return {
        "id": str(number),
        "properties": {**needed, **properties},
        "createdAt": iso(BEGAN),
        "updatedAt": iso(changed),
        "associations": links,
    }


def seed_some(api: HubspotApi, contacts: int = 45, spacing: timedelta = timedelta(minutes=1)) -> None:
    """Contacts changed one after the other before NOW, and a few of everything else about the first of them."""
    first = NOW - contacts * spacing
    api.seed("contacts", [contact(each + 1, first + each * spacing) for each in range(contacts)])
    for position, kind in enumerate(list(KEYS)[1:]):
        start = 1_000 * (position + 1)
        api.seed(kind, [other(kind, start + each, first + each * spacing, each + 1) for each in range(12)])
    api.seed("definitions", [{"id": "1", "name": "News", "purpose": "Marketing", "communicationMethod": "Email"}])
    api.seed("pipelines", [{"id": "default", "stages": [{"id": "won", "label": "Won", "metadata": {}}]}])


def check(world: VendorWorld, *kinds: str) -> None:
    """What is landed is what the account holds, each record once in its newest state."""
    held = world.vendor.held()
    for kind in kinds or ("contacts", "deals"):
        key = KEYS[kind]
        landed = {
            name: (row["updated_at"].replace(tzinfo=UTC), bool(row["is_deleted"]))
            for name, row in world.newest(kind, key).items()
        }
        expected = {
            name: (
                datetime.fromisoformat(record["archivedAt"] if record["archived"] else record["updatedAt"]),
                record["archived"],
            )
            for name, record in held[kind].items()
        }
        assert landed == expected, kind
        assert world.duplicates(kind, key) == 0, kind
    stages = {
        (row["contact_id"], row["value"], row["changed_at"].replace(tzinfo=UTC))
        for row in world.rows("contact_changes")
        if row["property"] == "lifecyclestage"
    }
    for name, record in held["contacts"].items():
        for entry in record["propertiesWithHistory"]["lifecyclestage"]:
            assert record["archived"] or (name, entry["value"], datetime.fromisoformat(entry["timestamp"])) in stages
    assert world.duplicates("contact_changes", "change_id") == 0


def batch_ids(world: VendorWorld) -> list[str]:
    """The ids of the contacts that batches handed over, as the sandbox noted them down."""
    journal = world.sandbox.journal.of("hubspot")
    return [name for entry in journal if entry.path.endswith("contacts/batch/read") for name in entry.ids]
