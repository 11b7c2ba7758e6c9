"""The graph, the job, the schedule, the sensor, and Dagster's own storage, as an installation gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.workspace.autodiscovery import loadable_targets_from_python_module
from dagster._utils.schedules import schedule_execution_time_iterator

from orchestration.definitions import build_defs
from orchestration.instance import BY_COMMAND, STARTED_BY, fail_lost_runs, forget_old_runs, open_instance, prepare
from orchestration.manifest import manifest as read_manifest
from orchestration.manifest import project_hash
from orchestration.resources import Installation
from perennial.config.contract import TABLES
from perennial.config.home import Home
from tests.conftest import ROOT
from tests.support.installation import installed_in

TWO_CHANNELS = {
    "sources": {"crm": {"kind": "files", "path": "exports/", "stale_after": "36h"}},
    "destinations": {
        "print_house": {"kind": "files", "path": "outbox/", "audiences": "all"},
        "elsewhere": {"kind": "files", "path": "other/", "audiences": []},
    },
    "schedule": {"cron": "30 2 * * *"},
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return installed_in(Home(tmp_path_factory.mktemp("wiring") / "home").prepare(), TWO_CHANNELS)


@pytest.fixture(scope="module")
def definitions(installed: Installation, manifest: dict[str, Any]) -> dg.Definitions:
    return build_defs(installed, manifest)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> Any:
    return definitions.resolve_asset_graph()


def test_the_night_is_few_fat_steps_in_the_order_the_data_flow(definitions: dg.Definitions) -> None:
    steps = [node.name for node in definitions.resolve_job_def("nightly").nodes_in_topological_order]
    assert set(steps) == {
        "land_sources", "arriving_checks", "build_warehouse", "departing_checks", "freshness_checks",
        "publish__snapshot", "activation__win_back__print_house", "publish__night_report",
    }  # fmt: skip
    order = ["land_sources", "build_warehouse", "departing_checks", "publish__snapshot"]
    assert [step for step in steps if step in order] == order
    assert steps[-1] == "publish__night_report"


def test_departing_checks_are_blocking_and_arriving_ones_never(definitions: dg.Definitions, graph: Any) -> None:
    specs = {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
    departing = {key: spec for key, spec in specs.items() if key.name == "may_leave"}
    assert departing
    assert all(spec.blocking for spec in departing.values())
    assert not any(spec.blocking for key, spec in specs.items() if key.name in ("arriving", "delivered"))


def test_groups_are_the_words_of_the_sentence(graph: Any) -> None:
    sentence = [
        "ingest",
        "staging",
        "input",
        "identity",
        "customer",
        "lifecycle",
        "kpis",
        "audiences",
        "activation",
        "publish",
        "activate",
        "predictions",
    ]
    sources = list(TWO_CHANNELS["sources"])
    backfills = ["backfill"]
    assert {node.group_name for node in graph.asset_nodes} <= {*sentence, *sources, *backfills, "seeds"}


def test_every_asset_has_an_owner_a_kind_and_a_description(graph: Any) -> None:
    bare = [
        node.key.to_user_string()
        for node in graph.asset_nodes
        if not node.owners or not node.kinds or not node.description
    ]
    assert bare == []


def test_an_audience_is_owned_by_whom_its_yaml_names(graph: Any) -> None:
    assert graph.get(dg.AssetKey(["audiences", "win_back"])).owners == ["marketing-ops@example.com"]
    assert graph.get(dg.AssetKey(["activation", "win_back", "print_house"])).owners == ["marketing-ops@example.com"]


def test_every_table_of_the_contract_is_landed_by_the_one_landing_step(graph: Any) -> None:
    for table in TABLES:
        key = dg.AssetKey(["landing", table])
        assert graph.get(key).is_materializable, table


def test_an_audience_is_paired_with_the_destinations_that_ask_for_it(graph: Any) -> None:
    keys = graph.get_all_asset_keys()
    channels = {key.to_user_string() for key in keys if key.path[0] == "activation" and len(key.path) == 3}
    assert channels == {"activation/win_back/print_house"}


def test_only_sources_with_stale_after_have_a_freshness_check(graph: Any) -> None:
    assert {key.name for key in graph.asset_check_keys if key.name.startswith("fresh_")} == {"fresh_crm"}


def test_the_warehouse_has_one_writer_and_landing_alone_is_retried(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("nightly")
    pools = {node.name: node.definition.pool for node in job.nodes_in_topological_order}
    assert pools["build_warehouse"] == pools["publish__snapshot"] == "warehouse"
    retried = [node.name for node in job.nodes_in_topological_order if node.definition.retry_policy]
    assert retried == ["land_sources"]


def test_the_job_runs_in_one_process_and_has_a_longest_runtime(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("nightly")
    assert job.executor_def.name == "in_process"
    assert int(job.tags["dagster/max_runtime"]) > 0


def test_the_schedule_is_the_cron_line_in_business_time(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("every_night")
    assert schedule.cron_schedule == "30 2 * * *"
    assert schedule.execution_timezone == "Europe/London"


def test_the_night_fires_once_on_the_days_the_clock_changes(definitions: dg.Definitions) -> None:
    """London 2026: 29 March has no 01:30, 25 October has it twice."""
    schedule = definitions.resolve_schedule_def("every_night")
    start = datetime(2026, 3, 27, tzinfo=UTC).timestamp()
    ticks = schedule_execution_time_iterator(start, "30 1 * * *", schedule.execution_timezone)
    days = [next(ticks).date() for _ in range(250)]
    assert len(days) == len(set(days))
    assert (days[-1] - days[0]).days == len(days) - 1


def test_the_definitions_load_from_the_workspace(monkeypatch: pytest.MonkeyPatch, parsed_home: Home) -> None:
    """As `dagster dev` does it: by module, for the installation the environment names."""
    config = parsed_home.root.parent / "config" / "perennial.yml"
    monkeypatch.setenv("PERENNIAL_HOME", str(parsed_home.root))
    monkeypatch.setenv("PERENNIAL_CONFIG", str(config))
    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    module = location["python_module"]["module_name"]
    (found,) = loadable_targets_from_python_module(module, str(ROOT))
    loaded = found.target_definition
    assert loaded().resolve_job_def("nightly") is not None  # type: ignore[operator]


def test_dagster_yaml_watches_runs_frees_slots_and_phones_nobody(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    settings = yaml.safe_load((prepare(home) / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["telemetry"] == {"enabled": False}
    assert settings["run_monitoring"]["enabled"] is True
    assert settings["run_monitoring"]["max_runtime_seconds"] > 0
    assert settings["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert settings["concurrency"]["pools"]["default_limit"] == 1
    with open_instance(home) as instance:
        assert instance.run_monitoring_enabled
        assert not instance.telemetry_enabled


def test_a_run_whose_process_was_killed_is_marked_failed_by_the_next_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    with open_instance(home) as instance:
        mine = instance.create_run_for_job(
            empty_job(), status=dg.DagsterRunStatus.STARTED, tags={STARTED_BY: BY_COMMAND}
        )
        other = instance.create_run_for_job(empty_job(), status=dg.DagsterRunStatus.STARTED)
        assert fail_lost_runs(instance) == [mine.run_id]
        assert instance.get_run_by_id(mine.run_id).status == dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert instance.get_run_by_id(other.run_id).status == dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]


def test_a_killed_run_gives_its_pool_slot_back_to_the_next_one(tmp_path: Path) -> None:
    """Else the next night waits for the warehouse's only slot for ever, with nobody there to free it."""
    home = Home(tmp_path / "home").prepare()
    with open_instance(home) as instance:
        storage = instance.event_log_storage
        killed = instance.create_run_for_job(
            empty_job(), status=dg.DagsterRunStatus.STARTED, tags={STARTED_BY: BY_COMMAND}
        )
        storage.initialize_concurrency_limit_to_default("warehouse")
        assert storage.claim_concurrency_slot("warehouse", killed.run_id, "build_warehouse").is_claimed
        other = instance.create_run_for_job(empty_job(), status=dg.DagsterRunStatus.STARTED)
        assert not storage.claim_concurrency_slot("warehouse", other.run_id, "build_warehouse").is_claimed
        storage.free_concurrency_slots_for_run(other.run_id)
        fail_lost_runs(instance)
        assert storage.claim_concurrency_slot("warehouse", other.run_id, "build_warehouse").is_claimed


