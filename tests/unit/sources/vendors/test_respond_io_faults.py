"""The respond.io connector under every fault of its vendor, behind the gate, and where the vendor's answers change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.vendor import NOW, SOURCE, VendorWorld
from tests.unit.sources.vendors.respond_io_workspace import (
    CONTACTS,
    MESSAGES,
    api_of,
    assert_all_landed,
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


QUICK = {"timeout_seconds": 1.0, "call_seconds": 20.0}
ON_THE_WIRE: list[tuple[str, dict[str, Any]]] = [
    ("too_many_requests", {"seconds": 1}),
    ("html", {}),
    ("request_queued", {}),
    ("empty_body", {}),
    ("status", {"status": 503}),
    ("errors_body", {}),
    ("cut_off", {}),
    ("reset_after", {}),
    ("stall", {"seconds": 2}),
    ("slow", {"seconds": 0.0001}),
]


def assert_nobody_is_named(found: VendorWorld, caplog: pytest.LogCaptureFixture) -> None:
    said = [f"{report.reason} {report.warnings}" for report in found.reports]
    shown = f"{said} {caplog.text}"
    assert "leak.test" not in shown and "+1415555" not in shown and found.env["VENDOR_TOKEN"] not in shown


@pytest.mark.parametrize("match", ["contact/list", "message/list"])
def test_under_every_fault_on_the_wire_all_is_landed_and_nobody_is_named(
    filled: VendorWorld, match: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two of them a call."""
    caplog.set_level(logging.DEBUG)
    for number, (fault, options) in enumerate(ON_THE_WIRE, 1):
        filled.arm(fault, match=match, **options)
        if number % 2 == 0:
            filled.arm("slow", match=match, seconds=0)  # an answer as it should be
    report = filled.land_well(**QUICK)
    assert_all_landed(filled)
    assert filled.sandbox.faults.left() == 0 and report.traffic["waited_seconds"] >= 1
    assert sum(report.traffic["repeats"].values()) == 9  # all but the slow one
    assert_nobody_is_named(filled, caplog)


@pytest.mark.parametrize("fault", ["page_repeated", "page_skipped", "page_half", "page_empty"])
def test_a_page_of_contacts_that_goes_wrong_is_made_up_for_in_the_same_night(filled: VendorWorld, fault: str) -> None:
    filled.arm(fault, match=CONTACTS)
    filled.arm(fault, match="space/channel")
    filled.land_well(page_size=2)
    assert_all_landed(filled)
    assert filled.sandbox.faults.left() == 0


@pytest.mark.parametrize("after", [0, 1])
def test_pages_of_messages_that_go_wrong_are_made_up_for_in_the_first_reading(filled: VendorWorld, after: int) -> None:
    for number, fault in enumerate(("page_repeated", "page_skipped", "page_half", "page_empty"), 1):
        api_of(filled).seed("messages", [message(micros(NOW) + 10 * number + place, number) for place in range(6)])
        filled.arm(fault, match=f"id:{number}/message/list", after=after)
    filled.land_well(page_size=2)
    assert_all_landed(filled)
    assert filled.sandbox.faults.left() == 0


