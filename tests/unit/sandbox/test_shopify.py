"""The sandbox's Shopify: tokens and versions, queries and their refusals, lists and their pages, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.sandbox.shopify_shop import (
    PAGE,
    TOKEN,
    Shop,
    checkout,
    customer,
    money,
    open_shop,
    order,
    product,
    refund,
)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A shop whose records no test changes."""
    with open_shop(limits=1000) as opened:
        opened.api.seed("customers", [
            customer(1, "2026-11-01T00:00:00Z", firstName="Ada", lastName="Test", state="ENABLED", tags=["vip"],
                     defaultEmailAddress={"emailAddress": "ada@example.com", "marketingState": "SUBSCRIBED",
                                          "marketingOptInLevel": "SINGLE_OPT_IN",
                                          "marketingUpdatedAt": "2026-10-01T00:00:00Z"}),
            customer(2, "2026-11-02T00:00:00Z", state="DISABLED", numberOfOrders="3"),
            customer(9_200_000_000_000_001, "2026-11-03T00:00:00Z", state="ENABLED"),
        ])  # fmt: skip
        opened.api.seed("products", [
            product(1, title="Jug", productType="kitchen", metafields=[
                {"id": "gid://shopify/Metafield/1", "namespace": "custom", "key": "warranty_days", "value": "365"},
                {"id": "gid://shopify/Metafield/2", "namespace": "other", "key": "warranty_days", "value": "7"},
            ]),
        ])  # fmt: skip
        opened.api.seed("orders", [
            order(1, "2026-11-01T00:00:00Z", 3, displayFinancialStatus="PAID", customer={"id": customer(1)["id"]}),
            order(2, "2026-11-02T00:00:00Z", 1, displayFinancialStatus="REFUNDED", test=True,
                  refunds=[refund(7, "gid://shopify/LineItem/201", "9.99")]),
            order(3, "2026-11-03T00:00:00Z", 0, displayFinancialStatus="PAID", cancelledAt="2026-11-03T00:00:00Z"),
        ])  # fmt: skip
        opened.api.seed("abandonedCheckouts", [checkout(1), checkout(2, completedAt="2026-11-02T00:00:00Z")])
        yield opened


def ids(connection: dict[str, Any]) -> list[int]:
    """The numbers of a connection's nodes."""
    nodes = connection["nodes"] if "nodes" in connection else [edge["node"] for edge in connection["edges"]]
    return [int(each["id"].rsplit("/", 1)[1]) for each in nodes]


def test_a_wrong_token_is_401_in_shopifys_words(shop: Shop) -> None:
    for token in ("", "shpat_other"):
        answer = shop.post("{shop{name}}", "2026-10", token)
        assert answer.status_code == 401
        assert answer.json() == {
            "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
        }


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-10", "2026-10"), ("2025-10", "2025-10"), ("2024-04", "2025-10"), ("unstable", "unstable")],
)
def test_the_version_that_served_is_in_the_header_and_an_expired_one_falls_forward(
    shop: Shop, asked: str, served: str
) -> None:
    answer = shop.post("{shop{name}}", asked)
    assert (answer.status_code, answer.headers["X-Shopify-API-Version"]) == (200, served)


@pytest.mark.parametrize("version", ["2027-01", "2026-11", "v1"])
def test_a_version_that_is_not_there_is_404(shop: Shop, version: str) -> None:
    assert shop.post("{shop{name}}", version).status_code == 404


def test_only_json_with_a_query_is_taken(shop: Shop) -> None:
    path, token = "/admin/api/2026-10/graphql.json", {"X-Shopify-Access-Token": TOKEN}
    plain = shop.client.post(path, content="{shop{name}}", headers={**token, "Content-Type": "text/plain"})
    broken = shop.client.post(path, content="{", headers={**token, "Content-Type": "application/json"})
    empty = shop.client.post(path, json={}, headers=token)
    assert [plain.status_code, broken.status_code, empty.status_code] == [415, 400, 400]
    assert shop.client.get(path, headers=token).status_code == 405


def test_every_answer_has_a_request_id_of_its_own(shop: Shop) -> None:
    first, second = shop.post("{shop{name}}"), shop.post("{shop{name}}")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_only_what_was_asked_comes_back_under_its_alias(shop: Shop) -> None:
    query = """query Some($n:Int = 1){ few: customers(first:$n){
        nodes{ ...basics defaultEmailAddress{ emailAddress } } } }
        fragment basics on Customer { number: legacyResourceId tags __typename }"""
    assert shop.data(query)["few"]["nodes"] == [
        {
            "number": "1",
            "tags": ["vip"],
            "__typename": "Customer",
            "defaultEmailAddress": {"emailAddress": "ada@example.com"},
        }
    ]


