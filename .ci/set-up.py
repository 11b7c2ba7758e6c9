"""The last part of set-up: put the repository on the environment's path, make `.venv/bin/perennial`, compile everything.

What lives here: what pip cannot do from a lock file. What does not: choosing packages.
"""

import compileall
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WRAPPER = """#!{python}
import sys

from perennial.cli.main import app

sys.exit(app())
"""


def main() -> None:
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "perennial_root.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = Path(sys.executable).parent / "perennial"
    command.write_text(WRAPPER.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)
    # the first import of Dagster from source takes a minute on a busy machine: do it here, side by side
    compileall.compile_dir(site, quiet=2, workers=0)
    for room in ("perennial", "orchestration", "assets", "expectations"):
        compileall.compile_dir(ROOT / room, quiet=2)


if __name__ == "__main__":
    main()
