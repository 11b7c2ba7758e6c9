"""Between the ledger's records and the pure plan: what is held, what may be taken up again, what is written down.

What lives here: that translation. What does not: the comparison and the limits (perennial.audiences) and the tables
(perennial.ledger).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from perennial.audiences.definition import AudienceDefinition
from perennial.audiences.guard import Baseline, Limits, Verdict, judge
from perennial.audiences.plan import Held, Join, Leave, Member, Plan, Wish, make_plan
from perennial.ledger.records import Channel, Delivery, MovedMembership, NewPlan, PlannedRow, State


@dataclass(frozen=True)
class Proposal:
    """A plan with its verdict, before anything is written."""

    channel: Channel
    plan: Plan
    verdict: Verdict
    held_count: int
    desired_count: int
    baseline: Baseline
    continues: bool  # every row was approved before, in the plan that was interrupted

    def with_verdict(self, verdict: Verdict) -> Proposal:
        return replace(self, verdict=verdict)

    def withdrawing(self, leaves: Plan) -> Proposal:
        """The part of a plan that waits for nobody, as a plan of its own."""
        verdict = Verdict("approved", "those who withdrew consent do not wait for an approval of the rest")
        remaining = self.held_count - len(leaves.leaves)
        return replace(self, plan=leaves, verdict=verdict, desired_count=remaining)


def propose(
    channel: Channel,
    desired: dict[str, Member],
    redirects: dict[str, str],
    state: State,
    snapshot_id: str,
    guards: Limits,
) -> Proposal:
    """Compare and judge."""
    held = _held(state)
    plan = make_plan(channel.audience, channel.destination, desired, held, redirects, _resting(state, snapshot_id))
    last = state.last_plan
    baseline = Baseline(len(held), 0)
    if last is not None and last.is_unfinished:
        baseline = Baseline(last.baseline_held, state.baseline_leaves)
    was_nonempty = last is not None and last.audience_count > 0
    verdict = judge(plan, len(held), len(desired), guards, was_nonempty, baseline)
    continues = last is not None and last.is_unfinished and bool(desired) and plan.wishes() <= _approved(state)
    if continues and last is not None and not plan.is_empty:
        verdict = Verdict("approved", f"goes on with plan {last.plan_id}")
    return Proposal(channel, plan, verdict, len(held), len(desired), baseline, continues)


def goes_on_unchanged(proposal: Proposal, state: State) -> bool:
    """Whether the interrupted plan can simply be carried on, with no new plan written."""
    is_same = proposal.plan.wishes() == _approved(state) and not proposal.plan.moves
    return proposal.continues and is_same and not proposal.plan.is_empty


def new_plan(
    proposal: Proposal,
    definition: AudienceDefinition,
    state: State,
    snapshot_id: str,
    withheld_count: int,
    approval: int | None = None,
) -> NewPlan:
    """All that is committed with this plan."""
    rows: tuple[PlannedRow, ...] = ()
    if proposal.verdict.word != "noop":
        rows = tuple(_rows(proposal.plan, definition, state))
    taken_up = {row.reuse for row in rows}
    return NewPlan(
        channel=proposal.channel,
        snapshot_id=snapshot_id,
        plan_hash=proposal.plan.plan_hash,
        verdict=proposal.verdict.word,
        reason=proposal.verdict.reason,
        unchanged_count=proposal.plan.unchanged_count,
        held_count=proposal.held_count,
        audience_count=proposal.desired_count,
        withheld_count=withheld_count,
        baseline_held=proposal.baseline.held_count,
        baseline_leaves=proposal.baseline.leaves_count,
        rows=rows,
        moves=tuple(
            MovedMembership(move.held.customer_id, move.held.spell, move.customer_id) for move in proposal.plan.moves
        ),
        superseded=tuple(
            row.key for row in state.deliveries if row.key not in taken_up and not _is_resting(row, snapshot_id)
        ),
        approval=approval,
    )


def _held(state: State) -> dict[str, tuple[Held, ...]]:
    held: dict[str, tuple[Held, ...]] = {}
    for entry in state.memberships:
        one = Held(entry.customer_id, entry.address, entry.spell, entry.sent_as, entry.is_certain)
        held[entry.customer_id] = (*held.get(entry.customer_id, ()), one)
    return held


def _is_resting(row: Delivery, snapshot_id: str) -> bool:
    """The channel said no to it tonight: it is asked again another night."""
    return row.status == "rejected" and row.last_snapshot_id == snapshot_id


def _resting(state: State, snapshot_id: str) -> frozenset[Wish]:
    return frozenset(_wish(row) for row in state.deliveries if _is_resting(row, snapshot_id))


def _approved(state: State) -> frozenset[Wish]:
    return frozenset(_wish(row) for row in state.deliveries if row.status != "rejected")


def _wish(row: Delivery) -> Wish:
    return row.action, row.customer_id, row.address


def _rows(plan: Plan, definition: AudienceDefinition, state: State) -> list[PlannedRow]:
    open_joins = {(row.customer_id, row.address): row.key for row in state.deliveries if row.action == "join"}
    open_leaves = {(row.customer_id, row.spell): row.key for row in state.deliveries if row.action == "leave"}
    leaves = [_leave(leave, open_leaves) for leave in plan.leaves]
    return leaves + [_join(join, definition, open_joins) for join in plan.joins]


def _leave(leave: Leave, open_leaves: dict[tuple[str, int], str]) -> PlannedRow:
    held = leave.held
    reuse = open_leaves.get((held.customer_id, held.spell))
    return PlannedRow("leave", held.customer_id, held.address, "{}", held.sent_as, held.spell, reuse)


def _join(join: Join, definition: AudienceDefinition, open_joins: dict[tuple[str, str], str]) -> PlannedRow:
    fields = json.dumps(dict(zip(definition.fields, join.member.fields, strict=True)), ensure_ascii=False)
    reuse = open_joins.get((join.customer_id, join.member.address))
    return PlannedRow("join", join.customer_id, join.member.address, fields, join.customer_id, None, reuse)
