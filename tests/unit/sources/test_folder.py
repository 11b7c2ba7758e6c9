"""What a folder may hold and what it must not lead to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from perennial.sources.base import SourceFailed
from perennial.sources.folder import look_into
from tests.unit.landing.world import World

CSV = "customer_id\n1\n"


def test_a_missing_folder_is_named_with_the_remedy(world: World) -> None:
    world.exports.rmdir()
    report = world.land()
    assert report.is_failed and str(report.reason) == f"{world.exports}: no such folder; make it, or correct `path:`"


def test_an_empty_folder_and_one_with_foreign_files_fail(world: World) -> None:
    assert "holds no file of the input contract" in str(world.land().reason)
    world.write("shop_order.csv", CSV)
    assert "did you mean shop_orders?" in str(world.land().reason)


def test_a_file_where_a_folder_is_meant_fails(tmp_path: Path) -> None:
    path = tmp_path / "exports"
    path.write_text("x")
    with pytest.raises(SourceFailed, match="is not a folder"):
        look_into(path)


def test_hidden_and_underscored_names_are_passed_over_and_foreign_ones_reported(world: World) -> None:
    world.write("shop_customers.csv", CSV)
    for foreign in (".hidden.csv", "_SUCCESS", "readme.txt", "shop_orders.xlsx"):
        world.write(foreign, "x")
    world.write("shop_customers/notes.md", "x")
    world.write("shop_customers/part.1.of.2.csv", "customer_id\n2\n")
    report = world.land()
    assert report.tables[0].accepted == 2
    assert len(report.warnings) == 3
    assert all(each.startswith("ignored: ") for each in report.warnings)


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.csv"])
def test_a_link_out_of_the_folder_is_refused(world: World, target: str) -> None:
    (world.root / "secret.csv").write_text(CSV)
    (world.exports / "shop_customers.csv").symlink_to(target)
    report = world.land()
    assert "is a link that leads out of the folder" in str(report.reason)
    assert world.landed("shop_customers") == []


def test_a_linked_part_folder_out_of_the_folder_is_refused(world: World) -> None:
    (world.root / "elsewhere").mkdir()
    (world.root / "elsewhere" / "a.csv").write_text(CSV)
    (world.exports / "shop_customers").symlink_to(world.root / "elsewhere")
    assert "leads out of the folder" in str(world.land().reason)


def test_a_link_inside_the_folder_is_read(world: World) -> None:
    world.write("_real.csv", CSV)
    (world.exports / "shop_customers.csv").symlink_to("_real.csv")
    assert world.land().tables[0].accepted == 1


def test_the_folder_itself_may_be_a_link(world: World) -> None:
    world.write("shop_customers.csv", CSV)
    link = world.root / "link"
    link.symlink_to(world.exports)
    assert world.land(path=str(link)).tables[0].accepted == 1


@pytest.mark.parametrize("make", ["fifo", "folder", "device", "loop"])
def test_what_is_no_plain_file_is_refused_and_never_hangs(world: World, make: str) -> None:
    path = world.exports / "shop_customers.csv"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "folder":
        path.mkdir()
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(path.name)
    began = time.monotonic()
    report = world.land()
    assert report.is_failed and "shop_customers.csv" in str(report.reason)
    assert time.monotonic() - began < 20


def test_names_that_look_like_patterns_are_names(world: World) -> None:
    world.write("shop_customers/a[1].csv", CSV)
    world.write("shop_customers/a1.csv", "customer_id\n2\n")
    world.write("shop_customers/*.csv", "customer_id\n3\n")
    world.write('shop_customers/it\'s "odd".csv', "customer_id\n4\nragged,\n,\n")
    report = world.land()
    assert report.tables[0].received == 6
    assert {line["file"] for line in world.refused("shop_customers")} == {'shop_customers/it\'s "odd".csv'}


def test_a_parquet_file_that_is_none_fails_the_source_by_name(world: World) -> None:
    world.write("shop_customers.parquet", b"PAR1 canary@example.com")
    report = world.land()
    assert "shop_customers.parquet: is no readable Parquet file" in str(report.reason)
    assert "canary" not in str(report.reason)


def test_absence_from_a_later_delivery_is_no_deletion(world: World) -> None:
    world.write("shop_customers.csv", "customer_id\n1\n2\n")
    world.land()
    world.write("shop_customers.csv", "customer_id\n2\n")
    world.land()
    assert set(world.in_force("shop_customers")) == {("1",), ("2",)}


def test_a_failed_load_is_a_record_with_its_reason(world: World) -> None:
    from perennial.landing.manifest import read_manifests

    world.land()
    (record,) = read_manifests(world.home)
    assert record.is_failed and record.tables == () and record.reason == world.land().reason


def test_a_file_name_that_is_no_text_fails_its_source_and_is_shown_escaped(world: World) -> None:
    folder = world.exports / "shop_customers"
    folder.mkdir(parents=True)
    (folder / os.fsdecode(b"\xff.csv")).write_text("customer_id\n1\n")
    assert r"'\udcff.csv'); rename it" in str(world.land().reason)
