"""Pins: a file that people edit, with errors that name its lines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial.config.problems import ConfigError
from perennial.identity.pins import COLUMNS, Record, add, make, read

AT = datetime(2026, 2, 1, 9, tzinfo=UTC)
ONE, OTHER = Record("shop", "shop_customer", "a/1"), Record("crm", "crm_contact", "7")
HEAD = ",".join(COLUMNS)


def test_a_pin_is_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    pin = make("unlink", ONE, OTHER, "ops", AT, 'she said "no", twice')
    assert add(path, pin)
    assert read(path) == [pin] and pin.records == (ONE, OTHER)


def test_the_same_pair_is_one_pin_whoever_is_named_first(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    assert add(path, make("link", ONE, OTHER, "ops", AT, ""))
    assert not add(path, make("link", OTHER, ONE, "somebody", AT, "again"))
    assert len(read(path)) == 1


def test_what_is_linked_cannot_be_held_apart_too(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    first, second = make("link", ONE, OTHER, "ops", AT, ""), make("unlink", OTHER, ONE, "ops", AT, "")
    add(path, first)
    with pytest.raises(ConfigError, match=f"pins {first.pin_id} and {second.pin_id} contradict"):
        add(path, second)
    assert read(path) == [first]


def test_no_file_is_no_pin(tmp_path: Path) -> None:
    assert read(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("p1,join,s,shop_customer,1,s,shop_customer,2,x,2026-01-01,", "2: action: 'join' is neither link nor unlink"),
        ("p1,link,s,customer,1,s,shop_customer,2,x,2026-01-01,", "2: record_type: 'customer' is none of"),
        ("p1,link,s,shop_customer,,s,shop_customer,2,x,2026-01-01,", "2: record_id: empty"),
        ("p1,link,s,shop_customer,1,s,shop_customer,2,x,yesterday,", "2: pinned_at: is not a time"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "pins.csv"
    path.write_text(f"{HEAD}\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        read(path)
    assert len(told.value.problems) == 1 and told.value.problems[0].startswith(f"{path}:{problem}")


def test_every_wrong_line_is_told_and_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    good = "p{},link,s,shop_customer,1{},s,shop_customer,2,x,2026-01-01,"
    path.write_text("\n".join([HEAD, good.format(1, 1), "p2,join,,,,,,,,,", good.format(3, 3), "p4,,,,,,,,,,", ""]))
    with pytest.raises(ConfigError) as told:
        read(path)
    assert [line.split(":")[1] for line in told.value.problems] == ["3", "5"]
    path.write_text("pin_id,action\n")
    with pytest.raises(ConfigError, match="lacks the columns source_name, record_type"):
        read(path)


def test_an_id_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pins.csv"
    line = "p1,link,s,shop_customer,1,s,shop_customer,2,x,2026-01-01,"
    path.write_text(f"{HEAD}\n{line}\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="pin p1 stands there twice"):
        read(path)


@pytest.mark.parametrize("text", ["shop", "shop/shop_customer", "shop/customer/1", "//1", "shop/shop_customer/"])
def test_what_names_no_record_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Record.parse(text)


def test_an_id_may_hold_slashes() -> None:
    assert Record.parse("shop/shop_customer/a/1") == ONE
    assert str(ONE) == "shop/shop_customer/a/1"
