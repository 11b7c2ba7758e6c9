"""The webhook against a real loopback receiver: what counts as delivered, what is repeated and what never is."""

from __future__ import annotations

import json
import math
import select
import socket
import time

import pytest

from perennial.destinations.base import Terminal, Transient
from tests.support.sink import Sink, rows_of, run_sink, seeded_faults
from tests.unit.destinations.support import batch, batch_of, raw_server, row, webhook


def words(result: object) -> set[str]:
    return {found.word for found in result.rows.values()}  # type: ignore[attr-defined]


def test_a_batch_is_signed_and_every_row_acknowledged_with_a_receipt() -> None:
    with run_sink() as sink:
        result = webhook(sink.url).send(batch([row(1, first_name="Zoë"), row(2, "leave", first_name="Bo")]))
    body = json.loads(sink.bodies[0])
    assert body["type"] == "audience.membership.changed"
    assert body["timestamp"] == "2026-03-01T03:00:00.000Z"
    assert body["data"] == {
        "audience": "win_back",
        "destination": "mailer",
        "rows": [
            {"key": "key-join-00001", "action": "join", "customer_id": "c00001", "email": "c00001@example.com",
             "first_name": "Zoë"},
            {"key": "key-leave-00002", "action": "leave", "customer_id": "c00002", "email": "c00002@example.com"},
        ],
    }  # fmt: skip
    assert words(result) == {"acknowledged"}
    assert result.rows["key-join-00001"].detail == sink.message_ids[0]
    assert sink.refused_signatures == 0


def test_a_wrong_secret_ends_at_once_and_nothing_is_acknowledged() -> None:
    with run_sink(secret="whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA==") as sink:
        result = webhook(sink.url).send(batch_of(3))
    assert isinstance(result.stopped, Terminal)
    assert "secret_env" in str(result.stopped)
    assert words(result) == {"retryable"}
    assert (sink.calls, sink.refused_signatures) == (1, 1)


@pytest.mark.parametrize("secret", ["", "whsec_", "plain words", "c2hvcnQ="])
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str) -> None:
    from perennial.destinations.webhook import WebhookDestination

    with pytest.raises(Terminal) as caught:
        WebhookDestination("https://example.com/", secret)
    assert "base64" in str(caught.value)
    assert not secret.strip() or secret not in str(caught.value).replace("whsec_ and", "")


@pytest.mark.parametrize(
    ("fault", "calls", "words_found", "says"),
    [
        ("401", 1, {"retryable"}, "does not accept our signature"),
        ("302", 1, {"retryable"}, "redirects are not followed"),
        ("garbage", 1, {"ambiguous"}, "a web page"),
        ("errors", 1, {"ambiguous"}, "reports errors"),
        ("number", 1, {"ambiguous"}, "not a JSON object"),
        ("huge", 1, {"ambiguous"}, "more than 1048576 bytes"),
        ("429", 3, {"retryable"}, "HTTP 429"),
        ("500", 3, {"ambiguous"}, "HTTP 500"),
    ],
)
def test_an_answer_that_is_no_receipt_acknowledges_nothing(
    fault: str, calls: int, words_found: set[str], says: str
) -> None:
    with run_sink(Sink(faults=iter([fault] * 99))) as sink:
        result = webhook(sink.url, attempts=3).send(batch_of(4))
    assert words(result) == words_found
    assert says in str(result.stopped)
    assert (sink.calls, len(sink.effects)) == (calls, 0)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ((204, {}, b""), "acknowledged"),
        ((200, {}, b""), "acknowledged"),
        ((202, {}, b"{}"), "acknowledged"),
        ((200, {}, b'{"rejected": "all"}'), "ambiguous"),
        ((200, {}, b'{"rejected": [{"key": "never sent"}]}'), "ambiguous"),
        ((200, {}, b'{"rejected": [{"reason": "which?"}]}'), "ambiguous"),
        ((200, {}, b"OK"), "ambiguous"),
        ((200, {}, b'{"a":' * 100_000), "ambiguous"),
        ((200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08garbage"), "ambiguous"),
    ],
)
def test_only_an_empty_or_understood_answer_is_a_receipt(answer: tuple[int, dict[str, str], bytes], word: str) -> None:
    with run_sink(Sink(answer=answer)) as sink:
        assert words(webhook(sink.url).send(batch_of(2))) == {word}


def test_rows_the_channel_names_are_rejected_and_the_others_acknowledged() -> None:
    reasons = {f"c{number:05d}": "no such box: ann@example.com, +44 7700 900123" for number in (7, 40, 99)}
    with run_sink(Sink(rejects=reasons)) as sink:
        result = webhook(sink.url).send(batch_of(100))
    rejected = {key: found.detail for key, found in result.rows.items() if found.word == "rejected"}
    assert rejected == {f"key-join-{number:05d}": "no such box: <address> <number>" for number in (7, 40, 99)}
    assert sum(found.word == "acknowledged" for found in result.rows.values()) == 97
    assert result.stopped is None


