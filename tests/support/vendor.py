"""A vendor's sandbox on loopback and a home that lands from it, for the tests of every connector.

What lives here: landing in this process or in one that is killed, and what is held on both sides. What does not: any
vendor, any test.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.empty import ensure_empty_files
from perennial.landing.manifest import LoadReport
from perennial.landing.recovery import recover
from perennial.sandbox.core import Vendor
from perennial.sandbox.server import Sandbox, running
from perennial.sources.base import Window
from perennial.sources.landing import land_source

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)
TOKEN_ENV = "VENDOR_TOKEN"
SOURCE = "store"
# children that are to be killed come from a process that has imported everything already and holds no threads
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pytest", "tests.support.vendor", "perennial.sources.api.reader"])


def settings_of(source: Mapping[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "business": {"time_zone": "Europe/London", "currency": "GBP"},
            "sources": {SOURCE: dict(source)},
            "engine": {"memory_limit": "512MB", "threads": 2},
        }
    )


def land_home(
    root: Path, source: Mapping[str, Any], env: Mapping[str, str], now: datetime, window: Window | None = None
) -> LoadReport:
    home = Home(root).prepare()
    recover(home)
    ensure_empty_files(home)
    return land_source(home, SOURCE, settings_of(source), env, lambda: now, window=window)


def _land_and_exit(root: Path, source: Mapping[str, Any], env: Mapping[str, str], now: datetime) -> None:
    sys.exit(1 if land_home(root, source, env, now).is_failed else 0)


@dataclass
class VendorWorld:
    """One vendor, one source, one home. The clock is moved by hand; the sandbox follows it."""

    root: Path
    vendor: Vendor
    sandbox: Sandbox
    address: str
    source: dict[str, Any]
    env: dict[str, str]
    now: datetime = NOW
    reports: list[LoadReport] = field(default_factory=list)

    @property
    def home(self) -> Home:
        return Home(self.root)

    def land(self, window: Window | None = None, **settings: Any) -> LoadReport:
        """One night's landing; an hour later than the last."""
        self.now += timedelta(hours=1)
        report = land_home(self.root, {**self.source, **settings}, self.env, self.now, window)
        self.reports.append(report)
        return report

    def land_well(self, window: Window | None = None, **settings: Any) -> LoadReport:
        report = self.land(window, **settings)
        assert report.reason is None, report.reason
        return report

    def land_killed(self, failpoint: str) -> int:
        """Land in another process that dies at a place; returns its status (-9 where it was killed)."""
        self.now += timedelta(hours=1)
        env = {**self.env, "PERENNIAL_FAILPOINT": failpoint}
        child = _PROCESSES.Process(target=_land_and_exit, args=(self.root, self.source, env, self.now))
        child.start()
        child.join()
        assert child.exitcode is not None
        return child.exitcode

    def arm(self, fault: str, **options: Any) -> None:
        self.sandbox.arm(self.vendor.name, fault, **options)

    def calls(self) -> int:
        return len(self.sandbox.journal.of(self.vendor.name))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every landed row of a table that is not superseded."""
        return self.query(f"select * from {self.files(table)} where not is_superseded order by all")

    def newest(self, table: str, key: str) -> dict[str, dict[str, Any]]:
        """Key → its newest landed row."""
        found = self.query(
            f"select * from {self.files(table)} where not is_superseded"
            f" qualify row_number() over (partition by {key} order by load_id desc) = 1"
        )
        return {row[key]: row for row in found}

    def files(self, table: str) -> str:
        return f"read_parquet('{self.home.landed_table(self.vendor.name, table)}/*.parquet', union_by_name = true)"

    def query(self, text: str) -> list[dict[str, Any]]:
        with _database().cursor() as cursor:
            found = cursor.execute(text)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def duplicates(self, table: str, key: str) -> int:
        """Rows in force that share a key and a load, or that were landed again unchanged."""
        text = f"select count(*) - count(distinct ({key}, row_hash)) as n from {self.files(table)}"
        return int(self.query(text)[0]["n"])


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all questions of a process: to open one takes longer than most of them."""
    return duckdb.connect()


@contextmanager
def vendor_world(root: Path, vendor: Vendor, **source: Any) -> Iterator[VendorWorld]:
    """Serve the vendor and configure a source over it. Its clock begins a while after NOW's data."""
    root.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox([vendor])
    with running(sandbox.app()) as address:
        settings = {
            "kind": vendor.name, "base_url": f"{address}/{vendor.name}", "token_env": TOKEN_ENV,
            "requests_per_second": 10_000, **source,
        }  # fmt: skip
        env = {TOKEN_ENV: f"sandbox-{vendor.name}-token"}
        yield VendorWorld(root, vendor, sandbox, address, settings, env)
