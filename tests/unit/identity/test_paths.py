"""Paths through links, and what setting one record aside leaves of a person."""

from __future__ import annotations

from perennial.identity.paths import Link, parted, path
from perennial.identity.pins import Record


def record(name: str) -> Record:
    return Record("s", "shop_customer", name)


A, B, C, D, E = map(record, "abcde")


def link(one: Record, other: Record, rule: str = "same_email", strength: str = "strong", evidence: str = "x",
         held: str | None = None) -> Link:  # fmt: skip
    return Link(one, other, rule, strength, evidence, held)


def test_the_shortest_way_is_shown_and_of_two_the_stronger() -> None:
    ends = link(A, B, "same_phone", "weak"), link(A, B, "contact_ref", "certain")
    longer = [link(A, C), link(C, B)]
    assert path([*ends, *longer], A, B) == [ends[1]]
    assert path(longer, A, B) == longer
    assert path(longer, B, A) == longer[::-1]


def test_no_way_leads_over_a_link_that_is_held() -> None:
    assert path([link(A, B, held="bridge")], A, B) is None
    assert path([link(A, B)], A, A) == []


def test_whoever_is_set_aside_stands_alone_and_the_others_stay_together() -> None:
    """A star around A: without A, its points still bear the same address."""
    star = [link(each, A) for each in (B, C, D)]
    assert parted(star, [A, B, C, D], A, B) == [frozenset({B, C, D}), frozenset({A})]
    assert parted(star, [A, B, C, D], D, B) == [frozenset({A, B, C}), frozenset({D})]


def test_what_a_system_holds_to_be_one_with_it_goes_along() -> None:
    links = [link(B, A), link(C, A), link(D, A), link(E, B, "contact_ref", "certain", "b")]
    assert parted(links, [A, B, C, D, E], B, A) == [frozenset({A, C, D}), frozenset({B, E})]


def test_what_a_system_says_of_the_two_directly_falls_and_by_way_of_others_stands() -> None:
    direct = link(B, A, "contact_ref", "certain", "a")
    assert parted([direct], [A, B], B, A) == [frozenset({A}), frozenset({B})]
    around = [link(B, C, "contact_ref", "certain", "c"), link(C, A, "contact_ref", "certain", "d")]
    assert parted([direct, *around], [A, B, C], B, A) == [frozenset({A, B, C})]
