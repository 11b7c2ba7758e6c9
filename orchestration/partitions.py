"""The days a source's past is divided into, for reading a stretch of it again.

What lives here: the partitions. What does not: what is done with them (assets/ingest/backfill.py). A night is not
partitioned: it reads on from where the last one stopped.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

FIRST_DAY = date(2015, 1, 1)  # before it few of these vendors had the API


def days(since: date | None, time_zone: str) -> dg.DailyPartitionsDefinition:
    """Every day from a source's first on, in business time."""
    return dg.DailyPartitionsDefinition(start_date=(since or FIRST_DAY).isoformat(), timezone=time_zone)