def test_a_field_the_schema_does_not_have_is_answered_as_shopify_does(shop: Shop) -> None:
    answer = shop.ask("{ orders(first:1){ edges{ node{ id nickname shoe{ size } } } } }")
    assert answer["errors"][0] == {
        "message": "Field 'nickname' doesn't exist on type 'Order'",
        "locations": [{"line": 1, "column": 36}],
        "path": ["query", "orders", "edges", "node", "nickname"],
        "extensions": {"code": "undefinedField", "typeName": "Order", "fieldName": "nickname"},
    }
    assert [each["extensions"]["fieldName"] for each in answer["errors"]] == ["nickname", "shoe"]
    assert "data" not in answer


def test_a_field_can_vanish_from_the_schema() -> None:
    with open_shop(without=["Customer.locale"]) as lost:
        assert lost.error("{ customers(first:1){ nodes{ id locale } } }")["extensions"]["code"] == "undefinedField"
        assert lost.data("{ customers(first:1){ nodes{ id } } }") == {"customers": {"nodes": []}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ customers(first:251){ nodes{ id } } }", "BAD_REQUEST"),
        ("{ customers{ nodes{ id } } }", "BAD_REQUEST"),
        ("{ customers(last:1){ nodes{ id } } }", "BAD_REQUEST"),
        ("{ orders(first:1){ nodes{ lineItems{ nodes{ id } } } } }", "BAD_REQUEST"),
        ("{ abandonedCheckouts(first:1, sortKey:UPDATED_AT){ nodes{ id } } }", "argumentLiteralsIncompatible"),
        ('{ customers(first:1, sortKey:"ID"){ nodes{ id } } }', "argumentLiteralsIncompatible"),
        ("{ customers(first:1, colour:RED){ nodes{ id } } }", "argumentNotAccepted"),
        ("{ customers(first:1){ nodes{ defaultAddress } } }", "selectionMismatch"),
        ("{ customers(first:1){ nodes{ id{ x } } } }", "selectionMismatch"),
        ("query($n:Int!){ customers(first:$n){ nodes{ id } } }", "INVALID_VARIABLE"),
        ("query($n:String){ customers(first:$n){ nodes{ id } } }", "variableMismatch"),
        ("{ customers(first:$n){ nodes{ id } } }", "variableNotDefined"),
        ("query($n:Int){ customers(first:1){ nodes{ id } } }", "variableNotUsed"),
        ("{ node{ id } }", "missingRequiredArguments"),
        ('{ order(id:"gid://shopify/Customer/1"){ id } }', "RESOURCE_NOT_FOUND"),
        ("{ customers(first:1){ nodes{ ... on Order { id } } } }", "cannotSpreadFragment"),
        ('{ customers(first:1, after:"bm9uZQ=="){ nodes{ id } } }', "BAD_REQUEST"),
    ],
)
def test_a_query_that_shopify_refuses_is_refused_with_its_code(shop: Shop, query: str, code: str) -> None:
    assert shop.error(query)["extensions"]["code"] == code


@pytest.mark.parametrize(
    "query",
    ["", "{", "}", "{}", "{ a(b:) }", "query { ...on }", "{ shop { ...x } }", '{ a(b:"\\u00") }', "{a" * 9000,
     "query($a:" + "[" * 9000, "{ a(b:" + "[" * 9000, "fragment x on Order { ...x } { shop { ...x } }", "\u0000",
     '{ customers(first:1, query:"' + "(" * 9000 + '"){ nodes{ id } nodes{ email } } }'],
)  # fmt: skip
def test_nonsense_is_answered_and_not_broken_on(shop: Shop, query: str) -> None:
    answer = shop.post(query)
    assert answer.status_code == 200
    assert ("errors" in answer.json()) or answer.json()["extensions"]["search"]


def test_older_fields_of_a_customer_follow_from_the_newer_ones(shop: Shop) -> None:
    held = shop.data("""{ customer(id:"gid://shopify/Customer/1"){ email phone displayName
        emailMarketingConsent{ marketingState marketingOptInLevel consentUpdatedAt }
        smsMarketingConsent{ marketingState } } }""")
    assert held["customer"] == {
        "email": "ada@example.com",
        "phone": None,
        "displayName": "Ada Test",
        "emailMarketingConsent": {
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "consentUpdatedAt": "2026-10-01T00:00:00Z",
        },
        "smsMarketingConsent": None,
    }


