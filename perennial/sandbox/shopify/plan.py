"""From a parsed query to what is to be answered: every field checked against the schema, every argument with its value.

What lives here: the refusals of Shopify's validator in its words and codes, and the values of variables. What does
not: the schema (schema.py), what a query costs (cost.py), what bulk operations forbid besides (bulk_query.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from perennial.sandbox.shopify.language import Field, Fragment, Operation, Refused, Variable, Word
from perennial.sandbox.shopify.schema import SORT_ENUM, SORT_KEYS, TYPES, Kind, arguments_of, fields_of

MOST = 250  # of `first`, and of an argument that is a list
_ENUMS = {
    **{SORT_ENUM[name]: words for name, words in SORT_KEYS.items()},
    "BulkOperationType": ("QUERY", "MUTATION"),
}
_PYTHON = {"Int": int, "String": str, "ID": str, "Boolean": bool, "Float": float}


@dataclass(frozen=True)
class Part:
    """One field of an answer: under which key, of which type, with which arguments, and which parts inside."""

    key: str
    name: str
    owner: str
    kind: Kind
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    only: str | None = None  # asked of records of this type alone

    def part(self, name: str) -> Part | None:
        return next((each for each in self.parts if each.name == name), None)

    @cached_property
    def node_parts(self) -> list[Part]:
        """Of a connection: what is asked of each of its nodes."""
        inner = [each for name in ("edges", "nodes") if (each := self.part(name)) is not None]
        nodes = [each if each.name == "nodes" else each.part("node") for each in inner]
        return [part for each in nodes if each is not None for part in each.parts]


def plan(
    operation: Operation,
    variables: Mapping[str, Any] | None = None,
    absent: frozenset[str] = frozenset(),
    *,
    bulk: bool = False,
) -> list[Part]:
    """The parts of an operation. `absent` are fields, as Type.field, that the schema has lost. Raises Refused."""
    planner = _Planner(operation, _values(operation, variables or {}), absent)
    root = "Mutation" if operation.kind == "mutation" else "QueryRoot"
    path = [f"{operation.kind} {operation.name}".strip()]
    parts = planner.parts(operation.selections, root, path)
    unused = set(operation.variables) - planner.used
    for name in sorted(unused):
        planner.refuse(f"Variable ${name} is declared by {operation.name or 'anonymous query'} but not used",
                       "variableNotUsed", path, variableName=name)  # fmt: skip
    if planner.errors:
        refused = Refused(planner.errors[0]["message"])
        refused.errors = planner.errors
        raise refused
    for name, arguments, path in [] if bulk else planner.connections:  # only a valid query is looked at this closely
        _check_size(name, arguments, path)
    return parts


def _values(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """The variables' values; one that was not given and has no default is left out."""
    values: dict[str, Any] = {}
    for name, declared in operation.variables.items():
        from_default = name not in given and declared.has_default
        value = declared.default if from_default else given.get(name)
        if not _fits(value, declared.type, literal=from_default):
            wrong = "Expected value to not be null" if value is None else f"Could not coerce to {declared.type}"
            raise Refused(
                f"Variable ${name} of type {declared.type} was provided invalid value",
                "INVALID_VARIABLE",
                extensions={"value": str(value)[:80], "problems": [{"path": [], "explanation": wrong}]},
            )
        if from_default or name in given:
            values[name] = value
    return values


def _fits(value: Any, wanted: str, *, literal: bool) -> bool:
    """Whether a value may stand where this type is wanted."""
    if wanted.endswith("!"):
        return value is not None and _fits(value, wanted[:-1], literal=literal)
    if value is None:
        return True
    if wanted.startswith("["):
        items = value if isinstance(value, list) else [value]
        return all(_fits(each, wanted[1:-1], literal=literal) for each in items)
    if wanted in _ENUMS:
        return value in _ENUMS[wanted] and (isinstance(value, Word) or not literal)
    if wanted not in _PYTHON:
        return False
    if isinstance(value, Word) or (isinstance(value, bool) and wanted != "Boolean"):
        return False
    return isinstance(value, _PYTHON[wanted])


