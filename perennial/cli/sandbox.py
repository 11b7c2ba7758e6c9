"""`perennial sandbox`: the vendors' APIs on loopback, over the demo world or empty.

What lives here: flags and what is printed. What does not: the vendors (perennial/sandbox).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from perennial.config.words import counted

Port = Annotated[int, typer.Option(help="Loopback port to listen on.")]
Empty = Annotated[bool, typer.Option("--empty", help="Hold nothing: seed it through /_control/seed.")]
Limits = Annotated[float, typer.Option(help="Multiplies the vendors' real rate limits.", min=0.01)]
People = Annotated[int, typer.Option(help="How many people live in the demo world it holds.")]
Years = Annotated[int, typer.Option(help="How many years of history.")]
Seed = Annotated[int, typer.Option(help="The same seed and sizes give the same records.")]
AsOf = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day the world ends (exclusive).")]


def register(app: typer.Typer) -> None:
    app.command("sandbox")(sandbox)


def sandbox(
    port: Port = 47_802,
    empty: Empty = False,
    limits: Limits = 1.0,
    people: People = 5_000,
    years: Years = 2,
    seed: Seed = 7,
    as_of: AsOf = datetime(2026, 11, 1),
) -> None:
    """Serve the vendors' APIs on loopback until interrupted: no account needed, faults to arm, a journal to read."""
    from perennial.demo.make import make_world
    from perennial.demo.scale import Scale
    from perennial.sandbox.server import Sandbox, serve
    from perennial.sandbox.world import token, vendors

    try:
        scale = Scale(people, years, seed, as_of.date())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    held = vendors(None if empty else make_world(scale).tables, limits=limits)
    for each in held:
        records = sum(len(collection) for collection in each.held().values())
        address = f"http://127.0.0.1:{port}/{each.name}"
        typer.echo(f"{each.name:<12} {address:<36} token {token(each.name):<28} {counted(records, 'record'):>17}")
    typer.echo(
        f"control      http://127.0.0.1:{port}/_control/ seed, arm, disarm, journal, held, faults; Ctrl-C ends it"
    )
    serve(Sandbox(held).app(), port)
