"""The demo's channel: a loopback HTTP receiver that takes signed audience changes and keeps who is a member.

What lives here: checking a signature, taking each row once by its key, the file of what came. What does not: sending,
and any retry. What came is appended to received/membership.jsonl and synced before the answer goes out.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from perennial.config.files import PRIVATE_FILE, make_folder

LOG = logging.getLogger(__name__)
EVENT_TYPE = "audience.membership.changed"
LARGEST_BODY = 16 * 1024 * 1024
Channel = tuple[str, str]  # audience, destination


class NotUnderstood(Exception):
    """A signed body that is not what was agreed: says what is missing."""


@dataclass
class Book:
    """What the channel took, on disk and in mind. `members`: audience and destination → customer id → fields sent."""

    path: Path
    keys: set[str] = field(default_factory=set)
    members: dict[Channel, dict[str, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, folder: Path) -> Book:
        make_folder(folder)
        book = cls(folder / "membership.jsonl")
        if book.path.exists():
            book._read_back()
        return book

    def take(self, audience: str, destination: str, rows: list[dict[str, Any]]) -> int:
        """Append the rows not seen before, sync, and apply them. Returns how many are held, seen before or not."""
        with self.lock:
            fresh, seen = [], set(self.keys)
            for row in rows:
                if row["key"] not in seen:
                    seen.add(row["key"])
                    fresh.append({"audience": audience, "destination": destination, **row})
            if fresh:
                self._append(fresh)
            for entry in fresh:
                self._apply(entry)
        return len(rows)

    def held(self) -> dict[Channel, dict[str, dict[str, Any]]]:
        with self.lock:
            return {channel: dict(people) for channel, people in self.members.items()}

    def _append(self, entries: list[dict[str, Any]]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        text = "".join(json.dumps({"received_at": at, **entry}, ensure_ascii=False) + "\n" for entry in entries)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
        with os.fdopen(descriptor, "ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _apply(self, entry: dict[str, Any]) -> None:
        self.keys.add(entry["key"])
        people = self.members.setdefault((entry["audience"], entry["destination"]), {})
        if entry["action"] == "join":
            people[entry["customer_id"]] = entry
        else:
            people.pop(entry["customer_id"], None)

    def _read_back(self) -> None:
        """A last line that was cut off by a kill was never acknowledged: it is removed."""
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        for line in whole.splitlines():
            self._apply(json.loads(line))


@dataclass(frozen=True)
class Receiver:
    """A running receiver."""

    port: int
    book: Book

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def members(self) -> dict[Channel, dict[str, dict[str, Any]]]:
        return self.book.held()


@contextmanager
def start_receiver(port: int = 0, secret: str = "", folder: Path = Path("received")) -> Iterator[Receiver]:
    """Listen on loopback until the block ends. Port 0 takes a free one; OSError if the asked one is taken."""
    book, webhook = Book.open(folder), Webhook(secret)
    server = _Server(("127.0.0.1", port), book, webhook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Receiver(server.server_address[1], book)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], book: Book, webhook: Webhook) -> None:
        super().__init__(address, _Handler)
        self.book, self.webhook = book, webhook


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 30  # a sender that stops talking does not hold a thread for ever

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            message = self.server.webhook.verify(body, dict(self.headers.items()))
            audience, destination, rows = understand(message)
        except (WebhookVerificationError, ValueError) as error:
            LOG.warning("refused a request: signature or body not acceptable (%s)", type(error).__name__)
            self._answer(401, {"error": "the signature does not match the body and the agreed secret"})
        except NotUnderstood as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(200, {"accepted": self.server.book.take(audience, destination, rows), "rejected": []})

    def do_GET(self) -> None:
        held = {"/".join(channel): len(people) for channel, people in self.server.book.held().items()}
        self._answer(200, {"members": held})

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            self._answer(411, {"error": "send a Content-Length"})
            return None
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            self._answer(413, {"error": f"the body is larger than {LARGEST_BODY} bytes; send smaller batches"})
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug(format, *args)


def understand(message: Any) -> tuple[str, str, list[dict[str, Any]]]:
    """Audience, destination and rows of a signed body, or NotUnderstood saying what is wrong with it."""
    if not isinstance(message, dict) or message.get("type") != EVENT_TYPE:
        raise NotUnderstood(f"`type` is not {EVENT_TYPE}")
    data = message.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
        raise NotUnderstood("`data` needs `audience`, `destination` and a list of `rows`")
    audience, destination = data.get("audience"), data.get("destination")
    if not isinstance(audience, str) or not isinstance(destination, str):
        raise NotUnderstood("`data.audience` and `data.destination` are names")
    for number, row in enumerate(data["rows"]):
        if not isinstance(row, dict) or not all(isinstance(row.get(n), str) for n in ("key", "customer_id")):
            raise NotUnderstood(f"row {number} needs `key` and `customer_id` as text")
        if row.get("action") not in ("join", "leave"):
            raise NotUnderstood(f"row {number}: `action` is join or leave")
    return audience, destination, data["rows"]
