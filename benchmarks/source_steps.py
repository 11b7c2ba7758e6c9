"""One source landed in a process of its own: `python -m benchmarks.source_steps VENDOR HOME ADDRESS`.

What lives here: the real connector over a home, and what it landed as one JSON line. What does not: the server it reads
(wire_server.py), measuring it (measure.py).
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.floors import MEMORY
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.recovery import recover
from perennial.sources.landing import land_source

NAME, TOKEN_ENV = "wire", "WIRE_TOKEN"
OWN: dict[str, dict[str, Any]] = {"shopify": {"shop": "example"}, "klaviyo": {}}
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def land(vendor: str, root: Path, address: str) -> dict[str, Any]:
    # a loopback needs no pacing: the vendor's rate would only add waiting, which takes no CPU
    source = {"kind": vendor, "base_url": address, "token_env": TOKEN_ENV, "requests_per_second": 10_000, **OWN[vendor]}
    settings = Settings.model_validate(
        {
            "business": {"time_zone": "UTC", "currency": "GBP"}, "sources": {NAME: source},
            "engine": {"memory_limit": MEMORY, "threads": 2},
        }
    )  # fmt: skip
    home = Home(root).prepare()
    recover(home)
    report = land_source(home, NAME, settings, {TOKEN_ENV: "wire-token"}, lambda: NOW)
    if report.reason is not None or report.warnings:
        raise SystemExit(f"{report.reason} {list(report.warnings)}")
    return {
        "landed": {each.table: each.landed for each in report.tables if each.landed},
        "refused": sum(each.quarantined for each in report.tables),
        "calls": report.traffic["calls"],
        "bytes": report.traffic["bytes"],
    }


if __name__ == "__main__":
    print(json.dumps(land(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
