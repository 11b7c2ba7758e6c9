"""Which versions an installation may keep, and what it is told of those it may not."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from perennial.cli import check
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.config.settings import load_settings
from perennial.lifecycle import versions
from perennial.lifecycle.declaration import rule_versions
from tests.conftest import ROOT
from tests.support.installation import installed_in, write_config

AT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def declared() -> dict[str, Any]:
    return versions.declared_in(ROOT)


@pytest.fixture
def home(tmp_path: Path, declared: dict[str, Any]) -> Home:
    """A home that has published what is declared, and before it five_stage with another bound."""
    home = Home(tmp_path / "home").prepare()
    for days, models in enumerate((older(declared), declared)):
        versions.remember(home, models, rule_versions(models), AT + timedelta(days=days))
    return home


def older(declared: dict[str, Any]) -> dict[str, Any]:
    models = copy.deepcopy(declared)
    models["five_stage"]["stages"][0]["bounds"]["orders_count"]["min"] = 5
    return models


def test_a_version_is_written_once_and_only_if_the_build_was_made_by_it(home: Home, declared: dict[str, Any]) -> None:
    path = home.journal / "rules" / "five_stage" / f"{rule_versions(declared)['five_stage']}.yml"
    written = path.read_bytes()
    assert versions.remember(home, declared, rule_versions(declared), AT + timedelta(days=9)) == []
    assert path.read_bytes() == written and path.stat().st_mode & 0o777 == 0o600
    newer = copy.deepcopy(declared)
    newer["five_stage"]["stages"].pop()
    assert versions.remember(home, newer, rule_versions(declared), AT) == []
    versions.remember(home, newer, rule_versions(newer), AT)
    assert len(versions.published(home, "five_stage")) == 3


def test_a_kept_version_is_the_declaration_as_it_was_published(home: Home, declared: dict[str, Any]) -> None:
    version = rule_versions(older(declared))["five_stage"]
    kept = versions.kept(home, {"five_stage": [version[:8]]}, declared)
    ((name, model),) = kept.items()
    assert (name, model["named"]) == (f"five_stage__{version[:12]}", f"five_stage@{version[:12]}")
    assert model["stages"] == older(declared)["five_stage"]["stages"]
    assert rule_versions(kept) == {name: version}


def test_the_current_version_needs_no_keeping_until_the_rules_change(home: Home, declared: dict[str, Any]) -> None:
    current = {"five_stage": [rule_versions(declared)["five_stage"]]}
    assert versions.kept(home, current, declared) == {}
    assert len(versions.kept(home, current, older(declared))) == 1


def test_an_unknown_version_is_refused_and_those_that_are_known_are_named(home: Home, declared: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        versions.kept(home, {"five_stage": ["00000000"], "nothing": ["11111111"]}, declared)
    first, second = refused.value.problems
    assert "lifecycle.keep_versions.five_stage: no version 00000000 was published from this home" in first
    assert f"{rule_versions(older(declared))['five_stage'][:12]} (since 2024-01-01)" in first
    assert f"{rule_versions(declared)['five_stage'][:12]} (since 2024-01-02)" in first
    assert "lifecycle.keep_versions.nothing: no version 11111111" in second and "known: none" in second


@pytest.mark.parametrize("written", [12345678, "1234", "five_stage", "ABCDEF12"])
def test_what_is_no_version_is_refused_where_it_is_written(tmp_path: Path, written: object) -> None:
    path = write_config(tmp_path, {"lifecycle": {"keep_versions": {"five_stage": [written]}}})
    with pytest.raises(ConfigError, match="between quotes"):
        load_settings(path)


def test_check_and_the_night_refuse_an_unknown_version_before_anything_runs(home: Home) -> None:
    content = {"lifecycle": {"keep_versions": {"five_stage": ["00000000"]}}}
    installed = installed_in(home, content)
    (finding,) = check._look_at_kept_versions(installed.settings, home)
    assert finding.verdict == "FAIL" and "no version 00000000" in str(finding.problem)
    with pytest.raises(ConfigError, match="no version 00000000"):
        installed.night()


def test_check_names_what_is_kept(home: Home, declared: dict[str, Any]) -> None:
    version = rule_versions(older(declared))["five_stage"]
    installed = installed_in(home, {"lifecycle": {"keep_versions": {"five_stage": [version[:12]]}}})
    (finding,) = check._look_at_kept_versions(installed.settings, home)
    assert finding.verdict == "ok" and f"five_stage@{version[:12]}" in finding.what
    assert f'"five_stage@{version[:12]}"' in installed.night().dbt.env["PERENNIAL_KEPT_STAGE_MODELS"]
