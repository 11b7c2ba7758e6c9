"""What tests of activation share: a home, settings for one webhook or one outbox, and running an activation.

What lives here: set-up. What does not: expectations.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Collection
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
    clock: Callable[[], datetime] | None = None,
) -> Outcome:
    return activate(home, settings, ENV, definition, "mailer", snapshot_id, clock or Clock(), recheck)


_CHILD = """
import sys
from pathlib import Path
from perennial.config.home import Home
from tests.support.activating import ENV, DEFINITION, Clock, files_settings, webhook_settings
from perennial.activation.run import activate
kind, place, home, failpoint, batch_size = sys.argv[1:]
if kind == "files":
    settings = files_settings(Path(place))
else:
    settings = webhook_settings(place, batch_size=int(batch_size))
env = ENV | ({"PERENNIAL_FAILPOINT": failpoint} if failpoint else {})
print(activate(Home(Path(home)), settings, env, DEFINITION, "mailer", None, Clock()).verdict)
"""


def run_killed(home: Home, kind: str, place: str, failpoint: str, batch_size: int = 10) -> int:
    """Activate in a process of its own that strikes the failpoint; its exit status (-9 where it was killed)."""
    repository = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", _CHILD, kind, place, str(home.root), failpoint, str(batch_size)],
        cwd=repository, capture_output=True, timeout=120, env={"PATH": os.environ.get("PATH", "")}, check=False,
    ).returncode  # fmt: skip
