"""A stage model is refused where it leaves somebody undecided, and questioned where it is odd."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.lifecycle.declaration import rule_versions
from perennial.lifecycle.judgement import check_stage_models

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def declared() -> dict[str, Any]:
    """The bounds of the contract: five_stage without its advocates."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    five = copy.deepcopy(project["vars"]["stage_models"]["five_stage"])
    del five["path"], five["won"]
    del five["stages"][0]
    del five["stages"][0]["bounds"]["advocacy_count"]
    return {"five_stage": five}


def stages(declared: dict[str, Any]) -> list[dict[str, Any]]:
    return declared["five_stage"]["stages"]


def test_all_that_the_project_declares_is_sound_and_nothing_is_odd() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    verdict = check_stage_models(project["vars"]["stage_models"])
    assert verdict.errors == ()
    assert verdict.warnings == ()


def test_a_model_that_leaves_somebody_without_a_stage_is_refused_with_a_case(declared: dict[str, Any]) -> None:
    stages(declared).pop()
    (error,) = check_stage_models(declared).errors
    assert "nobody's stage where orders_count is 0, days_since_last_order is unknown, is_reachable is 0" in error


def test_a_gap_of_one_day_between_two_bounds_is_found(declared: dict[str, Any]) -> None:
    stages(declared)[3]["bounds"]["days_since_last_order"]["min"] = 92
    stages(declared)[5]["bounds"] = {"orders_count": {"max": 0}}
    (error,) = check_stage_models(declared).errors
    assert "days_since_last_order is 91" in error


def test_a_stage_that_those_above_it_leave_nothing_is_refused(declared: dict[str, Any]) -> None:
    stages(declared).insert(0, {"stage": "anyone", "kind": "active", "bounds": {}})
    errors = check_stage_models(declared).errors
    assert len(errors) == 6
    assert "stage loyalty can never be held" in errors[0]


def test_a_bound_that_no_person_can_meet_makes_its_stage_unreachable(declared: dict[str, Any]) -> None:
    stages(declared)[4]["bounds"] = {"orders_count": {"max": 0}, "days_since_last_order": {"max": 10}}
    (error,) = check_stage_models(declared).errors
    assert "stage acquisition can never be held" in error


def test_two_bounded_stages_that_match_one_case_are_questioned(declared: dict[str, Any]) -> None:
    stages(declared)[1]["bounds"]["orders_count"]["max"] = 4
    verdict = check_stage_models(declared)
    assert verdict.errors == ()
    (warning,) = verdict.warnings
    assert "loyalty and retention both match where orders_count is 4" in warning


@pytest.mark.parametrize("active", [4, 8])
def test_fewer_than_five_or_more_than_seven_active_stages_are_questioned(declared: dict[str, Any], active: int) -> None:
    one_each = [{"orders_count": {"min": n, "max": n}} for n in range(1, active)]
    bounded = [{"stage": f"s{n}", "kind": "active", "bounds": bounds} for n, bounds in enumerate(one_each)]
    declared["counted"] = {"stages": [*bounded, {"stage": "rest", "kind": "active"}]}
    verdict = check_stage_models(declared)
    assert verdict.errors == ()
    assert any(f"counted: {active} active stages" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"bounds": {"orders_count": {"min": 4, "max": 3}}},
            "stage loyalty, bounds.orders_count: min 4 is greater than max 3",
        ),
        ({"bounds": {"orders_count": {}}}, "stage loyalty, bounds.orders_count: says neither min nor max"),
        ({"bounds": {"orders_count": {"min": -1}}}, "stage loyalty, bounds.orders_count.min:"),
        ({"bounds": {"orders_count": {"least": 1}}}, "stage loyalty, bounds.orders_count.least:"),
        ({"bounds": {"shoe_size": {"min": 1}}}, "unknown fact shoe_size; known are orders_count"),
        ({"kind": "sleeping"}, "stage loyalty, kind:"),
        ({"stage": "Loyal Customers"}, "stage Loyal Customers, stage: 'Loyal Customers' is no stage name"),
        ({"stage": "all"}, "'all' is no stage name"),
        ({"stage": "retention"}, "stage retention is declared more than once"),
        ({"colour": "red"}, "stage loyalty, colour:"),
    ],
)
def test_a_malformed_stage_is_refused_with_its_place(
    declared: dict[str, Any], change: dict[str, Any], told: str
) -> None:
    stages(declared)[0].update(change)
    (error,) = check_stage_models(declared).errors
    assert error.startswith("dbt_project.yml, vars.stage_models.five_stage")
    assert told in error


def test_the_model_that_customers_and_kpis_read_must_be_there(declared: dict[str, Any]) -> None:
    declared["my_stages"] = declared.pop("five_stage")
    (error,) = check_stage_models(declared).errors
    assert "five_stage is missing" in error


def test_a_model_without_stages_is_refused(declared: dict[str, Any]) -> None:
    declared["empty"] = {"stages": []}
    (error,) = check_stage_models(declared).errors
    assert "vars.stage_models.empty, stages" in error


def test_a_label_is_no_part_of_the_rules_and_a_bound_is(declared: dict[str, Any]) -> None:
    before = rule_versions(declared)["five_stage"]
    stages(declared)[0]["label"] = "Friends"
    assert rule_versions(declared)["five_stage"] == before
    stages(declared)[0]["bounds"]["orders_count"]["min"] = 5
    assert rule_versions(declared)["five_stage"] != before


@pytest.mark.parametrize(
    ("key", "names", "told"),
    [
        ("path", ["awareness", "retired"], "path names retired, no stage of this model"),
        ("won", ["gone"], "won names gone, of kind lost"),
        ("path", ["awareness", "awareness"], "path names a stage twice"),
    ],
)
def test_reports_speak_of_the_models_own_stages_and_lead_nobody_to_a_lost_one(
    declared: dict[str, Any], key: str, names: list[str], told: str
) -> None:
    stages(declared)[3] |= {"stage": "gone", "kind": "lost"}
    declared["five_stage"][key] = names
    (error,) = check_stage_models(declared).errors
    assert told in error


def test_a_path_changes_no_history_and_no_version(declared: dict[str, Any]) -> None:
    before = rule_versions(declared)
    declared["five_stage"] |= {"path": ["awareness", "loyalty"], "won": ["loyalty"]}
    assert check_stage_models(declared).errors == ()
    assert rule_versions(declared) == before
