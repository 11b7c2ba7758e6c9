"""The receiver over real HTTP: what it keeps, what it turns away, and that what it acknowledged outlives it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from perennial.config.failpoints import Failpoints
from perennial.sandbox.respond_io.api import RespondIoApi
from perennial.sandbox.respond_io.webhooks import send
from perennial.sandbox.server import running
from perennial.sources import inbox as files
from perennial.sources.inbound import LARGEST_BODY, Hook, closed_segments, forget, receiver

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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with receiving(tmp_path / "inbox") as found:
        yield found


def kept(inbox: Path, source: str = "chat") -> list[dict[str, Any]]:
    """Every line the night would take, whole; closes what is being written."""
    return [json.loads(line) for each in closed_segments(inbox, source) for line in each.read_bytes().splitlines()]


def event_ids(lines: list[dict[str, Any]]) -> list[str]:
    return [each["body"]["event_id"] for each in lines]


# what is kept


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


@pytest.mark.parametrize("body", [b"", b"webhook_id=7", b"{", b'{"x": NaN}', b'\xff{"x": 1}', b"null", b"[" * 200_000])
def test_a_signed_body_that_is_no_json_is_refused(place: Place, body: bytes) -> None:
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


# segments


def test_an_hour_has_a_segment_of_its_own(place: Place) -> None:
    for number in range(3):
        assert place.post(event(number)) == 200
        place.clock.at += timedelta(seconds=30)
    names = [each.name for each in closed_segments(place.inbox, "chat")]
    assert names == ["2026-03-01T09-1.jsonl", "2026-03-01T10-2.jsonl"]
    assert event_ids(kept(place.inbox)) == ["e0", "e1", "e2"]


def test_a_full_segment_is_followed_by_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_SEGMENT", 200)
    for number in range(5):
        place.post(event(number))
    assert len(closed_segments(place.inbox, "chat")) > 1
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(5)]


def test_what_comes_after_closing_is_in_another_segment_and_no_name_comes_twice(place: Place) -> None:
    names = []
    for number in range(12):
        assert place.post(event(number)) == 200
        (segment,) = closed_segments(place.inbox, "chat")
        assert event_ids([json.loads(segment.read_bytes())]) == [f"e{number}"]
        names.append(segment.name)
        forget([segment])
    assert closed_segments(place.inbox, "chat") == []
    assert names == [f"2026-03-01T09-{number}.jsonl" for number in range(1, 13)]


def test_segments_stay_until_they_are_forgotten_and_come_in_their_order(place: Place) -> None:
    for number in range(11):
        place.post(event(number))
        closed_segments(place.inbox, "chat")
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(11)]
    first = closed_segments(place.inbox, "chat")[:4]
    forget(first)
    forget(first)  # a night that was cut off forgets again
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(4, 11)]


def test_a_segment_that_is_being_written_cannot_be_forgotten(place: Place) -> None:
    place.post(event(1))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    with pytest.raises(ValueError, match="is not closed"):
        forget([written])
    assert event_ids(kept(place.inbox)) == ["e1"]


def test_sources_do_not_meet(place: Place) -> None:
    place.post(event(1))
    place.post(event(2), "/shop/orders", "shopify")
    assert event_ids(kept(place.inbox)) == ["e1"] and event_ids(kept(place.inbox, "shop")) == ["e2"]


def test_a_source_that_received_nothing_has_no_segments(tmp_path: Path) -> None:
    assert closed_segments(tmp_path, "chat") == []
    assert not (tmp_path / "chat").exists()


def test_only_the_owner_can_read_what_is_kept(place: Place) -> None:
    place.post(event(1))
    closed_segments(place.inbox, "chat")
    place.post(event(2))
    modes = {stat.S_IMODE(each.stat().st_mode) for each in place.inbox.rglob("*") if each.is_file()}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in [place.inbox, *place.inbox.rglob("*")] if each.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


# what goes wrong


@pytest.mark.parametrize(
    "tail",
    [
        b'{"received_at": "2026-03-01T09:59:30Z", "hook": "messages", "bo',
        b'{"received_at": "2026-03-01T09:59:30Z", "hook": "messages", "body": {}}',
        b"\0" * 40 + b'"event_id": "e9"}}\n',
        b'{"received_at": "2026-03-01T09:59:30Z", ' + b"\0" * 40 + b"}}\n",
    ],
)
def test_a_torn_last_line_is_set_aside_and_said(place: Place, caplog: pytest.LogCaptureFixture, tail: bytes) -> None:
    for number in range(2):
        place.post(event(number))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    with written.open("ab") as handle:
        handle.write(tail)
    with caplog.at_level(logging.WARNING):
        assert event_ids(kept(place.inbox)) == ["e0", "e1"]
    assert (place.inbox / "chat" / "torn" / written.name).read_bytes() == tail
    assert f"{written.name}: {len(tail)} bytes of a delivery" in caplog.text and "received_at" not in caplog.text
    assert event_ids(kept(place.inbox)) == ["e0", "e1"]


def test_a_segment_with_nothing_whole_in_it_goes_away(place: Place) -> None:
    place.post(event(1))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    written.write_bytes(b'{"received_at"')
    assert closed_segments(place.inbox, "chat") == []
    assert (place.inbox / "chat" / "torn" / written.name).read_bytes() == b'{"received_at"'


@pytest.mark.parametrize("where", ["inbound_ready", "inbound_half", "inbound_written"])
def test_a_full_disk_is_answered_503_and_leaves_no_half_line(
    tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(tmp_path, failpoint=Failpoints(where, 2, "enospc")) as place:
        assert [place.post(event(number)) for number in range(4)] == [200, 503, 200, 200]
        assert event_ids(kept(tmp_path)) == ["e0", "e2", "e3"]
    assert not (tmp_path / "chat" / "torn").exists()
    assert "No space left" in caplog.text and "e1" not in caplog.text


# a receiver that dies

RUN = """
import sys
from pathlib import Path
from perennial.config.failpoints import Failpoints
from perennial.sources.inbound import Hook, receiver, serve

