"""Publishing: a finished build becomes a whole snapshot folder, and one link swap shows it to readers.

What lives here: copying the output schemas into a new database and Parquet, the certificate, the journals, the
swap. What does not: what the tables hold (models/), what passes (expectations/, dbt), how long snapshots stay
(retention.py).

A kill at any moment leaves readers on the snapshot they had: everything is written under a name nobody reads, forced to
disk, renamed, and only then linked. The journals are written before the swap: no id that anybody read is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from perennial.config.files import PRIVATE_FILE, make_folder, put_in_place, sync_file, sync_folder
from perennial.config.home import HOME_VERSION, Home
from perennial.warehouse import journal, restatements, retention
from perennial.warehouse.build import BuildRecord
from perennial.warehouse.certificate import (
    CERTIFICATE_FILE,
    DATABASE_FILE,
    AudienceVerdict,
    Certificate,
    CertificateError,
    SourceMark,
    file_hash,
    read,
)
from perennial.warehouse.duck import connect, name, quote

OUTPUT_SCHEMAS = ("identity", "customer", "lifecycle", "kpis", "predictions", "audiences", "activation", "publish")
STORAGE_VERSION = "v1.5.0"  # so that readers on DuckDB 1.5 open it too


@dataclass(frozen=True)
class Engine:
    """What DuckDB may use."""

    memory_limit: str = "2GB"
    threads: int = 2


def _nowhere(place: str) -> None:
    """The default failpoint: none."""


def publish(
    home: Home,
    record: BuildRecord,
    audiences: Mapping[str, AudienceVerdict],
    *,
    keep: int = 3,
    engine: Engine = Engine(),
    failpoint: Callable[[str], None] = _nowhere,
) -> Certificate:
    """Write the build's output as snapshot `record.snapshot_id` and make it the one readers get."""
    make_folder(home.published)
    retention.sweep(home)
    journal.forget_unpublished(home)
    folder = make_folder(home.published / f"{retention.UNFINISHED}{record.snapshot_id}")
    with _open(home, engine) as connection:
        restated = _restated(connection, home, record)
        tables, sources = _write_tables(connection, folder, record, restated, failpoint)
        entries = journal.write(connection, home, record.snapshot_id, record.as_of)
    certificate = Certificate(
        snapshot_id=record.snapshot_id,
        as_of=record.as_of,
        built_at=record.built_at,
        home_version=HOME_VERSION,
        input_hash=record.input_hash,
        rule_versions=record.rule_versions,
        checks=record.checks,
        tables=tables,
        sources=sources,
        audiences=audiences,
        files=_force_to_disk(folder),
    )
    failpoint("publish_files")
    certificate.write(folder / CERTIFICATE_FILE)
    failpoint("publish_certificate")
    os.replace(folder, home.snapshot(record.snapshot_id))
    sync_folder(home.published)
    failpoint("publish_rename")
    for written, place in entries.items():
        put_in_place(written, place)
    failpoint("publish_journal")
    _link(home.published_file, f"{home.current_link.name}/{DATABASE_FILE}")
    _link(home.current_link, record.snapshot_id)
    failpoint("publish_swap")
    retention.expire(home, keep)
    return certificate


def _open(home: Home, engine: Engine) -> duckdb.DuckDBPyConnection:
    connection = connect(None, memory_limit=engine.memory_limit, threads=engine.threads, temp_directory=home.spill)
    connection.execute("set preserve_insertion_order = false")  # else a large table is copied through memory
    connection.execute(f"attach {quote(str(home.build_file))} as build (read_only)")
    return connection


def _restated(connection: duckdb.DuckDBPyConnection, home: Home, record: BuildRecord) -> int:
    """How many final figures of the snapshot that readers have now read otherwise; temp.restated holds them."""
    last = retention.current(home)
    if last is None or not record.watched:
        return 0
    try:
        held = read(home, last)
        connection.execute(f"attach {quote(str(home.snapshot(last) / DATABASE_FILE))} as last (read_only)")
    except (CertificateError, duckdb.Error):  # what cannot be read any more is compared with nothing, and replaced
        return 0
    before = restatements.Edition(last, held.as_of, held.built_at, held.rule_versions)
    after = restatements.Edition(record.snapshot_id, record.as_of, record.built_at, record.rule_versions)
    found = restatements.find(connection, record.watched, before, after, record.moving)
    connection.execute("detach last")
    return found


