"""A load's manifest: its commit record, one JSON file per load and source.

What lives here: what a manifest says, writing it, reading it, and which landed files a source holds. What does not:
deciding what is landed (load.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from perennial.config.files import write_atomically
from perennial.config.home import Home
from perennial.landing.contract import DIRECT_KINDS
from perennial.landing.load_ids import split_name


@dataclass(frozen=True)
class LandedFile:
    """A file of a load: where it lies until it is in place, below incoming, and where it belongs, below the home."""

    incoming: str
    place: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableLoad:
    """What one load did to one table. received = accepted + quarantined; protective rows are counted apart."""

    table: str
    received: int
    accepted: int
    landed: int
    quarantined: int
    repeated: int
    protective: int = 0
    changes: int = 0
    superseded: int = 0
    replacements: int = 0
    watermark_at: datetime | None = None
    unknown_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadReport:
    """One load of one source. A failed load has a reason and no tables."""

    load_id: str
    source_name: str
    kind: str
    loaded_at: datetime
    tables: tuple[TableLoad, ...] = ()
    files: tuple[LandedFile, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)  # where the next reading of an API goes on
    traffic: Mapping[str, Any] = field(default_factory=dict)  # calls, bytes, seconds waited
    is_gated: bool = False  # failed because it handed over much less than it held

    @property
    def is_failed(self) -> bool:
        return self.reason is not None

    @property
    def name(self) -> str:
        return f"{self.load_id}.{self.source_name}"


def manifest_path(home: Home, kind: str, load_name: str) -> Path:
    return home.load_records(kind) / f"{load_name}.json"


def write_manifest(home: Home, manifest: LoadReport) -> None:
    """The commit: from here on the load is whole, whatever happens."""
    content = json.dumps(asdict(manifest), default=_encode, indent=1)
    write_atomically(manifest_path(home, manifest.kind, manifest.name), content + "\n")


def read_manifest(path: Path) -> LoadReport:
    content = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(_table_load(each) for each in content.pop("tables"))
    files = tuple(LandedFile(**each) for each in content.pop("files"))
    loaded_at = datetime.fromisoformat(content.pop("loaded_at"))
    warnings = tuple(content.pop("warnings"))
    return LoadReport(**content, loaded_at=loaded_at, tables=tables, files=files, warnings=warnings)


def read_manifests(home: Home) -> Iterator[LoadReport]:
    """Every load of every kind, oldest first."""
    for path in sorted(home.landing.glob("*/_loads/*.json"), key=lambda path: path.name):
        if split_name(path.name) is not None:
            yield read_manifest(path)


def held_files(home: Home, kind: str, source_name: str, table: str) -> list[Path]:
    """The landed files of one table of one source, oldest first. Kinds that take the contract's tables are one."""
    kinds = DIRECT_KINDS if kind in DIRECT_KINDS else (kind,)
    found = [path for each in kinds for path in home.landed_table(each, table).glob(f"*.{source_name}.parquet")]
    return sorted((path for path in found if split_name(path.name)), key=lambda path: path.name)


def loads_of(home: Home, kind: str, source_name: str) -> Iterator[LoadReport]:
    """The loads of a source, newest first."""
    names = (path.name for path in home.load_records(kind).glob(f"*.{source_name}.json"))
    for name in sorted((each for each in names if split_name(each)), reverse=True):
        yield read_manifest(home.load_records(kind) / name)


def newest_state(home: Home, kind: str, source_name: str) -> tuple[str, Mapping[str, Any]]:
    """(load id, state) of the newest load of this source that reached one; ("", {}) where there is none."""
    for report in loads_of(home, kind, source_name):
        if not report.is_failed and report.state:
            return report.load_id, report.state
    return "", {}


def _table_load(content: dict[str, object]) -> TableLoad:
    load = TableLoad(**content)  # type: ignore[arg-type]
    watermark = datetime.fromisoformat(load.watermark_at) if isinstance(load.watermark_at, str) else None
    return replace(
        load, watermark_at=watermark, unknown_columns=tuple(load.unknown_columns), warnings=tuple(load.warnings)
    )


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a manifest")
