"""`python -m orchestration.nightly`: the night as schedulers call it.

What lives here: the lock before anything heavy, the exit status, the record of a night that failed. What does not:
what a night does (definitions.py, assets/).

Exit status: 0 done, 1 failed, 2 wrong use or configuration, 3 held for a person, 4 done but degraded, 75 busy.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from orchestration.resources import Installation, be_quiet, installation, locate
from perennial.config.extras import require
from perennial.config.home import Home, HomeError
from perennial.config.problems import ConfigError
from perennial.warehouse.lock import Busy, InstallationLock

if TYPE_CHECKING:
    import dagster as dg

DONE, FAILED, WRONG_USE, HELD, DEGRADED, BUSY = 0, 1, 2, 3, 4, 75
STATUS = {"done": DONE, "failed": FAILED, "held": HELD, "degraded": DEGRADED}


def main(arguments: list[str] | None = None) -> int:
    if sys.argv[1:] if arguments is None else arguments:
        return _complain(
            WRONG_USE, "takes no arguments; set PERENNIAL_CONFIG, PERENNIAL_HOME and PERENNIAL_AS_OF instead"
        )
    be_quiet()
    _config, home = locate()
    try:
        with InstallationLock(home):
            return run(home)
    except Busy as busy:
        return _complain(BUSY, str(busy))
    except (ConfigError, HomeError) as error:
        return _complain(WRONG_USE, str(error))


def run(home: Home) -> int:
    """One night over a home this process holds."""
    installed = installation(say=_say)
    require(installed.settings)
    home.prepare()
    night = installed.night()
    _say(f"night as of {night.as_of:%Y-%m-%d %H:%M:%S} UTC in {home.root}")
    failure = _execute(installed, night)
    if failure is not None or night.tally.reported is None:
        outcome = _record_failure(night, failure or "the report step did not run")
    else:
        outcome = night.tally.reported
    for line in [*night.tally.held, *night.tally.degraded, *night.tally.notes]:
        _say(f"  {line}")
    _say(f"night {outcome}")
    return STATUS[outcome]


def _execute(installed: Installation, night: object) -> str | None:
    """Run the job in this process, remembered by the home's own Dagster storage. Returns what failed, if anything."""
    import warnings

    warnings.simplefilter("ignore")  # Dagster's notes on its own beta parameters
    from assets.night import Night
    from orchestration.definitions import build_defs
    from orchestration.instance import BY_COMMAND, fail_lost_runs, forget_old_runs, open_instance, run_tags
    from orchestration.jobs import NIGHTLY
    from orchestration.manifest import ManifestError, manifest

    assert isinstance(night, Night)
    try:
        with night.step("read the dbt project"):
            definitions = build_defs(installed, manifest(night.dbt), night)
            job = definitions.resolve_job_def(NIGHTLY)
    except ManifestError as error:
        return str(error)
    with open_instance(installed.home) as instance:
        fail_lost_runs(instance)
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags=dict(run_tags(BY_COMMAND)),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        forget_old_runs(instance)
    return None if result.success else _failures(result)


def _failures(result: dg.ExecuteInProcessResult) -> str:
    """Each failed step and the last cause of its failure, one line."""
    lines = []
    for event in result.all_events:
        if event.is_failure and event.step_key is not None and event.event_specific_data is not None:
            lines.append(f"{event.step_key}: {_why(event.event_specific_data)}")
    return "; ".join(lines) or "the run failed"


def _why(data: object) -> str:
    """What the step itself said of its failure; else the innermost message, without its traceback."""
    said = getattr(getattr(data, "user_failure_data", None), "description", None)
    if said:
        return str(said)
    error: Any = getattr(data, "error", None)
    if getattr(error, "cls_name", None) == "DagsterExecutionInterruptedError":
        return "was stopped from outside (a signal); run the night again, it goes on from what is landed"
    while getattr(error, "cause", None) is not None:
        error = error.cause
    return str(error.message).strip().splitlines()[0] if error is not None else "no reason recorded"


def _record_failure(night: object, failure: str) -> str:
    from assets.night import Night
    from assets.publish.night import conclude

    assert isinstance(night, Night)
    _say(f"  {failure}")
    return conclude(night, failure=failure)


def _say(text: str) -> None:
    print(text, flush=True)


def _complain(status: int, text: str) -> int:
    print("\n".join(f"nightly: {line}" for line in text.splitlines()), file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
