"""Landing as Dagster sees it: every configured source, side by side in one step, one asset per landed table.

What lives here: the step, and what Dagster shows of it. What does not: reading sources (perennial/sources), versions
and quarantine (perennial/landing). A source that fails is reported; it does not stop the night.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.ingest.bookkeeping import land_own_tables
from assets.ingest.totals import TableTotal, sum_up
from assets.night import Night
from perennial.landing.empty import ensure_empty_files
from perennial.landing.manifest import LoadReport
from perennial.landing.recovery import recover
from perennial.sources.landing import land_all
from perennial.warehouse import journal

SIDE_BY_SIDE = 2  # sources read at once
# only what nobody foresaw raises here (a full disk, a lost mount): wait, then once more
RETRIES = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)


def landing_assets(keys: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """One step, one asset per table that dbt reads or a source may fill."""
    specs = [
        dg.AssetSpec(
            key,
            group_name="ingest",
            owners=["team:perennial"],
            kinds={"parquet"},
            description=f"Every version of every row of {key.path[-1]} that any source delivered, append-only.",
        )
        for key in keys
    ]

    @dg.multi_asset(name="land_sources", specs=specs, retry_policy=RETRIES)
    def land_sources(night: dg.ResourceParam[Night]) -> Iterator[dg.MaterializeResult]:
        totals = land(night)
        for key in keys:
            total = totals.get(key.path[-1], TableTotal())
            yield dg.MaterializeResult(asset_key=key, metadata=total.metadata())

    return land_sources


def land(night: Night) -> dict[str, TableTotal]:
    """Finish what a crash cut short, land every source, then Perennial's own bookkeeping. Totals by table."""
    with night.step("land sources") as line:
        night.tally.notes += recover(night.home)
        ensure_empty_files(night.home)
        journal.ensure(night.home)
        reports = land_all(night.home, night.settings, night.env, night.landing_clock, max_workers=SIDE_BY_SIDE)
        night.failpoint("landed")
        land_own_tables(night)
        totals = sum_up(reports)
        line.rows = sum(total.landed for total in totals.values())
        line.note = _note(reports, totals)
        night.tally.degraded += [
            f"source {each.source_name} failed: {each.reason}" for each in reports if each.is_failed
        ]
        night.tally.notes += [f"{each.source_name}: {warning}" for each in reports for warning in _warnings(each)]
    return totals


def _note(reports: Sequence[LoadReport], totals: dict[str, TableTotal]) -> str:
    received = sum(total.received for total in totals.values())
    quarantined = sum(total.quarantined for total in totals.values())
    failed = sum(report.is_failed for report in reports)
    note = f"of {received:,} received, {quarantined:,} in quarantine"
    return f"{note}, {failed} of {len(reports)} sources failed" if failed else note


def _warnings(report: LoadReport) -> list[str]:
    """What a person may want to know of a load that went well: unknown columns, ignored files."""
    unknown = [
        f"{table.table}: column {column} is not in the contract, ignored"
        for table in report.tables
        for column in table.unknown_columns
    ]
    of_tables = [f"{table.table}: {warning}" for table in report.tables for warning in table.warnings]
    return [*report.warnings, *of_tables, *(line for line in unknown if line not in of_tables)]
