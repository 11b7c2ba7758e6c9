"""`perennial source` over a sandbox shop: the past read again, rows made anew, a smaller source accepted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from perennial.cli.main import build_app
from perennial.cli.receive import hooks_of
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.config.settings import load_settings
from perennial.landing.manifest import loads_of
from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.shopify.api import ShopifyApi
from tests.conftest import ROOT
from tests.support.installation import write_config
from tests.unit.sandbox.shopify_shop import customer


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    api = ShopifyApi(limits=1000)
    api.seed("customers", [customer(number, f"2026-01-{number:02}T00:00:00Z") for number in range(1, 29)])
    sandbox = Sandbox([api])
    with running(sandbox.app()) as address:
        source = {
            "kind": "shopify", "shop": "acme", "token_env": "STORE_TOKEN", "base_url": f"{address}/shopify",
            "requests_per_second": 1000,
        }  # fmt: skip
        write_config(tmp_path, {"sources": {"store": source, "files": {"kind": "files", "path": "exports/"}}})
        monkeypatch.setenv("PERENNIAL_CONFIG", str(tmp_path / "perennial.yml"))
        monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("STORE_TOKEN", "sandbox-shopify-token")
        yield sandbox


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(build_app(), ["source", *arguments])
    return result.exit_code, result.output


def test_a_backfill_reads_what_changed_in_its_days_and_rows_can_be_made_anew_without_asking(
    shop: Sandbox, tmp_path: Path
) -> None:
    status, output = call("backfill", "store", "--from", "2026-01-05", "--to", "2026-01-08")
    assert status == 0, output
    assert "received          3 · new          3" in output
    asked = len(shop.journal.entries)
    status, output = call("retype", "store")
    assert status == 0, output
    assert "received          3 · new          0" in output
    assert len(shop.journal.entries) == asked
    newest = next(loads_of(Home(tmp_path / "home"), "shopify", "store"))
    begun = [stream for stream in newest.state["streams"].values() if "watermark" in stream]
    assert begun == [], "the next night still begins at the beginning"


def test_accepting_writes_the_word_that_the_next_load_uses_up(shop: Sandbox, tmp_path: Path) -> None:
    status, output = call("accept", "store")
    assert status == 0, output
    assert Home(tmp_path / "home").accepted("store").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("accept", "nowhere"), "no such source over an API"),
        (("retype", "files"), "no such source over an API"),
        (("backfill", "store", "--from", "2026-02-01", "--to", "2026-01-01"), "must lie before"),
    ],
)
def test_a_wrong_call_says_what_is_wrong_and_ends_with_two(
    shop: Sandbox, arguments: tuple[str, ...], complaint: str
) -> None:
    status, output = call(*arguments)
    assert (status, complaint in output) == (2, True), output


def test_a_source_that_cannot_be_read_ends_with_one_and_its_reason(
    shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_TOKEN", "wrong")
    status, output = call("backfill", "store", "--from", "2026-01-05", "--to", "2026-01-08")
    assert status == 1
    assert "HTTP 401: it does not accept the token of `token_env`" in output
    assert "wrong" not in output


def test_hooks_come_from_the_configuration_and_their_keys_from_the_environment(tmp_path: Path) -> None:
    source = {"kind": "respond_io", "token_env": "INBOX_TOKEN", "hook_env": {"events": "INBOX_KEY"}}
    settings = load_settings(write_config(tmp_path, {"sources": {"inbox": source}}))
    (name,) = hooks_of(settings, {"INBOX_KEY": "secret"})
    assert name == "inbox/events"
    with pytest.raises(ConfigError, match="INBOX_KEY"):
        hooks_of(settings, {})


def test_the_sandbox_serves_every_vendor_until_it_is_interrupted(tmp_path: Path) -> None:
    port = 47_890 + os.getpid() % 50
    command = [sys.executable, "-m", "perennial.cli.main", "sandbox", "--empty", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "shopify" in process.stdout.readline()
            faults = _ask(f"http://127.0.0.1:{port}/_control/faults")
        finally:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    assert {"shopify", "hubspot", "klaviyo", "respond_io", "woocommerce"} <= set(faults)
    assert "throttled" in faults["shopify"]


def _ask(address: str) -> dict[str, object]:
    for _ in range(100):
        try:
            return dict(httpx.get(address, timeout=5).json())
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the sandbox never answered")
