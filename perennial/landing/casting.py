"""Raw values → contract types, as SQL: what a value becomes, and when its row is refused and why.

What lives here: text of expressions, one contract column at a time. What does not: running them, versions (settle.py).
Reasons show a value only where it is a number, a time or a word of a closed list: never an e-mail, a phone or a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from perennial.landing.contract import Column, Table
from perennial.landing.incoming import REFUSED_COLUMN, Matched, RawColumn
from perennial.warehouse.duck import name, quote

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
LONGEST_TEXT = 1_000_000
FUTURE_DAYS = 7
_EARLIEST, _LATEST = "1900-01-01", "2200-01-01"
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_TRUE, _FALSE = "('true', 't', 'yes', 'y', '1')", "('false', 'f', 'no', 'n', '0')"


@dataclass(frozen=True)
class Rules:
    """What of a source's settings decides how its values are read."""

    time_zone: str
    status_map: dict[str, str]
    now: datetime  # the load's time, UTC


@dataclass(frozen=True)
class Refusal:
    """A row is refused where `condition` holds; `reason` is a text expression."""

    condition: str
    reason: str


def values_select(table: Table, matched: Matched, rows: str, rules: Rules, extra: tuple[str, ...] = ()) -> str:
    """The rows with every contract column cast (`col`) and its raw value beside it (`raw_<col>`)."""
    parts = []
    for column in table.columns:
        raw = matched.raw.get(column.name)
        if raw is None:
            parts.append(f"cast(null as {column.sql_type}) as {name(column.name)}")
            continue
        parts.append(f"{_value(table, column, raw, rules)} as {name(column.name)}")
        parts.append(f"{_raw_text(raw)} as {_raw(column)}")
    if matched.is_checked:
        parts.append(f"{name(REFUSED_COLUMN)} as {name(REFUSED_COLUMN)}")
    parts.extend(extra)
    return f"select {', '.join(parts)} from ({rows}) as delivered"


def refusals(table: Table, matched: Matched, rules: Rules) -> list[Refusal]:
    """Every way a row of this delivery can break the contract, in the order in which reasons are given."""
    found = []
    if matched.is_checked:
        found.append(Refusal(f"{name(REFUSED_COLUMN)} is not null", name(REFUSED_COLUMN)))
    for column in table.columns:
        raw = matched.raw.get(column.name)
        if raw is not None:
            found.extend(_column_refusals(table, column, raw, rules))
    return found


def is_refused(found: list[Refusal]) -> str:
    return " or ".join(f"({each.condition})" for each in found) or "false"


def first_reason(found: list[Refusal]) -> str:
    cases = " ".join(f"when {each.condition} then {each.reason}" for each in found)
    return f"case {cases} end" if cases else "cast(null as varchar)"


def row_hash(table: Table) -> str:
    """md5 of a text that tells any two different rows apart: every text with its length before it.

    A column added to the contract goes to the end and leaves no trace where it is null (Column.is_later), or every row
    held would count as changed.
    """
    parts = []
    for column in table.columns:
        value = name(column.name)
        if column.is_later:
            parts.append(f"'{column.name}=' || strlen(cast({value} as varchar)) || ':' || {value}")
        elif column.type in ("text", "id"):
            parts.append(f"strlen({value}), ':', {value}")
        elif column.type == "at":
            parts.append(f"'|', epoch_us({value})")
        else:
            parts.append(f"'|', {value}")
    return f"md5(concat({', '.join(parts)}))"


def _raw(column: Column) -> str:
    return name(f"raw_{column.name}")


def _raw_text(raw: RawColumn) -> str:
    if raw.type == "JSON":
        return f"({name(raw.name)} ->> '$')"
    return f"cast({name(raw.name)} as varchar)" if raw.type != "VARCHAR" else name(raw.name)


def _is_nested(raw: RawColumn) -> bool:
    return raw.type.endswith("]") or raw.type.startswith(("STRUCT", "MAP", "UNION"))


def _value(table: Table, column: Column, raw: RawColumn, rules: Rules) -> str:
    if column.type in ("id", "text"):
        return _words(table, column, _text(column, raw), rules) if column.words else _text(column, raw)
    if column.type == "boolean":
        return _boolean(raw)
    if column.type == "at":
        return _moment(raw, rules)
    if column.type == "on":
        return _day(raw)
    return _number(column, raw)


