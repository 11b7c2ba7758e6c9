"""HubSpot in trouble: every fault of its sandbox, shapes that drift, answers that hold too little; and nobody named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.hubspot.api import FAULTS, HubspotApi
from perennial.sources.api.http import Busy, Reply
from perennial.sources.base import SourceFailed, SourceUnavailable
from perennial.sources.hubspot import adapter
from perennial.sources.hubspot.adapter import judge
from tests.support.vendor import NOW, VendorWorld, vendor_world
from tests.unit.sources.vendors.hubspot_world import CONTACTS_ONLY, check, contact, iso, seed_some

CANARY = "leak.test"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorWorld]:
    """Contacts alone, every address a canary; what HubSpot's windows make us wait is shortened tenfold."""
    monkeypatch.setattr(adapter, "WAITS", {"TEN_SECONDLY_ROLLING": 1.0, "SECONDLY": 0.4})
    monkeypatch.setattr(adapter, "LOCKED", 0.3)
    with vendor_world(tmp_path / "home", HubspotApi(limits=1_000), page_size=20, **CONTACTS_ONLY) as made:
        seed_some(made.vendor)
        people = [contact(each, NOW, email=f"canary-{each}@{CANARY}") for each in range(1, 46)]
        made.vendor.seed("contacts", people)
        yield made


def everything_said(world: VendorWorld, caplog: pytest.LogCaptureFixture) -> str:
    reports = [f"{report.reason} {report.warnings} {report.traffic}" for report in world.reports]
    return "\n".join([*reports, caplog.text])


# every fault: the night gets through, or says why and the next one does

PASSING = [
    ("ten_secondly", {}, 1.0),
    ("secondly", {"match": "search"}, 0.4),
    ("locked", {}, 0.3),
    ("migrating", {"seconds": 1}, 1.0),
    ("mixed_207", {"match": "batch/read"}, 0.0),
    ("mixed_207", {"match": "batch/read", "category": "OBJECT_NOT_FOUND"}, 0.0),
    ("page_repeated", {"match": "search"}, 0.0),
    ("page_skipped", {"match": "search"}, 0.0),
    ("page_half", {"match": "search"}, 0.0),
    ("page_empty", {"match": "search"}, 0.0),
    ("status", {"status": 502}, 0.0),
    ("status", {"status": 503, "headers": {"retry-after": "1"}}, 1.0),
    ("status", {"status": 524}, 0.0),
    ("html", {"match": "search"}, 0.0),
    ("empty_body", {"match": "batch/read"}, 0.0),
    ("errors_body", {"match": "batch/read"}, 0.0),
    ("cut_off", {"match": "batch/read"}, 0.0),
    ("reset_after", {"match": "search"}, 0.0),
    ("stall", {"seconds": 0.3, "match": "search"}, 0.0),
]


@pytest.mark.parametrize(("fault", "options", "waits"), PASSING, ids=[f"{each[0]}-{each[1]}" for each in PASSING])
def test_a_passing_trouble_is_waited_out_and_everything_is_landed(
    world: VendorWorld, caplog: pytest.LogCaptureFixture, fault: str, options: dict[str, Any], waits: float
) -> None:
    caplog.set_level(logging.DEBUG)
    world.arm(fault, times=2, **options)
    report = world.land_well()
    assert world.sandbox.faults.left() == 0
    assert report.traffic["waited_seconds"] >= 2 * waits
    check(world, "contacts")
    said = everything_said(world, caplog)
    assert CANARY not in said and "sandbox-hubspot-token" not in said


