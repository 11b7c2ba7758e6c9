"""A thousand people on twenty dates of a year: where stage_history has them is where a slow reading finds them.

What lives here: many people on few dates. What does not: few people at every instant
(test_models_equal_the_slow_reading.py).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from perennial.config.home import Home
from tests.unit.lifecycle_reference import reading
from tests.unit.lifecycle_reference.running import run_models
from tests.unit.lifecycle_reference.world import World, make_world, write_world

PEOPLE, DATES = 1000, 20
HELD = """
    select people.customer_id, dates.at, models.stage_model, count(stays.stage), max(stays.stage)
    from customer.people cross join (select unnest($dates::timestamp[]) as at) as dates
    cross join (select unnest($models::varchar[]) as stage_model) as models
    left join lifecycle.stage_history as stays
        on stays.customer_id = people.customer_id and stays.stage_model = models.stage_model
        and stays.valid_from <= dates.at and (stays.valid_to is null or dates.at < stays.valid_to)
    group by all
"""


@pytest.fixture(scope="module")
def world(parsed_home: Home) -> Iterator[World]:
    """A thousand and one people up to a summer's midnight in London, and their stages in the build file."""
    world = make_world(3, "Europe/London", datetime(2024, 6, 30, 23, tzinfo=UTC), PEOPLE)
    try:
        write_world(world, parsed_home.build_file)
        run_models(world, parsed_home, "+stage_history,path:models/lifecycle")
        yield world
    finally:
        shutil.rmtree(parsed_home.build_file.parent, ignore_errors=True)
        parsed_home.prepare()


def test_everybody_is_on_every_date_in_the_one_stage_that_a_slow_reading_finds(world: World, parsed_home: Home) -> None:
    dice = random.Random(20)
    today = world.day(world.as_of)
    dates = [world.midnight(today - timedelta(days=back)) for back in sorted(dice.sample(range(420), DATES))]
    people, differences, found = {person.customer_id: person for person in world.people}, [], Counter[tuple[str, str]]()
    with duckdb.connect(str(parsed_home.build_file), read_only=True) as connection:
        values = {"dates": [at.replace(tzinfo=None) for at in dates], "models": list(reading.PRESETS)}
        rows = connection.execute(HELD, values).fetchall()
    for customer_id, bare, preset, count, stage in rows:
        person, at = people[customer_id], bare.replace(tzinfo=UTC)
        is_known = person.first_seen_at <= at
        expected = reading.PRESETS[preset](reading.seen_at(world, person, at)) if is_known else None
        found[preset, str(stage)] += 1
        if (count, stage) != (int(is_known), expected):
            differences.append((customer_id, at, preset, stage, expected))
    assert differences == []
    assert len(rows) == len(world.people) * DATES * len(reading.PRESETS) > 80_000
    assert {stage for preset, stage in found if preset == "five_stage"} == {
        "None", "awareness", "acquisition", "conversion", "retention", "loyalty", "advocacy", "lapsed",
    }  # fmt: skip
