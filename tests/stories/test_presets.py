"""Every story of tests/stories leads where it says, and together they reach every stage that is declared.

What lives here: what must hold of all stories. What does not: the stories; add yours to <stage model>.txt.
"""

from __future__ import annotations

from collections import defaultdict

import pytest
import yaml

from tests.conftest import ROOT
from tests.stories.conftest import STORIES, Book
from tests.support.stories import Story

DECLARED = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["stage_models"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.stage_model}: {story.title}")
def test_somebody_is_where_their_story_says(book: Book, story: Story) -> None:
    assert book.told.otherwise(story) == []


def test_every_stage_of_every_model_is_reached_and_left_for_each_stage_that_has_stories() -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for story in STORIES:
        told[story.stage_model] |= {step.stage for step in story.steps if step.stage}
    assert told == {model: {stage["stage"] for stage in each["stages"]} for model, each in DECLARED.items()}
