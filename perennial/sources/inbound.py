"""The receiver of webhooks: takes signed deliveries of vendors and keeps them before it acknowledges them.

What lives here: signatures, the application that takes POST /<source>/<hook>, serving it. What does not: files
(inbox.py), what a delivery means or that it came before (landing keeps one row per event), which hooks there are.

A delivery is kept as one line of its source's inbox, the body as it came:
    {"received_at": …, "hook": …, "headers": {…}, "body": …}
with the headers that say what came, where a vendor does not say it in the body. An answer of 200 means that the line
is whole and on disk. None of these vendors signs a time: a delivery sent again is kept again, and known by its id.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from perennial.sources.inbox import Inbox, closed_segments, forget, nowhere

LOG = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
LARGEST_BODY = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PING = re.compile(rb"webhook_id=\d+")  # what WooCommerce posts, unsigned, to see whether anybody is there


@dataclass(frozen=True)
class Scheme:
    """Where a vendor puts base64(HMAC-SHA256(raw body)), and the headers that say what its body does not."""

    signature: str
    kept: tuple[str, ...] = ()


SCHEMES = {
    "respond_io": Scheme("x-webhook-signature"),
    "shopify": Scheme(
        "x-shopify-hmac-sha256",
        ("x-shopify-topic", "x-shopify-webhook-id", "x-shopify-event-id", "x-shopify-triggered-at"),
    ),
    "woocommerce": Scheme("x-wc-webhook-signature", ("x-wc-webhook-topic", "x-wc-webhook-delivery-id")),
}


@dataclass(frozen=True)
class Hook:
    """One webhook of a vendor: how it signs, and its signing key."""

    scheme: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ValueError(f"no signature scheme {self.scheme!r}; there are {', '.join(SCHEMES)}")
        if not self.secret:
            raise ValueError("a hook needs the signing key of its webhook; an empty key would let anybody in")

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        wanted = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest())
        given = headers.get(SCHEMES[self.scheme].signature, "").strip()
        return hmac.compare_digest(wanted, given.encode("utf-8", "replace"))


def _now() -> datetime:
    return datetime.now(UTC)


def receiver(
    home_inbox: Path,
    hooks: Mapping[str, Hook],
    *,
    clock: Callable[[], datetime] = _now,
    seconds_for_a_body: float = 30.0,
    failpoint: Callable[[str], None] = nowhere,
) -> Starlette:
    """The application that takes POST /<source>/<hook>. `hooks`: `source/hook` → how that webhook signs."""
    for name in hooks:
        source, _, hook = name.partition("/")
        if not (_NAME.fullmatch(source) and _NAME.fullmatch(hook)):
            raise ValueError(f"{name!r} is no name of a hook; write source/hook, of letters, digits, _, . and -")
    inboxes = {source: Inbox(home_inbox / source, failpoint) for source in {name.partition("/")[0] for name in hooks}}

    async def take(request: Request) -> Response:
        source, name = request.path_params["source"], request.path_params["hook"]
        hook = hooks.get(f"{source}/{name}")
        if hook is None:
            return _last_answer(404)
        try:
            body = await asyncio.wait_for(_body(request), seconds_for_a_body)
        except (TimeoutError, ClientDisconnect):
            return _last_answer(408)
        if body is None:
            return _last_answer(413)
        if hook.scheme == "woocommerce" and _PING.fullmatch(body):
            return Response(status_code=200)
        if not hook.is_signed(request.headers, body):
            LOG.warning("%s/%s: a delivery with a wrong signature or none was turned away", source, name)
            return Response(status_code=401)
        at = clock()
        line = _line(at, name, request.headers, SCHEMES[hook.scheme].kept, body)
        if line is None:
            LOG.warning("%s/%s: a delivery that is no JSON object was turned away", source, name)
            return Response(status_code=400)
        try:
            await run_in_threadpool(inboxes[source].append, line, at)
        except OSError as error:
            LOG.error("%s/%s: a delivery could not be kept: %s", source, name, error.strerror or type(error).__name__)
            return Response(status_code=503)
        return Response(status_code=200)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for each in inboxes.values():
            each.close()

    return Starlette(routes=[Route("/{source}/{hook}", take, methods=["POST"])], lifespan=lifespan)


def serve(app: Starlette, *, port: int, host: str = LOOPBACK) -> None:
    """Serve until interrupted; on loopback, for a proxy in front of it that speaks TLS, unless told otherwise."""
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False, limit_concurrency=100, ws="none"
    )
    uvicorn.Server(config).run()


async def _body(request: Request) -> bytes | None:
    """The raw body; None as soon as it is seen to be too large."""
    if int(request.headers.get("content-length", 0)) > LARGEST_BODY:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _line(at: datetime, hook: str, headers: Mapping[str, str], kept: Iterable[str], body: bytes) -> bytes | None:
    """What is kept of a delivery, the body as it came; None where that is no JSON object: none of these vendors sends
    anything else, and what cannot be landed would keep all that came after it from being landed."""
    if not isinstance(_json(body), dict):
        return None
    about: dict[str, Any] = {"received_at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "hook": hook}
    if known := {name: headers[name] for name in kept if name in headers}:
        about["headers"] = known
    # between the values of JSON a line break is a blank, and inside of them there is none
    on_one_line = body.strip().replace(b"\r", b" ").replace(b"\n", b" ")
    return json.dumps(about).encode()[:-1] + b', "body": ' + on_one_line + b"}\n"


def _json(data: bytes) -> object | None:
    """The value where these bytes are JSON as the standard has it, in UTF-8; None where they are not."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _last_answer(status: int) -> Response:
    """An answer after which the connection is closed, since what else is coming on it is not read."""
    return Response(status_code=status, headers={"Connection": "close"})


__all__ = ["Hook", "closed_segments", "forget", "receiver", "serve"]
