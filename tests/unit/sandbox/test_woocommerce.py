"""The sandbox's WooCommerce over real HTTP: what it refuses, how it pages, what its faults do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from perennial.sandbox.server import Sandbox
from perennial.sandbox.woocommerce.api import WoocommerceApi
from tests.unit.sandbox.woocommerce_store import KEYS, ROOT, Store, running_store

START = datetime(2026, 6, 1, 12)


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    with running_store(Sandbox([WoocommerceApi()])) as store:
        yield store


@pytest.fixture
def store(server: Store) -> Store:
    server.renew(WoocommerceApi())
    return server


def orders(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": number, "date_created_gmt": (START + timedelta(minutes=number)).isoformat(), **more}
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "woocommerce_rest_cannot_view"),
        (("ck_other", KEYS[1]), "woocommerce_rest_authentication_error"),
        ((KEYS[0], "other"), "woocommerce_rest_authentication_error"),
    ],
)
def test_a_request_without_the_right_keys_is_answered_401_in_the_stores_own_form(
    store: Store, auth: tuple[str, str] | None, code: str
) -> None:
    answer = httpx.get(f"{store.address}{ROOT}/orders", auth=auth)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.json()["data"] == {"status": 401}


def test_over_plain_http_keys_count_only_where_the_switch_says_so(store: Store) -> None:
    store.renew(WoocommerceApi(basic_over_http=False))
    assert store.get("/orders").json()["code"] == "woocommerce_rest_cannot_view"


def test_keys_in_the_query_are_refused(store: Store) -> None:
    answer = httpx.get(f"{store.address}{ROOT}/orders", params={"consumer_key": KEYS[0], "consumer_secret": KEYS[1]})
    assert answer.status_code == 501


@pytest.mark.parametrize("path", ["/wp-json/wc/v2/orders", "/wp-json/wc/v3/nothing", "/wp-json/wc/v3/orders/x", "/"])
def test_an_unknown_route_is_answered_404_rest_no_route(store: Store, path: str) -> None:
    answer = httpx.get(f"{store.address}/woocommerce{path}", auth=KEYS)
    assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")


def test_the_key_may_read_and_not_write(store: Store) -> None:
    answer = store.client.post("/orders", json={"status": "pending"})
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_authentication_error")


@pytest.mark.parametrize(
    ("path", "name", "text"),
    [
        ("/orders", "per_page", "101"),
        ("/orders", "per_page", "0"),
        ("/orders", "page", "0"),
        ("/orders", "order", "up"),
        ("/orders", "orderby", "total"),
        ("/orders", "status", "shipped"),
        ("/orders", "modified_after", "2026-06-01"),
        ("/orders", "modified_after", "2026-13-41T00:00:00"),
        ("/orders", "dates_are_gmt", "maybe"),
        ("/orders", "include", "x"),
        ("/customers", "role", "boss"),
        ("/customers", "orderby", "date"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(store: Store, path: str, name: str, text: str) -> None:
    answer = store.get(path, **{name: text})
    assert answer.status_code == 400
    assert answer.json()["code"] == "rest_invalid_param"
    assert list(answer.json()["data"]["params"]) == [name]


def test_an_unknown_parameter_is_ignored_as_wordpress_ignores_it(store: Store) -> None:
    store.api.seed("customers", [{"id": 1, "date_created_gmt": "2026-01-01T00:00:00"}])
    assert store.ids("/customers", modified_after="2026-06-01T00:00:00", nonsense="1") == [1]


def test_a_parameter_the_sandbox_does_not_play_is_refused_aloud(store: Store) -> None:
    assert store.get("/orders", search="x").json()["code"] == "sandbox_not_played"


def test_a_list_is_a_bare_array_with_totals_and_links_to_this_server(store: Store) -> None:
    store.api.seed("orders", orders(25))
    answer = store.get("/orders", per_page=10, page=2, orderby="id", order="asc")
    assert [record["id"] for record in answer.json()] == list(range(11, 21))
    assert (answer.headers["X-WP-Total"], answer.headers["X-WP-TotalPages"]) == ("25", "3")
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    following = answer.links["next"]["url"]
    assert following.startswith(store.address + ROOT + "/orders?")
    last = store.client.get(following)
    assert [record["id"] for record in last.json()] == list(range(21, 26))
    assert set(last.links) == {"prev"}


def test_a_page_holds_ten_records_where_no_size_is_asked_and_behind_the_last_page_none(store: Store) -> None:
    store.api.seed("orders", orders(25))
    assert store.ids("/orders") == list(range(25, 15, -1))
    assert store.ids("/orders", page=9) == []


def test_an_offset_counts_from_any_record_and_outweighs_the_page(store: Store) -> None:
    store.api.seed("orders", orders(25))
    assert store.ids("/orders", offset=3, per_page=2, page=7, order="asc") == [4, 5]


def test_a_record_modified_while_paging_shifts_the_pages_of_a_list_by_modification(store: Store) -> None:
    store.api.seed("orders", orders(4))
    first = store.ids("/orders", orderby="modified", order="asc", per_page=2)
    store.api.seed("orders", [{**orders(1)[0], "date_modified_gmt": "2026-07-01T00:00:00"}])
    second = store.ids("/orders", orderby="modified", order="asc", per_page=2, page=2)
    assert (first, second) == ([1, 2], [4, 1])


def test_bounds_are_left_out_and_compare_with_local_dates_unless_told_otherwise(store: Store) -> None:
    store.api.seed("orders", orders(3))  # 12:01, 12:02 and 12:03 GMT: an hour later by the store's clock
    assert store.ids("/orders", modified_after="2026-06-01T12:01:00", dates_are_gmt="true", order="asc") == [2, 3]
    assert store.ids("/orders", modified_after="2026-06-01T13:01:00", order="asc") == [2, 3]
    assert store.ids("/orders", after="2026-06-01T12:01:00", before="2026-06-01T12:03:00", dates_are_gmt="1") == [2]
    # with a zone the text becomes local time: right beside local dates, an hour off beside GMT ones
    assert store.ids("/orders", modified_after="2026-06-01T12:01:00Z", order="asc") == [2, 3]
    assert store.ids("/orders", modified_after="2026-06-01T12:01:00Z", dates_are_gmt="true") == []


def test_status_any_hides_the_trash_and_drafts_which_show_when_named(store: Store) -> None:
    words = ["processing", "trash", "checkout-draft", "partial-payment"]
    store.api.seed("orders", [{**order, "status": word} for order, word in zip(orders(4), words, strict=True)])
    assert store.ids("/orders", order="asc") == [1, 4]
    assert store.ids("/orders", status="any", order="asc") == [1, 4]
    assert store.ids("/orders", status="trash") == [2]
    assert store.ids("/orders", **{"status[]": ["trash", "checkout-draft"]}, order="asc") == [2, 3]
    assert store.ids("/orders", status="processing,trash", order="asc") == [1, 2]


def test_include_exclude_customer_and_fields_narrow_a_list(store: Store) -> None:
    store.api.seed("orders", [*orders(4, customer_id=7), {**orders(5)[4], "customer_id": 0}])
    assert store.ids("/orders", include="4,2", orderby="include") == [4, 2]
    assert store.ids("/orders", exclude="4", customer=7, order="asc") == [1, 2, 3]
    assert store.ids("/orders", customer=0) == [5]
    assert store.get("/orders", include="1", _fields="id,status").json() == [{"id": 1, "status": "pending"}]


def test_customers_are_of_role_customer_unless_all_are_asked_for(store: Store) -> None:
    made = "2026-01-01T00:00:00"
    store.api.seed("customers", [{"id": 2, "date_created_gmt": made, "email": "Ana@Example.com"}])
    store.api.seed("customers", [{"id": 1, "date_created_gmt": made, "role": "administrator"}])
    assert store.ids("/customers") == [2]
    assert store.ids("/customers", role="all", orderby="id") == [1, 2]
    assert store.ids("/customers", email="ana@example.com") == [2]
    assert store.get("/customers/2").json()["date_modified_gmt"] is None


def test_a_guest_order_bears_customer_0_and_its_own_address(store: Store) -> None:
    store.api.seed("orders", [{**orders(1)[0], "billing": {"email": "Ana@Example.com"}, "total": "29.35"}])
    order = store.get("/orders/1").json()
    assert (order["customer_id"], order["billing"]["email"]) == (0, "Ana@Example.com")
    assert (order["total"], order["billing"]["phone"], order["number"]) == ("29.35", "", "1")
    assert (order["date_created"], order["date_created_gmt"]) == ("2026-06-01T13:01:00", "2026-06-01T12:01:00")


def test_a_missing_record_is_answered_404_with_the_code_of_its_kind(store: Store) -> None:
    for path, code in [
        ("/orders/5", "woocommerce_rest_shop_order_invalid_id"),
        ("/customers/5", "woocommerce_rest_invalid_id"),
        ("/orders/5/refunds", "woocommerce_rest_invalid_order_id"),
    ]:
        answer = store.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_a_refund_shows_on_its_order_and_modifies_it_and_its_undoing_does_not(store: Store) -> None:
    store.api.seed("orders", orders(2))
    refund = {"id": 90, "parent_id": 1, "date_created_gmt": "2026-06-02T09:00:00", "amount": "5.00", "reason": "late"}
    store.api.seed("refunds", [refund])
    order = store.get("/orders/1").json()
    assert order["refunds"] == [{"id": 90, "reason": "late", "total": "-5.00"}]
    assert order["date_modified_gmt"] == "2026-06-02T09:00:00"
    of_order = store.get("/orders/1/refunds").json()
    assert [(each["id"], each["amount"], "parent_id" in each) for each in of_order] == [(90, "5.00", False)]
    assert store.get("/orders/1/refunds/90").json()["id"] == 90
    assert [(each["id"], each["parent_id"]) for each in store.get("/refunds").json()] == [(90, 1)]
    store.api.seed("refunds", [{"id": 90, "_gone": True}])
    order = store.get("/orders/1").json()
    assert (order["refunds"], order["date_modified_gmt"]) == ([], "2026-06-02T09:00:00")
    assert store.ids("/orders/1/refunds") == []


def test_a_store_before_9_0_has_no_list_of_all_refunds(store: Store) -> None:
    assert store.ids("/refunds") == []
    store.renew(WoocommerceApi(store_wide_refunds=False))
    assert store.get("/refunds").json()["code"] == "rest_no_route"


def test_the_newest_version_of_a_seeded_record_counts_and_a_deleted_one_is_gone(store: Store) -> None:
    newer = {**orders(1)[0], "status": "completed", "date_modified_gmt": "2026-06-03T00:00:00"}
    store.api.seed("orders", [newer])
    assert store.api.seed("orders", orders(2)) == 2
    assert store.get("/orders/1").json()["status"] == "completed"
    store.api.seed("refunds", [{"id": 9, "parent_id": 1, "date_created_gmt": "2026-06-03T00:00:00"}])
    assert store.api.seed("orders", [{"id": 1, "_gone": True}]) == 1
    assert store.ids("/orders") == [2]
    assert {name: sorted(held) for name, held in store.api.held().items()} == {
        "orders": ["2"], "customers": [], "products": [], "refunds": []
    }  # fmt: skip


def test_a_seeded_record_without_id_or_date_or_of_no_collection_is_refused(store: Store) -> None:
    for collection, record in [("orders", {"id": 0}), ("orders", {"id": 4}), ("coupons", {"id": 4})]:
        with pytest.raises(ValueError, match=collection):
            store.api.seed(collection, [record])


def test_a_proxys_error_is_502_with_html_and_a_hosts_limit_429_in_plain_text(store: Store) -> None:
    store.sandbox.arm("woocommerce", "bad_gateway_html")
    store.sandbox.arm("woocommerce", "too_many_requests")
    store.sandbox.arm("woocommerce", "too_many_requests", retry_after=7)
    answers = [store.get("/orders") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [502, 429, 429, 200]
    assert answers[0].headers["content-type"].startswith("text/html")
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, "7", None]
    assert answers[1].headers["content-type"].startswith("text/plain")


def test_a_hosts_limit_counts_the_minute_by_the_sandboxs_clock() -> None:
    clock = [datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)]
    sandbox = Sandbox([WoocommerceApi(host_limit=1, limits=2.0)], clock=lambda: clock[0])
    with running_store(sandbox) as limited:
        assert [limited.get("/orders").status_code for _ in range(3)] == [200, 200, 429]
        clock[0] += timedelta(seconds=31)
        assert limited.get("/orders").status_code == 200


def test_a_php_warning_stands_before_the_json(store: Store) -> None:
    store.sandbox.arm("woocommerce", "php_warning")
    answer = store.get("/orders")
    assert answer.status_code == 200
    assert answer.text.startswith("<br />")
    assert answer.text.endswith("[]")


def test_totals_can_change_between_two_pages(store: Store) -> None:
    store.api.seed("orders", orders(25))
    store.sandbox.arm("woocommerce", "totals_change", after=1)
    told = [store.get("/orders", page=page) for page in (1, 2, 3)]
    assert [answer.headers["X-WP-TotalPages"] for answer in told] == ["3", "2", "3"]
    assert ["next" in answer.links for answer in told] == [True, False, False]
    assert [len(answer.json()) for answer in told] == [10, 10, 5]


@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        ("page_repeated", [[1, 2], [1, 2], [5, 6]]),
        ("page_skipped", [[1, 2], [5, 6], [5, 6]]),
        ("page_half", [[1], [3, 4], [5, 6]]),
        ("page_empty", [[], [3, 4], [5, 6]]),
    ],
)
def test_a_page_fault_spoils_one_walk_once(store: Store, fault: str, pages: list[list[int]]) -> None:
    store.api.seed("orders", orders(6))
    store.sandbox.arm("woocommerce", fault)
    for expected in (pages, [[1, 2], [3, 4], [5, 6]]):
        walk = [store.get("/orders", order="asc", per_page=2, page=page) for page in (1, 2, 3)]
        assert [[record["id"] for record in answer.json()] for answer in walk] == expected
        says_it_is_the_last = "next" not in walk[0].links
        assert says_it_is_the_last == (expected is pages and fault in ("page_half", "page_empty"))


def test_a_page_fault_is_played_on_its_own_list_alone(store: Store) -> None:
    store.api.seed("orders", orders(6))
    store.sandbox.arm("woocommerce", "page_repeated")
    assert store.ids("/orders", order="asc", per_page=2) == [1, 2]
    assert store.ids("/orders", order="asc", per_page=2, status="pending", page=2) == [3, 4]
    assert store.ids("/orders", order="asc", per_page=2, offset=1) == [1, 2]


def test_a_walk_that_begins_anew_knows_nothing_of_a_fault_before_it(store: Store) -> None:
    store.api.seed("orders", orders(6))
    store.sandbox.arm("woocommerce", "page_skipped")
    for page in (1, 1, 2):
        ids = store.ids("/orders", order="asc", per_page=2, page=page)
    assert ids == [3, 4]


def test_the_journal_names_what_was_handed_over_and_holds_no_key(store: Store) -> None:
    store.api.seed("orders", orders(2))
    store.get("/orders", order="asc")
    entry = store.sandbox.journal.of("woocommerce")[-1]
    assert (entry.records, list(entry.ids), entry.status) == (2, ["1", "2"], 200)
    assert "authorization" not in entry.headers
