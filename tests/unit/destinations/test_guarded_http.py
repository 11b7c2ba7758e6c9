"""No address inside the house is reached, however it is written, and the checked address is the one connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from perennial.destinations.base import Terminal
from perennial.destinations.guarded_http import is_private
from tests.support.sink import run_sink
from tests.unit.destinations.support import batch_of, webhook


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
    ],
)  # fmt: skip
def test_an_address_inside_the_house_is_private_in_every_form(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is_not(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]",
     "127.0.0.1.", "LOCALHOST", "user@127.0.0.1"],
)  # fmt: skip
def test_no_connection_is_made_to_loopback_unless_it_is_allowed(host: str) -> None:
    with run_sink() as sink:
        url = sink.url.replace("127.0.0.1", host)
        result = webhook(url, allow_private_address=False, attempts=1).send(batch_of(2))
    assert sink.calls == 0
    assert result.stopped is not None
    assert {found.word for found in result.rows.values()} == {"retryable"}


def test_the_refusal_says_how_to_allow_it() -> None:
    with run_sink() as sink:
        result = webhook(sink.url, allow_private_address=False).send(batch_of(1))
    assert isinstance(result.stopped, Terminal)
    assert "allow_private_address: true" in str(result.stopped)


def answers(*addresses: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def test_a_name_that_answers_differently_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups: list[object] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        if host not in ("rebind.test", b"rebind.test"):
            return real(host, port, *more, **named)
        lookups.append(host)
        return answers("93.184.216.34" if len(lookups) == 1 else "127.0.0.1")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with run_sink() as sink:
        url = sink.url.replace("127.0.0.1", "rebind.test")
        result = webhook(url, allow_private_address=False, attempts=1, timeout_seconds=0.3).send(batch_of(1))
    assert len(lookups) == 1
    assert sink.calls == 0
    assert result.stopped is not None


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers("93.184.216.34", "10.0.0.7"))
    result = webhook("http://mixed.test/", allow_private_address=False, attempts=1).send(batch_of(1))
    assert "private address" in str(result.stopped)


def test_a_redirect_into_the_house_is_not_followed() -> None:
    with run_sink() as inside, run_sink() as outside:
        outside.answer = (307, {"Location": inside.url}, b"")
        result = webhook(outside.url).send(batch_of(1))
    assert (outside.calls, inside.calls) == (1, 0)
    assert isinstance(result.stopped, Terminal)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with run_sink() as proxy, run_sink() as sink:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        webhook(sink.url).send(batch_of(1))
    assert (proxy.calls, sink.calls) == (0, 1)
