"""What a vendor's payload looks like, and whether it still looks so: schema drift.

What lives here: noting which keys came with which kinds of values, and comparing that with what is needed and with what
came before. What does not: reading payloads. docs/sources.md has the table of what each change leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from perennial.sources.base import Schema

DEEPEST = 10
_LIST_SAMPLE = 5
_LONGEST_KEY = 100
_NUMBER, _GAPS = re.compile(r"\d{6}"), re.compile(r"[ ().-]")
_KINDS = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
_HOLDING = ("list", "object")
_ACCEPTED = {
    "text": {"text", "number"},  # ids and amounts come as either
    "number": {"number", "text"},
    "boolean": {"boolean"},
}


@dataclass
class Shape:
    """Per path (`customer.id`, `lines[].id`): the kinds of values seen there, null apart. Kept sorted on disk."""

    kinds: dict[str, set[str]] = field(default_factory=dict)
    # objects whose keys were looked at, and how often a key was there
    objects: dict[str, int] = field(default_factory=dict)
    present: dict[str, int] = field(default_factory=dict)

    def observe(self, items: Iterable[Any]) -> None:
        for item in items:
            self._walk(item, "", 0)

    def _walk(self, value: Any, path: str, depth: int) -> None:
        if depth >= DEEPEST:
            return
        if isinstance(value, dict):
            self.objects[path] = self.objects.get(path, 0) + 1
            for key, inner in value.items():
                below = _below(path, key)
                if below not in self.present:
                    self.present[below], self.kinds[below] = 0, set()
                self.present[below] += 1
                if inner is not None:
                    kind = _KINDS.get(type(inner), "object")
                    self.kinds[below].add(kind)
                    if kind in _HOLDING:
                        self._walk(inner, below, depth + 1)
        elif isinstance(value, list):
            for inner in value[:_LIST_SAMPLE]:
                if isinstance(inner, dict | list):
                    self._walk(inner, f"{path}[]", depth + 1)

    def noted(self) -> dict[str, Any]:
        """As JSON, so that what was seen before a kill counts after it."""
        kinds = {path: sorted(found) for path, found in self.kinds.items()}
        return {"kinds": kinds, "objects": self.objects, "present": self.present}

    @classmethod
    def of(cls, noted: Mapping[str, Any]) -> Shape:
        kinds = {path: set(found) for path, found in noted["kinds"].items()}
        return cls(kinds, dict(noted["objects"]), dict(noted["present"]))

    def known(self) -> list[str]:
        """The paths seen, for comparing with the next night's."""
        return sorted(self.kinds)


def _below(path: str, key: str) -> str:
    return f"{path}.{_shown(key)}" if path else _shown(key)


@lru_cache(maxsize=10_000)
def _shown(key: str) -> str:
    """A key as paths tell it: `*` where it is data itself, such as an address, a number or an id."""
    is_data = "@" in key or len(key) > _LONGEST_KEY or _NUMBER.search(_GAPS.sub("", key))
    return "*" if is_data else key


@dataclass(frozen=True)
class Drift:
    """What changed: `new` is reported and landed with the payload; the others stop the source."""

    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()


def compare(shape: Shape, item: Schema, known: Sequence[str] | None) -> Drift:
    """The payload seen against the schema that is needed and, where there was an earlier load, the paths it had."""
    if not shape.objects:
        return Drift()
    vanished, retyped = [], []
    for path, parent, leaf in _needed(item):
        asked = shape.objects.get(parent, 0)
        if asked and path not in shape.present:
            if not _is_optional(leaf):
                vanished.append(path)
            continue
        wrong = shape.kinds.get(path, set()) - _accepted(leaf)
        if wrong:
            retyped.append(f"{path} ({_wanted(leaf)}, now {' or '.join(sorted(wrong))})")
    expected = {*(known or ()), *(path for path, _, _ in _needed(item))}  # a list may have been empty until now
    new = [] if known is None else [path for path in sorted(shape.kinds) if path not in expected]
    above = set(new)
    # a new object is one piece of news, not one per key in it
    new = [path for path in new if not any(path.startswith((f"{other}.", f"{other}[]")) for other in above)]
    return Drift(tuple(new), tuple(vanished), tuple(retyped))


def _needed(schema: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every key of a schema: its path, its object's path, and what is expected there."""
    if isinstance(schema, list):
        yield from _needed(schema[0], f"{path}[]")
    elif isinstance(schema, Mapping):
        for key, inner in schema.items():
            below = _below(path, key)
            yield below, path, inner
            yield from _needed(inner, below)


def _is_optional(leaf: Any) -> bool:
    return (isinstance(leaf, str) and leaf.endswith("?")) or isinstance(leaf, Optional | OptionalList)


class Optional(dict[str, Any]):
    """A nested object of a schema that the vendor leaves out where there is none."""


class OptionalList(list[Any]):
    """A list of a schema that the vendor leaves out where there is none."""


def _accepted(leaf: Any) -> set[str]:
    if isinstance(leaf, str):
        word = leaf.rstrip("?")
        return {"text", "number", "boolean", "object", "list"} if word.startswith("any") else _ACCEPTED[word]
    return {"list"} if isinstance(leaf, list) else {"object"}


def _wanted(leaf: Any) -> str:
    if isinstance(leaf, str):
        return leaf.rstrip("?")
    return "list" if isinstance(leaf, list) else "object"
