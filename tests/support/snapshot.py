"""A tiny published snapshot made by hand: a handful of customers, their consents, one audience, a certificate.

What lives here: writing and publishing it the way the night does. What does not: anything a real build computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from perennial.config.home import HOME_VERSION, Home
from perennial.warehouse.certificate import (
    CERTIFICATE_FILE,
    DATABASE_FILE,
    AudienceVerdict,
    Certificate,
    Checks,
    file_hash,
)

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1)
PASSED = AudienceVerdict(True)


@dataclass(frozen=True)
class Person:
    """One customer. `consent` is what they said last about marketing by e-mail; none means they never said."""

    customer_id: str
    email: str | None = ""
    consent: str | None = "granted"
    first_name: str | None = "Ann"
    country: str | None = "GB"
    is_member: bool = True

    @property
    def address(self) -> str | None:
        return f"{self.customer_id}@example.com" if self.email == "" else self.email


def people(count: int, start: int = 0) -> list[Person]:
    return [Person(f"c{number:05d}") for number in range(start, start + count)]


def publish(
    home: Home,
    snapshot_id: str,
    persons: Sequence[Person],
    *,
    merges: Mapping[str, str] | None = None,
    consents: Iterable[tuple[str, str, str, str | None, str, datetime | None]] = (),
    verdict: AudienceVerdict | None = PASSED,
    failed: tuple[str, ...] = (),
    sources: Iterable[tuple[str, str, bool]] = (),
    is_current: bool = True,
) -> Certificate:
    """Write published/<snapshot_id> and, unless told otherwise, make it the current one."""
    folder = home.snapshot(snapshot_id)
    folder.mkdir(parents=True)
    _write_database(str(folder / DATABASE_FILE), persons, merges or {}, list(consents), list(sources))
    certificate = Certificate(
        snapshot_id=snapshot_id,
        as_of=AS_OF,
        built_at=AS_OF,
        home_version=HOME_VERSION,
        input_hash="0" * 64,
        checks=Checks(passed=3, failed=failed),
        tables={"audiences.win_back": sum(person.is_member for person in persons)},
        audiences={} if verdict is None else {"win_back": verdict},
        files={DATABASE_FILE: file_hash(folder / DATABASE_FILE)},
    )
    certificate.write(folder / CERTIFICATE_FILE)
    if is_current:
        temporary = home.published / ".current.new"
        os.symlink(snapshot_id, temporary)
        os.replace(temporary, home.current_link)
    return certificate


def _write_database(
    path: str, persons: Sequence[Person], merges: Mapping[str, str], consents: list[tuple[object, ...]],
    sources: list[tuple[str, str, bool]],
) -> None:  # fmt: skip
    said = [(each.customer_id, "email", "marketing", None, each.consent, LONG_AGO) for each in persons if each.consent]
    with duckdb.connect(path) as connection:
        connection.execute(
            """
            create schema customer;
            create schema audiences;
            create table customer.customers (customer_id varchar, email varchar, first_name varchar, country varchar);
            create table customer.customer_consents (
                customer_id varchar, channel varchar, purpose varchar, brand varchar, status varchar,
                changed_at timestamp
            );
            create table customer.customer_redirects (
                customer_id varchar, into_customer_id varchar, given_at timestamp
            );
            create table audiences.win_back (customer_id varchar);
            create schema publish;
            create table publish.source_status (
                source_name varchar, table_name varchar, has_failed boolean, kind varchar default 'files'
            );
            """
        )
        rows = [(each.customer_id, each.address, each.first_name, each.country) for each in persons]
        _insert(connection, "customer.customers", rows)
        _insert(connection, "customer.customer_consents", [*said, *consents])
        merged = [(old, new, LONG_AGO) for old, new in merges.items()]
        _insert(connection, "customer.customer_redirects", merged)
        _insert(connection, "publish.source_status (source_name, table_name, has_failed)", sources)
        _insert(connection, "audiences.win_back", [(each.customer_id,) for each in persons if each.is_member])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        columns = {f"c{place}": pa.array(values) for place, values in enumerate(zip(*rows, strict=True))}
        connection.register("given", pa.table(columns))
        connection.execute(f"insert into {table} select * from given")
        connection.unregister("given")
