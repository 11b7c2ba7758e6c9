"""The clustering macros against a union-find: any graph, in any order, whole or brought up to tonight's edges.

What lives here: the macros rendered by dbt's own Jinja and run on DuckDB. What does not: dbt itself, and what a
cluster means.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from dbt_common.clients.jinja import CallableMacroGenerator, MacroReturn, extract_toplevel_blocks
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT

MACROS = ROOT / "dbt_project" / "macros"
FILES = ("connected_components.sql", "components_roots.sql", "components_incremental.sql", "dialect_scratch.sql")
Pair = tuple[int, int]
Labels = dict[int, int]


@dataclass(frozen=True)
class Macro:
    name: str
    macro_sql: str


class Column:
    def __init__(self, values: list[Any]) -> None:
        self.held = values

    def values(self) -> list[Any]:
        return self.held


class Result:
    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.columns = [Column(list(column)) for column in zip(*rows, strict=True)]


@dataclass(frozen=True)
class Relation:
    identifier: str = "clusters"
    schema: str = "main"


class Macros:
    """The macros as dbt calls them, over one connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.statements = self.rows_made = 0
        self.context: dict[str, Any] = {
            "run_query": self.run_query, "return": self.give_back, "adapter": self, "exceptions": self
        }  # fmt: skip
        for file in FILES:
            text = (MACROS / file).read_text(encoding="utf-8")
            allowed = {"macro", "materialization"}
            for block in extract_toplevel_blocks(text, allowed_blocks=allowed, collect_raw_data=False):
                if block.block_type_name == "macro":
                    macro = Macro(block.block_name, block.full_block)
                    self.context[macro.name] = CallableMacroGenerator(macro, self.context)

    def run_query(self, query: str) -> Result:
        rows = self.con.execute(query).fetchall()
        self.statements += 1
        self.rows_made += rows[0][0] if query.startswith("create") else 0
        return Result(rows)

    @staticmethod
    def give_back(value: Any) -> None:
        raise MacroReturn(value)

    def dispatch(self, name: str, _package: str) -> Callable[..., Any]:
        return self.context[f"default__{name}"]

    @staticmethod
    def raise_compiler_error(message: str) -> None:
        raise RuntimeError(message)

    def call(self, name: str, *arguments: Any) -> Any:
        return self.context[name]({"relation": Relation(), "steps": 0}, *arguments)


@pytest.fixture(scope="module")
def macros() -> Iterator[Macros]:
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as con:
        yield Macros(con)


def put(con: duckdb.DuckDBPyConnection, table: str, pairs: Iterable[Pair], columns: str = "node, linked_node") -> str:
    first, second = columns.split(", ")
    listed = list(pairs)
    con.execute(f"create or replace table {table} ({first} bigint, {second} bigint)")
    con.execute(
        f"insert into {table} select unnest(?::bigint[]), unnest(?::bigint[])",
        [[pair[0] for pair in listed], [pair[1] for pair in listed]],
    )
    return table


def solve(macros: Macros, pairs: Iterable[Pair]) -> Labels:
    """What the materialization makes of the pairs; nothing of its scratch may be left."""
    source = put(macros.con, "pairs", pairs)
    solved = macros.call("components_solve", f"select node, linked_node from {source}")
    rows = macros.con.execute(f"select node, component from ({solved['query']})").fetchall()
    macros.context["drop_scratch"](solved["tables"])
    assert scratch_left(macros.con) == []
    return labels_of(rows)


def labels_of(rows: list[Pair]) -> Labels:
    labels = dict(rows)
    assert len(labels) == len(rows), "a node stands there twice"
    return labels


def scratch_left(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return con.execute("select table_name from duckdb_tables() where contains(table_name, '__step_')").fetchall()


def union_find(pairs: Iterable[Pair]) -> Labels:
    """The reference: the smallest node that each node can reach."""
    parent: Labels = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {node: root(node) for node in list(parent)}


def update(
    macros: Macros, before: list[Pair], added: list[Pair], removed: list[Pair]
) -> tuple[Labels, Labels, list[Any]]:
    """Last night's components, tonight's by the update, and what the update says has changed."""
    con, gone = macros.con, set(removed)
    now = [pair for pair in before if pair not in gone] + added
    last = solve(macros, before)
    names = (
        put(con, "labels", last.items(), "node, component"), put(con, "edges", now),
        put(con, "added", added), put(con, "removed", removed),
    )  # fmt: skip
    updated = macros.call("components_update", *names)
    rows = con.execute(f"select node, component from ({updated['query']})").fetchall()
    changes = con.execute(f"select node, component, previous_component from ({updated['changes']})").fetchall()
    con.execute(f"create or replace table changes as {updated['changes']}")
    macros.context["drop_scratch"](updated["tables"])
    assert scratch_left(con) == []
    assert labels_of(rows) == union_find(now)
    con.execute(macros.context["components_apply"]("labels", "changes"))
    assert labels_of(con.execute("select node, component from labels").fetchall()) == union_find(now)
    return last, labels_of(rows), changes


def said_to_change(last: Labels, now: Labels) -> set[tuple[int, int | None, int | None]]:
    nodes = last.keys() | now.keys()
    return {(node, now.get(node), last.get(node)) for node in nodes if now.get(node) != last.get(node)}


def graph(people: int, size: int, seed: int) -> list[Pair]:
    """Random trees with a few more links, ids of 63 bits, either direction, some twice, shuffled."""
    drawn = random.Random(seed)
    pairs: list[Pair] = []
    for _ in range(people):
        nodes = [drawn.getrandbits(63) for _ in range(drawn.randint(1, size))]
        for place, node in enumerate(nodes):
            other = nodes[drawn.randrange(place)] if place else node
            pairs += [drawn.choice([(node, other), (other, node)])] * drawn.choice([1, 1, 1, 2])
        pairs += [(drawn.choice(nodes), drawn.choice(nodes)) for _ in range(drawn.randint(0, 3))]
    drawn.shuffle(pairs)
    return pairs


small = st.tuples(st.integers(0, 30), st.integers(0, 30))


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(small, max_size=60))
def test_any_small_graph_has_the_components_of_a_union_find(macros: Macros, pairs: list[Pair]) -> None:
    assert solve(macros, pairs) == union_find(pairs)


