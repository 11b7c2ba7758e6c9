"""What triggers are, read word by word and slowly: every person, every cause, every midnight.

What lives here: plain loops. What does not: the numbers of the declaration, which the test hands in; spans, sweeps or
windows, which the models use to be fast. Nothing here is shared with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tests.unit.triggers.world import Person, World

KEPT_DAYS = 400


class Occasion(NamedTuple):
    """A cause of a trigger, before anything is said about whether it counts."""

    trigger: str
    scope: str
    cause: str
    at: datetime
    called_off_at: datetime | None


def rows(world: World, declared: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple]:
    """Key → (customer, scope, at, due, called off, status, reason), as lifecycle.trigger_events has them."""
    found: dict[str, tuple] = {}
    for person in world.people:
        for name, trigger in declared.items():
            found |= dict(_told(world, person, trigger, list(_occasions(world, person, name, trigger))))
    return found


def _told(
    world: World, person: Person, trigger: Mapping[str, Any], occasions: list[Occasion]
) -> Iterator[tuple[str, tuple]]:
    delay = timedelta(hours=trigger.get("delay_hours", 0))
    lateness = timedelta(hours=trigger["max_lateness_hours"])
    last_fired: dict[str, date] = {}
    for each in sorted(occasions, key=lambda one: (one.at, one.cause)):
        due, reason = each.at + delay, None
        if each.called_off_at is not None and each.called_off_at <= due:
            reason = "called_off"
        elif not _may_again(trigger, last_fired.get(each.scope), world.day(due)):
            reason = "once" if trigger["re_entry"] == "once" else "cool_down"
        else:
            last_fired[each.scope] = world.day(due)
            if due + lateness < world.as_of:
                reason = "late"
            elif each.called_off_at is not None:
                reason = "called_off"
        status = "would_have_fired" if reason else "waiting" if due > world.as_of else "due"
        if world.day(each.at) >= world.day(world.as_of) - timedelta(days=KEPT_DAYS):
            told = (person.customer_id, each.scope or None, each.at, due, each.called_off_at, status, reason)
            yield f"{each.trigger}:{each.cause}", told


def _may_again(trigger: Mapping[str, Any], last: date | None, day: date) -> bool:
    if last is None:
        return True
    if trigger["re_entry"] == "once":
        return False
    return "cool_down_days" not in trigger or (day - last).days > trigger["cool_down_days"]


def _occasions(world: World, person: Person, name: str, trigger: Mapping[str, Any]) -> Iterator[Occasion]:
    if "bounds" in trigger:
        yield from _conditions(world, person, name, trigger["bounds"])
        return
    for scope, cause, at, ends in _causes(world, person, trigger):
        later = [ends] if ends else []
        for word, kind in (("order", "order"), ("checkout", "checkout_started")):
            if word in trigger.get("called_off_by", []):
                later += [each.at for each in person.events if each.kind == kind and each.at > at]
        yield Occasion(name, scope, cause, at, min(later, default=None))


Cause = tuple[str, str, datetime, datetime | None]


def _causes(world: World, person: Person, trigger: Mapping[str, Any]) -> Iterator[Cause]:
    kind = trigger["event"]
    if kind in ("form_submit", "product_view", "checkout_started", "order"):
        mine = sorted((each for each in person.events if each.kind == kind), key=lambda each: (each.at, each.name))
        for index, event in enumerate(mine):
            following = mine[index + 1].at if index + 1 < len(mine) else None
            if kind == "form_submit":
                yield event.detail, f"form_submit:shop:{event.name}", event.at, None
            elif kind == "order":
                yield "", f"order:shop:{event.name}", event.at, None
            elif kind == "checkout_started" and person.has_email:
                yield "", f"checkout:shop:{event.name}", event.at, event.until
            elif kind == "product_view":
                patience = timedelta(hours=trigger["delay_hours"])
                if following is None or following - event.at > patience:
                    yield "", f"product_view:shop:{event.name}", event.at, following
    elif kind == "back_in_stock":
        yield from _returns(world, person)
    elif kind == "birthday":
        yield from _birthdays(world, person)
    else:
        yield from _silences(person, kind, timedelta(hours=trigger["delay_hours"]))


def _returns(world: World, person: Person) -> Iterator[Cause]:
    for asked in person.events:
        if asked.kind == "stock_alert_request":
            after = [change for change in world.stock[asked.detail] if change[0] >= asked.at]
            while after and not after[0][1]:
                after.pop(0)
            if after:
                gone = after[1][0] if len(after) > 1 else None
                yield "", f"stock_alert_request:shop:{asked.name}", after[0][0], gone


def _birthdays(world: World, person: Person) -> Iterator[Cause]:
    day = world.day(world.as_of)
    for back in range(KEPT_DAYS + 1):
        on, born = day - timedelta(days=back), person.birth_on
        is_kept_early = (on.month, on.day) == (2, 28) and (on + timedelta(days=1)).month == 3
        is_leap = born is not None and (born.month, born.day) == (2, 29) and is_kept_early
        is_it = born is not None and on.year > born.year and ((on.month, on.day) == (born.month, born.day) or is_leap)
        if is_it and world.midnight(on) <= world.as_of:
            yield "", f"birthday:crm:{person.customer_id}:{on.year}", world.midnight(on), None


def _silences(person: Person, kind: str, patience: timedelta) -> Iterator[Cause]:
    for talk in person.talks:
        closed = [talk.closed_at] if talk.closed_at else []
        if not talk.lines and kind == "unanswered_question":
            ends = ([talk.first_reply_at] if talk.first_reply_at else []) + closed
            yield "", f"conversation:desk:{talk.name}", talk.opened_at, min(ends, default=None)
        for index, (at, name, is_theirs) in enumerate(talk.lines):
            rest = talk.lines[index + 1 :]
            over = [each for each in closed if each >= at]
            if kind == "quiet_conversation" and not is_theirs:
                if not rest or rest[0][0] - at > patience:
                    yield "", f"message:desk:{name}", at, min([*over, *(line[0] for line in rest)], default=None)
            elif kind == "unanswered_question" and is_theirs and (index == 0 or not talk.lines[index - 1][2]):
                answers = [line[0] for line in rest if not line[2]]
                yield "", f"message:desk:{name}", at, min([*over, *answers], default=None)


def _conditions(world: World, person: Person, name: str, bounds: Mapping[str, Mapping[str, int]]) -> Iterator[Occasion]:
    """Looked at on every event and every midnight, as_of included."""
    signs = _signs(person)
    moments = {at for at, _kind, _cause in signs}
    first = min(moments, default=world.as_of)
    days = (world.day(world.as_of) - world.day(first)).days
    midnights = {world.midnight(world.day(first) + timedelta(days=n)) for n in range(days + 1)}
    began: tuple[datetime, str] | None = None
    before: dict[str, str | None] = dict.fromkeys(bounds)
    for at in sorted(each for each in moments | midnights if first <= each <= world.as_of):
        causes = {fact: _holds(world, person, signs, fact, bound, at) for fact, bound in bounds.items()}
        now = all(cause is not None for cause in causes.values())
        if now and began is None:
            began = (at, max(cause for fact, cause in causes.items() if cause is not None and cause != before[fact]))
        elif began is not None and not now:
            yield Occasion(name, "", began[1], began[0], at)
            began = None
        before = causes
    if began is not None:
        yield Occasion(name, "", began[1], began[0], None)


Sign = tuple[datetime, str, str]


def _signs(person: Person) -> list[Sign]:
    found = [(each.at, each.kind, f"{each.kind}:shop:{each.name}") for each in person.events if not each.is_machine]
    for talk in person.talks:
        found.append((talk.opened_at, "conversation_opened", f"conversation_opened:desk:{talk.name}"))
        found += [(at, "message_inbound", f"message_inbound:desk:{name}") for at, name, theirs in talk.lines if theirs]
    return sorted(found)


def _holds(
    world: World, person: Person, signs: list[Sign], fact: str, bound: Mapping[str, int], at: datetime
) -> str | None:
    """What brought it about where it holds at an instant, else None."""
    past = [sign for sign in signs if sign[0] <= at]
    orders = [sign for sign in past if sign[1] == "order"]
    if fact == "revenue_amount":
        spent = sum(int(each.detail) for each in person.events if each.kind == "order" and each.at <= at)
        return orders[-1][2] if spent >= bound["min"] else None
    if fact.startswith("orders_count"):
        window = int(fact.removeprefix("orders_count_")[:-1]) if fact != "orders_count" else 10_000
        counted = [each for each in orders if (world.day(at) - world.day(each[0])).days <= window]
        return counted[-1][2] if len(counted) >= bound["min"] else None
    if fact == "days_since_first_order":
        broken = orders[:1]
    elif fact == "days_since_last_open":
        first_mail = [(when, kind, cause.replace("message_outbound", "message")) for when, kind, cause in past
                      if kind == "message_outbound"][:1]  # fmt: skip
        opened = [sign for sign in past if sign[1] == "message_opened"]
        broken = sorted(opened + first_mail, key=lambda sign: (sign[0], sign[2]))
    else:
        broken = [sign for sign in past if sign[1] != "message_outbound"]
    if not broken or (world.day(at) - world.day(broken[-1][0])).days < bound["min"]:
        return None
    return broken[-1][2]
