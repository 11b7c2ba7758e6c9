"""The commands people use around a held plan, against a real home: nothing is sent, no address is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perennial.cli.main import build_app
from perennial.config.home import Home
from tests.support.activating import run, webhook_settings
from tests.support.sink import Sink, run_sink
from tests.support.snapshot import people, publish

Run = Callable[..., Result]
CONFIG = """
business: {time_zone: UTC, currency: GBP}
destinations:
  mailer: {kind: webhook, url: "http://127.0.0.1:9/", secret_env: MAILER_SECRET, audiences: [win_back]}
"""
NODE = {
    "resource_type": "model",
    "name": "win_back",
    "config": {
        "meta": {
            "audience": {
                "consent": {"channel": "email", "purpose": "marketing"},
                "address": "email",
                "fields": ["first_name", "country"],
                "owner": "marketing-ops@example.com",
                "destinations": ["mailer", "print_house"],
            }
        }
    },
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def command(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    config = tmp_path / "perennial.yml"
    config.write_text(CONFIG)
    monkeypatch.setenv("PERENNIAL_HOME", str(home.root))
    monkeypatch.setenv("PERENNIAL_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "240")
    target = home.dbt / "target"
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text(json.dumps({"nodes": {"model.p.win_back": NODE}}))
    app = build_app(("perennial.cli.audience", "perennial.cli.plan"))
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def held(home: Home) -> tuple[Sink, str]:
    """A channel that holds forty, and a plan to halve it that is held: its hash."""
    with run_sink() as sink:
        publish(home, "s1", people(40))
        run(home, webhook_settings(sink.url))
        publish(home, "s2", people(20))
        outcome = run(home, webhook_settings(sink.url))
        assert outcome.verdict == "held"
        return sink, outcome.plan_hash or ""


def test_plans_are_listed_newest_first_with_verdict_and_reason(command: Run, held: tuple[Sink, str]) -> None:
    shown = command("plan", "list")
    assert shown.exit_code == 0
    assert shown.output.index("held") < shown.output.index("approved")
    assert "shrink by 50.0%" in shown.output
    assert held[1][:12] in shown.output
    assert "win_back → mailer" in shown.output
    assert "to look at a held plan: perennial plan show 0000" in shown.output


def test_a_plan_is_shown_with_its_rows_and_without_addresses(command: Run, held: tuple[Sink, str]) -> None:
    shown = command("plan", "show", held[1][:10], "--limit", "3")
    assert shown.exit_code == 0
    assert "c00020" in shown.output
    assert "and 17 rows more" in shown.output
    assert "@" not in shown.output


def test_approving_a_held_plan_lets_it_run(command: Run, held: tuple[Sink, str], home: Home) -> None:
    shown = command("plan", "approve", held[1][:8])
    assert shown.exit_code == 0
    assert "20 leaves" in shown.output
    with run_sink() as sink:
        assert run(home, webhook_settings(sink.url)).verdict == "sent"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "approve", "00000000"), "no plan is called"),
        (("plan", "show", "abc"), "8 letters or more"),
        (("plan", "approve", "000001-"), "no plan is called"),
        (("audience", "preview", "winback"), "known: win_back"),
    ],
)
def test_a_name_nobody_knows_ends_with_status_2_and_the_way_on(
    command: Run, held: tuple[Sink, str], words: tuple[str, ...], says: str
) -> None:
    shown = command(*words)
    assert shown.exit_code == 2
    assert says in shown.output


def test_without_a_ledger_the_plan_commands_say_so_and_make_none(command: Run, home: Home) -> None:
    shown = command("plan", "list")
    assert (shown.exit_code, "there is no ledger yet" in shown.output) == (2, True)
    assert not home.ledger_file.exists()


def test_a_lost_ledger_is_not_called_a_new_one(command: Run, home: Home) -> None:
    home.ledger_key.write_text("ab" * 32)
    shown = command("plan", "list")
    assert (shown.exit_code, "restore the ledger" in shown.output) == (2, True)


def test_audiences_are_listed_with_where_they_go_and_what_is_not_configured(command: Run) -> None:
    shown = command("audience", "list")
    assert shown.exit_code == 0
    for word in ("win_back", "marketing-ops@example.com", "email, marketing", "mailer"):
        assert word in shown.output
    assert "print_house, which is not configured" in shown.output


def test_a_preview_says_what_would_change_masks_addresses_and_sends_nothing(
    command: Run, held: tuple[Sink, str], home: Home
) -> None:
    sent = held[0].wire_rows
    before = command("plan", "list").output
    shown = command("audience", "preview", "win_back")
    assert shown.exit_code == 0
    assert "20 members in snapshot s2" in shown.output
    assert "c***@example.com" in shown.output
    assert "c00001@example.com" not in shown.output
    assert "shrink by 50.0%" in shown.output
    assert held[0].wire_rows == sent
    assert command("plan", "list").output == before


def test_a_preview_of_a_home_where_nothing_is_published_says_so(command: Run) -> None:
    shown = command("audience", "preview", "win_back")
    assert (shown.exit_code, "no snapshot is published" in shown.output) == (2, True)


def test_a_broken_configuration_ends_with_status_2(command: Run, tmp_path: Path) -> None:
    (tmp_path / "perennial.yml").write_text("business: {time_zone: Nowhere/Land, currency: GBP}")
    shown = command("audience", "list")
    assert (shown.exit_code, "time_zone" in shown.output) == (2, True)
