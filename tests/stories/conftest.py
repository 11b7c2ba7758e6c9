"""All stories in one build of the real models.

What lives here: the build. What does not: the stories (<stage model>.txt), what must hold of them (test_*.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perennial.config.home import Home
from tests.support.nights import emptied
from tests.support.stories import read_all
from tests.support.told import Told, build, closing, tell, tell_in_parts

STORIES = read_all(Path(__file__).parent)


@dataclass(frozen=True)
class Book:
    """What became of everybody: told, and a copy of the database that says so."""

    home: Home
    folder: Path
    told: Told

    @property
    def database(self) -> Path:
        return self.folder / "build.duckdb"

    def tell_again(self) -> None:
        """The same landing in an empty home."""
        tell(emptied(self.home), STORIES, self.folder)


@pytest.fixture(scope="session")
def book(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    folder = tmp_path_factory.mktemp("stories")
    # as late and as disordered as deliveries come; test_presets.py compares other orders with this one
    tell_in_parts(emptied(parsed_home), STORIES, folder, seed=0)
    told = build(parsed_home, closing(STORIES))
    shutil.copy(parsed_home.build_file, folder / "build.duckdb")
    yield Book(parsed_home, folder, told)
