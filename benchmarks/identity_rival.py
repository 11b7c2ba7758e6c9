"""The rival: Splink's clustering of one graph, in an environment of its own: `python -m benchmarks.identity_rival GRAPHS GRAPH MEMORY`.

What lives here: one call of Splink as its documentation shows it, on DuckDB in memory (in a file it takes half as much again). What does not:
anything of the project. Prints its CPU and wall seconds from after the imports, its peak, and the checksum, which is not counted.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import duckdb
from splink import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(graphs: str, graph: str, memory: str) -> None:
    con = duckdb.connect(config={"threads": 2, "memory_limit": memory})
    cpu, wall = used(), time.monotonic()
    clusters = cluster_pairwise_predictions_at_threshold(
        con.sql(f"select node as unique_id from '{graphs}/{graph}_nodes.parquet'"),
        con.sql(f"select node as unique_id_l, linked_node as unique_id_r from '{graphs}/{graph}.parquet'"),
        DuckDBAPI(connection=con),
        node_id_column_name="unique_id",
    )
    cost = {
        "cpu": used() - cpu,
        "wall": time.monotonic() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }
    row = con.execute(
        "select count(*), count(distinct cluster_id), sum(cast(hash(unique_id, cluster_id) as hugeint)) % 1000000007"
        f" from {clusters.physical_name}"
    ).fetchone()
    result = {"nodes": int(row[0]), "components": int(row[1]), "checksum": int(row[2] or 0)}
    print(json.dumps(cost | {"result": result}))


if __name__ == "__main__":
    main(*sys.argv[1:])
