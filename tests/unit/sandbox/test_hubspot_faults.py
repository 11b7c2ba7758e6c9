"""The HubSpot sandbox's rates, metadata, consent and faults over real HTTP, and the demo world in its shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.hubspot.api import HubspotApi
from perennial.sandbox.hubspot.world import numeric, records
from tests.unit.sandbox.hubspot_place import (  # noqa: F401
    CHANGED,
    CONTACTS,
    CREATED,
    TOKEN,
    Account,
    client_of,
    contact,
    ids,
    search,
    walk,
)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def http(account: Account) -> Iterator[httpx.Client]:
    with client_of(account) as client:
        yield client


# rates


def test_more_than_190_requests_in_ten_seconds_are_refused_until_the_window_is_over(
    account: Account, http: httpx.Client
) -> None:
    left = [http.get(CONTACTS).headers["x-hubspot-ratelimit-remaining"] for _ in range(190)]
    assert (left[0], left[-1]) == ("189", "0")
    refused = http.get(CONTACTS)
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert "retry-after" not in refused.headers
    account.pass_by(10)
    assert http.get(CONTACTS).status_code == 200


def test_the_sixth_search_of_a_second_is_refused_and_searches_show_no_rate_headers(
    account: Account, http: httpx.Client
) -> None:
    answers = [search(http) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert answers[-1].json()["policyName"] == "SECONDLY"
    assert not [name for each in answers for name in each.headers if "ratelimit" in name]
    account.pass_by(1)
    assert search(http).status_code == 200


def test_the_limits_can_be_multiplied() -> None:
    account = Account(limits=2)
    with client_of(account) as http:
        assert [search(http).status_code for _ in range(11)] == [200] * 10 + [429]


# metadata and consent


def test_property_definitions_carry_the_labels_of_custom_stages(account: Account, http: httpx.Client) -> None:
    account.api.seed(
        "properties",
        [{"id": "contacts/lifecyclestage", "name": "lifecyclestage", "options": [{"value": "7", "label": "parked"}]}],
    )
    account.api.seed("contacts", [contact(1, shoe_size="44")])
    found = {each["name"]: each for each in http.get("/crm/properties/2026-09/contacts").json()["results"]}
    assert found["lifecyclestage"]["options"] == [{"value": "7", "label": "parked"}]
    assert {"email", "shoe_size"} <= set(found)
    one = http.get("/crm/v3/properties/contacts/lifecyclestage")
    assert one.json() == found["lifecyclestage"]
    assert http.get("/crm/v3/properties/contacts/nothing").status_code == 404


def test_pipelines_and_owners_are_listed(account: Account, http: httpx.Client) -> None:
    account.api.seed("pipelines", [{"id": "default", "label": "Sales", "stages": []}])
    account.api.seed("owners", [{"id": str(each), "userId": each} for each in (1, 2)])
    assert ids(http.get("/crm/pipelines/2026-09/deals")) == ["default"]
    assert ids(http.get("/crm/v3/pipelines/deals")) == ["default"]
    first = http.get("/crm/owners/2026-09", params={"limit": 1})
    assert ids(first) == ["1"]
    assert ids(http.get(first.json()["paging"]["next"]["link"])) == ["2"]


@pytest.mark.parametrize("root", ["/communication-preferences/2026-09", "/communication-preferences/v4"])
def test_statuses_say_what_was_said_and_that_the_rest_is_not_specified(
    account: Account, http: httpx.Client, root: str
) -> None:
    account.api.seed("definitions", [{"id": "1", "name": "News"}, {"id": "2", "name": "Service"}])
    status = {"subscriptionId": 1, "channel": "EMAIL", "source": "Form", "subscriberIdString": "c1@example.com"}
    account.api.seed("statuses", [status | {"status": "UNSUBSCRIBED", "timestamp": CHANGED}])
    account.api.seed("statuses", [status | {"status": "SUBSCRIBED", "timestamp": CREATED}])
    body = {"inputs": ["C1@example.com", "c2@example.com"]}
    answer = http.post(f"{root}/statuses/batch/read", params={"channel": "EMAIL"}, json=body).json()
    said = {
        (each["subscriberIdString"], status["subscriptionId"]): status["status"]
        for each in answer["results"]
        for status in each["statuses"]
    }
    assert said == {
        ("C1@example.com", 1): "UNSUBSCRIBED",
        ("C1@example.com", 2): "NOT_SPECIFIED",
        ("c2@example.com", 1): "NOT_SPECIFIED",
        ("c2@example.com", 2): "NOT_SPECIFIED",
    }
    one = http.get(f"{root}/statuses/c1%40example.com", params={"channel": "EMAIL"}).json()["results"]
    assert one[0]["timestamp"] == CHANGED
    assert ids(http.get(f"{root}/definitions")) == ["1", "2"]


@pytest.mark.parametrize("inputs", [[], ["c@example.com"] * 101, ["n/a"], [{"id": "c@example.com"}]])
def test_statuses_of_what_is_no_address_are_refused(http: httpx.Client, inputs: list[Any]) -> None:
    path = "/communication-preferences/2026-09/statuses/batch/read"
    assert http.post(path, json={"inputs": inputs}).status_code == 400


# faults


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("ten_secondly", 429, "TEN_SECONDLY_ROLLING"),
        ("secondly", 429, "SECONDLY"),
        ("daily", 429, "DAILY"),
        ("locked", 423, "LOCKED"),
        ("migrating", 477, "MIGRATION_IN_PROGRESS"),
        ("missing_scopes", 403, "MISSING_SCOPES"),
        ("invalid_authentication", 401, "INVALID_AUTHENTICATION"),
    ],
)
def test_a_refusing_fault_is_answered_in_hubspots_form_and_then_gone(
    account: Account, http: httpx.Client, fault: str, status: int, said: str
) -> None:
    account.sandbox.arm("hubspot", fault)
    answer = http.get(CONTACTS)
    assert answer.status_code == status
    assert said in (answer.json().get("policyName"), answer.json()["category"])
    assert (answer.headers.get("retry-after") == "2") == (fault == "migrating")
    assert http.get(CONTACTS).status_code == 200


def test_a_mixed_batch_leaves_out_every_second_record_that_is_there(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(each) for each in (1, 2, 3)])
    account.sandbox.arm("hubspot", "mixed_207", match="batch/read")
    body = {"inputs": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}
    mixed = http.post(f"{CONTACTS}/batch/read", json=body)
    assert (mixed.status_code, ids(mixed)) == (207, ["2"])
    assert mixed.json()["errors"][0]["context"]["ids"] == ["1", "3"]
    assert mixed.json()["errors"][0]["category"] != "OBJECT_NOT_FOUND"
    assert ids(http.post(f"{CONTACTS}/batch/read", json=body)) == ["1", "2", "3"]


def test_a_stale_index_hides_the_newest_from_searches_but_not_from_lists(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1), contact(2, "2026-11-03T00:00:00.000Z"), contact(3)])
    account.sandbox.arm("hubspot", "stale_index", times=2, records=1)
    assert (ids(search(http)), walk(http)) == (["1", "3"], ["1", "2", "3"])
    assert search(http).json()["total"] == 3


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("page_repeated", [1, 2, 1, 2, 3, 4, 5, 6]),
        ("page_skipped", [1, 2, 5, 6]),
        ("page_half", [1]),
        ("page_empty", []),
    ],
)
def test_page_faults_play_in_lists(account: Account, http: httpx.Client, fault: str, expected: list[int]) -> None:
    account.api.seed("contacts", [contact(each) for each in range(1, 7)])
    account.sandbox.arm("hubspot", fault)
    assert walk(http, limit=2) == [str(each) for each in expected]


@pytest.mark.parametrize(("fault", "shown", "after"), [("page_half", 1, None), ("page_repeated", 2, "0")])
def test_a_search_keeps_its_total_under_a_page_fault(
    account: Account, http: httpx.Client, fault: str, shown: int, after: str | None
) -> None:
    account.api.seed("contacts", [contact(each) for each in range(1, 7)])
    account.sandbox.arm("hubspot", fault)
    answer = search(http, limit=2).json()
    assert (len(answer["results"]), answer["total"]) == (shown, 6)
    assert answer.get("paging", {}).get("next", {}).get("after") == after


def test_the_journal_knows_which_records_were_handed_over(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1), contact(2)])
    http.get(CONTACTS)
    entry = account.sandbox.journal.of("hubspot")[-1]
    assert (entry.records, list(entry.ids)) == (2, ["1", "2"])


def test_a_property_that_is_no_text_cannot_be_seeded(account: Account) -> None:
    with pytest.raises(ValueError, match="amount"):
        account.api.seed("deals", [{"id": "1", "properties": {"amount": 3}}])


# the demo world


def test_the_demo_world_keeps_its_facts_in_hubspots_shape() -> None:
    made = make_world(Scale(people=200, years=2)).tables
    tables = {table: frame for (source, table), frame in made.items() if source == "crm"}
    shaped = records(tables)
    api = HubspotApi()
    held = {collection: api.seed(collection, rows) for collection, rows in shaped.items()}
    assert held["contacts"] == len(tables["crm_contacts"])
    assert held["deals"] == len(tables["crm_deals"])
    assert held["meetings"] == len(tables["appointments"])
    changes = [
        (row["id"], entry["value"])
        for row in shaped["contacts"]
        for entry in row["propertiesWithHistory"]["lifecyclestage"]
    ]
    assert len(changes) == len(tables["crm_stage_changes"])
    merged = tables["crm_contacts"].dropna(subset=["merged_into_id"])
    losers = {row["id"]: row["properties"]["hs_merged_object_ids"] or "" for row in shaped["contacts"]}
    for loser, winner in zip(merged["contact_id"], merged["merged_into_id"], strict=True):
        assert numeric(loser) in losers[numeric(winner)].split(";")
    said = [
        (row["id"], name.removeprefix("consent_").replace("hs_email_optout", "email"))
        for row in shaped["contacts"]
        for name in row["propertiesWithHistory"]
        if name.startswith(("consent_", "hs_email_optout"))
    ]
    consents = tables["consents"]
    assert sorted(said) == sorted(
        (numeric(ref), channel) for ref, channel in zip(consents["contact_ref"], consents["channel"], strict=True)
    )


def test_the_demo_world_is_the_same_every_time() -> None:
    tables = {
        table: frame
        for (source, table), frame in make_world(Scale(people=60, years=1)).tables.items()
        if source == "crm"
    }
    assert records(tables) == records(tables)
