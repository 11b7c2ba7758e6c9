"""With `rfm_limits: own` the groups, their stays and the version of their rules follow the shop's own repeat times."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime

import duckdb
import pytest
import yaml

from perennial.config.home import Home
from perennial.lifecycle.declaration import rule_versions
from perennial.lifecycle.explanation import with_own_limits
from tests.conftest import ROOT
from tests.support.installation import installed_in
from tests.unit.lifecycle_reference import reading, reading_rfm
from tests.unit.lifecycle_reference.world import make_world, write_world


@pytest.mark.slow
def test_groups_and_stays_follow_the_shops_own_repeat_times(parsed_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(1, "Europe/London", datetime(2024, 6, 30, 23, 0, tzinfo=UTC))
    (recent, nurture, risk), is_own = reading_rfm.limits(world)
    assert is_own and (recent, nurture, risk) != (40, 90, 180)
    dbt = installed_in(parsed_home).night().dbt
    env = {**dbt.env, "PERENNIAL_AS_OF_UTC": "2024-06-30 23:00:00", "PERENNIAL_TIME_ZONE": "Europe/London"}
    try:
        write_world(world, parsed_home.build_file)
        done = subprocess.run(
            [
                str(dbt.executable), "run", "--vars", "{rfm_limits: own}",
                "--target-path", str(parsed_home.dbt / "own"), "--select", "repeat_times", "+stage_history,lifecycle",
            ],
            cwd=dbt.project_dir, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        with duckdb.connect(str(parsed_home.build_file), read_only=True) as connection:
            stays = connection.execute(
                "select customer_id, stage, valid_from, valid_to, rule_version from lifecycle.stage_history"
                " where stage_model = 'rfm_map' order by customer_id, valid_from"
            ).fetchall()
    finally:
        shutil.rmtree(parsed_home.build_file.parent, ignore_errors=True)
        parsed_home.prepare()

    def own(seen: reading.Seen) -> str:
        if seen.order_age is None:
            return "no_order"
        return reading_rfm.group(seen.order_age, seen.orders, seen.is_high_value, recent, nurture, risk)

    monkeypatch.setitem(reading.PRESETS, "rfm_map", own)
    monkeypatch.setattr(reading, "_cause", lambda *_: "")
    found = defaultdict(list)
    for customer_id, stage, since, until, _version in stays:
        found[customer_id].append((stage, since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC), ""))
    for person in world.people:
        assert found[person.customer_id] == reading.history(world, person, "rfm_map"), person
    variables = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    assert len({version for *_, version in stays} | {rule_versions(variables["stage_models"])["rfm_map"]}) == 2
    followed = with_own_limits({**variables, "rfm_limits": "own"}, {"recent": recent, "nurture": nurture, "risk": risk})
    assert {version for *_, version in stays} == {rule_versions(followed)["rfm_map"]}  # as people are told why
