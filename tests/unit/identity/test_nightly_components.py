"""The connected_components materialization from night to night, by dbt itself: what it keeps, what it solves again.

What lives here: a dbt project of one model with the project's macros. What does not: the macros against a union-find
(test_components.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner

from tests.conftest import ROOT
from tests.unit.identity.test_components import FILES, MACROS, Labels, Pair, graph, labels_of, put, union_find

MODEL = """{{ config(materialized='connected_components') }}
select node, linked_node from main.edges
"""


class Nights:
    """One warehouse file over several nights; each has its own edges."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "clusters.duckdb"
        (root / "models").mkdir()
        (root / "macros").mkdir()
        for name in (*FILES, "components_materialization.sql"):
            shutil.copy(MACROS / name, root / "macros" / name)
        (root / "models" / "clusters.sql").write_text(MODEL)
        output = {"type": "duckdb", "path": str(self.file), "threads": 1}
        content = {"name": "perennial", "version": "1.0.0", "config-version": 2, "profile": "nights"}
        (root / "dbt_project.yml").write_text(yaml.safe_dump(content))
        profile = {"nights": {"target": "duckdb", "outputs": {"duckdb": output}}}
        (root / "profiles.yml").write_text(yaml.safe_dump(profile))

    def night(self, pairs: list[Pair], *more: str) -> Labels:
        with duckdb.connect(self.file) as con:
            put(con, "edges", pairs)
        places = ["--project-dir", str(self.root), "--profiles-dir", str(self.root), "--log-level-file", "none"]
        done = dbtRunner().invoke(["--quiet", "run", *places, *more])
        assert done.success, done.exception
        with duckdb.connect(self.file) as con:
            kept = con.execute("select node, linked_node from clusters__pairs").fetchall()
            assert sorted(kept) == sorted((max(pair), min(pair)) for pair in pairs)
            return labels_of(con.execute("select node, component from clusters").fetchall())

    def say_wrongly(self, node: int, component: int) -> None:
        with duckdb.connect(self.file) as con:
            con.execute("update clusters set component = ? where node = ?", [component, node])


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    monkeypatch.chdir(ROOT)
    return Nights(tmp_path)


def test_a_night_solves_only_what_its_links_touch(nights: Nights) -> None:
    people = list(dict.fromkeys((max(pair), min(pair)) for pair in graph(people=400, size=6, seed=11)))
    chain = [(node + 1, node) for node in range(60)]
    assert nights.night(people + chain) == union_find(people + chain)

    # a component that nothing touches is not read again: what is written there stands
    untouched = max(union_find(people))
    nights.say_wrongly(untouched, -5)
    changed = [*people, *(pair for pair in chain if pair != (31, 30)), (10**6, 0), (10**7, 10**7)]
    assert nights.night(list(reversed(changed))) == union_find(changed) | {untouched: -5}

    # and is made anew where that is asked for
    assert nights.night(changed, "--full-refresh") == union_find(changed)
