"""Killed at every step, then run again: nobody is sent twice, nobody is forgotten, keys and bytes stay the same."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from perennial.config.home import Home
from perennial.ledger.export import export
from perennial.ledger.store import open_ledger
from tests.support.activating import files_settings, run, run_killed, webhook_settings
from tests.support.sink import Sink, rows_of
from tests.support.snapshot import people, publish

STEPS = ["plan:1", "guard:1", "ledger:1", "send:1", "send:2", "after_200:1", "after_200:2", "ack:1", "ack:2", "close:1"]


def members(home: Home) -> list[tuple[str, str]]:
    """Who is held under which key."""
    with open_ledger(home) as ledger:
        return [(row["customer_id"], row["delivery_key"]) for row in export(ledger)["memberships"]]


@pytest.mark.parametrize("place", STEPS)
def test_a_night_killed_at_any_step_ends_like_an_undisturbed_one(home: Home, sink: Sink, place: str) -> None:
    publish(home, "s1", people(30))
    run(home, webhook_settings(sink.url))
    publish(home, "s2", people(35, start=5))
    assert run_killed(home, "webhook", sink.url, f"{place}:kill9") == -9
    killed_after = sink.wire_rows
    assert run(home, webhook_settings(sink.url)).verdict in ("sent", "noop")
    expected = {person.customer_id: person.address for person in people(35, start=5)}
    assert sink.holds == expected
    assert [customer_id for customer_id, _ in members(home)] == sorted(expected)
    assert (len(sink.effects), sink.duplicate_effects) == (30 + 5 + 10, 0)
    assert sink.wire_rows <= 30 + 5 + 10 + 10  # at most one batch is repeated
    assert killed_after <= sink.wire_rows
    publish(home, "s3", people(35, start=5))
    before = sink.wire_rows
    assert run(home, webhook_settings(sink.url)).verdict == "noop"
    assert sink.wire_rows == before


def test_twenty_kills_between_the_answer_and_its_record_are_twenty_replays_and_no_second_effect(
    home: Home, sink: Sink
) -> None:
    publish(home, "s1", people(210))
    assert run_killed(home, "webhook", sink.url, "after_200:1:kill9") == -9
    for _ in range(19):
        assert run_killed(home, "webhook", sink.url, "after_200:2:kill9") == -9
    assert run(home, webhook_settings(sink.url)).verdict == "sent"
    assert (len(sink.effects), sink.duplicate_effects, len(sink.holds)) == (210, 0, 210)
    repeats = Counter(sink.bodies)
    assert sorted(repeats.values()) == [1] + [2] * 20
    assert Counter(sink.message_ids).most_common()[0][1] == 2
    assert len({row["key"] for row in rows_of(sink.bodies)}) == 210


def test_a_receiver_that_forgets_keys_shows_the_replays_so_the_counting_can_fail(home: Home, sink: Sink) -> None:
    sink.plain = True
    publish(home, "s1", people(10))
    assert run_killed(home, "webhook", sink.url, "after_200:1:kill9") == -9
    run(home, webhook_settings(sink.url))
    assert sink.duplicate_effects == 10


@pytest.mark.parametrize("place", ["ledger", "send", "after_200", "ack", "close"])
def test_a_killed_plan_leaves_one_file_with_the_plans_name(home: Home, tmp_path: Path, place: str) -> None:
    outbox = tmp_path / "outbox"
    publish(home, "s1", people(12))
    assert run_killed(home, "files", str(outbox), f"{place}:1:kill9") == -9
    publish(home, "s2", people(12))
    assert run(home, files_settings(outbox)).verdict in ("sent", "noop")
    (file,) = outbox.glob("*.csv")
    with open(file, newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert sorted(row["customer_id"] for row in rows) == [person.customer_id for person in people(12)]
    assert [(row["customer_id"], row["key"]) for row in rows] == members(home)


def test_an_interrupted_first_push_goes_on_and_is_not_taken_for_growth(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(100))
    assert run_killed(home, "webhook", sink.url, "ack:1:kill9") == -9
    assert len(members(home)) == 10
    publish(home, "s2", people(101))
    assert run(home, webhook_settings(sink.url)).verdict == "sent"
    assert len(sink.holds) == 101


def test_an_interrupted_first_push_does_not_let_a_collapse_through(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(100))
    assert run_killed(home, "webhook", sink.url, "ack:9:kill9") == -9
    publish(home, "s2", people(3))
    before = sink.wire_rows
    assert run(home, webhook_settings(sink.url)).verdict == "held"
    assert sink.wire_rows == before


def test_an_approved_plan_that_was_interrupted_goes_on_without_a_second_approval(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(60))
    run(home, webhook_settings(sink.url))
    publish(home, "s2", people(20))
    held = run(home, webhook_settings(sink.url))
    with open_ledger(home) as ledger:
        ledger.approve(held.plan_hash or "", "jo")
    assert run_killed(home, "webhook", sink.url, "after_200:2:kill9") == -9
    outcome = run(home, webhook_settings(sink.url))
    assert outcome.verdict == "sent"
    assert "goes on with plan" in outcome.reason
    assert len(sink.holds) == 20
