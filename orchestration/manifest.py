"""dbt's manifest: parsed again only when the project changed.

What lives here: the hash of the project's files, and the one dbt parse where it differs from the last. What does not:
what the manifest means (assets/), and building.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from assets.night import DbtProcess
from perennial.config.files import make_folder, write_atomically

_PROJECT = ("dbt_project.yml", "models", "dbt_project")
_SUFFIXES = (".sql", ".yml", ".yaml", ".md", ".csv", ".py")
_NOT_THE_PROJECT = {"target", "logs", "dbt_packages"}


class ManifestError(Exception):
    """dbt could not parse the project: says what dbt said."""


def project_hash(root: Path) -> str:
    """One hash over every file dbt parses."""
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path) -> list[Path]:
    found = []
    for part in _PROJECT:
        place = root / part
        for path in [place] if place.is_file() else place.rglob("*"):
            inside = path.relative_to(root).parts
            if path.is_file() and path.suffix in _SUFFIXES and not _NOT_THE_PROJECT.intersection(inside[1:]):
                found.append(path)
    return sorted(found)


def manifest(dbt: DbtProcess) -> dict[str, Any]:
    """The manifest of the project as it is now."""
    stamp, file = dbt.target / "manifest.stamp", dbt.target / "manifest.json"
    now = project_hash(dbt.project_dir)
    if not file.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8").strip() != now:
        _parse(dbt)
        write_atomically(stamp, f"{now}\n")
    return _read(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _parse(dbt: DbtProcess) -> None:
    make_folder(dbt.target)
    done = subprocess.run(
        [str(dbt.executable), "parse", "--no-use-colors"],
        cwd=dbt.project_dir,
        env=dict(dbt.env),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ManifestError(f"dbt could not parse the project in {dbt.project_dir}:\n{done.stdout.strip()[-2000:]}")
