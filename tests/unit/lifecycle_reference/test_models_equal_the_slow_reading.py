"""The fast models and the slow reading of the definitions give one answer, over changes of clocks and at every edge."""

from __future__ import annotations

import shutil
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import duckdb
import pytest
import yaml

from perennial.config.home import Home
from perennial.lifecycle.declaration import rule_versions
from tests.conftest import ROOT
from tests.unit.lifecycle_reference import leaving, reading, reading_rfm, reports, talks, turns
from tests.unit.lifecycle_reference.running import Built, rows_of, run_models
from tests.unit.lifecycle_reference.world import make_world, reason_of, write_world

WORLDS = {
    # midnight in London, and in summer: a threshold and a period end exactly at as_of
    "london_midnight": (1, "Europe/London", datetime(2024, 6, 30, 23, 0, tzinfo=UTC)),
    # noon in New York, a week after its clocks went back
    "new_york_noon": (2, "America/New_York", datetime(2024, 11, 10, 17, 0, 0, 1, tzinfo=UTC)),
}
TABLES = [
    "lifecycle.stage_history",
    "lifecycle.losses",
    "lifecycle.lost_reasons",
    "lifecycle.stage_transitions",
    "lifecycle.stage_dwell",
    "lifecycle.rfm_scores",
    "kpis.kpi_values",
    "kpis.cohort_retention",
    "lifecycle.customer_stages",
    "lifecycle.conversation_priorities",
    "lifecycle.risk_signals",
    "lifecycle.campaign_progress",
    *(f"lifecycle.{name}" for name in reports.REPORTS),
]
DAY = Fraction(86_400_000_000)


@pytest.fixture(scope="module", params=sorted(WORLDS))
def built(request: pytest.FixtureRequest, parsed_home: Home) -> Iterator[Built]:
    world = make_world(*WORLDS[request.param])
    try:
        write_world(world, parsed_home.build_file)
        run_models(
            world, parsed_home, "repeat_times", "lifecycle", "kpis", "--exclude", "lifecycle.triggers", "stage_coverage"
        )
        with duckdb.connect(str(parsed_home.build_file), read_only=True) as connection:
            tables = {name: rows_of(connection, name) for name in TABLES}
    finally:
        shutil.rmtree(parsed_home.build_file.parent, ignore_errors=True)
        parsed_home.prepare()
    histories = {person.customer_id: reading.history(world, person) for person in world.people}
    yield Built(world, tables, histories)


@pytest.mark.parametrize("preset", sorted(reading.PRESETS))
def test_every_history_equals_the_one_seen_by_looking_every_day(built: Built, preset: str) -> None:
    found: dict[str, list[reading.Stay]] = defaultdict(list)
    held = [row for row in built.tables["lifecycle.stage_history"] if row["stage_model"] == preset]
    for row in sorted(held, key=lambda row: row["valid_from"]):
        since, until = row["valid_from"].replace(tzinfo=UTC), row["valid_to"] and row["valid_to"].replace(tzinfo=UTC)
        found[row["customer_id"]].append((row["stage"], since, until, row["cause_event_id"]))
    for person in built.world.people:
        assert found[person.customer_id] == reading.history(built.world, person, preset), person


def test_a_loss_has_the_reason_that_its_source_gave_or_silence(built: Built) -> None:
    told = {each.event_id: each for person in built.world.people for each in person.told if each.kind == "source_stage"}
    reasons = set()
    for row in built.tables["lifecycle.stage_history"]:
        kind, _, event = row["cause_event_id"].partition(":")
        expected = None
        if row["kind"] == "lost" and kind == "source_stage":
            expected = reason_of(told[event.partition(":")[2]])
        elif row["kind"] == "lost" and kind == "time":
            expected = "stopped_replying"
        assert row["lost_reason"] == expected, row
        reasons.add(expected)
    assert None in reasons and "stopped_replying" in reasons and len(reasons) > 5


