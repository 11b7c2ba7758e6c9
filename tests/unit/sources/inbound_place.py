"""A receiver over real HTTP for tests, and what it keeps.

What lives here: no test.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from perennial.sandbox.server import running
from perennial.sources.inbound import Hook, closed_segments, receiver

KEY = "a signing key"
HEADERS = {
    "respond_io": "X-Webhook-Signature",
    "shopify": "X-Shopify-Hmac-Sha256",
    "woocommerce": "X-WC-Webhook-Signature",
}
HOOKS = {
    "chat/messages": Hook("respond_io", KEY),
    "chat/contacts": Hook("respond_io", "another key"),
    "shop/orders": Hook("shopify", KEY),
    "store/orders": Hook("woocommerce", KEY),
}
START = datetime(2026, 3, 1, 9, 59, 30, tzinfo=UTC)


def signature(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def signed(body: bytes, scheme: str = "respond_io", key: str = KEY) -> dict[str, str]:
    return {HEADERS[scheme]: signature(body, key), "Content-Type": "application/json"}


def event(number: int) -> bytes:
    return json.dumps({"event_type": "message.received", "event_id": f"e{number}"}).encode()


@dataclass
class Clock:
    at: datetime = START

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Place:
    """A receiver in a thread, and its inbox."""

    inbox: Path
    client: httpx.Client
    clock: Clock = field(default_factory=Clock)

    def post(self, body: bytes, path: str = "/chat/messages", scheme: str = "respond_io", **more: str) -> int:
        headers = {**signed(body, scheme), **more}
        return self.client.post(path, content=body, headers=headers).status_code


@contextmanager
def receiving(inbox: Path, **options: Any) -> Iterator[Place]:
    clock = Clock()
    with (
        running(receiver(inbox, HOOKS, clock=clock, **options)) as root,
        httpx.Client(base_url=root, trust_env=False) as client,
    ):
        yield Place(inbox, client, clock)


def kept(inbox: Path, source: str = "chat") -> list[dict[str, Any]]:
    """Every line the night would take, whole; closes what is being written."""
    return [json.loads(line) for each in closed_segments(inbox, source) for line in each.read_bytes().splitlines()]


def event_ids(lines: list[dict[str, Any]]) -> list[str]:
    return [each["body"]["event_id"] for each in lines]
