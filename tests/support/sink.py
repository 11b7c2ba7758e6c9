"""A loopback channel that keeps count: verifies signatures, is idempotent by row key, follows a seeded plan of faults.

What lives here: the receiver. What does not: any expectation; the tests compare its counts with their own.

`effects` is what a person at the other end would notice: one per key taken for the first time. `plain` makes the
receiver forget keys, so that a repeat is an effect again.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1sb29wYmFjay1zaW5rLW9ubHk="
ANSWERS = {
    "429": (429, {}, b""),
    "429 for a second": (429, {"Retry-After": "1"}, b""),
    "500": (500, {}, b"oops"),
    "401": (401, {}, b""),
    "302": (302, {"Location": "http://127.0.0.1:9/elsewhere"}, b""),
    "garbage": (200, {"Content-Type": "text/html"}, b"<html>please log in</html>"),
    "errors": (200, {}, b'{"errors": ["no"]}'),
    "number": (200, {}, b"42"),
    "huge": (200, {}, b"[" + b" " * (2 * 1024 * 1024)),
}


@dataclass
class Sink:
    """What the channel got, and what it holds."""

    faults: Iterator[str] = field(default_factory=lambda: iter(()))
    rejects: dict[str, str] = field(default_factory=dict)  # customer id → reason, row by row
    poison: set[str] = field(default_factory=set)  # customer ids that make the whole batch a 400
    plain: bool = False
    before: Callable[[dict[str, Any]], None] | None = None  # called with each body before it is taken
    answer: tuple[int, dict[str, str], bytes] | None = None  # instead of the usual 200
    calls: int = 0
    wire_rows: int = 0
    refused_signatures: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    holds: dict[str, str] = field(default_factory=dict)  # customer id → address
    bodies: list[bytes] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    seen_at: list[float] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: dict[str, Any]) -> list[dict[str, str]]:
        """Apply the rows, once per key; answer with those refused."""
        refused = []
        for row in body["data"]["rows"]:
            if row["customer_id"] in self.rejects:
                refused.append({"key": row["key"], "reason": self.rejects[row["customer_id"]]})
                continue
            if not self.plain and self.effects[row["key"]]:
                continue
            self.effects[row["key"]] += 1
            if row["action"] == "join":
                self.holds[row["customer_id"]] = row["email"]
            else:
                self.holds.pop(row["customer_id"], None)
        return refused

    @property
    def duplicate_effects(self) -> int:
        return sum(count - 1 for count in self.effects.values() if count > 1)


def seeded_faults(seed: int, count: int, shares: dict[str, float]) -> Iterator[str]:
    """So many answers, drawn from the shares; what is left of 1 is a plain 200."""
    dice = random.Random(seed)
    names = [*shares, "ok"]
    weights = [*shares.values(), 1 - sum(shares.values())]
    return iter(dice.choices(names, weights, k=count))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that was killed leaves half a request behind: nothing to print."""


@contextmanager
def run_sink(sink: Sink | None = None, secret: str = SECRET) -> Iterator[Sink]:
    """A receiver on a free loopback port, for as long as the block lasts."""
    sink = sink or Sink()
    server = _Server(("127.0.0.1", 0), _handler(sink, Webhook(secret)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    sink.url = f"http://127.0.0.1:{server.server_address[1]}/audiences"
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(sink: Sink, verifier: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # an answer leaves in one piece, so that nobody waits for an acknowledgement

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            with sink.lock:
                self._answer(raw)

        def _answer(self, raw: bytes) -> None:
            sink.calls += 1
            sink.seen_at.append(time.monotonic())
            try:
                body = verifier.verify(raw, dict(self.headers))
            except WebhookVerificationError:
                sink.refused_signatures += 1
                return self._reply(401, {}, b"")
            sink.bodies.append(raw)
            sink.message_ids.append(self.headers["webhook-id"])
            sink.wire_rows += len(body["data"]["rows"])
            if sink.before is not None:
                sink.before(body)
            fault = next(sink.faults, "ok")
            if fault in ANSWERS:
                return self._reply(*ANSWERS[fault])
            if any(row["customer_id"] in sink.poison for row in body["data"]["rows"]):
                return self._reply(400, {}, b'{"error": "a row is not right"}')
            rejected = sink.take(body)
            if fault == "effect_then_500":
                return self._reply(500, {}, b"")
            if fault == "lost":
                self.close_connection = True
                return None
            if sink.answer is not None:
                return self._reply(*sink.answer)
            return self._reply(200, {}, json.dumps({"rejected": rejected}).encode())

        def _reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


def rows_of(bodies: Iterable[bytes]) -> list[dict[str, Any]]:
    """Every row of some request bodies, in order."""
    return [row for body in bodies for row in json.loads(body)["data"]["rows"]]
