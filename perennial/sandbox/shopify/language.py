"""GraphQL's text as far as clients of Shopify need it: operations, variables, fields with arguments, fragments.

What lives here: from a text to a tree of fields, and the one error that every later step raises. What does not: which
fields exist (schema.py), whether a query may be asked (plan.py), answering it (reading.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"""(?P<skip>[\s,\ufeff]+|\#[^\r\n]*)
      | (?P<block>\"{3}(?:\\\"{3}|[\s\S])*?\"{3})
      | (?P<text>"(?:[^"\\\r\n]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[_A-Za-z]\w*)
      | (?P<spread>\.{3})
      | (?P<sign>[{}()\[\]:$!=@|&])""",
    re.VERBOSE,
)
_DEEPEST = 40  # braces within braces; nobody needs more, and nobody may exhaust the stack


class Refused(Exception):
    """A request that is answered with top-level errors and no data."""

    def __init__(self, message: str, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        extensions = {**({"code": code} if code else {}), **details.pop("extensions", {})}
        error = {"message": message, **details, **({"extensions": extensions} if extensions else {})}
        self.errors: list[dict[str, Any]] = [error]


class Word(str):
    """A bare word in a query: a value of an enumeration."""


@dataclass(frozen=True)
class Variable:
    """A `$name` where a value could stand."""

    name: str


@dataclass(frozen=True)
class Field:
    """One asked field. `selections` is none where it has no braces."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    selections: Sequence[Field | Fragment] | None
    place: Mapping[str, int]  # line and column


@dataclass(frozen=True)
class Fragment:
    """Fields that are asked only `on` a type; a named fragment stands here where it was spread."""

    on: str | None
    selections: Sequence[Field | Fragment]


@dataclass(frozen=True)
class Declared:
    """A variable of an operation: its type as written, and its default."""

    type: str
    default: Any = None
    has_default: bool = False


@dataclass
class Operation:
    kind: str = "query"
    name: str = ""
    variables: dict[str, Declared] = field(default_factory=dict)
    selections: Sequence[Field | Fragment] = ()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str, name: str | None = None) -> Operation:
    """The operation of this name, or the only one. Raises Refused."""
    try:
        operations, fragments = _Reader(text).document()
    except RecursionError:
        raise Refused("Query is nested too deeply") from None
    if name is not None:
        operations = [each for each in operations if each.name == name]
    if not operations:
        raise Refused("syntax error, unexpected end of file" if name is None else f'No operation named "{name}"')
    if len(operations) > 1:
        raise Refused("An operation name is required")
    chosen = operations[0]
    chosen.selections = _spread(chosen.selections, fragments, 0)
    return chosen


@dataclass(frozen=True)
class _Spread:
    name: str


def _spread(selections: Sequence[Any], fragments: Mapping[str, Fragment], depth: int) -> list[Field | Fragment]:
    """The selections with named fragments put where they are spread."""
    if depth > _DEEPEST:
        raise Refused("Query has too many levels or a fragment that holds itself")
    found: list[Field | Fragment] = []
    for each in selections:
        if isinstance(each, _Spread):
            if each.name not in fragments:
                raise Refused(f"Fragment {each.name} was used, but not defined", "useAndDefineFragment")
            each = fragments[each.name]
        if isinstance(each, Fragment):
            found.append(Fragment(each.on, _spread(each.selections, fragments, depth + 1)))
        elif each.selections is None:
            found.append(each)
        else:
            inner = _spread(each.selections, fragments, depth + 1)
            found.append(Field(each.name, each.alias, each.arguments, inner, each.place))
    return found


