"""Reading what has arrived in larger pieces than httpx asks for.

What lives here: a network layer that takes as much as there is. What does not: deadlines (config/deadline.py).
httpx works through a large answer in pieces of 64 kB and takes longer over each than the kernel does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore

from perennial.config.deadline import Deadline, DeadlineBackend, DeadlineStream

_PIECE = 512 * 1024


class WideBackend(DeadlineBackend):
    """Opens connections that keep the deadline and are read in large pieces. Encrypted ones come in records anyway."""

    def __init__(self, deadline: Deadline) -> None:
        super().__init__(deadline)
        self._shared = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _WideStream(super().connect_tcp(host, port, timeout, local_address, socket_options), self._shared)


class _WideStream(DeadlineStream):
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return super().read(max(max_bytes, _PIECE), timeout)