@pytest.mark.parametrize("place", [0, 1, 499, 500, 777, 998, 999])
def test_one_row_that_spoils_a_thousand_is_found_in_few_calls(place: int) -> None:
    with run_sink(Sink(poison={f"c{place:05d}"})) as sink:
        result = webhook(sink.url).send(batch_of(1000))
    assert [key for key, found in result.rows.items() if found.word != "acknowledged"] == [f"key-join-{place:05d}"]
    assert result.rows[f"key-join-{place:05d}"].detail == "answered HTTP 400: a row is not right"
    assert len(sink.effects) == 999
    assert sink.calls - 1 <= 2 * math.log2(1000)


def test_several_rows_that_spoil_a_batch_are_each_found() -> None:
    bad = {"c00003", "c00004", "c00090"}
    with run_sink(Sink(poison=bad)) as sink:
        result = webhook(sink.url).send(batch_of(128))
    assert {key[-5:] for key, found in result.rows.items() if found.word == "rejected"} == {each[-5:] for each in bad}
    assert sink.calls - 1 <= 3 * 2 * math.log2(128)


def test_a_receiver_that_refuses_every_row_is_left_alone_soon() -> None:
    with run_sink(Sink(poison={f"c{number:05d}" for number in range(500)})) as sink:
        result = webhook(sink.url).send(batch_of(500))
    assert "refuses every row" in str(result.stopped)
    assert sink.calls < 50


def test_a_repeat_has_the_same_id_and_the_same_bytes() -> None:
    with run_sink(Sink(faults=iter(["500", "lost", "effect_then_500"]))) as sink:
        result = webhook(sink.url).send(batch_of(5))
        webhook(sink.url).send(batch_of(5))
        webhook(sink.url).send(batch_of(4))
    assert words(result) == {"acknowledged"}
    assert len(sink.bodies) == 6
    assert len(set(sink.bodies)) == len(set(sink.message_ids)) == 2
    assert set(sink.effects.values()) == {1}


def test_a_try_that_may_have_worked_makes_the_whole_call_ambiguous() -> None:
    with run_sink(Sink(faults=iter(["500", "429", "429"]))) as sink:
        result = webhook(sink.url, attempts=3).send(batch_of(1))
    assert words(result) == {"ambiguous"}


def test_nothing_is_lost_or_doubled_under_seeded_faults() -> None:
    faults = seeded_faults(11, 10_000, {"500": 0.1, "effect_then_500": 0.1, "429": 0.1, "lost": 0.05})
    with run_sink(Sink(faults=faults)) as sink:
        sender = webhook(sink.url, attempts=12)
        for start in range(0, 2000, 20):
            result = sender.send(batch([row(number) for number in range(start, start + 20)]))
            assert words(result) == {"acknowledged"}
    assert len(sink.effects) == 2000
    assert sink.duplicate_effects == 0
    assert sink.calls <= 1.8 * 100


def test_a_receiver_that_forgets_keys_does_get_doubles_so_the_counting_can_fail() -> None:
    with run_sink(Sink(faults=iter(["effect_then_500", "lost"]), plain=True)) as sink:
        webhook(sink.url).send(batch_of(5))
    assert sink.duplicate_effects == 10


def test_a_busy_receiver_is_not_asked_again_before_its_time() -> None:
    with run_sink(Sink(faults=iter(["429 for a second"]))) as sink:
        assert words(webhook(sink.url).send(batch_of(1))) == {"acknowledged"}
    assert sink.seen_at[1] - sink.seen_at[0] >= 1.0


def drip(connection: socket.socket) -> None:
    connection.recv(65_536)
    for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b" " * 400:
        connection.sendall(bytes([letter]))
        time.sleep(0.03)


def endless(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n")
        time.sleep(0.01)


def silent(connection: socket.socket) -> None:
    connection.recv(65_536)
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    poll.poll(8_000)


def deaf(connection: socket.socket) -> None:
    time.sleep(5)


def broken(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{")


@pytest.mark.parametrize(("behave", "rows"), [(drip, 3), (endless, 3), (silent, 3), (deaf, 30_000), (broken, 3)])
def test_no_receiver_can_keep_a_call_longer_than_its_deadline(behave, rows: int) -> None:
    with raw_server(behave) as (url, seen):
        batch_of_rows = batch_of(rows)
        started = time.monotonic()
        result = webhook(url, attempts=1, timeout_seconds=0.5).send(batch_of_rows)
        assert time.monotonic() - started < 4  # each of them would go on for longer
    assert isinstance(result.stopped, Transient)
    assert words(result) == {"ambiguous"}
    assert len(seen) == 1


def test_a_receiver_that_is_not_there_has_surely_taken_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = webhook(f"http://127.0.0.1:{port}/", attempts=2).send(batch_of(2))
    assert words(result) == {"retryable"}
    assert isinstance(result.stopped, Transient)


def test_no_error_repeats_an_address() -> None:
    for fault in ("401", "302", "garbage", "errors", "500", "429"):
        with run_sink(Sink(faults=iter([fault] * 9))) as sink:
            result = webhook(sink.url, attempts=1).send(batch_of(1))
        assert "@" not in str(result.stopped)
        assert all("@" not in found.detail for found in result.rows.values())


def test_the_rows_on_the_wire_are_those_of_the_batch_in_their_order() -> None:
    with run_sink() as sink:
        webhook(sink.url).send(batch([row(9, "leave"), row(1), row(5)]))
    assert [each["key"] for each in rows_of(sink.bodies)] == ["key-leave-00009", "key-join-00001", "key-join-00005"]
