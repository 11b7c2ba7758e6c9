"""Named places at which a test can make the process die, stop or run out of space.

What lives here: reading PERENNIAL_FAILPOINT from a mapping that is passed in, counting hits, and striking. What does
not: reading the environment, and the names of the places; each module names its own.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from perennial.config.problems import ConfigError

VARIABLE = "PERENNIAL_FAILPOINT"
EFFECTS = ("kill9", "stop", "enospc")


@dataclass
class Failpoints:
    """`failpoints("after_200")` marks a place. Nothing happens unless the place and its hit number were asked for."""

    place: str | None = None
    number: int = 0
    effect: str = "kill9"
    _hits: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Failpoints:
        """`place:hit:effect`, such as ack:3:kill9. Unset means none."""
        text = env.get(VARIABLE, "").strip()
        if not text:
            return cls()
        place, _, rest = text.partition(":")
        number, _, effect = rest.partition(":")
        if not place or not number.isdecimal() or effect not in EFFECTS:
            raise ConfigError([f"{VARIABLE}: {text!r} is not place:hit:effect; write one such as ack:1:{EFFECTS[0]}"])
        return cls(place, int(number), effect)

    def __call__(self, place: str) -> None:
        self._hits[place] += 1
        if place != self.place or self._hits[place] != self.number:
            return
        if self.effect == "enospc":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
        os.kill(os.getpid(), signal.SIGKILL if self.effect == "kill9" else signal.SIGSTOP)
        time.sleep(0.05)  # another thread may take the signal first; this one must not go on meanwhile
