"""What a night landed, per table, over all sources; and which files the newest loads brought.

What lives here: adding reports up, finding batches. What does not: landing (landing.py, perennial/landing).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from perennial.config.contract import DIRECT_KINDS
from perennial.config.home import Home
from perennial.landing.manifest import LoadReport, read_manifests


@dataclass
class TableTotal:
    """One table's counts over all sources. received = landed + repeated + quarantined."""

    received: int = 0
    accepted: int = 0
    landed: int = 0
    repeated: int = 0  # held already, or superseded within its own delivery
    quarantined: int = 0
    watermark_at: datetime | None = None
    sources: list[str] = field(default_factory=list)

    def metadata(self) -> dict[str, Any]:
        """For Dagster: counts, newest event or update, and who delivered."""
        shown: dict[str, Any] = {
            "dagster/row_count": self.landed,
            "received": self.received,
            "landed": self.landed,
            "held already": self.repeated,
            "quarantined": self.quarantined,
            "sources": ", ".join(self.sources) or "none",
        }
        return shown if self.watermark_at is None else {**shown, "watermark": self.watermark_at.isoformat()}


def sum_up(reports: Iterable[LoadReport]) -> dict[tuple[str, ...], TableTotal]:
    """By asset key: the contract's tables of every kind together, a vendor's tables by kind."""
    totals: dict[tuple[str, ...], TableTotal] = {}
    for report in reports:
        for table in report.tables:
            kind = () if report.kind in DIRECT_KINDS else (report.kind,)
            total = totals.setdefault(("landing", *kind, table.table), TableTotal())
            total.received += table.received
            total.accepted += table.accepted
            total.landed += table.landed
            total.repeated += table.repeated
            total.quarantined += table.quarantined
            total.sources.append(report.source_name)
            marks = [mark for mark in (total.watermark_at, table.watermark_at) if mark is not None]
            total.watermark_at = max(marks, default=None)
    return totals


def newest_batches(home: Home, source_names: Iterable[str]) -> dict[str, list[Path]]:
    """Table → the files that each source's newest load brought. A table that brought nothing new has no entry."""
    newest: dict[str, LoadReport] = {}
    for report in read_manifests(home):  # oldest first
        newest[report.source_name] = report
    batches: dict[str, list[Path]] = {}
    for name in source_names:
        for each in newest[name].files if name in newest else ():
            path = home.root / each.place
            is_contract = newest[name].kind in DIRECT_KINDS  # what is promised is promised of the contract's columns
            if is_contract and path.suffix == ".parquet" and path.is_relative_to(home.landing):
                batches.setdefault(path.parent.name, []).append(path)
    return batches
