"""Publishing as Dagster sees it: one asset, the snapshot readers open.

What lives here: the step, and when nothing may be published. What does not: how a snapshot is written
(perennial/warehouse).
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.night import Night
from perennial.landing.manifest import loads_of
from perennial.lifecycle.versions import declared_in, remember
from perennial.warehouse import build, certificate, snapshot
from perennial.warehouse.restatements import STAGE_MODEL

KEY = dg.AssetKey(["publish", "snapshot"])
POOL = "warehouse"


def snapshot_asset(outputs: Sequence[dg.AssetKey], audiences: Sequence[str]) -> dg.AssetsDefinition:
    """Depends on every output table, and thereby on the blocking checks of the audiences."""

    @dg.asset(
        key=KEY, deps=list(outputs), group_name="publish", owners=["team:perennial"], kinds={"duckdb", "parquet"},
        pool=POOL,
        description="The snapshot BI and activation read: database, Parquet and certificate. One per night.",
    )  # fmt: skip
    def publish_snapshot(night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
        with night.step("publish the snapshot") as line:
            held = withheld(night)
            if held is not None:
                line.note = held
                night.tally.notes.append(held)
                return dg.MaterializeResult(asset_key=KEY, metadata={"is_published": False, "reason": held})
            issued = publish(night, audiences)
            line.rows, line.note = sum(issued.tables.values()), issued.snapshot_id
            return dg.MaterializeResult(asset_key=KEY, metadata=_metadata(night, issued))

    return publish_snapshot


def publish(night: Night, audiences: Sequence[str]) -> certificate.Certificate:
    """Publish the finished build with the verdicts of its departing checks."""
    record = build.read_record(night.home)
    verdicts = build.read_verdicts(night.home, record.snapshot_id)
    unchecked = certificate.AudienceVerdict(False, ("its departing checks did not run on this build",))
    engine = night.settings.engine
    remember(night.home, declared_in(night.dbt.project_dir), _stage_models(record), record.built_at)
    issued = snapshot.publish(
        night.home,
        record,
        {name: verdicts.get(name, unchecked) for name in audiences},
        keep=night.settings.retention.snapshots,
        engine=snapshot.Engine(engine.memory_limit, engine.threads),
        failpoint=night.failpoint,
    )
    night.tally.is_published = True
    stale = sorted({mark.source_name for mark in issued.sources if mark.is_stale})
    night.tally.degraded += [f"source {name} is stale" for name in stale]
    return issued


def _stage_models(record: build.BuildRecord) -> dict[str, str]:
    """The version of each stage model that the build was made by."""
    rules = record.rule_versions.items()
    return {key.removeprefix(STAGE_MODEL): version for key, version in rules if key.startswith(STAGE_MODEL)}


def withheld(night: Night) -> str | None:
    """Why nothing may be published or sent now: this run looks at an earlier time, or a source came half empty."""
    return before_published(night) or half_empty(night)


def half_empty(night: Night) -> str | None:
    """Whether the volume gate of a source is closed. It opens with that source's next whole load."""
    closed = [
        name
        for name, source in night.settings.sources.items()
        if (last := next(loads_of(night.home, source.kind, name), None)) is not None and last.is_gated
    ]
    if not closed:
        return None
    return (
        f"source {', '.join(closed)} handed over much less than it held: what was published stays, and nothing is sent"
    )


def before_published(night: Night) -> str | None:
    """Why this run may neither publish nor activate: it looks at a time before the one already published."""
    try:
        held = certificate.read(night.home, certificate.current_snapshot_id(night.home))
    except certificate.CertificateError:
        return None
    if night.is_replay or night.as_of >= held.as_of:
        return None
    return (
        f"as of {night.as_of:%Y-%m-%d %H:%M} lies before the published {held.as_of:%Y-%m-%d %H:%M}: built, neither"
        " published nor activated; PERENNIAL_REPLAY=1 asks for it"
    )


def _metadata(night: Night, issued: certificate.Certificate) -> dict[str, Any]:
    return {
        "is_published": True,
        "snapshot_id": issued.snapshot_id,
        "as_of": issued.as_of.isoformat(),
        "dagster/row_count": sum(issued.tables.values()),
        "tables": dg.MetadataValue.json(dict(issued.tables)),
        "warnings": list(issued.checks.warned),
        "path": dg.MetadataValue.path(night.home.snapshot(issued.snapshot_id)),
    }
