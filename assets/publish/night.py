"""The night's last step: what came of it, one line in logs/nights.jsonl, and one alert where a person should know.

What lives here: the outcome and its record. What does not: the alert's channels (perennial/report). A night that failed
never gets here; whoever started it (orchestration) records and reports that one.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import dagster as dg

from assets.night import Night
from perennial.config.files import PRIVATE_FILE
from perennial.report.alerts import Night as AlertedNight
from perennial.report.alerts import send_alert
from perennial.report.shifts import shifted_stages

KEY = dg.AssetKey(["publish", "night_report"])
Outcome = Literal["done", "failed", "held", "degraded"]


def night_report(deps: Sequence[dg.AssetKey], not_configured: Sequence[str] = ()) -> dg.AssetsDefinition:
    """Depends on everything a night does, so it runs last. `not_configured`: wishes of audiences that nobody serves."""

    @dg.asset(
        key=KEY, deps=list(deps), group_name="publish", owners=["team:perennial"], kinds={"python"},
        description="One line per night in logs/nights.jsonl, and one alert where it was held or degraded.",
    )  # fmt: skip
    def report_night(night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
        night.tally.notes += not_configured
        outcome = conclude(night)
        return dg.MaterializeResult(asset_key=KEY, metadata={"outcome": outcome, **_counts(night)})

    return report_night


def conclude(night: Night, failure: str | None = None) -> Outcome:
    """Write the night's line and send its alert. Held outranks degraded: it waits for a person."""
    tally = night.tally
    outcome: Outcome = "failed" if failure else "held" if tally.held else "degraded" if tally.degraded else "done"
    night.tally.notes += shifted_stages(night.home) if night.tally.is_published else []
    lines = [*([failure] if failure else []), *tally.held, *tally.degraded, *tally.notes]
    if outcome != "done":
        tally.notes += alert(night, outcome, lines)
    _append(night, outcome, lines)
    tally.reported = outcome
    return outcome


def alert(night: Night, outcome: Literal["failed", "held", "degraded"], lines: Sequence[str]) -> list[str]:
    """Tell the people named in perennial.yml; what could not be delivered comes back and stops nothing."""
    message = AlertedNight(
        outcome=outcome,
        lines=tuple(lines),
        installation=night.home.root.name,
        as_of=f"{night.as_of:%Y-%m-%d %H:%M} UTC",
        snapshot_id=night.snapshot_id if night.tally.is_published else "",
    )
    return [f"alert: {problem}" for problem in send_alert(night.settings.alerts, night.env, message)]


def _append(night: Night, outcome: str, lines: Sequence[str]) -> None:
    entry = {
        "ended_at": night.clock().isoformat(timespec="seconds"),
        "as_of": night.as_of.isoformat(),
        "snapshot_id": night.snapshot_id if night.tally.is_published else None,
        "outcome": outcome,
        "lines": list(lines),
        "steps": [asdict(step) | {"seconds": round(step.seconds, 2)} for step in night.tally.steps],
    }
    path = night.home.nights_log
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    try:
        os.write(descriptor, (json.dumps(entry) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _counts(night: Night) -> dict[str, Any]:
    return {
        "held": list(night.tally.held),
        "degraded": list(night.tally.degraded),
        "seconds": round(sum(step.seconds for step in night.tally.steps), 1),
    }
