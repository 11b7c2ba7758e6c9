"""The difference between the audience as it should be and what the channel holds. Pure: no file, socket or database.

What lives here: joins, leaves and moves of one audience at one destination, and the hash an approval is bound to. What
does not: where the two sides come from, whether the plan may run (guard.py), keys and sending.

Leaves come before joins, always. A channel may know people by id or by address, so a person who is to stay but shares
an id or an address with somebody leaving is joined again after that leave.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A person who should be in the audience: where they are reached, and the further values that are sent."""

    address: str
    fields: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What the channel holds of a person, or may hold: then `is_certain` is false. `sent_as` is the id it was told."""

    customer_id: str
    address: str
    spell: int
    sent_as: str
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Join:
    customer_id: str
    member: Member


@dataclass(frozen=True, slots=True)
class Leave:
    held: Held


@dataclass(frozen=True, slots=True)
class Move:
    """A held person goes on under the id they were merged into. Nothing is sent."""

    held: Held
    customer_id: str


Wish = tuple[str, str, str]  # action, customer id, address


@dataclass(frozen=True)
class Plan:
    """What to do, in order: leaves, then joins. `moves` change the ledger alone."""

    joins: tuple[Join, ...]
    leaves: tuple[Leave, ...]
    moves: tuple[Move, ...]
    unchanged_count: int
    plan_hash: str

    @property
    def is_empty(self) -> bool:
        return not self.joins and not self.leaves

    def wishes(self) -> frozenset[Wish]:
        """The rows as (action, customer id, address), for comparing with another plan's."""
        leaves = {("leave", leave.held.customer_id, leave.held.address) for leave in self.leaves}
        return frozenset(leaves | {("join", join.customer_id, join.member.address) for join in self.joins})


def withdrawals(plan: Plan, audience: str, destination: str, customer_ids: Collection[str]) -> Plan:
    """Of a plan, only the leaves of these people."""
    leaves = [leave for leave in plan.leaves if leave.held.customer_id in customer_ids]
    return Plan((), tuple(leaves), (), plan.unchanged_count, _hash(audience, destination, [], leaves))


def make_plan(
    audience: str,
    destination: str,
    desired: Mapping[str, Member],
    held: Mapping[str, tuple[Held, ...]],
    redirects: Mapping[str, str],
    resting: frozenset[Wish] = frozenset(),
) -> Plan:
    """Compare both sides. `redirects` leads merged ids to survivors; `resting` names rows not to try again tonight."""
    staying: dict[str, Held] = {}
    leaves: list[Leave] = []
    for customer_id, known in _gather(held, redirects).items():
        stays, goes = _split(customer_id, desired.get(customer_id), known)
        leaves += [Leave(each) for each in goes if ("leave", each.customer_id, each.address) not in resting]
        if stays is not None:
            staying[customer_id] = stays
    again = _disturbed(staying, leaves)
    for customer_id in [each for each in again if staying[each].sent_as != each]:
        leaves.append(Leave(staying.pop(customer_id)))  # known by a former id: told anew under the one used now
    wanted = {customer_id for customer_id in desired if customer_id not in staying}
    joins = [
        Join(customer_id, desired[customer_id])
        for customer_id in sorted(wanted.union(again))
        if ("join", customer_id, desired[customer_id].address) not in resting
    ]
    leaves.sort(key=lambda leave: (leave.held.customer_id, leave.held.spell))
    return Plan(
        joins=tuple(joins),
        leaves=tuple(leaves),
        moves=tuple(Move(each, to) for to, each in sorted(staying.items()) if each.customer_id != to),
        unchanged_count=sum(customer_id not in again for customer_id in staying),
        plan_hash=_hash(audience, destination, joins, leaves),
    )


def survivor(customer_id: str, redirects: Mapping[str, str]) -> str:
    """Follow merges to the id that is used now. A ring of merges, which should not exist, ends where it closes."""
    seen = {customer_id}
    while (following := redirects.get(customer_id)) is not None and following not in seen:
        seen.add(following)
        customer_id = following
    return customer_id


def _gather(held: Mapping[str, tuple[Held, ...]], redirects: Mapping[str, str]) -> dict[str, list[Held]]:
    """Every entry held, by the id that is used now. Of several spells of one entry only the newest counts."""
    gathered: dict[str, dict[tuple[str, str], Held]] = {}
    for customer_id, known in held.items():
        entries = gathered.setdefault(survivor(customer_id, redirects), {})
        for each in known:
            entry = (each.sent_as, each.address)
            if entry not in entries or entries[entry].spell < each.spell:
                entries[entry] = each
    return {customer_id: list(entries.values()) for customer_id, entries in gathered.items()}


def _split(customer_id: str, member: Member | None, known: list[Held]) -> tuple[Held | None, list[Held]]:
    """Which entry stays for this person, if any, and which go.

    Where the person has to be told to the channel again, an entry under a former id goes too: none is left over.
    """
    same = [each for each in known if member is not None and each.address == member.address]
    if not same:
        return None, known
    stays = max(same, key=lambda each: (each.sent_as == customer_id, each.is_certain, each.spell))
    goes = [each for each in known if each is not stays]
    if stays.sent_as != customer_id and (goes or not stays.is_certain):
        return None, known
    return stays, goes


def _disturbed(staying: Mapping[str, Held], leaves: list[Leave]) -> set[str]:
    """Those who stay but must be joined again: not surely held, or a leave names their id or their address."""
    addresses = {leave.held.address for leave in leaves}
    ids = {leave.held.sent_as for leave in leaves}
    return {
        customer_id
        for customer_id, held in staying.items()
        if not held.is_certain or held.address in addresses or held.sent_as in ids
    }


def _hash(audience: str, destination: str, joins: list[Join], leaves: list[Leave]) -> str:
    digest = hashlib.sha256(json.dumps([audience, destination]).encode())
    for leave in leaves:
        digest.update(json.dumps(["leave", leave.held.customer_id, leave.held.address]).encode())
    for join in joins:
        digest.update(json.dumps(["join", join.customer_id, join.member.address]).encode())
    return digest.hexdigest()
