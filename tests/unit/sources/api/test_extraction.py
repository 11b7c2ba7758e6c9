"""A killed extraction goes on where it was: nothing noted is asked for again, nothing is lost or kept twice."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.sources.api import extraction
from perennial.sources.api.extraction import Extraction, Progress
from perennial.sources.api.payloads import line
from perennial.sources.base import CursorRefused, Form, Page, Rows, SourceFailed, SourceUnavailable, Stream, Window

FORM = Form("[]", {"id": "text"}, [Rows("things", {"thing_id": "item.id"})])
PAGES, SIZE = 12, 5
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), None, "incremental")
BASE = {"after": "", "api_version": "1"}
_PROCESSES = multiprocessing.get_context("forkserver")


class Vendor:
    """So many pages of numbers, and which of them were asked for."""

    def __init__(self, refuses: set[int] | None = None) -> None:
        self.asked: list[int] = []
        self.refuses = refuses or set()

    def stream(self, name: str = "things") -> Stream:
        return Stream(name, {"page": FORM, "extra": FORM}, self.read, "things", "thing_id")

    def read(self, _: Window, cursor: Any) -> Iterator[Page]:
        for page in range(cursor["page"] if cursor else 0, PAGES):
            if page in self.refuses:
                self.refuses.discard(page)
                raise CursorRefused
            self.asked.append(page)
            items = [{"id": str(page * SIZE + number)} for number in range(SIZE)]
            body = line(json.dumps(items).encode())
            following = {"page": page + 1} if page + 1 < PAGES else None
            yield Page({"page": body, **({"extra": body} if page % 3 == 0 else {})}, following, SIZE, {"page": items},
                       is_milestone=page == 1)  # fmt: skip


def begun(root: Path, base: dict[str, Any] = BASE, failpoint: str = "") -> Extraction:
    env = {"PERENNIAL_FAILPOINT": failpoint} if failpoint else {}
    return Extraction(Home(root).prepare(), "store", "extracting", base, Failpoints.from_env(env))


def ids(taken: Extraction, progress: Progress, form: str = "page") -> list[int]:
    files = [str(path) for path in taken.files(progress, form)]
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select unnest(page).id::int as id from read_json(?, columns = {'page': 'STRUCT(id VARCHAR)[]'},"
            " format = 'newline_delimited', compression = 'zstd')",
            [files],
        ).fetchall()
    return sorted(row[0] for row in rows)


def fetch_and_die(root: Path, failpoint: str, flush_bytes: int) -> None:
    extraction.FLUSH_BYTES = flush_bytes
    begun(root, failpoint=failpoint).fetch(Vendor().stream(), WINDOW, 60, datetime(2026, 2, 1, tzinfo=UTC))


EVERYTHING = list(range(PAGES * SIZE))
ALL = list(range(PAGES))


def test_a_stream_is_fetched_whole_and_noted(tmp_path: Path) -> None:
    vendor = Vendor()
    taken = begun(tmp_path)
    progress = taken.fetch(vendor.stream(), WINDOW, 60, datetime(2026, 2, 1, tzinfo=UTC))
    assert vendor.asked == ALL
    assert ids(taken, progress) == EVERYTHING
    assert ids(taken, progress, "extra") == [each for each in EVERYTHING if each // SIZE % 3 == 0]
    assert (progress.is_done, progress.received, progress.total) == (True, 60, 60)
    assert taken.progress("things") == progress
    assert progress.window == WINDOW


@pytest.mark.parametrize("flush_bytes", [1, 32_000_000])
@pytest.mark.parametrize("place", [*[f"page_fetched:{number}" for number in (1, 2, 6, 12)],
                                   *[f"pages_noted:{number}" for number in (1, 2)]])  # fmt: skip
def test_a_kill_9_at_any_place_loses_nothing_and_asks_for_nothing_noted(
    tmp_path: Path, place: str, flush_bytes: int
) -> None:
    child = _PROCESSES.Process(target=fetch_and_die, args=(tmp_path, f"{place}:kill9", flush_bytes))
    child.start()
    child.join()
    assert child.exitcode == -9
    vendor = Vendor()
    taken = begun(tmp_path)
    noted = taken.progress("things")
    before = ids(taken, noted) if noted is not None and noted.parts else []
    progress = taken.fetch(vendor.stream(), Window())
    assert ids(taken, progress) == EVERYTHING
    assert vendor.asked == ALL[len(before) // SIZE :]
    assert taken.is_resumed
    if noted is not None:  # the window, the total and the time are those of the run that began
        assert (progress.window, progress.total, progress.began_at) == (WINDOW, 60, "2026-02-01T00:00:00+00:00")


def test_a_stream_that_was_fetched_whole_is_not_asked_for_again(tmp_path: Path) -> None:
    begun(tmp_path).fetch(Vendor().stream(), WINDOW)
    vendor = Vendor()
    taken = begun(tmp_path)
    progress = taken.fetch(vendor.stream(), Window())
    assert vendor.asked == []
    assert taken.shapes["things"]["page"].known() == ["id"], "what was seen counts after a kill"
    assert ids(taken, progress) == EVERYTHING


def test_a_kill_between_the_last_page_and_the_end_asks_for_nothing_again(tmp_path: Path) -> None:
    child = _PROCESSES.Process(target=fetch_and_die, args=(tmp_path, "pages_noted:2:kill9", 32_000_000))
    child.start()
    child.join()
    vendor = Vendor()
    begun(tmp_path).fetch(vendor.stream(), Window())
    assert vendor.asked == []


@pytest.mark.parametrize("place", ["page_fetched:5:enospc", "pages_noted:1:enospc", "pages_noted:2:enospc"])
def test_a_full_disk_leaves_what_was_noted(tmp_path: Path, place: str) -> None:
    with pytest.raises(OSError, match="No space"):
        begun(tmp_path, failpoint=place).fetch(Vendor().stream(), WINDOW)
    vendor = Vendor()
    taken = begun(tmp_path)
    progress = taken.fetch(vendor.stream(), WINDOW)
    assert ids(taken, progress) == EVERYTHING
    assert 0 not in vendor.asked
    assert len(vendor.asked) < PAGES


def test_a_source_that_fails_amid_keeps_what_was_noted(tmp_path: Path) -> None:
    class Failing(Vendor):
        def read(self, window: Window, cursor: Any) -> Iterator[Page]:
            for page in super().read(window, cursor):
                if self.asked[-1] == 7:
                    raise SourceUnavailable("does not answer")
                yield page

    with pytest.raises(SourceUnavailable):
        begun(tmp_path).fetch(Failing().stream(), WINDOW)
    vendor = Vendor()
    taken = begun(tmp_path)
    assert ids(taken, taken.fetch(vendor.stream(), WINDOW)) == EVERYTHING
    assert vendor.asked[0] == 2, "the milestone was noted"


@pytest.mark.parametrize("base", [{"after": "20260301", "api_version": "1"}, {"after": "", "api_version": "2"}])
def test_what_goes_on_from_another_load_or_asks_another_version_begins_anew(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    begun(tmp_path).fetch(Vendor().stream(), WINDOW)
    vendor = Vendor()
    taken = begun(tmp_path, base)
    assert not taken.is_resumed
    assert ids(taken, taken.fetch(vendor.stream(), WINDOW)) == EVERYTHING
    assert vendor.asked == ALL


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"other": 1}'])
def test_notes_that_cannot_be_read_are_no_notes(tmp_path: Path, damage: str) -> None:
    taken = begun(tmp_path)
    taken.fetch(Vendor().stream(), WINDOW)
    (taken.folder / "things.json").write_text(damage)
    assert begun(tmp_path).progress("things") is None
    (taken.folder / "plan.json").write_text(damage)
    assert not begun(tmp_path).is_resumed


def test_a_cursor_that_is_refused_begins_the_stream_anew_without_what_it_brought(tmp_path: Path) -> None:
    vendor = Vendor(refuses={7})
    taken = begun(tmp_path)
    progress = taken.fetch(vendor.stream(), WINDOW, 60)
    assert vendor.asked == [*range(7), *ALL]
    assert ids(taken, progress) == EVERYTHING
    assert (progress.walks, progress.total) == (1, 60)


def test_a_vendor_that_refuses_every_place_is_unavailable(tmp_path: Path) -> None:
    class Refusing(Vendor):
        def read(self, window: Window, cursor: Any) -> Iterator[Page]:
            for page in super().read(window, cursor):
                yield page
                raise CursorRefused

    with pytest.raises(SourceUnavailable, match="refuses the places"):
        begun(tmp_path).fetch(Refusing().stream(), WINDOW)


def test_a_second_walk_lies_beside_the_first(tmp_path: Path) -> None:
    vendor = Vendor()
    taken = begun(tmp_path)
    progress = taken.again(vendor.stream(), taken.fetch(vendor.stream(), WINDOW))
    assert ids(taken, progress) == sorted(EVERYTHING * 2)
    assert len({part["file"] for part in progress.parts}) == len(progress.parts)
    assert progress.walks == 1
    assert ids(begun(tmp_path), taken.progress("things") or progress) == sorted(EVERYTHING * 2)


def test_a_second_walk_that_is_killed_keeps_the_first(tmp_path: Path) -> None:
    taken = begun(tmp_path)
    progress = taken.fetch(Vendor().stream(), WINDOW)
    failing = begun(tmp_path, failpoint="page_fetched:4:enospc")
    with pytest.raises(OSError, match="No space"):
        failing.again(Vendor().stream(), progress)
    vendor = Vendor()
    taken = begun(tmp_path)
    progress = taken.fetch(vendor.stream(), WINDOW)
    assert ids(taken, progress) == sorted(EVERYTHING * 2)
    assert vendor.asked == ALL[2:]


def test_two_streams_of_one_extraction_do_not_mix(tmp_path: Path) -> None:
    taken = begun(tmp_path)
    first = taken.fetch(Vendor().stream("things"), WINDOW)
    second = taken.fetch(Vendor().stream("thing_parts"), WINDOW)
    assert ids(taken, first) == ids(taken, second) == EVERYTHING
    assert not set(taken.files(first, "page")) & set(taken.files(second, "page"))


@pytest.mark.parametrize("error", [KeyError("canary-1@leak.test"), TypeError("canary-1@leak.test"),
                                   ValueError("canary-1@leak.test"), AttributeError("canary-1@leak.test")])  # fmt: skip
def test_an_answer_built_otherwise_than_expected_is_told_by_its_kind_alone(tmp_path: Path, error: Exception) -> None:
    class Confused(Vendor):
        def read(self, window: Window, cursor: Any) -> Iterator[Page]:
            raise error
            yield

    with pytest.raises(SourceFailed, match=type(error).__name__) as failed:
        begun(tmp_path).fetch(Confused().stream(), WINDOW)
    assert "leak.test" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_payload_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    taken = begun(tmp_path)
    progress = taken.fetch(Vendor().stream(), WINDOW)
    assert {path.stat().st_mode & 0o077 for path in taken.files(progress, "page")} == {0}
