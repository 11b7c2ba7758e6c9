"""The repository as a newcomer finds it: a lock that installs anywhere, a tree that is true, targets that exist."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def tracked() -> set[str]:
    """Paths git knows, or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {path for path in listed.stdout.splitlines() if (ROOT / path).exists()}


def test_the_lock_names_no_index_and_no_address() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*(--)?(extra-)?index", LOCK, re.MULTILINE | re.IGNORECASE)
    assert not re.search(r"^-(i|f|r|e)\b", LOCK, re.MULTILINE)


def test_every_locked_package_is_pinned_and_hashed() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    loose = [entry.split()[0] for entry in entries if "==" not in entry.split()[0] or "--hash=sha256:" not in entry]
    assert loose == []


def test_the_lock_holds_what_pyproject_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    locked = {
        line.split("==")[0].lower(): line.split()[0] for line in LOCK.splitlines() if re.match(r"^[a-zA-Z0-9]", line)
    }
    for requirement in wanted:
        package = re.split(r"[=<>\[ ]", requirement)[0].lower()
        assert package in locked, f"{package}: run `make lock`"
        if "==" in requirement:
            version = requirement.split("==")[1]
            assert locked[package].split("==")[1] == version, f"{package}: run `make lock`"


def tree_of_readme() -> set[str]:
    """The paths README's tree shows: everything between ```text and ```, indentation giving the folders."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = next(part for part in re.findall(r"```text\n(.*?)```", text, re.DOTALL) if part.lstrip().startswith("."))
    paths, stack = set(), []
    for line in block.splitlines()[1:]:
        match = re.match(r"^((?:│   |    )*)(?:├── |└── )(\S+)", line)
        if not match:
            continue
        depth, entry = len(match[1]) // 4, match[2]
        stack = [*stack[:depth], entry.rstrip("/")]
        paths.add("/".join(stack) + ("/" if entry.endswith("/") else ""))
    return paths


def test_readmes_tree_is_the_disks() -> None:
    """Every entry exists; and at the top level, and in each folder the tree opens, none is missing."""
    shown, on_disk = tree_of_readme(), set()
    opened = {""} | {path.rpartition("/")[0] for path in (each.rstrip("/") for each in shown)}
    for path in tracked():
        parts = path.split("/")
        for depth in range(len(parts)):
            if "/".join(parts[:depth]) in opened and parts[-1] != "__init__.py":
                on_disk.add("/".join(parts[: depth + 1]) + ("/" if depth + 1 < len(parts) else ""))
    assert shown - on_disk == set(), "README shows what is not there"
    assert on_disk - shown == set(), "README does not show what is there"


def test_what_runs_leave_behind_is_ignored() -> None:
    for path in (".venv", "data/landing/x", "target/x", "perennial/__pycache__/x.pyc", ".env"):
        done = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False)
        assert done.returncode == 0, f"{path} would be committed"
    assert not [path for path in tracked() if path.startswith((".venv/", "data/"))]


def test_make_help_lists_every_promised_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("run", "test", "dev", "nightly", "torture", "bench", "lint", "help"):
        assert re.search(rf"^  make {target}\b", done.stdout, re.MULTILINE), target


def test_continuous_integration_calls_make_test_and_nothing_cleverer() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec make test"
    assert len(commands) == 3