class _Planner:
    def __init__(self, operation: Operation, values: Mapping[str, Any], absent: frozenset[str]) -> None:
        self.operation, self.values, self.absent = operation, values, absent
        self.used: set[str] = set()
        self.connections: list[tuple[str, Mapping[str, Any], list[str]]] = []
        self.errors: list[dict[str, Any]] = []

    def refuse(self, message: str, code: str, path: list[str], asked: Field | None = None, **details: Any) -> None:
        place = {"locations": [dict(asked.place)]} if asked else {}
        self.errors.append({"message": message, **place, "path": path, "extensions": {"code": code, **details}})

    def parts(
        self, selections: Sequence[Field | Fragment], owner: str, path: list[str], only: str | None = None
    ) -> list[Part]:
        found: list[Part] = []
        for asked in _merged(each for each in selections if isinstance(each, Field)):
            part = self.part(asked, owner, [*path, asked.alias], only)
            if part is not None:
                found.append(part)
        for fragment in (each for each in selections if isinstance(each, Fragment)):
            found += self.fragment(fragment, owner, path, only)
        return found

    def fragment(self, fragment: Fragment, owner: str, path: list[str], only: str | None) -> list[Part]:
        on = fragment.on or owner
        inner = [*path, f"... on {on}"] if fragment.on else path
        if on not in TYPES:
            self.refuse(f"No such type {on}, so it can't be a fragment condition", "undefinedType", inner)
            return []
        if on == owner or on == "Node":
            return self.parts(fragment.selections, owner, inner, only)
        if owner != "Node":
            self.refuse(f"Fragment on {on} can't be spread inside {owner}", "cannotSpreadFragment", inner)
            return []
        return self.parts(fragment.selections, on, inner, on)

    def part(self, asked: Field, owner: str, path: list[str], only: str | None) -> Part | None:
        if asked.name == "__typename":
            return Part(asked.alias, asked.name, owner, Kind("scalar", "String"), only=only)
        kind = fields_of(owner).get(asked.name)
        if kind is None or f"{owner}.{asked.name}" in self.absent:
            message = f"Field '{asked.name}' doesn't exist on type '{owner}'"
            self.refuse(message, "undefinedField", path, asked, typeName=owner, fieldName=asked.name)
            return None
        arguments = self.arguments(asked, owner, kind, path)
        if kind.shape == "scalar":
            if asked.selections is not None:
                message = f"Selections can't be made on scalars (field '{asked.name}' returns {kind.of})"
                self.refuse(message, "selectionMismatch", path, asked)
            return Part(asked.alias, asked.name, owner, kind, arguments, only=only)
        of = kind.of + "Connection" if kind.shape == "connection" else kind.of
        if asked.selections is None:
            message = (
                f"Field must have selections (field '{asked.name}' returns {of} but has no selections."
                f" Did you mean '{asked.name} {{ ... }}'?)"
            )
            self.refuse(message, "selectionMismatch", path, asked)
            return None
        if kind.shape == "connection":
            self.connections.append((asked.name, arguments, path))
        return Part(
            asked.alias, asked.name, owner, kind, arguments, self.parts(asked.selections, of, path), only
        )  # fmt: skip

    def arguments(self, asked: Field, owner: str, kind: Kind, path: list[str]) -> dict[str, Any]:
        allowed = arguments_of(owner, asked.name, kind)
        values: dict[str, Any] = {}
        for name, written in asked.arguments.items():
            if name not in allowed:
                message = f"Field '{asked.name}' doesn't accept argument '{name}'"
                self.refuse(message, "argumentNotAccepted", [*path, name], asked, name=asked.name, argumentName=name)
            elif isinstance(written, Variable):
                self.variable(written, allowed[name], asked, [*path, name], values, name)
            elif not _fits(written, allowed[name], literal=True):
                shown = f'"{written}"' if isinstance(written, str) and not isinstance(written, Word) else written
                message = (
                    f"Argument '{name}' on Field '{asked.name}' has an invalid value ({shown})."
                    f" Expected type '{allowed[name]}'."
                )
                self.refuse(message, "argumentLiteralsIncompatible", [*path, name], asked, argumentName=name)
            else:
                values[name] = written
        missing = [name for name, wanted in allowed.items() if wanted.endswith("!") and name not in asked.arguments]
        if missing:
            message = f"Field '{asked.name}' is missing required arguments: {', '.join(missing)}"
            self.refuse(message, "missingRequiredArguments", path, asked, name=asked.name)
        return values

    def variable(
        self, written: Variable, wanted: str, asked: Field, path: list[str], values: dict[str, Any], name: str
    ) -> None:
        declared = self.operation.variables.get(written.name)
        self.used.add(written.name)
        if declared is None:
            whose = self.operation.name or "anonymous query"
            message = f"Variable ${written.name} is used by {whose} but not declared"
            self.refuse(message, "variableNotDefined", path, asked, variableName=written.name)
        elif not _passes(declared.type, declared.has_default, wanted):
            message = (
                f"Nullability mismatch on variable ${written.name} and argument {name}"
                if declared.type.replace("!", "") == wanted.replace("!", "")
                else f"Type mismatch on variable ${written.name} and argument {name}"
            )
            message += f" ({declared.type} / {wanted})"
            self.refuse(message, "variableMismatch", path, asked, variableName=written.name, argumentName=name)
        elif written.name in self.values:
            values[name] = self.values[written.name]


def _passes(declared: str, has_default: bool, wanted: str) -> bool:
    """Whether a variable of one type may stand for an argument of another."""
    if wanted.endswith("!"):
        return (has_default or declared.endswith("!")) and _passes(declared.rstrip("!"), False, wanted[:-1])
    declared = declared.removesuffix("!")
    if wanted.startswith("[") and declared.startswith("["):
        return _passes(declared[1:-1], False, wanted[1:-1])
    return declared == wanted


def _merged(asked: Any) -> list[Field]:
    """The same field asked twice is one field with the selections of both."""
    by_key: dict[str, Field] = {}
    for each in asked:
        held = by_key.get(each.alias)
        if held is None:
            by_key[each.alias] = each
        elif held.name != each.name or held.arguments != each.arguments:
            raise Refused(f"Field '{each.alias}' has a field conflict: {held.name} or {each.name}?", "fieldConflict")
        elif held.selections is not None and each.selections is not None:
            both = [*held.selections, *each.selections]
            by_key[each.alias] = Field(held.name, held.alias, held.arguments, both, held.place)
    return list(by_key.values())


def _check_size(name: str, arguments: Mapping[str, Any], path: list[str]) -> None:
    where = path[1:]
    if arguments.get("last") is not None or arguments.get("before") is not None:
        raise Refused("Walking backwards is not played by this sandbox", "BAD_REQUEST", path=where)
    first = arguments.get("first")
    if first is None:
        raise Refused("you must provide one of first or last", "BAD_REQUEST", path=where)
    if not 0 < first <= MOST:
        raise Refused(f"first on {name} is {first}; it must be between 1 and {MOST}", "BAD_REQUEST", path=where)
