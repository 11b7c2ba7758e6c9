"""Writing a file so that a crash leaves the old one or the new one, never half of either.

What lives here: write, fsync, rename, and the mode of files that hold personal data. What does not: what is written.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_folder(folder: Path) -> Path:
    """Make a folder and its missing parents, each readable by the owner alone."""
    missing = []
    current = folder
    while not current.exists():
        missing.append(current)
        current = current.parent
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def sync_file(path: Path) -> None:
    """Force a file's content to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk, so that a rename inside it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write next to the target, fsync, rename over it, fsync the folder. Mode 0600."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    make_folder(path.parent)
    temporary = beside(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def beside(path: Path) -> Path:
    """A fresh hidden name in the same folder, for content that is renamed into place."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished file its mode, force it to disk and rename it over its final name."""
    os.chmod(temporary, PRIVATE_FILE)
    sync_file(temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)
