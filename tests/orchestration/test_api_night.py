"""Whole nights over a vendor's API: what Dagster shows, a half-empty answer, a vendor that is down.

Each night costs many seconds, so these tests tell one story in order: every test goes on from the one before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from orchestration import nightly
from orchestration.definitions import build_defs
from orchestration.instance import open_instance
from orchestration.resources import installation
from perennial.cli.main import build_app
from perennial.config.home import Home
from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.shopify.api import ShopifyApi
from perennial.warehouse import certificate
from tests.support.installation import write_config
from tests.support.nights import emptied
from tests.unit.sandbox.shopify_shop import customer, order

CUSTOMERS = range(1, 31)
ORDERED = "2025-06-01T12:00:00Z"


class Story:
    """One installation over one sandbox shop."""

    def __init__(self, home: Home, folder: Path, sandbox: Sandbox, api: ShopifyApi) -> None:
        self.home, self.folder, self.sandbox, self.api = home, folder, sandbox, api

    def published(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home.published_file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def wire_rows(self) -> int:
        with sqlite3.connect(self.home.ledger_file) as ledger:
            return int(ledger.execute("select coalesce(sum(attempts), 0) from deliveries").fetchone()[0])

    def alert(self) -> str:
        return (self.folder / "told").read_text() if (self.folder / "told").exists() else ""


@pytest.fixture(scope="module")
def story(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    emptied(parsed_home)
    api = ShopifyApi(limits=1000)
    people = [
        customer(
            number, ORDERED,
            defaultEmailAddress={
                "emailAddress": f"c{number}@example.com", "marketingState": "SUBSCRIBED",
                "marketingOptInLevel": "SINGLE_OPT_IN", "marketingUpdatedAt": "2025-01-01T00:00:00Z",
            },
        )
        for number in CUSTOMERS
    ]  # fmt: skip
    api.seed("customers", people)
    bought = {"currencyCode": "GBP", "displayFinancialStatus": "PAID"}
    orders = [
        order(number, ORDERED, customer={"id": f"gid://shopify/Customer/{number}"}, **bought) for number in CUSTOMERS
    ]
    api.seed("orders", orders)
    sandbox = Sandbox([api])
    folder = tmp_path_factory.mktemp("api_installation")
    with running(sandbox.app()) as address:
        write_config(
            folder,
            {
                "sources": {
                    "store": {
                        "kind": "shopify", "shop": "acme", "token_env": "STORE_TOKEN", "call_seconds": 2,
                        "base_url": f"{address}/shopify", "requests_per_second": 1000,
                    }
                },
                "destinations": {"print_house": {"kind": "files", "path": "outbox/", "audiences": "all"}},
                "alerts": [{"kind": "command", "command": ["/bin/sh", "-c", f"cat >> '{folder / 'told'}'"]}],
            },
        )  # fmt: skip
        yield Story(parsed_home.prepare(), folder, sandbox, api)


@pytest.fixture
def run(story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> object:
    for name, value in {
        "PERENNIAL_HOME": str(story.home.root), "PERENNIAL_CONFIG": str(story.folder / "perennial.yml"),
        "PERENNIAL_AS_OF": "2026-03-01", "STORE_TOKEN": "sandbox-shopify-token",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def go(as_of: str) -> tuple[int, str]:
        monkeypatch.setenv("PERENNIAL_AS_OF", as_of)
        status = nightly.main([])
        return status, capsys.readouterr().out

    return go


def test_a_night_reads_the_shop_and_dagster_shows_each_table_of_it(story: Story, run) -> None:
    status, output = run("2026-03-01")
    assert status == nightly.DONE, output
    assert story.published("select count(*), sum(orders_count) from customer.customers") == [(30, 30)]
    assert story.published("select count(*) from audiences.win_back") == [(30,)]
    assert story.wire_rows() == 30
    with open_instance(story.home) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["sources", "store", "orders"]))
    metadata = event.asset_materialization.metadata  # type: ignore[union-attr]
    assert metadata["dagster/row_count"].value == 30
    assert metadata["api_calls"].value == len(story.sandbox.journal.of("shopify"))
    assert metadata["watermark"].value.startswith("2025-06-01T12:00:00")
    assert metadata["bytes"].value > 0
    assert metadata["throttled_seconds"].value >= 0
    assert metadata["rows_per_night"].value == "`█` most 30, last 30"


def test_an_empty_answer_leaves_what_is_published_and_sends_nothing(story: Story, run) -> None:
    before = certificate.current_snapshot_id(story.home)
    told = len(story.alert())
    # the vendor believes it itself, however often it is asked: no customers, and a page that holds none
    none = _count("customersCount", 0)
    story.sandbox.arm("shopify", "status", times=1000, match="customersCount", status=200, body=none)
    story.sandbox.arm("shopify", "page_empty", times=1000, match="customers(")
    status, output = run("2026-03-02")
    assert status == nightly.HELD, output
    assert "source store handed over much less than it held: what was published stays" in output
    assert certificate.current_snapshot_id(story.home) == before
    assert story.wire_rows() == 30
    assert "customer_ids: of 30 rows held that had to come again" in story.alert()[told:]
    story.sandbox.faults.disarm()


def _after_a_night(story: Story, run) -> None:
    """The long tests are run without the others too."""
    if not story.home.published_file.exists():
        assert run("2026-03-01")[0] == nightly.DONE


def _count(root: str, count: int) -> dict[str, Any]:
    return {"data": {root: {"count": count, "precision": "EXACT"}}}


@pytest.mark.slow
def test_a_vendor_that_is_down_degrades_the_night_which_says_since_when(story: Story, run) -> None:
    _after_a_night(story, run)
    story.sandbox.arm("shopify", "status", times=1000)
    status, output = run("2026-03-03")
    story.sandbox.faults.disarm()
    assert status == nightly.DEGRADED, output
    assert "source store failed" in output
    assert "(its rows are those of " in output
    rows = story.published(
        "select table_name, rows_count, has_failed, last_load_id is not null from publish.source_status"
    )
    assert ("orders", 30, True, True) in rows
    assert story.published("select count(*) from customer.customers") == [(30,)]


@pytest.mark.slow
def test_an_accepted_source_may_be_smaller_once_and_the_night_goes_on(story: Story, run) -> None:
    _after_a_night(story, run)
    story.api.seed("customers", [{"id": f"gid://shopify/Customer/{n}", "__deleted": True} for n in range(1, 21)])
    assert CliRunner().invoke(build_app(), ["source", "accept", "store"]).exit_code == 0
    status, output = run("2026-03-04")
    # twenty orders lost their customer with them: that is for the audience's guard, no longer for the source's
    assert status in (nightly.DONE, nightly.HELD), output
    assert "rows held that had to come again, 20 did not; accepted" in output
    assert story.published("select distinct has_failed from publish.source_status") == [(False,)]
    assert not story.home.accepted("store").exists()


def test_a_backfill_from_dagster_reads_its_days_again_and_moves_nothing(story: Story, run) -> None:
    assert run is not None  # it set the environment
    story.api.seed("orders", [order(999, "2025-07-01T10:00:00Z", displayFinancialStatus="PAID", currencyCode="GBP")])
    installed = installation()
    definitions = build_defs(installed)
    asset = definitions.resolve_assets_def(dg.AssetKey(["backfill", "store"]))
    result = dg.materialize([asset], partition_key="2025-07-01", instance=dg.DagsterInstance.ephemeral())
    assert result.success
    (event,) = result.asset_materializations_for_node("backfill__store")
    assert event.metadata["dagster/row_count"].value == 3  # the order and its two lines
    asked = [each.body for each in story.sandbox.journal.of("shopify")[-4:]]
    assert any("updated_at:<'2025-07-01T23:00:00Z'" in body for body in asked)  # a day of London's summer
