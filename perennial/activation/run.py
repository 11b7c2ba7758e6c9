"""Activation of one audience at one destination: certificate, plan, guard, ledger, send, acknowledge.

What lives here: the order of these steps and the outcome. What does not: any of the steps. A refusal, a held plan and a
failing destination are outcomes, not exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from perennial.activation import planning, snapshot
from perennial.activation.permission import Permission, Recheck
from perennial.activation.planning import Proposal
from perennial.activation.send import Sender, Tally
from perennial.activation.snapshot import Desired, SnapshotError
from perennial.audiences.definition import AudienceDefinition
from perennial.audiences.guard import Verdict
from perennial.audiences.plan import survivor, withdrawals
from perennial.config import secrets
from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.config.settings import Settings
from perennial.destinations.base import DestinationError
from perennial.destinations.build import build
from perennial.ledger.records import Channel, LedgerError, State
from perennial.ledger.store import Ledger, open_ledger
from perennial.warehouse import certificate
from perennial.warehouse.certificate import CertificateError
from perennial.warehouse.lock import InstallationLock

Clock = Callable[[], datetime]
Word = Literal["sent", "noop", "held", "refused", "failed", "partial"]


@dataclass(frozen=True)
class Outcome:
    """How an activation ended.

    sent: every row was acknowledged. noop: nothing was due. held: waits for a person's approval. refused: the snapshot
    may not be sent from. partial: some rows were acknowledged. failed: none was.
    """

    verdict: Word
    reason: str
    snapshot_id: str | None = None
    plan_id: str | None = None
    plan_hash: str | None = None
    joins: int = 0
    leaves: int = 0
    acknowledged: int = 0
    rejected: int = 0
    withheld_for_consent: int = 0
    without_address: int = 0


@dataclass(frozen=True)
class Wanted:
    """What a certified snapshot says about an audience.

    `denied` said no last. Where sources are `unheard`, their withdrawals are unknown: nobody new may join.
    """

    snapshot_id: str
    desired: Desired
    redirects: dict[str, str]
    denied: frozenset[str] = frozenset()
    unheard: tuple[str, ...] = ()

    def allowed(self, state: State) -> Desired:
        """Who should be held, given what could be heard: everybody, or only those the channel knows already."""
        if not self.unheard:
            return self.desired
        return self.desired.only({survivor(entry.customer_id, self.redirects) for entry in state.memberships})

    def waiting(self, state: State) -> str:
        """What to add to a verdict's reason where people wait for a source."""
        count = len(self.desired.members) - len(self.allowed(state).members)
        if not count:
            return ""
        return f"; {count} wait to join until {', '.join(self.unheard)} can be read: it may bring withdrawals"


def activate(
    home: Home,
    settings: Settings,
    env: Mapping[str, str],
    definition: AudienceDefinition,
    destination_name: str,
    snapshot_id: str | None,
    clock: Clock,
    consent_recheck: Recheck | None = None,
) -> Outcome:
    """Bring the destination up to the audience of a snapshot (the published one unless named). Safe to repeat."""
    if destination_name not in settings.destinations:
        return Outcome("refused", f"destination {destination_name} is not configured; add it to perennial.yml")
    try:
        with InstallationLock(home), open_ledger(home, ledger_url(settings, env), clock) as ledger:
            run = _Run(home, settings, env, definition, destination_name, clock, ledger, consent_recheck)
            return run.go(snapshot_id)
    except (CertificateError, SnapshotError) as error:
        return Outcome("refused", str(error), snapshot_id)
    except (LedgerError, ConfigError) as error:
        return Outcome("failed", str(error), snapshot_id)


def read_wanted(home: Home, settings: Settings, definition: AudienceDefinition, snapshot_id: str | None) -> Wanted:
    """Pin a snapshot, verify its certificate, read the audience."""
    pinned = snapshot_id or certificate.current_snapshot_id(home)
    certified = certificate.read(home, pinned)
    certificate.verify(home, certified, definition.name)
    with snapshot.open_snapshot(home, pinned, settings.engine) as connection:
        ticked = [name for name, source in settings.sources.items() if source.treat_accepts_marketing_as is not None]
        return Wanted(
            pinned,
            snapshot.desired(connection, definition, certified.as_of),
            snapshot.redirects(connection),
            frozenset(snapshot.denied(connection, definition.consent)),
            tuple(snapshot.unheard_sources(connection, ticked)),
        )


def ledger_url(settings: Settings, env: Mapping[str, str]) -> str | None:
    """Where the ledger is: none for SQLite under the home."""
    variable = settings.ledger.url_env
    return None if variable is None else secrets.resolve(env, variable, "ledger.url_env")


