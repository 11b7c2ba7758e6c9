"""What is kept from night to night equals a whole build, over random histories; what is not trusted is built whole.

The histories hold what makes sums go wrong: rows corrected in every column, rows that come late, messages opened again,
rows dated after their night, nights left out, windows that run empty, people who merge, split, come and go. Each night
is landed and built as nights are; who is who is given, as identity would say it.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.contract import landed_schema
from perennial.config.home import Home
from perennial.config.vendors.registry import VENDORS
from tests.support.dbt_runs import DbtRuns, Statuses
from tests.support.installation import installed_in
from tests.support.kept import build_kept
from tests.support.nights import land_only

KEPT = ("identity.message_contacts", "customer.timeline_messages", "customer.campaign_clicks")
MODELS = [
    "stg_contract__messages",
    "stg_contract__message_events",
    "messages",
    "message_events",
    "message_contacts",
    "timeline_messages",
    "campaign_clicks",
]
CHECKS = tuple(f"{table.split('.')[1]}_are_as_if_built_anew" for table in KEPT)
REFS = [f"email:p{number}@shop.example" for number in range(9)] + [f"contact_id:{number}" for number in range(6)]
FIRST = datetime(2024, 3, 30, 12, tzinfo=UTC)  # the night before a change of clocks
MESSAGE = ("message_id", "contact_ref", "contact_ref_type", "channel", "direction", "campaign_id", "sent_at")
EVENT = ("event_id", "message_id", "event_type", "is_machine", "occurred_at")
Row = dict[str, Any]


@dataclass
class History:
    """Messages and events so far, and what the next night delivers of them."""

    draw: random.Random
    messages: dict[str, Row] = field(default_factory=dict)
    events: dict[str, Row] = field(default_factory=dict)

    def night(self, since: datetime, until: datetime, count: int, is_corrected: bool) -> dict[str, list[Row]]:
        """New rows, most of them dated within the night, and corrections of older ones."""
        messages = [self._message(since, until) for _ in range(count)]
        events = [self._event(since, until) for _ in range(count)]
        if is_corrected:
            messages += [self._corrected(self.messages, self._message(since, until)) for _ in range(2)]
            events += [self._corrected(self.events, self._event(since, until)) for _ in range(2)]
        self.messages |= {row["message_id"]: row for row in messages}
        self.events |= {row["event_id"]: row for row in events}
        return {"messages": messages, "message_events": events}

    def _corrected(self, rows: dict[str, Row], other: Row) -> Row:
        """An older row with one column as another row has it."""
        old = rows[self.draw.choice(sorted(rows))]
        column = self.draw.choice(list(old)[1:])
        return old | {column: other[column]}

    def _message(self, since: datetime, until: datetime) -> Row:
        number = len(self.messages) + self.draw.randrange(10**9)
        ref, kind = self.draw.choice(
            [
                (f"p{self.draw.randrange(9)}@shop.example", "email"),
                (str(self.draw.randrange(6)), "contact_id"),
                ("guest", "contact_id"),
            ]
        )
        direction = self.draw.choice(["outbound", "outbound", "inbound", ""])
        campaign = self.draw.choice(["news", "spring", ""])
        values = (f"m{number}", ref, kind, "email", direction, campaign, self._at(since, until))
        return dict(zip(MESSAGE, values, strict=True))

    def _event(self, since: datetime, until: datetime) -> Row:
        known = sorted(self.messages) or ["m0"]
        message = self.draw.choice([*known, *known[-3:], "unknown"])
        kind = self.draw.choice(["opened", "opened", "clicked", "replied", "delivered"])
        is_machine = self.draw.choice(["", "false", "false", "true"])
        return dict(
            zip(
                EVENT,
                (f"e{self.draw.randrange(10**12)}", message, kind, is_machine, self._at(since, until)),
                strict=True,
            )
        )

    def _at(self, since: datetime, until: datetime) -> str:
        """Mostly within the night; at its edges, long before, at the edge of a window, or after it."""
        span = (until - since).total_seconds()
        midnight = until.replace(hour=0)
        at = self.draw.choice(
            [since + timedelta(seconds=self.draw.random() * span)] * 6
            + [since, until, until - timedelta(days=self.draw.randrange(400)), until + timedelta(hours=30)]
            + [midnight - timedelta(days=days) for days in (29, 30, 89, 90, 364, 365)]
        )
        return at.isoformat()


@dataclass
class Nights:
    """One installation, its nights, and the same nights built whole into another file."""

    home: Home
    folder: Path
    dbt: DbtRuns
    more: dict[str, Any]
    sources: dict[str, str] = field(default_factory=lambda: {"shop": "files"})
    owners: dict[str, str] = field(default_factory=lambda: {ref: f"c{number // 2}" for number, ref in enumerate(REFS)})

    def move(self, draw: random.Random) -> None:
        """Some references become another person's, some nobody's."""
        for ref in draw.sample(REFS, 2):
            self.owners.pop(ref, None)
            if draw.random() < 0.7:
                self.owners[ref] = f"c{draw.randrange(9)}"

    def _say_who_is_who(self, build_file: Path) -> None:
        with duckdb.connect(str(build_file)) as connection:
            connection.execute(
                "create schema if not exists customer; create or replace table customer.customer_identifiers"
                " (source_name varchar, record_type varchar, record_id varchar, customer_id varchar)"
            )
            connection.executemany(
                "insert into customer.customer_identifiers values (?, 'message_contact', ?, ?)",
                [("shop", ref, owner) for ref, owner in sorted(self.owners.items())] + [("crm", "contact_id:2", "c0")],
            )

    def deliver(self, rows: dict[str, list[Row]], source: str = "shop") -> None:
        export = self.folder / source
        export.mkdir(exist_ok=True)
        for table, columns in (("messages", MESSAGE), ("message_events", EVENT)):
            with (export / f"{table}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows[table])

    def land(self, as_of: datetime) -> None:
        sources = {name: {"kind": kind, "path": str(self.folder / name)} for name, kind in self.sources.items()}
        land_only(self.home, sources, self.more, {"PERENNIAL_AS_OF": as_of.isoformat()})

    def build(self, as_of: datetime, build_file: Path | None = None, share: float = 1.0) -> Statuses:
        file = build_file or self.home.build_file
        # what vendors' views read does not change here
        selected = MODELS if file.exists() else ["+message_contacts", "timeline_messages", "campaign_clicks"]
        self._say_who_is_who(file)
        return build_kept(self.dbt, self.home, self.more, as_of, file, selected, share)

    def kept(self) -> list[list[tuple[Any, ...]]]:
        return rows_of(self.home.build_file)

    def whole(self, as_of: datetime) -> list[list[tuple[Any, ...]]]:
        other = self.folder / "whole" / self.home.build_file.name
        other.parent.mkdir(exist_ok=True)
        self.build(as_of, other)
        assert brought_up_from(other) is None
        return rows_of(other)


def rows_of(build_file: Path) -> list[list[tuple[Any, ...]]]:
    """The rows of each kept table."""
    with duckdb.connect(str(build_file), read_only=True) as connection:
        return [connection.execute(f"select * from {table} order by all").fetchall() for table in KEPT]


def brought_up_from(build_file: Path, tables: tuple[str, ...] = KEPT) -> datetime | None:
    """The as_of of the tables that tonight's were made from; none where they were built whole."""
    with duckdb.connect(str(build_file), read_only=True) as connection:
        found = {connection.execute(f"select max(was_as_of) from {table}__mark").fetchall()[0][0] for table in tables}
    assert len(found) == 1
    return found.pop()


