"""What a night costs before any data: dbt's and Dagster's fixed cost, and the price of one more model.

What lives here: a plain `dbt build`, the night without and with Great Expectations, and both again with thirty models
more, all over the same tiny landing, each the cheapest of three. What does not: data work (warehouse.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import ROOT, Cost, child, line
from benchmarks.warehouse import installation, places
from perennial.config.home import Home

MORE = 30
RUNS = 3
COPIED = ("assets", "dbt_project", "expectations", "models", "orchestration", "perennial", "benchmarks")
NIGHT = ("-m", "orchestration.nightly")
WITHOUT_GX = ("-m", "benchmarks.night_without_gx")


def run(folder: Path) -> None:
    small, large = _project(folder / "small", 0), _project(folder / "large", MORE)
    home = installation(folder / "installation", None)
    costs = {}
    for name, project in (("small", small), ("large", large)):
        _night(NIGHT, project, home)  # parses, and warms the caches
        costs[name] = (
            _least(lambda of=project: _night(NIGHT, of, home)),
            _least(lambda of=project: _night(WITHOUT_GX, of, home)),
            _least(lambda of=project: _dbt(of, home)),
        )
    full, bare, plain = costs["small"]
    rival = "a plain dbt build of the same models and tests"
    line("fixed_dbt_build", plain)
    line("fixed_night_without_gx", bare, against=plain, rival=rival, goal=3.0)
    line("fixed_night_with_gx", full, against=plain, rival=rival, goal=4.5)
    for name, number in (("dbt", 2), ("night", 0)):
        other = costs["large"][number]
        slope = (other.cpu - costs["small"][number].cpu) / MORE
        line(f"fixed_per_added_model_{name}", other, cpu_seconds_per_model=round(slope, 3), goal=0.1, meets_goal=slope <= 0.1)  # fmt: skip


def _least(run: Callable[[], Cost]) -> Cost:
    """The cheapest of several runs: what else the machine does only ever adds."""
    return min((run() for _ in range(RUNS)), key=lambda cost: cost.cpu)


def _project(folder: Path, more: int) -> Path:
    """A copy of the project with some trivial models added, each with its YAML."""
    folder.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dbt_project.yml", folder)
    for number in range(more):
        stem = folder / "models" / "customer" / f"added_{number:02d}"
        stem.with_suffix(".sql").write_text("select customer_id from {{ ref('people') }}\n")
        stem.with_suffix(".yml").write_text(f"models:\n  - name: {stem.name}\n    description: One row per person.\n")
    return folder


def _env(home: Home) -> dict[str, str]:
    config, root = places(home)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PERENNIAL_CONFIG": config, "PERENNIAL_HOME": root, "PERENNIAL_AS_OF": "2027-01-01"}


def _night(module: tuple[str, str], project: Path, home: Home) -> Cost:
    return child([sys.executable, *module], _env(home), project)[0]


def _dbt(project: Path, home: Home) -> Cost:
    """The same build by dbt alone, from the parse the night left."""
    config, root = places(home)
    _, said = child(
        [sys.executable, "-m", "benchmarks.steps", "dbt_env", config, root, "2027-01-01"], _env(home), project
    )
    env = dict(each.split("=", 1) for each in said.strip().splitlines())
    command = [str(Path(sys.executable).parent / "dbt"), "build", "--quiet", "--exclude-resource-type", "unit_test"]
    return child(command, env, project)[0]
