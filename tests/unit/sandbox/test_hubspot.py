"""The HubSpot sandbox keeps HubSpot's wire contract: over real HTTP, record by record and fault by fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.hubspot.api import HubspotApi
from perennial.sandbox.hubspot.world import numeric, records
from perennial.sandbox.server import Sandbox, running

TOKEN = {"authorization": "Bearer sandbox-hubspot-token"}
CONTACTS = "/crm/objects/2026-09/contacts"
CREATED, CHANGED = "2026-01-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"


class Account:
    """A sandbox of its own under a clock that only the test moves."""

    def __init__(self, **options: Any) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.api = HubspotApi(**options)
        self.sandbox = Sandbox([self.api], clock=lambda: self.at)

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def http(account: Account) -> Iterator[httpx.Client]:
    with client_of(account) as client:
        yield client


@contextmanager
def client_of(account: Account) -> Iterator[httpx.Client]:
    with (
        running(account.sandbox.app()) as root,
        httpx.Client(base_url=f"{root}/hubspot", headers=TOKEN, timeout=10) as client,
    ):
        yield client


def contact(name: int, changed: str = CHANGED, **properties: str | None) -> dict[str, Any]:
    held: dict[str, str | None] = {"email": f"c{name}@example.com", "lifecyclestage": "lead", **properties}
    past = [{"value": "lead", "timestamp": CREATED, "sourceType": "CRM_UI", "sourceId": "userId:1"}]
    return {
        "id": str(name),
        "properties": held,
        "propertiesWithHistory": {"lifecyclestage": past},
        "createdAt": CREATED,
        "updatedAt": changed,
    }


def search(http: httpx.Client, filters: list[dict[str, Any]] | None = None, **body: Any) -> httpx.Response:
    groups = {"filterGroups": [{"filters": filters}]} if filters else {}
    return http.post(f"{CONTACTS}/search", json={**groups, **body})


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code in (200, 207), answer.text
    return [each["id"] for each in answer.json()["results"]]


def walk(http: httpx.Client, **params: Any) -> list[str]:
    found, url = [], f"{CONTACTS}?{httpx.QueryParams(params)}"
    while url:
        answer = http.get(url)
        found += ids(answer)
        url = answer.json().get("paging", {}).get("next", {}).get("link", "")
    return found


# authentication, versions, limits


def test_a_wrong_token_is_refused_in_hubspots_words(http: httpx.Client) -> None:
    answer = http.get(CONTACTS, headers={"authorization": "Bearer other"})
    assert answer.status_code == 401
    assert answer.json()["category"] == "INVALID_AUTHENTICATION"
    assert answer.json()["correlationId"]


@pytest.mark.parametrize("path", [CONTACTS, "/crm/v3/objects/contacts", "/crm/objects/2026-09/0-1"])
def test_every_spelling_of_the_path_leads_to_the_same_records(account: Account, http: httpx.Client, path: str) -> None:
    account.api.seed("contacts", [contact(1)])
    assert ids(http.get(path)) == ["1"]


@pytest.mark.parametrize("path", ["/crm/objects/2025-01/contacts", "/crm/v9/objects/contacts", "/crm/2026-09/objects"])
def test_a_version_that_does_not_exist_is_not_found(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


def test_an_unknown_object_type_is_refused(http: httpx.Client) -> None:
    answer = http.get("/crm/objects/2026-09/unicorns")
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_page_over_the_limit_is_refused_and_history_halves_it(http: httpx.Client) -> None:
    assert http.get(CONTACTS, params={"limit": 100}).status_code == 200
    assert http.get(CONTACTS, params={"limit": 101}).status_code == 400
    assert http.get(CONTACTS, params={"limit": 50, "propertiesWithHistory": "lifecyclestage"}).status_code == 200
    assert http.get(CONTACTS, params={"limit": 51, "propertiesWithHistory": "lifecyclestage"}).status_code == 400


def test_an_address_that_is_too_long_is_refused(http: httpx.Client) -> None:
    assert http.get(CONTACTS, params={"properties": "p," * 5_000}).status_code == 414


def test_a_body_that_is_no_json_is_refused(http: httpx.Client) -> None:
    assert http.post(f"{CONTACTS}/search", content=b"{}").status_code == 415
    assert (
        http.post(f"{CONTACTS}/search", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    )


# reading


def test_a_list_hands_out_every_record_once_and_its_links_stay_on_this_host(
    account: Account, http: httpx.Client
) -> None:
    account.api.seed("contacts", [contact(each) for each in range(1, 251)])
    assert walk(http, limit=100, properties="phone") == [str(each) for each in range(1, 251)]
    link = http.get(CONTACTS, params={"limit": 100}).json()["paging"]["next"]["link"]
    assert link.startswith(str(http.base_url))


def test_records_inserted_while_paging_come_at_the_end(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(each) for each in range(1, 21)])
    first = http.get(CONTACTS, params={"limit": 10})
    account.api.seed("contacts", [contact(21), contact(22)])
    rest = http.get(first.json()["paging"]["next"]["link"])
    assert rest.json()["paging"]["next"]["after"] == "21"
    assert ids(first) + ids(rest) == [str(each) for each in range(1, 21)]


def test_only_default_and_requested_properties_are_handed_out(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1, phone="1", company=None)])
    bare = http.get(CONTACTS).json()["results"][0]
    asked = http.get(CONTACTS, params={"properties": "phone,company,no_such_property"}).json()["results"][0]
    assert set(bare["properties"]) == {
        "createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname",
    }  # fmt: skip
    assert set(asked["properties"]) - set(bare["properties"]) == {"phone", "company"}
    assert (asked["properties"]["phone"], asked["properties"]["company"]) == ("1", None)
    assert "propertiesWithHistory" not in bare


def test_history_comes_where_it_is_asked_for(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1)])
    shown = http.get(CONTACTS, params={"propertiesWithHistory": "lifecyclestage"}).json()["results"][0]
    assert shown["propertiesWithHistory"]["lifecyclestage"][0]["sourceType"] == "CRM_UI"
    assert shown["properties"]["lifecyclestage"] == "lead"


def test_archived_records_are_in_the_archived_list_alone(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1), contact(2)])
    later = "2026-11-02T00:00:00.000Z"
    account.api.seed("contacts", [contact(2, later) | {"archived": True, "archivedAt": later}])
    assert walk(http) == ["1"]
    assert walk(http, archived="true") == ["2"]
    assert ids(search(http)) == ["1"]
    assert http.get(f"{CONTACTS}/2").status_code == 404
    assert http.get(CONTACTS, params={"archived": "true"}).json()["results"][0]["archivedAt"] == later


def test_an_older_record_does_not_undo_a_newer_one(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1, firstname="New")])
    account.api.seed("contacts", [contact(1, "2026-10-01T00:00:00.000Z", firstname="Old")])
    assert http.get(f"{CONTACTS}/1").json()["properties"]["firstname"] == "New"


def test_a_merged_contact_disappears_and_its_id_leads_to_the_winner(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1), contact(2), contact(3)])
    link = {"contacts": {"results": [{"id": "2", "type": "deal_to_contact"}]}}
    account.api.seed("deals", [{"id": "70", "properties": {}, "createdAt": CREATED, "associations": link}])
    at = "2026-11-20T00:00:00.000Z"
    for winner, loser in (("1", "2"), ("3", "1")):
        merge = {"id": loser, "primaryObjectId": winner, "objectIdToMerge": loser, "timestamp": at}
        account.api.seed("merges", [merge])
    assert walk(http) == ["3"]
    found = http.get(f"{CONTACTS}/2", params={"properties": "hs_merged_object_ids"}).json()
    assert (found["id"], found["properties"]["hs_merged_object_ids"]) == ("3", "2;1")
    assert found["updatedAt"] == at
    shown = http.get("/crm/objects/2026-09/deals/70", params={"associations": "contacts"}).json()
    assert shown["associations"]["contacts"]["results"][0]["id"] == "3"


def test_a_batch_with_missing_ids_is_207_with_their_ids(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1), contact(2)])
    body = {"inputs": [{"id": "1"}, {"id": "9"}, {"id": "2"}], "properties": ["phone"]}
    answer = http.post(f"{CONTACTS}/batch/read", json=body)
    assert answer.status_code == 207
    assert ids(answer) == ["1", "2"]
    assert answer.json()["numErrors"] == 1
    assert answer.json()["errors"][0]["context"] == {"ids": ["9"]}


def test_a_batch_finds_by_email_too(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1)])
    body = {"inputs": [{"id": "C1@example.com"}], "idProperty": "email"}
    assert ids(http.post(f"{CONTACTS}/batch/read", json=body)) == ["1"]


@pytest.mark.parametrize(
    ("count", "more", "status"),
    [
        (100, {}, 207),
        (101, {}, 400),
        (50, {"propertiesWithHistory": ["x"]}, 207),
        (51, {"propertiesWithHistory": ["x"]}, 400),
    ],
)
def test_batches_are_limited(http: httpx.Client, count: int, more: dict[str, Any], status: int) -> None:
    body = {"inputs": [{"id": str(each)} for each in range(count)], **more}
    assert http.post(f"{CONTACTS}/batch/read", json=body).status_code == status


def test_the_same_id_twice_refuses_the_batch(http: httpx.Client) -> None:
    answer = http.post(f"{CONTACTS}/batch/read", json={"inputs": [{"id": "1"}, {"id": "1"}]})
    assert (answer.status_code, answer.json()["context"]) == (400, {"ids": ["1"]})


def test_links_are_read_in_both_directions_and_in_batches(account: Account, http: httpx.Client) -> None:
    big = 2**53 + 1
    account.api.seed("contacts", [contact(1), contact(big)])
    link = {"contacts": {"results": [{"id": str(big), "type": "deal_to_contact"}]}}
    account.api.seed("deals", [{"id": "70", "properties": {}, "createdAt": CREATED, "associations": link}])
    shown = http.get(CONTACTS, params={"associations": "deals"}).json()["results"]
    assert [each.get("associations") for each in shown] == [
        None,
        {"deals": {"results": [{"id": "70", "type": "contact_to_deal"}]}},
    ]
    for path in ("/crm/associations/2026-09/deals/contacts", "/crm/v4/associations/deals/contacts"):
        answer = http.post(f"{path}/batch/read", json={"inputs": [{"id": "70"}, {"id": "71"}]})
        assert answer.status_code == 207
        assert answer.json()["results"][0]["to"][0]["toObjectId"] == big
        assert answer.json()["errors"][0]["context"]["fromObjectId"] == ["71"]


# search


def test_a_search_filters_by_time_in_both_spellings(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1, "2026-11-01T00:00:00.000Z"), contact(2, "2026-11-02T00:00:00.000Z")])
    for value in ("1793577600000", "2026-11-02T00:00:00Z"):
        found = search(http, [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": value}])
        assert (ids(found), found.json()["total"]) == (["2"], 1)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"operator": "EQ", "value": "LEAD"}, ["1", "2"]),
        ({"operator": "NEQ", "value": "lead"}, ["3", "10"]),
        ({"operator": "IN", "values": ["customer"]}, ["3"]),
        ({"operator": "NOT_IN", "values": ["customer"]}, ["1", "2", "10"]),
        ({"operator": "HAS_PROPERTY"}, ["1", "2", "3"]),
        ({"operator": "NOT_HAS_PROPERTY"}, ["10"]),
        ({"operator": "CONTAINS_TOKEN", "value": "cust*"}, ["3"]),
        ({"propertyName": "hs_object_id", "operator": "GT", "value": "2"}, ["3", "10"]),
        ({"propertyName": "hs_object_id", "operator": "BETWEEN", "value": "2", "highValue": "3"}, ["2", "3"]),
    ],
)
def test_every_operator_of_a_search(
    account: Account, http: httpx.Client, given: dict[str, Any], expected: list[str]
) -> None:
    account.api.seed("contacts", [contact(1), contact(2), contact(3, lifecyclestage="customer")])
    account.api.seed("contacts", [contact(10, lifecyclestage=None)])
    found = search(http, [{"propertyName": "lifecyclestage", **given}], sorts=["hs_object_id"])
    assert ids(found) == expected


def test_sorts_are_taken_in_both_spellings(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(each) for each in (2, 10, 1)])
    assert ids(search(http, sorts=["hs_object_id"])) == ["1", "2", "10"]
    descending = [{"propertyName": "hs_object_id", "direction": "DESCENDING"}]
    assert ids(search(http, sorts=descending)) == ["10", "2", "1"]


def test_a_search_shows_neither_history_nor_links(account: Account, http: httpx.Client) -> None:
    account.api.seed("contacts", [contact(1)])
    found = search(http, propertiesWithHistory=["lifecyclestage"], associations=["deals"]).json()["results"][0]
    assert set(found) == {"id", "properties", "createdAt", "updatedAt", "archived"}


def test_a_search_yields_no_more_than_ten_thousand_but_a_window_by_id_reads_on() -> None:
    account = Account(limits=1_000)
    account.api.seed("contacts", [contact(each) for each in range(1, 10_202)])
    with client_of(account) as http:
        since = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": CHANGED}
        last = search(http, [since], sorts=["hs_object_id"], limit=200, after="9800")
        assert (last.json()["total"], len(ids(last))) == (10_201, 200)
        assert last.json()["paging"]["next"]["after"] == "10000"
        past = search(http, [since], sorts=["hs_object_id"], limit=200, after="10000")
        assert (past.status_code, past.json()["category"]) == (400, "VALIDATION_ERROR")
        beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": ids(last)[-1]}
        assert len(ids(search(http, [since, beyond], sorts=["hs_object_id"], limit=200))) == 200


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 0},
        {"sorts": ["createdate", "hs_object_id"]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": ["email"]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "a"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GT", "value": "soon"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "IN", "value": "a"}]}]},
    ],
)
def test_a_search_out_of_bounds_is_refused(http: httpx.Client, body: dict[str, Any]) -> None:
    answer = http.post(f"{CONTACTS}/search", json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_filter_on_an_unknown_property_names_it(http: httpx.Client) -> None:
    answer = search(http, [{"propertyName": "no_such", "operator": "EQ", "value": "1"}])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"


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
