"""Reading a stretch of a source's past again from Dagster: one asset per source over an API, a partition a day.

What lives here: the assets. What does not: which days there are (orchestration/partitions.py), reading
(perennial/sources). The nightly job never runs them and never needs them; what they land is built by the next night.
"""

from collections.abc import Mapping

import dagster as dg

from assets.night import Night
from perennial.config.parts import ApiSource
from perennial.landing.empty import ensure_empty_files
from perennial.landing.recovery import recover
from perennial.sources.base import Window
from perennial.sources.landing import land_source

GROUP = "backfill"


def backfill_assets(
    sources: Mapping[str, ApiSource], partitions: Mapping[str, dg.PartitionsDefinition]
) -> list[dg.AssetsDefinition]:
    """One per source; a range of days is one run and one load."""
    return [_asset(name, source, partitions[name]) for name, source in sources.items()]


def _asset(name: str, source: ApiSource, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    key = dg.AssetKey(["backfill", name])

    @dg.asset(
        key=key, group_name=GROUP, owners=["team:perennial"], kinds={source.kind}, partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"Rows of {name} that changed in these days, read again. Where the next night goes on stays.",
    )  # fmt: skip
    def backfilled(context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
        stretch = context.partition_time_window
        with night.step(f"read {name} again") as line:
            recover(night.home)
            ensure_empty_files(night.home)
            window = Window(stretch.start, stretch.end, "backfill")
            report = land_source(night.home, name, night.settings, night.env, night.clock, window=window)
            if report.is_failed:
                raise dg.Failure(f"source {name} failed: {report.reason}")
            line.rows = sum(table.landed for table in report.tables)
            received = sum(table.received for table in report.tables)
        return dg.MaterializeResult(
            asset_key=key,
            metadata={"dagster/row_count": line.rows, "received": received, **dict(report.traffic)},
        )

    return backfilled
