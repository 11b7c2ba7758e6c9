"""The ledger as rows of Perennial's own tables, for landing: what the warehouse may know of plans and deliveries.

What lives here: the choice of columns (perennial.config.contract.OWN_TABLES); no address leaves the ledger this way.
What does not: writing the files (perennial.landing).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, select

from perennial.config.contract import OWN_TABLES
from perennial.ledger.store import Ledger
from perennial.ledger.tables import deliveries, memberships, plans

EXPORTED: dict[str, Table] = {"plans": plans, "deliveries": deliveries, "memberships": memberships}


def export(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """Table name → its rows, in a fixed order. Entries a channel has not acknowledged are not memberships."""
    return {name: list(rows(ledger, name)) for name in EXPORTED}


def rows(ledger: Ledger, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one table, one at a time."""
    table = EXPORTED[name]
    query = select(*(table.c[column] for column in OWN_TABLES[name])).order_by(*table.primary_key.columns)
    if name == "memberships":
        query = query.where(memberships.c.member_since.is_not(None))
    with ledger.database.read() as connection:
        for row in connection.execution_options(yield_per=10_000).execute(query).mappings():
            yield dict(row)
