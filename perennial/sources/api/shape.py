"""What a vendor's payload looks like, and whether it still looks so: schema drift.

What lives here: noting which keys came with which kinds of values, and comparing that with what is needed and with what
came before. What does not: reading payloads. docs/sources.md has the table of what each change leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perennial.sources.base import Schema

DEEPEST = 6
_LIST_SAMPLE = 5
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
        if isinstance(value, dict) and depth < DEEPEST:
            self.objects[path] = self.objects.get(path, 0) + 1
            for key, inner in value.items():
                below = f"{path}.{key}" if path else str(key)
                self.present[below] = self.present.get(below, 0) + 1
                found = self.kinds.setdefault(below, set())
                if inner is not None:
                    found.add(_kind(inner))
                self._walk(inner, below, depth + 1)
        elif isinstance(value, list) and depth < DEEPEST:
            for inner in value[:_LIST_SAMPLE]:
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


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


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
            below = f"{path}.{key}" if path else key
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
        return {"text", "number", "boolean", "object", "list"} if word == "any" else _ACCEPTED[word]
    return {"list"} if isinstance(leaf, list) else {"object"}


def _wanted(leaf: Any) -> str:
    if isinstance(leaf, str):
        return leaf.rstrip("?")
    return "list" if isinstance(leaf, list) else "object"
