"""The nightly job: everything, in one process, in the order the data flow.

What lives here: which assets, which executor, the longest it may take. What does not: when (schedules.py), steps
(assets/).
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.ingest.backfill import GROUP as BACKFILL
from orchestration.instance import MAX_RUNTIME

NIGHTLY = "nightly"
# a process per step costs some 4.5 CPU seconds each; the steps are few and share the run's tally
EXECUTOR = dg.in_process_executor


def nightly_job() -> Any:
    return dg.define_asset_job(
        NIGHTLY,
        selection=(dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks()) - dg.AssetSelection.groups(BACKFILL),
        executor_def=EXECUTOR,
        tags={"dagster/max_runtime": int(MAX_RUNTIME.total_seconds())},
        description="Land every source, build and check the warehouse, publish a snapshot, send audiences, report.",
    )
