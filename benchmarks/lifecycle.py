"""Everybody's whole history in all declared stage models, against one pass that sorts the same events, in the same run.

What lives here: the order of the measures. What does not: the data (lifecycle_world.py), the floor (lifecycle_floor.py), the photographs
(lifecycle_rival.py), and how a step is measured. dbt's own start is not counted (fixed.py measures it); each model is, as it stands in the project.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.lifecycle_rival import photographs
from benchmarks.lifecycle_world import END, add_day, write_world
from benchmarks.measure import ROOT, Cost, line, python
from benchmarks.warehouse import installation, places
from perennial.config.home import Home

MEMORY = "6GB"
FLOOR_GOAL, NIGHT_GOAL, PEAK_GOAL = 3.0, 0.15, 8.0
PHOTOGRAPHS, DAYS = 10, 365
HISTORY = (
    "history_inputs",
    "side_events",
    "order_states",
    "order_changes",
    "side_changes",
    "fact_changes",
    "stage_history",
)
OTHERS = ("stays_join_up_from_first_sight_on", "every_stay_is_counted_where_it_began")
CHECK, NEXT_DAY, NEXT_NIGHT = "stage_history_is_as_if_built_anew", "2026-11-01", "2026-11-02"
REPORTS = ("customer_stages", "days_to_won", "stage_conversions", "stage_days", "stage_months", "stage_transitions", "stay_lengths", "stay_counts",
           "open_stay_survival", "stage_dwell", "stage_totals", "stage_shifts", "slow_stages")  # fmt: skip
RUNS, ONCE_FROM = 3, 500_000  # of the floor where it is short: the cheapest counts


def run(folder: Path, customers: int) -> None:
    """At a tenth of the size and at the size; at five times the size the whole history alone."""
    for people in (max(customers // 10, 1), customers, 5 * customers):
        _run(folder / str(people), people, is_history_alone=people > customers)
        shutil.rmtree(folder / str(people))


def _run(folder: Path, people: int, is_history_alone: bool) -> None:
    home = installation(folder, None)
    rows = write_world(home.build_file, people, MEMORY)
    size: dict[str, Any] = {"customers": people, "orders": rows["orders"], "messages": rows["messages"]}
    (floor, events), (bare, read) = _floors(home, 1 if people > ONCE_FROM else RUNS)
    orders = sum_of(dbt(home, "customer_orders"))
    one = None if is_history_alone else sum_of(dbt(home, *HISTORY, models=["five_stage"]))
    parts = dbt(home, *HISTORY)
    history = sum_of(parts)
    rival = "one pass that sorts the same events"
    size |= {"events": events, "memory_limit": MEMORY, "peak_meets_goal": history.peak <= PEAK_GOAL}
    line("lifecycle_history", history, against=floor, rival=rival, goal=FLOOR_GOAL, **size,
         models={name: cost.cpu for name, cost in parts.items() if cost.cpu >= 0.5},
         ratio_with_customer_orders=round((history.cpu + orders.cpu) / floor.cpu, 2))  # fmt: skip
    line("lifecycle_history_beside_events_read", history, against=bare, rival="one pass that sorts the events that stages look at", **size | {"events": read})  # fmt: skip
    line("customer_orders", orders, against=floor, rival=rival, **size)
    if one is None:
        return
    line("lifecycle_history_of_one_model", one, against=floor, rival=rival, **size)
    reports = sum_of(dbt(home, *REPORTS))
    line("lifecycle_reports", reports, against=floor, rival=rival, **size)
    taken = photographs(folder / "rival", home.build_file, date.fromisoformat(END), PHOTOGRAPHS, MEMORY)
    later = taken[1:]
    _night(home, size)
    year = Cost(taken[0].cpu + (DAYS - 1) * sum(each.cpu for each in later) / len(later),
                taken[0].wall + (DAYS - 1) * sum(each.wall for each in later) / len(later), max(each.peak for each in taken))  # fmt: skip
    line("lifecycle_history_beside_photographs", history, against=year, rival=f"a dbt snapshot a day for {DAYS} days, from {PHOTOGRAPHS}", goal=1.0,
         days_of_history=_days(home), rival_days_of_history=DAYS, **size)  # fmt: skip


def _night(home: Home, size: dict[str, Any]) -> None:
    """A night with one in a hundred new rows, against the same tables built whole on the same data."""
    dbt(home, *HISTORY, CHECK, command="build")
    new = add_day(home.build_file, NEXT_DAY, MEMORY)
    dbt(home, "customer_orders", as_of=NEXT_NIGHT)
    parts = dbt(home, *HISTORY, as_of=NEXT_NIGHT)
    kept, remade = _prints(home), _remade(home)
    check = dbt(home, CHECK, as_of=NEXT_NIGHT, command="build")
    whole = sum_of(dbt(home, *HISTORY, "--full-refresh", as_of=NEXT_NIGHT))
    work = sum_of(parts)
    line("lifecycle_night", work, against=whole, rival="the same tables built whole", goal=NIGHT_GOAL, rows_equal=bool(remade) and kept == _prints(home),
         new_rows=new, remade=remade, models={name: cost.cpu for name, cost in parts.items()}, **size)  # fmt: skip
    line("lifecycle_night_check", sum_of(check), against=whole, rival="the same tables built whole", **size)


def _prints(home: Home) -> list[tuple[Any, ...]]:
    """Rows and an order-free hash of the kept tables."""
    with duckdb.connect(str(home.build_file), read_only=True) as con:
        return [
            con.execute(f"select count(*), sum(hash(kept::varchar)::hugeint)::varchar from {table} as kept").fetchall()[
                0
            ]
            for table in ("lifecycle.side_events", "lifecycle.stage_history")
        ]


def _remade(home: Home) -> dict[str, int]:
    """How many people were remade in which way; nothing where everything was built whole."""
    with duckdb.connect(str(home.build_file), read_only=True) as con:
        return dict(
            con.execute(
                "select remade, count(*) from lifecycle.history_inputs where remade is not null"
                " and exists (select 1 from lifecycle.history_inputs__mark where was_as_of is not null) group by remade"
            ).fetchall()
        )


def dbt(
    home: Home, *selected: str, models: list[str] | None = None, as_of: str = END, command: str = "run"
) -> dict[str, Cost]:
    """What each selected model takes, with all stage models or some."""
    _, said = python(["benchmarks.steps", "dbt_env", *places(home), as_of])
    env = dict(each.split("=", 1) for each in said.strip().splitlines()) | {"PERENNIAL_MEMORY_LIMIT": MEMORY}
    more = (
        ["--exclude-resource-type", "unit_test", "--exclude", "test_type:generic", *OTHERS]
        if command == "build"
        else []
    )
    arguments = [command, "--quiet", "--select", *selected, *more]
    if models:
        declared = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
        triggers = {
            name: {**each, "serves": {model: stages for model, stages in each["serves"].items() if model in models}}
            for name, each in declared["triggers"].items()
        }
        stage_models = {name: declared["stage_models"][name] for name in models}
        arguments += ["--vars", json.dumps({"stage_models": stage_models, "triggers": triggers})]
    found = json.loads(python(["benchmarks.lifecycle_steps", *arguments], env)[1].strip().splitlines()[-1])
    return {name: Cost(took["cpu"], took["wall"], found["peak"]) for name, took in found["nodes"].items()}


def sum_of(parts: dict[str, Cost]) -> Cost:
    costs = list(parts.values())
    return Cost(sum(each.cpu for each in costs), sum(each.wall for each in costs), max(each.peak for each in costs))


def _floors(home: Home, runs: int) -> list[tuple[Cost, int]]:
    """The cost and the number of all events sorted, and of those that stages look at."""
    scratch = home.build_file.with_name("floor.duckdb")
    said = python(["benchmarks.lifecycle_floor", str(home.build_file), str(scratch), MEMORY, str(runs)])[1]
    found = json.loads(said.strip().splitlines()[-1])
    return [(Cost(each["cpu"], each["wall"], each["peak"]), each["rows"]) for each in found.values()]


def _days(home: Home) -> int:
    """From the first stay to the end: what a history worked out reaches back."""
    with duckdb.connect(str(home.build_file), read_only=True) as con:
        found = con.execute(
            f"select date_diff('day', min(valid_from), timestamp '{END}') from lifecycle.stage_history"
        ).fetchone()
    assert found is not None
    return int(found[0])
