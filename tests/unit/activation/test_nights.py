"""Night after night against a real receiver: who joins, who leaves, what is repeated and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perennial.config.home import Home
from perennial.ledger.records import Channel
from perennial.ledger.store import open_ledger
from tests.support.activating import DEFINITION, files_settings, run, webhook_settings
from tests.support.sink import Sink, rows_of
from tests.support.snapshot import Person, people, publish

CHANNEL = Channel("win_back", "mailer")


def actions(sink: Sink) -> list[tuple[str, str, str]]:
    return [(row["action"], row["customer_id"], row["email"]) for row in rows_of(sink.bodies)]


def keys(sink: Sink) -> list[str]:
    return [row["key"] for row in rows_of(sink.bodies)]


def forget(sink: Sink) -> None:
    sink.bodies.clear()
    sink.wire_rows = 0


def settings(sink: Sink, **more: object):
    """Wide guards: these tests are about few people."""
    wide = {"max_shrink": 1.0, "max_growth": 1000.0, "max_turnover": 1.0}
    return webhook_settings(sink.url, guards=wide, **more)


def test_the_first_night_sends_everyone_and_the_second_sends_nothing(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(25))
    first = run(home, settings(sink))
    assert (first.verdict, first.joins, first.acknowledged) == ("sent", 25, 25)
    assert (len(sink.holds), sink.wire_rows, sink.calls) == (25, 25, 3)
    publish(home, "s2", people(25))
    for _ in range(2):
        again = run(home, settings(sink))
        assert (again.verdict, again.reason, again.joins) == ("noop", "unchanged", 0)
    assert (sink.wire_rows, sink.calls) == (25, 3)


def test_who_left_the_audience_is_taken_off_the_channel(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(10))
    run(home, settings(sink))
    forget(sink)
    publish(home, "s2", people(8))
    outcome = run(home, settings(sink))
    assert (outcome.verdict, outcome.leaves, outcome.acknowledged) == ("sent", 2, 2)
    assert actions(sink) == [
        ("leave", "c00008", "c00008@example.com"),
        ("leave", "c00009", "c00009@example.com"),
    ]
    assert sorted(sink.holds) == [person.customer_id for person in people(8)]


def test_who_comes_back_joins_with_a_new_key(home: Home, sink: Sink) -> None:
    for number, count in enumerate((3, 2, 3, 2, 3)):
        publish(home, f"s{number}", people(count))
        run(home, settings(sink))
    assert len(keys(sink)) == len(set(keys(sink))) == 3 + 4
    assert sorted(sink.holds) == ["c00000", "c00001", "c00002"]


def test_a_new_address_is_a_leave_of_the_old_and_then_a_join(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("a", "old@example.com"), Person("b")])
    run(home, settings(sink))
    forget(sink)
    publish(home, "s2", [Person("a", "new@example.com"), Person("b")])
    run(home, settings(sink))
    assert actions(sink) == [("leave", "a", "old@example.com"), ("join", "a", "new@example.com")]
    assert sink.holds["a"] == "new@example.com"


def test_a_merge_sends_nothing_and_the_later_leave_names_the_id_the_channel_knows(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("old", "a@example.com"), Person("b")])
    run(home, settings(sink))
    forget(sink)
    publish(home, "s2", [Person("new", "a@example.com"), Person("b")], merges={"old": "new"})
    assert run(home, settings(sink)).verdict == "noop"
    assert sink.wire_rows == 0
    publish(home, "s3", [Person("new", "a@example.com", is_member=False), Person("b")], merges={"old": "new"})
    assert run(home, settings(sink)).verdict == "sent"
    assert actions(sink) == [("leave", "old", "a@example.com")]
    assert sorted(sink.holds) == ["b"]


def test_a_rejected_row_is_tried_again_another_night_with_the_same_key(home: Home, sink: Sink) -> None:
    sink.rejects = {"c00001": "box is full, ann@example.com"}
    publish(home, "s1", people(3))
    first = run(home, settings(sink))
    assert (first.verdict, first.acknowledged, first.rejected) == ("partial", 2, 1)
    with open_ledger(home) as ledger:
        (row,) = ledger.state(CHANNEL).deliveries
        kept = ledger.plan_rows(first.plan_id or "")[1]
    assert (row.status, row.attempts) == ("rejected", 1)
    assert (kept.status, kept.reason) == ("rejected", "box is full, <address>")
    assert run(home, settings(sink)).verdict == "noop"
    assert sink.wire_rows == 3
    publish(home, "s2", people(3))
    assert run(home, settings(sink)).verdict == "failed"
    assert sink.wire_rows == 4
    sink.rejects = {}
    publish(home, "s3", people(3))
    assert run(home, settings(sink)).verdict == "sent"
    assert keys(sink)[1] == keys(sink)[3] == keys(sink)[4]
    assert len(sink.holds) == 3
    publish(home, "s4", people(3))
    assert run(home, settings(sink)).verdict == "noop"


def test_a_join_that_never_went_out_is_simply_dropped(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))
    dead = webhook_settings("http://127.0.0.1:9/")
    assert run(home, dead).verdict == "failed"
    publish(home, "s2", [Person("z")])
    assert run(home, settings(sink)).verdict == "sent"
    assert actions(sink) == [("join", "z", "z@example.com")]


def test_a_join_that_was_never_answered_is_taken_back_when_no_longer_wished(home: Home, sink: Sink) -> None:
    sink.faults = iter(["effect_then_500"] * 2)
    publish(home, "s1", [Person("a")])
    assert run(home, settings(sink)).verdict == "failed"
    assert sorted(sink.holds) == ["a"]
    publish(home, "s2", [Person("a", is_member=False), Person("b")])
    assert run(home, settings(sink)).verdict == "sent"
    assert actions(sink)[-2:] == [("leave", "a", "a@example.com"), ("join", "b", "b@example.com")]
    assert sorted(sink.holds) == ["b"]


def test_a_leave_that_was_never_answered_is_joined_again_when_wished_again(home: Home, sink: Sink) -> None:
    publish(home, "s1", [Person("a"), Person("b")])
    run(home, settings(sink))
    sink.faults = iter(["effect_then_500"] * 2)
    publish(home, "s2", [Person("a", is_member=False), Person("b")])
    run(home, settings(sink))
    assert sorted(sink.holds) == ["b"]
    publish(home, "s3", [Person("a"), Person("b")])
    assert run(home, settings(sink)).verdict == "sent"
    assert sorted(sink.holds) == ["a", "b"]
    assert sink.duplicate_effects == 0


def test_a_person_whose_old_address_cannot_be_released_is_not_joined_under_the_new_one_yet(
    home: Home, sink: Sink
) -> None:
    publish(home, "s1", [Person("a", "old@example.com"), Person("b")])
    run(home, settings(sink))
    forget(sink)
    sink.rejects = {"a": "busy"}
    publish(home, "s2", [Person("a", "new@example.com"), Person("b")])
    assert run(home, settings(sink)).verdict == "failed"
    assert actions(sink) == [("leave", "a", "old@example.com")]
    sink.rejects = {}
    publish(home, "s3", [Person("a", "new@example.com"), Person("b")])
    assert run(home, settings(sink)).verdict == "sent"
    assert sink.holds == {"a": "new@example.com", "b": "b@example.com"}


def test_a_destination_that_was_down_gets_everything_the_next_night(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(25))
    failed = run(home, webhook_settings("http://127.0.0.1:9/"))
    assert (failed.verdict, failed.acknowledged) == ("failed", 0)
    assert "cannot be reached" in failed.reason
    publish(home, "s2", people(27))
    assert run(home, settings(sink)).verdict == "sent"
    assert (len(sink.holds), sink.wire_rows) == (27, 27)


def test_a_row_that_poisons_its_batch_does_not_stop_the_others(home: Home, sink: Sink) -> None:
    sink.poison = {"c00007"}
    publish(home, "s1", people(30))
    outcome = run(home, settings(sink))
    assert (outcome.verdict, outcome.acknowledged, outcome.rejected) == ("partial", 29, 1)
    assert len(sink.holds) == 29


def test_each_destination_and_audience_is_a_channel_of_its_own(home: Home, sink: Sink, tmp_path) -> None:
    publish(home, "s1", people(4))
    run(home, settings(sink))
    other = replace(DEFINITION, name="win_back")
    outbox = files_settings(tmp_path / "outbox")
    renamed = outbox.model_copy(update={"destinations": {"print_house": outbox.destinations["mailer"]}})
    from perennial.activation.run import activate
    from tests.support.activating import ENV, Clock

    outcome = activate(home, renamed, ENV, other, "print_house", None, Clock())
    assert (outcome.verdict, outcome.acknowledged) == ("sent", 4)
    assert len(list((tmp_path / "outbox").glob("*.csv"))) == 1


def test_an_outbox_gets_one_file_a_plan_and_none_for_a_night_without_changes(home: Home, tmp_path) -> None:
    outbox = files_settings(tmp_path / "outbox")
    for number, count in enumerate((10, 10, 9)):
        publish(home, f"s{number}", people(count))
        run(home, outbox)
    files = sorted((tmp_path / "outbox").glob("*.csv"))
    assert [len(file.read_text().splitlines()) - 1 for file in files] == [10, 1]


def test_a_destination_that_is_not_configured_is_refused_by_name(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(1))
    from perennial.activation.run import activate
    from tests.support.activating import ENV, Clock

    outcome = activate(home, settings(sink), ENV, DEFINITION, "post_office", None, Clock())
    assert (outcome.verdict, "post_office" in outcome.reason) == ("refused", True)


def test_a_missing_secret_fails_by_its_name_before_anything_is_sent(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(1))
    from perennial.activation.run import activate
    from tests.support.activating import Clock

    outcome = activate(home, settings(sink), {}, DEFINITION, "mailer", None, Clock())
    assert (outcome.verdict, "MAILER_SECRET" in outcome.reason, sink.calls) == ("failed", True, 0)


@pytest.mark.parametrize("column", ["shoe_size", "address"])
def test_a_definition_that_names_a_missing_column_is_refused_by_name(home: Home, sink: Sink, column: str) -> None:
    publish(home, "s1", people(1))
    outcome = run(home, settings(sink), definition=replace(DEFINITION, fields=(column,)))
    assert (outcome.verdict, column in outcome.reason, sink.calls) == ("refused", True, 0)
