"""How dbt's names become Dagster's: folder = schema = asset-key prefix = group.

What lives here: keys, groups, owners and kinds of dbt's models, seeds and sources. What does not: running dbt (dbt.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.asset_utils import default_asset_key_fn

DEFAULT_OWNERS = ["team:perennial"]


def asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """A model's first folder under models/ begins its key."""
    if node["resource_type"] == "source":
        return default_asset_key_fn(node)  # its YAML names the key
    return dg.AssetKey([folder(node), node.get("alias") or node["name"]])


def folder(node: Mapping[str, Any]) -> str:
    if node["resource_type"] == "model":
        path = node["fqn"]
        return path[1] if len(path) > 2 else node["schema"]
    return f"{node['resource_type']}s"


def models(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models that are assets: an ephemeral one exists only inside those that read it."""
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
    ]


class RoomsTranslator(DagsterDbtTranslator):
    """The graph says what the folders say."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return folder(dbt_resource_props) if dbt_resource_props["resource_type"] != "source" else "ingest"

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        audience = (dbt_resource_props.get("config", {}).get("meta") or {}).get("audience") or {}
        owner = audience.get("owner") if isinstance(audience, Mapping) else None
        return [owner] if owner else super().get_owners(dbt_resource_props) or DEFAULT_OWNERS

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The YAML's sentence alone: the SQL is in the repository, and would be stored with every run."""
        return dbt_resource_props.get("description") or ""

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        materialized = dbt_resource_props.get("config", {}).get("materialized")
        return {"materialized": materialized} if materialized else {}
