"""`perennial source`: what a person may want of one source beside the night.

What lives here: accepting a smaller source, reading a stretch of its past again, making its rows anew from the payloads
kept. What does not: the reading itself (perennial/sources).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.context import WRONG_USE, context, plain_errors

if TYPE_CHECKING:
    from perennial.config.home import Home
    from perennial.config.settings import Settings
    from perennial.sources.base import Window

SourceName = Annotated[str, typer.Argument(help="Its name in perennial.yml.")]


def register(app: typer.Typer) -> None:
    source = typer.Typer(help="One source: accept that it shrank, read its past again, make its rows anew.")
    source.command("accept")(accept)
    source.command("backfill")(backfill)
    source.command("retype")(retype)
    app.add_typer(source, name="source", no_args_is_help=True)


def _opened(name: str) -> tuple[Home, Settings]:
    """This installation, and that it has such a source over an API."""
    from perennial.config.parts import ApiSource

    with plain_errors():
        settings, home, _ = context()
        home.prepare()
    if not isinstance(settings.sources.get(name), ApiSource):
        known = [each for each, source in settings.sources.items() if isinstance(source, ApiSource)]
        typer.echo(
            f"{name}: no such source over an API in perennial.yml; there is {', '.join(known) or 'none'}", err=True
        )
        raise typer.Exit(WRONG_USE)
    return home, settings


def accept(source: SourceName) -> None:
    """Let the next night take what this source hands over, however much is missing of what it held."""
    from perennial.config.files import write_atomically

    home, _ = _opened(source)
    write_atomically(home.accepted(source), datetime.now(UTC).isoformat() + "\n")
    typer.echo(f"{source}: the next night takes what it hands over; run it with `make nightly`")


def backfill(
    source: SourceName,
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day (UTC).")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The day after the last (UTC).")],
) -> None:
    """Read again what changed in these days. Where the next night goes on stays as it is."""
    from perennial.sources.base import Window

    if since >= until:
        typer.echo("--from must lie before --to", err=True)
        raise typer.Exit(WRONG_USE)
    _land(source, Window(since.replace(tzinfo=UTC), until.replace(tzinfo=UTC), "backfill"))


def retype(source: SourceName) -> None:
    """Make the rows of this source anew from the payloads kept, by the mapping as it is now. Nothing is asked of it."""
    from perennial.sources.base import Window

    _land(source, Window(mode="retype"))


def _land(name: str, window: Window) -> None:
    from perennial.landing.empty import ensure_empty_files
    from perennial.landing.recovery import recover
    from perennial.sources.landing import land_source
    from perennial.warehouse.lock import Busy, InstallationLock

    home, settings = _opened(name)
    try:
        with InstallationLock(home):
            recover(home)
            ensure_empty_files(home)
            report = land_source(home, name, settings, os.environ, lambda: datetime.now(UTC), window=window)
    except Busy as busy:
        typer.echo(str(busy), err=True)
        raise typer.Exit(75) from busy
    for table in report.tables:
        counts = f"received {table.received:>10,} · new {table.landed:>10,} · held already {table.repeated:>10,}"
        counts += f" · quarantined {table.quarantined:,}"
        typer.echo(f"{table.table:<24} {counts}")
    for warning in report.warnings:
        typer.echo(f"  {warning}")
    if report.is_failed:
        typer.echo(f"{name}: {report.reason}", err=True)
        raise typer.Exit(1)
    typer.echo("the next night builds on it")
