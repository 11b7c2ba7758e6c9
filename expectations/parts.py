"""Cutting what is to be checked into parts: DuckDB relations → pandas frames of bounded size.

What lives here: the cutting. What does not: which rows (arriving/, departing/) and checking them (runner.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from expectations.promise import PART_ROWS

if TYPE_CHECKING:
    import pandas as pd


def read_parts(relation: Any, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The named columns of a relation, at most PART_ROWS rows at a time; decimals as doubles, near enough here."""
    types = dict(zip(relation.columns, relation.types, strict=True))
    wanted = [_plain(name, str(types[name])) for name in columns if name in types]
    for batch in relation.project(", ".join(wanted)).to_arrow_reader(PART_ROWS):
        yield batch.to_pandas()


def _plain(name: str, type_name: str) -> str:
    return f'cast("{name}" as double) as "{name}"' if type_name.startswith("DECIMAL") else f'"{name}"'
