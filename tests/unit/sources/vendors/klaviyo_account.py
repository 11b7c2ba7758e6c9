"""A Klaviyo account for the tests of its connector: records in the vendor's shape, and a source that reads it.

What lives here: no test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from perennial.sandbox.klaviyo import shapes
from perennial.sandbox.klaviyo.api import KlaviyoApi
from perennial.sandbox.klaviyo.shapes import Record
from tests.support.vendor import VendorWorld, vendor_world

START = datetime(2026, 2, 1, 9, tzinfo=UTC)
KEYS = {
    "profiles": "profile_id",
    "events": "event_id",
    "metrics": "metric_id",
    "campaigns": "campaign_id",
    "flows": "flow_id",
}
METRIC = "Received Email"
_BARE = re.compile("(^|&)fields%5B")


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def profile(number: int, updated: int | None = None, **attributes: Any) -> Record:
    mail = {
        "can_receive_email_marketing": True, "consent": "SUBSCRIBED", "consent_timestamp": shapes.written(at(0)),
        "last_updated": shapes.written(at(0)), "method": "API", "method_detail": "", "suppression": [],
        "list_suppressions": [],
    }  # fmt: skip
    subscriptions = {"email": {"marketing": mail}, "sms": None, "mobile_push": None, "whatsapp": None}
    seconds = number if updated is None else updated
    record = shapes.profile(f"P{number:06d}", shapes.written(at(number)), shapes.written(at(seconds)), subscriptions)
    record["attributes"] |= {"email": f"canary-{number}@leak.test", "external_id": f"c-{number}", **attributes}
    return record


def suppressed(record: Record, reason: str, seconds: int) -> Record:
    """The profile as it is once it was suppressed; its `updated` stays."""
    told = [{"reason": reason, "timestamp": shapes.written(at(seconds))}]
    subscriptions = record["attributes"]["subscriptions"]
    mail = {**subscriptions["email"]["marketing"], "can_receive_email_marketing": False, "suppression": told}
    changed = {**subscriptions, "email": {"marketing": mail}}
    return {**record, "attributes": {**record["attributes"], "subscriptions": changed}}


def event(number: int, seconds: int | None = None, owner: int = 0, metric: str = METRIC, **properties: Any) -> Record:
    when = at(number if seconds is None else seconds)
    known = {"$message": "m1", "$_cohort$message_send_cohort": f"{shapes.seconds(when) - 3}:m1", **properties}
    return shapes.event(f"E{number:06d}", metric, f"P{owner:06d}", when, known)


def campaign(number: int, channel: str = "email") -> tuple[Record, Record]:
    identifier, name, when = f"C{number}", f"News {number}", shapes.written(at(number))
    made = shapes.campaign(identifier, name, channel, when, [f"m{number}"], [shapes.tag("stage: lapsed")["id"]])
    return made, shapes.campaign_message(f"m{number}", identifier, name, channel, when)


def fill(api: KlaviyoApi, profiles: int = 110, events: int = 210) -> None:
    """More than one page of each long list."""
    api.seed("metrics", [shapes.metric(name, shapes.written(at(0))) for name in (METRIC, "Opened Email")])
    api.seed("tags", [shapes.tag("stage: lapsed")])
    for number, channel in enumerate(("email", "email", "sms", "mobile_push")):
        made, message = campaign(number, channel)
        api.seed("campaigns", [made])
        api.seed("campaign-messages", [message])
    when = shapes.written(at(0))
    api.seed("flow-actions", [shapes.flow_action("900", "F1", "send-email", "fm1", "Welcome", when)])
    api.seed("flows", [shapes.flow("F1", "Hello", "Added to List", when, ["900"], [])])
    api.seed("profiles", [profile(number) for number in range(profiles)])
    api.seed("events", [event(number, owner=number % profiles) for number in range(events)])


@contextmanager
def account(root: Path, api: KlaviyoApi | None = None, **settings: Any) -> Iterator[VendorWorld]:
    """A filled account, or the one given. Pages of events are small, so that there are several."""
    if api is None:
        api = KlaviyoApi(limits=10_000)
        fill(api)
    with vendor_world(root, api, **{"page_size": 50, "call_seconds": 20, **settings}) as world:
        yield world


def held(world: VendorWorld, collection: str) -> set[str]:
    return set(world.vendor.held()[collection])


def assert_whole(world: VendorWorld, collections: Sequence[str] = tuple(KEYS)) -> None:
    """Every record that is held is landed in its present state, nothing else is in force, and nothing twice."""
    for collection in collections:
        newest = world.newest(collection, KEYS[collection])
        alive = {key for key, row in newest.items() if not row.get("is_deleted")}
        assert alive == held(world, collection), collection
        assert world.duplicates(collection, KEYS[collection]) == 0, collection
    for identifier, row in world.newest("profiles", "profile_id").items():
        if not row["is_deleted"]:
            known = world.vendor.held()["profiles"][identifier]["attributes"]
            assert row["email"] == known["email"] and row["first_name"] == known["first_name"]


def walked(world: VendorWorld, path: str, after: int = 0) -> list[str]:
    """The ids handed over by a list's main walk, from a place in the journal on; listings of bare ids are left out."""
    return [
        each
        for entry in world.sandbox.journal.of("klaviyo")[after:]
        if entry.path == path and not _BARE.search(entry.query)
        for each in entry.ids
    ]
