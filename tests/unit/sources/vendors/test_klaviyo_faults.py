"""Klaviyo when it fails: every fault ends in all rows or in a reason, drift is told by its column, and nobody's address
appears anywhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perennial.landing.manifest import LoadReport
from perennial.sandbox.klaviyo.api import KlaviyoApi
from tests.support.vendor import VendorWorld
from tests.unit.sources.vendors.klaviyo_account import account, assert_whole, event, fill, profile

LISTS = ("events", "profiles", "metrics", "campaigns", "flows")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorWorld]:
    """An account that was read before."""
    with account(tmp_path_factory.mktemp("settled"), timeout_seconds=1) as world:
        world.land_well()
        yield world


def grow(world: VendorWorld) -> None:
    number = 1000 + len(world.reports)
    world.vendor.seed("events", [event(number, seconds=number)])
    world.vendor.seed("profiles", [profile(number), profile(1, updated=number, first_name=f"Name {number}")])


def told(report: LoadReport, caplog: pytest.LogCaptureFixture) -> str:
    """Everything a load says to anybody."""
    return f"{report.reason} {report.warnings} {report.state} {report.traffic} {caplog.text}"


PASSING: list[tuple[str, dict[str, Any]]] = [
    ("too_many_requests", {"seconds": 1}),
    ("service_unavailable", {}),
    ("service_unavailable", {"status": 524}),
    ("status", {"status": 500, "body": {"errors": [{"detail": "canary-9@leak.test"}]}}),
    ("html", {}),
    ("empty_body", {}),
    ("errors_body", {}),
    ("cut_off", {}),
    ("reset_after", {}),
    ("stall", {"seconds": 2}),
]


@pytest.mark.parametrize("first", range(3))
def test_faults_that_pass_cost_no_row(settled: VendorWorld, first: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    grow(settled)
    for name, (fault, options) in zip(LISTS, PASSING[first::3], strict=False):
        settled.arm(fault, match=f"/api/{name}", **options)
    report = settled.land_well()
    assert_whole(settled)
    assert settled.sandbox.faults.left() == 0 and "leak.test" not in told(report, caplog)


def test_a_cursor_that_went_stale_costs_no_row(settled: VendorWorld) -> None:
    grow(settled)
    settled.arm("invalid_cursor", match="cursor")
    settled.land_well()
    assert_whole(settled)
    assert settled.sandbox.faults.left() == 0


def test_a_fault_on_every_list_costs_no_row_and_every_wait_is_honoured(settled: VendorWorld) -> None:
    grow(settled)
    for name in LISTS:
        settled.arm("too_many_requests", match=f"/api/{name}", seconds=1)
    began = time.monotonic()
    report = settled.land_well()
    assert_whole(settled)
    assert report.traffic["repeats"] == {"answered HTTP 429": 5}
    assert time.monotonic() - began >= 5 and report.traffic["waited_seconds"] >= 5


@pytest.mark.parametrize(
    ("fault", "options", "word"),
    [
        ("missing_revision", {}, "api_version"),
        ("retired_revision", {}, "api_version"),
        ("status", {"status": 403, "body": {"errors": [{"code": "permission_denied"}]}}, "scope"),
        ("too_many_requests", {"seconds": 999}, "429"),
        ("html", {"times": 3}, "not JSON"),
        ("invalid_cursor", {"times": 2, "match": "cursor"}, "places"),
    ],
)
def test_a_fault_that_stays_is_told_and_the_next_load_has_every_row(
    settled: VendorWorld, fault: str, options: dict[str, Any], word: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    grow(settled)
    settled.arm(fault, **{"match": "/api/profiles", **options})
    report = settled.land()
    assert report.reason is not None and word in report.reason and not report.is_gated
    assert "leak.test" not in told(report, caplog) and "sandbox-klaviyo-token" not in told(report, caplog)
    settled.sandbox.faults.disarm()
    settled.land_well()
    assert_whole(settled)


def change_every(api: KlaviyoApi, change: Any) -> None:
    """Change every profile as though the vendor handed them over otherwise."""
    for identifier in list(api.held()["profiles"]):
        record = dict(api.held()["profiles"][identifier])
        change(record["attributes"])
        api.held()["profiles"].remove(identifier)  # type: ignore[attr-defined]
        api.seed("profiles", [record])


@pytest.fixture(scope="module")
def drifting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorWorld]:
    api = KlaviyoApi(limits=10_000)
    fill(api, profiles=30, events=30)
    with account(tmp_path_factory.mktemp("drifting"), api) as world:
        world.land_well()
        yield world


def test_a_new_field_is_reported_and_kept_in_the_payload(drifting: VendorWorld) -> None:
    change_every(drifting.vendor, lambda known: known.update(loyalty_tier="gold"))  # type: ignore[arg-type]
    report = drifting.land_well()
    assert [each for each in report.warnings if "attributes.loyalty_tier" in each]
    payloads = drifting.home.payloads("klaviyo", "profiles")
    kept = drifting.query(
        f"select count(*) as n from read_csv('{payloads}/*.zst', header = false, sep = '\\x01',"
        " quote = '', compression = 'zstd', columns = {'line': 'varchar'}, max_line_size = 10000000)"
        " where line like '%loyalty_tier%'"
    )
    assert kept[0]["n"] > 0
    assert drifting.land_well().warnings == (), "it is news once"


def test_a_customer_s_own_properties_come_and_go_without_a_word(drifting: VendorWorld) -> None:
    change_every(drifting.vendor, lambda known: known.update(properties={"shoe size": 42}))  # type: ignore[arg-type]
    own: dict[str, Any] = {"$message": None, "basket": [1, 2]}
    drifting.vendor.seed("events", [event(900, 900, **own)])
    assert drifting.land_well().warnings == ()


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda known: known.pop("updated"), "attributes.updated"),
        (lambda known: known["subscriptions"]["email"]["marketing"].pop("consent"), "consent"),
        (lambda known: known.update(email={"address": "canary-1@leak.test"}), "attributes.email"),
    ],
)
def test_a_vanished_or_retyped_field_fails_the_source_with_its_name(
    tmp_path: Path, change: Any, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api = KlaviyoApi(limits=10_000)
    fill(api, profiles=3, events=3)
    change_every(api, change)
    with account(tmp_path, api, find_deleted=False) as world:
        for _ in range(2):
            report = world.land()
            assert report.reason is not None and column in report.reason
            assert "leak.test" not in told(report, caplog)
