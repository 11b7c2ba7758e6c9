"""Shopify's search text (`updated_at:>='2026-11-20T00:00:00Z' AND status:open`) read into a test of one record.

What lives here: the words, their comparisons, AND, OR, NOT, brackets, and the warnings. What does not: sorting and
paging (records.py).

As at Shopify a term that cannot be understood is dropped and warned of in extensions.search, and the rest is answered:
a client that does not look reads the wrong records. A time must stand in quotes: without them its first colon begins
another term, which is dropped, and the comparison with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from perennial.sandbox.core import moment

Record = Mapping[str, Any]
Test = Callable[[Record], bool]
_TIME, _ID, _TEXT, _FLAG, _STATE = "time", "id", "text", "flag", "state"
_TOKEN = re.compile(
    r"""\s*(?:(\()|(\))
      |(-?)([A-Za-z_]+):(>=|<=|>|<|)((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()])*)
      |([^\s()]+))""",
    re.VERBOSE,
)


@lru_cache(maxsize=300_000)
def seconds(text: str) -> float:
    """A time as seconds since 1970. Raises ValueError, OverflowError."""
    return moment(text).timestamp()


def number_of(gid: str) -> int:
    """The number at the end of gid://shopify/Order/1."""
    return int(gid.rsplit("/", 1)[1])


def _order_state(record: Record) -> list[str]:
    if record.get("cancelledAt"):
        return ["cancelled"]
    return ["closed"] if record.get("closedAt") else ["open", "not_closed"]


def _at(name: str) -> tuple[str, Callable[[Record], Any]]:
    return _TIME, lambda record: record.get(name)


def _is(name: str, kind: str = _TEXT) -> tuple[str, Callable[[Record], Any]]:
    return kind, lambda record: record.get(name)


def _inner(name: str, inner: str) -> Callable[[Record], Any]:
    return lambda record: (record.get(name) or {}).get(inner)


_TIMES = {"created_at": _at("createdAt"), "updated_at": _at("updatedAt"), "id": (_ID, lambda record: record["id"])}
_FIELDS: dict[str, dict[str, tuple[str, Callable[[Record], Any]]]] = {
    "customers": {
        **_TIMES,
        "state": _is("state"),
        "tag": _is("tags"),
        "email": (_TEXT, lambda r: r.get("email") or _inner("defaultEmailAddress", "emailAddress")(r)),
    },
    "orders": {
        **_TIMES,
        "processed_at": _at("processedAt"),
        "name": _is("name"),
        "email": _is("email"),
        "tag": _is("tags"),
        "test": _is("test", _FLAG),
        "status": (_STATE, _order_state),
        "financial_status": _is("displayFinancialStatus"),
        "fulfillment_status": _is("displayFulfillmentStatus"),
        "customer_id": (_ID, _inner("customer", "id")),
    },
    "products": {
        **_TIMES,
        "status": _is("status"),
        "title": _is("title"),
        "vendor": _is("vendor"),
        "product_type": _is("productType"),
        "tag": _is("tags"),
    },
    "abandonedCheckouts": {
        **_TIMES,
        "status": (_STATE, lambda record: ["closed" if record.get("completedAt") else "open"]),
        "recovery_state": (_STATE, lambda record: ["recovered" if record.get("completedAt") else "not_recovered"]),
    },
}


@dataclass
class Search:
    """A search text as it is answered: the test, and what was dropped from it."""

    test: Test | None = None  # none: every record
    warnings: list[dict[str, str]] = field(default_factory=list)


def read_search(collection: str, text: str | None) -> Search:
    """Never raises: what cannot be read is dropped and warned of."""
    reader = _Reader(collection, text or "")
    try:
        return Search(reader.alternatives(), reader.warnings)
    except RecursionError:  # brackets without end
        return Search(None, [{"field": "", "message": "The search is nested too deeply.", "code": "invalid_value"}])


