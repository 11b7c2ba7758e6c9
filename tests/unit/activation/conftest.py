"""A home, a receiver, and retries that hardly wait."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from perennial.config.home import Home
from perennial.destinations import build
from perennial.destinations.webhook import WebhookDestination
from tests.support.sink import Sink, run_sink


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with run_sink() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "WebhookDestination", partial(WebhookDestination, first_wait=0.001, attempts=2))
