"""How big a demo world is, when it starts and ends, and where its random numbers come from.

What lives here: the scale and its named random streams. What does not: anything about people. Each part of the world
draws from its own stream, so adding a table does not change the others.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

DAY = 86_400
NEVER = np.int64(2**62)  # a time that never comes
TIME_ZONE = "Europe/London"
DEFAULT_AS_OF = date(2026, 11, 1)


@dataclass(frozen=True)
class Scale:
    """The flags of `perennial demo`. Times inside the world are whole seconds since 1970, UTC."""

    people: int = 5_000
    years: int = 2
    seed: int = 7
    as_of: date = DEFAULT_AS_OF

    def __post_init__(self) -> None:
        if self.people < 50:
            raise ValueError(f"--people is {self.people}; the demo world needs at least 50 people")
        if not 1 <= self.years <= 20:
            raise ValueError(f"--years is {self.years}; give 1 to 20")
        if self.seed < 0:
            raise ValueError(f"--seed is {self.seed}; give 0 or a positive whole number")

    @property
    def end(self) -> int:
        midnight = datetime(self.as_of.year, self.as_of.month, self.as_of.day, tzinfo=ZoneInfo(TIME_ZONE))
        return int(midnight.timestamp())

    @property
    def start(self) -> int:
        return self.end - self.years * 365 * DAY

    def stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])
