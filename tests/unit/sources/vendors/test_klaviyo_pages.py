"""What is found in the text of a Klaviyo page without parsing it, against the page parsed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.klaviyo.api import KlaviyoApi
from perennial.sources.api.answers import Reply, Unusable
from perennial.sources.klaviyo import pages
from tests.unit.sources.vendors.klaviyo_account import account, assert_whole, fill

NEXT = "https://a.klaviyo.com/api/events?page%5Bcursor%5D=bmV4dA"
TRICKY = '],"links":{"next":null}} {"type":"event","id":"no"} "attributes": \\'


def item(number: int, **properties: Any) -> dict[str, Any]:
    links = {"self": f"https://a.klaviyo.com/api/events/E{number}/"}
    return {
        "type": "event",
        "id": f"E{number}",
        "attributes": {"datetime": "2026-02-01T09:00:00+00:00", "event_properties": properties},
        "relationships": {"profile": {"data": {"type": "profile", "id": "P1"}}, "attributions": {"data": []}},
        "links": links,
    }


def page(items: list[dict[str, Any]], following: str | None = NEXT, **more: Any) -> dict[str, Any]:
    links = {"self": "https://a.klaviyo.com/api/events?page[cursor]=1", "next": following, "prev": None}
    return {"data": items, **more, "links": links}


MANY = [item(number) for number in range(40)]
BUILT_AS_EXPECTED = {
    "many items": page(MANY),
    "the last page": page(MANY, None),
    "texts that look like the page itself": page([item(number, text=TRICKY) for number in range(40)]),
}
BUILT_OTHERWISE = {
    "no items": page([]),
    "few items": page(MANY[:3]),
    "links before the items": dict(reversed(page(MANY).items())),
    "an item whose id stands before its type": page([*MANY[:5], dict(reversed(item(5).items())), *MANY[6:]]),
    "an item's own object that looks like an item": page([item(0, told={"type": "event", "id": "E9"}), *MANY[1:]]),
    "an item's own attributes": page([item(0, attributes={"attributes": 1}), *MANY[1:]]),
    "an object among the links": page(MANY) | {"links": {"next": {"href": NEXT}}},
    "links without a next one behind the items": {"data": MANY, "included": [], "links": {"self": "x", "next": None}},
}


def reply(content: bytes) -> Reply:
    return Reply(200, {}, content, datetime(2026, 2, 1, tzinfo=UTC))


def compact(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


@pytest.mark.parametrize("kind", [*BUILT_AS_EXPECTED, *BUILT_OTHERWISE])
@pytest.mark.parametrize("write", [compact, lambda content: json.dumps(content, indent=1).encode()])
def test_a_page_is_told_as_it_is_however_it_is_built(kind: str, write: Any) -> None:
    content = {**BUILT_AS_EXPECTED, **BUILT_OTHERWISE}[kind]
    names = [each["id"] for each in content["data"]]
    glance, following = pages.glance(reply(write(content)), "event")
    watched = list(glance.watched)
    assert following == content["links"]["next"]
    assert glance.count == len(content["data"])
    assert watched == content["data"][: len(watched)]
    assert pages.WATCHED >= len(watched) >= min(pages.WATCHED - 1, len(content["data"]))
    assert pages.ids(reply(write(content)), "event") == (names, content["links"]["next"])


@pytest.mark.parametrize("kind", BUILT_AS_EXPECTED)
def test_a_page_built_as_expected_is_not_parsed_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = reply(compact(BUILT_AS_EXPECTED[kind]))
    monkeypatch.setattr(Reply, "json", lambda self: pytest.fail("parsed whole"))
    assert pages.glance(content, "event")[0].count == len(MANY)
    pages.ids(content, "event")


@pytest.mark.parametrize("cut", [1, 2, 40, 4_000])
def test_a_page_that_breaks_off_is_none(cut: int) -> None:
    content = compact(page(MANY))[:-cut]
    for read in (pages.glance, pages.ids, pages.whole):
        with pytest.raises(Unusable):
            read(reply(content), "event")


def test_errors_are_no_page() -> None:
    for read in (pages.glance, pages.ids, pages.whole):
        with pytest.raises(Unusable):
            read(reply(compact({"errors": [{"code": "x"}]})), "event")


class Damaged(KlaviyoApi):
    """An account whose first page of events came damaged in the middle, once."""

    was_damaged = False

    def handle(self, asked: Asked) -> Answer:
        answer = super().handle(asked)
        if asked.path == "/api/events" and "fields" not in asked.query and not self.was_damaged:
            self.was_damaged = True
            middle = answer.body().replace(b'"id":"E000030"', b'"id":"E000030', 1)
            return Answer(200, middle, content_type=answer.content_type)
        return answer


def test_a_page_damaged_in_its_middle_lands_nothing_and_is_asked_for_anew(tmp_path: Path) -> None:
    api = Damaged(limits=10_000)
    fill(api)
    with account(tmp_path, api, page_size=100) as world:
        report = world.land()
        assert api.was_damaged
        assert report.reason is not None and "cannot be read" in report.reason
        assert "canary" not in report.reason
        world.land_well()
        assert_whole(world)
