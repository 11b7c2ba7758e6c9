"""What every step of a night is handed, and where steps leave what they found.

What lives here: Night (where, with which settings, up to when), the tally of one run, and the one line a step prints.
What does not: making a Night (orchestration/resources.py), and the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.config.words import counted

RESOURCE = "night"  # the name under which steps ask for it


@dataclass(frozen=True)
class DbtProcess:
    """How dbt is called: which executable, where, and the whole environment it gets."""

    executable: Path
    project_dir: Path
    target: Path
    output: Path
    env: Mapping[str, str]


@dataclass
class StepLine:
    """What a step says of itself when it is done."""

    name: str
    rows: int | None = None
    note: str = ""
    seconds: float = 0.0

    def text(self) -> str:
        rows = "" if self.rows is None else counted(self.rows, "row")
        return f"{self.name:<28} {rows:>18} {self.seconds:8.1f} s  {self.note}".rstrip()


@dataclass
class Tally:
    """What the steps of one run found out, for the report at its end. In-process: the job runs in one process."""

    steps: list[StepLine] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_published: bool = False
    reported: str | None = None  # the outcome the report step wrote


@dataclass(frozen=True)
class Night:
    """One run over one home. `as_of` is the exclusive bound in event time; the clock says when now is."""

    home: Home
    settings: Settings
    env: Mapping[str, str]
    clock: Callable[[], datetime]
    as_of: datetime
    snapshot_id: str
    dbt: DbtProcess
    is_replay: bool = False
    as_of_is_now: bool = False
    say: Callable[[str], None] = print
    failpoint: Failpoints = field(default_factory=Failpoints)
    tally: Tally = field(default_factory=Tally)

    def landing_clock(self) -> datetime:
        """When rows are landed. A night up to now lands just before its as_of: the undated are known the same night."""
        return self.as_of - timedelta(microseconds=1) if self.as_of_is_now else self.clock()

    @contextmanager
    def step(self, name: str) -> Iterator[StepLine]:
        """Time a step and print its one line, also when it fails."""
        line = StepLine(name)
        began = time.monotonic()
        try:
            yield line
        except BaseException:
            line.note = f"{line.note} FAILED".strip()
            raise
        finally:
            line.seconds = time.monotonic() - began
            self.tally.steps.append(line)
            self.say(line.text())
