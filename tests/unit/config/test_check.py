"""`perennial check`: says whether the next night would start, and changes nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perennial.cli.check import look
from perennial.cli.main import build_app

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


def test_a_receiver_in_the_house_needs_leave(installation: Path) -> None:
    config = installation / "perennial.yml"
    config.write_text(config.read_text().replace(", allow_private_address: true", ""))
    assert "set allow_private_address: true" in problems(installation)[0]
