"""Activation as Dagster sees it: one asset per audience and destination, made from the manifest.

What lives here: the factory, and what Dagster shows of an outcome. What does not: planning, guarding and sending
(perennial/activation). A destination that fails, an audience that is held or refused, is a failed check and no
exception: the other destinations and the tables are none the worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg

from assets.night import Night
from assets.publish.snapshot import KEY as SNAPSHOT
from assets.publish.snapshot import withheld
from perennial.activation.run import Outcome, activate
from perennial.audiences.definition import AudienceDefinition, Pair
from perennial.config.words import counted

CHECK = "delivered"
WAITS_FOR_A_PERSON = ("held", "refused")
DELIVERED = ("sent", "noop")


def activation_assets(
    pairs: Sequence[Pair], audiences: Mapping[str, AudienceDefinition], kinds: Mapping[str, str]
) -> list[dg.AssetsDefinition]:
    """One asset per pair; `kinds` is the kind of each destination."""
    return [_asset(pair, audiences[pair.audience], kinds[pair.destination]) for pair in pairs]


def asset_key(pair: Pair) -> dg.AssetKey:
    return dg.AssetKey(["activation", pair.audience, pair.destination])


def _asset(pair: Pair, definition: AudienceDefinition, kind: str) -> dg.AssetsDefinition:
    key = asset_key(pair)

    @dg.asset(
        key=key, deps=[SNAPSHOT], group_name="activate", owners=[definition.owner], kinds={kind},
        description=f"What {pair.destination} holds of audience {pair.audience}: joins and leaves, sent once.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset=key, description="All that was planned is acknowledged.")],
    )  # fmt: skip
    def activated(night: dg.ResourceParam[Night]) -> dg.MaterializeResult:
        with night.step(f"send {pair.audience} → {pair.destination}") as line:
            skipped = withheld(night)
            outcome = None if skipped else _activate(night, definition, pair.destination)
            if outcome is not None:
                line.rows, line.note = outcome.acknowledged, _note(outcome)
                _tally(night, pair, outcome)
            return _result(key, outcome, skipped)

    return activated


def _activate(night: Night, definition: AudienceDefinition, destination: str) -> Outcome:
    return activate(
        night.home,
        night.settings,
        night.env,
        definition,
        destination,
        snapshot_id=None,
        clock=night.clock,
    )


def _tally(night: Night, pair: Pair, outcome: Outcome) -> None:
    text = f"{pair.audience} → {pair.destination} {outcome.verdict}: {outcome.reason or 'no reason given'}"
    if outcome.verdict in WAITS_FOR_A_PERSON:
        night.tally.held.append(text)
    elif outcome.verdict not in DELIVERED:
        night.tally.degraded.append(text)


def _note(outcome: Outcome) -> str:
    return f"{outcome.verdict}: {counted(outcome.joins, 'join')}, {counted(outcome.leaves, 'leave')}" + (
        f"; {outcome.reason}" if outcome.reason and outcome.verdict not in DELIVERED else ""
    )


def _result(key: dg.AssetKey, outcome: Outcome | None, skipped: str | None) -> dg.MaterializeResult:
    passed = outcome is None or outcome.verdict in DELIVERED
    metadata = {"verdict": "skipped", "reason": skipped} if outcome is None else asdict(outcome)
    check = dg.AssetCheckResult(
        check_name=CHECK,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description=None if passed or outcome is None else f"{outcome.verdict}: {outcome.reason}",
    )
    return dg.MaterializeResult(asset_key=key, metadata=_plain(metadata), check_results=[check])


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Counts and words; what is empty is left out."""
    return {name: value for name, value in metadata.items() if isinstance(value, str | int | float | bool)}