def _text(column: Column, raw: RawColumn) -> str:
    """Text as it stands, an id without blanks around it; numbers as exact text, whole ones without a fraction.

    Blank and the md5 of nothing are null.
    """
    value = name(raw.name)
    if raw.type == "JSON":
        value = _json_text(value)
    elif raw.type in ("DOUBLE", "FLOAT"):
        value = _float_text(value)
    elif raw.type.startswith("DECIMAL"):
        value = f"regexp_replace(cast({value} as varchar), '\\.0+$', '')"
    elif _is_nested(raw):
        return "cast(null as varchar)" if column.type == "id" else f"cast(to_json({value}) as varchar)"
    elif raw.type != "VARCHAR":
        value = f"cast({value} as varchar)"
    blank = f"{value} = ''"
    if column.type == "id":
        # trim looks at every letter; an id of ASCII without a blank has nothing that it takes away
        is_plain = f"strlen({value}) = length({value}) and not contains({value}, ' ')"
        value = f"case when {is_plain} then {value} else trim({value}) end"
        blank = f"{value} = ''"
    elif column.required:
        blank = f"ltrim({value}) = ''"  # trim looks at every letter, ltrim at none beyond the first
    return f"case when {blank} or {value} = '{EMPTY_MD5}' then null else {value} end"


def _float_text(value: str) -> str:
    whole = f"isfinite({value}) and {value} = trunc({value}) and abs({value}) < 1e37"
    plain = f"case when isfinite({value}) then cast({value} as varchar) end"
    return f"case when {whole} then cast(cast({value} as hugeint) as varchar) else {plain} end"


def _json_text(value: str) -> str:
    """An id from JSON: a string's content or a number's exact text; anything nested is none."""
    text = f"cast({value} as varchar)"
    number = _float_text(f"try_cast({text} as double)")
    cases = (
        f"when left({text}, 1) = '\"' then {value} ->> '$'",
        f"when {text} in ('true', 'false') or regexp_full_match({text}, '-?[0-9]+') then {text}",
        f"when regexp_full_match({text}, '-?[0-9.]+([eE][-+]?[0-9]+)?') then {number}",
    )
    return f"(case {' '.join(cases)} end)"


def _words(table: Table, column: Column, value: str, rules: Rules) -> str:
    word = f"nullif(lower(trim({value})), '')"
    if table.name != "shop_orders" or column.name != "status" or not rules.status_map:
        return word
    cases = " ".join(f"when {quote(source)} then {quote(target)}" for source, target in rules.status_map.items())
    return f"case {word} {cases} else {word} end"


def _boolean(raw: RawColumn) -> str:
    if raw.type == "BOOLEAN":
        return name(raw.name)
    word = f"lower(trim(cast({name(raw.name)} as varchar)))"
    if raw.type in ("DOUBLE", "FLOAT") or raw.type.startswith("DECIMAL"):
        word = f"regexp_replace({word}, '\\.0+$', '')"
    return f"case when {word} in {_TRUE} then true when {word} in {_FALSE} then false end"


def _number(column: Column, raw: RawColumn) -> str:
    """Through its shortest text, so that a float is rounded as a person reads it: 1.00005 → 1.0001."""
    if raw.type in ("DOUBLE", "FLOAT"):
        # without the case DuckDB concludes from a Parquet file's statistics, which leave NaN out, that none is null
        value = name(raw.name)
        return f"case when isfinite({value}) then try_cast(cast({value} as varchar) as {column.sql_type}) end"
    if raw.type in ("VARCHAR", "JSON"):
        return f"try_cast(cast({name(raw.name)} as varchar) as {column.sql_type})"
    if raw.type in _WHOLE or raw.type.startswith("DECIMAL"):
        return f"try_cast({name(raw.name)} as {column.sql_type})"
    return f"cast(null as {column.sql_type})"


