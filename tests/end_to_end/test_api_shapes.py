"""239 tables and 325 payloads that vendors' tools wrote, through landing and the staging models, every row accounted for.

The archives are public samples: tables as Fivetran lands them, and webhooks as a collector received them.
tests/support/api_shapes.csv says of every file what becomes of it, and of some why.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perennial.config.home import Home
from perennial.config.vendors.registry import VENDORS
from perennial.landing.casting import EMPTY_MD5
from tests.support.api_shapes import FATES, Shapes, staged, unpacked
from tests.support.api_shapes_accounts import ACCOUNTS, came_out, fates, told
from tests.support.api_shapes_counts import COMPLETING, LANDED, NOT_DELIVERED, STAGED, WITHOUT_SAMPLES
from tests.support.api_shapes_others import OTHERS
from tests.support.api_shapes_shopify import DELETED, SHOPIFY
from tests.support.nights import emptied

DELIVERIES = (*SHOPIFY, *OTHERS)
EXACT = 2**53  # from here on a reader that takes ids for floating-point numbers loses digits
SHOPIFY_THINGS = ("orders", "customers", "products", "refunds", "checkouts")


@pytest.fixture(scope="module")
def shapes(sample_data: Path, parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shapes]:
    """Everything landed and staged once, in the home whose project dbt has parsed."""
    if not (sample_data / "api_shapes").is_dir():
        pytest.skip("the sample data has no api_shapes: this test reads the tables and payloads of vendors' tools")
    emptied(parsed_home)
    folder = unpacked(sample_data, tmp_path_factory.mktemp("shapes"))
    built = staged(parsed_home.prepare(), DELIVERIES, folder)
    yield built
    built.connection.close()


def expected_fates() -> list[dict[str, str]]:
    with FATES.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def rows_in(shapes: Shapes, file: str, table: str) -> int:
    """Rows that a file has for a landed table, counted by hand: lines of a payload, else its rows."""
    if table in ("order_lines", "checkout_lines") and file.endswith(".json"):
        return len(shapes.body(file)["line_items"])
    if table == "contact_changes" and file.endswith(".json"):
        return sum(len(each["versions"]) for each in shapes.body(file)["properties"].values())
    if (file, table) == ("dbt_hubspot/contact_data.csv", "contact_merges"):
        merged = [row["property_hs_merged_object_ids"] for row in shapes.rows(file)]
        return sum(len(each.split(";")) for each in merged if each)
    return shapes.files[file]


def gid(body: dict[str, Any]) -> str:
    return str(body["admin_graphql_api_id"]).rsplit("/", 1)[1]


def test_every_table_and_every_payload_is_listed_with_what_became_of_it(shapes: Shapes) -> None:
    listed = {row["file"]: (int(row["rows"]), row["fate"]) for row in expected_fates()}
    found = fates(shapes, DELIVERIES)
    # a model or a vendor's staging that is new may take what nothing took before
    assert {file: (rows, found[file]) for file, rows in shapes.files.items()} == listed
    assert Counter(Path(file).suffix for file in listed) == {".csv": 239, ".json": 325}


def test_every_landed_table_of_a_vendor_is_given_rows_or_has_no_sample() -> None:
    delivered: dict[str, set[str]] = {}
    for each in DELIVERIES:
        delivered.setdefault(each.kind, set()).add(each.table)
    sampled = {row["file"].split("/")[0].removeprefix("dbt_") for row in expected_fates()}
    assert set(VENDORS) & sampled == set(delivered)
    for kind, tables in delivered.items():
        assert set(VENDORS[kind].tables) - tables == WITHOUT_SAMPLES.get(kind, set()), kind


def test_every_staging_model_that_is_given_rows_is_held_to_account(shapes: Shapes) -> None:
    given = {(each.kind, each.table) for each in DELIVERIES}
    fed = {model for kind, table in given for model in shapes.readers(kind, table)}
    # asks for products, to name the category of lines that no sample holds
    unfed = {"stg_woocommerce__shop_order_lines"}
    assert fed - unfed == {each.model for each in ACCOUNTS}


def test_every_row_handed_over_is_refused_or_landed_once(shapes: Shapes) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for load in shapes.loads:
        for table in load.tables:
            found = counts.setdefault((load.source_name, table.table), Counter())
            assert table.received == table.accepted + table.quarantined
            assert table.accepted == table.landed + table.repeated
            found.update(
                received=table.received, refused=table.quarantined, repeated=table.repeated, landed=table.landed
            )
    found_now = {}
    for each in DELIVERIES:
        count = counts[each.source, each.table]
        in_force = shapes.count(
            f"select * from {shapes.current(each.kind, each.table)} where source_name = '{each.source}'"
        )
        older = count["landed"] - in_force
        found_now[each.source, each.table] = (count["received"], count["refused"], count["repeated"], older, in_force)
    assert found_now == LANDED


def test_every_row_of_a_file_is_handed_over_or_known_not_to_be(shapes: Shapes) -> None:
    in_files, received = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in DELIVERIES:
        left = each.left_behind(shapes)
        for reason in set(left) & set(DELETED):
            # a customer of Shopify is known to be gone by the list of all ids, which no sample has
            if (each.kind, each.table) != ("shopify", "customers"):
                assert "is_deleted" not in VENDORS[each.kind].tables[each.table].column_names, f"{each.table}: {reason}"
        wanted = {reason: NOT_DELIVERED.get((each.source, each.table), {}).get(reason, 0) for reason in each.left_out}
        assert left == wanted, (each.source, each.table)
        in_files[each.source, each.table] += sum(rows_in(shapes, file, each.table) for file in each.files)
        received[each.source, each.table] += sum(left.values())
    for load in shapes.loads:
        for table in load.tables:
            received[load.source_name, table.table] += table.received
    assert received == in_files


def test_every_row_that_completes_another_names_one_or_is_known_not_to(shapes: Shapes) -> None:
    named: dict[str, int] = {}
    for each in DELIVERIES:
        for detail in each.details.values():
            there = {row[detail.of] for row in shapes.rows(each.files[0])}
            count = sum(row[detail.key] in there for row in shapes.rows(detail.file))
            stem = Path(detail.file).stem
            named[stem] = max(count, named.get(stem, 0))
    assert named == COMPLETING


def test_every_row_in_force_is_staged_or_left_out_for_a_named_reason(shapes: Shapes) -> None:
    counts = {}
    for account in ACCOUNTS:
        wanted, found = told(shapes, account), came_out(shapes, account)
        assert set(found) <= set(wanted), account.model
        for source, (keys, reasons) in wanted.items():
            assert found.get(source, Counter()) == keys, (account.model, source)
            counts[account.model, source] = (sum(keys.values()), dict(reasons))
    assert counts == STAGED


def test_shopifys_ids_beyond_floating_point_are_exact_to_the_last_digit(shapes: Shapes) -> None:
    """orders.create, customers.create, products.create, refunds.create and checkouts.create of shopify/2024-10."""
    told_by = {name: shapes.body(f"shopify/2024-10/{name}.create.json") for name in SHOPIFY_THINGS}
    order, customer, checkout = told_by["orders"], told_by["customers"], told_by["checkouts"]
    for body in (order, customer, told_by["products"], told_by["refunds"], order["customer"], *order["line_items"]):
        assert int(gid(body)) > EXACT
        assert str(body["id"]) != gid(body), "the collector's JSON reader rounded the number beside the gid"

    def ids(model: str, key: str) -> set[str]:
        return set(shapes.staged(f"stg_shopify__{model}", "shop_2024_10", key))

    assert ids("shop_orders", "order_id") == {gid(order)} == {"820982911946154508"}
    assert ids("shop_order_lines", "line_id") == {gid(each) for each in order["line_items"]}
    assert ids("shop_order_lines", "line_id") == {"866550311766439020", "141249953214522974"}
    assert ids("shop_customers", "customer_id") == {gid(customer)} == {"706405506930370084"}
    assert ids("shop_products", "product_id") == {gid(told_by["products"])} == {"788032119674292922"}
    assert ids("shop_checkouts", "checkout_id") == {checkout["name"].lstrip("#")} == {"981820079255243537"}
    (staged_order,) = shapes.staged("stg_shopify__shop_orders", "shop_2024_10", "order_id").values()
    assert staged_order["customer_id"] == gid(order["customer"]) == "115310627314723954"
    (refund,) = shapes.staged("stg_shopify__shop_refunds", "shop_2024_10", "refund_id").values()
    assert refund["refund_id"] == gid(told_by["refunds"]) == "890088186047892319"
    # the payload names its order by the rounded number alone, a JSON number: it loses nothing more on its way
    assert refund["order_id"] == str(told_by["refunds"]["order_id"]) == "820982911946154500"


def test_the_md5_of_nothing_is_nothing(shapes: Shapes) -> None:
    """shopify_order_data.csv: three orders give it as the phone of the address they went to."""
    orders = shapes.rows("dbt_shopify/shopify_order_data.csv")
    hashed = {row["id"] for row in orders if row["shipping_address_phone"] == EMPTY_MD5}
    assert len(hashed) == 3
    found = shapes.staged("stg_shopify__shop_orders", "shop_rest", "order_id")
    assert {each: found[each]["phone"] for each in hashed} == dict.fromkeys(hashed)
    assert {found[row["id"]]["email"] for row in orders} == {row["email"] for row in orders}, "other hashes stand"
    for model in shapes.models():
        texts = [
            row["column_name"] for row in shapes.query(f"describe staging.{model}") if row["column_type"] == "VARCHAR"
        ]
        is_hash = " or ".join(f"{column} = '{EMPTY_MD5}'" for column in texts)
        assert shapes.count(f"select * from staging.{model} where {is_hash}") == 0, model


def test_merged_contacts_name_their_winner_and_both_stay_addressable(shapes: Shapes) -> None:
    """contact_data.csv: three losers stand as live rows beside 78971951; contact_merge_audit_data.csv: four more."""
    rows = {row["id"]: row for row in shapes.rows("dbt_hubspot/contact_data.csv")}
    audit = {
        row["vid_to_merge"]: row["canonical_vid"] for row in shapes.rows("dbt_hubspot/contact_merge_audit_data.csv")
    }
    losers = rows["78971951"]["property_hs_merged_object_ids"].split(";")
    assert losers == ["76340251", "46897301", "76226001"]
    assert {rows[each]["_fivetran_deleted"] for each in losers} == {"FALSE"}
    contacts = {
        row["contact_id"]: row
        for row in shapes.query("select * from input.crm_contacts where source_name = 'crm_tables'")
    }
    merged = {each: row["merged_into_id"] for each, row in contacts.items() if row["merged_into_id"] is not None}
    assert merged == dict.fromkeys(losers, "78971951") | audit
    for each in (*losers, "78971951"):
        assert contacts[each]["email"] == rows[each]["property_email"]
        assert contacts[each]["first_name"] == rows[each]["property_firstname"]
    assert contacts["78971951"]["merged_into_id"] is None
    # those that only the audit names have nothing but their id, and are there to be asked for
    assert {contacts[each]["email"] for each in audit} == {None}


def test_two_customers_with_one_address_stay_two_rows(shapes: Shapes) -> None:
    """shopify_customer_data.csv: 3584045351009 and …10. person.csv: two profiles with one phone."""
    pair = {"3584045351009", "3584045351010"}
    sample = {row["id"]: row for row in shapes.rows("dbt_shopify/shopify_customer_data.csv")}
    (email,) = {sample[each]["email"] for each in pair}
    asked = f"select * from input.shop_customers where source_name = 'shop_rest' and email = '{email}'"
    assert {row["customer_id"] for row in shapes.query(asked)} == pair
    people = shapes.query("select * from input.crm_contacts where source_name = 'mail'")
    (phone,) = {row["phone_number"] for row in shapes.rows("dbt_klaviyo/person.csv")}
    assert [row["phone"] for row in people] == [phone, phone]
    assert len({row["contact_id"] for row in people}) == 2


def test_each_order_keeps_its_own_currency_and_its_amounts_exactly(shapes: Shapes) -> None:
    """shopify_order_data.csv: GBP with USD; shopify_gql_order_data.csv: an order in USD whose total is said in CAD."""
    found = shapes.staged("stg_shopify__shop_orders", "shop_rest", "order_id")
    sample = {row["id"]: row for row in shapes.rows("dbt_shopify/shopify_order_data.csv")}
    assert Counter(row["currency"] for row in found.values()) == Counter({"USD": 5, "GBP": 3})
    for order_id, row in sample.items():
        order, discount = found[order_id], Decimal(row["total_discounts"])
        assert order["currency"] == row["currency"]
        assert order["total_amount"] == Decimal(row["total_price"])
        assert order["tax_amount"] == Decimal(row["total_tax"])
        assert order["discount_amount"] == discount
        assert order["subtotal_amount"] == Decimal(row["subtotal_price"]) + discount
    whole = shapes.staged("stg_shopify__shop_orders", "shop_graphql", "order_id")
    for row in shapes.rows("dbt_shopify/shopify_gql_order_data.csv"):
        if row["id"] in whole:
            assert whole[row["id"]]["currency"] == row["currency_code"]
            assert whole[row["id"]]["total_amount"] == Decimal(row["total_price_set_shop_amount"])
    (canadian,) = shapes.staged("stg_shopify__shop_orders", "shop_2023_01", "order_id").values()
    assert (canadian["currency"], canadian["total_amount"]) == ("CAD", Decimal("36.99"))


def test_a_refund_without_a_time_is_refused_and_says_why(shapes: Shapes) -> None:
    """shopify/2023-01/refunds.create.json: its created_at is null."""
    (file,) = shapes.home.quarantined("shop_2023_01", "refunds").glob("*.jsonl")
    (refused,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert refused["file"] == "shopify/2023-01/refunds.create.json"
    assert refused["reason"] == "created_at: is missing; every row needs one"
    assert refused["record"]["refund_id"] == gid(shapes.body(refused["file"]))


def test_an_order_told_by_several_payloads_has_the_lines_of_its_newest_version(shapes: Shapes) -> None:
    """shopify/2023-01: orders.partially_fulfilled is an older version of orders.updated, with other lines."""
    newest = shapes.body("shopify/2023-01/orders.updated.json")
    lines = shapes.staged("stg_shopify__shop_order_lines", "shop_2023_01", "line_id")
    assert {each: row["product_name"] for each, row in lines.items()} == {
        gid(each): each["title"] for each in newest["line_items"]
    }
