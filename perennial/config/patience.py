"""How long an answer asks to be left alone: the Retry-After header.

What lives here: reading it, and the longest wait that is honoured. What does not: waiting, and hints that a vendor puts
elsewhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 300.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: a number or an HTTP date, at most five minutes; none where it says nothing usable."""
    text = (header or "").strip()
    if not text:
        return None
    seconds = float(text[:15]) if _SECONDS.fullmatch(text) else _seconds_until(text, now)
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None


def is_overlong(header: str | None, now: datetime) -> bool:
    """Whether it asks for more patience than we have."""
    return retry_after(header, now) == LONGEST_WAIT and (header or "").strip() != str(int(LONGEST_WAIT))


def _seconds_until(text: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
