"""What an answer of a vendor is, and what HTTP alone says of it.

What lives here: whole answers, the ways in which one is none, what its headers ask for. What does not: asking
(http.py), what a vendor means beyond HTTP (its judge).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx
import orjson

from perennial.config.patience import is_overlong, retry_after
from perennial.sources.base import SourceFailed, SourceUnavailable

PASSING = (408, 425, 429)
_CODE = re.compile(r"(?!.*\d{7})[A-Za-z0-9_.:-]{1,60}")  # a word, and no telephone number
_RANGE = re.compile(r"bytes (\d+)-.*")


class Busy(Exception):
    """The vendor asks to be left alone; `seconds` is for how long, none where it does not say."""

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Unusable(Busy):
    """An answer that says it went well and cannot be read."""


class Unreached(Busy):
    """No whole answer came. Says the kind of trouble alone: what a network library says may repeat what was sent."""


class FileGone(SourceUnavailable):
    """A file is no longer where it was."""


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    at: datetime

    def parsed(self) -> Any:
        """The body as JSON, errors or not; raises Unusable where it is none."""
        return self._content

    def json(self) -> Any:
        """The body as JSON; raises Unusable where it is none, or where it holds nothing but errors."""
        content = self._content
        if isinstance(content, dict) and len(content) == 1 and content.get("errors"):
            raise Unusable(f"answered HTTP {self.status} and reports errors")
        return content

    @cached_property
    def _content(self) -> Any:
        try:
            return _parsed(self.content)
        except orjson.JSONDecodeError:
            kind = "nothing" if not self.content.strip() else "something that is not JSON"
            raise Unusable(f"answered HTTP {self.status} with {kind}") from None


def _parsed(content: bytes) -> Any:
    """A page becomes ten thousand objects, none of them in a circle. To look for circles among them while they are made
    takes longer than to make them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(content)
    finally:
        if was_enabled:
            gc.enable()


# A vendor's reading of an answer, asked before the common one: raises Busy or SourceFailed, or says nothing.
Judge = Callable[[Reply], None]


def wait_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that Retry-After asks for; endless where they are more than we have patience for."""
    said = headers.get("retry-after")
    return float("inf") if is_overlong(said, now) else retry_after(said, now)


def bytes_to_skip(answer: httpx.Response, what: str, offset: int) -> int:
    """How many bytes of this answer are to be left out."""
    status = answer.status_code
    if status == 200:
        return offset
    if status in PASSING or status >= 500:
        wait = wait_asked_for(answer.headers, datetime.now(UTC))
        raise Busy(f"answered HTTP {status}", None if wait == float("inf") else wait)
    if status != 206:
        raise FileGone(f"{what}: is not to be had any more (HTTP {status})")
    found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if found is None or int(found[1]) != offset or "content-encoding" in answer.headers:
        raise SourceFailed(f"{what}: the storage hands over another stretch of it than was asked for")
    return 0


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