class _Reader:
    """Walks the tokens of one document."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.next = 0
        self.depth = 0

    def _tokens(self) -> list[_Token]:
        found, at = [], 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if match is None or match.lastgroup is None:
                raise self._error(self.text[at], at)
            if match.lastgroup != "skip":
                found.append(_Token(match.lastgroup, match.group(), at))
            at = match.end()
        return found

    def _place(self, at: int) -> dict[str, int]:
        before = self.text[:at]
        return {"line": before.count("\n") + 1, "column": at - (before.rfind("\n") + 1) + 1}

    def _error(self, what: str, at: int) -> Refused:
        place = self._place(at)
        where = f"[{place['line']}, {place['column']}]"
        return Refused(f'syntax error, unexpected "{what[:20]}" at {where}', locations=[place])

    def peek(self) -> _Token:
        if self.next >= len(self.tokens):
            raise Refused("syntax error, unexpected end of file")
        return self.tokens[self.next]

    def take(self, kind: str = "", text: str = "") -> _Token:
        token = self.peek()
        if (kind and token.kind != kind) or (text and token.text != text):
            raise self._error(token.text, token.at)
        self.next += 1
        return token

    def passes(self, text: str) -> bool:
        """True, and over it, where this sign or word comes next."""
        if self.next < len(self.tokens) and self.tokens[self.next].text == text:
            self.next += 1
            return True
        return False

    def document(self) -> tuple[list[Operation], dict[str, Fragment]]:
        operations: list[Operation] = []
        fragments: dict[str, Fragment] = {}
        while self.next < len(self.tokens):
            if self.passes("fragment"):
                name = self.take("name").text
                self.take(text="on")
                fragments[name] = Fragment(self.take("name").text, self.selections())
            else:
                operations.append(self.operation())
        return operations, fragments

    def operation(self) -> Operation:
        if self.peek().text == "{":
            return Operation(selections=self.selections())
        kind = self.take("name")
        if kind.text not in ("query", "mutation"):
            raise self._error(kind.text, kind.at)
        found = Operation(kind.text)
        if self.peek().kind == "name":
            found.name = self.take("name").text
        if self.passes("("):
            while not self.passes(")"):
                self.take(text="$")
                name = self.take("name").text
                self.take(text=":")
                found.variables[name] = self.declared()
        found.selections = self.selections()
        return found

    def declared(self) -> Declared:
        kind = self.type()
        return Declared(kind, self.value(), True) if self.passes("=") else Declared(kind)

    def type(self) -> str:
        if self.passes("["):
            inner = f"[{self.type()}]"
            self.take(text="]")
        else:
            inner = self.take("name").text
        return inner + "!" if self.passes("!") else inner

    def selections(self) -> list[Any]:
        opening = self.take(text="{")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error("{", opening.at)
        found: list[Any] = []
        while not self.passes("}"):
            found.append(self.selection())
        self.depth -= 1
        if not found:
            raise self._error("}", opening.at)
        return found

    def selection(self) -> Any:
        if self.passes("..."):
            if self.peek().text == "{":
                return Fragment(None, self.selections())
            name = self.take("name").text
            return Fragment(self.take("name").text, self.selections()) if name == "on" else _Spread(name)
        token = self.take("name")
        alias, name = token.text, token.text
        if self.passes(":"):
            name = self.take("name").text
        arguments: dict[str, Any] = {}
        if self.passes("("):
            while not self.passes(")"):
                argument = self.take("name").text
                self.take(text=":")
                arguments[argument] = self.value()
        if self.next < len(self.tokens) and self.peek().text == "@":
            raise Refused("Directives are not played by this sandbox", locations=[self._place(self.peek().at)])
        inner = self.selections() if self.next < len(self.tokens) and self.peek().text == "{" else None
        return Field(name, alias, arguments, inner, self._place(token.at))

    def value(self) -> Any:
        token = self.take()
        if token.kind == "block":
            return token.text[3:-3].replace('\\"""', '"""')
        if token.kind == "text":
            return self._unescaped(token)
        if token.kind == "number":
            return json.loads(token.text) if not re.fullmatch(r"-?0\d+", token.text) else int(token.text)
        if token.kind == "name":
            return {"true": True, "false": False, "null": None}.get(token.text, Word(token.text))
        if token.text == "$":
            return Variable(self.take("name").text)
        if token.text == "[":
            items = []
            while not self.passes("]"):
                items.append(self.value())
            return items
        raise self._error(token.text, token.at)

    def _unescaped(self, token: _Token) -> str:
        try:
            return str(json.loads(token.text, strict=False))
        except ValueError:
            raise self._error(token.text, token.at) from None
