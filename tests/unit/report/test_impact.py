"""`perennial impact` around its figures: which rules it builds, what it leaves alone, and how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perennial.cli import impact as command
from perennial.cli.main import build_app
from perennial.config.home import Home
from perennial.report import impact, impact_builds
from perennial.report.impact import Audience, Figure, Impact, StageModel, shift_of
from perennial.report.impact_builds import BuildFailed, ImpactError, commit_of, scratch_home
from tests.conftest import ROOT
from tests.end_to_end.test_customer_360 import WORLD
from tests.support.installation import write_config
from tests.support.nights import land_only

AS_OF = datetime(2024, 7, 1, tzinfo=UTC)
FIVE = StageModel("five_stage", 100, ("a", "b"), (("x", "x", 93), ("x", "y", 7)))
FOUND = Impact(AS_OF, 100, (FIVE,), audiences=(Audience("win_back", 10, 11, 2, 1, ("mailer", "print_house")),))


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with size and time of change."""
    return {str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns) for p in root.rglob("*") if p.is_file()}


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A dbt project whose committed rules say old, and whose working tree says new."""
    folder = tmp_path / "repository"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project").mkdir()
    (folder / "dbt_project" / "profiles.yml").write_text("p")
    (folder / "models" / "m.sql").write_text("old")
    (folder / "dbt_project.yml").write_text("old")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    (folder / "models" / "m.sql").write_text("new")
    return folder


def test_the_old_rules_are_those_of_the_commit(repository: Path, tmp_path: Path) -> None:
    commit = commit_of(repository, "HEAD")
    old = impact_builds._unpacked(repository, commit, tmp_path / "old")
    assert (old / "models" / "m.sql").read_text() == "old" and len(commit) == 40


@pytest.mark.parametrize("ref", ["nowhere", "--all", ""])
def test_a_ref_that_is_none_is_refused(repository: Path, ref: str) -> None:
    with pytest.raises(ImpactError, match="is no commit of the repository"):
        commit_of(repository, ref)


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImpactError):
        commit_of(tmp_path, "HEAD")


def test_what_is_built_aside_reads_the_home_and_writes_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").prepare()
    landed = home.landing / "files" / "shop_orders" / "1.shop.parquet"
    stale = home.landing / "files" / "shop_orders" / "_empty.parquet"
    named = home.journal / "identity" / "1.parquet"
    for path in (landed, stale, named):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows")
    before = state(home.root)
    scratch = scratch_home(home, tmp_path / "scratch")
    for path in (landed, named):
        link = scratch.root / path.relative_to(home.root)
        assert link.is_symlink() and link.resolve() == path
    assert not (scratch.root / stale.relative_to(home.root)).is_symlink()  # made anew there, being out of date
    assert (scratch.journal / "restatements" / "_empty.parquet").exists()
    assert state(home.root) == before


def test_messages_are_joins_times_channels_and_a_figure_that_comes_moves_by_all_of_it() -> None:
    assert FOUND.messages == 4
    assert FOUND.measures() == {
        "stage_changes": 0.07, "audience_turnover": 3 / 11, "kpi_shift": 0.0, "new_messages": 4.0,
    }  # fmt: skip
    assert [shift_of(Figure("t", "f", "k", *pair)) for pair in ((4, 5), (4, None), (0, 1), (None, 0))] == [
        0.25,
        1,
        1,
        0,
    ]


def test_a_model_that_is_new_moves_nobody() -> None:
    added = StageModel("added", 100, (None, "b"), ((None, "x", 100),))
    assert Impact(AS_OF, 100, (added,)).measures()["stage_changes"] == 0


def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None, *options: str) -> Any:
    """The command over two builds that are not there: whatever they are, FOUND is what came of them."""

    @contextmanager
    def both(*_args: object) -> Iterator[tuple[str, str, str]]:
        if error is not None:
            raise error
        yield "old", "new", "0123456789abcdef"

    monkeypatch.setattr(impact_builds, "both", both)
    monkeypatch.setattr(impact, "compare", lambda *_args: FOUND)
    monkeypatch.setenv("PERENNIAL_CONFIG", str(write_config(tmp_path, {})))
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "elsewhere"))
    arguments = ["impact", "--against", "main", "--home", str(tmp_path / "home"), *options]
    return CliRunner().invoke(build_app(("perennial.cli.impact", "perennial.cli.check")), arguments)


def test_over_budget_is_told_like_a_guard_that_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "impact.md"
    done = ended(tmp_path, monkeypatch, None, "--out", str(out))
    assert done.exit_code == 3 and "over budget: stage_changes, audience_turnover" in done.output
    assert (
        "**Over budget.**" in out.read_text()
        and "| `win_back` | 10 | 11 | 2 | 1 | mailer, print_house |" in out.read_text()
    )


def test_a_wider_budget_lets_it_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = ended(tmp_path, monkeypatch, None, "--budget", "stage_changes=0.07, audience_turnover=0.3")
    assert done.exit_code == 0 and "Within budget." in done.output


@pytest.mark.parametrize(
    "budget", ["stages=1", "stage_changes", "stage_changes=many", "stage_changes=-1", "kpi_shift=nan"]
)
def test_a_budget_that_means_nothing_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: str) -> None:
    done = ended(tmp_path, monkeypatch, None, "--budget", budget)
    assert done.exit_code == 2 and "by default stage_changes=0.05" in done.output


@pytest.mark.parametrize(("error", "status"), [(ImpactError("no such ref"), 2), (BuildFailed("dbt said no"), 1)])
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    done = ended(tmp_path, monkeypatch, error)
    assert done.exit_code == status and str(error) in done.output


@pytest.mark.slow
def test_another_threshold_on_a_landed_world_leaves_the_home_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jo ordered on 31 May; as of 1 July she lapses under a bound of 20 days. Everybody known, one person, moves."""
    for part in ("models", "dbt_project", "dbt_project.yml"):
        source, target = ROOT / part, tmp_path / "repository" / part
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    project = tmp_path / "repository"
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    rules = project / "dbt_project.yml"
    five, others = rules.read_text().split("    conversation_funnel:", 1)
    five = five.replace("days_since_last_order: {max: 90}", "days_since_last_order: {max: 20}")
    five = five.replace("days_since_last_order: {min: 91}", "days_since_last_order: {min: 21}")
    rules.write_text(f"{five}    conversation_funnel:{others}")
    sources = {}
    for source_name, tables in WORLD.items():
        (tmp_path / source_name).mkdir()
        for table, rows in tables.items():
            lines = [line.strip() for line in rows.strip().splitlines()]
            (tmp_path / source_name / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sources[source_name] = {"kind": "files", "path": str(tmp_path / source_name)}
    home = Home(tmp_path / "home").prepare()
    land_only(home, sources)
    before = state(home.root)
    monkeypatch.setattr(command, "ROOT", project)
    for name, value in {
        "CONFIG": tmp_path / "config" / "perennial.yml",
        "HOME": home.root,
        "AS_OF": "2024-07-01",
    }.items():
        monkeypatch.setenv(f"PERENNIAL_{name}", str(value))
    out = tmp_path / "impact.md"
    done = CliRunner().invoke(build_app(), ["impact", "--against", "HEAD", "--out", str(out)])
    assert done.exit_code == 3, done.output
    assert "`five_stage`: 1 of 1 people change stage." in out.read_text()
    assert state(home.root) == before and os.listdir(home.published) == []
