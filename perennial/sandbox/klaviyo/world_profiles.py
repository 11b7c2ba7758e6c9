"""The people of the demo's messaging system as Klaviyo's profiles: one per reference, with what they allowed.

What lives here: profiles, their subscriptions and suppressions, and the events of subscribing and unsubscribing, in
which the history lies that a profile's present state does not tell. What does not: messages (world.py).

Klaviyo has no place for the jurisdiction of a consent, and none for channels other than e-mail, SMS, push and WhatsApp.
The statement of what somebody forbade or allowed in WhatsApp is the present one only: no metric tells its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from perennial.sandbox.klaviyo.shapes import Record, event, event_id, later, long_id, profile, written

Ref = tuple[str, str]  # contact_ref_type and contact_ref
# (channel, status) → the metric that tells of it
STATEMENTS = {
    ("email", "granted"): "Subscribed to Email Marketing",
    ("email", "denied"): "Unsubscribed from Email Marketing",
    ("sms", "granted"): "Subscribed to SMS Marketing",
    ("sms", "denied"): "Unsubscribed from SMS Marketing",
    ("push", "granted"): "Subscribed to Mobile Push",
    ("push", "denied"): "Unsubscribed from Mobile Push",
}
_IDENTIFIERS = {
    "email": "email", "phone": "phone_number", "customer_id": "external_id", "contact_id": "external_id",
}  # fmt: skip
_METHODS = {"preference page": "PREFERENCE_PAGE", "sign-up form": "KLAVIYO_FORM", "checkout box": "CHECKOUT"}
_SUPPRESSES = {"bounced": "HARD_BOUNCE", "complained": "SPAM_COMPLAINT", "unsubscribed": "UNSUBSCRIBE"}


@dataclass
class Person:
    """What is known of one reference. `said` holds (channel, purpose) → the statement that holds."""

    first_at: datetime
    changed_at: datetime
    said: dict[tuple[str, str], tuple[datetime, bool, str | None]] = field(default_factory=dict)
    suppressed: dict[str, datetime] = field(default_factory=dict)


def profile_id(ref: Ref) -> str:
    return long_id("profile", *ref)


def can_be(ref_type: str) -> bool:
    """Whether Klaviyo can have a profile of such a reference: not of somebody who is nothing but a browser."""
    return ref_type in _IDENTIFIERS


class People:
    """Every reference met, in the order of meeting."""

    def __init__(self) -> None:
        self._known: dict[Ref, Person] = {}
        self.statements: list[Record] = []

    def meet(self, ref: Ref, at: datetime) -> str:
        """Somebody is written to, or says something: the profile's id."""
        person = self._known.setdefault(ref, Person(at, at))
        person.first_at = min(person.first_at, at)
        return profile_id(ref)

    def back(self, ref: Ref, channel: str, kind: str, at: datetime) -> None:
        """What came back from a message that ends a permission."""
        if channel == "email" and kind in _SUPPRESSES:
            person = self._known[ref]
            reason = _SUPPRESSES[kind]
            person.suppressed[reason] = max(person.suppressed.get(reason, at), at)
            person.changed_at = max(person.changed_at, at)
        if kind == "unsubscribed":
            self._states(ref, (channel, "marketing"), at, False, None)

    def hear(self, row: Mapping[str, Any]) -> None:
        """One row of consents."""
        ref, at = (row["contact_ref_type"], row["contact_ref"]), row["changed_at"]
        channel, purpose, is_yes = row["channel"], row["purpose"], row["status"] == "granted"
        if not can_be(ref[0]) or (channel, purpose) not in _PLACES:
            return
        evidence = None if pd.isna(row["evidence"]) else str(row["evidence"])
        identifier = self.meet(ref, at)
        self._states(ref, (channel, purpose), at, is_yes, evidence)
        name = STATEMENTS.get((channel, row["status"]))
        if name is None or purpose != "marketing":
            return
        properties = {"method": _METHODS.get(evidence or "", "API"), "method_detail": evidence or ""}
        self.statements.append(event(event_id(name, *ref, written(at)), name, identifier, at, properties))

    def profiles(self, until: datetime) -> list[Record]:
        """Every profile. What is dated after `until` did not change one yet, but may stand in it."""
        return [_profile(ref, person, until) for ref, person in self._known.items()]

    def _states(self, ref: Ref, about: tuple[str, str], at: datetime, is_yes: bool, evidence: str | None) -> None:
        """The later statement holds; of two at one time, the no."""
        person = self._known[ref]
        person.changed_at = max(person.changed_at, at)
        held = person.said.get(about)
        if held is None or (at, not is_yes) >= (held[0], not held[1]):
            person.said[about] = (at, is_yes, evidence)


def _profile(ref: Ref, person: Person, until: datetime) -> Record:
    subscriptions: Record = {"email": None, "sms": None, "mobile_push": None, "whatsapp": None}
    for (channel, purpose), (place, flag) in _PLACES.items():
        held = person.said.get((channel, purpose))
        if held is not None or (channel, purpose) == ("email", "marketing"):
            subscriptions[place] = {**(subscriptions[place] or {}), purpose: _subscription(flag, held)}
        if held is not None and channel == "whatsapp" and ref[0] == "phone":
            subscriptions[place][purpose]["phone_number"] = ref[1]
    mail = subscriptions["email"]["marketing"]
    mail["suppression"] = [{"reason": name, "timestamp": written(at)} for name, at in person.suppressed.items()]
    mail["list_suppressions"] = []
    mail["can_receive_email_marketing"] = not mail["suppression"] and mail["consent"] != "UNSUBSCRIBED"
    created = written(person.first_at)
    updated = later(created, written(min(person.changed_at, until)))
    return profile(profile_id(ref), created, updated, subscriptions, **{_IDENTIFIERS[ref[0]]: ref[1]})


def _subscription(flag: str, held: tuple[datetime, bool, str | None] | None) -> Record:
    if held is None:
        return {flag: True, "consent": "NEVER_SUBSCRIBED", "consent_timestamp": None, "last_updated": None}
    at, is_yes, evidence = held
    return {
        flag: is_yes,
        "consent": "SUBSCRIBED" if is_yes else "UNSUBSCRIBED",
        "consent_timestamp": written(at),
        "last_updated": written(at),
        "method": _METHODS.get(evidence or "", "API"),
        "method_detail": evidence or "",
    }


# (channel, purpose) → where in the subscriptions it lies, and what the flag of being reachable is called there
_PLACES = {
    ("email", "marketing"): ("email", "can_receive_email_marketing"),
    ("sms", "marketing"): ("sms", "can_receive_sms_marketing"),
    ("sms", "transactional"): ("sms", "can_receive_sms_transactional"),
    ("push", "marketing"): ("mobile_push", "can_receive_push_marketing"),
    ("whatsapp", "marketing"): ("whatsapp", "can_receive"),
    ("whatsapp", "transactional"): ("whatsapp", "can_receive"),
}
