"""Checking the stage models that dbt_project.yml declares in vars.stage_models.

What lives here: whether a declaration is well formed, decides every person, and keeps no stage that nobody can reach;
and the version of its rules. What does not: the SQL made from it (dbt_project/macros/stages.sql), reading the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

WHERE = "dbt_project.yml, vars.stage_models"
NEEDED_MODEL = "five_stage"
NAME = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = {"all"}
FEWEST_ACTIVE, MOST_ACTIVE = 5, 7

# What a bound may speak of, and the greatest value it takes (None: no end). Facts named in `after_an_order` are
# unknown until a person has ordered, and an unknown fact is within no bound.
FACTS: dict[str, int | None] = {"orders_count": None, "days_since_last_order": None, "is_reachable": 1}
AFTER_AN_ORDER = {"days_since_last_order"}

Facts = dict[str, int | None]


class Bound(BaseModel):
    """Both ends are included; a missing end is open."""

    model_config = ConfigDict(extra="forbid", strict=True)
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_a_range(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("says neither min nor max; give one, or leave the bound out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}; nothing lies between them")
        return self

    def holds(self, value: int | None) -> bool:
        if value is None:
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    stage: str
    kind: Literal["active", "lapsed", "lost"]
    bounds: dict[str, Bound] = Field(default_factory=dict)
    label: str | None = None
    next_action: str | None = None

    @field_validator("stage")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not NAME.fullmatch(name) or name in RESERVED:
            raise ValueError(f"{name!r} is no stage name; use lower-case letters, digits and _, and not 'all'")
        return name

    @field_validator("bounds")
    @classmethod
    def _speaks_of_known_facts(cls, bounds: dict[str, Bound]) -> dict[str, Bound]:
        unknown = sorted(set(bounds) - set(FACTS))
        if unknown:
            raise ValueError(f"unknown fact {', '.join(unknown)}; known are {', '.join(FACTS)}")
        return bounds

    def matches(self, facts: Facts) -> bool:
        return all(bound.holds(facts[fact]) for fact, bound in self.bounds.items())


class StageModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    stages: list[Stage] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_each_stage_once(self) -> StageModel:
        names = [stage.stage for stage in self.stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stage {', '.join(twice)} is declared more than once; stages are told apart by name")
        return self


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
        errors += [f"{where}: {problem}" for problem in _undecided(model) + _unreachable(model)]
        warnings += [f"{where}: {oddity}" for oddity in _overlapping(model) + _size(model)]
    return Verdict(tuple(errors), tuple(warnings))


def rule_versions(declared: Mapping[str, Any]) -> dict[str, str]:
    """The rule_version of every stage model, as stage_history carries it."""
    return {name: _rule_version(model) for name, model in declared.items()}


def _rule_version(model: Mapping[str, Any]) -> str:
    rules = [{"stage": s["stage"], "kind": s["kind"], "bounds": s.get("bounds", {})} for s in model["stages"]]
    return hashlib.md5(json.dumps(rules, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _undecided(model: StageModel) -> list[str]:
    for facts in _every_case(model):
        if not any(stage.matches(facts) for stage in model.stages):
            return [f"nobody's stage where {_spoken(facts)}; widen a bound or end with a stage without bounds"]
    return []


def _unreachable(model: StageModel) -> list[str]:
    reached = {_first_match(model, facts) for facts in _every_case(model)}
    return [
        f"stage {stage.stage} can never be held: the stages above take all that it matches; move it up or narrow them"
        for stage in model.stages
        if stage.stage not in reached
    ]


def _overlapping(model: StageModel) -> list[str]:
    """Two stages with bounds that match one case: the upper one wins, which may not be what was meant."""
    found: dict[tuple[str, str], Facts] = {}
    for facts in _every_case(model):
        matching = [stage.stage for stage in model.stages if stage.bounds and stage.matches(facts)]
        if len(matching) > 1:
            found.setdefault((matching[0], matching[1]), facts)
    return [
        f"stages {upper} and {lower} both match where {_spoken(facts)}; {upper} wins, being first"
        for (upper, lower), facts in found.items()
    ]


def _size(model: StageModel) -> list[str]:
    active = sum(stage.kind == "active" for stage in model.stages)
    if FEWEST_ACTIVE <= active <= MOST_ACTIVE:
        return []
    return [
        f"{active} active stages; {FEWEST_ACTIVE} to {MOST_ACTIVE} are few enough to act on and enough to tell apart"
    ]


def _first_match(model: StageModel, facts: Facts) -> str | None:
    return next((stage.stage for stage in model.stages if stage.matches(facts)), None)


def _every_case(model: StageModel) -> Iterator[Facts]:
    """One case for every cell of the grid that the bounds cut the facts into, and none that cannot occur."""
    for values in product(*(_cuts(model, fact) for fact in FACTS)):
        facts: Facts = dict(zip(FACTS, values, strict=True))
        never_ordered = facts["orders_count"] == 0
        if all((facts[fact] is None) == never_ordered for fact in AFTER_AN_ORDER):
            yield facts


def _cuts(model: StageModel, fact: str) -> list[int | None]:
    bounds = [stage.bounds[fact] for stage in model.stages if fact in stage.bounds]
    values = {0, 1}
    for bound in bounds:
        values |= {end + step for end in (bound.min, bound.max) if end is not None for step in (-1, 0, 1)}
    top = FACTS[fact]
    inside = sorted(value for value in values if value >= 0 and (top is None or value <= top))
    return [*inside, None] if fact in AFTER_AN_ORDER else list(inside)


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
    rest = ".".join(str(part) for part in loc[2:])
    return f", stage {name or f'number {loc[1] + 1}'}" + (f", {rest}" if rest else "")


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
