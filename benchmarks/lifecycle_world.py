"""People, orders, messages and what else moves people between stages, as the rooms before lifecycle leave them.

What lives here: tables of any size in a build file, made by DuckDB from hashes: the same for the same number of people.
What does not: sources and landing (perennial/demo/bulk.py), and a world with people in it (perennial/demo/make.py).

Of ten people eight have bought, at their own pace, a fifth of the orders by a few who buy very much; four talk with the shop. Per person there are
ten orders and twenty messages, five of them written by people, a conversation, half a change of stage, a fifth of a deal, a tenth of an act of advocacy.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

END = "2026-11-01"
SPAN = 730 * 86_400
SHARES = {"buyers": 0.8, "talkers": 0.4}
PER_PERSON = {
    "orders": 10.0, "outbound": 15.0, "inbound": 5.0, "conversations": 1.0, "stage_changes": 0.5, "deals": 0.2, "acts": 0.1
}  # fmt: skip
STAGES = ("Hot lead", "Payment", "Cold lead", "Lost to competitor", "Unqualified", "Customer", "Qualified", "")

_MACROS = f"""
create macro draw(id, salt) as (hash(id, salt) >> 11) / 9007199254740992.0;
create macro person(i) as md5('person ' || i);
create macro address(i) as 'person' || i || '@example.com';
create macro begun(i) as draw(i, 'begun') * 0.5;
create macro moment(share) as timestamp '{END}' - to_microseconds(cast((1 - share) * {SPAN} * 1000000 as bigint));
"""


def write_world(path: Path, people: int, memory: str) -> dict[str, int]:
    """Schemas customer and input in a new build file; rows per table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    config = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": False}
    rows = {}
    with duckdb.connect(str(path), config=config) as con:
        con.execute(f"set TimeZone = 'UTC'; {_MACROS.replace('create macro', 'create temporary macro')}")
        for name, query in _tables(people).items():
            schema, _, _ = name.partition(".")
            con.execute(f"create schema if not exists {schema}; create table {name} as {query}")
            found = con.execute(f"select count(*) from {name}").fetchone()
            assert found is not None
            rows[name.partition(".")[2]] = found[0]
    return rows


def _happened(name: str, people: int, where: str = "true", share: float = 1.0) -> str:
    """(id, i, happened_at): as many events as the table has for that many people, of the first `share` of them, after each was first seen."""
    drawn = f"cast(floor(draw(id, '{name} of') * {max(round(people * share), 1)}) as bigint)"
    skewed = f"cast(floor(power(draw(id, '{name} of'), 3) * {max(round(people * share), 1)}) as bigint)"
    who = f"case when id % 5 = 0 then {skewed} else {drawn} end" if name == "orders" else drawn
    return f"""
        select id, i, moment(begun(i) + (1 - begun(i)) * draw(id, '{name} at')) as happened_at
        from (select range as id, {who} as i from range({round(people * PER_PERSON[name])})) as drawn where {where}
    """


