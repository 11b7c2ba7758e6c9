"""`perennial explain customer`: what it tells of one person, on one day, from a published snapshot made by hand.

Ann (`ann`, once `old` and `older`) bought three times and lapsed; Bo talks and was lost; both bear one address.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from perennial.cli import explain as command
from perennial.cli.main import build_app
from perennial.config.home import Home
from perennial.lifecycle.declaration import rule_versions
from perennial.lifecycle.explanation import with_own_limits
from perennial.lifecycle.versions import remember
from tests.support.installation import write_config

RUN = CliRunner()
ROOT = Path(__file__).resolve().parents[3]
VARIABLES = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
DECLARED = VARIABLES["stage_models"]
SNAPSHOT = Path(__file__).with_name("explained.sql")


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    home = Home(tmp_path / "home").prepare()
    monkeypatch.setenv("PERENNIAL_CONFIG", str(write_config(tmp_path / "config", {})))
    monkeypatch.setenv("PERENNIAL_HOME", str(home.root))
    home.published.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home.published_file)) as con:
        for model, version in rule_versions(DECLARED).items():
            con.execute(f"set variable {model} = '{version}'")
        con.execute(SNAPSHOT.read_text(encoding="utf-8"))
    return home


def said(*words: str, status: int = 0) -> str:
    done = RUN.invoke(build_app(), ["explain", "customer", *words])
    assert done.exit_code == status, done.output
    return done.output


def told(*words: str) -> dict[str, Any]:
    return json.loads(said(*words, "--json"))


ANN = """\
ann  Ann Stone
  ann@example.com · +442079460018 · GB · first seen 2024-01-01 09:00 by crm,
  shop
as of 2024-09-01 00:00 Europe/London, from snapshot 20240901T000000Z

five_stage: lapsed (Lapsed), lapsed, since 2024-08-31 00:00
  rule      orders_count at least 1: 3
            days_since_last_order at least 91: 92
  because   2024-08-31 00:00 90 days since the last order had passed
            2024-06-01 00:30 order number 3 of theirs, of unknown amount
            [shop/o3]
  next      Win back
  way here  2024-01-01 09:00  awareness          first_seen
            2024-01-02 09:00  acquisition        reachable
            2024-02-01 10:00  conversion         order:shop:o:1
            2024-02-10 10:00  retention          order:shop:o2
            2024-05-11 00:00  lapsed             time:days_since_last_order:90
            2024-06-01 00:30  retention          order:shop:o3
            2024-08-31 00:00  lapsed             time:days_since_last_order:90

signs of risk
  yes inactive, days since anything of theirs: 92
  no  unanswered questions: 0
  yes overdue by their own gap, usual days between orders: 25.5
  no  objections, on days: 0
  no  conversations open for long: 0

open conversations
  none

consent
  granted  email, marketing, acme since 2024-01-02 09:00 [crm] footer box
  denied   sms, marketing of unknown date [shop]

audiences
  news: no member
    2024-05-13 03:00 join to mailer, refused: no consent
  win_back: a member
    mailer holds them since 2024-05-12 04:00
    2024-05-12 03:00 join to mailer, acknowledged
