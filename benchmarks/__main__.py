"""`make bench`: every measure with its rival or floor from the same run, one JSON line each.

`python -m benchmarks [warehouse] [nightly] [fixed] [sources] [identity] [lifecycle] [--customers 1000000] [--orders-per-customer 10] [--items 1000000]
[--edges 5000000]`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import fixed, identity, lifecycle, nightly, sources, warehouse


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument(
        "parts",
        nargs="*",
        choices=["warehouse", "nightly", "fixed", "sources", "identity", "lifecycle", []],
        default=[],
    )
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders-per-customer", type=int, default=10)
    parser.add_argument("--events-per-customer", type=int, default=100, help="messages and their events")
    parser.add_argument("--items", type=int, default=1_000_000, help="orders, and events, of a source's first load")
    parser.add_argument(
        "--edges", type=int, default=5_000_000, help="edges of a graph; clustered at this and at twice the size"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        if not chosen.parts or "warehouse" in chosen.parts:
            warehouse.run(
                Path(folder) / "warehouse", chosen.customers, chosen.orders_per_customer, chosen.events_per_customer
            )
        if not chosen.parts or "nightly" in chosen.parts:
            nightly.run(
                Path(folder) / "nightly", chosen.customers, chosen.orders_per_customer, chosen.events_per_customer
            )
        if not chosen.parts or "fixed" in chosen.parts:
            fixed.run(Path(folder) / "fixed")
        if not chosen.parts or "sources" in chosen.parts:
            sources.run(Path(folder) / "sources", chosen.items)
        if not chosen.parts or "identity" in chosen.parts:
            identity.run(Path(folder) / "identity", chosen.edges)
        if not chosen.parts or "lifecycle" in chosen.parts:
            lifecycle.run(Path(folder) / "lifecycle", chosen.customers)


if __name__ == "__main__":
    main()
