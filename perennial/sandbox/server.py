"""The sandbox as one ASGI application, and running it on loopback.

What lives here: the prefix per vendor, the generic faults, the journal, the control route, a server in a thread for
tests and notebooks. What does not: any vendor's wire contract.

Control (JSON, no authentication: loopback only):
    POST /_control/seed     {vendor, collection, records: […]}
    POST /_control/arm      {vendor, fault, times, match, after, …options}
    POST /_control/disarm
    GET  /_control/journal  ?vendor=   → {entries: […]}
    GET  /_control/held     ?vendor=   → {collection: [ids]}
    GET  /_control/faults              → vendor → fault → what it does
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from perennial.sandbox.core import GENERIC_FAULTS, JSON, PAGE_FAULTS, Answer, Asked, Clock, Faults, Journal, Vendor, now

LOOPBACK = "127.0.0.1"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Broken(Exception):
    """Raised inside an answer so that the server closes the connection."""


class Sandbox:
    """The vendors of one process, with what is armed and what was asked."""

    def __init__(self, vendors: Sequence[Vendor], clock: Clock = now) -> None:
        self.vendors = {each.name: each for each in vendors}
        self.clock = clock
        self.faults = Faults()
        self.journal = Journal()
        self._guard = threading.Lock()

    def _vendors_here(self) -> str:
        return f"name a vendor: {', '.join(self.vendors)}"

    def arm(self, vendor: str, fault: str, **options: Any) -> None:
        if vendor not in self.vendors:
            raise ValueError(self._vendors_here())
        known = {**GENERIC_FAULTS, **self.vendors[vendor].faults}
        if fault not in known:
            raise ValueError(f"{vendor} has no fault {fault!r}; it has {', '.join(known)}")
        self.faults.arm(vendor, fault, **options)

    def ask(self, vendor: str, asked: Asked) -> Answer:
        """One request, one at a time: vendors need no locks of their own."""
        text = f"{asked.path}?{asked.query}\n{asked.body.decode('utf-8', 'replace')}"
        with self._guard:
            asked = replace(asked, now=self.clock(), fault=self.faults.take(vendor, text))
            answer = _generic(asked) or self.vendors[vendor].handle(asked)
            self.journal.write(vendor, asked, answer)
        return replace(answer, headers={**answer.headers, **_played(asked)})

    def app(self) -> Starlette:
        control = [
            Route("/_control/seed", self._seed, methods=["POST"]),
            Route("/_control/arm", self._arm, methods=["POST"]),
            Route("/_control/disarm", self._disarm, methods=["POST"]),
            Route("/_control/journal", self._show_journal),
            Route("/_control/held", self._show_held),
            Route("/_control/faults", self._show_faults),
        ]
        return Starlette(routes=[*control, Route("/{vendor}{path:path}", self._vendor, methods=_METHODS)])

    async def _vendor(self, request: Request) -> Response:
        # the path as it was sent: identifiers hold escaped signs that must not be taken for slashes
        raw = bytes(request.scope.get("raw_path") or request.url.path.encode()).decode("ascii", "replace")
        _, vendor, *rest = raw.split("/", 2)
        if vendor not in self.vendors:
            return JSONResponse({"error": f"no vendor {vendor!r} here"}, 404)
        asked = Asked(
            request.method, "/" + (rest[0] if rest else ""), request.url.query,
            {name.lower(): value for name, value in request.headers.items()}, await request.body(),
            f"{request.url.scheme}://{request.url.netloc}/{vendor}", self.clock(),
        )  # fmt: skip
        answer = await run_in_threadpool(self.ask, vendor, asked)
        return _response(answer)

    async def _seed(self, request: Request) -> Response:
        wanted = await request.json()
        vendor = self.vendors.get(wanted.get("vendor"))
        if vendor is None:
            return JSONResponse({"error": self._vendors_here()}, 404)
        try:
            with self._guard:
                return JSONResponse({"held": vendor.seed(wanted["collection"], wanted["records"])})
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            held = ", ".join(vendor.held())
            return JSONResponse({"error": f"{type(error).__name__}: {error}; collections: {held}"}, 400)

    async def _arm(self, request: Request) -> Response:
        wanted = dict(await request.json())
        try:
            self.arm(wanted.pop("vendor"), wanted.pop("fault"), **wanted)
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"armed": self.faults.left()})

    async def _disarm(self, _: Request) -> Response:
        self.faults.disarm()
        return JSONResponse({"armed": 0})

    async def _show_journal(self, request: Request) -> Response:
        wanted = request.query_params.get("vendor")
        entries = self.journal.of(wanted) if wanted else list(self.journal.entries)
        return JSONResponse({"entries": [{**asdict(each), "at": each.at.isoformat()} for each in entries]})

    async def _show_held(self, request: Request) -> Response:
        vendor = self.vendors.get(request.query_params.get("vendor", ""))
        if vendor is None:
            return JSONResponse({"error": self._vendors_here()}, 404)
        return JSONResponse({collection: sorted(records) for collection, records in vendor.held().items()})

    async def _show_faults(self, _: Request) -> Response:
        return JSONResponse({"any": GENERIC_FAULTS, **{name: dict(each.faults) for name, each in self.vendors.items()}})


def _generic(asked: Asked) -> Answer | None:
    if asked.fault is None:
        return None
    options = asked.fault.options
    if asked.fault.name == "status":
        return Answer(options.get("status", 503), options.get("body"), options.get("headers", {}))
    if asked.fault.name == "html":
        return Answer(200, b"<!doctype html><title>Log in</title><p>Please log in", content_type="text/html")
    if asked.fault.name == "empty_body":
        return Answer(200, b"")
    if asked.fault.name == "errors_body":
        return Answer(200, {"errors": [{"message": "something went wrong"}]})
    return None


def _played(asked: Asked) -> Mapping[str, str]:
    """How the server is to spoil this answer on the wire, told to _response by headers it takes away again."""
    if asked.fault is None or asked.fault.name not in ("cut_off", "reset_after", "slow", "stall"):
        return {}
    return {"sandbox-fault": asked.fault.name, "sandbox-seconds": str(asked.fault.options.get("seconds", ""))}


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    fault, seconds = headers.pop("sandbox-fault", None), headers.pop("sandbox-seconds", "")
    body = answer.body()
    if fault is None:
        return Response(body, answer.status, headers, answer.content_type)
    headers["content-length"] = str(len(body))
    stream = _spoiled(body, fault, float(seconds) if seconds else None)
    return StreamingResponse(stream, answer.status, headers, answer.content_type)


async def _spoiled(body: bytes, fault: str, seconds: float | None) -> AsyncIterator[bytes]:
    if fault == "cut_off":
        yield body[: len(body) // 2]
        raise Broken
    if fault == "reset_after":
        raise Broken
    if fault == "stall":
        await asyncio.sleep(30.0 if seconds is None else seconds)
        yield body
        return
    for position in range(len(body)):
        yield body[position : position + 1]
        await asyncio.sleep(1.0 if seconds is None else seconds)


def serve(app: Any, port: int) -> None:
    """Serve until interrupted."""
    uvicorn.Server(_config(app, port)).run()


@contextmanager
def running(app: Any, port: int = 0) -> Iterator[str]:
    """Serve in a thread of this process; yields the root address, without a slash at the end."""
    listener = socket.create_server((LOOPBACK, port))
    server = uvicorn.Server(_config(app, listener.getsockname()[1]))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        if thread.is_alive():  # a stalled answer is still waiting
            server.force_exit = True
            thread.join(timeout=10)
        listener.close()


def _config(app: Any, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=LOOPBACK, port=port, log_level="critical", access_log=False, timeout_graceful_shutdown=1, ws="none"
    )


__all__ = ["JSON", "PAGE_FAULTS", "Sandbox", "running", "serve"]
