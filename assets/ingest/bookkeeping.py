"""Perennial's own bookkeeping, landed like any source: loads, settings, addresses, pins, the ledger as it stands.

What lives here: when each of these files is written anew. What does not: their content (perennial/landing,
perennial/ledger).
"""

from __future__ import annotations

from dataclasses import asdict
from traceback import format_exception

from assets.night import Night
from perennial.activation.run import ledger_url
from perennial.config.files import write_atomically
from perennial.identity import pins
from perennial.landing import emails, own, phones, probable, proposals
from perennial.ledger.export import EXPORTED, rows
from perennial.ledger.store import open_ledger


def land_own_tables(night: Night) -> None:
    """Receipts return as a source: what channels acknowledged before this night is what its tables know."""
    with open_ledger(night.home, ledger_url(night.settings, night.env), night.clock) as ledger:
        for table in EXPORTED:
            own.write_rows(night.home, table, rows(ledger, table))
    own.write_rows(night.home, "identity_pins", map(asdict, pins.read(night.settings.identity.pins)))
    own.refresh(night.home, night.settings)
    phones.refresh(night.home, night.settings)
    emails.refresh(night.home, night.settings)
    _land_probable_pairs(night)


def _land_probable_pairs(night: Night) -> None:
    """A model that fails stops nobody's night: the pairs that stood stand, and the night is degraded and says so."""
    try:
        told = probable.refresh(night.home, night.settings)
    except proposals.SplinkMissing as error:
        night.tally.degraded.append(f"probable links are those of an earlier night: {error}")
    except probable.ProposalsFailed as error:
        log = night.home.logs / "probable_links.log"
        write_atomically(log, "".join(format_exception(error)))
        night.tally.degraded.append(f"probable links are those of an earlier night: {error}; see {log}")
    else:
        night.tally.notes += [told] if told else []
