"""The sandbox's Shopify: walking lists while they change, what a query costs, and the faults of ordinary calls."""

from __future__ import annotations

import pytest

from perennial.sandbox.core import PAGE_FAULTS
from tests.unit.sandbox.shopify_shop import PAGE, TOKEN, Shop, customer, open_shop, order

_LONGEST = "{ customers(first:250){ nodes{ id defaultAddress{ city } amountSpent{ amount } } } }"


def numbers(pages: list[list[str]]) -> list[list[int]]:
    return [[int(gid.rsplit("/", 1)[1]) for gid in page] for page in pages]


def test_many_records_of_one_time_are_walked_without_a_gap_or_a_repeat() -> None:
    with open_shop(limits=1000) as shop:
        shop.api.seed("customers", [customer(number) for number in range(1, 752)])
        found = [number for page in numbers(list(shop.walk(250))) for number in page]
        assert found == list(range(1, 752))


def test_a_record_put_in_before_the_position_is_passed_and_one_after_it_is_met() -> None:
    with open_shop() as shop:
        shop.api.seed("customers", [customer(number, f"2026-11-{number:02d}T00:00:00Z") for number in (2, 4, 6, 8)])
        walk = shop.walk(2)
        first = next(walk)
        shop.api.seed("customers", [customer(1, "2026-11-01T00:00:00Z"), customer(5, "2026-11-05T00:00:00Z")])
        assert numbers([first, *walk]) == [[2, 4], [5, 6], [8]]


def test_a_record_changed_while_walking_is_met_again_at_its_new_place() -> None:
    with open_shop() as shop:
        shop.api.seed("customers", [customer(number, f"2026-11-{number:02d}T00:00:00Z") for number in (1, 2, 3, 4)])
        walk = shop.walk(2)
        first = next(walk)
        shop.api.seed("customers", [customer(1, "2026-11-09T00:00:00Z")])
        assert numbers([first, *walk]) == [[1, 2], [3, 4], [1]]


def test_a_list_is_walked_backwards_where_reverse_was_asked() -> None:
    query = PAGE.replace("UPDATED_AT", "ID, reverse:true")
    with open_shop() as shop:
        shop.api.seed("customers", [customer(number) for number in range(1, 4)])
        first = shop.data(query, n=2)["customers"]
        second = shop.data(query, n=2, after=first["pageInfo"]["endCursor"])["customers"]
        pages = [[edge["node"]["id"] for edge in page["edges"]] for page in (first, second)]
        assert numbers(pages) == [[3, 2], [1]]


def test_a_cursor_of_another_order_is_refused() -> None:
    with open_shop() as shop:
        shop.api.seed("customers", [customer(1), customer(2)])
        cursor = shop.data(PAGE, n=1)["customers"]["pageInfo"]["endCursor"]
        error = shop.error("query($a:String){ customers(first:1, after:$a, sortKey:ID){ nodes{ id } } }", a=cursor)
        assert error["message"] == "Invalid cursor for current pagination sort."


def test_a_list_may_be_told_to_end_at_a_depth() -> None:
    with open_shop(page_depth=2) as shop:
        shop.api.seed("customers", [customer(number) for number in range(1, 5)])
        cursor = shop.data(PAGE, n=2)["customers"]["pageInfo"]["endCursor"]
        assert shop.error(PAGE, n=2, after=cursor)["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        ("page_repeated", [[1, 2], [3, 4], [3, 4], [5, 6], [7]]),
        ("page_skipped", [[1, 2], [3, 4], [7]]),
        ("page_half", [[1, 2], [3]]),
        ("page_empty", [[1, 2], []]),
    ],
)
def test_paging_goes_wrong_as_armed(fault: str, pages: list[list[int]]) -> None:
    with open_shop() as shop:
        shop.api.seed("customers", [customer(number) for number in range(1, 8)])
        shop.arm(fault, after=1)
        assert numbers(list(shop.walk(2))) == pages
        assert fault in PAGE_FAULTS


def test_the_first_page_can_be_repeated_too() -> None:
    with open_shop() as shop:
        shop.api.seed("customers", [customer(number) for number in range(1, 4)])
        shop.arm("page_repeated")
        assert numbers(list(shop.walk(2))) == [[1, 2], [1, 2], [3]]


def test_cost_is_counted_from_the_sizes_of_connections() -> None:
    query = """{ orders(first:10){ edges{ node{ id totalPriceSet{ shopMoney{ amount } } customer{ id }
        lineItems(first:5){ edges{ node{ id product{ id } } } } } } } }"""
    with open_shop() as shop:
        shop.api.seed("orders", [order(1, lines=2)])
        cost = shop.ask(query)["extensions"]["cost"]
        assert cost["requestedQueryCost"] == 2 + 10 * (1 + 1 + 2 + 5 * (1 + 1))
        assert cost["actualQueryCost"] == 2 + 1 + 2 + 2 * (1 + 1)  # the order has no customer
        assert cost["throttleStatus"] == {
            "maximumAvailable": 2000.0, "currentlyAvailable": 2000 - cost["actualQueryCost"], "restoreRate": 100.0
        }  # fmt: skip


