"""The respond.io connector against its sandbox: what is landed is what is held."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.sandbox.respond_io.api import RespondIoApi
from perennial.sandbox.respond_io.webhooks import send
from perennial.sandbox.server import running
from perennial.sources.base import Window
from perennial.sources.inbound import Hook, receiver
from perennial.sources.inbox import inbox_of
from perennial.sources.respond_io import adapter
from tests.support.vendor import NOW, SOURCE, VendorWorld, settings_of
from tests.unit.sources.vendors.respond_io_workspace import (
    LONG_AGO,
    MESSAGES,
    RECENTLY,
    Moving,
    api_of,
    asked_for,
    assert_all_landed,
    chatter,
    contact,
    fill,
    message,
    micros,
    world,
)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[VendorWorld]:
    with world(tmp_path) as found:
        fill(api_of(found))
        yield found


def test_a_first_load_lands_everything_with_its_times_and_kinds(filled: VendorWorld) -> None:
    report = filled.land_well()
    assert_all_landed(filled)
    assert report.warnings == () and not any(each.quarantined for each in report.tables)
    one = filled.newest("contacts", "contact_id")["1"]
    assert (one["created_at"], one["custom_fields"], one["is_deleted"]) == (
        (LONG_AGO + timedelta(minutes=1)).replace(tzinfo=None), '[{"name":"plan","value":"gold"}]', False,
    )  # fmt: skip
    sent = filled.newest("messages", "message_id")[str(micros(LONG_AGO) + 1000)]
    assert (sent["sent_at"], sent["updated_at"] - sent["sent_at"], sent["user_id"]) == (
        LONG_AGO.replace(tzinfo=None) + timedelta(milliseconds=1), timedelta(milliseconds=500), "480001",
    )  # fmt: skip
    assert filled.newest("users", "user_id")["480001"]["team"] == "front desk"
    assert report.traffic["calls"] == filled.calls()


def test_the_end_of_a_first_reading_is_told_twice_for_each_contact(filled: VendorWorld) -> None:
    filled.land_well()
    assert [asked_for(filled, MESSAGES).count(f"/v2/contact/id:{number}/message/list") for number in range(1, 7)] == [
        2
    ] * 6


def test_an_incremental_night_lands_what_changed_and_nothing_else(filled: VendorWorld) -> None:
    chatter(api_of(filled))
    filled.land_well()
    api, before = api_of(filled), len(asked_for(filled, MESSAGES))
    api.seed("contacts", [contact(2, lifecycle="Customer"), contact(7), contact(3, custom_fields=[], tags=[])])
    last = max(int(each) for each in api.held()["messages"])
    read = [{"value": "sent", "timestamp": last // 1000}, {"value": "read", "timestamp": last // 1000 + 60_000}]
    api.seed("messages", [message(micros(NOW), 7), message(micros(NOW) + 1, 1), message(last, 5, status=read)])
    report = filled.land_well()
    assert_all_landed(filled)
    landed = {each.table: each.landed for each in report.tables}
    assert (landed["contacts"], landed["messages"]) == (3, 3)
    assert landed["contact_fields"] <= 3 and landed["channels"] == landed["users"] == 0
    asked = asked_for(filled, MESSAGES)[before:]
    assert [asked.count(f"/v2/contact/id:{number}/message/list") for number in (1, 2, 3, 4, 6, 7)] == [1] * 6


def test_a_night_without_news_lands_nothing(filled: VendorWorld) -> None:
    filled.land_well()
    report = filled.land_well()
    assert {each.table: each.landed for each in report.tables} == dict.fromkeys(
        (each.table for each in report.tables), 0
    )


def test_a_backfill_brings_what_incremental_nights_do_not_look_back_for(filled: VendorWorld) -> None:
    chatter(api_of(filled))
    filled.land_well()
    state = filled.reports[-1].state
    late = message(micros(LONG_AGO - timedelta(hours=1)), 1)
    api_of(filled).seed("messages", [late])
    filled.land_well(page_size=2)
    assert str(late["messageId"]) not in filled.newest("messages", "message_id")
    window = Window(LONG_AGO - timedelta(days=1), LONG_AGO + timedelta(days=1), "backfill")
    report = filled.land_well(window=window)
    assert_all_landed(filled)
    assert report.state["streams"]["messages"]["watermark"] == state["streams"]["messages"]["watermark"]


def test_the_first_load_can_begin_at_a_date(tmp_path: Path) -> None:
    """A page is landed whole, those behind it are not asked for."""
    with world(tmp_path, since=(NOW - timedelta(days=10)).date().isoformat()) as found:
        fill(api_of(found), messages=12)
        found.land_well()
        sent = [row["sent_at"] for row in found.rows("messages") if row["contact_id"] == "1"]
        assert len(sent) == 8 and sum(each > datetime(2026, 2, 1) for each in sent) == 6
        assert asked_for(found, MESSAGES).count("/v2/contact/id:1/message/list") == 2


def test_5001_messages_of_one_second_are_landed_once_each(tmp_path: Path) -> None:
    with world(tmp_path, page_size=100) as found:
        api = api_of(found)
        fill(api, contacts=1)
        api.seed("messages", [message(micros(RECENTLY) + number, 1) for number in range(5_001)])
        found.land_well()
        counted = "count(*) as n, count(distinct message_id) as ids, count(distinct sent_at) as times"
        assert found.query(f"select {counted} from {found.files('messages')}") == [
            {"n": 5_001, "ids": 5_001, "times": 5_001}
        ]


def test_contacts_and_messages_that_come_while_paging_are_landed_by_the_next_night(tmp_path: Path) -> None:
    def happen(api: RespondIoApi, count: int) -> None:
        if count <= 5:
            api.seed("contacts", [contact(100 + count)])
            api.seed("messages", [message(micros(NOW) + count, 1), message(micros(NOW) - count, 100 + count)])

    api = Moving(happen, "list")
    with world(tmp_path, api, page_size=2) as found:
        fill(api)
        found.land_well()
        assert found.duplicates("messages", "message_id") == found.duplicates("contacts", "contact_id") == 0
        assert set(map(str, range(1, 7))) <= set(found.newest("contacts", "contact_id"))
        found.land_well()
        assert_all_landed(found)


def test_a_contact_deleted_while_its_messages_are_read_is_passed_over(tmp_path: Path) -> None:
    api = Moving(lambda api, _: api.seed("contacts", [{"id": 3, "_deleted": True}]) and None, MESSAGES)
    with world(tmp_path, api) as found:
        fill(api)
        found.land_well()
        assert "3" not in {row["contact_id"] for row in found.rows("messages")}
        assert len(found.rows("messages")) == 16
        found.land_well()
        assert found.newest("contacts", "contact_id")["3"]["is_deleted"]


def test_deleted_contacts_are_marked_and_come_back_when_they_do(filled: VendorWorld) -> None:
    filled.land_well()
    api_of(filled).seed("contacts", [{"id": 6, "_deleted": True}])
    filled.land_well()
    assert filled.newest("contacts", "contact_id")["6"]["is_deleted"] is True
    assert_all_landed(filled)
    api_of(filled).seed("contacts", [contact(6)])
    filled.land_well()
    states = filled.query(f"select is_deleted from {filled.files('contacts')} where contact_id = '6' order by load_id")
    assert [each["is_deleted"] for each in states] == [False, True, False]


def test_a_merged_contacts_messages_are_landed_again_as_the_others(filled: VendorWorld) -> None:
    filled.land_well()
    api_of(filled).seed("contacts", [{"id": 2, "_merged_into": 1}])
    filled.land_well()
    assert filled.newest("contacts", "contact_id")["2"]["is_deleted"]
    recent = [row for row in filled.newest("messages", "message_id").values() if row["sent_at"] > datetime(2026, 2, 1)]
    assert {row["contact_id"] for row in recent} == {"1", "3", "4", "5"} and len(recent) == 10


def by_the_clock_of(found: VendorWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return found.now

    monkeypatch.setattr(adapter, "datetime", Clock)


def test_a_share_of_the_contacts_is_asked_for_and_those_where_something_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, sweep_nights=60, page_size=100) as found:
        api = api_of(found)
        by_the_clock_of(found, monkeypatch)
        fill(api, contacts=30)
        found.land_well()
        turns = {(found.now + timedelta(days=days)).toordinal() % 60 for days in (-1, 0)}
        tonight = {number for number in range(1, 31) if number % 60 in turns}
        quiet = sorted(set(range(1, 31)) - tonight)
        opened, spoke = quiet[0], quiet[1]
        api.seed("contacts", [contact(opened, status="open"), contact(31, created_at=int(NOW.timestamp()))])
        api.seed("messages", [message(micros(NOW) + number, number) for number in (opened, spoke, 31)])
        before = len(asked_for(found, MESSAGES))
        hooks = {f"{SOURCE}/all": Hook("respond_io", api.signing_key("any"))}
        with running(receiver(inbox_of(found.home), hooks, clock=lambda: NOW)) as root:
            send(
                f"{root}/{SOURCE}/all",
                (each for each in api.webhooks(since=NOW) if f'"contactId":{spoke},'.encode() in each.body),
            )
        found.land_well()
        asked = {int(path.split("id:")[1].split("/")[0]) for path in asked_for(found, MESSAGES)[before:]}
        assert {opened, spoke, 31} <= asked <= {opened, spoke, 31} | tonight
        assert len(found.rows("messages")) == len(api.held()["messages"])


def test_contacts_asked_for_now_and_then_lose_nothing_where_nights_are_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says when a contact was asked for last: the turns of nights that never were are made up for, and each time
    it is read back to the turn before."""
    with world(tmp_path, sweep_nights=4, status_window="1h", page_size=2) as found:
        by_the_clock_of(found, monkeypatch)
        api = api_of(found)
        fill(api)
        api.seed("contacts", [contact(6, status="open")])  # somebody talks all the time
        found.land_well()
        for day in range(1, 15):
            at = micros(found.now + timedelta(hours=1))
            api.seed("messages", [message(at + number * 1000, number) for number in range(1, 6)])
            api.seed("messages", [message(at + 9_000_000 + number, 6) for number in range(3)])
            found.now += timedelta(hours=23)
            if day in (6, 7):
                found.now += timedelta(hours=1)
            else:
                found.land_well()
        landed, limit = set(found.newest("messages", "message_id")), micros(found.now - timedelta(days=5))
        assert {each for each in api.held()["messages"] if int(each) < limit} <= landed


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"page_size": 101}, "less than or equal to 100"),
        ({"campaign_field": "it's"}, "is no name of a custom field"),
        ({"hook_env": {"events": "a pasted key"}}, "is not the name of an environment variable"),
        ({"hook_env": {"../events": "KEY"}}, "is not a usable name"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_reason(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings_of({"kind": "respond_io", "token_env": "TOKEN", **setting})
