"""The demo world: the same bytes for the same flags, files that keep the input contract, truth for every record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import phonenumbers
import pytest

from perennial.config.contract import TABLES
from perennial.config.settings import FilesSource, load_settings
from perennial.demo.make import NotADemo, configuration, make_demo, scale_of
from perennial.demo.scale import Scale

SCALE = Scale(people=1_500, years=2, seed=7)
# Delivered twice on purpose: an order as it was placed and as it stands now.
WITH_EARLIER_VERSIONS = {("shop", "shop_orders")}
RESERVED_ENDINGS = ("example.com", "example.org", "example.net", ".test", ".example", "test@test.com")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder, SCALE)
    return folder


@pytest.fixture(scope="module")
def connection(demo: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The exports as `<source>_<table>` under the contract's column names, and truth as `truth_<table>`."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for source, table, reader in deliveries(demo):
            renamed = {export: name for name, export in renames(demo, source, table).items()}
            columns = [row[0] for row in connection.execute(f"describe select * from {reader}").fetchall()]
            chosen = ", ".join(f'"{name}" as {renamed.get(name, name)}' for name in columns)
            connection.execute(f"create table {source}_{table} as select {chosen} from {reader}")
        for path in (demo / "truth").glob("*.parquet"):
            connection.execute(f"create table truth_{path.stem} as select * from read_parquet('{path}')")
        yield connection


def deliveries(demo: Path) -> list[tuple[str, str, str]]:
    """(source, table, DuckDB reader) of everything under exports/."""
    found = []
    for place in sorted((demo / "exports").glob("*/*")):
        pattern = f"{place}/*.parquet" if place.is_dir() else str(place)
        kind = "parquet" if place.is_dir() else place.suffix[1:]
        reader = {"csv": "read_csv", "parquet": "read_parquet", "jsonl": "read_json"}[kind]
        found.append((place.parent.name, place.name.split(".")[0], f"{reader}('{pattern}')"))
    return found


def renames(demo: Path, source: str, table: str) -> dict[str, str]:
    settings = load_settings(demo / "perennial.yml").sources[source]
    assert isinstance(settings, FilesSource)
    return settings.columns.get(table, {})


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    row = connection.execute(sql).fetchone()
    assert row is not None and row[0] is not None, sql
    return float(row[0])


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


def test_truth_has_each_record_of_each_system_once(connection: duckdb.DuckDBPyConnection) -> None:
    pointing = {
        "message_contact": ("messaging_messages", "messaging_consents", "messaging_advocacy_events", "shop_consents",
                            "crm_consents"),
        "conversation_contact": ("messaging_conversations", "crm_appointments"),
    }  # fmt: skip
    guest = "customer_id is null and (email is not null or phone is not null)"
    parts = [
        "select 'shop', 'shop_customer', cast(customer_id as varchar) from shop_shop_customers",
        "select 'outlet', 'shop_customer', customer_id from outlet_shop_customers",
        "select 'crm', 'crm_contact', contact_id from crm_crm_contacts",
        f"select 'shop', 'guest_order', cast(order_id as varchar) from shop_shop_orders where {guest}",
        f"select 'outlet', 'guest_order', cast(order_id as varchar) from outlet_shop_orders where {guest}",
        "select 'shop', 'guest_order', 'checkout:' || checkout_id from shop_shop_checkouts"
        " where customer_id is null and email is not null",
        "select 'shop', 'anonymous', anonymous_id from shop_site_events",
    ]
    for record_type, views in pointing.items():
        parts += [
            f"select '{view.split('_')[0]}', '{record_type}', contact_ref_type || ':' || contact_ref from {view}"
            for view in views
        ]
    delivered = " union ".join(parts)
    known = "select source_name, record_type, record_id from truth_records"
    assert connection.execute(f"({delivered}) except ({known}) limit 3").fetchall() == []
    extra = (
        f"({known} where not (record_type = 'guest_order' and not has_clean_identifier)) except ({delivered}) limit 3"
    )
    assert connection.execute(extra).fetchall() == []
    assert (
        one(connection, f"select count(*) - count(distinct (source_name, record_type, record_id)) from ({known})") == 0
    )


def test_a_record_is_called_linkable_only_where_another_of_its_person_bears_the_same_address(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Checked for contacts with an e-mail and no second contact: against the shop's accounts and messages directly."""
    sql = """
        with truth as (select record_id, person_id, is_clean_identifier_shared as said from truth_records
                       where record_type = 'crm_contact'),
        alone as (select person_id from truth group by person_id having count(*) = 1),
        mails as (
            select lower(trim(email)) as email from shop_shop_customers union all
            select lower(trim(email)) from outlet_shop_customers union all
            select lower(trim(email)) from shop_shop_orders where customer_id is null union all
            select lower(trim(email)) from outlet_shop_orders where customer_id is null union all
            select lower(trim(email)) from shop_shop_checkouts where customer_id is null union all
            select email from shop_site_events union all
            select contact_ref from messaging_messages union all select contact_ref from messaging_consents union all
            select contact_ref from messaging_conversations union all select contact_ref from messaging_advocacy_events
        ),
        contacts as (
            select contact_id, lower(trim(email)) in (select email from mails where email is not null) as found
            from crm_crm_contacts
            where email like '%@%' and lower(trim(email)) not in ('test@test.com', 'noreply@example.com')
                and phone is null and contact_id not in (select contact_ref from crm_consents)
                and contact_id not in (select contact_ref from crm_appointments)
        )
        select count(*), count_if(found <> said), count_if(found), count_if(not found)
        from contacts join truth on contact_id = record_id join alone using (person_id)
    """
    count, wrong, found, lonely = connection.execute(sql).fetchall()[0]
    assert count > 200 and found > 100 and lonely > 5
    assert wrong == 0


