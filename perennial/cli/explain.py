"""`perennial explain customer`: where somebody is, by which rule, because of what, and how they came there.

What lives here: the command and what it prints. What does not: what is told (perennial/report/explanation.py). It shows
addresses to whoever may read the published tables; `--masked` hides them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from perennial.cli.context import context, plain_errors

RULES = Path(__file__).resolve().parents[2] / "dbt_project.yml"
NAMES = ("first_name", "last_name")
WIDTH = 80
NOTHING = "–"
# flag and figure of lifecycle.risk_signals, and how they are said
SIGNS = (
    ("is_inactive", "inactive_days", "inactive, days since anything of theirs:"),
    ("has_unanswered_questions", "unanswered_questions_count", "unanswered questions:"),
    ("is_past_own_gap", "usual_gap_days", "overdue by their own gap, usual days between orders:"),
    ("has_repeated_objections", "objections_count", "objections, on days:"),
    ("has_unresolved_issues", "unresolved_conversations_count", "conversations open for long:"),
)

Whom = Annotated[str, typer.Argument(help="A customer id, one that has ended too, or an e-mail address.")]
AsOf = Annotated[
    str | None, typer.Option(help="As a night with that as_of would have said: 2026-03-01 is its 00:00 business time.")
]
Only = Annotated[str | None, typer.Option("--stage-model", help="Only this stage model.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of text; times are UTC.")]
Masked = Annotated[bool, typer.Option("--masked", help="Hide names and addresses.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Why the published tables say what they say.", no_args_is_help=True)
    commands.callback()(_no_options)  # with one command only, typer would otherwise drop its name
    commands.command("customer")(customer)
    app.add_typer(commands, name="explain")


def _no_options() -> None:
    """Why the published tables say what they say."""


def customer(
    whom: Whom, as_of: AsOf = None, stage_model: Only = None, as_json: AsJson = False, masked: Masked = False
) -> None:
    """One person: stages, rules and evidence, the way here, signs of risk, open conversations, consent, audiences."""
    from datetime import UTC

    from perennial.config.as_of import parse_as_of
    from perennial.lifecycle.versions import remembered
    from perennial.report.customer import open_customers
    from perennial.report.explanation import explain

    with plain_errors():
        here = context()
        zone = here.settings.business.time_zone
        at = parse_as_of(as_of, zone, datetime.now(UTC)) if as_of else None
        with open_customers(here.home, zone) as customers:
            told = explain(customers, _variables(), whom, at, stage_model, partial(remembered, here.home))
    if masked:
        _mask(told)
    if as_json:
        typer.echo(json.dumps(told, default=_json, ensure_ascii=False, indent=2))
    else:
        _print(told, ZoneInfo(zone))


def _variables() -> dict[str, Any]:
    import yaml

    content = yaml.safe_load(RULES.read_text(encoding="utf-8")) or {}
    return dict(content.get("vars", {}))


def _mask(told: dict[str, Any]) -> None:
    from perennial.activation.preview import masked

    person = told["person"]
    for address in ("email", "phone"):
        person[address] = person[address] and masked(person[address])
    for each in NAMES:
        person[each] = person[each] and f"{person[each][:1]}***"
    if "@" in told["asked_for"]:
        told["asked_for"] = masked(told["asked_for"])
    for talk in told["conversations"]:
        for each in ("conversation_id", "owner_id"):
            if talk[each] and ("@" in talk[each] or talk[each].startswith("+")):  # some inboxes go by addresses
                talk[each] = masked(talk[each])
    for row in (row for stage in told["stages"] for row in stage["evidence"]):
        kind, colon, address = (row["source_id"] or "").partition(":")
        if colon and kind in ("email", "phone"):  # the id of a record that is known by its address alone
            row["source_id"] = f"{kind}:{masked(address)}"


def _json(value: Any) -> str:
    """Times as ISO in UTC, everything else as its text."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _print(told: dict[str, Any], zone: ZoneInfo) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    width = max(WIDTH, console.width) if console.is_terminal else WIDTH

    def say(text: str, hanging: int = 0) -> None:
        for line in _folded(text, width, hanging):
            typer.echo(line)

    for part in (_who, _stages, _risk, _conversations, _permissions, _audiences):
        for line, hanging in part(told, zone):
            say(line, hanging)