def are_as_if_built_anew(statuses: Statuses) -> bool:
    return all(statuses[check] == "pass" for check in CHECKS)


@pytest.fixture
def nights(night_home: Home, tmp_path: Path) -> Iterator[Nights]:
    more: dict[str, Any] = {"business": {"time_zone": "Europe/London", "currency": "GBP"}}
    with DbtRuns(dict(installed_in(night_home, more).night().dbt.env)) as dbt:
        yield Nights(night_home, tmp_path, dbt, more)


def land_calls(home: Home, contact_ids: list[str], at: datetime) -> None:
    """What HubSpot delivered of its calls: one with each of these contacts. (Its views look for no versions here.)"""
    landed = home.landing / "hubspot" / "calls" / "20240101T000000000000.crm.parquet"
    with duckdb.connect() as connection:
        schema = landed_schema(VENDORS["hubspot"].tables["calls"])
        connection.execute(f"create table calls ({', '.join(f'{name} {kind}' for name, kind in schema.items())})")
        for contact_id in contact_ids:
            connection.execute(
                "insert into calls (engagement_id, contact_id, happened_at, source_name, load_id, loaded_at)"
                " values (?, ?, ?, 'crm', '1', now())",
                [contact_id, contact_id, at.replace(tzinfo=None)],
            )
        connection.execute(f"copy calls to '{landed}' (format parquet)")


