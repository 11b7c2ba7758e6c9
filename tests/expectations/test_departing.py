"""What departs: each way in which an audience could reach the wrong people is a broken promise."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from expectations.departing.audience import member_promises, members, size, size_promise
from expectations.parts import read_parts
from expectations.promise import failures
from expectations.runner import check

CUSTOMERS = [(f"c{number}", f"person{number}@example.com", f"+44163296{number:04d}") for number in range(10)]


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    """Ten customers, all of them members, all of them consenting to marketing by e-mail and text message."""
    with duckdb.connect() as connection:
        connection.execute("create schema customer; create schema audiences")
        connection.execute("create table customer.customers (customer_id varchar, email varchar, phone varchar)")
        connection.executemany("insert into customer.customers values (?, ?, ?)", CUSTOMERS)
        connection.execute(
            "create table customer.customer_consents as select customer_id, channel, 'marketing' as purpose,"
            " null::varchar as brand, 'granted' as status from customer.customers,"
            " (values ('email'), ('sms')) t(channel)"
        )
        connection.execute("create table audiences.win_back as select customer_id from customer.customers")
        yield connection


def broken(
    build: duckdb.DuckDBPyConnection, address: str = "email", channel: str = "email", brand: str | None = None
) -> list[str]:
    relation = members(build, "win_back", address, channel, "marketing", brand)
    return failures(check(read_parts(relation, relation.columns), member_promises(address)))


def test_reachable_consenting_distinct_people_may_leave(build: duckdb.DuckDBPyConnection) -> None:
    assert broken(build) == []
    assert broken(build, "phone", "sms") == []


def test_an_empty_audience_breaks_no_promise(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("delete from audiences.win_back")
    assert broken(build) == []


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("update customer.customers set email = null where customer_id = 'c1'", "address is filled"),
        ("update customer.customers set email = 'at the till' where customer_id = 'c1'", "address has the shape"),
        ("insert into audiences.win_back values ('c1')", "nobody is a member twice"),
        (
            "update customer.customers set email = 'person2@example.com' where customer_id = 'c1'",
            "no address is there twice",
        ),
        ("insert into audiences.win_back values (null)", "customer_id is filled"),
        ("insert into audiences.win_back values ('stranger')", "address is filled"),
        ("delete from customer.customer_consents where customer_id = 'c1'", "consent_status is filled"),
        (
            "update customer.customer_consents set status = 'denied' where customer_id = 'c1'",
            "consent_status is one of",
        ),
        ("update customer.customer_consents set purpose = 'transactional'", "consent_status is filled"),
    ],
)
def test_each_promise_is_broken_by_one_wrong_member(
    build: duckdb.DuckDBPyConnection, statement: str, sentence: str
) -> None:
    build.execute(statement)
    assert any(line.startswith(sentence) for line in broken(build)), broken(build)


def test_a_phone_that_is_no_international_number_is_not_sent(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("update customer.customers set phone = '01632 960123' where customer_id = 'c1'")
    assert [line.partition(":")[0] for line in broken(build, "phone", "sms")] == [
        "address has the shape of its channel (phone)"
    ]


def test_one_brands_denial_is_enough_where_no_brand_is_named(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("insert into customer.customer_consents values ('c1', 'email', 'marketing', 'acme', 'denied')")
    assert broken(build) != []


def test_a_named_brand_asks_for_that_brands_consent_alone(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("update customer.customer_consents set brand = 'acme'")
    build.execute("insert into customer.customer_consents values ('c1', 'email', 'marketing', 'other', 'denied')")
    assert broken(build, brand="acme") == []
    assert broken(build, brand="other") != []


@pytest.mark.parametrize(("low", "high", "kept"), [(0, 10, True), (10, 10, True), (11, 20, False), (0, 9, False)])
def test_the_size_must_lie_within_its_band(build: duckdb.DuckDBPyConnection, low: int, high: int, kept: bool) -> None:
    relation = size(build, "win_back")
    found = failures(check(read_parts(relation, relation.columns), [size_promise(low, high)]))
    assert (found == []) is kept
