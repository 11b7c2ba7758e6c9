"""The records of the sandbox's HubSpot account: kept, archived, merged, linked and cut to what a read asks for.

What lives here: state. What does not: paths, bodies and limits of requests.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from perennial.sandbox.core import moment
from perennial.sandbox.hubspot.schema import CREATED, MODIFIED, OBJECT_TYPES, defaults, known_properties, singular

Record = dict[str, Any]


class Store:
    """Objects by type and id."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Record]] = {name: {} for name in OBJECT_TYPES}
        self.merged: dict[tuple[str, str], str] = {}  # (type, loser) → winner
        self.version = 0  # grows with every change
        self._names = {name: dict.fromkeys(known_properties(name)) for name in OBJECT_TYPES}
        self._ids: dict[tuple[str, bool], list[str]] = {}
        self._linked: dict[tuple[str, str, str], list[str]] | None = None

    # writing

    def put(self, kind: str, records: Iterable[Mapping[str, Any]]) -> int:
        """Keep the records that are at least as new as what is held of them."""
        for given in records:
            record = _whole(kind, given)
            held = self.objects[kind].get(record["id"])
            if held is None or moment(held["updatedAt"]) <= moment(record["updatedAt"]):
                self.objects[kind][record["id"]] = record
                self._names[kind].update(dict.fromkeys(record["properties"]))
                self._names[kind].update(dict.fromkeys(record.get("propertiesWithHistory", {})))
        self._changed()
        return len(self.objects[kind])

    def merge(self, kind: str, winner: str, loser: str, at: str) -> None:
        """What HubSpot's merge does: the loser is gone, its id and links are the winner's."""
        gone = self.objects[kind].pop(loser)
        kept = self.objects[kind][winner]
        before = [kept["properties"].get("hs_merged_object_ids"), gone["properties"].get("hs_merged_object_ids"), loser]
        kept["properties"]["hs_merged_object_ids"] = ";".join(each for each in before if each)
        kept["properties"][MODIFIED[kind]] = kept["updatedAt"] = at
        for key, into in self.merged.items():
            if key[0] == kind and into == loser:
                self.merged[key] = winner
        self.merged[(kind, loser)] = winner
        for records in self.objects.values():
            for record in records.values():
                for link in record.get("associations", {}).get(kind, {}).get("results", ()):
                    if link["id"] == loser:
                        link["id"] = winner
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        self._ids.clear()
        self._linked = None

    # reading

    def ids(self, kind: str, archived: bool = False) -> list[str]:
        """In the order of lists: by id as a number."""
        if (kind, archived) not in self._ids:
            chosen = (name for name, record in self.objects[kind].items() if record["archived"] == archived)
            self._ids[(kind, archived)] = sorted(chosen, key=number)
        return self._ids[(kind, archived)]

    def find(self, kind: str, name: str, id_property: str | None = None, archived: bool = False) -> Record | None:
        """By id, also by that of a record merged away, or by a property with unique values."""
        if id_property in (None, "hs_object_id"):
            found = self.objects[kind].get(self.merged.get((kind, name), name))
            return found if found is not None and found["archived"] == archived else None
        wanted = name.strip().lower()
        for each in self.ids(kind, archived):
            if (self.objects[kind][each]["properties"].get(str(id_property)) or "").strip().lower() == wanted:
                return self.objects[kind][each]
        return None

    def knows(self, kind: str, name: str) -> bool:
        return name in self._names[kind]

    def property_names(self, kind: str) -> list[str]:
        return list(self._names[kind])

    def links(self, kind: str, name: str, other: str) -> list[str]:
        """The ids of the other type that a record is linked to, whichever side was seeded with the link."""
        if self._linked is None:
            self._linked = self._all_links()
        return self._linked.get((kind, name, other), [])

    def _all_links(self) -> dict[tuple[str, str, str], list[str]]:
        linked: dict[tuple[str, str, str], dict[str, None]] = {}
        for kind, records in self.objects.items():
            for name, record in records.items():
                for other, found in record.get("associations", {}).items():
                    for link in found["results"]:
                        linked.setdefault((kind, name, other), {})[link["id"]] = None
                        linked.setdefault((other, link["id"], kind), {})[name] = None
        return {key: sorted(names, key=number) for key, names in linked.items()}

    def cut(
        self, kind: str, record: Record, properties: Sequence[str], with_history: Sequence[str] = ()
    ) -> dict[str, Any]:
        """A record as an answer shows it: default and wanted properties, null where it has none, no unknown ones."""
        wanted = [name for name in (*defaults(kind), *properties, *with_history) if self.knows(kind, name)]
        shown = {
            "id": record["id"],
            "properties": {name: record["properties"].get(name) for name in sorted(set(wanted))},
            "createdAt": record["createdAt"],
            "updatedAt": record["updatedAt"],
            "archived": record["archived"],
        }
        if record["archived"]:
            shown["archivedAt"] = record["archivedAt"]
        if with_history:
            past = record.get("propertiesWithHistory", {})
            shown["propertiesWithHistory"] = {
                name: past.get(name, []) for name in with_history if self.knows(kind, name)
            }
        return shown

    def inline_links(self, kind: str, name: str, others: Sequence[str]) -> dict[str, Any]:
        """The `associations` of one record in a list; types without a link are left out."""
        found = {other: self.links(kind, name, other) for other in others}
        return {
            other: {"results": [{"id": each, "type": f"{singular(kind)}_to_{singular(other)}"} for each in ids]}
            for other, ids in found.items()
            if ids
        }


def number(name: str) -> tuple[int, str]:
    """How ids are ordered."""
    return (int(name), name) if name.isdigit() else (0, name)


def _whole(kind: str, given: Mapping[str, Any]) -> Record:
    """A seeded record with what HubSpot itself would add. Raises ValueError where it cannot be a HubSpot record."""
    record: Record = copy.deepcopy(dict(given))
    properties = record.setdefault("properties", {})
    wrong = [name for name, value in properties.items() if value is not None and not isinstance(value, str)]
    if wrong or not isinstance(record.get("id"), str):
        raise ValueError(f"{kind}: ids and property values are texts; look at {', '.join(wrong) or 'id'}")
    created, modified = CREATED[kind], MODIFIED[kind]
    record.setdefault("createdAt", properties.get(created) or "1970-01-01T00:00:00.000Z")
    record.setdefault("updatedAt", properties.get(modified) or record["createdAt"])
    record.setdefault("archived", False)
    if record["archived"]:
        record.setdefault("archivedAt", record["updatedAt"])
    properties.setdefault("hs_object_id", record["id"])
    properties.setdefault(created, record["createdAt"])
    properties.setdefault(modified, record["updatedAt"])
    return record
