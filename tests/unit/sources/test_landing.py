"""Sources side by side: each whole or not at all, one's failure is not another's, and memory stays bounded."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perennial.config.settings import Settings
from perennial.sources.landing import land_all
from perennial.sources.spool import Spool
from tests.unit.landing.world import World

ROOT = Path(__file__).resolve().parents[3]


def several(world: World, names: list[str]) -> Settings:
    return Settings.model_validate(
        {
            "business": {"time_zone": "UTC", "currency": "GBP"},
            "sources": {name: {"kind": "files", "path": str(world.exports / name), "brand": name} for name in names},
        }
    )


def test_sources_land_side_by_side_under_their_own_names(world: World) -> None:
    names = ["north", "south", "missing", "west"]
    for name in names:
        if name != "missing":
            world.write(f"{name}/shop_customers.csv", f"customer_id,email\n1,{name}@example.com\n")
    reports = land_all(world.home, several(world, names), {}, world.clock, max_workers=3)
    assert [report.source_name for report in reports] == names
    assert [report.is_failed for report in reports] == [False, False, True, False]
    assert len({report.load_id for report in reports}) == 4
    files = str(world.home.landed_table("files", "shop_customers") / "*.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select source_name, brand, email from read_parquet('{files}') order by 1"
        ).fetchall()
    assert rows == [(name, name, f"{name}@example.com") for name in ("north", "south", "west")]


def test_no_source_at_all_is_no_load(world: World) -> None:
    assert land_all(world.home, several(world, []), {}, world.clock) == []


def test_what_nobody_foresaw_in_one_source_lets_the_others_finish(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("good/shop_customers.csv", "customer_id\n1\n")
    world.write("odd/shop_customers.csv", "customer_id,email\nragged\n1,a\n")
    monkeypatch.setattr(Spool, "add", lambda *_: (_ for _ in ()).throw(RuntimeError("unforeseen")))
    with pytest.raises(RuntimeError, match="unforeseen"):
        land_all(world.home, several(world, ["odd", "good"]), {}, world.clock)
    assert len(list(world.home.landed_table("files", "shop_customers").glob("*.good.parquet"))) == 1
    assert list(world.home.incoming.iterdir()) == []


def test_a_full_disk_is_not_blamed_on_the_delivery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("shop_customers.csv", "customer_id,email\nragged\n1,a\n")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "add", full)
    with pytest.raises(OSError, match="No space left"):
        world.land()


def test_a_file_that_changes_while_it_is_read_lands_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from perennial.landing.load import Load

    path = world.write("shop_orders.csv", "order_id,ordered_at\n1,soon\n2,2026-01-01\n")
    stage = Load._stage

    def stage_then_change(self: Load, *arguments: Any) -> tuple[int, int]:
        found = stage(self, *arguments)
        path.write_text("order_id,ordered_at\n1,2026-01-01\n2,2026-01-01\n")
        return found

    monkeypatch.setattr(Load, "_stage", stage_then_change)
    assert "changed while it was read" in str(world.land().reason)
    assert world.landed("shop_orders") == [] and world.refused("shop_orders") == []


LAND = """
import resource, sys
from pathlib import Path
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.sources.landing import land_all
from datetime import UTC, datetime
settings = Settings.model_validate({
    "business": {"time_zone": "UTC", "currency": "GBP"},
    "sources": {"shop": {"kind": "files", "path": sys.argv[1]}},
    "engine": {"memory_limit": "256MB", "threads": 2},
})
home = Home(Path(sys.argv[2])).prepare()
for _ in range(int(sys.argv[3])):
    (report,) = land_all(home, settings, {}, lambda: datetime.now(UTC))
    assert report.reason is None, report.reason
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(report.tables[0].received, report.tables[0].landed, peak)
"""


def land_apart(world: World, times: int) -> list[list[int]]:
    """(received, landed, peak MB) of each load, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LAND, str(world.exports), str(world.home.root), str(times)],
        cwd=ROOT, capture_output=True, text=True, timeout=540,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def write_lines(world: World, rows: int) -> int:
    path = world.exports / "shop_order_lines.csv"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select md5((i // 3)::varchar) as order_id, i % 3 as line_id, md5(i::varchar) as product_id,"
            f" 'a product with a longer name ' || i as product_name, i % 9 as quantity,"
            f" i % 997 / 100 as unit_price_amount from range({rows}) t(i)) to '{path}' (header true)"
        )
    return path.stat().st_size


@pytest.mark.slow
def test_three_hundred_megabytes_land_twice_under_a_limit_of_256(world: World) -> None:
    rows = 3_000_000
    assert write_lines(world, rows) > 300_000_000
    first, second = land_apart(world, 2)
    print({"test": "memory", "rows": rows, "first_peak_mb": first[2], "second_peak_mb": second[2]})
    assert (first[:2], second[:2]) == ([rows, rows], [rows, 0])
    assert max(first[2], second[2]) < 900


@pytest.mark.slow
def test_a_ragged_line_in_300_megabytes_costs_time_but_no_memory(world: World) -> None:
    rows = 3_000_000
    write_lines(world, rows)
    with (world.exports / "shop_order_lines.csv").open("a") as file:
        file.write("ragged\n")
    ((received, landed, peak),) = land_apart(world, 1)
    assert (received, landed) == (rows + 1, rows)
    assert peak < 900


def test_a_gzip_bomb_is_read_in_bounded_memory(world: World) -> None:
    """A single line of 300 MB from a file of 300 KB is refused as one record, never held."""
    import gzip

    with gzip.open(world.exports / "shop_customers.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"customer_id,email\n1,a@example.com\n2,")
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(b"\n3,c@example.com\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = world.land().tables[0]
    assert (table.received, table.accepted) == (3, 2)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < 400


CANARY = "canary@example.com"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (duckdb.BinderException, (CANARY,)), (duckdb.OutOfRangeException, (CANARY,)),
        (duckdb.InternalException, (CANARY,)), (pa.ArrowInvalid, (CANARY,)),
        (UnicodeEncodeError, ("utf-8", CANARY, 0, 1, CANARY)),
        (UnicodeDecodeError, ("utf-8", CANARY.encode(), 0, 1, CANARY)),
    ],
)  # fmt: skip
def test_what_a_reader_stumbles_over_fails_its_source_without_repeating_a_row(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], arguments: tuple[object, ...]
) -> None:
    def stumble(*_: object) -> None:
        raise kind(*arguments)

    world.write("odd/shop_customers.csv", "customer_id,email\nragged\n1,a\n")
    world.write("good/shop_customers.csv", "customer_id\n1\n")
    monkeypatch.setattr(Spool, "add", stumble)
    odd, good = land_all(world.home, several(world, ["odd", "good"]), {}, world.clock)
    assert (odd.is_failed, good.is_failed) == (True, False)
    assert kind.__name__ in str(odd.reason) and CANARY not in str(odd.reason)