def test_a_reference_is_answered_with_the_record_as_it_is_held() -> None:
    query = """{ order(id:"gid://shopify/Order/1"){ customer{ firstName }
        lineItems(first:1){ nodes{ product{ productType } } } } }"""
    with open_shop() as changing:
        changing.api.seed("orders", [order(1, customer={"id": customer(1)["id"]})])
        changing.api.seed("products", [product(1, productType="kitchen")])
        assert changing.data(query)["order"]["customer"] == {"firstName": None}
        changing.api.seed("customers", [customer(1, firstName="Ada")])
        held = changing.data(query)["order"]
        assert held["customer"] == {"firstName": "Ada"}
        assert held["lineItems"]["nodes"] == [{"product": {"productType": "kitchen"}}]
        changing.api.seed("products", [{"id": product(1)["id"], "__deleted": True}])
        assert changing.data(query)["order"]["lineItems"]["nodes"] == [{"product": None}]
        assert changing.data("{ products(first:1){ nodes{ id } } }")["products"]["nodes"] == []


def test_seeding_keeps_the_newest_version_and_refuses_what_is_no_record() -> None:
    with open_shop() as changing:
        assert changing.api.seed("customers", [customer(1, "2026-11-02T00:00:00Z", firstName="New")]) == 1
        assert changing.api.seed("customers", [customer(1, "2026-11-01T00:00:00Z", firstName="Old")]) == 1
        held = changing.api.held()["customers"][customer(1)["id"]]
        assert held["firstName"] == "New"
        changing.api.seed("customers", [customer(1, "2026-11-02T00:00:00Z", firstName="Newer")])
        assert changing.api.held()["customers"][customer(1)["id"]]["firstName"] == "Newer"
        for collection, record in (("orders", customer(1)), ("carts", {}), ("customers", customer(1, shoe=44))):
            with pytest.raises(ValueError, match=r"Shopify|gid://"):
                changing.api.seed(collection, [record])


def test_a_metafield_is_found_by_namespace_and_key(shop: Shop) -> None:
    held = shop.data("""{ product(id:"gid://shopify/Product/1"){
        mine: metafield(namespace:"custom", key:"warranty_days"){ value }
        theirs: metafield(namespace:"other", key:"warranty_days"){ value } none: metafield(key:"colour"){ value }
        metafields(first:5, namespace:"custom"){ nodes{ value } } } }""")["product"]
    assert (held["mine"], held["theirs"], held["none"]) == ({"value": "365"}, {"value": "7"}, None)
    assert held["metafields"]["nodes"] == [{"value": "365"}]


def test_records_are_found_by_their_ids_in_the_order_asked(shop: Shop) -> None:
    wanted = ["gid://shopify/Order/2", "gid://shopify/Order/99", customer(9_200_000_000_000_001)["id"]]
    query = """query($ids:[ID!]!){ nodes(ids:$ids){ __typename ... on Order{ name refunds{ refundLineItems(first:2){
        nodes{ subtotalSet{ shopMoney{ amount } } } } } } ... on Customer{ legacyResourceId } } }"""
    assert shop.data(query, ids=wanted)["nodes"] == [
        {
            "__typename": "Order",
            "name": "#2",
            "refunds": [{"refundLineItems": {"nodes": [{"subtotalSet": {"shopMoney": {"amount": "9.99"}}}]}}],
        },
        None,
        {"__typename": "Customer", "legacyResourceId": "9200000000000001"},
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("updated_at:>='2026-11-02T00:00:00Z'", [2, 3]),
        ("updated_at:>'2026-11-02T00:00:00Z'", [3]),
        ("updated_at:>='2026-11-01T00:00:00Z' AND updated_at:<'2026-11-03T00:00:00Z'", [1, 2]),
        ("updated_at:<='2026-11-01T05:00:00+05:00'", [1]),
        ("created_at:>2026-11-02", [3]),
        ("financial_status:paid test:false", [1, 3]),
        ("financial_status:refunded,paid -test:true", [1, 3]),
        ("NOT financial_status:paid", [2]),
        ("(id:1 OR id:2) AND status:open", [1, 2]),
        ("status:cancelled", [3]),
        ("id:>1", [2, 3]),
        ("customer_id:1", [1]),
        ("name:'#2'", [2]),
    ],
)
def test_search_text_finds(shop: Shop, text: str, found: list[int]) -> None:
    answer = shop.ask("query($q:String){ orders(first:9, query:$q, sortKey:ID){ nodes{ id } } }", q=text)
    assert ids(answer["data"]["orders"]) == found
    assert "search" not in answer["extensions"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("updated_at:>=2026-11-03T00:45:00Z", "45"),  # its first colon begins another term
        ("colour:red", "colour"),
        ("updated_at:>'yesterday'", "updated_at"),
    ],
)
def test_a_term_that_is_not_understood_is_dropped_and_warned_of(shop: Shop, text: str, field: str) -> None:
    answer = shop.ask("query($q:String){ orders(first:9, query:$q, sortKey:ID){ nodes{ id } } }", q=f"{text} id:>=2")
    assert ids(answer["data"]["orders"]) == [2, 3]
    (search,) = answer["extensions"]["search"]
    assert (search["path"], [each["field"] for each in search["warnings"]]) == (["orders"], [field])


