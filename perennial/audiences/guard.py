"""The breaker before the first byte: may this plan run, or does it wait for a person? Pure.

What lives here: the limits and the reasons. What does not: the plan itself, approvals, and recording verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from perennial.audiences.plan import Plan


class Limits(Protocol):
    """What perennial.yml says under `guards`. Fractions are literal: 0.3 is three tenths, of three people too."""

    @property
    def max_shrink(self) -> float: ...
    @property
    def max_growth(self) -> float: ...
    @property
    def max_turnover(self) -> float: ...


@dataclass(frozen=True)
class Verdict:
    """approved: send. held: send nothing until a person approves this very plan. noop: there is nothing to send."""

    word: Literal["approved", "held", "noop"]
    reason: str


@dataclass(frozen=True)
class Baseline:
    """Where an approved plan was interrupted: what the channel held before it began, and the leaves done since."""

    held_count: int
    leaves_count: int


def judge(
    plan: Plan,
    held_count: int,
    desired_count: int,
    guards: Limits,
    last_plan_nonempty: bool,
    baseline: Baseline | None = None,
) -> Verdict:
    """Compare the audience with what the channel holds. With a baseline, going on is judged as the whole would be."""
    if desired_count == 0:
        if held_count > 0:
            return Verdict("held", f"the audience is empty while the channel holds {held_count}")
        if last_plan_nonempty:
            return Verdict("held", "the audience is empty, the last plan was not")
        if plan.is_empty:
            return Verdict("noop", "the audience is empty and the channel holds nobody")
    if plan.is_empty:
        return Verdict("noop", "unchanged")
    start = baseline or Baseline(held_count, 0)
    return _compare(plan, held_count, start, desired_count, guards)


def _compare(plan: Plan, held_count: int, start: Baseline, desired_count: int, guards: Limits) -> Verdict:
    """Shrinking and turnover are measured from the most the channel held, growing from where it started."""
    most = max(held_count, start.held_count)
    if most == 0:
        return Verdict("approved", "the channel holds nobody yet")
    sizes = f"the channel holds {held_count}, the audience has {desired_count}"
    shrink = (most - desired_count) / most
    if shrink > guards.max_shrink:
        return Verdict("held", f"{sizes}: it would shrink by {shrink:.1%}, more than {guards.max_shrink:.1%}")
    growth = desired_count / start.held_count if start.held_count else 0.0
    if growth > guards.max_growth:
        return Verdict("held", f"{sizes}: it would grow {growth:.2f} times, more than {guards.max_growth:g} times")
    leaving = len({leave.held.customer_id for leave in plan.leaves}) + start.leaves_count
    turnover = leaving / max(held_count + start.leaves_count, start.held_count)
    if turnover > guards.max_turnover:
        return Verdict("held", f"{sizes}: {leaving} would leave, {turnover:.1%}, more than {guards.max_turnover:.1%}")
    return Verdict("approved", f"{sizes}: within the guards")
