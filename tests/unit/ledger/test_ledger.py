"""The ledger in SQLite and in PostgreSQL: keys fixed first, answers and memberships in one step, nothing lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perennial.config.contract import OWN_TABLES
from perennial.config.home import Home
from perennial.ledger import planning
from perennial.ledger.export import export
from perennial.ledger.records import (
    Channel,
    Delivery,
    LedgerError,
    MovedMembership,
    NewPlan,
    PlannedRow,
    Settlement,
)
from perennial.ledger.store import Ledger, open_ledger
from tests.unit.ledger.conftest import Open

CHANNEL = Channel("win_back", "mailer")
NIGHT = datetime(2026, 3, 1, 4, tzinfo=UTC)


def plan(
    *rows: PlannedRow, verdict: str = "approved", plan_hash: str = "ab" * 32, channel: Channel = CHANNEL
) -> NewPlan:
    return NewPlan(
        channel=channel, snapshot_id="s1", plan_hash=plan_hash, verdict=verdict, reason="because", unchanged_count=0,
        held_count=0, audience_count=len(rows), withheld_count=0, baseline_held=0, baseline_leaves=0, rows=rows,
    )  # fmt: skip


def join(customer_id: str, address: str | None = None, **more: object) -> PlannedRow:
    return PlannedRow("join", customer_id, address or f"{customer_id}@x", '{"first_name":"Ann"}', customer_id, **more)


def leave(customer_id: str, spell: int, **more: object) -> PlannedRow:
    return PlannedRow("leave", customer_id, f"{customer_id}@x", "{}", customer_id, spell, **more)


def attempt(ledger: Ledger, *, snapshot_id: str = "s1") -> list[Delivery]:
    rows = ledger.owed(CHANNEL)
    ledger.begin_attempt(CHANNEL, rows, "batch", snapshot_id, NIGHT)
    return rows


def settle(ledger: Ledger, rows: list[Delivery], word: str, detail: str = "") -> None:
    ledger.settle(CHANNEL, [Settlement(row, word, detail) for row in rows])  # type: ignore[arg-type]


def held(ledger: Ledger) -> list[tuple[str, int, bool]]:
    return sorted((each.customer_id, each.spell, each.is_certain) for each in ledger.state(CHANNEL).memberships)


def statuses(ledger: Ledger) -> dict[str, str]:
    return {f"{row['action']} {row['customer_id']}": row["status"] for row in export(ledger)["deliveries"]}


def test_keys_are_there_before_the_first_attempt_and_the_same_after_reopening(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a"), join("b")))
        first = [(row.customer_id, row.key, row.status, row.attempts) for row in ledger.owed(CHANNEL)]
    with opened() as ledger:
        again = [(row.customer_id, row.key, row.status, row.attempts) for row in ledger.owed(CHANNEL)]
    assert first == again
    assert [(row[0], row[2], row[3]) for row in first] == [("a", "pending", 0), ("b", "pending", 0)]
    assert len({row[1] for row in first}) == 2


def test_a_key_differs_by_destination_audience_person_action_and_spell(opened: Open) -> None:
    keys = []
    with opened() as ledger:
        for channel in (CHANNEL, Channel("win_back", "print_house"), Channel("loyal", "mailer")):
            ledger.commit_plan(plan(join("a"), join("b"), leave("a", 1), leave("a", 2), channel=channel))
            keys += [row.key for row in ledger.owed(channel)]
    assert len(keys) == len(set(keys)) == 12


def test_another_installation_has_other_keys(tmp_path) -> None:
    keys = set()
    for name in ("one", "two"):
        with open_ledger(Home(tmp_path / name).prepare()) as ledger:
            ledger.commit_plan(plan(join("a")))
            keys |= {row.key for row in ledger.owed(CHANNEL)}
    assert len(keys) == 2


def test_an_acknowledged_join_is_a_membership_and_its_payload_is_forgotten(opened: Open) -> None:
    with opened() as ledger:
        plan_id = ledger.commit_plan(plan(join("a"), join("b")))
        rows = attempt(ledger)
        assert held(ledger) == [("a", 1, False), ("b", 1, False)]
        assert not ledger.close_plan(plan_id)
        settle(ledger, rows, "acknowledged", "receipt-1")
        assert held(ledger) == [("a", 1, True), ("b", 1, True)]
        assert ledger.close_plan(plan_id)
        assert ledger.owed(CHANNEL) == []
        exported = export(ledger)
        assert [row["receipt"] for row in exported["deliveries"]] == ["receipt-1"] * 2
        assert "@" not in str(exported)


def test_an_acknowledged_leave_ends_the_membership(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), "acknowledged")
        ledger.commit_plan(plan(leave("a", 1)))
        rows = attempt(ledger)
        assert held(ledger) == [("a", 1, False)]
        settle(ledger, rows, "acknowledged")
        assert held(ledger) == []


@pytest.mark.parametrize(
    ("word", "joined", "left", "status"),
    [
        ("rejected", [], [("a", 1, True)], "rejected"),
        ("untouched", [], [("a", 1, True)], "pending"),
        ("unanswered", [("a", 1, False)], [("a", 1, False)], "attempted"),
    ],
)
def test_what_the_channel_may_hold_after_an_answer_that_is_no_yes(
    opened: Open, word: str, joined: list[object], left: list[object], status: str
) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), word, "why")
        assert (held(ledger), statuses(ledger)["join a"]) == (joined, status)
        ledger.commit_plan(plan(join("a", reuse=ledger.state(CHANNEL).deliveries[0].key)))
        settle(ledger, attempt(ledger), "acknowledged")
        ledger.commit_plan(plan(leave("a", 1)))
        settle(ledger, attempt(ledger), word, "why")
        assert (held(ledger), statuses(ledger)["leave a"]) == (left, status)


def test_a_row_once_without_an_answer_stays_so_until_there_is_one(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), "unanswered")
        settle(ledger, attempt(ledger), "untouched")
        (row,) = ledger.owed(CHANNEL)
        assert (row.status, row.attempts, held(ledger)) == ("attempted", 2, [("a", 1, False)])


def test_a_repeated_batch_keeps_its_number_its_time_and_its_plan(opened: Open) -> None:
    with opened() as ledger:
        first = ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), "unanswered")
        (row,) = ledger.owed(CHANNEL)
        ledger.commit_plan(plan(join("a", reuse=row.key), join("b")))
        ledger.begin_attempt(CHANNEL, [row], row.batch_id or "", "s2", datetime(2030, 1, 1, tzinfo=UTC))
        again = ledger.owed(CHANNEL)[0]
    assert (again.batch_id, again.batch_at, again.plan_id) == ("batch", NIGHT, first)


def test_a_plan_that_is_not_wished_any_more_is_superseded_and_can_come_back(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), "acknowledged")
        ledger.commit_plan(plan(leave("a", 1)))
        (dropped,) = ledger.owed(CHANNEL)
        ledger.commit_plan(replace(plan(verdict="noop"), superseded=(dropped.key,)))
        assert statuses(ledger)["leave a"] == "superseded"
        assert ledger.owed(CHANNEL) == []
        ledger.commit_plan(plan(leave("a", 1)))
        (back,) = ledger.owed(CHANNEL)
    assert (back.key, back.status, back.address) == (dropped.key, "pending", "a@x")


def test_a_new_spell_has_a_new_key(opened: Open) -> None:
    with opened() as ledger:
        keys = []
        for _ in range(3):
            ledger.commit_plan(plan(join("a")))
            rows = attempt(ledger)
            keys += [row.key for row in rows]
            settle(ledger, rows, "acknowledged")
            (membership,) = ledger.state(CHANNEL).memberships
            ledger.commit_plan(plan(leave("a", membership.spell)))
            settle(ledger, attempt(ledger), "acknowledged")
    assert len(set(keys)) == 3


def test_a_moved_membership_keeps_the_id_the_channel_knows(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("old")))
        settle(ledger, attempt(ledger), "acknowledged")
        ledger.commit_plan(replace(plan(verdict="noop"), moves=(MovedMembership("old", 1, "new"),)))
        (moved,) = ledger.state(CHANNEL).memberships
    assert (moved.customer_id, moved.sent_as, moved.spell, moved.is_certain) == ("new", "old", 1, True)


def test_a_withheld_row_is_closed_unless_it_may_have_gone(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a")))
        settle(ledger, attempt(ledger), "unanswered")
        out = ledger.owed(CHANNEL)[0]
        ledger.commit_plan(plan(join("a", reuse=out.key), join("b")))
        ledger.withhold([row.key for row in ledger.owed(CHANNEL)], "no consent")
        assert statuses(ledger) == {"join a": "attempted", "join b": "withheld"}


def test_a_held_plan_owes_nothing_and_is_known_by_its_hash_while_it_is_the_newest(opened: Open) -> None:
    with opened() as ledger:
        plan_id = ledger.commit_plan(plan(join("a"), verdict="held"))
        assert ledger.owed(CHANNEL) == []
        known = ledger.held_plan(CHANNEL, "ab" * 32)
        assert known is not None and known.plan_id == plan_id
        assert [(row.action, row.customer_id, row.status) for row in ledger.plan_rows(plan_id)] == [("join", "a", None)]
        ledger.commit_plan(plan(join("b"), verdict="held", plan_hash="cd" * 32))
        assert ledger.held_plan(CHANNEL, "ab" * 32) is None


def test_an_approval_is_found_by_hash_and_used_once(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a"), verdict="held"))
        assert ledger.approval("ab" * 32) is None
        for _ in range(2):
            ledger.approve("abababab", "jo")
        approval = ledger.approval("ab" * 32)
        assert approval is not None and approval.approved_by == "jo"
        ledger.commit_plan(replace(plan(join("a")), approval=approval.number))
        assert ledger.approval("ab" * 32) is None


def test_what_is_planned_stays_as_it_was_planned(opened: Open) -> None:
    with opened() as ledger:
        plan_id = ledger.commit_plan(plan(join("a"), join("b")))
        settle(ledger, attempt(ledger), "acknowledged")
        ledger.commit_plan(plan(leave("a", 1), leave("b", 1)))
        settle(ledger, attempt(ledger), "acknowledged")
        rows = ledger.plan_rows(plan_id)
        record = ledger.plan(plan_id)
    assert [(row.action, row.customer_id) for row in rows] == [("join", "a"), ("join", "b")]
    assert (record.joins_count, record.leaves_count, record.reason) == (2, 0, "because")


def test_the_export_has_exactly_the_columns_landing_knows(opened: Open) -> None:
    with opened() as ledger:
        ledger.commit_plan(plan(join("a"), join("b")))
        rows = attempt(ledger)
        settle(ledger, rows[:1], "acknowledged")
        exported = export(ledger)
    assert {name: list(rows[0]) for name, rows in exported.items()} == {
        name: list(OWN_TABLES[name]) for name in ("plans", "deliveries", "memberships")
    }
    assert len(exported["memberships"]) == 1
    assert exported["memberships"][0]["member_since"].tzinfo is None


def test_many_people_are_planned_and_settled_in_portions(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PORTION", 500)
    with opened() as ledger:
        plan_id = ledger.commit_plan(plan(*(join(f"c{number:04d}") for number in range(1_201))))
        rows = attempt(ledger)
        settle(ledger, rows, "acknowledged")
        assert len(ledger.state(CHANNEL).memberships) == 1_201
        assert ledger.close_plan(plan_id)


def test_two_writers_wait_for_each_other_and_lose_nothing(opened: Open) -> None:
    with opened():
        pass
    problems: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with opened() as ledger:
                for number in range(10):
                    ledger.commit_plan(plan(join(f"{name}{number}"), channel=Channel(name, "mailer")))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with opened() as ledger:
        assert len(ledger.plans(limit=100)) == 30


def test_an_unknown_plan_is_an_error_that_says_where_to_look(opened: Open) -> None:
    with opened() as ledger, pytest.raises(LedgerError, match="see `plan list`"):
        ledger.plan("000009-abcdef12")
