"""Models of the project over a build file, each with what it took: `python -m benchmarks.lifecycle_steps dbt-argument …`.

What lives here: dbt in this process, and what it takes from each node's start to its end. What does not: dbt's own start, which
fixed.py measures, and the data. Prints {node: {cpu, wall}} in seconds, and this process's peak so far in GB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from dbt.cli.main import dbtRunner


def main(arguments: list[str]) -> None:
    begun: dict[str, tuple[float, float]] = {}
    took: dict[str, dict[str, float]] = {}

    def note(event: Any) -> None:
        if event.info.name not in ("NodeStart", "NodeFinished"):
            return
        usage, node = resource.getrusage(resource.RUSAGE_SELF), event.data.node_info.node_name
        now = (usage.ru_utime + usage.ru_stime, time.monotonic())
        if event.info.name == "NodeStart":
            begun[node] = now
        else:
            took[node] = {"cpu": round(now[0] - begun[node][0], 3), "wall": round(now[1] - begun[node][1], 3)}

    done = dbtRunner(callbacks=[note]).invoke(arguments)
    if not done.success:
        failed = [str(each.message) for each in getattr(done.result, "results", []) if each.status == "error"]
        raise SystemExit(f"{' '.join(arguments)} failed: {done.exception or failed}")
    print(json.dumps({"nodes": took, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}))


if __name__ == "__main__":
    main(sys.argv[1:])
