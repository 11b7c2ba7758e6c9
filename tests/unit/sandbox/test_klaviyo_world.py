"""The demo's messaging system in Klaviyo's shape: no fact that Klaviyo can carry is lost on the way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from perennial.demo.make import make_world
from perennial.demo.scale import Scale
from perennial.sandbox.klaviyo.api import KlaviyoApi
from perennial.sandbox.klaviyo.shapes import Record
from perennial.sandbox.klaviyo.world import METRICS, campaign_id, flow_id, flow_message_id, records
from perennial.sandbox.klaviyo.world_profiles import STATEMENTS

CHANNELS = ("email", "sms", "push")
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    made = make_world(Scale(people=120, years=2)).tables
    return {table: frame for (source, table), frame in made.items() if source == "messaging"}


@pytest.fixture(scope="module")
def world(tables: Tables) -> dict[str, list[Record]]:
    return records(tables)


def mine(tables: Tables) -> pd.DataFrame:
    """The messages that are Klaviyo's and of which anything came back: others do not show there."""
    frame = sent(tables)
    return frame[frame["message_id"].isin(tables["message_events"]["message_id"])]


def sent(tables: Tables) -> pd.DataFrame:
    frame = tables["messages"]
    return frame[frame["channel"].isin(CHANNELS) & frame["conversation_id"].isna()]


def refs(world: dict[str, list[Record]]) -> dict[str, tuple[str, str]]:
    found = {}
    for each in world["profiles"]:
        known = each["attributes"]
        kinds = (("email", "email"), ("phone", "phone_number"))
        ((found[each["id"]]),) = [(kind, known[name]) for kind, name in kinds if known[name] is not None]
    return found


