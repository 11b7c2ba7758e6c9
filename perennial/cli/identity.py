"""`perennial identity review | explain | link | unlink`: what was held, why records are one person, deciding by hand.

What lives here: the commands. What does not: reading (perennial/report/identity.py), paths and pins
(perennial/identity). Evidence may be an address: it is shown to whoever may read the published tables, never logged.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.context import context, plain_errors
from perennial.config.words import counted

if TYPE_CHECKING:
    from perennial.identity.paths import Link
    from perennial.identity.pins import Pin, Record
    from perennial.report.identity import Identity

RECORD_HELP = "A record: <source>/<record type>/<id>, as in customer.customer_identifiers."
One = Annotated[str, typer.Argument(help=RECORD_HELP)]
Aside = Annotated[str, typer.Argument(help=f"The record to set aside. {RECORD_HELP}")]
Other = Annotated[str, typer.Argument(help="The other record.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the file of pins.")]
Yes = Annotated[bool, typer.Option("--yes", help="Write it. Without this the effect is shown and nothing is written.")]
SHOWN = 20
# docs/identity.md has what each means
REASONS = ("placeholder", "unreadable", "too_common", "over_limit", "conflict", "bridge", "held_apart")


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Who is who: what was held, why, and deciding by hand.", no_args_is_help=True)
    commands.command("review")(review)
    commands.command("explain")(explain)
    commands.command("link")(link)
    commands.command("unlink")(unlink)
    app.add_typer(commands, name="identity")


def review(
    reason: Annotated[str | None, typer.Option(help="Only these: bridge, conflict, over_limit, placeholder …")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, most people first.")] = SHOWN,
) -> None:
    """What was held or dropped instead of joining people; first what is of most people, then of most records."""
    from perennial.config.problems import ConfigError, quoted
    from perennial.report.identity import open_identity

    with plain_errors():
        with open_identity(context().home) as identity:
            found, total = identity.review(reason, limit)
            if reason and not found and reason not in REASONS:
                raise ConfigError([f"{quoted(reason)} is no reason; there are {', '.join(REASONS)}"])
        for each in found:
            by = f" by {each.rule}" if each.rule and each.rule != each.identifier_type else ""
            people = "" if each.customers_count is None else f", {counted(each.customers_count, 'person', 'people')}"
            chance = "" if each.probability is None else f", probability {each.probability:.4f}"
            value = f"{each.identifier_type} {each.identifier}{chance}"
            typer.echo(f"{each.reason}: {value}{by}: {counted(each.records_count, 'record')}{people}")
            if each.customer_id:
                typer.echo(f"  {each.customer_id} and {each.other_customer_id}")
        typer.echo(f"{total:,} held or dropped" + (f", {len(found)} shown" if total > len(found) else ""))


def explain(
    one: Annotated[str, typer.Argument(help="A customer id, an e-mail address, or <source>/<record type>/<id>.")],
    other: Annotated[str | None, typer.Argument(help="Another record: the path between the two is shown.")] = None,
) -> None:
    """Why records are one person: its records, or the path of links from one record to another."""
    from perennial.identity.paths import path
    from perennial.identity.pins import Record
    from perennial.report.identity import open_identity

    with plain_errors(), open_identity(context().home) as identity:
        if other is not None:
            first, second = Record.parse(one), Record.parse(other)
            mine, theirs = identity.customer_of(first), identity.customer_of(second)
            links = identity.links(mine)
            if mine != theirs:
                typer.echo(f"{first} is {mine}\n{second} is {theirs}: they are two people")
                _tell_held(identity, links, theirs)
                return
            typer.echo(f"both are {mine}:")
            _tell_path(first, path(links, first, second) or [])
            return
        if "@" in one and one.count("/") < 2:  # the id in a record may be an address as well
            customer = identity.bearer(one)
        else:
            customer = identity.customer_of(Record.parse(one)) if "/" in one else identity.current(one)
        records, links = identity.records(customer), identity.links(customer)
        typer.echo(f"{customer}: {counted(len(records), 'record')}")
        for record in records:
            way = path(links, records[0], record) or []
            by = f"  by {way[-1].rule} with {way[-1].from_(record)}" if way else ""
            typer.echo(f"  {record}{by}")
        for each in [each for each in links if each.held_reason is not None][:SHOWN]:
            typer.echo(f"  held: {each.rule} {each.reason}, {each.one} and {each.other} ({each.held_reason})")


def _tell_path(start: Record, way: Sequence[Link]) -> None:
    here = start
    typer.echo(f"  {here}")
    for step in way:
        here = step.from_(here)
        typer.echo(f"    {step.rule} ({step.strength}): {step.reason}")
        typer.echo(f"  {here}")


def _tell_held(identity: Identity, links: Sequence[Link], theirs: str) -> None:
    records = set(identity.records(theirs))
    held = [each for each in links if each.held_reason is not None and {each.one, each.other} & records]
    for each in held:
        typer.echo(f"  held: {each.rule} {each.reason} would join them ({each.held_reason})")
    if not held:
        typer.echo("  no link leads from one to the other")


def link(one: One, other: Other, reason: Reason = "", yes: Yes = False) -> None:
    """Declare two records to be one person. The effect is shown; --yes writes it for the next night."""
    from perennial.identity.pins import LINK
    from perennial.report.identity import open_identity

    with plain_errors():
        installation = context()
        pin = _pin(LINK, one, other, reason)
        with open_identity(installation.home) as identity:
            mine, theirs = (identity.customer_of(each) for each in pin.records)
            if mine == theirs:
                typer.echo(f"they are one person already: {mine}")
            else:
                for each in (mine, theirs):
                    held = counted(len(identity.records(each)), "record")
                    typer.echo(f"{each}: {held}, {counted(identity.orders(each), 'order')}")
                typer.echo("would be one person, under the id that is older")
        _write(pin, yes)


def unlink(one: Aside, other: Other, reason: Reason = "", yes: Yes = False) -> None:
    """Set a record aside: it is not one person with the other, and addresses it shares say nothing of it any more.

    The pieces that would be left are shown; --yes writes it for the next night."""
    from perennial.identity.paths import parted, path
    from perennial.identity.pins import UNLINK
    from perennial.report.identity import open_identity

    with plain_errors():
        installation = context()
        pin = _pin(UNLINK, one, other, reason)
        first, second = pin.records
        with open_identity(installation.home) as identity:
            mine, theirs = identity.customer_of(first), identity.customer_of(second)
            records, links = identity.records(mine), identity.links(mine)
        if mine != theirs:
            typer.echo(f"they are two people already: {mine} and {theirs}; they would stay so")
        else:
            pieces = parted(links, records, first, second)
            together = next((each for each in pieces if first in each and second in each), None)
            typer.echo(f"{mine}: {counted(len(records), 'record')} would be {counted(len(pieces), 'person', 'people')}")
            for piece in pieces[:SHOWN]:
                typer.echo(f"  {counted(len(piece), 'record')}: {', '.join(str(each) for each in sorted(piece)[:5])}")
            if together is not None:
                typer.echo("  the two would stay together: a system says so by")
                _tell_path(first, path([each for each in links if each.strength == "certain"], first, second) or [])
        _write(pin, yes)


def _pin(action: str, one: str, other: str, reason: str) -> Pin:
    from perennial.identity.pins import Record, make

    return make(action, Record.parse(one), Record.parse(other), getpass.getuser(), datetime.now(UTC), reason)


def _write(pin: Pin, yes: bool) -> None:
    from perennial.identity.pins import add

    path = context().settings.identity.pins
    if not yes:
        typer.echo(f"nothing is written; --yes writes pin {pin.pin_id} to {path}, and the next night follows it")
    elif add(path, pin):
        typer.echo(f"written: pin {pin.pin_id} in {path}; the next night follows it. Delete its line to undo it")
    else:
        typer.echo(f"pin {pin.pin_id} stands in {path} already")
