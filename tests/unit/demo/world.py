"""What the tests of the demo world share: its scale, what it delivered, one number from SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb

from perennial.demo.scale import Scale

SCALE = Scale(people=1_500, years=2, seed=7)


def deliveries(demo: Path) -> list[tuple[str, str, str]]:
    """(source, table, DuckDB reader) of everything under exports/."""
    found = []
    for place in sorted((demo / "exports").glob("*/*")):
        pattern = f"{place}/*.parquet" if place.is_dir() else str(place)
        kind = "parquet" if place.is_dir() else place.suffix[1:]
        reader = {"csv": "read_csv", "parquet": "read_parquet", "jsonl": "read_json"}[kind]
        found.append((place.parent.name, place.name.split(".")[0], f"{reader}('{pattern}')"))
    return found


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    row = connection.execute(sql).fetchone()
    assert row is not None and row[0] is not None, sql
    return float(row[0])
