"""Which version of a row wins, as SQL over the rows of one load and the rows already held.

What lives here: the statements that turn staged rows into the rows to land, with is_superseded, is_change and
is_replacement. What does not: casting (casting.py), files and commits (load.py). The rule: newest updated_at, then
newest load, then greatest row_hash; lines follow their parent (perennial/config/contract.py says it column by
column).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from perennial.landing.contract import Table, landed_schema
from perennial.warehouse.duck import name, path_list

OLDER, REPLACED = "older", "replaced"
_BEGINNING = "timestamp '0001-01-01'"


@dataclass(frozen=True)
class Staged:
    """The cast rows of one table of one load. Refused rows are among them, without a row_hash."""

    table: Table
    files: tuple[Path, ...]
    is_unique: bool

    @property
    def select(self) -> str:
        return f"select * from read_parquet({path_list(list(self.files))}) where row_hash is not null"


def key_columns(table: Table, alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + name(column) for column in table.key)


def same_key(table: Table, left: str, right: str) -> str:
    return " and ".join(f"{left}.{name(column)} = {right}.{name(column)}" for column in table.key)


def create_winners(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Views `winners` (one row per key) and `losers` (other contents of a key within this load)."""
    table = staged.table
    connection.execute(f"create or replace temp view staged as {staged.select}")
    if staged.is_unique:
        connection.execute("create or replace temp view winners as from staged")
        connection.execute("create or replace temp view losers as from staged where false")
        return
    keys = key_columns(table)
    newest = f"{_moment(table, 'staged')} desc, " if table.has_updated_at else ""
    matches = same_key(table, "staged", "repeated_keys")
    connection.execute(
        f"create or replace temp table repeated_keys as select {keys} from staged group by {keys} having count(*) > 1"
    )
    connection.execute(
        f"create or replace temp table ranked as select staged.*, row_number() over"
        f" (partition by {key_columns(table, 'staged')} order by {newest}staged.row_hash desc) as place"
        f" from staged semi join repeated_keys on {matches}"
    )
    connection.execute(
        f"create or replace temp view winners as select staged.* from staged anti join repeated_keys on {matches}"
        f" union all select * exclude place from ranked where place = 1"
    )
    first = same_key(table, "ranked", "first")
    connection.execute(
        f"create or replace temp view losers as select * exclude (place, repeat) from ("
        f"select ranked.*, row_number() over (partition by {key_columns(table, 'ranked')}, ranked.row_hash) as repeat"
        f" from ranked join (select * from ranked where place = 1) as first on {first}"
        f" where ranked.row_hash <> first.row_hash) where repeat = 1"
    )


def create_holders(connection: duckdb.DuckDBPyConnection, table: Table, held: list[Path]) -> None:
    """Views `held` (every landed row of the source) and `holders` (the row in force per key)."""
    wanted = [*table.key, "load_id", "row_hash", "is_superseded", "is_change", "is_replacement"]
    wanted += ["updated_at"] if table.has_updated_at else []
    columns = ", ".join(name(column) for column in dict.fromkeys(wanted))
    if not held:
        typed = ", ".join(
            f"cast(null as {landed_schema(table)[column]}) as {name(column)}" for column in dict.fromkeys(wanted)
        )
        connection.execute(f"create or replace temp view held as select * from (select {typed}) where false")
        connection.execute("create or replace temp view holders as from held")
        return
    connection.execute(f"create or replace temp view held as select {columns} from read_parquet({path_list(held)})")
    has_changes, has_replacements = connection.execute(
        "select coalesce(bool_or(is_change), false), coalesce(bool_or(is_replacement), false) from held"
    ).fetchall()[0]
    in_force = "select * from held where not is_superseded"
    if has_replacements:
        in_force = _without_replaced(table, in_force)
    if not has_changes:
        connection.execute(f"create or replace temp view holders as {in_force}")
        return
    keys = key_columns(table)
    matches = same_key(table, "in_force", "changed")
    connection.execute(
        f"create or replace temp view holders as"
        f" with in_force as ({in_force}), changed as (select distinct {keys} from in_force where is_change)"
        f" select in_force.* from in_force anti join changed on {matches}"
        f" union all select in_force.* from in_force semi join changed on {matches}"
        f" qualify row_number() over (partition by {keys} order by load_id desc) = 1"
    )


