"""Every vendor whose API a source can read: found by their modules in this folder, one per vendor.

What lives here: what a vendor declares (its settings, its landed tables) and the finding. What does not: any vendor,
and how its API is read (perennial/sources/<vendor>.py).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass

import perennial.config.vendors
from perennial.config.contract import Table
from perennial.config.parts import ApiSource


@dataclass(frozen=True)
class Vendor:
    """One vendor. Tables are landed under landing/<kind>/<table>, in the vendor's own terms, typed."""

    kind: str
    settings: type[ApiSource]
    tables: Mapping[str, Table]


def _find() -> dict[str, Vendor]:
    found = {}
    for module in pkgutil.iter_modules(perennial.config.vendors.__path__):
        if module.name != "registry":
            declared = importlib.import_module(f"perennial.config.vendors.{module.name}")
            found[module.name] = Vendor(module.name, declared.Settings, declared.TABLES)
    return found


VENDORS: dict[str, Vendor] = _find()


def tables_of(kind: str) -> Mapping[str, Table]:
    """The landed tables of a vendor's kind, by name."""
    return VENDORS[kind].tables
