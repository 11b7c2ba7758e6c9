"""Asking a vendor: which answers are asked for again, which end it, how long it takes, what is said."""

from __future__ import annotations

import gzip
import time
from typing import Any

import pytest

from perennial.sources.api import http
from perennial.sources.api.http import Busy, Reply
from perennial.sources.base import SourceFailed, SourceUnavailable
from tests.unit.sources.api.wire import HEADER, TOKEN, client, cuts, drips, raw, resets, says, texts, wire

FINE = {"data": [1]}


def test_a_call_is_signed_and_answered() -> None:
    with wire(says(FINE)) as told, client(told.address) as api:
        assert api.get_json("/things", "things", params={"page": 1}) == FINE
        assert (told.asked[0].target, told.asked[0].headers[HEADER]) == ("/things?page=1", TOKEN)
        assert (api.traffic.calls, api.traffic.bytes, api.traffic.repeats) == (1, len(b'{"data": [1]}'), {})


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 524, 529])
def test_what_may_pass_is_asked_for_again(status: int) -> None:
    with wire(says({"message": "later"}, status), says(FINE)) as told, client(told.address) as api:
        assert api.get_json("/things", "things") == FINE
        assert api.traffic.repeats == {f"answered HTTP {status}": 1}


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 415, 422])
def test_what_will_not_pass_ends_it_after_one_call_without_a_storm_of_repeats(status: int) -> None:
    with wire(says({"message": "no"}, status)) as told, client(told.address) as api:
        with pytest.raises(SourceFailed, match=str(status)) as failed:
            api.get_json("/things", "things")
        assert not isinstance(failed.value, SourceUnavailable)
        assert len(told.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_by_the_name_of_its_setting(status: int) -> None:
    with wire(says({"message": f"bad token {TOKEN}"}, status)) as told, client(told.address) as api:
        with pytest.raises(SourceFailed, match="token_env") as failed:
            api.get_json("/things?email=canary-1@leak.test", "things")
        assert not any(word in text for text in texts(failed.value) for word in (TOKEN, "leak.test"))


def test_a_text_cut_in_the_middle_of_a_sign_is_read_with_a_mark_in_its_place() -> None:
    body = rb'{"data": ["cut \ud83d", "whole \ud83d\ude00"]}'
    with wire(says(body)) as told, client(told.address) as api:
        assert api.get_json("/things", "things") == {"data": ["cut \ufffd", "whole \U0001f600"]}


UNUSABLE = {
    "an HTML page": says(b"<!doctype html><title>Log in</title>", headers={"content-type": "text/html"}),
    "nothing at all": says(b""),
    "blanks": says(b" \n"),
    "half a JSON text": says(b'{"data": ['),
    "only errors": says({"errors": [{"message": "canary-1@leak.test is not allowed"}]}),
    "a byte that is no UTF-8": says(b'{"data": "\xff"}'),
    "brackets without end": says(b"[" * 100_000),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_200_that_is_none_is_asked_for_three_times_and_then_reported(kind: str) -> None:
    with wire(UNUSABLE[kind]) as told, client(told.address) as api:
        with pytest.raises(SourceUnavailable, match="HTTP 200") as failed:
            api.get_json("/things", "things")
        assert len(told.asked) == http.UNUSABLE_ATTEMPTS
        assert not any("leak.test" in text for text in texts(failed.value))


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_200_that_is_none_once_costs_one_repeat(kind: str) -> None:
    with wire(UNUSABLE[kind], says(FINE)) as told, client(told.address) as api:
        assert api.get_json("/things", "things") == FINE
        assert sum(api.traffic.repeats.values()) == 1


BROKEN = {
    "reset": resets,
    "cut off": cuts(b'{"data": [1, 2, 3]}', 7),
    "closed before the first byte": raw(b""),
    "no HTTP": raw(b"canary-1@leak.test\r\n\r\n"),
    "a header that is none": raw(b"HTTP/1.1 200 OK\r\ncanary-1@leak.test\r\n\r\n"),
    "compressed, but not": says(b"not gzip", headers={"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_asked_for_again(kind: str) -> None:
    with wire(BROKEN[kind], says(FINE)) as told, client(told.address) as api:
        assert api.get_json("/things", "things") == FINE
        assert sum(api.traffic.repeats.values()) == 1


@pytest.mark.parametrize("kind", BROKEN)
def test_an_answer_that_stays_broken_is_an_unavailable_source(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with wire(BROKEN[kind]) as told, client(told.address, call_seconds=1) as api:
        with pytest.raises(SourceUnavailable, match="things: cannot be reached") as failed:
            api.get_json("/things?email=canary-2@leak.test", "things")
        said = [*texts(failed.value), *(str(vars(record)) for record in caplog.records), str(api.traffic)]
        assert not [text for text in said if "leak.test" in text or TOKEN in text]
        assert len(told.asked) > 1


def test_nobody_listening_is_an_unavailable_source() -> None:
    with wire(says(FINE)) as told:
        address = told.address
    with client(address, call_seconds=1) as api, pytest.raises(SourceUnavailable, match="cannot be reached"):
        api.get_json("/things", "things")


def test_a_body_of_one_byte_a_second_ends_with_the_time_out_and_not_with_the_body() -> None:
    with wire(drips(b" " * 60)) as told, client(told.address, timeout_seconds=3, call_seconds=3) as api:
        began = time.monotonic()
        with pytest.raises(SourceUnavailable, match="ReadTimeout"):
            api.get_json("/things", "things")
        assert 3 - 0.5 <= time.monotonic() - began <= 3 + 2


def test_a_call_with_all_its_repeats_ends_with_call_seconds() -> None:
    with wire(drips(b" " * 60)) as told, client(told.address, timeout_seconds=2, call_seconds=5) as api:
        began = time.monotonic()
        with pytest.raises(SourceUnavailable):
            api.get_json("/things", "things")
        assert 4 <= time.monotonic() - began <= 5 + 2
        assert len(told.asked) in (2, 3)


def test_a_body_larger_than_the_longest_is_refused_and_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_BODY", 1000)
    with wire(says(b"[" + b" " * 5000 + b"]")) as told, client(told.address) as api:
        with pytest.raises(SourceFailed, match="more than 1000 bytes; choose a smaller `page_size`"):
            api.get_json("/things", "things")
        assert len(told.asked) == 1


def test_a_small_body_that_unpacks_to_a_large_one_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_BODY", 1000)
    packed = gzip.compress(b" " * 10_000_000)
    with wire(says(packed, headers={"content-encoding": "gzip"})) as told, client(told.address) as api:
        with pytest.raises(SourceFailed, match="more than 1000 bytes"):
            api.get_json("/things", "things")
        assert api.traffic.bytes < 5_000_000


def test_pacing_keeps_calls_apart() -> None:
    with wire(says(FINE)) as told, client(told.address, requests_per_second=20) as api:
        for _ in range(7):
            api.get_json("/things", "things")
        assert min(told.gaps()) > 0.03
        assert sum(told.gaps()) >= 6 / 20 - 0.02
        assert api.traffic.waited_seconds > 0.1


def test_pacing_does_not_make_up_for_idle_time() -> None:
    with wire(says(FINE)) as told, client(told.address, requests_per_second=10) as api:
        api.get_json("/things", "things")
        time.sleep(0.5)
        for _ in range(3):
            api.get_json("/things", "things")
        assert min(told.gaps()[1:]) > 0.05


def test_a_judge_may_say_later_and_for_how_long() -> None:
    def judge(reply: Reply) -> None:
        if b"busy" in reply.content:
            raise Busy("is busy", 0.5)

    with wire(says({"busy": True}), says(FINE)) as told, client(told.address, judge) as api:
        assert api.get_json("/things", "things") == FINE
        assert 0.45 < told.gaps()[0] < 2
        assert api.traffic.repeats == {"is busy": 1}
        assert api.traffic.waited_seconds >= 0.45


CODES: list[tuple[Any, str]] = [
    ({"code": "NOT_FOUND"}, " (NOT_FOUND)"),
    ([{"errorCode": "INVALID_FIELD"}], " (INVALID_FIELD)"),
    ({"errors": [{"code": "invalid"}]}, " (invalid)"),
    ({"code": "canary-1@leak.test"}, ""),
    ({"code": "+441632960001"}, ""),
    ({"code": "441632960001"}, ""),
    ({"code": "c441632960001"}, ""),
    ({"code": 17}, ""),
    ("canary-1@leak.test", ""),
]


@pytest.mark.parametrize(("content", "word"), CODES)
def test_a_vendors_word_for_an_error_is_shown_only_where_it_can_be_one(content: Any, word: str) -> None:
    with wire(says(content, 404)) as told, client(told.address) as api:
        with pytest.raises(SourceFailed) as failed:
            api.get_json("/things", "things")
        assert str(failed.value) == f"answered HTTP 404{word}; check `base_url` and `api_version`"
