"""How long a client waits where an answer says so, and where the token goes and does not go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from perennial.sources.base import SourceFailed, SourceUnavailable
from tests.unit.sources.api.wire import HEADER, TOKEN, Play, client, says, texts, wire

FINE = {"data": [1]}


def busy(retry_after: str | None) -> Play:
    return says({}, 429, {} if retry_after is None else {"retry-after": retry_after})


def waited(retry_after: str | None) -> float:
    with wire(busy(retry_after), says(FINE)) as told, client(told.address) as api:
        assert api.get_json("/things", "things") == FINE
        return told.gaps()[0]


def test_retry_after_in_seconds_is_honoured() -> None:
    assert 0.95 <= waited("1") < 3


def test_retry_after_with_decimals_is_honoured() -> None:
    assert 1.45 <= waited("1.5") < 3.5


def test_retry_after_as_an_http_date_is_honoured() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=3)
    assert 1.0 <= waited(format_datetime(moment, usegmt=True)) < 5


@pytest.mark.parametrize("text", [None, "", "0", "-5", "soon", "1e9999", "canary-1@leak.test", "Thu, 99 Foo 2026"])
def test_a_retry_after_that_says_nothing_usable_leaves_the_wait_to_us(text: str | None) -> None:
    assert waited(text) < 1.5


def test_a_retry_after_in_the_past_leaves_the_wait_to_us() -> None:
    assert waited("Wed, 21 Oct 2015 07:28:00 GMT") < 1.5


@pytest.mark.parametrize("text", ["86400", "86400.0", "Thu, 21 Oct 2100 07:28:00 GMT"])
def test_a_day_is_not_waited_for_it_ends_at_once_and_is_reported(text: str) -> None:
    with wire(busy(text)) as told, client(told.address, call_seconds=600) as api:
        with pytest.raises(SourceUnavailable, match=r"HTTP 429.*more than 300 s"):
            api.get_json("/things", "things")
        assert len(told.asked) == 1


def test_a_wait_longer_than_the_call_may_take_ends_at_once() -> None:
    with wire(busy("20")) as told, client(told.address, call_seconds=5) as api:
        with pytest.raises(SourceUnavailable, match="asks for 20 s more"):
            api.get_json("/things", "things")
        assert len(told.asked) == 1


def test_every_wait_is_honoured_and_counted() -> None:
    with wire(busy("0.5"), busy("1"), says(FINE)) as told, client(told.address) as api:
        api.get_json("/things", "things")
        assert [round(gap, 1) >= wanted for gap, wanted in zip(told.gaps(), (0.5, 1.0), strict=True)] == [True, True]
        assert 1.4 <= api.traffic.waited_seconds <= sum(told.gaps())


# --- where the token goes

ELSEWHERE = [
    "http://other.test/next",
    "https://127.0.0.1/next",
    "http://127.0.0.1:1/next",
    "http://{host}@other.test/next",
    "http://127.0.0.1.other.test:{port}/next",
    "http://localhost:{port}/next",
]


@pytest.mark.parametrize("link", ELSEWHERE)
def test_a_link_to_another_server_is_refused_and_never_asked(link: str) -> None:
    with wire(says(FINE)) as told, client(told.address) as api:
        host = told.address.removeprefix("http://")
        with pytest.raises(SourceFailed, match="another server") as failed:
            api.get_json(link.format(host=host, port=host.partition(":")[2]), "things")
        assert told.asked == []
        assert not any("other.test" in text for text in texts(failed.value))


def test_a_link_to_another_server_that_listens_is_not_given_the_token() -> None:
    with wire(says(FINE)) as ours, wire(says(FINE)) as theirs, client(ours.address) as api:
        with pytest.raises(SourceFailed, match="another server"):
            api.get_json(f"{theirs.address}/next", "things")
        assert theirs.asked == []


def test_a_whole_link_to_the_same_server_is_followed() -> None:
    with wire(says(FINE)) as told, client(told.address) as api:
        assert api.get_json(f"{told.address}/next?cursor=2", "things") == FINE
        assert told.asked[0].target == "/next?cursor=2"


@pytest.mark.parametrize("link", ["http://[::1", "http://a\x00b/", "https://:99999999/", "http://"])
def test_a_link_that_is_no_address_is_the_sources_failure(link: str) -> None:
    with wire(says(FINE)) as told, client(told.address) as api:
        with pytest.raises(SourceFailed):
            api.get_json(link, "things")
        assert told.asked == []


@pytest.mark.parametrize("link", ["//other.test/next", "HTTP://other.test/next", "ftp://other.test/next"])
def test_a_link_of_another_form_stays_with_the_server(link: str) -> None:
    with wire(says(FINE)) as told, client(told.address) as api:
        assert api.get_json(link, "things") == FINE
        assert len(told.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with wire(says(FINE)) as theirs:
        away = says(b"", status, {"location": f"{theirs.address}/next"})
        with wire(away) as ours, client(ours.address) as api:
            with pytest.raises(SourceFailed, match=str(status)):
                api.get_json("/things", "things")
            assert theirs.asked == []


def test_a_download_carries_no_token() -> None:
    with wire(says(b"whole")) as told, client("http://api.test") as api:
        assert b"".join(api.download(f"{told.address}/file", "the file")) == b"whole"
        assert HEADER not in told.asked[0].headers
        assert TOKEN not in str(told.asked[0].headers)
