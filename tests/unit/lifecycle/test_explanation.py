"""Which rule somebody's facts meet, in words; and the rules of a shop that has limits of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.lifecycle.declaration import Bound, rule_versions
from perennial.lifecycle.explanation import declared_stage, rule_met, with_own_limits, words

VARIABLES = yaml.safe_load((Path(__file__).resolve().parents[3] / "dbt_project.yml").read_text())["vars"]
FUNNEL = VARIABLES["stage_models"]["conversation_funnel"]


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ({"min": 1}, "at least 1"),
        ({"max": 90}, "at most 90"),
        ({"min": 2, "max": 3}, "from 2 to 3"),
        ({"min": 1, "max": 1}, "is 1"),
        ({"in": ["cold", "cold_lead"]}, "is cold or cold_lead"),
    ],
)
def test_a_bound_is_said_as_a_person_would(bound: dict[str, Any], said: str) -> None:
    assert words(Bound.model_validate(bound)) == said


def test_of_several_alternatives_the_one_that_is_met_is_told() -> None:
    stage = declared_stage(FUNNEL, "cold_lead")
    assert stage is not None
    silent = {"orders_count": 0, "conversations_count": 1, "days_since_last_inbound": 31, "source_stage": "hot_lead"}
    rule = rule_met(stage, silent)
    assert rule.holds and [(term.fact, term.value) for term in rule.terms][-1] == ("days_since_last_inbound", 31)
    rule = rule_met(stage, silent | {"days_since_last_inbound": 30})
    assert not rule.holds and [term.holds for term in rule.terms] == [True, True, False]
    assert not rule_met(
        stage, silent | {"days_since_last_inbound": None}
    ).holds  # nothing is known, so it is within no bound


def test_what_is_not_declared_or_cannot_be_read_has_no_rule() -> None:
    assert declared_stage(FUNNEL, "lukewarm_lead") is None
    assert declared_stage({"stages": [{"stage": "a", "kind": "odd"}]}, "a") is None
    assert declared_stage(None, "a") is None


def test_limits_of_the_shops_own_stand_in_the_bounds_of_its_map_and_nowhere_else() -> None:
    own = {"recent": 10, "nurture": 20, "risk": 30}
    assert with_own_limits(VARIABLES | {"rfm_limits": "declared"}, own) == VARIABLES["stage_models"]
    models = with_own_limits(VARIABLES | {"rfm_limits": "own"}, own)
    stages = models["rfm_map"]["stages"]
    days = {stage["stage"]: [each.get("days_since_last_order") for each in stage["bounds"]] for stage in stages}
    assert days["about_to_lose"] == [{"min": 31}] and days["at_risk"] == [{"min": 21, "max": 30}]
    assert days["high_potential"] == [{"min": 10, "max": 20}] * 2 and days["recent"] == [{"max": 9}]
    versions, declared = rule_versions(models), rule_versions(VARIABLES["stage_models"])
    assert {model for model in versions if versions[model] != declared[model]} == {"rfm_map"}