def _write_tables(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    record: BuildRecord,
    restated: int,
    failpoint: Callable[[str], None],
) -> tuple[dict[str, int], tuple[SourceMark, ...]]:
    """Every promised table of the output schemas, as a table of the new database and as a Parquet file."""
    target = quote(str(folder / DATABASE_FILE))
    connection.execute(f"attach {target} as snapshot (storage_version {quote(STORAGE_VERSION)})")
    rows = {}
    for schema, table in _outputs(connection, record.outputs):
        connection.execute(f"create schema if not exists snapshot.{name(schema)}")
        source, copy = f"build.{name(schema)}.{name(table)}", f"snapshot.{name(schema)}.{name(table)}"
        connection.execute(f"create table {copy} as select * from {source}")
        if restated and (schema, table) == restatements.TABLE:  # the build knows those of earlier nights
            connection.execute(f"insert into {copy} by name select * from temp.restated")
        _write_parquet(connection, copy, folder / "parquet" / schema / f"{table}.parquet")
        rows[f"{schema}.{table}"] = _count(connection, copy)
        failpoint("publish_table")
    _write_identity_card(connection, folder, record)
    rows["publish.snapshot"] = 1
    sources = _source_marks(connection) if "publish.source_status" in rows else ()
    connection.execute("checkpoint snapshot")
    connection.execute("detach snapshot")
    return rows, sources


def _outputs(connection: duckdb.DuckDBPyConnection, promised: tuple[str, ...]) -> list[tuple[str, str]]:
    """The tables that readers are promised. Steps on the way to them stay in the build file."""
    schemas = ", ".join(quote(schema) for schema in OUTPUT_SCHEMAS)
    found = connection.execute(
        "select table_schema, table_name from information_schema.tables"
        f" where table_catalog = 'build' and table_schema in ({schemas})"
        " and table_name not like '%\\_\\_dbt\\_%' escape '\\'"
        " and (table_schema, table_name) <> ('publish', 'snapshot')"
        " order by all"
    )
    return [(schema, table) for schema, table in found.fetchall() if not promised or f"{schema}.{table}" in promised]


def _write_parquet(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> None:
    make_folder(path.parent)
    connection.execute(f"copy {table} to {quote(str(path))} (format parquet, compression zstd)")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _write_identity_card(connection: duckdb.DuckDBPyConnection, folder: Path, record: BuildRecord) -> None:
    """publish.snapshot: one row, so that whoever holds the file can say which night it is."""
    connection.execute("create schema if not exists snapshot.publish")
    connection.execute(
        "create table snapshot.publish.snapshot as select ?::varchar as snapshot_id,"
        " ?::timestamptz::timestamp as as_of, ?::timestamptz::timestamp as built_at",
        [record.snapshot_id, record.as_of, record.built_at],
    )
    _write_parquet(connection, "snapshot.publish.snapshot", folder / "parquet" / "publish" / "snapshot.parquet")


def _source_marks(connection: duckdb.DuckDBPyConnection) -> tuple[SourceMark, ...]:
    rows = connection.execute(
        "select source_name, coalesce(table_name, ''), strftime(watermark_at, '%Y-%m-%dT%H:%M:%SZ'),"
        " coalesce(is_stale, false) from snapshot.publish.source_status order by all"
    ).fetchall()
    return tuple(SourceMark(*row) for row in rows)


def _force_to_disk(folder: Path) -> dict[str, str]:
    """Every file of the new snapshot: on disk, readable by its owner alone, with its hash."""
    hashes = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        os.chmod(path, PRIVATE_FILE)
        sync_file(path)
        hashes[path.relative_to(folder).as_posix()] = file_hash(path)
    for each in sorted(folder.rglob("*"), reverse=True):
        if each.is_dir():
            sync_folder(each)
    return hashes


def _link(link: Path, target: str) -> None:
    """Point a link at its target in one step: whoever opens it gets the old target or the new one."""
    if link.is_symlink() and os.readlink(link) == target:
        return
    temporary = link.with_name(f"{retention.UNFINISHED}{link.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, link)
    sync_folder(link.parent)
