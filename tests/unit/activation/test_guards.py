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
