"""`perennial demo`: make a demo world (`demo make`, or plain `demo`), or make it and run a night on it (`demo run`).

What lives here: flags and what is printed. What does not: the world (perennial/demo) and the night.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perennial.config.words import counted

if TYPE_CHECKING:
    from perennial.demo.scale import Scale

Out = Annotated[Path | None, typer.Option(help="Folder to write to. [default: PERENNIAL_HOME, else data/demo]")]
People = Annotated[int, typer.Option(help="How many people live in the world.")]
Years = Annotated[int, typer.Option(help="How many years of history.")]
Seed = Annotated[int, typer.Option(help="The same seed and sizes give the same files, byte for byte.")]
AsOf = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day the world ends (exclusive).")]
Port = Annotated[int, typer.Option(help="Loopback port of the demo's channel.")]
Files = Annotated[bool, typer.Option("--files", help="Deliver everything as files, without the vendors' sandbox.")]

DEFAULT_HOME = "data/demo"


def register(app: typer.Typer) -> None:
    demo = typer.Typer(help="Make a demo world of people who do not exist, and run a night on it.")
    demo.callback(invoke_without_command=True)(_plain)
    demo.command("make")(make)
    demo.command("run")(run)
    app.add_typer(demo, name="demo")


def _plain(
    context: typer.Context,
    out: Out = None,
    people: People = 5_000,
    years: Years = 2,
    seed: Seed = 7,
    as_of: AsOf = datetime(2026, 11, 1),
    port: Port = 47_801,
) -> None:
    """Make a demo world of people who do not exist, and run a night on it."""
    if context.invoked_subcommand is None:
        make(out, people, years, seed, as_of, port)


def make(
    out: Out = None,
    people: People = 5_000,
    years: Years = 2,
    seed: Seed = 7,
    as_of: AsOf = datetime(2026, 11, 1),
    port: Port = 47_801,
) -> None:
    """Write exports, a perennial.yml that reads them, and the hidden truth behind them."""
    from perennial.demo.make import NotADemo, make_demo

    folder, scale = _folder(out), _scale(people, years, seed, as_of)
    try:
        exports = make_demo(folder, scale, port)
    except NotADemo as error:
        raise _wrong_use(error) from error
    rows = sum(len(table) for table in exports.tables.values())
    typer.echo(
        f"{counted(people, 'person', 'people')}, {rows:,} rows in {len(exports.tables)} tables under {folder}/exports"
    )
    typer.echo(f"configuration: {folder}/perennial.yml · hidden truth: {folder}/truth · as of {as_of:%Y-%m-%d}")


def run(
    out: Out = None,
    people: People = 5_000,
    years: Years = 2,
    seed: Seed = 7,
    as_of: AsOf = datetime(2026, 11, 1),
    port: Port = 47_801,
    files: Files = False,
) -> None:
    """Make the world where it is missing, run the nightly job on it, and show what came out.

    The shop, the CRM and messaging are read over their vendors' APIs, which a sandbox on loopback plays.
    """
    from perennial.config.home import Home
    from perennial.config.problems import ConfigError
    from perennial.demo.make import NotADemo
    from perennial.demo.run import run_demo
    from perennial.report.summary import print_summary, summary_console

    folder, scale = _folder(out).absolute(), _scale(people, years, seed, as_of)

    def show() -> None:
        print_summary(Home(folder), summary_console())

    try:
        status = run_demo(folder, scale, port, os.environ, show=show, **_around(files))
    except (NotADemo, ConfigError) as error:
        raise _wrong_use(error) from error
    raise typer.Exit(status)


def _around(files: bool) -> dict[str, Any]:
    """What runs beside the night: nothing where everything is a file."""
    if files:
        return {}
    from perennial.demo.installation import SANDBOX_PORT
    from perennial.sandbox.demo import beside_the_night

    return {"around": beside_the_night, "sandbox_port": SANDBOX_PORT}


def _wrong_use(error: Exception) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(2)


def _folder(out: Path | None) -> Path:
    return out or Path(os.environ.get("PERENNIAL_HOME") or DEFAULT_HOME)


def _scale(people: int, years: int, seed: int, as_of: datetime) -> Scale:
    from perennial.demo.scale import Scale

    try:
        return Scale(people, years, seed, as_of.date())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
