"""dbt as a night runs it, over a project of three models: what is said, what is kept, what a failing model leaves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from assets.transform.quiet import main
from tests.conftest import ROOT

MODELS = {
    "seen.sql": "{{ config(materialized='view') }} select {{ var('number') }} as number",
    "counted.sql": "{{ config(materialized=var('kind')) }}"
    "select cast(number as integer) as number from {{ ref('seen') }}",
    # reads what it made last night
    "summed.sql": "{% set old = load_cached_relation(this) %} select number"
    "{% if old %} + (select max(number) from {{ this }}){% endif %} as number from {{ ref('counted') }}",
    "schema.yml": "models: [{name: counted, config: {contract: {enforced: true}},"
    " columns: [{name: number, data_type: integer}]}]",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    (folder / "macros").mkdir(parents=True)
    (folder / "models").mkdir()
    shutil.copy(ROOT / "dbt_project" / "macros" / "materializations_duckdb.sql", folder / "macros")
    for name, text in MODELS.items():
        (folder / "models" / name).write_text(text)
    vars_of_project = "{number: 1, kind: table}"
    (folder / "dbt_project.yml").write_text(
        f"name: small\nversion: 1.0.0\nprofile: small\nvars: {vars_of_project}\nmodels: {{+materialized: table}}\n"
    )
    (folder / "profiles.yml").write_text(
        f"small: {{target: t, outputs: {{t: {{type: duckdb, path: '{tmp_path / 'small.duckdb'}', threads: 1}}}}}}\n"
    )
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR"):
        monkeypatch.setenv(name, str(folder))
    return folder


def run(project: Path, capsys: pytest.CaptureFixture[str], **changed: object) -> tuple[int, dict[str, str], list[str]]:
    """Exit status, status by model, and the levels of what was said."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    statuses = project / "statuses.json"
    exit_status = main(statuses, ["build", "--no-use-colors", "--vars", json.dumps(changed)])
    DuckDBConnectionManager.close_all_connections()
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = json.loads(statuses.read_text()) if statuses.exists() else {}
    return exit_status, {node.split(".")[-1]: s for node, s in found.items()}, [line["info"]["level"] for line in said]


def held(project: Path) -> dict[str, tuple[str, int]]:
    with duckdb.connect(str(project.parent / "small.duckdb"), read_only=True) as con:
        kinds = dict(con.execute("select table_name, table_type from information_schema.tables").fetchall())
        return {name: (kind, con.execute(f"from {name}").fetchall()[0][0]) for name, kind in kinds.items()}


def test_each_model_replaces_last_nights_and_one_that_fails_leaves_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_status, found, levels = run(project, capsys)
    assert (exit_status, found) == (0, dict.fromkeys(("seen", "counted", "summed"), "success"))
    assert levels and set(levels) == {"info"}
    first = {"seen": ("VIEW", 1), "counted": ("BASE TABLE", 1), "summed": ("BASE TABLE", 1)}
    assert held(project) == first
    # a table becomes a view, with its contract; the third reads its own rows of last night
    assert run(project, capsys, number=2, kind="view")[0] == 0
    second = {"seen": ("VIEW", 2), "counted": ("VIEW", 2), "summed": ("BASE TABLE", 3)}
    assert held(project) == second
    # the view is made, and cannot be read as a number
    exit_status, found, levels = run(project, capsys, number="'x'", kind="view")
    assert (exit_status, found["seen"], found["summed"]) == (1, "success", "error")
    assert "error" in levels and "debug" not in levels
    with duckdb.connect(str(project.parent / "small.duckdb"), read_only=True) as con:
        assert con.execute("from summed").fetchall() == [(3,)]
        assert con.execute("select count(*) from duckdb_tables() where table_name like '%tmp%'").fetchone() == (0,)


def test_statuses_of_another_run_are_not_taken_for_this_ones(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "statuses.json").write_text('{"model.small.seen": "success"}')
    (project / "models" / "seen.sql").write_text("select * from {{ ref('not_there') }}")
    exit_status, found, levels = run(project, capsys)
    assert (exit_status, found) == (2, {})
    assert "error" in levels
    assert "debug" not in levels
