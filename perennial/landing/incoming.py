"""What a source hands to landing: raw columns behind a select, and how they meet the contract's columns.

What lives here: the description of one delivery and the matching of column names. What does not: reading files or
databases (perennial/sources), casting values (casting.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from perennial.config.problems import closest
from perennial.landing.contract import Table

# Columns a reader adds to its own: where a row stood, why the reader already refused it, and its text as it came.
FILE_COLUMN, ROW_COLUMN, REFUSED_COLUMN, TEXT_COLUMN = "_file", "_row", "_refused", "_text"
READER_COLUMNS = (FILE_COLUMN, ROW_COLUMN, REFUSED_COLUMN, TEXT_COLUMN)


class WrongColumns(Exception):
    """A delivery's columns cannot fill the table: one is missing, or two have one name."""


@dataclass(frozen=True)
class Incoming:
    """One delivery of one table.

    rows: a select of the raw columns, cheapest way. located: selects of the same rows in their order with `_file` and
    `_row` (1-based data row); they are run only where a row has to be refused by name.
    """

    label: str
    rows: str
    located: tuple[str, ...]
    renames: Mapping[str, str] = field(default_factory=dict)  # contract column → what the delivery calls it


@dataclass(frozen=True)
class RawColumn:
    name: str
    type: str  # DuckDB's name for it


@dataclass(frozen=True)
class Matched:
    """Which raw column fills which contract column, and which fill none."""

    raw: Mapping[str, RawColumn]
    unknown: tuple[str, ...]
    is_checked: bool  # the reader refuses rows itself and says so in `_refused`


def match_columns(table: Table, raw: Iterable[RawColumn], renames: Mapping[str, str], label: str) -> Matched:
    """Contract column → raw column. Letter case and blanks around a name do not matter; a name must not come twice."""
    columns = list(raw)
    offered: dict[str, RawColumn] = {}
    for column in columns:
        key = fold(column.name)
        if key in offered:
            raise WrongColumns(f"{label}: two columns have the name {key!r}; rename one in the export")
        offered[key] = column
    matched: dict[str, RawColumn] = {}
    for name in table.column_names:
        found = offered.get(fold(renames.get(name, name)))
        if found is not None:
            matched[name] = found
    missing = [column.name for column in table.columns if column.required and column.name not in matched]
    if missing:
        raise WrongColumns(_missing(table, missing, columns if matched else [], renames, label))
    used = {column.name for column in matched.values()}
    unknown = tuple(column.name for column in columns if column.name not in used and column.name not in READER_COLUMNS)
    return Matched(matched, unknown, REFUSED_COLUMN in offered)


def fold(name: str) -> str:
    return name.strip().lower()


def unknown_column(table: Table, name: str) -> str:
    """One line about a column nobody asked for, with the column it may have been meant as."""
    guess = closest(fold(name).replace(" ", "_"), table.column_names)
    remedy = f"if it is {guess}, map it under `columns:`" if guess else "it is not loaded"
    return f"unknown column {name!r}; {remedy}"


def _missing(table: Table, missing: list[str], columns: list[RawColumn], renames: Mapping[str, str], label: str) -> str:
    wanted = ", ".join(renames.get(name, name) for name in missing)
    # Where no column at all is known, the names may be somebody's data: a file without a header.
    names = ", ".join(column.name for column in columns if column.name not in READER_COLUMNS)[:300]
    there = f"found: {names}" if names else "none of its columns is known; is its first line a header?"
    missed = f"columns {wanted} of {table.name} are" if len(missing) > 1 else f"column {wanted} of {table.name} is"
    return (
        f"{label}: required {missed} missing ({there}); add to the export, or say under `columns:` what the export"
        f" calls it"
    )