def _who(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    person = told["person"]
    called = " ".join(person[each] for each in NAMES if person[each])
    yield told["customer_id"] + (f"  {called}" if called else ""), 2
    for step in told["redirects"]:
        yield f"  {step['customer_id']} ended and leads here", 2
    shown = [person["email"], person["phone"], person["country"]]
    seen = f"first seen {_at(person['first_seen_at'], zone)} by {person['sources']}"
    yield "  " + " · ".join([*(each for each in shown if each), seen]), 2
    yield f"as of {_at(told['as_of'], zone)} {zone.key}, from snapshot {told['snapshot_id']}", 2


def _stages(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    for each in told["stages"]:
        yield "", 0
        label = f" ({each['label']})" if each["label"] else ""
        yield f"{each['stage_model']}: {each['stage']}{label}, {each['kind']}, since {_at(each['since'], zone)}", 2
        if each["is_kept_version"]:
            yield "  version   an older one, kept beside the current rules", 12
        if each["lost_reason"]:
            yield f"  reason    {each['lost_reason']}", 12
        lines = list(_rule(each["rule"]))
        for number, line in enumerate(lines):
            yield f"  {'rule' if number == 0 else '':<10}{line}", 12
        for number, row in enumerate(each["evidence"]):
            where = f" [{row['source_name']}/{row['source_id']}]" if row["source_name"] else ""
            when = f"{_at(row['at'], zone)} " if row["at"] else ""
            yield f"  {'because' if number == 0 else '':<10}{when}{row['text']}{where}", 12
        yield f"  next      {each['next_action'] or NOTHING}", 12
        for number, stay in enumerate(each["way_here"]):
            stage = f"{stay['stage']:<18}"
            yield (
                f"  {'way here' if number == 0 else '':<10}{_at(stay['from'], zone)}  {stage} {stay['cause_event_id']}",
                30,
            )


def _rule(rule: dict[str, Any]) -> Iterable[str]:
    if rule["note"]:
        yield rule["note"]
    for term in rule["terms"]:
        value = "unknown" if term["value"] is None else term["value"]
        yield f"{term['fact']} {term['wanted']}: {value}" + ("" if term["holds"] else "  (not met)")
    if rule["when"]:
        yield f"when {rule['when']}"
    if not rule["note"] and not rule["terms"] and not rule["when"]:
        yield "no stage above it fits"


def _risk(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    yield "", 0
    yield "signs of risk" + _as_known(told, zone), 2
    if (risk := told["risk"]) is None:
        yield "  none is worked out: they are not among the customers", 2
        return
    for flag, figure, said in SIGNS:
        value = NOTHING if risk[figure] is None else f"{risk[figure]:g}"
        yield f"  {'yes' if risk[flag] else 'no':<4}{said} {value}", 6


def _conversations(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    yield "", 0
    yield "open conversations" + _as_known(told, zone), 2
    for each in told["conversations"]:
        by = f" by {each['channel']}" if each["channel"] else ""
        owner = f", {each['owner_id']} has it" if each["owner_id"] else ""
        yield f"  number {each['priority_rank']:,} to answer: {each['reason']}", 4
        opened = f"opened {_at(each['opened_at'], zone)}"
        yield f"    {opened}{by}{owner} [{each['source_name']}/{each['conversation_id']}]", 6
    if not told["conversations"]:
        yield "  none", 2


def _permissions(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    yield "", 0
    yield "consent" + _as_known(told, zone), 2
    for each in told["consents"]:
        brand = f", {each['brand']}" if each["brand"] else ""
        since = f"since {_at(each['changed_at'], zone)}" if each["changed_at"] else "of unknown date"
        said = f" [{each['source_name']}]" + (f" {each['evidence']}" if each["evidence"] else "")
        yield f"  {each['status']:<8} {each['channel']}, {each['purpose']}{brand} {since}{said}", 11
    if not told["consents"]:
        yield "  none was ever given or denied: nothing may be sent", 2


def _audiences(told: dict[str, Any], zone: ZoneInfo) -> Iterable[tuple[str, int]]:
    yield "", 0
    yield "audiences" + _as_known(told, zone), 2
    for each in told["audiences"]:
        yield f"  {each['audience']}: {'a member' if each['is_member'] else 'no member'}", 4
        for held in each["held_by"]:
            yield f"    {held['destination']} holds them since {_at(held['member_since'], zone)}", 6
        for sent in each["deliveries"]:
            why = f": {sent['reason']}" if sent["reason"] else ""
            yield (
                f"    {_at(sent['created_at'], zone)} {sent['action']} to {sent['destination']}, {sent['status']}{why}",
                6,
            )
    if not told["audiences"]:
        yield "  a member of none, and never sent to a destination", 2


def _as_known(told: dict[str, Any], zone: ZoneInfo) -> str:
    """Consent and audiences have no past in the snapshot: they are said as it knows them."""
    return "" if told["as_of"] == told["snapshot_as_of"] else f", as known at {_at(told['snapshot_as_of'], zone)}"


def _at(at: datetime | None, zone: ZoneInfo) -> str:
    return "at an unknown time" if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _folded(text: str, width: int, hanging: int) -> list[str]:
    """A line broken at blanks; an id or other word that is too long stays whole."""
    import textwrap

    return textwrap.wrap(
        text, width, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False,
    ) or [""]  # fmt: skip
