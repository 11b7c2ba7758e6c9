"""An installation made by hand: settings as a person would write them, a home, a clock.

What lives here: writing perennial.yml for a test and what `orchestration.resources` makes of it. What does not: data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from orchestration.resources import Installation
from perennial.config.home import Home
from perennial.config.settings import load_settings

PLAIN: dict[str, Any] = {"business": {"time_zone": "Europe/London", "currency": "GBP"}}


def write_config(folder: Path, content: Mapping[str, Any]) -> Path:
    """A perennial.yml in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "perennial.yml"
    path.write_text(yaml.safe_dump({**PLAIN, **content}), encoding="utf-8")
    return path


def installed_in(
    home: Home,
    content: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    say: Callable[[str], None] = lambda _line: None,
) -> Installation:
    """An Installation over a home, with the given parts of perennial.yml (written beside the home)."""
    import os

    config = write_config(home.root.parent / "config", content or {})
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return Installation(
        settings=load_settings(config), home=home, env=inherited | dict(env or {}), clock=clock, say=say
    )
