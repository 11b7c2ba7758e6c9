"""What Dagster shows of each configured source: an asset per table it delivers, grouped by source.

What lives here: which assets a source has, and what is told of each. What does not: the landing step (landing.py),
totals over all sources (totals.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import dagster as dg

from perennial.config.home import Home
from perennial.config.parts import ApiSource, Source
from perennial.config.settings import FilesSource, Settings, SqlSource
from perennial.config.vendors.registry import tables_of
from perennial.landing.manifest import LoadReport, TableLoad, read_manifests
from perennial.sources.base import SourceFailed
from perennial.sources.folder import look_into

NIGHTS_SHOWN = 30
_BARS = "▁▂▃▄▅▆▇█"


def source_assets(settings: Settings) -> list[dg.AssetSpec]:
    """One per source and table, in the source's own group."""
    return [
        dg.AssetSpec(
            table_key(source_name, table),
            group_name=source_name,
            owners=["team:perennial"],
            kinds={source.kind, "parquet"},
            description=f"What source {source_name} delivered of {table}, append-only.",
        )
        for source_name, source in settings.sources.items()
        for table in tables_of_source(source)
    ]


def table_key(source_name: str, table: str) -> dg.AssetKey:
    return dg.AssetKey(["sources", source_name, table])


def tables_of_source(source: Source) -> list[str]:
    """The tables a source delivers, as far as its settings, or its folder as it is now, say."""
    if isinstance(source, ApiSource):
        return list(tables_of(source.kind))
    if isinstance(source, SqlSource):
        return sorted(source.tables)
    if isinstance(source, FilesSource):
        try:
            return sorted({delivery.table for delivery in look_into(source.path).deliveries})
        except (SourceFailed, OSError):
            return []  # the night will say why
    return []


def results(
    home: Home, settings: Settings, reports: list[LoadReport], keys: set[dg.AssetKey]
) -> Iterator[dg.MaterializeResult]:
    """One per table that a source delivered tonight: rows, bytes, watermark, and what the reading took."""
    nights = _rows_per_night(home, settings)
    for report in reports:
        for table in report.tables:
            key = table_key(report.source_name, table.table)
            if key in keys:
                yield dg.MaterializeResult(
                    asset_key=key, metadata=_metadata(report, table, nights.get((report.source_name, table.table), []))
                )


def _metadata(report: LoadReport, table: TableLoad, nights: list[int]) -> dict[str, Any]:
    """Numbers are plotted by Dagster over all nights; the small chart shows the last ones at a glance."""
    bytes_landed = sum(
        each.bytes
        for each in report.files
        if f"/{table.table}/" in f"/{each.place}" and each.place.endswith(".parquet")
    )
    shown: dict[str, object] = {
        "dagster/row_count": table.landed,
        "received": table.received,
        "quarantined": table.quarantined,
        "bytes": bytes_landed,
        "rows_per_night": dg.MetadataValue.md(chart(nights)),
    }
    if report.traffic:
        shown |= {
            "api_calls": int(report.traffic.get("calls", 0)),
            "bytes_received": int(report.traffic.get("bytes", 0)),
            "throttled_seconds": float(report.traffic.get("waited_seconds", 0.0)),
        }
    return shown if table.watermark_at is None else shown | {"watermark": table.watermark_at.isoformat()}


def chart(nights: list[int]) -> str:
    """Rows landed per night as a line of bars, oldest first, with the largest and the last figure."""
    if not nights:
        return "no night yet"
    most = max(nights)
    bars = "".join(_BARS[0 if not most else round(each / most * (len(_BARS) - 1))] for each in nights)
    return f"`{bars}` most {most:,}, last {nights[-1]:,}"


def _rows_per_night(home: Home, settings: Settings) -> dict[tuple[str, str], list[int]]:
    """(source, table) → rows landed by each of its last loads, oldest first."""
    found: dict[tuple[str, str], list[int]] = {}
    newest_first = reversed(list(read_manifests(home)))
    wanted = (load for load in newest_first if load.source_name in settings.sources)
    for load in islice(wanted, NIGHTS_SHOWN * max(1, len(settings.sources))):
        for table in load.tables:
            found.setdefault((load.source_name, table.table), []).insert(0, table.landed)
    return {key: rows[-NIGHTS_SHOWN:] for key, rows in found.items()}
