"""The HubSpot sandbox keeps HubSpot's wire contract in reading and searching: over real HTTP, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

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
