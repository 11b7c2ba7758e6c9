"""Why somebody is where they are: everything that `perennial explain customer` tells, as plain values.

What lives here: putting together what the snapshot holds and what the rules say. What does not: queries (customer.py,
evidence.py), judging bounds (perennial/lifecycle/explanation.py), printing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from perennial.config.problems import ConfigError
from perennial.lifecycle.declaration import Facts, rule_versions
from perennial.lifecycle.explanation import declared_stage, rule_met, with_own_limits
from perennial.report.customer import Customers, Row, Stay
from perennial.report.evidence import evidence_of, loss_evidence

CHANGED = "the rules have changed since this snapshot was made; the next night follows them"
FORGOTTEN = "no declaration of these rules is at hand, so they cannot be shown"
UNDECLARED = "the rules no longer name this stage"
NOT_MET = "the facts as published do not meet this rule: the warehouse judges more finely"


def explain(
    customers: Customers,
    variables: Mapping[str, Any],
    asked: str,
    at: datetime | None,
    only: str | None = None,
    remembered: Callable[[str], Row | None] = lambda _named: None,
) -> Row:
    """Everything about one person, by the rules in dbt's `vars`. `at` None is the snapshot's as_of. Times are aware.

    remembered: the declaration of an older version, which a snapshot may hold as `<stage_model>@<letters>`.
    ConfigError names who or what was looked for and is not there; several people with one address are all named.
    """
    snapshot_id, snapshot_as_of = customers.card()
    at = at or snapshot_as_of
    if at > snapshot_as_of:
        limit = f"the snapshot looks up to {snapshot_as_of:%Y-%m-%d %H:%M} UTC"
        raise ConfigError([f"--as-of {at:%Y-%m-%d %H:%M} UTC: {limit}"])
    customer_id, redirects = _whom(customers, asked)
    person = customers.person(customer_id)
    stays = customers.stays(customer_id, at)
    if not stays:
        first = f"{person['first_seen_at']:%Y-%m-%d %H:%M} UTC"
        raise ConfigError([f"{asked}: was not known yet at {at:%Y-%m-%d %H:%M} UTC, was first seen at {first}"])
    models = sorted({stay.stage_model for stay in stays})
    if only is not None and only not in models:
        raise ConfigError([f"--stage-model {only}: the snapshot has no such stage model; it has {', '.join(models)}"])
    declared = with_own_limits(variables, customers.own_limits() if variables.get("rfm_limits") == "own" else None)
    facts, versions, actions = customers.facts(customer_id, at), rule_versions(declared), customers.actions(customer_id)
    for model in filter(_is_kept_version, models):
        if older := remembered(model):
            declared[model], versions[model] = older["declaration"], older["rule_version"]
    return {
        "customer_id": customer_id,
        "asked_for": asked,
        "redirects": redirects,
        "snapshot_id": snapshot_id,
        "snapshot_as_of": snapshot_as_of,
        "as_of": at,
        "person": person,
        "facts": facts,
        "stages": [
            _stage(customers, customer_id, [stay for stay in stays if stay.stage_model == model], facts, declared,
                   versions, actions.get(model))
            for model in models
            if only in (None, model)
        ],
        "risk": customers.risk(customer_id),
        "conversations": customers.conversations(customer_id),
        "consents": customers.consents(customer_id),
        "audiences": customers.audiences(customer_id),
    }  # fmt: skip


def _whom(customers: Customers, asked: str) -> tuple[str, list[Row]]:
    """The one person meant, and the ids that led there."""
    redirects: list[Row] = []
    wanted = asked
    while not (found := customers.find(wanted)):
        step = customers.redirect(wanted)
        if step is None or any(each["customer_id"] == wanted for each in redirects):
            what = "e-mail address" if "@" in asked else "customer id"
            raise ConfigError([f"{asked}: the published tables know no such {what}, now or ever"])
        redirects.append({"customer_id": wanted, "into_customer_id": step[0], "given_at": step[1]})
        wanted = step[0]
    if len(found) > 1:
        raise ConfigError([f"{asked}: {len(found)} people bear this address; ask for one of", *found])
    return found[0], redirects


def _stage(
    customers: Customers, customer_id: str, stays: list[Stay], facts: Facts, declared: Mapping[str, Any],
    versions: Mapping[str, str], action: Row | None,
) -> Row:  # fmt: skip
    stay = stays[-1]
    stage = declared_stage(declared.get(stay.stage_model), stay.stage)
    is_now = action is not None and action["stage"] == stay.stage
    evidence = evidence_of(customers, customer_id, stay)
    if stay.kind == "lost":
        evidence += loss_evidence(customers.loss(customer_id, stay))
    return {
        "stage_model": stay.stage_model,
        "is_kept_version": _is_kept_version(stay.stage_model),
        "stage": stay.stage,
        "label": (action["stage_label"] if is_now and action else None) or (stage.label if stage else None),
        "kind": stay.kind,
        "lost_reason": stay.lost_reason,
        "since": stay.valid_from,
        "rule_version": stay.rule_version,
        "rule": _rule(stage, facts, stay, versions.get(stay.stage_model)),
        "cause_event_id": stay.cause_event_id,
        "evidence": [asdict(each) for each in evidence],
        "next_action": action["next_action"] if is_now and action else (stage.next_action if stage else None),
        "way_here": [
            {
                "stage": each.stage,
                "kind": each.kind,
                "from": each.valid_from,
                "to": each.valid_to,
                "cause_event_id": each.cause_event_id,
                "lost_reason": each.lost_reason,
            }
            for each in stays
        ],
    }


def _is_kept_version(stage_model: str) -> bool:
    """Whether it is an older version that perennial.yml keeps beside the current one."""
    return "@" in stage_model


def _rule(stage: Any, facts: Facts, stay: Stay, version: str | None) -> Row:
    """The bounds that hold the person there, in words; `note` says why they may not be the ones that decided."""
    if version != stay.rule_version:
        return {"terms": [], "when": None, "note": FORGOTTEN if version is None else CHANGED}
    if stage is None:
        return {"terms": [], "when": None, "note": UNDECLARED}
    rule = rule_met(stage, facts)
    return {
        "terms": [asdict(term) for term in rule.terms],
        "when": rule.when,
        "note": None if rule.holds else NOT_MET,
    }
