"""When people buy: at random from the first order to the day they leave for good, plus what win-back messages bring.

What lives here: purchase times and the past win-back waves with their holdout. What does not: how an order is recorded
(shop.py) or a message is (messages.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perennial.demo.people import People
from perennial.demo.scale import DAY, NEVER, Scale

LAPSED_AFTER_DAYS = 90
HOLDOUT_SHARE = 0.3
WAVE_EVERY_DAYS = 28
NOT_REACHED, TREATED, HELD_OUT = 0, 1, 2


@dataclass(frozen=True)
class Purchases:
    """One row per purchase, in time order. `by_win_back`: this one would not have happened without the message."""

    person: np.ndarray
    at: np.ndarray
    by_win_back: np.ndarray


@dataclass(frozen=True)
class WinBack:
    """Per person: was this person in a wave, as what, when, and did the message bring an order."""

    group: np.ndarray
    at: np.ndarray
    brought_order: np.ndarray


def make_purchases(people: People, scale: Scale) -> tuple[Purchases, WinBack]:
    person, at = _unprompted(people, scale)
    win_back, extra_at = _waves(people, scale, person, at)
    brought = np.flatnonzero(win_back.brought_order)
    person = np.concatenate([person, brought])
    at = np.concatenate([at, extra_at[brought]])
    by_win_back = np.arange(len(person)) >= len(person) - len(brought)
    order = np.lexsort((person, at))
    return Purchases(person[order], at[order], by_win_back[order]), win_back


def _unprompted(people: People, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    rng = scale.stream("purchases")
    first = people.joined_at + (rng.exponential(9.0, people.count) * DAY).astype(np.int64)
    until = np.minimum(people.churned_at, scale.end - 1)
    buys = people.is_buyer & (first < until)
    days = np.where(buys, (until - first) / DAY, 0.0)
    later = rng.poisson(people.orders_per_day * days)
    buyers = np.flatnonzero(buys)
    repeated = np.repeat(np.arange(people.count), later)
    moments = first[repeated] + (rng.random(len(repeated)) * (until - first)[repeated]).astype(np.int64)
    person = np.concatenate([buyers, repeated])
    at = np.concatenate([first[buyers], moments])
    return person, np.clip(_daytime(at, rng), people.joined_at[person], scale.end - 1)


def _daytime(at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same days at the hours at which people shop."""
    hours = np.clip(rng.normal(15.5, 4.0, len(at)), 0.0, 23.99)
    return at // DAY * DAY + (hours * 3600).astype(np.int64)


def _waves(people: People, scale: Scale, person: np.ndarray, at: np.ndarray) -> tuple[WinBack, np.ndarray]:
    """Every four weeks whoever lapsed and may be mailed enters, once: seven in ten get the message, the rest do not."""
    rng = scale.stream("win_back")
    group = np.zeros(people.count, dtype=np.int8)
    sent_at = np.full(people.count, NEVER, dtype=np.int64)
    brought = np.zeros(people.count, dtype=bool)
    extra_at = np.full(people.count, NEVER, dtype=np.int64)
    first_wave = scale.start + 150 * DAY
    for wave in range(first_wave, scale.end - 45 * DAY, WAVE_EVERY_DAYS * DAY):
        last = np.full(people.count, -1, dtype=np.int64)
        past = at < wave
        np.maximum.at(last, person[past], at[past])
        may_mail = (people.email_granted_at < wave) & (people.email_withdrawn_at > wave)
        eligible = (last > 0) & (last < wave - (LAPSED_AFTER_DAYS + 1) * DAY) & may_mail & (group == NOT_REACHED)
        entrants = np.flatnonzero(eligible)
        held_out = rng.random(len(entrants)) < HOLDOUT_SHARE
        group[entrants] = np.where(held_out, HELD_OUT, TREATED)
        sent_at[entrants] = wave + 10 * 3600 + rng.integers(0, 3600, len(entrants))
        converts = ~held_out & (rng.random(len(entrants)) < people.win_back_effect[entrants])
        delay = (rng.random(len(entrants)) * 5 * DAY).astype(np.int64) + 600
        brought[entrants] = converts
        extra_at[entrants] = sent_at[entrants] + delay
    return WinBack(group, sent_at, brought), extra_at
