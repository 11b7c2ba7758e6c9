"""A consent, unsubscribe or complaint that cannot be read still says that somebody's permission changed: until it is
delivered well, it counts as a denial.

What lives here: making denials from refused rows of consents and message_events. What does not: refusing them
(casting.py). A consent denies where its row says whom and which channel; where it does not say the purpose or the kind
of reference, every one of them is denied. An event protects where its row says which message; it then is that
message's unsubscribe.
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

TABLES = ("consents", "message_events")
# How senders begin the words for an unsubscribe or a complaint, the contract's own among them.
_UNSUBSCRIBES = "(unsub|opt[ _-]?out|spam|complain).*"


def denials_of(part: Path) -> Path:
    """Where the denials made beside a staged part lie."""
    return part.with_name(part.name.replace("staged-", "denied-"))


def unprotected(count: int, refused: int) -> str:
    """One line about refused consents that name nobody."""
    return (
        f"consents: {count} of {refused} refused rows say not whom or not which channel, so they deny nobody;"
        f" look into quarantine and mend them first"
    )


def stage_denials(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    matched: Matched,
    incoming: Incoming,
    rules: casting.Rules,
    part: Path,
) -> int:
    """Note what every refused row of one delivery denies and why; returns how many rows say so much."""
    reason = casting.first_reason(casting.refusals(table, matched, rules))
    fingerprint = ", ".join(f"coalesce({name('raw_' + each)}, ''), chr(31)" for each in matched.raw)
    rows = casting.values_select(table, matched, incoming.rows, rules)
    denies, said = _denying_consents(table) if table.name == "consents" else _denying_events()
    found = connection.execute(
        f"copy (select {said}, reason, md5(concat({fingerprint})) as fingerprint"
        f" from (select *, {reason} as reason from ({rows})) where reason is not null and {denies})"
        f" to {quote(str(denials_of(part)))} (format parquet)"
    ).fetchall()
    return int(found[0][0])


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
    """Add the denials that are not held yet to the rows to land; returns how many."""
    noted = f"select * from read_parquet({path_list(denials)})"
    denied, same = _consents(table, noted, now) if table.name == "consents" else _events(table, noted, now)
    known = "false"
    if held:
        matches = " and ".join(f"earlier.{each} = denied.{each}" for each in same)
        known = f"exists (select 1 from read_parquet({path_list(held)}) as earlier where {matches})"
    new = f"select *, {landed} from ({denied}) as denied where not {known}"
    both = target.with_name("with-denials.parquet")
    settled = f"select * from read_parquet({quote(str(target))}) union all by name " if target.exists() else ""
    written = connection.execute(f"copy ({settled}{new}) to {quote(str(both))} ({options})").fetchall()[0][0]
    before = pq.read_metadata(target).num_rows if target.exists() else 0
    both.replace(target)
    return int(written) - before


def _denying_consents(table: Table) -> tuple[str, str]:
    """Which refused consents deny, and what is noted of them."""
    words = {column.name: column.words for column in table.columns}
    kinds, purposes = (_or_all(each, words[each]) for each in ("contact_ref_type", "purpose"))
    denies = f"contact_ref is not null and channel in ({_list(CHANNELS)})"
    return denies, f"contact_ref, {kinds} as kinds, channel, {purposes} as purposes, jurisdiction"


def _consents(table: Table, noted: str, now: datetime) -> tuple[str, tuple[str, ...]]:
    """One denial per person, channel and purpose, and the columns by which one that is held is known again.

    `evidence` tells one set of refused rows from another, so that the same rows delivered again deny nothing anew.
    """
    who = ("contact_ref", "contact_ref_type", "channel", "purpose")
    fingerprints = "md5(string_agg(fingerprint, '' order by fingerprint))"
    values = {
        "status": "'denied'",
        "changed_at": _moment(now),
        "jurisdiction": "min(jurisdiction)",
        "evidence": f"concat('row refused: ', min(reason), ' [', {fingerprints}, ']')",
    }
    each = f"select *, unnest(kinds) as contact_ref_type from (select *, unnest(purposes) as purpose from ({noted}))"
    return f"select {_columns(table, values)} from ({each}) group by {', '.join(who)}", (*who, "evidence")


def _denying_events() -> tuple[str, str]:
    """Which refused events of messages deny, and what is noted of them."""
    word = "lower(trim(raw_event_type))"
    return f"message_id is not null and regexp_full_match({word}, {quote(_UNSUBSCRIBES)}, 's')", "message_id"


def _events(table: Table, noted: str, now: datetime) -> tuple[str, tuple[str, ...]]:
    """One unsubscribe per refused row, under an id made from the row, and the column by which it is known again."""
    values = {
        "event_id": "concat('refused ', fingerprint)",
        "event_type": "'unsubscribed'",
        "occurred_at": _moment(now),
        "is_machine": "cast(null as boolean)",
        "url": "cast(null as varchar)",
    }
    return f"select distinct {_columns(table, values)} from ({noted})", ("event_id",)


def _columns(table: Table, values: dict[str, str]) -> str:
    return ", ".join(f"{values.get(each, each)} as {each}" for each in table.column_names)


def _moment(now: datetime) -> str:
    return f"timestamp '{now:%Y-%m-%d %H:%M:%S.%f}'"


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(quote(each) for each in words)


def _or_all(column: str, words: tuple[str, ...]) -> str:
    """A list of the word the row says, or of every word where it says none that is known."""
    known = _list(words)
    return f"case when {name(column)} in ({known}) then [{name(column)}] else [{known}] end"
