"""People for tests of identity: landed records by hand, builds of the identity models alone, and nights that keep ids.

What lives here: writing records as files of the input contract, building, and what a publish adds to the journals. What
does not: what is expected of them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.manifest import manifest
from orchestration.resources import installation
from perennial.config.files import put_in_place
from perennial.config.home import Home
from perennial.identity.paths import Link
from perennial.identity.pins import Record
from perennial.warehouse import journal
from tests.support.nights import BUILD, land_only, night_env, run_dbt

MODELS = ("+identity_links", "+identity_review", "+hold_changes", "+identity_moves", "+customer_identifiers",
          "+identifier_ledger", "+customer_redirects", "+comparable_records")  # fmt: skip
FIRST_NIGHT = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class People:
    """One installation: records per source and table, written whole before each night."""

    home: Home
    sources: dict[str, dict[str, list[Mapping[str, Any]]]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    nights: int = 0

    @property
    def folder(self) -> Path:
        return self.home.root.parent / "exports"

    @property
    def as_of(self) -> datetime:
        """A day later each night."""
        return FIRST_NIGHT + timedelta(days=self.nights)

    def add(self, source: str, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.sources.setdefault(source, {}).setdefault(table, []).extend(rows)

    def land(self) -> None:
        """Deliver everything that stands here."""
        for source, tables in self.sources.items():
            for table, rows in tables.items():
                path = self.folder / source / f"{table}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                columns = list(dict.fromkeys(column for row in rows for column in row))
                with path.open("w", newline="", encoding="utf-8") as out:
                    writer = csv.DictWriter(out, columns)
                    writer.writeheader()
                    writer.writerows(rows)
        sources = {name: {"kind": "files", "path": str(self.folder / name)} for name in self.sources}
        for name, more in self.settings.items():
            sources[name] |= more
        land_only(self.home, sources, {"identity": {"pins": str(self.pins)} | self.identity})

    @property
    def pins(self) -> Path:
        return self.home.root.parent / "identity_pins.csv"

    def build(self, select: Sequence[str] = MODELS) -> str:
        """Build the identity models from what is landed; the snapshot's id."""
        config = self.home.root.parent / "config" / "perennial.yml"
        night = installation(night_env(self.home, config, self.as_of.isoformat()), say=lambda _line: None).night()
        manifest(night.dbt)
        run_dbt(night.dbt, *BUILD, "--select", *select)
        return night.snapshot_id

    def night(self) -> None:
        """Land, build, and keep the ids as publishing does."""
        self.land()
        self.publish(self.build())
        self.nights += 1

    def publish(self, snapshot_id: str) -> None:
        with duckdb.connect() as con:
            con.execute(f"attach '{self.home.build_file}' as build (read_only)")
            for written, place in journal.write(con, self.home, snapshot_id, self.as_of).items():
                put_in_place(written, place)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home.build_file), read_only=True) as con:
            return con.execute(sql).fetchall()

    def ids(self) -> dict[tuple[str, str, str], str]:
        """Record → customer id."""
        found = self.ask("select source_name, record_type, record_id, customer_id from customer.customer_identifiers")
        return {(source, kind, record): customer for source, kind, record, customer in found}

    def links(self) -> list[Link]:
        rows = self.ask(
            "select source_name, record_type, record_id, linked_source_name, linked_record_type, linked_record_id,"
            " rule, strength, evidence, held_reason, probability from identity.identity_links"
        )
        return [Link(Record(*row[:3]), Record(*row[3:6]), *row[6:]) for row in rows]