def second(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def told(world: dict[str, list[Record]], names: set[str]) -> list[tuple[Record, str, dict[str, Any]]]:
    """Events of these metrics with their metric's name and their properties."""
    by_id = {each["id"]: each["attributes"]["name"] for each in world["metrics"]}
    rows = []
    for each in world["events"]:
        name = by_id[each["relationships"]["metric"]["data"]["id"]]
        if name in names:
            rows.append((each, name, each["attributes"]["event_properties"]))
    return rows


def test_the_world_is_the_same_every_time(tables: Tables, world: dict[str, list[Record]]) -> None:
    assert records(tables) == world
    for collection, held in world.items():
        assert len({each["id"] for each in held}) == len(held) > 0, collection
    assert all(len(each["id"]) == 26 and each["id"].startswith("01H") for each in world["profiles"])


def test_every_record_can_be_seeded(world: dict[str, list[Record]]) -> None:
    api = KlaviyoApi()
    for collection, held in world.items():
        assert api.seed(collection, held) == len(held)


def test_every_reference_of_a_message_and_of_a_consent_is_one_profile(
    tables: Tables, world: dict[str, list[Record]]
) -> None:
    expected = {
        (row.contact_ref_type, row.contact_ref)
        for frame in (sent(tables), tables["consents"])
        for row in frame.itertuples()
    }
    assert Counter(refs(world).values()) == Counter(expected)


def test_every_message_can_be_told_from_its_events_alone(tables: Tables, world: dict[str, list[Record]]) -> None:
    who = refs(world)
    found = set()
    for each, name, known in told(world, set(METRICS.values())):
        if "$message" in known:
            sent, message = known["$_cohort$message_send_cohort"].split(":")
            assert message == known["$message"]
            at = datetime.fromtimestamp(int(sent), UTC).replace(tzinfo=None)
            channel = "sms" if "SMS" in name else "email"
            found.add((*who[each["relationships"]["profile"]["data"]["id"]], channel, at, "$flow" in known))
    expected = {
        (row.contact_ref_type, row.contact_ref, row.channel, row.sent_at.to_pydatetime(), pd.notna(row.automation_id))
        for row in mine(tables).itertuples()
    }
    assert found == expected


def test_what_came_back_is_told_as_often_as_it_came(tables: Tables, world: dict[str, list[Record]]) -> None:
    came = tables["message_events"].merge(mine(tables)[["message_id", "channel"]], on="message_id")
    expected = Counter(
        (METRICS[row.channel, row.event_type], row.occurred_at.to_pydatetime(), bool(row.is_machine))
        for row in came.itertuples()
    )
    found = Counter(
        (name, second(each["attributes"]["datetime"]), bool(known.get("machine_open")))
        for each, name, known in told(world, set(METRICS.values()))
        if "$message" in known
    )
    assert found == expected and any(machine for _, _, machine in found)


def test_a_click_says_where_to_and_a_bounce_that_it_was_hard(world: dict[str, list[Record]]) -> None:
    assert {known["URL"] for _, _, known in told(world, {"Clicked Email"})} == {"https://shop.example/offers"}
    assert {known["Bounce Type"] for _, _, known in told(world, {"Bounced Email"})} == {"Hard"}


def test_every_statement_of_consent_is_an_event_or_the_present_state(
    tables: Tables, world: dict[str, list[Record]]
) -> None:
    who, names = refs(world), {name: about for about, name in STATEMENTS.items()}
    found = {
        (*who[each["relationships"]["profile"]["data"]["id"]], *names[name], second(each["attributes"]["datetime"]),
         known["method_detail"])
        for each, name, known in told(world, set(names)) if "$message" not in known
    }  # fmt: skip
    expected = {
        (row.contact_ref_type, row.contact_ref, row.channel, row.status, row.changed_at.to_pydatetime(), row.evidence)
        for row in tables["consents"].itertuples()
    }
    assert found == expected


def test_a_profile_holds_the_latest_statement_and_of_two_at_once_the_no() -> None:
    world = records(
        {
            "consents": pd.DataFrame(
                [
                    consent("a@example.com", "granted", "2026-01-01"),
                    consent("a@example.com", "denied", "2026-02-01"),
                    consent("b@example.com", "denied", "2026-01-01"),
                    consent("b@example.com", "granted", "2026-01-01"),
                    consent("c@example.com", "denied", "2026-01-01"),
                    consent("c@example.com", "granted", "2026-03-01"),
                    consent("+441914980001", "granted", "2026-03-01", "phone", "whatsapp"),
                ]
            )
        }
    )
    states = {
        each["attributes"]["email"]: each["attributes"]["subscriptions"]["email"]["marketing"]["consent"]
        for each in world["profiles"]
    }
    assert states == {
        "a@example.com": "UNSUBSCRIBED",
        "b@example.com": "UNSUBSCRIBED",
        "c@example.com": "SUBSCRIBED",
        None: "NEVER_SUBSCRIBED",
    }
    chat = world["profiles"][-1]["attributes"]["subscriptions"]["whatsapp"]["marketing"]
    assert (chat["consent"], chat["phone_number"]) == ("SUBSCRIBED", "+441914980001")


def test_a_bounce_suppresses_the_profile(tables: Tables, world: dict[str, list[Record]]) -> None:
    came = tables["message_events"].merge(mine(tables), on="message_id")
    bounced = came[(came["event_type"] == "bounced") & (came["channel"] == "email")]
    suppressed = {
        each["attributes"]["email"]
        for each in world["profiles"]
        for one in each["attributes"]["subscriptions"]["email"]["marketing"]["suppression"]
        if one["reason"] == "HARD_BOUNCE"
    }
    assert suppressed == set(bounced["contact_ref"]) and suppressed


def test_campaigns_and_what_flows_send_keep_name_channel_start_and_stage(
    tables: Tables, world: dict[str, list[Record]]
) -> None:
    tags = {each["id"]: each["attributes"]["name"] for each in world["tags"]}
    found = set()
    for each in world["campaigns"]:
        message = next(
            one["attributes"]["definition"]["channel"]
            for one in world["campaign-messages"]
            if one["relationships"]["campaign"]["data"]["id"] == each["id"]
        )
        known = each["attributes"]
        found.add((each["id"], None, known["name"], message, second(known["send_time"]), None))
    actions = {each["id"]: each["attributes"] for each in world["flow-actions"]}
    for each in world["flows"]:
        stages = [tags[tag["id"]] for tag in each["relationships"]["tags"]["data"]]
        for step in each["relationships"]["flow-actions"]["data"]:
            made = actions[step["id"]]["definition"]
            said = made["data"]["message"]
            start, channel = second(actions[step["id"]]["created"]), made["type"].removeprefix("send-")
            found.add((said["id"], each["id"], said["name"], channel, start, stages[0].removeprefix("stage: ")))
    expected = set()
    for row in tables["campaigns"].itertuples():
        flow = None if pd.isna(row.automation_id) else flow_id(row.automation_id)
        identifier = campaign_id(row.campaign_id) if flow is None else flow_message_id(row.campaign_id)
        stage = None if pd.isna(row.stage) else row.stage
        expected.add((identifier, flow, row.name, row.channel, row.started_at.to_pydatetime(), stage))
    assert found == expected


def consent(ref: str, status: str, day: str, kind: str = "email", channel: str = "email") -> dict[str, Any]:
    return {
        "contact_ref": ref, "contact_ref_type": kind, "channel": channel, "purpose": "marketing", "status": status,
        "changed_at": pd.Timestamp(day), "jurisdiction": "GB", "evidence": "test",
    }  # fmt: skip
