"""Records in the form Klaviyo hands them out, and ids of the vendor's form that are the same on every run.

What lives here: one function per kind of record. What does not: which records the demo world has (world.py,
world_profiles.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from perennial.sandbox.core import moment

Record = dict[str, Any]
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
INTEGRATION = {"object": "integration", "id": "7FtS4J", "key": "klaviyo", "name": "Klaviyo", "category": "Internal"}


def number(*parts: str) -> int:
    """A large number made from texts, always the same one."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:20])


def _spelled(value: int, alphabet: str, length: int) -> str:
    letters = []
    for _ in range(length):
        value, rest = divmod(value, len(alphabet))
        letters.append(alphabet[rest])
    return "".join(letters)


def long_id(*parts: str) -> str:
    """26 letters, as profiles and campaigns have them."""
    return "01H" + _spelled(number(*parts), _CROCKFORD, 23)


def short_id(*parts: str) -> str:
    """6 letters, as metrics and flows have them."""
    return _spelled(number(*parts), _LETTERS, 6)


def event_id(*parts: str) -> str:
    """11 letters."""
    return _spelled(number(*parts), _LETTERS, 11)


def uuid_of(*parts: str) -> str:
    text = f"{number(*parts):040x}"
    return f"{text[:8]}-{text[8:12]}-11ee-8001-{text[12:24]}"


def seconds(at: datetime) -> int:
    """Seconds since 1970; a time without zone is UTC."""
    return int((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp())


def written(at: datetime) -> str:
    """2026-11-20T00:00:00+00:00."""
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).isoformat(timespec="seconds")


def later(*times: str | None) -> str:
    """The last of these times; those that are not there do not count."""
    return max((time for time in times if time is not None), key=moment)


def resource(type_: str, identifier: str, attributes: Record, related: Mapping[str, Any] | None = None) -> Record:
    record: Record = {"type": type_, "id": identifier, "attributes": attributes}
    if related is not None:
        record["relationships"] = {name: {"data": data} for name, data in related.items()}
    return record


def named(type_: str, identifiers: Sequence[str]) -> list[Record]:
    return [{"type": type_, "id": identifier} for identifier in identifiers]


def metric(name: str, created: str) -> Record:
    attributes = {"name": name, "created": created, "updated": created, "integration": INTEGRATION}
    return resource("metric", metric_id(name), attributes, {"flow-triggers": []})


def metric_id(name: str) -> str:
    return short_id("metric", name)


def event(identifier: str, metric_name: str, profile: str, at: datetime, properties: Record) -> Record:
    attributes = {
        "timestamp": seconds(at),
        "event_properties": properties,
        "datetime": written(at),
        "uuid": uuid_of("event", identifier),
    }
    return resource(
        "event", identifier, attributes,
        {
            "profile": {"type": "profile", "id": profile},
            "metric": {"type": "metric", "id": metric_id(metric_name)},
            "attributions": [],
        },
    )  # fmt: skip


def profile(identifier: str, created: str, updated: str, subscriptions: Record, **known: str | None) -> Record:
    """A profile of which little is known; `known` says what."""
    attributes: Record = dict.fromkeys(
        (
            "email", "phone_number", "external_id", "first_name", "last_name", "organization", "locale", "title",
            "image",
        )
    )  # fmt: skip
    places = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")
    attributes |= {
        "created": created, "updated": updated, "last_event_date": None, "location": dict.fromkeys(places),
        "properties": {}, "subscriptions": subscriptions, "predictive_analytics": None,
    }  # fmt: skip
    return resource("profile", identifier, {**attributes, **known})


def campaign(
    identifier: str, name: str, channel: str, send_time: str, messages: Sequence[str], tags: Sequence[str]
) -> Record:
    attributes = {
        "name": name, "status": "Sent", "archived": False,
        "audiences": {"included": [], "excluded": []},
        "send_options": {} if channel == "mobile_push" else {"use_smart_sending": True},
        "tracking_options": None,
        "send_strategy": {"method": "immediate"},
        "created_at": send_time, "scheduled_at": None, "updated_at": send_time, "send_time": send_time,
    }  # fmt: skip
    related = {"campaign-messages": named("campaign-message", messages), "tags": named("tag", tags)}
    return resource("campaign", identifier, attributes, related)


def campaign_message(identifier: str, campaign_id: str, name: str, channel: str, at: str) -> Record:
    content = {"subject": name} if channel == "email" else {"body": name}
    attributes = {
        "definition": {"channel": channel, "label": name, "content": content},
        "send_times": [{"datetime": at, "is_local": False}],
        "created_at": at, "updated_at": at,
    }  # fmt: skip
    return resource("campaign-message", identifier, attributes, {"campaign": {"type": "campaign", "id": campaign_id}})


def flow(identifier: str, name: str, trigger: str, created: str, actions: Sequence[str], tags: Sequence[str]) -> Record:
    attributes = {
        "name": name, "status": "live", "archived": False, "created": created, "updated": created,
        "trigger_type": trigger,
    }  # fmt: skip
    related = {"flow-actions": named("flow-action", actions), "tags": named("tag", tags)}
    return resource("flow", identifier, attributes, related)


def flow_action(identifier: str, flow_id: str, kind: str, message: str, name: str, at: str) -> Record:
    """A sending step of a flow, with its message."""
    definition = {
        "id": identifier, "type": kind, "links": {"next": None},
        "data": {"message": {"id": message, "name": name}, "status": "live"},
    }  # fmt: skip
    attributes = {"definition": definition, "created": at, "updated": at}
    return resource("flow-action", identifier, attributes, {"flow": {"type": "flow", "id": flow_id}})


def tag(name: str) -> Record:
    return resource("tag", uuid_of("tag", name), {"name": name})
