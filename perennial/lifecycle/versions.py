"""Every version of a stage model that was ever published, and those that an installation keeps beside the current one.

What lives here: journal/rules/<stage_model>/<rule_version>.yml, append-only, and finding in it what perennial.yml asks
for under lifecycle.keep_versions. What does not: the SQL made of a kept version (dbt_project/macros/stages.sql).

A kept version stands in the same tables as a stage model of its own: <stage_model>@<first letters of its version>.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from perennial.config.files import write_atomically
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.lifecycle.declaration import rule_versions
from perennial.lifecycle.rules import variables

FOLDER = "rules"
SHOWN = 12  # letters of a version that tell it apart from all others of its model
WHERE = "lifecycle.keep_versions"


def declared_in(project: Path) -> dict[str, Any]:
    """The stage models that the dbt project in this folder declares."""
    return dict(variables(project).get("stage_models", {}))


def remember(home: Home, declared: Mapping[str, Any], versions: Mapping[str, str], at: datetime) -> list[str]:
    """Write down each declaration that is about to be published under its version; the names of new ones."""
    new = []
    for name, version in rule_versions(declared).items():
        path = home.journal / FOLDER / name / f"{version}.yml"
        if versions.get(name) != version or path.exists():
            continue
        content = {
            "stage_model": name, "rule_version": version, "first_published_at": at.isoformat(),
            "declaration": declared[name],
        }  # fmt: skip
        write_atomically(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        new.append(f"{name}@{version[:SHOWN]}")
    return new


def published(home: Home, stage_model: str) -> list[dict[str, Any]]:
    """What was published of a stage model, oldest first."""
    found = [yaml.safe_load(path.read_text("utf-8")) for path in (home.journal / FOLDER / stage_model).glob("*.yml")]
    return sorted(found, key=lambda each: (each["first_published_at"], each["rule_version"]))


def remembered(home: Home, named: str) -> dict[str, Any] | None:
    """The declaration that stands in a snapshot as `<stage_model>@<letters>`, with its rule_version; None where none
    of that name was ever published here."""
    stage_model, _, letters = named.partition("@")
    return next((each for each in published(home, stage_model) if each["rule_version"].startswith(letters)), None)


def kept(home: Home, wanted: Mapping[str, Sequence[str]], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Declarations of the versions to keep, by a name that is good for a column; the current version needs no keeping.

    Each carries `named`, what readers call it. ConfigError where a version is not known, naming those that are.
    """
    if not wanted:
        return {}
    current, problems, models = rule_versions(declared), [], {}
    for stage_model, versions in wanted.items():
        known = published(home, stage_model)
        for version in versions:
            fitting = [each for each in known if each["rule_version"].startswith(version)]
            if len(fitting) != 1:
                problems.append(f"{WHERE}.{stage_model}: {_unknown(version, len(fitting), list(_spoken(known)))}")
            elif fitting[0]["rule_version"] != current.get(stage_model):
                letters = fitting[0]["rule_version"][:SHOWN]
                named = {"named": f"{stage_model}@{letters}"}
                models[f"{stage_model}__{letters}"] = {**fitting[0]["declaration"], **named}
    if problems:
        raise ConfigError(problems)
    return models


def _spoken(known: list[dict[str, Any]]) -> Iterator[str]:
    return (f"{each['rule_version'][:SHOWN]} (since {each['first_published_at'][:10]})" for each in known)


def _unknown(version: str, fitting: int, known: list[str]) -> str:
    if fitting:
        return f"{version} begins {fitting} versions; write more of it: {', '.join(known)}"
    return f"no version {version} was published from this home; known: {', '.join(known) or 'none'}"
