"""How long snapshots are kept, and what an interrupted publishing left behind.

What lives here: which folders of published/ go, and how they go so that nobody meets half a snapshot. What does not:
landing, the ledger and the journal, which are kept for good.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from perennial.config.home import Home

UNFINISHED = ".tmp-"  # begins the name of everything in published/ that readers must not look at


def snapshots(home: Home) -> list[Path]:
    """Whole snapshots, oldest first: ids sort by time."""
    return sorted(each for each in home.published.glob("[0-9]*Z") if each.is_dir() and not each.is_symlink())


def current(home: Home) -> str | None:
    """The id readers get now; none before the first night."""
    try:
        return Path(os.readlink(home.current_link)).name
    except FileNotFoundError:
        return None


def sweep(home: Home) -> list[str]:
    """Remove what a killed run left: unfinished folders, and whole ones that were never linked."""
    gone = [each.name for each in home.published.glob(f"{UNFINISHED}*")]
    for name in gone:
        _remove(home.published / name)
    now = current(home)
    for folder in snapshots(home):
        if now is None or folder.name > now:
            gone.append(folder.name)
            _retire(folder)
    return gone


def expire(home: Home, keep: int) -> list[str]:
    """Keep the newest `keep` snapshots, and always the current one: whoever pinned one has `keep` nights."""
    now = current(home)
    old = [folder for folder in snapshots(home)[: -max(keep, 1)] if folder.name != now]
    for folder in old:
        _retire(folder)
    return [folder.name for folder in old]


def _retire(folder: Path) -> None:
    """Rename first: a kill in between leaves nothing that looks like a snapshot."""
    hidden = folder.with_name(f"{UNFINISHED}gone-{folder.name}")
    os.replace(folder, hidden)
    shutil.rmtree(hidden)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
