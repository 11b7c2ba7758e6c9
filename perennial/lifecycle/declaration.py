"""The stage models that dbt_project.yml declares in vars.stage_models.

What lives here: what a declaration may say, and the version of its rules. What does not: whether it decides everybody
(judgement.py), the SQL made from it (dbt_project/macros/stages.sql), reading the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

NAME = re.compile(r"[a-z][a-z0-9_]*")
SOURCE_NAME = re.compile(r"[a-z0-9_]+")
RESERVED = {"all"}

# What a bound may speak of, and the greatest value it takes (None: no end), as in dbt_project/macros/stage_facts.sql.
FACTS: dict[str, int | None] = {
    "orders_count": None, "days_since_last_order": None, "is_reachable": 1, "is_high_value": 1, "advocacy_count": None,
    "conversations_count": None, "inbound_messages_count": None, "days_since_last_inbound": None,
    "open_deals_count": None,
}  # fmt: skip
SOURCE_STAGE = "source_stage"
# Unknown until the fact beside them is 1 or more; an unknown fact is within no bound.
KNOWN_AFTER = {"days_since_last_order": "orders_count", "days_since_last_inbound": "inbound_messages_count"}

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


def rule_versions(declared: Mapping[str, Any]) -> dict[str, str]:
    """The rule_version of every stage model, as stage_history carries it."""
    return {name: _rule_version(model) for name, model in declared.items()}


def stage_models_reading(fact: str, declared: Mapping[str, Any]) -> tuple[str, ...]:
    """The stage models of which a stage speaks of a fact, in its bounds or in SQL."""
    models = {name: StageModel.model_validate(model) for name, model in declared.items()}
    return tuple(
        name
        for name, model in models.items()
        if fact in {named for named, _ in model.bounds()} or any(fact in (stage.when or "") for stage in model.stages)
    )


def _rule_version(model: Mapping[str, Any]) -> str:
    rules = [
        {"stage": s["stage"], "kind": s["kind"], "bounds": s.get("bounds", {})}
        | ({"when": s["when"]} if s.get("when") else {})
        for s in model["stages"]
    ]
    return hashlib.md5(json.dumps(rules, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
