"""Reading a published snapshot: who should be in an audience, who agreed to it, and which ids were merged.

What lives here: the queries. What does not: whether the snapshot may be used (perennial.warehouse.certificate) and what
is done with the people.

Permission fails closed: for the channel and purpose there must be a grant, and no brand that was answered may have said
anything else last. An unknown word, a missing time and a time that lies ahead of the snapshot count as no.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb

from perennial.audiences.definition import AudienceDefinition, ConsentRule
from perennial.audiences.plan import Member
from perennial.config.home import Home
from perennial.config.settings import Engine
from perennial.config.vendors.registry import VENDORS
from perennial.warehouse.certificate import DATABASE_FILE
from perennial.warehouse.duck import connect, name, quote

WITHDRAWALS = ("consents", "message_events")  # the input tables that take permission away
_PORTION = 10_000


class SnapshotError(Exception):
    """The snapshot lacks what the audience needs: says what and what to do."""


@dataclass(frozen=True)
class Desired:
    """Who should be held, and how many members of the audience are not because nobody may or can reach them."""

    members: dict[str, Member]
    without_consent: int
    without_address: int

    def only(self, customer_ids: Collection[str]) -> Desired:
        """The same without anybody else."""
        return replace(self, members={each: member for each, member in self.members.items() if each in customer_ids})


@contextmanager
def open_snapshot(home: Home, snapshot_id: str, engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot's database, attached read-only."""
    path = home.snapshot(snapshot_id) / DATABASE_FILE
    with connect(None, memory_limit=engine.memory_limit, threads=engine.threads, temp_directory=home.spill) as open_one:
        try:
            open_one.execute(f"attach {quote(str(path))} as snapshot (read_only)")
            open_one.execute("use snapshot")
            yield open_one
        except duckdb.Error as error:
            raise SnapshotError(
                f"snapshot {snapshot_id}: {_first_line(error)}; check the audience's model and YAML, then run the night"
            ) from error


def desired(connection: duckdb.DuckDBPyConnection, definition: AudienceDefinition, as_of: datetime) -> Desired:
    """The members with an address and a permission, once each."""
    columns = [f"customers.{name(column)}::varchar" for column in (definition.address, *definition.fields)]
    query = f"""
        with granted as ({_granted(definition.consent)}),
        members as (select distinct customer_id::varchar as customer_id from audiences.{name(definition.name)})
        select members.customer_id, granted.customer_id is not null, {", ".join(columns)}
        from members
        left join customer.customers as customers on members.customer_id = customers.customer_id
        left join granted on members.customer_id = granted.customer_id
        order by members.customer_id
    """
    members: dict[str, Member] = {}
    without_consent = without_address = 0
    for row in _rows(connection, query, _values(definition.consent, as_of)):
        customer_id, is_granted, address = row[:3]
        if not is_granted:
            without_consent += 1
        elif not (address or "").strip():
            without_address += 1
        else:
            members[customer_id] = Member(address.strip(), tuple(row[3:]))
    return Desired(members, without_consent, without_address)


def granted(connection: duckdb.DuckDBPyConnection, rule: ConsentRule, as_of: datetime) -> set[str]:
    """Everybody who agreed to this channel and purpose."""
    return {row[0] for row in _rows(connection, _granted(rule), _values(rule, as_of))}


def denied(connection: duckdb.DuckDBPyConnection, rule: ConsentRule) -> set[str]:
    """Everybody who, asked for this channel and purpose, said no last: to a brand that counts, or to all."""
    of_brand = "" if rule.brand is None else "and (brand is null or brand = $brand)"
    query = f"""
        select distinct customer_id::varchar
        from (
            select customer_id, status
            from customer.customer_consents
            where channel = $channel and purpose = $purpose {of_brand}
            qualify rank() over (partition by customer_id, brand order by changed_at desc nulls first) = 1
        )
        where status = 'denied'
    """
    values = {"channel": rule.channel, "purpose": rule.purpose}
    return {
        row[0] for row in _rows(connection, query, values if rule.brand is None else values | {"brand": rule.brand})
    }


def unheard_sources(connection: duckdb.DuckDBPyConnection, ticked: Collection[str]) -> list[str]:
    """Sources that could not be loaded and may hold withdrawals: those that have delivered consents or what happened to
    messages, or nothing yet. `ticked` names those whose shop customers count as consent."""
    query = f"""
        select distinct source_name from publish.source_status
        where has_failed and (
            table_name in ({", ".join(quote(each) for each in WITHDRAWALS)}) or table_name = '(none)'
            or list_contains($telling, kind)
            or (table_name = 'shop_customers' and list_contains($ticked, source_name))
        )
        order by source_name
    """
    telling = [kind for kind, vendor in VENDORS.items() if vendor.settings.holds_withdrawals]
    return [row[0] for row in _rows(connection, query, {"ticked": list(ticked), "telling": telling})]


def redirects(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Id that is nobody's any more → the id its person bears now."""
    query = """
        select customer_id, into_customer_id from customer.customer_redirects where into_customer_id is not null
    """
    return dict(_rows(connection, query, {}))


def _granted(rule: ConsentRule) -> str:
    of_brand = "" if rule.brand is None else "and (brand is null or brand = $brand)"
    return f"""
        select customer_id::varchar as customer_id
        from (
            select customer_id, status, changed_at
            from customer.customer_consents
            where channel = $channel and purpose = $purpose {of_brand}
            qualify rank() over (partition by customer_id, brand order by changed_at desc nulls first) = 1
        )
        group by customer_id
        having bool_and(coalesce(status = 'granted' and changed_at <= $as_of::timestamp, false))
    """


def _values(rule: ConsentRule, as_of: datetime) -> dict[str, str]:
    values = {"channel": rule.channel, "purpose": rule.purpose}
    values["as_of"] = as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    return values if rule.brand is None else values | {"brand": rule.brand}


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object]) -> Iterator[tuple]:
    found = connection.execute(query, values)
    while portion := found.fetchmany(_PORTION):
        yield from portion


def _first_line(error: duckdb.Error) -> str:
    return (
        str(error).splitlines()[0]
        if isinstance(error, duckdb.CatalogException | duckdb.BinderException)
        else (type(error).__name__)
    )
