"""What each arriving table promises, all groups together.

What lives here: table name → promises. What does not: the promises (people.py, orders.py, contact.py).
"""

from __future__ import annotations

from datetime import datetime

from expectations.arriving import contact, orders, people
from expectations.promise import Promise


def arriving_suites(now: datetime) -> dict[str, tuple[Promise, ...]]:
    """Promises by canonical table, for rows that arrive `now`."""
    return people.suites(now) | orders.suites(now) | contact.suites(now)