@pytest.mark.parametrize(
    ("fault", "match", "options", "said"),
    [
        ("unknown_lifecycle", "contact/list", {}, "a page of contacts|HTTP 404"),
        ("unknown_lifecycle", "message/list", {}, "HTTP 404, though the contact is there"),
        ("status", "contact/list", {"status": 403}, "token_env"),
        ("html", "message/list", {"times": 9}, "something that is not JSON"),
    ],
)
def test_a_fault_that_does_not_pass_is_the_reason_and_the_next_night_lands_all(
    filled: VendorWorld, fault: str, match: str, options: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    filled.arm(fault, match=match, **options)
    reason = str(filled.land(**QUICK).reason)
    assert any(each in reason for each in said.split("|")) and filled.rows("contacts") == []
    filled.sandbox.faults.disarm()
    filled.land_well()
    assert_all_landed(filled)
    assert_nobody_is_named(filled, caplog)


def test_an_incremental_night_with_short_pages_is_made_up_for_by_the_next(filled: VendorWorld) -> None:
    filled.land_well()
    for number, fault in enumerate(("page_half", "page_empty", "page_skipped"), 1):
        new = [message(micros(NOW) + 10 * number + place, number) for place in range(6)]
        api_of(filled).seed("messages", new)
        filled.arm(fault, match=f"id:{number}/message/list")
    filled.land_well(max_missing=1.0)
    assert len(filled.newest("messages", "message_id")) < len(api_of(filled).held()["messages"])
    filled.land_well()
    assert_all_landed(filled)


def test_a_wrong_token_is_said_without_showing_it(filled: VendorWorld) -> None:
    filled.env["VENDOR_TOKEN"] = "canary-token"
    reason = str(filled.land().reason)
    assert "token_env" in reason and "canary" not in reason


def test_a_list_that_goes_in_circles_is_given_up(filled: VendorWorld) -> None:
    filled.arm("page_repeated", match=CONTACTS, times=50)
    assert "leads back to where it was" in str(filled.land(page_size=2).reason)


# the gate


def test_contacts_that_are_gone_at_once_close_the_gate_until_somebody_looked(filled: VendorWorld) -> None:
    filled.land_well()
    api_of(filled).seed("contacts", [{"id": number, "_deleted": True} for number in (4, 5, 6)])
    report = filled.land()
    assert report.is_gated and "contacts: of 6 rows held that had to come again, 3 did not" in str(report.reason)
    assert not any(row["is_deleted"] for row in filled.rows("contacts"))
    filled.home.accepted(SOURCE).touch()
    assert "accepted" in filled.land_well().warnings[0]
    assert_all_landed(filled)


def test_lists_that_come_by_half_or_empty_again_and_again_close_the_gate(filled: VendorWorld) -> None:
    filled.land_well()
    filled.arm("page_half", match=CONTACTS, times=50)
    assert filled.land().is_gated
    filled.sandbox.faults.disarm()
    filled.arm("page_empty", match=MESSAGES, times=50)
    report = filled.land()
    assert report.is_gated and str(report.reason).startswith("messages: ")
    filled.sandbox.faults.disarm()
    filled.land_well()
    assert_all_landed(filled)


# drift


def test_a_new_field_is_reported_and_kept_in_the_payload(filled: VendorWorld) -> None:
    filled.land_well()
    api_of(filled).seed("contacts", [contact(1, locale="en-GB")])
    report = filled.land_well()
    assert any("contacts: new column locale" in each for each in report.warnings)
    payloads = filled.home.payloads("respond_io", "contacts")
    found = filled.query(f"select count(*) as n from read_text('{payloads}/*') where size > 0")
    assert found[0]["n"] == 2


def test_a_vanished_field_is_noticed_after_a_kill_and_landed_again_when_it_is_back(filled: VendorWorld) -> None:
    filled.land_well()
    whole = [dict(each) for each in api_of(filled).held()["contacts"].values()]
    for each in whole:
        api_of(filled).seed("contacts", [{key: value for key, value in each.items() if key != "phone"}])
    assert filled.land_killed("pages_noted:7:kill9") == -9  # the contacts were fetched and noted
    assert "contacts: column phone is no longer there" in str(filled.land().reason)
    api_of(filled).seed("contacts", whole)
    filled.land_well()
    assert all(row["phone"] for row in filled.newest("contacts", "contact_id").values())


@pytest.mark.parametrize(("collection", "column"), [("contacts", "phone"), ("messages", "traffic")])
def test_a_vanished_field_stops_the_source_by_its_name(filled: VendorWorld, collection: str, column: str) -> None:
    filled.land_well()
    held = api_of(filled).held()[collection]
    api_of(filled).seed(
        collection, [{key: value for key, value in each.items() if key != column} for each in held.values()]
    )
    reason = str(filled.land().reason)
    assert f"{collection}: column {column} is no longer there" in reason


@pytest.mark.parametrize(
    ("collection", "column", "value"),
    [("contacts", "email", {"primary": "canary@leak.test"}), ("messages", "sender", "x")],
)
def test_a_retyped_field_stops_the_source_by_its_name(
    filled: VendorWorld, collection: str, column: str, value: Any
) -> None:
    filled.land_well()
    api = api_of(filled)
    for each in list(api.held()[collection].values()):
        api.seed(collection, [{**each, column: value}])
    reason = str(filled.land().reason)
    assert f"{collection}: column {column}" in reason and "of another kind" in reason and "leak.test" not in reason
