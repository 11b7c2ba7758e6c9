"""Graphs of records to be clustered, as Parquet: `python -m benchmarks.identity_graphs FOLDER EDGES CHAIN`.

What lives here: the shape of a typical identity graph, of a chain, of a night's change, and the checksum of a result. What does
not: clustering. Ids are hashes of 63 bits, so nothing is dense or in order; everything is drawn by hash, so a run repeats.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

CHANGED_SHARE = 0.01


def drawn(*keys: object) -> str:
    """A number in [0, 1) that depends on the keys alone."""
    return f"(hash({', '.join(map(str, keys))}) / 18446744073709551616.0)"


def record(person: str, slot: str) -> str:
    return f"cast(hash({person}, {slot}) >> 1 as bigint)"


def typical(edges: int) -> str:
    """People of 2 records and more (a power law, 200 at most). Each record is linked to an earlier one of its person, half of them to the
    first; six in ten have a second link, and one of 50 of those leads to a stranger. About a quarter repeat."""
    people = edges // 3
    return f"""
    with people as (select person, cast(2 + floor(least(pow({drawn("person", 1)} + 1e-9, -0.6) - 1, 200)) as bigint) as size from range({people}) t (person)),
    records as (select person, unnest(range(1, size)) as slot from people),
    linked as (
        select person, slot, person as other, case when {drawn("person", "slot", 2)} < 0.5 then 0 else cast(floor(slot * {drawn("person", "slot", 3)}) as bigint) end as other_slot
        from records
        union all
        select person, slot, case when {drawn("person", "slot", 4)} < 0.012 then cast(floor({people} * {drawn("person", "slot", 5)}) as bigint) else person end,
            cast(floor(slot * {drawn("person", "slot", 6)}) as bigint)
        from records where {drawn("person", "slot", 4)} < 0.6)
    select {record("person", "slot")} as node, {record("other", "other_slot")} as linked_node
    from linked order by hash(person, slot, other_slot) limit {edges}
    """


def chain(links: int) -> str:
    """One chain, in order: the shape that label propagation takes a million rounds for."""
    return f"select i * 7919 + 1000000007 as node, (i + 1) * 7919 + 1000000007 as linked_node from range({links}) t (i)"


def write(folder: Path, edges: int, links: int) -> None:
    folder.mkdir(parents=True)
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "preserve_insertion_order": False}) as con:
        for name, query in (
            ("typical", typical(edges)),
            ("same_size", typical(links)),
            ("chain", chain(links)),
            ("none", f"{chain(0)}"),
        ):
            file = folder / f"{name}.parquet"
            con.execute(f"copy ({query}) to '{file}' (format parquet, compression zstd)")
            nodes = f"select node from '{file}' union select linked_node from '{file}'"
            con.execute(f"copy ({nodes}) to '{folder}/{name}_nodes.parquet' (format parquet, compression zstd)")
        _night(con, folder)


def _night(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Last night's edges, and what is added to and removed from them, beside `typical` as tonight's."""
    edges = f"'{folder}/typical.parquet'"
    is_new = f"{drawn('node', 'linked_node', 7)} < {CHANGED_SHARE}"
    con.execute(f"copy (select * from {edges} where {is_new}) to '{folder}/added.parquet' (format parquet)")
    con.execute(
        f"copy (select * from {edges} where not {is_new}) to '{folder}/before.parquet' (format parquet, compression zstd)"
    )


def checksum(database: Path, table: str, node: str, component: str) -> dict[str, int]:
    """Of a result table: rows, components and a sum over (node, component) that no order changes."""
    with duckdb.connect(str(database), read_only=True) as con:
        row = con.execute(
            f"select count(*), count(distinct {component}), sum(cast(hash({node}, {component}) as hugeint)) % 1000000007 from {table}"
        ).fetchone()
    assert row is not None
    return {"nodes": int(row[0]), "components": int(row[1]), "checksum": int(row[2] or 0)}


if __name__ == "__main__":
    if sys.argv[1] == "checksum":
        print(json.dumps(checksum(Path(sys.argv[2]), *sys.argv[3:])))
    else:
        write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
