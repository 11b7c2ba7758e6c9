"""Batches for destination tests, and sockets that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from perennial.destinations.base import Batch, Row
from perennial.destinations.webhook import WebhookDestination
from tests.support.sink import SECRET


def row(number: int, action: Literal["join", "leave"] = "join", **fields: str | None) -> Row:
    customer_id = f"c{number:05d}"
    return Row(f"key-{action}-{number:05d}", action, customer_id, f"{customer_id}@example.com", fields)


def batch(rows: list[Row], columns: tuple[str, ...] = ("first_name",)) -> Batch:
    return Batch(
        audience="win_back",
        destination="mailer",
        plan_id="000001-abcdef12",
        at=datetime(2026, 3, 1, 3, tzinfo=UTC),
        address_column="email",
        field_columns=columns,
        rows=tuple(rows),
    )


def batch_of(count: int) -> Batch:
    return batch([row(number, first_name="Ann") for number in range(count)])


def webhook(url: str, **more: object) -> WebhookDestination:
    """A destination with hardly any waiting between tries."""
    settings: dict[str, object] = {"allow_private_address": True, "first_wait": 0.001, "timeout_seconds": 5.0}
    return WebhookDestination(url, SECRET, **(settings | more))  # type: ignore[arg-type]


@contextmanager
def raw_server(behave: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[str]]]:
    """A listener that does with each connection what it is told, and counts them."""
    seen: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                connection, peer = listener.accept()
            except TimeoutError:
                continue
            seen.append(peer[0])
            with connection:
                try:
                    connection.settimeout(2)
                    behave(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", seen
    finally:
        done.set()
        thread.join()
        listener.close()
