"""A HubSpot account on loopback for the tests of its sandbox: asking it, small records, a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from perennial.sandbox.hubspot.api import HubspotApi
from perennial.sandbox.server import Sandbox, running

TOKEN = {"authorization": "Bearer sandbox-hubspot-token"}
CONTACTS = "/crm/objects/2026-09/contacts"
CREATED, CHANGED = "2026-01-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"


class Account:
    """A sandbox of its own under a clock that only the test moves."""

    def __init__(self, **options: Any) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.api = HubspotApi(**options)
        self.sandbox = Sandbox([self.api], clock=lambda: self.at)

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@contextmanager
def client_of(account: Account) -> Iterator[httpx.Client]:
    with (
        running(account.sandbox.app()) as root,
        httpx.Client(base_url=f"{root}/hubspot", headers=TOKEN, timeout=10) as client,
    ):
        yield client


def contact(name: int, changed: str = CHANGED, **properties: str | None) -> dict[str, Any]:
    held: dict[str, str | None] = {"email": f"c{name}@example.com", "lifecyclestage": "lead", **properties}
    past = [{"value": "lead", "timestamp": CREATED, "sourceType": "CRM_UI", "sourceId": "userId:1"}]
    return {
        "id": str(name),
        "properties": held,
        "propertiesWithHistory": {"lifecyclestage": past},
        "createdAt": CREATED,
        "updatedAt": changed,
    }


def search(http: httpx.Client, filters: list[dict[str, Any]] | None = None, **body: Any) -> httpx.Response:
    groups = {"filterGroups": [{"filters": filters}]} if filters else {}
    return http.post(f"{CONTACTS}/search", json={**groups, **body})


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code in (200, 207), answer.text
    return [each["id"] for each in answer.json()["results"]]


def walk(http: httpx.Client, **params: Any) -> list[str]:
    found, url = [], f"{CONTACTS}?{httpx.QueryParams(params)}"
    while url:
        answer = http.get(url)
        found += ids(answer)
        url = answer.json().get("paging", {}).get("next", {}).get("link", "")
    return found
