"""What tests share: a clean environment, homes, the sample data's place, and dbt's manifest parsed once.

What lives here: fixtures used in more than one folder of tests. What does not: worlds of data (beside the tests that
use them).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perennial.config.home import Home

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_DATA = "PERENNIAL_SAMPLE_DATA"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the installation of whoever runs it, and nothing phones home."""
    for name in [name for name in os.environ if name.startswith("PERENNIAL_") and name != SAMPLE_DATA]:
        monkeypatch.delenv(name)
    for name, value in {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of real sample data, or a skip that says why."""
    place = os.environ.get(SAMPLE_DATA)
    if not place:
        pytest.skip(f"{SAMPLE_DATA} is not set: this test reads real sample data, which is not part of the repository")
    folder = Path(place)
    if not folder.is_dir():
        pytest.skip(f"{SAMPLE_DATA} names {place}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def parsed_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which dbt has parsed the project: its dbt/ folder can be copied, or used again by `night_home`."""
    from orchestration.manifest import manifest
    from tests.support.installation import installed_in

    home = Home(tmp_path_factory.mktemp("night") / "home").prepare()
    manifest(installed_in(home).night().dbt)
    return home


@pytest.fixture(scope="session")
def manifest(parsed_home: Home) -> dict[str, Any]:
    """dbt's manifest of this repository, parsed once per session."""
    from orchestration.manifest import manifest
    from tests.support.installation import installed_in

    return manifest(installed_in(parsed_home).night().dbt)


@pytest.fixture
def night_home(parsed_home: Home) -> Iterator[Home]:
    """An empty home, always at the same path."""
    from tests.support.nights import emptied

    yield emptied(parsed_home)
