"""Reading HubSpot: full loads, nights, backfills, kills, ties, merges and deletions, against its sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.config.vendors.hubspot import Settings
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.hubspot.api import HubspotApi
from perennial.sources.api import extraction
from perennial.sources.base import Window
from perennial.sources.hubspot.paths import path
from perennial.sources.landing import reader_for
from tests.support.vendor import NOW, VendorWorld, settings_of, vendor_world
from tests.unit.sources.vendors.hubspot_world import (
    CONTACTS_ONLY,
    KEYS,
    batch_ids,
    check,
    contact,
    iso,
    other,
    seed_some,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[VendorWorld]:
    objects = ["contacts", "deals"]
    with vendor_world(tmp_path / "home", HubspotApi(limits=1_000), page_size=20, objects=objects) as made:
        seed_some(made.vendor)
        yield made


# loads


def test_a_full_load_lands_what_the_account_holds(world: VendorWorld) -> None:
    report = world.land_well(objects=list(KEYS))
    check(world, *KEYS)
    assert sorted(batch_ids(world), key=int) == [str(each) for each in range(1, 46)]
    assert {table.quarantined for table in report.tables} == {0}
    deal = world.newest("deals", "deal_id")["1003"]
    assert (deal["contact_id"], str(deal["amount"])) == ("4", "10.5000")
    assert report.traffic["calls"] == world.calls()


def test_a_night_reads_what_changed_and_lands_nothing_twice(world: VendorWorld) -> None:
    world.land_well()
    later = world.now + timedelta(minutes=10)
    world.vendor.seed("contacts", [contact(3, later, lifecyclestage="customer"), contact(46, later)])
    world.vendor.seed("deals", [other("deals", 1003, later, 4, amount="99")])
    before = world.calls()
    report = world.land_well()
    check(world)
    landed = {table.table: table.landed for table in report.tables}
    assert (landed["contacts"], landed["contact_changes"], landed["deals"]) == (2, 2, 1)
    assert (landed["statuses"], landed["lifecycle_stages"]) == (1, 0)
    assert len(set(batch_ids(world)[45:])) < 30, "most contacts are not read again"
    assert world.calls() - before == report.traffic["calls"]
    assert {table.landed for table in world.land_well().tables} == {0}


def test_a_backfill_reads_its_window_alone_and_does_not_move_the_state(world: VendorWorld) -> None:
    world.land_well()
    state = world.reports[-1].state
    seen = len(batch_ids(world))
    window = Window(NOW - timedelta(minutes=30), NOW - timedelta(minutes=10), "backfill")
    report = world.land_well(window)
    assert batch_ids(world)[seen:] == [str(each) for each in range(16, 36)]
    assert {name: each.get("watermark") for name, each in report.state["streams"].items()} == {
        name: each.get("watermark") for name, each in state["streams"].items()
    }
    check(world)


def test_a_first_load_can_begin_at_a_date(world: VendorWorld) -> None:
    long_ago = NOW - timedelta(days=20)
    world.vendor.seed("contacts", [contact(99, long_ago)])
    world.land_well(since=(NOW - timedelta(days=3)).date().isoformat())
    assert set(world.newest("contacts", "contact_id")) == {str(each) for each in range(1, 46)}


@pytest.mark.parametrize("version", ["v3", "2026-03"])
def test_every_version_is_read_at_its_own_paths(world: VendorWorld, version: str) -> None:
    world.land_well(api_version=version)
    check(world)
    assert path("v3", "associations", "deals/contacts/batch/read") == "/crm/v4/associations/deals/contacts/batch/read"


def test_only_the_objects_that_are_asked_for_are_read(world: VendorWorld) -> None:
    world.land_well(objects=["deals"])
    asked = {entry.path for entry in world.sandbox.journal.of("hubspot")}
    assert not [each for each in asked if "contacts" in each and "associations" not in each]
    assert len(world.newest("deals", "deal_id")) == 12
    assert world.newest("contacts", "contact_id") == {}


# kills and resuming


@pytest.mark.parametrize(
    "failpoint",
    [
        "page_fetched:2:kill9",
        "page_fetched:6:kill9",
        "pages_noted:5:kill9",
        "load_staged:1:kill9",
        "load_committed:1:kill9",
    ],
)
def test_a_kill_leaves_no_gap_and_no_duplicate(world: VendorWorld, failpoint: str) -> None:
    assert world.land_killed(failpoint) == -9
    world.vendor.seed("contacts", [contact(46, world.now)])
    world.land_well()
    world.land_well()
    check(world)


def test_what_was_noted_before_a_kill_is_not_asked_for_again(world: VendorWorld) -> None:
    world.source["objects"] = ["contacts"]
    assert world.land_killed("pages_noted:8:kill9") == -9
    noted = set(batch_ids(world))
    assert len(noted) == 45
    asked = len(batch_ids(world))
    report = world.land_well()
    assert report.traffic["is_resumed"]
    assert batch_ids(world)[asked:] == []
    check(world, "contacts")


def test_a_stream_goes_on_in_its_middle(world: VendorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "FLUSH_BYTES", 1)
    world.arm("daily", match="contacts/batch/read", after=1)
    assert "used up" in str(world.land().reason)
    noted = batch_ids(world)
    assert len(noted) == 20
    world.land_well()
    assert not set(batch_ids(world)[20:]) & set(noted)
    check(world)


# ties, limits, changes while reading


def test_25001_records_that_share_one_time_are_all_read(tmp_path: Path) -> None:
    with vendor_world(tmp_path / "home", HubspotApi(limits=1_000), objects=["deals"]) as world:
        world.vendor.seed("deals", [other("deals", each, NOW, 1) for each in range(1, 25_002)])
        world.vendor.seed("deals", [other("deals", 30_000, NOW + timedelta(seconds=1), 1)])
        world.land_well()
        check(world, "deals")
        assert len(world.rows("deals")) == 25_002


def test_ties_that_fill_pages_do_not_hide_what_comes_after_them(world: VendorWorld) -> None:
    tie = NOW + timedelta(minutes=5)
    world.vendor.seed("contacts", [contact(each, tie) for each in range(100, 160)])
    world.vendor.seed("contacts", [contact(each, tie + timedelta(milliseconds=1)) for each in range(90, 100)])
    world.land_well()
    check(world)


class Busy(HubspotApi):
    """An account that somebody works in: between two searches a record changes, and one is new."""

    def __init__(self) -> None:
        super().__init__(limits=1_000)
        self.searches, self.at = 0, NOW

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if asked.path.endswith("contacts/search") and 0 < self.searches < 6:
            self.at += timedelta(seconds=1)
            self.seed("contacts", [contact(self.searches, self.at, firstname="Changed")])
            self.seed("contacts", [contact(200 + self.searches, self.at)])
        self.searches += asked.path.endswith("contacts/search")
        return answer


def test_records_that_are_new_or_change_while_paging_are_landed_the_same_night(tmp_path: Path) -> None:
    with vendor_world(tmp_path / "home", Busy(), page_size=10, **CONTACTS_ONLY) as world:
        seed_some(world.vendor)
        world.land_well()
        assert world.vendor.searches > 6
        check(world, "contacts")


def test_a_second_client_that_inserts_meanwhile_is_read_within_two_nights(world: VendorWorld) -> None:
    stop = threading.Event()

    def insert() -> None:
        number = 500
        while not stop.is_set():
            number += 1
            world.vendor.seed("contacts", [contact(number, NOW + timedelta(seconds=number))])
            stop.wait(0.02)

    thread = threading.Thread(target=insert)
    thread.start()
    world.land_well()
    stop.set()
    thread.join()
    world.land_well()
    check(world)


# what is gone


def test_deleted_records_are_landed_as_deleted_and_may_come_back(world: VendorWorld) -> None:
    world.land_well()
    gone = iso(world.now)
    assert not world.reports[-1].warnings
    for number in range(30, 45):
        world.vendor.seed("contacts", [contact(number, world.now) | {"archived": True, "archivedAt": gone}])
    world.vendor.seed("deals", [other("deals", 1003, world.now) | {"archived": True, "archivedAt": gone}])
    assert not world.land_well().warnings
    check(world)
    assert world.newest("contacts", "contact_id")["44"]["email"] is None
    world.vendor.seed("contacts", [contact(44, world.now + timedelta(minutes=1)) | {"archived": False}])
    world.land_well()
    check(world)
    assert world.newest("contacts", "contact_id")["44"]["email"] == "c44@example.com"


def test_a_merge_lands_where_the_losers_id_went(world: VendorWorld) -> None:
    world.land_well()
    for winner, loser in (("2", "1"), ("3", "2")):
        merge = {"id": loser, "primaryObjectId": winner, "objectIdToMerge": loser, "timestamp": iso(world.now)}
        world.vendor.seed("merges", [merge])
    world.land_well()
    merges = {row["merged_id"]: row["contact_id"] for row in world.newest("contact_merges", "merged_id").values()}
    assert merges == {"1": "3", "2": "3"}
    assert world.newest("deals", "deal_id")["1000"]["contact_id"] == "3"


def test_of_several_contacts_the_lowest_number_is_the_deals_whichever_comes_first(world: VendorWorld) -> None:
    big = 2**53 + 1
    deal = other("deals", 1, NOW)
    deal["associations"] = {"contacts": {"results": [{"id": str(each), "type": "any"} for each in (big, 9, 12)]}}
    alone = other("deals", 2, NOW)
    only_big = other("deals", big, NOW, big)
    world.vendor.seed("deals", [deal, alone, only_big])
    world.land_well()
    deals = world.newest("deals", "deal_id")
    assert [deals[each]["contact_id"] for each in ("1", "2", str(big))] == ["9", None, str(big)]


# consent


def test_what_was_said_about_a_subscription_is_landed_and_so_is_taking_it_back(world: VendorWorld) -> None:
    said = {"subscriberIdString": "c1@example.com", "subscriptionId": 1, "channel": "EMAIL", "source": "Form"}
    world.vendor.seed("statuses", [said | {"status": "SUBSCRIBED", "timestamp": iso(NOW)}])
    world.land_well()
    landed = world.newest("statuses", "address")
    assert (landed["c1@example.com"]["status"], landed["c1@example.com"]["source"]) == ("SUBSCRIBED", "Form")
    assert (landed["c2@example.com"]["status"], landed["c2@example.com"]["stated_at"]) == ("NOT_SPECIFIED", None)
    world.vendor.seed("statuses", [said | {"status": "NOT_SPECIFIED", "timestamp": iso(world.now)}])
    world.vendor.seed("contacts", [contact(1, world.now)])
    world.land_well()
    assert world.newest("statuses", "address")["c1@example.com"]["status"] == "NOT_SPECIFIED"


class Picky(HubspotApi):
    """Refuses whole batches over one address."""

    def handle(self, asked: Asked) -> Answer:
        if b"c7@example.com" in asked.body:
            return Answer(400, {"status": "error", "category": "VALIDATION_ERROR", "message": "c7@example.com"})
        return super().handle(asked)


def test_an_address_that_hubspot_refuses_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    with vendor_world(tmp_path / "home", Picky(limits=1_000), **CONTACTS_ONLY) as world:
        seed_some(world.vendor)
        world.vendor.seed("contacts", [contact(50, NOW, email="n/a"), contact(51, NOW, email=None)])
        world.vendor.seed("contacts", [contact(52, NOW, hs_additional_emails="old@example.com;Older@example.com ")])
        world.land_well()
        asked = set(world.newest("statuses", "address"))
        assert asked == {f"c{each}@example.com" for each in (*range(1, 46), 52) if each != 7} | {
            "old@example.com", "older@example.com",
        }  # fmt: skip


def test_subscriptions_can_be_left_out(world: VendorWorld) -> None:
    world.land_well(subscriptions="off")
    check(world)
    assert not [entry for entry in world.sandbox.journal.of("hubspot") if "preferences" in entry.path]


# settings


def test_the_probe_says_what_is_wrong_without_reading_data(world: VendorWorld) -> None:
    def probe(env: dict[str, str], **settings: Any) -> list[str]:
        source = settings_of({**world.source, **settings}).sources["store"]
        return reader_for(source).probe(env)

    assert probe(world.env) == []
    assert "401" in probe({"VENDOR_TOKEN": "other"})[0]
    assert "404" in probe(world.env, api_version="2019-01")[0]


@pytest.mark.parametrize("wrong", [{"page_size": 201}, {"api_version": "4"}, {"objects": ["tickets"]}])
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings.model_validate({"kind": "hubspot", "token_env": "T", **wrong})
