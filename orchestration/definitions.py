"""Everything Dagster knows of one installation.

What lives here: build_defs(), which joins assets, checks, job, schedule, sensor and resource; and `defs`, the same for
the installation the environment names. What does not: any of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.activate.audiences import activation_assets
from assets.activate.audiences import asset_key as activation_key
from assets.ingest.backfill import backfill_assets
from assets.ingest.landing import landing_assets
from assets.ingest.sources import source_assets
from assets.night import Night
from assets.publish.departing import departing_checks
from assets.publish.night import night_report
from assets.publish.snapshot import KEY as SNAPSHOT
from assets.publish.snapshot import snapshot_asset
from assets.transform.dbt import warehouse_assets
from assets.transform.translator import asset_key, models
from orchestration.checks import arriving_checks, freshness_checks
from orchestration.jobs import EXECUTOR, nightly_job
from orchestration.manifest import manifest as read_manifest
from orchestration.partitions import days
from orchestration.resources import Installation, be_quiet, installation, resources
from orchestration.schedules import nightly_schedule
from orchestration.sensors import failed_night_sensor
from perennial.audiences.definition import from_manifest, pairs
from perennial.config.contract import TABLES
from perennial.config.parts import ApiSource
from perennial.warehouse.snapshot import OUTPUT_SCHEMAS

# written by publishing, read by the next night's build: shown as inputs, since a graph has no way back
JOURNALS = [
    dg.AssetSpec(
        ["journal", name],
        group_name="ingest",
        owners=["team:perennial"],
        kinds={"parquet"},
        description=description,
    )
    for name, description in {
        "identity": "Every customer id ever given, append-only: what keeps ids stable from night to night.",
        "holds": "Every link that was held instead of joining people, and when it was released, append-only.",
        "restatements": "Every published figure that moved after it was final, with its cause, append-only.",
    }.items()
]


def build_defs(
    installed: Installation | None = None, manifest: Mapping[str, Any] | None = None, night: Night | None = None
) -> dg.Definitions:
    """The definitions of an installation. Callers may hand over their own, a parsed manifest, and a run's Night."""
    be_quiet()
    installed = installed or installation()
    manifest = manifest or read_manifest(installed.night().dbt)
    audiences = from_manifest(manifest)
    chosen, not_configured = pairs(audiences, installed.settings.destinations)
    kinds = {name: settings.kind for name, settings in installed.settings.destinations.items()}
    keys = {node["name"]: asset_key(node) for node in models(manifest)}
    outputs = sorted(key for key in keys.values() if key.path[0] in OUTPUT_SCHEMAS)
    apis = {name: source for name, source in installed.settings.sources.items() if isinstance(source, ApiSource)}
    zone = installed.settings.business.time_zone
    job = nightly_job()
    return dg.Definitions(
        assets=[
            landing_assets(_landed(manifest), source_assets(installed.settings)),
            *JOURNALS,
            warehouse_assets(manifest),
            snapshot_asset(outputs, list(audiences)),
            *backfill_assets(apis, {name: days(source.since, zone) for name, source in apis.items()}),
            *activation_assets(chosen, audiences, kinds),
            night_report([SNAPSHOT, *map(activation_key, chosen)], not_configured),
        ],
        asset_checks=[
            arriving_checks(sorted(TABLES)),
            *departing_checks(audiences, keys),
            *freshness_checks(installed.settings),
        ],
        jobs=[job],
        schedules=[nightly_schedule(job, installed.settings)],
        sensors=[failed_night_sensor(installed, job)],
        resources=resources(installed, night),
        executor=EXECUTOR,
    )


def _landed(manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    """What a night lands: every table of the contract, and whatever else dbt reads as a source."""
    contract = {dg.AssetKey(["landing", table]) for table in TABLES}
    read = {asset_key(source) for source in manifest["sources"].values()}
    return sorted(contract | {key for key in read if key.path[0] == "landing"})


@dg.definitions
def defs() -> dg.Definitions:
    """What workspace.yaml loads: the installation the environment names, read when Dagster asks and not on import."""
    return build_defs()
