"""What was published as final and now reads otherwise: each figure that moved, by how much, and why.

What lives here: naming the causes of what moved, and the rows of one file of journal/restatements. What does not:
comparing (comparison.py), which figures are final (config.meta.restated of the models), reading the journal back
(models/publish/restatements.sql).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb

from perennial.config.contract import TABLES
from perennial.warehouse.comparison import Watched, columns, compare, count
from perennial.warehouse.duck import quote

FOLDER = "restatements"
TABLE = ("publish", "restatements")
COLUMNS = {
    "noticed_at": "timestamp", "as_of": "timestamp", "previous_as_of": "timestamp", "table_name": "varchar",
    "figure": "varchar", "row_key": "varchar", "stage_model": "varchar", "old_value": "double", "new_value": "double",
    "delta": "double", "cause": "varchar", "evidence": "varchar", "previous_rule_version": "varchar",
    "rule_version": "varchar", "previous_snapshot_id": "varchar", "snapshot_id": "varchar",
}  # fmt: skip
STAGE_MODEL, VARIABLE, SETTING, CODE = "stage_models.", "vars.", "settings.", "code."
TIME_ZONE = f"{SETTING}time_zone"


@dataclass(frozen=True)
class Edition:
    """One side of the comparison: a snapshot that was or will be published, and the rules it was made by."""

    snapshot_id: str
    as_of: datetime
    built_at: datetime
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Causes:
    """What became different between two editions, with what there is to say of it."""

    models: Mapping[str, str]
    settings: Mapping[str, str]
    code: frozenset[str]
    late: str = ""
    late_on: str = "9999-12-31"
    joined: str = ""
    mean: str = ""
    mean_models: tuple[str, ...] = ()


def find(
    connection: duckdb.DuckDBPyConnection,
    watched: Mapping[str, Watched],
    before: Edition,
    after: Edition,
    moving: Sequence[str] = (),
) -> int:
    """Fill temp.restated with what moved from the attached `last` to the attached `build`; how many rows.

    moving: stage models that measure against a figure of today, so that any night may move their past.
    """
    held = ", ".join(f"{column} {sql_type}" for column, sql_type in COLUMNS.items())
    connection.execute(f"create or replace temp table restated ({held})")
    # a look at an earlier time than the published one finds fewer things closed, and nothing restated
    if after.as_of < before.as_of:
        return 0
    moved = compare(connection, watched, business_day(before), "last", "build")
    if moved:
        _name_causes(connection, before, after, _causes(connection, watched, before, after, moving))
    return moved


def business_day(edition: Edition) -> str:
    """The business date at which an edition was made."""
    return edition.as_of.astimezone(ZoneInfo(edition.rules.get(TIME_ZONE, "UTC"))).date().isoformat()


def _causes(
    connection: duckdb.DuckDBPyConnection,
    watched: Mapping[str, Watched],
    before: Edition,
    after: Edition,
    moving: Sequence[str],
) -> _Causes:
    late, late_on = _late(connection, before)
    changed = {
        key: f"{before.rules[key]} before, {after.rules.get(key, 'nothing')} now"
        for key in before.rules
        if before.rules[key] != after.rules.get(key)
    }
    code = {key.removeprefix(CODE) for key in changed if key.startswith(CODE)}
    if not any(key.startswith(CODE) for key in before.rules):  # published by an older Perennial, which did not say
        code = set(watched)
    return _Causes(
        models={k.removeprefix(STAGE_MODEL): said for k, said in changed.items() if k.startswith(STAGE_MODEL)},
        settings={
            table: "; ".join(
                f"{key}: {said}" for key, said in changed.items()
                if key.startswith(SETTING) or key in {f"{VARIABLE}{variable}" for variable in each.variables}
            )
            for table, each in watched.items()
        },
        code=frozenset(code),
        late=late,
        late_on=late_on,
        joined=_joined(connection),
        mean=_mean_moved(connection),
        mean_models=tuple(moving),
    )  # fmt: skip


def _late(connection: duckdb.DuckDBPyConnection, before: Edition) -> tuple[str, str]:
    """What was landed since that edition and is dated before it: said in words, and the first day of it."""
    since, as_of = _moment(before.built_at), _moment(before.as_of)
    parts = [
        f"select {quote(table.name)} as table_name, count(*) as rows_count,"
        f" min({table.event_time})::timestamp as first_at"
        f" from build.input.{table.name} where loaded_at > {since} and {table.event_time}::timestamp < {as_of}"
        for table in TABLES.values()
        if table.event_time and {table.event_time, "loaded_at"} <= columns(connection, "build", f"input.{table.name}")
    ]
    if not parts:
        return "", "9999-12-31"
    zone = quote(before.rules.get(TIME_ZONE, "UTC"))
    found = connection.execute(
        f"select table_name, rows_count, timezone({zone}, timezone('UTC', first_at))::date::varchar"
        f" from ({' union all '.join(parts)}) where rows_count > 0 order by first_at, table_name"
    ).fetchall()
    said = ", ".join(f"{rows} of {table} from {first_on} on" for table, rows, first_on in found)
    return said, min((first_on for _table, _rows, first_on in found), default="9999-12-31")


def _joined(connection: duckdb.DuckDBPyConnection) -> str:
    """How many customer ids gave records to others tonight."""
    if not columns(connection, "build", "identity.identity_moves"):
        return ""
    moves = count(connection, "build.identity.identity_moves")
    return f"{moves} customer ids gave records to others" if moves else ""


def _mean_moved(connection: duckdb.DuckDBPyConnection) -> str:
    """The store's mean order then and now, where it moved."""
    needed = {"revenue_amount", "orders_count"}
    if not all(needed <= columns(connection, side, "customer.customers") for side in ("last", "build")):
        return ""
    old, new = (
        connection.execute(
            "select (sum(revenue_amount) / nullif(sum(orders_count), 0))::decimal(18, 4)"
            f" from {side}.customer.customers where orders_count > 0 and revenue_amount is not null"
        ).fetchall()[0][0]
        for side in ("last", "build")
    )
    return f"the store's mean order was {old}, is {new}" if old != new else ""