def test_every_loss_before_as_of_is_told_and_counted_once(built: Built) -> None:
    as_of = built.world.as_of.replace(tzinfo=None)
    lost = {
        (row["customer_id"], row["stage_model"], row["valid_from"], row["stage"], row["lost_reason"])
        for row in built.tables["lifecycle.stage_history"]
        if row["kind"] == "lost" and row["valid_from"] < as_of
    }
    losses = built.tables["lifecycle.losses"]
    told = [(r["customer_id"], r["stage_model"], r["lost_at"], r["lost_stage"], r["lost_reason"]) for r in losses]
    assert len(told) > 10 and sorted(told, key=str) == sorted(lost, key=str)
    ways = ("stage_model", "lost_stage", "lost_reason", "stage_before", "lead_campaign", "first_reply_bucket")
    expected: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in losses:
        month = built.world.day(row["lost_at"].replace(tzinfo=UTC)).replace(day=1)
        expected[month, *(row[way] for way in ways)].add(row["customer_id"])
    counted = {
        (row["month"], *(row[way] for way in ways)): row["customers_count"]
        for row in built.tables["lifecycle.lost_reasons"]
    }
    assert counted == {key: len(people) for key, people in expected.items()}


def test_the_world_holds_every_stage_and_a_threshold_at_as_of(built: Built) -> None:
    """So that the test above can fail."""
    stays = [stay for stays in built.histories.values() for stay in stays]
    declared = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["stage_models"]
    for preset, model in declared.items():
        held = [row["stage"] for row in built.tables["lifecycle.stage_history"] if row["stage_model"] == preset]
        assert set(held) == {stage["stage"] for stage in model["stages"]}
    assert len(stays) > 300
    if built.world.midnight(built.world.day(built.world.as_of)) == built.world.as_of:
        assert any(stay[1] == built.world.as_of for stay in stays)


def test_the_rule_version_is_the_one_that_a_check_of_the_declaration_names(built: Built) -> None:
    declared = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["stage_models"]
    found = {(row["stage_model"], row["rule_version"]) for row in built.tables["lifecycle.stage_history"]}
    assert found == set(rule_versions(declared).items())


def test_retention_from_month_to_month_counts_the_same_people(built: Built) -> None:
    rows = built.kpi("customer_retention_rate", "period_over_period")
    expected = {}
    before: set[str] = set()
    for month in reading.months(built.world):
        active = reading.active_in(built.world, month)
        expected[month] = (len(active & before), len(before))
        before = active
    assert _fractions(rows) == expected


def test_retention_counts_in_the_stage_held_when_the_month_begins(built: Built) -> None:
    world, expected = built.world, defaultdict(lambda: [0, 0])
    before: set[str] = set()
    for month in reading.months(world):
        active = reading.active_in(world, month)
        for customer_id in before:
            stage = reading.stage_on(built.histories, customer_id, world.midnight(month))
            expected[month, stage][0] += customer_id in active
            expected[month, stage][1] += 1
        before = active
    for stage in {stage for _month, stage in expected}:
        rows = built.kpi("customer_retention_rate", "period_over_period", segment=stage)
        assert _fractions(rows) == {month: tuple(expected[month, stage]) for month in reading.months(world)}


@pytest.mark.parametrize("days", [90, 365])
def test_customers_kept_over_a_window_are_the_same_people(built: Built, days: int) -> None:
    world = built.world
    expected = {}
    for month in reading.months(world):
        end = world.midnight(reading.next_month(month))
        expected[month] = reading.kept(world, min(end, world.as_of), days)
    assert _fractions(built.kpi("customer_retention_rate", f"crr_{days}d")) == expected
    (row,) = built.kpi("customer_retention_rate", f"crr_{days}d", "all").values()
    assert (row["numerator"], row["denominator"]) == reading.kept(world, world.as_of, days)


def test_reactivated_people_are_the_same_people(built: Built) -> None:
    expected = {}
    for month in reading.months(built.world):
        lapsed = reading.lapsed_before(built.world, month)
        expected[month] = (len(lapsed & reading.active_in(built.world, month)), len(lapsed))
    assert _fractions(built.kpi("reactivation_rate", "observed")) == expected


@pytest.mark.parametrize("days", [30, 60, 90, 365])
def test_second_orders_within_a_window_are_the_same_and_known_when_it_is_over(built: Built, days: int) -> None:
    world = built.world
    rows = built.kpi("repeat_purchase_rate", f"within_{days}d")
    expected = {month: reading.came_back_within(world, month, days) for month in reading.months(world)}
    assert _fractions(rows) == expected
    for month, row in rows.items():
        last_day = reading.next_month(month) - timedelta(days=1)
        is_over = world.day(world.as_of) > last_day + timedelta(days=days)
        assert row["is_closed"] == is_over
        assert (row["value"] is not None) == (is_over and row["denominator"] > 0)


