"""Every vendor's staging is held to the input contract: names, order, what is filled and what is not.

What lives here: comparing files. What does not: what the models do with rows (tests/end_to_end/test_api_shapes.py and
the tests of each connector).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from perennial.config.contract import TABLES
from perennial.config.vendors.registry import VENDORS

ROOT = Path(__file__).resolve().parents[3]
STAGING = ROOT / "models" / "staging"
LINEAGE = ["source_name", "brand", "loaded_at"]
MODELS = sorted(path for vendor in VENDORS for path in (STAGING / vendor).glob("stg_*.sql"))
FILLED_BY = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["filled_by"]

each_vendor = pytest.mark.parametrize("vendor", VENDORS)
each_model = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)


def table_of(path: Path) -> str:
    return path.stem.split("__", 1)[1]


def described(path: Path) -> dict[str, Any]:
    (model,) = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    return dict(model)


def expressions(path: Path) -> list[str]:
    """The columns of the step that the model ends with, as they are written."""
    sql = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    last = re.findall(r"select \* from (\w+)\s*$", sql)[0]
    body = sql.split(f"\n{last} as (", 1)[1]
    select = re.search(r"\n    select\n(.*?)\n    from", body, re.DOTALL)
    assert select is not None, f"{path.name}: its last step lists no columns"
    return _split(select.group(1))


def _split(listing: str) -> list[str]:
    """A listing of columns at its commas, those inside brackets apart."""
    parts, depth, current = [], 0, ""
    for letter in re.sub(r"\{\{.*?\}\}", lambda found: found.group(0).replace(",", ";"), listing):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += letter
    return [part for part in [*parts, current.strip()] if part]


def name_of(expression: str) -> str:
    return expression.split()[-1].split(".")[-1]


@each_vendor
def test_the_source_lists_the_tables_that_the_vendor_declares(vendor: str) -> None:
    (source,) = yaml.safe_load((STAGING / vendor / "sources.yml").read_text(encoding="utf-8"))["sources"]
    assert source["name"] == vendor
    assert sorted(table["name"] for table in source["tables"]) == sorted(VENDORS[vendor].tables)
    assert f"/landing/{vendor}/{{name}}/*.parquet" in source["config"]["meta"]["external_location"]
    keys = [table["config"]["meta"]["dagster"]["asset_key"] for table in source["tables"]]
    assert keys == [["landing", vendor, table["name"]] for table in source["tables"]]


@each_vendor
def test_a_vendors_staging_models_are_those_named_in_filled_by(vendor: str) -> None:
    on_disk = sorted(table_of(path) for path in MODELS if path.parent.name == vendor)
    assert on_disk == sorted(table for table, vendors in FILLED_BY.items() if vendor in vendors)
    assert on_disk, "a vendor that fills nothing"


@each_model
def test_staging_ends_in_the_columns_of_the_contract_in_their_order(path: Path) -> None:
    expected = [*TABLES[table_of(path)].column_names, *LINEAGE]
    assert [name_of(each) for each in expressions(path)] == expected


@each_model
def test_what_a_vendor_cannot_fill_is_named_with_its_reason_and_nothing_else_is(path: Path) -> None:
    empty = {
        name_of(each) for each in expressions(path) if re.match(r"(cast\(null as .*\)|null) as \w+$", each, re.DOTALL)
    }
    unfilled = described(path).get("config", {}).get("meta", {}).get("unfilled", {})
    assert set(unfilled) == empty
    assert all(str(reason).strip() for reason in unfilled.values())


@each_model
def test_staging_says_its_grain_and_warns_of_words_outside_the_closed_lists(path: Path) -> None:
    model = described(path)
    assert model["name"] == path.stem
    assert "one row per" in model["description"].lower()


@each_vendor
def test_lines_are_keyed_by_their_parent_first(vendor: str) -> None:
    tables = VENDORS[vendor].tables
    for table in tables.values():
        if table.parent is not None:
            assert table.key[0] == tables[table.parent].key[0]
