"""Going through a store's lists while they move: one walk is enough, and it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from perennial.sources.api.http import Reply
from perennial.sources.base import ShapeChanged, SourceFailed, SourceUnavailable
from perennial.sources.woocommerce.walk import ByTime, by_id, by_time

START = datetime(2026, 1, 5, 12)


class List:
    """A store's list. `then`: what happens to its records after each request."""

    def __init__(
        self, count: int, then: Callable[[int, list[dict[str, Any]]], None] = lambda number, rows: None
    ) -> None:
        self.rows = [{"id": n, "date_modified_gmt": moment(n)} for n in range(1, count + 1)]
        self.asked: list[Mapping[str, Any]] = []
        self._then = then

    def __call__(self, params: Mapping[str, Any]) -> Reply:
        self.asked.append(params)
        after, before = params.get("modified_after", ""), params.get("modified_before", "9")
        rows = [row for row in self.rows if after < row["date_modified_gmt"] < before]
        by = {"id": lambda row: row["id"], "modified": lambda row: (row["date_modified_gmt"], row["id"])}
        rows = sorted(rows, key=by[params["orderby"]])[params.get("offset", 0) :][: params["per_page"]]
        content = orjson.dumps(rows)
        self._then(len(self.asked), self.rows)
        return Reply(200, {}, content, datetime.now(UTC))


def moment(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def ids(store: List, **more: Any) -> list[int]:
    pieces = by_id(store, {}, 10, more.get("place"))
    return [record["id"] for piece in pieces for record in piece.records]


def times(store: List, since: datetime | None = None, until: datetime | None = None) -> list[int]:
    pieces = by_time(store, ByTime(), 10, since, until, None)
    return [record["id"] for piece in pieces for record in piece.records]


def test_a_walk_by_id_misses_nothing_when_records_before_its_place_go() -> None:
    def go(number: int, rows: list[dict[str, Any]]) -> None:
        if number in (1, 2):
            del rows[:7]

    assert set(ids(List(60, go))) >= set(range(15, 61))


def test_a_walk_by_id_goes_far_enough_back_when_most_of_a_list_goes() -> None:
    def go(number: int, rows: list[dict[str, Any]]) -> None:
        if number == 4:
            del rows[:35]

    assert set(ids(List(60, go))) == set(range(1, 61))


def test_a_walk_by_id_gives_up_on_a_page_that_brings_nothing_new() -> None:
    store = List(60)
    with pytest.raises(SourceUnavailable, match="nothing new"):
        ids(lambda params: List.__call__(store, {**params, "offset": 0}))  # type: ignore[arg-type]


def test_a_walk_by_time_misses_nothing_when_records_already_read_change() -> None:
    def change(number: int, rows: list[dict[str, Any]]) -> None:
        for row in rows[:5] if number < 4 else ():
            row["date_modified_gmt"] = moment(100 + number)

    found = times(List(60, change))
    assert set(found) == set(range(1, 61))
    assert set(found[-5:]) == {1, 2, 3, 4, 5}  # read again, as they are now


def test_a_walk_by_time_misses_nothing_when_records_of_a_full_second_change() -> None:
    def change(number: int, rows: list[dict[str, Any]]) -> None:
        if number == 1:
            for row in rows[5:50]:
                row["date_modified_gmt"] = moment(40)
        if number in (4, 5):
            for row in rows[6 + number : 10 + number]:
                row["date_modified_gmt"] = moment(200 + number)

    found = times(List(60, change))
    assert set(found) == set(range(1, 61))


def test_a_walk_by_time_begins_with_its_window_and_ends_before_it_does() -> None:
    since, until = START + timedelta(seconds=10), START + timedelta(seconds=35)
    assert set(times(List(60), since, until)) == set(range(10, 35))
    half = timedelta(milliseconds=500)
    assert set(times(List(60), since + half, until + half)) == set(range(10, 36))  # stores know whole seconds


def test_every_place_of_a_walk_leads_on_to_the_rest() -> None:
    store = List(60)
    for row in store.rows[20:45]:
        row["date_modified_gmt"] = moment(45)
    seen: set[int] = set()
    for piece in by_time(store, ByTime(), 10, None, None, None):
        seen |= {record["id"] for record in piece.records}
        if piece.place is not None:
            place = orjson.loads(orjson.dumps(piece.place))
            rest = {record["id"] for each in by_time(store, ByTime(), 10, None, None, place) for record in each.records}
            assert seen | rest == set(range(1, 61))


def test_a_store_that_does_not_know_the_bound_or_the_order_is_told_apart() -> None:
    store = List(60)
    with pytest.raises(SourceFailed, match=r"5\.8"):
        times(lambda params: store({name: text for name, text in params.items() if name != "modified_after"}))  # type: ignore[arg-type]
    with pytest.raises(SourceFailed, match="does not keep the order by modified"):
        store.rows[3]["date_modified_gmt"] = moment(50)
        times(lambda params: store({**params, "orderby": "id"}))  # type: ignore[arg-type]
    with pytest.raises(ShapeChanged, match="column date_modified_gmt"):
        times(lambda params: Reply(200, {}, b'[{"id": 1}]', datetime.now(UTC)))  # type: ignore[arg-type]
    with pytest.raises(SourceFailed, match="not a list"):
        times(lambda params: Reply(200, {}, b"{}", datetime.now(UTC)))  # type: ignore[arg-type]
