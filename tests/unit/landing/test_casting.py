"""What a delivered value becomes, column type by column type, and what is refused and why."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.landing.world import World


def land_column(world: World, column: str, texts: list[str], **source: Any) -> dict[str, Any]:
    """Each text, delivered as one order's column in one CSV file → its landed value, or the reason it was refused."""
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    rows = [(number, "2026-01-01 10:00:00", text) for number, text in enumerate(quoted, start=1)]
    world.write_rows("shop_orders.csv", f"order_id,ordered_at,{column}", rows)
    report = world.land(**source)
    assert report.reason is None
    refused = {line["row"]: line["reason"] for line in world.refused("shop_orders")}
    landed = {int(row["order_id"]): row[column] for row in world.landed("shop_orders")}
    assert not refused.keys() & landed.keys()
    found = landed | refused
    return {text: found[number] for number, text in enumerate(texts, start=1)}


def test_amounts_are_rounded_half_up_to_four_places(world: World) -> None:
    expected = {
        "19.99": "19.9900", "19.989999999999998": "19.9900", "1.00005": "1.0001", "-1.00005": "-1.0001",
        "0.00004999": "0.0000", " 7 ": "7.0000", "1e3": "1000.0000", "-0": "0.0000",
        "99999999999999.9999": "99999999999999.9999",
    }  # fmt: skip
    found = land_column(world, "total_amount", list(expected))
    assert found == {text: Decimal(value) for text, value in expected.items()}


def test_what_is_no_number_is_refused_with_the_value_and_a_remedy(world: World) -> None:
    texts = ["abc", "1,000.50", "£12", "NaN", "inf", "-Infinity", "1" * 10_000, "12.3.4"]
    for text, reason in land_column(world, "total_amount", texts).items():
        assert reason.startswith(f"total_amount: '{text[:40]}' is not a number")
        assert "write it like" in reason and len(reason) < 200


def test_nothing_where_a_number_may_be_missing_is_null(world: World) -> None:
    assert land_column(world, "total_amount", ["", "   "]) == {"": None, "   ": None}


def test_ids_in_csv_stay_as_they_stand(world: World) -> None:
    texts = ["0017", "17850.0", "9007199254740993", "1e5", "1 2", "NULL", "-1"]
    assert land_column(world, "customer_id", texts) == {text: text for text in texts}


@pytest.mark.parametrize("column", ["customer_id", "email", "currency"])
def test_empty_text_and_the_md5_of_empty_text_are_null(world: World, column: str) -> None:
    texts = ["", "d41d8cd98f00b204e9800998ecf8427e"]
    assert land_column(world, column, texts) == dict.fromkeys(texts)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (
            "UTC",
            {
                "2026-02-28 10:00:00": datetime(2026, 2, 28, 10),
                "2026-02-28T10:00:00.123456": datetime(2026, 2, 28, 10, 0, 0, 123456),
            },
        ),
        (
            "Europe/London",
            {
                "2025-07-01 10:00": datetime(2025, 7, 1, 9),
                "2025-12-01 10:00": datetime(2025, 12, 1, 10),
                "2025-07-01T10:00:00+02:00": datetime(2025, 7, 1, 8),
            },
        ),
        (
            "America/New_York",
            {"2025-07-01T10:00:00Z": datetime(2025, 7, 1, 10), "2025-07-01": datetime(2025, 7, 1, 4)},
        ),
    ],
)
def test_times_become_utc_by_their_offset_or_the_sources_zone(
    world: World, zone: str, expected: dict[str, datetime]
) -> None:
    assert land_column(world, "cancelled_at", list(expected), time_zone=zone) == expected


def test_what_is_no_time_is_refused(world: World) -> None:
    texts = ["1767261600", "01/12/2010 08:26", "yesterday", "2026-02-30", "10:00"]
    for text, reason in land_column(world, "cancelled_at", texts).items():
        assert reason.startswith(f"cancelled_at: '{text}' is not a time; write it like")


