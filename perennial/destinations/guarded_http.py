"""An HTTP client that cannot be led to private addresses and cannot be kept waiting.

What lives here: one name lookup per connection, the check of every address it gave, connecting to the very address that
was checked, and one deadline over a whole call however slowly bytes come. What does not: retries, and what an answer
means.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore
import httpx

_WRITE_PORTION = 16_384
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class PrivateAddress(Exception):
    """The name leads to an address inside the house."""


class Deadline:
    """Seconds left for the call under way; shared by everything that waits."""

    def __init__(self) -> None:
        self._ends_at = float("inf")

    def start(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        remaining = self._ends_at - time.monotonic()
        if remaining <= 0:
            raise httpcore.ReadTimeout("the whole call took too long")
        return remaining if timeout is None else min(timeout, remaining)


def client(deadline: Deadline, *, timeout: float, allow_private: bool) -> httpx.Client:
    """A client for one destination: no redirects, no proxy and nothing else from the environment."""
    transport = httpx.HTTPTransport(verify=_ssl_context(), trust_env=False)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=_ssl_context(),
        network_backend=_GuardedBackend(deadline, allow_private),
        max_connections=1,
        keepalive_expiry=5.0,
    )
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def is_private(address: str) -> bool:
    """Whether an IP address is not one of the public internet, in any of the forms that hide an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(str(inner))
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def checked_address(host: str, port: int, *, allow_private: bool) -> str:
    """Look the host up once; one private address among the answers refuses it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"the name cannot be looked up ({type(error).__name__})") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise httpcore.ConnectError("the name has no address")
    if not allow_private and any(is_private(address) for address in addresses):
        raise PrivateAddress(f"{host} leads to a private address")
    return addresses[0]


class _GuardedBackend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline, allow_private: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = checked_address(host, port, allow_private=self._allow_private)
        left = self._deadline.left(timeout)
        stream = self._inner.connect_tcp(address, port, left, local_address, socket_options)
        return _GuardedStream(stream, self._deadline)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise PrivateAddress("a socket file is a private address")


class _GuardedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_PORTION):
            self._inner.write(buffer[start : start + _WRITE_PORTION], self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _GuardedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
