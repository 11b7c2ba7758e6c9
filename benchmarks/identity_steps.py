"""One model of the benchmark's dbt project: `python -m benchmarks.identity_steps PROJECT MODEL`.

What lives here: dbt in this process, and what it takes from the model's start to its end. What does not: dbt's own start, which
would drown a night's change (fixed.py measures it), and the models. Prints CPU and wall seconds, and this process's peak so far.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from dbt.cli.main import dbtRunner


def main(root: str, model: str) -> None:
    marks: dict[str, tuple[float, float]] = {}

    def note(event: Any) -> None:
        if event.info.name in ("NodeStart", "NodeFinished"):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            marks[event.info.name] = (usage.ru_utime + usage.ru_stime, time.monotonic())

    done = dbtRunner(callbacks=[note]).invoke(
        ["run", "--quiet", "--select", model, "--project-dir", root, "--profiles-dir", root]
    )
    if not done.success:
        raise SystemExit(f"{model} failed: {done.exception}")
    (cpu, wall), (cpu_after, wall_after) = marks["NodeStart"], marks["NodeFinished"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({"cpu": cpu_after - cpu, "wall": wall_after - wall, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
