"""Probabilistic links against labelled sets: `python -m benchmarks.identity_links [FOLDER]`, where Splink is installed.

What lives here: reading the sets, and precision and recall per threshold, of the pairs and of the people they make. What does not: the
model (perennial/landing/proposals.py), which never sees a label.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

import duckdb

from perennial.landing.proposals import propose

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "identity"
THRESHOLDS = (0.5, 0.9, 0.99, 0.999)
FEBRL = """
    select trim(rec_id) as record_id, trim(given_name) as first_name, trim(surname) as last_name, trim(date_of_birth) as birth_on,
        concat_ws(' ', trim(street_number), trim(address_1)) as street, trim(suburb) as city, trim(postcode) as postcode,
        split_part(rec_id, '-', 2) as person
"""
FAKE = (
    "select unique_id as record_id, first_name, surname as last_name, dob as birth_on, city, email, cluster as person"
)
SETS = {"febrl_1": FEBRL, "febrl_2": FEBRL, "fake_1000": FAKE}
Pair = tuple[str, str]


def main(folder: Path) -> None:
    for name, query in SETS.items():
        with duckdb.connect(config={"threads": 2}) as con:
            con.execute(f"create table labelled as {query} from read_csv('{folder / name}.csv.gz', all_varchar = true)")
            con.execute("create table records as select * exclude (person) from labelled")
            people: dict[str, list[str]] = {}
            for record, person in con.execute("select record_id, person from labelled").fetchall():
                people.setdefault(person, []).append(record)
            true = pairs_of(people.values())
            found = propose(con, "records", min(THRESHOLDS))
        for threshold in THRESHOLDS:
            kept = {(each.record_id, each.linked_record_id) for each in found if each.probability >= threshold}
            line = {"measure": f"identity_links_{name}", "threshold": threshold, "true_pairs": len(true)} | measured(
                "", kept, true
            )
            print(json.dumps(line | measured("people_", pairs_of(joined(kept)), true)), flush=True)


def pairs_of(groups: Iterable[list[str]]) -> set[Pair]:
    return {(one, other) for group in groups for one, other in combinations(sorted(group), 2)}


def joined(pairs: Iterable[Pair]) -> list[list[str]]:
    """The groups that pairs make when every pair holds."""
    group_of: dict[str, list[str]] = {}
    for one, other in pairs:
        first, second = group_of.setdefault(one, [one]), group_of.setdefault(other, [other])
        if first is not second:
            first.extend(second)
            group_of.update(dict.fromkeys(second, first))
    return list({id(group): group for group in group_of.values()}.values())


def measured(prefix: str, kept: set[Pair], true: set[Pair]) -> dict[str, float]:
    right = len(kept & true)
    return {
        f"{prefix}pairs": len(kept),
        f"{prefix}precision": round(right / max(len(kept), 1), 5),
        f"{prefix}recall": round(right / len(true), 4),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