def test_a_query_over_a_thousand_points_is_never_run() -> None:
    with open_shop(limits=1000) as shop:
        error = shop.error("{ orders(first:250){ nodes{ lineItems(first:10){ nodes{ id } } } } }")
        assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
        assert (error["extensions"]["cost"], error["extensions"]["maxCost"]) == (2 + 250 * (1 + 2 + 10), 1000)


def test_an_empty_bucket_is_200_and_throttled_until_time_has_passed() -> None:
    with open_shop(limits=0.26) as shop:  # 520 points, 26 a second
        shop.api.seed("customers", [customer(number, defaultAddress={"city": "Leeds"}) for number in range(1, 251)])
        first = shop.ask(_LONGEST)["extensions"]["cost"]
        assert (first["requestedQueryCost"], first["throttleStatus"]["currentlyAvailable"]) == (502, 18)
        answer = shop.post(_LONGEST)
        assert answer.status_code == 200
        assert answer.json() == {
            "errors": [
                {
                    "message": "Throttled",
                    "extensions": {
                        "code": "THROTTLED",
                        "documentation": "https://shopify.dev/api/usage/rate-limits",
                    },
                }
            ],
            "extensions": {
                "cost": {
                    "requestedQueryCost": 502,
                    "actualQueryCost": None,
                    "throttleStatus": {"maximumAvailable": 520.0, "currentlyAvailable": 18, "restoreRate": 26.0},
                }
            },
        }
        shop.wait((502 - 18) / 26)
        assert "errors" not in shop.ask(_LONGEST)


def test_throttling_can_be_armed_and_the_bucket_says_how_long_to_wait() -> None:
    with open_shop() as shop:
        shop.arm("throttled", seconds=0.5)
        answer = shop.ask(PAGE, n=200)
        cost = answer["extensions"]["cost"]
        assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
        assert "data" not in answer
        status = cost["throttleStatus"]
        assert (cost["requestedQueryCost"] - status["currentlyAvailable"]) / status["restoreRate"] == 0.5
        assert shop.ask(PAGE, n=200)["errors"]
        shop.wait(0.5)
        assert shop.data(PAGE, n=200)["customers"]["edges"] == []


def test_too_many_requests_say_when_to_come_back() -> None:
    with open_shop() as shop:
        shop.arm("too_many_requests")
        answer = shop.post("{shop{name}}")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2.0")
        assert shop.post("{shop{name}}").status_code == 200


def test_an_internal_error_is_200_and_passes() -> None:
    with open_shop() as shop:
        shop.arm("internal_error")
        assert shop.error("{shop{name}}")["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert shop.data("{shop{id}}")["shop"]["id"] == "gid://shopify/Shop/1"


def _token(shop: Shop, secret: str = "s3cret", **body: str) -> tuple[int, dict[str, object]]:
    wanted = {"client_id": "app", "client_secret": secret, "grant_type": "client_credentials", **body}
    answer = shop.client.post("/admin/oauth/access_token", json=wanted)
    return answer.status_code, answer.json()


def test_client_credentials_give_a_token_until_it_expires() -> None:
    with open_shop(tokens_by_credentials={("app", "s3cret"): "shpca_sandbox"}) as shop:
        assert _token(shop, secret="wrong")[0] == 401
        assert _token(shop, grant_type="password")[0] == 400
        assert shop.post("{shop{name}}", "2026-10", "shpca_sandbox").status_code == 401  # not given out yet
        status, given = _token(shop)
        assert (status, given["access_token"], given["expires_in"]) == (200, "shpca_sandbox", 86_400)
        assert "read_all_orders" in str(given["scope"]).split(",")
        assert shop.post("{shop{name}}", "2026-10", "shpca_sandbox").status_code == 200
        shop.wait(86_400)
        assert shop.post("{shop{name}}", "2026-10", "shpca_sandbox").status_code == 401
        assert _token(shop)[1]["access_token"] == "shpca_sandbox-2"


def test_a_token_expired_by_a_fault_is_worth_nothing_from_then_on() -> None:
    with open_shop(tokens_by_credentials={("app", "s3cret"): "shpca_sandbox"}) as shop:
        old = str(_token(shop)[1]["access_token"])
        shop.arm("token_expired")
        assert [shop.post("{shop{name}}", "2026-10", old).status_code for _ in range(2)] == [401, 401]
        new = str(_token(shop)[1]["access_token"])
        assert new != old
        assert shop.post("{shop{name}}", "2026-10", new).status_code == 200


def test_a_lasting_token_is_refused_once() -> None:
    with open_shop() as shop:
        shop.arm("token_expired")
        assert [shop.post("{shop{name}}", "2026-10", TOKEN).status_code for _ in range(2)] == [401, 200]


def test_the_servers_own_faults_reach_the_shop() -> None:
    with open_shop() as shop:
        shop.arm("html", match="customers")
        assert shop.post("{shop{name}}").headers["content-type"] == "application/json"
        assert shop.post(PAGE, n=1).headers["content-type"].startswith("text/html")
        assert {"throttled", "bulk_failed", "page_half"} <= set(shop.api.faults)
