"""The volume gate's arithmetic: where a night begins to read, and what of the rows held did not come again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from perennial.config.contract import table
from perennial.sources.api import gate
from perennial.sources.base import Stream

AT = datetime(2026, 3, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=10)
THINGS = table("things", "thing_id", None, "thing_id:id! updated_at:at")
DELETABLE = table("things", "thing_id", None, "thing_id:id! updated_at:at is_deleted:boolean")
STREAM = Stream("things", {}, lambda window, cursor: iter(()), "things", "thing_id")


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def write(
    duck: duckdb.DuckDBPyConnection, path: Path, rows: Sequence[tuple[str, float]], more: str = "false as is_superseded"
) -> Path:
    """Rows of (id, minutes after AT)."""
    values = ", ".join(f"('{key}', timestamp '2026-03-01' + interval ({minutes} * 60) second)" for key, minutes in rows)
    duck.execute(f"copy (select *, {more} from (values {values}) as t(thing_id, updated_at)) to '{path}'")
    return path


def test_a_night_begins_the_overlap_before_the_newest_row(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    held = write(duck, tmp_path / "a.parquet", [(str(number), -number / 10) for number in range(50)])
    assert gate.begin_at(duck, STREAM, [held], AT, OVERLAP) == AT - OVERLAP


def test_a_night_after_a_quiet_time_begins_early_enough_for_rows_to_come_again(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    held = write(duck, tmp_path / "a.parquet", [(str(number), -number * 1000) for number in range(50)])
    assert gate.begin_at(duck, STREAM, [held], AT, OVERLAP) == AT - timedelta(minutes=1000 * (gate.AT_LEAST - 1))


def test_rows_dated_into_the_future_do_not_narrow_it(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ahead = [(f"f{number}", 5000 + number) for number in range(50)]
    held = write(duck, tmp_path / "a.parquet", [*ahead, *[(str(number), -number * 1000) for number in range(50)]])
    assert gate.begin_at(duck, STREAM, [held], AT, OVERLAP) == AT - timedelta(minutes=1000 * (gate.AT_LEAST - 1))


def test_where_nothing_is_held_the_watermark_alone_counts(duck: duckdb.DuckDBPyConnection) -> None:
    assert gate.begin_at(duck, STREAM, [], AT, OVERLAP) == AT - OVERLAP


def test_what_did_not_come_again_is_counted_by_key(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    held = write(duck, tmp_path / "a.parquet", [(str(number), number) for number in range(10)])
    again = write(duck, tmp_path / "b.parquet", [(str(number), number) for number in (5, 6, 7, 20, 21)])
    found = gate.missing(duck, gate.Wanted(STREAM, THINGS, [held], AT + timedelta(minutes=5)), [again])
    assert (found.expected, found.missing, found.share) == (5, 2, 0.4)


def test_a_row_that_changed_since_counts_once(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = write(duck, tmp_path / "a.parquet", [("1", 1), ("2", 2)])
    second = write(duck, tmp_path / "b.parquet", [("1", 3)])
    found = gate.missing(duck, gate.Wanted(STREAM, THINGS, [first, second], AT), [second])
    assert (found.expected, found.missing) == (2, 1)


def test_versions_that_lost_are_not_expected(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    held = write(duck, tmp_path / "a.parquet", [("1", 1), ("2", 2)], "thing_id = '2' as is_superseded")
    found = gate.missing(duck, gate.Wanted(STREAM, THINGS, [held], AT), [])
    assert (found.expected, found.missing, found.share) == (1, 1, 1.0)


def test_what_was_deleted_is_not_expected(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    more = "false as is_superseded, thing_id = '2' as is_deleted"
    held = write(duck, tmp_path / "a.parquet", [("1", 1), ("2", 2)], more)
    found = gate.missing(duck, gate.Wanted(STREAM, DELETABLE, [held], AT), [])
    assert (found.expected, found.missing) == (1, 1)


def test_without_a_window_everything_held_is_expected(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    held = write(duck, tmp_path / "a.parquet", [("1", -99_999), ("2", 2)])
    assert gate.missing(duck, gate.Wanted(STREAM, THINGS, [held], None), [held]) == gate.Missing(2, 0)


def test_nothing_held_is_nothing_missing(duck: duckdb.DuckDBPyConnection) -> None:
    found = gate.missing(duck, gate.Wanted(STREAM, THINGS, [], AT), [])
    assert (found, found.share) == (gate.Missing(0, 0), 0.0)


def test_items_are_counted_by_their_keys(duck: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    files = [write(duck, tmp_path / "a.parquet", [("1", 1), ("2", 2)]),
             write(duck, tmp_path / "b.parquet", [("2", 3), ("3", 3)])]  # fmt: skip
    assert gate.keys_received(duck, STREAM, files) == 3
    assert gate.keys_received(duck, STREAM, []) == 0


def test_items_that_a_second_way_names_are_missed(
    duck: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_AT_ONCE", 2)
    files = [write(duck, tmp_path / "a.parquet", [("1", 1), ("2", 2)])]
    assert gate.not_received(duck, STREAM, files, [["1", "2"], [], ["3", "4", "4"], ["5", "1"]]) == 3
    assert gate.not_received(duck, STREAM, files, []) == 0
    assert gate.not_received(duck, STREAM, [], [["1"], ["2"]]) == 2


@pytest.mark.parametrize(
    ("expected", "missing", "is_closed"),
    [(3, 1, False), (2, 1, False), (1, 1, True), (3, 2, True), (20, 6, False), (20, 7, True), (0, 0, False)],
)
def test_one_row_of_several_is_no_half_empty_answer(expected: int, missing: int, is_closed: bool) -> None:
    assert gate.Missing(expected, missing).closes(0.3) is is_closed
