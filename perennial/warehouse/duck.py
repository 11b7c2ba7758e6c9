"""Opening DuckDB the one way this project does.

What lives here: connect(), with a bound on memory, a place to spill, UTC, and no extensions fetched from anywhere.
What does not: any statement about the data.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from perennial.config.files import make_folder


def connect(
    path: Path | None,
    *,
    memory_limit: str = "2GB",
    threads: int = 2,
    temp_directory: Path | None = None,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a database file, or one in memory. One process must open one file with one set of values."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if temp_directory is not None:
        config["temp_directory"] = str(make_folder(temp_directory))
    connection = duckdb.connect(str(path) if path else ":memory:", read_only=read_only, config=config)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


def quote(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """A quoted column or table name."""
    return '"' + identifier.replace('"', '""') + '"'


def path_list(paths: list[Path]) -> str:
    """A list of files for read_parquet and its kin, each taken literally: no character of a name is a wildcard."""
    return "[" + ", ".join(quote(literal_path(path)) for path in paths) + "]"


def literal_path(path: Path) -> str:
    """A path with the characters DuckDB would read as a wildcard put between brackets."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def share_of_memory(limit: str, parts: int) -> str:
    """`2GB` shared by two is `1000MB`; never below what DuckDB needs to work at all."""
    number = limit.strip().upper().rstrip("IB").rstrip()
    units = {"K": 1e-3, "M": 1.0, "G": 1e3, "T": 1e6}
    megabytes = float(number[:-1]) * units[number[-1]]
    return f"{max(64, int(megabytes / parts))}MB"
