"""The certificate of a published snapshot: what was checked, and the hashes of the files it speaks for.

What lives here: reading, writing and verifying published/<snapshot_id>/certificate.json. What does not: deciding what
passes (expectations/, dbt), writing the snapshot (snapshot.py), and using it (activation).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from perennial.config.files import write_atomically
from perennial.config.home import Home

CERTIFICATE_FILE = "certificate.json"
DATABASE_FILE = "perennial.duckdb"


class CertificateError(Exception):
    """The snapshot may not be sent from: says which snapshot, why, and what to do."""


@dataclass(frozen=True)
class Checks:
    """How the checks of the night ended."""

    passed: int = 0
    warned: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudienceVerdict:
    """Whether an audience may leave, and if not why."""

    passed: bool
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceMark:
    """How far a source had got when the snapshot was built."""

    source_name: str
    table_name: str
    watermark_at: str | None
    is_stale: bool


@dataclass(frozen=True)
class Certificate:
    """One published snapshot's certificate. Times are UTC."""

    snapshot_id: str
    as_of: datetime
    built_at: datetime
    home_version: int
    input_hash: str
    rule_versions: Mapping[str, str] = field(default_factory=dict)
    checks: Checks = Checks()
    tables: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[SourceMark, ...] = ()
    audiences: Mapping[str, AudienceVerdict] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        content = asdict(self) | {"as_of": _text(self.as_of), "built_at": _text(self.built_at)}
        write_atomically(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def current_snapshot_id(home: Home) -> str:
    """The id of the snapshot readers get now."""
    try:
        return Path(os.readlink(home.current_link)).name
    except OSError as error:
        raise CertificateError(
            f"{home.current_link}: no snapshot is published here; run the nightly job, it publishes one"
        ) from error


def read(home: Home, snapshot_id: str) -> Certificate:
    """The certificate of one snapshot; CertificateError if it is missing, garbled, or speaks for another snapshot."""
    if not snapshot_id or Path(snapshot_id).name != snapshot_id or snapshot_id.startswith("."):
        raise CertificateError(f"{snapshot_id!r} is not a snapshot id; name a folder of {home.published}")
    path = home.snapshot(snapshot_id) / CERTIFICATE_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CertificateError(f"{path}: is missing; only a snapshot with a certificate is sent from") from error
    except (OSError, ValueError) as error:
        raise CertificateError(f"{path}: cannot be read ({type(error).__name__}); publish a new snapshot") from error
    try:
        certificate = _parse(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CertificateError(f"{path}: lacks or garbles {error}; publish a new snapshot") from error
    if certificate.snapshot_id != snapshot_id:
        raise CertificateError(f"{path}: speaks for snapshot {certificate.snapshot_id}; publish a new snapshot")
    return certificate


def verify(home: Home, certificate: Certificate, audience: str) -> None:
    """Refuse a snapshot that failed a check, was changed since, or whose audience did not pass."""
    wanted = certificate.snapshot_id
    if certificate.checks.failed:
        names = ", ".join(certificate.checks.failed[:5])
        raise CertificateError(f"snapshot {wanted}: failed {names}; mend the cause and publish a new snapshot")
    _verify_database(home, certificate)
    verdict = certificate.audiences.get(audience)
    if verdict is None:
        raise CertificateError(f"snapshot {wanted}: was published without checking audience {audience}; run the night")
    if not verdict.passed:
        why = "; ".join(verdict.failures[:5]) or "no reason was recorded"
        raise CertificateError(f"snapshot {wanted}: audience {audience} did not pass its departing checks: {why}")


def _verify_database(home: Home, certificate: Certificate) -> None:
    path = home.snapshot(certificate.snapshot_id) / DATABASE_FILE
    expected = certificate.files.get(DATABASE_FILE)
    if expected is None:
        raise CertificateError(f"{path}: its hash is not in the certificate; publish a new snapshot")
    try:
        found = file_hash(path)
    except OSError as error:
        raise CertificateError(f"{path}: cannot be read ({error.strerror}); publish a new snapshot") from error
    if found != expected:
        raise CertificateError(f"{path}: was changed after it was certified; publish a new snapshot")


def file_hash(path: Path) -> str:
    """SHA-256 of a file. Remembered within a process for as long as the file's inode, size and time stand still."""
    state = path.stat()
    return _hash_of(str(path), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@lru_cache(maxsize=64)
def _hash_of(path: str, *state: int) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a certificate's times need a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse(content: Mapping[str, Any]) -> Certificate:
    checks = content["checks"]
    return Certificate(
        snapshot_id=str(content["snapshot_id"]),
        as_of=_time(content["as_of"]),
        built_at=_time(content["built_at"]),
        home_version=int(content["home_version"]),
        input_hash=str(content["input_hash"]),
        rule_versions=dict(content["rule_versions"]),
        checks=Checks(int(checks["passed"]), tuple(checks["warned"]), tuple(checks["failed"])),
        tables={name: int(rows) for name, rows in content["tables"].items()},
        sources=tuple(
            SourceMark(row["source_name"], row["table_name"], row["watermark_at"], bool(row["is_stale"]))
            for row in content["sources"]
        ),
        audiences={
            name: AudienceVerdict(row["passed"] is True, tuple(row["failures"]))
            for name, row in content["audiences"].items()
        },
        files=dict(content["files"]),
    )
