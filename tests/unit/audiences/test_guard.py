"""The guard's limits: literal fractions, judged at the edge and just past it."""

from __future__ import annotations

import pytest

from perennial.audiences.guard import Baseline, Verdict, judge
from perennial.audiences.plan import Held, Member, Plan, make_plan
from perennial.config.settings import Guards

GUARDS = Guards()


def plan(stay: int, join: int, leave: int) -> Plan:
    held = {f"h{n}": (Held(f"h{n}", f"h{n}@x", 1, f"h{n}"),) for n in range(stay + leave)}
    desired = {f"h{n}": Member(f"h{n}@x") for n in range(stay)} | {f"n{n}": Member(f"n{n}@x") for n in range(join)}
    return make_plan("win_back", "mailer", desired, held, {})


def verdict(stay: int, join: int, leave: int, *, last: bool = True, baseline: Baseline | None = None) -> Verdict:
    return judge(plan(stay, join, leave), stay + leave, stay + join, GUARDS, last, baseline)


@pytest.mark.parametrize(
    ("stay", "join", "leave", "word", "reason"),
    [
        (0, 500, 0, "approved", "holds nobody yet"),
        (100, 0, 0, "noop", "unchanged"),
        (70, 0, 30, "approved", "within the guards"),
        (69, 0, 31, "held", "shrink by 31.0%, more than 30.0%"),
        (100, 200, 0, "approved", "within the guards"),
        (100, 201, 0, "held", "grow 3.01 times, more than 3 times"),
        (50, 50, 50, "approved", "within the guards"),
        (49, 51, 51, "held", "51 would leave, 51.0%, more than 50.0%"),
        (10, 90, 90, "held", "90 would leave, 90.0%"),
        (0, 0, 100, "held", "empty while the channel holds 100"),
        (0, 0, 1, "held", "empty while the channel holds 1"),
        (2, 0, 1, "held", "shrink by 33.3%"),
    ],
)
def test_each_limit_holds_just_past_its_edge_and_not_at_it(
    stay: int, join: int, leave: int, word: str, reason: str
) -> None:
    found = verdict(stay, join, leave)
    assert found.word == word
    assert reason in found.reason


def test_an_audience_that_is_empty_from_the_start_is_a_noop() -> None:
    assert verdict(0, 0, 0, last=False).word == "noop"


def test_an_audience_that_was_not_empty_at_the_last_plan_is_held_even_if_the_channel_holds_nobody() -> None:
    assert verdict(0, 0, 0, last=True).word == "held"


def test_going_on_with_a_first_push_is_not_growth() -> None:
    assert verdict(10, 990, 0).word == "held"
    assert verdict(10, 990, 0, baseline=Baseline(0, 0)).word == "approved"


def test_going_on_counts_the_leaves_that_were_done() -> None:
    assert verdict(50, 30, 10, baseline=Baseline(100, 40)).word == "approved"
    assert verdict(50, 30, 10, baseline=Baseline(100, 41)).word == "held"


def test_an_interrupted_first_push_does_not_open_the_door_to_a_disaster() -> None:
    assert verdict(10, 0, 890, baseline=Baseline(0, 0)).word == "held"