def test_times_out_of_reach_are_refused(world: World) -> None:
    # the load's clock stands at 2026-03-01 04:00 UTC
    found = land_column(world, "updated_at", ["2999-01-01", "2026-03-08 04:00:01", "1899-12-31", "2026-03-08 03:59:59"])
    assert [("lies in the future" in str(each), "lies before 1900" in str(each)) for each in found.values()] == [
        (True, False), (True, False), (False, True), (False, False),
    ]  # fmt: skip
    world.clear()
    assert "lies after 2200" in land_column(world, "cancelled_at", ["2999-01-01"])["2999-01-01"]


def test_an_appointment_may_start_next_year_but_not_after_2200(world: World) -> None:
    world.write(
        "appointments.csv",
        "appointment_id,booked_at,starts_at\n1,2026-01-01,2027-05-01 10:00\n2,2026-01-01,2201-01-01\n",
    )
    assert world.land().tables[0].accepted == 1
    assert world.landed("appointments")[0]["starts_at"] == datetime(2027, 5, 1, 10)
    assert "lies after 2200" in world.refused("appointments")[0]["reason"]


def test_order_statuses_are_folded_and_mapped(world: World) -> None:
    expected = {"paid": "paid", " PAID ": "paid", "Completed": "fulfilled", "": None, "  ": None}
    found = land_column(world, "status", list(expected), status_map={"completed": "fulfilled"})
    assert found == expected


def test_an_unknown_status_is_refused_and_says_where_to_map_it(world: World) -> None:
    reason = land_column(world, "status", ["on-hold"])["on-hold"]
    assert reason == (
        "status: 'on-hold' is not one of the words known here; map it in status_map to one of pending, paid,"
        " partially_paid, fulfilled, partially_refunded, refunded, cancelled, failed, test"
    )


def test_truth_comes_in_many_words(world: World) -> None:
    words = {"true": True, "T": True, "1": True, "Yes": True, "false": False, "n": False, "0": False, "": None}
    world.write_rows("shop_customers.csv", "customer_id,accepts_marketing", [(f"c{word}", word) for word in words])
    world.land()
    found = {row["customer_id"]: row["accepts_marketing"] for row in world.landed("shop_customers")}
    assert found == {f"c{word}": value for word, value in words.items()}


def test_what_is_neither_true_nor_false_is_refused(world: World) -> None:
    world.write("shop_customers.csv", "customer_id,accepts_marketing\n1,perhaps\n2,2\n")
    assert world.land().tables[0].quarantined == 2


def test_a_row_without_its_key_is_refused(world: World) -> None:
    keys = ["", "   ", "d41d8cd98f00b204e9800998ecf8427e"]
    world.write_rows("shop_customers.csv", "customer_id,email", [(key, "someone@example.com") for key in keys])
    report = world.land()
    assert (report.tables[0].received, report.tables[0].quarantined) == (3, 3)
    assert {line["reason"] for line in world.refused("shop_customers")} == {
        "customer_id: is missing; every row needs one"
    }


def test_a_nul_in_a_text_is_refused(world: World) -> None:
    world.write("shop_customers.csv", b"customer_id,email\n1,a\x00b\n2,c\n")
    assert world.land().tables[0].accepted == 1
    assert "NUL" in world.refused("shop_customers")[0]["reason"]


def test_reasons_never_show_an_address_a_phone_or_a_name(world: World) -> None:
    world.write(
        "shop_customers.csv",
        "customer_id,email,phone,first_name,created_at\n"
        "1,canary@example.com,+44 20 7946 0958,Zebedee,never\n"
        ",canary@example.com,+44 20 7946 0958,Zebedee,\n"
        '3,"canary@example.com\x00",+44 20 7946 0958,Zebedee,\n',
    )
    world.land()
    reasons = [line["reason"] for line in world.refused("shop_customers")]
    assert len(reasons) == 3
    assert not any(word in reason for reason in reasons for word in ("canary", "7946", "Zebedee"))


def parquet(world: World, table: str, select: str) -> None:
    path = world.exports / f"{table}.parquet"
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{path}' (format parquet)")


