"""`perennial upgrade`: move a home from the layout version it has to the one this Perennial writes.

What lives here: the steps, one per version, and running them in order under the installation's lock. What does not:
making a new home (perennial/config/home.py). Landing, ledger and journal are only ever added to by a step, never
rewritten in place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from perennial.config.files import write_atomically
from perennial.config.home import HOME_VERSION, Home, HomeError
from perennial.warehouse.lock import Busy, InstallationLock

# version a home has → what brings it to the next one; each may run again after a crash
STEPS: Mapping[int, Callable[[Home], None]] = {}


def upgrade(
    home: Home, target: int = HOME_VERSION, steps: Mapping[int, Callable[[Home], None]] = STEPS
) -> tuple[int, int]:
    """Run the missing steps. Returns the version before and after; HomeError where the way is unknown."""
    found = home.version()
    if found is None:
        raise HomeError(f"{home.root}: is not a home yet; the first night makes one of version {target}")
    if found > target:
        raise HomeError(f"{home.root}: is of version {found}, this Perennial knows {target}; use a newer Perennial")
    missing = [version for version in range(found, target) if version not in steps]
    if missing:
        raise HomeError(
            f"{home.root}: no step leads on from version {missing[0]}; use the Perennial that wrote it first"
        )
    with InstallationLock(home):
        for version in range(found, target):
            steps[version](home)
            write_atomically(home.version_file, f"{version + 1}\n")
    return found, target


def register(app: typer.Typer) -> None:
    """Add the command to the `perennial` app."""

    @app.command("upgrade")
    def upgrade_command() -> None:
        """Bring this home (PERENNIAL_HOME) to the layout this Perennial writes. Back it up first."""
        home = Home(Path(os.environ.get("PERENNIAL_HOME") or "data").absolute())
        try:
            before, after = upgrade(home)
        except HomeError as error:
            typer.echo(f"upgrade: {error}", err=True)
            raise typer.Exit(2) from error
        except Busy as error:
            typer.echo(f"upgrade: {error}", err=True)
            raise typer.Exit(75) from error
        moved = f"was version {before}, is now {after}" if before != after else f"is of version {after}, nothing to do"
        typer.echo(f"{home.root}: {moved}")
