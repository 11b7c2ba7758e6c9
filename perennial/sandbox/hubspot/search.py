"""Search of the HubSpot sandbox: filters, sorting, the cap of 10,000 results, an index that lags.

What lives here: POST /crm/objects/{version}/{type}/search. What does not: other reads. As at HubSpot, a search knows
neither property history nor associations nor archived records, and asking for them changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from perennial.sandbox.core import Answer, Asked, moment, page
from perennial.sandbox.hubspot.bodies import body_of, texts
from perennial.sandbox.hubspot.errors import invalid
from perennial.sandbox.hubspot.schema import CREATED, MODIFIED, property_type
from perennial.sandbox.hubspot.store import Store, number

PAGE_MAX, RESULTS_MAX = 200, 10_000
GROUPS_MAX, FILTERS_MAX, FILTERS_TOTAL = 5, 6, 18
STALE_RECORDS = 10  # how many of the newest a lagging index leaves out, unless the fault says

Test = Callable[[Any], bool]
Filter = tuple[str, Test, str]  # a property, what its value must be (none where there is none), the filter as it came


class Search:
    """Searches over a store; remembers columns, orders and the last query, since its pages are asked for one by one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._last: tuple[str, list[str]] = ("", [])
        self._columns: dict[tuple[str, str], dict[str, Any]] = {}
        self._orders: dict[tuple[str, str], list[str]] = {}
        self._passed: dict[tuple[str, ...], list[str]] = {}  # by all filters but the last, which alone moves on

    def answer(self, kind: str, asked: Asked) -> Answer:
        body = body_of(asked)
        limit, after = _whole_number(body, "limit", 10), _whole_number(body, "after", 0)
        if not 1 <= limit <= PAGE_MAX:
            raise invalid(f"limit {limit} is not between 1 and {PAGE_MAX}")
        if after + limit > RESULTS_MAX:
            raise invalid(f"after + limit is over {RESULTS_MAX}: a query yields no more than that many results")
        ids = self._ids(kind, body, asked)
        found = page(ids, after, limit, asked.fault)
        wanted = texts(body, "properties")
        records = [self._store.objects[kind][name] for name in found.items]
        content: dict[str, Any] = {
            "total": len(ids),
            "results": [self._store.cut(kind, each, wanted) for each in records],
        }
        if found.next_start is not None:
            content["paging"] = {"next": {"after": str(found.next_start)}}
        return Answer(200, content, records=len(records), ids=tuple(found.items))

    def _ids(self, kind: str, body: Mapping[str, Any], asked: Asked) -> list[str]:
        stale = 0
        if asked.fault is not None and asked.has_fault("stale_index"):
            stale = int(asked.fault.options.get("records", STALE_RECORDS))
        query = {name: body.get(name) for name in ("filterGroups", "sorts")}
        key = json.dumps([self._store.version, kind, stale, query], sort_keys=True)
        if self._last[0] != key:
            self._last = (key, self._found(kind, query, stale))
        return self._last[1]

    def _found(self, kind: str, query: Mapping[str, Any], stale: int) -> list[str]:
        if self._version != self._store.version:
            self._version = self._store.version
            self._columns.clear()
            self._orders.clear()
            self._passed.clear()
        groups = _filter_groups(kind, query.get("filterGroups") or [], self._store)
        sort_by, descending = _sorting(kind, query.get("sorts") or [], self._store)
        ids = self._order(kind, sort_by)
        if groups:
            chosen = [self._passing(kind, sort_by, group) for group in groups]
            anywhere = set().union(*chosen)
            ids = chosen[0] if len(chosen) == 1 else [each for each in ids if each in anywhere]
        if stale:
            unseen = set(self._order(kind, MODIFIED[kind])[-stale:])
            ids = [each for each in ids if each not in unseen]
        return ids[::-1] if descending else ids

    def _passing(self, kind: str, sort_by: str, group: list[Filter]) -> list[str]:
        """In the order of the sort."""
        ids = self._order(kind, sort_by)
        before: tuple[str, ...] = (kind, sort_by)
        for place, (name, test, text) in enumerate(group):
            before = (*before, text)
            if before not in self._passed:
                column = self._column(kind, name)
                ids = [each for each in ids if test(column[each])]
                if place < len(group) - 1:
                    self._passed[before] = ids
            else:
                ids = self._passed[before]
        return ids

    def _column(self, kind: str, name: str) -> dict[str, Any]:
        if (kind, name) not in self._columns:
            type_ = property_type(name)
            held = ((each, self._store.objects[kind][each]["properties"].get(name)) for each in self._store.ids(kind))
            self._columns[(kind, name)] = {each: comparable(type_, value) if value else None for each, value in held}
        return self._columns[(kind, name)]

    def _order(self, kind: str, name: str) -> list[str]:
        """Ascending, the records without a value first."""
        if (kind, name) not in self._orders:
            column = self._column(kind, name)
            with_value = [each for each in self._store.ids(kind) if column[each] is not None]
            without = [each for each in self._store.ids(kind) if column[each] is None]
            self._orders[(kind, name)] = without + sorted(with_value, key=lambda each: (column[each], number(each)))
        return self._orders[(kind, name)]


