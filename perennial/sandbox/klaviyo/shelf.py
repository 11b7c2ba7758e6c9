"""Where the sandbox's Klaviyo keeps the records of a collection, so that a million of them can be paged.

What lives here: records as JSON bytes with the few facts that filters and sorting look at, and a sorted order per sort
key that is made once and walked by bisection. What does not: the filter language, pages, answers.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perennial.sandbox.klaviyo.endpoints import Endpoint
from perennial.sandbox.klaviyo.filters import Condition, Kind, all_meet, microseconds

Key = tuple[Any, str]  # the value sorted by, then the id
_LOWEST: dict[Kind, Any] = {Kind.TEXT: "", Kind.TIME: -(10**18), Kind.NUMBER: float("-inf"), Kind.FLAG: False}


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dumps(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


@dataclass(frozen=True)
class Asked:
    """A filter: as it was written, and as it is read. `computed` gives a field that lies in another record."""

    text: str
    conditions: Sequence[Condition]
    computed: Callable[[str, str], Any]


class Shelf(Mapping[str, Mapping[str, Any]]):
    """Id → record. Records come out parsed; `body` hands over the bytes."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._endpoint = endpoint
        self._names = endpoint.facts if endpoint else ()
        self._places = {name: place for place, name in enumerate(self._names)}
        self._bodies: dict[str, bytes] = {}
        self._facts: dict[str, tuple[Any, ...]] = {}
        self._orders: dict[str, list[Key]] = {}
        self._found: dict[tuple[str, str], Sequence[int]] = {}

    def __getitem__(self, identifier: str) -> Mapping[str, Any]:
        return json.loads(self._bodies[identifier])

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def __len__(self) -> int:
        return len(self._bodies)

    def body(self, identifier: str) -> bytes:
        return self._bodies[identifier]

    def put(self, record: Mapping[str, Any]) -> None:
        """Keep a record, unless a later state of it is held."""
        identifier = str(record["id"])
        facts = tuple(self._fact(record, name) for name in self._names)
        updated = self._endpoint.updated if self._endpoint else None
        if updated and identifier in self._facts:
            place = self._places[updated]
            before, now = self._facts[identifier][place], facts[place]
            if before is not None and now is not None and now < before:
                return
        self._bodies[identifier] = dumps({name: value for name, value in record.items() if name != "links"})
        self._facts[identifier] = facts
        self._forget()

    def remove(self, identifier: str) -> None:
        if self._bodies.pop(identifier, None) is not None:
            self._facts.pop(identifier, None)
            self._forget()

    def _forget(self) -> None:
        if self._orders or self._found:
            self._orders.clear()
            self._found.clear()

    def having(self, field: str, value: Any) -> list[str]:
        """The ids of the records whose fact has this value."""
        place = self._places[field]
        return [identifier for identifier, facts in self._facts.items() if facts[place] == value]

    def fact(self, identifier: str, field: str) -> Any:
        return self._facts[identifier][self._places[field]]

    def order(self, field: str) -> list[Key]:
        """Every record's key in ascending order of a field."""
        if field not in self._orders:
            place = self._places[field]
            lowest = self._lowest(field)
            self._orders[field] = sorted(
                (lowest if facts[place] is None else facts[place], identifier)
                for identifier, facts in self._facts.items()
            )
        return self._orders[field]

    def _lowest(self, field: str) -> Any:
        """What stands in an order for nothing."""
        assert self._endpoint is not None
        return _LOWEST[self._endpoint.kinds[field]]

    def positions(self, field: str, asked: Asked) -> tuple[list[Key], Sequence[int]]:
        """The order of a field, and where in it the records lie that meet every condition, ascending."""
        keys = self.order(field)
        if (field, asked.text) not in self._found:
            found = self._search(field, keys, asked)
            if any(each.field not in self._places for each in asked.conditions):
                return keys, found  # what lies in another record may change without this collection
            self._found[field, asked.text] = found
        return keys, self._found[field, asked.text]

    def _search(self, field: str, keys: list[Key], asked: Asked) -> Sequence[int]:
        low, high, left = 0, len(keys), []
        if any(each.field == field for each in asked.conditions):
            low = _cut(keys, self._lowest(field), after=True)  # nothing meets no condition
        for each in asked.conditions:
            if each.field == field and each.operator in ("greater-than", "greater-or-equal"):
                low = max(low, _cut(keys, each.value, after=each.operator == "greater-than"))
            elif each.field == field and each.operator in ("less-than", "less-or-equal"):
                high = min(high, _cut(keys, each.value, after=each.operator == "less-or-equal"))
            else:
                left.append(each)
        if not left:
            return range(low, max(high, low))
        return [place for place in range(low, high) if self._meets(keys[place][1], left, asked.computed)]

    def _meets(self, identifier: str, left: Sequence[Condition], computed: Callable[[str, str], Any]) -> bool:
        return all_meet(
            lambda name: self.fact(identifier, name) if name in self._places else computed(identifier, name), left
        )

    def _fact(self, record: Mapping[str, Any], name: str) -> Any:
        assert self._endpoint is not None
        if name == "id":
            return record["id"]
        value: Any = record if isinstance(record, dict) else dict(record)
        for step in self._endpoint.paths.get(name, ("attributes", name)):
            if isinstance(value, list):
                value = max((each[step] for each in value), key=microseconds, default=None)
            else:
                value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
        if self._endpoint.kinds[name] is Kind.TIME:
            return microseconds(value)
        # the same profile and metric stand in many events
        return sys.intern(value) if isinstance(value, str) else value


def _cut(keys: list[Key], value: Any, *, after: bool) -> int:
    """Where the keys of a value begin, or where they end."""
    if after:
        return bisect_right(keys, value, key=lambda each: each[0])
    return bisect_left(keys, value, key=lambda each: each[0])


def start_after(keys: list[Key], positions: Sequence[int], key: Key, *, descending: bool) -> int:
    """How many of the positions are done once this key was handed over, walking in the given direction."""
    if descending:
        return len(positions) - bisect_left(positions, bisect_left(keys, key))
    return bisect_left(positions, bisect_right(keys, key))
