"""Orders and what follows them, kept from night to night, equal a whole build, over random histories.

The histories hold what makes a night go wrong: orders corrected in every column, cancelled at a time that only passes,
dated after their night; lines delivered again, fewer of them; refunds that move to another order; records that become
another person's; rates that come late or change; another category of a product. Each night is landed and built as
nights are; who is who and the rates are given.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.home import Home
from tests.support.dbt_runs import DbtRuns, Statuses
from tests.support.installation import installed_in
from tests.support.kept import build_kept
from tests.support.nights import land_only

KEPT = ("orders", "customer_orders", "category_purchases")
CHECKS = tuple(f"{table}_are_as_if_built_anew" for table in KEPT)
LANDED = ("shop_orders", "shop_order_lines", "shop_refunds", "shop_products")
MODELS = [*(f"stg_contract__{table}" for table in LANDED), *LANDED, *KEPT]
FIRST = datetime(2024, 3, 30, 12, tzinfo=UTC)  # the night before a change of clocks
ACCOUNTS = [f"a{number}" for number in range(12)]
CURRENCIES, PRODUCTS = ("GBP", "EUR", ""), ("p1", "p2", "p3")
Row = dict[str, Any]


@dataclass
class Shop:
    """What the shop holds so far, who its customers are, and what euros are worth."""

    draw: random.Random
    orders: dict[str, Row] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=lambda: {account: f"c{account[-1]}" for account in ACCOUNTS})
    rates: dict[date, float] = field(default_factory=dict)
    refunds: dict[str, Row] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=lambda: {"p1": "tea", "p2": "cups", "p3": ""})

    def night(self, since: datetime, until: datetime, count: int, is_corrected: bool) -> dict[str, list[Row]]:
        """New orders with lines and refunds; corrections, deliveries of lines anew, and what time and others change."""
        orders = [self._order(f"o{len(self.orders) + number}", since, until) for number in range(count)]
        lines = [line for order in orders if self.draw.random() < 0.9 for line in self._lines(order["order_id"])]
        if is_corrected:
            for old in self.draw.sample(sorted(self.orders), 3):
                column = self.draw.choice(
                    ["status", "customer_id", "ordered_at", "total_amount", "currency", "cancelled_at"]
                )
                orders.append(self.orders[old] | {column: self._order(old, since, until)[column]})
            lines += [line for old in self.draw.sample(sorted(self.orders), 2) for line in self._lines(old)]
        self.orders |= {row["order_id"]: row for row in orders}
        refunds = [self._refund(f"r{len(self.refunds) + number}", since, until) for number in range(2)]
        if is_corrected:
            refunds.append(self._refund(self.draw.choice(sorted(self.refunds)), since, until))
            self.owners[self.draw.choice(ACCOUNTS)] = f"c{self.draw.randrange(9)}"
            self.rates[until.date() - timedelta(days=self.draw.randrange(5))] = self.draw.choice([0.5, 0.8])
        self.refunds |= {row["refund_id"]: row for row in refunds}
        products = [{"product_id": product, "category": name} for product, name in self.categories.items()]
        return {"shop_orders": orders, "shop_order_lines": lines, "shop_refunds": refunds, "shop_products": products}

    def _order(self, order_id: str, since: datetime, until: datetime) -> Row:
        status = self.draw.choice(["paid"] * 5 + ["", "cancelled", "cancelled", "cancelled", "pending"])
        return {
            "order_id": order_id,
            "customer_id": self.draw.choice([*ACCOUNTS, ""]),
            "ordered_at": self._at(since, until),
            "currency": self.draw.choice(CURRENCIES),
            "total_amount": self.draw.randrange(1, 90),
            "status": status,
            "cancelled_at": self._at(since, until + timedelta(days=2)) if status == "cancelled" else "",
        }

    def _lines(self, order_id: str) -> list[Row]:
        return [
            {
                "order_id": order_id, "line_id": number, "product_id": self.draw.choice(PRODUCTS),
                "quantity": self.draw.choice([1, 1, 2, 0]), "unit_price_amount": self.draw.choice([5, 7, 9, 0]),
            }
            for number in range(self.draw.randrange(1, 4))
        ]  # fmt: skip

    def _refund(self, refund_id: str, since: datetime, until: datetime) -> Row:
        return {
            "refund_id": refund_id,
            "order_id": self.draw.choice(sorted(self.orders)),
            "refunded_at": self._at(since, until + timedelta(days=1)),
            "amount": self.draw.randrange(1, 9),
        }

    def _at(self, since: datetime, until: datetime) -> str:
        """Mostly within the night; at its edges, long before, or after it."""
        span = (until - since).total_seconds()
        at = self.draw.choice(
            [since + timedelta(seconds=self.draw.random() * span)] * 4
            + [since, until, until - timedelta(days=self.draw.randrange(200)), until + timedelta(hours=30)]
        )
        return at.isoformat()


@dataclass
class Nights:
    """One installation, its nights, and the same nights built whole into another file."""

    home: Home
    folder: Path
    dbt: DbtRuns
    shop: Shop

    more = {"business": {"time_zone": "Europe/London", "currency": "GBP"}}

    def land(self, rows: dict[str, list[Row]], as_of: datetime) -> None:
        export = self.folder / "shop"
        export.mkdir(exist_ok=True)
        for table, delivered in rows.items():
            if delivered:
                with (export / f"{table}.csv").open("w", newline="") as file:
                    writer = csv.DictWriter(file, list(delivered[0]))
                    writer.writeheader()
                    writer.writerows(delivered)
        sources = {"shop": {"kind": "files", "path": str(export)}}
        land_only(self.home, sources, self.more, {"PERENNIAL_AS_OF": as_of.isoformat()})

    def build(self, as_of: datetime, build_file: Path | None = None, models: list[str] | None = None) -> Statuses:
        file = build_file or self.home.build_file
        selected = models or MODELS if file.exists() else [*(f"+{table}" for table in LANDED), *KEPT]
        self._give(file)
        return build_kept(self.dbt, self.home, self.more, as_of, file, selected)

    def _give(self, build_file: Path) -> None:
        """Who is who, the rates, and that the shop delivers lines, as the models before would say it."""
        with duckdb.connect(str(build_file)) as connection:
            for schema in ("identity", "customer", "input"):
                connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                "create or replace table identity.identity_map"
                " (source_name varchar, record_type varchar, record_id varchar, customer_id varchar);"
                "create or replace table customer.rates (on_date date, currency varchar, rate decimal(18, 8));"
                "create or replace table input.line_sources as select 'shop' as source_name"
            )
            connection.executemany(
                "insert into identity.identity_map values ('shop', 'shop_customer', ?, ?)",
                sorted(self.shop.owners.items()),
            )
            for on_date, rate in sorted(self.shop.rates.items()):
                connection.execute("insert into customer.rates values (?, 'EUR', ?)", [on_date, rate])

    def kept(self, build_file: Path | None = None) -> list[list[tuple[Any, ...]]]:
        with duckdb.connect(str(build_file or self.home.build_file), read_only=True) as connection:
            return [connection.execute(f"select * from customer.{table} order by all").fetchall() for table in KEPT]

    def whole(self, as_of: datetime) -> list[list[tuple[Any, ...]]]:
        other = self.folder / "whole" / self.home.build_file.name
        other.parent.mkdir(exist_ok=True)
        self.build(as_of, other)
        return self.kept(other)

    def went_on(self) -> list[bool]:
        """Of each kept table, whether tonight's was made from last night's."""
        return [self.went_on_of(table) for table in KEPT]

    def went_on_of(self, table: str) -> bool:
        with duckdb.connect(str(self.home.build_file), read_only=True) as connection:
            return connection.execute(f"select count(was_as_of) > 0 from customer.{table}__mark").fetchall()[0][0]


@pytest.fixture
def nights(night_home: Home, tmp_path: Path) -> Iterator[Nights]:
    with DbtRuns(dict(installed_in(night_home, Nights.more).night().dbt.env)) as dbt:
        yield Nights(night_home, tmp_path, dbt, Shop(random.Random(0)))


def live_through(nights: Nights, seed: int, days: list[int], is_compared_nightly: bool = False) -> datetime:
    """Nights on these days after the first; each equals a build from scratch, as its checks say, here of everyone.

    The first correction of a table changes what staging looks for, and has all built whole: the second night's.
    """
    nights.shop = Shop(random.Random(seed))
    as_of = FIRST
    for number, day in enumerate(days):
        since, as_of = as_of, FIRST + timedelta(days=day)
        since = as_of - timedelta(days=20) if number == 0 else since
        rows = nights.shop.night(since, as_of, 90 if number == 0 else 8, number > 0)
        if number == 0:
            line = rows["shop_order_lines"][0]
        if number == 1:
            rows["shop_orders"].append(nights.shop.orders["o0"] | {"total_amount": 1000})
            rows["shop_order_lines"].append(line | {"quantity": 9})
            rows["shop_refunds"].append(nights.shop.refunds["r0"] | {"amount": 1000})
        nights.land(rows, as_of)
        statuses = nights.build(as_of)
        assert [statuses[check] for check in CHECKS] == ["pass"] * 3, f"seed {seed}, night {number}"
        if number > 1:
            assert nights.went_on() == [True] * 3, f"seed {seed}, night {number}"
        if is_compared_nightly:
            assert nights.kept() == nights.whole(as_of), f"seed {seed}, night {number}"
    return as_of


def test_orders_of_a_random_history_equal_a_whole_build_every_night_and_who_stands_elsewhere_is_built_whole(
    nights: Nights,
) -> None:
    as_of = live_through(nights, 1, [0, 1, 2, 9])
    whole = nights.kept()
    assert whole == nights.whole(as_of)

    # a product of another category: the orders go on, what is counted by category does not
    nights.shop.categories["p1"] = "coffee"
    nights.land({"shop_products": [{"product_id": "p1", "category": "coffee"}]}, as_of)
    nights.build(as_of)
    assert nights.went_on() == [True, True, False]
    assert {row[1] for row in nights.kept()[2]} == {"coffee", "cups"}

    # a wrong order: its check fails, what follows is not built, and the next night trusts none of them
    with duckdb.connect(str(nights.home.build_file)) as connection:
        connection.execute("update customer.orders set revenue_amount = 99")
    statuses = nights.build(as_of)
    assert statuses[CHECKS[0]] == "fail"
    nights.build(as_of)
    assert nights.went_on() == [False] * 3
    assert nights.kept()[:2] == whole[:2]

    # whoever missed an edition of the orders does not go on from an older one
    with duckdb.connect(str(nights.home.build_file)) as connection:
        connection.execute("update customer.customer_orders__mark set edition = 'an older one'")
    nights.build(as_of)
    assert nights.went_on() == [True, False, True]

    # orders that something else has made say of no edition: there is nothing to follow
    with duckdb.connect(str(nights.home.build_file)) as connection:
        connection.execute("drop table customer.orders__edition; drop table customer.orders__mark")
    assert nights.build(as_of, models=["customer_orders"])["customer_orders"] == "success"
    assert nights.went_on_of("customer_orders") is False


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_many_random_histories_of_orders_equal_whole_builds_every_night(nights: Nights, seed: int) -> None:
    live_through(nights, seed, [0, 1, 2, 3, 33, 34, 125, 126], is_compared_nightly=True)
