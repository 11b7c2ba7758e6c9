"""dbt's own unit tests, run by the one command that runs every test.

They live in the models' YAML, beside what they test. They need the tables' columns, so an empty warehouse is built first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perennial.config.home import Home
from tests.support.installation import installed_in
from tests.support.nights import build_only, land_only, run_dbt


def test_every_dbt_unit_test_passes(manifest: dict[str, Any], night_home: Home, tmp_path: Path) -> None:
    (tmp_path / "shop_customers.csv").write_text("customer_id\n1\n")
    land_only(night_home, {"shop": {"kind": "files", "path": str(tmp_path)}})
    build_only(night_home, "2024-01-01")
    dbt = installed_in(night_home).night().dbt
    # the unit tests say themselves when and where they are
    env = {name: value for name, value in dbt.env.items() if name not in ("PERENNIAL_TIME_ZONE", "PERENNIAL_CURRENCY")}
    statuses = run_dbt(dbt, "test", "--select", "test_type:unit", env=env)
    found = {node: status for node, status in statuses.items() if not node.startswith("operation.")}  # hooks
    assert [node for node, status in found.items() if status != "pass"] == []
    assert len(found) == len(manifest["unit_tests"]) >= 60
