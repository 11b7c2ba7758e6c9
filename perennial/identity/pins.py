"""Pins: records that somebody has linked or held apart by hand, in a CSV file beside perennial.yml that people review.

What lives here: what a pin is, reading the file with errors that name its lines, and adding a line. What does not: what
a pin does to people (models/identity), landing it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perennial.config.files import write_atomically
from perennial.config.problems import ConfigError, quoted

LINK, UNLINK = "link", "unlink"
RECORD_TYPES = (
    "shop_customer", "guest_order", "crm_contact", "message_contact", "conversation_contact", "anonymous",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Record:
    """One record of a source: `shop/shop_customer/17` at a terminal."""

    source_name: str
    record_type: str
    record_id: str

    @classmethod
    def parse(cls, text: str) -> Record:
        """From source/type/id; the id may hold slashes."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ConfigError([f"{quoted(text)} names no record: write <source>/<record type>/<id>"])
        if parts[1] not in RECORD_TYPES:
            raise ConfigError([f"{quoted(parts[1])} is not a record type; there are {', '.join(RECORD_TYPES)}"])
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.source_name}/{self.record_type}/{self.record_id}"


@dataclass(frozen=True)
class Pin:
    """One line of the file: two records that are one person (link) or two (unlink)."""

    pin_id: str
    action: str
    source_name: str
    record_type: str
    record_id: str
    other_source_name: str
    other_record_type: str
    other_record_id: str
    pinned_by: str
    pinned_at: datetime
    reason: str

    @property
    def records(self) -> tuple[Record, Record]:
        return (
            Record(self.source_name, self.record_type, self.record_id),
            Record(self.other_source_name, self.other_record_type, self.other_record_id),
        )


COLUMNS = tuple(field.name for field in fields(Pin))


def make(action: str, one: Record, other: Record, by: str, at: datetime, reason: str) -> Pin:
    """A pin whose id follows from what it says: the same pair twice is the same pin. Where two are held apart, it is
    the first that is set aside."""
    if one == other:
        raise ConfigError([f"{one}: is the same record twice"])
    digest = hashlib.sha256(f"{action}|{'|'.join(map(str, sorted((one, other))))}".encode()).hexdigest()[:12]
    return Pin(
        digest, action, one.source_name, one.record_type, one.record_id, other.source_name, other.record_type,
        other.record_id, by, at, reason,
    )  # fmt: skip


def read(path: Path) -> list[Pin]:
    """Every pin of the file; none where there is no file. ConfigError with every wrong line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        raise ConfigError([f"{path}: cannot be read; it must be a CSV file in UTF-8"]) from None
    rows = csv.DictReader(io.StringIO(text), strict=True)
    pins: list[Pin] = []
    problems: list[str] = []
    try:
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ConfigError([f"{path}:1: lacks the columns {', '.join(missing)}"])
        for row in rows:
            try:
                pins.append(_pin(row))
            except ValueError as error:
                problems.append(f"{path}:{rows.line_num}: {error}")
    except csv.Error as error:
        problems.append(f"{path}:{rows.line_num}: is no CSV ({error})")
    problems += _contradictions(path, pins)
    if problems:
        raise ConfigError(problems)
    return pins


def _pin(row: Mapping[str, Any]) -> Pin:
    values = {column: (row[column] or "").strip() for column in COLUMNS}
    empty = [column for column, value in values.items() if not value and column not in ("pinned_by", "reason")]
    if empty:
        raise ValueError(f"{', '.join(empty)}: empty")
    if values["action"] not in (LINK, UNLINK):
        raise ValueError(f"action: {quoted(values['action'])} is neither {LINK} nor {UNLINK}")
    for column in ("record_type", "other_record_type"):
        if values[column] not in RECORD_TYPES:
            raise ValueError(f"{column}: {quoted(values[column])} is none of {', '.join(RECORD_TYPES)}")
    try:
        at = datetime.fromisoformat(values.pop("pinned_at"))
    except ValueError:
        raise ValueError("pinned_at: is not a time; write it as 2026-01-31T09:00:00+00:00") from None
    return Pin(**values, pinned_at=at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def _contradictions(path: Path, pins: Sequence[Pin]) -> list[str]:
    """The same id twice, and pairs that are both linked and held apart. Ids of records may be addresses: not told."""
    problems = []
    said: dict[frozenset[Record], Pin] = {}
    ids: set[str] = set()
    for pin in pins:
        if pin.pin_id in ids:
            problems.append(f"{path}: pin {pin.pin_id} stands there twice; delete one line")
        ids.add(pin.pin_id)
        earlier = said.setdefault(frozenset(pin.records), pin)
        if earlier.action != pin.action:
            problems.append(f"{path}: pins {earlier.pin_id} and {pin.pin_id} contradict each other; delete one line")
    return problems


def add(path: Path, pin: Pin) -> bool:
    """Write one more line; False where the file says so already. What contradicts it is a ConfigError."""
    pins = read(path)
    if pin.pin_id in {each.pin_id for each in pins}:
        return False
    problems = _contradictions(path, [*pins, pin])
    if problems:
        raise ConfigError(problems)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for each in [*pins, pin]:
        writer.writerow(asdict(each) | {"pinned_at": each.pinned_at.isoformat()})
    write_atomically(path, out.getvalue())
    return True
