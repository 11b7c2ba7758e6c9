"""The demo's CRM: contacts with their duplicates, stage changes, deals and appointments.

What lives here: what sales people keep. What does not: messages and conversations (messages.py, conversations.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.contacts import (
    PLACEHOLDER_EMAILS,
    PLACEHOLDER_PHONES,
    mistype_emails,
    with_placeholders,
    write_like_a_person,
)
from perennial.demo.people import People
from perennial.demo.records import Exports, days, known, moments, money, only, texts, where
from perennial.demo.scale import DAY, NEVER, Scale

STAGES = ("subscriber", "lead", "qualified", "opportunity", "customer", "disqualified")
LEAD_SOURCES = ("organic", "paid_search", "social_ads", "referral", "event", "import")
LOST_REASONS = ("price", "no_budget", "competitor", "no_reply", "not_a_fit")
PLACEHOLDER_SHARE = 0.03


@dataclass(frozen=True)
class Contacts:
    person: np.ndarray
    contact_id: np.ndarray
    created_at: np.ndarray
    merged_into: np.ndarray  # index of the contact this one was merged into, -1 where it was not
    last_stage: np.ndarray


def make_contacts(exports: Exports, people: People, scale: Scale) -> Contacts:
    """Seven in ten people are in the CRM; one in eleven of them twice, half of these merged by hand."""
    rng = scale.stream("contacts")
    firsts = np.flatnonzero(rng.random(people.count) < 0.7)
    again = rng.random(len(firsts)) < 0.09
    person = np.concatenate([firsts, firsts[again]])
    is_second = np.arange(len(person)) >= len(firsts)
    created = people.joined_at[person] + rng.integers(0, 20 * DAY, len(person)) + is_second * 60 * DAY
    created = np.minimum(created, scale.end - 3600)
    merged = is_second & (rng.random(len(person)) < 0.5)
    first_index = np.full(people.count, -1)
    first_index[firsts] = np.arange(len(firsts))
    contacts = Contacts(
        person=person,
        contact_id=texts("C", 100_000 + np.arange(len(person))),
        created_at=created,
        merged_into=np.where(merged, first_index[person], -1),
        last_stage=_last_stages(people, person, rng),
    )
    _add_contact_rows(exports, people, contacts, is_second, scale, rng)
    return contacts


def _last_stages(people: People, person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    reached = rng.choice(6, len(person), p=(0.3, 0.3, 0.15, 0.1, 0.0, 0.15))
    return np.where(people.is_buyer[person] & (rng.random(len(person)) < 0.6), 4, reached)


def _add_contact_rows(
    exports: Exports, people: People, contacts: Contacts, is_second: np.ndarray, scale: Scale, rng: np.random.Generator
) -> None:
    person, count = contacts.person, len(contacts.person)
    other = people.work_email[person]
    takes_other = (rng.random(count) < np.where(is_second, 0.8, 0.1)) & known(other)
    email = np.where(takes_other, other, people.email[person])
    email = where(rng.random(count) < 0.93, email)
    written, junk = with_placeholders(mistype_emails(email, rng), PLACEHOLDER_SHARE, PLACEHOLDER_EMAILS, rng)
    phone = where(rng.random(count) < 0.8, people.phone[person])
    typed = write_like_a_person(phone, people.country[person], rng)
    typed, junk_phone = with_placeholders(typed, PLACEHOLDER_SHARE, PLACEHOLDER_PHONES, rng)
    merged = contacts.merged_into >= 0
    source = rng.choice(np.array(LEAD_SOURCES, dtype=object), count, p=(0.35, 0.2, 0.15, 0.1, 0.1, 0.1))
    touched = np.minimum(contacts.created_at + rng.integers(3600, 300 * DAY, count), scale.end - 1)
    exports.add(
        "crm",
        "crm_contacts",
        pd.DataFrame(
            {
                "contact_id": contacts.contact_id,
                "email": written,
                "phone": typed,
                "first_name": people.first_name[person],
                "last_name": people.last_name[person],
                "company": where(takes_other, "Work Example Ltd"),
                "country": people.country[person],
                "lead_source": source,
                "lead_campaign": where(source == "social_ads", "spring-launch"),
                "lifecycle_stage": np.array(STAGES, dtype=object)[contacts.last_stage],
                "owner_id": texts("U", rng.integers(1, 9, count)),
                "birth_on": days(_birthdays(person, rng)),
                "created_at": moments(contacts.created_at),
                "updated_at": moments(touched),
                "merged_into_id": where(merged, contacts.contact_id[np.maximum(contacts.merged_into, 0)]),
            }
        ),
    )
    survivor = np.where(merged, np.maximum(contacts.merged_into, 0), np.arange(count))
    link = np.array([f"crm:{contacts.contact_id[i]}" for i in survivor], dtype=object)
    own = np.array([f"crm:{name}" for name in contacts.contact_id], dtype=object)
    exports.remember("crm", "crm_contact", contacts.contact_id, person, link=own)
    exports.remember(
        "crm",
        "crm_contact",
        contacts.contact_id,
        person,
        email=where(~junk, email),
        phone=where(~junk_phone, phone),
        link=link,
    )


def _birthdays(person: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """When people were born, where the CRM knows it: the same in each contact of a person."""
    count = len(person)
    born = only(rng.random(count) < 0.3, rng.integers(-15 * 365 * DAY, 33 * 365 * DAY, count))
    _, first, whose = np.unique(person, return_index=True, return_inverse=True)
    return born[first][whose]


def add_stage_changes(exports: Exports, contacts: Contacts, scale: Scale) -> None:
    """One row per step a contact went, up to its present stage; straight out where it was disqualified."""
    rng = scale.stream("stage changes")
    steps = np.where(contacts.last_stage == 5, 2, contacts.last_stage + 1)
    contact = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(contact)) - np.repeat(np.cumsum(steps) - steps, steps)
    is_out = (contacts.last_stage[contact] == 5) & (step == 1)
    names = np.array(STAGES, dtype=object)
    waits = np.where(step == 0, 0, rng.integers(3600, 40 * DAY, len(contact)))
    waited = pd.Series(waits).groupby(contact).cumsum().to_numpy()
    at = contacts.created_at[contact] + waited
    held = at < scale.end
    rows = pd.DataFrame(
        {
            "contact_id": contacts.contact_id[contact],
            "from_stage": np.where(step == 0, None, names[np.maximum(step - 1, 0)]),
            "to_stage": np.where(is_out, "disqualified", names[np.minimum(step, 4)]),
            "changed_at": moments(at),
            "changed_by": rng.choice(
                np.array(["human", "agent", "rule", "event"], dtype=object), len(at), p=(0.35, 0.1, 0.3, 0.25)
            ),
            "reason": where(is_out, rng.choice(np.array(LOST_REASONS, dtype=object), len(at))),
        }
    )[held].sort_values(["changed_at", "contact_id"], ignore_index=True)
    rows.insert(0, "change_id", texts("SC", 1 + np.arange(len(rows)), 7))
    exports.add("crm", "crm_stage_changes", rows)


def add_deals(exports: Exports, contacts: Contacts, scale: Scale) -> None:
    rng = scale.stream("deals")
    contact = np.flatnonzero((contacts.last_stage >= 2) & (rng.random(len(contacts.person)) < 0.45))
    created = np.minimum(contacts.created_at[contact] + rng.integers(DAY, 60 * DAY, len(contact)), scale.end - 3600)
    closed = created + (rng.gamma(2.0, 14.0, len(contact)) * DAY).astype(np.int64)
    is_closed = closed < scale.end
    is_won = is_closed & (rng.random(len(contact)) < 0.45)
    reason = rng.choice(np.array(LOST_REASONS, dtype=object), len(contact))
    exports.add(
        "crm",
        "crm_deals",
        pd.DataFrame(
            {
                "deal_id": texts("D", 5_000 + np.arange(len(contact))),
                "contact_id": contacts.contact_id[contact],
                "stage": np.select([is_won, is_closed], ["closed won", "closed lost"], "proposal"),
                "status": np.select([is_won, is_closed], ["won", "lost"], "open"),
                "amount": money(rng.lognormal(9.8, 0.8, len(contact)).astype(np.int64)),
                "currency": "GBP",
                "lost_reason": where(is_closed & ~is_won, reason),
                "created_at": moments(created),
                "closed_at": moments(np.where(is_closed, closed, NEVER)),
                "updated_at": moments(np.where(is_closed, closed, created)),
            }
        ),
    )


def add_appointments(exports: Exports, contacts: Contacts, scale: Scale) -> None:
    """Some start after the end of the world: they are booked and have no outcome yet."""
    rng = scale.stream("appointments")
    contact = np.flatnonzero(rng.random(len(contacts.person)) < 0.08)
    room = scale.end - contacts.created_at[contact]
    booked = contacts.created_at[contact] + (rng.random(len(contact)) * room).astype(np.int64)
    starts = (booked + rng.integers(DAY, 30 * DAY, len(contact))) // 1800 * 1800
    outcome = rng.choice(np.array(["kept", "missed", "cancelled"], dtype=object), len(contact), p=(0.7, 0.15, 0.15))
    exports.add_pointing(
        "crm",
        "appointments",
        pd.DataFrame(
            {
                "appointment_id": texts("A", 1 + np.arange(len(contact)), 5),
                "contact_ref": contacts.contact_id[contact],
                "contact_ref_type": "contact_id",
                "status": np.where(starts < scale.end, outcome, "booked"),
                "booked_at": moments(booked),
                "starts_at": moments(starts),
                "value_amount": money(rng.integers(2_000, 12_000, len(contact))),
                "currency": "GBP",
            }
        ),
        contacts.person[contact],
        "conversation_contact",
    )
