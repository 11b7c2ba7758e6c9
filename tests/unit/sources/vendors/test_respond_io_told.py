"""The respond.io connector and its webhooks, and loads that are killed: each event once, nothing asked for again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from perennial.sandbox.respond_io.api import RespondIoApi
from perennial.sandbox.respond_io.webhooks import SIGNATURE, signature
from perennial.sandbox.server import running
from perennial.sources.base import CursorRefused
from perennial.sources.inbound import Hook, closed_segments, receiver
from perennial.sources.inbox import inbox_of
from perennial.sources.respond_io.adapter import Adapter, Refused
from tests.support.vendor import NOW, SOURCE, VendorWorld
from tests.unit.sources.vendors.respond_io_workspace import (
    MESSAGES,
    RECENTLY,
    Moving,
    api_of,
    asked_for,
    assert_all_landed,
    fill,
    happened,
    message,
    micros,
    told,
    world,
)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[VendorWorld]:
    with world(tmp_path) as found:
        fill(api_of(found))
        yield found


def test_what_webhooks_told_is_landed_and_let_go_of(filled: VendorWorld) -> None:
    happened(api_of(filled))
    assert set(told(filled)) == {200}
    filled.land_well()
    rows = {row["event_type"]: row for row in filled.rows("deliveries")}
    closed = rows["conversation.closed"]
    assert closed["opened_at"] == RECENTLY.replace(tzinfo=None) and closed["category"] == "solved"
    assert closed["closed_at"] - closed["opened_at"] == timedelta(seconds=600) and closed["team"] == "specialists"
    assert (closed["assignee_id"], closed["source_campaign"], closed["first_response_seconds"]) == (
        "480001",
        "spring",
        30,
    )
    changed = rows["contact.lifecycle.updated"]
    assert (changed["lifecycle"], changed["old_lifecycle"], changed["changed_by"]) == ("Customer", "Lead", "workflow")
    assert changed["received_at"] == (RECENTLY + timedelta(seconds=700)).replace(tzinfo=None)
    assert rows["contact.assignee.updated"]["assignee_id"] == "480001"
    assert rows["message.sent"]["sent_at"] is not None and rows["message.sent"]["channel_source"] == "whatsapp_cloud"
    assert closed_segments(inbox_of(filled.home), SOURCE) == []
    assert filled.land_well().warnings == ()


def test_deliveries_that_come_twice_out_of_order_or_badly_signed_end_as_one_of_each(filled: VendorWorld) -> None:
    happened(api_of(filled))
    faults = ["webhook_out_of_order", "webhook_duplicate", "webhook_bad_signature"] * 3
    statuses = told(filled, faults=faults)
    assert statuses.count(401) == 3
    filled.land_well()
    told(filled)  # and all of it once more, another night
    filled.land_well()
    events = {row["event_id"] for row in filled.rows("deliveries")}
    assert events == {each.event_id for each in api_of(filled).webhooks()}
    assert filled.duplicates("deliveries", "(event_id, received_at)") == 0


def test_an_event_without_an_id_is_known_by_what_it_says(filled: VendorWorld) -> None:
    bodies = [
        {"event_type": "message.sent", "contact": {"id": 1}, "message": message(micros(NOW) + number, 1)}
        for number in (1, 1, 2)
    ]
    hooks = {f"{SOURCE}/all": Hook("respond_io", "key")}
    with running(receiver(inbox_of(filled.home), hooks, clock=lambda: NOW)) as root:
        for body in bodies:
            raw = json.dumps(body).encode()
            headers = {SIGNATURE: signature(raw, "key")}
            assert httpx.post(f"{root}/{SOURCE}/all", content=raw, headers=headers, trust_env=False).status_code == 200
    filled.land_well()
    assert len({row["event_id"] for row in filled.rows("deliveries")}) == 2


def test_a_text_cut_in_the_middle_of_a_sign_keeps_nothing_from_being_landed(filled: VendorWorld) -> None:
    body = {"event_type": "message.sent", "event_id": "e1", "contact": {"id": 1}, "message": message(micros(NOW), 1)}
    raw = json.dumps(body).encode().replace(b"canary-text", b"canary-text \\ud83d")
    hooks = {f"{SOURCE}/all": Hook("respond_io", "key")}
    with running(receiver(inbox_of(filled.home), hooks, clock=lambda: NOW)) as root:
        headers = {SIGNATURE: signature(raw, "key")}
        assert httpx.post(f"{root}/{SOURCE}/all", content=raw, headers=headers, trust_env=False).status_code == 200
    filled.land_well()
    assert [row["event_id"] for row in filled.rows("deliveries")] == ["e1"]


def test_what_comes_during_a_load_waits_for_the_next(tmp_path: Path) -> None:
    def happen(api: RespondIoApi, count: int) -> None:
        if count == 1:
            happened(api)
            told(found)

    api = Moving(happen, MESSAGES)
    with world(tmp_path, api) as found:
        fill(api)
        told(found)
        before = len(list(api.webhooks()))
        found.land_well()
        assert len(found.rows("deliveries")) == before < len(list(api.webhooks()))
        waiting = closed_segments(inbox_of(found.home), SOURCE)
        assert waiting != []
        found.land_well()
        assert {row["event_id"] for row in found.rows("deliveries")} == {each.event_id for each in api.webhooks()}
        assert closed_segments(inbox_of(found.home), SOURCE) == []


@pytest.mark.parametrize("failpoint", [
    "page_fetched:9:kill9", "pages_noted:1:kill9", "pages_noted:10:kill9", "load_staged:1:kill9",
    "load_committed:1:kill9",
])  # fmt: skip
def test_a_killed_load_goes_on_where_it_was(filled: VendorWorld, failpoint: str) -> None:
    assert set(told(filled)) == {200}
    assert filled.land_killed(failpoint) == -9
    asked = asked_for(filled, "/v2")
    filled.land_well()
    assert_all_landed(filled)
    assert len(filled.rows("deliveries")) == len(list(api_of(filled).webhooks()))
    assert closed_segments(inbox_of(filled.home), SOURCE) == []
    again = asked_for(filled, "/v2")[len(asked) :]
    if failpoint.startswith("pages_noted:10"):  # everything was fetched and noted: only its completeness is asked for
        assert not any("message" in each for each in again) and again.count("/v2/contact/list") == 6


def test_what_was_told_is_landed_once_though_the_load_was_killed_before_it_was_forgotten(filled: VendorWorld) -> None:
    told(filled)
    assert filled.land_killed("load_committed:1:kill9") == -9
    waiting = closed_segments(inbox_of(filled.home), SOURCE)
    assert waiting != []
    filled.land_well()
    assert filled.reports[-1].state and closed_segments(inbox_of(filled.home), SOURCE) == []
    assert filled.duplicates("deliveries", "(event_id, received_at)") == 0
    assert len(filled.rows("deliveries")) == len(list(api_of(filled).webhooks()))


def test_a_place_that_the_vendor_no_longer_knows_begins_the_list_again() -> None:
    def refused(size: int, cursor: str | None) -> Any:
        raise Refused("answered HTTP 400")

    adapter = Adapter(SimpleNamespace(page_size=4), None)  # type: ignore[arg-type]
    with pytest.raises(CursorRefused):
        next(adapter._pages(refused, "contacts", {"cursor": "9"}))
    with pytest.raises(Refused):
        next(adapter._pages(refused, "contacts", None))
