"""How one value of the demo world stands in Shopify's records: ids, times, money, rows without pandas' missing values.

What lives here: single values. What does not: records (world.py, world_orders.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd

Tables = Mapping[str, pd.DataFrame]
Row = Mapping[str, Any]
NOTHING = Decimal("0.0")


def rows(tables: Tables, name: str) -> list[dict[str, Any]]:
    """A table's rows with none where a value is missing; no rows where there is no such table."""
    frame = tables.get(name)
    if frame is None or frame.empty:
        return []
    return list(frame.astype(object).where(frame.notna(), None).to_dict("records"))


def by(rows: list[dict[str, Any]], key: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by the value of a column, in their order."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def gid(kind: str, number: Any) -> str:
    return f"gid://shopify/{kind}/{number}"


def inner_id(owner: Any, place: Any) -> int:
    """The id of what belongs to a record, from the record's own; a hundred to each."""
    return int(owner) * 100 + int(place)


def at(value: datetime | None) -> str | None:
    """A time of the world, which is naive UTC, to the second."""
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(value: Any) -> Decimal:
    """An amount by its shortest text, which is what the world means."""
    return NOTHING if value is None else Decimal(str(value))


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{amount:f}", "currencyCode": currency}


def bag(amount: Decimal, currency: str) -> dict[str, Any]:
    """A MoneyBag; the world's shops ask for money in their own currency."""
    one = money(amount, currency)
    return {"shopMoney": one, "presentmentMoney": one}
