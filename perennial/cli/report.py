"""`perennial report`: the summary of this installation's last night.

What lives here: finding the home. What does not: what is shown (perennial/report).
"""

from __future__ import annotations

import os
from pathlib import Path

import typer

DEFAULT_HOME = "data"
DEFAULT_CONFIG = "perennial.yml"


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report() -> None:
    """What the last night did: KPIs, stages, sources, what was sent, and where to look next."""
    from rich.console import Console

    from perennial.config.home import Home
    from perennial.config.problems import ConfigError
    from perennial.report.summary import print_summary

    home = Home(Path(os.environ.get("PERENNIAL_HOME") or DEFAULT_HOME))
    try:
        ledger_url = _ledger_url()
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(1 if print_summary(home, Console(), ledger_url=ledger_url) else 0)


def _ledger_url() -> str | None:
    """The ledger's PostgreSQL URL, where perennial.yml names one; none means the ledger under the home."""
    from perennial.config.secrets import resolve
    from perennial.config.settings import load_settings

    path = Path(os.environ.get("PERENNIAL_CONFIG") or DEFAULT_CONFIG)
    if not path.exists():
        return None
    name = load_settings(path).ledger.url_env
    return resolve(os.environ, name, "ledger.url_env") if name else None