def _without_replaced(table: Table, rows: str) -> str:
    """Lines that came before the newest replacement of their parent are out."""
    parent = name(parent_key(table))
    return (
        f"select lines.* from ({rows}) as lines"
        f" left join (select {parent}, max(load_id) as since from ({rows}) where is_replacement"
        f" group by {parent}) as newer"
        f" on lines.{parent} = newer.{parent} where newer.since is null or lines.load_id >= newer.since"
    )


def parent_key(table: Table) -> str:
    """The column of a line that names its parent: the first of its key, called as the parent calls it."""
    assert table.parent is not None
    return table.key[0]


def create_parent_states(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Which rows of `table` this load found older than what is held and which it replaced, for the lines below them."""
    connection.execute(
        f"create or replace temp table parents_{table.name} as"
        f" select {name(table.key[0])}, case decision when 'change' then '{REPLACED}' else '{OLDER}' end as state"
        f" from decided where decision in ('change', 'older')"
    )


def no_parent_states(connection: duckdb.DuckDBPyConnection, lines: Table) -> None:
    """Where the parents of these lines were not delivered in this load, none of them has a state."""
    connection.execute(
        f"create temp table if not exists parents_{lines.parent} ({name(parent_key(lines))} varchar, state varchar)"
    )


def create_decided(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Temp table `decided`: every winner's key and hash with its decision: new, change, repeat, older, replacement."""
    older = "false"
    if table.has_updated_at:
        older = f"{_moment(table, 'winners')} < {_moment(table, 'holders')}"
    parent_join, by_parent = "", ""
    if table.parent is not None:
        parent = name(parent_key(table))
        no_parent_states(connection, table)
        parent_join = f" left join parents_{table.parent} as parents on winners.{parent} = parents.{parent}"
        by_parent = f"when parents.state = '{OLDER}' then 'older' when parents.state = '{REPLACED}' then 'replacement' "
    connection.execute(
        f"create or replace temp table decided as select {key_columns(table, 'winners')}, winners.row_hash,"
        f" holders.row_hash is not null as is_held, case {by_parent}when holders.row_hash is null then 'new'"
        f" when holders.row_hash = winners.row_hash then 'repeat'"
        f" when {older} then 'older' else 'change' end as decision"
        f" from winners left join holders on {same_key(table, 'winners', 'holders')}{parent_join}"
    )


def landed_select(table: Table) -> str:
    """The rows to land where something is held, from `winners`, `losers`, `decided` and `held`."""
    columns = _plain_columns(table)
    flags = (
        "false as is_superseded, decision = 'change' or (decision = 'replacement' and is_held) as is_change,"
        " decision = 'replacement' as is_replacement"
    )
    is_held = f"select 1 from held where {same_key(table, 'held', 'rows')} and held.row_hash = rows.row_hash"
    return (
        f"select {columns}, {flags} from winners as rows join (select * from decided where decision in"
        f" ('new', 'change', 'replacement')) as chosen on {same_key(table, 'rows', 'chosen')}"
        f" union all select {columns}, true, false, false from winners as rows"
        f" semi join (select * from decided where decision = 'older') as late on {same_key(table, 'rows', 'late')}"
        f" where not exists ({is_held})"
        f" union all select {columns}, true, false, false from losers as rows where not exists ({is_held})"
    )


def first_select(table: Table) -> str:
    """The rows to land where nothing is held yet: every winner, and what lost to one inside this load."""
    columns = _plain_columns(table)
    return (
        f"select {columns}, false as is_superseded, false as is_change, false as is_replacement from winners as rows"
        f" union all select {columns}, true, false, false from losers as rows"
    )


def _plain_columns(table: Table) -> str:
    """The landed columns that settling does not decide, in landed order."""
    return ", ".join(
        f"rows.{name(column)}"
        for column in landed_schema(table)
        if not column.startswith("is_") or column in table.column_names
    )


def _moment(table: Table, alias: str) -> str:
    column = f"{alias}.updated_at" if alias else "updated_at"
    return f"coalesce({column}, {_BEGINNING})"
