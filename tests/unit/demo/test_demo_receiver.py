"""The demo's channel over real loopback HTTP: signatures, keys taken once, members kept over a restart."""

from __future__ import annotations

import base64
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from perennial.demo.receiver import Receiver, start_receiver
from perennial.destinations.base import Batch, Row
from perennial.destinations.webhook import WebhookDestination

SECRET = "whsec_" + base64.b64encode(b"the channel and the sender know this").decode()


def row(key: str, customer_id: str = "c1", action: str = "join") -> dict[str, Any]:
    return {"key": key, "action": action, "customer_id": customer_id, "email": f"{customer_id}@example.com"}


def body(*rows: dict[str, Any], **changes: Any) -> bytes:
    data = {"audience": "win_back", "destination": "mailer", "rows": list(rows)} | changes
    return json.dumps(
        {"type": "audience.membership.changed", "timestamp": "2026-11-01T00:00:00Z", "data": data}
    ).encode()


def send(receiver: Receiver, content: bytes, *, secret: str = SECRET, at: datetime | None = None) -> httpx.Response:
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, content.decode()),
    }
    return httpx.post(f"{receiver.url}/perennial", content=content, headers=headers, timeout=10)


def received(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "membership.jsonl").read_text().splitlines()]


def test_a_signed_batch_is_taken_answered_and_written_down(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        answer = send(receiver, body(row("k1"), row("k2", "c2")))
        assert answer.status_code == 200
        assert answer.json() == {"accepted": 2, "rejected": []}
        assert sorted(receiver.members()["win_back", "mailer"]) == ["c1", "c2"]
    assert [(r["key"], r["action"], r["audience"]) for r in received(tmp_path)] == [
        ("k1", "join", "win_back"),
        ("k2", "join", "win_back"),
    ]
    assert (tmp_path / "membership.jsonl").stat().st_mode & 0o077 == 0


def test_a_repeated_key_is_accepted_and_has_no_second_effect(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        send(receiver, body(row("k1"), row("k1")))
        send(receiver, body(row("k2", action="leave")))
        again = send(receiver, body(row("k1")))  # an old join, sent again, must not bring the person back
        assert again.json() == {"accepted": 1, "rejected": []}
        assert receiver.members()["win_back", "mailer"] == {}
    assert [r["key"] for r in received(tmp_path)] == ["k1", "k2"]


def wrong_secret(receiver: Receiver) -> httpx.Response:
    return send(receiver, body(row("k1")), secret="whsec_" + base64.b64encode(b"a guess").decode())


def no_headers(receiver: Receiver) -> httpx.Response:
    return httpx.post(receiver.url, content=body(row("k1")), timeout=10)


def changed_body(receiver: Receiver) -> httpx.Response:
    content, at = body(row("k1")), datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", at, content.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    return httpx.post(receiver.url, content=content.replace(b"join", b"leave"), headers=headers, timeout=10)


def stale(receiver: Receiver) -> httpx.Response:
    return send(receiver, body(row("k1")), at=datetime.now(UTC) - timedelta(minutes=20))


def nonsense_signature(receiver: Receiver) -> httpx.Response:
    headers = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "no comma here"}
    return httpx.post(receiver.url, content=body(row("k1")), headers=headers, timeout=10)


@pytest.mark.parametrize("attempt", [wrong_secret, no_headers, changed_body, stale, nonsense_signature])
def test_a_request_that_is_not_signed_right_is_refused_and_leaves_no_trace(tmp_path: Path, attempt: Any) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        assert attempt(receiver).status_code == 401
        assert receiver.members() == {}
    assert not (tmp_path / "membership.jsonl").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps({"type": "something.else", "data": {}}).encode(), "type"),
        (body(row("k1"), audience=7), "audience"),
        (body({"key": "k1", "action": "join"}), "row 0"),
        (body(row("k1"), row("k2", action="delete")), "row 1"),
    ],
)
def test_a_signed_body_that_is_not_understood_is_refused_whole_and_says_why(
    tmp_path: Path, content: bytes, says: str
) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        answer = send(receiver, content)
        assert answer.status_code == 400
        assert says in answer.json()["error"]
        assert receiver.members() == {}


def test_members_and_keys_survive_a_restart_and_a_line_cut_off_by_a_kill(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        send(receiver, body(row("k1"), row("k2", "c2")))
    with (tmp_path / "membership.jsonl").open("ab") as file:
        file.write(b'{"received_at": "2026-11-01T00:00:00+00:00", "audience": "win_b')
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        assert sorted(receiver.members()["win_back", "mailer"]) == ["c1", "c2"]
        send(receiver, body(row("k1"), row("k3", "c3")))
    assert [r["key"] for r in received(tmp_path)] == ["k1", "k2", "k3"]


def test_the_webhook_destination_and_the_demos_channel_understand_each_other(tmp_path: Path) -> None:
    rows = tuple(Row(f"k{n}", "join", f"c{n}", f"c{n}@example.com", {"first_name": "Ada"}) for n in range(7))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        sender = WebhookDestination(f"{receiver.url}/perennial", SECRET, allow_private_address=True)
        for _ in range(2):  # the second time as a repeat after a lost answer
            result = sender.send(Batch("win_back", "mailer", "plan-1", at, "email", ("first_name",), rows))
            assert {row.word for row in result.rows.values()} == {"acknowledged"} and len(result.rows) == 7
        leaving = Batch(
            "win_back", "mailer", "plan-2", at, "email", (), (Row("k9", "leave", "c1", "c1@example.com", {}),)
        )
        assert sender.send(leaving).stopped is None
        sender.close()
        assert sorted(receiver.members()["win_back", "mailer"]) == ["c0", "c2", "c3", "c4", "c5", "c6"]
    assert len(received(tmp_path)) == 8


def test_batches_sent_at_the_same_time_are_each_taken_once(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        batches = [body(*(row(f"k{n}", f"c{n}") for n in range(start, start + 20))) for start in range(0, 200, 10)]
        threads = [threading.Thread(target=send, args=(receiver, batch)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(receiver.members()["win_back", "mailer"]) == 210
    keys = [r["key"] for r in received(tmp_path)]
    assert len(keys) == len(set(keys)) == 210


def test_a_body_without_a_length_or_far_too_large_is_refused_unread(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path) as receiver:
        chunked = httpx.post(receiver.url, content=iter([b"{}"]), timeout=10)
        assert chunked.status_code == 411
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as line:
            line.sendall(b"POST / HTTP/1.1\r\nHost: channel\r\nContent-Length: 1000000000\r\n\r\n")
            assert line.recv(200).startswith(b"HTTP/1.1 413")


def test_two_receivers_cannot_share_a_port(tmp_path: Path) -> None:
    with start_receiver(secret=SECRET, folder=tmp_path / "a") as first:
        second = start_receiver(first.port, SECRET, tmp_path / "b")
        with pytest.raises(OSError):
            second.__enter__()
