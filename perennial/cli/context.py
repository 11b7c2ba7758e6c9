"""What the commands share: this installation, as the environment names it, and ending with a clear line.

What lives here: finding the configuration and the home. What does not: what any command does with them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from perennial.config.home import Home
    from perennial.config.settings import Settings

DEFAULT_CONFIG = "perennial.yml"
DEFAULT_HOME = "data"
WRONG_USE = 2


class Context(NamedTuple):
    """One installation: its settings, its home, and the environment its secrets are in."""

    settings: Settings
    home: Home
    env: Mapping[str, str]


def context() -> Context:
    """The installation PERENNIAL_CONFIG and PERENNIAL_HOME name; ConfigError or HomeError where it cannot be used."""
    from perennial.config.home import Home
    from perennial.config.settings import load_settings

    home = Home(Path(os.environ.get("PERENNIAL_HOME") or DEFAULT_HOME).absolute())
    settings = load_settings(Path(os.environ.get("PERENNIAL_CONFIG") or DEFAULT_CONFIG))
    home.check_version()
    return Context(settings, home, dict(os.environ))


@contextmanager
def plain_errors() -> Iterator[None]:
    """An expected error ends the command with its text and status 2; anything else is a defect and shows itself."""
    from perennial.activation.snapshot import SnapshotError
    from perennial.audiences.definition import AudienceError
    from perennial.config.home import HomeError
    from perennial.config.problems import ConfigError
    from perennial.ledger.records import LedgerError
    from perennial.warehouse.certificate import CertificateError

    try:
        yield
    except (AudienceError, CertificateError, ConfigError, HomeError, LedgerError, SnapshotError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from error
