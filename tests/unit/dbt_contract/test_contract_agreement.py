"""The input contract is written three times: as data for landing, as staging and as input for dbt. All three agree.

What lives here: comparing names, keys and closed lists of the files. What does not: what the models do with the rows
(the unit tests of dbt, beside each model).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.config.contract import DIRECT_KINDS, LANDED_COLUMNS, OWN_TABLES, TABLES, Table

MODELS = Path(__file__).resolve().parents[3] / "models"
CONTRACT = MODELS / "staging" / "contract"
OWN = MODELS / "staging" / "perennial"
INPUT = MODELS / "input"
LINEAGE = ["source_name", "brand", "loaded_at"]

each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
each_own_table = pytest.mark.parametrize("name", OWN_TABLES)


def described(path: Path) -> dict[str, Any]:
    (model,) = yaml.safe_load(path.read_text())["models"]
    return model


def column_names(path: Path) -> list[str]:
    columns = described(path)["columns"]
    assert all(column["description"].strip() for column in columns), f"{path.name}: a column without a description"
    return [column["name"] for column in columns]


def selected_columns(sql: str) -> list[str]:
    """The plain columns of the first select that lists its columns one per line."""
    listing = re.search(r"\n    select\n(.*?)\n    from", sql, re.DOTALL)
    assert listing is not None, "no select that lists its columns"
    return [line.strip().rstrip(",") for line in listing.group(1).splitlines()]


def names_of_step(sql: str, step: str) -> list[str]:
    """What the columns of one CTE are called, expressions included."""
    body = sql.split(f"{step} as (\n    select\n")[1].split("\n    from")[0]
    plain = re.sub(r"\{\{.*?\}\}|\([^()]*\)|--[^\n]*", "", body)
    return [expression.split()[-1] for expression in plain.split(",")]


def arguments_of(path: Path, test: str) -> dict[str, Any]:
    (found,) = [entry[test] for entry in described(path)["data_tests"] if test in entry]
    return found["arguments"]


def sources_in(path: Path) -> dict[str, dict[str, Any]]:
    return {source["name"]: source for source in yaml.safe_load(path.read_text())["sources"]}


def test_the_landing_source_has_every_table_of_the_contract_and_reads_every_direct_kind() -> None:
    landing = sources_in(CONTRACT / "sources.yml")["landing"]
    assert [table["name"] for table in landing["tables"]] == list(TABLES)
    for kind in DIRECT_KINDS:
        assert f"/landing/{kind}/{{name}}/*.parquet" in landing["config"]["meta"]["external_location"]


def test_the_perennial_source_has_every_table_of_its_own_bookkeeping() -> None:
    assert [table["name"] for table in sources_in(OWN / "sources.yml")["perennial"]["tables"]] == list(OWN_TABLES)


@each_table
def test_staging_selects_and_describes_the_columns_of_the_contract_in_their_order(table: Table) -> None:
    model = CONTRACT / f"stg_contract__{table.name}"
    expected = [*table.column_names, *LINEAGE]
    assert selected_columns(model.with_suffix(".sql").read_text()) == expected
    assert column_names(model.with_suffix(".yml")) == expected


@each_table
def test_staging_settles_versions_by_the_key_of_the_contract(table: Table) -> None:
    sql = (CONTRACT / f"stg_contract__{table.name}.sql").read_text()
    (call,) = re.findall(r"current_rows\('(\w+)', key=(\[[^]]*\])(?:, parent_key=(\[[^]]*\]))?\)", sql)
    name, key, parent_key = call
    assert (name, yaml.safe_load(key)) == (table.name, list(table.key))
    expected_parent = list(TABLES[table.parent].key) if table.parent else None
    assert yaml.safe_load(parent_key or "null") == expected_parent


@each_table
def test_staging_warns_of_words_outside_the_closed_lists_of_the_contract(table: Table) -> None:
    path = CONTRACT / f"stg_contract__{table.name}.yml"
    closed = {column.name: list(column.words) for column in table.columns if column.words}
    if closed:
        assert arguments_of(path, "closed_lists") == {"words": closed}
    else:
        assert "data_tests" not in described(path)


@each_table
def test_input_describes_the_columns_of_the_contract(table: Table) -> None:
    assert column_names(INPUT / f"{table.name}.yml") == [*table.column_names, *LINEAGE]


@each_table
def test_input_hands_on_the_columns_of_the_contract(table: Table) -> None:
    sql = (INPUT / f"{table.name}.sql").read_text()
    if sql.endswith("select * from delivered\n"):
        assert table.event_time is None, "a table with an event time must be bounded by it"
        return
    assert names_of_step(sql, "known") == [*table.column_names, *LINEAGE]


@each_table
def test_input_tests_the_key_of_the_contract(table: Table) -> None:
    columns = arguments_of(INPUT / f"{table.name}.yml", "unique_key")["columns"]
    assert set(columns) >= {"source_name", *table.key}
    if table.name != "consents":  # several proofs of one statement may stand side by side
        assert columns == ["source_name", *table.key]


@each_table
def test_input_bounds_every_table_with_an_event_time_by_as_of(table: Table) -> None:
    sql = (INPUT / f"{table.name}.sql").read_text()
    bound = f"where {table.event_time} < {{{{ as_of() }}}}"
    if table.event_time is None:
        assert "as_of()" not in sql
    elif table.event_time == "on_date":
        assert "where {{ local_midnight('on_date') }} < {{ as_of() }}" in sql
    else:
        assert bound in sql


@each_own_table
def test_staging_selects_and_describes_perennials_own_tables_as_they_are_landed(name: str) -> None:
    model = OWN / f"stg_perennial__{name}"
    assert selected_columns(model.with_suffix(".sql").read_text()) == list(OWN_TABLES[name])
    assert column_names(model.with_suffix(".yml")) == list(OWN_TABLES[name])


def test_the_rows_carry_what_staging_hands_on() -> None:
    assert set(LINEAGE) <= set(LANDED_COLUMNS)


@pytest.mark.parametrize(
    "path", sorted([*CONTRACT.glob("*.yml"), *OWN.glob("*.yml"), *INPUT.glob("*.yml")]), ids=lambda p: p.stem
)
def test_every_model_has_a_page_that_says_its_grain(path: Path) -> None:
    if path.stem == "sources" and path.parent != INPUT:
        return
    assert "One row per" in described(path)["description"]
    assert path.with_suffix(".sql").read_text().count("One row per") == 1
