"""One load of one source: stage, settle, write, commit. Either the whole of it is landed or nothing.

What lives here: begin() and Load. What does not: how rows are read (perennial/sources), how values are cast
(casting.py), which version wins (settle.py), what a crash leaves behind (recovery.py). Rows stay in DuckDB and in
files; Python never holds them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.failpoints import Failpoints
from perennial.config.files import PRIVATE_FILE, make_folder, sync_file, sync_folder
from perennial.config.home import Home
from perennial.config.settings import Source
from perennial.landing import casting, pieces, protect, settle
from perennial.landing.contract import DIRECT_KINDS, Table, tables_of
from perennial.landing.incoming import (
    FILE_COLUMN,
    ROW_COLUMN,
    Incoming,
    Matched,
    RawColumn,
    match_columns,
    unknown_column,
)
from perennial.landing.load_ids import next_load_id
from perennial.landing.manifest import LandedFile, LoadReport, TableLoad, held_files, write_manifest
from perennial.landing.recovery import move_into_place
from perennial.warehouse.duck import connect, name, path_list, quote

PARQUET = "format parquet, codec 'zstd', compression_level 1, parquet_version v2"


class ChangedWhileRead(Exception):
    """A delivery did not hold still: reading it a second time gave other rows."""


@dataclass
class _Pending:
    """What has been received for one table so far."""

    parts: list[Path] = field(default_factory=list)
    received: int = 0
    refused: int = 0
    unprotected: int = 0
    refusals: list[Path] = field(default_factory=list)
    unknown: dict[str, None] = field(default_factory=dict)


class Load:
    """A load under way. Use as a context manager: what is not committed at its end is dropped."""

    def __init__(
        self, home: Home, source_name: str, source: Source, load_id: str, loaded_at: datetime,
        connection: duckdb.DuckDBPyConnection, failpoint: Failpoints,
    ) -> None:  # fmt: skip
        self.home, self.source_name, self.source = home, source_name, source
        self.load_id, self.loaded_at = load_id, loaded_at
        self.tables = tables_of(source.kind)
        self.connection = connection
        self.failpoint = failpoint
        self.folder = make_folder(home.incoming / f"{load_id}.{source_name}")
        self.warnings: list[str] = []
        self.state: dict[str, Any] = {}  # where the next reading goes on, kept with the commit
        self.traffic: dict[str, Any] = {}  # what the reading took
        self.after_commit: list[Callable[[], None]] = []
        self._pending: dict[str, _Pending] = {}
        self._files: list[LandedFile] = []
        self._is_committing = False
        self._rules = casting.Rules(source.time_zone, dict(source.status_map), loaded_at)
        connection.execute(f"set TimeZone = {quote(source.time_zone)}")
        connection.execute("set preserve_insertion_order = false")

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()
        if not self._is_committing:
            shutil.rmtree(self.folder, ignore_errors=True)

    def scratch(self, file_name: str) -> Path:
        """A place for a reader's own spooled file; gone with the load."""
        return make_folder(self.folder / "scratch") / file_name

    def receive(self, table_name: str, incoming: Incoming) -> int:
        """Cast one delivery and stage it; returns how many rows it had.

        A delivery that cannot be read raises duckdb.Error and leaves nothing behind, so that a more careful reader may
        try.
        """
        table = self.tables[table_name]
        pending = self._pending.setdefault(table_name, _Pending())
        matched = self._match(table, incoming)
        part = make_folder(self.folder / table_name) / f"staged-{len(pending.parts)}.parquet"
        try:
            received, refused = self._stage(table, matched, incoming, part)
            if refused:
                pending.refusals.append(self._quarantine(table, matched, incoming, refused, len(pending.refusals)))
                if self.source.kind in DIRECT_KINDS and table_name in protect.TABLES:
                    denied = protect.stage_denials(self.connection, table, matched, incoming, self._rules, part)
                    pending.unprotected += refused - denied
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        pending.parts.append(part)
        pending.received += received
        pending.refused += refused
        pending.unknown.update(dict.fromkeys(matched.unknown))
        self.failpoint("load_staged")
        return received

    def delivered(self, table_name: str) -> None:
        """Note a table that was delivered without any row."""
        self._pending.setdefault(table_name, _Pending())

    def commit(self) -> LoadReport:
        """Settle versions, write, make durable, write the manifest, move into place."""
        order = sorted(self._pending, key=lambda each: self.tables[each].parent is not None)
        tables = tuple(self._settle(self.tables[each], self._pending[each]) for each in order)
        if (consents := self._pending.get("consents")) is not None and consents.unprotected:
            self.warnings.append(protect.unprotected(consents.unprotected, consents.refused))
        self.failpoint("load_settled")
        manifest = LoadReport(
            self.load_id, self.source_name, self.source.kind, self.loaded_at, tables, tuple(self._files),
            tuple(self.warnings), state=self.state, traffic=self.traffic,
        )  # fmt: skip
        self._make_durable()
        self.failpoint("load_written")
        self._is_committing = True  # from here on only recovery may judge what becomes of the folder
        write_manifest(self.home, manifest)
        self.failpoint("load_committed")
        move_into_place(self.home, manifest, self.failpoint)
        for each in self.after_commit:
            each()
        return manifest

    def staged(self, table_name: str) -> list[Path]:
        """The files of a table received so far, in their order: cast rows, refused ones among them."""
        pending = self._pending.get(table_name)
        return list(pending.parts) if pending is not None else []

    def keep_payload(self, path: Path, stream: str) -> None:
        """Land a payload file as it is, beside the rows made of it."""
        place = self.home.payloads(self.source.kind, stream) / f"{self.load_id}.{self.source_name}.{path.name}"
        self._keep(path, place)

    def _match(self, table: Table, incoming: Incoming) -> Matched:
        described = self.connection.execute(f"describe {incoming.rows}").fetchall()
        raw = [RawColumn(str(row[0]), str(row[1])) for row in described]
        return match_columns(table, raw, incoming.renames, incoming.label)

    def _landed(self, row_hash: str) -> str:
        """The columns landing adds, for a row that is neither superseded, a change nor a replacement."""
        brand = quote(self.source.brand) if self.source.brand is not None else "cast(null as varchar)"
        return (
            f"{quote(self.source_name)} as source_name, {brand} as brand, {quote(self.load_id)} as load_id,"
            f" timestamp '{self.loaded_at:%Y-%m-%d %H:%M:%S.%f}' as loaded_at, {row_hash} as row_hash,"
            f" false as is_superseded, false as is_change, false as is_replacement"
        )

    def _stage(self, table: Table, matched: Matched, incoming: Incoming, part: Path) -> tuple[int, int]:
        refused = casting.is_refused(casting.refusals(table, matched, self._rules))
        columns = ", ".join(name(column) for column in table.column_names)
        row_hash = f"case when {refused} then null else {casting.row_hash(table)} end"
        values = casting.values_select(table, matched, incoming.rows, self._rules)
        found = self.connection.execute(
            f"copy (select {columns}, {self._landed(row_hash)} from ({values})) to {quote(str(part))} ({PARQUET})"
        ).fetchall()
        return int(found[0][0]), pieces.null_count(part, "row_hash")

    def _quarantine(self, table: Table, matched: Matched, incoming: Incoming, refused: int, number: int) -> Path:
        """Read the delivery once more, in order, and write every refused row with its place and its first reason."""
        reason = casting.first_reason(casting.refusals(table, matched, self._rules))
        written = 0
        path = self.folder / table.name / f"refused-{number}.jsonl"
        for position, rows in enumerate(incoming.located):
            part = path.with_suffix(f".{position}.part")
            extra = (name(FILE_COLUMN), name(ROW_COLUMN), f"{pieces.record(self.connection, rows)} as record")
            values = casting.values_select(table, matched, rows, self._rules, extra)
            found = self.connection.execute(
                f"copy (select * from (select {name(FILE_COLUMN)} as file, {name(ROW_COLUMN)} as row,"
                f" {reason} as reason, record from"
                f" ({values})) where reason is not null) to {quote(str(part))} (format json)"
            ).fetchall()
            written += int(found[0][0])
            pieces.append(path, part)
        if written != refused:
            raise ChangedWhileRead(
                f"{incoming.label}: changed while it was read; deliver it under another name and rename it"
            )
        return path

    def _settle(self, table: Table, pending: _Pending) -> TableLoad:
        parts = tuple(pending.parts)
        denials = [path for path in (protect.denials_of(part) for part in parts) if path.exists()]
        facts = self._facts(table, parts)
        held = held_files(self.home, self.source.kind, self.source_name, table.name)
        target = self.folder / table.name / "landed.parquet"
        counts = {"landed": facts.accepted}
        is_first = not held and not self._has_parent_states(table)
        if is_first and facts.is_unique and not pending.refused and len(parts) == 1:
            os.replace(parts[0], target)
        elif parts:
            counts = self._write_settled(table, settle.Staged(table, parts, facts.is_unique), held, is_first, target)
        protective = 0
        if denials:
            landed = self._landed(casting.row_hash(table))
            protective = protect.append_denials(
                self.connection, table, denials, held, target, self.loaded_at, landed, PARQUET
            )
        if counts["landed"] + protective:
            self._keep(target, self.home.landed_table(self.source.kind, table.name) / self._file_name("parquet"))
        if pending.refusals:
            self._keep(
                pieces.joined(pending.refusals),
                self.home.quarantined(self.source_name, table.name) / f"{self.load_id}.jsonl",
            )
        return TableLoad(
            table=table.name,
            received=pending.received,
            accepted=facts.accepted,
            quarantined=pending.refused,
            repeated=facts.accepted - counts["landed"],
            protective=protective,
            watermark_at=facts.watermark_at,
            unknown_columns=tuple(pending.unknown),
            warnings=tuple(unknown_column(table, each) for each in pending.unknown),
            **counts,
        )

    def _write_settled(
        self, table: Table, staged: settle.Staged, held: list[Path], is_first: bool, target: Path
    ) -> dict[str, int]:
        settle.create_winners(self.connection, staged)
        if is_first:
            select = settle.first_select(table)
        else:
            settle.create_holders(self.connection, table, held)
            settle.create_decided(self.connection, table)
            if any(each.parent == table.name for each in self.tables.values()):
                settle.create_parent_states(self.connection, table)
            select = settle.landed_select(table)
        self.connection.execute(f"copy ({select}) to {quote(str(target))} ({PARQUET})")
        found = self.connection.execute(
            f"select count(*), count_if(is_change), count_if(is_superseded), count_if(is_replacement)"
            f" from read_parquet({quote(str(target))})"
        ).fetchall()[0]
        return dict(
            zip(("landed", "changes", "superseded", "replacements"), (int(each or 0) for each in found), strict=True)
        )

    def _has_parent_states(self, table: Table) -> bool:
        if table.parent is None:
            return False
        settle.no_parent_states(self.connection, table)
        found = self.connection.execute(f"select count(*) from parents_{table.parent}").fetchall()
        return bool(found[0][0])

    def _facts(self, table: Table, parts: tuple[Path, ...]) -> _Facts:
        """How many rows were accepted, whether each key came once, and how far the table reaches in time."""
        if not parts:
            return _Facts(0, True, None)
        moments = [column for column in (table.event_time, "updated_at") if column in table.column_names]
        newest = (
            f"greatest({', '.join(f'cast({name(m)} as timestamp)' for m in moments)})" if moments else "null::timestamp"
        )
        accepted, distinct, watermark = self.connection.execute(
            f"select count(*), count(distinct hash({settle.key_columns(table)})), max(newest) filter (newest <= ?)"
            f" from (select *, {newest} as newest from read_parquet({path_list(list(parts))}))"
            f" where row_hash is not null",
            [self.loaded_at.replace(tzinfo=None)],
        ).fetchall()[0]
        return _Facts(accepted, accepted == distinct, watermark)

    def _keep(self, path: Path, place: Path) -> None:
        os.chmod(path, PRIVATE_FILE)
        self._files.append(
            LandedFile(
                str(path.relative_to(self.home.incoming)), str(place.relative_to(self.home.root)), path.stat().st_size,
                pieces.sha256(path),
            )
        )  # fmt: skip

    def _file_name(self, suffix: str) -> str:
        return f"{self.load_id}.{self.source_name}.{suffix}"

    def _make_durable(self) -> None:
        folders = {self.home.incoming, self.folder}
        for each in self._files:
            path = self.home.incoming / each.incoming
            sync_file(path)
            folders.add(path.parent)
        for folder in folders:
            sync_folder(folder)


@dataclass(frozen=True)
class _Facts:
    accepted: int
    is_unique: bool
    watermark_at: datetime | None


def begin(
    home: Home,
    source_name: str,
    source: Source,
    clock: Callable[[], datetime],
    *,
    memory_limit: str = "1GB",
    threads: int = 2,
    failpoint: Failpoints | None = None,
) -> Load:
    """Start a load of one source. The home must have been prepared and recovered in this run."""
    load_id, loaded_at = next_load_id(home, clock())
    spill = home.spill / f"{load_id}.{source_name}"
    connection = connect(None, memory_limit=memory_limit, threads=threads, temp_directory=spill)
    return Load(home, source_name, source, load_id, loaded_at, connection, failpoint or Failpoints())
