"""Rows that break the contract: nothing is lost, each has its place and reason, and permission fails closed."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta

import duckdb
import pytest

from perennial.landing.manifest import LoadReport
from tests.unit.landing.world import NOW, World


def balance(report: LoadReport) -> None:
    for table in report.tables:
        assert table.received == table.accepted + table.quarantined
        assert table.landed + table.repeated == table.accepted


def test_received_is_accepted_plus_quarantined_for_every_file(world: World) -> None:
    rows = [(number, "2026-01-01" if number % 3 else "soon", number) for number in range(1, 3001)]
    world.write_rows("shop_orders/a.csv", "order_id,ordered_at,total_amount", rows[:1000])
    world.write_rows("shop_orders/b.csv", "order_id,ordered_at,total_amount", rows[1000:])
    report = world.land()
    balance(report)
    assert (report.tables[0].received, report.tables[0].quarantined) == (3000, 1000)
    refused = world.refused("shop_orders")
    assert {(line["file"], line["row"]) for line in refused} == {
        ("shop_orders/a.csv" if number <= 1000 else "shop_orders/b.csv", number if number <= 1000 else number - 1000)
        for number in range(3, 3001, 3)
    }
    assert all(
        line["record"]["order_id"] == str(line["row"] + (1000 if "b.csv" in line["file"] else 0)) for line in refused
    )


def test_the_first_reason_is_given_with_the_row_as_it_came(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at,total_amount,extra\n,soon,much,kept\n")
    world.land()
    (line,) = world.refused("shop_orders")
    assert line["reason"] == "order_id: is missing; every row needs one"
    assert line["record"] == {"order_id": None, "ordered_at": "soon", "total_amount": "much", "extra": "kept"}


def test_rows_of_parquet_are_named_by_their_number_too(world: World) -> None:
    path = world.exports / "shop_orders.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select i as order_id, case when i = 250000 then 'soon' else '2026-01-01' end as ordered_at"
            f" from range(1, 300001) t(i)) to '{path}' (format parquet)"
        )
    report = world.land()
    balance(report)
    assert [(line["row"], line["record"]["order_id"]) for line in world.refused("shop_orders")] == [(250000, "250000")]


def test_refused_files_are_closed_to_others(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at\n1,soon\n2,2026-01-01\n")
    world.land()
    written = [path for path in world.home.root.rglob("*") if path.suffix in (".jsonl", ".parquet", ".json")]
    assert len(written) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in written} == {0o700}


def test_a_row_in_quarantine_is_landed_once_it_is_repaired(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at\n1,soon\n")
    world.land()
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-01-01\n")
    world.land()
    assert len(world.landed("shop_orders")) == 1


def test_a_row_that_lay_in_the_future_is_taken_when_its_time_has_come(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-03-20\n")
    assert world.land().tables[0].quarantined == 1
    world.now += timedelta(days=20)
    assert world.land().tables[0].landed == 1


def test_the_watermark_is_the_newest_time_that_has_already_come(world: World) -> None:
    world.write(
        "shop_orders.csv",
        "order_id,ordered_at,updated_at\n1,2026-02-01,2026-02-03\n2,2026-02-02,\n3,2026-03-05,\n4,soon,2026-02-28\n",
    )
    assert world.land().tables[0].watermark_at == datetime(2026, 2, 3)


CONSENT = "contact_ref,contact_ref_type,channel,purpose,status,changed_at\n"


def denials(world: World) -> list[tuple[str, str, str, str]]:
    return sorted(
        (row["contact_ref"], row["contact_ref_type"], row["channel"], row["purpose"])
        for row in world.landed("consents")
        if row["status"] == "denied"
    )


def test_a_refused_consent_denies_the_channel_from_now_on(world: World) -> None:
    world.write("consents.csv", CONSENT + "ann,customer_id,email,marketing,grantd,2026-01-01\n")
    table = world.land().tables[0]
    assert (table.received, table.accepted, table.quarantined, table.landed, table.protective) == (1, 0, 1, 0, 1)
    (row,) = world.landed("consents")
    assert (row["status"], row["changed_at"]) == ("denied", (NOW + timedelta(hours=1)).replace(tzinfo=None))
    assert row["evidence"].startswith("row refused: status: 'grantd' is not one of the words")
    assert not row["is_superseded"]


def test_a_consent_dated_far_ahead_denies(world: World) -> None:
    world.write("consents.csv", CONSENT + "ann,customer_id,email,marketing,granted,2999-01-01\n")
    world.land()
    assert denials(world) == [("ann", "customer_id", "email", "marketing")]


def test_what_a_refused_consent_leaves_open_is_denied_altogether(world: World) -> None:
    world.write("consents.csv", CONSENT + "ann,customer_id,email,newsletter,granted,2026-01-01\n")
    world.land()
    assert {purpose for *_, purpose in denials(world)} == {"marketing", "transactional", "ads"}


@pytest.mark.parametrize(
    "row", [",customer_id,email,marketing,granted,soon", "ann,customer_id,fax,marketing,granted,soon"]
)
def test_a_refused_consent_that_names_nobody_or_no_channel_denies_nothing(world: World, row: str) -> None:
    world.write("consents.csv", f"{CONSENT}{row}\n")
    table = world.land().tables[0]
    assert (table.quarantined, table.protective, world.landed("consents")) == (1, 0, [])


def test_the_same_refused_consent_again_denies_nothing_anew(world: World) -> None:
    bad = "ann,customer_id,email,marketing,maybe,2026-01-01\nann,customer_id,email,marketing,perhaps,2026-01-01\n"
    world.write("consents.csv", CONSENT + bad)
    assert world.land().tables[0].protective == 1
    assert world.land().tables[0].protective == 0
    world.write("consents.csv", CONSENT + bad + "ann,customer_id,email,marketing,grnted,2026-02-01\n")
    assert world.land().tables[0].protective == 1
    assert len(world.landed("consents")) == 2


def test_denials_stand_beside_good_rows_of_the_same_load(world: World) -> None:
    world.write(
        "consents.csv",
        CONSENT
        + "bob,customer_id,email,marketing,granted,2026-01-01\n"
        + "ann,customer_id,email,marketing,maybe,2026-01-01\n",
    )
    report = world.land()
    balance(report)
    assert {(row["contact_ref"], row["status"]) for row in world.landed("consents")} == {
        ("bob", "granted"),
        ("ann", "denied"),
    }


def test_a_ragged_consent_that_still_names_a_person_and_a_channel_denies(world: World) -> None:
    world.write("consents.csv", CONSENT + "ann,customer_id,email,marketing,granted\n")
    table = world.land().tables[0]
    assert (table.quarantined, table.protective) == (1, 1)
    assert denials(world) == [("ann", "customer_id", "email", "marketing")]


EVENT = "event_id,message_id,event_type,occurred_at\n"


@pytest.mark.parametrize(
    "row",
    [
        "e1,m1,unsubscribe,2026-01-01", "e1,m1, Unsub ,2026-01-01", "e1,m1,opt_out,2026-01-01",
        "e1,m1,optout,2026-01-01", "e1,m1,OPT-OUT,2026-01-01", "e1,m1,spam_report,2026-01-01",
        "e1,m1,complaint,2026-01-01", "e1,m1,unsubscribed,", "e1,m1,complained,soon", "e1,m1,unsubscribed,2999-01-01",
        ",m1,unsubscribed,2026-01-01",
    ],
)  # fmt: skip
def test_a_refused_unsubscribe_or_complaint_protects_from_now_on(world: World, row: str) -> None:
    world.write("message_events.csv", f"{EVENT}{row}\n")
    table = world.land().tables[0]
    assert (table.received, table.accepted, table.quarantined, table.landed, table.protective) == (1, 0, 1, 0, 1)
    (event,) = world.landed("message_events")
    assert (event["message_id"], event["event_type"]) == ("m1", "unsubscribed")
    assert event["occurred_at"] == (NOW + timedelta(hours=1)).replace(tzinfo=None)
    assert event["event_id"].startswith("refused ") and event["row_hash"] is not None
    assert len(world.refused("message_events")) == 1


@pytest.mark.parametrize("row", ["e1,m1,open,2026-01-01", "e1,m1,opened,soon", "e1,,unsubscribe,2026-01-01"])
def test_other_refused_events_protect_nobody(world: World, row: str) -> None:
    world.write("message_events.csv", f"{EVENT}{row}\n")
    table = world.land().tables[0]
    assert (table.quarantined, table.protective, world.landed("message_events")) == (1, 0, [])


def test_the_same_refused_unsubscribe_again_protects_nobody_anew(world: World) -> None:
    world.write("message_events/1.csv", f"{EVENT}e1,m1,unsub,2026-01-01\ne2,m2,opened,2026-01-01\n")
    world.write("message_events/2.csv", f"{EVENT}e1,m1,unsub,2026-01-01\n")
    assert world.land().tables[0].protective == 1
    assert world.land().tables[0].protective == 0
    world.write("message_events/1.csv", f"{EVENT}e1,m1,unsubscribed,2026-01-01\ne2,m2,opened,2026-01-01\n")
    table = world.land().tables[0]
    assert (table.landed, table.repeated, table.protective) == (1, 1, 0)
    assert len(world.in_force("message_events")) == len(world.landed("message_events")) == 3
