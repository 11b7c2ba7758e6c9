"""The record of a finished build: what warehouse/build.duckdb holds, from which inputs and by which rules.

What lives here: writing and reading warehouse/build.json, the hash of the inputs, the verdicts of the departing checks
on that build, and setting a damaged build file aside. What does not: building (dbt), publishing (snapshot.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.files import write_atomically
from perennial.config.home import Home
from perennial.warehouse.certificate import AudienceVerdict, Checks
from perennial.warehouse.comparison import Watched
from perennial.warehouse.duck import connect

_ID_FORMAT = "%Y%m%dT%H%M%S.%fZ"


class BuildError(Exception):
    """There is no finished build to work on: says what is missing and what to do."""


@dataclass(frozen=True)
class BuildRecord:
    """One finished build. Written last, removed before the next build begins: no record, no publishing."""

    snapshot_id: str
    as_of: datetime
    built_at: datetime
    input_hash: str
    rule_versions: Mapping[str, str] = field(default_factory=dict)
    checks: Checks = Checks()
    outputs: tuple[str, ...] = ()  # schema.table of what is promised to readers; empty: every table of their schemas
    watched: Mapping[str, Watched] = field(default_factory=dict)  # schema.table → figures that are compared
    moving: tuple[str, ...] = ()  # stage models that measure against a figure of today


def record_file(home: Home) -> Path:
    return home.warehouse / "build.json"


def verdicts_file(home: Home) -> Path:
    return home.warehouse / "departing.json"


def forget(home: Home) -> None:
    """A build is about to begin: what the last one was certified for holds no longer."""
    record_file(home).unlink(missing_ok=True)
    verdicts_file(home).unlink(missing_ok=True)


def write_record(home: Home, record: BuildRecord) -> None:
    content = asdict(record) | {"as_of": record.as_of.isoformat(), "built_at": record.built_at.isoformat()}
    write_atomically(record_file(home), json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_record(home: Home) -> BuildRecord:
    path = record_file(home)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BuildError(f"{path}: is missing, no build has finished here; run the night or its build step") from None
    checks = content["checks"]
    return BuildRecord(
        snapshot_id=content["snapshot_id"],
        as_of=datetime.fromisoformat(content["as_of"]),
        built_at=datetime.fromisoformat(content["built_at"]),
        input_hash=content["input_hash"],
        rule_versions=content["rule_versions"],
        checks=Checks(checks["passed"], tuple(checks["warned"]), tuple(checks["failed"])),
        outputs=tuple(content["outputs"]),
        watched={table: _watched(each) for table, each in content["watched"].items()},
        moving=tuple(content["moving"]),
    )


def _watched(content: Mapping[str, Any]) -> Watched:
    lists = {name: tuple(content[name]) for name in ("key", "family", "variables")}
    return Watched(**{**content, **lists})


def write_verdicts(home: Home, snapshot_id: str, verdicts: Mapping[str, AudienceVerdict]) -> None:
    """What the departing checks found on this build, for the certificate."""
    content = {"snapshot_id": snapshot_id, "audiences": {name: asdict(verdict) for name, verdict in verdicts.items()}}
    write_atomically(verdicts_file(home), json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_verdicts(home: Home, snapshot_id: str) -> dict[str, AudienceVerdict]:
    """The verdicts on this very build. None were written, or for another build: none count, so nothing may leave."""
    try:
        content = json.loads(verdicts_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if content["snapshot_id"] != snapshot_id:
        return {}
    return {
        name: AudienceVerdict(each["passed"] is True, tuple(each["failures"]))
        for name, each in content["audiences"].items()
    }


def new_snapshot_id(home: Home, now: datetime) -> str:
    """Ids sort by time and always grow, also where the clock steps back."""
    wanted = now.astimezone(UTC)
    taken = sorted(home.published.glob("[0-9]*Z"))
    if taken:
        newest = datetime.strptime(taken[-1].name, _ID_FORMAT).replace(tzinfo=UTC)
        wanted = max(wanted, newest + timedelta(microseconds=1))
    return wanted.strftime(_ID_FORMAT)


def input_hash(home: Home) -> str:
    """One hash over every load's manifest and the journals: equal inputs, equal hash."""
    digest = hashlib.sha256()
    for path in sorted(home.landing.glob("*/_loads/*.json")):
        digest.update(f"{path.parent.parent.name}/{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for path in sorted(home.journal.glob("*/*.parquet")):
        digest.update(f"journal/{path.parent.name}/{path.name}\n".encode())
    return digest.hexdigest()


def set_damaged_aside(home: Home) -> Path | None:
    """Move a build file that does not open out of the way. It is made anew from landing: nothing is lost."""
    path = home.build_file
    if not path.exists():
        return None
    try:
        with connect(path) as connection:
            connection.execute("select count(*) from duckdb_tables()").fetchone()
        return None
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            raise BuildError(f"{path}: is open in another process; close it, BI reads published/ instead") from None
    aside = path.with_name(f"{path.name}.damaged")
    os.replace(path, aside)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    return aside
