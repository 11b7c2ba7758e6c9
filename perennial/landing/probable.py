"""Pairs of records that probably are one person, kept as a table that SQL joins: from the last build's records.

What lives here: when the pairs are asked for anew, which of them stand, and landing them. What does not: the model
(proposals.py), which records are compared (models/identity/comparable_records.sql), what becomes of a pair
(models/identity/rules/probabilistic.sql).

Between two pieces that exact links make there stands one pair at most, the likeliest: many records of two people are
not many reasons. A pair that stood before stays while both its records are as they were, so that nobody is joined and
parted again because other people's records changed what the model makes of a rare name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow.parquet as pq

from perennial.config.files import write_atomically
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing import own, proposals
from perennial.landing.contract import OWN_TABLES
from perennial.warehouse.duck import connect, path_list, quote

TABLE = "probable_pairs"
RECORDS = "identity.comparable_records"
_STATE_FILE = "_made_of.json"
_KEY = ("source_name", "record_type", "record_id")
_COMPARED = ("first_name", "last_name", "birth_on", "street", "city", "postcode", "phone", "email")
# One first name, written differently: begins alike, is long and one typing error away, or has changed places. The
# guard against families compares first letters alone (vars: first_name_letters): a typing error there would trip it.
_SAME_FIRST_NAME = """
    left(one.first_name, 3) = left(other.first_name, 3)
    or least(length(one.first_name), length(other.first_name)) >= 5
        and damerau_levenshtein(one.first_name, other.first_name) <= 1
    or one.first_name = other.last_name or one.last_name = other.first_name
