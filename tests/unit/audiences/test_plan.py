"""The plan as a function: whatever was held before, carrying it out leaves exactly the desired people."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.audiences.plan import Held, Member, Plan, make_plan


def plan(desired: dict[str, str], held: list[Held], redirects: dict[str, str] | None = None, **more: frozenset) -> Plan:
    grouped: dict[str, tuple[Held, ...]] = {}
    for each in held:
        grouped[each.customer_id] = (*grouped.get(each.customer_id, ()), each)
    members = {customer_id: Member(address) for customer_id, address in desired.items()}
    return make_plan("win_back", "mailer", members, grouped, redirects or {}, **more)


def entry(customer_id: str, address: str, spell: int = 1, sent_as: str | None = None, is_certain: bool = True) -> Held:
    return Held(customer_id, address, spell, sent_as or customer_id, is_certain)


def joined(made: Plan) -> list[tuple[str, str]]:
    return [(join.customer_id, join.member.address) for join in made.joins]


def left(made: Plan) -> list[tuple[str, str]]:
    return [(leave.held.sent_as, leave.held.address) for leave in made.leaves]


def test_who_is_new_joins_who_is_gone_leaves_and_the_rest_is_unchanged() -> None:
    made = plan({"a": "a@x", "b": "b@x"}, [entry("b", "b@x"), entry("c", "c@x")])
    assert (joined(made), left(made), made.unchanged_count) == ([("a", "a@x")], [("c", "c@x")], 1)


def test_a_changed_address_is_a_leave_of_the_old_and_a_join_of_the_new() -> None:
    made = plan({"a": "new@x"}, [entry("a", "old@x")])
    assert (joined(made), left(made), made.moves) == ([("a", "new@x")], [("a", "old@x")], ())


def test_a_merged_person_goes_on_under_the_surviving_id_and_nothing_is_sent() -> None:
    made = plan({"new": "a@x"}, [entry("old", "a@x")], {"old": "between", "between": "new"})
    assert made.is_empty
    assert [(move.held.customer_id, move.customer_id) for move in made.moves] == [("old", "new")]
    assert made.unchanged_count == 1


def test_a_merged_person_with_another_address_leaves_under_the_id_the_channel_knows() -> None:
    made = plan({"new": "b@x"}, [entry("old", "a@x")], {"old": "new"})
    assert (joined(made), left(made), made.moves) == ([("new", "b@x")], [("old", "a@x")], ())


def test_a_merged_person_who_is_not_desired_leaves_under_the_id_the_channel_knows() -> None:
    made = plan({}, [entry("old", "a@x")], {"old": "new"})
    assert (joined(made), left(made)) == ([], [("old", "a@x")])


def test_two_held_people_merged_into_one_become_one_entry() -> None:
    made = plan({"b": "same@x"}, [entry("a", "same@x"), entry("b", "same@x")], {"a": "b"})
    assert (left(made), joined(made)) == ([("a", "same@x")], [("b", "same@x")])


def test_a_ring_of_merges_does_not_hang() -> None:
    assert left(plan({}, [entry("a", "a@x")], {"a": "b", "b": "a"})) == [("a", "a@x")]


def test_a_join_that_was_never_answered_is_joined_again_or_taken_back() -> None:
    unsure = entry("a", "a@x", is_certain=False)
    assert joined(plan({"a": "a@x"}, [unsure])) == [("a", "a@x")]
    assert left(plan({"a": "a@x"}, [unsure])) == []
    assert left(plan({}, [unsure])) == [("a", "a@x")]


def test_of_several_spells_of_one_entry_only_the_newest_is_taken_back() -> None:
    made = plan({}, [entry("a", "a@x", 1, is_certain=False), entry("a", "a@x", 2, is_certain=False)])
    assert [leave.held.spell for leave in made.leaves] == [2]


def test_who_stays_is_joined_again_where_somebody_with_the_same_address_leaves() -> None:
    made = plan({"b": "same@x"}, [entry("a", "same@x"), entry("b", "same@x")])
    assert (left(made), joined(made)) == ([("a", "same@x")], [("b", "same@x")])


def test_a_resting_row_is_left_out() -> None:
    made = plan({"a": "a@x", "b": "b@x"}, [], resting=frozenset({("join", "a", "a@x")}))
    assert joined(made) == [("b", "b@x")]


def test_the_hash_is_of_the_rows_and_not_of_their_order_or_of_who_is_unchanged() -> None:
    one = plan({"a": "a@x", "b": "b@x"}, [])
    assert plan({"b": "b@x", "a": "a@x"}, []).plan_hash == one.plan_hash
    assert plan({"a": "a@x", "b": "b@x", "c": "c@x"}, [entry("c", "c@x")]).plan_hash == one.plan_hash
    assert plan({"a": "a@x"}, []).plan_hash != one.plan_hash
    assert plan({"a": "a@x", "b": "other@x"}, []).plan_hash != one.plan_hash


IDS = st.sampled_from([f"p{number}" for number in range(7)])
ADDRESSES = st.sampled_from([f"{letter}@x" for letter in "abcdefg"])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, str], list[Held], dict[str, str], list[Held]]:
    """Desired people with addresses of their own, entries held for sure or perhaps, merges, and what is really there.

    An entry is known to the channel by its person's id, or by a former id that was merged into it on an earlier night.
    """
    desired = draw(st.dictionaries(IDS, ADDRESSES, max_size=7).filter(lambda d: len(set(d.values())) == len(d)))
    entries = draw(
        st.lists(
            st.builds(
                lambda customer_id, address, spell, is_former, is_certain: Held(
                    customer_id, address, spell, f"former_{customer_id}" if is_former else customer_id, is_certain
                ),
                IDS,
                ADDRESSES,
                st.integers(1, 3),
                st.booleans(),
                st.booleans(),
            ),
            max_size=8,
            unique_by=lambda held: (held.sent_as, held.address),
        )
    )
    unique = {(held.customer_id, held.spell): held for held in entries}
    held = list(unique.values())
    redirects = {old: new for old, new in draw(st.dictionaries(IDS, IDS, max_size=3)).items() if old not in desired}
    really = [each for each in held if each.is_certain or draw(st.booleans())]
    return desired, held, {old: new for old, new in redirects.items() if old != new}, really


@given(worlds())
@settings(max_examples=400, deadline=None)
def test_a_channel_that_knows_people_by_address_ends_with_the_desired_addresses(
    world: tuple[dict[str, str], list[Held], dict[str, str], list[Held]],
) -> None:
    desired, held, redirects, really = world
    made = plan(desired, held, redirects)
    channel = {each.address for each in really}
    channel -= {leave.held.address for leave in made.leaves}
    channel |= {join.member.address for join in made.joins}
    assert channel == set(desired.values())


@given(worlds())
@settings(max_examples=400, deadline=None)
def test_a_channel_that_knows_people_by_id_and_address_ends_with_one_entry_for_each_desired_person(
    world: tuple[dict[str, str], list[Held], dict[str, str], list[Held]],
) -> None:
    desired, held, redirects, really = world
    made = plan(desired, held, redirects)
    channel = {(each.sent_as, each.address) for each in really}
    channel -= {(leave.held.sent_as, leave.held.address) for leave in made.leaves}
    channel |= {(join.customer_id, join.member.address) for join in made.joins}
    assert sorted(address for _, address in channel) == sorted(desired.values())


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_carrying_a_plan_out_leaves_nothing_to_plan(
    world: tuple[dict[str, str], list[Held], dict[str, str], list[Held]],
) -> None:
    desired, held, redirects, _ = world
    made = plan(desired, held, redirects)
    gone = {(leave.held.sent_as, leave.held.address) for leave in made.leaves}
    moved = {(move.held.sent_as, move.held.address): move.customer_id for move in made.moves}
    after = {
        (each.sent_as, each.address): Held(
            moved.get((each.sent_as, each.address), each.customer_id), each.address, each.spell, each.sent_as
        )
        for each in held
        if (each.sent_as, each.address) not in gone
    }
    for join in made.joins:
        after[join.customer_id, join.member.address] = entry(join.customer_id, join.member.address, 9)
    again = plan(desired, list(after.values()), redirects)
    assert again.is_empty
    assert not again.moves
