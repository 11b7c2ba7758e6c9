"""Talk between people and the demo's support desk: conversations, their messages, who took them on, and word of mouth.

What lives here: conversations, assignments, messages of a conversation, advocacy_events. What does not: campaigns
(messages.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perennial.demo.buying import Purchases
from perennial.demo.messages import mailing_address
from perennial.demo.people import People
from perennial.demo.records import Exports, known, moments, texts, where
from perennial.demo.scale import DAY, NEVER, Scale

CHANNELS = np.array(["email", "whatsapp", "sms", "voice"], dtype=object)


def add_conversations(exports: Exports, people: People, scale: Scale) -> None:
    """Most get a bot's reply in a minute and a human's in hours; one in twelve gets none."""
    rng = scale.stream("conversations")
    person = np.repeat(np.arange(people.count), rng.poisson(0.16, people.count))
    count = len(person)
    opened = people.joined_at[person] + (rng.random(count) * (scale.end - people.joined_at[person])).astype(np.int64)
    order = np.lexsort((person, opened))
    person, opened = person[order], opened[order]
    no_phone = ~known(people.phone[person])
    channel = np.where(no_phone, "email", rng.choice(CHANNELS, count, p=(0.4, 0.4, 0.1, 0.1)))
    ref = np.where(channel == "email", mailing_address(people, scale)[person], people.phone[person])
    ref_type = np.where(channel == "email", "email", "phone")
    bot, human, closed = _replies(opened, scale, rng)
    conversation_id = texts("T", 1 + np.arange(count), 6)
    owner = texts("U", rng.integers(1, 9, count))
    exports.add_pointing(
        "messaging",
        "conversations",
        pd.DataFrame(
            {
                "conversation_id": conversation_id,
                "contact_ref": ref,
                "contact_ref_type": ref_type,
                "channel": channel,
                "opened_at": moments(opened),
                "first_reply_at": moments(np.minimum(bot, human)),
                "first_human_reply_at": moments(human),
                "closed_at": moments(closed),
                "owner_id": where(human < NEVER, owner),
                "close_reason": where(
                    closed < NEVER, rng.choice(np.array(["solved", "no_reply", "spam"], dtype=object), count)
                ),
                "source_campaign": where(rng.random(count) < 0.1, "spring-launch"),
            }
        ),
        person,
        "conversation_contact",
    )
    _add_assignments(exports, conversation_id, owner, opened, human, scale, rng)
    _add_talk(exports, conversation_id, person, channel, ref, ref_type, opened, bot, human)


def _replies(opened: np.ndarray, scale: Scale, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = len(opened)
    bot = np.where(rng.random(count) < 0.6, opened + rng.integers(5, 90, count), NEVER)
    human = opened + (rng.lognormal(8.4, 1.2, count)).astype(np.int64) + 30
    human = np.where((rng.random(count) < 0.92) & (human < scale.end), human, NEVER)
    closed = np.where(human < NEVER, human, opened + 7 * DAY) + rng.integers(600, 3 * DAY, count)
    is_closed = (rng.random(count) < 0.9) & (closed < scale.end)
    return np.where(bot < scale.end, bot, NEVER), human, np.where(is_closed, closed, NEVER)


def _add_assignments(
    exports: Exports,
    conversation_id: np.ndarray,
    owner: np.ndarray,
    opened: np.ndarray,
    human: np.ndarray,
    scale: Scale,
    rng: np.random.Generator,
) -> None:
    """Each conversation is given to a team, one in seven is handed on to another."""
    count = len(conversation_id)
    handed_on = np.flatnonzero((rng.random(count) < 0.15) & (human < NEVER))
    which = np.concatenate([np.arange(count), handed_on])
    at = np.concatenate([opened + 60, human[handed_on] + 600])
    held = at < scale.end
    rows = pd.DataFrame(
        {
            "conversation_id": conversation_id[which],
            "owner_id": owner[which],
            "team": np.where(np.arange(len(which)) < count, "front desk", "specialists"),
            "assigned_at": moments(at),
        }
    )[held].sort_values(["assigned_at", "conversation_id"], ignore_index=True)
    rows.insert(0, "assignment_id", texts("AS", 1 + np.arange(len(rows)), 6))
    exports.add("messaging", "assignments", rows)


def _add_talk(
    exports: Exports,
    conversation_id: np.ndarray,
    person: np.ndarray,
    channel: np.ndarray,
    ref: np.ndarray,
    ref_type: np.ndarray,
    opened: np.ndarray,
    bot: np.ndarray,
    human: np.ndarray,
) -> None:
    count = len(conversation_id)
    nothing = np.full(count, None, dtype=object)
    for letter, at, direction, sent_by in (
        ("q", opened, "inbound", None),
        ("b", bot, "outbound", "bot"),
        ("h", human, "outbound", "human"),
    ):
        said = at < NEVER
        exports.add_pointing(
            "messaging",
            "messages",
            pd.DataFrame(
                {
                    "message_id": np.array([f"{name}{letter}" for name in conversation_id], dtype=object),
                    "contact_ref": ref,
                    "contact_ref_type": ref_type,
                    "channel": channel,
                    "direction": direction,
                    "campaign_id": nothing,
                    "automation_id": nothing,
                    "variant_id": nothing,
                    "conversation_id": conversation_id,
                    "sent_by": np.full(count, sent_by, dtype=object),
                    "sent_at": moments(at),
                }
            )[said],
            person[said],
            "message_contact",
        )


def add_advocacy(exports: Exports, people: People, purchases: Purchases, scale: Scale) -> None:
    """Reviews, scores, referrals and loyalty events of people who bought, told by e-mail address."""
    rng = scale.stream("advocacy")
    at = purchases.at + rng.integers(3 * DAY, 40 * DAY, len(purchases.at))
    told = np.flatnonzero((rng.random(len(at)) < 0.09) & (at < scale.end))
    kind = rng.choice(5, len(told), p=(0.4, 0.1, 0.25, 0.15, 0.1))
    names = np.array(["review", "referral", "nps", "loyalty_join", "loyalty_redeem"], dtype=object)
    score = np.select([kind == 0, kind == 2], [rng.integers(1, 6, len(told)), rng.integers(0, 11, len(told))], 0)
    exports.add_pointing(
        "messaging",
        "advocacy_events",
        pd.DataFrame(
            {
                "event_id": texts("AD", 1 + np.arange(len(told)), 6),
                "contact_ref": mailing_address(people, scale)[purchases.person[told]],
                "contact_ref_type": "email",
                "event_type": names[kind],
                "score": pd.arrays.IntegerArray(score.astype(np.int64), ~np.isin(kind, (0, 2))),
                "occurred_at": moments(at[told]),
            }
        ),
        purchases.person[told],
        "message_contact",
    )
