"""The last part of set-up: put the repository on the environment's path, make `.venv/bin/perennial`, compile what a
night imports.

What lives here: what pip cannot do from a lock file. What does not: choosing packages.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WRAPPER = """#!{python}
from perennial.cli.main import main

main()
"""
# Python compiles a module when it is first imported, which takes a minute for these: better now, side by side, than in
# the first night. Compiling every file of every package takes twice as long, for modules that nobody imports.
WARM_UP = (
    "import dagster, dagster_dbt, orchestration.definitions, perennial.cli.main, perennial.destinations.webhook",
    "import dbt.cli.main, dbt.adapters.duckdb, great_expectations, great_expectations.expectations, pyarrow.parquet",
)


def main() -> None:
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "perennial_root.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = Path(sys.executable).parent / "perennial"
    command.write_text(WRAPPER.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)
    running = [subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT) for code in WARM_UP]
    failed = [code for code, process in zip(WARM_UP, running, strict=True) if process.wait() != 0]
    if failed:
        sys.exit(f"set-up: the environment is incomplete: {failed[0]}; remove .venv and run make again")


if __name__ == "__main__":
    main()
