"""The night without the steps that need Great Expectations: `python -m benchmarks.night_without_gx`, for measuring only.

What lives here: the job less two kinds of steps. Nothing is sent: an audience whose checks did not run is refused.
"""

from __future__ import annotations

import sys
import warnings

from orchestration.definitions import build_defs
from orchestration.instance import open_instance
from orchestration.jobs import NIGHTLY
from orchestration.manifest import manifest
from orchestration.resources import be_quiet, installation

SKIPPED = ("arriving_checks", "departing_checks")


def main() -> int:
    warnings.simplefilter("ignore")
    be_quiet()
    installed = installation(say=lambda _line: None)
    night = installed.night()
    job = build_defs(installed, manifest(night.dbt), night).resolve_job_def(NIGHTLY)
    kept = [node.name for node in job.nodes if not node.name.startswith(SKIPPED)]
    with open_instance(installed.home) as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=True, op_selection=kept,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )  # fmt: skip
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main())
