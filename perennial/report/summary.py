"""The summary a person reads after a night: what was done, KPIs, stages, sources, what was sent, where to look next.

What lives here: the tables on the terminal. What does not: reading (published.py, sent.py, nights.jsonl apart), and any
address or name of a person: ids only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perennial.config.home import Home
from perennial.config.words import counted
from perennial.ledger.records import LedgerError
from perennial.report.published import KpiRow, Published, Unreadable, open_published
from perennial.report.sent import Sent, last_sent

_NOTHING = "–"

_WIDTH = 120  # into a file or a pipe, where nobody says how wide a line may be


def summary_console() -> Console:
    """A console whose tables are not squeezed where the output is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def print_summary(home: Home, console: Console, *, ledger_url: str | None = None) -> list[str]:
    """Print every part that can be read. Returns the problems met, each already printed in its place."""
    problems: list[str] = []

    def part(show: Callable[[], None]) -> None:
        try:
            show()
        except (Unreadable, LedgerError) as error:
            problems.append(str(error))
            console.print(f"[yellow]{escape(str(error))}[/yellow]")

    part(lambda: _print_night(home, console))
    try:
        with open_published(home) as published:
            for show in (_print_people, _print_kpis, _print_stages, _print_sources):
                part(lambda show=show: show(published, console))  # type: ignore[misc]
    except Unreadable as error:
        problems.append(str(error))
        console.print(f"[yellow]{escape(str(error))}[/yellow]")
    part(lambda: _print_sent(home, console, ledger_url))
    _print_places(home, console)
    return problems


def _print_night(home: Home, console: Console) -> None:
    """The last line of logs/nights.jsonl."""
    night = _last_night(home.nights_log)
    if night is None:
        console.print("No night has ended in this home yet.")
        return
    console.print(
        f"[bold]Last night: {escape(str(night.get('outcome', 'unknown')))}[/bold]"
        f" · as of {escape(str(night.get('as_of', '?')))} · snapshot {escape(str(night.get('snapshot_id') or 'none'))}",
        soft_wrap=True,
    )
    for line in dict.fromkeys(night.get("lines", [])):  # each thing once
        _line(console, str(line))
    steps = _table("step", "rows", "seconds", right=(1, 2))
    for step in night.get("steps", []):
        rows = step.get("rows")
        steps.add_row(
            escape(str(step.get("name", ""))),
            _NOTHING if rows is None else f"{rows:,}",
            f"{step.get('seconds', 0):.1f}",
        )
    if steps.row_count:
        console.print(steps)


def _last_night(path: Path) -> dict | None:
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in reversed(lines):
        try:
            night = json.loads(line)
        except ValueError:
            continue  # a line cut off by a kill
        if isinstance(night, dict):
            return night
    return None


def _print_people(published: Published, console: Console) -> None:
    everyone, buyers = published.people()
    console.print(f"[bold]{counted(everyone, 'person', 'people')}[/bold], {buyers:,} of them have bought")


def _print_kpis(published: Published, console: Console) -> None:
    kpis = published.kpis()
    table = _table(
        "KPI", *(f"{month:%Y-%m}" for month in kpis.months), "all time", right=range(1, len(kpis.months) + 2)
    )
    for row in kpis.rows:
        values = [_value(row, row.by_month.get(month)) for month in kpis.months]
        unit = f" ({row.currency})" if row.currency and row.written_as == "money" else ""
        table.add_row(f"{row.kpi} · {row.variant}{unit}", *values, _value(row, row.overall))
    console.print("[bold]KPIs of the last closed months[/bold]")
    console.print(table)


def _value(row: KpiRow, value: float | Decimal | None) -> str:
    if value is None:
        return _NOTHING
    if row.written_as == "share":
        return f"{value:.1%}"
    return f"{value:,.0f}" if row.written_as == "count" else f"{value:,.2f}"


def _print_stages(published: Published, console: Console) -> None:
    stages = published.stages()
    total = sum(count for _, count in stages) or 1
    table = _table("stage now", "people", "share", right=(1, 2))
    for stage, count in stages:
        table.add_row(escape(stage), f"{count:,}", f"{count / total:.1%}")
    console.print("[bold]Lifecycle stages[/bold]")
    console.print(table)


def _print_sources(published: Published, console: Console) -> None:
    table = _table("source", "table", "rows", "newest event (UTC)", "state", right=(2,))
    for row in published.sources():
        newest = _NOTHING if row.watermark_at is None else f"{row.watermark_at:%Y-%m-%d %H:%M}"
        state = "ok" if not row.reason else f"{'stale: ' if row.is_stale else 'failed: '}{row.reason}"
        table.add_row(escape(row.source_name), escape(row.table_name), f"{row.rows_count:,}", newest, escape(state))
    console.print("[bold]Sources[/bold]")
    console.print(table)


def _print_sent(home: Home, console: Console, ledger_url: str | None) -> None:
    sent = last_sent(home, ledger_url)
    if not sent:
        console.print("Nothing was sent anywhere yet.")
        return
    table = _table("audience → destination", "verdict", "joins", "leaves", "members now", right=(2, 3, 4))
    for row in sent:
        counts = (f"{row.joins_count:,}", f"{row.leaves_count:,}", f"{row.members_count:,}")
        table.add_row(escape(_name(row)), escape(row.verdict), *counts)
    console.print("[bold]What was sent, by the newest plan of each channel[/bold]")
    console.print(table)
    for row in sent:
        statuses = (
            ", ".join(f"{count:,} {status}" for status, count in sorted(row.by_status.items())) or "no deliveries"
        )
        _line(console, f"{_name(row)}, plan {row.plan_id}: {statuses}")
        if row.reason and row.verdict != "approved":
            _line(console, f"  {row.verdict} because: {row.reason}")
        for customer_id in row.first_ids:
            _line(console, f"  {customer_id}")


def _name(row: Sent) -> str:
    return f"{row.audience} → {row.destination}"


def _line(console: Console, text: str) -> None:
    """A line that is never broken: a path or an id is there to be copied."""
    console.print(f"  {escape(text)}", soft_wrap=True)


def _print_places(home: Home, console: Console) -> None:
    console.print("[bold]Where to look next[/bold]")
    for place, purpose in (
        (home.published_file, "all output tables (DuckDB, read only)"),
        (home.current_link / "parquet", "the same as Parquet"),
        (home.current_link / "certificate.json", "what was checked"),
        (home.quarantine, "refused rows with their reasons"),
        (home.root / "outbox", "files for channels that take files"),
        (home.root / "received", "what the demo's channel received"),
        (home.nights_log, "one line per night"),
    ):
        if place.exists():
            _line(console, f"{place}  {purpose}")
    own_config = home.root / "perennial.yml"  # a demo world brings its own
    where = f"PERENNIAL_HOME={home.root} PERENNIAL_CONFIG={own_config} " if own_config.exists() else ""
    _line(console, f"{where}make dev  the graph of all tables and runs in the browser")
    _line(console, f"{where}.venv/bin/perennial plan list  every plan and its verdict")


def _table(*headings: str, right: Container[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        is_right = number in right
        table.add_column(heading, justify="right" if is_right else "left", no_wrap=is_right, overflow="fold")
    return table
