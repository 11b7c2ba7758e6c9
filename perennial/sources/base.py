"""What every kind of source is to landing: something that offers its tables to a load, or says why it cannot.

What lives here: the protocol and the two ways to fail. What does not: any kind of source, and the commit (landing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from perennial.landing.load import Load


class SourceFailed(Exception):
    """This source cannot be loaded as it is; trying again will not help. Says what, where, and what to do."""


class SourceUnavailable(SourceFailed):
    """This source did not answer; the next run may find it again."""


class Reader(Protocol):
    """Reads one configured source."""

    def deliver(self, load: Load, env: Mapping[str, str]) -> None:
        """Hand every table the source has to the load. Raises SourceFailed; commits nothing."""

    def probe(self, env: Mapping[str, str]) -> list[str]:
        """What would keep this source from being read, found without reading data; empty where nothing would."""
