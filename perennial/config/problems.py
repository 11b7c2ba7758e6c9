"""Errors of set-up: what is wrong with the configuration, where, and what to do about it.

What lives here: ConfigError and the turning of pydantic's findings into one plain line each. What does not: the models.
Values are never repeated for keys that may hold a secret, and no value that looks like an address or is long.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

KeyPath = tuple[str | int, ...]
LONGEST_REPEATED = 40
NOT_REPEATED = "(not repeated: it may hold a secret)"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds every problem found, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def show(path: KeyPath) -> str:
    """A key path as a person writes it: sources.crm.tables, alerts[0].url_env."""
    text = ""
    for part in path:
        word = NOT_REPEATED if _is_like_an_address(str(part)) else part
        text += f"[{part}]" if isinstance(part, int) else (f".{word}" if text else str(word))
    return text or "(the whole file)"


def quoted(value: Any) -> str:
    """A wrong value in quotes, unless it may be an address or a key that was pasted into the wrong place."""
    text = str(value)
    return NOT_REPEATED if len(text) > LONGEST_REPEATED or _is_like_an_address(text) else repr(value)


def _is_like_an_address(text: str) -> bool:
    return "://" in text or "@" in text


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word a person most likely meant, or none."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The remedy for a key nobody knows."""
    names = sorted(known)
    if f"{key}_env" in names:
        return (
            f"secrets are never written in this file; put the value into an environment variable and name that"
            f" variable in `{key}_env`"
        )
    guess = closest(key, names)
    remedy = f"did you mean `{guess}`?" if guess else f"known keys: {', '.join(names)}"
    return f"unknown key; {remedy}"


def real_path(location: Iterable[str | int], raw: Any) -> KeyPath:
    """Pydantic's location without the tags it adds for the members of a union."""
    path: list[str | int] = []
    current = raw
    for part in location:
        if isinstance(current, Mapping):
            if part not in current and current.get("kind") == part:
                continue
            current = current.get(part)
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = current[part]
        elif current is not None and path and not isinstance(current, Mapping | list):
            continue
        path.append(part)
    return tuple(path)