@pytest.mark.parametrize(
    ("fault", "options", "said"),
    [
        ("daily", {}, "used up"),
        ("missing_scopes", {"scopes": ["crm.objects.contacts.read"]}, "(crm.objects.contacts.read)"),
        ("invalid_authentication", {}, "401"),
        ("status", {"status": 404, "body": {"message": f"canary-1@{CANARY}", "category": f"a@{CANARY}"}}, "404"),
        ("status", {"status": 400, "body": {"message": f"canary-1@{CANARY}"}, "match": "search"}, "400"),
        ("status", {"status": 477, "headers": {"retry-after": "86400"}}, "another data centre"),
        ("html", {"times": 3, "match": "search"}, "not JSON"),
        ("page_empty", {"times": 9, "match": '"limit":20'}, "hands over 0"),
        ("mixed_207", {"times": 4, "match": "batch/read"}, "cannot be read"),
    ],
)
def test_a_lasting_trouble_is_told_and_the_next_night_has_everything(
    world: VendorWorld, caplog: pytest.LogCaptureFixture, fault: str, options: dict[str, Any], said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    world.arm(fault, **options)
    assert said in str(world.land().reason)
    assert not world.newest("contacts", "contact_id"), "nothing of a failed load is landed"
    world.sandbox.faults.disarm()
    world.land_well()
    check(world, "contacts")
    told = everything_said(world, caplog)
    assert CANARY not in told and "sandbox-hubspot-token" not in told


def test_every_fault_that_the_sandbox_knows_of_hubspot_is_played_here() -> None:
    lasting = {"daily", "missing_scopes", "invalid_authentication"}
    assert set(FAULTS) == lasting | {"stale_index"} | {each[0] for each in PASSING if each[0] in FAULTS}


def test_what_a_stale_index_hides_is_landed_the_next_night(world: VendorWorld) -> None:
    world.land_well()
    later = world.now + timedelta(minutes=30)
    world.vendor.seed("contacts", [contact(each, later) for each in (4, 5, 60)])
    world.arm("stale_index", times=50, records=3)
    world.land_well()
    assert "60" not in world.newest("contacts", "contact_id")
    world.sandbox.faults.disarm()
    world.land_well()
    check(world, "contacts")


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, {}, 10.0),
        (429, {"policyName": "SECONDLY"}, {}, 1.0),
        (429, {}, {}, 10.0),
        (423, {}, {}, 2.0),
        (477, {}, {"retry-after": "120"}, 120.0),
    ],
)
def test_how_long_hubspot_asks_to_be_left_alone(
    status: int, body: dict[str, str], headers: dict[str, str], seconds: float
) -> None:
    with pytest.raises(Busy) as raised:
        judge(Reply(status, headers, orjson.dumps(body), datetime.now(UTC)))
    assert raised.value.seconds == seconds


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"policyName": "DAILY"}', SourceUnavailable),
        (403, b"not json", SourceFailed),
        (403, b"[1]", SourceFailed),
    ],
)
def test_what_no_waiting_mends_is_not_waited_for(status: int, body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        judge(Reply(status, {}, body, datetime.now(UTC)))


def test_the_real_windows_of_a_small_account_are_kept(tmp_path: Path) -> None:
    with vendor_world(tmp_path / "home", HubspotApi(), **CONTACTS_ONLY, requests_per_second=9) as world:
        seed_some(world.vendor)
        report = world.land_well()
        assert report.traffic["repeats"] == {}
        check(world, "contacts")


# answers that hold too little


class Forgetful(HubspotApi):
    """Loses contacts without a word: neither deleted nor merged, and its counts agree."""

    def forget(self, names: list[str]) -> None:
        for name in names:
            self._store.objects["contacts"].pop(name)
        self._store.put("contacts", [])


@pytest.mark.parametrize("lost", [range(1, 46), range(20, 46, 2)], ids=["everything", "half"])
def test_a_night_that_lacks_what_was_held_closes_the_gate(tmp_path: Path, lost: range) -> None:
    with vendor_world(tmp_path / "home", Forgetful(limits=1_000), page_size=20, **CONTACTS_ONLY) as world:
        seed_some(world.vendor)
        world.land_well()
        before = world.newest("contacts", "contact_id")
        world.vendor.forget([str(each) for each in lost])
        report = world.land()
        assert report.is_gated
        assert "rows held that had to come again" in str(report.reason)
        assert world.newest("contacts", "contact_id") == before


def test_deletions_do_not_close_the_gate(world: VendorWorld) -> None:
    world.land_well()
    gone = iso(world.now)
    for number in range(1, 40):
        world.vendor.seed("contacts", [contact(number, world.now) | {"archived": True, "archivedAt": gone}])
    assert not world.land_well().is_gated
    check(world, "contacts")


# shapes that drift


class Drifting(HubspotApi):
    """Changes every contact on its way out."""

    change: Callable[[dict[str, Any]], None] | None = None

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.change is not None and asked.path.endswith("contacts/batch/read"):
            content = orjson.loads(answer.body())
            for each in content["results"]:
                self.change(each)
            return Answer(answer.status, content, answer.headers, records=answer.records, ids=answer.ids)
        return answer


@pytest.fixture
def drifting(tmp_path: Path) -> Iterator[VendorWorld]:
    with vendor_world(tmp_path / "home", Drifting(limits=1_000), **CONTACTS_ONLY) as made:
        seed_some(made.vendor)
        made.land_well()
        yield made


def test_a_new_field_is_reported_and_kept_in_the_payload(drifting: VendorWorld) -> None:
    drifting.vendor.change = lambda item: item.update(objectWriteTraceId="t-1")
    report = drifting.land_well()
    assert [each for each in report.warnings if "new column objectWriteTraceId" in each]
    (payload,) = [drifting.root / each.place for each in report.files if "contacts.records" in each.place]
    lines = f"read_json('{payload}', format = 'newline_delimited', compression = 'zstd', columns = {{page: 'JSON'}})"
    text = drifting.query(f"select cast(page as varchar) as content from {lines}")
    assert "objectWriteTraceId" in text[0]["content"]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda item: item["properties"].pop("lifecyclestage"), "properties.lifecyclestage is no longer there"),
        (lambda item: item.pop("propertiesWithHistory"), "propertiesWithHistory is no longer there"),
        (lambda item: item["properties"].update(email={"value": f"a@{CANARY}"}), "properties.email (text, now object)"),
        (lambda item: item.update(archived="no"), "archived (boolean, now text)"),
    ],
    ids=["vanished", "history vanished", "retyped", "flag retyped"],
)
def test_a_vanished_or_retyped_field_stops_the_source_by_its_name(
    drifting: VendorWorld, change: Callable[[dict[str, Any]], None], column: str
) -> None:
    before = drifting.newest("contacts", "contact_id")
    drifting.vendor.change = change
    drifting.vendor.seed("contacts", [contact(1, drifting.now)])
    reason = str(drifting.land().reason)
    assert column in reason
    assert CANARY not in reason
    assert drifting.newest("contacts", "contact_id") == before
    drifting.vendor.change = None
    drifting.land_well()
    check(drifting, "contacts")
