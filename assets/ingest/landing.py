"""Landing as Dagster sees it: every configured source, side by side in one step, an asset per landed table.

What lives here: the step, and what it leaves for the report. What does not: what Dagster shows of each source
(sources.py), reading sources (perennial/sources), versions and quarantine (perennial/landing). A source that fails is
reported; it does not stop the night.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.ingest.bookkeeping import land_own_tables
from assets.ingest.sources import results
from assets.ingest.totals import TableTotal, sum_up
from assets.night import Night
from perennial.config.contract import DIRECT_KINDS
from perennial.landing.empty import ensure_empty_files
from perennial.landing.manifest import LoadReport, loads_of
from perennial.landing.recovery import recover
from perennial.sources.landing import land_all
from perennial.warehouse import journal

SIDE_BY_SIDE = 2  # sources read at once
# only what nobody foresaw raises here (a full disk, a lost mount): wait, then once more
RETRIES = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)


def landing_assets(keys: Sequence[dg.AssetKey], sources: Sequence[dg.AssetSpec] = ()) -> dg.AssetsDefinition:
    """One step: an asset per table of each source, and one per table that dbt reads or a source may fill."""
    specs = [
        dg.AssetSpec(
            key,
            deps=[each.key for each in sources if _is_part(each, key)],
            group_name="ingest",
            owners=["team:perennial"],
            kinds={"parquet"},
            description=f"Every version of every row of {key.path[-1]} that any source delivered, append-only.",
        )
        for key in keys
    ]

    @dg.multi_asset(
        name="land_sources",
        specs=[*(each.replace_attributes(skippable=True) for each in sources), *specs],
        retry_policy=RETRIES,
    )
    def land_sources(night: dg.ResourceParam[Night]) -> Iterator[dg.MaterializeResult]:
        reports = land(night)
        totals = sum_up(reports)
        yield from results(night.home, night.settings, reports, {each.key for each in sources})
        for key in keys:
            total = totals.get(tuple(key.path), TableTotal())
            yield dg.MaterializeResult(asset_key=key, metadata=total.metadata())

    return land_sources


def _is_part(source: dg.AssetSpec, landed: dg.AssetKey) -> bool:
    """Whether what a source delivers lands in this table: the contract's of every such kind, a vendor's own by kind."""
    kinds = {landed.path[1]} if len(landed.path) > 2 else set(DIRECT_KINDS)
    return source.key.path[-1] == landed.path[-1] and bool(kinds & source.kinds)


def land(night: Night) -> list[LoadReport]:
    """Finish what a crash cut short, land every source, then Perennial's own bookkeeping."""
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
        for each in reports:
            if each.is_failed:
                told = night.tally.held if each.is_gated else night.tally.degraded
                told.append(f"source {each.source_name} failed: {each.reason}{_since(night, each)}")
        night.tally.notes += [f"{each.source_name}: {warning}" for each in reports for warning in _warnings(each)]
    return reports


def _since(night: Night, failed: LoadReport) -> str:
    """Up to when the source's rows reach, now that it could not be read."""
    good = [each.loaded_at for each in loads_of(night.home, failed.kind, failed.source_name) if not each.is_failed]
    return f" (its rows are those of {max(good):%Y-%m-%d %H:%M} UTC)" if good else " (it has never been read)"


def _note(reports: Sequence[LoadReport], totals: dict[tuple[str, ...], TableTotal]) -> str:
    received, new, held_already, quarantined = (
        sum(getattr(total, each) for total in totals.values())
        for each in ("received", "landed", "repeated", "quarantined")
    )
    failed = sum(report.is_failed for report in reports)
    note = f"{received:,} received: {new:,} new, {held_already:,} held already, {quarantined:,} in quarantine"
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
