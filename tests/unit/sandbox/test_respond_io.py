"""The respond.io sandbox over real HTTP: what it refuses, how it pages, how often it may be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from perennial.sandbox.respond_io.api import TOKEN, RespondIoApi
from perennial.sandbox.server import Sandbox
from tests.unit.sandbox.respond_io_place import (
    ANYBODY,
    Place,
    code,
    contact,
    message,
    serving,
    workspace,
)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, Sandbox]]:
    with serving() as found:
        yield found


@pytest.fixture
def place(address: tuple[str, Sandbox]) -> Iterator[Place]:
    with workspace(*address) as found:
        yield found


def test_without_the_token_nothing_is_answered(place: Place) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}):
        answer = place.client.get("/v2/space/user", headers=headers)
        assert code(answer) == (401, {"code": 401, "message": "Unauthorized"})


def test_without_the_version_nothing_is_found(place: Place) -> None:
    for path in ("/space/user", "/v1/space/user", "/v2/space/nothing", "/v2"):
        assert code(place.client.get(path)) == (404, {"code": 404, "message": "Not found"})


@pytest.mark.parametrize("limit", ["0", "101", "ten"])
def test_a_limit_outside_1_to_100_is_refused(place: Place, limit: str) -> None:
    assert place.client.get("/v2/space/user", params={"limit": limit}).status_code == 400
    assert place.client.post("/v2/contact/list", params={"limit": limit}, json=ANYBODY).status_code == 400


def test_ten_come_where_no_limit_is_asked_for(place: Place) -> None:
    place.api.seed("contacts", [contact(number) for number in range(1, 13)])
    assert len(place.listed()["items"]) == 10


def test_contacts_are_walked_by_absolute_links_with_the_same_body_and_each_comes_once(place: Place) -> None:
    place.api.seed("contacts", [contact(number) for number in range(250, 0, -1)])
    first = place.listed(limit=100)
    assert first["pagination"]["next"].startswith(f"{place.client.base_url}v2/contact/list?limit=100&cursorId=")
    assert first["pagination"]["previous"] is None
    assert [each["id"] for each in place.walk(first, posts=True)] == list(range(1, 251))


def test_the_page_before_is_asked_for_with_a_negative_cursor(place: Place) -> None:
    place.api.seed("contacts", [contact(number) for number in range(1, 8)])
    second = place.listed(limit=3, cursorId=3)
    assert [each["id"] for each in second["items"]] == [4, 5, 6]
    before = place.client.post(second["pagination"]["previous"], json=ANYBODY).json()
    assert [each["id"] for each in before["items"]] == [1, 2, 3]


def test_behind_the_last_record_there_is_an_empty_page(place: Place) -> None:
    place.api.seed("contacts", [contact(1)])
    place.api.seed("messages", [message(20)])
    nothing = {"items": [], "pagination": {"next": None, "previous": None}}
    assert place.listed(cursorId=1) == nothing
    assert place.client.get("/v2/contact/id:1/message/list", params={"cursorId": 20}).json() == nothing


def test_contacts_added_between_pages_leave_the_walk_whole(place: Place) -> None:
    place.api.seed("contacts", [contact(number) for number in range(1, 7)])
    first = place.listed(limit=3)
    place.api.seed("contacts", [contact(7), contact(8)])
    assert [each["id"] for each in place.walk(first, posts=True)] == list(range(1, 9))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"timezone": "UTC"}, "filter must be an object"),
        ({"timezone": "Mars/Olympus", "filter": {}}, "timezone must be a valid time zone"),
        ({"filter": {}}, "timezone should not be empty"),
        ({**ANYBODY, "updated_since": 1}, "property updated_since should not exist"),
        ({"timezone": "UTC", "filter": {"$not": []}}, "filter must hold $and or $or lists"),
        ({"timezone": "UTC", "filter": {"$and": [{"category": "x"}]}}, "category must be one of"),
        (
            {"timezone": "UTC", "filter": {"$and": [{"category": "contactField", "field": "email", "operator": "is"}]}},
            "operator must be one of",
        ),
    ],
)
def test_a_body_the_vendor_does_not_take_is_refused_with_its_reason(place: Place, body: Any, said: str) -> None:
    answer = place.client.post("/v2/contact/list", json=body)
    assert answer.status_code == 400 and said in answer.json()["message"]


def test_a_body_that_is_not_json_is_refused(place: Place) -> None:
    for sent in ({"content": b"{"}, {"data": {"search": ""}}):
        headers = {"Content-Type": "application/json"} if "content" in sent else {}
        assert place.client.post("/v2/contact/list", headers=headers, **sent).status_code == 400  # type: ignore[arg-type]


FIELD, TAG, STAGE = ({"category": name, "field": None} for name in ("contactField", "contactTag", "lifecycle"))


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ({**FIELD, "field": "email", "operator": "isEqualTo", "value": "person2@example.com"}, [2]),
        ({**FIELD, "field": "email", "operator": "isNotEqualTo", "value": "x"}, [1, 2, 3]),
        ({**FIELD, "field": "created_at", "operator": "isTimestampAfter", "value": "1700000001"}, [2, 3]),
        ({**FIELD, "field": "created_at", "operator": "isTimestampBefore", "value": "2023-11-14T22:13:22"}, [1]),
        ({**FIELD, "field": "plan", "operator": "exists"}, [3]),
        ({**FIELD, "field": "plan", "operator": "doesNotExist"}, [1, 2]),
        ({**TAG, "operator": "hasAnyOf", "value": ["vip", "old"]}, [1, 2]),
        ({**TAG, "operator": "hasAllOf", "value": ["vip", "old"]}, [2]),
        ({**TAG, "operator": "hasNoneOf", "value": ["old"]}, [1, 3]),
        ({**STAGE, "operator": "isEqualTo", "value": "Customer"}, [3]),
    ],
)  # fmt: skip
def test_a_filter_lets_through_whom_it_names(place: Place, condition: dict[str, Any], ids: list[int]) -> None:
    place.api.seed("lifecycles", [{"name": "Customer"}])
    place.api.seed("contacts", [
        contact(1, tags=["vip"]), contact(2, tags=["vip", "old"]),
        contact(3, lifecycle="Customer", custom_fields=[{"name": "plan", "value": "gold"}]),
    ])  # fmt: skip
    body = {**ANYBODY, "filter": {"$and": [condition]}}
    answer = place.client.post("/v2/contact/list", json=body)
    assert [each["id"] for each in answer.json()["items"]] == ids


def test_a_search_looks_at_names_phones_and_addresses(place: Place) -> None:
    place.api.seed("contacts", [contact(1), contact(2)])
    answer = place.client.post("/v2/contact/list", json={**ANYBODY, "search": "PERSON2@"})
    assert [each["id"] for each in answer.json()["items"]] == [2]


def test_a_contact_is_found_by_id_address_and_escaped_phone(place: Place) -> None:
    place.api.seed("contacts", [contact(1), contact(2)])
    for identifier in ("id:2", "email:person2@example.com", "email%3Aperson2%40example.com", "phone:%2B14155550002"):
        assert place.client.get(f"/v2/contact/{identifier}").json()["id"] == 2
    place.clock.at += timedelta(seconds=1)
    assert code(place.client.get("/v2/contact/id:9")) == (404, {"code": 404, "message": "Contact not found"})
    assert place.client.get("/v2/contact/2").status_code == 400


def test_messages_come_the_newest_first_and_the_oldest_of_a_page_is_the_cursor(place: Place) -> None:
    place.api.seed("contacts", [contact(1), contact(2)])
    place.api.seed("messages", [*(message(number) for number in (30, 10, 50, 20, 40)), message(60, 2)])
    first = place.client.get("/v2/contact/id:1/message/list", params={"limit": 2}).json()
    assert first["pagination"]["next"].endswith("/v2/contact/id:1/message/list?limit=2&cursorId=40")
    assert [each["messageId"] for each in place.walk(first, posts=False)] == [50, 40, 30, 20, 10]
    assert place.client.get("/v2/contact/id:1/message/30").json()["channelMessageId"] == "c30"
    assert place.client.get("/v2/contact/id:1/message/60").status_code == 404


def test_the_channels_of_a_contact_tell_when_it_last_wrote(place: Place) -> None:
    place.api.seed("contacts", [contact(1)])
    place.api.seed("channels", [{"id": 7, "name": "Shop", "source": "whatsapp_cloud", "created_at": 1}])
    at = 1_700_000_000_000_000
    place.api.seed("messages", [message(at), message(at + 5_000_000, traffic="outgoing")])
    (channel,) = place.client.get("/v2/contact/id:1/channels").json()["items"]
    assert (channel["source"], channel["lastMessageTime"], channel["lastIncomingMessageTime"]) == (
        "whatsapp_cloud", 1_700_000_005_000, 1_700_000_000_000,
    )  # fmt: skip


def test_the_workspace_is_listed_page_by_page(place: Place) -> None:
    notes = [{"category": name, "description": ""} for name in ("solved", "spam", "no reply")]
    place.api.seed("closing_notes", notes)
    first = place.client.get("/v2/space/closing_notes", params={"limit": 2}).json()
    assert place.walk(first, posts=False) == notes
    for name in ("user", "channel", "tag", "custom_field"):
        place.api.seed(f"{name}s", [{"id": 2, "name": "b"}, {"id": 1, "name": "a"}])
        assert [each["id"] for each in place.client.get(f"/v2/space/{name}").json()["items"]] == [1, 2]


def test_a_call_may_be_made_five_times_a_second_and_another_call_has_a_count_of_its_own(place: Place) -> None:
    statuses = [place.client.get("/v2/space/user").status_code for _ in range(5)]
    refused = place.client.get("/v2/space/user")
    assert statuses == [200] * 5 and code(refused) == (429, {"code": 429, "message": "Too many requests"})
    assert (refused.headers["Retry-After"], refused.headers["X-RateLimit-Limit"]) == ("1", "5")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert place.client.get("/v2/space/tag").headers["X-RateLimit-Remaining"] == "4"
    place.clock.at += timedelta(seconds=1)
    assert place.client.get("/v2/space/user").status_code == 200


def test_limits_can_be_widened(place: Place) -> None:
    wide = RespondIoApi(limits=20)
    place.sandbox.vendors = {wide.name: wide}
    assert {place.client.get("/v2/space/user").status_code for _ in range(40)} == {200}


def test_armed_refusals_come_in_the_vendors_form(place: Place) -> None:
    place.sandbox.arm("respond_io", "too_many_requests", seconds=3)
    place.sandbox.arm("respond_io", "request_queued")
    answer = place.client.get("/v2/space/user")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "3"
    assert place.client.get("/v2/space/user").status_code == 449
    assert place.client.get("/v2/space/user").status_code == 200


@pytest.mark.parametrize(
    ("fault", "ids"),
    [
        ("page_repeated", [1, 2, 1, 2, 3, 4, 5]),
        ("page_skipped", [1, 2, 5]),
        ("page_half", [1]),
        ("page_empty", []),
    ],
)
def test_pages_of_contacts_and_messages_go_wrong_when_armed(place: Place, fault: str, ids: list[int]) -> None:
    place.api.seed("contacts", [contact(number) for number in range(1, 6)])
    place.api.seed("messages", [message(10 * number) for number in range(1, 6)])
    place.sandbox.arm("respond_io", fault)
    assert [each["id"] for each in place.walk(place.listed(limit=2), posts=True)] == ids
    place.sandbox.arm("respond_io", fault)
    first = place.client.get("/v2/contact/id:1/message/list", params={"limit": 2}).json()
    assert [each["messageId"] for each in place.walk(first, posts=False)] == [60 - 10 * each for each in ids]


def test_a_deleted_contact_is_gone_without_a_word(place: Place) -> None:
    place.api.seed("contacts", [contact(1), contact(2)])
    place.api.seed("contacts", [{"id": 1, "_deleted": True}])
    assert [each["id"] for each in place.listed()["items"]] == [2]
    assert place.client.get("/v2/contact/id:1").status_code == 404


def test_a_merged_contacts_messages_are_the_others(place: Place) -> None:
    place.api.seed("contacts", [contact(1), contact(2)])
    place.api.seed("messages", [message(10, 1), message(20, 2)])
    place.api.seed("contacts", [{"id": 1, "_merged_into": 2}])
    items = place.client.get("/v2/contact/id:2/message/list").json()["items"]
    assert [(each["messageId"], each["contactId"]) for each in items] == [(20, 2), (10, 2)]
    assert place.client.get("/v2/contact/id:1").status_code == 404


def test_an_older_record_does_not_replace_a_newer_one(place: Place) -> None:
    place.api.seed("contacts", [contact(1, firstName="New", _changed_at=200)])
    place.api.seed("contacts", [contact(1, firstName="Old", _changed_at=100)])
    assert place.client.get("/v2/contact/id:1").json()["firstName"] == "New"
    assert "_changed_at" not in place.client.get("/v2/contact/id:1").json()


def test_a_lifecycle_stage_must_exist_and_a_change_is_told_of(place: Place) -> None:
    place.api.seed("lifecycles", [{"name": "Customer"}])
    place.api.seed("contacts", [contact(1, lifecycle="Lead")])
    path = "/v2/contact/id:1/lifecycle/update"
    assert place.client.post(path, json={"name": "Nonsense"}).status_code == 404
    wrong = {**ANYBODY, "filter": {"$and": [
        {"category": "lifecycle", "field": None, "operator": "isEqualTo", "value": "Nonsense"}]}}  # fmt: skip
    assert place.client.post("/v2/contact/list", json=wrong).json() == {"code": 404, "message": "Lifecycle not found"}
    assert place.client.post(path, json={"name": "Customer"}).status_code == 200
    (told,) = place.api.webhooks(events=["contact.lifecycle.updated"])
    body = json.loads(told.body)
    assert (body["lifecycle"], body["oldLifecycle"], body["contact"]["id"]) == ("Customer", "Lead", 1)
    place.sandbox.arm("respond_io", "unknown_lifecycle")
    assert place.client.post(path, json={"name": "Customer"}).status_code == 404
