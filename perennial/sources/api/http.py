"""Asking a vendor's API: one call at a time, paced, with a deadline, repeated while the trouble may pass.

What lives here: the client that every adapter is handed. What does not: what a vendor's answers mean beyond HTTP (its
judge), paging (the adapters). Texts of errors name what was asked for, a status and a vendor's error code: never an
address with its query, a body, a token.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import stamina

from perennial.config.deadline import Deadline
from perennial.config.deadline import client as deadline_client
from perennial.config.parts import ApiSource
from perennial.config.patience import LONGEST_WAIT
from perennial.sources.api.answers import (
    PASSING,
    Busy,
    FileGone,
    Judge,
    Reply,
    Unreached,
    Unusable,
    bytes_to_skip,
    error_code,
    wait_asked_for,
)
from perennial.sources.api.pairs import whole
from perennial.sources.api.wide import WideBackend
from perennial.sources.base import SourceFailed, SourceUnavailable

__all__ = ["Api", "Bearer", "Busy", "FileGone", "Judge", "Reply", "Traffic", "Unreached", "Unusable", "error_code"]

LONGEST_BODY = 64 * 1024 * 1024
ATTEMPTS = 12
UNUSABLE_ATTEMPTS = 3  # an answer that is no answer (a log-in page, nothing at all) is not asked for again and again
FRUITLESS_ATTEMPTS = 5  # a download that does not get a byte further is not begun again and again
FRUITLESS_PAUSE = 0.5
_PORTION = 1024 * 1024

T = TypeVar("T")


@dataclass
class Traffic:
    """What reading a source took so far."""

    calls: int = 0
    bytes: int = 0
    waited_seconds: float = 0.0
    repeats: dict[str, int] = field(default_factory=dict)  # why a call was made again → how often


class Api:
    """A vendor's API for one source. Not for use by several threads at once."""

    def __init__(
        self,
        settings: ApiSource,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        judge: Judge | None = None,
    ) -> None:
        stamina.instrumentation.set_on_retry_hooks(())  # waits are counted (Traffic) and shown by Dagster
        for library in ("httpx", "httpcore"):  # they would log whole addresses and headers
            logging.getLogger(library).setLevel(logging.WARNING)
        self.base_url = (settings.base_url or base_url).rstrip("/")
        self.traffic = Traffic()
        self._settings = settings
        self._judge = judge
        self._deadline = Deadline()
        self._pace = _Pace(settings.requests_per_second)
        options = {"headers": {"user-agent": "perennial", "accept": "application/json", **(headers or {})}}
        backend = WideBackend(self._deadline)
        self._client = deadline_client(backend, timeout=settings.timeout_seconds, auth=auth, **options)
        self._plain = deadline_client(backend, timeout=settings.timeout_seconds)

    def close(self) -> None:
        self._client.close()
        self._plain.close()

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call with its repeats, answered in JSON. `path` is below the base address, or a whole address of the same
        server that the vendor gave. `what` names the call in errors. Raises SourceFailed or SourceUnavailable."""
        request = self._request(method, path, what, params=params, json=json, data=form, headers=headers)
        return self._repeat(request, what, _is_json)

    def get(self, path: str, what: str, read: Callable[[Reply], T], *, params: Mapping[str, Any] | None = None) -> T:
        """GET, and what `read` makes of the answer. Where that is none it raises Unusable, and is asked again."""
        return self._repeat(self._request("GET", path, what, params=params), what, read)

    def _request(self, method: str, path: str, what: str, **options: Any) -> httpx.Request:
        try:
            return self._client.build_request(method, self._address(path), **options)
        except httpx.InvalidURL:
            raise SourceFailed(f"{what}: the address cannot be understood; check `base_url`") from None

    def get_json(self, path: str, what: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """GET, as JSON."""
        return self.ask("GET", path, what, params=params).json()

    def download(self, address: str, what: str, offset: int = 0) -> Iterator[bytes]:
        """A file from wherever the vendor keeps it, without our credentials, from a byte on, in portions. A connection
        that breaks is made again where it broke. Raises FileGone where there is no such file any more."""
        fruitless = 0
        while True:
            before = offset
            try:
                for portion in self._portions(address, what, offset):
                    offset += len(portion)
                    yield portion
                return
            except Busy as error:
                fruitless = fruitless + 1 if offset == before else 0
                if fruitless >= FRUITLESS_ATTEMPTS:
                    raise SourceUnavailable(f"{what}: breaks off ({error})") from None
                self._note("a download broke off")
                if fruitless:
                    self._sleep(max(error.seconds or 0.0, FRUITLESS_PAUSE * 2 ** (fruitless - 1)))

    def _portions(self, address: str, what: str, offset: int) -> Iterator[bytes]:
        # a range counts bytes as they are sent: compressed ones would be others than those we have
        headers = {"accept-encoding": "identity", **({"range": f"bytes={offset}-"} if offset else {})}
        self._deadline.start(self._settings.call_seconds)
        self.traffic.calls += 1
        held: list[bytes] = []
        size = 0
        try:
            with self._plain.stream("GET", address, headers=headers) as answer:
                if answer.status_code == 416 and offset:
                    return  # it was read to its end before
                skip = bytes_to_skip(answer, what, offset)
                for portion in answer.iter_bytes():
                    self.traffic.bytes += len(portion)
                    held.append(portion[skip:])
                    size += len(held[-1])
                    skip -= min(skip, len(portion))
                    if size >= _PORTION:
                        yield b"".join(held)
                        held, size = [], 0
                        self._deadline.start(self._settings.call_seconds)  # a large file may take long, a portion not
        except httpx.RequestError as error:
            if size:
                yield b"".join(held)
            raise Unreached(type(error).__name__) from None
        except httpx.InvalidURL:
            raise SourceFailed(f"{what}: its address cannot be understood") from None
        if size:
            yield b"".join(held)

    def _repeat(self, request: httpx.Request, what: str, read: Callable[[Reply], T]) -> T:
        ends_at = time.monotonic() + self._settings.call_seconds
        unusable = 0
        failed_at: float | None = None
        told: Busy | None = None  # the last that was an answer

        def again(error: Exception) -> bool | float:
            nonlocal unusable, failed_at, told
            failed_at = time.monotonic()
            if not isinstance(error, Busy):
                return False
            told = told if isinstance(error, Unreached) else error
            self._note(str(error))
            unusable += isinstance(error, Unusable)
            if unusable >= UNUSABLE_ATTEMPTS or failed_at + (error.seconds or 0.0) >= ends_at:
                return False
            return True if error.seconds is None else error.seconds

        try:
            for attempt in stamina.retry_context(
                on=again, attempts=ATTEMPTS, timeout=self._settings.call_seconds, wait_initial=0.2, wait_max=30.0,
                wait_jitter=0.2,
            ):  # fmt: skip
                with attempt:
                    if failed_at is not None:
                        self.traffic.waited_seconds += time.monotonic() - failed_at
                    reply = self._send(request, ends_at - time.monotonic())
                    self._understand(reply)
                    return read(reply)
        except Unreached as error:
            if told is not None and time.monotonic() >= ends_at:  # the deadline cut it off, not the vendor
                raise SourceUnavailable(f"{what}: {told}; tried {self._tries(told)}") from None
            raise SourceUnavailable(f"{what}: cannot be reached ({error})") from None
        except Busy as error:
            raise SourceUnavailable(f"{what}: {error}; tried {self._tries(error)}") from None
        raise AssertionError("a retry loop ended without an answer")

    def _tries(self, error: Busy) -> str:
        wait = "" if error.seconds is None else f", it asks for {error.seconds:.0f} s more"
        if error.seconds == float("inf"):
            wait = f", it asks for more than {LONGEST_WAIT:.0f} s"
        return f"for up to {self._settings.call_seconds:.0f} s{wait}"

    def _send(self, request: httpx.Request, seconds: float) -> Reply:
        self.traffic.waited_seconds += self._pace.wait()
        self._deadline.start(min(self._settings.timeout_seconds, seconds))
        self.traffic.calls += 1
        content: list[bytes] = []
        size = 0
        try:
            answer = self._client.send(request, stream=True)
            try:
                for portion in answer.iter_bytes():
                    content.append(portion)
                    size += len(portion)
                    if size > LONGEST_BODY:
                        raise SourceFailed(f"answers with more than {LONGEST_BODY} bytes; choose a smaller `page_size`")
            finally:
                answer.close()
        except httpx.RequestError as error:
            raise Unreached(type(error).__name__) from None
        self.traffic.bytes += size
        return Reply(answer.status_code, answer.headers, whole(b"".join(content)), datetime.now(UTC))

    def _understand(self, reply: Reply) -> None:
        if self._judge is not None:
            self._judge(reply)
        status = reply.status
        if 200 <= status < 300:
            return
        if status in PASSING or status >= 500:
            raise Busy(f"answered HTTP {status}", wait_asked_for(reply.headers, reply.at))
        if status in (401, 403):
            raise SourceFailed(
                f"answered HTTP {status}: it does not accept the token of `token_env`, or the token lacks a scope"
                f" (docs/sources.md lists them)"
            )
        raise SourceFailed(f"answered HTTP {status}{error_code(reply)}; check `base_url` and `api_version`")

    def _address(self, path: str) -> str:
        if not path.startswith(("http://", "https://")):
            return f"{self.base_url}/{path.lstrip('/')}"
        ours, theirs = httpx.URL(self.base_url), httpx.URL(path)
        if (ours.scheme, ours.host, ours.port) != (theirs.scheme, theirs.host, theirs.port):
            raise SourceFailed("the vendor sends us on to another server, which would see the token; not followed")
        return path

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.traffic.waited_seconds += seconds

    def _note(self, why: str) -> None:
        self.traffic.repeats[why] = self.traffic.repeats.get(why, 0) + 1


def _is_json(reply: Reply) -> Reply:
    reply.json()
    return reply


class _Pace:
    """Keeps calls at least 1/rate seconds apart."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate
        self._next_at = 0.0

    def wait(self) -> float:
        """Sleep until the next call may go; returns for how long."""
        now = time.monotonic()
        pause = max(0.0, self._next_at - now)
        if pause:
            time.sleep(pause)
        self._next_at = max(now, self._next_at) + self._gap
        return pause


class Bearer(httpx.Auth):
    """A fixed header, kept out of the client's defaults so that nothing prints it."""

    def __init__(self, header: str, value: str) -> None:
        self._header, self._value = header, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._header] = self._value
        yield request
