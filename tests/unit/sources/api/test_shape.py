"""Schema drift, case by case: the table of docs/sources.md."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perennial.sources.api.shape import Drift, Optional, OptionalList, Shape, compare

ITEM = {
    "id": "text",
    "amount": "number",
    "is_open": "boolean",
    "note": "text?",
    "anything": "any",
    "customer": {"id": "text", "address": Optional(country="text")},
    "lines": [{"id": "text", "price": {"amount": "text"}}],
    "tags": OptionalList(["text"]),
}


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1", "amount": 2.5, "is_open": True, "note": None, "anything": {"a": 1},
        "customer": {"id": "7", "address": {"country": "GB"}},
        "lines": [{"id": "1", "price": {"amount": "9.99"}}, {"id": "2", "price": {"amount": "1.00"}}],
        "tags": ["a"], **changes,
    }  # fmt: skip


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in item().items() if key != name}


def seen(*items: Any) -> Shape:
    shape = Shape()
    shape.observe(items)
    return shape


def drift(*items: Any, known: list[str] | None = None) -> Drift:
    return compare(seen(*items), ITEM, seen(item()).known() if known is None else known)


NOTHING = Drift()
KEPT: dict[str, dict[str, Any]] = {
    "as it was": item(),
    "reordered": dict(reversed(item().items())),
    "a number as a text": item(amount="2.50"),
    "a text as a number": item(id=1),
    "null everywhere": dict.fromkeys(item()),
    "an optional text left out": without("note"),
    "an optional list left out": without("tags"),
    "an optional object left out": item(customer={"id": "7"}),
    "an empty list": item(lines=[], tags=[]),
    "anything else where anything goes": item(anything=["x"]),
    "an object that is null": item(customer=None),
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_does_not_matter_is_no_drift(kind: str) -> None:
    assert drift(KEPT[kind]) == NOTHING


CHANGED: dict[str, tuple[dict[str, Any], Drift]] = {
    "a new column": (item(extra=1), Drift(new=("extra",))),
    "a new object, as one piece of news": (item(extra={"a": {"b": 1}, "c": [1]}), Drift(new=("extra",))),
    "a new list of objects": (item(extra=[{"a": 1}]), Drift(new=("extra",))),
    "a new column below": (item(customer={"id": "7", "address": None, "vip": True}), Drift(new=("customer.vip",))),
    "a new column in a list": (
        item(lines=[{"id": "1", "price": {"amount": "1"}, "sku": 1}]), Drift(new=("lines[].sku",))),
    "a vanished column": (without("amount"), Drift(vanished=("amount",))),
    "a vanished object": (without("customer"), Drift(vanished=("customer",))),
    "a vanished list": (without("lines"), Drift(vanished=("lines",))),
    "a column vanished below": (item(customer={"address": None}), Drift(vanished=("customer.id",))),
    "a column vanished in a list": (item(lines=[{"price": {"amount": "1"}}]), Drift(vanished=("lines[].id",))),
    "a column vanished far below": (item(lines=[{"id": "1", "price": {}}]), Drift(vanished=("lines[].price.amount",))),
    "a renamed column": (without("amount") | {"total": 1}, Drift(new=("total",), vanished=("amount",))),
    "a column in another case": (without("amount") | {"Amount": 1}, Drift(new=("Amount",), vanished=("amount",))),
    "a text that is an object": (item(id={"gid": 1}), Drift(new=("id.gid",), retyped=("id (text, now object)",))),
    "a text that is a list": (item(id=["1"]), Drift(retyped=("id (text, now list)",))),
    "a text that is a boolean": (item(note=True), Drift(retyped=("note (text, now boolean)",))),
    "a number that is a boolean": (item(amount=True), Drift(retyped=("amount (number, now boolean)",))),
    "a boolean that is a text": (item(is_open="yes"), Drift(retyped=("is_open (boolean, now text)",))),
    "a boolean that is a number": (item(is_open=1), Drift(retyped=("is_open (boolean, now number)",))),
    "an object that is a text": (item(customer="7"), Drift(retyped=("customer (object, now text)",))),
    "an object that is a list": (item(customer=[{"id": "7"}]), Drift(
        new=("customer[].id",), retyped=("customer (object, now list)",))),
    "a list that is an object": (item(lines={"id": "1"}), Drift(
        new=("lines.id",), retyped=("lines (list, now object)",))),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGED)
def test_what_matters_is_drift_by_the_name_of_the_column(kind: str) -> None:
    changed, wanted = CHANGED[kind]
    assert drift(changed) == wanted


def test_one_item_of_another_kind_among_many_is_found() -> None:
    assert drift(*[item() for _ in range(99)], item(id={"a": 1})).retyped == ("id (text, now object)",)


def test_a_column_that_some_items_leave_out_has_not_vanished() -> None:
    assert drift(item(), without("amount")) == NOTHING


def test_nothing_is_new_on_the_first_load() -> None:
    assert compare(seen(item(extra=1)), ITEM, None) == NOTHING


def test_a_first_load_misses_what_it_needs_all_the_same() -> None:
    assert compare(seen(without("id")), ITEM, None).vanished == ("id",)


def test_no_items_are_no_drift() -> None:
    assert compare(Shape(), ITEM, ["id"]) == NOTHING


def test_what_is_needed_is_no_news_where_it_comes_for_the_first_time() -> None:
    known = seen(item(lines=[], customer=None)).known()
    assert drift(item(), known=known) == NOTHING


def test_an_object_that_never_came_is_not_looked_into() -> None:
    assert drift(item(customer=None), item(customer=None)) == NOTHING


def test_money_in_the_lines_of_a_refund_is_deep_and_is_looked_at() -> None:
    """The deepest that a vendor's schema goes here: orders[].refunds[].lines.edges[].node.price.money.amount."""
    deep: Any = {"refunds": [{"lines": {"edges": [{"node": {"price": {"money": {"amount": "text"}}}}]}}]}
    right = {"refunds": [{"lines": {"edges": [{"node": {"price": {"money": {"amount": "1"}}}}]}}]}
    wrong = {"refunds": [{"lines": {"edges": [{"node": {"price": {"money": {"sum": "1"}}}}]}}]}
    assert compare(seen(right), deep, None) == NOTHING
    assert compare(seen(wrong), deep, None).vanished == ("refunds[].lines.edges[].node.price.money.amount",)


