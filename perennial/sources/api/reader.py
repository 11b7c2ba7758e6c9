"""Reading a vendor's API into a load: windows from the state of the last load, streams, drift, totals, the gate.

What lives here: the order of these, the same for every vendor. What does not: any vendor (perennial/sources/<vendor>),
and each of the steps (the other modules here).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.parts import ApiSource
from perennial.landing.load import Load
from perennial.landing.manifest import held_files, newest_state
from perennial.sources.api import burials, gate
from perennial.sources.api.extraction import Extraction, Progress, understood, understood_each
from perennial.sources.api.http import Api
from perennial.sources.api.newest import came_twice, is_line, newest_rows
from perennial.sources.api.retype import retype
from perennial.sources.api.shape import Shape, compare
from perennial.sources.api.typed import delivery, incoming, rows_select
from perennial.sources.base import Adapter, GateClosed, ShapeChanged, SourceFailed, Stream, TakesDeliveries, Window
from perennial.sources.inbox import inbox_of
from perennial.warehouse.duck import name, path_list

WALKS = 3  # how often a window is read where the vendor says that it holds more than it handed over
SHORT_NIGHTS = 3  # how many nights read the same window again where it came short
AHEAD = timedelta(hours=1)  # a row dated later than this does not move the state


class ApiReader:
    """Reads one configured source over its vendor's API."""

    def __init__(self, source: ApiSource, window: Window | None = None) -> None:
        self.source = source
        self.window = window  # a backfill's

    def deliver(self, load: Load, env: Mapping[str, str]) -> None:
        with self._signed_in(env) as (adapter, api):
            if self.window is not None and self.window.mode == "retype":
                retype(load, adapter.streams())
                return
            _Reading(self.source, load, adapter, api, self.window).run()

    def probe(self, env: Mapping[str, str]) -> list[str]:
        try:
            with self._signed_in(env) as (adapter, _):
                adapter.probe()
        except SourceFailed as error:
            return [str(error)]
        return []

    @contextmanager
    def _signed_in(self, env: Mapping[str, str]) -> Iterator[tuple[Adapter, Api]]:
        vendor = importlib.import_module(f"perennial.sources.{self.source.kind}.adapter")
        api: Api = vendor.sign_in(self.source, env)
        try:
            yield vendor.Adapter(self.source, api), api
        finally:
            api.close()


