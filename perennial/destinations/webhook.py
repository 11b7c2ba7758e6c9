"""A channel reached by a signed webhook (Standard Webhooks), row keys making every repeat safe.

What lives here: the request, its signature, retries, and finding the rows that spoil a batch. What does not: what an
answer means (answers.py), how the connection is guarded (guarded_http.py), and which rows are sent.

The body of a repeated batch is the same bytes; its webhook-id is a hash of the row keys, so it is the same too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import stamina
from standardwebhooks import Webhook

from perennial.config.deadline import Deadline
from perennial.config.patience import LONGEST_WAIT, is_overlong
from perennial.destinations import guarded_http
from perennial.destinations.answers import Accepted, AskedToWait, Refused, understand
from perennial.destinations.base import (
    Batch,
    BatchResult,
    DestinationError,
    Row,
    RowResult,
    Terminal,
    Transient,
    stop,
)

ATTEMPTS = 4
LONGEST_BODY = 1024 * 1024
_HOPELESS = 10  # so many rows refused one by one, and none taken: the rows are not the trouble
_log = logging.getLogger(__name__)


class WebhookDestination:
    """One receiver. `first_wait` and `attempts` shape the retries of one call; the deadline holds for each try."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        batch_size: int | None = 500,
        timeout_seconds: float = 60.0,
        allow_private_address: bool = False,
        attempts: int = ATTEMPTS,
        first_wait: float = 0.5,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        stamina.instrumentation.set_on_retry_hooks([])  # retries are logged here, not printed
        self.batch_size = batch_size
        self._url = url
        self._signer = _signer(secret)
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._first_wait = first_wait
        self._clock = clock
        self._deadline = Deadline()
        self._client = guarded_http.client(self._deadline, timeout=timeout_seconds, allow_private=allow_private_address)

    def close(self) -> None:
        self._client.close()

    def send(self, batch: Batch) -> BatchResult:
        """Send the batch; where it is refused as a whole, find the rows that spoil it and send the others."""
        sending = _Sending(self, batch)
        try:
            sending.deliver(batch.rows)
        except DestinationError as error:
            return stop(batch, sending.results, error, sending.under_way)
        return BatchResult(sending.results)

    def call(self, batch: Batch, rows: Sequence[Row]) -> Accepted | Refused:
        """One request, repeated while the trouble may pass."""
        body = _body(batch, rows)
        message_id = "msg_" + hashlib.sha256("\n".join(row.key for row in rows).encode()).hexdigest()[:32]
        keys = frozenset(row.key for row in rows)
        was_ambiguous = False
        try:
            for attempt in stamina.retry_context(
                on=_wait_for, attempts=self._attempts, timeout=None, wait_initial=self._first_wait, wait_max=30.0,
                wait_jitter=self._first_wait,
            ):  # fmt: skip
                with attempt:
                    try:
                        return self._try_once(message_id, body, keys)
                    except DestinationError as error:
                        was_ambiguous |= error.is_ambiguous
                        raise
        except DestinationError as error:
            error.is_ambiguous = was_ambiguous
            raise
        raise AssertionError("a retry loop ended without an answer")

    def _try_once(self, message_id: str, body: str, keys: frozenset[str]) -> Accepted | Refused:
        now = self._clock()
        self._deadline.start(self._timeout)
        try:
            with self._client.stream(
                "POST", self._url, content=body, headers=self._headers(message_id, body)
            ) as answer:
                content = _read(answer)
        except guarded_http.PrivateAddress as error:
            raise Terminal(
                f"{error}; a receiver inside your own network needs `allow_private_address: true`"
            ) from error
        except httpx.InvalidURL as error:
            raise Terminal("has an address that cannot be understood; check `url`") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Transient(f"cannot be reached ({type(error).__name__})") from error
        except httpx.HTTPError as error:
            raise Transient(f"gave no whole answer ({type(error).__name__})", is_ambiguous=True) from error
        header = answer.headers.get("retry-after")
        if is_overlong(header, now):
            _log.warning("the receiver asks for more patience than %d s; trying again after that", LONGEST_WAIT)
        return understand(answer.status_code, answer.headers, content, keys, message_id, now)

    def _headers(self, message_id: str, body: str) -> dict[str, str]:
        signed_at = datetime.now(UTC)  # the receiver compares it with its own clock
        return {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "perennial",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": self._signer.sign(message_id, signed_at, body),
        }


class _Sending:
    """The sending of one batch, and what is known of its rows so far."""

    def __init__(self, destination: WebhookDestination, batch: Batch) -> None:
        self.results: dict[str, RowResult] = {}
        self.under_way: frozenset[str] = frozenset()
        self._destination = destination
        self._batch = batch

    def deliver(self, rows: Sequence[Row], is_known_bad: bool = False) -> bool:
        """True if all rows were taken as one. If the first half of a bad batch is good, the second must be bad."""
        if not rows:
            return True
        if not is_known_bad or len(rows) == 1:
            self.under_way = frozenset(row.key for row in rows)
            answer = self._destination.call(self._batch, rows)
            self.under_way = frozenset()
            if isinstance(answer, Accepted):
                self._accept(rows, answer)
                return True
            if len(rows) == 1:
                self._refuse(rows[0], answer)
                return False
        middle = len(rows) // 2
        is_first_good = self.deliver(rows[:middle])
        self.deliver(rows[middle:], is_known_bad=is_first_good)
        return False

    def _accept(self, rows: Sequence[Row], answer: Accepted) -> None:
        for row in rows:
            reason = answer.rejected.get(row.key)
            found = RowResult("acknowledged", answer.receipt) if reason is None else RowResult("rejected", reason)
            self.results[row.key] = found

    def _refuse(self, row: Row, answer: Refused) -> None:
        self.results[row.key] = RowResult("rejected", answer.reason)
        words = [result.word for result in self.results.values()]
        if len(words) >= _HOPELESS and "acknowledged" not in words and len(self._batch.rows) > _HOPELESS:
            raise Terminal(f"refuses every row ({answer.reason}); check what the receiver expects")


def _wait_for(error: Exception) -> bool | float:
    """Whether to try again, and if the channel said so, after how many seconds."""
    if isinstance(error, Transient):
        _log.info("the receiver %s", error)
    if isinstance(error, AskedToWait) and error.seconds is not None:
        return error.seconds
    return isinstance(error, Transient)


def _read(answer: httpx.Response) -> bytes:
    portions = bytearray()
    for portion in answer.iter_raw(65_536):
        portions += portion
        if len(portions) > LONGEST_BODY:
            raise Terminal(
                f"answered with more than {LONGEST_BODY} bytes; nothing counts as delivered", is_ambiguous=True
            )
    return bytes(portions)


def _body(batch: Batch, rows: Sequence[Row]) -> str:
    data = {"audience": batch.audience, "destination": batch.destination, "rows": [_row(batch, row) for row in rows]}
    at = batch.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = {"type": "audience.membership.changed", "timestamp": at, "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _row(batch: Batch, row: Row) -> dict[str, Any]:
    """A leave says no more than it must: whom, and where they were reached."""
    sent: dict[str, Any] = {"key": row.key, "action": row.action, "customer_id": row.customer_id}
    sent[batch.address_column] = row.address
    if row.action == "join":
        sent |= {column: row.fields.get(column) for column in batch.field_columns if column not in sent}
    return sent


def _signer(secret: str) -> Webhook:
    """Standard Webhooks secrets are base64, usually after whsec_."""
    text = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise Terminal(
            "the variable named by `secret_env` holds no signing secret; write whsec_ and at least 16 bytes in base64"
        )
    return Webhook(key)
