"""Pairs of records that probably are one person, from names, addresses and dates: a Splink model and one call of it.

What lives here: which columns are compared and how, how the model is estimated without labels, and the pairs it
proposes. What does not: where the records come from and what becomes of a pair. Splink is an extra
(requirements-splink.lock beside this module), imported when pairs are asked for; nothing else here needs it.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from perennial.config.extras import SPLINK_MISSING

RECORD = "record_id"
# Compared in lower case and without what a keyboard adds. What the records lack is left out.
COLUMNS = ("first_name", "last_name", "birth_on", "street", "city", "postcode", "phone", "email")
# What else pairs are sought by, and what it is made of: (name, columns it needs, SQL over the cleaned columns).
DERIVED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "both_names",
        ("first_name", "last_name"),
        "least(first_name, last_name) || ' ' || greatest(first_name, last_name)",
    ),
    ("email_name", ("email",), "split_part(email, '@', 1)"),
    ("birth_year", ("birth_on",), "left(birth_on, 4)"),
    ("birth_day", ("birth_on",), "right(birth_on, 4)"),
)
# Pairs that are looked at at all: each rule a set of columns that must agree.
BLOCKING: tuple[tuple[str, ...], ...] = (
    ("email",), ("email_name",), ("phone",), ("both_names",), ("birth_on",),
    ("first_name", "birth_year"), ("last_name", "birth_year"), ("first_name", "birth_day"), ("last_name", "birth_day"),
    ("first_name", "city"), ("last_name", "city"), ("first_name", "postcode"), ("last_name", "postcode"),
    ("street", "postcode"), ("street", "city"),
)  # fmt: skip
# Columns held equal while the other columns' chances are estimated; every column must be free in one of them.
TRAINING: tuple[tuple[str, ...], ...] = (("both_names",), ("birth_on",), ("email",), ("street",), ("postcode",))
# What surely is one person, and the share of true pairs this is taken to find: the model's prior, not its threshold.
CERTAIN: tuple[tuple[str, ...], ...] = (
    ("email",),
    ("phone",),
    ("first_name", "last_name", "birth_on"),
    ("birth_on", "street", "postcode"),
)
CERTAIN_RECALL = 0.6
# Where no two records are certain, the prior is this share of records that have another one of the same person.
FEW_TWINS = 0.05
# Three labelled sets were looked at for this one number: no false pair in any of them above it (docs/identity.md).
THRESHOLD = 0.9
RANDOM_PAIRS, SEED = 2_000_000, 20260101
# Counts up with whatever changes what the model makes of the same records.
MODEL = 1
# A column that fewer records fill cannot be estimated.
MIN_SHARE_FILLED = 0.005


class SplinkMissing(RuntimeError):
    """Probabilistic links were asked for where the extra is not installed."""


class TooLittle(ValueError):
    """The records hold too little to compare them by."""


@dataclass(frozen=True)
class Proposal:
    """Two records, `record_id` the smaller; the chance that they are one person, and its weight in bits."""

    record_id: str
    linked_record_id: str
    probability: float
    weight: float


def propose(con: duckdb.DuckDBPyConnection, records: str, threshold: float = THRESHOLD) -> list[Proposal]:
    """The pairs of `records` (a relation with record_id and any of COLUMNS) above a probability, most certain first.

    The connection is used up: the model leaves its tables there, so it should be one of its own.
    """
    splink = _splink()
    present = _prepare(con, records)
    if len(present) < 2:
        raise TooLittle(f"{records}: at least two of {', '.join(COLUMNS)} must hold values, found {present or 'none'}")
    linker = _trained(splink, con, present)
    pairs = linker.inference.predict(threshold_match_probability=threshold).physical_name
    rows = con.execute(
        f"""select least({RECORD}_l, {RECORD}_r), greatest({RECORD}_l, {RECORD}_r), match_probability, match_weight
        from {pairs} order by match_weight desc, 1, 2"""
    ).fetchall()
    return [Proposal(str(one), str(other), float(chance), float(weight)) for one, other, chance, weight in rows]


def made_with() -> str:
    """What pairs are made with: this model and the installed Splink. SplinkMissing where that is not installed."""
    return f"model {MODEL}, splink {_splink().__version__}"


def _splink() -> Any:
    try:
        module = importlib.import_module("splink")
    except ImportError as error:
        raise SplinkMissing(SPLINK_MISSING) from error
    return module


def _prepare(con: duckdb.DuckDBPyConnection, records: str) -> list[str]:
    """A table prepared_records with the columns that hold values; returns them."""
    held = {str(row[0]) for row in con.execute(f"describe select * from {records}").fetchall()}
    text = {name: f"nullif(lower(trim(cast({name} as varchar))), '')" for name in COLUMNS if name in held}
    for name in ("first_name", "last_name", "street", "city"):
        if name in text:
            text[name] = f"nullif(regexp_replace(strip_accents({text[name]}), '[^\\p{{L}}\\p{{N}}]', '', 'g'), '')"
    for name in ("birth_on", "postcode", "phone"):
        if name in text:
            text[name] = f"nullif(regexp_replace({text[name]}, '[^0-9a-z+]', '', 'g'), '')"
    listed = "".join(f", {expression} as {name}" for name, expression in text.items())
    cleaned = f"select cast({RECORD} as varchar) as {RECORD}{listed} from {records}"
    con.execute(f"create or replace table cleaned_records as {cleaned}")
    counts = ", ".join(["count(*)", *(f"count({name})" for name in text)])
    total, *filled = con.execute(f"select {counts} from cleaned_records").fetchall()[0]
    present = [name for name, count in zip(text, filled, strict=True) if count > total * MIN_SHARE_FILLED]
    made = [f"{sql} as {name}" for name, needed, sql in DERIVED if set(needed) <= set(present)]
    columns = ", ".join([RECORD, *present, *made])
    con.execute(f"create or replace table prepared_records as select {columns} from cleaned_records")
    return present


def _settings(splink: Any, present: Sequence[str], prior: float) -> Any:
    return splink.SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=RECORD,
        comparisons=_comparisons(present),
        blocking_rules_to_generate_predictions=[splink.block_on(*columns) for columns in _known(BLOCKING, present)],
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        em_convergence=0.001,
    )


def _known(wanted: Sequence[tuple[str, ...]], present: Sequence[str]) -> list[tuple[str, ...]]:
    """Those of the rules whose columns there are."""
    known = {*present, *(name for name, needed, _ in DERIVED if set(needed) <= set(present))}
    return [columns for columns in wanted if set(columns) <= known]


def _comparisons(present: Sequence[str]) -> list[Any]:
    """How each column is compared: equal (rare values weigh more), nearly equal, different."""
    ready = importlib.import_module("splink.comparison_library")
    made: dict[str, Any] = {}
    for name, other in (("first_name", "last_name"), ("last_name", "first_name")):
        if name in present:
            made[name] = _name(ready, name, other if other in present else None)
    if "birth_on" in present:
        made["birth_on"] = ready.DateOfBirthComparison(
            "birth_on", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=False
        )
    if "street" in present:
        made["street"] = ready.JaroWinklerAtThresholds("street", [0.95, 0.88]).configure(
            term_frequency_adjustments=True
        )
    if "city" in present:
        made["city"] = ready.JaroWinklerAtThresholds("city", [0.92, 0.8]).configure(term_frequency_adjustments=True)
    if "postcode" in present:
        made["postcode"] = ready.DamerauLevenshteinAtThresholds("postcode", [1]).configure(
            term_frequency_adjustments=True
        )
    if "phone" in present:
        made["phone"] = ready.DamerauLevenshteinAtThresholds("phone", [1]).configure(term_frequency_adjustments=True)
    if "email" in present:
        made["email"] = _email(ready)
    return list(made.values())


def _name(ready: Any, name: str, other: str | None) -> Any:
    """A name by itself: where one record lacks it, that says nothing. It may have changed places with `other`."""
    level = importlib.import_module("splink.comparison_level_library")
    crossed = f"{name}_l = {other}_r or {other}_l = {name}_r"
    changed_places = [] if other is None else [level.CustomLevel(crossed, label_for_charts="names changed places")]
    return ready.CustomComparison(
        output_column_name=name,
        comparison_levels=[
            level.NullLevel(name),
            level.ExactMatchLevel(name, term_frequency_adjustments=True),
            *changed_places,
            *(level.JaroWinklerLevel(name, threshold) for threshold in (0.92, 0.88, 0.7)),
            level.ElseLevel(),
        ],
    )


def _email(ready: Any) -> Any:
    """Equal, or a typing error or two. Another number is no typing error: namesakes have jo.smith1@ and jo.smith7@."""
    level = importlib.import_module("splink.comparison_level_library")
    number = "regexp_replace(email_{side}, '[^0-9]', '', 'g')"
    same_number = f"{number.format(side='l')} = {number.format(side='r')}"
    return ready.CustomComparison(
        output_column_name="email",
        comparison_levels=[
            level.NullLevel("email"),
            level.ExactMatchLevel("email", term_frequency_adjustments=True),
            *(
                level.CustomLevel(
                    f"damerau_levenshtein(email_l, email_r) <= {errors} and {same_number}",
                    label_for_charts=f"{errors} typing errors",
                )
                for errors in (1, 2)
            ),
            level.ElseLevel(),
        ],
    )


def _trained(splink: Any, con: duckdb.DuckDBPyConnection, present: Sequence[str]) -> Any:
    """A linker whose numbers come from the records alone: no labels.

    Rules that find no pair are left out, since Splink would make nothing of them. A training rule whose pairs agree too
    well leaves numbers that Splink refuses, and the model in between: then all is done again without that rule, and
    what no rule could estimate has Splink's default.
    """
    api = splink.DuckDBAPI(connection=con)
    records = api.register(con.table("prepared_records"))
    certain, rules = (_finding(con, splink, wanted, present) for wanted in (CERTAIN, TRAINING))
    while True:
        linker = splink.Linker(records, _settings(splink, present, _few_twins(con)), log_level=logging.CRITICAL)
        training = linker.training
        if certain:
            training.estimate_probability_two_random_records_match(certain, recall=CERTAIN_RECALL)
        training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
        for rule in rules:
            try:
                training.estimate_parameters_using_expectation_maximisation(rule)
            except ValueError:
                rules.remove(rule)
                break
        else:
            return linker


def _finding(
    con: duckdb.DuckDBPyConnection, splink: Any, wanted: Sequence[tuple[str, ...]], present: Sequence[str]
) -> list[Any]:
    """Those of the rules by which at least two records agree."""
    found = []
    for columns in _known(wanted, present):
        filled = " and ".join(f"{name} is not null" for name in columns)
        agreeing = f"select 1 from prepared_records where {filled} group by {', '.join(columns)} having count(*) > 1"
        if con.execute(f"{agreeing} limit 1").fetchall():
            found.append(splink.block_on(*columns))
    return found


def _few_twins(con: duckdb.DuckDBPyConnection) -> float:
    """The chance that two random records are one person, where nothing tells."""
    ((count,),) = con.execute("select count(*) from prepared_records").fetchall()
    return min(0.5, FEW_TWINS / max(int(count), 1))
