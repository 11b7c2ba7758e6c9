"""What a query costs before it is run, and the leaking bucket that pays for it.

What lives here: the documented counting, and the bucket of one app and shop. What does not: the answer that says
THROTTLED (api.py).

Counting: a scalar 0, an object 1, a connection 2 and `first` times its node, nested ones multiplied; a mutation 10.
Money objects count 0: counted as objects they would forbid pages of orders that Shopify is known to answer, and what
Shopify measures is lower than this count either way, so a client that gets by here gets by there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennial.sandbox.shopify.plan import Part
from perennial.sandbox.shopify.schema import MONEY

SINGLE_QUERY_MOST = 1_000
MUTATION = 10
CONNECTION = 2
BUCKET_SECONDS = 20  # how many seconds of restoring an empty bucket takes to be full


def requested_cost(parts: Sequence[Part]) -> int:
    """The most that the answer can cost."""
    if any(part.owner == "Mutation" for part in parts):
        return MUTATION * len(parts)
    return _sum(parts)


def _sum(parts: Sequence[Part]) -> int:
    """Parts that only some type has are asked of one type at a time: the dearest counts."""
    always = sum(_cost(part) for part in parts if part.only is None)
    by_type = {part.only: 0 for part in parts if part.only is not None}
    for part in parts:
        if part.only is not None:
            by_type[part.only] += _cost(part)
    return always + max(by_type.values(), default=0)


def _cost(part: Part) -> int:
    if part.kind.shape == "scalar":
        return 0
    if part.kind.shape == "connection":
        return CONNECTION + (part.arguments.get("first") or 0) * (1 + _sum(part.node_parts))
    if part.kind.of in MONEY:
        return 0
    ids = part.arguments.get("ids")
    return (len(ids) if isinstance(ids, list) else 1) * (1 + _sum(part.parts))


class Bucket:
    """Points that come back at a steady rate, up to a maximum."""

    def __init__(self, restore_rate: float) -> None:
        self.restore_rate = restore_rate
        self.maximum = restore_rate * BUCKET_SECONDS
        self._level, self._at = self.maximum, 0.0

    def _leak(self, now: datetime) -> None:
        moment = now.timestamp()
        if moment > self._at:
            self._level = min(self.maximum, self._level + (moment - self._at) * self.restore_rate)
            self._at = moment

    def available(self, now: datetime) -> float:
        self._leak(now)
        return self._level

    def can_pay(self, points: float, now: datetime) -> bool:
        return self.available(now) >= points

    def pay(self, points: float, now: datetime) -> None:
        self._leak(now)
        self._level -= points

    def drain(self, level: float, now: datetime) -> None:
        """Somebody else has used it: at most `level` is left."""
        self._leak(now)
        self._level = min(self._level, max(level, 0.0))

    def status(self, now: datetime) -> dict[str, float | int]:
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self.available(now)),
            "restoreRate": float(self.restore_rate),
        }
