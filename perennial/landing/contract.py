"""The input contract as landing, sources and their tests name it.

What lives here: nothing of its own. The data is in perennial/config/contract.py, below every room that speaks of it,
since perennial.yml is checked against the same table and column names; each vendor's tables are in
perennial/config/vendors.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from perennial.config.vendors.registry import VENDORS

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
    "kinds",
    "tables_of",
]


def tables_of(kind: str) -> Mapping[str, Table]:
    """The tables that a source of this kind lands: the contract's, or a vendor's own."""
    return TABLES if kind in DIRECT_KINDS else VENDORS[kind].tables


def kinds() -> tuple[str, ...]:
    """Every kind of source."""
    return (*DIRECT_KINDS, *VENDORS)
