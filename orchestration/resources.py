"""The one place here that reads the environment, and what is made of it: an installation, and each run's Night.

What lives here: PERENNIAL_CONFIG, PERENNIAL_HOME, PERENNIAL_AS_OF, PERENNIAL_REPLAY; the settings, home and clock
they lead to; dbt's environment and its manifest. What does not: steps (assets/), jobs and schedules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assets.night import RESOURCE, DbtProcess, Night
from perennial.config.as_of import parse_as_of
from perennial.config.extras import require
from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.config.settings import Settings, load_settings
from perennial.warehouse.build import new_snapshot_id
from perennial.warehouse.lock import InstallationLock

if TYPE_CHECKING:  # Dagster takes seconds to import; a second run must be told "busy" before that
    import dagster as dg

ROOT = Path(__file__).resolve().parent.parent
QUIET = {  # nothing that runs here phones home
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
}
# what dbt inherits: enough to run, and none of the installation's secrets
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "USER")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """Settings, home and environment of one installation. Made once per process; a Night is made of it per run."""

    settings: Settings
    home: Home
    env: Mapping[str, str]
    clock: Callable[[], datetime] = now
    root: Path = ROOT
    say: Callable[[str], None] = field(default=print)

    @property
    def as_of_text(self) -> str | None:
        return self.env.get("PERENNIAL_AS_OF")

    @property
    def is_replay(self) -> bool:
        return self.env.get("PERENNIAL_REPLAY", "").strip().lower() in ("1", "true", "yes")

    def night(self) -> Night:
        """A new run: its bound in event time, its snapshot id, and dbt's view of both."""
        as_of = parse_as_of(self.as_of_text, self.settings.business.time_zone, self.clock())
        snapshot_id = new_snapshot_id(self.home, self.clock())
        return Night(
            home=self.home,
            settings=self.settings,
            env=self.env,
            clock=self.clock,
            as_of=as_of,
            snapshot_id=snapshot_id,
            dbt=self.dbt(as_of, snapshot_id),
            is_replay=self.is_replay,
            as_of_is_now=not self.as_of_text,
            say=self.say,
            failpoint=Failpoints.from_env(self.env),
        )

    def dbt(self, as_of: datetime, snapshot_id: str) -> DbtProcess:
        """The dbt process of one run (docs/architecture.md, dbt's view of a run)."""
        target = self.home.dbt / "target"
        return DbtProcess(
            executable=Path(sys.executable).parent / "dbt",
            project_dir=self.root,
            target=target,
            output=self.home.dbt / "logs" / "build.log",
            env={
                **{name: self.env[name] for name in _INHERITED if name in self.env},
                **QUIET,
                "PERENNIAL_HOME": str(self.home.root),
                "PERENNIAL_BUILD_FILE": str(self.home.build_file),
                "PERENNIAL_AS_OF_UTC": as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
                "PERENNIAL_TIME_ZONE": self.settings.business.time_zone,
                "PERENNIAL_CURRENCY": self.settings.business.currency,
                "PERENNIAL_SNAPSHOT_ID": snapshot_id,
                "PERENNIAL_MEMORY_LIMIT": self.settings.engine.memory_limit,
                "PERENNIAL_THREADS": str(self.settings.engine.threads),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(self.home.dbt / "logs"),
                "DBT_PROFILES_DIR": str(self.root / "dbt_project"),
                "DBT_PROJECT_DIR": str(self.root),
                "DBT_LOG_LEVEL_FILE": "none",  # ten thousand debug events cost more than they tell
                "PYTHONUNBUFFERED": "1",
            },
        )


def locate(env: Mapping[str, str] | None = None) -> tuple[Path, Home]:
    """The configuration file and the home the environment names. Relative ones are relative to where one stands."""
    env = os.environ if env is None else env
    config = Path(env.get("PERENNIAL_CONFIG") or ROOT / "perennial.yml").absolute()
    return config, Home(Path(env.get("PERENNIAL_HOME") or ROOT / "data").absolute())


def installation(env: Mapping[str, str] | None = None, **overrides: object) -> Installation:
    """The installation the environment names; ConfigError where perennial.yml cannot be used."""
    env = dict(os.environ if env is None else env)
    config, home = locate(env)
    return Installation(settings=load_settings(config), home=home, env=env, **overrides)  # type: ignore[arg-type]


def be_quiet(**more: str) -> None:
    """Switch telemetry off for this process and those it starts; `more` is set beside it."""
    os.environ.update(QUIET | more)


def night_resource(installed: Installation, night: Night | None = None) -> dg.ResourceDefinition:
    """Per run: hold the installation and hand out its Night. Busy is raised at once where another run holds it."""
    import dagster as dg

    @dg.resource(
        description="One run over one home: settings, home, as_of, snapshot id. Holds the installation's lock."
    )
    def held_night(_context: dg.InitResourceContext) -> Iterator[Night]:
        require(installed.settings)
        with InstallationLock(installed.home):
            yield night or installed.night()

    return held_night


def resources(installed: Installation, night: Night | None = None) -> dict[str, dg.ResourceDefinition]:
    return {RESOURCE: night_resource(installed, night)}
