"""What Omnisend's records look like on the wire, and how a seeded one is completed.

What lives here: templates of contacts, campaigns and automations, and the fields Omnisend derives from a contact's
identifiers. What does not: requests (query.py, lists.py), the demo world (world.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from perennial.sandbox.core import moment

Record = dict[str, Any]

_CONTACT: Record = {
    "id": "", "email": "", "phone": [], "firstName": "", "lastName": "", "status": "nonSubscribed", "statuses": [],
    "identifiers": [], "consents": [], "optIns": [], "tags": [], "segments": [], "customProperties": {}, "country": "",
    "countryCode": "", "state": "", "city": "", "address": "", "postalCode": "", "gender": None, "birthdate": None,
    "createdAt": None, "updatedAt": None,
}  # fmt: skip
_CAMPAIGN: Record = {
    "id": "", "brandID": "0" * 23 + "1", "name": "", "type": "regular", "status": "draft", "channel": "email",
    "language": "en_US", "audience": {"includedSegmentIDs": [], "excludedSegmentIDs": []},
    "sendingSettings": {"strategy": "immediate"}, "createdAt": None, "updatedAt": None, "startedAt": None,
    "endedAt": None,
}  # fmt: skip
_AUTOMATION: Record = {
    "id": "", "name": "", "isEnabled": True, "trigger": {"condition": {"event": "placed order", "origin": "api"}},
    "blocks": [], "createdAt": None, "updatedAt": None,
}  # fmt: skip
TEMPLATES = {"contacts": _CONTACT, "campaigns": _CAMPAIGN, "automations": _AUTOMATION}


class Incomplete(ValueError):
    """A seeded record lacks what no record of Omnisend's lacks."""


def complete(collection: str, record: Mapping[str, Any]) -> Record:
    """A record with every field of its kind. What Omnisend derives from the identifiers is derived."""
    if not record.get("id") or not isinstance(record["id"], str):
        raise Incomplete(f"{collection}: a record needs an id, a text")
    whole = deepcopy(TEMPLATES[collection]) | dict(record)
    if whole["createdAt"] is None:
        raise Incomplete(f"{collection} {record['id']}: a record needs createdAt")
    whole["updatedAt"] = whole["updatedAt"] or whole["createdAt"]
    for name in ("createdAt", "updatedAt"):
        moment(whole[name])
    if collection == "contacts":
        _derive(whole)
    return whole


def _derive(contact: Record) -> None:
    """`email`, `phone`, `status` and `statuses` follow from the identifiers; nobody can write them."""
    by_kind: dict[str, list[str]] = {"email": [], "phone": []}
    newest: dict[str, Record] = {}
    for identifier in contact["identifiers"]:
        by_kind[identifier["type"]].append(identifier["id"])
        for channel, state in identifier.get("channels", {}).items():
            held = newest.get(channel)
            if held is None or _changed(state) >= _changed(held):
                newest[channel] = {"channel": channel, **state}
    contact["email"] = by_kind["email"][0] if by_kind["email"] else ""
    contact["phone"] = by_kind["phone"]
    contact["statuses"] = sorted(newest.values(), key=_changed)
    contact["status"] = newest.get("email", {}).get("status", "nonSubscribed")


def _changed(state: Mapping[str, Any]) -> str:
    text = state.get("statusChangedAt")
    return moment(text).isoformat() if text else ""
