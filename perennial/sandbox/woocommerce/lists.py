"""Which records a list request means, in which order, and the headers that tell how many there are.

What lives here: filters, order, totals and links. What does not: reading the query (query.py), HTTP (api.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from perennial.sandbox.woocommerce.query import Wanted
from perennial.sandbox.woocommerce.shapes import HIDDEN_FROM_ANY, Record, as_store_time

_COLUMNS = {
    "after": "date_created", "before": "date_created",
    "modified_after": "date_modified", "modified_before": "date_modified",
}  # fmt: skip
_SORTED_BY = {
    "date": "date_created", "registered_date": "date_created", "modified": "date_modified", "title": "name",
    "name": "username", "slug": "slug",
}  # fmt: skip


def choose(records: Iterable[Record], wanted: Wanted, zone: ZoneInfo) -> list[Record]:
    """The records a request means, in its order. What has the same date is ordered by id."""
    bounds = _bounds(wanted, zone)
    chosen = [record for record in records if _is_meant(record, wanted, bounds)]
    if wanted.orderby == "include" and wanted.include:
        return sorted(chosen, key=lambda record: wanted.include.index(record["id"]))
    column = _SORTED_BY.get(wanted.orderby, "id")
    return sorted(
        chosen, key=lambda record: (str(record.get(column) or ""), record["id"]) if column != "id" else record["id"],
        reverse=wanted.order == "desc",
    )  # fmt: skip


def _bounds(wanted: Wanted, zone: ZoneInfo) -> list[tuple[str, bool, str]]:
    """Column, whether it must lie after, and the time: all as the store writes times, so texts compare as times do."""
    suffix = "_gmt" if wanted.dates_are_gmt else ""
    return [
        (_COLUMNS[name] + suffix, name.endswith("after"), as_store_time(text, zone))
        for name, text in wanted.dates.items()
    ]


def _is_meant(record: Record, wanted: Wanted, bounds: list[tuple[str, bool, str]]) -> bool:
    if wanted.include and record["id"] not in wanted.include:
        return False
    if record["id"] in wanted.exclude:
        return False
    if "status" in record and not _has_status(record["status"], wanted.statuses):
        return False
    if wanted.role != "all" and record.get("role", wanted.role) != wanted.role:
        return False
    if wanted.customer is not None and record.get("customer_id") != wanted.customer:
        return False
    if wanted.email is not None and str(record.get("email")).lower() != wanted.email.lower():
        return False
    # a bound itself is left out, on both sides
    return all(
        record.get(column) is not None and (record[column] > bound if is_after else record[column] < bound)
        for column, is_after, bound in bounds
    )


def _has_status(status: str, wanted: tuple[str, ...]) -> bool:
    if not wanted or "any" in wanted:
        return status not in HIDDEN_FROM_ANY
    return status in wanted


def headers(address: str, query: str, page: int, pages: int, total: int) -> dict[str, str]:
    """The totals, and links to the pages beside this one. `page` alone counts in links, also where offset was asked."""
    links = []
    if page > 1:
        links.append(_link(address, query, min(page - 1, pages), "prev"))
    if pages > page:
        links.append(_link(address, query, page + 1, "next"))
    told = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    return told | ({"Link": ", ".join(links)} if links else {})


def _link(address: str, query: str, page: int, rel: str) -> str:
    kept = [(name, text) for name, text in parse_qsl(query, keep_blank_values=True) if name != "page"]
    return f'<{address}?{urlencode([*kept, ("page", str(page))])}>; rel="{rel}"'


def shown(record: Mapping[str, Any], fields: tuple[str, ...]) -> Record:
    """A record with the fields asked for, all where none were."""
    if not fields:
        return dict(record)
    tops = {name.split(".")[0] for name in fields}
    return {name: value for name, value in record.items() if name in tops}