"""


class ProposalsFailed(RuntimeError):
    """The model came to no end; the pairs that stood stand. Names the error alone: its words may quote records."""


@dataclass(frozen=True)
class _Record:
    piece: int
    row_hash: str
    key: tuple[str, str, str]


def refresh(home: Home, settings: Settings) -> str | None:
    """Bring the table up to the last build's records; what there is to tell of it, None where nothing changed.

    Raises SplinkMissing where the extra is not installed, ProposalsFailed where the model fails: the table stays then.
    """
    wanted = settings.identity.probabilistic
    if wanted is None:
        if _held(home):
            own.write_rows(home, TABLE, ())
        return None
    made_with = proposals.made_with()
    if not home.build_file.exists():
        return "probable links: no warehouse is built yet; the next night compares what this one builds"
    try:
        with connect(
            None, memory_limit=settings.engine.memory_limit, threads=settings.engine.threads, temp_directory=home.spill
        ) as con:
            if not _load(con, home):
                return "probable links: the warehouse was built without records to compare; the next night compares"
            state = {"records": _digest(con), "threshold": wanted.threshold, "made_with": made_with}
            if _state(home) == state | {"rows": len(_held(home))}:
                return None
            rows = _rows(con, _held(home), wanted.threshold, made_with)
    except duckdb.Error as error:
        raise ProposalsFailed(type(error).__name__) from error
    count = own.write_rows(home, TABLE, rows)
    path = home.own_table(TABLE).with_name(_STATE_FILE)
    write_atomically(path, json.dumps(state | {"rows": count}, indent=0))
    return f"probable links: {count:,} pairs of records at {wanted.threshold} or above"


def _load(con: duckdb.DuckDBPyConnection, home: Home) -> bool:
    """A table `compared` of the last build's records, in an order that follows from them; False where it has none."""
    con.execute(f"attach {quote(str(home.build_file))} as build (read_only)")
    schema, table = RECORDS.split(".")
    known = con.execute(
        "select count(*) from duckdb_tables() where database_name = 'build' and schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    if known == [(0,)]:
        return False
    key, values = ", ".join(_KEY), ", ".join(f"coalesce(cast({name} as varchar), '')" for name in _COMPARED)
    con.execute(
        "create table compared as select piece, source_name, record_type, record_id as own_id,"
        f" concat_ws('/', {key}) as {proposals.RECORD},"
        f" {', '.join(_COMPARED)}, md5(concat_ws('|', {values})) as row_hash from build.{RECORDS} order by {key}"
    )
    con.execute("detach build")
    return bool(con.execute("select 1 from compared limit 1").fetchall())


def _digest(con: duckdb.DuckDBPyConnection) -> str:
    """One hash over the records and the pieces they make. Pieces are named by their first record: numbers shift."""
    digest = hashlib.sha256()
    record = proposals.RECORD
    result = con.execute(
        f"select {record}, min({record}) over (partition by piece), row_hash from compared order by {record}"
    )
    while batch := result.fetchmany(10_000):
        digest.update("\n".join("|".join(row) for row in batch).encode())
    return digest.hexdigest()


def _rows(
    con: duckdb.DuckDBPyConnection, held: list[dict[str, Any]], threshold: float, made_with: str
) -> list[dict[str, Any]]:
    """Tonight's rows: those that stood and still hold, then what the model proposes between other pieces."""
    result = con.execute(f"select {proposals.RECORD}, piece, row_hash, source_name, record_type, own_id from compared")
    records = {row[0]: _Record(row[1], row[2], row[3:]) for row in result.fetchall()}
    taken: dict[tuple[int, int], dict[str, Any]] = {}
    held = [row for row in held if row["made_with"] == made_with and row["probability"] >= threshold]
    for row in [*sorted(held, key=_likeliest), *_proposed(con, records, threshold, made_with)]:
        one, other = (records.get(each) for each in _ends(row))
        if one is None or other is None or one.piece == other.piece:
            continue
        if (one.row_hash, other.row_hash) == (row["record_hash"], row["other_record_hash"]):
            taken.setdefault((min(one.piece, other.piece), max(one.piece, other.piece)), row)
    return sorted(taken.values(), key=lambda row: row["pair_id"])


def _proposed(
    con: duckdb.DuckDBPyConnection, records: dict[str, _Record], threshold: float, made_with: str
) -> Iterator[dict[str, Any]]:
    """The model's pairs as rows, the likeliest first; none where there is too little to compare."""
    try:
        found = proposals.propose(con, "compared", threshold)
    except proposals.TooLittle:
        return
    except proposals.SplinkMissing:
        raise
    except Exception as error:  # whatever a model of another project raises: the night goes on without it
        raise ProposalsFailed(type(error).__name__) from error
    alike = _same_first_names(con, found)
    for each in found:
        one, other = records[each.record_id], records[each.linked_record_id]
        yield {
            "pair_id": f"{each.record_id} and {each.linked_record_id}",
            **dict(zip(_KEY, one.key, strict=True)),
            **{f"other_{name}": value for name, value in zip(_KEY, other.key, strict=True)},
            "probability": round(each.probability, 6), "weight": round(each.weight, 4),
            "has_same_first_name": (each.record_id, each.linked_record_id) in alike,
            "record_hash": one.row_hash, "other_record_hash": other.row_hash, "made_with": made_with,
        }  # fmt: skip


def _same_first_names(con: duckdb.DuckDBPyConnection, found: list[proposals.Proposal]) -> set[tuple[str, str]]:
    con.execute("create table proposed (record_id varchar, linked_record_id varchar)")
    for start in range(0, len(found), 10_000):
        part = found[start : start + 10_000]
        con.execute(
            "insert into proposed select unnest(?), unnest(?)",
            [[each.record_id for each in part], [each.linked_record_id for each in part]],
        )
    return set(
        con.execute(
            f"""select proposed.record_id, proposed.linked_record_id
            from proposed
            inner join cleaned_records as one on proposed.record_id = one.record_id
            inner join cleaned_records as other on proposed.linked_record_id = other.record_id
            where {_SAME_FIRST_NAME}"""
        ).fetchall()
    )


def _ends(row: dict[str, Any]) -> tuple[str, str]:
    return "/".join(row[name] for name in _KEY), "/".join(row[f"other_{name}"] for name in _KEY)


def _likeliest(row: dict[str, Any]) -> tuple[float, str]:
    return -row["weight"], row["pair_id"]


def _held(home: Home) -> list[dict[str, Any]]:
    path = home.own_table(TABLE)
    if not path.exists() or pq.read_metadata(path).num_rows == 0:
        return []
    columns = ", ".join(OWN_TABLES[TABLE])
    with connect(None) as con:
        rows = con.execute(f"select {columns} from read_parquet({path_list([path])})").fetchall()
    return [dict(zip(OWN_TABLES[TABLE], row, strict=True)) for row in rows]


def _state(home: Home) -> dict[str, Any]:
    """Of what the table was made; nothing where that is not known, so that it is made anew."""
    try:
        content = json.loads(home.own_table(TABLE).with_name(_STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
