"""`make bench`: every measure with its rival or floor from the same run, one JSON line each.

`python -m benchmarks [warehouse] [fixed] [sources] [--customers 1000000] [--orders-per-customer 10] [--items 1000000]`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import fixed, sources, warehouse


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("parts", nargs="*", choices=["warehouse", "fixed", "sources", []], default=[])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders-per-customer", type=int, default=10)
    parser.add_argument("--items", type=int, default=1_000_000, help="orders, and events, of a source's first load")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        if not chosen.parts or "warehouse" in chosen.parts:
            warehouse.run(Path(folder) / "warehouse", chosen.customers, chosen.orders_per_customer)
        if not chosen.parts or "fixed" in chosen.parts:
            fixed.run(Path(folder) / "fixed")
        if not chosen.parts or "sources" in chosen.parts:
            sources.run(Path(folder) / "sources", chosen.items)


if __name__ == "__main__":
    main()
