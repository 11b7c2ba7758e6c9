"""What landing keeps for the warehouse beside the sources' rows: loads, settings, phone numbers, empty files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from perennial.config.contract import DIRECT_KINDS, OWN_TABLES, TABLES, landed_schema
from perennial.config.settings import Settings
from perennial.landing import lookups, own, phones
from perennial.landing.empty import EMPTY_FILE, ensure_empty_files
from tests.unit.landing.world import World


def rows(path: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(path).to_pylist())


def types(path: Path) -> dict[str, str]:
    with duckdb.connect() as connection:
        described = connection.execute(f"describe select * from read_parquet('{path}')").fetchall()
    return {str(row[0]): str(row[1]).lower() for row in described}


def test_every_table_of_every_kind_has_a_typed_empty_file(world: World) -> None:
    ensure_empty_files(world.home)
    for kind in DIRECT_KINDS:
        for table in TABLES.values():
            path = world.home.landed_table(kind, table.name) / EMPTY_FILE
            assert types(path) == landed_schema(table)
            assert pq.read_metadata(path).num_rows == 0
    for table, schema in OWN_TABLES.items():
        for path in (world.home.own_table(table), world.home.own_table(table).with_name(EMPTY_FILE)):
            assert types(path) == schema and pq.read_metadata(path).num_rows == 0


def test_empty_files_are_written_once_and_again_when_their_columns_change(world: World) -> None:
    ensure_empty_files(world.home)
    path = world.home.landed_table("files", "shop_orders") / EMPTY_FILE
    first = path.stat().st_mtime_ns
    ensure_empty_files(world.home)
    assert path.stat().st_mtime_ns == first
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as old) to '{path}' (format parquet)")
    ensure_empty_files(world.home)
    assert types(path) == landed_schema(TABLES["shop_orders"])


def test_own_rows_that_were_written_are_not_emptied(world: World) -> None:
    own.write_rows(world.home, "memberships", [{"audience": "win_back", "customer_id": "1"}])
    ensure_empty_files(world.home)
    assert len(rows(world.home.own_table("memberships"))) == 1


def test_landed_rows_and_the_empty_file_have_one_type(world: World) -> None:
    ensure_empty_files(world.home)
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-01-01\n")
    world.land(brand="acme")
    (landed,) = world.home.landed_table("files", "shop_orders").glob("*.shop.parquet")
    assert types(landed) == landed_schema(TABLES["shop_orders"])
    assert world.landed("shop_orders")[0]["brand"] == "acme"


def test_every_load_is_a_row_per_table_and_a_failed_source_is_one_row(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-01-01\n2,soon\n")
    world.write("shop_customers.csv", "customer_id\n")
    world.land()
    world.clear()
    world.land()
    own.refresh(world.home, world.settings())
    found = rows(world.home.own_table("loads"))
    names = ("table_name", "received_count", "landed_count", "quarantined_count")
    assert [tuple(each[name] for name in names) for each in found] == [
        ("shop_customers", 0, 0, 0), ("shop_orders", 2, 1, 1), (None, 0, 0, 0),
    ]  # fmt: skip
    assert [each["is_failed"] for each in found] == [False, False, True]
    assert "holds no file" in found[2]["reason"]
    assert found[1]["watermark_at"] == datetime(2026, 1, 1)
    assert found[1]["loaded_at"] == datetime(2026, 3, 1, 4)


def test_settings_of_sources_say_whether_lines_ever_came(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-01-01\n")
    world.land()
    settings = world.settings(brand="acme", stale_after="36h", treat_accepts_marketing_as="email", country="GB")
    own.refresh(world.home, settings)
    (row,) = rows(world.home.own_table("source_settings"))
    assert row == {
        "source_name": "shop", "kind": "files", "brand": "acme", "stale_after_seconds": 129600,
        "treat_accepts_marketing_as": "email", "shares_ids_with": None, "has_order_lines": False, "country": "GB",
        "is_compared": False,
    }  # fmt: skip
    world.write("shop_order_lines.csv", "order_id,line_id\n")
    world.land()
    own.refresh(world.home, settings)
    assert rows(world.home.own_table("source_settings"))[0]["has_order_lines"] is True


def test_own_rows_are_replaced_whole_and_their_times_are_utc(world: World) -> None:
    plus_two = timezone(timedelta(hours=2))
    written = own.write_rows(
        world.home,
        "memberships",
        (
            {"audience": "a", "customer_id": str(n), "member_since": datetime(2026, 1, 1, 2, tzinfo=plus_two)}
            for n in range(3)
        ),
    )
    assert written == 3
    assert rows(world.home.own_table("memberships"))[0]["member_since"] == datetime(2026, 1, 1)
    assert own.write_rows(world.home, "memberships", []) == 0
    assert rows(world.home.own_table("memberships")) == []
    assert types(world.home.own_table("memberships")) == OWN_TABLES["memberships"]


def test_a_writer_that_fails_half_way_leaves_the_rows_that_were(world: World) -> None:
    own.write_rows(world.home, "memberships", [{"audience": "a"}])

    def broken() -> Any:
        yield {"audience": "b"}
        raise RuntimeError("ledger gone")

    with pytest.raises(RuntimeError):
        own.write_rows(world.home, "memberships", broken())
    folder = world.home.own_table("memberships").parent
    assert [path.name for path in folder.iterdir()] == ["current.parquet"]
    assert rows(world.home.own_table("memberships"))[0]["audience"] == "a"


NUMBERS = {
    ("020 7946 0958", "GB"): "+442079460958",
    ("(020) 7946-0958", "United Kingdom"): "+442079460958",
    ("0044 20 7946 0958", "GB"): "+442079460958",
    ("0044 20 7946 0958", ""): "+442079460958",
    ("+44 20 7946 0958", ""): "+442079460958",
    ("+44 (0)20 7946 0958", ""): "+442079460958",
    ("+44 20 7946 0958", "France"): "+442079460958",
    ("020 7946 0958 ext. 12", "UK"): "+442079460958",
    ("01 23 45 67 89", "FR"): "+33123456789",
    ("030 123456", "Germany"): "+4930123456",
    ("(212) 555-0123", "USA"): "+12125550123",
    ("01 677 5911", "EIRE"): "+35316775911",
    ("020 7946 0958", ""): None,
    ("020 7946 0958", "Atlantis"): None,
    ("n/a", "GB"): None,
    ("", "GB"): None,
    ("0000000000", "GB"): None,
    ("+10000000000", ""): None,
    ("12345", "GB"): None,
    ("9" * 500, "GB"): None,
}


@pytest.mark.parametrize(("delivered", "e164"), NUMBERS.items())
def test_a_phone_number_has_one_form_or_none(delivered: tuple[str, str], e164: str | None) -> None:
    assert phones.normalise(*delivered) == e164


def deliver_phones(world: World) -> Settings:
    world.write("shop_customers.csv", "customer_id,phone,country\n1,020 7946 0958,FR\n2,020 7946 0958,\n3,,GB\n")
    world.write("shop_orders.csv", "order_id,ordered_at,phone\n1,2026-01-01,020 7946 0958\n2,2026-01-01,+33123456789\n")
    world.write(
        "messages.csv",
        "message_id,contact_ref,contact_ref_type,sent_at\n"
        "1,020 7946 0000,phone,2026-01-01\n2,x@example.com,email,2026-01-01\n",
    )
    world.land(country="GB")
    return world.settings(country="GB")


def pairs(world: World) -> dict[tuple[str, str], str | None]:
    return {(row["phone"], row["country"]): row["e164"] for row in rows(world.home.own_table("phone_numbers"))}


def test_each_number_is_kept_with_the_country_it_is_read_by(world: World) -> None:
    settings = deliver_phones(world)
    assert phones.refresh(world.home, settings) == 4
    assert pairs(world) == {
        ("020 7946 0958", "FR"): None,
        ("020 7946 0958", "GB"): "+442079460958",
        ("+33123456789", "GB"): "+33123456789",
        ("020 7946 0000", "GB"): "+442079460000",
    }


def test_nothing_is_read_twice_and_new_files_add_their_numbers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = deliver_phones(world)
    phones.refresh(world.home, settings)
    with monkeypatch.context() as patched:
        patched.setattr(lookups, "append", lambda *_: pytest.fail("read again"))
        assert phones.refresh(world.home, settings) == 0
    world.write(
        "shop_orders.csv", "order_id,ordered_at,phone\n3,2026-01-01,020 7946 0001\n4,2026-01-01,020 7946 0958\n"
    )
    world.land(country="GB")
    assert phones.refresh(world.home, settings) == 1
    assert len(pairs(world)) == 5


def test_another_default_country_reads_the_numbers_again(world: World) -> None:
    deliver_phones(world)
    phones.refresh(world.home, world.settings())
    assert ("020 7946 0958", "") in pairs(world)
    phones.refresh(world.home, world.settings(country="GB"))
    assert pairs(world)[("020 7946 0958", "GB")] == "+442079460958"


def test_a_lost_table_of_numbers_is_made_again(world: World) -> None:
    settings = deliver_phones(world)
    phones.refresh(world.home, settings)
    world.home.own_table("phone_numbers").unlink()
    ensure_empty_files(world.home)
    phones.refresh(world.home, settings)
    assert len(pairs(world)) == 4


def test_the_clock_of_a_load_is_utc(world: World) -> None:
    world.write("shop_customers.csv", "customer_id\n1\n")
    report = world.land()
    assert report.loaded_at.tzinfo is UTC
    assert world.landed("shop_customers")[0]["loaded_at"] == report.loaded_at.replace(tzinfo=None)
