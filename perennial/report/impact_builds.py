"""Two builds of the same data side by side: by the rules of a git ref, and by those of the working tree.

What lives here: a scratch home whose landing and journals are links to the real ones, the ref's dbt project unpacked,
and one dbt run for each. What does not: comparing the two (impact.py). Nothing under the real home is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from perennial.config.files import make_folder
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.empty import ensure_empty_files
from perennial.warehouse import build, builder, journal

PROJECT = ("dbt_project.yml", "models", "dbt_project")  # all that dbt reads
SHOWN = ("lifecycle", "kpis", "audiences")  # folders of models that are compared; what they read is built too
NOT_NEEDED = ("_incoming", "_payloads")


class ImpactError(Exception):
    """There is nothing to compare: says what is missing and what to do."""


class BuildFailed(Exception):
    """dbt could not build one of the two: says which, and what dbt said."""


@dataclass(frozen=True)
class Build:
    """One of the two: its database and the dbt project it was built by."""

    file: Path
    project: Path
    manifest: Mapping[str, Any]


@contextmanager
def both(
    home: Home, settings: Settings, project: Path, ref: str, as_of: datetime, env: Mapping[str, str]
) -> Iterator[tuple[Build, Build, str]]:
    """(old, new, commit of the ref). The scratch folder is gone when the block ends."""
    commit = commit_of(project, ref)
    with TemporaryDirectory(prefix="perennial-impact-") as folder:
        scratch = Path(folder)
        before = build.input_hash(home)
        old_project = _unpacked(project, commit, scratch / "old_project")
        old = _built(home, settings, old_project, as_of, env, scratch / "old", f"the rules of {ref}")
        new = _built(home, settings, project, as_of, env, scratch / "new", "the rules of the working tree")
        if build.input_hash(home) != before:
            raise ImpactError(f"{home.root}: data was landed while both were built; run it again when no night runs")
        yield old, new, commit


def commit_of(project: Path, ref: str) -> str:
    done = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode != 0:
        raise ImpactError(f"{ref!r} is no commit of the repository in {project}; name a branch, a tag or a commit")
    return done.stdout.decode().strip()


def _git(project: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise ImpactError("git is not installed; the rules of another commit cannot be read without it") from None


def _unpacked(project: Path, commit: str, into: Path) -> Path:
    """The dbt project as that commit has it."""
    archive = into.with_suffix(".zip")  # unpacked alike by every Python, which tar is not before 3.11.4
    done = _git(project, "archive", "--format=zip", f"--output={archive}", commit, *PROJECT)
    if done.returncode != 0:
        raise ImpactError(f"{commit[:12]} holds no dbt project: {done.stderr.decode().strip()}")
    with zipfile.ZipFile(archive) as files:
        files.extractall(into)
    return into


def _built(
    home: Home, settings: Settings, project: Path, as_of: datetime, env: Mapping[str, str], folder: Path, what: str
) -> Build:
    scratch = scratch_home(home, folder)
    told = builder.environment(scratch, settings, project, env, as_of, "impact")
    make_folder(builder.target(scratch))
    there = [f"+path:models/{each}" for each in SHOWN if (project / "models" / each).is_dir()]
    done = subprocess.run(
        [str(builder.executable()), "build", "--quiet", "--no-use-colors", "--exclude-resource-type", "test",
         "--exclude-resource-type", "unit_test", "--select", *there],
        cwd=project, env=told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildFailed(f"{what} cannot be built on this data:\n{done.stdout.strip()[-2000:]}")
    manifest = json.loads((builder.target(scratch) / "manifest.json").read_text(encoding="utf-8"))
    return Build(scratch.build_file, project, manifest)


def scratch_home(home: Home, folder: Path) -> Home:
    """A home of its own over the same data: each file of landing and journals is a link, what is missing is made."""
    scratch = Home(folder).prepare()
    for room in ("landing", "journal"):
        for path in sorted((home.root / room).rglob("*")):
            inside = path.relative_to(home.root)
            if path.is_file() and not set(NOT_NEEDED) & set(inside.parts) and not path.name.startswith("."):
                link = scratch.root / inside
                make_folder(link.parent)
                os.symlink(path.resolve(), link)
    ensure_empty_files(scratch)
    journal.ensure(scratch)
    return scratch
