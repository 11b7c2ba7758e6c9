"""Which files of a folder are deliveries of which table.

What lives here: looking into a folder without opening a file, and refusing what leads out of it or is no plain file.
What does not: reading the files (files.py).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from perennial.config.problems import closest
from perennial.landing.contract import TABLES
from perennial.sources.base import SourceFailed

FORMATS = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".jsonl.gz": "jsonl"}


@dataclass(frozen=True)
class Delivery:
    """One file that fills one table. `label` is its path inside the folder."""

    table: str
    path: Path
    label: str
    format: str


@dataclass(frozen=True)
class Contents:
    deliveries: tuple[Delivery, ...]
    ignored: tuple[str, ...]  # one line each, with a hint


def look_into(folder: Path) -> Contents:
    """The deliveries of a folder, in the order of their names."""
    root = _real_folder(folder)
    deliveries: list[Delivery] = []
    ignored: list[str] = []
    for entry in _entries(root, root):
        if entry.name in TABLES and _is_folder(entry, root):
            _parts(entry, root, deliveries, ignored)
            continue
        table, suffix = _split(entry.name)
        if table in TABLES and suffix in FORMATS:
            deliveries.append(_delivery(table, suffix, entry, root))
        else:
            ignored.append(_why_ignored(entry.name, table, suffix))
    if not deliveries:
        names = f" (it holds {', '.join(ignored[:3])})" if ignored else ""
        raise SourceFailed(
            f"{folder}: holds no file of the input contract{names}; deliver files such as shop_orders.csv,"
            f" or correct `path:`"
        )
    return Contents(tuple(deliveries), tuple(ignored))


def _real_folder(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
    except FileNotFoundError:
        raise SourceFailed(f"{folder}: no such folder; make it, or correct `path:`") from None
    except (OSError, RuntimeError) as error:
        raise SourceFailed(f"{folder}: cannot be opened ({type(error).__name__}); check the rights") from error
    if not root.is_dir():
        raise SourceFailed(f"{folder}: is not a folder; `path:` names the folder that holds the files")
    return root


def _parts(folder: Path, root: Path, deliveries: list[Delivery], ignored: list[str]) -> None:
    for entry in _entries(folder, root):
        _, suffix = _split(entry.name)
        if suffix in FORMATS:
            deliveries.append(_delivery(folder.name, suffix, entry, root))
        else:
            ignored.append(f"{folder.name}/{entry.name} is no .csv, .parquet or .jsonl file")


def _entries(folder: Path, root: Path) -> list[Path]:
    """Entries in the order of their names, without hidden ones."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise SourceFailed(f"{folder}: cannot be read ({error.strerror}); check the rights") from error
    strange = [name for name in names if any("\ud800" <= letter <= "\udfff" for letter in name)]
    if strange:
        raise SourceFailed(f"{folder}: holds a file whose name is not UTF-8 ({strange[0]!a}); rename it")
    return [folder / name for name in names if not name.startswith((".", "_"))]


def _delivery(table: str, suffix: str, path: Path, root: Path) -> Delivery:
    label = str(path.relative_to(root))
    real = _inside(path, root)
    if not stat.S_ISREG(os.stat(real).st_mode):
        raise SourceFailed(f"{label}: is not a plain file (a pipe, device or folder); deliver a plain file")
    return Delivery(table, real, label, FORMATS[suffix])


def _is_folder(path: Path, root: Path) -> bool:
    return path.is_dir() and _inside(path, root).is_dir()


def _inside(path: Path, root: Path) -> Path:
    """Where a path really leads; refused where that is outside the folder."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise SourceFailed(f"{path.relative_to(root)}: is a link that leads nowhere; deliver the file itself") from None
    if real != path and not real.is_relative_to(root):
        raise SourceFailed(f"{path.relative_to(root)}: is a link that leads out of the folder; deliver the file itself")
    return real


def _split(file_name: str) -> tuple[str, str]:
    """`shop_orders.csv.gz` → (`shop_orders`, `.csv.gz`); a part's name may itself hold dots."""
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if file_name.lower().endswith(suffix):
            return file_name[: -len(suffix)], suffix
    table, dot, rest = file_name.partition(".")
    return table, dot + rest


def _why_ignored(file_name: str, table: str, suffix: str) -> str:
    if table in TABLES:
        return f"{file_name} is no .csv, .parquet or .jsonl file"
    guess = closest(table, TABLES)
    return f"{file_name} is no table of the input contract" + (f" (did you mean {guess}?)" if guess else "")
