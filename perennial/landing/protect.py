"""A consent row that cannot be read still says that somebody's permission changed: until it is delivered well, it is
denied.

What lives here: making denials from refused consents rows. What does not: refusing them (casting.py). A denial is
made only where the row says whom and which channel; where it does not say the purpose or the kind of reference, every
one of them is denied.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from perennial.landing import casting
from perennial.landing.contract import CHANNELS, Table
from perennial.landing.incoming import Incoming, Matched
from perennial.warehouse.duck import name, path_list, quote


def denials_of(part: Path) -> Path:
    """Where the denials made beside a staged part lie."""
    return part.with_name(part.name.replace("staged-", "denied-"))


def stage_denials(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    matched: Matched,
    incoming: Incoming,
    rules: casting.Rules,
    part: Path,
) -> None:
    """Note whom, which channel and why, for every refused row of one delivery that says so much."""
    reason = casting.first_reason(casting.refusals(table, matched, rules))
    fingerprint = ", ".join(f"coalesce({name('raw_' + each)}, ''), chr(31)" for each in matched.raw)
    words = {column.name: column.words for column in table.columns}
    kinds, purposes = (_or_all(each, words[each]) for each in ("contact_ref_type", "purpose"))
    rows = casting.values_select(table, matched, incoming.rows, rules)
    refused = (
        f"select contact_ref, {kinds} as contact_ref_type, channel, {purposes} as purposes, jurisdiction, reason,"
        f" md5(concat({fingerprint})) as fingerprint from (select *, {reason} as reason from ({rows}))"
        f" where reason is not null and contact_ref is not null and channel in ({_list(CHANNELS)})"
    )
    connection.execute(
        f"copy (select * exclude (contact_ref_type, purposes, purpose),"
        f" unnest(contact_ref_type) as contact_ref_type, purpose"
        f" from (select *, unnest(purposes) as purpose from ({refused}))) to {quote(str(denials_of(part)))}"
        f" (format parquet)"
    )


def append_denials(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    denials: list[Path],
    held: list[Path],
    target: Path,
    now: datetime,
    landed: str,
    options: str,
) -> int:
    """Add one denial per person, channel and purpose to the rows to land; returns how many.

    `evidence` tells one set of refused rows from another, so that the same rows delivered again deny nothing anew.
    """
    who = ("contact_ref", "contact_ref_type", "channel", "purpose")
    fingerprints = "md5(string_agg(fingerprint, '' order by fingerprint))"
    values = {
        "status": "'denied'",
        "changed_at": f"timestamp '{now:%Y-%m-%d %H:%M:%S.%f}'",
        "jurisdiction": "min(jurisdiction)",
        "evidence": f"concat('row refused: ', min(reason), ' [', {fingerprints}, ']')",
    }
    columns = ", ".join(f"{values.get(c.name, c.name)} as {c.name}" for c in table.columns)
    denied = f"select {columns} from read_parquet({path_list(denials)}) group by {', '.join(who)}"
    known = "false"
    if held:
        same = " and ".join(f"earlier.{each} = denied.{each}" for each in (*who, "evidence"))
        known = f"exists (select 1 from read_parquet({path_list(held)}) as earlier where {same})"
    new = f"select *, {landed} from ({denied}) as denied where not {known}"
    both = target.with_name("with-denials.parquet")
    settled = f"select * from read_parquet({quote(str(target))}) union all by name " if target.exists() else ""
    written = connection.execute(f"copy ({settled}{new}) to {quote(str(both))} ({options})").fetchall()[0][0]
    before = pq.read_metadata(target).num_rows if target.exists() else 0
    both.replace(target)
    return int(written) - before


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(quote(each) for each in words)


def _or_all(column: str, words: tuple[str, ...]) -> str:
    """A list of the word the row says, or of every word where it says none that is known."""
    known = _list(words)
    return f"case when {name(column)} in ({known}) then [{name(column)}] else [{known}] end"
