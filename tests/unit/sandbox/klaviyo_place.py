"""A Klaviyo over real HTTP for tests: somebody who asks, and a few records.

What lives here: no test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from perennial.sandbox.klaviyo.api import KlaviyoApi
from perennial.sandbox.server import Sandbox, running

TOKEN = "sandbox-klaviyo-token"
HEADERS = {
    "Authorization": f"Klaviyo-API-Key {TOKEN}",
    "revision": "2026-10-15",
    "Accept": "application/vnd.api+json",
}
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Place:
    """A sandbox with one Klaviyo, and somebody who asks."""

    api: KlaviyoApi
    sandbox: Sandbox
    clock: Clock
    client: httpx.Client
    root: str

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.ask(path, HEADERS, params)

    def ask(self, path: str, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> httpx.Response:
        return self.client.get(f"{self.root}/klaviyo{path}", params=dict(params) if params else None, headers=headers)

    def walk(self, path: str, **params: str) -> list[list[str]]:
        """The ids of every page, following links.next as it is."""
        pages, answer = [], self.get(path, **params)
        while True:
            body = answer.json()
            pages.append([each["id"] for each in body["data"]])
            if body["links"]["next"] is None:
                return pages
            assert body["links"]["next"].startswith(f"{self.root}/klaviyo/api/")
            answer = self.client.get(body["links"]["next"], headers=HEADERS)


@contextmanager
def klaviyo(limits: float = 1000.0) -> Iterator[Place]:
    api, clock = KlaviyoApi(limits=limits), Clock()
    sandbox = Sandbox([api], clock)
    with running(sandbox.app()) as root, httpx.Client() as client:
        yield Place(api, sandbox, clock, client, root)


@contextmanager
def filled() -> Iterator[Place]:
    """25 profiles, 12 events of which 6 share one second, a campaign per channel."""
    with klaviyo() as place:
        place.api.seed("profiles", [profile(number) for number in range(25)])
        place.api.seed("metrics", [metric("M1", "Received Email"), metric("M2", "Opened Email")])
        place.api.seed(
            "events", [event(number, f"P{number % 3:03d}", 7 if number < 6 else number) for number in range(12)]
        )
        place.api.seed("campaign-messages", [message("e1", "email"), message("s1", "sms")])
        place.api.seed("campaigns", [campaign("CE", "e1"), campaign("CS", "s1")])
        place.api.seed(
            "lists", [{"type": "list", "id": f"L{number:02d}", "attributes": {"name": "x"}} for number in range(11)]
        )
        yield place


def at(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def profile(number: int, updated: int | None = None, **attributes: Any) -> dict[str, Any]:
    marketing = {"can_receive_email_marketing": True, "consent": "SUBSCRIBED", "consent_timestamp": at(0)}
    return {
        "type": "profile",
        "id": f"P{number:03d}",
        "attributes": {
            "email": f"p{number}@example.com",
            "phone_number": None,
            "external_id": f"c-{number}",
            "created": at(0),
            "updated": at(number if updated is None else updated),
            "location": {"city": "Leeds", "country": "GB"},
            "properties": {},
            "subscriptions": {"email": {"marketing": marketing}},
            "predictive_analytics": {"churn_probability": 0.25},
            **attributes,
        },
    }


def suppressed(record: dict[str, Any], *seconds: int) -> dict[str, Any]:
    """The profile with a suppression of each of these times."""
    told = [{"reason": "USER_SUPPRESSED", "timestamp": at(each)} for each in seconds]
    record["attributes"]["subscriptions"]["email"]["marketing"]["suppression"] = told
    return record


def event(number: int, owner: str, seconds: int, metric_id: str = "M1") -> dict[str, Any]:
    when = START + timedelta(seconds=seconds)
    return {
        "type": "event",
        "id": f"E{number:05d}",
        "attributes": {
            "timestamp": int(when.timestamp()),
            "datetime": when.isoformat(),
            "uuid": f"u{number}",
            "event_properties": {"$message": "m1"},
        },
        "relationships": {
            "profile": {"data": {"type": "profile", "id": owner}},
            "metric": {"data": {"type": "metric", "id": metric_id}},
        },
    }


def metric(identifier: str, name: str) -> dict[str, Any]:
    integration = {"name": "Klaviyo", "category": "Internal"}
    return {"type": "metric", "id": identifier, "attributes": {"name": name, "integration": integration}}


def message(identifier: str, channel: str) -> dict[str, Any]:
    return {"type": "campaign-message", "id": identifier, "attributes": {"definition": {"channel": channel}}}


def campaign(identifier: str, message_id: str) -> dict[str, Any]:
    related = {"campaign-messages": {"data": [{"type": "campaign-message", "id": message_id}]}, "tags": {"data": []}}
    attributes = {"name": identifier, "status": "Sent", "archived": False, "created_at": at(0), "updated_at": at(0)}
    return {"type": "campaign", "id": identifier, "attributes": attributes, "relationships": related}


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    (one,) = answer.json()["errors"]
    assert one["status"] == answer.status_code and one["id"] and one["title"] and one["detail"]
    assert answer.headers["content-type"] == "application/vnd.api+json"
    return answer.status_code, one["code"], one["source"].get("parameter")