def live_through(nights: Nights, seed: int, days: list[int], is_compared_nightly: bool = False) -> datetime:
    """Nights on these days after the first; each equals a build from scratch, as its check says, here of everyone.

    The first correction of a table changes what staging looks for, and has all built whole: the second night's.
    """
    history = History(random.Random(seed))
    as_of = FIRST
    for number, day in enumerate(days):
        since, as_of = as_of, FIRST + timedelta(days=day)
        rows = history.night(since, as_of, 60 if number == 0 else 12, number not in (0, 3))
        if number == 1:
            rows["messages"].append(next(iter(history.messages.values())) | {"contact_ref": "p0@shop.example"})
            rows["message_events"].append(
                next(iter(history.events.values())) | {"event_type": "clicked", "is_machine": "false"}
            )
        nights.deliver(rows)
        nights.land(as_of)
        nights.move(history.draw)
        assert are_as_if_built_anew(nights.build(as_of)), f"seed {seed}, night {number}"
        if number > 1:
            assert brought_up_from(nights.home.build_file) == since.replace(tzinfo=None)
        if is_compared_nightly:
            assert nights.kept() == nights.whole(as_of), f"seed {seed}, night {number}"
    return as_of


def test_every_night_of_a_random_history_equals_a_whole_build_and_what_is_spoiled_is_noticed(nights: Nights) -> None:
    as_of = live_through(nights, 1, [0, 1, 2, 9, 40])
    whole = nights.whole(as_of)
    assert nights.kept() == whole

    # a wrong row: the check fails, and the next night trusts nothing
    for table, check, spoil in zip(
        KEPT,
        CHECKS,
        (
            "update {0} set replies_count = 99 where contact_ref = 'p0@shop.example'",
            "delete from {0} where source_id = (select min(source_id) from {0})",
            "update {0} set campaign = 'other'",
        ),
        strict=True,
    ):
        with duckdb.connect(str(nights.home.build_file)) as connection:
            connection.execute(spoil.format(table))
        assert nights.build(as_of)[check] == "fail"
        assert are_as_if_built_anew(nights.build(as_of))
        assert brought_up_from(nights.home.build_file, (table,)) is None
        assert nights.kept() == whole

    # what vendors deliver is made anew each night: one landed row may change many rows of theirs
    for contact_ids, brought_up in ((["1", "2"], None), (["2"], as_of.replace(tzinfo=None))):
        land_calls(nights.home, contact_ids, as_of - timedelta(days=1))
        assert are_as_if_built_anew(nights.build(as_of))
        assert brought_up_from(nights.home.build_file) == brought_up
        contacts, told, _ = nights.kept()
        assert [row[2] for row in contacts if row[0] == "crm"] == contact_ids
        assert sum(row[4] == "crm" for row in told) == contact_ids.count("2")

    # landed files that are not those taken in: the same rows in another file
    landed = sorted((nights.home.landing / "files" / "messages").glob("2*.parquet"))[0]
    with duckdb.connect() as connection:
        connection.execute(f"copy (from '{landed}') to '{landed}.new' (format parquet, compression gzip)")
    Path(f"{landed}.new").replace(landed)
    nights.build(as_of)
    assert brought_up_from(nights.home.build_file) is None

    # a look back
    nights.build(as_of - timedelta(days=30))
    assert brought_up_from(nights.home.build_file) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_many_random_histories_equal_whole_builds_every_night(nights: Nights, seed: int) -> None:
    live_through(nights, seed, [0, 1, 2, 3, 33, 34, 125, 126, 500, 501], is_compared_nightly=True)