@dataclass(frozen=True)
class _Run:
    home: Home
    settings: Settings
    env: Mapping[str, str]
    definition: AudienceDefinition
    destination_name: str
    clock: Clock
    ledger: Ledger
    recheck: Recheck | None

    @property
    def channel(self) -> Channel:
        return Channel(self.definition.name, self.destination_name)

    def go(self, snapshot_id: str | None) -> Outcome:
        failpoint = Failpoints.from_env(self.env)
        wanted = read_wanted(self.home, self.settings, self.definition, snapshot_id)
        withdrawn = self._withdraw(wanted, failpoint)
        decided = self._decide(wanted, failpoint)
        failpoint("ledger")
        if decided.verdict != "sent":
            return _after_withdrawals(decided, withdrawn)
        tally = self._send(wanted.snapshot_id, failpoint)
        self.ledger.close_plan(decided.plan_id or "")
        failpoint("close")
        return _after_withdrawals(self._sent(decided, tally), withdrawn)

    def _withdraw(self, wanted: Wanted, failpoint: Failpoints) -> Tally | None:
        """Where the plan would wait for a person, take off the channel at once whoever said no: that needs no approval.

        A plan that was interrupted goes first; then they leave with its rows or the night after.
        """
        state = self.ledger.state(self.channel)
        if state.last_plan is not None and state.last_plan.is_unfinished:
            return None
        said_no = {
            each.customer_id
            for each in state.memberships
            if survivor(each.customer_id, wanted.redirects) in wanted.denied
        }
        if not said_no:
            return None
        proposal, _ = self._with_approval(self._propose(wanted, state))
        leaves = withdrawals(proposal.plan, self.definition.name, self.destination_name, said_no)
        if proposal.verdict.word != "held" or leaves.is_empty:
            return None
        proposal = proposal.withdrawing(leaves)
        plan_id = self.ledger.commit_plan(planning.new_plan(proposal, self.definition, state, wanted.snapshot_id, 0))
        tally = self._send(wanted.snapshot_id, failpoint)
        self.ledger.close_plan(plan_id)
        return tally

    def _propose(self, wanted: Wanted, state: State) -> Proposal:
        members, guards = wanted.allowed(state).members, self.settings.guards
        return planning.propose(self.channel, members, wanted.redirects, state, wanted.snapshot_id, guards)

    def _decide(self, wanted: Wanted, failpoint: Failpoints) -> Outcome:
        """Plan, judge and write down; `sent` means: to be sent. The plan itself, large as it may be, is let go."""
        state = self.ledger.state(self.channel)
        proposal = self._propose(wanted, state)
        failpoint("plan")
        proposal, approval = self._with_approval(proposal)
        failpoint("guard")
        word = proposal.verdict.word
        return Outcome(
            verdict="sent" if word == "approved" else word,
            reason=proposal.verdict.reason + wanted.waiting(state),
            snapshot_id=wanted.snapshot_id,
            plan_id=self._write(proposal, state, wanted, approval),
            plan_hash=proposal.plan.plan_hash,
            joins=len(proposal.plan.joins),
            leaves=len(proposal.plan.leaves),
            withheld_for_consent=wanted.desired.without_consent,
            without_address=wanted.desired.without_address,
        )

    def _with_approval(self, proposal: Proposal) -> tuple[Proposal, int | None]:
        """A person's approval of this very plan releases it, once."""
        if proposal.verdict.word != "held":
            return proposal, None
        approval = self.ledger.approval(proposal.plan.plan_hash)
        if approval is None:
            return proposal, None
        word: Literal["noop", "approved"] = "noop" if proposal.plan.is_empty else "approved"
        verdict = Verdict(word, f"{proposal.verdict.reason}; approved by {approval.approved_by}")
        return proposal.with_verdict(verdict), approval.number

    def _write(self, proposal: Proposal, state: State, wanted: Wanted, approval: int | None) -> str:
        """The plan's id. The same plan is not written twice: not a held one, nor one that goes on."""
        if planning.goes_on_unchanged(proposal, state) and state.last_plan is not None:
            return state.last_plan.plan_id
        if proposal.verdict.word == "held":
            known = self.ledger.held_plan(self.channel, proposal.plan.plan_hash)
            if known is not None:
                return known.plan_id
        withheld = wanted.desired.without_consent + wanted.desired.without_address
        plan = planning.new_plan(proposal, self.definition, state, wanted.snapshot_id, withheld, approval)
        return self.ledger.commit_plan(plan)

    def _send(self, snapshot_id: str, failpoint: Failpoints) -> Tally:
        try:
            destination = build(self.destination_name, self.settings.destinations[self.destination_name], self.env)
        except DestinationError as error:
            return Tally(stopped=error)
        permission = Permission(self.home, self.settings.engine, self.definition.consent, self.recheck)
        try:
            sender = Sender(
                self.ledger, self.channel, destination, self.definition, permission,
                snapshot_id, self.clock, failpoint,
            )  # fmt: skip
            return sender.send_all()
        finally:
            destination.close()

    def _sent(self, decided: Outcome, tally: Tally) -> Outcome:
        done = replace(
            decided,
            acknowledged=tally.acknowledged,
            rejected=tally.rejected,
            withheld_for_consent=decided.withheld_for_consent + tally.withheld,
        )
        reasons = [f"{tally.rejected} rejected"] if tally.rejected else []
        if tally.unanswered:
            reasons.append(f"{tally.unanswered} still owed")
        if tally.stopped is not None:
            reasons.append(f"{self.destination_name}: {tally.stopped}")
        if reasons:
            return replace(done, verdict="partial" if tally.acknowledged else "failed", reason="; ".join(reasons))
        return done if tally.acknowledged else replace(done, verdict="noop", reason="nothing was left to send")


def _after_withdrawals(outcome: Outcome, withdrawn: Tally | None) -> Outcome:
    """The outcome of the plan, with what was taken off the channel before it was judged."""
    if withdrawn is None:
        return outcome
    reason = f"{outcome.reason}; {withdrawn.acknowledged} who withdrew consent were taken off all the same"
    if withdrawn.stopped is not None:
        reason += f", then: {withdrawn.stopped}"
    return replace(
        outcome,
        verdict="sent" if outcome.verdict == "noop" and withdrawn.acknowledged else outcome.verdict,
        reason=reason,
        leaves=outcome.leaves + withdrawn.acknowledged,
        acknowledged=outcome.acknowledged + withdrawn.acknowledged,
    )
