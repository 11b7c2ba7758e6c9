"""Klaviyo's pages: kills between them, ties beyond their size, rows that come in meanwhile, pages that lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.klaviyo.api import KlaviyoApi
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.klaviyo_account import account, assert_whole, event, fill, profile, walked


@pytest.mark.parametrize(
    "failpoint", ["page_fetched:3:kill9", "pages_noted:2:kill9", "load_staged:1:kill9", "load_committed:1:kill9"]
)
def test_after_a_kill_the_next_load_goes_on_without_gaps_or_repeats(tmp_path: Path, failpoint: str) -> None:
    with account(tmp_path) as world:
        assert world.land_killed(failpoint) == -9
        seen = world.calls()
        # pages count once they are noted, and a few small ones are noted together with the last of their list
        noted = set() if failpoint.startswith("page_fetched") else set(walked(world, "/api/events"))
        report = world.land_well()
        assert_whole(world)
        if failpoint.startswith("load_committed"):
            assert {each.table: each.landed for each in report.tables if each.landed} == {}
        else:
            assert report.traffic["is_resumed"]
            assert not noted & set(walked(world, "/api/events", seen)), "what was noted is not asked for again"


def test_events_of_one_second_beyond_every_page_size_are_all_landed(tmp_path: Path) -> None:
    api = KlaviyoApi(limits=10_000)
    fill(api, profiles=5, events=0)
    api.seed("events", [event(number, seconds=5) for number in range(6_001)])
    with account(tmp_path, api, page_size=1000) as world:
        world.land_well()
        assert len(world.newest("events", "event_id")) == 6_001
        world.vendor.seed("events", [event(30_000, seconds=5)])
        world.land_well()
        assert_whole(world)


def test_profiles_of_one_second_are_all_landed(tmp_path: Path) -> None:
    api = KlaviyoApi(limits=10_000)
    fill(api, profiles=0, events=0)
    api.seed("profiles", [profile(number, updated=5) for number in range(1001)])
    with account(tmp_path, api, page_size=100) as world:
        world.land_well()
        api.seed("profiles", [profile(2000, updated=5)])
        world.land_well()
        assert_whole(world)


class Growing(KlaviyoApi):
    """An account that gets events and changed profiles between one page and the next, of times already handed over."""

    grown = 0

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if asked.path == "/api/events" and "fields" not in asked.query and self.grown < 4:
            self.grown += 1
            self.seed("events", [event(5000 + self.grown, seconds=self.grown)])
            self.seed("profiles", [profile(self.grown, updated=600 + self.grown, first_name="Moved")])
        return answer


def test_rows_that_come_in_while_paging_are_landed(tmp_path: Path) -> None:
    api = Growing(limits=10_000)
    fill(api)
    with account(tmp_path, api) as world:
        world.land_well()
        assert api.grown == 4
        assert_whole(world)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorWorld]:
    """An account that was read before; what a night has to read again spans several pages."""
    with account(tmp_path_factory.mktemp("settled")) as world:
        world.land_well()
        yield world


@pytest.mark.parametrize(
    ("fault", "pages"),
    [("page_repeated", (0, 0)), ("page_skipped", (3, 1)), ("page_half", (4, 2)), ("page_empty", (4, 2))],
)
def test_a_page_that_lies_once_costs_no_row(settled: VendorWorld, fault: str, pages: tuple[int, int]) -> None:
    number = 1000 + len(settled.reports)
    settled.vendor.seed("events", [event(number, seconds=number)])
    settled.vendor.seed("profiles", [profile(number)])
    # what is new stands on the last page of its walk
    for field, page in zip(("datetime", "updated"), pages, strict=True):
        settled.arm(fault, match=f"sort={field}&", after=page)
    settled.land_well()
    assert_whole(settled)
    assert settled.sandbox.faults.left() == 0


@pytest.mark.parametrize(("path", "fault"), [("events", "page_empty"), ("profiles", "page_half")])
def test_a_list_that_stays_short_closes_the_gate_and_nothing_is_lost(
    settled: VendorWorld, path: str, fault: str
) -> None:
    before = settled.newest(path, f"{path[:-1]}_id")
    settled.arm(fault, match=f"/api/{path}", times=1000)
    report = settled.land()
    settled.sandbox.faults.disarm()
    assert report.is_gated and path.removesuffix("s") in (report.reason or "")  # profiles are counted by their ids too
    assert settled.newest(path, f"{path[:-1]}_id") == before
    settled.land_well()
    assert_whole(settled)
