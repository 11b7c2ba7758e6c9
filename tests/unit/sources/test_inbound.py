"""The receiver over real HTTP: what it keeps and what it turns away."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial.sandbox.respond_io.api import RespondIoApi
from perennial.sandbox.respond_io.webhooks import send
from perennial.sandbox.server import running
from perennial.sources.inbound import LARGEST_BODY, Hook, closed_segments, receiver
from tests.unit.sources.inbound_place import (
    HEADERS,
    HOOKS,
    KEY,
    Clock,
    Place,
    event,
    kept,
    receiving,
    signature,
    signed,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with receiving(tmp_path / "inbox") as found:
        yield found


@pytest.mark.parametrize(
    ("path", "scheme"),
    [("/chat/messages", "respond_io"), ("/shop/orders", "shopify"), ("/store/orders", "woocommerce")],
)
def test_a_signed_delivery_is_on_disk_when_it_is_acknowledged(place: Place, path: str, scheme: str) -> None:
    _, source, hook = path.split("/")
    assert place.post(event(1), path, scheme) == 200
    (segment,) = (place.inbox / source).glob("*.jsonl")  # what is being written: nothing was closed
    assert segment.name == "2026-03-01T09-1.jsonl"
    line = json.loads(segment.read_bytes())
    assert line == {"received_at": "2026-03-01T09:59:30Z", "hook": hook, "body": json.loads(event(1))}


def test_the_body_is_kept_as_it_came(place: Place) -> None:
    body = '{"id": 12345678901234567890, "x": 1.10,\r\n  "ä": "a\\nb\\u2028", "x": 2}\n'.encode()
    assert place.post(body) == 200
    (segment,) = closed_segments(place.inbox, "chat")
    assert segment.read_bytes().count(b"\n") == 1
    assert b'"body": ' + body.strip().replace(b"\r\n", b"  ") + b"}\n" in segment.read_bytes()


def test_headers_that_say_what_came_are_kept_and_no_others(place: Place) -> None:
    more = {"X-Shopify-Topic": "orders/updated", "X-Shopify-Webhook-Id": "w1", "Authorization": "Bearer secret"}
    assert place.post(event(1), "/shop/orders", "shopify", **more) == 200
    assert kept(place.inbox, "shop")[0]["headers"] == {
        "x-shopify-topic": "orders/updated",
        "x-shopify-webhook-id": "w1",
    }


def test_what_the_sandbox_sends_is_kept_and_what_it_signs_badly_is_not(tmp_path: Path) -> None:
    api = RespondIoApi(signing_keys={"contact.created": "first", "contact.updated": "second"})
    api.seed("contacts", [{"id": 1, "created_at": 1_700_000_000}])
    api.seed("contacts", [{"id": 1, "created_at": 1_700_000_000, "tags": ["vip"], "_changed_at": 1_700_000_100}])
    hooks = {"chat/contact.created": Hook("respond_io", "first"), "chat/contact.updated": Hook("respond_io", "second")}
    clock = Clock()
    with running(receiver(tmp_path, hooks, clock=clock)) as root:
        sent = send(
            lambda each: f"{root}/chat/{each.event_type}",
            api.webhooks(),
            faults=["webhook_bad_signature", "webhook_duplicate"],
            before=lambda each: setattr(clock, "at", each.at),
        )
        lines = kept(tmp_path)
    assert [each.status for each in sent] == [401, 200, 200, 200]
    assert [each["hook"] for each in lines] == ["contact.created", "contact.updated", "contact.updated"]
    assert lines[1]["body"] == lines[2]["body"] and lines[0]["received_at"] == "2023-11-14T22:13:20Z"


# what is turned away


def test_a_wrong_signature_keeps_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    body = event(1)
    wrong = [
        {},
        {HEADERS["respond_io"]: ""},
        {HEADERS["respond_io"]: "ünsigned".encode()},
        {HEADERS["respond_io"]: signature(body, "another key")},
        {HEADERS["respond_io"]: signature(event(2))},
        {HEADERS["shopify"]: signature(body)},
    ]
    for headers in wrong:
        assert place.client.post("/chat/messages", content=body, headers=headers).status_code == 401  # type: ignore[arg-type]
    assert place.client.post("/chat/contacts", content=body, headers=signed(body)).status_code == 401
    assert kept(place.inbox) == [] and not list(place.inbox.rglob("*.jsonl"))
    assert "wrong signature" in caplog.text and "e1" not in caplog.text and KEY not in caplog.text


def test_a_hook_that_is_not_configured_takes_nothing(place: Place) -> None:
    for path in ("/chat/orders", "/other/messages", "/chat/..%2Fmessages", "/chat", "/"):
        assert place.post(event(1), path) == 404
    assert place.client.get("/chat/messages").status_code == 405
    assert not place.inbox.exists()


NO_OBJECTS = [
    b"",
    b"webhook_id=7",
    b"{",
    b'{"x": NaN}',
    b'\xff{"x": 1}',
    b"null",
    b"[" * 200_000,
    b"[{}]",
    b'"x"',
    b"7",
]


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_a_signed_body_that_is_no_json_object_is_refused(place: Place, body: bytes) -> None:
    assert place.post(body) == 400
    assert kept(place.inbox) == []


def test_woocommerce_may_ask_unsigned_whether_anybody_is_there(place: Place) -> None:
    assert place.client.post("/store/orders", content=b"webhook_id=7").status_code == 200
    assert place.client.post("/store/orders", content=b"webhook_id=7&x=1").status_code == 401
    assert kept(place.inbox, "store") == []


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(place: Place) -> None:
    body = b'{"x": "' + b"a" * (LARGEST_BODY - 9) + b'"}'
    assert len(body) == LARGEST_BODY and place.post(body) == 200
    assert place.post(body + b" ") == 413
    assert len(kept(place.inbox)) == 1


def ask(place: Place, request: bytes) -> bytes:
    """Send bytes, and read until the receiver closes."""
    url = place.client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_a_body_said_to_be_too_large_is_refused_before_it_comes(place: Place) -> None:
    head = f"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode()
    assert ask(place, head).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_turns_out_too_large_is_refused_without_reading_on(place: Place) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    head = b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(place, head + chunk * 17).startswith(b"HTTP/1.1 413 ")  # the last chunk is never sent


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    head = b"POST /chat/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    with receiving(tmp_path, seconds_for_a_body=0.2) as place:
        assert ask(place, head).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("scheme", "secret"), [("respond_io", ""), ("hubspot", KEY)])
def test_a_hook_without_a_key_or_with_an_unknown_scheme_cannot_be_made(scheme: str, secret: str) -> None:
    with pytest.raises(ValueError, match=r"signing key|no signature scheme"):
        Hook(scheme, secret)


@pytest.mark.parametrize(
    "name", ["messages", "/messages", "chat/", "../messages", "chat/.hidden", "chat/a/b", "chat/a b"]
)
def test_a_name_that_is_no_place_in_the_inbox_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a hook"):
        receiver(tmp_path, {name: Hook("respond_io", KEY)})


def test_a_hook_does_not_show_its_key() -> None:
    assert KEY not in repr(HOOKS)
