"""Many dbt commands by one process that has parsed once, for tests of what a sequence of nights leaves.

What lives here: starting that process, giving it commands, and its own main. What does not: what the commands build.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType

from assets.transform.quiet import QUIET
from tests.support.nights import ROOT

Statuses = dict[str, str]


class DbtRuns:
    """dbt in a child process; use as a context manager."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.dbt_runs"], cwd=ROOT, env=dict(env),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, args: list[str], env: Mapping[str, str]) -> Statuses:
        """One command in this environment: status by name of each model and test it ran."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps({"args": args, "env": dict(env)}), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert answer["error"] is None, answer["error"]
        return answer["statuses"]

    def __enter__(self) -> DbtRuns:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate(timeout=60)


def main() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # dbt's own words go to stderr
    parsed = dbtRunner().invoke([*QUIET, "parse"])
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["env"])
        for node in parsed.result.nodes.values():  # else a second run leaves ephemeral models out
            if getattr(node, "extra_ctes_injected", False):
                node.extra_ctes_injected, node.extra_ctes = False, []
        done = dbtRunner(manifest=parsed.result).invoke([*QUIET, *asked["args"]])
        DuckDBConnectionManager.close_all_connections()  # the next reader of the build file is another process
        results = getattr(done.result, "results", [])
        answer = {
            "error": str(done.exception) if done.exception else None,
            "statuses": {result.node.name: str(result.status) for result in results},
        }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
