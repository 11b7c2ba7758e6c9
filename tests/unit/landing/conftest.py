"""The world every test of landing starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.landing.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)
