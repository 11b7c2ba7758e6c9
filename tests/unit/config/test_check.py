"""`perennial check`: says whether the next night would start, and changes nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perennial.cli.check import look
from perennial.cli.main import build_app
from perennial.config.extras import SPLINK_MISSING

CONFIG = """
business: {time_zone: Europe/London, currency: GBP}
sources:
  shop: {kind: files, path: exports/}
destinations:
  mailer: {kind: webhook, url: "http://127.0.0.1:%d/in", secret_env: MAILER_SECRET, allow_private_address: true}
  print_house: {kind: files, path: outbox/, audiences: all}
"""


@pytest.fixture
def listener() -> socket.socket:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        yield found


@pytest.fixture
def installation(tmp_path: Path, listener: socket.socket) -> Path:
    (tmp_path / "perennial.yml").write_text(CONFIG % listener.getsockname()[1])
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "shop_orders.csv").write_text("order_id,ordered_at\n1,2026-01-01\n")
    return tmp_path


def problems(folder: Path, **env: str) -> list[str]:
    found = look(folder / "perennial.yml", folder / "home", {"MAILER_SECRET": "whsec_x", **env})
    return [f"{each.what}: {each.problem}" for each in found if each.problem]


def test_a_good_installation_passes_and_nothing_is_written(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(installation.rglob("*"))
    monkeypatch.setenv("PERENNIAL_CONFIG", str(installation / "perennial.yml"))
    monkeypatch.setenv("PERENNIAL_HOME", str(installation / "home"))
    monkeypatch.setenv("MAILER_SECRET", "whsec_x")
    result = CliRunner().invoke(build_app(), ["check"])
    assert result.exit_code == 0, result.output
    assert "ready" in result.output and "FAIL" not in result.output
    assert sorted(installation.rglob("*")) == before


def test_a_bad_installation_is_wrong_use(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_CONFIG", str(installation / "perennial.yml"))
    monkeypatch.setenv("PERENNIAL_HOME", str(installation / "home"))
    result = CliRunner().invoke(build_app(), ["check"])
    assert result.exit_code == 2 and "MAILER_SECRET is not set" in " ".join(result.output.split())


def test_each_thing_that_would_fail_tonight_is_found(installation: Path, listener: socket.socket) -> None:
    assert problems(installation) == []
    assert "MAILER_SECRET is not set" in problems(installation, MAILER_SECRET="")[0]
    assert "neither a date nor a time" in problems(installation, PERENNIAL_AS_OF="soon")[0]
    (installation / "exports" / "shop_orders.csv").unlink()
    assert "holds no file of the input contract" in problems(installation)[0]
    (installation / "exports").rmdir()
    assert "no such folder" in problems(installation)[0]
    (installation / "outbox").write_text("a file")
    assert any("is a file, not a folder" in each for each in problems(installation))
    listener.close()
    assert any("cannot be reached" in each for each in problems(installation))
    (installation / "home").mkdir()
    (installation / "home" / "home_version").write_text("99")
    assert "use a newer Perennial" in problems(installation)[0]
    (installation / "perennial.yml").write_text("business: 3")
    assert any("is not a mapping" in each for each in problems(installation))


def write(installation: Path, more: str, old: str = "", new: str = "") -> None:
    config = installation / "perennial.yml"
    config.write_text(config.read_text().replace(old, new) + more)


def test_a_variable_that_is_not_set_is_told_once_with_every_place_that_needs_it(installation: Path) -> None:
    one = '{kind: sql, url_env: SHOP_URL, tables: {shop_orders: "select 1 as order_id"}}'
    write(installation, "alerts: [{kind: webhook, url_env: SHOP_URL}]\n", "sources:", f"sources:\n  old: {one}")
    (found,) = problems(installation)
    assert "sources.old.url_env, alerts[0].url_env: the environment variable SHOP_URL is not set" in found
    assert "source old (sql)" in " ".join(problems(installation, SHOP_URL="sqlite:///nowhere.db"))


@pytest.mark.parametrize("is_there", [True, False])
def test_links_that_need_an_extra_which_is_not_installed_are_found(
    installation: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    config = installation / "perennial.yml"
    config.write_text(config.read_text() + "identity: {probabilistic: true}\n")
    monkeypatch.setattr("perennial.config.extras.importlib.util.find_spec", lambda _name: "found" if is_there else None)
    found = [] if is_there else [f"probabilistic links: {SPLINK_MISSING}"]
    assert problems(installation) == found and "pip install" in SPLINK_MISSING


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:hunter2@db/x", "ledger.url_env: mysql is not known here; use postgresql://"),
        ("no url", "ledger.url_env: the variable holds no database URL; write postgresql://"),
        ("postgresql://u:p@x:hunter2@db/x", "ledger.url_env: the variable holds no database URL; write postgresql://"),
        ("postgresql://u:p@hunter2@127.0.0.1:1/x", "ledger.url_env (postgresql at 127.0.0.1:1/x): cannot be used"),
    ],
)
def test_a_ledger_that_cannot_be_opened_is_found(installation: Path, url: str, says: str) -> None:
    write(installation, "ledger: {url_env: LEDGER_URL}\n")
    (found,) = problems(installation, LEDGER_URL=url)
    assert found.startswith(f"ledger LEDGER_URL: {installation / 'perennial.yml'}: {says}")
    assert "hunter2" not in found
    (missing,) = problems(installation)
    assert "ledger.url_env: the environment variable LEDGER_URL is not set" in missing


def test_a_ledger_that_lost_its_file_is_found(installation: Path) -> None:
    (installation / "home" / "ledger").mkdir(parents=True)
    (installation / "home" / "ledger" / "key").write_text("ab" * 32)
    (found,) = problems(installation)
    assert "restore the ledger from the back-up" in found


def test_an_audience_no_model_defines_is_found(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(installation, "", "audiences: all", "audiences: [win_bcak, win_back]")
    (found,) = problems(installation)
    assert found.endswith(
        f"{installation / 'perennial.yml'}: destinations.print_house.audiences: no model defines 'win_bcak';"
        f" did you mean win_back?"
    )
    models = installation / "audiences"
    models.mkdir()
    monkeypatch.setattr("perennial.cli.check.AUDIENCE_MODELS", models)
    (models / "a.yml").write_text("models: [{name: win_back, config: {meta: {audience: {owner: me}}}}]")
    assert all(f"{models / 'a.yml'}: config.meta.audience" in each for each in problems(installation))
    (models / "a.yml").write_text("models: [")
    assert "is not valid YAML" in problems(installation)[0]


def test_an_alert_that_would_never_leave_is_found(installation: Path) -> None:
    script = installation / "notify"
    script.write_text("#!/bin/sh\n")
    write(
        installation,
        f"alerts:\n  - {{kind: webhook, url_env: ALERT_URL}}\n  - {{kind: command, command: [{script}]}}\n"
        "  - {kind: command, command: [no_such_program]}\n  - {kind: command, command: [cat, x]}\n",
    )
    config = installation / "perennial.yml"
    url, rights, name = problems(installation, ALERT_URL="hush.example.com/hook", PATH="/usr/bin:/bin")
    assert url.startswith(
        f"alerts[0] (webhook): {config}: alerts[0].url_env: the value of ALERT_URL is not a web address"
    )
    assert f"{config}: alerts[1].command: " in rights and "make it executable" in rights
    assert f"{config}: alerts[2].command: 'no_such_program' is no program that can be run" in name
    assert "hush" not in url
    script.chmod(0o755)
    assert len(problems(installation, ALERT_URL="https://alert.example.com:99999", PATH="/usr/bin:/bin")) == 2
    assert len(problems(installation, ALERT_URL="https://alert.example.com", PATH="/usr/bin:/bin")) == 1


def test_a_port_that_does_not_exist_is_a_finding_and_no_traceback(installation: Path) -> None:
    config = installation / "perennial.yml"
    config.write_text(CONFIG % 99999)
    (found,) = problems(installation)
    assert f"{config}:6: destinations.mailer.url: is not a web address" in found


def test_a_receiver_in_the_house_needs_leave(installation: Path) -> None:
    config = installation / "perennial.yml"
    config.write_text(config.read_text().replace(", allow_private_address: true", ""))
    assert "set allow_private_address: true" in problems(installation)[0]
