"""Rules a reader can rely on: where the environment is read, which words stay out, how long a file may be."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("perennial", "assets", "expectations", "orchestration")
MAY_READ_THE_ENVIRONMENT = ("orchestration/resources.py", "perennial/cli/")
PYTHON_LINES, SQL_LINES, MEDIAN_SQL_LINES = 350, 120, 35


def modules(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def models() -> list[Path]:
    return sorted((ROOT / "models").rglob("*.sql"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def environment_reads(tree: ast.AST) -> Iterator[int]:
    """Lines that name os.environ or os.getenv, however they were imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and {"environ", "getenv", "environb"} & {each.name for each in node.names}:
            yield node.lineno


def test_the_environment_is_read_in_two_places_only() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in modules(*ROOMS)
        if not name(path).startswith(MAY_READ_THE_ENVIRONMENT)
        for line in environment_reads(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == [], "pass an env mapping in instead"


def test_the_search_for_environment_reads_finds_every_way_of_reading_it() -> None:
    for code in (
        "import os\nos.getenv('A')",
        "import os\nos.environ['A']",
        "from os import environ",
        "from os import getenv",
    ):
        assert list(environment_reads(ast.parse(code))), code


def test_perennial_does_not_speak_the_orchestrators_language() -> None:
    """It must be usable from a notebook. `partition by` is SQL, `.partition` is text's, `schedule` a key."""
    word = re.compile(r"(?<!\.)\b(assets?|partitions?|suites?|schedules?)\b(?!\s+by)", re.IGNORECASE)
    allowed = {"perennial/config/settings.py": "schedule", "perennial/config/values.py": "schedule"}
    found = []
    for path in modules("perennial"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in word.finditer(line):
                if not match.group().lower().startswith(allowed.get(name(path), "-")):
                    found.append(f"{name(path)}:{number}: {match.group()}")
    assert found == []


def test_init_files_are_empty() -> None:
    assert [name(path) for path in modules(*ROOMS) if path.name == "__init__.py" and path.read_bytes().strip()] == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        name(path)
        for path in modules(*ROOMS)
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_no_python_module_is_longer_than_its_budget(room: str) -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(room)}
    assert {path: lines for path, lines in lengths.items() if lines > PYTHON_LINES} == {}


def test_sql_is_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in models()}
    assert {path: lines for path, lines in lengths.items() if lines > SQL_LINES} == {}
    assert statistics.median(lengths.values()) <= MEDIAN_SQL_LINES


def test_no_committed_file_names_a_machine_or_its_tools() -> None:
    place = re.compile(r"(?<![\w.])/(?:work|home/\w+|root|Users/\w+)/")
    found = [
        f"{name(path)}:{number}"
        for path in [
            *modules(*ROOMS, "tests"),
            *models(),
            ROOT / "Makefile",
            ROOT / "README.md",
            *ROOT.glob("docs/*.md"),
        ]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if place.search(line)
    ]
    assert found == []
