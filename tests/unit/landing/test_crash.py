"""A load killed at any point leaves the whole of it or nothing, and the next run makes it good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perennial.config.home import Home
from perennial.landing.load_ids import split_name
from perennial.landing.manifest import read_manifests
from perennial.landing.recovery import LandingDamaged, recover
from tests.unit.landing.world import World, content

ROOT = Path(__file__).resolve().parents[3]
TABLES = ("shop_orders", "shop_order_lines", "consents")
LAND = """
import sys
from pathlib import Path
from tests.unit.landing.world import NOW, World
world = World.__new__(World)
world.root, world.now, world.env = Path(sys.argv[1]), NOW.replace(day=2), {"PERENNIAL_FAILPOINT": sys.argv[2]}
from perennial.config.home import Home
world.home, world.exports = Home(world.root / "home").prepare(), world.root / "exports"
world.land()
"""
# place and hit → whether the killed load is whole afterwards
PLACES = {
    "load_staged:1": False,
    "load_staged:3": False,
    "load_settled:1": False,
    "load_written:1": False,
    "load_committed:1": True,
    "load_moving:1": True,
    "load_moving:3": True,
}


def write_first(world: World) -> None:
    world.write("shop_orders.csv", "order_id,ordered_at,total_amount,updated_at\na,2026-01-01,1,2026-01-01\n")
    world.write("shop_order_lines.csv", "order_id,line_id,quantity\na,1,1\n")


def write_second(world: World) -> None:
    world.write(
        "shop_orders.csv",
        "order_id,ordered_at,total_amount,updated_at\na,2026-01-01,2,2026-01-02\nb,2026-01-01,3,\nc,soon,4,\n",
    )
    world.write("shop_order_lines.csv", "order_id,line_id,quantity\na,2,2\nb,1,3\n")
    world.write(
        "consents.csv",
        "contact_ref,contact_ref_type,channel,purpose,status,changed_at\n"
        "ann,customer_id,email,marketing,granted,2026-01-01\n",
    )


def state(world: World) -> list[object]:
    in_force = [content(world.in_force(table), table) for table in TABLES]
    return [*in_force, world.refused("shop_orders")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[object], list[object]]:
    world = World(tmp_path_factory.mktemp("undisturbed"))
    write_first(world)
    world.land()
    before = state(world)
    write_second(world)
    world.land()
    return before, state(world)


@pytest.mark.parametrize(("place", "is_whole"), PLACES.items())
def test_kill_nine_between_any_two_stages_leaves_the_whole_load_or_nothing(
    world: World, undisturbed: tuple[list[object], list[object]], place: str, is_whole: bool
) -> None:
    before, after = undisturbed
    write_first(world)
    world.land()
    write_second(world)
    done = subprocess.run(
        [sys.executable, "-c", LAND, str(world.root), f"{place}:kill9"], cwd=ROOT, capture_output=True, timeout=120
    )
    assert done.returncode == -9, done.stderr.decode()
    assert len(recover(world.home)) == 1
    assert list(world.home.incoming.iterdir()) == []
    assert state(world) == (after if is_whole else before)
    assert recover(world.home) == []
    world.now = world.now.replace(day=3)
    report = world.land()
    assert sum(table.landed for table in report.tables) == (0 if is_whole else 5)
    assert state(world)[:3] == after[:3]


def test_a_full_disk_leaves_nothing_and_names_itself(world: World) -> None:
    write_first(world)
    world.env["PERENNIAL_FAILPOINT"] = "load_written:1:enospc"
    with pytest.raises(OSError, match="No space left"):
        world.land()
    assert world.landed("shop_orders") == []
    assert list(world.home.incoming.iterdir()) == []
    world.env.clear()
    assert world.land().tables[0].landed == 1


@pytest.mark.parametrize("place", ["load_committed:1:enospc", "load_moving:1:enospc"])
def test_a_disk_that_fills_up_after_the_commit_costs_nothing(world: World, place: str) -> None:
    write_first(world)
    world.env["PERENNIAL_FAILPOINT"] = place
    with pytest.raises(OSError, match="No space left"):
        world.land()
    world.env.clear()
    assert len(recover(world.home)) == 1
    assert [table.repeated for table in world.land().tables] == [1, 1]


def test_a_committed_load_whose_file_is_gone_is_not_passed_over(world: World) -> None:
    write_first(world)
    world.env["PERENNIAL_FAILPOINT"] = "load_committed:1:enospc"
    with pytest.raises(OSError):
        world.land()
    next(world.home.incoming.glob("*/shop_orders/landed.parquet")).unlink()
    with pytest.raises(LandingDamaged, match="restore it from a backup"):
        recover(world.home)


def test_foreign_things_in_incoming_are_left_alone(world: World) -> None:
    (world.home.incoming / "notes.txt").write_text("mine")
    assert recover(world.home) == []
    assert (world.home.incoming / "notes.txt").exists()


def test_load_ids_never_go_back_even_where_the_clock_does(world: World, tmp_path: Path) -> None:
    write_first(world)
    first = world.land()
    world.now = world.now.replace(year=2020)
    second = world.land()
    other_process = Home(world.home.root)
    assert split_name(f"{second.load_id}.shop.parquet") == (second.load_id, "shop")
    assert second.load_id > first.load_id
    assert [each.load_id for each in read_manifests(other_process)] == [first.load_id, second.load_id]
