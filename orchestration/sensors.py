"""What happens when a run that Dagster's daemon started fails: one alert and one line in logs/nights.jsonl.

What lives here: the sensor. What does not: runs of `python -m orchestration.nightly`, which reports its own.
"""

import dagster as dg

from assets.publish.night import conclude
from orchestration.instance import BY_COMMAND, STARTED_BY
from orchestration.resources import Installation


def failed_night_sensor(installed: Installation, job: object) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="failed_night",
        monitored_jobs=[job],  # type: ignore[list-item]
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells the people named under `alerts:` that a scheduled night failed.",
    )
    def failed_night(context: dg.RunFailureSensorContext) -> None:
        if context.dagster_run.tags.get(STARTED_BY) == BY_COMMAND:
            return
        conclude(installed.night(), failure=f"run {context.dagster_run.run_id} failed; see `make dev`")

    return failed_night
