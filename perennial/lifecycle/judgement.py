"""Whether stage models are ones that a build may follow.

What lives here: whether a declaration is well formed, decides every person, and keeps no stage that nobody can reach;
and what of it may not be meant. What does not: what a declaration may say (declaration.py), reading the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from pydantic import ValidationError

from perennial.lifecycle.declaration import FACTS, KNOWN_AFTER, NAME, SOURCE_STAGE, Facts, StageModel

WHERE = "dbt_project.yml, vars.stage_models"
NEEDED_MODEL = "five_stage"
FEWEST_ACTIVE, MOST_ACTIVE = 5, 7
# customers.lifecycle_stage is worked out from the facts that customers hold.
FACTS_OF_CUSTOMERS = frozenset(
    {"orders_count", "days_since_last_order", "is_reachable", "is_high_value", "advocacy_count", "conversations_count"}
)


class Verdict(NamedTuple):
    """What is wrong (nothing may run) and what is odd (worth a look)."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def check_stage_models(declared: Mapping[str, Any]) -> Verdict:
    """Judges vars.stage_models as read from the file."""
    errors: list[str] = []
    warnings: list[str] = []
    if NEEDED_MODEL not in declared:
        errors.append(
            f"{WHERE}: {NEEDED_MODEL} is missing; customers and KPIs read it: declare it, with your own bounds"
        )
    for name, raw in declared.items():
        where = f"{WHERE}.{name}"
        if not NAME.fullmatch(str(name)):
            errors.append(f"{where}: no name of a stage model; use lower-case letters, digits and _")
            continue
        try:
            model = StageModel.model_validate(raw)
        except ValidationError as invalid:
            errors += _told(where, raw, invalid)
            continue
        problems = _undecided(model) + _unreachable(model) + _out_of_customers_reach(name, model) + _astray(model)
        errors += [f"{where}: {problem}" for problem in problems]
        warnings += [f"{where}: {oddity}" for oddity in _overlapping(model) + _size(model)]
    return Verdict(tuple(errors), tuple(warnings))


def _undecided(model: StageModel) -> list[str]:
    for facts in _every_case(model):
        if not any(stage.matches(facts) and not stage.when for stage in model.stages):
            return [f"nobody's stage where {_spoken(facts)}; widen a bound or end with a stage without bounds"]
    return []


def _unreachable(model: StageModel) -> list[str]:
    reached: set[str] = set()
    for facts in _every_case(model):
        for stage in model.stages:
            if stage.matches(facts):
                reached.add(stage.stage)
                if not stage.when:
                    break
    return [
        f"stage {stage.stage} can never be held: the stages above take all that it matches; move it up or narrow them"
        for stage in model.stages
        if stage.stage not in reached
    ]


def _out_of_customers_reach(name: str, model: StageModel) -> list[str]:
    if name != NEEDED_MODEL:
        return []
    unknown = sorted({fact for fact, _ in model.bounds()} - FACTS_OF_CUSTOMERS)
    return [
        f"customers hold no {fact}, and {NEEDED_MODEL} is what they carry; make another model of it" for fact in unknown
    ]


def _astray(model: StageModel) -> list[str]:
    """What reports are told of stages: the model's own, each once, and none of kind lost, since nobody is led there."""
    kinds = {stage.stage: stage.kind for stage in model.stages}
    found = []
    for key, named in (("path", model.path or []), ("won", model.won or [])):
        unknown = [stage for stage in named if stage not in kinds]
        if unknown:
            found.append(f"{key} names {', '.join(unknown)}, no stage of this model; its stages are {', '.join(kinds)}")
        if len(set(named)) < len(named):
            found.append(f"{key} names a stage twice; name each once")
        lost = [stage for stage in named if kinds.get(stage) == "lost"]
        if lost:
            found.append(f"{key} names {', '.join(lost)}, of kind lost; name stages that people are led to")
    return found


def _overlapping(model: StageModel) -> list[str]:
    """Two stages with bounds that match one case: the upper one wins, which may not be what was meant."""
    if model.accepted.overlaps:
        return []
    found: dict[tuple[str, str], Facts] = {}
    for facts in _every_case(model):
        matching = [stage.stage for stage in model.stages if stage.is_bounded and stage.matches(facts)]
        if len(matching) > 1:
            found.setdefault((matching[0], matching[1]), facts)
    return [
        f"stages {upper} and {lower} both match where {_spoken(facts)}; {upper} wins, being first. "
        "If that is meant, say why in accepted.overlaps"
        for (upper, lower), facts in found.items()
    ]


def _size(model: StageModel) -> list[str]:
    active = sum(stage.kind == "active" for stage in model.stages)
    if model.accepted.size or FEWEST_ACTIVE <= active <= MOST_ACTIVE:
        return []
    return [
        f"{active} active stages; {FEWEST_ACTIVE} to {MOST_ACTIVE} are few enough to act on and enough to tell apart. "
        "If that is meant, say why in accepted.size"
    ]


def _every_case(model: StageModel) -> Iterator[Facts]:
    """One case for every cell of the grid that the bounds cut the facts into, and none that cannot occur."""
    named = {fact for fact, _ in model.bounds()}
    named |= {KNOWN_AFTER[fact] for fact in named if fact in KNOWN_AFTER}
    facts_named = [fact for fact in (*FACTS, SOURCE_STAGE) if fact in named]
    for values in product(*(_cuts(model, fact) for fact in facts_named)):
        facts: Facts = dict(zip(facts_named, values, strict=True))
        if all((facts[fact] is None) == (facts[KNOWN_AFTER[fact]] == 0) for fact in KNOWN_AFTER if fact in facts):
            yield facts


def _cuts(model: StageModel, fact: str) -> list[int | str | None]:
    bounds = [bound for named, bound in model.bounds() if named == fact]
    if fact == SOURCE_STAGE:
        return [*sorted({stage for bound in bounds for stage in bound.among or ()}), "any other", None]
    values = {0, 1}
    for bound in bounds:
        values |= {end + step for end in (bound.min, bound.max) if end is not None for step in (-1, 0, 1)}
    top = FACTS[fact]
    inside = sorted(value for value in values if value >= 0 and (top is None or value <= top))
    return [*inside, None] if fact in KNOWN_AFTER else list(inside)


def _spoken(facts: Facts) -> str:
    return ", ".join(f"{fact} is {'unknown' if value is None else value}" for fact, value in facts.items())


def _told(where: str, raw: Any, invalid: ValidationError) -> list[str]:
    return [f"{where}{_place(raw, error['loc'])}: {_plain(error['msg'])}" for error in invalid.errors()]


def _place(raw: Any, loc: tuple[int | str, ...]) -> str:
    """`, stage lapsed, bounds.orders_count` for ('stages', 3, 'bounds', 'orders_count')."""
    if len(loc) < 2 or loc[0] != "stages" or not isinstance(loc[1], int):
        return "".join(f", {part}" for part in loc)
    stage = raw["stages"][loc[1]]
    name = stage.get("stage") if isinstance(stage, Mapping) else None
    is_one_set = isinstance(stage, Mapping) and isinstance(stage.get("bounds"), Mapping)
    rest = ".".join(str(part) for part in loc[2:] if not (is_one_set and part == 0))
    return f", stage {name or f'number {loc[1] + 1}'}" + (f", {rest}" if rest else "")


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