def _moment(raw: RawColumn, rules: Rules) -> str:
    """A time in UTC. Text without an offset is in the session's time zone, which a load sets to its source's."""
    value = name(raw.name)
    if raw.type in ("VARCHAR", "JSON") or _has_zone(raw):
        return f"make_timestamp(epoch_us(try_cast({value} as timestamptz)))"
    if raw.type == "DATE" or raw.type.startswith("TIMESTAMP"):
        naive = f"try_cast({value} as timestamp)"
        if rules.time_zone == "UTC":
            return naive
        return f"make_timestamp(epoch_us(timezone({quote(rules.time_zone)}, {naive})))"
    return "cast(null as timestamp)"


def _has_zone(raw: RawColumn) -> bool:
    """Of any unit: DuckDB calls them TIMESTAMP WITH TIME ZONE and TIMESTAMPTZ_NS."""
    return raw.type.startswith("TIMESTAMP") and ("TZ" in raw.type or "ZONE" in raw.type)


def _day(raw: RawColumn) -> str:
    if raw.type in ("VARCHAR", "JSON", "DATE") or raw.type.startswith("TIMESTAMP"):
        return f"try_cast({name(raw.name)} as date)"
    return "cast(null as date)"


def _column_refusals(table: Table, column: Column, raw: RawColumn, rules: Rules) -> list[Refusal]:
    value, before = name(column.name), _raw(column)
    blank = f"({before} is null or trim({before}) in ('', '{EMPTY_MD5}'))"
    found = []
    if column.required:
        found.append(Refusal(f"{value} is null and {blank}", quote(f"{column.name}: is missing; every row needs one")))
    if column.type in ("id", "text"):
        found.extend(_text_refusals(column, raw, value, before, blank))
    else:
        found.append(Refusal(f"{value} is null and not {blank}", _wrong_type(column, before)))
    if column.type in ("at", "on"):
        found.extend(_range_refusals(table, column, value, rules))
    return found


def _text_refusals(column: Column, raw: RawColumn, value: str, before: str, blank: str) -> list[Refusal]:
    found = []
    if raw.type not in ("VARCHAR", *_WHOLE):
        reason = quote(f"{column.name}: is a nested value or no finite number; deliver plain text")
        found.append(Refusal(f"{value} is null and not {blank}", reason))
    if column.words:
        known = ", ".join(f"'{word}'" for word in column.words)
        remedy = "map it in status_map to" if column.name == "status" and "paid" in column.words else "write"
        said = f"is not one of the words known here; {remedy} one of {', '.join(column.words)}"
        found.append(Refusal(f"{value} not in ({known})", _shown(column, before, said)))
    else:
        found.append(
            Refusal(
                f"strlen({value}) > {LONGEST_TEXT}",
                quote(f"{column.name}: is longer than {LONGEST_TEXT} bytes; shorten it"),
            )
        )
        found.append(Refusal(f"contains({value}, chr(0))", quote(f"{column.name}: holds a NUL character; remove it")))
    return found


def _wrong_type(column: Column, before: str) -> str:
    wanted = {
        "boolean": "is neither true nor false; write true, false or nothing",
        "at": "is not a time; write it like 2026-03-01T06:00:00Z",
        "on": "is not a date; write it like 2026-03-01",
    }.get(column.type, "is not a number, or too large; write it like 1234.50")
    return _shown(column, before, wanted)


def _range_refusals(table: Table, column: Column, value: str, rules: Rules) -> list[Refusal]:
    latest = _LATEST
    text = f"lies after {_LATEST[:4]}; correct it at the source"
    if column.name in (table.event_time, "updated_at") and not column.is_scheduled:
        latest = (rules.now + timedelta(days=FUTURE_DAYS)).strftime("%Y-%m-%d %H:%M:%S")
        text = "lies in the future; correct it at the source, or the source's time_zone"
    kind = "timestamp" if column.type == "at" else "date"
    return [
        Refusal(f"{value} > cast('{latest}' as {kind})", _shown(column, value, text)),
        Refusal(
            f"{value} < {kind} '{_EARLIEST}'", _shown(column, value, "lies before 1900; leave it empty where unknown")
        ),
    ]


def _shown(column: Column, value: str, text: str) -> str:
    before, after = quote(f"{column.name}: '"), quote(f"' {text}")
    return f"concat({before}, left(cast({value} as varchar), 40), {after})"
