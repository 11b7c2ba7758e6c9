"""dbt for a night, in a process of its own: `python -m assets.transform.quiet RESULTS COMMAND…`.

What lives here: one dbt command through dbt's own programmatic entry; what it reports from level info up, as JSON lines
on stdout in the form of its JSON log; the status of each node in the file RESULTS, absent where dbt never came to one.
What does not: what is run, and what becomes of it (dbt.py).

Why not the executable: its loggers make a line of every debug event before they look at its level, and its artifacts
say again what the parse has said; together a quarter of what dbt costs. The exit status is dbt's: 0 done, 1 a node
failed, 2 it could not run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # dbt reads files while it is imported
    from dbt_common.events.base_types import EventMsg

QUIET = ("--log-level", "none", "--log-level-file", "none", "--no-write-json")
NOT_SAID = ("debug", "test")


def main(results: Path, command: list[str]) -> int:
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    results.unlink(missing_ok=True)  # the last run's would be taken for this one's
    done = dbtRunner(callbacks=[_say]).invoke([*QUIET, *command])
    if isinstance(done.result, RunExecutionResult):
        found = {each.node.unique_id: str(each.status) for each in done.result.results}
        results.write_text(json.dumps(found), encoding="utf-8")
    if done.exception is not None:
        print(done.exception, file=sys.stderr, flush=True)
        return 2
    return 0 if done.success else 1


def _say(event: EventMsg) -> None:
    from dbt_common.events.functions import msg_to_json

    if event.info.level not in NOT_SAID:
        print(msg_to_json(event), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
