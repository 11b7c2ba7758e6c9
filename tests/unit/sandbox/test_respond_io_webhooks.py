"""What the respond.io sandbox tells of by webhooks: what happened, in order, signed, with the faults of real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perennial.sandbox.respond_io.webhooks import EVENTS, Delivery, send, signature
from perennial.sandbox.server import Sandbox, running
from tests.unit.sandbox.respond_io_place import (
    OPENED,
    Place,
    contact,
    message,
    serving,
    workspace,
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, Sandbox]]:
    with serving() as found:
        yield found


@pytest.fixture
def place(address: tuple[str, Sandbox]) -> Iterator[Place]:
    with workspace(*address) as found:
        yield found


@dataclass
class Taker:
    """A receiver that notes what comes."""

    got: list[tuple[bytes, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.got.append((await request.body(), request.headers["X-Webhook-Signature"]))
        return Response(status_code=200)

    def event_ids(self) -> list[str]:
        return [json.loads(body)["event_id"] for body, _ in self.got]


@pytest.fixture
def told(place: Place) -> Place:
    """A workspace in which every kind of event happened."""
    at = OPENED.timestamp()
    place.api.seed("users", [{"id": 480_001, "firstName": "User", "lastName": "1", "email": "user1@example.com"}])
    place.api.seed("channels", [{"id": 7, "name": "Shop", "source": "whatsapp_cloud", "created_at": 1}])
    place.api.seed("contacts", [contact(1, created_at=int(at) - 60)])
    place.api.seed("contacts", [contact(1, lastName="Later", created_at=int(at) - 60, _changed_at=at + 900)])
    place.api.seed("conversations", [{
        "id": "1", "contactId": 1, "openedTime": int(at), "openedBySource": "contact", "closedTime": int(at) + 600,
        "closedBySource": "user", "category": "solved", "assigneeId": 480_001, "assigneeTeam": "front desk",
    }])  # fmt: skip
    place.api.seed("assignments", [{"id": "a1", "contactId": 1, "assigneeId": 480_001, "at": at + 60}])
    place.api.seed("messages", [
        message(int(at) * 1_000_000), message(int(at + 120) * 1_000_000, traffic="outgoing", sender={"source": "user"})
    ])  # fmt: skip
    change = {"lifecycle": "Customer", "oldLifecycle": "Lead", "action": "updated"}
    place.api.seed("lifecycle_changes", [{"id": "l1", "contactId": 1, "at": at + 800, **change}])
    return place


def test_everything_that_happened_is_told_in_its_order(told: Place) -> None:
    assert [each.event_type for each in told.api.webhooks()] == [
        "contact.created", "conversation.opened", "message.received", "contact.assignee.updated", "message.sent",
        "conversation.closed", "contact.lifecycle.updated", "contact.updated",
    ]  # fmt: skip
    assert {each.event_type for each in told.api.webhooks()} == set(EVENTS)


def test_the_bodies_say_what_the_vendor_says(told: Place) -> None:
    bodies = {each.event_type: json.loads(each.body) for each in told.api.webhooks()}
    assert bodies["conversation.opened"]["conversation"]["openedTime"] == int(OPENED.timestamp())
    closed = bodies["conversation.closed"]
    assert closed["conversation"]["closedTime"] == int(OPENED.timestamp()) + 600
    assert closed["conversation"]["assigneeTeam"] == "front desk" and closed["contact"]["assignee"]["id"] == 480_001
    assert bodies["contact.assignee.updated"]["contact"]["assignee"]["email"] == "user1@example.com"
    assert bodies["message.received"]["message"]["timestamp"] == int(OPENED.timestamp())
    assert bodies["message.sent"]["channel"]["source"] == "whatsapp_cloud"
    assert bodies["contact.updated"]["contact"]["lastName"] == "Later"
    assert bodies["contact.created"]["contact"]["lastName"] is None
    assert bodies["contact.lifecycle.updated"]["contact"]["lifecycle"] == "Customer"


def test_event_ids_are_the_same_every_time_and_of_one_event_each(told: Place) -> None:
    once, again = ([each.event_id for each in told.api.webhooks()] for _ in range(2))
    assert once == again and len(set(once)) == len(once) == 8


def test_each_webhook_can_have_a_key_of_its_own(told: Place) -> None:
    told.api._signing_keys = {"message.sent": "another"}
    with_it = [
        each.event_type
        for each in told.api.webhooks()
        if each.headers["X-Webhook-Signature"] == signature(each.body, "another")
    ]
    assert with_it == ["message.sent"]


def test_a_stretch_of_time_can_be_told_of_alone(told: Place) -> None:
    since, until = OPENED + timedelta(seconds=60), OPENED + timedelta(seconds=600)
    told_of = [each.event_type for each in told.api.webhooks(since=since, until=until)]
    assert told_of == ["contact.assignee.updated", "message.sent"]


def test_deliveries_arrive_signed_over_their_raw_bodies(told: Place) -> None:
    taker, seen = Taker(), []
    with running(Starlette(routes=[Route("/hook/{event}", taker.take, methods=["POST"])])) as root:
        sent = send(lambda each: f"{root}/hook/{each.event_type}", told.api.webhooks(), before=seen.append)
    assert [each.status for each in sent] == [200] * 8 and [each.event_id for each in sent] == taker.event_ids()
    assert all(given == signature(body, told.api.signing_key("any")) for body, given in taker.got)
    assert [each.event_id for each in seen] == taker.event_ids()


def test_deliveries_come_twice_out_of_order_and_badly_signed_when_armed(told: Place) -> None:
    for name in ("webhook_duplicate", "webhook_out_of_order", "webhook_bad_signature"):
        told.sandbox.arm("respond_io", name)
        told.client.get("/v2/space/user")  # a request leaves such a fault to the next sending
    deliveries: list[Delivery] = list(told.api.webhooks())
    taker = Taker()
    with running(Starlette(routes=[Route("/", taker.take, methods=["POST"])])) as root:
        sent = send(root + "/", deliveries, faults=told.api.webhook_faults)
    ids = [each.event_id for each in deliveries]
    assert taker.event_ids() == [ids[0], ids[0], ids[2], ids[1], ids[3], *ids[3:]]
    good = [given == signature(body, told.api.signing_key("any")) for body, given in taker.got]
    assert good == [True] * 4 + [False] + [True] * 5
    assert [each.fault for each in sent if each.fault] == [
        "webhook_duplicate", "webhook_duplicate", "webhook_out_of_order", "webhook_bad_signature",
    ]  # fmt: skip


def test_a_receiver_that_is_not_there_is_said(told: Place) -> None:
    with running(Starlette()) as root:
        pass
    assert [each.status for each in send(root, list(told.api.webhooks())[:1])] == [None]
