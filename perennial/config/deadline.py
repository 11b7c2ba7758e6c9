"""One deadline over a whole HTTP call, however slowly bytes come.

What lives here: the deadline, and the network layer that asks it before every wait. What does not: which addresses may
be reached (perennial/destinations/guarded_http.py), retries, and what an answer means.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore
import httpx

_WRITE_PORTION = 16_384


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


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that keep the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._inner = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return DeadlineStream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the deadline."""

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
        return DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def client(backend: httpcore.NetworkBackend, *, timeout: float, **options: Any) -> httpx.Client:
    """A client over one connection of this backend: no redirects, no proxy and nothing else from the environment."""
    transport = httpx.HTTPTransport(verify=_ssl_context(), trust_env=False)
    transport._pool = httpcore.ConnectionPool(
        ssl_context=_ssl_context(), network_backend=backend, max_connections=1, keepalive_expiry=5.0
    )
    return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False, **options)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
