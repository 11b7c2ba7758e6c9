"""The floors: what one hand-written statement over the same landed files takes. `python -m benchmarks.floors NAME HOME`.

What lives here: SQL written by hand for one purpose each, without layers. What does not: the project's models. Each runs
in a process of its own, with the same threads and memory limit as the build.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

MEMORY = "1600MB"
MESSAGES = ("messages_sent_count", "messages_opened_count", "messages_clicked_count", "replies_count")


def landed(home: Path, table: str) -> str:
    return f"(select * from read_parquet('{home}/landing/files/{table}/*.parquet') where not is_superseded)"


WINDOWS = {"": "true", "_30d": "{at} >= timestamp '2026-12-02'", "_90d": "{at} >= timestamp '2026-10-03'",
           "_365d": "{at} >= timestamp '2026-01-01'"}  # fmt: skip


def windows(name: str, at: str, value: str = "", condition: str = "true") -> str:
    """A count of rows, or a sum of `value`, in every window that ends at 2027-01-01."""
    what = f"sum({value})" if value else "count(*)"
    return ", ".join(
        f"{what} filter ({bound.format(at=at)} and {condition}) as {name}{suffix}" for suffix, bound in WINDOWS.items()
    )


def columns(*names: str) -> str:
    return ", ".join(f"coalesce({name}{suffix}, 0) as {name}{suffix}" for name in names for suffix in WINDOWS)


def nothing(*names: str) -> str:
    """Figures of tables that bulk data does not have."""
    return ", ".join(f"0 as {name}{suffix}" for name in names for suffix in WINDOWS)


def customers(home: Path) -> str:
    """customer.customers in one statement, given the identity map and the addresses that identity found."""
    orders, lines, products = (
        landed(home, "shop_orders"),
        landed(home, "shop_order_lines"),
        landed(home, "shop_products"),
    )
    refunds, accounts = landed(home, "shop_refunds"), landed(home, "shop_customers")
    messages, events = landed(home, "messages"), landed(home, "message_events")
    return f"""
    with map as (select source_name, record_type, record_id, customer_id, first_seen_at, is_reachable from build.identity.identity_map),
    revenue as (
        select source_name, order_id, sum(quantity * unit_price_amount) - coalesce(sum(discount_amount), 0) as revenue
        from {lines} where quantity > 0 and unit_price_amount > 0 group by 1, 2),
    placed as materialized (
        select map.customer_id, o.source_name, o.order_id, o.ordered_at, cast(revenue.revenue as decimal(18, 4)) as revenue
        from {orders} o
        join revenue on o.source_name = revenue.source_name and o.order_id = revenue.order_id
        left join map on map.source_name = o.source_name
            and map.record_type = case when o.customer_id is null then 'guest_order' else 'shop_customer' end
            and map.record_id = coalesce(o.customer_id, o.order_id)
        where coalesce(o.status, 'paid') not in ('pending', 'cancelled', 'failed', 'test') and o.ordered_at < timestamp '2027-01-01'),
    totals as (
        select customer_id, min(ordered_at) as first_at, max(ordered_at) as last_at,
            {windows("orders_count", "ordered_at")}, {windows("revenue_amount", "ordered_at", "revenue")}
        from placed where customer_id is not null group by 1),
    refunded as (
        select coalesce(placed.customer_id, map.customer_id) as customer_id,
            {windows("refunds_count", "r.refunded_at")}, {windows("refunded_amount", "r.refunded_at", "r.amount")}
        from {refunds} r
        left join placed on r.source_name = placed.source_name and r.order_id = placed.order_id
        left join map on r.order_id is null and map.source_name = r.source_name
            and map.record_type = 'shop_customer' and map.record_id = r.customer_id
        where r.order_id is null or placed.order_id is not null group by 1),
    by_category as (
        select placed.customer_id, coalesce(l.category, p.category) as category, max(placed.ordered_at) as bought_at,
            {windows("items_count", "placed.ordered_at", "l.quantity")}
        from {lines} l join placed on l.source_name = placed.source_name and l.order_id = placed.order_id
        left join {products} p on l.source_name = p.source_name and l.product_id = p.product_id
        where l.quantity > 0 and l.unit_price_amount > 0 and placed.customer_id is not null group by 1, 2),
    items as (
        select customer_id, {", ".join(f"sum(items_count{suffix}) as items_count{suffix}" for suffix in WINDOWS)},
            {windows("categories_count", "bought_at", condition="category is not null")},
            max_by(category, (items_count, bought_at)) as favourite_category
        from by_category group by 1),
    reactions as (
        select source_name, message_id, max(occurred_at) filter (event_type = 'opened') as opened_at,
            max(occurred_at) filter (event_type = 'clicked') as clicked_at
        from {events} where event_type in ('opened', 'clicked', 'replied') and not coalesce(is_machine, false)
            and occurred_at < timestamp '2027-01-01' group by 1, 2),
    sent as (
        select m.source_name, m.contact_ref_type, m.contact_ref, max(opened_at) as opened_at, max(clicked_at) as clicked_at,
            {windows("messages_sent_count", "sent_at", condition="direction <> 'inbound'")},
            {windows("messages_opened_count", "opened_at")}, {windows("messages_clicked_count", "clicked_at")},
            {windows("replies_count", "sent_at", condition="direction = 'inbound'")},
            min_by((channel, campaign_id), clicked_at) as first_touch, min(clicked_at) as first_touch_at,
            max_by((channel, campaign_id), clicked_at) as last_touch
        from {messages} m left join reactions on m.source_name = reactions.source_name and m.message_id = reactions.message_id
        where sent_at < timestamp '2027-01-01' group by 1, 2, 3),
    written as (
        select map.customer_id, max(opened_at) as opened_at, max(clicked_at) as clicked_at, min(first_touch_at) as first_touch_at,
            any_value(first_touch) as first_touch, any_value(last_touch) as last_touch,
            {", ".join(f"sum({name}{suffix}) as {name}{suffix}" for suffix in WINDOWS for name in MESSAGES)}
        from sent join map on map.source_name = sent.source_name and map.record_type = 'message_contact'
            and map.record_id = contact_ref_type || ':' || contact_ref group by 1),
    refused as (
        select map.customer_id, m.channel, max(e.occurred_at) as changed_at
        from {events} e join {messages} m on e.source_name = m.source_name and e.message_id = m.message_id
        join map on map.source_name = m.source_name and map.record_type = 'message_contact'
            and map.record_id = contact_ref_type || ':' || contact_ref
        where e.event_type in ('unsubscribed', 'complained', 'bounced') group by 1, 2),
    reachable as (
        select customer_id, string_agg(channel, ', ' order by channel) as reachable_channels
        from (select distinct customer_id, channel from refused where changed_at is null) group by 1),
    people as (
        select customer_id, min(first_seen_at) as first_seen_at, bool_or(is_reachable) as is_reachable,
            string_agg(distinct source_name, ', ' order by source_name) as sources
        from map group by 1),
    named as (
        select map.customer_id, max_by(a.first_name, a.updated_at) filter (where a.first_name is not null) as first_name,
            max_by(a.last_name, a.updated_at) filter (where a.last_name is not null) as last_name, mode(a.country) as country
        from {accounts} a
        join map on map.source_name = a.source_name and map.record_type = 'shop_customer' and map.record_id = a.customer_id
        group by 1),
    reached as (
        select map.customer_id, max_by(usable_email, seen_at) filter (where usable_email is not null) as email,
            max_by(usable_phone, seen_at) filter (where usable_phone is not null) as phone
        from build.identity.evidence join map using (source_name, record_type, record_id)
        where usable_email is not null or usable_phone is not null group by 1),
    store as (select sum(revenue_amount) / sum(orders_count) as aov from totals)
    select people.customer_id, email, phone, first_name, last_name, named.country, null::date as birth_on, null::text as owner_id,
        coalesce(by_phone.time_zone, by_country.time_zone) as time_zone, reachable_channels,
        first_seen_at, first_at, last_at,
        {columns("orders_count", "revenue_amount", "refunds_count", "refunded_amount", "items_count", "categories_count", *MESSAGES)},
        {nothing("carts_started_count", "carts_abandoned_count", "conversations_count", "unanswered_conversations_count")},
        coalesce(revenue_amount, 0) - coalesce(refunded_amount, 0) as net_revenue_amount,
        revenue_amount / nullif(orders_count, 0) as aov_amount, favourite_category, 'GBP' as currency,
        date_diff('day', cast(last_at as date), date '2027-01-01') as days,
        date_diff('day', cast(opened_at as date), date '2027-01-01') as days_since_last_open,
        date_diff('day', cast(clicked_at as date), date '2027-01-01') as days_since_last_click,
        null::integer as days_since_last_reply, null::integer as days_since_last_visit,
        date_diff('day', cast(greatest(last_at, opened_at, clicked_at) as date), date '2027-01-01') as days_since_last_activity,
        case when first_touch_at <= coalesce(first_at, first_touch_at) then first_touch_at end as first_touch_at, first_touch, last_touch,
        case when orders_count >= 4 and days <= 90 then 'loyalty' when orders_count between 2 and 3 and days <= 90 then 'retention'
            when orders_count = 1 and days <= 90 then 'conversion' when orders_count >= 1 then 'lapsed'
            when is_reachable then 'acquisition' else 'awareness' end as stage,
        case when days > 180 then 'about_to_lose' when days > 90 then 'at_risk' when days >= 40 then 'nurture'
            when orders_count >= 2 and aov_amount >= store.aov then 'champions' when orders_count >= 2 then 'loyalists'
            else 'recent' end as segment,
        sources
    from people left join totals using (customer_id) left join refunded using (customer_id) left join items using (customer_id)
    left join written using (customer_id) left join named using (customer_id) left join reached using (customer_id) left join reachable using (customer_id)
    left join build.staging.phone_time_zones by_phone on substring(phone, 2, 2) = by_phone.prefix
    left join build.staging.country_time_zones by_country on lower(trim(named.country)) = by_country.country
    cross join store
    """


def identity(home: Path) -> str:
    """Every distinct record with its address and first sighting: one pass over what identity has to look at."""
    return f"""
    select source_name, record_type, record_id, email, min(seen_at) as seen_at from (
        select source_name, 'shop_customer' as record_type, customer_id as record_id, lower(trim(email)) as email, created_at as seen_at
        from {landed(home, "shop_customers")}
        union all
        select source_name, case when customer_id is null then 'guest_order' else 'shop_customer' end, coalesce(customer_id, order_id),
            lower(trim(email)), ordered_at
        from {landed(home, "shop_orders")} where customer_id is not null or email is not null)
    group by all
    """


def lifecycle(_home: Path) -> str:
    """One pass that sorts the same orders by person and time."""
    return """
    select customer_id, ordered_at, row_number() over person as n, lag(ordered_at) over person as before, lead(ordered_at) over person as after
    from build.customer.orders where customer_id is not null
    window person as (partition by customer_id order by ordered_at, source_name, order_id)
    """


def kpis(_home: Path) -> str:
    """One pass that counts the same orders and people by month."""
    return """
    select date_trunc('month', ordered_on) as month, count(*) as orders, sum(business_revenue_amount) as revenue,
        count(distinct customer_id) as people
    from build.customer.orders group by 1
    """


def main(name: str, home: Path) -> None:
    scratch = home / "warehouse" / f"floor_{name}.duckdb"
    scratch.unlink(missing_ok=True)
    with duckdb.connect(
        str(scratch), config={"memory_limit": MEMORY, "threads": 2, "preserve_insertion_order": False}
    ) as con:
        con.execute(f"set TimeZone = 'UTC'; attach '{home}/warehouse/build.duckdb' as build (read_only)")
        con.execute(f"create table result as {FLOORS[name](home)}")
        print(con.execute("select count(*) from result").fetchone()[0])  # type: ignore[index]
    scratch.unlink()


FLOORS = {"customers": customers, "identity": identity, "lifecycle": lifecycle, "kpis": kpis}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
