"""The sandbox beside a demo's night: the vendors with the demo's world, the receiver of webhooks, and what they send.

What lives here: starting them for as long as a night takes, and what the night must be told. What does not: the world
(perennial/demo), the vendors' APIs.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from perennial.config.files import write_atomically
from perennial.config.home import Home
from perennial.config.parts import ApiSource
from perennial.config.settings import load_settings
from perennial.demo.installation import HOOK, HOOK_ENV, OVER_APIS, SANDBOX_PORT, sandbox_url, token_env
from perennial.demo.make import CONFIG, make_world
from perennial.demo.scale import Scale
from perennial.sandbox.core import Vendor
from perennial.sandbox.respond_io.api import SIGNING_KEY as KEY
from perennial.sandbox.respond_io.webhooks import Delivery, send
from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.world import token, vendors
from perennial.sources.inbound import Hook, receiver
from perennial.sources.inbox import inbox_of

IN_A_HURRY = 1000.0  # times the vendors' real rates: a demo shows the data, not the waiting
# what the API can be asked for needs no telling
TOLD = ("conversation.opened", "conversation.closed", "contact.assignee.updated")
_SENT = "webhooks_sent"


@contextmanager
def beside_the_night(folder: Path, scale: Scale) -> Iterator[Mapping[str, str]]:
    """Serve the demo's vendors where its perennial.yml looks for them. Yields the tokens the night needs."""
    held = vendors(make_world(scale).tables, limits=IN_A_HURRY)
    with ExitStack() as stack:
        _serve(stack, folder, held)
        _tell(folder, held)
        yield secrets()


def secrets() -> dict[str, str]:
    """The environment that a demo's perennial.yml asks for."""
    return {token_env(vendor): token(vendor) for vendor in OVER_APIS.values()} | {HOOK_ENV: KEY}


def _serve(stack: ExitStack, folder: Path, held: Sequence[Vendor]) -> None:
    """At the port that perennial.yml names; if that is taken, at a free one, which is then written there."""
    app = Sandbox(held).app()
    port = configured_port(folder)
    try:
        stack.enter_context(running(app, port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        address = stack.enter_context(running(app))
        path = folder / CONFIG
        text = path.read_text(encoding="utf-8").replace(sandbox_url(port), f"{address}/")
        write_atomically(path, text)


def configured_port(folder: Path) -> int:
    """The port of the sandbox in a demo's perennial.yml."""
    for source in load_settings(folder / CONFIG).sources.values():
        if isinstance(source, ApiSource) and source.base_url is not None:
            return urlsplit(source.base_url).port or SANDBOX_PORT
    return SANDBOX_PORT


def _tell(folder: Path, held: Sequence[Vendor]) -> None:
    """Let respond.io send its webhooks, once: what it tells of no API can be asked for later."""
    sent = folder / _SENT
    if sent.exists():
        return
    inbox = inbox_of(Home(folder).prepare())
    source = next(name for name, vendor in OVER_APIS.items() if vendor == "respond_io")
    then: list[datetime] = [datetime.now(UTC)]

    def happens(delivery: Delivery) -> None:
        then[0] = delivery.at

    # of some things the vendor does not say when they happened: the receiver's clock follows the world's
    app = receiver(inbox, {f"{source}/{HOOK}": Hook("respond_io", KEY)}, clock=lambda: then[0])
    vendor: Any = next(each for each in held if each.name == "respond_io")
    with running(app) as address:
        attempts = send(f"{address}/{source}/{HOOK}", vendor.webhooks(events=TOLD), before=happens)
    refused = [each for each in attempts if each.status != 200]
    if refused:
        raise RuntimeError(f"the receiver refused {len(refused)} of {len(attempts)} webhooks")
    write_atomically(sent, f"{len(attempts)}\n")
