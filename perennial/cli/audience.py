"""`perennial audience list | preview`: who would be sent where, without sending.

What lives here: the commands and their tables. What does not: the plan. Addresses are masked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from perennial.cli.context import WRONG_USE, Context, context, plain_errors
from perennial.config.words import counted

if TYPE_CHECKING:
    from perennial.audiences.definition import AudienceDefinition


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="The audiences, and what sending them would change.", no_args_is_help=True)
    commands.command("list")(list_audiences)
    commands.command("preview")(preview_audience)
    app.add_typer(commands, name="audience")


def list_audiences() -> None:
    """Every audience: its owner, the consent it needs, and where it goes."""
    from rich.console import Console
    from rich.table import Column, Table

    from perennial.audiences.definition import pairs

    with plain_errors():
        here = context()
        definitions = _definitions(here)
        chosen, notes = pairs(definitions, here.settings.destinations)
    names = Column("audience", no_wrap=True)  # a name is there to be typed
    table = Table(names, Column("owner", overflow="fold"), "consent", "address", "goes to")
    for definition in definitions.values():
        where = [pair.destination for pair in chosen if pair.audience == definition.name]
        table.add_row(
            definition.name,
            definition.owner,
            f"{definition.consent.channel}, {definition.consent.purpose}",
            definition.address,
            ", ".join(where) or "nowhere",
        )
    Console().print(table)
    for note in notes:
        typer.echo(note)


def preview_audience(name: str = typer.Argument(help="An audience: the name of its model.")) -> None:
    """One audience as published, and what sending it now would change. Nothing is sent."""
    from rich.console import Console
    from rich.table import Table

    from perennial.activation.preview import preview

    with plain_errors():
        here = context()
        definition = _definition(_definitions(here), name)
        found = preview(here.home, here.settings, here.env, definition)
    desired = found.wanted.desired
    typer.echo(f"{name}: {counted(len(desired.members), 'member')} in snapshot {found.wanted.snapshot_id}")
    dropped = f"{desired.without_consent} without consent, {desired.without_address} without an address"
    typer.echo(f"left out of its rows: {dropped}")
    for customer_id, address in found.examples:
        typer.echo(f"  {customer_id}  {address}")
    table = Table("destination", "holds", "joins", "leaves", "verdict", "reason")
    for each in found.proposals:
        joins, leaves = len(each.plan.joins), len(each.plan.leaves)
        table.add_row(
            each.channel.destination, str(each.held_count), str(joins), str(leaves), each.verdict.word,
            each.verdict.reason,
        )  # fmt: skip
    if found.proposals:
        Console().print(table)
    else:
        typer.echo("it goes nowhere: no destination names it")
    for note in found.notes:
        typer.echo(note)


def _definitions(here: Context) -> dict[str, AudienceDefinition]:
    """As dbt's manifest of this home says."""
    from perennial.audiences.definition import from_manifest

    path = here.home.dbt / "target" / "manifest.json"
    try:
        return from_manifest(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        typer.echo(f"{path}: is not there yet; run the nightly job once, it makes it", err=True)
        raise typer.Exit(WRONG_USE) from error


def _definition(definitions: dict[str, AudienceDefinition], name: str) -> AudienceDefinition:
    if name not in definitions:
        typer.echo(f"no audience is called {name!r}; known: {', '.join(definitions) or 'none'}", err=True)
        raise typer.Exit(WRONG_USE)
    return definitions[name]
