"""Reading PERENNIAL_AS_OF: the exclusive bound in event time up to which a run looks.

What lives here: text → aware UTC time. What does not: reading the environment, applying the bound (models/input).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from perennial.config.problems import ConfigError


def parse_as_of(text: str | None, time_zone: str, now: datetime) -> datetime:
    """`now` where nothing is given; a bare date is 00:00 business time; a time without an offset is business time."""
    wanted = (text or "").strip()
    if not wanted:
        return now.astimezone(UTC)
    moment = _read(wanted)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return moment.astimezone(UTC)


def _read(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            [f"PERENNIAL_AS_OF: {text[:40]!r} is neither a date nor a time; write 2026-03-01 or 2026-03-01T06:00:00Z"]
        ) from error
