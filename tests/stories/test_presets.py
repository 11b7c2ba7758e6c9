"""Every story of tests/stories leads where it says, and together they reach every stage that is declared.

What lives here: what must hold of all stories. What does not: the stories; add yours to <stage model>.txt.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

from perennial.lifecycle.explanation import declared_stage, rule_met
from perennial.report.customer import Customers
from tests.conftest import ROOT
from tests.stories.conftest import STORIES, Book
from tests.support.nights import emptied, fingerprints, unequal
from tests.support.stories import INSTANT, ZONE, Story, StoryError, read_all, read_stories
from tests.support.told import Held, Told, build, closing, tell_in_parts

DECLARED = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["stage_models"]
# a threshold at this midnight (rfm_map), one at that of the night on which clocks went back, and one after most stories
EARLIER = ("2024-02-14", "2024-10-27", "2024-11-30")

LANDED = ("loaded_at", "first_loaded_at")  # when a row came is what differs


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.stage_model}: {story.title}")
def test_somebody_is_where_their_story_says(book: Book, story: Story) -> None:
    assert book.told.otherwise(story) == []


def test_the_stories_reach_every_stage_of_every_model() -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for story in STORIES:
        told[story.stage_model] |= {step.stage for step in story.steps if step.stage}
    assert told == {model: {stage["stage"] for stage in each["stages"]} for model, each in DECLARED.items()}


def test_the_stages_of_a_day_can_be_asked_for_in_every_model(book: Book) -> None:
    (story,) = [story for story in STORIES if story.title.startswith("a first order converts")]
    assert book.told.on(story, "2024-05-01") == {
        "five_stage": "conversion", "conversation_funnel": "customer", "rfm_map": "needs_nurturing",
        "retention_programme": "engagement",
    }  # fmt: skip
    assert book.told.on(story, "2024-01-04")["five_stage"] is None
    assert [(stay.stage, stay.cause) for stay in book.told.stays(story)][-1] == (
        "lapsed",
        "time:days_since_last_order:90",
    )


def test_the_facts_that_people_are_shown_meet_the_rule_of_the_stage_that_was_held(book: Book) -> None:
    """At every line of every story, in every model: what `perennial explain` reads is what the models saw."""
    looked = 0
    with duckdb.connect(str(book.database), read_only=True) as connection:
        ids = dict(connection.execute("select record_id, customer_id from customer.customer_identifiers").fetchall())
        connection.execute("set TimeZone = 'UTC'")
        customers = Customers(connection, ZONE)
        for story in STORIES:
            for at in sorted({step.seen_at + INSTANT for step in story.steps}):
                facts = customers.facts(ids[story.key], at)
                held = {stay.stage_model: stay.stage for stay in customers.stays(ids[story.key], at)}
                assert set(held) == set(DECLARED)
                for model, declared in DECLARED.items():
                    stage = declared_stage(declared, held[model])
                    assert stage is not None and rule_met(stage, facts).holds, (story.title, at, model, stage, facts)
                    looked += 1
    assert looked > 600


@pytest.mark.slow
@pytest.mark.parametrize("day", EARLIER)
def test_a_night_that_looks_up_to_an_earlier_day_says_what_later_history_says_of_it(book: Book, day: str) -> None:
    """The clock is really moved: the same landing, built as of that day."""
    as_of = datetime.fromisoformat(day).replace(tzinfo=ZONE).astimezone(UTC)
    book.tell_again()
    early: Told = build(book.home, as_of)
    compared = 0
    for story in STORIES:
        for model in DECLARED:
            until = [stay for stay in book.told.stays(story, model) if stay.since < as_of or _by_time(stay, as_of)]
            assert early.stays(story, model) == until, (story.title, model)
            compared += len(until)
    assert compared > 100


def _by_time(stay: Held, as_of: datetime) -> bool:
    return stay.since == as_of and stay.cause.startswith("time:")


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.slow] * (n > 2)) for n in range(1, 20)])
def test_what_comes_late_and_in_any_order_leaves_the_same_tables(book: Book, tmp_path: Path, seed: int) -> None:
    tell_in_parts(emptied(book.home), STORIES, tmp_path, seed)
    build(book.home, closing(STORIES))
    schemas = ("customer", "lifecycle")
    found, wanted = (fingerprints(path, schemas, LANDED) for path in (book.home.build_file, book.database))
    assert unequal(found, wanted) == []
    assert {"customer.customer_orders", "lifecycle.customer_stages"} < set(wanted)
    assert wanted["lifecycle.stage_history"][0] > 200


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("    2024-01-05  orders 40 -> conversion", "begin with a title at the margin"),
        ("a\n    2024-01-05  buys a lot", "line 2: nobody knows what 'buys a lot' means; known: is first seen, "),
        ("a\n    in spring  orders 40", "write `2024-02-01 14:30  orders 40.00 -> conversion`"),
        ("a\n    2024-01-05", "time, event or stage may be left out"),
        ("a\n    2024-01-05  orders 40\n    2024-01-04  orders 40", "its lines must be in order of time"),
        ("a\nb\n    2024-01-05  orders 40", "there must be one"),
    ],
)
def test_a_story_that_cannot_be_read_says_where_and_what_would_do(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "five_stage.txt"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(StoryError) as raised:
        read_stories(path)
    assert error in str(raised.value)


def test_each_story_is_a_person_of_their_own(tmp_path: Path) -> None:
    for model in ("one", "two"):
        (tmp_path / f"{model}.txt").write_text(
            "a  # b\n    2024-01-05 -> c\nd\n    2024-01-05 -> c\n", encoding="utf-8"
        )
    assert [(each.key, each.stage_model, each.title) for each in read_all(tmp_path)] == [
        ("story0001", "one", "a"), ("story0002", "one", "d"), ("story0003", "two", "a"), ("story0004", "two", "d"),
    ]  # fmt: skip
