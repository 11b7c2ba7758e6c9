"""The hidden truth of the demo world: who is behind which record, who left when, what the win-back message does.

What lives here: the truth tables. No model reads them; tests and people who want to grade the pipeline do. A person who
left for good may still buy once more where a win-back message brings it (`win_back.brought_order`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perennial.demo.buying import HELD_OUT, TREATED, WinBack
from perennial.demo.people import People
from perennial.demo.records import Exports, days, moments, texts
from perennial.demo.scale import Scale


def truth_tables(exports: Exports, people: People, win_back: WinBack, scale: Scale) -> dict[str, pd.DataFrame]:
    return {"records": _records(exports), "people": _people(people, scale), "win_back": _win_back(people, win_back)}


def person_ids(person: np.ndarray) -> np.ndarray:
    return texts("P", np.asarray(person), 7)


def _records(exports: Exports) -> pd.DataFrame:
    """One row per record of any system. Clean: no placeholder. Shared: another record of the person bears it too.

    Records with the same linked_group hang together by clean identifiers of one person, who may have several groups;
    a record of several people (a family's phone) joins none.
    """
    key = ["source_name", "record_type", "record_id"]
    rows = pd.concat(exports.records, ignore_index=True)
    rows["record"] = rows.groupby(key, sort=False).ngroup()
    bearing = pd.concat(
        [
            pd.DataFrame({"record": rows["record"], "person": rows["person"], "kind": kind, "value": rows[kind]})
            for kind in ("email", "phone", "link")
        ]
    )
    bearing = bearing.dropna(subset=["value"]).drop_duplicates()
    together = bearing.groupby(["person", "kind", "value"])["record"].transform("size")
    usable = (bearing["kind"] != "link") | (together > 1)  # its own id tells nothing unless another record names it
    records = rows.drop_duplicates("record").set_index("record")
    is_of_several = rows.groupby("record")["person"].nunique() > 1
    of_one = bearing[~bearing["record"].map(is_of_several)]
    return pd.DataFrame(
        {
            "person_id": person_ids(records["person"].to_numpy()),
            "source_name": records["source_name"],
            "record_type": records["record_type"],
            "record_id": records["record_id"],
            "has_clean_identifier": records.index.isin(bearing.loc[usable, "record"]),
            "is_clean_identifier_shared": records.index.isin(bearing.loc[together > 1, "record"]),
            "linked_group": texts("G", _groups(of_one, len(records)), 7),
            "is_of_several_people": is_of_several.reindex(records.index).to_numpy(),
        }
    )


def _groups(bearing: pd.DataFrame, count: int) -> np.ndarray:
    """For each record the smallest record it hangs together with, over identifiers of the same person."""
    group = np.arange(count)
    record = bearing["record"].to_numpy()
    value = bearing.groupby(["person", "kind", "value"], sort=False).ngroup().to_numpy()
    while True:
        by_value = np.full(value.max(initial=-1) + 1, count)
        np.minimum.at(by_value, value, group[record])
        smaller = group.copy()
        np.minimum.at(smaller, record, by_value[value])
        if np.array_equal(smaller, group):
            return group
        group = smaller


def _people(people: People, scale: Scale) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person_id": person_ids(np.arange(people.count)),
            "joined_at": moments(people.joined_at),
            "churned_on": days(people.churned_at),
            "has_churned": people.churned_at < scale.end,
            "is_buyer": people.is_buyer,
            "orders_per_day": people.orders_per_day,
            "discount_affinity": people.discount_affinity,
            "shares_family_phone": people.shares_family_phone,
            "win_back_effect": people.win_back_effect,
        }
    )


def _win_back(people: People, win_back: WinBack) -> pd.DataFrame:
    """One row per person who entered a past wave: in which group, when, and whether the message brought an order."""
    entered = np.flatnonzero(win_back.group)
    groups = {TREATED: "treated", HELD_OUT: "holdout"}
    return pd.DataFrame(
        {
            "person_id": person_ids(entered),
            "win_back_group": [groups[group] for group in win_back.group[entered].tolist()],
            "entered_at": moments(win_back.at[entered]),
            "true_effect": people.win_back_effect[entered],
            "brought_order": win_back.brought_order[entered],
        }
    )
