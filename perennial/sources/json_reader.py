"""The careful JSON Lines reader: line by line, with a reason for every line that is no object.

What lives here: lines → text values or reasons, in bounded memory, numbers as the text they are written in. What does
not: types (landing), the fast reader (files.py). It is used only where the fast reader objected.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

LONGEST_LINE = 16_000_000  # bytes
_BOM = b"\xef\xbb\xbf"


class Number(str):
    """A JSON number as it was written."""


class Nested(str):
    """An object or a list, as JSON."""


@dataclass(frozen=True)
class Line:
    """One line's values. With a reason it is refused: `text` is the line, the values what could be told, if any."""

    values: dict[str, Any] | None
    size: int  # bytes
    reason: str | None = None
    text: str | None = None


def read_objects(path: Path) -> Iterator[Line]:
    """Every line that is not blank, in order."""
    with _open(path) as handle:
        is_first = True
        while raw := handle.readline(LONGEST_LINE + 1):
            if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                while (more := handle.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                    pass
                yield Line(None, len(raw), f"is longer than {LONGEST_LINE} bytes; shorten it", _shown(raw[:1000]))
                continue
            if is_first and raw.startswith(_BOM):
                raw = raw[len(_BOM) :]
            is_first = False
            if raw.strip():
                yield _line(raw)


def as_text(value: Any) -> str | None:
    """A value of a line as the text a column is cast from."""
    if value is None or isinstance(value, str):
        return value
    return "true" if value else "false"


def as_id(value: Any) -> str | None:
    """An id: a whole number written as a float loses its fraction."""
    text = as_text(value)
    if isinstance(value, Number) and text is not None:
        whole, point, fraction = text.partition(".")
        if point and not fraction.strip("0"):
            return whole
    return text


def _line(raw: bytes) -> Line:
    try:
        return _parse(raw)
    except json.JSONDecodeError as error:
        return Line(None, len(raw), f"is not JSON (column {error.colno}); write one whole object a line", _shown(raw))
    except RecursionError:
        return Line(None, len(raw), "is nested too deeply; flatten it", _shown(raw[:1000]))
    except _TwiceError:
        return Line(None, len(raw), "has a key twice; keep one", _shown(raw))


def _parse(raw: bytes) -> Line:
    text, reason = _decode(raw)
    try:
        values = json.loads(
            text, object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=Number
        )
    except ValueError:
        if reason is None:
            raise
        return Line(None, len(raw), reason, _shown(raw))
    if not isinstance(values, dict):
        return Line(None, len(raw), reason or "is not an object; write one object a line", _shown(raw))
    flat = {key: _flat(value) for key, value in values.items()}
    told = {key: value for key, value in flat.items() if _is_text(key) and _is_text(value)}
    if reason is None and len(told) < len(flat):
        reason = "holds half a character (an unpaired surrogate such as \\ud83d); write it whole or leave it out"
    return Line(told, len(raw), reason, _shown(raw) if reason else None)


def _decode(raw: bytes) -> tuple[str, str | None]:
    """The line as text, and why it is refused where not all of it is. Bytes that are no text become surrogates."""
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8"
        return raw.decode("utf-8", "surrogateescape"), reason


def _is_text(value: Any) -> bool:
    """Whether a value can be written as UTF-8: surrogates cannot."""
    if not isinstance(value, str) or value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _flat(value: Any) -> Any:
    return Nested(_as_json(value)) if isinstance(value, dict | list) else value


def _as_json(value: Any) -> str:
    """JSON again, numbers as they were written."""
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_as_json(each)}" for key, each in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_as_json, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


class _TwiceError(ValueError):
    """An object with one key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise _TwiceError
    return values


def _open(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb"))


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").rstrip("\r\n")[:100_000]
