"""Naming loads: ids that sort by time and never go back, even where the clock does.

What lives here: giving out the next id of a home, and reading ids from file names. What does not: what a load does.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perennial.config.home import Home

_FORMAT = "%Y%m%dT%H%M%S%f"
_guard = threading.Lock()
_newest: dict[Path, datetime] = {}


def next_load_id(home: Home, now: datetime) -> tuple[str, datetime]:
    """An id later than every id of this home, and the time to date its rows by (UTC): now, whatever the id had to be.

    Sources that land side by side share a time and differ in their ids; a row dated by its id could lie after as_of.
    """
    wanted = now.astimezone(UTC)
    with _guard:
        for newest in (_newest.get(home.root), _newest_on_disk(home)):
            if newest is not None and wanted <= newest:
                wanted = newest + timedelta(microseconds=1)
        _newest[home.root] = wanted
    return wanted.strftime(_FORMAT), now.astimezone(UTC)


def load_time(load_id: str) -> datetime:
    return datetime.strptime(load_id, _FORMAT).replace(tzinfo=UTC)


def split_name(file_name: str) -> tuple[str, str] | None:
    """(load id, source name) of `<load_id>.<source>[.suffix]`; none for a foreign file."""
    load_id, _, rest = file_name.partition(".")
    source_name = rest.partition(".")[0]
    try:
        load_time(load_id)
    except ValueError:
        return None
    return (load_id, source_name) if source_name else None


def _newest_on_disk(home: Home) -> datetime | None:
    names = [path.name for path in home.landing.glob("*/_loads/*.json")]
    names += [path.name for path in home.incoming.glob("*")]
    ids = [found[0] for found in map(split_name, names) if found is not None]
    return load_time(max(ids)) if ids else None
