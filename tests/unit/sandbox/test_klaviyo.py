"""The sandbox's Klaviyo over real HTTP: who may ask, what each call allows, filters, pages, fields, inclusion."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.unit.sandbox.klaviyo_place import HEADERS, TOKEN, Place, filled, klaviyo, profile, refusal, suppressed


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """One place for tests that only ask."""
    with filled() as place:
        yield place


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": "Klaviyo-API-Key other"}, (401, "not_authenticated", None)),
        ({"Authorization": TOKEN}, (401, "not_authenticated", None)),
        ({"revision": ""}, (400, "invalid", "revision")),
        ({"revision": "newest"}, (400, "invalid", "revision")),
        ({"revision": "2023-02-22"}, (410, "gone", "revision")),
        ({"revision": "2026-10-16"}, (404, "not_found", "revision")),
        ({"Accept": "text/html"}, (406, "not_acceptable", None)),
    ],
)
def test_a_call_without_its_headers_is_refused(
    shared: Place, headers: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    assert refusal(shared.ask("/api/profiles", {**HEADERS, **headers})) == expected


def test_a_revision_that_is_not_sent_at_all_is_refused(shared: Place) -> None:
    kept = {name: value for name, value in HEADERS.items() if name != "revision"}
    answer = shared.client.get(f"{shared.root}/klaviyo/api/profiles", headers=kept)
    assert refusal(answer) == (400, "invalid", "revision")


def test_an_oauth_token_opens_as_well(shared: Place) -> None:
    assert shared.ask("/api/profiles", {**HEADERS, "Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "params", "parameter"),
    [
        ("/api/profiles", {"page[size]": "101"}, "page[size]"),
        ("/api/profiles", {"page[size]": "0"}, "page[size]"),
        ("/api/events", {"page[size]": "1001"}, "page[size]"),
        ("/api/lists", {"page[size]": "11"}, "page[size]"),
        ("/api/metrics", {"page[size]": "10"}, "page[size]"),
        ("/api/profiles", {"per_page": "10"}, "per_page"),
        ("/api/profiles", {"sort": "last_name"}, "sort"),
        ("/api/profiles", {"include": "metric"}, "include"),
        ("/api/profiles", {"additional-fields[profile]": "secrets"}, "additional-fields[profile]"),
        ("/api/profiles", {"filter": "greater-or-equal(updated,2026-01-01T00:00:00Z)"}, "filter"),
        ("/api/profiles", {"filter": "equals(email,p1@example.com)"}, "filter"),
        ("/api/profiles", {"filter": 'equals(first_name,"x")'}, "filter"),
        ("/api/profiles", {"filter": 'equals(email,"x"'}, "filter"),
        ("/api/events", {"filter": 'greater-than(datetime,"2026-01-01T00:00:00Z")'}, "filter"),
        ("/api/events", {"filter": "greater-than(datetime,yesterday)"}, "filter"),
        ("/api/events", {"page[cursor]": "nonsense"}, "page[cursor]"),
        ("/api/campaigns", {}, "filter"),
        ("/api/campaigns", {"filter": "equals(messages.channel,'fax')"}, "filter"),
    ],
)
def test_what_an_endpoint_does_not_allow_is_refused_by_name(
    shared: Place, path: str, params: dict[str, str], parameter: str
) -> None:
    assert refusal(shared.get(path, **params)) == (400, "invalid", parameter)


def test_a_plus_that_was_not_escaped_spoils_the_time(shared: Place) -> None:
    raw = f"{shared.root}/klaviyo/api/events?filter=greater-than(datetime,2026-01-01T00:00:00+00:00)"
    assert refusal(shared.client.get(raw, headers=HEADERS)) == (400, "invalid", "filter")
    assert shared.client.get(raw.replace("+", "%2B"), headers=HEADERS).status_code == 200


def test_a_page_holds_what_was_asked_for_and_the_link_leads_on(shared: Place) -> None:
    assert [len(ids) for ids in shared.walk("/api/profiles")] == [20, 5]
    pages = shared.walk("/api/profiles", **{"page[size]": "10", "sort": "-updated"})
    assert [each for ids in pages for each in ids] == [f"P{number:03d}" for number in reversed(range(25))]
    assert [len(ids) for ids in shared.walk("/api/lists")] == [10, 1]


def test_a_filter_narrows_by_time_and_by_value(shared: Place) -> None:
    after = "greater-than(updated,2026-01-01T00:00:20Z)"
    assert shared.walk("/api/profiles", filter=after, sort="updated") == [["P021", "P022", "P023", "P024"]]
    between = "and(greater-or-equal(datetime,2026-01-01T00:00:08Z),less-than(datetime,2026-01-01T00:00:10Z))"
    assert shared.walk("/api/events", filter=between, sort="datetime") == [["E00008", "E00009"]]
    both = 'greater-or-equal(datetime,2026-01-01T00:00:08Z),equals(profile_id,"P000")'
    assert shared.walk("/api/events", filter=both, sort="datetime") == [["E00009"]]
    assert shared.walk("/api/profiles", filter='any(external_id,["c-3","c-4","c-99"])') == [["P003", "P004"]]
    assert shared.walk("/api/profiles", filter='equals(email,"p7@example.com")') == [["P007"]]
    assert shared.walk("/api/profiles", filter='equals(email,"nobody@example.com")') == [[]]


def test_profiles_are_found_by_the_time_of_their_last_suppression() -> None:
    with klaviyo() as place:
        place.api.seed("profiles", [profile(1), suppressed(profile(2), 30), suppressed(profile(3), 10, 50)])
        field = "subscriptions.email.marketing.suppression.timestamp"
        since = f"greater-or-equal({field},2026-01-01T00:00:20Z)"
        assert place.walk("/api/profiles", filter=since, sort=field) == [["P002", "P003"]]
        assert place.walk("/api/profiles", filter=f"less-than({field},2026-01-01T00:00:40Z)", sort=field) == [["P002"]]


def test_events_come_newest_first_unless_sorted(shared: Place) -> None:
    (ids,) = shared.walk("/api/events")
    assert ids[:2] == ["E00011", "E00010"] and len(ids) == 12


def test_a_walk_over_events_of_one_second_misses_none(shared: Place) -> None:
    pages = shared.walk("/api/events", **{"page[size]": "2", "sort": "datetime"})
    order = (6, *range(6), *range(7, 12))  # by time, and within a second by id
    assert [each for ids in pages for each in ids] == [f"E{number:05d}" for number in order]
    backwards = shared.walk("/api/events", **{"page[size]": "5", "sort": "-datetime"})
    assert [each for ids in backwards for each in ids] == [each for ids in pages for each in ids][::-1]


def test_a_cursor_serves_no_other_walk(shared: Place) -> None:
    link = httpx.URL(shared.get("/api/profiles", sort="updated").json()["links"]["next"])
    other = link.copy_set_param("sort", "-updated")
    assert refusal(shared.client.get(other, headers=HEADERS)) == (400, "invalid", "page[cursor]")


def test_subscriptions_and_predictions_show_only_where_they_are_asked_for(shared: Place) -> None:
    plain = shared.get("/api/profiles/P001").json()["data"]["attributes"]
    assert "subscriptions" not in plain and "predictive_analytics" not in plain
    name = "additional-fields[profile]"
    more = shared.get("/api/profiles/P001", **{name: "subscriptions"}).json()["data"]["attributes"]
    assert more["subscriptions"]["email"]["marketing"]["consent"] == "SUBSCRIBED"
    assert "predictive_analytics" not in more
    both = shared.get("/api/profiles", **{name: "subscriptions,predictive_analytics"}).json()["data"][0]["attributes"]
    assert both["predictive_analytics"] == {"churn_probability": 0.25}


def test_sparse_fields_leave_the_rest_out(shared: Place) -> None:
    answer = shared.get("/api/profiles/P001", **{"fields[profile]": "email,location.country"}).json()
    assert answer["data"]["attributes"] == {"email": "p1@example.com", "location": {"country": "GB"}}


def test_included_records_come_once(shared: Place) -> None:
    answer = shared.get("/api/events", include="metric,profile", **{"fields[profile]": "email"}).json()
    named = [(each["type"], each["id"]) for each in answer["included"]]
    assert sorted(named) == [("metric", "M1"), ("profile", "P000"), ("profile", "P001"), ("profile", "P002")]
    assert answer["included"][-1]["attributes"].keys() == {"email"}


def test_campaigns_are_listed_by_channel(shared: Place) -> None:
    for channel, expected in (("email", ["CE"]), ("sms", ["CS"]), ("mobile_push", [])):
        only = f"equals(messages.channel,'{channel}')"
        answer = shared.get("/api/campaigns", filter=only, include="campaign-messages")
        assert [each["id"] for each in answer.json()["data"]] == expected
        assert len(answer.json()["included"]) == len(expected)


def test_one_record_is_found_or_not(shared: Place) -> None:
    found = shared.get("/api/events/E00003/").json()["data"]
    assert found["relationships"]["profile"]["data"] == {"type": "profile", "id": "P000"}
    assert found["links"]["self"] == f"{shared.root}/klaviyo/api/events/E00003/"
    assert refusal(shared.get("/api/events/E99999")) == (404, "not_found", None)
    assert refusal(shared.get("/api/nothing")) == (404, "not_found", None)
    answer = shared.client.post(f"{shared.root}/klaviyo/api/events", headers=HEADERS, json={})
    assert refusal(answer) == (405, "method_not_allowed", None)


def test_the_journal_knows_which_records_were_handed_over(shared: Place) -> None:
    shared.get("/api/profiles", filter='any(id,["P001","P002"])')
    entry = shared.sandbox.journal.of("klaviyo")[-1]
    assert (entry.records, list(entry.ids)) == (2, ["P001", "P002"]) and "authorization" not in entry.headers
