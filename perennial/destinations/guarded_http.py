"""An HTTP client that cannot be led to private addresses and cannot be kept waiting.

What lives here: one name lookup per connection, the check of every address it gave, connecting to the very address that
was checked, and one deadline over a whole call however slowly bytes come. What does not: retries, and what an answer
means.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from perennial.config.deadline import Deadline, DeadlineBackend
from perennial.config.deadline import client as deadline_client

_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class PrivateAddress(Exception):
    """The name leads to an address inside the house."""


def client(deadline: Deadline, *, timeout: float, allow_private: bool) -> httpx.Client:
    """A client for one destination, whose connections go to checked addresses alone."""
    return deadline_client(_GuardedBackend(deadline, allow_private), timeout=timeout)


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


class _GuardedBackend(DeadlineBackend):
    def __init__(self, deadline: Deadline, allow_private: bool) -> None:
        super().__init__(deadline)
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
        return super().connect_tcp(address, port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise PrivateAddress("a socket file is a private address")
