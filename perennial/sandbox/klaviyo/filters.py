"""Klaviyo's filter language: `equals(email,"…"),greater-than(updated,2026-11-20T00:00:00Z)`, joined by commas for AND.

What lives here: reading a filter text into conditions, and asking whether a value meets one. What does not: which field
allows which operator (endpoints.py), finding records quickly (shelf.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from perennial.sandbox.core import moment


class Kind(Enum):
    """What a field holds, which says how its value is written: text in quotes, everything else bare."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"


class BadFilter(Exception):
    """The filter cannot be read: says what is wrong with it."""


@dataclass(frozen=True)
class Condition:
    """One call of a filter. `value` is a text, a number of microseconds or seconds, a flag, or a list of texts."""

    operator: str
    field: str
    value: Any


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda held, wanted: bool(held == wanted),
    "any": lambda held, wanted: held in wanted,
    "greater-than": lambda held, wanted: bool(held > wanted),
    "greater-or-equal": lambda held, wanted: bool(held >= wanted),
    "less-than": lambda held, wanted: bool(held < wanted),
    "less-or-equal": lambda held, wanted: bool(held <= wanted),
    "contains": lambda held, wanted: wanted.lower() in held.lower(),
    "starts-with": lambda held, wanted: bool(held.lower().startswith(wanted.lower())),
    "ends-with": lambda held, wanted: bool(held.lower().endswith(wanted.lower())),
}
_CALL = re.compile(r"\s*([a-z-]+)\(")
_FIELD = re.compile(r"\s*([A-Za-z0-9_.$-]+)\s*,")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_BARE = re.compile(r"[^,()\[\]\"']+")


def microseconds(text: str) -> int:
    """A time as microseconds since 1970 UTC. Raises ValueError."""
    return round(moment(text).timestamp() * 1_000_000)


def meets(held: Any, condition: Condition) -> bool:
    """Whether a value meets a condition; nothing meets none."""
    if held is None:
        return False
    return COMPARISONS[condition.operator](held, condition.value)


def conditions(text: str, kinds: Callable[[str], Kind]) -> list[Condition]:
    """The conditions of a filter, all of which must hold. `kinds` says what a field holds, or raises BadFilter."""
    found, position = _several(text, 0, kinds)
    if position != len(text):
        raise BadFilter(f"unexpected text at position {position}")
    return found


def _several(text: str, position: int, kinds: Callable[[str], Kind]) -> tuple[list[Condition], int]:
    found, position = _one(text, position, kinds)
    while position < len(text) and text[position] == ",":
        more, position = _one(text, position + 1, kinds)
        found += more
    return found, position


def _one(text: str, position: int, kinds: Callable[[str], Kind]) -> tuple[list[Condition], int]:
    called = _CALL.match(text, position)
    if called is None:
        raise BadFilter(f"expected a filter function at position {position}")
    operator, position = called[1], called.end()
    if operator == "and":
        found, position = _several(text, position, kinds)
        return found, _closed(text, position)
    if operator not in COMPARISONS:
        raise BadFilter(f"unknown filter function {operator}")
    named = _FIELD.match(text, position)
    if named is None:
        raise BadFilter(f"expected a field and a value at position {position}")
    value, position = _value(text, named.end(), kinds(named[1]), operator == "any")
    return [Condition(operator, named[1], value)], _closed(text, position)


def _closed(text: str, position: int) -> int:
    if position >= len(text) or text[position] != ")":
        raise BadFilter(f"expected ) at position {position}")
    return position + 1


def _value(text: str, position: int, kind: Kind, several: bool) -> tuple[Any, int]:
    if not several:
        return _single(text, position, kind)
    if text[position : position + 1] != "[":
        raise BadFilter("any() takes a list")
    values, position = [], position + 1
    while True:
        value, position = _single(text, position, kind)
        values.append(value)
        if text[position : position + 1] == "]":
            return values, position + 1
        if text[position : position + 1] != ",":
            raise BadFilter(f"expected , or ] at position {position}")
        position += 1


def _single(text: str, position: int, kind: Kind) -> tuple[Any, int]:
    while text[position : position + 1] == " ":
        position += 1
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        if kind is not Kind.TEXT:
            raise BadFilter("a value that is no text takes no quotes")
        return re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2]), quoted.end()
    bare = _BARE.match(text, position)
    if bare is None or kind is Kind.TEXT:
        raise BadFilter("a text takes quotes")
    return _bare(bare[0].strip(), kind), bare.end()


def _bare(text: str, kind: Kind) -> Any:
    try:
        if kind is Kind.TIME:
            return microseconds(text)
        if kind is Kind.NUMBER:
            return float(text)
    except ValueError as error:
        raise BadFilter(f"not a {kind.value}") from error
    if text not in ("true", "false"):
        raise BadFilter("not a flag")
    return text == "true"


def all_meet(values: Callable[[str], Any], asked: Sequence[Condition]) -> bool:
    """Whether a record, given by its fields' values, meets every condition."""
    return all(meets(values(each.field), each) for each in asked)
