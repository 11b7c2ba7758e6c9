"""Clustering of identity graphs by the project's macros in dbt, against Splink's clustering of the same Parquet files.

What lives here: a dbt project of one model with the project's own macros, the order of the measures, and Splink's environment. What does not:
the graphs and checksums (identity_graphs.py) and what each side does (identity_steps.py, identity_rival.py). Both count from after their imports, dbt
from its model's start; Splink keeps its result in memory and is given its nodes ready, the macros find theirs and write to a file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import identity_links
from benchmarks.floors import MEMORY
from benchmarks.identity_graphs import CHANGED_SHARE, checksum
from benchmarks.measure import ROOT, Cost, child, line, python

SPLINK = ("splink==5.0.0", "duckdb==2.0.0", "pyarrow==26.0.1")
MACROS = (
    "components_materialization.sql", "connected_components.sql", "components_roots.sql", "components_incremental.sql", "dialect_scratch.sql"
)  # fmt: skip
CPU_GOAL, PEAK_GOAL, CHAIN_GOAL, NIGHT_GOAL = 0.65, 0.6, 1.5, 0.06
AMPLE = "12GB"
RIVAL_PATIENCE = 120  # seconds for the chain, which the rival takes a round per link for
CLUSTERS = """{{ config(materialized='connected_components') }}
select node, linked_node from {{ env_var('BENCH_EDGES') }}
"""
UPDATED = "{{ config(materialized='updated_components') }} select 1 as nothing"
UPDATED_MATERIALIZATION = """
{% materialization updated_components, default %}
    {%- set changes = this.incorporate(type='table') -%}
    {% set updated = components_update(
        {'relation': changes, 'steps': 0}, 'main.clusters', env_var('BENCH_EDGES'), env_var('BENCH_ADDED'), env_var('BENCH_REMOVED')
    ) %}
    {% do run_query('drop table if exists ' ~ changes) %}
    {% call statement('main') %}{{ create_table_as(False, changes, updated.changes) }}{% endcall %}
    {% do drop_scratch(updated.tables) %}
    {% call statement('apply') %}{{ components_apply('main.clusters', changes | string) }}{% endcall %}
    {% do adapter.commit() %}
    {{ return({'relations': [changes]}) }}
{% endmaterialization %}
"""


@dataclass(frozen=True)
class Project:
    """The one-model dbt project, and the folder of graphs that it reads."""

    root: Path
    graphs: Path

    @property
    def database(self) -> Path:
        return self.root / "clusters.duckdb"

    def graph(self, name: str) -> str:
        return f"read_parquet('{self.graphs / name}.parquet')"

    def clusters(self, graph: str, memory: str = MEMORY) -> tuple[Cost, dict[str, int]]:
        """The materialization over one graph, into an empty file."""
        self.database.unlink(missing_ok=True)
        return self._dbt("clusters", {"BENCH_EDGES": self.graph(graph), "BENCH_MEMORY": memory})

    def next_night(self, graph: str) -> tuple[Cost, dict[str, int]]:
        """The materialization over another graph, into the file of the night before: it finds what changed itself."""
        return self._dbt("clusters", {"BENCH_EDGES": self.graph(graph)})

    def updated(self, edges: str, added: str, removed: str) -> tuple[Cost, dict[str, int]]:
        """The components in the file, brought up to tonight's edges."""
        named = {"BENCH_EDGES": edges, "BENCH_ADDED": added, "BENCH_REMOVED": removed}
        return self._dbt("updated", {name: self.graph(graph) for name, graph in named.items()})

    def _dbt(self, model: str, named: dict[str, str]) -> tuple[Cost, dict[str, int]]:
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        env = (
            {"BENCH_EDGES": "", "BENCH_ADDED": "", "BENCH_REMOVED": "", "BENCH_MEMORY": MEMORY}
            | known
            | named
            | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        )
        said = python(["benchmarks.identity_steps", str(self.root), model], env)[1]
        return cost_of(said), checksum(self.database, "main.clusters", "node", "component")


def cost_of(said: str) -> Cost:
    """What a child counted itself; its last line."""
    counted = json.loads(said.strip().splitlines()[-1])
    return Cost(counted["cpu"], counted["wall"], counted["peak"])