"""


def test_a_person_is_told_whole_and_fits_eighty_columns() -> None:
    assert said("ann") == ANN
    assert said("Ann@Example.com") == ANN
    assert max(map(len, ANN.splitlines())) <= 80


def test_an_earlier_day_has_its_own_stage_facts_and_way() -> None:
    (stage,) = told("ann", "--as-of", "2024-05-10")["stages"]
    assert stage["stage"] == "retention" and stage["since"] == "2024-02-10T10:00:00Z"
    assert [(term["fact"], term["value"]) for term in stage["rule"]["terms"]] == [
        ("orders_count", 2), ("days_since_last_order", 90),
    ]  # fmt: skip
    assert [row["source_id"] for row in stage["evidence"]] == ["o2"]
    assert stage["next_action"] == "Recommend what goes with the last orders"  # of the declaration: held now is another
    assert [(each["stage"], each["to"]) for each in stage["way_here"][-2:]] == [
        ("conversion", "2024-02-10T10:00:00Z"), ("retention", None),
    ]  # fmt: skip
    text = said("ann", "--as-of", "2024-05-10")
    assert "consent, as known at 2024-09-01 00:00" in text and "audiences, as known at 2024-09-01 00:00" in text


@pytest.mark.parametrize(
    ("as_of", "stage"),
    [
        ("2024-05-11", "lapsed"),  # a threshold reached at that very instant counts
        ("2024-05-10T23:59:59", "retention"),
        ("2024-02-10T10:00:00", "conversion"),  # an event at that very instant does not
        ("2024-02-10T10:00:00.000001", "retention"),
    ],
)
def test_a_day_is_told_as_a_night_that_looks_up_to_it_would(as_of: str, stage: str) -> None:
    (found,) = told("ann", "--as-of", as_of)["stages"]
    assert found["stage"] == stage
    assert all(term["holds"] for term in found["rule"]["terms"]) and found["rule"]["note"] is None


def test_a_loss_is_told_with_who_said_so_and_what_was_never_answered() -> None:
    lines = said("bo").splitlines()
    assert "  reason    no budget" in lines
    at = lines.index("  because   2024-02-05 09:00 was given the stage unqualified [desk/s1]")
    assert [line.strip() for line in lines[at + 1 : at + 5]] == [
        "said by: agent", "first came by campaign spring", "waited 42 minutes for the first answer",
        "their last message m1 was never answered",
    ]  # fmt: skip
    (cold,) = told("bo", "--as-of", "2024-02-02")["stages"]
    assert cold["lost_reason"] == "stopped_replying"
    assert [(row["text"], row["source_id"]) for row in cold["evidence"][:2]] == [
        ("30 days since the last message had passed", None), ("wrote a message by whatsapp", "m1"),
    ]  # fmt: skip
    assert {term["fact"]: term["value"] for term in cold["rule"]["terms"]} == {
        "orders_count": 0, "conversations_count": 1, "days_since_last_inbound": 32,
    }  # fmt: skip


def test_who_was_never_asked_and_who_is_in_no_audience_are_told_so() -> None:
    assert "none was ever given or denied: nothing may be sent" in said("bo")
    assert told("bo")["audiences"] == [{"audience": "birthdays", "is_member": True, "held_by": [], "deliveries": []}]


def test_ids_that_ended_lead_to_the_person_step_by_step() -> None:
    found = told("older")
    assert found["customer_id"] == "ann"
    assert [each["customer_id"] for each in found["redirects"]] == ["older", "old"]
    assert "  older ended and leads here\n  old ended and leads here\n" in said("older")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nobody"], "nobody: the published tables know no such customer id, now or ever"),
        (["gone"], "gone: the published tables know no such customer id, now or ever"),
        (["no@body.example"], "no@body.example: the published tables know no such e-mail address, now or ever"),
        (["Family@example.com"], "Family@example.com: 2 people bear this address; ask for one of\nann\nbo"),
        (
            ["ann", "--stage-model", "mine"],
            "--stage-model mine: the snapshot has no such stage model; it has five_stage",
        ),
        (
            ["ann", "--as-of", "2023-12-31"],
            "ann: was not known yet at 2023-12-31 00:00 UTC, was first seen at 2024-01-01",
        ),
        (["ann", "--as-of", "2024-09-02"], "the snapshot looks up to 2024-08-31 23:00 UTC"),
        (["ann", "--as-of", "someday"], "'someday' is neither a date nor a time"),
    ],
)
def test_who_or_what_is_not_there_is_named(words: list[str], error: str) -> None:
    assert error in said(*words, status=2)


def test_masked_shows_no_name_and_no_address() -> None:
    for words in (["ann@example.com"], ["bo", "--as-of", "2024-01-02"]):
        for shown in (said(*words, "--masked"), said(*words, "--masked", "--json")):
            assert not any(
                each in shown for each in ("Stone", "Ann", "ann@", "bo@", "family@", "kim@", "+4420", "+4477")
            )
    assert "email:family@example.com" in said("bo", "--as-of", "2024-01-02")


def test_whose_turn_it_is_and_the_signs_of_risk_are_told_as_the_snapshot_knows_them() -> None:
    lines = said("bo", "--as-of", "2024-02-02").splitlines()
    at = lines.index("open conversations, as known at 2024-09-01 00:00")
    assert lines[at + 1 : at + 4] == [
        "  number 4 to answer: somebody lost before, waits",
        "    opened 2024-01-01 09:00 by whatsapp, kim@shop.example has it",
        "      [desk/+447700900123]",
    ]
    assert "  no  overdue by their own gap, usual days between orders: –" in lines
    found = told("bo")
    assert found["risk"]["flags_count"] == 2 and found["risk"]["is_inactive"] is False
    assert [(each["priority_rank"], each["opened_at"]) for each in found["conversations"]] == [
        (4, "2024-01-01T09:00:00Z")
    ]


def test_a_version_that_is_kept_is_told_by_its_own_rules_and_marked(published: Home) -> None:
    older = {"stages": [{"stage": "gone", "kind": "lapsed", "bounds": {"days_since_last_order": {"min": 31}}},
                        {"stage": "here", "kind": "active"}]}  # fmt: skip
    version = rule_versions({"five_stage": older})["five_stage"]
    with duckdb.connect(str(published.published_file)) as con:
        con.execute(
            "insert into lifecycle.stage_history by name"
            f" select 'ann' as customer_id, 'five_stage@{version[:12]}' as stage_model, 'gone' as stage,"
            " 'lapsed' as kind,"
            " timestamp '2024-07-01 23:00' as valid_from, 'time:days_since_last_order:30' as cause_event_id,"
            f" '{version}' as rule_version"
        )
    current, kept = told("ann")["stages"]
    assert (current["is_kept_version"], kept["is_kept_version"]) == (False, True)
    assert kept["rule"]["note"] == "no declaration of these rules is at hand, so they cannot be shown"
    remember(published, {"five_stage": older}, {"five_stage": version}, datetime(2024, 1, 1, tzinfo=UTC))
    (kept,) = told("ann", "--stage-model", f"five_stage@{version[:12]}")["stages"]
    assert kept["rule"]["note"] is None
    assert [(term["wanted"], term["value"]) for term in kept["rule"]["terms"]] == [("at least 31", 92)]
    text = said("ann")
    assert f"five_stage@{version[:12]}: gone, lapsed, since 2024-07-02 00:00" in text
    assert text.count("  version   an older one, kept beside the current rules") == 1


def test_rules_that_have_changed_since_are_not_passed_off_as_those_that_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = {"vars": {"stage_models": {"five_stage": {"stages": [{"stage": "all_of_them", "kind": "active"}]}}}}
    rules = tmp_path / "dbt_project.yml"
    rules.write_text(yaml.safe_dump(later), encoding="utf-8")
    monkeypatch.setattr(command, "RULES", rules)
    (stage,) = told("ann")["stages"]
    assert stage["rule"] == {
        "terms": [], "when": None,
        "note": "the rules have changed since this snapshot was made; the next night follows them",
    }  # fmt: skip
    assert stage["next_action"] == "Win back"  # as published


def test_limits_of_the_shops_own_are_those_of_the_snapshot(
    published: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = VARIABLES | {"rfm_limits": "own"}
    rules = tmp_path / "dbt_project.yml"
    rules.write_text(yaml.safe_dump({"vars": variables}, sort_keys=False), encoding="utf-8")
    monkeypatch.setattr(command, "RULES", rules)
    followed = rule_versions(with_own_limits(variables, {"recent": 12, "nurture": 34, "risk": 56}))["rfm_map"]
    with duckdb.connect(str(published.published_file)) as con:
        con.execute(
            "insert into lifecycle.stage_history by name"
            " select 'ann' as customer_id, 'rfm_map' as stage_model, 'about_to_lose' as stage, 'lapsed' as kind,"
            f" timestamp '2024-07-27 23:00' as valid_from, 'time:days_since_last_order:56' as cause_event_id,"
            f" '{followed}' as rule_version"
        )
    (stage,) = told("ann", "--stage-model", "rfm_map")["stages"]
    assert [(term["wanted"], term["value"]) for term in stage["rule"]["terms"]] == [
        ("at least 1", 3),
        ("at least 57", 92),
    ]
    assert stage["evidence"][0]["text"] == "56 days since the last order had passed"


def test_the_snapshot_is_only_read(published: Home) -> None:
    before = published.published_file.read_bytes()
    said("ann")
    assert published.published_file.read_bytes() == before
    with duckdb.connect(str(published.published_file)) as con:
        con.execute("drop table lifecycle.side_events")
    assert "the published snapshot lacks a table" in said("ann", status=2)
    published.published_file.unlink()
    assert "nothing is published yet" in said("ann", status=2)
