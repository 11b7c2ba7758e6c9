"""The sandbox's Omnisend over real HTTP: what it refuses, how its cursors page, its faults, and that facts survive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pandas as pd
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.core import iso, moment
from perennial.sandbox.omnisend import world
from perennial.sandbox.omnisend.api import OmnisendApi
from perennial.sandbox.server import Sandbox, running

HEADERS = {"Authorization": "Omnisend-API-Key sandbox-omnisend-token", "Omnisend-Version": "2026-03-15"}
START = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Brand:
    """One server for many tests; each puts a brand of its own into it."""

    def __init__(self, address: str, sandbox: Sandbox) -> None:
        self.address, self.sandbox = address, sandbox
        self.client = httpx.Client(base_url=address + "/omnisend/api", headers=HEADERS)

    @property
    def api(self) -> OmnisendApi:
        api = self.sandbox.vendors["omnisend"]
        assert isinstance(api, OmnisendApi)
        return api

    def renew(self, api: OmnisendApi) -> None:
        self.sandbox.vendors["omnisend"] = api
        self.sandbox.faults.disarm()

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(path, params=params)

    def page(self, path: str = "/contacts", **params: Any) -> tuple[list[str], dict[str, Any]]:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return [record["id"] for record in answer.json()[path.strip("/")]], answer.json()["paging"]

    def walk(self, path: str = "/contacts", **params: Any) -> list[list[str]]:
        """The ids of every page, following the cursor alone."""
        ids, paging = self.page(path, **params)
        pages = [ids]
        while paging["hasMore"] and len(pages) < 50:
            ids, paging = self.page(path, after=paging["cursors"]["after"])
            pages.append(ids)
        return pages


@pytest.fixture(scope="module")
def server() -> Iterator[Brand]:
    sandbox = Sandbox([OmnisendApi()])
    with running(sandbox.app()) as address:
        yield Brand(address, sandbox)


@pytest.fixture
def brand(server: Brand) -> Brand:
    server.renew(OmnisendApi())
    return server


def contacts(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": f"c{n}", "createdAt": iso(START + timedelta(minutes=n)), **more} for n in range(1, count + 1)]


def subscribed(email: str, status: str = "subscribed", at: str = "2026-06-01T00:00:00Z") -> dict[str, Any]:
    return {"id": email, "type": "email", "channels": {"email": {"status": status, "statusChangedAt": at}}}


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"Omnisend-Version": "2026-03-15"}, 401, "unauthorized"),
        ({**HEADERS, "Authorization": "Omnisend-API-Key other"}, 401, "unauthorized"),
        ({"Omnisend-Version": "2026-03-15", "X-API-KEY": "sandbox-omnisend-token"}, 401, "unauthorized"),
        ({"Authorization": HEADERS["Authorization"]}, 400, "validation-failed"),
        ({**HEADERS, "Omnisend-Version": "2031-01-01"}, 400, "validation-failed"),
        ({**HEADERS, "Omnisend-Version": "2025-06-01"}, 410, "version-retired"),
    ],
)
def test_a_request_needs_the_key_and_a_version_that_lives(
    brand: Brand, headers: dict[str, str], status: int, kind: str
) -> None:
    answer = httpx.get(f"{brand.address}/omnisend/api/contacts", headers=headers)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.json()["type"] == f"https://problems.omnisend.com/{kind}"
    assert answer.json()["instance"].startswith("urn:omnisend:request:")


@pytest.mark.parametrize(
    ("path", "params", "fields"),
    [
        ("/contacts", {"limit": 251}, ["limit"]),
        ("/contacts", {"limit": 0}, ["limit"]),
        ("/contacts", {"limit": "ten"}, ["limit"]),
        ("/contacts", {"page": 2}, ["page"]),
        ("/contacts", {"sort": "email", "status": "gone"}, ["sort", "status"]),
        ("/contacts", {"direction": "asc"}, ["direction"]),
        ("/contacts", {"sort": "updatedAt", "direction": "up"}, ["direction"]),
        ("/contacts", {"updatedAtFrom": "yesterday"}, ["updatedAtFrom"]),
        ("/contacts", {"updatedAtFrom": "2026-06-01T00:00:00Z", "email": "a@example.com"}, ["updatedAtFrom"]),
        ("/contacts", {"tag": "vip", "status": "subscribed"}, ["tag"]),
        ("/contacts", {"after": "x", "before": "y"}, ["after"]),
        ("/contacts", {"after": "abcdefghijklmnop"}, ["after"]),
        ("/contacts", {"after": ""}, ["after"]),
        ("/campaigns", {"email": "a@example.com"}, ["email"]),
        ("/automations", {"isEnabled": "yes"}, ["isEnabled"]),
    ],
)
def test_a_wrong_request_is_refused_with_every_field_that_is_wrong(
    brand: Brand, path: str, params: dict[str, Any], fields: list[str]
) -> None:
    answer = brand.get(path, **params)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == fields
    assert set(answer.json()["errors"][0]) == {"field", "code", "message"}


def test_what_is_not_there_is_404_and_writing_is_403(brand: Brand) -> None:
    assert [brand.get(path).status_code for path in ("/contacts/c9", "/events", "/batches", "/products")] == [404] * 4
    assert brand.client.post("/contacts", json={}).status_code == 403


def test_contacts_come_newest_first_a_hundred_at_a_time(brand: Brand) -> None:
    brand.api.seed("contacts", contacts(120))
    pages = brand.walk()
    assert [len(page) for page in pages] == [100, 20]
    assert (pages[0][0], pages[1][-1]) == ("c120", "c1")


def test_a_cursor_holds_filters_order_and_size_and_leads_both_ways(brand: Brand) -> None:
    brand.api.seed("contacts", contacts(5))
    since = iso(START + timedelta(minutes=2))
    first, paging = brand.page(sort="updatedAt", direction="asc", limit=2, updatedAtFrom=since)
    assert (first, paging["limit"], paging["hasMore"], paging["cursors"]["before"]) == (["c2", "c3"], 2, True, None)
    second, paging = brand.page(after=paging["cursors"]["after"])
    assert (second, paging["hasMore"], paging["cursors"]["after"]) == (["c4", "c5"], False, None)
    assert brand.page(before=paging["cursors"]["before"])[0] == first


@pytest.mark.parametrize(
    "beside",
    [{"updatedAtFrom": "2026-01-02T00:00:00Z"}, {"sort": "createdAt"}, {"sort": "updatedAt", "direction": "desc"}],
)
def test_a_filter_or_an_order_that_differs_from_the_cursor_is_refused(brand: Brand, beside: dict[str, str]) -> None:
    brand.api.seed("contacts", contacts(5))
    same = {"sort": "updatedAt", "direction": "asc", "updatedAtFrom": "2026-01-01T00:00:00Z"}
    cursor = brand.page(limit=2, **same)[1]["cursors"]["after"]
    assert brand.page(after=cursor, **same)[0] == ["c3", "c4"]
    assert brand.get("/contacts", after=cursor, **beside).status_code == 400
    assert brand.get("/campaigns", after=cursor).status_code == 400


def test_records_with_one_time_and_records_that_change_meanwhile_are_all_reached(brand: Brand) -> None:
    made = iso(START)
    brand.api.seed("contacts", [{"id": f"c{n:02}", "createdAt": made} for n in range(10)])
    ids, paging = brand.page(sort="updatedAt", direction="asc", limit=3)
    later = iso(START + timedelta(hours=1))
    brand.api.seed("contacts", [{"id": "c00", "createdAt": made, "updatedAt": later}, {"id": "c01", "_gone": True}])
    brand.api.seed("contacts", [{"id": "d01", "createdAt": later}])
    while paging["hasMore"]:
        more, paging = brand.page(after=paging["cursors"]["after"])
        ids += more
    assert ids == [f"c{n:02}" for n in range(10)] + ["c00", "d01"]


def test_what_is_derived_from_identifiers_is_derived(brand: Brand) -> None:
    text = {"id": "+441134960101", "type": "phone", "channels": {"sms": {"status": "nonSubscribed"}}}
    brand.api.seed("contacts", contacts(1, identifiers=[subscribed("Ana@Example.com", "unsubscribed"), text]))
    contact = brand.get("/contacts/c1").json()
    assert (contact["email"], contact["phone"], contact["status"]) == (
        "Ana@Example.com", ["+441134960101"], "unsubscribed"
    )  # fmt: skip
    assert [(each["channel"], each["status"]) for each in contact["statuses"]] == [
        ("sms", "nonSubscribed"), ("email", "unsubscribed")
    ]  # fmt: skip
    assert contact["updatedAt"] == contact["createdAt"]


def test_filters_choose_contacts(brand: Brand) -> None:
    one, two, three = contacts(3)
    brand.api.seed("contacts", [{**one, "identifiers": [subscribed("a@example.com")], "tags": ["vip"]}])
    brand.api.seed("contacts", [{**two, "identifiers": [subscribed("b@example.com", "unsubscribed")]}])
    brand.api.seed("contacts", [{**three, "segments": ["s1"]}])
    for name, text, expected in [
        ("email", "A@example.com", ["c1"]), ("tag", "vip", ["c1"]), ("status", "unsubscribed", ["c2"]),
        ("segmentID", "s1", ["c3"]), ("phone", "+44", []), ("updatedAtFrom", three["createdAt"], ["c3"]),
    ]:  # fmt: skip
        assert brand.page(**{name: text})[0] == expected, name


def test_the_newest_version_of_a_seeded_record_counts_and_a_deleted_one_is_gone(brand: Brand) -> None:
    brand.api.seed("contacts", contacts(2, updatedAt="2026-07-01T00:00:00Z", firstName="Ana"))
    assert brand.api.seed("contacts", contacts(2, firstName="Old")) == 2
    assert brand.get("/contacts/c1").json()["firstName"] == "Ana"
    assert brand.api.seed("contacts", [{"id": "c1", "_gone": True}]) == 1
    assert brand.get("/contacts/c1").status_code == 404
    assert sorted(brand.api.held()["contacts"]) == ["c2"]
    for collection, record in [("contacts", {"id": 7}), ("contacts", {"id": "c7"}), ("events", {"id": "e1"})]:
        with pytest.raises(ValueError, match=collection):
            brand.api.seed(collection, [record])


def test_too_many_requests_are_answered_with_a_hint_in_the_body_or_none_and_no_header(brand: Brand) -> None:
    brand.sandbox.arm("omnisend", "rate_limited", retry_after=7)
    brand.sandbox.arm("omnisend", "rate_limited", retry_after=None)
    answers = [brand.get("/contacts") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.json().get("retryAfter") for answer in answers] == [7, None, None]
    assert answers[0].json()["type"] == "https://problems.omnisend.com/rate-limit-exceeded"
    assert not [name for name in answers[0].headers if "retry" in name or "rate" in name]


def test_four_hundred_requests_a_minute_pass() -> None:
    clock = [datetime(2026, 6, 1, 12, 0, 15, tzinfo=UTC)]
    sandbox = Sandbox([OmnisendApi(limits=0.005)], clock=lambda: clock[0])
    with running(sandbox.app()) as address:
        limited = Brand(address, sandbox)
        assert [limited.get("/contacts").status_code for _ in range(3)] == [200, 200, 429]
        assert limited.get("/contacts").json()["retryAfter"] == 45
        clock[0] += timedelta(seconds=45)
        assert limited.get("/contacts").status_code == 200
    assert OmnisendApi()._window.limit == 400


def test_a_version_can_be_retired_and_a_cursor_become_invalid_between_two_pages(brand: Brand) -> None:
    brand.api.seed("contacts", contacts(3))
    cursor = brand.page(limit=2)[1]["cursors"]["after"]
    brand.sandbox.arm("omnisend", "cursor_rejected")
    brand.sandbox.arm("omnisend", "version_retired")
    answers = [brand.get("/contacts", after=cursor) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 410, 200]
    assert answers[0].json()["errors"][0]["field"] == "after"


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        ("page_repeated", [[1, 2], [1, 2], [3, 4], [5]]),
        ("page_skipped", [[1, 2], [5]]),
        ("page_half", [[1]]),
        ("page_empty", [[]]),
    ],
)
def test_a_page_fault_spoils_one_walk_once(brand: Brand, fault: str, pages: list[list[int]], direction: str) -> None:
    brand.api.seed("contacts", contacts(5))
    brand.sandbox.arm("omnisend", fault)
    numbers = pages if direction == "asc" else [[6 - number for number in page] for page in pages]
    expected = [[f"c{number}" for number in page] for page in numbers]
    assert brand.walk(sort="createdAt", direction=direction, limit=2) == expected
    again = brand.walk(sort="createdAt", direction=direction, limit=2)
    assert sorted(record_id for page in again for record_id in page) == ["c1", "c2", "c3", "c4", "c5"]


def test_the_journal_names_what_was_handed_over_and_holds_no_key(brand: Brand) -> None:
    brand.api.seed("contacts", contacts(2))
    brand.page()
    entry = brand.sandbox.journal.of("omnisend")[-1]
    assert (entry.records, list(entry.ids), entry.headers["omnisend-version"]) == (2, ["c2", "c1"], "2026-03-15")
    assert "authorization" not in entry.headers


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    made = make_world(Scale(people=600, years=2)).tables
    found = {table: rows for (source, table), rows in made.items() if source == "messaging"}
    return {**found, "crm_contacts": made["crm", "crm_contacts"]}


def test_every_yes_of_the_demo_world_and_the_state_of_every_channel_are_there(
    brand: Brand, tables: dict[str, pd.DataFrame]
) -> None:
    for collection, records in world.records(tables).items():
        assert brand.api.seed(collection, records) == len(records) > 0
    rows = tables["consents"]
    found = list(brand.api.held()["contacts"].values())
    assert sum(len(page) for page in brand.walk(limit=250)) == len(found) == rows["contact_ref"].nunique()
    yeses = rows[rows["status"] == "granted"]
    assert {
        (contact["identifiers"][0]["id"], each["channel"], each["source"], each["createdAt"])
        for contact in found
        for each in contact["consents"]
    } == {
        (row.contact_ref, row.channel, row.evidence, f"{row.changed_at:%Y-%m-%dT%H:%M:%SZ}")
        for row in yeses.itertuples()
    }
    # at equal times a no counts; a yes imported after a no does not
    last = rows[rows["evidence"] != "import"].sort_values(["changed_at", "status"], ascending=[True, False])
    last = last.groupby("contact_ref").tail(1)
    assert {
        (contact["identifiers"][0]["id"], state["status"], moment(state["statusChangedAt"]).replace(tzinfo=None))
        for contact in found
        for state in contact["statuses"]
    } == {
        (row.contact_ref, "subscribed" if row.status == "granted" else "unsubscribed", row.changed_at.to_pydatetime())
        for row in last.itertuples()
    }
    assert {"subscribed", "unsubscribed"} == {contact["statuses"][0]["status"] for contact in found}
    assert {contact["email"] for contact in found if contact["firstName"]} - {""}


def test_a_yes_imported_after_a_no_is_kept_and_changes_no_state() -> None:
    said = [("granted", "form", "2026-01-01"), ("denied", "page", "2026-02-01"), ("granted", "import", "2026-03-01")]
    rows = pd.DataFrame(
        {
            "contact_ref_type": "email", "contact_ref": "ana@example.com", "channel": "email", "purpose": "marketing",
            "status": status, "evidence": evidence, "changed_at": pd.Timestamp(day),
        }
        for status, evidence, day in said
    )  # fmt: skip
    (contact,) = world.records({"consents": rows})["contacts"]
    assert (contact["status"], contact["updatedAt"]) == ("unsubscribed", "2026-02-01T00:00:00Z")
    assert [each["source"] for each in contact["consents"]] == ["form", "import"]


def test_every_campaign_of_the_demo_world_is_sent_by_hand_or_by_rule(tables: dict[str, pd.DataFrame]) -> None:
    found = world.records(tables)
    rows = tables["campaigns"]
    by_rule = rows["automation_id"].notna()
    assert [(each["name"], each["channel"]) for each in found["campaigns"]] == list(
        rows.loc[~by_rule, ["name", "channel"]].itertuples(index=False, name=None)
    )
    assert [each["name"] for each in found["automations"]] == list(rows.loc[by_rule, "name"])
    assert {each["startedAt"] for each in found["campaigns"]} == {
        f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in rows.loc[~by_rule, "started_at"]
    }


def test_the_same_tables_make_the_same_records(tables: dict[str, pd.DataFrame]) -> None:
    assert world.records(tables) == world.records({name: rows.copy() for name, rows in tables.items()})
    assert all(part == [] for part in world.records({}).values())
