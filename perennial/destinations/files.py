"""A channel fed by files: one CSV per plan and audience, renamed into place, and a manifest beside it.

What lives here: the file's form, its safety in a spreadsheet, and that a repeat makes the same file, never a second
one. What does not: which rows are written, and who takes the files away.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

from perennial.config.files import write_atomically
from perennial.destinations.base import Batch, BatchResult, DestinationError, Row, RowResult, Terminal, Transient, stop

_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n")
_FIXED_COLUMNS = ("key", "action", "customer_id")


class FilesDestination:
    """One outbox. All rows of a plan go into one file; leaves come before joins."""

    batch_size: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def close(self) -> None:
        """Nothing stays open."""

    def send(self, batch: Batch) -> BatchResult:
        """Write the file, then its manifest. A reader takes a file only once its manifest is there."""
        name = f"{batch.audience}.{batch.plan_id}.csv"
        keys = frozenset(row.key for row in batch.rows)
        try:
            digest = self._write(batch, self._path / name)
        except OSError as error:
            return stop(batch, {}, _explain(self._path, error), keys)
        receipt = f"{name} sha256:{digest[:16]}"
        return BatchResult({key: RowResult("acknowledged", receipt) for key in keys})

    def _write(self, batch: Batch, path: Path) -> str:
        content = _csv(batch).encode()
        digest = hashlib.sha256(content).hexdigest()
        joins = sum(row.action == "join" for row in batch.rows)
        manifest = {
            "plan_id": batch.plan_id,
            "audience": batch.audience,
            "destination": batch.destination,
            "file": path.name,
            "sha256": digest,
            "rows": len(batch.rows),
            "joins": joins,
            "leaves": len(batch.rows) - joins,
            "columns": list(_columns(batch)),
            "at": batch.at.isoformat(),
        }
        write_atomically(path, content)
        write_atomically(path.with_suffix(".manifest.json"), json.dumps(manifest, indent=2) + "\n")
        return digest


def _columns(batch: Batch) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*_FIXED_COLUMNS, batch.address_column, *batch.field_columns)))


def _csv(batch: Batch) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_columns(batch))
    writer.writerows(_line(batch, row) for row in batch.rows)
    return text.getvalue()


def _line(batch: Batch, row: Row) -> Iterator[str]:
    fields = row.fields if row.action == "join" else {}
    values = {column: fields.get(column) for column in batch.field_columns}
    values |= {"key": row.key, "action": row.action, "customer_id": row.customer_id, batch.address_column: row.address}
    return (formula_safe(values[column] or "") for column in _columns(batch))


def formula_safe(value: str) -> str:
    """The value as text that no spreadsheet takes for a formula: an apostrophe first, no NUL."""
    plain = value.replace("\0", "")
    return f"'{plain}" if plain.startswith(_TRIGGERS) else plain


def _explain(folder: Path, error: OSError) -> DestinationError:
    """A full disk may be freed by itself; a missing right will not come by itself."""
    message = (
        f"{folder}: cannot be written ({error.strerror or type(error).__name__}); check the folder, rights and space"
    )
    kind = Terminal if isinstance(error, PermissionError | NotADirectoryError) else Transient
    return kind(message, is_ambiguous=True)
