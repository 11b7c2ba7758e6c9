"""When the night runs: the cron line of perennial.yml, in business time.

What lives here: the schedule. What does not: cron arithmetic (Dagster's), what runs (jobs.py).
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from perennial.config.settings import Settings


def nightly_schedule(job: Any, settings: Settings) -> dg.ScheduleDefinition:
    """Off until somebody switches it on: an installation may be driven by cron or systemd instead."""
    return dg.ScheduleDefinition(
        name="every_night",
        job=job,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.business.time_zone,
        description=f"The nightly job at {settings.schedule.cron} ({settings.business.time_zone}).",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
