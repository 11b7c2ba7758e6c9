"""The demo's messaging system: campaigns and automations, who got which message, and what came back.

What lives here: campaigns, messages, message_events. What does not: conversations (conversations.py), the decision whom
a win-back message goes to (buying.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perennial.demo.browsing import Carts
from perennial.demo.buying import TREATED, Purchases, WinBack
from perennial.demo.people import People
from perennial.demo.records import Exports, known, moments, money, texts, where
from perennial.demo.scale import DAY, NEVER, Scale

CAMPAIGN_COLUMNS = ("campaign_id", "name", "channel", "automation_id", "stage", "cost_amount", "currency", "started_at")

# How a withdrawal shows, by last digit of the person: by an unsubscribe, by a consent row, or by both.
UNSUBSCRIBES = np.arange(10) < 7
WRITES_DENIAL = np.arange(10) >= 4


def make_messages(people: People, purchases: Purchases, win_back: WinBack, carts: Carts, scale: Scale) -> pd.DataFrame:
    """Every message sent, one row each: person, channel, campaign, automation, variant, at. In time order."""
    rng = scale.stream("messages")
    parts = [
        _newsletters(people, scale, rng),
        _texts(people, scale, rng),
        _welcomes(people, scale, rng),
        _cart_reminders(people, carts, scale, rng),
        _review_requests(people, purchases, scale, rng),
        _win_back_messages(win_back, rng),
    ]
    sent = pd.concat(parts, ignore_index=True)
    return sent.sort_values(["at", "person", "campaign_id"], ignore_index=True)


def _part(
    person: np.ndarray,
    at: np.ndarray,
    campaign_id: str,
    channel: str = "email",
    automation: str | None = None,
    variant: np.ndarray | None = None,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "person": person,
            "at": at,
            "campaign_id": campaign_id,
            "channel": channel,
            "automation_id": np.full(len(person), automation, dtype=object),
            "variant_id": np.full(len(person), None, dtype=object) if variant is None else variant,
        }
    )


def _may_mail(people: People, person: np.ndarray, at: np.ndarray | int) -> np.ndarray:
    return (people.email_granted_at[person] < at) & (people.email_withdrawn_at[person] > at)


def _newsletters(people: People, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    everyone, parts = np.arange(people.count), []
    for number, day in enumerate(range(scale.start + 20 * DAY, scale.end, 30 * DAY), 1):
        at = day + 9 * 3600
        person = everyone[_may_mail(people, everyone, at)]
        if at < scale.end:
            parts.append(_part(person, at + rng.integers(0, 1200, len(person)), f"NL-{number:03d}"))
    return pd.concat(parts, ignore_index=True)


def _texts(people: People, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for number, day in enumerate(range(scale.start + 60 * DAY, scale.end - DAY, 91 * DAY), 1):
        person = np.flatnonzero((people.sms_granted_at < day) & known(people.phone))
        parts.append(_part(person, day + 12 * 3600 + rng.integers(0, 600, len(person)), f"SMS-{number:03d}", "sms"))
    return pd.concat(parts, ignore_index=True)


def _welcomes(people: People, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    at = np.where(people.email_granted_at < NEVER, people.email_granted_at + 300, NEVER)
    person = np.flatnonzero((at < scale.end) & (people.email_withdrawn_at > at))
    return _part(person, at[person], "AUT-WELCOME", automation="welcome")


def _cart_reminders(people: People, carts: Carts, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    at = carts.started_at + 4 * 3600
    reachable = (carts.completed_at >= NEVER) & ((carts.account >= 0) | known(carts.email))
    picked = np.flatnonzero(reachable & (at < scale.end) & _may_mail(people, carts.person, at))
    return _part(carts.person[picked], at[picked], "AUT-CART", automation="abandoned_cart")


def _review_requests(people: People, purchases: Purchases, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    at = purchases.at + 10 * DAY
    asked = (at < scale.end) & _may_mail(people, purchases.person, at) & (rng.random(len(at)) < 0.5)
    return _part(purchases.person[asked], at[asked], "AUT-REVIEW", automation="review_request")


def _win_back_messages(win_back: WinBack, rng: np.random.Generator) -> pd.DataFrame:
    person = np.flatnonzero(win_back.group == TREATED)
    variant = rng.choice(np.array(["A", "B"], dtype=object), len(person))
    return _part(person, win_back.at[person], "AUT-WINBACK", automation="win_back", variant=variant)


def add_campaigns(exports: Exports, sent: pd.DataFrame, scale: Scale) -> None:
    """Every campaign that sent something, with what it cost."""
    used = sent.groupby("campaign_id").agg(
        started=("at", "min"),
        count=("at", "size"),
        channel=("channel", "first"),
        automation_id=("automation_id", "first"),
    )
    stages = {
        "welcome": "acquisition",
        "abandoned_cart": "conversion",
        "review_request": "retention",
        "win_back": "lapsed",
    }
    pence = np.where(used["channel"] == "sms", 4 * used["count"], 2_500 + used["count"] // 4)
    exports.add(
        "messaging",
        "campaigns",
        pd.DataFrame(
            {
                "campaign_id": used.index,
                "name": [f"Campaign {name}" for name in used.index],
                "channel": used["channel"].to_numpy(),
                "automation_id": used["automation_id"].to_numpy(),
                "stage": [stages.get(name) for name in used["automation_id"]],
                "cost_amount": money(pence),
                "currency": "GBP",
                "started_at": moments(used["started"].to_numpy()),
            }
        ),
    )


def add_messages(exports: Exports, people: People, sent: pd.DataFrame, purchases: Purchases, scale: Scale) -> None:
    rng = scale.stream("message rows")
    count, person = len(sent), sent["person"].to_numpy()
    by_email = (sent["channel"] == "email").to_numpy()
    address = mailing_address(people, scale)[person]
    message_id = texts("m", np.arange(count), 9)
    exports.add_pointing(
        "messaging",
        "messages",
        pd.DataFrame(
            {
                "message_id": message_id,
                "contact_ref": np.where(by_email, address, people.phone[person]),
                "contact_ref_type": np.where(by_email, "email", "phone"),
                "channel": sent["channel"],
                "direction": "outbound",
                "campaign_id": sent["campaign_id"],
                "automation_id": sent["automation_id"],
                "variant_id": sent["variant_id"],
                "conversation_id": np.full(count, None, dtype=object),
                "sent_by": np.where(sent["automation_id"].isna(), "human", "automation"),
                "sent_at": moments(sent["at"].to_numpy()),
            }
        ),
        person,
        "message_contact",
    )
    _add_events(exports, people, sent, message_id, scale, rng)


def mailing_address(people: People, scale: Scale) -> np.ndarray:
    """The address under which the messaging system knows each person; a few gave their work address."""
    rng = scale.stream("mailing address")
    other = (rng.random(people.count) < 0.5) & known(people.work_email)
    return np.where(other, people.work_email, people.email)


def _add_events(
    exports: Exports, people: People, sent: pd.DataFrame, message_id: np.ndarray, scale: Scale, rng: np.random.Generator
) -> None:
    """Delivered or bounced; opened by people and by mail proxies; clicked; unsubscribed by those who withdrew."""
    count, person, at = len(sent), sent["person"].to_numpy(), sent["at"].to_numpy()
    by_email = (sent["channel"] == "email").to_numpy()
    delivered = rng.random(count) < 0.978
    proxy = delivered & by_email & people.has_privacy_proxy[person] & (rng.random(count) < 0.9)
    opened = delivered & by_email & (rng.random(count) < 0.75 * people.engagement[person])
    clicked = opened & (rng.random(count) < 0.18)
    delay = (rng.exponential(5 * 3600, count)).astype(np.int64) + 30
    leaves = delivered & by_email & _is_last_before_withdrawal(people, sent) & UNSUBSCRIBES[person % 10]
    kinds = [
        ("delivered", delivered, at + 4, False),
        ("bounced", ~delivered, at + 5, False),
        ("opened", proxy, at + rng.integers(5, 90, count), True),
        ("opened", opened, at + delay, False),
        ("clicked", clicked, at + delay + 20, False),
        ("unsubscribed", leaves, people.email_withdrawn_at[person], False),
        ("complained", leaves & (rng.random(count) < 0.06), people.email_withdrawn_at[person] + 1, False),
    ]
    rows = pd.concat(
        [
            pd.DataFrame({"message_id": message_id[hit], "event_type": name, "at": when[hit], "is_machine": machine})
            for name, hit, when, machine in kinds
        ],
        ignore_index=True,
    )
    rows = rows[rows["at"] < scale.end].sort_values(["at", "message_id", "event_type", "is_machine"], ignore_index=True)
    exports.add(
        "messaging",
        "message_events",
        pd.DataFrame(
            {
                "event_id": texts("v", np.arange(len(rows)), 9),
                "message_id": rows["message_id"],
                "event_type": rows["event_type"],
                "occurred_at": moments(rows["at"].to_numpy()),
                "is_machine": rows["is_machine"],
                "url": where(rows["event_type"] == "clicked", "https://shop.example/offers"),
            }
        ),
    )


def _is_last_before_withdrawal(people: People, sent: pd.DataFrame) -> np.ndarray:
    """Where a person withdrew: the last e-mail sent before. (Nothing is mailed after a withdrawal.)"""
    withdrew = people.email_withdrawn_at[sent["person"].to_numpy()] < NEVER
    mailed = sent["channel"] == "email"
    last = sent[mailed].groupby("person").tail(1).index
    return withdrew & sent.index.isin(last)
