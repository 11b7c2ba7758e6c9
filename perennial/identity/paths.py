"""Why two records are one person, and what a link or a separation by hand would do: over the links of a few people.

What lives here: paths through links, and the pieces that guards would leave of them. What does not: reading links
(perennial/report/identity.py), the guards of a whole night (models/identity).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from perennial.identity.pins import Record

STRENGTHS = ("certain", "strong", "weak")


@dataclass(frozen=True)
class Link:
    """One link between two records, and why it joins nobody where it is held."""

    one: Record
    other: Record
    rule: str
    strength: str
    evidence: str | None
    held_reason: str | None = None
    probability: float | None = None  # of links that a model proposes

    @property
    def reason(self) -> str | None:
        """The evidence, with its probability where it has one."""
        return self.evidence if self.probability is None else f"{self.evidence}, probability {self.probability:.4f}"

    def from_(self, record: Record) -> Record:
        """The record at the other end."""
        return self.other if record == self.one else self.one


def path(links: Iterable[Link], start: Record, end: Record) -> list[Link] | None:
    """The shortest way from one record to another over links that count; of equally short ones over the strongest."""
    if start == end:
        return []
    beside: dict[Record, list[Link]] = defaultdict(list)
    for link in sorted(_counting(links), key=_rank):
        beside[link.one].append(link)
        beside[link.other].append(link)
    came_by: dict[Record, Link] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for link in beside[here]:
            there = link.from_(here)
            if there == start or there in came_by:
                continue
            came_by[there] = link
            if there == end:
                return _walked_back(came_by, start, end)
            waiting.append(there)
    return None


def _walked_back(came_by: Mapping[Record, Link], start: Record, end: Record) -> list[Link]:
    found: list[Link] = []
    here = end
    while here != start:
        found.append(came_by[here])
        here = came_by[here].from_(here)
    return found[::-1]


def _counting(links: Iterable[Link]) -> list[Link]:
    return [link for link in links if link.held_reason is None]


def _rank(link: Link) -> tuple[int, str, str]:
    return STRENGTHS.index(link.strength), link.rule, f"{link.one}|{link.other}"


def parted(links: Sequence[Link], records: Iterable[Record], aside: Record, other: Record) -> list[frozenset[Record]]:
    """The pieces that are left of a person when one of its records is set aside, the largest first.

    As a night does it: what a system states directly between the two falls; the record goes with all that its system
    holds to be one with it, and addresses that these share say nothing of them; all others stay together as they were.
    """
    everybody = {record: record for record in records}
    inside = [link for link in _counting(links) if link.one in everybody and link.other in everybody]
    certain = [link for link in inside if link.strength == "certain" and {link.one, link.other} != {aside, other}]
    piece = _joined(everybody, certain)
    gone = {record for record in piece if piece[record] == piece[aside]}
    bearers: dict[tuple[str, str | None], list[Record]] = defaultdict(list)
    for link in inside:
        if link.strength != "certain":
            bearers[link.rule, link.evidence] += [each for each in (link.one, link.other) if each not in gone]
    shared = [
        Link(each, those[0], rule, "strong", evidence) for (rule, evidence), those in bearers.items() for each in those
    ]
    groups: dict[Record, set[Record]] = defaultdict(set)
    for record, name in _joined(piece, shared).items():
        groups[name].add(record)
    return sorted((frozenset(group) for group in groups.values()), key=lambda group: (-len(group), min(group)))


def _joined(piece: Mapping[Record, Record], links: Iterable[Link]) -> dict[Record, Record]:
    """Each record's piece after these links: union-find over the pieces."""
    parent: dict[Record, Record] = {}

    def root(record: Record) -> Record:
        while parent.setdefault(record, record) != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    for link in links:
        one, other = root(piece[link.one]), root(piece[link.other])
        parent[max(one, other)] = min(one, other)
    return {record: root(piece[record]) for record in piece}