inbox, port, key, place, number, effect = sys.argv[1:]
failpoint = Failpoints(place, int(number), effect)
app = receiver(Path(inbox), {"chat/messages": Hook("respond_io", key)}, failpoint=failpoint)
serve(app, port=int(port))
"""


@contextmanager
def in_a_process(
    inbox: Path, place: str = "", number: int = 0, effect: str = "kill9"
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-c", RUN, str(inbox), str(port), KEY, place, str(number), effect]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}/chat/messages"
    finally:
        process.kill()
        process.wait()


def post_until_refused(url: str, numbers: Iterator[int], acknowledged: list[str]) -> None:
    with httpx.Client(trust_env=False, timeout=10) as client:
        for number in numbers:
            body = event(number)
            try:
                answer = client.post(url, content=body, headers=signed(body))
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                acknowledged.append(f"e{number}")


def wait_for_more(acknowledged: list[str], count: int) -> None:
    wanted, until = len(acknowledged) + count, time.monotonic() + 30
    while len(acknowledged) < wanted and time.monotonic() < until:
        time.sleep(0.005)


@pytest.mark.parametrize("where", ["inbound_ready", "inbound_half", "inbound_written", "inbound_synced"])
def test_what_was_acknowledged_outlives_a_kill_at_any_point(tmp_path: Path, where: str) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path, where, 4) as (process, url):
        post_until_refused(url, iter(range(10)), acknowledged)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert acknowledged == ["e0", "e1", "e2"]
    survived = event_ids(kept(tmp_path))
    assert survived == acknowledged + (["e3"] if where in ("inbound_written", "inbound_synced") else [])
    assert (tmp_path / "chat" / "torn").exists() == (where == "inbound_half")
    with in_a_process(tmp_path) as (_, url):  # the next one writes on, and the vendor sends again what was not taken
        post_until_refused(url, iter(range(3, 6)), acknowledged)
        survived = event_ids(kept(tmp_path))
    assert sorted(set(survived)) == sorted(acknowledged) == ["e0", "e1", "e2", "e3", "e4", "e5"]


def test_the_night_takes_all_that_was_acknowledged_while_deliveries_come_and_receivers_are_killed(
    tmp_path: Path,
) -> None:
    """Five receivers, one after the other, each killed in the middle of four senders, with closing all the while."""
    taken: list[str] = []
    acknowledged: list[str] = []
    for round_number in range(5):
        with in_a_process(tmp_path) as (process, url):
            first = round_number * 100_000
            streams = [iter(range(first + 20_000 * lane, first + 20_000 * (lane + 1))) for lane in range(4)]
            senders = [
                threading.Thread(target=post_until_refused, args=(url, stream, acknowledged)) for stream in streams
            ]
            for each in senders:
                each.start()
            for _ in range(4):
                wait_for_more(acknowledged, 10)
                before = set(acknowledged)
                segments = closed_segments(tmp_path, "chat")
                taken += event_ids([json.loads(line) for each in segments for line in each.read_bytes().splitlines()])
                forget(segments)
                assert before <= set(taken)
            os.kill(process.pid, signal.SIGKILL)
            for each in senders:
                each.join(timeout=30)
    taken += event_ids(kept(tmp_path))
    assert len(acknowledged) >= 200 and set(acknowledged) <= set(taken)
    assert len(taken) == len(set(taken))
    unacknowledged = len(taken) - len(acknowledged)
    assert unacknowledged <= 5 * 4  # at most what each sender had under way


def test_closing_waits_for_the_line_that_is_being_written(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path, "inbound_half", 2, "stop") as (process, url):
        sender = threading.Thread(target=post_until_refused, args=(url, iter(range(2)), acknowledged))
        sender.start()
        os.waitpid(process.pid, os.WUNTRACED)  # stands still in the middle of the second line
        taken: list[str] = []
        closing = threading.Thread(target=lambda: taken.extend(event_ids(kept(tmp_path))))
        closing.start()
        closing.join(timeout=0.5)
        assert closing.is_alive() and acknowledged == ["e0"]
        os.kill(process.pid, signal.SIGCONT)
        closing.join(timeout=30)
        sender.join(timeout=30)
    assert taken == acknowledged == ["e0", "e1"]


def test_two_receivers_of_one_source_do_not_mix_their_lines(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path) as (_, one), in_a_process(tmp_path) as (_, other):
        senders = [
            threading.Thread(target=post_until_refused, args=(url, iter(range(first, first + 40)), acknowledged))
            for first, url in ((0, one), (100, other), (200, one), (300, other))
        ]
        for each in senders:
            each.start()
        for each in senders:
            each.join(timeout=60)
    assert len(acknowledged) == 160
    assert sorted(event_ids(kept(tmp_path))) == sorted(acknowledged)
    assert all(re.fullmatch(r"[\d-]+T\d\d-\d+\.jsonl", each.name) for each in closed_segments(tmp_path, "chat"))
