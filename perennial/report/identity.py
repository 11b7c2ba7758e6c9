"""Reading a published snapshot's identity: what was held or dropped, which links a person has, who a record is.

What lives here: the queries. What does not: what follows from links (perennial/identity), the commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.identity.paths import Link
from perennial.identity.pins import Record
from perennial.report.bearers import bearers
from perennial.warehouse.duck import connect, quote


@dataclass(frozen=True)
class Review:
    """One thing that was held or dropped."""

    reason: str
    identifier_type: str
    identifier: str
    rule: str | None
    records_count: int
    customers_count: int | None
    customer_id: str | None
    other_customer_id: str | None
    probability: float | None


class Identity:
    """The published snapshot's identity tables."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def review(self, reason: str | None, limit: int) -> tuple[list[Review], int]:
        """That of most people first, then of most records; and how many there are in all."""
        wanted = "where reason = $reason" if reason else ""
        more = {"reason": reason} if reason else {}
        rows = self._connection.execute(
            "select reason, identifier_type, identifier, rule, records_count, customers_count, customer_id,"
            f" other_customer_id, probability, count(*) over () from identity.identity_review {wanted}"
            " order by coalesce(customers_count, 0) desc, records_count desc, review_id limit $limit",
            {"limit": limit, **more},
        ).fetchall()
        return [Review(*row[:-1]) for row in rows], rows[0][-1] if rows else 0

    def customer_of(self, record: Record) -> str:
        """The person of a record; ConfigError where the snapshot knows no such record."""
        found = self._connection.execute(
            "select customer_id from customer.customer_identifiers"
            " where source_name = ? and record_type = ? and record_id = ?",
            [record.source_name, record.record_type, record.record_id],
        ).fetchone()
        if found is None:
            raise ConfigError([f"{record}: the published tables hold no such record (customer.customer_identifiers)"])
        return str(found[0])

    def current(self, customer_id: str) -> str:
        """The id itself where somebody bears it, else the one it leads to."""
        known = self._connection.execute(
            "select customer_id from customer.customer_identifiers where customer_id = $id union all"
            " select into_customer_id from customer.customer_redirects where customer_id = $id limit 1",
            {"id": customer_id},
        ).fetchone()
        if known is None or known[0] is None:
            raise ConfigError([f"{customer_id}: is no customer id of the published tables, now or ever"])
        return str(known[0])

    def bearer(self, address: str) -> str:
        """The person who bears an e-mail address; ConfigError where it is nobody, or several, who are named."""
        found = bearers(self._connection, address)
        if not found:
            raise ConfigError([f"{address}: the published tables know no such e-mail address"])
        if len(found) > 1:
            raise ConfigError([f"{address}: {len(found)} people bear this address; ask for one of", *found])
        return found[0]

    def records(self, customer_id: str) -> list[Record]:
        rows = self._connection.execute(
            "select source_name, record_type, record_id from customer.customer_identifiers where customer_id = ?"
            " order by all",
            [customer_id],
        )
        return [Record(*row) for row in rows.fetchall()]

    def links(self, customer_id: str) -> list[Link]:
        """Every link that a record of this person has, those that are held among them."""
        rows = self._connection.execute(
            "select source_name, record_type, record_id, linked_source_name, linked_record_type, linked_record_id,"
            " rule, strength, evidence, held_reason, probability from identity.identity_links"
            " where customer_id = $id or linked_customer_id = $id order by all",
            {"id": customer_id},
        )
        return [Link(Record(*row[:3]), Record(*row[3:6]), *row[6:]) for row in rows.fetchall()]

    def orders(self, customer_id: str) -> int:
        found = self._connection.execute(
            "select orders_count from customer.customers where customer_id = ?", [customer_id]
        ).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def open_identity(home: Home) -> Iterator[Identity]:
    """The current snapshot, read-only; ConfigError where nothing is published."""
    path = home.published_file
    if not path.exists():
        raise ConfigError([f"{path}: nothing is published yet; run the night, or name its home in PERENNIAL_HOME"])
    with connect(None, memory_limit="512MB", threads=1) as connection:
        connection.execute(f"attach {quote(str(path))} as snapshot (read_only)")
        connection.execute("use snapshot")
        yield Identity(connection)
