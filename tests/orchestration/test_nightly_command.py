"""The command schedulers call: what it answers before it does anything."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perennial.config.home import Home
from perennial.warehouse.lock import InstallationLock
from tests.conftest import ROOT
from tests.support.installation import write_config


def nightly(home: Home, config: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.nightly", *arguments],
        cwd=ROOT,
        env=os.environ | {"PERENNIAL_HOME": str(home.root), "PERENNIAL_CONFIG": str(config), **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_second_run_is_told_within_five_seconds_who_holds_the_installation(home: Home, tmp_path: Path) -> None:
    config = write_config(tmp_path, {})
    with InstallationLock(home):
        began = time.monotonic()
        second = nightly(home, config)
        took = time.monotonic() - began
    assert second.returncode == 75
    assert f"process {os.getpid()} is running here" in second.stderr
    assert "Traceback" not in second.stderr
    assert took < 5


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"sources": {"shop": {"kind": "file", "path": "exports/"}}}, "sources.shop"),
        ({"busines": {}}, "busines"),
        (
            {"destinations": {"mailer": {"kind": "webhook", "url": "https://x.example.com", "secret": "s3cret"}}},
            "secret_env",
        ),
    ],
)
def test_a_wrong_configuration_ends_with_2_and_names_the_key(
    home: Home, tmp_path: Path, content: dict, named: str
) -> None:
    done = nightly(home, write_config(tmp_path, content))
    assert done.returncode == 2
    assert named in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_configuration_ends_with_2_and_names_the_file(home: Home, tmp_path: Path) -> None:
    done = nightly(home, tmp_path / "nowhere.yml")
    assert done.returncode == 2
    assert "nowhere.yml" in done.stderr


def test_a_wrong_as_of_ends_with_2(home: Home, tmp_path: Path) -> None:
    done = nightly(home, write_config(tmp_path, {}), PERENNIAL_AS_OF="yesterday")
    assert done.returncode == 2
    assert "PERENNIAL_AS_OF" in done.stderr


def test_a_home_of_another_version_ends_with_2_and_says_what_to_do(home: Home, tmp_path: Path) -> None:
    home.prepare()
    home.version_file.write_text("99\n")
    done = nightly(home, write_config(tmp_path, {}))
    assert done.returncode == 2
    assert "newer Perennial" in done.stderr


def test_arguments_are_refused_since_the_environment_says_everything(home: Home, tmp_path: Path) -> None:
    done = nightly(home, write_config(tmp_path, {}), "--full")
    assert done.returncode == 2
    assert "PERENNIAL_CONFIG" in done.stderr
