"""The hash of a row: columns that came later leave no trace where they are null, or every row held would land again."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from perennial.landing.casting import row_hash
from perennial.landing.contract import TABLES, Table


def hashed(table: Table, **values: str) -> str:
    columns = ", ".join(
        f"cast({repr(values[each.name]) if each.name in values else 'null'} as {each.sql_type}) as {each.name}"
        for each in table.columns
    )
    with duckdb.connect() as con:
        return str(con.execute(f"select {row_hash(table)} from (select {columns})").fetchall()[0][0])


def test_a_row_that_lacks_the_later_columns_has_the_hash_it_had_before_they_came() -> None:
    for name in ("shop_customers", "crm_contacts"):
        table = TABLES[name]
        later = [each for each in table.columns if each.is_later]
        assert [each.name for each in later] == ["street", "city", "postcode"]
        assert table.columns[-3:] == tuple(later)
        before = replace(table, columns=tuple(each for each in table.columns if not each.is_later))
        known = {before.key[0]: "1", "first_name": "Ada", "created_at": "2026-01-01"}
        assert hashed(table, **known) == hashed(before, **known) != hashed(table, **known, city="York")


def test_one_value_in_another_later_column_is_another_row() -> None:
    table = TABLES["shop_customers"]
    rows = [
        {"street": "York"}, {"city": "York"}, {"postcode": "York"}, {"city": "York", "street": "city=4:York"},
        {"street": "1city=4:York"}, {},
    ]  # fmt: skip
    assert len({hashed(table, customer_id="1", **row) for row in rows}) == len(rows)
