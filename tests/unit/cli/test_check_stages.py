"""`perennial check` on stage models: what stops a night, what is only odd, and what is neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.cli import check
from tests.conftest import ROOT


def found(tmp_path: Path, stage_models: dict[str, Any]) -> list[tuple[str, str]]:
    file = tmp_path / "dbt_project.yml"
    file.write_text(yaml.safe_dump({"vars": {"stage_models": stage_models}}))
    findings = check._look_at_stage_models(file)
    return [(each.verdict, each.problem or each.question or "") for each in findings]


@pytest.fixture
def declared() -> dict[str, Any]:
    models: dict[str, Any] = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["stage_models"]
    return models


def test_the_shipped_models_are_sound(tmp_path: Path, declared: dict[str, Any]) -> None:
    assert found(tmp_path, declared) == [("ok", "")]


def test_too_few_stages_are_odd_and_stop_nothing(tmp_path: Path, declared: dict[str, Any]) -> None:
    del declared["retention_programme"]["accepted"]
    ((verdict, said),) = found(tmp_path, declared)
    assert verdict == "odd"
    assert "retention_programme: 4 active stages" in said


def test_overlaps_are_odd_unless_they_are_said_to_be_meant(tmp_path: Path, declared: dict[str, Any]) -> None:
    del declared["conversation_funnel"]["accepted"]["overlaps"]
    said = [text for verdict, text in found(tmp_path, declared) if verdict == "odd"]
    assert any("stages lost_to_competitor and payment both match" in text for text in said)


def test_a_person_without_a_stage_stops_the_night(tmp_path: Path, declared: dict[str, Any]) -> None:
    declared["conversation_funnel"]["stages"].pop()
    declared["conversation_funnel"]["path"].remove("new_lead")
    ((verdict, said),) = found(tmp_path, declared)
    assert verdict == "FAIL"
    assert "nobody's stage where" in said


def test_five_stage_may_speak_only_of_what_customers_hold(tmp_path: Path, declared: dict[str, Any]) -> None:
    declared["five_stage"]["stages"][0]["bounds"]["open_deals_count"] = {"max": 0}
    said = [text for verdict, text in found(tmp_path, declared) if verdict == "FAIL"]
    assert any("customers hold no open_deals_count" in text for text in said)


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"source_stage": {"min": 1}}, "`in` is for source_stage"),
        ({"orders_count": {"in": ["hot_lead"]}}, "`in` is for source_stage"),
        ({"source_stage": {"in": ["Hot Lead"]}}, "write a source's stage in lower case"),
        ([], "at least 1 item"),
    ],
)
def test_a_malformed_bound_is_refused(tmp_path: Path, declared: dict[str, Any], bounds: Any, told: str) -> None:
    declared["conversation_funnel"]["stages"][1]["bounds"] = bounds
    ((verdict, said),) = found(tmp_path, declared)
    assert verdict == "FAIL"
    assert told in said
