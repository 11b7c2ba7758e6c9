"""What an audience is: the `config.meta.audience` block of its model's YAML, and which destinations it is paired with.

What lives here: reading definitions out of dbt's manifest, and pairing them with configured destinations. What does
not: who is in an audience (models/audiences), sending, and reading perennial.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from perennial.config.contract import CHANNELS
from perennial.config.problems import closest

PURPOSES = ("marketing", "transactional", "ads")
_KEYS = ("destinations", "consent", "address", "fields", "owner", "size")
_CONSENT_KEYS = {"channel", "purpose", "brand"}
_COLUMN = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class AudienceError(Exception):
    """A model's audience block cannot be used. `problems` holds every problem found, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class ConsentRule:
    """The permission each member must hold. Without a brand, every brand a person answered for must be granted."""

    channel: str
    purpose: str
    brand: str | None = None


@dataclass(frozen=True)
class SizeBand:
    """How many members an audience may have when it departs."""

    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True)
class AudienceDefinition:
    """One audience: which people may be sent, by which column they are reached, and what else is told of them."""

    name: str
    consent: ConsentRule
    address: str
    owner: str
    fields: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    size: SizeBand = SizeBand()
    is_by_name_only: bool = False  # `destinations: []`: it goes only where a destination names it, not with `all`


@dataclass(frozen=True)
class Pair:
    """One audience that goes to one destination."""

    audience: str
    destination: str


class HasAudiences(Protocol):
    """What pairing needs to know of a configured destination."""

    @property
    def audiences(self) -> Literal["all"] | tuple[str, ...]: ...


def from_manifest(manifest: Mapping[str, Any]) -> dict[str, AudienceDefinition]:
    """Every audience of a dbt manifest, by name. AudienceError lists all problems of all of them."""
    found: dict[str, AudienceDefinition] = {}
    problems: list[str] = []
    for node in manifest.get("nodes", {}).values():
        block = _block(node) if node.get("resource_type") == "model" else None
        if block is None:
            continue
        where = f"{node.get('patch_path') or node.get('original_file_path') or node['name']}: config.meta.audience"
        mistakes = _mistakes(block)
        problems += [f"{where}{mistake}" for mistake in mistakes]
        if not mistakes:
            found[node["name"]] = _definition(node["name"], block)
    if problems:
        raise AudienceError(problems)
    return dict(sorted(found.items()))


def pairs(
    definitions: Mapping[str, AudienceDefinition], destinations: Mapping[str, HasAudiences]
) -> tuple[list[Pair], list[str]]:
    """Which audience goes where, as the destinations say, and a note for each wish that the installation lacks."""
    chosen = [
        Pair(audience, destination)
        for audience, definition in definitions.items()
        for destination, settings in destinations.items()
        if (not definition.is_by_name_only if settings.audiences == "all" else audience in settings.audiences)
    ]
    notes = [
        f"audience {name} is meant for {wanted}, which is not configured; skipped"
        for name, definition in definitions.items()
        for wanted in definition.destinations
        if wanted not in destinations
    ]
    for destination, settings in destinations.items():
        notes += [
            f"destination {destination} asks for audience {name}, which no model defines; {_guess(name, definitions)}"
            for name in (() if settings.audiences == "all" else settings.audiences)
            if name not in definitions
        ]
    return chosen, notes


def _block(node: Mapping[str, Any]) -> Any:
    """dbt keeps meta under config; older manifests and some versions repeat it on the node."""
    for holder in (node.get("config") or {}, node):
        meta = holder.get("meta") or {}
        if "audience" in meta:
            return meta["audience"]
    return None


def _mistakes(block: Any) -> list[str]:
    if not isinstance(block, Mapping):
        return [" is not a mapping; write at least consent, address and owner under it"]
    found = [f".{key}: unknown key; {_guess(str(key), _KEYS)}" for key in block if key not in _KEYS]
    found += _consent_mistakes(block.get("consent"))
    if not isinstance(block.get("owner"), str) or not block["owner"].strip():
        found.append(".owner: is missing; name who answers for this audience, such as marketing-ops@example.com")
    if not _is_column(block.get("address")):
        found.append(".address: is missing; name the column of customer.customers to send to, such as email")
    for key, check, what in (
        ("fields", _is_column, "columns of customer.customers"),
        ("destinations", _is_text, "names"),
    ):
        value = block.get(key, [])
        if not isinstance(value, list) or not all(check(each) for each in value):
            found.append(f".{key}: is not a list of {what}; write one such as [first_name]")
    return found + _size_mistakes(block.get("size", {}))


def _consent_mistakes(consent: Any) -> list[str]:
    if not isinstance(consent, Mapping):
        return [".consent: is missing; write {channel: email, purpose: marketing}: without it nobody may be sent"]
    found = [f".consent.{key}: unknown key; known: channel, purpose, brand" for key in set(consent) - _CONSENT_KEYS]
    for key, known in (("channel", CHANNELS), ("purpose", PURPOSES)):
        if consent.get(key) not in known:
            found.append(f".consent.{key}: {consent.get(key)!r} is not one of {', '.join(known)}")
    if not isinstance(consent.get("brand"), str | None):
        found.append(".consent.brand: is not text; name a brand, or leave it out")
    return found


def _size_mistakes(size: Any) -> list[str]:
    usual = "write {min: 0, max: 1000000}"
    if not isinstance(size, Mapping) or set(size) - {"min", "max"}:
        return [f".size: is not a band; {usual}"]
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in size.values()):
        return [f".size: min and max are whole numbers from 0; {usual}"]
    if size.get("max") is not None and size["max"] < size.get("min", 0):
        return [f".size: max is below min; {usual}"]
    return []


def _definition(name: str, block: Mapping[str, Any]) -> AudienceDefinition:
    consent, size = block["consent"], block.get("size", {})
    return AudienceDefinition(
        name=name,
        consent=ConsentRule(consent["channel"], consent["purpose"], consent.get("brand")),
        address=block["address"],
        owner=block["owner"].strip(),
        fields=tuple(dict.fromkeys(block.get("fields", []))),
        destinations=tuple(dict.fromkeys(block.get("destinations", []))),
        size=SizeBand(size.get("min", 0), size.get("max")),
        is_by_name_only=block.get("destinations") == [],
    )


def _is_column(value: Any) -> bool:
    return isinstance(value, str) and _COLUMN.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _guess(word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = closest(word, names)
    return f"did you mean {near}?" if near else f"known: {', '.join(names) or 'none'}"