def run(folder: Path, edges: int) -> None:
    folder.mkdir(parents=True)
    splink = _rival(folder / "splink_venv")
    links = max(edges // 5, 1)
    project = _project(folder / "dbt", folder / "graphs")
    _write(project, edges, links)
    full = _against_splink(project, splink, edges)
    _chain(project, splink, links)
    _nights(project, full, edges)
    _write(project, 2 * edges, 1)
    _against_splink(project, splink, 2 * edges)
    _against_splink(project, splink, 2 * edges, AMPLE)  # neither has to spill: what each would take
    if identity_links.SAMPLES.exists():
        said = child([splink, "-m", "benchmarks.identity_links"])[1]
        print("\n".join(each for each in said.splitlines() if each.startswith("{")), flush=True)


def _write(project: Project, edges: int, links: int) -> None:
    shutil.rmtree(project.graphs, ignore_errors=True)
    python(["benchmarks.identity_graphs", str(project.graphs), str(edges), str(links)])


def _against_splink(project: Project, splink: str, edges: int, memory: str = MEMORY) -> Cost:
    cost, found = project.clusters("typical", memory)
    said = child([splink, "-m", "benchmarks.identity_rival", str(project.graphs), "typical", memory])[1]
    rival, wanted = cost_of(said), json.loads(said.strip().splitlines()[-1])["result"]
    if found != wanted:
        raise SystemExit(f"{edges} edges: {found} here, {wanted} by Splink")
    peak = cost.peak / rival.peak
    line(
        "identity_clusters", cost, against=rival, rival="Splink's clustering", goal=CPU_GOAL, edges=edges,
        peak_ratio=round(peak, 2), peak_meets_goal=peak <= PEAK_GOAL, rival_wall_seconds=round(rival.wall, 2),
        memory_limit=memory, **found,
    )  # fmt: skip
    return cost


def _chain(project: Project, splink: str, links: int) -> None:
    same, _ = project.clusters("same_size")
    cost, found = project.clusters("chain")
    if (found["components"], found["nodes"]) != (1, links + 1):
        raise SystemExit(f"a chain is one component: {found}")
    line(
        "identity_chain", cost, against=same, rival="a typical graph of that size", goal=CHAIN_GOAL, edges=links,
        wall_ratio=round(cost.wall / same.wall, 2), splink_patience_seconds=RIVAL_PATIENCE,
        splink_finished=_finishes(splink, project.graphs),
    )  # fmt: skip


def _finishes(splink: str, graphs: Path) -> bool:
    command = [splink, "-m", "benchmarks.identity_rival", str(graphs), "chain", MEMORY]
    try:
        subprocess.run(command, cwd=ROOT, check=True, timeout=RIVAL_PATIENCE, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return False
    return True


def _nights(project: Project, full: Cost, edges: int) -> None:
    """One edge in a hundred more, and one less: the same as all of tonight's edges solved anew."""
    _, more = project.clusters("typical")
    shrunk, found_less = project.updated("before", "none", "added")
    grown, found_more = project.updated("typical", "added", "none")
    unchanged, same = project.updated("typical", "none", "none")
    _, less = project.clusters("before")
    if (found_less, found_more, same) != (less, more, more):
        raise SystemExit(f"an update differs from solving all: {found_less}, {found_more}, {same}; {less}, {more}")
    fewer, found_fewer = project.next_night("before")
    again, found_again = project.next_night("typical")
    if (found_fewer, found_again) != (less, more):
        raise SystemExit(f"a night differs from solving all: {found_fewer}, {found_again}; {less}, {more}")
    for name, cost in (("found_removed", fewer), ("found_added", again)):
        line(
            f"identity_night_{name}",
            cost,
            against=full,
            rival="all edges solved anew",
            edges=edges,
            changed_share=CHANGED_SHARE,
        )
    for name, cost, goal in (("unchanged", unchanged, None), ("added", grown, NIGHT_GOAL), ("removed", shrunk, None)):
        share = {"changed_share": CHANGED_SHARE if cost is not unchanged else 0}
        line(
            f"identity_night_{name}", cost, against=full, rival="all edges solved anew", goal=goal, edges=edges, **share
        )


def _project(root: Path, graphs: Path) -> Project:
    (root / "models").mkdir(parents=True)
    (root / "macros").mkdir()
    for name in MACROS:
        shutil.copy(ROOT / "dbt_project" / "macros" / name, root / "macros" / name)
    (root / "macros" / "updated_components.sql").write_text(UPDATED_MATERIALIZATION)
    (root / "models" / "clusters.sql").write_text(CLUSTERS)
    (root / "models" / "updated.sql").write_text(UPDATED)
    settings = {"memory_limit": "{{ env_var('BENCH_MEMORY') }}", "threads": 2, "preserve_insertion_order": False}
    output: dict[str, Any] = {
        "type": "duckdb",
        "path": str(root / "clusters.duckdb"),
        "threads": 1,
        "settings": settings,
    }
    content = {"name": "perennial", "version": "1.0.0", "config-version": 2, "profile": "bench"}
    (root / "dbt_project.yml").write_text(yaml.safe_dump(content))
    (root / "profiles.yml").write_text(yaml.safe_dump({"bench": {"target": "duckdb", "outputs": {"duckdb": output}}}))
    return Project(root, graphs)


def _rival(place: Path) -> str:
    """The python of an environment that holds Splink and the same DuckDB."""
    venv.create(place, with_pip=True)
    python_of_it = str(place / "bin" / "python")
    command = [python_of_it, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *SPLINK]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PIP_NO_INPUT": "1"})
    return python_of_it
