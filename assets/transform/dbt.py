"""The warehouse: every dbt model as an asset, all of them built by one dbt process.

What lives here: starting dbt, turning its events into Dagster's, row counts, and the record of the finished build. What
does not: any SQL (models/), what a model promises (its YAML), names and groups (translator.py).
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_invocation import DbtCliInvocation
from dagster_dbt.errors import DagsterDbtCliRuntimeError
from packaging.version import Version

from assets.night import Night
from assets.transform.child import dying_with
from assets.transform.translator import RoomsTranslator
from perennial.config.files import make_folder
from perennial.warehouse import build
from perennial.warehouse.certificate import Checks
from perennial.warehouse.duck import connect

POOL = "warehouse"  # one writer at a time
# unit tests prove the models, not the night's data: they run in `make test`
BUILD = ("build", "--exclude-resource-type", "unit_test", "--no-use-colors")
QUIET_DBT = (sys.executable, "-m", "assets.transform.quiet")  # and where to write the status of each node


def warehouse_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """All models, seeds and snapshots of the manifest, as one step."""

    @dbt_assets(manifest=manifest, name="build_warehouse", dagster_dbt_translator=RoomsTranslator(), pool=POOL)
    def build_warehouse(context: dg.AssetExecutionContext, night: dg.ResourceParam[Night]) -> Iterator[Any]:
        with night.step("build the warehouse") as line:
            aside = build.set_damaged_aside(night.home)
            if aside is not None:
                night.tally.notes.append(f"{aside.name}: the build file was damaged and is made anew from landing")
            build.forget(night.home)
            night.failpoint("dbt_start")
            events, error = _run_dbt(context, night)
            if error is None and not context.is_subset:
                build.write_record(night.home, _record(night, manifest))
            night.failpoint("dbt_end")
            rows = _row_counts(night)
            yield from (_with_rows(event, rows) for event in events)
            line.rows = sum(rows.values()) if error is None else None
            if error is not None:
                line.note = f"see {night.dbt.output}"
                raise dg.Failure(_what_failed(night, error)) from error

    return build_warehouse


def _run_dbt(context: dg.AssetExecutionContext, night: Night) -> tuple[list[Any], DagsterDbtCliRuntimeError | None]:
    """One dbt process to its end. dbt-dagster's own entry would start two more to learn dbt's version and columns."""
    selected = get_updated_cli_invocation_params_for_context(context, {}, RoomsTranslator())
    make_folder(night.dbt.target)
    make_folder(night.dbt.output.parent)
    events: list[Any] = []
    with night.dbt.output.open("w", encoding="utf-8") as output, redirect_stdout(output):
        invocation = DbtCliInvocation.run(
            args=[*dying_with(os.getpid()), *QUIET_DBT, str(_statuses(night)), *BUILD, *selected.selection_args],
            env=dict(night.dbt.env),
            manifest=selected.manifest,
            dagster_dbt_translator=selected.dagster_dbt_translator,
            project_dir=night.dbt.project_dir,
            target_path=night.dbt.target,
            raise_on_error=True,
            context=context,
            adapter=None,
            cli_version=Version("1.11"),
        )
        try:
            events.extend(invocation.stream())
        except DagsterDbtCliRuntimeError as error:
            return events, error
    return events, None


def _statuses(night: Night) -> Path:
    return night.dbt.target / "statuses.json"


def _results(night: Night) -> dict[str, str]:
    """The status of each node of this build, by its id; none where dbt never came to one."""
    path = _statuses(night)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _record(night: Night, manifest: Mapping[str, Any]) -> build.BuildRecord:
    """What the certificate will say of this build: its tests, its rules, its inputs."""
    tests = {node: status for node, status in _results(night).items() if node.startswith("test.")}
    return build.BuildRecord(
        snapshot_id=night.snapshot_id,
        as_of=night.as_of,
        built_at=night.clock(),
        input_hash=build.input_hash(night.home),
        rule_versions=_rule_versions(manifest),
        checks=Checks(
            passed=sum(status == "pass" for status in tests.values()),
            warned=tuple(sorted(_name(node) for node, status in tests.items() if status == "warn")),
            failed=tuple(sorted(_name(node) for node, status in tests.items() if status in ("fail", "error"))),
        ),
        outputs=outputs(manifest),
    )


def outputs(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What is published: the models whose contract is enforced."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    return tuple(
        sorted(f"{node['schema']}.{node['alias']}" for node in nodes if node["config"]["contract"]["enforced"])
    )


def _name(node: str) -> str:
    return node.split(".")[2]


def _rule_versions(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Each model's hash, so that two snapshots can be told apart by rule as well as by data."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return {node["name"]: node["checksum"]["checksum"][:12] for node in models}


def _row_counts(night: Night) -> dict[str, int]:
    """Rows of every table of the build file, read once, from DuckDB's own catalogue."""
    try:
        with connect(night.home.build_file, read_only=True) as connection:
            found = connection.execute("select schema_name || '.' || table_name, estimated_size from duckdb_tables()")
            return dict(found.fetchall())
    except duckdb.Error:
        return {}


def _with_rows(event: Any, rows: Mapping[str, int]) -> Any:
    """The same event, with the table's row count where it is a table's."""
    if not isinstance(event, dg.Output):
        return event
    count = rows.get(event.output_name.replace("__", ".", 1))
    if count is None:
        return event
    return dg.Output(None, output_name=event.output_name, metadata={**event.metadata, "dagster/row_count": count})


def _what_failed(night: Night, error: DagsterDbtCliRuntimeError) -> str:
    """Which models and tests failed, by name; dbt's own words stay in its log, since they may quote rows."""
    bad = [_name(node) for node, status in _results(night).items() if status in ("fail", "error")]
    if not bad:
        return f"dbt could not build: {str(error).splitlines()[0]}; see {night.dbt.output}"
    shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    return f"{len(bad)} of dbt's models and tests failed: {shown}; nothing is published; see {night.dbt.output}"
