"""A demo installation whose nights are killed at random moments, beside one that is left alone.

What lives here: the twin installations, the kills, and what must be equal afterwards. What does not: how many kills
(tests/end_to_end: a few, tests/torture: many).
"""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.home import Home
from perennial.demo.installation import SECRET_ENV
from perennial.demo.make import CONFIG, make_demo
from perennial.demo.receiver import Receiver
from perennial.demo.run import channel, new_secret
from perennial.demo.scale import Scale
from tests.support.nights import fingerprints, kill_night, run_night, start_night, unequal

SMALL = Scale(people=300, years=1, seed=5)


@dataclass
class Twin:
    """One demo installation with its channel."""

    home: Home
    receiver: Receiver
    env: Mapping[str, str]
    as_of: str
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def config(self) -> Path:
        return self.home.root / CONFIG

    def night(self) -> tuple[int, str]:
        return run_night(self.home, self.config, self.as_of, self.env)

    def night_killed_after(self, seconds: float) -> bool:
        """Whether the night was still running when it was killed."""
        process = start_night(self.home, self.config, self.as_of, self.env)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is None:
            kill_night(process)
            return True
        process.communicate()
        self.statuses[process.returncode] += 1
        return False


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@contextmanager
def twin(folder: Path, scale: Scale = SMALL) -> Iterator[Twin]:
    make_demo(folder, scale, _free_port())
    secret = new_secret()
    with channel(folder, secret) as receiver:
        yield Twin(Home(folder).prepare(), receiver, {SECRET_ENV: secret}, scale.as_of.isoformat())


def kill_and_compare(folder: Path, kills: int, seed: int, *, and_again: bool = False) -> dict[str, Any]:
    """Kill that many nights at random moments, run one to its end, and compare with an undisturbed installation."""
    chance = random.Random(seed)
    with twin(folder / "calm") as calm:
        began = time.monotonic()
        status, said = calm.night()
        assert status == 0, said
        whole = time.monotonic() - began
        expected = fingerprints(calm.home.published / "perennial.duckdb")
        wanted = _members(calm)
    with twin(folder / "disturbed") as shaken:
        killed = attempts = 0
        while killed < kills and attempts < 3 * kills:  # a night that ends before its time comes is no kill
            killed += shaken.night_killed_after(chance.uniform(0.5, whole))
            attempts += 1
        status, said = shaken.night()
        assert status == 0, said
        found = fingerprints(shaken.home.published / "perennial.duckdb")
        held, joins = _members(shaken), _effects(shaken)
        sent_before = _attempts(shaken)
        if and_again:
            status, said = shaken.night()
            assert status == 0, said
        sent_after = _attempts(shaken)
    return {
        "kills": killed,
        "nights_that_finished_first": attempts - killed,
        "exit_statuses_of_those": dict(shaken.statuses),
        "tables_compared": len(expected),
        "tables_that_differ": unequal(expected, found),
        "members": len(held),
        "members_wrong": len(held ^ wanted),
        "joined_more_than_once": sum(count > 1 for count in joins.values()),
        "rows_sent_by_the_night_after": sent_after - sent_before if and_again else None,
        "seconds_of_an_undisturbed_night": round(whole, 1),
    }


def _members(one: Twin) -> set[str]:
    """Whom the channel holds, which must be whom the published audience names."""
    held = {
        customer_id for (_, to), people in one.receiver.members().items() if to == "mailer" for customer_id in people
    }
    with duckdb.connect(str(one.home.published / "perennial.duckdb"), read_only=True) as con:
        named = {row[0] for row in con.execute("select customer_id from audiences.win_back").fetchall()}
    assert held == named and named, f"the channel holds {len(held)}, the audience names {len(named)}"
    return held


def _effects(one: Twin) -> Counter[tuple[str, str]]:
    """How often each person's joining took effect at the channel."""
    lines = (one.home.root / "received" / "membership.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Counter((row["audience"], row["customer_id"]) for row in rows if row["action"] == "join")


def _attempts(one: Twin) -> int:
    """Rows put on the wire so far, as the ledger counts them."""
    with sqlite3.connect(one.home.ledger / "ledger.sqlite") as ledger:
        return int(ledger.execute("select coalesce(sum(attempts), 0) from deliveries").fetchone()[0])
