"""Reading a YAML file with its line numbers, and saying in plain lines what is wrong with it.

What lives here: YAML → plain data plus the line of every key, duplicate keys, and pydantic's findings as text.
What does not: which keys exist (perennial/config/settings.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from perennial.config.problems import ConfigError, KeyPath, quoted, real_path, show, unknown_key

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 20
KnownKeys = Callable[[str | None, Any], list[str]]


@dataclass
class Document:
    """A YAML file as read: its content and where each key stands."""

    path: Path
    content: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def problem(self, path: KeyPath, text: str) -> str:
        """One line: file, line, key path, what is wrong and what to do."""
        line = next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)
        place = f"{self.path}:{line}" if line else str(self.path)
        return f"{place}: {show(path)}: {text}"


def read_yaml(path: Path) -> Document:
    """Read one file of plain YAML. What cannot be read at all is a ConfigError; duplicate keys are listed."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError([f"{path}: is larger than {_MAX_BYTES} bytes; is it the right file?"])
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(
            [f"{path}: no such file; write one (see README) or name another in PERENNIAL_CONFIG"]
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = Document(path)
        _walk(document, node, (), 0)
        if not document.problems:
            document.content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_problem(path, error)]) from error
    if not document.problems and not isinstance(document.content, dict):
        raise ConfigError(
            [f"{path}: is empty or not a mapping; begin with `business:`, `sources:` and `destinations:`"]
        )
    return document


def _syntax_problem(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}: column {mark.column + 1}" if mark else str(path)
    problem = getattr(error, "problem", None) or "cannot be read"
    return f"{place}: is not valid YAML: {problem}; check indentation and quotes"


def _walk(document: Document, node: yaml.Node | None, path: KeyPath, depth: int) -> None:
    """Note the line of every key; report keys written twice."""
    if depth > _MAX_DEPTH:
        raise ConfigError([document.problem(path[:3], "is nested too deeply; remove the anchors")])
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                text = f"is written twice (line {seen[name]} too), so one would silently win; keep one"
                document.lines[(*path, name)] = line
                document.problems.append(document.problem((*path, name), text))
            seen[name] = line
            document.lines[(*path, name)] = line
            _walk(document, value, (*path, name), depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            document.lines[(*path, position)] = value.start_mark.line + 1
            _walk(document, value, (*path, position), depth + 1)


def explain(document: Document, error: ValidationError, known_keys: KnownKeys) -> list[str]:
    """Pydantic's findings, one line each, in the order of the file."""
    found: dict[str, None] = {}
    for each in error.errors(include_url=False, include_input=False):
        location = tuple(part for part in each["loc"] if part != "[key]")
        path = real_path(location, document.content)
        path = tuple(part for part in path if not (isinstance(part, str) and "[" in part))  # tags of plain unions
        found[document.problem(path, _text(document, path, dict(each), known_keys))] = None
    return list(found)


def _text(document: Document, path: KeyPath, error: dict[str, Any], known_keys: KnownKeys) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(str(path[-1]), _keys_beside(document, path, known_keys))
    if kind == "missing":
        return "is missing; add it"
    if kind == "union_tag_invalid":
        return f"kind {quoted(context.get('tag'))} is unknown; known kinds: {context.get('expected_tags')}"
    if kind == "union_tag_not_found":
        return "`kind` is missing; add it"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind == "literal_error":
        return f"is not one of the words allowed here; write {context.get('expected')}"
    if kind == "string_type":
        return "is not text; put it in quotes"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "is not a mapping; write `key: value` lines, indented, below it"
    return f"is not usable ({error['msg'][0].lower()}{error['msg'][1:]}); correct it"


def _keys_beside(document: Document, path: KeyPath, known_keys: KnownKeys) -> list[str]:
    if len(path) == 1:
        return known_keys(None, None)
    parent: Any = document.content
    for part in path[:-1]:
        parent = parent[part]
    return known_keys(str(path[0]), parent.get("kind") if isinstance(parent, dict) else None)
