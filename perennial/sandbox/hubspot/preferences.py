"""Communication preferences of the HubSpot sandbox: subscription types and, per address, what was said about each.

What lives here: /communication-preferences/{version}/definitions and /statuses. What does not: contact properties about
consent (they are properties like others). Only the channel EMAIL is handed out, as at HubSpot; an address nobody has
said anything about has NOT_SPECIFIED for every type, with the time of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from perennial.sandbox.core import Answer, Asked, iso, moment
from perennial.sandbox.hubspot.bodies import batch, body_of, inputs_of
from perennial.sandbox.hubspot.errors import invalid

BATCH_MAX = 100
Row = dict[str, Any]


class Preferences:
    def __init__(self) -> None:
        self.definitions: dict[str, Row] = {}
        self.statuses: dict[str, Row] = {}
        self._of: dict[str, dict[str, Row]] = {}  # address → key → status

    def put_definitions(self, records: Iterable[Mapping[str, Any]]) -> int:
        for record in records:
            self.definitions[str(record["id"])] = dict(record)
        return len(self.definitions)

    def put_statuses(self, records: Iterable[Mapping[str, Any]]) -> int:
        """By address, type and channel; the newest counts."""
        for record in records:
            address = str(record["subscriberIdString"]).lower()
            key = f"{address}:{record['subscriptionId']}:{record['channel']}"
            held = self.statuses.get(key)
            if held is None or moment(held["timestamp"]) <= moment(record["timestamp"]):
                self.statuses[key] = self._of.setdefault(address, {})[key] = dict(record)
        return len(self.statuses)

    def answer(self, rest: str, asked: Asked) -> Answer | None:
        """None where the path is none of these."""
        if rest == "/definitions" and asked.method == "GET":
            return Answer(200, batch(asked, list(self.definitions.values()), []), records=len(self.definitions))
        if rest == "/statuses/batch/read" and asked.method == "POST":
            return self._batch(asked)
        parts = rest.split("/")
        if len(parts) == 3 and parts[1] == "statuses" and asked.method == "GET":
            statuses = self._statuses(_address(unquote(parts[2])), asked)
            return Answer(200, batch(asked, statuses, []), records=len(statuses))
        return None

    def _batch(self, asked: Asked) -> Answer:
        addresses = [_address(each) for each in inputs_of(body_of(asked), BATCH_MAX)]
        results = [{"subscriberIdString": each, "statuses": self._statuses(each, asked)} for each in addresses]
        return Answer(200, batch(asked, results, []), records=len(results))

    def _statuses(self, address: str, asked: Asked) -> list[Row]:
        if asked.params.get("channel", "EMAIL") != "EMAIL":
            raise invalid("channel is not supported")
        said = self._of.get(address.lower(), {})
        rows = []
        for name, definition in self.definitions.items():
            unsaid = {
                "subscriptionId": int(name),
                "subscriptionName": definition["name"],
                "channel": "EMAIL",
                "status": "NOT_SPECIFIED",
                "source": "No source",
                "timestamp": iso(asked.now, milliseconds=True),
            }
            rows.append({**unsaid, **said.get(f"{address.lower()}:{name}:EMAIL", {}), "subscriberIdString": address})
        return rows


def _address(given: Any) -> str:
    if not isinstance(given, str) or "@" not in given.strip("@") or " " in given:
        raise invalid("an input is no e-mail address", "INVALID_EMAIL")
    return given
