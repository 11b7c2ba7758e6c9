"""The demo world read over four vendors' APIs: what comes out of input is what the world holds, table by table.

The figures are taken from the generator's own tables, which no connector and no model has seen. What a vendor cannot
carry is named here, with how much of it there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.home import Home
from perennial.demo.installation import OVER_APIS, token_env
from perennial.demo.make import make_world
from perennial.demo.records import Exports
from perennial.demo.scale import Scale
from perennial.sandbox.demo import secrets
from perennial.sandbox.respond_io.api import SIGNING_KEY
from perennial.sandbox.respond_io.webhooks import send
from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.world import token, vendors
from perennial.sources.inbound import Hook, receiver
from perennial.sources.inbox import inbox_of
from tests.support.demo_truth import Truth
from tests.support.nights import build_only, emptied, land_only

SCALE = Scale(people=200, years=2, seed=11)
UNREAD = ("kpis", "audiences", "activation", "publish")  # rooms that no test here looks into
BEFORE = "2026-11-01"
# Shopify is asked for everything else in kind; these say what each source is, where it stands and how it signs in
OWN = {
    "shopify": {"shop": "acme", "warranty_metafield": "custom.warranty_days"},
    "respond_io": {"hook_env": {"events": "KEY"}},
}


class World:
    """The generator's tables on one side, input's on the other."""

    def __init__(self, exports: Exports, build_file: Path) -> None:
        self.connection = duckdb.connect(str(build_file), read_only=True)
        self.exports, self.tables, self.build_file = exports, exports.tables, build_file

    def truth(self, source: str, table: str, query: str) -> list[tuple[Any, ...]]:
        """A query over one table of the world, called `world`; a record delivered twice counts in its newest version."""
        rows = self.tables[source, table]
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.register("world", rows)
            return connection.execute(query).fetchall()

    def input(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def world(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    emptied(parsed_home)
    home = parsed_home.prepare()
    exports = make_world(SCALE)
    held = vendors(exports.tables, limits=1000)
    app = receiver(inbox_of(home), {"inbox/events": Hook("respond_io", SIGNING_KEY)})
    inbox: Any = next(each for each in held if each.name == "respond_io")
    with running(app) as address:
        sent = send(f"{address}/inbox/events", inbox.webhooks())
    assert {each.status for each in sent} == {200}
    with running(Sandbox(held).app()) as address:
        sources = {
            source: {
                "kind": vendor,
                "token_env": token_env(vendor),
                "base_url": f"{address}/{vendor}",
                "country": "GB",
                "requests_per_second": 1000,
                **OWN.get(vendor, {}),
            }
            for source, vendor in OVER_APIS.items()
        }
        land_only(home, sources, env={**secrets(), "KEY": SIGNING_KEY})
    assert all(secrets()[token_env(vendor)] == token(vendor) for vendor in OVER_APIS.values())
    yield World(exports, build_only(home, BEFORE, "--exclude", *(f"path:models/{each}" for each in UNREAD)))


NEWEST = "from world qualify row_number() over (partition by {key} order by updated_at desc) = 1"


def test_orders_come_with_their_state_their_money_and_their_buyer(world: World) -> None:
    columns = (
        "cast(order_id as varchar), cast(customer_id as varchar), email, phone, cast(ordered_at as timestamp), currency,"
        " {subtotal}, coalesce(round(cast(discount_amount as decimal(18,4)), 4), 0), cast(tax_amount as decimal(18,4)),"
        " cast(shipping_amount as decimal(18,4)), cast(total_amount as decimal(18,4)), status"
    )
    subtotal = "cast(subtotal_amount as decimal(18,4))"
    truth = world.truth(
        "shop", "shop_orders", f"select {columns.format(subtotal=subtotal)} {NEWEST.format(key='order_id')} order by 1"
    )
    # an order without a status counts as paid
    truth = sorted((*row[:-1], row[-1] or "paid") for row in truth)
    ours = world.input(f"select {columns.format(subtotal=subtotal)} from input.shop_orders order by 1")
    assert len(ours) == len(truth) > 400
    assert sorted(ours) == truth


def test_lines_keep_their_quantities_prices_and_discounts(world: World) -> None:
    query = (
        "select cast(order_id as varchar) as o, count(*), sum(cast(quantity as decimal(18,4))),"
        " sum(cast(quantity as decimal(18,4)) * cast(unit_price_amount as decimal(18,4)))::decimal(18,4),"
        " sum(coalesce(cast(discount_amount as decimal(18,4)), 0)), string_agg(distinct category, ',' order by category)"
        " from {} group by 1 order by 1"
    )
    assert world.input(query.format("input.shop_order_lines")) == world.truth(
        "shop", "shop_order_lines", query.format("world")
    )


def test_refunds_keep_goods_tax_and_shipping_apart(world: World) -> None:
    query = (
        "select count(*), sum(cast(amount as decimal(18,4))), sum(cast(tax_amount as decimal(18,4))),"
        " sum(cast(shipping_amount as decimal(18,4))) from {}"
    )
    named = world.truth("shop", "shop_refunds", query.format("world where order_id is not null"))
    assert world.input(query.format("input.shop_refunds")) == named
    # Shopify has no refund without an order
    assert world.truth("shop", "shop_refunds", "select count(*) from world where order_id is null")[0][0] > 0


def test_contacts_keep_who_they_are_their_stage_and_whom_they_went_into(world: World) -> None:
    columns = "email, phone, first_name, last_name, company, country, lifecycle_stage, birth_on::date"
    ours = world.input(f"select {columns} from input.crm_contacts where source_name = 'crm' order by all")
    truth = world.truth("crm", "crm_contacts", f"select {columns} {NEWEST.format(key='contact_id')} order by all")
    assert len(ours) == len(truth) > 100
    assert ours == truth
    merged = "select count(*) from {} where merged_into_id is not null"
    assert world.input(merged.format("input.crm_contacts")) == world.truth(
        "crm",
        "crm_contacts",
        f"select count(*) from (select * {NEWEST.format(key='contact_id')}) where merged_into_id is not null",
    )


def test_every_change_of_stage_says_when_and_who(world: World) -> None:
    query = "select from_stage, to_stage, cast(changed_at as timestamp), changed_by, reason from {} order by all"
    ours = world.input(query.format("input.crm_stage_changes where source_name = 'crm'"))
    assert ours == world.truth("crm", "crm_stage_changes", query.format("world"))
    assert len(ours) > 300


def test_messages_and_what_became_of_them_come_from_klaviyo_and_respond_io_together(world: World) -> None:
    messages = "select channel, direction, count(*) from {} group by all order by all"
    assert world.input(messages.format("input.messages where source_name in ('messaging', 'inbox')")) == world.truth(
        "messaging", "messages", messages.format("world")
    )
    events = "select event_type, count(*) from {} where event_type in ('opened', 'clicked', 'unsubscribed', 'complained', 'bounced') group by all order by all"
    assert world.input(events.format("input.message_events")) == world.truth(
        "messaging", "message_events", events.format("world")
    )


def test_conversations_open_are_answered_and_close_when_they_did(world: World) -> None:
    query = (
        "select channel, cast(opened_at as timestamp), date_trunc('second', cast(first_reply_at as timestamp)),"
        " cast(closed_at as timestamp), close_reason from {} order by all"
    )
    ours = world.input(query.format("input.conversations"))
    assert len(ours) > 20
    assert ours == world.truth("messaging", "conversations", query.format("world"))


def test_consents_of_every_channel_say_what_was_said_and_when(world: World) -> None:
    said = "select channel, status, count(*) from {} where purpose = 'marketing' {} group by all order by all"
    newest: dict[tuple[str, str], int] = {}
    for source in ("shop", "crm", "messaging"):
        for channel, status, count in world.truth(
            source, "consents", said.format("world", f"and changed_at < timestamp '{BEFORE}'")
        ):
            newest[channel, status] = newest.get((channel, status), 0) + count
    ours = {
        (channel, status): count
        for channel, status, count in world.input(
            said.format("input.consents", "and source_name in ('shop', 'crm', 'messaging')")
        )
        if status == "granted"
    }
    assert ours == {key: count for key, count in newest.items() if key[1] == "granted"}
    denied = "select count(distinct contact_ref) from {} where purpose = 'marketing' and status = 'denied' and channel = 'email'"
    assert (
        world.input(denied.format("input.consents"))[0][0]
        >= world.truth("messaging", "consents", denied.format("world"))[0][0]
    )


def test_stages_know_the_hidden_truth_as_well_as_their_rules_can(world: World) -> None:
    """People lapse on the ninety-first day after an order and no other; whoever left more than that ago has lapsed, by
    then at the latest, save who was brought back; and an order that only a message brought is no active person's."""
    truth = Truth(world.exports, ("shop",), world.build_file, BEFORE)
    buyers, moved = truth.first_orders()
    assert buyers > 60 and moved == 0
    lapses, missing, unfounded = truth.lapses()
    assert lapses > 50 and (missing, unfounded) == (0, 0)
    people = truth.leaving()
    gone = people[people["has_churned"] & (people["left_days_ago"] > 91) & ~people["was_brought_back"]]
    assert len(gone) > 20 and gone["is_lapsed"].all()
    assert gone["days_after_leaving"].max() <= 91
    assert all(before in ("lapsed", "acquisition") for before, _after in truth.brought_back())
