"""The demo world's hidden truth against the stages that the models found: who first bought when, who left, whom a message brought back.

What lives here: the truth in the generator's own words, set beside lifecycle.stage_history. What does not: a world, a build, what must hold.

Compared are whole people: every record of theirs that bears an order is theirs alone, and so is the customer that the records became. For the
others identity is at stake and not a stage. An order counts where its newest version is neither pending, cancelled, failed nor a test, and which has a line that was paid for.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd

from perennial.config.home import Home
from perennial.demo.make import make_world, scale_of
from perennial.demo.orders import OUTLET_WORDS
from perennial.demo.records import Exports

CONTRACTS_WORDS = {theirs: contracts for contracts, theirs in OUTLET_WORDS.items()}

TRUTH = """
    create temp table orders as
    with versions as (
        {versions}
    ),
    newest as (
        select * from versions qualify row_number() over (partition by source_name, order_id order by updated_at desc) = 1
    ),
    records as (select person_id, source_name, record_type, record_id from truth_records where not is_of_several_people),
    people as (
        select records.person_id, ids.customer_id from records
        join customer.customer_identifiers as ids using (source_name, record_type, record_id)
        where record_type in ('shop_customer', 'guest_order')
    ),
    whole as (
        select person_id, max(customer_id) as customer_id from people
        where customer_id in (
            select ids.customer_id from truth_records join customer.customer_identifiers as ids using (source_name, record_type, record_id)
            group by 1 having count(distinct person_id) = 1 and not bool_or(is_of_several_people))
        group by 1
        having count(distinct customer_id) = 1
            and count(*) = (select count(*) from records as own where own.person_id = people.person_id and own.record_type in ('shop_customer', 'guest_order'))
    )
    select whole.person_id, whole.customer_id, newest.ordered_at, (newest.ordered_at at time zone 'UTC' at time zone '{zone}')::date as ordered_on
    from newest
    join records on newest.source_name = records.source_name
        and records.record_type = case when newest.customer_id is null then 'guest_order' else 'shop_customer' end
        and records.record_id = coalesce(newest.customer_id, newest.order_id)
    join whole on records.person_id = whole.person_id
    where coalesce(newest.status, 'paid') not in ('pending', 'cancelled', 'failed', 'test');

    create temp table stays as
    select *, (valid_from at time zone 'UTC' at time zone '{zone}')::date as from_on from lifecycle.stage_history where stage_model = 'five_stage';
"""
FIRST = """
    select count(*), count_if(stays.valid_from is distinct from firsts.at)
    from (select customer_id, min(ordered_at) as at from orders group by 1) as firsts
    left join (select customer_id, min(valid_from) as valid_from from stays where starts_with(cause_event_id, 'order:') group by 1) as stays
        using (customer_id)
"""
# a person lapses 91 days after each true order that no other follows within 90, and only then
LAPSES = """
    with told as (
        select customer_id, ordered_on + 91 as lapsed_on from orders
        qualify coalesce(lead(ordered_on) over (partition by customer_id order by ordered_at), date '{today}' + 1) - ordered_on > 90
            and ordered_on + 91 <= date '{today}'
    ),
    found as (select customer_id, from_on as lapsed_on from stays where stage = 'lapsed' and customer_id in (select customer_id from orders))
    select (select count(*) from told), (select count(*) from (select * from told except all select * from found)),
        (select count(*) from (select * from found except all select * from told))
"""
# the last day on which somebody bought of their own accord lies at or before the day they left
LEFT = """
    select people.person_id, people.has_churned, people.churned_on, max(orders.ordered_on) as last_on,
        any_value(stays.stage) = 'lapsed' as is_lapsed, any_value(stays.from_on) as stage_from_on,
        coalesce(bool_or(win_back.brought_order), false) as was_brought_back
    from truth_people as people
    join orders using (person_id)
    join stays on orders.customer_id = stays.customer_id and stays.valid_to is null
    left join truth_win_back as win_back using (person_id)
    group by all
