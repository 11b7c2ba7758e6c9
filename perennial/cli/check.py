"""`perennial check`: would the next night start? Validates everything without running anything.

What lives here: looking at the configuration, secrets, home, sources, destinations and ledger, and printing what was
found. What does not: reading rows, writing anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perennial.cli.context import DEFAULT_CONFIG, DEFAULT_HOME, WRONG_USE

if TYPE_CHECKING:
    from perennial.config.home import Home
    from perennial.config.settings import Settings

CONNECT_SECONDS = 5.0


STAGE_MODELS = Path(__file__).resolve().parents[2] / "dbt_project.yml"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `problem` says what is wrong and what to do; none where all is well."""

    what: str
    problem: str | None = None


def register(app: typer.Typer) -> None:
    app.command("check")(check)


def check() -> None:
    """Would the next night start? Looks at configuration, secrets, home, sources and destinations; changes nothing."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    config = Path(os.environ.get("PERENNIAL_CONFIG") or DEFAULT_CONFIG)
    home = Path(os.environ.get("PERENNIAL_HOME") or DEFAULT_HOME).absolute()
    findings = list(look(config, home, os.environ))
    table = Table("", "looked at", "found", title="perennial check", title_justify="left", show_lines=False)
    for each in findings:
        table.add_row("FAIL" if each.problem else "ok", Text(each.what), Text(each.problem or ""))
    Console(soft_wrap=False).print(table)
    failed = sum(each.problem is not None for each in findings)
    if failed:
        typer.echo(f"{failed} of {len(findings)} need attention", err=True)
        raise typer.Exit(WRONG_USE)
    typer.echo("ready: the next night can start")


def look(config: Path, home: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    """Everything worth looking at, in the order in which a person would repair it."""
    from perennial.config.home import Home
    from perennial.config.problems import ConfigError
    from perennial.config.settings import load_settings

    yield from _look_at_home(Home(home))
    yield from _look_at_stage_models(STAGE_MODELS)
    yield from _look_at_as_of(env.get("PERENNIAL_AS_OF"))
    try:
        settings = load_settings(config)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(f"configuration {config}", problem)
        return
    yield Finding(f"configuration {config}")
    yield from _look_at_secrets(settings, env)
    yield from _look_at_sources(settings, env)
    yield from _look_at_destinations(settings)


def _look_at_stage_models(path: Path) -> Iterator[Finding]:
    import yaml

    from perennial.lifecycle.declaration import check_stage_models

    what = f"stage models in {path.name}"
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    errors, _warnings = check_stage_models(content.get("vars", {}).get("stage_models", {}))
    for problem in errors:
        yield Finding(what, problem)
    if not errors:
        yield Finding(what)


def _look_at_home(home: Home) -> Iterator[Finding]:
    from perennial.config.home import HomeError

    what = f"home {home.root}"
    try:
        home.check_version()
    except HomeError as error:
        yield Finding(what, str(error))
        return
    yield Finding(what, _cannot_write(home.root))


def _look_at_as_of(text: str | None) -> Iterator[Finding]:
    from datetime import UTC, datetime

    from perennial.config.as_of import parse_as_of
    from perennial.config.problems import ConfigError

    if not text:
        return
    try:
        parse_as_of(text, "UTC", datetime.now(UTC))
    except ConfigError as error:
        yield Finding("PERENNIAL_AS_OF", str(error))
    else:
        yield Finding(f"PERENNIAL_AS_OF {text}")


def _look_at_secrets(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    from perennial.config.problems import ConfigError
    from perennial.config.secrets import resolve

    for where, variable in _secrets(settings):
        try:
            resolve(env, variable, where)
        except ConfigError as error:
            yield Finding(f"secret {variable}", str(error))
        else:
            yield Finding(f"secret {variable}")


def _secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """(key path, name of the variable) of every secret the configuration names."""
    sections = {
        **{f"sources.{name}": each for name, each in settings.sources.items()},
        **{f"destinations.{name}": each for name, each in settings.destinations.items()},
        **{f"alerts[{number}]": each for number, each in enumerate(settings.alerts)},
        "ledger": settings.ledger,
    }
    for where, section in sections.items():
        for key, value in section:
            if key.endswith("_env") and value is not None:
                yield f"{where}.{key}", value


def _look_at_sources(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    from perennial.config.problems import ConfigError
    from perennial.sources.landing import reader_for

    for name, source in settings.sources.items():
        try:
            problems = reader_for(source).probe(env)
        except ConfigError as error:
            problems = error.problems
        yield Finding(f"source {name} ({source.kind})", "; ".join(problems) or None)
    if not settings.sources:
        yield Finding("sources", "none is configured; write one under `sources:`")


def _look_at_destinations(settings: Settings) -> Iterator[Finding]:
    from perennial.config.settings import FilesDestination

    for name, destination in settings.destinations.items():
        what = f"destination {name} ({destination.kind})"
        if isinstance(destination, FilesDestination):
            yield Finding(what, _cannot_write(destination.path))
        else:
            yield Finding(what, _cannot_reach(destination.url, destination.allow_private_address))


def _cannot_write(folder: Path) -> str | None:
    """Why a folder that is there, or can be made, takes no files."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{there} is a file, not a folder; name another folder"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{there} cannot be written to; correct its rights"
    return None


def _cannot_reach(url: str, allow_private: bool) -> str | None:
    """Why nothing listens at an address. A connection is opened and closed; nothing is sent."""
    import socket
    from urllib.parse import urlsplit

    import httpcore

    from perennial.destinations.guarded_http import PrivateAddress, checked_address

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = checked_address(host, port, allow_private=allow_private)
        with socket.create_connection((address, port), CONNECT_SECONDS):
            return None
    except (OSError, httpcore.ConnectError) as error:
        return f"{host}:{port} cannot be reached ({type(error).__name__}: {error}); check the address and the network"
    except PrivateAddress as error:
        return f"{error}; set allow_private_address: true where that is meant"
