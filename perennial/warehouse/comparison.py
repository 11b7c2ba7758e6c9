"""Two builds held against each other: each final figure that reads otherwise in the one than in the other.

What lives here: what is watched of a table, and the comparison. What does not: why a figure moved (restatements.py),
which figures are final (config.meta.restated of the models).

Only what cannot change any more by the passing of time is compared: a closed month, not the running one. A figure that
stands on one side only counts where its family (say, this KPI) stands on both: a new report restates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from perennial.warehouse.duck import name, quote

TOLERANCE = 1e-9  # of doubles: the last digits of a sum depend on its order


@dataclass(frozen=True)
class Watched:
    """The final figures of one table, as its model declares them; all but names are SQL over one of its rows."""

    key: tuple[str, ...]
    final: Mapping[str, str]  # figure → when it is final, given as_of_on
    until: str  # the first day whose events the figure no longer depends on; null where there is none
    family: tuple[str, ...] = ()
    stage_model: str = "cast(null as varchar)"  # whose rules decide the figure
    variables: tuple[str, ...] = ()  # names in vars that the table reads


def compare(
    connection: duckdb.DuckDBPyConnection, watched: Mapping[str, Watched], as_of_on: str, old: str, new: str
) -> int:
    """Fill temp.moved: every final figure that reads otherwise in the attached database `new` than in `old`."""
    connection.execute(
        "create or replace temp table moved (table_name varchar, figure varchar, row_key varchar, stage_model varchar,"
        " until_on date, old_value double, new_value double)"
    )
    for table, each in watched.items():
        wanted = {*each.key, *each.final}
        if all(wanted <= columns(connection, database, table) for database in (old, new)):
            connection.execute(_moved(table, each, as_of_on, old, new))
    return count(connection, "moved")


def _moved(table: str, watched: Watched, as_of_on: str, old: str, new: str) -> str:
    schema, _, relation = table.partition(".")
    keys, family = ", ".join(map(name, watched.key)), ", ".join(map(name, watched.family)) or "1"
    sides = " union all ".join(
        f"select *, {is_new} as is_new_ from {database}.{name(schema)}.{name(relation)}"
        for database, is_new in ((old, "false"), (new, "true"))
    )
    packed = ", ".join(f"{name(each)} := {name(each)}" for each in watched.key)
    finals = ", ".join(
        f"{name(figure)}::double as {name(figure)}, coalesce({when}, false) as {name(f'{figure} is final')}"
        for figure, when in watched.final.items()
    )
    both = ", ".join(
        f"any_value({name(figure)}) filter (not is_new_) as {name(f'old {figure}')},"
        f" any_value({name(figure)}) filter (is_new_) as {name(f'new {figure}')},"
        f" coalesce(any_value({name(f'{figure} is final')}) filter (not is_new_),"
        f" bool_and({name(f'{figure} is final')})) as {name(f'{figure} is final')}"
        for figure in watched.final
    )
    told = " union all ".join(
        f"select {quote(figure)} as figure, row_key, stage_model_, until_, has_old, has_new,"
        f" {name(f'old {figure}')} as old_value, {name(f'new {figure}')} as new_value"
        f" from paired where {name(f'{figure} is final')}"
        for figure in watched.final
    )
    return f"""
        insert into moved by name
        with sides as (select *, date {quote(as_of_on)} as as_of_on from ({sides})),
        judged as (
            select {keys}, is_new_, cast({watched.until} as date) as until_, {watched.stage_model} as stage_model_,
                {finals},
                bool_or(not is_new_) over kin and bool_or(is_new_) over kin as is_of_both
            from sides window kin as (partition by {family})
        ),
        paired as (
            select {keys}, to_json(struct_pack({packed}))::varchar as row_key,
                any_value(until_) as until_, any_value(stage_model_) as stage_model_,
                bool_or(not is_new_) as has_old, bool_or(is_new_) as has_new, {both}
            from judged where is_of_both group by {keys}
        ),
        told as ({told})
        select {quote(table)} as table_name, figure, row_key, stage_model_ as stage_model, until_ as until_on,
            old_value, new_value
        from told
        where old_value is distinct from new_value
            and (has_old and has_new or coalesce(old_value, new_value, 0) <> 0)
            and coalesce(abs(new_value - old_value) > {TOLERANCE} * greatest(abs(old_value), abs(new_value)), true)
    """


def columns(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> set[str]:
    """Names of the columns of a table of an attached database; none where it is not there."""
    schema, _, relation = table.partition(".")
    found = connection.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ?",
        [database, schema, relation],
    )
    return {row[0] for row in found.fetchall()}


def count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows there are."""
    row = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(row[0]) if row else 0
