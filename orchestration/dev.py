"""`make dev`: Dagster's UI and daemon on loopback, for the installation the environment names.

What lives here: DAGSTER_HOME, the signals, the address. What does not: what the UI shows (definitions.py).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from orchestration.instance import prepare
from orchestration.resources import ROOT, be_quiet, locate
from perennial.config.home import HomeError


def main() -> int:
    _config, home = locate()
    try:
        home.prepare()
    except HomeError as error:
        print(f"dev: {error}", file=sys.stderr)
        return 2
    # started in the background by a script, a process inherits SIGINT ignored: the daemon would then ignore SIGTERM too
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    be_quiet(DAGSTER_HOME=str(prepare(home)), PERENNIAL_HOME=str(home.root))
    os.chdir(ROOT)
    dagster = str(Path(sys.executable).parent / "dagster")
    os.execv(
        dagster, [dagster, "dev", "--workspace", str(ROOT / "workspace.yaml"), "--host", "127.0.0.1", *sys.argv[1:]]
    )


if __name__ == "__main__":
    sys.exit(main())
