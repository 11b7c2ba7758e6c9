"""The real models over a small world: dbt, told what time and where it is.

What lives here: running them. What does not: the world, and what they must give.
"""

from __future__ import annotations

import subprocess

from perennial.config.home import Home
from tests.support.installation import installed_in
from tests.unit.lifecycle_reference.world import World


def run_models(world: World, home: Home, *select: str) -> None:
    """Builds what is selected, over the schemas that write_world wrote into the home's build file."""
    dbt = installed_in(home).night().dbt
    done = subprocess.run(
        [str(dbt.executable), "run", "--select", *select, "--no-use-colors"],
        cwd=dbt.project_dir,
        env={
            **dbt.env,
            "PERENNIAL_AS_OF_UTC": world.as_of.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "PERENNIAL_TIME_ZONE": world.zone.key,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
