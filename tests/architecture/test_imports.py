"""Who may import whom: the contracts of pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_importing_a_module_does_no_work() -> None:
    """No I/O at import: every module can be imported where nothing is configured and no home exists."""
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for room in ("perennial", "assets", "expectations", "orchestration")
        for path in (ROOT / room).rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    code = (
        "import builtins, importlib, pathlib, socket, subprocess, sys\n"
        "def refuse(*a, **k): raise AssertionError(f'opened at import: {a[:2]}')\n"
        "import dagster, dagster_dbt, duckdb, pandas, pydantic, sqlalchemy, httpx, phonenumbers, pycountry, typer\n"
        "import dagster._core.storage.event_log.sqlite  # its libraries read what is installed\n"
        "subprocess.Popen = socket.socket.connect = refuse\n"
        "pathlib.Path.write_text = pathlib.Path.mkdir = pathlib.Path.read_text = refuse\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "assert 'great_expectations' not in sys.modules, 'imported before anything is checked'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PERENNIAL_HOME": "/nonexistent/home", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
