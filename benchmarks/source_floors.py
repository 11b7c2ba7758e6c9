"""The floor under a source: the same bytes by bare read_json with an explicit schema, typed, to Parquet.

`python -m benchmarks.source_floors orders|events FOLDER`

What lives here: SQL written by hand for one file each. What does not: whatever a load does besides (keeping payloads,
refusing rows, hashes, versions, checksums). Same threads, memory limit and Parquet settings as a load.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.floors import MEMORY
from benchmarks.wire_server import BULK, PAGES

PARQUET = "format parquet, codec 'zstd', compression_level 1, parquet_version v2"
_MONEY = "struct(shopMoney struct(amount decimal(18,4), currencyCode varchar))"
_ORDER = {
    "id": "varchar", "name": "varchar", "email": "varchar", "phone": "varchar", "createdAt": "timestamp",
    "processedAt": "timestamp", "updatedAt": "timestamp", "cancelledAt": "timestamp", "closedAt": "timestamp",
    "test": "boolean", "currencyCode": "varchar", "sourceName": "varchar", "displayFinancialStatus": "varchar",
    "displayFulfillmentStatus": "varchar", "subtotalPriceSet": _MONEY, "totalDiscountsSet": _MONEY, "totalTaxSet": _MONEY,
    "totalShippingPriceSet": _MONEY, "totalPriceSet": _MONEY, "customer": "struct(id varchar)", "__parentId": "varchar",
}  # fmt: skip
_LINE = {
    "id": "varchar", "title": "varchar", "quantity": "decimal(18,4)", "sku": "varchar",
    "product": "struct(id varchar, productType varchar)", "variant": "struct(id varchar)", "originalUnitPriceSet": _MONEY,
    "discountAllocations": f"struct(allocatedAmountSet {_MONEY})[]", "__parentId": "varchar",
}  # fmt: skip
_ORDERS = """
    split_part(id, '/', -1) as order_id, name, split_part(customer.id, '/', -1) as customer_id, email, phone,
    coalesce(processedAt, createdAt) as processed_at, createdAt as created_at,
    currencyCode as currency, subtotalPriceSet.shopMoney.amount as subtotal_amount,
    totalDiscountsSet.shopMoney.amount as discount_amount, totalTaxSet.shopMoney.amount as tax_amount,
    totalShippingPriceSet.shopMoney.amount as shipping_amount, totalPriceSet.shopMoney.amount as total_amount,
    displayFinancialStatus as financial_status, displayFulfillmentStatus as fulfillment_status, test as is_test,
    cancelledAt as cancelled_at, closedAt as closed_at, sourceName as source_name_at_shop,
    updatedAt as updated_at
"""
_LINES = """
    split_part(__parentId, '/', -1) as order_id, split_part(id, '/', -1) as line_id,
    split_part(product.id, '/', -1) as product_id, split_part(variant.id, '/', -1) as variant_id, title,
    product.productType as product_type, sku, quantity, originalUnitPriceSet.shopMoney.amount as unit_price_amount,
    coalesce(list_sum(list_transform(discountAllocations, lambda x: x.allocatedAmountSet.shopMoney.amount)), 0) as discount_amount
"""
_TEXTS = ("$message", "$flow", "$variation", "$_cohort$message_send_cohort", "URL", "machine_open", "Apple Privacy Open",
          "Bot Click", "Bounce Type", "method", "method_detail")  # fmt: skip
_EVENT = (
    "struct(id varchar, attributes struct(datetime timestamp, event_properties struct("
    + ", ".join(f'"{each}" varchar' for each in _TEXTS)
    + ")), relationships struct(profile struct(data struct(id varchar)), metric struct(data struct(id varchar))))[]"
)
_EVENTS = """
    e.id as event_id, e.relationships.profile.data.id as profile_id, e.relationships.metric.data.id as metric_id,
    e.attributes.datetime as occurred_at,
    coalesce(p."$_cohort$message_send_cohort", p."$message") || ':' || coalesce(e.relationships.profile.data.id, '') as send_id,
    make_timestamp(try_cast(split_part(p."$_cohort$message_send_cohort", ':', 1) as bigint) * 1000000) as sent_at,
    p."$message" as message_id, p."$flow" as flow_id, p."$variation" as variation_id, p.URL as url,
    coalesce(p.machine_open = 'true', false) or coalesce(p."Apple Privacy Open" = 'true', false)
        or coalesce(p."Bot Click" = 'true', false) as is_machine,
    p."Bounce Type" as bounce_type, p.method, p.method_detail
"""


def orders(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """The file once per table: cheaper than one wider read that both are cut from."""
    for table, schema, select, where in (
        ("orders", _ORDER, _ORDERS, "__parentId is null"), ("order_lines", _LINE, _LINES, "__parentId is not null")
    ):  # fmt: skip
        rows = f"select {select} from {_json(folder / BULK, schema)} where {where}"
        con.execute(f"copy ({rows}) to '{folder / f'floor_{table}.parquet'}' ({PARQUET})")


def events(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    pages = (
        f"select unnest(data) as e from {_json(folder / PAGES, {'data': _EVENT}, ', maximum_object_size = 67108864')}"
    )
    rows = f"select {_EVENTS} from (select e, e.attributes.event_properties as p from ({pages}))"
    con.execute(f"copy ({rows}) to '{folder / 'floor_events.parquet'}' ({PARQUET})")


def _json(path: Path, schema: dict[str, str], more: str = "") -> str:
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in schema.items())
    return f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}}, auto_detect = false, records = true{more})"


def main(name: str, folder: Path) -> None:
    config = {"memory_limit": MEMORY, "threads": 2, "preserve_insertion_order": False}
    with duckdb.connect(config=config) as con:
        con.execute("set TimeZone = 'UTC'")
        FLOORS[name](con, folder)


FLOORS = {"orders": orders, "events": events}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