def test_what_was_seen_survives_as_json() -> None:
    shape = seen(item(extra=None), item(id=5))
    again = Shape.of(json.loads(json.dumps(shape.noted())))
    assert again == shape
    again.observe([item(id=["x"])])
    assert compare(again, ITEM, None).retyped == ("id (text, now list)",)


DATA_FOR_KEYS = ["canary-1@leak.test", "+44 1632 960 001", "441632960001", "01632-960-001", "x" * 101, "2026-11-20"]


@pytest.mark.parametrize("key", DATA_FOR_KEYS)
def test_a_key_that_is_data_is_not_told(key: str) -> None:
    shape = seen(item(by_person={key: {"visits": 1}}))
    assert "by_person.*.visits" in shape.known()
    assert key not in json.dumps(shape.noted())
    assert drift(item(by_person={key: {"visits": 1}})).new == ("by_person",)


@pytest.mark.parametrize("key", ["$value", "Item 1", "first-name", "hs_v2_latest", "größe", "a.b"])
def test_a_key_that_is_a_word_is_told(key: str) -> None:
    assert drift(item(**{key: 1})).new == (key,)


def test_many_keys_that_are_data_are_one_path() -> None:
    shape = seen(item(by_id={str(10_000_000 + number): number for number in range(1000)}))
    assert [each for each in shape.known() if each.startswith("by_id")] == ["by_id", "by_id.*"]


def test_what_is_deeper_than_anything_needed_is_not_walked() -> None:
    endless: dict[str, Any] = {}
    inner = endless
    for _ in range(100):
        inner["a"] = {}
        inner = inner["a"]
    assert len(seen(endless).known()) <= 12
