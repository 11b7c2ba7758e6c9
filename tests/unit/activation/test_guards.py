"""The disasters: each is held before the first request, and each harms the channel where the guard is taken away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from perennial.activation import planning
from perennial.audiences.guard import Verdict
from perennial.config.home import Home
from perennial.ledger.records import LedgerError
from perennial.ledger.store import open_ledger
from tests.support.activating import run, webhook_settings
from tests.support.sink import Sink
from tests.support.snapshot import Person, people, publish

HELD = 40
DISASTERS: dict[str, Callable[[], list[Person]]] = {
    "the audience is empty": lambda: [replace(person, is_member=False) for person in people(HELD)],
    "every consent is lost": lambda: [replace(person, consent=None) for person in people(HELD)],
    "every address is lost": lambda: [replace(person, email=None) for person in people(HELD)],
    "a third is gone": lambda: people(HELD * 2 // 3),
    "ten times as many": lambda: people(HELD * 10),
    "as many, but other people": lambda: people(HELD, start=HELD - 4),
    "every address is another": lambda: [
        replace(person, email=f"x{person.customer_id}@x.test") for person in people(HELD)
    ],
}


@pytest.fixture
def holding(home: Home, sink: Sink) -> Sink:
    """A channel that holds forty people."""
    publish(home, "s1", people(HELD))
    assert run(home, webhook_settings(sink.url)).verdict == "sent"
    sink.wire_rows = sink.calls = 0
    return sink


@pytest.mark.parametrize("disaster", DISASTERS)
def test_a_disaster_is_held_before_the_first_request(home: Home, holding: Sink, disaster: str) -> None:
    before = dict(holding.holds)
    publish(home, "s2", DISASTERS[disaster]())
    for _ in range(2):
        outcome = run(home, webhook_settings(holding.url))
        assert outcome.verdict == "held"
    assert (holding.calls, holding.wire_rows, holding.holds) == (0, 0, before)
    with open_ledger(home) as ledger:
        assert [plan.verdict for plan in ledger.plans()] == ["held", "approved"]


@pytest.mark.parametrize("disaster", DISASTERS)
def test_with_the_guard_taken_away_the_same_disaster_reaches_the_channel(
    home: Home, holding: Sink, disaster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "judge", lambda *_: Verdict("approved", "no guard"))
    before = dict(holding.holds)
    publish(home, "s2", DISASTERS[disaster]())
    run(home, webhook_settings(holding.url))
    assert holding.wire_rows > HELD * 0.3
    assert holding.holds != before


def test_an_audience_that_was_empty_from_the_start_is_a_recorded_noop(home: Home, sink: Sink) -> None:
    publish(home, "s1", [replace(person, is_member=False) for person in people(3)])
    outcome = run(home, webhook_settings(sink.url))
    assert (outcome.verdict, outcome.reason) == ("noop", "the audience is empty and the channel holds nobody")
    with open_ledger(home) as ledger:
        assert [plan.verdict for plan in ledger.plans()] == ["noop"]


def test_an_approval_releases_this_very_plan_once(home: Home, holding: Sink) -> None:
    publish(home, "s2", people(HELD // 2))
    held = run(home, webhook_settings(holding.url))
    with open_ledger(home) as ledger:
        ledger.approve((held.plan_hash or "")[:12], "jo")
    publish(home, "s3", people(HELD // 2))
    released = run(home, webhook_settings(holding.url))
    assert (released.verdict, released.leaves) == ("sent", HELD // 2)
    assert "approved by jo" in released.reason
    publish(home, "s4", people(HELD))
    assert run(home, webhook_settings(holding.url)).verdict == "sent"
    publish(home, "s5", people(HELD // 2))
    assert run(home, webhook_settings(holding.url)).verdict == "held"


def test_an_approval_is_void_when_the_plan_is_another(home: Home, holding: Sink) -> None:
    publish(home, "s2", people(HELD // 2))
    held = run(home, webhook_settings(holding.url))
    with open_ledger(home) as ledger:
        ledger.approve(held.plan_hash or "", "jo")
    publish(home, "s3", people(HELD // 2 - 1))
    holding.wire_rows = 0
    assert run(home, webhook_settings(holding.url)).verdict == "held"
    assert holding.wire_rows == 0


def test_an_emptied_audience_can_be_approved_too(home: Home, holding: Sink) -> None:
    publish(home, "s2", [replace(person, is_member=False) for person in people(HELD)])
    held = run(home, webhook_settings(holding.url))
    with open_ledger(home) as ledger:
        ledger.approve(held.plan_id or "", "jo")
    assert run(home, webhook_settings(holding.url)).verdict == "sent"
    assert holding.holds == {}
    assert run(home, webhook_settings(holding.url)).verdict == "noop"


def test_only_the_newest_held_plan_can_be_approved(home: Home, holding: Sink) -> None:
    publish(home, "s2", people(HELD // 2))
    older = run(home, webhook_settings(holding.url))
    publish(home, "s3", people(HELD // 3))
    newer = run(home, webhook_settings(holding.url))
    with open_ledger(home) as ledger:
        with pytest.raises(LedgerError, match="out of date"):
            ledger.approve(older.plan_id or "", "jo")
        with pytest.raises(LedgerError, match="no plan is called"):
            ledger.approve("0000000000", "jo")
        with pytest.raises(LedgerError, match="is not held"):
            ledger.approve(ledger.plans()[-1].plan_id, "jo")
        assert ledger.approve(newer.plan_hash or "", "jo").plan_id == newer.plan_id


def test_a_held_plan_drops_nothing_that_was_owed_before(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(20))
    sink.faults = iter(["ok", "500", "500"])
    assert run(home, webhook_settings(sink.url)).verdict == "partial"
    publish(home, "s2", [replace(person, is_member=False) for person in people(20)])
    assert run(home, webhook_settings(sink.url)).verdict == "held"
    publish(home, "s3", people(20))
    assert run(home, webhook_settings(sink.url)).verdict == "sent"
    assert (len(sink.holds), sink.duplicate_effects) == (20, 0)


def saying(word: str, who: list[Person]) -> list[Person]:
    return [replace(person, consent=word) for person in who]


def test_who_withdraws_leaves_at_once_though_the_rest_of_the_plan_is_held(home: Home, holding: Sink) -> None:
    some_gone = people(HELD // 2)  # half the audience is missing: a disaster
    publish(home, "s2", [*saying("denied", some_gone[:3]), *some_gone[3:]])
    outcome = run(home, webhook_settings(holding.url))
    assert outcome.verdict == "held"
    assert "3 who withdrew consent were taken off all the same" in outcome.reason
    assert sorted(set(dict.fromkeys(p.customer_id for p in people(HELD))) - set(holding.holds)) == [
        "c00000", "c00001", "c00002"
    ]  # fmt: skip
    holding.wire_rows = 0
    again = run(home, webhook_settings(holding.url))
    assert (again.verdict, holding.wire_rows) == ("held", 0)
    with open_ledger(home) as ledger:
        ledger.approve(again.plan_hash or "", "jo")
    publish(home, "s3", [*saying("denied", some_gone[:3]), *some_gone[3:]])
    assert run(home, webhook_settings(holding.url)).verdict == "sent"
    assert len(holding.holds) == HELD // 2 - 3


def test_three_people_and_one_withdrawal_is_no_reason_to_wait(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))
    run(home, webhook_settings(sink.url))
    publish(home, "s2", [*saying("denied", people(1)), *people(3)[1:]])
    run(home, webhook_settings(sink.url))
    assert sorted(sink.holds) == ["c00001", "c00002"]


def test_who_was_merged_into_somebody_who_said_no_leaves_under_the_id_the_channel_knows(
    home: Home, holding: Sink
) -> None:
    publish(home, "s2", [*saying("denied", [Person("survivor")]), *people(20, start=1)], merges={"c00000": "survivor"})
    assert run(home, webhook_settings(holding.url)).verdict == "held"
    assert "c00000" not in holding.holds
    assert len(holding.holds) == HELD - 1


@pytest.mark.parametrize(
    ("source", "waits"),
    [
        (("esp", "consents", True), True),
        (("esp", "message_events", True), True),
        (("esp", "(none)", True), True),
        (("esp", "consents", False), False),
        (("shop", "shop_orders", True), False),
        (("shop", "shop_customers", True), False),
    ],
)
def test_nobody_new_joins_while_a_source_that_may_hold_withdrawals_could_not_be_read(
    home: Home, holding: Sink, source: tuple[str, str, bool], waits: bool
) -> None:
    publish(home, "s2", people(HELD + 4, start=2), sources=[source])  # two leave, six join
    outcome = run(home, webhook_settings(holding.url))
    assert outcome.verdict == "sent"
    assert (outcome.leaves, outcome.joins) == ((2, 0) if waits else (2, 6))
    assert ("6 wait to join until esp can be read" in outcome.reason) is waits
    publish(home, "s3", people(HELD + 4, start=2))
    run(home, webhook_settings(holding.url))
    assert len(holding.holds) == HELD + 4


def test_a_shop_whose_tick_box_counts_as_consent_is_waited_for_too(home: Home, sink: Sink) -> None:
    settings = webhook_settings(sink.url)
    shop = {"kind": "files", "path": "/tmp", "treat_accepts_marketing_as": "email"}
    settings = type(settings).model_validate(settings.model_dump() | {"sources": {"shop": shop}})
    publish(home, "s1", people(3), sources=[("shop", "shop_customers", True)])
    outcome = run(home, settings)
    assert (outcome.verdict, sink.holds) == ("noop", {})
    assert "3 wait to join until shop can be read" in outcome.reason