def test_run_storage_stays_bounded(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    with open_instance(home) as instance:
        runs = [instance.create_run_for_job(empty_job()).run_id for _ in range(5)]
        assert forget_old_runs(instance, keep=2) == 3
        assert {run.run_id for run in instance.get_runs()} == set(runs[-2:])


def empty_job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name="nightly")
    def nightly() -> None:
        nothing()

    return nightly


def test_the_manifest_is_parsed_again_only_if_the_project_changed(parsed_home: Home) -> None:
    dbt = installed_in(parsed_home).night().dbt
    file = dbt.target / "manifest.json"
    before = file.stat().st_mtime_ns
    read_manifest(dbt)
    assert file.stat().st_mtime_ns == before


def test_the_project_hash_sees_a_changed_model_and_not_a_log(tmp_path: Path) -> None:
    for name in ("models/a.sql", "models/a.yml", "dbt_project/macros/m.sql", "dbt_project.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    first = project_hash(tmp_path)
    (tmp_path / "dbt_project" / "logs").mkdir()
    (tmp_path / "dbt_project" / "logs" / "x.yml").write_text("log")
    (tmp_path / "models" / "notes.txt").write_text("not parsed")
    assert project_hash(tmp_path) == first
    (tmp_path / "models" / "a.sql").write_text("changed")
    assert project_hash(tmp_path) != first


def test_dbt_inherits_no_secret(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    env = {"MAILER_SECRET": "s3cret", "PATH": "/usr/bin", "PERENNIAL_AS_OF": "2026-01-01"}
    night = installed_in(home, env=env).night()
    assert "s3cret" not in night.dbt.env.values()
    assert night.dbt.env["PERENNIAL_AS_OF_UTC"] == "2026-01-01 00:00:00.000000"
    assert night.dbt.env["PERENNIAL_BUILD_FILE"] == str(home.build_file)


def test_dagsters_history_is_not_forced_to_disk_event_by_event_and_the_ledger_is(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    from orchestration.storage import unhurried

    ours, others = tmp_path / "dagster", tmp_path / "ledger"
    modes = {}
    with unhurried(ours):
        for folder in (ours, others):
            folder.mkdir()
            engine = create_engine(f"sqlite:///{folder / 'x.db'}")
            with engine.connect() as connection:
                modes[folder] = connection.execute(text("pragma synchronous")).scalar()
            engine.dispose()
    assert modes == {ours: 1, others: 2}
