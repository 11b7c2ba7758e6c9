"""Whom an e-mail address means, for every command that takes one.

What lives here: the one query, over the published snapshot. What does not: what is said where it is nobody or several.
"""

from __future__ import annotations

import duckdb

from perennial.config.identifiers import normalise_email


def bearers(connection: duckdb.DuckDBPyConnection, address: str) -> list[str]:
    """Customer ids of all who bear an e-mail address, as theirs or on any of their records: none, one, or several."""
    found = connection.execute(
        "select customer_id from customer.customers where email = $it"
        " union select customer_id from customer.customer_identifiers where email = $it order by all",
        {"it": normalise_email(address) or address.strip().lower()},
    )
    return [str(row[0]) for row in found.fetchall()]
