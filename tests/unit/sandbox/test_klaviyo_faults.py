"""The sandbox's Klaviyo when it is asked too often, when it fails, and when its records change under a reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.sandbox.klaviyo_place import (
    HEADERS,
    START,
    Place,
    at,
    campaign,
    event,
    filled,
    klaviyo,
    message,
    profile,
    refusal,
)  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """One place for tests that only ask."""
    with filled() as place:
        yield place


def test_a_second_and_a_minute_hold_so_many_calls_and_no_more() -> None:
    with klaviyo(limits=1.0) as place:
        answers = [place.get("/api/flows") for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-limit"] == "60" and answers[2].headers["ratelimit-remaining"] == "57"
        assert answers[3].headers["retry-after"] == "1" and "ratelimit-limit" not in answers[3].headers
        assert refusal(answers[3]) == (429, "throttled", None)
        assert place.get("/api/metrics").status_code == 200, "every endpoint has windows of its own"
        for second in range(1, 20):
            place.clock.now = START + timedelta(seconds=second)
            assert [place.get("/api/flows").status_code for _ in range(3)] == [200] * 3
        place.clock.now = START + timedelta(seconds=21)
        minute = place.get("/api/flows")
        assert (minute.status_code, minute.headers["retry-after"]) == (429, "39")
        place.clock.now = START + timedelta(seconds=60)
        assert place.get("/api/flows").status_code == 200


def test_predictions_cost_a_lower_rate() -> None:
    with klaviyo(limits=1.0) as place:
        wanted = {"additional-fields[profile]": "predictive_analytics"}
        assert [place.get("/api/profiles", **wanted).status_code for _ in range(11)] == [200] * 10 + [429]
        assert place.get("/api/profiles").status_code == 200


@pytest.mark.parametrize(
    ("fault", "options", "expected", "retry_after"),
    [
        ("too_many_requests", {"seconds": 3}, (429, "throttled", None), "3"),
        ("missing_revision", {}, (400, "invalid", "revision"), None),
        ("retired_revision", {}, (410, "gone", "revision"), None),
        ("service_unavailable", {}, (503, "service_unavailable", None), None),
        ("service_unavailable", {"status": 524}, (524, "service_unavailable", None), None),
    ],
)
def test_an_armed_fault_is_met_once(
    shared: Place, fault: str, options: dict[str, Any], expected: tuple[int, str, str | None], retry_after: str | None
) -> None:
    shared.sandbox.arm("klaviyo", fault, match="/api/metrics", **options)
    answer = shared.get("/api/metrics")
    assert refusal(answer) == expected and answer.headers.get("retry-after") == retry_after
    assert shared.get("/api/metrics").status_code == 200


def test_a_cursor_may_go_stale(shared: Place) -> None:
    link = shared.get("/api/profiles").json()["links"]["next"]
    shared.sandbox.arm("klaviyo", "invalid_cursor", match="cursor")
    assert refusal(shared.client.get(link, headers=HEADERS)) == (400, "invalid", "page[cursor]")
    assert shared.client.get(link, headers=HEADERS).status_code == 200


@pytest.mark.parametrize("path", ["/api/profiles", "/api/events"])
def test_pages_can_be_repeated_skipped_halved_and_emptied(shared: Place, path: str) -> None:
    size = {"page[size]": "4", "sort": "updated" if "profiles" in path else "datetime"}
    whole = shared.walk(path, **size)
    shared.sandbox.arm("klaviyo", "page_repeated", match=path)
    assert shared.walk(path, **size) == [whole[0], *whole]
    shared.sandbox.arm("klaviyo", "page_repeated", match=path, after=1)
    assert shared.walk(path, **size) == [whole[0], whole[1], *whole[1:]]
    shared.sandbox.arm("klaviyo", "page_skipped", match=path)
    assert shared.walk(path, **size) == [whole[0], *whole[2:]]
    shared.sandbox.arm("klaviyo", "page_half", match=path, after=1)
    assert shared.walk(path, **size) == [whole[0], whole[1][:2]]
    shared.sandbox.arm("klaviyo", "page_empty", match=path, after=1)
    assert shared.walk(path, **size) == [whole[0], []]


def test_events_that_come_in_behind_the_cursor_are_missed_and_those_ahead_are_not() -> None:
    with klaviyo() as place:
        place.api.seed("events", [event(number, "P000", 5) for number in range(10, 20)])
        first = place.get("/api/events", **{"page[size]": "5", "sort": "datetime"}).json()
        place.api.seed("events", [event(number, "P000", 5) for number in (9, 12, 25)])
        rest = place.client.get(first["links"]["next"], headers=HEADERS).json()
        assert [each["id"] for each in rest["data"]] == [f"E{number:05d}" for number in range(15, 20)]
        last = place.client.get(rest["links"]["next"], headers=HEADERS).json()
        assert [each["id"] for each in last["data"]] == ["E00025"]
        assert len(place.api.held()["events"]) == 12


def test_a_changed_profile_counts_and_an_older_state_does_not() -> None:
    with klaviyo() as place:
        place.api.seed("profiles", [profile(1, updated=5), profile(1, updated=9, first_name="New")])
        assert place.api.seed("profiles", [profile(1, updated=7, first_name="Old")]) == 1
        assert place.get("/api/profiles/P001").json()["data"]["attributes"]["first_name"] == "New"


def test_a_merged_profile_is_gone_and_its_events_belong_to_the_kept_one() -> None:
    with klaviyo() as place:
        place.api.seed("profiles", [profile(1), profile(2)])
        place.api.seed("events", [event(1, "P001", 1), event(2, "P002", 2)])
        gone = {"profiles": {"data": [{"type": "profile", "id": "P002"}]}}
        place.api.seed("profile-merges", [{"id": "P001", "relationships": gone, "updated": at(50)}])
        assert refusal(place.get("/api/profiles/P002")) == (404, "not_found", None)
        assert place.get("/api/profiles/P001").json()["data"]["attributes"]["updated"] == at(50)
        assert place.walk("/api/events", filter='equals(profile_id,"P001")', sort="datetime") == [["E00001", "E00002"]]


def test_a_deleted_profile_leaves_events_of_nobody() -> None:
    with klaviyo() as place:
        place.api.seed("profiles", [profile(1)])
        place.api.seed("events", [event(1, "P001", 1)])
        assert place.api.seed("profile-deletions", [{"id": "P001"}]) == 0
        (left,) = place.get("/api/events", include="profile").json()["data"]
        assert left["relationships"]["profile"] == {"data": None}


def test_an_archived_campaign_says_so() -> None:
    with klaviyo() as place:
        place.api.seed("campaign-messages", [message("e1", "email")])
        archived = campaign("CE", "e1")
        archived["attributes"] |= {"archived": True, "updated_at": at(9)}
        place.api.seed("campaigns", [campaign("CE", "e1"), archived])
        email = "equals(messages.channel,'email')"
        assert place.walk("/api/campaigns", filter=f"{email},equals(archived,true)") == [["CE"]]
        assert place.walk("/api/campaigns", filter=f"{email},equals(archived,false)") == [[]]


def test_twenty_five_thousand_events_of_one_second_page_quickly_and_whole() -> None:
    with klaviyo() as place:
        place.api.seed("events", [event(number, "P000", 5) for number in range(25_001)])
        began = datetime.now(UTC)
        only = "greater-or-equal(datetime,2026-01-01T00:00:05Z)"
        pages = place.walk("/api/events", filter=only, sort="datetime", **{"page[size]": "1000"})
        assert len({each for ids in pages for each in ids}) == 25_001 and len(pages) == 26
        assert (datetime.now(UTC) - began).total_seconds() < 8
