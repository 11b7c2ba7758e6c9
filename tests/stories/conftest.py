"""All stories in one build of the real models.

What lives here: the build. What does not: the stories (<stage model>.txt), what must hold of them (test_*.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perennial.config.home import Home
from tests.support.nights import emptied
from tests.support.stories import Story, read_all
from tests.support.told import Told, build, closing, tell

STORIES = read_all(Path(__file__).parent)


@dataclass(frozen=True)
class Book:
    """The stories, the home they were told in, and what became of everybody."""

    stories: list[Story]
    home: Home
    told: Told


@pytest.fixture(scope="session")
def book(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    home = emptied(parsed_home)
    tell(home, STORIES, tmp_path_factory.mktemp("stories"))
    yield Book(STORIES, home, build(home, closing(STORIES)))