def _name_causes(connection: duckdb.DuckDBPyConnection, before: Edition, after: Edition, causes: _Causes) -> None:
    """temp.moved with its causes, into temp.restated. Of several that may have moved a figure, all are named."""
    model = "split_part(stage_model, '@', 1)"
    is_late = f"{quote(causes.late)} <> '' and coalesce(until_on > date {quote(causes.late_on)}, true)"
    settings = _by("table_name", causes.settings)
    possible = [
        ("new_rule", f"stage_model in {_list(causes.models)}", _by("stage_model", causes.models)),
        ("changed_setting", f"{settings} <> ''", settings),
        ("changed_code", f"table_name in {_list(causes.code)}", "'the SQL that makes it'"),
        ("late_data", is_late, quote(causes.late)),
        ("identity", f"{quote(causes.joined)} <> ''", quote(causes.joined)),
        ("store_mean", f"{quote(causes.mean)} <> '' and {model} in {_list(causes.mean_models)}", quote(causes.mean)),
    ]  # fmt: skip
    named = ", ".join(f"case when {condition} then {quote(cause)} end" for cause, condition, _said in possible)
    said = ", ".join(
        f"case when {condition} then {quote(cause + ': ')} || {said} end" for cause, condition, said in possible
    )
    versions = [
        _by("stage_model", {k.removeprefix(STAGE_MODEL): v for k, v in side.rules.items() if k.startswith(STAGE_MODEL)})
        for side in (before, after)
    ]
    connection.execute(f"""
        insert into restated by name
        select {_moment(after.built_at)} as noticed_at, {_moment(after.as_of)} as as_of,
            {_moment(before.as_of)} as previous_as_of, table_name, figure, row_key, stage_model, old_value, new_value,
            coalesce(new_value, 0) - coalesce(old_value, 0) as delta,
            coalesce(nullif(concat_ws(', ', {named}), ''), 'unexplained') as cause,
            nullif(concat_ws('; ', {said}), '') as evidence,
            {versions[0]} as previous_rule_version, {versions[1]} as rule_version,
            {quote(before.snapshot_id)} as previous_snapshot_id, {quote(after.snapshot_id)} as snapshot_id
        from moved
    """)


def _by(column: str, values: Mapping[str, str]) -> str:
    """SQL: what a mapping holds of a column's value; null where nothing."""
    cases = " ".join(f"when {quote(key)} then {quote(value)}" for key, value in values.items())
    return f"case {column} {cases} end" if cases else "cast(null as varchar)"


def _list(values: Sequence[str] | Mapping[str, str] | frozenset[str]) -> str:
    return "(" + ", ".join(map(quote, sorted(values))) + ")" if values else "('')"


def _moment(at: datetime) -> str:
    return f"timestamp {quote(at.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f'))}"
