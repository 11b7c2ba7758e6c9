"""Records of Klaviyo as an answer shows them: sparse fields, additional fields, links, included records.

What lives here: JSON:API documents, put together from the held bytes where nothing has to be left out. What does not:
which records an answer holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from perennial.sandbox.klaviyo.asking import Question
from perennial.sandbox.klaviyo.endpoints import ENDPOINTS
from perennial.sandbox.klaviyo.shelf import Shelf, dumps


class Presenting:
    """How one call's answer shows records."""

    def __init__(self, shelves: Mapping[str, Shelf], base_url: str, wanted: Question) -> None:
        self._shelves, self._base_url, self._wanted = shelves, base_url, wanted

    def document(self, collection: str, ids: Sequence[str], this: str, following: str | None) -> bytes:
        """A page: its records, the links, and what was to be included."""
        data = [self._shown(collection, each, self._wanted.additional) for each in ids]
        links = dumps({"self": this, "next": following, "prev": None})
        return b'{"data":[' + b",".join(data) + b"]," + self._included(collection, ids) + b'"links":' + links + b"}"

    def single(self, collection: str, identifier: str) -> bytes:
        """One record, as a call for it alone answers."""
        data = self._shown(collection, identifier, self._wanted.additional)
        links = dumps({"self": f"{self._base_url}/api/{collection}/{identifier}/"})
        return b'{"data":' + data + b"," + self._included(collection, [identifier]) + b'"links":' + links + b"}"

    def _included(self, collection: str, ids: Sequence[str]) -> bytes:
        if not self._wanted.include:
            return b""
        found: dict[tuple[str, str], bytes] = {}
        for identifier in ids:
            related = self._shelves[collection][identifier].get("relationships", {})
            for name in self._wanted.include:
                target = ENDPOINTS[collection].includes[name]
                for each in _linked(related.get(name)):
                    if (target, each) not in found and each in self._shelves[target]:
                        found[target, each] = self._shown(target, each, ())
        return b'"included":[' + b",".join(found.values()) + b"],"

    def _shown(self, collection: str, identifier: str, additional: Sequence[str]) -> bytes:
        body = self._shelves[collection].body(identifier)
        endpoint = ENDPOINTS.get(collection)
        type_name = endpoint.type if endpoint else collection.removesuffix("s")
        only = self._wanted.fields.get(type_name)
        hidden = set(endpoint.additional if endpoint else ()) - set(additional) - _roots(only)
        if only is not None or hidden:
            record = json.loads(body)
            attributes = {name: value for name, value in record["attributes"].items() if name not in hidden}
            record["attributes"] = attributes if only is None else _sparse(attributes, only)
            body = dumps(record)
        link = dumps({"self": f"{self._base_url}/api/{collection}/{identifier}/"})
        return body[:-1] + b',"links":' + link + b"}"


def _linked(relation: Mapping[str, Any] | None) -> list[str]:
    """The ids a relationship names: one, several or none."""
    data = (relation or {}).get("data") or []
    return [each["id"] for each in (data if isinstance(data, list) else [data])]


def _roots(names: frozenset[str] | None) -> set[str]:
    return {name.split(".")[0] for name in names or ()}


def _sparse(attributes: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The named attributes alone; a dotted name picks out of an object."""
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        deeper = frozenset(each.partition(".")[2] for each in names if each.startswith(f"{name}."))
        if name in names:
            kept[name] = value
        elif deeper and isinstance(value, Mapping):
            kept[name] = _sparse(value, deeper)
    return kept
