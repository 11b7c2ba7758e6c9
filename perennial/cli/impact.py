"""`perennial impact`: what the rules of this working tree do, against those of a git ref, on this installation's data.

What lives here: the command, its budget and its exit status. What does not: building, comparing, wording
(perennial/report/impact*.py).

Exit status: 0 within budget, 3 over it, 2 wrong use, 1 one of the two could not be built.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.context import WRONG_USE, Context, context, plain_errors

if TYPE_CHECKING:
    from perennial.config.home import Home

ROOT = Path(__file__).resolve().parents[2]
FAILED, OVER_BUDGET = 1, 3


def register(app: typer.Typer) -> None:
    app.command("impact")(impact)


def impact(
    against: Annotated[str, typer.Option(help="The git ref whose rules hold now, such as origin/main.")],
    home: Annotated[Path | None, typer.Option(help="Whose landed data to look at. [default: PERENNIAL_HOME]")] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(help="measure=limit, such as stage_changes=0.05; may be given several times."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report to this file, not to the terminal.")] = None,
) -> None:
    """What would change if the rules in this working tree went live? Builds both aside; touches nothing."""
    from perennial.report.impact import compare
    from perennial.report.impact_builds import BuildFailed, ImpactError, both
    from perennial.report.impact_page import page

    limits = _limits(budget or ())
    if home is not None:
        os.environ["PERENNIAL_HOME"] = str(home)
    with plain_errors():
        here = context()
        as_of = _as_of(here)
    try:
        with plain_errors(), both(here.home, here.settings, ROOT, against, as_of, here.env) as (old, new, commit):
            found = compare(old, new, here.settings, as_of)
    except ImpactError as error:
        raise _ended(str(error), WRONG_USE) from error
    except BuildFailed as error:
        raise _ended(str(error), FAILED) from error
    text = page(found, against, commit, limits)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text, encoding="utf-8")
    over = found.over(limits)
    typer.echo(f"impact: {'over budget: ' + ', '.join(over) if over else 'within budget'}", err=True)
    raise typer.Exit(OVER_BUDGET if over else 0)


def _limits(given: list[str] | tuple[str, ...]) -> Mapping[str, float]:
    """The default budget with what was given; several may stand in one, between commas."""
    from perennial.report.impact import DEFAULT_BUDGET

    limits = dict(DEFAULT_BUDGET)
    for text in (part.strip() for each in given for part in each.split(",")):
        measure, _, limit = text.partition("=")
        try:
            number = float(limit)
        except ValueError:
            number = -1.0
        if measure not in limits or not number >= 0:
            known = ", ".join(f"{name}={value:g}" for name, value in DEFAULT_BUDGET.items())
            raise _ended(f"--budget {text!r}: write measure=limit, a limit of 0 or more; by default {known}", WRONG_USE)
        limits[measure] = number
    return limits


def _as_of(here: Context) -> datetime:
    """PERENNIAL_AS_OF, else that of what is published, so that both look where readers look; else now."""
    from datetime import UTC

    from perennial.config.as_of import parse_as_of

    text = here.env.get("PERENNIAL_AS_OF")
    held = None if text else _published(here.home)
    return held or parse_as_of(text, here.settings.business.time_zone, datetime.now(UTC))


def _published(home: Home) -> datetime | None:
    from perennial.warehouse import certificate, retention

    snapshot_id = retention.current(home)
    return certificate.read(home, snapshot_id).as_of if snapshot_id else None


def _ended(text: str, status: int) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(status)
