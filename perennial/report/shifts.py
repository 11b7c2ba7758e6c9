"""Saying that stages have shifted: the weeks that left their usual range, as the published snapshot has them.

What lives here: one line in words. What does not: what is usual (models/lifecycle/stage_shifts.sql), and who is told.
"""

from __future__ import annotations

from perennial.config.home import Home
from perennial.report.published import ShiftRow, Unreadable, open_published

SHOWN = 4


def shifted_stages(home: Home) -> list[str]:
    """One line on the last closed week, or none. Never raises: what cannot be read is told by the summary."""
    try:
        with open_published(home) as published:
            rows = published.shifts()
    except Unreadable:
        return []
    if not rows:
        return []
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    named = "; ".join(_spoken(row) for row in rows[:SHOWN])
    return [f"stages shifted in the week of {rows[0].week_on}: {named}{more}; see lifecycle.stage_shifts"]


def _spoken(row: ShiftRow) -> str:
    value, usual_from, usual_to = (_figure(row, each) for each in (row.value, row.usual_from, row.usual_to))
    what = "of people are in" if row.measure == "share" else "people entered"
    return f"{value} {what} {row.stage_model} {row.stage}, usually {usual_from} to {usual_to}"


def _figure(row: ShiftRow, value: float) -> str:
    return f"{value:.1%}" if row.measure == "share" else f"{value:,.0f}"
