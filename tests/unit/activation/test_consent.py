"""Permission fails closed: whatever is not a clear, present yes is a no."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import pytest

from perennial.audiences.definition import ConsentRule
from perennial.config.home import Home
from tests.support.activating import DEFINITION, run, webhook_settings
from tests.support.sink import Sink, rows_of
from tests.support.snapshot import Person, people, publish

EARLY, LATE, FUTURE = datetime(2025, 1, 1), datetime(2025, 6, 1), datetime(2026, 6, 1)
Said = tuple[str, str, str | None, str, datetime | None]


def said(
    status: str, at: datetime | None = EARLY, *, channel: str = "email", purpose: str = "marketing",
    brand: str | None = None,
) -> Said:  # fmt: skip
    return channel, purpose, brand, status, at


@pytest.mark.parametrize(
    ("statements", "is_sent"),
    [
        ([], False),
        ([said("granted")], True),
        ([said("denied")], False),
        ([said("granted"), said("denied", LATE)], False),
        ([said("denied"), said("granted", LATE)], True),
        ([said("granted"), said("denied")], False),
        ([said("granted", FUTURE)], False),
        ([said("granted"), said("denied", FUTURE)], False),
        ([said("granted"), said("granted", FUTURE)], False),
        ([said("granted", None)], False),
        ([said("granted"), said("denied", None)], False),
        ([said("yes")], False),
        ([said("GRANTED")], False),
        ([said("granted"), said("unknown", LATE)], False),
        ([said("granted", channel="sms")], False),
        ([said("granted", purpose="transactional")], False),
        ([said("granted"), said("denied", LATE, channel="sms")], True),
        ([said("granted"), said("denied", LATE, purpose="ads")], True),
        ([said("granted", brand="acme"), said("denied", brand="outlet")], False),
        ([said("granted", brand="acme"), said("granted", brand="outlet")], True),
        ([said("granted", brand="acme"), said("denied", LATE)], False),
    ],
)
def test_only_a_clear_present_grant_is_sent(home: Home, sink: Sink, statements: list[Said], is_sent: bool) -> None:
    someone = Person("a", consent=None)
    publish(home, "s1", [someone, Person("b")], consents=[("a", *each) for each in statements])
    outcome = run(home, webhook_settings(sink.url))
    assert ("a" in sink.holds) is is_sent
    assert outcome.withheld_for_consent == (0 if is_sent else 1)
    assert "b" in sink.holds


@pytest.mark.parametrize(
    ("brand", "statements", "is_sent"),
    [
        ("acme", [said("granted", brand="acme"), said("denied", brand="outlet")], True),
        ("outlet", [said("granted", brand="acme"), said("denied", brand="outlet")], False),
        ("acme", [said("granted", brand="outlet")], False),
        ("acme", [said("granted")], True),
        ("acme", [said("granted", brand="acme"), said("denied")], False),
    ],
)
def test_an_audience_of_one_brand_asks_that_brand_and_the_general_answer(
    home: Home, sink: Sink, brand: str, statements: list[Said], is_sent: bool
) -> None:
    publish(home, "s1", [Person("a", consent=None)], consents=[("a", *each) for each in statements])
    rule = ConsentRule("email", "marketing", brand)
    run(home, webhook_settings(sink.url), definition=replace(DEFINITION, consent=rule))
    assert ("a" in sink.holds) is is_sent


def test_a_member_without_an_address_is_counted_and_not_sent(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("a", None), Person("b", "  "), Person("c")])
    outcome = run(home, webhook_settings(sink.url))
    assert (outcome.without_address, outcome.joins, sorted(sink.holds)) == (2, 1, ["c"])


def test_who_withdraws_consent_is_taken_off_the_channel_though_still_in_the_audience(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(10))
    run(home, webhook_settings(sink.url))
    publish(home, "s2", [Person("c00000", consent="denied"), *people(9, start=1)])
    assert run(home, webhook_settings(sink.url)).leaves == 1
    assert "c00000" not in sink.holds


def test_a_consent_withdrawn_in_a_newer_snapshot_stops_a_plan_made_from_an_older_one(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(5))
    publish(home, "s2", [replace(person, consent="denied") for person in people(5)])
    outcome = run(home, webhook_settings(sink.url), snapshot_id="s1")
    assert (outcome.verdict, outcome.withheld_for_consent, sink.wire_rows) == ("noop", 5, 0)


def test_a_consent_withdrawn_while_sending_stops_the_batches_that_follow(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(30))

    def withdraw(_: object) -> None:
        if sink.calls == 1:
            publish(home, "s2", [replace(person, consent="denied") for person in people(30)])

    sink.before = withdraw
    outcome = run(home, webhook_settings(sink.url))
    assert (outcome.acknowledged, outcome.withheld_for_consent, sink.wire_rows) == (10, 20, 10)
    sink.before = None
    after = run(home, webhook_settings(sink.url))
    assert (after.verdict, after.leaves, sink.holds) == ("sent", 10, {})


def test_without_the_check_before_each_batch_the_same_night_would_send_to_those_who_withdrew(
    home: Home, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perennial.activation.permission import Permission

    monkeypatch.setattr(Permission, "of", lambda self, customer_ids: set(customer_ids))
    publish(home, "s1", people(5))
    publish(home, "s2", [replace(person, consent="denied") for person in people(5)])
    run(home, webhook_settings(sink.url), snapshot_id="s1")
    assert sink.wire_rows == 5


def test_a_further_check_can_only_take_people_away(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("a"), Person("b"), Person("c", consent="denied")])

    def recheck(asked: Collection[str]) -> list[str]:
        assert sorted(asked) == ["a", "b"]
        return ["b", "c", "stranger"]

    run(home, webhook_settings(sink.url), recheck=recheck)
    assert sorted(sink.holds) == ["b"]


def test_a_further_check_that_breaks_lets_nobody_through_and_names_nobody(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))

    def broken(_: Collection[str]) -> list[str]:
        raise RuntimeError("c00001@example.com: no connection")

    outcome = run(home, webhook_settings(sink.url), recheck=broken)
    assert (outcome.verdict, sink.calls) == ("failed", 0)
    assert "RuntimeError" in outcome.reason
    assert "@" not in outcome.reason


def test_leaves_go_out_though_nobody_can_be_asked_for_permission(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(10))
    run(home, webhook_settings(sink.url))
    publish(home, "s2", people(8))
    outcome = run(home, webhook_settings(sink.url), recheck=lambda _: 1 / 0)
    assert (outcome.verdict, outcome.leaves) == ("sent", 2)


def test_only_the_columns_the_definition_names_are_on_the_wire(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("a")])
    run(home, webhook_settings(sink.url), definition=replace(DEFINITION, fields=("country",)))
    (row,) = rows_of(sink.bodies)
    assert sorted(row) == ["action", "country", "customer_id", "email", "key"]
