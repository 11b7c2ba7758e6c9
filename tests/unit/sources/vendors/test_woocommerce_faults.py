"""Landing a WooCommerce store in trouble: faults, half answers, changed answers, and nothing that gives anyone away."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perennial.landing.manifest import LoadReport
from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.woocommerce.api import WoocommerceApi
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.woocommerce_shop import at, duplicates, held, landed, order, shop, stocked

LISTS = ("/customers", "/products", "/orders", "/refunds")
SECRETS = ("leak.test", "Canary", "sandbox-woocommerce-token", "ck_sandbox", "+44113496")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[VendorWorld]:
    with shop(tmp_path) as found:
        yield found


def told(report: LoadReport) -> str:
    return f"{report.reason} {report.warnings} {report.traffic}"


def safe(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_faults_on_the_way_cost_no_record_and_give_nobody_away(
    world: VendorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    passing: list[dict[str, Any]] = [
        {"fault": "bad_gateway_html"}, {"fault": "too_many_requests"}, {"fault": "php_warning"}, {"fault": "html"},
        {"fault": "status", "status": 503}, {"fault": "status", "status": 403}, {"fault": "empty_body"},
        {"fault": "errors_body"}, {"fault": "cut_off"}, {"fault": "reset_after"}, {"fault": "stall", "seconds": 4},
    ]  # fmt: skip
    for place, options in enumerate(passing):  # never two in a row: waits grow
        world.arm(**options, match=LISTS[place % 4], after=1 + place // 4)
    report = world.land_well(timeout_seconds=2, page_size=3)
    assert world.sandbox.faults.left() == 0
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert sum(report.traffic["repeats"].values()) == len(passing)
    assert safe(caplog.text + told(report))


def test_the_wait_that_a_host_asks_for_is_kept(world: VendorWorld) -> None:
    for each in LISTS:
        world.arm("too_many_requests", retry_after=1, match=each, after=1)
    began = time.monotonic()
    report = world.land_well()
    assert time.monotonic() - began >= len(LISTS)
    assert report.traffic["waited_seconds"] >= len(LISTS) * 0.9
    assert report.traffic["repeats"] == {"answered HTTP 429": len(LISTS)}
    assert landed(world) == held(world)


@pytest.mark.parametrize("turn", range(4))
def test_wrong_pages_and_totals_cost_no_record(world: VendorWorld, turn: int) -> None:
    faults = ["page_repeated", "page_skipped", "page_half", "page_empty"]
    for place, each in enumerate(LISTS):
        world.arm(faults[(place + turn) % 4], match=f"{each}?", after=3 + turn % 2)  # three requests ask for the total
        world.arm("totals_change", match=f"{each}?", pages=(-4, -3, -1, 2)[turn])
    report = world.land_well()
    assert world.sandbox.faults.left() == 0
    assert landed(world) == held(world)
    assert duplicates(world) == {}
    assert safe(told(report))


def test_a_fault_that_stays_fails_with_its_reason_and_the_load_after_it_has_everything(
    world: VendorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first_page = "orders?status=any&dates_are_gmt=true&orderby"
    for fault, options, why in [
        ("bad_gateway_html", {}, "HTTP 502"),
        ("too_many_requests", {"retry_after": 100}, "asks for 100 s more"),
        ("php_warning", {}, "not JSON"),
        ("page_empty", {"match": first_page}, "did not hand over"),
        ("status", {"status": 401, "body": {"code": "canary-1@leak.test"}}, "token_env"),
        ("status", {"status": 400, "body": {"code": "rest_invalid_param"}}, "rest_invalid_param"),
        ("status", {"status": 404, "body": {"code": "rest_no_route", "data": {}}}, "permalinks"),
        ("status", {"status": 200, "body": {"x": "canary-1@leak.test"}, "match": first_page}, "not a list"),
        ("html", {}, "not JSON"),
        ("empty_body", {}, "nothing"),
        ("errors_body", {}, "reports errors"),
        ("cut_off", {}, "cannot be reached"),
        ("reset_after", {}, "cannot be reached"),
        ("slow", {"seconds": 0.2}, "cannot be reached"),
        ("stall", {"seconds": 2}, "cannot be reached"),
    ]:
        world.arm(fault, times=500, **{"match": "/orders", **options})  # type: ignore[arg-type]
        report = world.land(call_seconds=1, timeout_seconds=0.5 if fault in ("slow", "stall") else 5)
        assert why in (report.reason or "nothing failed"), fault
        assert safe(caplog.text + told(report)), fault
        world.sandbox.faults.disarm()
    world.land_well()
    assert landed(world) == held(world)
    assert duplicates(world) == {}


@pytest.mark.parametrize("fault", ["page_half", "page_empty"])
def test_half_answers_that_stay_close_the_gate_and_what_is_held_stands(world: VendorWorld, fault: str) -> None:
    world.land_well()
    before = landed(world)
    world.arm(fault, match="per_page=10", times=500)
    report = world.land()
    assert report.is_gated
    assert "perennial source accept" in (report.reason or "")
    assert landed(world) == before
    world.sandbox.faults.disarm()
    world.land_well()
    assert landed(world) == held(world)


@pytest.mark.parametrize("collection", ["orders", "customers"])
def test_a_store_that_lost_most_of_a_list_waits_until_somebody_looked(world: VendorWorld, collection: str) -> None:
    world.land_well()
    before = landed(world)
    gone = [{"id": int(key), "_gone": True} for key in list(world.vendor.held()[collection])[3:]]
    world.vendor.seed(collection, gone)
    report = world.land()
    assert report.is_gated
    assert landed(world) == before
    world.home.accepted("store").parent.mkdir(parents=True, exist_ok=True)
    world.home.accepted("store").touch()
    report = world.land_well()
    assert "accepted" in str(report.warnings)
    if collection == "customers":  # read whole: what is gone is known to be gone
        assert landed(world)[collection] == held(world)[collection]


class Altered(WoocommerceApi):
    """A store whose records look otherwise while `change` is set: a part of the path, and what happens to a record."""

    change: tuple[str, Callable[[dict[str, Any]], None]] | None = None

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if self.change is None or not asked.path.endswith(self.change[0]) or not isinstance(answer.content, list):
            return answer
        records = [dict(record) for record in answer.content]
        for record in records:
            self.change[1](record)
        return replace(answer, content=records)


def popped(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        for name in names[:-1]:
            if name in record:
                record[name] = dict(record[name])
                record = record[name]
        record.pop(names[-1], None)

    return change


def put(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record.update({name: value})


def test_a_column_that_vanished_or_is_of_another_kind_stops_the_source_by_name(tmp_path: Path) -> None:
    api = Altered()
    with shop(tmp_path, stocked(api)) as world:
        world.land_well()
        before = landed(world)
        for path, change, said in [
            ("/orders", popped("total"), "column total is no longer there"),
            ("/orders", popped("billing", "email"), "column billing.email is no longer there"),
            ("/orders", popped("date_modified_gmt"), "column date_modified_gmt is no longer there"),
            ("/orders", popped("id"), "column id is no longer there"),
            ("/orders", put("billing", "canary-1@leak.test"), "column billing (object, now text)"),
            ("/orders", put("line_items", {"a": 1}), "column line_items (list, now object)"),
            ("/customers", put("is_paying_customer", "no"), "column is_paying_customer (boolean, now text)"),
            ("/refunds", popped("amount"), "column amount is no longer there"),
            ("/products", popped("stock_status"), "column stock_status is no longer there"),
        ]:
            api.change = (path, change)
            report = world.land()
            assert said in (report.reason or "nothing failed")
            assert safe(told(report))
        assert landed(world) == before
        api.change = None
        world.land_well()
        assert landed(world) == held(world)


def test_a_new_column_is_reported_kept_in_the_payload_and_stops_nothing(tmp_path: Path) -> None:
    api = Altered()
    with shop(tmp_path, stocked(api)) as world:
        world.land_well()
        api.change = ("/orders", put("shipping_class", "canary-1@leak.test"))
        api.seed("orders", [order(60, at(500))])
        report = world.land_well()
        assert [warning for warning in report.warnings if "new column shipping_class" in warning]
        assert safe(told(report))
        assert landed(world) == held(world)
        kept = world.query(
            f"select count(*) as n from read_csv('{world.home.payloads('woocommerce', 'orders')}/*.zst',"
            f" header = false, columns = {{'line': 'varchar'}}, delim = '\\x07', quote = '', max_line_size = 20000000)"
            f" where line like '%shipping_class%'"
        )
        assert kept[0]["n"] > 0
        assert not [warning for warning in world.land_well().warnings if "new column" in warning]


def test_what_plugins_keep_in_meta_data_is_no_news(world: VendorWorld) -> None:
    world.land_well()
    metas = [{"id": 1, "key": "canary", "value": {"anything": [{"at": "all"}]}}, {"id": 2, "key": "x", "value": 5}]
    world.vendor.seed("orders", [order(60, at(500), meta_data=metas)])
    assert world.land_well().warnings == ()


def test_a_store_that_does_not_keep_the_order_asked_for_is_not_trusted(tmp_path: Path) -> None:
    class Disorderly(WoocommerceApi):
        def handle(self, asked: Asked) -> Answer:
            return super().handle(replace(asked, query=asked.query.replace("order=asc", "order=desc")))

    with shop(tmp_path, stocked(Disorderly())) as world:
        assert "does not keep the order" in (world.land().reason or "")