def test_a_disk_that_is_full_for_duckdb_is_not_blamed_on_the_delivery_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write("shop_customers.csv", "customer_id,email\nragged\n1,a\n")
    full = duckdb.IOException("Could not write file: No space left on device")
    monkeypatch.setattr(Spool, "add", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(duckdb.IOException, match="No space left"):
        world.land()


OWN_NAMES = ("_refused", "_file", "_row", "_text")


def test_a_parquet_files_own_columns_are_never_taken_for_the_readers(world: World) -> None:
    own = {each: ["1", "2"] for each in (*OWN_NAMES[:-1], "_TEXT")}
    pq.write_table(
        pa.table({"order_id": ["a", "b"], "ordered_at": ["2026-01-01", "soon"]} | own),
        world.exports / "shop_orders.parquet",
    )
    table = world.land().tables[0]
    assert (table.received, table.accepted, table.quarantined) == (2, 1, 1)
    assert table.unknown_columns == ("column _refused", "column _file", "column _row", "column _TEXT")
    (refused,) = world.refused("shop_orders")
    assert (refused["file"], refused["row"]) == ("shop_orders.parquet", 2)
    assert refused["reason"].startswith("ordered_at: 'soon' is not a time")
    assert refused["record"] == {"order_id": "b", "ordered_at": "soon"} | {f"column {each}": "2" for each in own}
