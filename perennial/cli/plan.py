"""`perennial plan list | show | approve`: what was planned for each channel, and letting a held plan run.

What lives here: the commands and their tables. What does not: planning and the ledger. Ids of customers are shown,
never addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from perennial.cli.context import context, plain_errors
from perennial.config.words import counted

if TYPE_CHECKING:
    from perennial.ledger.records import PlanRecord
    from perennial.ledger.store import Ledger


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="What was planned for each channel; approve a plan that is held.", no_args_is_help=True)
    commands.command("list")(list_plans)
    commands.command("show")(show_plan)
    commands.command("approve")(approve_plan)
    app.add_typer(commands, name="plan")


def list_plans(limit: int = typer.Option(20, min=1, help="How many, newest first.")) -> None:
    """The newest plans: verdict, joins and leaves, and the beginning of each hash."""
    with plain_errors(), _ledger() as ledger:
        plans = ledger.plans(limit)
    if not plans:
        typer.echo("no plan yet: the nightly job makes them")
    for plan in plans:  # two lines each, which a pipe or a narrow window shows whole
        typer.echo(f"{plan.plan_id}  {plan.created_at:%Y-%m-%d %H:%M}  {plan.audience} → {plan.destination}")
        typer.echo(f"  {_verdict(plan)}: {_changes(plan)}; hash {plan.plan_hash[:12]}; {plan.reason}")
    if newest_held := next((plan for plan in plans if plan.verdict == "held"), None):
        typer.echo(f"to look at a held plan: perennial plan show {newest_held.plan_id}; to release it: plan approve")


def show_plan(
    name: str = typer.Argument(help="A plan id, or 8 letters or more of its hash."),
    limit: int = typer.Option(50, min=0, help="How many rows."),
) -> None:
    """One plan, and what became of its rows."""
    from rich.console import Console
    from rich.table import Table

    with plain_errors(), _ledger() as ledger:
        plan = ledger.plan(name)
        rows = ledger.plan_rows(plan.plan_id, limit)
    for label, value in _facts(plan):
        typer.echo(f"{label:<12} {value}")
    if rows:
        table = Table("action", "customer", "status", "attempts", "reason")
        for row in rows:
            table.add_row(row.action, row.customer_id, row.status or "-", str(row.attempts), row.reason or "")
        Console().print(table)
    left = plan.joins_count + plan.leaves_count - len(rows)
    if left > 0:
        typer.echo(f"and {counted(left, 'row')} more")


def approve_plan(
    name: str = typer.Argument(help="The hash of a held plan, 8 letters or more, or its plan id."),
) -> None:
    """Let one held plan run at the next activation. It is void as soon as the plan is another one."""
    import getpass

    with plain_errors(), _ledger() as ledger:
        plan = ledger.approve(name, getpass.getuser())
    typer.echo(
        f"approved: plan {plan.plan_id}, {plan.audience} to {plan.destination}, {_changes(plan)}."
        f" It runs with the next night, if the plan is still the same then."
    )


@contextmanager
def _ledger() -> Iterator[Ledger]:
    from perennial.activation.run import ledger_url
    from perennial.ledger.database import refuse_lost
    from perennial.ledger.records import LedgerError
    from perennial.ledger.store import open_ledger

    here = context()
    url = ledger_url(here.settings, here.env)
    if url is None and not here.home.ledger_file.exists():
        refuse_lost(here.home)
        raise LedgerError(f"{here.home.ledger_file}: there is no ledger yet; the nightly job makes it")
    with open_ledger(here.home, url) as ledger:
        yield ledger


def _verdict(plan: PlanRecord) -> str:
    return "approved, not finished" if plan.is_unfinished else plan.verdict


def _changes(plan: PlanRecord) -> str:
    return f"{counted(plan.joins_count, 'join')}, {counted(plan.leaves_count, 'leave')}"


def _facts(plan: PlanRecord) -> list[tuple[str, str]]:
    return [
        ("plan", plan.plan_id),
        ("hash", plan.plan_hash),
        ("audience", plan.audience),
        ("destination", plan.destination),
        ("snapshot", plan.snapshot_id),
        ("made at", f"{plan.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("verdict", _verdict(plan)),
        ("reason", plan.reason),
        ("held", f"{plan.held_count} by the channel, {plan.audience_count} in the audience"),
        ("changes", f"{_changes(plan)}, {plan.unchanged_count:,} unchanged"),
        ("not wanted", f"{counted(plan.withheld_count, 'member')} without consent or address"),
    ]
