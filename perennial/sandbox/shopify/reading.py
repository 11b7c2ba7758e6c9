"""What a field's value is: records cut to the parts that were asked, connections wrapped, derived fields derived.

What lives here: the values. What does not: which fields may be asked (plan.py), which records there are (records.py).

A stored record holds its connections and lists as plain lists of nodes ({"lineItems": [{…}, {…}]}); {"edges":
[{"node": …}]} and {"nodes": […]} are understood too. What a record does not hold is null, and an empty list.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perennial.sandbox.shopify.language import Refused
from perennial.sandbox.shopify.plan import Part
from perennial.sandbox.shopify.records import Record, Records, type_of
from perennial.sandbox.shopify.schema import MONEY
from perennial.sandbox.shopify.search import number_of

Sink = list[tuple[Part, Sequence[Record], str]]  # connection, its nodes, the id of the node it hangs on


def nodes_of(held: Any) -> list[Record]:
    """The nodes of a connection as it is stored."""
    if isinstance(held, Mapping):
        return held["nodes"] if "nodes" in held else [edge["node"] for edge in held.get("edges", ())]
    return list(held or ())


def _legacy_id(record: Record) -> str:
    return str(number_of(record["id"]))


def _display_name(record: Record) -> str | None:
    words = " ".join(each for each in (record.get("firstName"), record.get("lastName")) if each)
    return words or record.get("email") or _older("defaultEmailAddress", "emailAddress")(record)


def _older(name: str, inner: str) -> Callable[[Record], Any]:
    return lambda record: (record.get(name) or {}).get(inner)


def _consent(name: str, *more: str) -> Callable[[Record], Any]:
    """The older consent object out of the newer address object."""

    def derive(record: Record) -> Any:
        held = record.get(name)
        if held is None:
            return None
        older = {each: held.get(each) for each in ("marketingState", "marketingOptInLevel")}
        older["consentUpdatedAt"] = held.get("marketingUpdatedAt")
        return {**older, **({"consentCollectedFrom": held.get("marketingCollectedFrom")} if more else {})}

    return derive


# Fields that follow from others where a record does not hold them itself.
_DERIVED: dict[tuple[str, str], Callable[[Record], Any]] = {
    ("Customer", "email"): _older("defaultEmailAddress", "emailAddress"),
    ("Customer", "phone"): _older("defaultPhoneNumber", "phoneNumber"),
    ("Customer", "displayName"): _display_name,
    ("Customer", "emailMarketingConsent"): _consent("defaultEmailAddress"),
    ("Customer", "smsMarketingConsent"): _consent("defaultPhoneNumber", "from"),
    ("Order", "closed"): lambda record: record.get("closedAt") is not None,
}


def _is_free(of: str) -> bool:
    """Whether an object of this type costs nothing."""
    return of in MONEY or of == "PageInfo" or of.endswith("Edge")


class Reading:
    """Cuts records to parts. With a sink the nodes of connections go there, and not into their parent."""

    def __init__(self, records: Records, sink: Sink | None = None) -> None:
        self.records, self.sink = records, sink
        self.points = 0  # what the answer really cost

    def cut(self, record: Record, parts: Sequence[Part], node_id: str = "") -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for part in parts:
            if part.only is not None and type_of(record.get("id", "")) != part.only:
                continue
            shape = part.kind.shape
            if shape == "scalar":
                answer[part.key] = self._scalar(record, part)
            elif shape == "connection":
                nodes = self._nodes(record, part)
                if self.sink is None:
                    answer[part.key] = self._connection(nodes, part)
                else:
                    self.sink.append((part, nodes, node_id))
            elif shape == "list":
                held = [each for each in nodes_of(record.get(part.name)) if each is not None]
                answer[part.key] = [self._object(each, part, node_id) for each in held[: part.arguments.get("first")]]
            else:
                answer[part.key] = self._object(self._inner(record, part), part, node_id)
        return answer

    def _scalar(self, record: Record, part: Part) -> Any:
        if part.name in record:
            return record[part.name]
        if part.name == "__typename":
            return (type_of(record.get("id", "")) or part.owner) if part.owner == "Node" else part.owner
        if part.name == "legacyResourceId":
            return _legacy_id(record)
        derive = _DERIVED.get((part.owner, part.name))
        if derive is not None:
            return derive(record)
        return [] if part.kind.of == "String" and part.name in ("tags", "discountCodes") else None

    def _inner(self, record: Record, part: Part) -> Any:
        if part.name == "metafield":
            return next((each for each in nodes_of(record.get("metafields")) if _is_metafield(each, part)), None)
        held = record.get(part.name)
        if held is None and part.name not in record:
            derive = _DERIVED.get((part.owner, part.name))
            held = derive(record) if derive else None
        return held

    def _object(self, held: Record | None, part: Part, node_id: str) -> dict[str, Any] | None:
        held = self.records.live(held, part.kind.of)
        if held is None:
            return None
        if not _is_free(part.kind.of):
            self.points += 1
        return self.cut(held, part.parts, node_id)

    def _nodes(self, record: Record, part: Part) -> list[Record]:
        nodes = nodes_of(record.get(part.name))
        if part.arguments.get("reverse"):
            nodes = nodes[::-1]
        namespace = part.arguments.get("namespace")
        return nodes if namespace is None else [each for each in nodes if each.get("namespace") == namespace]

    def _connection(self, nodes: Sequence[Record], part: Part) -> dict[str, Any]:
        """A nested connection, paged by place."""
        after, first = part.arguments.get("after"), part.arguments["first"]
        start = _place(after) + 1 if after is not None else 0
        chosen = nodes[start : start + first]
        cursors = [_cursor(start + index) for index in range(len(chosen))]
        return self.connection(chosen, cursors, part, has_next=start + first < len(nodes), has_previous=start > 0)

    def connection(
        self, nodes: Sequence[Record], cursors: Sequence[str], part: Part, *, has_next: bool, has_previous: bool,
        end_cursor: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A connection's answer; `end_cursor` where it is not the last node's."""
        info = {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": end_cursor or (cursors[-1] if cursors else None),
        }
        edges = [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)]
        self.points += 2
        return self.cut({"edges": edges, "nodes": list(nodes), "pageInfo": info}, part.parts)


def _is_metafield(held: Record, part: Part) -> bool:
    namespace = part.arguments.get("namespace")
    return held.get("key") == part.arguments["key"] and namespace in (None, held.get("namespace"))


def _cursor(index: int) -> str:
    return base64.b64encode(f"place:{index}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "place":
            return int(number)
    except ValueError:
        pass
    raise Refused("Invalid cursor for current pagination sort.", "BAD_REQUEST")
