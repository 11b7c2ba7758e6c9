"""The long proofs. Each takes an empty folder and the sample data's place, and returns its figures with `holds`.

What lives here: what each proof does. What does not: what a night or a comparison is (tests/support).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.home import Home
from tests.support.disturbed import kill_and_compare
from tests.support.installation import write_config
from tests.support.nights import build_only, fingerprints, land_only, run_night, unequal
from tests.support.online_retail import differences
from tests.support.slicing import AS_OF, UTC, daily, monthly
from tests.torture.identities import changing_people

Line = dict[str, Any]


def kills(folder: Path, _samples: Path) -> Line:
    """Fifty nights killed at random moments of the whole process group."""
    line = kill_and_compare(folder, kills=50, seed=1, and_again=True)
    line["holds"] = not (
        line["tables_that_differ"]
        or line["members_wrong"]
        or line["joined_more_than_once"]
        or line["rows_sent_by_the_night_after"]
        or line["kills"] != 50
    )
    return line


def monthly_nights(folder: Path, samples: Path) -> Line:
    """Every overlapping monthly slice as a whole night, in order."""
    retail = _retail(samples)
    home = Home(folder / "home").prepare()
    statuses = []
    for number, slice_folder in enumerate(monthly(retail, folder / "slices"), start=1):
        config = write_config(folder / "config", _shop(slice_folder))
        as_of = f"{2010 + (number + 11) // 12}-{number % 12 + 1:02d}-01" if number < 12 else AS_OF
        statuses.append(run_night(home, config, as_of)[0])
    found = differences(home.published / "perennial.duckdb", retail / "truth")
    return {
        "nights": len(statuses),
        "exit_statuses": sorted(set(statuses)),
        "differences": found[:5],
        "holds": not found,
    }


def daily_slices(folder: Path, samples: Path) -> Line:
    """A delivery a day for a year, each overlapping the day before, landed one after another; the last one a night."""
    retail = _retail(samples)
    home = Home(folder / "home").prepare()
    landed = 0
    for slice_folder in daily(retail, folder / "slices"):
        land_only(home, _shop(slice_folder)["sources"], UTC)
        landed += 1
    found = differences(build_only(home, AS_OF), retail / "truth")
    return {"slices": landed, "differences": found[:5], "holds": not found}


def shuffled_slices(folder: Path, samples: Path) -> Line:
    """The monthly slices landed in five random orders: equal tables each time, and the independent figures."""
    retail = _retail(samples)
    slices = list(monthly(retail, folder / "slices"))
    home_of, first, differing, wrong = Home, None, [], []
    for seed in range(5):
        home = home_of(folder / f"home{seed}").prepare()
        order = list(slices)
        random.Random(seed).shuffle(order)
        for slice_folder in order:
            land_only(home, _shop(slice_folder)["sources"], UTC)
        built = build_only(home, AS_OF)
        wrong += differences(built, retail / "truth")
        found = fingerprints(built)
        first = first or found
        differing += unequal(first, found)
    return {"orders": 5, "tables": len(first or {}), "tables_that_differ": differing, "differences": wrong[:5],
            "holds": not (differing or wrong)}  # fmt: skip


def thirty_nights(folder: Path, _samples: Path) -> Line:
    """Thirty nights, a day apart, over one growing demo world: ids stay, files do not pile up, nothing is sent twice."""
    from tests.support.disturbed import SMALL, twin

    sizes, ids, statuses = [], [], []
    with twin(folder / "demo", SMALL) as one:
        for day in range(1, 31):
            one.as_of = f"2026-10-{day:02d}"
            status, _said = one.night()
            statuses.append(status)
            database = one.home.published / "perennial.duckdb"
            with duckdb.connect(str(database), read_only=True) as con:
                rows = con.execute(
                    "select source_name, record_type, record_id, customer_id from customer.customer_identifiers"
                )
                ids.append({tuple(row[:3]): row[3] for row in rows.fetchall()})
                changes = con.execute("select count(*) from customer.identifier_ledger").fetchone()
            sizes.append(sum(path.stat().st_size for path in one.home.root.rglob("*") if path.is_file()))
        moved = sum(before[record] != now for before, after in itertools.pairwise(ids)
                    for record, now in after.items() if record in before)  # fmt: skip
        snapshots = sum(path.is_dir() and not path.is_symlink() for path in one.home.published.iterdir())
    return {
        "nights": len(statuses), "exit_statuses": sorted(set(statuses)), "records": len(ids[-1]), "records_that_changed_id": moved,
        "ledger_rows": changes[0] if changes else None, "snapshots_kept": snapshots,
        "bytes_first": sizes[0], "bytes_last": sizes[-1],
        "holds": set(statuses) <= {0, 3} and snapshots == 3 and (moved == 0 or bool(changes and changes[0])),
    }  # fmt: skip


def _retail(samples: Path) -> Path:
    folder = samples / "online_retail_2011"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there; set PERENNIAL_SAMPLE_DATA to the sample data")
    return folder


def _shop(folder: Path) -> Line:
    return UTC | {"sources": {"shop": {"kind": "files", "path": str(folder)}}}


PROOFS: dict[str, Callable[[Path, Path], Line]] = {
    "kills": kills,
    "monthly_nights": monthly_nights,
    "daily_slices": daily_slices,
    "shuffled_slices": shuffled_slices,
    "thirty_nights": thirty_nights,
    "changing_people": changing_people,
}
