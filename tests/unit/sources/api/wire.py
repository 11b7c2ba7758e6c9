"""A server on loopback that answers byte by byte as it is told, and a client of the toolkit over it.

Every connection takes the next answer of a list; the last one is given again and again.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from perennial.config.parts import ApiSource
from perennial.sources.api.http import Api, Bearer, Judge

TOKEN = "a-token-nobody-may-see"
HEADER = "x-token"


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float


Play = Callable[[Asked, socket.socket], None]


@dataclass
class Wire:
    """What is to be answered, and what was asked."""

    plays: list[Play] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    def take(self) -> Play:
        return self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]

    def gaps(self) -> list[float]:
        """Seconds between each request and the next."""
        return [later.at - earlier.at for earlier, later in zip(self.asked, self.asked[1:], strict=False)]


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", "connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    if length is not None:
        lines.append(f"content-length: {length}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def says(content: Any = None, status: int = 200, headers: Mapping[str, str] | None = None) -> Play:
    """A whole answer; bytes as they are, anything else as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def play(_: Asked, connection: socket.socket) -> None:
        connection.sendall(head(status, headers or {}, len(body)) + body)

    return play


def raw(text: bytes) -> Play:
    return lambda _, connection: connection.sendall(text)


def drips(body: bytes, seconds: float = 1.0) -> Play:
    """One byte every so many seconds."""

    def play(_: Asked, connection: socket.socket) -> None:
        connection.sendall(head(200, {}, len(body)))
        for position in range(len(body)):
            connection.sendall(body[position : position + 1])
            time.sleep(seconds)

    return play


def cuts(body: bytes, after: int, status: int = 200, headers: Mapping[str, str] | None = None) -> Play:
    """The whole length promised, so many bytes sent."""

    def play(_: Asked, connection: socket.socket) -> None:
        connection.sendall(head(status, headers or {}, len(body)) + body[:after])

    return play


def resets(_: Asked, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire: Wire = self.server.wire  # type: ignore[attr-defined]
        stream = self.request.makefile("rb")
        words = stream.readline().decode("latin-1").split()
        if len(words) < 2:
            return
        headers: dict[str, str] = {}
        for line in iter(stream.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        asked = Asked(words[0], words[1], headers, body, time.monotonic())
        wire.asked.append(asked)
        try:
            wire.take()(asked, self.request)
        except OSError:
            return  # the client went away


@contextmanager
def wire(*plays: Play) -> Iterator[Wire]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.block_on_close = False
    told = server.wire = Wire(list(plays), address=f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


def settings(**more: Any) -> ApiSource:
    given = {"kind": "any", "token_env": "ANY_TOKEN", "api_version": "1", "page_size": 10,
             "requests_per_second": 10_000, "timeout_seconds": 5, "call_seconds": 10, **more}  # fmt: skip
    return ApiSource.model_validate(given)


@contextmanager
def client(address: str, judge: Judge | None = None, **more: Any) -> Iterator[Api]:
    api = Api(settings(**more), address, auth=Bearer(HEADER, TOKEN), judge=judge)
    try:
        yield api
    finally:
        api.close()


def texts(error: BaseException) -> Sequence[str]:
    """An exception's texts as a traceback would print them, causes among them."""
    found: list[str] = []
    each: BaseException | None = error
    while each is not None:
        found += [str(each), repr(each)]
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return found
