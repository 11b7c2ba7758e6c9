"""Which queries a bulk operation takes: Shopify's restrictions, in its words.

What lives here: from the text of a query to the one connection to walk, or the errors of the mutation's userErrors.
What does not: running it (bulk.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from perennial.sandbox.shopify.language import Refused, parse
from perennial.sandbox.shopify.plan import Part, plan

_MOST_CONNECTIONS = 5
_DEEPEST = 2


@dataclass
class _Seen:
    """What the walk over a query met."""

    connections: int = 0
    depth: int = 0
    by_nodes: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    in_list: bool = False


class Unfit(Exception):
    """A query that no bulk operation takes; `messages` say why."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(messages[0])
        self.messages = list(messages)


def read_bulk_query(text: str, absent: frozenset[str]) -> Part:
    """The connection to walk. Raises Unfit."""
    try:
        operation = parse(text)
        if operation.kind != "query":
            raise Unfit(["Invalid operation type. Only `query` operations are supported."])
        parts = plan(operation, {}, absent, bulk=True)
    except Refused as refused:
        raise Unfit([f"Invalid bulk query: {each['message']}" for each in refused.errors]) from None
    messages = _top_level(parts)
    seen = _Seen()
    _walk(parts, 0, False, seen)
    messages += _restrictions(seen)
    if not seen.connections:
        messages.append("Bulk queries must contain at least one connection.")
    if not messages and len(parts) != 1:
        messages.append("Bulk queries cannot contain more than one top level field.")
    if not messages and parts[0].kind.shape != "connection":
        messages.append("This sandbox walks connections of the query root only.")
    if messages:
        raise Unfit(messages)
    return parts[0]


def _top_level(parts: Sequence[Part]) -> list[str]:
    return [
        f"Bulk queries cannot contain a top level `{part.name}` field."
        for part in parts
        if part.name in ("node", "nodes")
    ]


def _walk(parts: Sequence[Part], depth: int, in_list: bool, seen: _Seen) -> None:
    for part in parts:
        if part.kind.shape == "connection":
            seen.connections += 1
            seen.depth = max(seen.depth, depth)
            seen.in_list = seen.in_list or in_list
            if part.part("nodes") is not None:
                seen.by_nodes.append(part.name)
            inner = part.node_parts
            if _holds_connection(inner) and not any(each.name == "id" == each.key for each in inner):
                seen.without_id.append(part.name)
            _walk(inner, depth + 1, False, seen)
        elif part.parts:
            _walk(part.parts, depth, in_list or part.kind.shape == "list", seen)


def _holds_connection(parts: Sequence[Part]) -> bool:
    return any(part.kind.shape == "connection" or _holds_connection(part.parts) for part in parts)


def _restrictions(seen: _Seen) -> list[str]:
    messages = []
    if seen.by_nodes:
        example = seen.by_nodes[0]
        messages.append(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g:"
            f" '{example} {{ edges {{ node {{'. Selecting via 'nodes' is not supported."
            f" Invalid connection fields: '{', '.join(seen.by_nodes)}'."
        )
    if seen.depth > _DEEPEST:
        messages.append("Bulk queries cannot contain connections with a nesting depth greater than 2.")
    if seen.connections > _MOST_CONNECTIONS:
        messages.append("Bulk queries cannot contain more than 5 connections.")
    if seen.without_id:
        messages.append(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be"
            f" of 'ID' return type. Connection fields without 'id': {', '.join(seen.without_id)}."
        )
    if seen.in_list:
        messages.append("Queries that contain a connection field within a list field are not currently supported.")
    return messages
