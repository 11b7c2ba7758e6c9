"""Payload files as the raw rows of landed tables.

What lives here: the SQL that one form's rows take. What does not: casting, versions, quarantine (perennial/landing).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perennial.landing.incoming import Incoming
from perennial.sources.api.payloads import PAYLOAD_FILE, items_select
from perennial.sources.base import Form, Rows
from perennial.warehouse.duck import name, quote


def incoming(label: str, form: Form, rows: Rows, files: Sequence[Path]) -> Incoming:
    """One table's rows in these files, as landing takes a delivery."""
    return delivery(label, rows_select(form, rows, files))


def delivery(label: str, select: str) -> Incoming:
    located = f"select *, {quote(label)} as _file, row_number() over () as _row from ({select})"
    return Incoming(label, select, (located,))


def rows_select(form: Form, rows: Rows, files: Sequence[Path], *, with_file: bool = False) -> str:
    columns = ", ".join(f"{expression} as {name(column)}" for column, expression in rows.columns.items())
    relation = items_select(form, files, with_file=with_file)
    if rows.each is not None:
        noted = (", context" if form.context else "") + (f", {PAYLOAD_FILE}" if with_file else "")
        relation = f"(select item{noted}, unnest({rows.each}) as line from {relation}) as lines"
    condition = f" where {rows.where}" if rows.where is not None else ""
    return f"select {columns} from {relation}{condition}"