def test_abandoned_checkouts_are_found_by_what_became_of_them(shop: Shop) -> None:
    query = "query($q:String){ abandonedCheckouts(first:9, query:$q, sortKey:ID){ nodes{ id } } }"
    assert ids(shop.data(query, q="recovery_state:recovered")["abandonedCheckouts"]) == [2]
    assert ids(shop.data(query, q="status:open")["abandonedCheckouts"]) == [1]


def test_counts_say_how_exact_they_are(shop: Shop) -> None:
    counted = shop.data("""{ ordersCount{ count precision } customersCount(query:"id:>1"){ count }
        abandonedCheckoutsCount(limit:1){ count precision } productsCount(limit:null){ count precision } }""")
    assert counted == {
        "ordersCount": {"count": 3, "precision": "EXACT"},
        "customersCount": {"count": 2},
        "abandonedCheckoutsCount": {"count": 1, "precision": "AT_LEAST"},
        "productsCount": {"count": 1, "precision": "EXACT"},
    }


def test_without_its_scope_a_list_is_denied() -> None:
    with open_shop(scopes=["read_orders"]) as narrow:
        narrow.api.seed("orders", [order(1, "2026-09-20T00:00:00Z"), order(2, "2026-11-01T00:00:00Z")])
        assert narrow.error("{ customers(first:1){ nodes{ id } } }")["extensions"]["code"] == "ACCESS_DENIED"
        # and of the orders, without read_all_orders, those of sixty days
        assert ids(narrow.data("{ orders(first:9){ nodes{ id } } }")["orders"]) == [2]
        assert narrow.data("{ ordersCount{ count } }")["ordersCount"] == {"count": 1}


def test_the_app_can_be_asked_for_its_scopes(shop: Shop) -> None:
    held = shop.data("{ currentAppInstallation{ accessScopes{ handle } } shop{ currencyCode } }")
    assert {"handle": "read_all_orders"} in held["currentAppInstallation"]["accessScopes"]
    assert held["shop"] == {"currencyCode": "GBP"}


def test_money_is_decimal_text_in_both_currencies(shop: Shop) -> None:
    held = shop.data("""{ order(id:"gid://shopify/Order/1"){
        totalPriceSet{ shopMoney{ amount currencyCode } presentmentMoney{ amount } } } }""")
    assert held["order"]["totalPriceSet"] == {
        "shopMoney": money("19.98")["shopMoney"],
        "presentmentMoney": {"amount": "19.98"},
    }


def test_nested_connections_have_pages_of_their_own(shop: Shop) -> None:
    query = """query($after:String){ order(id:"gid://shopify/Order/1"){ lineItems(first:2, after:$after){
        edges{ cursor node{ id } } pageInfo{ hasNextPage endCursor } } } }"""
    first = shop.data(query)["order"]["lineItems"]
    second = shop.data(query, after=first["pageInfo"]["endCursor"])["order"]["lineItems"]
    assert (ids(first), ids(second)) == ([101, 102], [103])
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


def test_the_journal_holds_the_ids_that_were_handed_over(shop: Shop) -> None:
    shop.data(PAGE, n=2)
    entry = shop.journal()[-1]
    assert (entry.records, list(entry.ids)) == (2, [customer(1)["id"], customer(2)["id"]])
    assert "x-shopify-access-token" not in entry.headers
