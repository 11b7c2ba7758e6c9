"""Which rule of a stage model somebody's facts meet, bound by bound.

What lives here: a stage, the facts of a day, and what each bound says of them. What does not: where facts are read
(perennial/report/customer.py), whether a declaration is right (declaration.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from perennial.lifecycle.declaration import Bound, Facts, Stage, StageModel


@dataclass(frozen=True)
class Term:
    """One bound: the fact it speaks of, what it asks for, the fact's value that day, and whether that is within it."""

    fact: str
    wanted: str
    value: int | str | None
    holds: bool


@dataclass(frozen=True)
class Rule:
    """The set of bounds by which a stage is held; `when` is SQL that only the warehouse can judge."""

    terms: tuple[Term, ...]
    when: str | None

    @property
    def holds(self) -> bool:
        return all(term.holds for term in self.terms)


def declared_stage(declaration: Any, name: str) -> Stage | None:
    """A stage as its model declares it; None where the declaration cannot be read or names no such stage."""
    try:
        model = StageModel.model_validate(declaration)
    except ValidationError:
        return None
    return next((stage for stage in model.stages if stage.stage == name), None)


def rule_met(stage: Stage, facts: Facts) -> Rule:
    """The first alternative that the facts meet; the first of all where they meet none."""
    rules = [
        Rule(tuple(_term(fact, bound, facts) for fact, bound in each.items()), stage.when) for each in stage.bounds
    ]
    return next((rule for rule in rules if rule.holds), rules[0])


def _term(fact: str, bound: Bound, facts: Facts) -> Term:
    value = facts.get(fact)
    return Term(fact, words(bound), value, bound.holds(value))


def words(bound: Bound) -> str:
    """A bound as a person says it."""
    if bound.among is not None:
        return f"is {' or '.join(bound.among)}"
    if bound.min is None:
        return f"at most {bound.max}"
    if bound.max is None:
        return f"at least {bound.min}"
    return f"is {bound.min}" if bound.min == bound.max else f"from {bound.min} to {bound.max}"


def with_own_limits(variables: Mapping[str, Any], own: Mapping[str, int] | None) -> dict[str, Any]:
    """The stage models that a build follows: as declared; or, where vars.rfm_limits says own, with the bounds of
    rfm_map at the shop's own limits (recent, nurture and risk days), as dbt_project/macros/rfm.sql moves them."""
    models = dict(variables.get("stage_models", {}))
    if variables.get("rfm_limits") != "own" or own is None or "rfm_map" not in models:
        return models
    recent, nurture, risk = (variables[f"rfm_{each}_days"] for each in ("recent", "nurture", "risk"))
    moved = {
        recent - 1: own["recent"] - 1, recent: own["recent"], nurture: own["nurture"], nurture + 1: own["nurture"] + 1,
        risk: own["risk"], risk + 1: own["risk"] + 1,
    }  # fmt: skip
    stages = []
    for stage in models["rfm_map"]["stages"]:
        bounds = stage.get("bounds", {})
        alternatives = []
        for each in [bounds] if isinstance(bounds, Mapping) else bounds:
            days = {end: moved.get(value, value) for end, value in each.get("days_since_last_order", {}).items()}
            alternatives.append({**each, "days_since_last_order": days} if days else each)
        stages.append({**stage, "bounds": alternatives})
    return models | {"rfm_map": {**models["rfm_map"], "stages": stages}}
