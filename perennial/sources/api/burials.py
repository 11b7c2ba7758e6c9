"""What a full list says without saying it: who is gone, and who is back.

What lives here: the rows that this takes. What does not: whether a list is to be believed (gate.py, reader.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from perennial.landing.contract import Table
from perennial.sources.base import Stream
from perennial.warehouse.duck import name, path_list, quote


def absent(stream: Stream, table: Table, held: Sequence[Path], received: Sequence[Path], at: datetime) -> str:
    """The newest row of whatever is held and gone from a full list, marked as deleted; that of what is held for deleted
    and is in the list again, unmarked, where it is a row of another table: one of the list itself has arrived."""
    key = name(stream.key)
    columns = ", ".join(name(each) for each in table.column_names if each not in ("is_deleted", "updated_at"))
    updated = f", {_text(at)} as updated_at" if table.has_updated_at else ""
    return (
        f"select {columns}, is_absent as is_deleted{updated} from (select newest.*, arrived.{key} is null as"
        f" is_absent from ({_newest(held, key)}) as newest left join (select distinct {key} from"
        f" read_parquet({path_list(list(received))})) as arrived"
        f" on newest.{key} = arrived.{key}) as told where is_absent <> coalesce(is_deleted, false)"
        f" and (is_absent or {quote(table.name)} <> {quote(stream.table)})"
    )


def returned(stream: Stream, table: Table, held: Sequence[Path], received: Sequence[Path], at: datetime) -> str:
    """What was held for deleted and is in the full list again: as it arrived, but newer than its burial, which would
    win otherwise for as long as the vendor does not change it."""
    key = name(stream.key)
    columns = ", ".join(name(each) for each in table.column_names if each != "updated_at")
    arrived = f"read_parquet({path_list(list(received))})"
    return (
        f"select {columns}, {_text(at)} as updated_at from (select * from {arrived} where"
        f" row_hash is not null and not coalesce(is_deleted, false) qualify row_number() over (partition by {key}"
        f" order by updated_at desc nulls last, row_hash) = 1) as arrived"
        f" where {key} in (select {key} from ({_newest(held, key)}) where is_deleted)"
    )


def _newest(held: Sequence[Path], key: str) -> str:
    return (
        f"select * from read_parquet({path_list(list(held))}, union_by_name = true)"
        f" where not is_superseded qualify row_number() over (partition by {key} order by load_id desc) = 1"
    )


def _text(at: datetime) -> str:
    return f"timestamp '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
