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
SOURCE_NAME = re.compile(r"[a-z0-9_]+")
RESERVED = {"all"}
FEWEST_ACTIVE, MOST_ACTIVE = 5, 7

# What a bound may speak of, and the greatest value it takes (None: no end), as in dbt_project/macros/stage_facts.sql.
FACTS: dict[str, int | None] = {
    "orders_count": None, "days_since_last_order": None, "is_reachable": 1, "is_high_value": 1, "advocacy_count": None,
    "conversations_count": None, "inbound_messages_count": None, "days_since_last_inbound": None,
    "open_deals_count": None,
}  # fmt: skip
SOURCE_STAGE = "source_stage"
# Unknown until the fact beside them is 1 or more; an unknown fact is within no bound.
KNOWN_AFTER = {"days_since_last_order": "orders_count", "days_since_last_inbound": "inbound_messages_count"}
# customers.lifecycle_stage is worked out from the facts that customers hold.
FACTS_OF_CUSTOMERS = frozenset(
    {"orders_count", "days_since_last_order", "is_reachable", "is_high_value", "advocacy_count", "conversations_count"}
)

Facts = dict[str, int | str | None]


class Bound(BaseModel):
    """Both ends are included; a missing end is open. Of the source's own stages, those that are listed."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)
    among: list[str] | None = Field(default=None, alias="in", min_length=1)

    @field_validator("among")
    @classmethod
    def _are_names(cls, stages: list[str] | None) -> list[str] | None:
        for stage in stages or ():
            if not SOURCE_NAME.fullmatch(stage):
                raise ValueError(f"{stage!r}: write a source's stage in lower case, its words joined by _ (hot_lead)")
        return stages

    @model_validator(mode="after")
    def _is_a_range(self) -> Bound:
        if self.among is not None:
            return self
        if self.min is None and self.max is None:
            raise ValueError("says neither min nor max; give one, or leave the bound out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}; nothing lies between them")
        return self

    def holds(self, value: int | str | None) -> bool:
        if self.among is not None:
            return value in self.among
        if not isinstance(value, int):
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    stage: str
    kind: Literal["active", "lapsed", "lost"]
    bounds: list[dict[str, Bound]] = Field(default=[{}], min_length=1)
    when: str | None = None
    label: str | None = None
    next_action: str | None = None

    @field_validator("stage")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not NAME.fullmatch(name) or name in RESERVED:
            raise ValueError(f"{name!r} is no stage name; use lower-case letters, digits and _, and not 'all'")
        return name

    @field_validator("bounds", mode="before")
    @classmethod
    def _is_one_set_or_several(cls, bounds: Any) -> Any:
        return [bounds] if isinstance(bounds, Mapping) else bounds

    @field_validator("bounds")
    @classmethod
    def _speaks_of_known_facts(cls, bounds: list[dict[str, Bound]]) -> list[dict[str, Bound]]:
        for alternative in bounds:
            unknown = sorted(set(alternative) - {*FACTS, SOURCE_STAGE})
            if unknown:
                raise ValueError(f"unknown fact {', '.join(unknown)}; known are {', '.join([*FACTS, SOURCE_STAGE])}")
            for fact, bound in alternative.items():
                if (bound.among is not None) != (fact == SOURCE_STAGE):
                    raise ValueError(f"{fact}: `in` is for {SOURCE_STAGE}, and min and max for every other fact")
        return bounds

    @property
    def is_bounded(self) -> bool:
        return any(self.bounds)

    def matches(self, facts: Facts) -> bool:
        """By its bounds; what its `when` says nobody knows here."""
        return any(all(bound.holds(facts[fact]) for fact, bound in each.items()) for each in self.bounds)


class Accepted(BaseModel):
    """Why a model may be what a check would question."""

    model_config = ConfigDict(extra="forbid", strict=True)
    size: str | None = None
    overlaps: str | None = None


class StageModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    accepted: Accepted = Field(default_factory=Accepted)
    path: list[str] | None = Field(default=None, min_length=2)
    won: list[str] | None = Field(default=None, min_length=1)
    stages: list[Stage] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_each_stage_once(self) -> StageModel:
        names = [stage.stage for stage in self.stages]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"stage {', '.join(twice)} is declared more than once; stages are told apart by name")
        return self

    def bounds(self) -> Iterator[tuple[str, Bound]]:
        """Every fact that a stage speaks of, with what it says."""
        for stage in self.stages:
            for alternative in stage.bounds:
                yield from alternative.items()


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


def rule_versions(declared: Mapping[str, Any]) -> dict[str, str]:
    """The rule_version of every stage model, as stage_history carries it."""
    return {name: _rule_version(model) for name, model in declared.items()}


def _rule_version(model: Mapping[str, Any]) -> str:
    rules = [
        {"stage": s["stage"], "kind": s["kind"], "bounds": s.get("bounds", {})}
        | ({"when": s["when"]} if s.get("when") else {})
        for s in model["stages"]
    ]
    return hashlib.md5(json.dumps(rules, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


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
