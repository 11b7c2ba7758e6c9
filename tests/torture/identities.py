"""The long proof of customer ids: thirty nights in which people merge and split, a rebuild, and twenty shuffles.

What lives here: the changes, and who is who by an independent reading. What does not: nights (tests/support/people.py).
"""

from __future__ import annotations

import random
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from perennial.config.home import Home
from tests.support.people import People

Key = tuple[str, str, str]
PEOPLE, NIGHTS, SHUFFLES, CHANGED = 400, 30, 20, 0.02
TABLES = {"shop_customers": ("shop_customer", "customer_id"), "crm_contacts": ("crm_contact", "contact_id")}


def changing_people(folder: Path, _samples: Path) -> dict[str, Any]:
    """Ids change for nobody whose records stayed the same, and every change has its line in the ledger."""
    chance = random.Random(4)
    people = People(Home(folder / "home").prepare())
    for table, (_, column) in TABLES.items():
        people.add("one", table, (_row(column, i, f"p{i}@people.test", 0) for i in range(PEOPLE)))
    wrong_groups = unexplained = 0
    ids: dict[Key, str] = {}
    for night in range(1, NIGHTS + 1):
        before = ids
        if night > 1:
            _change(people, chance, night)
        people.night()
        ids = people.ids()
        wrong_groups += _groups(ids) != _expected(people)
        unexplained += _unexplained(people, before, ids)
    ledger = people.ask("select * from customer.identifier_ledger order by all")
    differing = 0
    for shuffle in range(SHUFFLES + 1):
        if shuffle:
            shutil.rmtree(people.home.landing)
            for rows in people.sources["one"].values():
                random.Random(shuffle).shuffle(rows)
        shutil.rmtree(people.home.warehouse)
        people.home.prepare()
        people.night()
        differing += (
            people.ids() != ids or people.ask("select * from customer.identifier_ledger order by all") != ledger
        )
    return {
        "nights": NIGHTS, "records": len(ids), "people": len(set(ids.values())), "ledger_rows": len(ledger),
        "nights_with_wrong_people": wrong_groups, "changes_without_cause": unexplained, "rebuilds_that_differ": differing,
        "holds": not (wrong_groups or unexplained or differing) and len(ledger) > NIGHTS,
    }  # fmt: skip


def _row(column: str, number: int, email: str, night: int) -> dict[str, str]:
    day = f"2026-01-{1 + number % 28:02} 00:00:00"
    updated = day if not night else f"2026-03-{night:02} 00:00:00"
    return {column: f"{column[0]}{number}", "email": email, "created_at": day, "updated_at": updated}


def _change(people: People, chance: random.Random, night: int) -> None:
    """Some records get the address of somebody else, or one that nobody had."""
    for rows in people.sources["one"].values():
        for place, row in enumerate(rows):
            if chance.random() < CHANGED:
                other = chance.randrange(PEOPLE * 2)
                moved = {"email": f"p{other}@people.test", "updated_at": f"2026-03-{night:02} 00:00:00"}
                rows[place] = dict(row) | moved


def _expected(people: People) -> set[frozenset[Key]]:
    groups: dict[str, set[Key]] = defaultdict(set)
    for table, (record_type, column) in TABLES.items():
        for row in people.sources["one"][table]:
            groups[row["email"]].add(("one", record_type, row[column]))
    return {frozenset(group) for group in groups.values()}


def _groups(ids: dict[Key, str]) -> set[frozenset[Key]]:
    groups: dict[str, set[Key]] = defaultdict(set)
    for key, customer in ids.items():
        groups[customer].add(key)
    return {frozenset(group) for group in groups.values()}


def _unexplained(people: People, before: dict[Key, str], ids: dict[Key, str]) -> int:
    """Records whose id changed though their person is made of the same records, or without a line in the ledger."""
    pairs = set(
        people.ask("select customer_id, into_customer_id from customer.identifier_ledger where cause is not null")
    )
    same = _groups(before) & _groups(ids)
    untouched = {key for group in same for key in group}
    changed = {key for key in before if before[key] != ids[key]}
    return len(changed & untouched) + sum((before[key], ids[key]) not in pairs for key in changed)
