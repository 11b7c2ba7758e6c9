"""The floor of the lifecycle: one pass that puts events in order. `python -m benchmarks.lifecycle_floor BUILD_FILE SCRATCH_FILE MEMORY RUNS`.

What lives here: sorting by person and time what a build file holds, in a process of its own. What does not: the project's models. That each event is
somebody's is found before and not counted. Sorted are all events, and then those alone that the declared stages look at: no message sent to people.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import duckdb

TOLD = """
    select source_name, 'message_contact' as record_type, contact_ref_type || ':' || contact_ref as record_id,
        sent_at as happened_at, direction as event_type, message_id as event_id from build.input.messages
    union all
    select source_name, 'conversation_contact', contact_ref_type || ':' || contact_ref, opened_at, 'conversation', conversation_id
    from build.input.conversations
    union all select source_name, 'crm_contact', contact_id, changed_at, 'stage', change_id from build.input.crm_stage_changes
    union all select source_name, 'crm_contact', contact_id, created_at, 'deal', deal_id from build.input.crm_deals
    union all select source_name, 'crm_contact', contact_id, closed_at, 'deal', deal_id from build.input.crm_deals where closed_at is not null
"""
EVENTS = f"""
    select customer_id, ordered_at as happened_at, 'order' as event_type, source_name, order_id as event_id from build.customer.orders
    union all select customer_id, occurred_at, 'advocacy', source_name, event_id from build.customer.advocacy_acts
    union all
    select identifiers.customer_id, told.happened_at, told.event_type, told.source_name, told.event_id
    from ({TOLD}) as told
    inner join build.customer.customer_identifiers as identifiers
        on told.source_name = identifiers.source_name and told.record_type = identifiers.record_type and told.record_id = identifiers.record_id
"""
SORTED = "create or replace table sorted as select *, row_number() over (partition by customer_id order by happened_at) as place from {events}"


def main(build: str, scratch: str, memory: str, runs: str) -> None:
    Path(scratch).unlink(missing_ok=True)
    config = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": False}
    with duckdb.connect(scratch, config=config) as con:
        con.execute(f"set TimeZone = 'UTC'; attach '{build}' as build (read_only)")
        con.execute(
            f"create table events as {EVENTS}; create view read as select * from events where event_type <> 'outbound'"
        )
        found = {
            name: min((_sorted(con, name) for _ in range(int(runs))), key=lambda cost: cost["cpu"])
            for name in ("events", "read")
        }
    Path(scratch).unlink()
    print(json.dumps(found))


def _sorted(con: duckdb.DuckDBPyConnection, events: str) -> dict[str, float]:
    con.execute("checkpoint")
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    con.execute(f"{SORTED.format(events=events)}; checkpoint")
    after, ended = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    rows = con.execute("select count(*) from sorted").fetchone()
    assert rows is not None
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": ended - began, "peak": after.ru_maxrss / 1e6, "rows": rows[0]}


if __name__ == "__main__":
    main(*sys.argv[1:])
