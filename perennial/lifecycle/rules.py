"""By which rules a build is made, and which of its figures are final: what dbt's manifest and variables say of both.

What lives here: reading them. What does not: comparing two builds (perennial/warehouse/restatements.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from perennial.config.settings import Business
from perennial.lifecycle.declaration import rule_versions, stage_models_reading
from perennial.warehouse.comparison import Watched
from perennial.warehouse.restatements import CODE, SETTING, STAGE_MODEL, VARIABLE

META = "restated"
STAGE_MODELS = "stage_models"
MOVING_FACT = "is_high_value"  # compared with the store's mean order of today
_VAR = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
_SHORT = 40  # longer values are told by their hash

Manifest = Mapping[str, Any]


def variables(project: Path) -> dict[str, Any]:
    """`vars` of the dbt project in this folder."""
    content = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(content.get("vars", {}))


def rules(business: Business, manifest: Manifest, declared: Mapping[str, Any]) -> dict[str, str]:
    """Each model's hash, each stage model's version, each variable, and the code under each watched table."""
    return {
        **{node["name"]: node["checksum"]["checksum"][:12] for node in _models(manifest)},
        **{f"{STAGE_MODEL}{name}": version for name, version in rule_versions(declared[STAGE_MODELS]).items()},
        **{f"{VARIABLE}{name}": told(value) for name, value in declared.items() if name != STAGE_MODELS},
        f"{SETTING}time_zone": business.time_zone,
        f"{SETTING}currency": business.currency,
        **{f"{CODE}{_table(node)}": _hash("".join(_code(manifest, node))) for node in _watching(manifest)},
    }


def watched(manifest: Manifest) -> dict[str, Watched]:
    """The figures that a model's YAML calls final, under config.meta.restated."""
    found = {}
    for node in _watching(manifest):
        said = node["config"]["meta"][META]
        found[_table(node)] = Watched(
            key=tuple(said["key"]),
            final=dict(said["final"]),
            until=said["until"],
            family=tuple(said.get("family", ())),
            stage_model=said.get("stage_model", Watched.stage_model),
            variables=tuple(sorted({name for code in _code(manifest, node) for name in _VAR.findall(code)})),
        )
    return found


def moving(declared: Mapping[str, Any]) -> tuple[str, ...]:
    """Stage models whose past may move with any night, since they measure against a figure of today."""
    return stage_models_reading(MOVING_FACT, declared[STAGE_MODELS])


def _models(manifest: Manifest) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def _watching(manifest: Manifest) -> list[dict[str, Any]]:
    return [node for node in _models(manifest) if META in node["config"]["meta"]]


def _table(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"


def _code(manifest: Manifest, node: Mapping[str, Any]) -> list[str]:
    """The code of a model and of all that it is made of: models, seeds and macros, in the order of their names."""
    nodes, macros = {node["unique_id"]}, set(node["depends_on"]["macros"])
    waiting = list(node["depends_on"]["nodes"])
    while waiting:
        name = waiting.pop()
        if name in nodes or name not in manifest["nodes"]:
            continue
        nodes.add(name)
        waiting += manifest["nodes"][name]["depends_on"].get("nodes", ())
        macros |= set(manifest["nodes"][name]["depends_on"].get("macros", ()))
    waiting = list(macros)
    while waiting:
        called = manifest["macros"][waiting.pop()]["depends_on"]["macros"]
        waiting += [name for name in called if name not in macros]
        macros |= set(called)
    made = [manifest["nodes"][name] for name in sorted(nodes)]
    own = [manifest["macros"][name]["macro_sql"] for name in sorted(macros) if name.startswith("macro.perennial.")]
    return [each.get("raw_code") or each["checksum"]["checksum"] for each in made] + own


def told(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _SHORT else _hash(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
