"""The input contract as landing, sources and their tests name it.

What lives here: nothing of its own. The data is in perennial/config/contract.py, below every room that speaks of it,
since perennial.yml is checked against the same table and column names.
"""

from __future__ import annotations

from perennial.config.contract import (
    CHANNELS,
    CONTACT_REF_TYPES,
    DIRECT_KINDS,
    LANDED_COLUMNS,
    ORDER_STATUSES,
    OWN_TABLES,
    SQL_TYPES,
    TABLES,
    Column,
    ColumnType,
    Table,
    landed_schema,
)

__all__ = [
    "CHANNELS",
    "CONTACT_REF_TYPES",
    "DIRECT_KINDS",
    "LANDED_COLUMNS",
    "ORDER_STATUSES",
    "OWN_TABLES",
    "SQL_TYPES",
    "TABLES",
    "Column",
    "ColumnType",
    "Table",
    "landed_schema",
]
