"""`perennial upgrade` takes every missing step once, in order, and never guesses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from perennial.cli.main import build_app
from perennial.cli.upgrade import upgrade
from perennial.config.home import HOME_VERSION, Home, HomeError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_steps_run_in_order_and_the_version_follows_each(home: Home) -> None:
    seen: list[tuple[str, int | None]] = []
    steps = {
        HOME_VERSION: lambda each: seen.append(("first", each.version())),
        HOME_VERSION + 1: lambda each: seen.append(("second", each.version())),
    }
    assert upgrade(home, HOME_VERSION + 2, steps) == (HOME_VERSION, HOME_VERSION + 2)
    assert seen == [("first", HOME_VERSION), ("second", HOME_VERSION + 1)]
    assert home.version() == HOME_VERSION + 2


def test_a_step_that_fails_is_taken_again_next_time(home: Home) -> None:
    def fails(_home: Home) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        upgrade(home, HOME_VERSION + 1, {HOME_VERSION: fails})
    assert home.version() == HOME_VERSION
    assert upgrade(home, HOME_VERSION + 1, {HOME_VERSION: lambda _home: None}) == (HOME_VERSION, HOME_VERSION + 1)


def test_a_home_from_the_future_or_without_a_known_step_is_refused(home: Home) -> None:
    with pytest.raises(HomeError, match="no step leads on"):
        upgrade(home, HOME_VERSION + 1, {})
    home.version_file.write_text(f"{HOME_VERSION + 5}\n")
    with pytest.raises(HomeError, match="newer Perennial"):
        upgrade(home, HOME_VERSION, {})


def test_the_command_says_that_an_up_to_date_home_needs_nothing(home: Home, tmp_path: Path) -> None:
    app = build_app(("perennial.cli.upgrade",))
    good = CliRunner().invoke(app, ["upgrade"], env={"PERENNIAL_HOME": str(home.root)})
    assert good.exit_code == 0
    assert "nothing to do" in good.output
    missing = CliRunner().invoke(app, ["upgrade"], env={"PERENNIAL_HOME": str(tmp_path / "nowhere")})
    assert missing.exit_code == 2
