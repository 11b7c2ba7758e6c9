"""What tests of activation share: a home, settings for one webhook or one outbox, and running an activation.

What lives here: set-up. What does not: expectations.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perennial.activation.run import Outcome, activate
from perennial.audiences.definition import AudienceDefinition, ConsentRule
from perennial.config.home import Home
from perennial.config.settings import Settings
from tests.support.sink import SECRET

DEFINITION = AudienceDefinition(
    name="win_back",
    consent=ConsentRule("email", "marketing"),
    address="email",
    owner="marketing-ops@example.com",
    fields=("first_name", "country"),
    destinations=("mailer",),
)
ENV = {"MAILER_SECRET": SECRET}


class Clock:
    """Time that moves a second whenever it is read."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 3, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def webhook_settings(url: str, **more: object) -> Settings:
    """Settings with one webhook called mailer."""
    mailer = {"kind": "webhook", "url": url, "secret_env": "MAILER_SECRET", "audiences": ["win_back"]}
    mailer |= {"allow_private_address": True, "batch_size": 10, "timeout_seconds": 5}
    guards = more.pop("guards", {})
    business = {"time_zone": "UTC", "currency": "GBP"}
    return Settings.model_validate({"business": business, "destinations": {"mailer": mailer | more}, "guards": guards})


def files_settings(folder: Path) -> Settings:
    """Settings with one outbox called mailer."""
    mailer = {"kind": "files", "path": str(folder), "audiences": "all"}
    return Settings.model_validate(
        {"business": {"time_zone": "UTC", "currency": "GBP"}, "destinations": {"mailer": mailer}}
    )


def run(
    home: Home,
    settings: Settings,
    *,
    snapshot_id: str | None = None,
    definition: AudienceDefinition = DEFINITION,
    recheck: Callable[[Collection[str]], Collection[str]] | None = None,
    env: Mapping[str, str] = ENV,
) -> Outcome:
    return activate(home, settings, env, definition, "mailer", snapshot_id, Clock(), recheck)


def run_killed(home: Home, kind: str, place: str, failpoint: str, batch_size: int = 10) -> int | None:
    """Activate in a process of its own that strikes the failpoint; its exit status (-9 where it was killed)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.activating"])
    process = context.Process(target=_activate_and_die, args=(kind, place, str(home.root), failpoint, batch_size))
    process.start()
    process.join(120)
    return process.exitcode


def _activate_and_die(kind: str, place: str, home: str, failpoint: str, batch_size: int) -> None:
    settings = files_settings(Path(place)) if kind == "files" else webhook_settings(place, batch_size=batch_size)
    activate(Home(Path(home)), settings, ENV | {"PERENNIAL_FAILPOINT": failpoint}, DEFINITION, "mailer", None, Clock())
