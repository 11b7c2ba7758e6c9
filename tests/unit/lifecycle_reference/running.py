"""The real models over a small world: dbt, told what time and where it is.

What lives here: running them, and what they made of it. What does not: the world, and what they must give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from perennial.config.home import Home
from tests.support.installation import installed_in
from tests.support.nights import run_dbt
from tests.unit.lifecycle_reference import reading
from tests.unit.lifecycle_reference.world import World


def run_models(world: World, home: Home, *select: str) -> None:
    """Builds what is selected, over the schemas that write_world wrote into the home's build file."""
    dbt = installed_in(home).night().dbt
    as_of = world.as_of.strftime("%Y-%m-%d %H:%M:%S.%f")
    env = {**dbt.env, "PERENNIAL_AS_OF_UTC": as_of, "PERENNIAL_TIME_ZONE": world.zone.key}
    run_dbt(dbt, "run", "--select", *select, env=env)


@dataclass
class Built:
    """A world, what the models made of it, and every person's history as slowly read."""

    world: World
    tables: dict[str, list[dict[str, Any]]]
    histories: dict[str, list[reading.Stay]]

    def kpi(self, kpi: str, variant: str, grain: str = "month", segment: str = "all") -> dict[date, dict[str, Any]]:
        return {
            row["period_start_on"]: row
            for row in self.tables["kpis.kpi_values"]
            if (row["kpi"], row["variant"], row["grain"], row["segment"]) == (kpi, variant, grain, segment)
        }

    def in_five_stage(self, table: str) -> list[dict[str, Any]]:
        return [row for row in self.tables[f"lifecycle.{table}"] if row["stage_model"] == "five_stage"]


def rows_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
