"""Running the demo: the channel's port, what the night is handed, its exit status. The night is a small stand-in."""

from __future__ import annotations

import base64
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perennial.cli.main import build_app
from perennial.config.settings import load_settings
from perennial.demo.installation import SECRET_ENV
from perennial.demo.make import make_demo
from perennial.demo.run import run_demo
from perennial.demo.scale import Scale

TINY = Scale(people=60, years=1, seed=3)
# Sends one signed join to the mailer that perennial.yml names, writes down what it was handed, ends with status 4.
NIGHT = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
import httpx
from standardwebhooks.webhooks import Webhook
from perennial.config.settings import load_settings
url = load_settings(Path(os.environ["PERENNIAL_CONFIG"])).destinations["mailer"].url
secret = os.environ["PERENNIAL_DEMO_WEBHOOK_SECRET"]
rows = [{"key": "k1", "action": "join", "customer_id": "c1"}]
data = {"audience": "win_back", "destination": "mailer", "rows": rows}
body = json.dumps({"type": "audience.membership.changed", "data": data})
now = datetime.now(UTC)
headers = {"webhook-id": "m", "webhook-timestamp": str(int(now.timestamp())),
           "webhook-signature": Webhook(secret).sign("m", now, body)}
answer = httpx.post(url, content=body, headers=headers, timeout=10)
seen = {name: os.environ.get(name) for name in ("PERENNIAL_HOME", "PERENNIAL_CONFIG", "PERENNIAL_AS_OF")}
seen |= {"answer": answer.json(), "secret": secret}
Path(os.environ["PERENNIAL_HOME"], "seen.json").write_text(json.dumps(seen))
sys.exit(4)
"""


@pytest.fixture
def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        yield int(line.getsockname()[1])


def night(folder: Path, port: int, said: list[str] | None = None, **env: str) -> int:
    command = (sys.executable, "-c", NIGHT)
    said = [] if said is None else said
    return run_demo(folder, TINY, port, {"PATH": "", **env}, say=said.append, command=command)


def seen(folder: Path) -> dict:
    return json.loads((folder / "seen.json").read_text())


def mailer_port(folder: Path) -> int:
    url = load_settings(folder / "perennial.yml").destinations["mailer"].url  # type: ignore[union-attr]
    return int(url.split(":")[2].split("/")[0])


def test_the_night_gets_the_demos_home_config_end_and_secret_and_its_status_comes_back(
    tmp_path: Path, free_port: int
) -> None:
    said: list[str] = []
    assert night(tmp_path, free_port, said) == 4
    handed = seen(tmp_path)
    assert handed["PERENNIAL_HOME"] == str(tmp_path)
    assert handed["PERENNIAL_CONFIG"] == str(tmp_path / "perennial.yml")
    assert handed["PERENNIAL_AS_OF"] == "2026-11-01"
    assert handed["answer"] == {"accepted": 1, "rejected": []}
    assert said[-1] == "the channel mailer holds 1 for audience win_back"
    assert handed["secret"] not in "".join(said)


def test_a_second_run_keeps_world_port_and_members_and_makes_a_new_secret(tmp_path: Path, free_port: int) -> None:
    night(tmp_path, free_port)
    first, orders = seen(tmp_path), sorted((tmp_path / "exports").rglob("*"))
    times = [path.stat().st_mtime_ns for path in orders]
    said: list[str] = []
    assert run_demo(tmp_path, Scale(people=70), 1, {}, say=said.append, command=(sys.executable, "-c", NIGHT)) == 4
    assert [path.stat().st_mtime_ns for path in orders] == times
    assert mailer_port(tmp_path) == free_port
    assert seen(tmp_path)["secret"] != first["secret"]
    assert "already holds a world of 60 people" in said[0]
    assert said[-1] == "the channel mailer holds 1 for audience win_back"


def test_a_taken_port_is_replaced_by_a_free_one_in_the_demos_configuration(tmp_path: Path, taken_port: int) -> None:
    make_demo(tmp_path, TINY, taken_port)
    assert night(tmp_path, taken_port) == 4
    assert mailer_port(tmp_path) not in (taken_port, 0)
    assert seen(tmp_path)["answer"] == {"accepted": 1, "rejected": []}


def test_a_secret_and_an_end_from_the_environment_are_kept(tmp_path: Path, free_port: int) -> None:
    secret = "whsec_" + base64.b64encode(b"agreed elsewhere").decode()
    night(tmp_path, free_port, **{SECRET_ENV: secret, "PERENNIAL_AS_OF": "2026-06-01"})
    assert seen(tmp_path)["secret"] == secret
    assert seen(tmp_path)["PERENNIAL_AS_OF"] == "2026-06-01"


def test_a_night_that_is_killed_counts_as_failed(tmp_path: Path, free_port: int) -> None:
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    said: list[str] = []
    status = run_demo(tmp_path, TINY, free_port, {}, say=said.append, command=(sys.executable, "-c", kill))
    assert status == 1
    assert said[-1] == "the channel holds nobody"


def test_the_command_makes_a_world_and_refuses_impossible_flags_and_foreign_folders(tmp_path: Path) -> None:
    runner, app = CliRunner(), build_app()
    flags = ["--people", "60", "--years", "1", "--seed", "3"]
    made = runner.invoke(app, ["demo", *flags, "--out", str(tmp_path / "plain")])
    assert made.exit_code == 0, made.output
    assert "60 people" in made.output and (tmp_path / "plain" / "perennial.yml").exists()
    again = runner.invoke(app, ["demo", "make", *flags, "--out", str(tmp_path / "named")])
    assert again.exit_code == 0
    for name in ("exports/shop/shop_customers.csv", "truth/people.parquet"):
        assert (tmp_path / "named" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert runner.invoke(app, ["demo", "--people", "3", "--out", str(tmp_path / "few")]).exit_code == 2
    (tmp_path / "own" / "exports").mkdir(parents=True)
    refused = runner.invoke(app, ["demo", *flags, "--out", str(tmp_path / "own")])
    assert refused.exit_code == 2 and "is not a demo's" in refused.output


def test_a_command_module_that_is_not_there_does_not_break_the_others() -> None:
    app = build_app(("perennial.cli.not_there_yet", "perennial.cli.demo"))
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0 and "demo" in shown.output
    assert CliRunner().invoke(app, ["report"]).exit_code == 2