class _Reading:
    """One reading of one source."""

    def __init__(self, source: ApiSource, load: Load, adapter: Adapter, api: Api, window: Window | None) -> None:
        self.source, self.load, self.adapter, self.api, self.window = source, load, adapter, api, window
        self.base, state = newest_state(load.home, source.kind, load.source_name)
        self.state: dict[str, Any] = {key: dict(value) for key, value in state.get("streams", {}).items()}
        self.is_accepted = load.home.accepted(load.source_name).exists()
        self.gates: list[Callable[[], None]] = []

    def run(self) -> None:
        extraction = self._extraction()
        for stream in self._streams():
            if self.window is not None and stream.is_whole:
                continue
            self._believing(extraction, partial(self._read, stream, extraction))
        for look in self.gates:  # by now every stream has told who is gone
            self._believing(extraction, look)
        self.load.state = {"streams": self.state}
        traffic = self.api.traffic
        self.load.traffic = {
            "calls": traffic.calls, "bytes": traffic.bytes, "waited_seconds": round(traffic.waited_seconds, 1),
            "repeats": traffic.repeats, "is_resumed": extraction.is_resumed,
        }  # fmt: skip
        self.load.after_commit.append(extraction.forget)
        if self.is_accepted:
            self.load.after_commit.append(
                lambda: self.load.home.accepted(self.load.source_name).unlink(missing_ok=True)
            )

    def _believing(self, extraction: Extraction, step: Callable[[], None]) -> None:
        try:
            step()
        except (GateClosed, ShapeChanged, duckdb.Error):
            extraction.forget()  # what was fetched is not to be believed: the next run fetches it anew
            raise

    def _streams(self) -> list[Stream]:
        adapter = self.adapter
        received = []
        if isinstance(adapter, TakesDeliveries):
            received = [adapter.deliveries(inbox_of(self.load.home), self.load.source_name)]
        return [*received, *adapter.streams()]

    def _extraction(self) -> Extraction:
        purpose = "extracting" if self.window is None else "backfilling"
        plan = {
            "after": self.base, "api_version": self.source.api_version, "base_url": self.source.base_url,
            "since": str(self.source.since or ""), "window": str(self.window or ""),
        }  # fmt: skip
        return Extraction(self.load.home, self.load.source_name, purpose, plan, self.load.failpoint)

    def _read(self, stream: Stream, extraction: Extraction) -> None:
        noted = extraction.progress(stream.name)
        window = noted.window if noted is not None else self._window(stream)
        total = noted.total if noted is not None else None
        if noted is None and stream.total is not None:
            total = understood(partial(stream.total, window))
        progress = extraction.fetch(stream, window, total, self.load.loaded_at)
        self._check_shape(stream, extraction)
        received = self._receive(stream, extraction, progress, 0)
        missing = self._short(stream, received, progress, window)
        while missing and progress.walks + 1 < WALKS:
            done = len(progress.parts)
            progress = extraction.again(stream, progress)
            received += self._receive(stream, extraction, progress, done)
            missing = self._short(stream, received, progress, window)
        self._receive_lines(stream, extraction, progress, received)
        if missing:
            self._came_short(stream, received, missing, total)
        if stream.deletes_absent:
            self._gate(stream, window)  # before it says itself who is gone
        else:
            self.gates.append(partial(self._gate, stream, window))
        if stream.is_whole and stream.deletes_absent and not missing:  # a list known to lack somebody deletes nobody
            self._bury_absent(stream, received)
        for path in (extraction.folder / part["file"] for part in progress.parts):
            self.load.keep_payload(path, stream.name)
        if window.mode != "backfill":
            self._move(stream, received, progress, missing)
        if stream.let_go is not None and stream.waits_in is not None and received:
            self._let_go_later(stream.waits_in, stream.let_go, received)

    def _window(self, stream: Stream) -> Window:
        if self.window is not None:
            return self.window
        watermark = self.state.get(stream.name, {}).get("watermark")
        if stream.is_whole or watermark is None:
            first = self.source.since
            since = datetime(first.year, first.month, first.day, tzinfo=UTC) if first is not None else None
            return Window(since)
        at = datetime.fromisoformat(watermark)
        if not stream.is_gated:
            return Window(at - self.source.overlap, mode="incremental")
        since = gate.begin_at(
            self.load.connection, stream, self._held(stream), at, self.source.overlap, self._gone(stream)
        )
        return Window(since, mode="incremental")

    def _gone(self, stream: Stream) -> list[str]:
        """Keys that were missing when somebody accepted that."""
        return list(self.state.get(stream.name, {}).get("gone", []))

    def _held(self, stream: Stream) -> list[Path]:
        return held_files(self.load.home, self.source.kind, self.load.source_name, stream.table)

    def _receive(self, stream: Stream, extraction: Extraction, progress: Progress, start: int) -> list[Path]:
        """Hand payload parts to the load from one on; returns the files it staged for the stream's own table."""
        for table in stream.tables:
            self.load.delivered(table)
        before = len(self.load.staged(stream.table))
        for form_name, form in stream.forms.items():
            files = extraction.files(progress, form_name, start)
            if files:
                for rows in form.rows:
                    if not is_line(stream, self.load.tables, rows):
                        self.load.receive(rows.table, incoming(self._label(stream), form, rows, files))
        return self.load.staged(stream.table)[before:]

    def _receive_lines(self, stream: Stream, extraction: Extraction, progress: Progress, received: list[Path]) -> None:
        """The lines of what was received: where an item came in several versions, those of the newest alone."""
        files = {form: extraction.files(progress, form) for form in stream.forms}
        is_mixed = came_twice(self.load.connection, self.load.tables[stream.table], received)
        for form_name, form in stream.forms.items():
            for rows in form.rows if files[form_name] else ():
                if is_line(stream, self.load.tables, rows):
                    select = rows_select(form, rows, files[form_name])
                    if is_mixed:
                        select = newest_rows(stream, self.load.tables, form_name, rows, files)
                    self.load.receive(rows.table, delivery(self._label(stream), select))

    def _label(self, stream: Stream) -> str:
        return f"{stream.name} of {self.load.source_name}"

    def _short(self, stream: Stream, received: list[Path], progress: Progress, window: Window) -> int:
        """How many items the vendor has in this window that did not arrive."""
        total = progress.total
        if total is not None:
            arrived = gate.keys_received(self.load.connection, stream, received)
            return max(total - arrived, self._short_of_settled(stream, received, arrived, progress), 0)
        if stream.ids is None:
            return 0
        return gate.not_received(self.load.connection, stream, received, understood_each(stream.ids(window)))

    def _short_of_settled(self, stream: Stream, received: list[Path], arrived: int, progress: Progress) -> int:
        """The same of what has not changed since the reading began: items that came in meanwhile and were read would
        make up for as many that were left out. What changed within `overlap` comes again the next night anyway."""
        if stream.is_whole or stream.updated is None or stream.total is None or progress.began_at is None:
            return 0
        window = progress.window
        settled = datetime.fromisoformat(progress.began_at).replace(microsecond=0) - self.source.overlap
        until = settled if window.until is None else min(window.until, settled)
        if window.since is not None and until <= window.since:
            return 0
        total = understood(partial(stream.total, replace(window, until=until)))
        newer = gate.changed_since(self.load.connection, stream, received, until)
        return 0 if total is None else total - (arrived - newer)

    def _came_short(self, stream: Stream, received: list[Path], missing: int, total: int | None) -> None:
        of = f" of {total:,}" if total is not None else ""
        said = f"{stream.name}: the vendor names {missing:,}{of} items that it did not hand over in {WALKS} readings"
        # what came late under an old date is no half-empty answer: what was there before the reading closes the gate
        lost = 0 if total is None else total - gate.keys_received(self.load.connection, stream, received)
        if lost > self.source.max_missing * (total or 0) and not self.is_accepted:
            raise GateClosed(f"{said}; {self._remedy()}")
        self.load.warnings.append(said)

    def _gate(self, stream: Stream, window: Window) -> None:
        """What is held must have come again. What another stream of this load found deleted did come, as deleted; what
        was missing when somebody accepted that is not looked for again."""
        if not stream.is_gated or window.mode == "backfill" or (window.mode == "first" and not stream.is_whole):
            return
        since = None if stream.is_whole else window.since
        table = self.load.tables[stream.table]
        state, received = self.state.setdefault(stream.name, {}), self.load.staged(stream.table)
        gone = self._gone(stream)
        state.pop("gone", None)
        wanted = gate.Wanted(stream, table, self._held(stream), since)
        found = gate.missing(self.load.connection, wanted, received, gone)
        if gone or (found.missing and self.is_accepted):
            absent = gate.absent(self.load.connection, wanted, received)
            state["gone"] = absent if self.is_accepted else sorted({*gone} & {*absent})
        if not found.closes(self.source.max_missing):
            return
        said = f"{stream.name}: of {found.expected:,} rows held that had to come again, {found.missing:,} did not"
        if self.is_accepted:
            self.load.warnings.append(f"{said}; accepted")
            return
        raise GateClosed(f"{said}; {self._remedy()}")

    def _remedy(self) -> str:
        command = f"perennial source accept {self.load.source_name}"
        return f"look at the vendor; if that is right, run `{command}`, then the night again"

    def _bury_absent(self, stream: Stream, received: list[Path]) -> None:
        """What is held and gone from a full list was deleted; what is held for deleted and listed again was not."""
        if not received:
            return
        at = self.load.loaded_at
        for table_name in (stream.table, *stream.buries):
            if held := held_files(self.load.home, self.source.kind, self.load.source_name, table_name):
                rows = burials.absent(stream, self.load.tables[table_name], held, received, at)
                self.load.receive(table_name, delivery(f"{stream.name} deleted at {self.load.source_name}", rows))
        table = self.load.tables[stream.table]
        if table.has_updated_at and (held := self._held(stream)):
            rows = burials.returned(stream, table, held, received, at)
            self.load.receive(stream.table, delivery(f"{stream.name} back at {self.load.source_name}", rows))

    def _move(self, stream: Stream, received: list[Path], progress: Progress, missing: int) -> None:
        """The state after this load: how far the stream was read, never into the future. What changed since the reading
        began may have been passed already, so the state stops there. Where items are missing it stays for some nights.
        """
        state = self.state.setdefault(stream.name, {})
        if stream.is_whole or stream.updated is None or not received:
            return
        short = int(state.pop("short", 0)) + 1 if missing and not self.is_accepted else 0
        if 0 < short < SHORT_NIGHTS:
            state["short"] = short
            return
        updated = name(stream.updated)
        ahead = (self.load.loaded_at + AHEAD).astimezone(UTC).replace(tzinfo=None)
        newest = self.load.connection.execute(
            f"select max({updated}) filter ({updated} <= ?) from read_parquet({path_list(received)})", [ahead]
        ).fetchall()[0][0]
        reached = [each for each in (_iso(newest), progress.began_at) if each is not None]
        if newest is not None:
            state["watermark"] = max(min(reached), state.get("watermark", ""))

    def _let_go_later(self, column: str, let_go: Callable[[Sequence[str]], None], received: list[Path]) -> None:
        """A kill before that only means that the next load reads again what is landed, and lands none of it again."""
        found = f"select distinct {name(column)} from read_parquet({path_list(received)})"
        places = [str(row[0]) for row in self.load.connection.execute(found).fetchall() if row[0] is not None]
        self.load.after_commit.append(lambda: let_go(places))

    def _check_shape(self, stream: Stream, extraction: Extraction) -> None:
        state = self.state.setdefault(stream.name, {})
        paths: dict[str, Sequence[str]] = dict(state.get("paths", {}))
        for form_name, shape in extraction.shapes.get(stream.name, {}).items():
            self._check_form(stream, form_name, shape, paths)
        state["paths"] = paths

    def _check_form(self, stream: Stream, form_name: str, shape: Shape, paths: dict[str, Sequence[str]]) -> None:
        if not shape.objects:
            return  # nothing came: the first item that does is no news
        known = paths.get(form_name)
        drift = compare(shape, stream.forms[form_name].item, known)
        if drift.vanished:
            raise ShapeChanged(
                f"{stream.name}: column {', '.join(drift.vanished)} is no longer there; the vendor changed its answer:"
                f" pin `api_version`, or mend the mapping (docs/sources.md, schema drift)"
            )
        if drift.retyped:
            raise ShapeChanged(
                f"{stream.name}: column {', '.join(drift.retyped)} is of another kind; the vendor changed its answer:"
                f" pin `api_version`, or mend the mapping (docs/sources.md, schema drift)"
            )
        if drift.new:
            self.load.warnings.append(
                f"{stream.name}: new column {', '.join(drift.new)}; it is kept in the payload and read by nothing yet"
            )
        paths[form_name] = sorted({*(known or ()), *shape.known()})


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()
