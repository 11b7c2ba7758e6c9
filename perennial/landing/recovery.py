"""What to do with loads a crash cut short: roll forward where there is a manifest, drop where there is none.

What lives here: moving a committed load's files into place, and recover(). What does not: writing loads (load.py).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from perennial.config.failpoints import Failpoints
from perennial.config.files import make_folder, sync_folder
from perennial.config.home import Home
from perennial.landing.load_ids import split_name
from perennial.landing.manifest import LoadReport, manifest_path, read_manifest


class LandingDamaged(Exception):
    """A committed load's file is in neither of the places it can be."""


def move_into_place(home: Home, manifest: LoadReport, failpoint: Failpoints | None = None) -> None:
    """Move a committed load's files where they belong. Safe to repeat at any point."""
    folders: set[Path] = set()
    for each in manifest.files:
        source, place = home.incoming / each.incoming, home.root / each.place
        if source.exists():
            make_folder(place.parent)
            os.replace(source, place)
            folders.add(place.parent)
        elif not place.exists():
            raise LandingDamaged(
                f"{place}: load {manifest.name} was committed, but this file is gone; restore it from a backup"
            )
        if failpoint is not None:
            failpoint("load_moving")
    for folder in folders:
        sync_folder(folder)
    shutil.rmtree(home.incoming / manifest.name, ignore_errors=True)


def recover(home: Home) -> list[str]:
    """Finish or drop what an earlier run left; returns one line per load. Call with the installation lock held."""
    done = []
    for folder in sorted(home.incoming.glob("*")):
        if split_name(folder.name) is None or not folder.is_dir():
            continue
        record = _find_manifest(home, folder.name)
        if record is None:
            shutil.rmtree(folder)
            done.append(f"load {folder.name}: was cut short before it was committed; dropped, it will be read again")
        else:
            move_into_place(home, read_manifest(record))
            done.append(f"load {folder.name}: was cut short after it was committed; finished")
    shutil.rmtree(home.spill, ignore_errors=True)
    return done


def _find_manifest(home: Home, load_name: str) -> Path | None:
    for records in home.landing.glob("*/_loads"):
        path = manifest_path(home, records.parent.name, load_name)
        if path.exists():
            return path
    return None
