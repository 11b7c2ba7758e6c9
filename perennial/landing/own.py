"""Perennial's own bookkeeping, landed as a source: loads, settings of sources, and what the ledger knows.

What lives here: writing landing/perennial/<table>/current.parquet, each whole and at once. What does not: phone
numbers (phones.py), reading the ledger (perennial/ledger).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perennial.config.files import beside, make_folder, put_in_place
from perennial.config.home import Home
from perennial.config.settings import Settings, stale_after_seconds
from perennial.landing.contract import OWN_TABLES
from perennial.landing.empty import arrow_schema
from perennial.landing.manifest import read_manifests

_BATCH = 50_000


def refresh(home: Home, settings: Settings) -> None:
    """Write what follows from the manifests and the settings: loads and source_settings."""
    write_rows(home, "loads", _load_rows(home))
    write_rows(home, "source_settings", _settings_rows(home, settings))


def write_rows(home: Home, table: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Replace a table's rows in one rename; returns how many there are now. Times may bear any offset."""
    schema = arrow_schema(OWN_TABLES[table])
    path = home.own_table(table)
    make_folder(path.parent)
    temporary = beside(path)
    count = 0
    remaining = iter(rows)
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            while batch := [_plain(row) for row in islice(remaining, _BATCH)]:
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                count += len(batch)
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _load_rows(home: Home) -> Iterator[dict[str, Any]]:
    """One row per load, source and table; a source that failed has one row without a table."""
    for load in read_manifests(home):
        common = {
            "source_name": load.source_name, "kind": load.kind, "load_id": load.load_id, "loaded_at": load.loaded_at,
            "is_failed": load.is_failed, "reason": load.reason,
        }  # fmt: skip
        if load.is_failed:
            yield common | {"received_count": 0, "accepted_count": 0, "landed_count": 0, "quarantined_count": 0}
        for table in load.tables:
            yield common | {
                "table_name": table.table, "received_count": table.received, "accepted_count": table.accepted,
                "landed_count": table.landed, "quarantined_count": table.quarantined,
                "watermark_at": table.watermark_at,
            }  # fmt: skip


def _settings_rows(home: Home, settings: Settings) -> Iterator[dict[str, Any]]:
    with_lines = {
        load.source_name
        for load in read_manifests(home)
        for table in load.tables
        if table.table in ("shop_order_lines", "order_lines")  # the contract's, and what vendors call theirs
    }
    for source_name, source in settings.sources.items():
        yield {
            "source_name": source_name,
            "kind": source.kind,
            "brand": source.brand,
            "stale_after_seconds": stale_after_seconds(source),
            "treat_accepts_marketing_as": source.treat_accepts_marketing_as,
            "shares_ids_with": source.shares_ids_with,
            "has_order_lines": source_name in with_lines,
            "country": source.country,
            "is_compared": settings.identity.probabilistic is not None,
        }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: _utc(value) if isinstance(value, datetime) else value for column, value in row.items()}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
