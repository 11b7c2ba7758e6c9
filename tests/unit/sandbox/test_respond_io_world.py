"""The demo world's messaging system as the respond.io sandbox holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.respond_io import world
from perennial.sandbox.respond_io.world_rows import ids_of_contacts, message_rows, ref
from perennial.sandbox.server import Sandbox
from tests.unit.sandbox.respond_io_place import (
    Place,
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


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, str], pd.DataFrame]:
    return make_world(Scale(people=200, years=2)).tables


def test_the_demo_world_is_the_same_every_time(tables: dict[tuple[str, str], pd.DataFrame]) -> None:
    assert world.records(tables) == world.records(tables)


def test_every_conversation_of_the_demo_is_held_with_its_times_people_and_reason(
    tables: dict[tuple[str, str], pd.DataFrame],
) -> None:
    frame, ids = tables["messaging", "conversations"], ids_of_contacts(tables)
    held = world.records(tables)
    contacts = {each["id"]: each for each in held["contacts"]}
    assert len(held["conversations"]) == len(frame) > 20
    for row, each in zip(frame.to_dict("records"), held["conversations"], strict=True):
        assert each["contactId"] == ids[ref(row)]
        assert row["contact_ref"] == contacts[each["contactId"]][row["contact_ref_type"]]
        assert pd.Timestamp(each["openedTime"], unit="s") == row["opened_at"].floor("s")
        assert (each["closedTime"] is None) == pd.isna(row["closed_at"])
        assert (each["category"] is None) == pd.isna(row["close_reason"])
        campaigns = [field["value"] for field in each["contactFields"]]
        assert campaigns == ([] if pd.isna(row["source_campaign"]) else [row["source_campaign"]])


def test_every_assignment_and_message_that_is_respond_ios_is_held_once(
    tables: dict[tuple[str, str], pd.DataFrame],
) -> None:
    held = world.records(tables)
    assignments = sorted(tables["messaging", "assignments"]["assignment_id"])
    assert sorted(each["id"] for each in held["assignments"]) == assignments != []
    frame = tables["messaging", "messages"]
    theirs = frame[frame["conversation_id"].notna()]
    assert [each["channelMessageId"] for each in held["messages"]] == theirs["message_id"].tolist()
    assert len({each["messageId"] for each in held["messages"]}) == len(theirs) == len(message_rows(tables))
    times = [pd.Timestamp(each["messageId"] // 1_000_000, unit="s") for each in held["messages"]]
    assert times == theirs["sent_at"].dt.floor("s").tolist()
    senders = {"human": "user", "bot": "bot"}
    for row, each in zip(theirs.to_dict("records"), held["messages"], strict=True):
        wanted = "contact" if row["direction"] == "inbound" else senders[row["sent_by"]]
        assert each["sender"]["source"] == wanted
        assert (each["sender"]["userId"] is not None) == (wanted == "user")


def test_no_campaign_by_e_mail_or_text_message_is_held(tables: dict[tuple[str, str], pd.DataFrame]) -> None:
    sources = {each["sender"]["source"] for each in world.records(tables)["messages"]}
    assert sources == {"contact", "user", "bot"}


def test_chat_campaigns_what_came_of_them_and_chat_consents_are_held() -> None:
    at = pd.Timestamp("2026-02-01 10:00:00")
    whom = {"contact_ref": "+14155550101", "contact_ref_type": "phone", "channel": "whatsapp"}
    sent = {"message_id": "m1", "direction": "outbound", "automation_id": None, "conversation_id": None, "sent_at": at}
    held = world.records({
        ("messaging", "messages"): pd.DataFrame([
            {**whom, **sent, "campaign_id": "WA-1", "sent_by": "human"},
            {**whom, **sent, "message_id": "m2", "campaign_id": "A", "automation_id": "w", "sent_by": "automation"},
            {**whom, **sent, "message_id": "m3", "channel": "sms", "campaign_id": "SMS-1", "sent_by": "human"},
        ]),
        ("messaging", "message_events"): pd.DataFrame([
            {"message_id": "m1", "event_type": name, "occurred_at": at + pd.Timedelta(seconds=second)}
            for second, name in enumerate(("delivered", "opened", "clicked", "bounced"), 1)
        ]),
        ("messaging", "consents"): pd.DataFrame([
            {**whom, "purpose": "marketing", "status": "granted", "changed_at": at},
            {**whom, "purpose": "marketing", "status": "denied", "changed_at": at + pd.Timedelta(days=1)},
        ]),
    })  # fmt: skip
    broadcast, automated = held["messages"]
    assert broadcast["sender"]["source"] == "broadcast" and broadcast["sender"]["broadcastHistoryId"]
    assert automated["sender"]["source"] == "workflow" and automated["messageId"] == broadcast["messageId"] + 1
    seconds = [(each["value"], each["timestamp"] // 1000 - int(at.timestamp())) for each in broadcast["status"]]
    assert seconds == [("sent", 0), ("delivered", 1), ("read", 2), ("failed", 4)]
    assert held["contacts"][0]["custom_fields"] == [
        {"name": "whatsapp_marketing_consent", "value": "denied"},
        {"name": "whatsapp_marketing_consent_at", "value": "2026-02-02T10:00:00Z"},
    ]


def test_the_demo_world_can_be_walked_and_told(place: Place, tables: dict[tuple[str, str], pd.DataFrame]) -> None:
    held = world.records(tables)
    for collection, records in held.items():
        place.api.seed(collection, records)
    walked = place.walk(place.listed(limit=7), posts=True)
    assert [each["id"] for each in walked] == [each["id"] for each in held["contacts"]]
    opened = list(place.api.webhooks(events=["conversation.opened"]))
    assert len(opened) == len(held["conversations"])
    campaigns = [json.loads(each.body)["contact"]["custom_fields"] for each in opened]
    assert [{"name": "source_campaign", "value": "spring-launch"}] in campaigns and [] in campaigns
