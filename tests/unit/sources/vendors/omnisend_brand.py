"""A small Omnisend brand for the connector's tests, and what of it is landed.

What lives here: the brand's records and the comparison of both sides. What does not: any test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from perennial.sandbox.core import iso, moment
from perennial.sandbox.omnisend.api import OmnisendApi
from tests.support.vendor import VendorWorld, vendor_world

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
PAGE = 10
KEYS = {
    "contacts": "contact_id", "contact_channels": "contact_id, identifier, channel", "contact_ids": "contact_id",
    "contact_consents": "contact_id, channel, kind, stated_at", "campaigns": "campaign_id",
    "automations": "automation_id",
}  # fmt: skip

_STATES = (
    "select * from {} where not is_superseded"
    " qualify row_number() over (partition by contact_id order by updated_at desc, load_id desc) = 1"
)


def at(minutes: float) -> str:
    return iso(START + timedelta(minutes=minutes))


def contact(number: int, updated: str | None = None, **more: Any) -> dict[str, Any]:
    """A contact with an e-mail; every fourth has refused."""
    status = "unsubscribed" if number % 4 == 0 else "subscribed"
    state = {"status": status, "statusChangedAt": at(number)}
    return {
        "id": f"c{number:05}", "createdAt": at(number), "updatedAt": updated or at(number),
        "lastName": f"Canary{number}",
        "identifiers": [{"id": f"canary-{number}@leak.test", "type": "email", "channels": {"email": state}}],
        "consents": [{"channel": "email", "source": "form", "createdAt": at(number - 1)}],
        "customProperties": {f"canary_{number}": "leak.test"},
        **more,
    }  # fmt: skip


def campaign(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"k{number:03}", "name": f"Campaign {number}", "status": "sent", "createdAt": at(number), **more}


def automation(number: int, **more: Any) -> dict[str, Any]:
    blocks = [{"id": "b1", "type": "delay"}, {"id": "b2", "type": "action", "action": {"type": "sendSms"}}]
    return {"id": f"a{number:03}", "name": f"Rule {number}", "createdAt": at(number), "blocks": blocks, **more}


def stocked(api: OmnisendApi) -> OmnisendApi:
    """57 contacts, 25 of them updated in one second, 23 campaigns, 12 automations. Pages hold ten."""
    api.seed("contacts", [contact(number, at(100) if 20 <= number < 45 else None) for number in range(1, 58)])
    api.seed("campaigns", [campaign(number) for number in range(1, 24)])
    api.seed("automations", [automation(number) for number in range(1, 13)])
    return api


@contextmanager
def brand(root: Path, api: OmnisendApi | None = None, **settings: Any) -> Iterator[VendorWorld]:
    settings = {"page_size": PAGE, "timeout_seconds": 5, "call_seconds": 20, **settings}
    with vendor_world(root, api or stocked(OmnisendApi(limits=1000)), **settings) as world:
        yield world


def landed(world: VendorWorld) -> dict[str, dict[str, Any]]:
    """Collection → what counts of it now: key → a few of its values."""
    contacts = {key: row for key, row in world.newest("contacts", "contact_id").items() if not row["is_deleted"]}
    states = {row["contact_id"]: row for row in world.query(_STATES.format(world.files("contact_channels")))}
    return {
        "contacts": {key: (row["last_name"], row["updated_at"], row["email"]) for key, row in contacts.items()},
        "states": {
            key: (states[key]["status"], states[key]["changed_at"], states[key]["identifier"]) for key in contacts
        },
        "campaigns": _named(world, "campaigns", "campaign_id"),
        "automations": _named(world, "automations", "automation_id"),
    }  # fmt: skip


def _named(world: VendorWorld, table: str, key: str) -> dict[str, Any]:
    return {name: row["name"] for name, row in world.newest(table, key).items() if not row["is_deleted"]}


def held(world: VendorWorld) -> dict[str, dict[str, Any]]:
    """The same of the brand itself."""
    records = world.vendor.held()
    contacts = records["contacts"]
    return {
        "contacts": {
            key: (each["lastName"], _plain(each["updatedAt"]), each["email"]) for key, each in contacts.items()
        },
        "states": {
            key: (each["status"], _plain(each["statuses"][0]["statusChangedAt"]), each["email"])
            for key, each in contacts.items()
        },
        "campaigns": {key: each["name"] for key, each in records["campaigns"].items()},
        "automations": {key: each["name"] for key, each in records["automations"].items()},
    }


def _plain(text: str) -> datetime:
    return moment(text).replace(tzinfo=None)


def duplicates(world: VendorWorld) -> dict[str, int]:
    return {table: count for table, key in KEYS.items() if (count := world.duplicates(table, key))}


def pages_asked(world: VendorWorld, start: int = 0) -> list[str]:
    """The streams that pages were asked of, from a place in the journal on: the second walks, backwards, left out."""
    found, names = [], {"updatedAt": "contacts", "createdAt": "contact_ids"}
    for entry in world.sandbox.journal.of("omnisend")[start:]:
        if "direction=asc" in entry.query:
            name = entry.path.rpartition("/")[2]
            found.append(names[entry.query.partition("sort=")[2].partition("&")[0]] if name == "contacts" else name)
    return found
