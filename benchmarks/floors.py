"""The floors: what one hand-written statement over the same landed files takes. `python -m benchmarks.floors NAME HOME`.

What lives here: SQL written by hand for one purpose each, without layers. What does not: the project's models. Each runs
in a process of its own, with the same threads and memory limit as the build.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

MEMORY = "1600MB"


def landed(home: Path, table: str) -> str:
    return f"(select * from read_parquet('{home}/landing/files/{table}/*.parquet') where not is_superseded)"


def customers(home: Path) -> str:
    """customer.customers in one statement, given the identity map and the addresses that identity found."""
    orders, lines = landed(home, "shop_orders"), landed(home, "shop_order_lines")
    refunds, accounts = landed(home, "shop_refunds"), landed(home, "shop_customers")
    return f"""
    with map as (select source_name, record_type, record_id, customer_id, first_seen_at, is_reachable from build.identity.identity_map),
    revenue as (
        select source_name, order_id, sum(quantity * unit_price_amount) - coalesce(sum(discount_amount), 0) as revenue
        from {lines} where quantity > 0 and unit_price_amount > 0 group by 1, 2),
    placed as (
        select map.customer_id, o.source_name, o.order_id, o.ordered_at, cast(revenue.revenue as decimal(18, 4)) as revenue
        from {orders} o
        join revenue on o.source_name = revenue.source_name and o.order_id = revenue.order_id
        left join map on map.source_name = o.source_name
            and map.record_type = case when o.customer_id is null then 'guest_order' else 'shop_customer' end
            and map.record_id = coalesce(o.customer_id, o.order_id)
        where coalesce(o.status, 'paid') not in ('pending', 'cancelled', 'failed', 'test') and o.ordered_at < timestamp '2027-01-01'),
    totals as (
        select customer_id, count(*) as n, sum(revenue) as revenue, min(ordered_at) as first_at, max(ordered_at) as last_at
        from placed where customer_id is not null group by 1),
    refunded as (
        select coalesce(placed.customer_id, map.customer_id) as customer_id, sum(r.amount) as amount
        from {refunds} r
        left join placed on r.source_name = placed.source_name and r.order_id = placed.order_id
        left join map on r.order_id is null and map.source_name = r.source_name
            and map.record_type = 'shop_customer' and map.record_id = r.customer_id
        where r.order_id is null or placed.order_id is not null group by 1),
    people as (
        select customer_id, min(first_seen_at) as first_seen_at, bool_or(is_reachable) as is_reachable,
            string_agg(distinct source_name, ', ' order by source_name) as sources
        from map group by 1),
    named as (
        select map.customer_id, max_by(a.first_name, a.updated_at) filter (where a.first_name is not null) as first_name,
            max_by(a.last_name, a.updated_at) filter (where a.last_name is not null) as last_name,
            max_by(a.country, a.updated_at) filter (where a.country is not null) as country
        from {accounts} a
        join map on map.source_name = a.source_name and map.record_type = 'shop_customer' and map.record_id = a.customer_id
        group by 1),
    reached as (
        select map.customer_id, max_by(usable_email, seen_at) filter (where usable_email is not null) as email,
            max_by(usable_phone, seen_at) filter (where usable_phone is not null) as phone
        from build.identity.evidence join map using (source_name, record_type, record_id)
        where usable_email is not null or usable_phone is not null group by 1),
    store as (select sum(revenue) / sum(n) as aov from totals)
    select people.customer_id, email, phone, first_name, last_name, country, first_seen_at, first_at, last_at,
        coalesce(n, 0) as orders_count, coalesce(revenue, 0) as revenue_amount, coalesce(amount, 0) as refunded_amount,
        coalesce(revenue, 0) - coalesce(amount, 0) as net_revenue_amount, revenue / nullif(n, 0) as aov_amount, 'GBP' as currency,
        date_diff('day', cast(last_at as date), date '2027-01-01') as days,
        case when n >= 4 and days <= 90 then 'loyalty' when n between 2 and 3 and days <= 90 then 'retention'
            when n = 1 and days <= 90 then 'conversion' when n >= 1 then 'lapsed' when is_reachable then 'acquisition' else 'awareness' end as stage,
        case when days > 180 then 'about_to_lose' when days > 90 then 'at_risk' when days >= 40 then 'nurture'
            when n >= 2 and aov_amount >= store.aov then 'champions' when n >= 2 then 'loyalists' else 'recent' end as segment,
        sources
    from people left join totals using (customer_id) left join refunded using (customer_id)
    left join named using (customer_id) left join reached using (customer_id) cross join store
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
