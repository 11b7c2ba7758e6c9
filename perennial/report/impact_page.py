"""The impact of a change of rules as Markdown, fit for a pull request.

What lives here: words and tables. What does not: any figure (impact.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from perennial.config.words import counted
from perennial.report.impact import Audience, Impact, StageModel, shift_of

MEASURES = {
    "stage_changes": "people who change stage, in the model where most do",
    "audience_turnover": "joins and leaves of an audience, where most do",
    "kpi_shift": "shift of a closed month's headline value, where it is greatest",
    "new_messages": "messages newly due",
}
COUNTS = {"new_messages"}  # measures that are no shares
VERSION = 12
Row = tuple[object, ...]


def page(impact: Impact, ref: str, commit: str, budget: Mapping[str, float]) -> str:
    """The whole report."""
    over = impact.over(budget)
    verdict = "**Over budget.** Somebody has to look at this." if over else "Within budget."
    lines = [
        f"# Impact of these rules against `{ref}`",
        "",
        f"{verdict} {counted(impact.people, 'person', 'people')} as of {impact.as_of:%Y-%m-%d %H:%M} UTC;"
        f" the rules before are those of {commit[:VERSION]}.",
        "",
        *_table(("measure", "now", "budget", ""), (
            (said, _amount(name, impact.measures()[name]), _amount(name, budget[name]), "over" if name in over else "")
            for name, said in MEASURES.items()
        )),
        *_rules(impact),
        *_stages(impact),
        *_audiences(impact),
        *_figures(impact),
        *_messages(impact),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _rules(impact: Impact) -> Iterator[str]:
    changed = [model for model in impact.models if model.versions[0] != model.versions[1]]
    yield from ("", "## What changed in the rules", "")
    if not (changed or impact.labels or impact.actions or impact.settings):
        yield "No stage model, label, next action or setting."
    for model in changed:
        yield f"- `{model.name}`: version {_version(model.versions[0])} → {_version(model.versions[1])}"
    for name, stage, old, new in impact.labels:
        yield f"- `{name}`: `{stage}` is called {new or 'nothing'}, was {old or 'nothing'} (a label: no new version)"
    for name, stage, old, new in impact.actions:
        yield f"- `{name}`: the next action of `{stage}` is {new or 'nothing'}, was {old or 'nothing'} (no new version)"
    for name, old, new in impact.settings:
        yield f"- `{name}`: {old} → {new}"


def _version(version: str | None) -> str:
    return version[:VERSION] if version else "none"


def _stages(impact: Impact) -> Iterator[str]:
    yield from ("", "## Stages", "")
    if not any(model.moved for model in impact.models):
        yield "Nobody changes stage in any model."
    for model in impact.models:
        if model.moved:
            yield from _stage_model(model)


def _stage_model(model: StageModel) -> Iterator[str]:
    if not model.is_on_both_sides:
        came_or_went = "new" if model.versions[0] is None else "gone"
        yield from (f"`{model.name}` is {came_or_went} ({counted(model.people, 'person', 'people')}).", "")
        return
    yield from (f"`{model.name}`: {model.moved:,} of {model.people:,} people change stage.", "")
    stages = sorted({stage or "(nobody)" for old, new, _ in model.moves for stage in (old, new)})
    held = {(old or "(nobody)", new or "(nobody)"): people for old, new, people in model.moves}
    yield from _table(
        ("before ↓ · now →", *stages),
        ((f"`{old}`", *(f"{held[old, new]:,}" if (old, new) in held else "" for new in stages)) for old in stages),
    )
    yield ""


def _audiences(impact: Impact) -> Iterator[str]:
    yield from ("", "## Audiences", "")
    moved = [each for each in impact.audiences if each.joins or each.leaves]
    if not moved:
        yield f"None of {len(impact.audiences)} changes."
        return
    yield from _table(("audience", "before", "now", "join", "leave", "sent to"), (
        (f"`{each.name}`", *(f"{n:,}" for n in (each.old_size, each.new_size, each.joins, each.leaves)),
         ", ".join(each.to))
        for each in moved
    ))  # fmt: skip


def _figures(impact: Impact) -> Iterator[str]:
    yield from ("", "## Figures of closed periods", "")
    if not impact.figures:
        yield "None reads otherwise."
        return
    yield from _table(
        ("figure", "values that read otherwise"), ((f"`{k}`", f"{n:,}") for k, n in impact.figures.items())
    )
    if not impact.shifts:
        yield from ("", "No monthly value of the whole business is among them.")
        return
    yield from ("", "The monthly values of the whole business that move most:", "")
    yield from _table(("KPI", "month", "before", "now", "by"), (
        (f"`{key['kpi']}` {key['variant']}", key["period_start_on"],
         _number(each.old), _number(each.new), f"{shift_of(each):.1%}")
        for each in impact.shifts
        for key in [json.loads(each.row_key)]
    ))  # fmt: skip


def _messages(impact: Impact) -> Iterator[str]:
    yield from ("", "## Messages newly due", "")
    joining: list[Audience] = [each for each in impact.audiences if each.joins and each.to]
    if not joining and not impact.triggers:
        yield "None."
        return
    yield from _table(("from", "newly due", "no longer due"), (
        *((f"audience `{each.name}` → {to}", f"{each.joins:,}", "") for each in joining for to in each.to),
        *((f"trigger `{name}`", f"{fresh:,}", f"{gone:,}") for name, (fresh, gone) in impact.triggers.items()),
    ))  # fmt: skip
    yield from ("", "Consent, holdout and caps are judged when they are sent; there may be fewer.")


def _table(head: Row, rows: Iterator[Row] | tuple[Row, ...]) -> Iterator[str]:
    yield "| " + " | ".join(map(str, head)) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |"


def _amount(measure: str, value: float) -> str:
    return f"{value:,.0f}" if measure in COUNTS else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.4g}"