@pytest.mark.parametrize("seed", range(4))
def test_random_people_of_any_size_have_the_components_of_a_union_find(macros: Macros, seed: int) -> None:
    pairs = graph(people=3000 // (seed + 1), size=4 ** (seed + 1), seed=seed)
    assert solve(macros, pairs) == union_find(pairs)


@pytest.mark.parametrize("step", [1, 2, 4, 2**40, -1, -7919])
def test_a_long_chain_is_one_component_whatever_its_ids(macros: Macros, step: int) -> None:
    start = 2**62
    pairs = [(start + place * step, start + (place + 1) * step) for place in range(60_000)]
    random.Random(step).shuffle(pairs)
    assert solve(macros, pairs) == union_find(pairs)


def test_chains_among_people_and_a_chain_of_shuffled_ids_are_solved(macros: Macros) -> None:
    ids = list(range(10**6, 10**6 + 30_000))
    random.Random(5).shuffle(ids)
    chains = [(10**9 + place, 10**9 + place + 1) for place in range(60_000) if place % 1000]
    pairs = [*pairwise(ids), *chains, *graph(2000, 6, 9)]
    assert solve(macros, pairs) == union_find(pairs)


def test_a_star_a_cycle_a_clique_and_a_node_alone_are_solved(macros: Macros) -> None:
    star = [(500, node) for node in range(1000, 2000)] + [(node, 499) for node in range(1500, 1600)]
    cycle = [(node, node + 1) for node in range(3000, 3999)] + [(3999, 3000)]
    clique = [(one, other) for one in range(5000, 5040) for other in range(5000, 5040)]
    alone = [(7, 7), (8, 8), (8, 3000), (9, 9), (9, 9)]
    pairs = star + cycle + clique + alone
    assert solve(macros, pairs) == union_find(pairs)


def test_no_pairs_make_no_components(macros: Macros) -> None:
    assert solve(macros, []) == {}


def test_the_order_of_the_pairs_and_their_direction_change_nothing(macros: Macros) -> None:
    pairs = graph(500, 9, 3)
    assert solve(macros, [(other, one) for one, other in reversed(pairs)]) == solve(macros, pairs)


def test_a_chain_of_a_million_is_not_taken_along_whole_in_every_jump(macros: Macros) -> None:
    macros.con.execute(
        "create or replace table chain as select i as node, i + 1 as linked_node from range(1000000) as chain (i)"
    )
    statements, rows = macros.statements, macros.rows_made
    solved = macros.call("components_solve", "select node, linked_node from chain")
    found = macros.con.execute(f"select count(*), min(component), max(component) from ({solved['query']})").fetchone()
    macros.context["drop_scratch"](solved["tables"])
    assert found == (1_000_001, 0, 0)
    assert (macros.statements - statements < 150, macros.rows_made - rows < 12_000_000) == (True, True), (
        macros.rows_made - rows
    )


@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(small, max_size=40),
    added=st.lists(small, max_size=10),
    cut=st.lists(st.integers(0, 100), max_size=8),
)
def test_an_update_equals_solving_everything_again(
    macros: Macros, before: list[Pair], added: list[Pair], cut: list[int]
) -> None:
    removed = [before[place % len(before)] for place in cut if before]
    last, now, changes = update(macros, before, added, removed)
    assert set(changes) == said_to_change(last, now)
    assert len(changes) == len(set(changes))


@pytest.mark.parametrize(("added", "removed"), [(0, 0), (200, 0), (0, 200), (150, 150)])
def test_an_update_of_many_people_equals_solving_everything_again(macros: Macros, added: int, removed: int) -> None:
    everything = graph(3000, 8, 17)
    nodes = [node for pair in everything for node in pair]
    drawn = random.Random(added + removed)
    new = [(drawn.choice(nodes), drawn.choice([drawn.choice(nodes), drawn.getrandbits(63)])) for _ in range(added)]
    last, now, changes = update(macros, everything, new, drawn.sample(everything, removed))
    assert set(changes) == said_to_change(last, now)
    assert bool(changes) == bool(added or removed)


def test_a_long_chain_falls_apart_where_a_link_is_removed(macros: Macros) -> None:
    chain = [(node, node + 1) for node in range(20_000)]
    last, now, changes = update(macros, chain, [], [(12_000, 12_001)])
    assert (set(last.values()), set(now.values()), len(changes)) == ({0}, {0, 12_001}, 8000)


def test_components_without_an_added_or_removed_edge_are_not_read_again(macros: Macros) -> None:
    """The edges are not looked at where nothing was removed: the update does not even need them."""
    last = put(macros.con, "labels", [(1, 1), (2, 1), (5, 5), (6, 5), (8, 8), (9, 8)], "node, component")
    added, none = put(macros.con, "added", [(2, 6)]), put(macros.con, "removed", [])
    updated = macros.call("components_update", last, "there_is_no_such_table", added, none)
    rows = macros.con.execute(f"select node, component from ({updated['query']})").fetchall()
    macros.context["drop_scratch"](updated["tables"])
    assert labels_of(rows) == {1: 1, 2: 1, 5: 1, 6: 1, 8: 8, 9: 8}