def test_orders_and_refunds_count_in_the_stage_that_they_find(built: Built) -> None:
    world, expected = built.world, defaultdict(lambda: [0, 0, 0, 0])
    orders = [order for person in world.people for order in person.orders] + world.anonymous
    for event in orders + world.refunds:
        key = (world.day(event.at).replace(day=1), reading.stage_before(built.histories, event))
        is_order = event in orders
        for place, amount in enumerate([is_order, event.revenue, event.gross, event.refunded]):
            expected[key][place] += amount
    months = set(reading.months(world))
    for segment in {stage for _month, stage in expected}:
        default = built.kpi("aov", "default", segment=segment)
        gross = built.kpi("aov", "gross", segment=segment)
        net = built.kpi("aov", "net_of_refunds", segment=segment)
        assert set(default) == months
        for month in months:
            count, revenue, total, refunded = expected[month, segment]
            assert (default[month]["numerator"], default[month]["denominator"]) == (revenue, count)
            assert gross[month]["numerator"] == total
            assert net[month]["numerator"] == revenue - refunded
            assert default[month]["value"] == (pytest.approx(revenue / count, rel=1e-12) if count else None)


def test_reactivated_orders_are_those_with_a_gap_of_more_than_ninety_days(built: Built) -> None:
    world, expected = built.world, defaultdict(int)
    for person in world.people:
        for before, order in pairwise(person.orders):
            if (world.day(order.at) - world.day(before.at)).days > 90:
                expected[world.day(order.at).replace(day=1)] += 1
    assert sum(expected.values()) > 20
    found = {month: row["value"] for month, row in built.kpi("reactivated_orders", "default").items()}
    assert found == {month: expected[month] for month in reading.months(world)}


def test_cohorts_are_the_same_people(built: Built) -> None:
    world, expected = built.world, {}
    months = list(reading.months(world))
    for cohort in months:
        members = {
            p.customer_id for p in world.people if p.orders and world.day(p.orders[0].at).replace(day=1) == cohort
        }
        for since, month in enumerate(months[months.index(cohort) :]):
            if members:
                expected[cohort, since] = (len(members), len(members & reading.active_in(world, month)))
    rows = built.tables["kpis.cohort_retention"]
    assert {(r["cohort_month_on"], r["months_since"]): (r["cohort_size"], r["active_count"]) for r in rows} == expected


