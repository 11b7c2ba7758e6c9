"""`perennial check`: would the next night start? Validates everything without running anything.

What lives here: looking at the configuration, secrets, home, sources, destinations, audiences, ledger and alerts, and
printing what was found. What does not: trying what lies outside (obstacles.py), reading rows, writing, running dbt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from perennial.cli.context import DEFAULT_CONFIG, DEFAULT_HOME, WRONG_USE
from perennial.cli.obstacles import cannot_alert, cannot_reach, cannot_write

if TYPE_CHECKING:
    from perennial.config.home import Home
    from perennial.config.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
STAGE_MODELS = ROOT / "dbt_project.yml"
AUDIENCE_MODELS = ROOT / "models" / "audiences"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `problem` says what is wrong and what to do, `question` what may not be meant."""

    what: str
    problem: str | None = None
    question: str | None = None

    @property
    def verdict(self) -> str:
        return "FAIL" if self.problem else "odd" if self.question else "ok"


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
        table.add_row(each.verdict, Text(each.what), Text(each.problem or each.question or ""))
    Console(soft_wrap=False).print(table)
    failed = sum(each.problem is not None for each in findings)
    if failed:
        typer.echo(f"{failed} of {len(findings)} need attention", err=True)
        raise typer.Exit(WRONG_USE)
    typer.echo("ready: the next night can start")


def look(config: Path, home: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    """Everything worth looking at, in the order in which a person would repair it."""
    from perennial.config.extras import lacking
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
    yield from _look_at_kept_versions(settings, Home(home))
    yield from _look_at_secrets(settings, env)
    if settings.identity.probabilistic is not None:
        yield Finding("probabilistic links", lacking(settings))
    yield from _look_at_sources(settings, env)
    yield from _look_at_destinations(settings)
    yield from _look_at_audiences(settings, config)
    yield from _look_at_ledger(settings, config, Home(home), env)
    for number, alert in enumerate(settings.alerts):
        where = f"alerts[{number}]"
        yield Finding(f"{where} ({alert.kind})", cannot_alert(alert, f"{config}: {where}", env))


def _look_at_stage_models(path: Path) -> Iterator[Finding]:
    import yaml

    from perennial.lifecycle.judgement import check_stage_models

    what = f"stage models in {path.name}"
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    errors, oddities = check_stage_models(content.get("vars", {}).get("stage_models", {}))
    for problem in errors:
        yield Finding(what, problem)
    for oddity in oddities:
        yield Finding(what, question=oddity)
    if not errors and not oddities:
        yield Finding(what)


def _look_at_kept_versions(settings: Settings, home: Home) -> Iterator[Finding]:
    """Whether each version that is to be kept was ever published from this home."""
    from perennial.config.problems import ConfigError
    from perennial.lifecycle.versions import WHERE, declared_in, kept

    try:
        models = kept(home, settings.lifecycle.keep_versions, declared_in(STAGE_MODELS.parent))
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(WHERE, problem)
        return
    if models:
        yield Finding(f"{WHERE}: {', '.join(model['named'] for model in models.values())}")


def _look_at_home(home: Home) -> Iterator[Finding]:
    from perennial.config.home import HomeError

    what = f"home {home.root}"
    try:
        home.check_version()
    except HomeError as error:
        yield Finding(what, str(error))
        return
    yield Finding(what, cannot_write(home.root))


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

    asking: dict[str, list[str]] = {}
    for where, variable in _secrets(settings):
        asking.setdefault(variable, []).append(where)
    for variable, places in asking.items():
        try:
            resolve(env, variable, ", ".join(places))
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
                named = value.items() if isinstance(value, Mapping) else [("", value)]
                yield from ((f"{where}.{key}.{name}".rstrip("."), variable) for name, variable in named)


def _look_at_sources(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    from perennial.config.problems import ConfigError
    from perennial.sources.landing import reader_for

    asked = list(_secrets(settings))
    for name, source in settings.sources.items():
        try:
            problems = reader_for(source).probe(env)
        except ConfigError as error:
            if any(where.startswith(f"sources.{name}.") and not env.get(it, "").strip() for where, it in asked):
                continue  # it cannot be asked without its variable, which was found with the secrets
            problems = error.problems
        yield Finding(f"source {name} ({source.kind})", "; ".join(problems) or None)
    if not settings.sources:
        yield Finding("sources", "none is configured; write one under `sources:`")


def _look_at_destinations(settings: Settings) -> Iterator[Finding]:
    from perennial.config.settings import FilesDestination

    for name, destination in settings.destinations.items():
        what = f"destination {name} ({destination.kind})"
        if isinstance(destination, FilesDestination):
            yield Finding(what, cannot_write(destination.path))
        else:
            yield Finding(what, cannot_reach(destination.url, destination.allow_private_address))


def _look_at_audiences(settings: Settings, config: Path) -> Iterator[Finding]:
    """The audiences that models define, and whether the destinations ask for others."""
    from perennial.audiences.definition import AudienceError, from_manifest
    from perennial.config.problems import ConfigError, closest

    what = "audiences in models/audiences"
    try:
        known = from_manifest({"nodes": dict(_audience_models(AUDIENCE_MODELS))})
    except (AudienceError, ConfigError) as error:
        for problem in error.problems:
            yield Finding(what, problem)
        return
    yield Finding(what)
    for name, destination in settings.destinations.items():
        for audience in () if destination.audiences == "all" else destination.audiences:
            if audience not in known:
                guess = closest(audience, known)
                remedy = (
                    f"did you mean {guess}?" if guess else f"known: {', '.join(known) or 'none'}; or write the model"
                )
                problem = f"{config}: destinations.{name}.audiences: no model defines {audience!r}; {remedy}"
                yield Finding(f"audience {audience}", problem)


def _audience_models(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Models as their YAML files tell them, in the shape of dbt's manifest. dbt is not run."""
    import yaml

    from perennial.config.problems import ConfigError

    for path in sorted(folder.rglob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise ConfigError([f"{path}: is not valid YAML; check indentation and quotes"]) from error
        models = content.get("models") if isinstance(content, dict) else None
        for model in models if isinstance(models, list) else ():
            if isinstance(model, dict) and "name" in model:
                yield str(model["name"]), {**model, "resource_type": "model", "patch_path": str(path)}


def _look_at_ledger(settings: Settings, config: Path, home: Home, env: Mapping[str, str]) -> Iterator[Finding]:
    from perennial.activation.run import ledger_url
    from perennial.config.problems import ConfigError
    from perennial.ledger.database import probe
    from perennial.ledger.records import LedgerError

    variable = settings.ledger.url_env
    what = f"ledger {variable or home.ledger_file}"
    try:
        probe(home, ledger_url(settings, env))
    except ConfigError:
        return  # its variable is not set, which was found with the secrets
    except LedgerError as error:
        yield Finding(what, f"{config}: {error}" if variable else str(error))
    else:
        yield Finding(what)
