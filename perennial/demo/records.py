"""What the generator hands on: tables per source as they will be delivered, and for each record the person behind it.

What lives here: the collecting, and how a time or an amount is put down. What does not: the making of rows, or of files
(see write.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from perennial.demo.scale import NEVER

RECORD_TYPES = ("shop_customer", "guest_order", "crm_contact", "message_contact", "conversation_contact", "anonymous")


@dataclass
class Exports:
    """`tables`: (source, table) → rows. `records`: who is behind which record, by which clean
    identifiers. `truth`: what no model may read."""

    tables: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    records: list[pd.DataFrame] = field(default_factory=list)
    truth: dict[str, pd.DataFrame] = field(default_factory=dict)

    def add(self, source: str, table: str, rows: pd.DataFrame) -> None:
        held = self.tables.get((source, table))
        self.tables[source, table] = rows if held is None else pd.concat([held, rows], ignore_index=True)

    def remember(
        self,
        source: str,
        record_type: str,
        record_id: np.ndarray,
        person: np.ndarray,
        *,
        email: np.ndarray | None = None,
        phone: np.ndarray | None = None,
        link: np.ndarray | None = None,
    ) -> None:
        """`email`, `phone`: the clean value the record carries; `link`: the id it names, with its source."""
        count = len(record_id)
        nothing = np.full(count, None, dtype=object)
        self.records.append(
            pd.DataFrame(
                {
                    "source_name": source,
                    "record_type": record_type,
                    "record_id": np.array([str(value) for value in record_id], dtype=object),
                    "person": person,
                    "email": nothing if email is None else email,
                    "phone": nothing if phone is None else phone,
                    "link": nothing if link is None else link,
                }
            )
        )

    def add_pointing(self, source: str, table: str, rows: pd.DataFrame, person: np.ndarray, record_type: str) -> None:
        """Rows that point at somebody by contact_ref: each reference is a record, such as `email:a@b.test`."""
        self.add(source, table, rows)
        refs = rows[["contact_ref_type", "contact_ref"]].assign(person=person).drop_duplicates()
        kinds = refs["contact_ref_type"].to_numpy(dtype=object)
        values = refs["contact_ref"].astype(str).to_numpy(dtype=object)
        by_id = np.isin(kinds.astype(str), ("contact_id", "customer_id"))
        self.remember(
            source,
            record_type,
            kinds + ":" + values,
            refs["person"].to_numpy(),
            email=where(kinds == "email", values),
            phone=where(kinds == "phone", values),
            link=where(by_id, f"{source}:" + values),
        )


def moments(seconds: np.ndarray) -> pd.Series:
    """Seconds → naive UTC timestamps; NEVER → null."""
    values = pd.Series(np.asarray(seconds, dtype=np.int64))
    gone = values >= NEVER
    return pd.to_datetime(values.mask(gone, 0), unit="s").mask(gone)


def local_moments(seconds: np.ndarray, time_zone: str) -> pd.Series:
    """Seconds → naive wall-clock timestamps of a time zone; NEVER → null."""
    return moments(seconds).dt.tz_localize("UTC").dt.tz_convert(time_zone).dt.tz_localize(None)


def days(seconds: np.ndarray) -> pd.Series:
    return moments(seconds).dt.date


def money(pence: np.ndarray) -> np.ndarray:
    """Whole pence → an amount whose shortest text has at most two decimals."""
    return np.asarray(pence, dtype=np.int64) / 100.0


def texts(prefix: str, numbers: np.ndarray, width: int = 0) -> np.ndarray:
    return np.array([f"{prefix}{number:0{width}d}" for number in numbers.tolist()], dtype=object)


def where(condition: np.ndarray, values: Any) -> np.ndarray:
    """The values where the condition holds, None elsewhere."""
    return np.where(condition, values, np.array(None, dtype=object))


def known(values: np.ndarray) -> np.ndarray:
    """Where a value is not None."""
    return np.asarray(values != None)  # noqa: E711 - element by element


def only(condition: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return np.where(condition, seconds, NEVER)


def big_ids(condition: np.ndarray, ids: np.ndarray) -> pd.array:
    """Whole-number ids with nulls, kept exact above 2^53."""
    return pd.array(ids, dtype="Int64").copy() if condition.all() else _masked(condition, ids)


def _masked(condition: np.ndarray, ids: np.ndarray) -> pd.array:
    return pd.arrays.IntegerArray(np.asarray(ids, dtype=np.int64), ~condition)
