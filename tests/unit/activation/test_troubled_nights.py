"""Many nights of everything at once: people come, go, move, merge; the receiver rejects, forgets to answer, breaks; the
sender dies. In the end the channel holds exactly the audience, and no key ever had two effects."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from perennial.config.home import Home
from tests.support.activating import ENV, run, webhook_settings
from tests.support.sink import Sink
from tests.support.snapshot import Person, publish

PEOPLE, NIGHTS = 9, 12
FAULTS = ["ok", "ok", "ok", "500", "effect_then_500", "lost", "429", "garbage"]
DEATHS = ["", "", "", "ledger", "send", "after_200", "ack", "close"]


class World:
    """Who exists tonight, under which id and address, and who is wanted."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.ids = {number: f"p{number}" for number in range(PEOPLE)}
        self.moves = dict.fromkeys(range(PEOPLE), 0)
        self.merges: dict[str, str] = {}
        self.wanted: set[int] = set(range(PEOPLE))

    def next_night(self) -> list[Person]:
        for number in range(PEOPLE):
            chance = self.dice.random()
            if chance < 0.2:
                self.wanted ^= {number}
            elif chance < 0.3:
                self.moves[number] += 1
            elif chance < 0.4:
                new = f"{self.ids[number]}x"
                self.merges[self.ids[number]] = new
                self.ids[number] = new
        return self.tonight()

    def tonight(self) -> list[Person]:
        return [
            Person(self.ids[number], self.address(number), is_member=number in self.wanted) for number in range(PEOPLE)
        ]

    def address(self, number: int) -> str:
        return f"person{number}.{self.moves[number] % 3}@example.com"


def faults(dice: random.Random) -> Iterator[str]:
    while True:
        yield dice.choice(FAULTS)


def night(home: Home, sink: Sink, death: str = "") -> str:
    env = ENV | ({"PERENNIAL_FAILPOINT": f"{death}:1:enospc"} if death else {})
    wide = {"max_shrink": 1.0, "max_growth": 1000.0, "max_turnover": 1.0}
    try:
        return run(home, webhook_settings(sink.url, guards=wide, batch_size=3), env=env).verdict
    except OSError:
        return "died"


@pytest.mark.parametrize("seed", range(4))
def test_after_any_trouble_the_channel_holds_exactly_the_audience(home: Home, sink: Sink, seed: int) -> None:
    dice = random.Random(seed)
    world = World(dice)
    seen = set()
    sink.faults = faults(dice)
    for number in range(NIGHTS):
        sink.rejects = {world.ids[each]: "not today" for each in range(PEOPLE) if dice.random() < 0.1}
        sink.poison = {world.ids[each] for each in range(PEOPLE) if dice.random() < 0.05}
        publish(home, f"s{number:02d}", world.next_night(), merges=world.merges)
        for _ in range(dice.choice([1, 1, 2])):
            seen.add(night(home, sink, dice.choice(DEATHS)))
    sink.rejects, sink.poison, sink.faults = {}, set(), iter(())
    world.wanted |= {0}
    for number in range(3):
        publish(home, f"t{number}", world.tonight(), merges=world.merges)
        last = night(home, sink)
    assert sorted(sink.holds.values()) == sorted(world.address(number) for number in world.wanted)
    assert sink.duplicate_effects == 0
    assert last == "noop"
    assert {"died", "partial", "failed"} & seen
