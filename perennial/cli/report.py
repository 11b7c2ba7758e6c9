"""`perennial report`: the summary of this installation's last night.

What lives here: the command and its exit status. What does not: what is shown (perennial/report).
"""

from __future__ import annotations

import typer

from perennial.cli.context import context, plain_errors


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report() -> None:
    """What the last night did: KPIs, stages, sources, what was sent, and where to look next."""
    from perennial.config.secrets import resolve
    from perennial.report.summary import print_summary, summary_console

    with plain_errors():
        here = context()
        name = here.settings.ledger.url_env
        ledger_url = resolve(here.env, name, "ledger.url_env") if name else None
    raise typer.Exit(1 if print_summary(here.home, summary_console(), ledger_url=ledger_url) else 0)