def test_truth_names_the_day_each_person_left_and_nobody_buys_unprompted_after_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert one(connection, "select count(*) from truth_people") == SCALE.people
    assert one(connection, "select count(*) from truth_people where churned_on is null") == 0
    after = """
        select count(*) from outlet_shop_orders as orders
        join truth_records on record_type = 'shop_customer' and record_id = customer_id and source_name = 'outlet'
        join truth_people using (person_id)
        where cast(ordered_at as date) > churned_on + 1
    """  # no win-back order falls to the outlet
    assert one(connection, after) == 0


def test_the_win_back_message_did_what_truth_says_and_the_holdout_got_none(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    groups = dict(connection.execute("select win_back_group, count(*) from truth_win_back group by all").fetchall())
    assert 0.22 < groups["holdout"] / (groups["holdout"] + groups["treated"]) < 0.38
    sent = one(connection, "select count(*) from messaging_messages where automation_id = 'win_back'")
    assert sent == groups["treated"]
    assert (
        one(connection, "select count(*) from truth_win_back where brought_order and win_back_group = 'holdout'") == 0
    )
    treated = "from truth_win_back where win_back_group = 'treated'"
    expected, brought = one(connection, f"select sum(true_effect) {treated}"), one(
        connection, f"select count_if(brought_order) {treated}"
    )  # fmt: skip
    assert abs(brought - expected) < 4 * expected**0.5  # four standard deviations of a Poisson count
    assert one(connection, "select count(*) from truth_people where win_back_effect not between 0 and 0.5") == 0


@pytest.mark.parametrize(
    ("what", "sql", "low", "high"),
    [
        ("orders with a refund", "select (select count(distinct order_id) from shop_shop_refunds)"
         " / count(distinct order_id) from shop_shop_orders", 0.05, 0.11),
        ("refunds that name no order", "select avg(cast(order_id is null as int)) from shop_shop_refunds", 0.02, 0.12),
        ("guest orders", "select avg(cast(customer_id is null as int)) from shop_shop_orders", 0.10, 0.22),
        ("anonymous among guests", "select avg(cast((email is null or not contains(email, '@') or lower(email) in"
         " ('test@test.com', 'noreply@example.com')) and phone is null as int))"
         " from shop_shop_orders where customer_id is null", 0.04, 0.13),
        ("placeholder e-mails of contacts", "select count_if(not contains(email, '@') or lower(email) in"
         " ('test@test.com', 'noreply@example.com')) / count(email) from crm_crm_contacts", 0.015, 0.05),
        ("placeholder phones of accounts", "select count_if(phone in ('0000000000', 'n/a', '+10000000000', '-'))"
         " / count(*) from shop_shop_customers", 0.015, 0.05),
        ("machine opens among opens", "select avg(cast(is_machine as int)) from messaging_message_events"
         " where event_type = 'opened'", 0.35, 0.6),
        ("delivered messages", "select (select count(*) from messaging_message_events where event_type = 'delivered')"
         " / count(*) from messaging_messages where campaign_id is not null", 0.96, 0.99),
        ("orders that do not count", "select avg(cast(status in ('cancelled', 'failed', 'pending', 'test') as int))"
         " from shop_shop_orders", 0.06, 0.15),
        ("orders in another currency at the outlet", "select avg(cast(currency <> 'GBP' as int))"
         " from outlet_shop_orders", 0.33, 0.57),
        ("people with two shop accounts", "select avg(cast(n > 1 as int)) from (select count(*) as n from truth_records"
         " where source_name = 'shop' and record_type = 'shop_customer' group by person_id)", 0.03, 0.12),
        ("merged contacts", "select avg(cast(merged_into_id is not null as int)) from crm_crm_contacts", 0.02, 0.08),
        ("abandoned carts", "select avg(cast(completed_at is null as int)) from shop_shop_checkouts", 0.3, 0.6),
        ("conversations without a human reply", "select avg(cast(first_human_reply_at is null as int))"
         " from messaging_conversations", 0.03, 0.17),
        ("people in a family's phone", "select avg(cast(shares_family_phone as int)) from truth_people", 0.005, 0.05),
    ],
)  # fmt: skip
def test_the_share_of_each_oddity_stays_within_its_band(
    connection: duckdb.DuckDBPyConnection, what: str, sql: str, low: float, high: float
) -> None:
    assert low <= one(connection, sql) <= high, what


def test_some_people_contradict_themselves_and_some_withdraw(connection: duckdb.DuckDBPyConnection) -> None:
    torn = """
        select count(*) from (select contact_ref from messaging_consents where channel = 'email'
                              group by contact_ref, changed_at having count(distinct status) = 2)
    """
    assert one(connection, torn) >= 3
    granted_then_denied = """
        select count(*) from messaging_consents as yes join messaging_consents as no using (contact_ref, channel)
        where yes.status = 'granted' and no.status = 'denied' and no.changed_at > yes.changed_at
    """
    assert one(connection, granted_then_denied) >= 10
    by_message = "select count(*) from messaging_message_events where event_type = 'unsubscribed'"
    assert one(connection, by_message) >= 10


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
