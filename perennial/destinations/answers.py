"""What a webhook's HTTP answer means.

What lives here: status codes and the optional JSON body. What does not: sending, retrying, splitting.

2xx with an empty body, or with a JSON object, is a receipt for all rows but those listed under `rejected`. Anything
else in a 2xx (a log-in page, text, `errors`) is a receipt for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from perennial.config.patience import retry_after
from perennial.destinations.base import Terminal, Transient, safe_text

_REFUSES_ROWS = (400, 413, 422)
_PASSING = (408, 425, 429)
_TAKEN_PERHAPS = 408


class AskedToWait(Transient):
    """The channel is busy; `seconds` is how long it asks to be left alone, none if it does not say."""

    def __init__(self, message: str, seconds: float | None, *, is_ambiguous: bool) -> None:
        super().__init__(message, is_ambiguous=is_ambiguous)
        self.seconds = seconds


@dataclass(frozen=True)
class Accepted:
    """The rows were taken, but for those in `rejected` (key → reason)."""

    receipt: str
    rejected: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    """None of the rows was taken because of something in them."""

    reason: str


def understand(
    status: int, headers: Mapping[str, str], body: bytes, keys: frozenset[str], receipt: str, now: datetime
) -> Accepted | Refused:
    """The meaning of an answer; raises Transient or Terminal where it is not about the rows."""
    if 200 <= status < 300:
        return _accepted(status, body, keys, receipt)
    if status in _REFUSES_ROWS:
        return Refused(_reason(status, body))
    if status in _PASSING or status >= 500:
        perhaps = status >= 500 or status == _TAKEN_PERHAPS
        seconds = retry_after(headers.get("retry-after"), now)
        raise AskedToWait(_reason(status, body), seconds, is_ambiguous=perhaps)
    if status in (401, 403):
        raise Terminal(f"answered HTTP {status}: it does not accept our signature; check the secret in `secret_env`")
    if 300 <= status < 400:
        raise Terminal(f"answered HTTP {status}: redirects are not followed; configure the final address in `url`")
    raise Terminal(f"{_reason(status, body)}; check the address in `url`")


def _accepted(status: int, body: bytes, keys: frozenset[str], receipt: str) -> Accepted:
    if not body.strip():
        return Accepted(receipt, {})
    content = _object(body)
    if content is None:
        what = "a web page" if body.lstrip()[:1] == b"<" else "something that is not a JSON object"
        raise Terminal(
            f"answered HTTP {status} with {what}; nothing counts as delivered; check that `url` is the receiver itself",
            is_ambiguous=True,
        )
    if content.get("errors") or content.get("error"):
        raise Terminal(
            f"answered HTTP {status} but reports errors; nothing counts as delivered:"
            f" {safe_text(json.dumps(content.get('errors') or content.get('error')))}",
            is_ambiguous=True,
        )
    given = content.get("receipt")
    return Accepted(safe_text(given, 100) if isinstance(given, str) and given else receipt, _rejected(content, keys))


def _rejected(content: Mapping[str, Any], keys: frozenset[str]) -> dict[str, str]:
    listed = content.get("rejected") or []
    if not isinstance(listed, list):
        raise Terminal("its `rejected` is not a list; nothing counts as delivered", is_ambiguous=True)
    rejected = {}
    for entry in listed:
        key = entry.get("key") if isinstance(entry, dict) else None
        if not isinstance(key, str) or key not in keys:
            raise Terminal(
                "its `rejected` names a row that was not sent; nothing counts as delivered", is_ambiguous=True
            )
        rejected[key] = safe_text(str(entry.get("reason") or "no reason given"))
    return rejected


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _reason(status: int, body: bytes) -> str:
    """The status and, where the body is JSON with a plain word of explanation, that."""
    content = _object(body) or {}
    said = next((content[name] for name in ("error", "message", "detail") if isinstance(content.get(name), str)), "")
    return f"answered HTTP {status}" + (f": {safe_text(said)}" if said else "")