def _tables(people: int) -> dict[str, str]:
    talks, buys = SHARES["talkers"], SHARES["buyers"]
    talker = "{i} * 7919 % {n}".format(i="i", n=people)  # those who talk are spread over those who buy
    stages = ", ".join(f"'{stage}'" for stage in STAGES)
    seen = (
        f"select range as i, moment(begun(range)) as first_seen_at, draw(range, 'reach') as reach from range({people})"
    )
    return {
        "customer.people": f"""
            select person(i) as customer_id, first_seen_at,
                case when reach < 0.8 then first_seen_at when reach < 0.9 then first_seen_at + interval 45 day end as reachable_from, 'shop' as sources
            from ({seen})
        """,
        "customer.customer_identifiers": f"""
            select * from (
                select 'shop' as source_name, 'shop_customer' as record_type, 'c' || i as record_id, person(i) as customer_id, address(i) as email, first_seen_at
                from ({seen})
                union all
                select unnest(['mailer', 'inbox', 'inbox', 'crm']), unnest(['message_contact', 'message_contact', 'conversation_contact', 'crm_contact']),
                    unnest(['email:' || address(i), 'contact_id:' || i, 'contact_id:' || i, i::varchar]), person(i), address(i), first_seen_at
                from ({seen})
            )
        """,
        "customer.orders": f"""
            select 'o' || id as order_id, 'shop' as source_name, null::varchar as brand, person(i) as customer_id, happened_at as ordered_at, happened_at::date as ordered_on, 'GBP' as currency,
                amount as revenue_amount, amount as gross_amount, 0::decimal(18, 4) as refunded_amount, amount as business_revenue_amount, amount as business_gross_amount
            from (select *, cast(5 + 95 * power(draw(id, 'amount'), 2) as decimal(18, 4)) as amount from ({_happened("orders", people, share=buys)}))
        """,
        "customer.advocacy_acts": f"""
            select person(i) as customer_id, happened_at as occurred_at, 'referral' as event_type, 'shop' as source_name, 'a' || id as event_id
            from ({_happened("acts", people, share=buys)})
        """,
        "customer.touch_points": f"select person(range) as customer_id, 'campaign ' || range % 24 as first_touch_campaign from range({people})",
        "input.messages": f"""
            select 'mailer' as source_name, 'm' || id as message_id, 'email' as contact_ref_type, address(i) as contact_ref, 'outbound' as direction, happened_at as sent_at
            from ({_happened("outbound", people)})
            union all
            select 'inbox', 'i' || id, 'contact_id', ({talker})::varchar, 'inbound', happened_at from ({_happened("inbound", people, share=talks)})
        """,
        "input.conversations": f"""
            select 'inbox' as source_name, 'v' || id as conversation_id, 'contact_id' as contact_ref_type, ({talker})::varchar as contact_ref, happened_at as opened_at,
                happened_at + interval 20 minute as first_reply_at, case when id % 3 = 0 then happened_at + interval 2 hour end as first_human_reply_at
            from ({_happened("conversations", people, share=talks)})
        """,
        "input.crm_stage_changes": f"""
            select 'crm' as source_name, 's' || id as change_id, ({talker})::varchar as contact_id, [{stages}][1 + id % {len(STAGES)}] as to_stage, happened_at as changed_at,
                'human' as changed_by, case when id % 4 = 0 then 'reason ' || id % 9 end as reason
            from ({_happened("stage_changes", people, share=talks)})
        """,
        "input.crm_deals": f"""
            select 'crm' as source_name, 'd' || id as deal_id, ({talker})::varchar as contact_id, case when id % 3 > 0 then 'won' else 'open' end as status, happened_at as created_at,
                case when id % 3 > 0 then least(happened_at + interval 20 day, timestamp '{END}' - interval 1 second) end as closed_at
            from ({_happened("deals", people, share=talks)})
        """,
    }  # fmt: skip


def add_day(path: Path, day: str, memory: str, share: int = 100) -> dict[str, int]:
    """One row in `share` of everything that happens once more, under a new id, on a day after the end; rows added per table."""
    moved = f"timestamp '{day}' + to_microseconds(cast(hash({{key}}, '{day}') % 86400000000 as bigint))"
    rows = {}
    with duckdb.connect(str(path), config={"memory_limit": memory, "threads": 2}) as con:
        con.execute("set TimeZone = 'UTC'")
        for table, key, at, more in (
            ("customer.orders", "order_id", "ordered_at", f", date '{day}' as ordered_on"),
            ("customer.advocacy_acts", "event_id", "occurred_at", ""),
            ("input.messages", "message_id", "sent_at", ""),
            ("input.conversations", "conversation_id", "opened_at", ""),
            ("input.crm_stage_changes", "change_id", "changed_at", ""),
            ("input.crm_deals", "deal_id", "created_at", ", 'open' as status, cast(null as timestamp) as closed_at"),
        ):
            new = f"{key} || ' {day}' as {key}, {moved.format(key=key)} as {at}{more}"
            found = con.execute(
                f"insert into {table} select * replace ({new}) from {table} where hash({key}) % {share} = 0 and {at} < timestamp '{END}'"
            ).fetchone()
            assert found is not None
            rows[table.partition(".")[2]] = found[0]
    return rows
