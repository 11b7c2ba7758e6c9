"""Checks that are no dbt tests: Great Expectations on what arrives, and freshness per source that asks for it.

What lives here: which asset each check belongs to. What does not: what is promised (expectations/), what stale means
(models/publish/source_status).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from assets.ingest.totals import newest_batches
from assets.night import Night
from expectations import runner
from expectations.arriving.suites import arriving_suites
from expectations.parts import read_parts
from expectations.promise import Finding, failures
from perennial.config.settings import Settings
from perennial.warehouse.duck import connect, path_list, quote

ARRIVING = "arriving"
SOURCE_STATUS = dg.AssetKey(["publish", "source_status"])


def arriving_checks(tables: Sequence[str]) -> dg.AssetChecksDefinition:
    """One step for all tables: the library is imported once. Never blocking: what is broken is shown."""
    specs = [
        dg.AssetCheckSpec(
            ARRIVING, asset=dg.AssetKey(["landing", table]), description="What a newly landed batch promises."
        )
        for table in tables
    ]

    @dg.multi_asset_check(name="arriving_checks", specs=specs)
    def arriving(night: dg.ResourceParam[Night]) -> Iterator[dg.AssetCheckResult]:
        with night.step("check arriving batches") as line:
            suites, batches = arriving_suites(night.clock()), newest_batches(night.home, night.settings.sources)
            line.rows = 0
            with connect(None, memory_limit=night.settings.engine.memory_limit) as connection:
                for table in tables:
                    files = batches.get(table, [])
                    findings = _check(connection, files, suites.get(table, ()))
                    line.rows += max((finding.checked_count for finding in findings), default=0)
                    night.tally.notes += [f"{table}, newly arrived: {broken}" for broken in failures(findings)]
                    yield _result(table, findings)

    return arriving


def _check(connection: Any, files: Sequence[Any], promises: Sequence[Any]) -> list[Finding]:
    if not files or not promises:
        return []
    batch = connection.sql(f"select * from read_parquet({path_list(list(files))}, union_by_name = true)")
    return runner.check(read_parts(batch, sorted({promise.column for promise in promises})), promises)


def _result(table: str, findings: Sequence[Finding]) -> dg.AssetCheckResult:
    broken = failures(list(findings))
    return dg.AssetCheckResult(
        passed=not broken,
        asset_key=dg.AssetKey(["landing", table]),
        check_name=ARRIVING,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(broken) or (None if findings else "nothing new arrived"),
        metadata={"promises": len(findings), "broken_promises": len(broken)},
    )


def freshness_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """One check per source with `stale_after`, read from what the warehouse itself says of it."""
    names = sorted(name for name, source in settings.sources.items() if source.stale_after is not None)
    if not names:
        return []
    specs = {
        name: dg.AssetCheckSpec(
            f"fresh_{name}", asset=SOURCE_STATUS, description=f"No table of {name} is older than its stale_after."
        )
        for name in names
    }

    @dg.multi_asset_check(name="freshness_checks", specs=list(specs.values()))
    def fresh(night: dg.ResourceParam[Night]) -> Iterator[dg.AssetCheckResult]:
        with connect(night.home.build_file, read_only=True) as connection:
            for name in names:
                rows = connection.execute(
                    "select table_name, cast(watermark_at as varchar) from publish.source_status"
                    f" where is_stale and source_name = {quote(name)} order by all"
                ).fetchall()
                yield dg.AssetCheckResult(
                    passed=not rows,
                    asset_key=SOURCE_STATUS,
                    check_name=f"fresh_{name}",
                    severity=dg.AssetCheckSeverity.WARN,
                    description="; ".join(f"{table}: newest row {at} UTC" for table, at in rows) or None,
                )

    return [fresh]
