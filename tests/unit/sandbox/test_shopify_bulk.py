"""The sandbox's Shopify: bulk operations from the mutation to the file, and what goes wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.unit.sandbox.shopify_shop import Shop, customer, money, open_shop, order, product, refund

_ORDERS = """{ orders{ edges{ node{ id name refunds{ id totalRefundedSet{ shopMoney{ amount } } }
    lineItems{ edges{ node{ id quantity product{ id } } } } } } } }"""
_TWO = "2026-11-02T00:00:00Z"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        opened.api.seed("products", [product(1)])
        orders = [order(number, lines=2) for number in range(1, 121)]
        orders[1]["refunds"] = [refund(7, "gid://shopify/LineItem/201", "9.99")]
        opened.api.seed("orders", orders)
        yield opened


def test_an_operation_is_created_runs_and_is_done_with_a_file_of_every_object(shop: Shop) -> None:
    started = shop.run(_ORDERS)
    gid = started["bulkOperation"]["id"]
    assert started == {
        "bulkOperation": {"id": gid, "status": "CREATED", "createdAt": "2026-11-20T12:00:00Z"},
        "userErrors": [],
    }
    running = shop.poll(gid)
    assert (running["status"], running["url"], running["completedAt"]) == ("RUNNING", None, None)
    done = shop.poll(gid)
    assert (done["status"], done["objectCount"], done["rootObjectCount"]) == ("COMPLETED", "360", "120")
    assert done["partialDataUrl"] is None
    content = shop.client.get(done["url"]).content
    assert done["fileSize"] == str(len(content))
    assert content.startswith(b'{"id":"gid:\\/\\/shopify\\/Order\\/1"')  # slashes are escaped, as Shopify does
    lines = shop.lines(done["url"])
    assert len(lines) == 360
    assert lines[1] == {
        "id": "gid://shopify/Order/2",
        "name": "#2",
        "refunds": [{"id": "gid://shopify/Refund/7", "totalRefundedSet": {"shopMoney": {"amount": "9.99"}}}],
    }
    assert {"id": "gid://shopify/LineItem/101", "quantity": 1, "product": {"id": "gid://shopify/Product/1"},
            "__parentId": "gid://shopify/Order/1"} in lines  # fmt: skip
    assert shop.journal()[-1].records == 120


def test_children_stand_beside_their_parent_only_where_that_was_asked(shop: Shop) -> None:
    apart = shop.lines(shop.finished(_ORDERS)["url"])
    together = shop.lines(shop.finished(_ORDERS, g=True)["url"])
    assert ["__parentId" in line for line in apart[:3]] == [False, False, False]
    assert ["__parentId" in line for line in together[:6]] == [False, True, True, False, True, True]
    assert sorted(map(json.dumps, apart)) == sorted(map(json.dumps, together))


def test_the_filter_of_the_query_counts_in_bulk_too(shop: Shop) -> None:
    shop.api.seed("orders", [order(500, "2026-11-05T00:00:00Z", lines=1)])
    query = f"""{{ orders(query:"updated_at:>'{_TWO}'"){{ edges{{ node{{ id }} }} }} }}"""
    assert shop.lines(shop.finished(query)["url"]) == [{"id": "gid://shopify/Order/500"}]


def test_nothing_found_has_no_file(shop: Shop) -> None:
    done = shop.finished("{ customers{ edges{ node{ id } } } }")
    assert (done["status"], done["objectCount"], done["url"], done["fileSize"]) == ("COMPLETED", "0", None, None)


def test_an_operation_reads_the_records_as_they_were_when_it_was_started(shop: Shop) -> None:
    gid = shop.run(_ORDERS)["bulkOperation"]["id"]
    shop.api.seed("orders", [order(1, "2026-11-19T00:00:00Z", name="changed"), order(999)])
    shop.poll(gid)
    lines = shop.lines(shop.poll(gid)["url"])
    assert "#1" in [line.get("name") for line in lines]
    assert "gid://shopify/Order/999" not in [line["id"] for line in lines]


def test_a_connection_within_a_connection_names_the_node_it_hangs_on(shop: Shop) -> None:
    warranty = {"id": "gid://shopify/Metafield/5", "namespace": "custom", "key": "warranty_days", "value": "365"}
    shop.api.seed("products", [product(2, metafields=[warranty])])
    query = (
        '{ products(query:"id:2"){ edges{ node{ id metafields(namespace:"custom"){ edges{ node{ key value } } } } } } }'
    )
    assert shop.lines(shop.finished(query)["url"]) == [
        {"id": "gid://shopify/Product/2"},
        {"key": "warranty_days", "value": "365", "__parentId": "gid://shopify/Product/2"},
    ]


def test_five_operations_run_at_once_and_one_in_older_versions(shop: Shop) -> None:
    gids = [shop.run(_ORDERS)["bulkOperation"]["id"] for _ in range(5)]
    refused = shop.run(_ORDERS)
    assert refused["bulkOperation"] is None
    assert refused["userErrors"] == [
        {
            "field": None,
            "message": f"A bulk query operation for this app and shop is already in progress: {gids[0]}.",
            "code": "OPERATION_IN_PROGRESS",
        }
    ]
    shop.wait(60)  # by then they are done without being asked
    assert shop.run(_ORDERS)["userErrors"] == []
    older = shop.post(
        f'mutation{{ bulkOperationRunQuery(query:"""{_ORDERS}"""){{ userErrors{{ code }} }} }}', "2025-10"
    )
    assert older.json()["data"]["bulkOperationRunQuery"]["userErrors"] == [{"code": "OPERATION_IN_PROGRESS"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('{ node(id:"gid://shopify/Order/1"){ id } }', "Bulk queries cannot contain a top level `node` field."),
        ("{ shop{ id } }", "Bulk queries must contain at least one connection."),
        ("{ ordersCount{ count } }", "Bulk queries must contain at least one connection."),
        ("{ orders{ nodes{ id } } }", "Selecting via 'nodes' is not supported."),
        (
            "{ orders{ edges{ node{ name lineItems{ edges{ node{ id } } } } } } }",
            "Connection fields without 'id': orders.",
        ),
        (
            "{ orders{ edges{ node{ id refunds{ id refundLineItems(first:5){ edges{ node{ id } } } } } } } }",
            "Queries that contain a connection field within a list field are not currently supported.",
        ),
        (
            "{ orders{ edges{ node{ id lineItems{ edges{ node{ id product{ variants{ edges{ node{ id product{ variants{"
            " edges{ node{ id } } } } } } } } } } } } } } }",
            "Bulk queries cannot contain connections with a nesting depth greater than 2.",
        ),
        (
            "{ orders{ edges{ node{ id "
            + " ".join(f"l{n}: lineItems{{ edges{{ node{{ id }} }} }}" for n in range(5))
            + " } } } }",
            "Bulk queries cannot contain more than 5 connections.",
        ),
        ("{ orders{ edges{ node{ id } } } customers{ edges{ node{ id } } } }", "more than one top level field"),
        ("{ orders{ edges{ node{ shoe } } } }", "Invalid bulk query: Field 'shoe' doesn't exist on type 'Order'"),
        ('mutation{ bulkOperationCancel(id:"1"){ userErrors{ message } } }', "Only `query` operations are supported."),
        ("", "Invalid bulk query: syntax error, unexpected end of file"),
    ],
)  # fmt: skip
def test_a_query_no_bulk_operation_takes_is_refused_in_shopifys_words(shop: Shop, query: str, message: str) -> None:
    refused = shop.run(query)
    assert refused["bulkOperation"] is None
    assert any(message in error["message"] for error in refused["userErrors"])
    assert {(tuple(error["field"]), error["code"]) for error in refused["userErrors"]} == {(("query",), "INVALID")}


def test_starting_and_asking_cost_little_and_the_file_nothing(shop: Shop) -> None:
    before = shop.api.bucket.available(shop.now)
    shop.lines(shop.finished(_ORDERS)["url"])
    assert before - shop.api.bucket.available(shop.now) == 10 + 1 + 1


def test_an_operation_can_fail_and_leave_a_part_to_read(shop: Shop) -> None:
    shop.arm("bulk_failed", match="bulkOperationRunQuery", code="TIMEOUT")
    done = shop.finished(_ORDERS)
    assert (done["status"], done["errorCode"], done["url"]) == ("FAILED", "TIMEOUT", None)
    assert done["partialDataUrl"].endswith("-partial.jsonl")
    assert len(shop.lines(done["partialDataUrl"])) == 180
    assert shop.client.get(done["partialDataUrl"].replace("-partial", "")).status_code == 404
    assert shop.finished(_ORDERS)["status"] == "COMPLETED"


def test_an_operation_can_be_done_and_have_no_file_though_there_are_objects(shop: Shop) -> None:
    shop.arm("bulk_null_url", match="bulkOperationRunQuery")
    done = shop.finished(_ORDERS)
    assert (done["status"], done["objectCount"], done["url"]) == ("COMPLETED", "360", None)


@pytest.mark.parametrize("fault", ["bulk_children_first", "bulk_shuffled"])
def test_lines_can_come_in_an_order_nobody_expects(shop: Shop, fault: str) -> None:
    usual = shop.lines(shop.finished(_ORDERS)["url"])
    shop.arm(fault, match="bulkOperationRunQuery")
    unusual = shop.lines(shop.finished(_ORDERS)["url"])
    assert sorted(map(json.dumps, unusual)) == sorted(map(json.dumps, usual))
    met: set[str] = set()
    orphans = 0
    for line in unusual:
        met.add(line["id"])
        orphans += "__parentId" in line and line["__parentId"] not in met
    assert orphans == 240 if fault == "bulk_children_first" else 0 < orphans < 240


def test_an_operation_can_be_cancelled(shop: Shop) -> None:
    gid = shop.run(_ORDERS)["bulkOperation"]["id"]
    query = "mutation($id:ID!){ bulkOperationCancel(id:$id){ bulkOperation{ status } userErrors{ field message } } }"
    assert shop.data(query, id=gid)["bulkOperationCancel"]["bulkOperation"] == {"status": "CANCELING"}
    done = shop.poll(gid)
    assert (done["status"], done["url"]) == ("CANCELED", None)
    unknown = shop.data(query, id="gid://shopify/BulkOperation/1")["bulkOperationCancel"]
    assert unknown["userErrors"] == [{"field": ["id"], "message": "Bulk operation does not exist"}]


def test_the_newest_operation_can_be_asked_for_without_its_id(shop: Shop) -> None:
    assert shop.data("{ currentBulkOperation{ id } }") == {"currentBulkOperation": None}
    gid = shop.run(_ORDERS)["bulkOperation"]["id"]
    assert shop.data("{ currentBulkOperation{ id status query } }")["currentBulkOperation"] == {
        "id": gid, "status": "RUNNING", "query": _ORDERS
    }  # fmt: skip


def test_a_file_is_gone_after_a_week(shop: Shop) -> None:
    url = shop.finished(_ORDERS)["url"]
    shop.wait(7 * 86_400)
    assert shop.client.get(url).status_code == 200
    shop.wait(1)
    assert shop.client.get(url).status_code == 404


def test_how_often_it_must_be_asked_is_told_to_the_sandbox() -> None:
    with open_shop(bulk_polls=4) as slow:
        slow.api.seed("customers", [customer(1, amountSpent=money("1.5")["shopMoney"])])
        gid = slow.run("{ customers{ edges{ node{ id amountSpent{ amount } } } } }")["bulkOperation"]["id"]
        assert [slow.poll(gid)["status"] for _ in range(4)] == ["RUNNING", "RUNNING", "RUNNING", "COMPLETED"]
