"""How a benchmark measures: CPU seconds, wall seconds and peak memory of a child process, and one JSON line per measure.

What lives here: running children and printing lines. What does not: what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What a child process and its children took. cpu and wall in seconds, peak in GB (the largest process alone)."""

    cpu: float
    wall: float
    peak: float

    def less(self, fixed: Cost) -> Cost:
        """The cost without the fixed part, measured on the same command with nothing to do."""
        return Cost(max(self.cpu - fixed.cpu, 0.01), max(self.wall - fixed.wall, 0.01), self.peak)


def child(command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> tuple[Cost, str]:
    """Run a command to its end and measure it; RuntimeError with its last words where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        list(command), cwd=cwd, env=dict(env or os.environ), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:6])} ended with {process.returncode}: {''.join(said)[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1e6), "".join(said)


def python(module_and_arguments: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    return child([sys.executable, "-m", *module_and_arguments], env)


def line(
    measure: str, cost: Cost, *, against: Cost | None = None, rival: str = "", goal: float | None = None, **more: Any
) -> None:
    """Print one measure; with `against` the ratio of CPU seconds to that rival or floor, measured in the same run."""
    out: dict[str, Any] = {
        "measure": measure, "cpu_seconds": round(cost.cpu, 2), "wall_seconds": round(cost.wall, 2), "peak_gb": round(cost.peak, 2)
    }  # fmt: skip
    if against is not None:
        out |= {"rival": rival, "rival_cpu_seconds": round(against.cpu, 2), "rival_peak_gb": round(against.peak, 2),
                "ratio": round(cost.cpu / against.cpu, 2)}  # fmt: skip
        if goal is not None:
            out |= {"goal": goal, "meets_goal": cost.cpu / against.cpu <= goal}
    print(json.dumps(out | more), flush=True)
