"""Reading the published snapshot for the summary: a handful of small questions, each to one table.

What lives here: SQL over published/current, read only, and the check that a table has what is asked of it. What does
not: how it is shown (summary.py), and the ledger (sent.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from perennial.config.home import Home
from perennial.warehouse.duck import connect

MONTHS_SHOWN = 6
# KPI, variant, how its value is written
KPIS = (
    ("aov", "default", "money"),
    ("aov", "known_customers", "money"),
    ("aov", "gross", "money"),
    ("aov", "net_of_refunds", "money"),
    ("repeat_purchase_rate", "default", "share"),
    ("repeat_purchase_rate", "within_90d", "share"),
    ("customer_retention_rate", "period_over_period", "share"),
    ("customer_retention_rate", "crr_90d", "share"),
    ("reactivation_rate", "observed", "share"),
    ("reactivated_orders", "default", "count"),
)
STAGES = ("loyalty", "retention", "conversion", "lapsed", "acquisition", "awareness")


class Unreadable(Exception):
    """What was asked for cannot be read: says which table or folder, what it lacks, and what to do."""


@dataclass(frozen=True)
class KpiRow:
    kpi: str
    variant: str
    written_as: str
    currency: str | None
    by_month: dict[date, float | None]
    overall: float | None


@dataclass(frozen=True)
class KpiTable:
    months: tuple[date, ...]
    rows: tuple[KpiRow, ...]


@dataclass(frozen=True)
class SourceRow:
    source_name: str
    table_name: str
    rows_count: int
    watermark_at: datetime | None
    is_stale: bool
    reason: str | None


@dataclass(frozen=True)
class ShiftRow:
    """A stage whose share or inflow left its usual range in the last closed week."""

    stage_model: str
    week_on: date
    stage: str
    measure: str
    value: float
    usual_from: float
    usual_to: float


class Published:
    """The snapshot that was current when it was opened."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, snapshot_id: str) -> None:
        self._connection = connection
        self.snapshot_id = snapshot_id

    def kpis(self) -> KpiTable:
        """The last closed months and the whole time, one row per KPI variant that is published."""
        columns = "kpi variant grain period_start_on dimension currency value is_closed"
        found = self._rows(
            "kpis",
            "kpi_values",
            columns,
            "where dimension = 'all' and grain in ('month', 'all') order by period_start_on",
        )
        monthly = [row for row in found if row[2] == "month"]
        closed = sorted({row[3] for row in monthly if row[0] == "aov" and row[1] == "default" and row[7]})
        months = tuple(closed[-MONTHS_SHOWN:])
        rows = tuple(_kpi_row(found, months, *wanted) for wanted in KPIS)
        return KpiTable(months, tuple(row for row in rows if row.by_month or row.overall is not None))

    def stages(self) -> list[tuple[str, int]]:
        """Persons per stage of the five-stage model, in the order in which the model asks."""
        found = self._rows(
            "lifecycle", "customer_stages", "stage stage_model", "where stage_model = 'five_stage' group by all",
            select="stage, count(*)",
        )  # fmt: skip
        place = {stage: number for number, stage in enumerate(STAGES)}
        return sorted(((str(stage), int(n)) for stage, n in found), key=lambda row: place.get(row[0], len(place)))

    def people(self) -> tuple[int, int]:
        """Persons, and those among them who bought."""
        found = self._rows(
            "customer", "customers", "customer_id orders_count", "", select="count(*), count_if(orders_count > 0)"
        )
        return int(found[0][0]), int(found[0][1])

    def shifts(self) -> list[ShiftRow]:
        """Stages out of their usual range in the last closed week, those that customers carry first."""
        columns = "stage_model week_on stage measure value usual_from usual_to is_last_week"
        rest = "where is_last_week order by stage_model <> 'five_stage', stage_model, stage, measure"
        return [ShiftRow(*row[:-1]) for row in self._rows("lifecycle", "stage_shifts", columns, rest)]

    def sources(self) -> list[SourceRow]:
        columns = "source_name table_name rows_count watermark_at is_stale reason"
        found = self._rows("publish", "source_status", columns, "order by source_name, table_name")
        return [SourceRow(*row) for row in found]

    def _rows(self, schema: str, table: str, columns: str, rest: str, select: str | None = None) -> list[tuple]:
        self._check(schema, table, columns.split())
        asked = select or ", ".join(columns.split())
        return self._connection.execute(f"select {asked} from {schema}.{table} {rest}").fetchall()

    def _check(self, schema: str, table: str, columns: list[str]) -> None:
        held = self._connection.execute(
            "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
            [schema, table],
        ).fetchall()
        names = {row[0] for row in held}
        if not names:
            raise Unreadable(f"{schema}.{table}: is not in snapshot {self.snapshot_id}; run the nightly job again")
        missing = [column for column in columns if column not in names]
        if missing:
            raise Unreadable(
                f"{schema}.{table}: snapshot {self.snapshot_id} lacks the column {', '.join(missing)};"
                " it was published by another version of the models, run the nightly job again"
            )


@contextmanager
def open_published(home: Home) -> Iterator[Published]:
    """Open published/current read only. Readers never block the night."""
    try:
        snapshot_id = os.path.basename(os.readlink(home.current_link))
    except OSError as error:
        raise Unreadable(
            f"{home.current_link}: nothing is published here yet; run `make nightly`, or `make run` for the demo"
        ) from error
    path = home.snapshot(snapshot_id) / "perennial.duckdb"
    try:
        connection = connect(path, read_only=True)
    except (duckdb.Error, OSError) as error:
        raise Unreadable(
            f"{path}: cannot be opened ({type(error).__name__}); run the nightly job, it publishes anew"
        ) from error
    with connection:
        yield Published(connection, snapshot_id)


def _kpi_row(found: list[tuple], months: tuple[date, ...], kpi: str, variant: str, written_as: str) -> KpiRow:
    own = [row for row in found if row[0] == kpi and row[1] == variant]
    by_month = {row[3]: row[6] for row in own if row[2] == "month" and row[3] in months and row[7]}
    overall = [row[6] for row in own if row[2] == "all"]
    currency = next((row[5] for row in own if row[5]), None)
    return KpiRow(kpi, variant, written_as, currency, by_month, overall[0] if overall else None)