class _Reader:
    def __init__(self, collection: str, text: str) -> None:
        self.fields = _FIELDS[collection]
        self.terms = [match.groups() for match in _TOKEN.finditer(text)]
        self.next = 0
        self.warnings: list[dict[str, str]] = []

    def warn(self, name: str, message: str, code: str) -> None:
        self.warnings.append({"field": name, "message": message, "code": code})

    def word(self) -> str | None:
        """The bare word that comes next, none where something else does."""
        return self.terms[self.next][6] if self.next < len(self.terms) else None

    def alternatives(self) -> Test | None:
        tests = [self.together()]
        while self.word() == "OR":
            self.next += 1
            tests.append(self.together())
        known = [test for test in tests if test is not None]
        if len(known) < 2:
            return known[0] if known else None
        return lambda record: any(test(record) for test in known)

    def together(self) -> Test | None:
        known: list[Test] = []
        while self.next < len(self.terms) and not self.terms[self.next][1] and self.word() != "OR":
            if self.word() == "AND":
                self.next += 1
                continue
            test = self.one()
            if test is not None:
                known.append(test)
        if len(known) < 2:
            return known[0] if known else None
        return lambda record: all(test(record) for test in known)

    def one(self) -> Test | None:
        opening, _, minus, name, sign, value, bare = self.terms[self.next]
        self.next += 1
        if opening:
            test = self.alternatives()
            self.next += 1  # the closing bracket
            return test
        if bare == "NOT":
            inner = self.one() if self.next < len(self.terms) else None
            return None if inner is None else lambda record: not inner(record)
        if bare is not None:
            return self.anywhere(bare)
        test = self.term(name, sign, value)
        if test is None or not minus:
            return test
        return lambda record: not test(record)

    def anywhere(self, bare: str) -> Test:
        wanted = bare.strip("'\"").lower()
        return lambda record: any(isinstance(each, str) and wanted in each.lower() for each in record.values())

    def term(self, name: str, sign: str, value: str) -> Test | None:
        known = self.fields.get(name)
        if known is None:
            self.warn(name, "Invalid search field for this query.", "invalid_field")
            return None
        quoted = value[:1] in ("'", '"')
        if not quoted and ":" in value:
            digits = re.split(r"\D", value.split(":", 1)[1])[0]
            self.warn(digits or value, "Invalid search field for this query.", "invalid_field")
            return None
        kind, get = known
        plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
        try:
            return _comparison(kind, get, sign, plain, quoted)
        except (ValueError, OverflowError):
            self.warn(name, f"Input `{plain}` is not an accepted value.", "invalid_value")
            return None


def _comparison(kind: str, get: Callable[[Record], Any], sign: str, value: str, quoted: bool) -> Test:
    if kind == _TIME:
        return _ordered(lambda record: _seconds(get(record)), sign, seconds(value))
    if kind == _ID and sign:
        return _ordered(lambda record: _number(get(record)), sign, _number(value))
    if kind == _ID:
        ids = {_number(each) for each in value.split(",")}
        return lambda record: _number(get(record)) in ids
    if kind == _FLAG:
        if value not in ("true", "false"):
            raise ValueError(value)
        return lambda record: bool(get(record)) == (value == "true")
    if sign:
        raise ValueError(value)
    wanted = {each.lower() for each in ([value] if quoted else value.split(","))}

    def matches(record: Record) -> bool:
        held = get(record)
        several = held if isinstance(held, list) else [held]
        return any(str(each).lower() in wanted for each in several if each is not None)

    return matches


def _seconds(value: str | None) -> float | None:
    return seconds(value) if value else None


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    return number_of(value) if value.startswith("gid://") else int(value)


def _ordered(get: Callable[[Record], Any], sign: str, wanted: Any) -> Test:
    """A comparison; a record without the value is never found by it."""

    def compare(record: Record) -> bool:
        held = get(record)
        if held is None:
            return False
        if sign == ">=":
            return bool(held >= wanted)
        if sign == ">":
            return bool(held > wanted)
        if sign == "<=":
            return bool(held <= wanted)
        if sign == "<":
            return bool(held < wanted)
        return bool(held == wanted)

    return compare
