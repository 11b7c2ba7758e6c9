"""The real models over a small world: dbt, told what time and where it is.

What lives here: running them. What does not: the world, and what they must give.
"""

from __future__ import annotations

from perennial.config.home import Home
from tests.support.installation import installed_in
from tests.support.nights import run_dbt
from tests.unit.lifecycle_reference.world import World


def run_models(world: World, home: Home, *select: str) -> None:
    """Builds what is selected, over the schemas that write_world wrote into the home's build file."""
    dbt = installed_in(home).night().dbt
    as_of = world.as_of.strftime("%Y-%m-%d %H:%M:%S.%f")
    env = {**dbt.env, "PERENNIAL_AS_OF_UTC": as_of, "PERENNIAL_TIME_ZONE": world.zone.key}
    run_dbt(dbt, "run", "--select", *select, env=env)
