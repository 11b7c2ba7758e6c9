"""Asking a vendor's API: one call at a time, paced, with a deadline, repeated while the trouble may pass.

What lives here: the client that every adapter is handed. What does not: what a vendor's answers mean beyond HTTP (its
judge), paging (the adapters). Texts of errors name what was asked for, a status and a vendor's error code: never an
address with its query, a body, a token.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx
import orjson
import stamina

from perennial.config.deadline import Deadline, DeadlineBackend
from perennial.config.deadline import client as deadline_client
from perennial.config.parts import ApiSource
from perennial.config.patience import retry_after
from perennial.sources.base import SourceFailed, SourceUnavailable

LONGEST_BODY = 64 * 1024 * 1024
ATTEMPTS = 12
UNUSABLE_ATTEMPTS = 3  # an answer that is no answer (a log-in page, nothing at all) is not asked for again and again
_PORTION = 1024 * 1024
_PASSING = (408, 425, 429)
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,60}")


class Busy(Exception):
    """The vendor asks to be left alone; `seconds` is for how long, none where it does not say."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Unusable(Busy):
    """An answer that says it went well and cannot be read."""


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    at: datetime

    def json(self) -> Any:
        """The body as JSON; raises Unusable where it is none, or where it holds nothing but errors."""
        content = self._content
        if isinstance(content, dict) and len(content) == 1 and content.get("errors"):
            raise Unusable(f"answered HTTP {self.status} and reports errors")
        return content

    @cached_property
    def _content(self) -> Any:
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            kind = "nothing" if not self.content.strip() else "something that is not JSON"
            raise Unusable(f"answered HTTP {self.status} with {kind}") from None


