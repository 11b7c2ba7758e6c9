"""A small installation for tests of landing and sources: a home, one folder of exports, a clock that is moved by hand.

What lives here: writing exports, landing them, and reading back what was landed, with the contract's own words for
which row wins written once more and independently of perennial/landing. What does not: any test.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.contract import TABLES
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.manifest import LoadReport
from perennial.landing.recovery import recover
from perennial.sources.landing import land_source

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


@dataclass
class World:
    root: Path
    now: datetime = NOW
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = Home(self.root / "home").prepare()
        self.exports = self.root / "exports"
        self.exports.mkdir()

    def clock(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now

    def write(self, file_name: str, content: str | bytes) -> Path:
        path = self.exports / file_name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def write_rows(self, file_name: str, header: str, rows: Iterable[Iterable[object]]) -> Path:
        lines = [header, *(",".join("" if value is None else str(value) for value in row) for row in rows)]
        return self.write(file_name, "\n".join(lines) + "\n")

    def clear(self) -> None:
        for path in sorted(self.exports.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()

    def settings(self, **source: Any) -> Settings:
        shop = {"kind": "files", "path": str(self.exports), **source}
        if shop["kind"] != "files":
            del shop["path"]
        return Settings.model_validate(
            {
                "business": {"time_zone": "Europe/London", "currency": "GBP"},
                "sources": {"shop": shop},
                "engine": {"memory_limit": "512MB", "threads": 2},
            }
        )

    def land(self, **source: Any) -> LoadReport:
        recover(self.home)
        return land_source(self.home, "shop", self.settings(**source), self.env, self.clock)

    def landed(self, table: str, kind: str = "files") -> list[dict[str, Any]]:
        """Every landed row, in a fixed order."""
        files = [str(path) for path in self.home.landed_table(kind, table).glob("*.shop.parquet")]
        if not files:
            return []
        with duckdb.connect() as connection:
            found = connection.execute(f"select * from read_parquet({files!r}) order by all")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def in_force(self, table: str, kind: str = "files") -> dict[tuple[Any, ...], dict[str, Any]]:
        """Key → the row that counts, by the words of perennial/config/contract.py."""
        return in_force(table, self.landed(table, kind))

    def refused(self, table: str) -> list[dict[str, Any]]:
        """Every line in quarantine, oldest load first."""
        files = sorted(self.home.quarantined("shop", table).glob("*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def in_force(table: str, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    contract = TABLES[table]
    counting = [row for row in rows if not row["is_superseded"]]
    if contract.parent is not None:
        parent = TABLES[contract.parent].key[0]
        replaced: dict[Any, str] = {}
        for row in counting:
            if row["is_replacement"]:
                replaced[row[parent]] = max(replaced.get(row[parent], ""), row["load_id"])
        counting = [row for row in counting if row["load_id"] >= replaced.get(row[parent], "")]
    winners: dict[tuple[Any, ...], dict[str, Any]] = {}
    rivals: dict[tuple[Any, ...], int] = {}
    for row in counting:
        key = tuple(row[column] for column in contract.key)
        rivals[key] = rivals.get(key, 0) + 1
        if key not in winners or row["load_id"] > winners[key]["load_id"]:
            winners[key] = dict(row)
    for key, count in rivals.items():
        marked = any(row["is_change"] for row in counting if tuple(row[c] for c in contract.key) == key)
        assert count == 1 or marked, f"{key} has {count} rows that may win and none is marked as a change"
    return winners


def content(rows: Mapping[tuple[Any, ...], Mapping[str, Any]], table: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Only what the source said, without anything of a load."""
    names = TABLES[table].column_names
    return {key: tuple(row[name] for name in names) for key, row in rows.items()}
