"""Klaviyo is read whole, then by what changed, and again for a stretch of its past; what is gone is marked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from perennial.config.home import Home
from perennial.landing import phones
from perennial.sandbox.klaviyo import shapes
from perennial.sandbox.klaviyo.api import KlaviyoApi
from perennial.sources.api.reader import ApiReader
from perennial.sources.base import Window
from tests.support.vendor import settings_of
from tests.unit.sources.vendors.klaviyo_account import (
    account,
    assert_whole,
    at,
    campaign,
    event,
    fill,
    held,
    profile,
    suppressed,
    walked,
)


def test_the_first_load_lands_every_record_and_the_journal_agrees(tmp_path: Path) -> None:
    with account(tmp_path) as world:
        report = world.land_well()
        assert_whole(world)
        assert set(walked(world, "/api/events")) == held(world, "events")
        assert set(walked(world, "/api/profiles")) == held(world, "profiles")
        assert len(walked(world, "/api/events")) == 210, "no page was asked for twice"
        assert report.traffic["calls"] == world.calls() and report.warnings == ()
        assert sum(each.quarantined for each in report.tables) == 0
        steps = world.rows("flow_messages")
        assert [(row["flow_id"], row["message_id"], row["name"]) for row in steps] == [("F1", "fm1", "Welcome")]
        campaigns = world.newest("campaigns", "campaign_id")
        assert {row["channel"] for row in campaigns.values()} == {"email", "sms", "mobile_push"}
        assert {row["stage"] for row in campaigns.values()} == {"lapsed"}


def test_a_night_asks_for_what_changed_and_lands_that_alone(tmp_path: Path) -> None:
    with account(tmp_path, overlap="1m") as world:
        world.land_well()
        before = world.calls()
        world.vendor.seed("profiles", [profile(7, updated=1000, first_name="New"), profile(400, updated=1001)])
        world.vendor.seed("events", [event(900, 1002)])
        made, message = campaign(9)
        world.vendor.seed("campaign-messages", [message])
        world.vendor.seed("campaigns", [campaign(1)[0], made])
        report = world.land_well()
        assert_whole(world)
        landed = {each.table: each.landed for each in report.tables}
        assert (landed["profiles"], landed["events"], landed["campaigns"], landed["metrics"]) == (2, 1, 1, 0)
        assert len(walked(world, "/api/events", before)) < 100, "only the overlap comes again"
        quiet = world.land_well()
        assert {each.table: each.landed for each in quiet.tables if each.landed} == {}
        # what happened twenty hours before, and is heard of only now, is found by an overlap of a day
        world.vendor.seed("events", [event(901, seconds=-3600 * 20)])
        world.land_well(overlap="1d")
        assert_whole(world)


def test_a_stretch_of_the_past_is_read_again_without_moving_the_state(tmp_path: Path) -> None:
    with account(tmp_path, since="2026-02-01") as world:
        world.vendor.seed("events", [event(1000 + number, seconds=-86_400 * 10 - number) for number in range(130)])
        world.vendor.seed("profiles", [profile(1000 + number, updated=-86_400 * 10) for number in range(3)])
        state = world.land_well().state
        assert len(world.newest("events", "event_id")) == 210
        window = Window(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "backfill")
        report = world.land_well(window=window)
        assert_whole(world)
        kept = {name: each.get("watermark") for name, each in state["streams"].items()}
        assert {name: each.get("watermark") for name, each in report.state["streams"].items()} == kept
        assert {each.table for each in report.tables} == {"events", "profiles"}


def test_what_is_gone_is_marked_and_what_comes_back_is_alive(tmp_path: Path) -> None:
    with account(tmp_path) as world:
        world.land_well()
        deleted = dict(world.vendor.held()["profiles"]["P000003"])
        world.vendor.seed("profile-deletions", [{"id": "P000003"}])
        world.land_well(find_deleted=False)
        assert not any(row["is_deleted"] for row in world.newest("profiles", "profile_id").values())
        gone = {"profiles": {"data": [{"type": "profile", "id": "P000002"}]}}
        kept = {"id": "P000001", "relationships": gone, "updated": shapes.written(at(2000))}
        world.vendor.seed("profile-merges", [kept])
        world.vendor.held()["campaigns"].remove("C1")  # type: ignore[attr-defined]
        world.land_well()
        assert_whole(world)
        rows = world.newest("profiles", "profile_id")
        assert {key for key, row in rows.items() if row["is_deleted"]} == {"P000002", "P000003"}
        assert rows["P000003"]["email"] == "canary-3@leak.test", "its refusals must still find their address"
        owners = {row["profile_id"] for row in world.newest("events", "event_id").values()}
        assert "P000002" not in owners and None in owners
        assert world.newest("campaigns", "campaign_id")["C1"]["is_deleted"]
        world.vendor.seed("profiles", [deleted])
        world.land_well()
        assert_whole(world)


def test_a_suppression_that_moves_no_update_time_is_landed(tmp_path: Path) -> None:
    with account(tmp_path, overlap="1s") as world:
        world.land_well()
        world.vendor.seed("profiles", [suppressed(profile(5), "USER_SUPPRESSED", 900)])
        world.land_well()
        row = world.newest("profiles", "profile_id")["P000005"]
        assert (row["suppression_reasons"], row["undeliverable_at"]) == ("USER_SUPPRESSED", None)
        assert row["suppressed_at"] == at(900).replace(tzinfo=None)


def test_messages_numbers_and_predictions_are_read_from_where_klaviyo_has_them(tmp_path: Path) -> None:
    api = KlaviyoApi(limits=10_000)
    fill(api, profiles=0, events=0)
    known: dict[str, Any] = {"phone_number": "+441632960001", "location": {"country": "United Kingdom"}}
    forecast = {"predicted_clv": 27.24, "churn_probability": 0.89}
    hurt = suppressed(profile(2, predictive_analytics=forecast), "HARD_BOUNCE", 50)
    api.seed("profiles", [profile(1, **known), hurt])
    odd: dict[str, Any] = {"$_cohort$message_send_cohort": None, "Apple Privacy Open": "True"}
    none: dict[str, Any] = {"$message": None}
    api.seed("events", [event(1, owner=1), event(2, 60, 1, "Opened Email", **odd), event(3, 61, 1, **none)])
    with account(tmp_path, api, predictive_analytics=True) as world:
        world.land_well()
        first, second, third = (world.newest("events", "event_id")[f"E00000{number}"] for number in (1, 2, 3))
        sent = shapes.seconds(at(1)) - 3
        assert (first["send_id"], second["send_id"]) == (f"{sent}:m1:P000001", "m1:P000001")
        assert third["send_id"] is None, "an event that names no message is none of a message"
        assert first["sent_at"] == datetime.fromtimestamp(sent, UTC).replace(tzinfo=None)
        assert (first["is_machine"], second["is_machine"]) == (False, True)
        row = world.newest("profiles", "profile_id")["P000002"]
        assert (str(row["predicted_clv_amount"]), str(row["churn_probability"])) == ("27.2400", "0.8900")
        assert row["undeliverable_at"] == row["suppressed_at"] == at(50).replace(tzinfo=None)
        phones.refresh(Home(tmp_path), settings_of(world.source))
        pairs = world.query(f"select country, e164 from '{Home(tmp_path).own_table('phone_numbers')}' order by 1")
        # messages point at the number alone
        assert [row["country"] for row in pairs] == ["", "United Kingdom"]


def test_a_probe_asks_for_one_of_each(tmp_path: Path) -> None:
    with account(tmp_path) as world:
        source = settings_of(world.source).sources["store"]
        assert ApiReader(source).probe(world.env) == []  # type: ignore[arg-type]
        assert {entry.path for entry in world.sandbox.journal.of("klaviyo")} == {
            f"/api/{name}" for name in ("events", "profiles", "metrics", "flows", "campaigns")
        }
        (problem,) = ApiReader(source).probe({"VENDOR_TOKEN": "pk_wrong"})  # type: ignore[arg-type]
        assert "401" in problem and "pk_wrong" not in problem