# A vendor's reading of an answer, asked before the common one: raises Busy or SourceFailed, or says nothing.
Judge = Callable[[Reply], None]


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
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log whole addresses
        self.base_url = (settings.base_url or base_url).rstrip("/")
        self.traffic = Traffic()
        self._settings = settings
        self._judge = judge
        self._deadline = Deadline()
        self._pace = _Pace(settings.requests_per_second)
        options = {"headers": {"user-agent": "perennial", "accept": "application/json", **(headers or {})}}
        backend = DeadlineBackend(self._deadline)
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
        is_json: bool = True,
    ) -> Reply:
        """One call with its repeats. `path` is below the base address, or a whole address of the same server that the
        vendor gave. `what` names the call in errors. Raises SourceFailed or SourceUnavailable."""
        request = self._client.build_request(
            method, self._address(path), params=params, json=json, data=form, headers=headers
        )

        def once() -> Reply:
            reply = self._send(request)
            self._understand(reply)
            if is_json:
                reply.json()
            return reply

        return self._repeat(once, what)

    def get_json(self, path: str, what: str, *, params: Mapping[str, Any] | None = None) -> Any:
        """GET, as JSON."""
        return self.ask("GET", path, what, params=params).json()

    def download(self, address: str, what: str, offset: int = 0) -> Iterator[bytes]:
        """A file from wherever the vendor keeps it, without our credentials, from a byte on, in portions. A connection
        that breaks is made again where it broke."""
        while True:
            before = offset
            try:
                for portion in self._portions(address, offset):
                    offset += len(portion)
                    yield portion
                return
            except (httpx.HTTPError, Busy) as error:
                if offset == before:  # not even a byte more than the last time
                    raise SourceUnavailable(f"{what}: breaks off ({type(error).__name__})") from None
                self._note("a download broke off")

    def _portions(self, address: str, offset: int) -> Iterator[bytes]:
        self._deadline.start(self._settings.call_seconds)
        headers = {"range": f"bytes={offset}-"} if offset else {}
        self.traffic.calls += 1
        with self._plain.stream("GET", address, headers=headers) as answer:
            if answer.status_code not in (200, 206):
                raise Busy(f"answered HTTP {answer.status_code}")
            skip = offset if answer.status_code == 200 else 0
            for portion in answer.iter_bytes(_PORTION):
                self.traffic.bytes += len(portion)
                self._deadline.start(self._settings.call_seconds)  # a large file may take long, a portion may not
                if skip >= len(portion):
                    skip -= len(portion)
                    continue
                yield portion[skip:]
                skip = 0

    def _repeat(self, once: Callable[[], Reply], what: str) -> Reply:
        ends_at = time.monotonic() + self._settings.call_seconds
        unusable = 0
        failed_at: float | None = None

        def again(error: Exception) -> bool | float:
            nonlocal unusable, failed_at
            failed_at = time.monotonic()
            if not isinstance(error, Busy | httpx.TransportError):
                return False
            self._note(str(error) if isinstance(error, Busy) else type(error).__name__)
            unusable += isinstance(error, Unusable)
            seconds = error.seconds if isinstance(error, Busy) else None
            if unusable >= UNUSABLE_ATTEMPTS or (seconds is not None and failed_at + seconds > ends_at):
                return False
            return True if seconds is None else seconds

        try:
            for attempt in stamina.retry_context(
                on=again, attempts=ATTEMPTS, timeout=self._settings.call_seconds, wait_initial=0.2, wait_max=30.0,
                wait_jitter=0.2,
            ):  # fmt: skip
                with attempt:
                    if failed_at is not None:
                        self.traffic.waited_seconds += time.monotonic() - failed_at
                    return once()
        except Busy as error:
            raise SourceUnavailable(f"{what}: {error}; tried {self._tries(error)}") from None
        except httpx.TransportError as error:
            raise SourceUnavailable(f"{what}: cannot be reached ({type(error).__name__})") from None
        except httpx.InvalidURL:
            raise SourceFailed(f"{what}: the address cannot be understood; check `base_url`") from None
        raise AssertionError("a retry loop ended without an answer")

    def _tries(self, error: Busy) -> str:
        wait = "" if error.seconds is None else f", it asks for {error.seconds:.0f} s more"
        return f"for up to {self._settings.call_seconds:.0f} s{wait}"

    def _send(self, request: httpx.Request) -> Reply:
        self.traffic.waited_seconds += self._pace.wait()
        self._deadline.start(self._settings.timeout_seconds)
        self.traffic.calls += 1
        answer = self._client.send(request, stream=True)
        try:
            content = bytearray()
            for portion in answer.iter_bytes(_PORTION):
                content += portion
                if len(content) > LONGEST_BODY:
                    raise SourceFailed(f"answers with more than {LONGEST_BODY} bytes; choose a smaller `page_size`")
        finally:
            answer.close()
        self.traffic.bytes += len(content)
        return Reply(answer.status_code, answer.headers, bytes(content), datetime.now(UTC))

    def _understand(self, reply: Reply) -> None:
        if self._judge is not None:
            self._judge(reply)
        status = reply.status
        if 200 <= status < 300:
            return
        if status in _PASSING or status >= 500:
            raise Busy(f"answered HTTP {status}", retry_after(reply.headers.get("retry-after"), reply.at))
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

    def _note(self, why: str) -> None:
        self.traffic.repeats[why] = self.traffic.repeats.get(why, 0) + 1


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


def error_code(reply: Reply) -> str:
    """A vendor's own word for an error, in brackets, where its answer holds one that can be shown."""
    try:
        content = orjson.loads(reply.content)
    except orjson.JSONDecodeError:
        return ""
    for each in content if isinstance(content, list) else [content]:
        if isinstance(each, dict):
            nested = each.get("errors")
            places = [each, *(nested if isinstance(nested, list) else [])]
            for place in places:
                for key in ("code", "errorCode", "category", "policyName"):
                    word = place.get(key) if isinstance(place, dict) else None
                    if isinstance(word, str) and _CODE.fullmatch(word):
                        return f" ({word})"
    return ""
