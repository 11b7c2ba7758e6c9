"""What an activation would do now, without doing it: nothing is written, nothing is sent.

What lives here: the same reading and comparing as run.py, up to the verdict. What does not: how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perennial.activation import planning
from perennial.activation.planning import Proposal
from perennial.activation.run import Wanted, ledger_url, read_wanted
from perennial.audiences.definition import AudienceDefinition, pairs
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.ledger.records import Channel
from perennial.ledger.store import open_ledger

_SHOWN = 5


@dataclass(frozen=True)
class Preview:
    """An audience as published, what would change at each destination, and which are not configured."""

    wanted: Wanted
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...]

    @property
    def examples(self) -> list[tuple[str, str]]:
        """A few members: id and masked address."""
        some = list(self.wanted.desired.members.items())[:_SHOWN]
        return [(customer_id, masked(member.address)) for customer_id, member in some]


def preview(home: Home, settings: Settings, env: Mapping[str, str], definition: AudienceDefinition) -> Preview:
    """Compare the published audience with what each of its destinations holds."""
    chosen, notes = pairs({definition.name: definition}, settings.destinations)
    wanted = read_wanted(home, settings, definition, None)
    proposals = []
    with open_ledger(home, ledger_url(settings, env)) as ledger:
        for channel in (Channel(pair.audience, pair.destination) for pair in chosen):
            state = ledger.state(channel)
            members = wanted.allowed(state).members
            proposals.append(
                planning.propose(channel, members, wanted.redirects, state, wanted.snapshot_id, settings.guards)
            )
            if waiting := wanted.waiting(state):
                notes.append(f"audience {definition.name} at {channel.destination}{waiting}")
    own = tuple(note for note in notes if note.startswith(f"audience {definition.name} "))
    return Preview(wanted, tuple(proposals), own)


def masked(address: str) -> str:
    """Enough of an address to recognise one's own, not enough to write to it."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"***{address[-2:]}" if len(address) > 4 else "***"