@lru_cache(maxsize=100_000)
def comparable(kind: str, text: str) -> Any:
    """A property's value as it is compared: times in milliseconds, numbers exact, texts without case."""
    if kind == "datetime":
        return int(text) if text.lstrip("-").isdigit() else int(moment(text).timestamp() * 1000)
    return Decimal(text) if kind == "number" else text.lower()


def _filter_groups(kind: str, groups: Any, store: Store) -> list[list[Filter]]:
    """Groups are alternatives, the filters of a group hold all."""
    if not isinstance(groups, list) or len(groups) > GROUPS_MAX:
        raise invalid(f"filterGroups takes at most {GROUPS_MAX} groups")
    found = []
    for group in groups:
        filters = group.get("filters", []) if isinstance(group, dict) else []
        if not isinstance(filters, list) or len(filters) > FILTERS_MAX:
            raise invalid(f"a filter group takes at most {FILTERS_MAX} filters")
        if not all(isinstance(each, dict) for each in filters):
            raise invalid("a filter is an object")
        found.append([_filter(kind, each, store) for each in filters])
    if sum(map(len, found)) > FILTERS_TOTAL:
        raise invalid(f"a search takes at most {FILTERS_TOTAL} filters")
    return found


def _filter(kind: str, given: Mapping[str, Any], store: Store) -> Filter:
    name, operator, text = given.get("propertyName"), given.get("operator"), json.dumps(given, sort_keys=True)
    if not isinstance(name, str) or not store.knows(kind, name):
        raise invalid(f"There is no property {name!r} of {kind}", "PROPERTY_DOESNT_EXIST", propertyName=[str(name)])
    if operator == "HAS_PROPERTY":
        return name, lambda held: held is not None, text
    if operator == "NOT_HAS_PROPERTY":
        return name, lambda held: held is None, text
    compare = _COMPARISONS.get(str(operator))
    if compare is None:
        raise invalid(f"operator {operator!r} is none of a search")
    values = _filter_values(property_type(name), given, str(operator))
    negative = operator in ("NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN")
    return name, lambda held: negative if held is None else compare(held, values), text


def _filter_values(kind_of: str, given: Mapping[str, Any], operator: str) -> list[Any]:
    if operator in ("IN", "NOT_IN"):
        raw = given.get("values")
    elif operator == "BETWEEN":
        raw = [given.get("value"), given.get("highValue")]
    else:
        raw = [given.get("value")]
    if not isinstance(raw, list) or not raw or any(not isinstance(each, str) for each in raw):
        raise invalid(f"operator {operator} needs its values as texts")
    try:
        return [comparable(kind_of, each) for each in raw]
    except (ValueError, InvalidOperation):
        raise invalid(f"a value of operator {operator} is no {kind_of}") from None


_COMPARISONS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "EQ": lambda held, values: held == values[0],
    "NEQ": lambda held, values: held != values[0],
    "LT": lambda held, values: held < values[0],
    "LTE": lambda held, values: held <= values[0],
    "GT": lambda held, values: held > values[0],
    "GTE": lambda held, values: held >= values[0],
    "BETWEEN": lambda held, values: values[0] <= held <= values[1],
    "IN": lambda held, values: held in values,
    "NOT_IN": lambda held, values: held not in values,
    "CONTAINS_TOKEN": lambda held, values: str(values[0]).strip("*") in str(held),
    "NOT_CONTAINS_TOKEN": lambda held, values: str(values[0]).strip("*") not in str(held),
}


def _sorting(kind: str, sorts: Any, store: Store) -> tuple[str, bool]:
    """(property, descending); both spellings: a name, or {propertyName, direction}."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("a search takes at most one sort")
    if not sorts:
        return CREATED[kind], False
    given = sorts[0]
    name = given.get("propertyName") if isinstance(given, dict) else str(given).removeprefix("-")
    descending = given.get("direction") == "DESCENDING" if isinstance(given, dict) else str(given).startswith("-")
    if not isinstance(name, str) or not store.knows(kind, name):
        raise invalid(f"There is no property {name!r} of {kind}", "PROPERTY_DOESNT_EXIST", propertyName=[str(name)])
    return name, descending


def _whole_number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not str(value).isdigit():
        raise invalid(f"{name} is no whole number")
    return int(value)
