"""What may read what inside the warehouse, and what every model owes its reader: rules over dbt's manifest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from perennial.warehouse.snapshot import OUTPUT_SCHEMAS
from tests.conftest import ROOT

Manifest = dict[str, Any]
KEY_TESTS = {"unique", "unique_key"}
# what has edges worth a worked example: a choice, an order among rows, a calendar
EDGES = re.compile(
    r"\bcase\b\s|\bover\s*\(|\bqualify\b|date_trunc|\bdatediff|days_between|dateadd|business_date", re.IGNORECASE
)


def models(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def folder(node: dict[str, Any]) -> str:
    return node["fqn"][1]


def parents(node: dict[str, Any]) -> list[str]:
    return node["depends_on"]["nodes"]


def kinds_of_tests(manifest: Manifest) -> dict[str, set[str]]:
    """Model's unique id → names of the data tests attached to it."""
    found: dict[str, set[str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("attached_node") and node.get("test_metadata"):
            found.setdefault(node["attached_node"], set()).add(node["test_metadata"]["name"])
    return found


def unit_tested(manifest: Manifest) -> set[str]:
    return {test["model"] for test in manifest["unit_tests"].values()}


def test_sources_are_read_by_staging_alone(manifest: Manifest) -> None:
    found = [
        node["name"]
        for node in models(manifest)
        if folder(node) != "staging" and any(parent.startswith("source.") for parent in parents(node))
    ]
    assert found == []


def test_staging_reads_one_source_and_the_words_of_its_vendor(manifest: Manifest) -> None:
    found = {node["name"]: parents(node) for node in models(manifest) if folder(node) == "staging" and reads_more(node)}
    assert found == {}


def reads_more(node: dict[str, Any]) -> bool:
    """Whether a staging model reads anything but tables of one source and the seed of states of that vendor."""
    sources = {parent.split(".")[2] for parent in parents(node) if parent.startswith("source.")}
    states = {f"seed.perennial.{source}_states" for source in sources}
    others = {parent for parent in parents(node) if not parent.startswith("source.")}
    return len(sources) != 1 or not others <= states


def test_kpis_and_audiences_never_read_staging(manifest: Manifest) -> None:
    by_id = {node["unique_id"]: node for node in models(manifest)}
    found = [
        f"{node['name']} reads {by_id[parent]['name']}"
        for node in models(manifest)
        if folder(node) in ("kpis", "audiences")
        for parent in parents(node)
        if parent in by_id and folder(by_id[parent]) == "staging"
    ]
    assert found == []


def test_audiences_read_only_models_with_an_enforced_contract(manifest: Manifest) -> None:
    by_id = {node["unique_id"]: node for node in models(manifest)}
    found = [
        f"{node['name']} reads {parent}"
        for node in models(manifest)
        if folder(node) == "audiences"
        for parent in parents(node)
        if parent not in by_id or not by_id[parent]["config"]["contract"]["enforced"]
    ]
    assert found == []


def test_the_schema_of_a_model_is_its_folder(manifest: Manifest) -> None:
    assert {node["name"]: node["schema"] for node in models(manifest) if node["schema"] != folder(node)} == {}


def test_every_model_has_its_own_yaml_beside_it(manifest: Manifest) -> None:
    missing = [
        node["name"]
        for node in models(manifest)
        if (node["patch_path"] or "").partition("://")[2] != str(Path(node["original_file_path"]).with_suffix(".yml"))
    ]
    assert missing == []


def test_every_models_description_names_its_grain(manifest: Manifest) -> None:
    silent = [
        node["name"] for node in models(manifest) if not re.search(r"\bone row\b", node["description"], re.IGNORECASE)
    ]
    assert silent == []


def test_every_model_has_a_tested_key(manifest: Manifest) -> None:
    """Staging hands on what landing keyed and settled; from input on, a key is promised and tested.

    Where a model is but a part of another (config.meta.key_is_tested_in), the test of the whole is its test too.
    """
    tested = kinds_of_tests(manifest)
    keyed = {node["name"]: node for node in models(manifest) if KEY_TESTS & tested.get(node["unique_id"], set())}

    def is_part_of_a_keyed_one(node: Any) -> bool:
        whole = keyed.get(node["config"]["meta"].get("key_is_tested_in"))
        return whole is not None and node["unique_id"] in whole["depends_on"]["nodes"]

    keyless = [
        node["name"]
        for node in models(manifest)
        if folder(node) != "staging"
        and node["config"]["materialized"] != "ephemeral"  # a CTE of the model that reads it, whose key is tested
        and node["name"] not in keyed
        and not is_part_of_a_keyed_one(node)
    ]
    assert keyless == []


def test_every_model_with_edges_has_a_unit_test(manifest: Manifest) -> None:
    tested = unit_tested(manifest)
    bare = [
        node["name"]
        for node in models(manifest)
        if folder(node) not in ("staging", "input") and EDGES.search(_code(node)) and node["name"] not in tested
    ]
    assert bare == []


def _code(node: dict[str, Any]) -> str:
    """The model's SQL without comments."""
    return re.sub(r"--[^\n]*|\{#.*?#\}", "", node["raw_code"], flags=re.DOTALL)


def test_unit_tests_are_named_as_sentences(manifest: Manifest) -> None:
    assert [test["name"] for test in manifest["unit_tests"].values() if test["name"].count("_") < 2] == []


def test_what_is_published_is_contracted_described_and_typed(manifest: Manifest) -> None:
    """Tables of the published schemas that are built only for another table of the schema may go without a contract."""
    contracted = [
        node for node in models(manifest) if folder(node) in OUTPUT_SCHEMAS and node["config"]["contract"]["enforced"]
    ]
    loose = [
        f"{node['name']}.{column['name']}"
        for node in contracted
        for column in node["columns"].values()
        if not column.get("description") or not column.get("data_type")
    ]
    assert loose == []


PUBLISHED = {
    "customer": (
        "customers customers_masked customer_identifiers identifier_ledger orders customer_orders customer_timeline"
    ),
    "lifecycle": (
        "stage_history customer_stages stage_transitions stage_dwell lost_reasons rfm_scores trigger_events"
        " stage_coverage stage_days stage_months stage_totals stage_conversions days_to_won slow_stages"
        " stage_shifts risk_signals conversation_priorities campaign_progress"
    ),
    "kpis": "kpi_values cohort_retention",
    "publish": "source_status data_readiness",
    "activation": "memberships deliveries plans",
}
TABLES = [f"{schema}.{table}" for schema, tables in PUBLISHED.items() for table in tables.split()]


@pytest.mark.parametrize("table", TABLES)
def test_every_published_table_has_an_enforced_contract(manifest: Manifest, table: str) -> None:
    by_table = {f"{node['schema']}.{node['alias']}": node for node in models(manifest)}
    assert table in by_table
    assert by_table[table]["config"]["contract"]["enforced"]


def test_models_know_no_engine(manifest: Manifest) -> None:
    """What differs between engines sits in dispatched macros."""
    assert [
        node["name"] for node in models(manifest) if re.search(r"target\s*\.\s*(type|name)", node["raw_code"])
    ] == []


def test_models_read_the_run_only_through_macros(manifest: Manifest) -> None:
    """An env_var in a model would end partial parsing from one night to the next."""
    assert [node["name"] for node in models(manifest) if "env_var(" in node["raw_code"]] == []


def test_yaml_of_models_lies_where_it_belongs(manifest: Manifest) -> None:
    """One file per model; sources.yml is the exception, one per folder of staging."""
    known = {Path(node["original_file_path"]).with_suffix(".yml") for node in models(manifest)}
    on_disk = {path.relative_to(ROOT) for path in (ROOT / "models").rglob("*.yml")}
    assert {
        path for path in on_disk - known if path.name not in ("sources.yml", "_sources.yml", "exposures.yml")
    } == set()
