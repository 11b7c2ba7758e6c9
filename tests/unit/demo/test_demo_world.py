"""The demo world: the same bytes for the same flags, files that keep the input contract, truth for every record."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import phonenumbers
import pytest

from perennial.config.contract import TABLES
from perennial.config.home import Home
from perennial.config.settings import load_settings
from perennial.demo.installation import configuration
from perennial.demo.make import NotADemo, make_demo, scale_of
from perennial.demo.scale import Scale
from perennial.sources.landing import land_all
from tests.unit.demo.world import SCALE, deliveries, one

# Delivered twice on purpose: an order as it was placed and as it stands now.
WITH_EARLIER_VERSIONS = {("shop", "shop_orders")}
RESERVED_ENDINGS = ("example.com", "example.org", "example.net", ".test", ".example", "test@test.com")


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_flags_give_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    small = Scale(people=200, years=1, seed=3)
    make_demo(tmp_path / "one", small)
    make_demo(tmp_path / "two", small)
    make_demo(tmp_path / "three", Scale(people=200, years=1, seed=4))
    one_, two, three = (hashes(tmp_path / name) for name in ("one", "two", "three"))
    assert one_ == two
    same = {name for name in one_ if one_[name] == three.get(name)}
    assert same == {"perennial.yml", "exports/shop/shop_products.csv"}  # what is sold does not change, only its prices


def test_a_world_made_over_a_larger_one_leaves_nothing_of_it(tmp_path: Path) -> None:
    small = Scale(people=60, years=1, seed=3)
    make_demo(tmp_path / "fresh", small)
    make_demo(tmp_path / "over", Scale(people=300, years=3, seed=5))
    make_demo(tmp_path / "over", small)
    assert hashes(tmp_path / "over") == hashes(tmp_path / "fresh")
    assert scale_of(tmp_path / "over") == small


def test_a_folder_with_exports_of_another_hand_is_refused_and_left_alone(tmp_path: Path) -> None:
    export = tmp_path / "exports" / "shop_orders.csv"
    export.parent.mkdir()
    export.write_text("order_id\n1\n")
    with pytest.raises(NotADemo, match="exports: is not a demo's"):
        make_demo(tmp_path, Scale(people=60, years=1))
    assert hashes(tmp_path) == {"exports/shop_orders.csv": hashlib.sha256(b"order_id\n1\n").hexdigest()}


def test_a_demo_whose_making_was_cut_off_does_not_count_as_one(tmp_path: Path) -> None:
    make_demo(tmp_path, Scale(people=60, years=1))
    assert scale_of(tmp_path) == Scale(people=60, years=1)
    (tmp_path / "perennial.yml").unlink()
    assert scale_of(tmp_path) is None


@pytest.mark.parametrize("flags", [{"people": 10}, {"years": 0}, {"seed": -1}])
def test_impossible_flags_are_refused_with_their_bounds(flags: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"--{next(iter(flags))} is"):
        Scale(**flags)


def test_every_file_is_a_table_of_the_contract_and_every_column_one_of_its_columns(
    demo: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    tables = {table for _, table, _ in deliveries(demo)}
    assert tables == set(TABLES)
    for source, table, _ in deliveries(demo):
        columns = {row[0] for row in connection.execute(f"describe {source}_{table}").fetchall()}
        assert columns <= set(TABLES[table].column_names), (source, table)
        required = [column.name for column in TABLES[table].columns if column.required]
        nulls = " or ".join(f"{name} is null" for name in required)
        assert one(connection, f"select count(*) from {source}_{table} where {nulls}") == 0, (source, table)


def test_every_value_casts_to_its_contract_type_and_stays_within_its_words(
    demo: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    for source, table, _ in deliveries(demo):
        held = {row[0] for row in connection.execute(f"describe {source}_{table}").fetchall()}
        for column in (
            c for c in TABLES[table].columns if c.name in held and (c.words or c.type not in ("id", "text"))
        ):
            text = f"cast({column.name} as varchar)"
            bad = f"{column.name} is not null and try_cast({text} as {column.sql_type}) is null"
            if column.words:
                words = ", ".join(f"'{word}'" for word in (*column.words, "complete", "void"))
                bad += f" or {text} not in ({words})"
            assert one(connection, f"select count(*) from {source}_{table} where {bad}") == 0, (
                source,
                table,
                column.name,
            )


def test_keys_are_unique_but_for_the_orders_delivered_in_two_versions(
    demo: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    repeated = set()
    for source, table, _ in deliveries(demo):
        key = ", ".join(TABLES[table].key)
        if one(connection, f"select count(*) - count(distinct ({key})) from {source}_{table}"):
            repeated.add((source, table))
    assert repeated == WITH_EARLIER_VERSIONS
    same_age = "select count(*) - count(distinct (order_id, updated_at)) from shop_shop_orders"
    assert one(connection, same_age) == 0


def test_nothing_but_appointments_and_a_few_consents_lies_at_or_after_the_end(
    demo: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    end = SCALE.as_of.isoformat()
    for source, table, _ in deliveries(demo):
        held = {row[0] for row in connection.execute(f"describe {source}_{table}").fetchall()}
        times = [c.name for c in TABLES[table].columns if c.type == "at" and c.name in held and not c.is_scheduled]
        if times:
            newest = one(connection, f"select epoch(max(greatest({', '.join(times)}))) from {source}_{table}")
            assert (newest >= SCALE.end) == ((source, table) == ("messaging", "consents")), (source, table)
    assert one(connection, f"select count(*) from crm_appointments where starts_at >= timestamp '{end}'") > 0


def test_shop_ids_are_numbers_no_double_can_hold(connection: duckdb.DuckDBPyConnection) -> None:
    for view, column in (("shop_shop_orders", "order_id"), ("shop_shop_checkouts", "checkout_id")):
        kinds = {row[0] for row in connection.execute(f"select typeof({column}) from {view}").fetchall()}
        assert kinds == {"BIGINT"}
        assert one(connection, f"select min({column}) from {view}") > 2**53
    rounded = (
        "select count(*) from shop_shop_customers where cast(cast(customer_id as double) as bigint) <> customer_id"
    )
    assert one(connection, rounded) > 100


def test_addresses_are_reserved_ones_and_phones_are_valid_numbers_kept_for_drama(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    places = ("shop_shop_customers", "outlet_shop_customers", "crm_crm_contacts", "shop_shop_orders")
    emails = " union ".join(f"select lower(trim(email)) from {view} where contains(email, '@')" for view in places)
    found = [row[0] for row in connection.execute(emails).fetchall()]
    assert len(found) > 1_000
    assert [email for email in found if not email.endswith(RESERVED_ENDINGS)] == []
    phones = " union ".join(f"select phone from {view} where length(phone) > 10" for view in places)
    numbers = [row[0] for row in connection.execute(phones).fetchall() if not row[0].startswith("+1000000")]
    assert len(numbers) > 500
    assert [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(n, "GB"))] == []


def test_an_orders_totals_are_the_sums_of_its_lines(connection: duckdb.DuckDBPyConnection) -> None:
    wrong = """
        with sums as (
            select order_id, sum(round(quantity * unit_price_amount, 2)) as goods, sum(discount_amount) as off
            from shop_shop_order_lines group by order_id
        )
        select count(*) from shop_shop_orders left join sums using (order_id)
        where abs(subtotal_amount - coalesce(goods, 0)) > 0.001 or abs(discount_amount - coalesce(off, 0)) > 0.001
            or abs(total_amount - (subtotal_amount - discount_amount + tax_amount + shipping_amount)) > 0.001
    """
    assert one(connection, wrong) == 0


def test_the_outlet_writes_wall_clock_times_and_the_settings_say_so(
    demo: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    assert load_settings(demo / "perennial.yml").sources["outlet"].time_zone == "Europe/London"
    summer = one(connection, "select count(*) from outlet_shop_orders where month(ordered_at) between 5 and 9")
    late = one(
        connection,
        "select count(*) from outlet_shop_orders where month(ordered_at) between 5 and 9 and hour(ordered_at) = 0",
    )
    assert summer > 30 and late > 0  # the shop's day ends at 23:59 UTC, which is 00:59 by a British clock in summer


def test_the_configuration_reads_as_settings_with_a_loopback_channel(tmp_path: Path) -> None:
    path = tmp_path / "perennial.yml"
    path.write_text(configuration(5_123))
    settings = load_settings(path)
    assert sorted(settings.sources) == ["crm", "messaging", "outlet", "shop"]
    mailer = settings.destinations["mailer"]
    assert mailer.url == "http://127.0.0.1:5123/perennial"  # type: ignore[union-attr]
    assert mailer.allow_private_address is True  # type: ignore[union-attr]
    assert Scale().as_of == date(2026, 11, 1)


def test_every_row_lands_and_none_is_refused_or_has_a_column_nobody_knows(demo: Path, tmp_path: Path) -> None:
    settings = load_settings(demo / "perennial.yml")
    reports = land_all(Home(tmp_path / "home").prepare(), settings, {}, lambda: datetime(2026, 11, 2, tzinfo=UTC))
    assert [(report.source_name, report.reason) for report in reports] == [(name, None) for name in settings.sources]
    landed = {(report.source_name, table.table): table for report in reports for table in report.tables}
    assert set(landed) == {(source, table) for source, table, _ in deliveries(demo)}
    for name, table in landed.items():
        assert table.received > 0, name
        assert (table.landed, table.quarantined, table.unknown_columns) == (table.received, 0, ()), name
