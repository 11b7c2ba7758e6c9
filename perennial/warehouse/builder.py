"""How dbt is called: which program, and the whole environment it gets (docs/architecture.md, dbt's view of a run).

What lives here: the environment of one build, for the night and for whoever builds aside. What does not: starting it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from perennial.config.home import Home
from perennial.config.settings import Settings

QUIET = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}  # nothing that runs here phones home
# what dbt inherits: enough to run, and none of the installation's secrets
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH", "USER")


def executable() -> Path:
    return Path(sys.executable).parent / "dbt"


def target(home: Home) -> Path:
    """Where dbt keeps what it parsed and what came of its last run."""
    return home.dbt / "target"


def code(project: Path) -> str:
    """A hash of what decides a stage history beside data and settings: its models, all macros, the variables."""
    files = [project / "dbt_project.yml", *(project / "models" / "lifecycle").glob("*.sql")]
    files += (project / "dbt_project" / "macros").rglob("*.sql")
    parts = [f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in sorted(files) if path.is_file()]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def environment(
    home: Home, settings: Settings, project: Path, env: Mapping[str, str], as_of: datetime, snapshot_id: str
) -> dict[str, str]:
    """All that dbt is told of a build of this home by the project in that folder."""
    return {
        **{name: env[name] for name in _INHERITED if name in env},
        **QUIET,
        "PERENNIAL_HOME": str(home.root),
        "PERENNIAL_BUILD_FILE": str(home.build_file),
        "PERENNIAL_AS_OF_UTC": as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "PERENNIAL_TIME_ZONE": settings.business.time_zone,
        "PERENNIAL_CURRENCY": settings.business.currency,
        "PERENNIAL_SNAPSHOT_ID": snapshot_id,
        "PERENNIAL_MEMORY_LIMIT": settings.engine.memory_limit,
        "PERENNIAL_THREADS": str(settings.engine.threads),
        "PERENNIAL_CODE": code(project),
        "DBT_TARGET_PATH": str(target(home)),
        "DBT_LOG_PATH": str(home.dbt / "logs"),
        "DBT_PROFILES_DIR": str(project / "dbt_project"),
        "DBT_PROJECT_DIR": str(project),
        "DBT_LOG_LEVEL_FILE": "none",  # ten thousand debug events cost more than they tell
        "PYTHONUNBUFFERED": "1",
    }
