"""Landing an Omnisend brand: loads, nights, backfills, kills and faults give exactly what the brand holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perennial.config.vendors.omnisend import Settings
from perennial.landing.manifest import LoadReport
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.omnisend.api import OmnisendApi
from perennial.sources.base import Window
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.omnisend_brand import (
    PAGE,
    at,
    automation,
    brand,
    campaign,
    contact,
    duplicates,
    held,
    landed,
    pages_asked,
    stocked,
)

SECRETS = ("leak.test", "Canary", "canary_", "sandbox-omnisend-token")
LISTS = ("/contacts", "/campaigns", "/automations")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[VendorWorld]:
    with brand(tmp_path) as found:
        yield found


def told(report: LoadReport) -> str:
    return f"{report.reason} {report.warnings} {report.traffic}"


def safe(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_a_full_load_lands_what_the_brand_holds(world: VendorWorld) -> None:
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert [table.quarantined for table in report.tables] == [0] * 6
    handed = {each for entry in world.sandbox.journal.of("omnisend") for each in entry.ids}
    assert handed == {each for records in world.vendor.held().values() for each in records}


def test_a_night_lands_what_changed_came_and_went(world: VendorWorld) -> None:
    world.land_well()
    left = contact(5, at(500))
    left["identifiers"][0]["channels"]["email"] = {"status": "unsubscribed", "statusChangedAt": at(499)}
    world.vendor.seed("contacts", [left, contact(58, at(550)), contact(59, at(600)), {"id": "c00007", "_gone": True}])
    world.vendor.seed("campaigns", [campaign(2, updatedAt=at(700), name="Renamed"), {"id": "k003", "_gone": True}])
    world.vendor.seed("automations", [automation(13)])
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    by_table = {table.table: table.landed for table in report.tables}
    assert by_table == {
        "contacts": 4, "contact_ids": 3, "contact_channels": 3, "contact_consents": 3, "campaigns": 2,
        "automations": 1,
    }  # fmt: skip


def test_a_night_without_changes_lands_nothing_and_asks_for_few_contacts(world: VendorWorld) -> None:
    world.land_well()
    before = world.calls()
    report = world.land_well(find_deleted=False)
    assert sum(table.landed for table in report.tables) == 0
    assert world.calls() - before <= 16
    assert "contact_ids" not in pages_asked(world, before)


def test_a_contact_that_is_hidden_for_a_night_comes_back(world: VendorWorld) -> None:
    gone = world.vendor.held()["contacts"]["c00004"]
    for change in ({"id": "c00004", "_gone": True}, gone):
        world.land_well()
        world.vendor.seed("contacts", [change])
    assert "c00004" not in landed(world)["contacts"]
    world.land_well()
    assert set(landed(world)["contacts"]) == set(held(world)["contacts"])
    assert landed(world)["states"] == held(world)["states"]


def test_a_first_load_can_begin_at_a_date_and_a_backfill_brings_a_stretch_before_it(tmp_path: Path) -> None:
    with brand(tmp_path, since="2026-01-06") as world:
        old = [contact(number, f"2026-01-0{number - 100}T00:00:00Z") for number in range(102, 107)]
        world.vendor.seed("contacts", old)
        world.land_well()
        assert set(landed(world)["contacts"]) == {"c00106"}
        watermark = world.reports[-1].state["streams"]["contacts"]["watermark"]
        before = world.calls()
        window = Window(datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC), "backfill")
        world.land_well(window=window)
        assert set(landed(world)["contacts"]) == set(held(world)["contacts"]) - {"c00102"}
        assert set(pages_asked(world, before)) == {"contacts"}
        assert world.reports[-1].state["streams"]["contacts"]["watermark"] == watermark
        assert duplicates(world) == {}


@pytest.mark.parametrize(
    ("failpoint", "noted"),
    [
        ("page_fetched:3:kill9", []),
        ("pages_noted:2:kill9", ["contacts"]),
        ("page_fetched:9:kill9", ["contacts"]),
        ("load_staged:1:kill9", ["contacts"]),
        ("load_written:1:kill9", ["contacts", "contact_ids", "campaigns", "automations"]),
        ("load_committed:1:kill9", None),
    ],
)
def test_after_a_kill_the_next_run_lands_everything_once_and_asks_for_nothing_noted(
    world: VendorWorld, failpoint: str, noted: list[str] | None
) -> None:
    assert world.land_killed(failpoint) == -9
    before = world.calls()
    report = world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert report.traffic["is_resumed"] is (noted is not None)  # after a commit comes an ordinary night
    assert not set(pages_asked(world, before)) & set(noted or [])


def test_5_001_contacts_of_one_second_are_all_landed(tmp_path: Path) -> None:
    api = OmnisendApi(limits=1000)
    api.seed("contacts", [{"id": f"c{number:05}", "createdAt": at(0)} for number in range(5_001)])
    with brand(tmp_path, api, page_size=250, find_deleted=False) as world:
        world.land_well()
        assert len(world.newest("contacts", "contact_id")) == 5_001


class Busy(OmnisendApi):
    """A brand in which something happens after each of the first pages of contacts."""

    def __init__(self, *changes: list[dict[str, Any]]) -> None:
        super().__init__(limits=1000)
        stocked(self)
        self._changes = list(changes)

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if asked.path.endswith("/contacts") and self._changes:
            self.seed("contacts", self._changes.pop(0))
        return answer


def test_contacts_that_come_change_and_go_while_pages_are_read_are_all_landed(tmp_path: Path) -> None:
    api = Busy(
        [contact(2, at(1000)), contact(3, at(1001)), contact(70, at(1002))],
        [contact(71, at(100)), contact(25, at(1003)), {"id": "c00001", "_gone": True}, {"id": "c00030", "_gone": True}],
        [contact(2, at(1004)), contact(72, at(1005))],
    )
    with brand(tmp_path, api) as world:
        world.land_well()
        assert not api._changes
        assert set(landed(world)["contacts"]) - set(held(world)["contacts"]) <= {"c00001"}  # it went when it was read
        world.land_well()
        assert landed(world) == held(world)
        assert duplicates(world) == {}


def test_faults_on_the_way_cost_no_record_and_give_nobody_away(
    world: VendorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    passing: list[dict[str, Any]] = [
        {"fault": "rate_limited"}, {"fault": "html"}, {"fault": "status", "status": 503}, {"fault": "empty_body"},
        {"fault": "errors_body"}, {"fault": "cut_off"}, {"fault": "reset_after"}, {"fault": "stall", "seconds": 4},
        {"fault": "cursor_rejected", "match": "after="},
    ]  # fmt: skip
    for place, options in enumerate(passing):  # never two in a row: waits grow
        world.arm(**{"match": LISTS[place % 3], **options}, after=1 + place // 3)
    report = world.land_well(timeout_seconds=2, page_size=4)
    assert world.sandbox.faults.left() == 0
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert report.traffic["waited_seconds"] >= 0.9  # the one the brand asked for, at least
    assert safe(caplog.text + told(report))


@pytest.mark.parametrize("turn", range(4))
def test_wrong_pages_cost_no_record(world: VendorWorld, turn: int) -> None:
    faults = ["page_repeated", "page_skipped", "page_half", "page_empty"]
    for place, each in enumerate((*LISTS, "contacts?limit=10&sort=createdAt")):
        world.arm(faults[(place + turn) % 4], match=each)
    report = world.land_well()
    assert world.sandbox.faults.left() == 0
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert report.warnings == ()


def test_a_fault_that_stays_fails_with_its_reason_and_the_load_after_it_has_everything(
    world: VendorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault, options, why in [
        ("rate_limited", {"retry_after": 100}, "asks for 100 s more"),
        ("rate_limited", {"retry_after": None}, "asks for 60 s more"),
        ("version_retired", {}, "set `api_version`"),
        ("status", {"status": 401, "body": {"code": "canary-1@leak.test"}}, "token_env"),
        ("status", {"status": 400, "body": {"errors": [{"field": "canary-1@leak.test"}]}}, "HTTP 400"),
        ("status", {"status": 200, "body": {"contacts": ["canary-1@leak.test"]}}, "not built as expected"),
        ("html", {}, "not JSON"),
        ("empty_body", {}, "nothing"),
        ("errors_body", {}, "reports errors"),
        ("cut_off", {}, "cannot be reached"),
        ("slow", {"seconds": 0.2}, "cannot be reached"),
        ("stall", {"seconds": 2}, "cannot be reached"),
        ("cursor_rejected", {"match": "after="}, "refuses the places it names itself"),
    ]:
        world.arm(fault, times=500, **{"match": "/contacts", **options})  # type: ignore[arg-type]
        report = world.land(call_seconds=1, timeout_seconds=0.5 if fault in ("slow", "stall") else 5)
        assert why in (report.reason or "nothing failed"), fault
        assert safe(caplog.text + told(report)), fault
        world.sandbox.faults.disarm()
    assert "set `api_version`" in (world.land(api_version="2025-06-01").reason or "")
    assert "set `api_version`" in (world.land(api_version="2031-01-01").reason or "")
    world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}


def test_the_wait_a_brand_asks_for_in_the_body_is_kept(world: VendorWorld) -> None:
    world.arm("rate_limited", retry_after=2)
    began = time.monotonic()
    report = world.land_well()
    assert time.monotonic() - began >= 2
    assert report.traffic["repeats"] == {"answered HTTP 429": 1}


@pytest.mark.parametrize("fault", ["page_half", "page_empty"])
def test_half_answers_that_stay_close_the_gate_and_what_is_held_stands(world: VendorWorld, fault: str) -> None:
    world.land_well()
    before = landed(world)
    world.arm(fault, match="/contacts", times=500)
    report = world.land()
    assert report.is_gated
    assert "perennial source accept" in (report.reason or "")
    assert landed(world) == before
    world.sandbox.faults.disarm()
    world.land_well()
    assert landed(world) == held(world)


class Altered(OmnisendApi):
    """A brand whose contacts look otherwise while `change` is set."""

    change: Callable[[dict[str, Any]], None] | None = None

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.change is None or not isinstance(answer.content, dict) or "contacts" not in answer.content:
            return answer
        records = [dict(record) for record in answer.content["contacts"]]
        for record in records:
            self.change(record)
        return replace(answer, content={**answer.content, "contacts": records})


def test_a_changed_answer_is_reported_or_stops_the_source_by_name(tmp_path: Path) -> None:
    api = Altered(limits=1000)
    with brand(tmp_path, stocked(api)) as world:
        world.land_well()
        before = landed(world)
        for change, said in [
            (lambda record: record.pop("identifiers"), "column identifiers is no longer there"),
            (lambda record: record.update(identifiers="canary-1@leak.test"), "identifiers (list, now text)"),
            (lambda record: record.update(tags={"a": 1}), "column tags (list, now object)"),
        ]:
            api.change = change
            report = world.land()
            assert said in (report.reason or "nothing failed")
            assert safe(told(report))
        assert landed(world) == before
        api.change = lambda record: record.update(loyalty="canary-1@leak.test")
        api.seed("contacts", [contact(60, at(500), customProperties={"canary_new": 1})])
        report = world.land_well()
        assert [warning for warning in report.warnings if "new column loyalty" in warning] == list(report.warnings)
        assert safe(told(report))
        assert landed(world) == held(world)


def test_what_is_left_out_where_there_is_no_value_stops_nothing(tmp_path: Path) -> None:
    api = Altered(limits=1000)
    api.change = lambda record: [record.pop(name) for name in ("firstName", "consents", "optIns", "tags", "phone")]  # type: ignore[assignment, return-value]
    with brand(tmp_path, stocked(api)) as world:
        assert world.land_well().warnings == ()
        assert landed(world) == held(world)


def test_settings_keep_the_page_within_omnisends_limit() -> None:
    plain = {"kind": "omnisend", "token_env": "A"}
    assert Settings.model_validate(plain).page_size == 250 > PAGE
    for wrong in ({"page_size": 251}, {"api_version": "v5"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Settings.model_validate({**plain, **wrong})
