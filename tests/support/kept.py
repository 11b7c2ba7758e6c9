"""Nights of the tables that are kept from night to night, for tests: the same dbt run on last night's build file, or whole on another.

What lives here: that run. What does not: dbt's process (dbt_runs.py), the histories, and what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from perennial.config.home import Home
from tests.support.dbt_runs import DbtRuns, Statuses
from tests.support.installation import installed_in
from tests.support.nights import night_env


def build_kept(
    dbt: DbtRuns,
    home: Home,
    more: Mapping[str, Any],
    as_of: datetime,
    build_file: Path,
    selected: Sequence[str],
    share: float = 1.0,
) -> Statuses:
    """Build these models and their checks over the home's landing; whole where the file is not the home's own. share: of all rows, to check."""
    config = home.root.parent / "config" / "perennial.yml"
    env = dict(installed_in(home, more, night_env(home, config, as_of.isoformat())).night().dbt.env)
    env["PERENNIAL_BUILD_FILE"] = str(build_file)
    args = ["build", "--exclude-resource-type", "unit_test", "--vars", f"{{checked_share: {share}}}"]
    args += ["--full-refresh"] if build_file != home.build_file else []
    return dbt.run([*args, "--select", *selected], env)
