"""What arrives: a plausible batch keeps every promise, and each promise has a frame that breaks it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from expectations.arriving.suites import arriving_suites
from expectations.promise import Promise, failures
from expectations.runner import check
from perennial.config.contract import TABLES

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ROWS = 20
SUITES = arriving_suites(NOW)
BY_NAME: dict[str, Any] = {
    "email": "ada@example.com", "phone": "+44 1632 960123", "currency": "GBP", "quote_currency": "EUR", "rate": 1.17,
    "quantity": 2.0, "warranty_days": 730, "birth_on": date(1980, 2, 3), "score": 9.0, "contact_ref_type": "email",
    "starts_at": datetime(2026, 4, 1), "channel": "email",
}  # fmt: skip
BY_TYPE: dict[str, Any] = {
    "id": "1001", "text": "word", "amount": 19.99, "quantity": 1.0, "rate": 1.0, "score": 1.0, "integer": 1,
    "at": datetime(2026, 2, 1, 12), "on": date(2026, 2, 1), "boolean": True,
}  # fmt: skip
CASES = [(table, promise) for table, promises in SUITES.items() for promise in promises]


def good_frame(table: str) -> pd.DataFrame:
    row = {
        column.name: column.words[0] if column.words else BY_NAME.get(column.name, BY_TYPE[column.type])
        for column in TABLES[table].columns
    }
    return pd.DataFrame([row] * ROWS)


def bad_values(promise: Promise) -> list[Any]:
    """What a wrong column or a wrong unit looks like."""
    if promise.kind == "ExpectColumnValuesToNotBeNull":
        return [None]
    if promise.kind == "ExpectColumnValuesToBeInSet":
        return ["Granted!"]
    if promise.kind == "ExpectColumnValuesToMatchRegex":
        return ["EURO" if "currency" in promise.column else "n/a"]
    low, high = promise.arguments["min_value"], promise.arguments["max_value"]
    if isinstance(low, datetime):
        return [datetime(1970, 1, 1), datetime(2199, 1, 1)]
    if isinstance(low, date):
        return [date(1801, 1, 1), date(2031, 1, 1)]
    return [low - 1, high * 100 + 1]


def test_every_table_of_the_contract_has_a_suite() -> None:
    assert set(SUITES) == set(TABLES)


def test_promises_are_about_columns_the_contract_has() -> None:
    assert [
        (table, promise.column) for table, promise in CASES if promise.column not in TABLES[table].column_names
    ] == []


def test_one_sentence_per_promise() -> None:
    for table, promises in SUITES.items():
        assert len({promise.sentence for promise in promises}) == len(promises), table


@pytest.mark.parametrize("table", SUITES)
def test_a_plausible_batch_keeps_every_promise(table: str) -> None:
    findings = check([good_frame(table)], SUITES[table])
    assert failures(findings) == []
    assert all(finding.checked_count == ROWS for finding in findings)


@pytest.mark.parametrize(("table", "promise"), CASES, ids=[f"{table}: {promise.sentence}" for table, promise in CASES])
def test_each_promise_is_broken_by_values_that_break_it(table: str, promise: Promise) -> None:
    for value in bad_values(promise):
        frame = good_frame(table)
        frame[promise.column] = pd.Series([value] * ROWS, dtype=None if value is not None else "str")
        of_column = [each for each in SUITES[table] if each.column == promise.column]
        assert promise in [finding.promise for finding in check([frame], of_column) if not finding.is_kept], value


def test_an_epoch_in_seconds_read_as_a_date_is_noticed() -> None:
    frame = good_frame("shop_orders").assign(ordered_at=datetime(1970, 1, 20))
    assert any("ordered_at is neither before 1995" in line for line in failures(check([frame], SUITES["shop_orders"])))


def test_a_few_odd_addresses_are_tolerated_and_many_are_not() -> None:
    frame = pd.concat([good_frame("shop_customers")] * 5, ignore_index=True)
    frame.loc[:4, "email"] = "at the counter"
    assert failures(check([frame], SUITES["shop_customers"])) == []
    frame.loc[:9, "email"] = "at the counter"
    assert len(failures(check([frame], SUITES["shop_customers"]))) == 1