def test_numeric_ids_in_parquet_become_their_exact_text(world: World) -> None:
    expected = {
        "17850.0::double": "17850", "17850.5::double": "17850.5", "17850::integer": "17850",
        "9007199254740993::bigint": "9007199254740993", "18446744073709551615::ubigint": "18446744073709551615",
        "9007199254740992::double": "9007199254740992", "1e22::double": "10000000000000000000000",
        "17850.0000::decimal(18,4)": "17850", "100::decimal(18,0)": "100", "12.50::decimal(18,4)": "12.5000",
        "'00017'": "00017", "uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    }  # fmt: skip
    for number, sql in enumerate(expected):
        parquet(world, f"shop_customers/{number}", f"select {sql} as customer_id, '{number}' as company, {number} as n")
        parquet(world, f"crm_contacts/{number}", f"select {number} as contact_id, {sql} as owner_id")
    world.land()
    found = {int(row["contact_id"]): row["owner_id"] for row in world.landed("crm_contacts")}
    assert found == dict(enumerate(expected.values()))
    assert {row["customer_id"] for row in world.landed("shop_customers")} == set(expected.values())


@pytest.mark.parametrize("sql", ["'nan'::double", "'inf'::double"])
def test_a_float_that_is_no_number_is_no_id_and_no_amount(world: World, sql: str) -> None:
    at = "timestamp '2026-01-01' as ordered_at"
    parquet(world, "shop_orders/1", f"select {sql} as order_id, {at}")
    parquet(world, "shop_orders/2", f"select 'a' as order_id, {at}, {sql} as total_amount")
    assert world.land().tables[0].quarantined == 2


def test_typed_numbers_are_cast_as_a_person_reads_them(world: World) -> None:
    expected = {
        "1.00005::double": "1.0001", "0.1::float": "0.1000", "19.989999999999998::double": "19.9900",
        "7::tinyint": "7.0000", "1.00005::decimal(38,5)": "1.0001",
    }  # fmt: skip
    for number, sql in enumerate(expected):
        at = "timestamp '2026-01-01' as ordered_at"
        parquet(world, f"shop_orders/{number}", f"select {number} as order_id, {at}, {sql} as total_amount")
    world.land()
    found = {int(row["order_id"]): row["total_amount"] for row in world.landed("shop_orders")}
    assert found == {number: Decimal(value) for number, value in enumerate(expected.values())}


def test_typed_times_become_utc(world: World) -> None:
    expected = {
        "timestamp '2025-07-01 10:00'": datetime(2025, 7, 1, 9),
        "timestamptz '2025-07-01 10:00+00'": datetime(2025, 7, 1, 10),
        "date '2025-07-01'": datetime(2025, 6, 30, 23),
        "timestamp_ns '2025-07-01 10:00:00.123456'": datetime(2025, 7, 1, 9, 0, 0, 123456),
        "timestamp_s '2025-07-01 10:00'": datetime(2025, 7, 1, 9),
    }
    for number, sql in enumerate(expected):
        parquet(world, f"shop_orders/{number}", f"select {number} as order_id, {sql} as ordered_at")
    world.land(time_zone="Europe/London")
    found = {int(row["order_id"]): row["ordered_at"] for row in world.landed("shop_orders")}
    assert found == dict(enumerate(expected.values()))


def test_a_number_where_a_time_belongs_is_refused(world: World) -> None:
    parquet(world, "shop_orders", "select 'a' as order_id, 1767261600 as ordered_at")
    world.land()
    assert world.refused("shop_orders")[0]["reason"].startswith("ordered_at: '1767261600' is not a time")


def test_a_nested_value_is_no_id_but_may_be_text(world: World) -> None:
    parquet(world, "shop_customers", "select [1, 2] as customer_id")
    assert world.land().tables[0].quarantined == 1
    world.clear()
    parquet(world, "shop_customers", "select 1 as customer_id, {'a': 1} as company, ['x'] as first_name")
    world.land()
    assert world.landed("shop_customers")[0]["first_name"] == '["x"]'


def test_days_are_days(world: World) -> None:
    world.write("crm_contacts.csv", "contact_id,birth_on\n1,1980-02-29\n2,1980-02-30\n3,1899-01-01\n")
    world.land()
    assert [row["birth_on"] for row in world.landed("crm_contacts")] == [date(1980, 2, 29)]
    assert [line["row"] for line in world.refused("crm_contacts")] == [2, 3]


def test_columns_are_found_whatever_their_letter_case_and_by_the_rename_map(world: World) -> None:
    world.write("shop_orders.csv", "Invoice No,ORDERED_AT, currency \n7,2026-01-01,GBP\n")
    report = world.land(columns={"shop_orders": {"order_id": "Invoice No"}})
    assert report.tables[0].unknown_columns == ()
    row = world.landed("shop_orders")[0]
    assert (row["order_id"], row["currency"]) == ("7", "GBP")


def test_an_unknown_column_is_reported_once_with_its_likely_meaning(world: World, tmp_path: Path) -> None:
    world.write("shop_orders/a.csv", "order_id,ordered_at,total_amout,wobble\n1,2026-01-01,3,x\n")
    world.write("shop_orders/b.csv", "order_id,ordered_at,total_amout,wobble\n2,2026-01-01,3,x\n")
    table = world.land().tables[0]
    assert table.unknown_columns == ("total_amout", "wobble")
    assert len(table.warnings) == 2 and "total_amount" in table.warnings[0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_times_with_a_zone_become_utc_whatever_their_unit(world: World, unit: str, zone: str) -> None:
    moments = pa.array([datetime(2025, 7, 1, 10)], pa.timestamp(unit, tz=zone))
    table = pa.table({"order_id": ["1"], "ordered_at": moments})
    pq.write_table(table, world.exports / "shop_orders.parquet")
    world.land(time_zone="Europe/London")
    assert [row["ordered_at"] for row in world.landed("shop_orders")] == [datetime(2025, 7, 1, 10)]


@pytest.mark.parametrize("values", [[1.5, math.nan], [math.nan, 1.5], [1.5, None, math.nan], [0.0, math.nan, 0.0]])
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_a_float_that_is_no_number_is_refused_beside_equal_ones(
    world: World, values: list[float | None], kind: pa.DataType
) -> None:
    ids = [str(number) for number in range(len(values))]
    at = [datetime(2026, 1, 1)] * len(values)
    table = pa.table({"order_id": ids, "ordered_at": at, "total_amount": pa.array(values, kind)})
    pq.write_table(table, world.exports / "shop_orders.parquet")
    report = world.land()
    assert (report.reason, report.tables[0].quarantined) == (None, 1)
    assert world.refused("shop_orders")[0]["reason"].startswith("total_amount: 'nan' is not a number")


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_blanks_around_an_id_or_a_contact_are_no_part_of_it(world: World, ending: str) -> None:
    with duckdb.connect() as connection:
        for table, key in {"shop_customers": "customer_id", "crm_contacts": "contact_id"}.items():
            select = f"select ' c17 ' as {key}, ' Ann ' as first_name"
            form = {"csv": "csv, header", "jsonl": "json", "parquet": "parquet"}[ending]
            connection.execute(f"copy ({select}) to '{world.exports / f'{table}.{ending}'}' (format {form})")
        select = "select 'a' as appointment_id, '  ' as currency, 'c17 ' as contact_ref, date '2026-01-01' as booked_at"
        connection.execute(f"copy ({select}) to '{world.exports / f'appointments.{ending}'}' (format {form})")
    assert world.land().reason is None
    assert [(row["customer_id"], row["first_name"]) for row in world.landed("shop_customers")] == [("c17", " Ann ")]
    assert [row["contact_id"] for row in world.landed("crm_contacts")] == ["c17"]
    assert [(row["contact_ref"], row["currency"]) for row in world.landed("appointments")] == [("c17", "  ")]


def test_a_blank_of_any_script_around_an_id_is_no_part_of_it(world: World) -> None:
    ids = {"\u00a0c17": "c17", "c18\u3000": "c18", "é19": "é19", "c 20": "c 20", " c21": "c21"}
    assert land_column(world, "customer_id", list(ids)) == ids


def test_an_id_of_nothing_but_blanks_is_none(world: World) -> None:
    assert land_column(world, "customer_id", [" ", "   "]) == {" ": None, "   ": None}