def test_dwell_equals_kaplan_and_meier_in_exact_fractions(built: Built) -> None:
    world, expected = built.world, defaultdict(list)
    for stays in built.histories.values():
        for stage, since, until, _cause in stays:
            if since < world.as_of:
                seen = min(until or world.as_of, world.as_of) - since
                ended = until is not None and until < world.as_of
                length = Fraction(seen // timedelta(microseconds=1)) / DAY
                expected[stage, world.day(since).replace(day=1)].append((length, ended))
    rows = {(row["stage"], row["month"]): row for row in built.in_five_stage("stage_dwell")}
    assert set(rows) == set(expected)
    for key, stays in expected.items():
        assert rows[key]["entered_count"] == len(stays)
        assert rows[key]["exited_count"] == sum(ended for _length, ended in stays)
        for column, share in (("median_days", Fraction(1, 2)), ("p90_days", Fraction(9, 10))):
            length = reading.quantile_of_stays(stays, share)
            assert rows[key][column] == (None if length is None else pytest.approx(float(length), rel=1e-12)), key


def test_moves_are_the_same_people_and_as_long(built: Built) -> None:
    world = built.world
    expected: dict[tuple[date, str, str], list[tuple[str, float]]] = defaultdict(list)
    for customer_id, stays in built.histories.items():
        for left, entered in pairwise(stays):
            if entered[1] < world.as_of:
                days = (entered[1] - left[1]) / timedelta(days=1)
                expected[world.day(entered[1]).replace(day=1), left[0], entered[0]].append((customer_id, days))
    rows = {(r["month"], r["from_stage"], r["to_stage"]): r for r in built.in_five_stage("stage_transitions")}
    assert set(rows) == set(expected)
    for key, moves in expected.items():
        assert rows[key]["customers_count"] == len({customer_id for customer_id, _days in moves})
        assert rows[key]["moves_count"] == len(moves)
        assert rows[key]["median_days"] == pytest.approx(statistics.median(days for _id, days in moves), rel=1e-12)


@pytest.mark.parametrize("report", sorted(reports.REPORTS))
def test_every_report_on_stages_equals_its_slow_reading(built: Built, report: str) -> None:
    read, keys, columns = reports.REPORTS[report]
    expected = read(reports.stays_of(built.world, built.tables["lifecycle.stage_history"]))
    assert len(expected) > 20
    assert reports.differences(expected, built.tables[f"lifecycle.{report}"], keys, columns) == []


def test_rates_of_loss_and_named_competitors_are_the_same(built: Built) -> None:
    stays = reports.stays_of(built.world, built.tables["lifecycle.stage_history"])
    differing, named = leaving.competitors(stays, built.tables["lifecycle.losses"])
    assert (differing, named) == ([], {None, "unnamed"})
    assert leaving.of_how_many(stays, built.tables["lifecycle.lost_reasons"]) == []
    columns = {name: name for name in ("numerator", "denominator", "is_closed")}
    rows = [row for row in built.tables["kpis.kpi_values"] if row["kpi"] == "stage_drop_off_rate"]
    keys = ["period_start_on", "segment"]
    assert {row["period_start_on"] for row in rows} == set(stays.months())
    assert reports.differences(leaving.drop_offs(stays), rows, keys, columns) == []


def test_rates_of_conversion_and_days_to_the_sale_are_the_same(built: Built) -> None:
    stays = reports.stays_of(built.world, built.tables["lifecycle.stage_history"])
    rows = [row for row in built.tables["kpis.kpi_values"] if row["kpi"] == "stage_conversion_rate"]
    keys, columns = ["variant", "period_start_on", "segment"], {"numerator": "numerator", "denominator": "denominator"}
    assert reports.differences(reports.conversion_rates(stays), rows, keys, columns) == []
    won = {month: row for (model, month), row in reports.days_to_won(stays).items() if model == "conversation_funnel"}
    for variant, read in {"median": "won_median", "p90": "won_p90", "all_median": "median", "all_p90": "p90"}.items():
        found = {month: row["value"] for month, row in built.kpi("sales_cycle_days", variant).items()}
        assert found == {month: pytest.approx(won[month][read]) for month in stays.months()}


def test_first_replies_deals_bookings_and_what_became_of_conversations_are_the_same(built: Built) -> None:
    expected = talks.kpis(built.world)
    assert len(expected) > 300 and sum(value is not None for value in expected.values()) > 100
    assert talks.found_in(built.tables["kpis.kpi_values"]) == pytest.approx(expected, abs=1e-4)
    counts = ("conversations_count", "with_later_stage_count", "closed_count", "advanced_count")
    rows = built.tables["lifecycle.campaign_progress"]
    found = {(row["month"], row["campaign"], row["channel"]): tuple(row[each] for each in counts) for row in rows}
    assert found == talks.progress(reports.stays_of(built.world, built.tables["lifecycle.stage_history"]))
    assert sum(row[3] for row in found.values()) > 5


def test_whose_turn_it_is_and_which_signs_are_up_are_the_same(built: Built) -> None:
    expected = turns.turns(built.world, built.tables["lifecycle.customer_stages"])
    assert turns.listed(built.tables["lifecycle.conversation_priorities"]) == expected
    assert len({turn.priority for turn in expected}) >= 3 and len({turn.is_quiet for turn in expected}) == 2
    losses, signs = built.tables["lifecycle.losses"], built.tables["lifecycle.risk_signals"]
    differing, up = turns.differing_signs(built.world, expected, losses, signs)
    assert (differing, len(up)) == ([], 5)


def test_scores_and_groups_are_the_same_by_every_method(built: Built) -> None:
    columns = ("r_score", "f_score", "m_score", "rfm_segment", "stands_in")
    found = {
        (row["customer_id"], row["method"]): tuple(row[column] for column in columns)
        for row in built.tables["lifecycle.rfm_scores"]
        if row["method"] != "split"
    }
    assert found == reading_rfm.scores(built.world)


def _fractions(rows: dict[date, dict[str, Any]]) -> dict[date, tuple[int, int]]:
    return {month: (int(row["numerator"]), int(row["denominator"])) for month, row in rows.items()}