"""
# an order that only the message brought, as the stage before it and the stage after it
BROUGHT = """
    select before.stage, after.stage
    from truth_win_back as win_back
    join orders on win_back.person_id = orders.person_id
        and orders.ordered_at > win_back.entered_at and orders.ordered_at <= win_back.entered_at + interval 6 days
    join stays as after on orders.customer_id = after.customer_id and orders.ordered_at = after.valid_from
    join stays as before on orders.customer_id = before.customer_id and orders.ordered_at = before.valid_to
    where win_back.brought_order
"""


class Truth:
    """The truth of one world beside what was built from it, for shops that were delivered."""

    def __init__(
        self, exports: Exports, shops: tuple[str, ...], database: Path, today: str, zone: str = "Europe/London"
    ) -> None:
        self._today = today
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(f"attach '{database}' as built (read_only)")
        self._connection.execute("use built")
        versions = []
        for shop in shops:
            rows = exports.tables[shop, "shop_orders"]
            self._connection.register(f"orders_of_{shop}", rows.assign(status=rows["status"].replace(CONTRACTS_WORDS)))
            at = "ordered_at::timestamp" + (
                "" if shop == "shop" else f" at time zone '{zone}' at time zone 'UTC'"
            )  # tills go by the clock on the wall
            versions.append(
                f"select '{shop}' as source_name, order_id::varchar as order_id, customer_id::varchar as customer_id,"
                f" {at} as ordered_at, status, updated_at::timestamp as updated_at from orders_of_{shop}"
                f" where order_id::varchar in (select order_id::varchar from lines_of_{shop} where quantity > 0 and unit_price_amount > 0)"
            )
            self._connection.register(f"lines_of_{shop}", exports.tables[shop, "shop_order_lines"])
        for name, rows in exports.truth.items():
            self._connection.register(f"truth_{name}", rows)
        self._connection.execute(TRUTH.format(versions=" union all ".join(versions), zone=zone))

    def first_orders(self) -> tuple[int, int]:
        """Whole people who bought, and those of them whose first stay by an order begins at another instant."""
        return self._one(FIRST)

    def lapses(self) -> tuple[int, int, int]:
        """Lapses that must be, those that are missing, and those that must not be."""
        return self._one(LAPSES.format(today=self._today))

    def leaving(self) -> pd.DataFrame:
        """One row per whole person who bought: churned_on and has_churned in truth; last_on, is_lapsed, stage_from_on; days_after_leaving from
        leaving to the beginning of the stage held at the end, left_days_ago from leaving to the end."""
        people = self._connection.execute(LEFT).df()
        for column in ("churned_on", "last_on", "stage_from_on"):
            people[column] = pd.to_datetime(people[column])
        people["days_after_leaving"] = (people["stage_from_on"] - people["churned_on"]).dt.days
        people["left_days_ago"] = (pd.Timestamp(self._today) - people["churned_on"]).dt.days
        return people

    def brought_back(self) -> list[tuple[str, str]]:
        """Stage before and after each order that only a win-back message brought."""
        return self._connection.execute(BROUGHT).fetchall()

    def _one(self, query: str) -> tuple[int, ...]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row


def main() -> None:
    """The figures of docs/lifecycle.md, for a demo home whose night has run: python -m tests.support.demo_truth <home>."""
    home = Home(Path(sys.argv[1]))
    scale = scale_of(home.root)
    assert scale is not None, f"{home.root} is no demo"
    truth = Truth(make_world(scale), ("shop", "outlet"), home.published_file, str(scale.as_of))
    buyers = truth.leaving()
    lapsed, gone = (
        buyers[buyers["is_lapsed"]],
        buyers[buyers["has_churned"] & (buyers["left_days_ago"] > 91) & ~buyers["was_brought_back"]],
    )
    after = gone["days_after_leaving"]
    print("first orders, and how many begin a stay at another instant:", *truth.first_orders())
    print("lapses by the true orders, missing, and too many:", *truth.lapses())
    print("left more than 91 days before the end, and lapsed then:", len(gone), gone["is_lapsed"].sum())
    print(
        "days from leaving to the lapse, median and most:",
        after.median(),
        after.max(),
        "; lapsed before they left:",
        (after < 0).mean(),
    )
    print("lapsed at the end, and truly gone:", len(lapsed), lapsed["has_churned"].sum())
    print("stages around orders that a message brought:", dict(Counter(truth.brought_back())))


if __name__ == "__main__":
    main()
