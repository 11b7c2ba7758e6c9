"""The line that says which stages have shifted, over a small published table made by hand."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from perennial.config.home import Home
from perennial.report.shifts import shifted_stages

COLUMNS = (
    "stage_model text, week_on date, stage text, measure text,"
    " value double, usual_from double, usual_to double, is_last_week boolean"
)
LAPSED = ("five_stage", "2026-10-19", "lapsed", "inflow", 1200.0, 400.4, 799.6, True)
SHARE = ("rfm_map", "2026-10-19", "at_risk", "share", 0.2, 0.05, 0.1, True)


def published(folder: Path, rows: list[tuple]) -> Home:
    home = Home(folder / "home").prepare()
    snapshot = home.snapshot("20261101T000000")
    snapshot.mkdir(parents=True)
    with duckdb.connect(str(snapshot / "perennial.duckdb")) as connection:
        connection.execute(f"create schema lifecycle; create table lifecycle.stage_shifts ({COLUMNS})")
        for row in rows:
            connection.execute(f"insert into lifecycle.stage_shifts values ({', '.join('?' * len(row))})", row)
    os.symlink("20261101T000000", home.current_link)
    return home


def test_the_last_closed_week_is_told_in_one_line_customers_own_stages_first(tmp_path: Path) -> None:
    older = (*LAPSED[:1], "2026-10-12", *LAPSED[2:-1], False)
    assert shifted_stages(published(tmp_path, [SHARE, older, LAPSED])) == [
        "stages shifted in the week of 2026-10-19: 1,200 people entered five_stage lapsed, usually 400 to 800; "
        "20.0% of people are in rfm_map at_risk, usually 5.0% to 10.0%; see lifecycle.stage_shifts"
    ]


@pytest.mark.parametrize("rows", [[], [(*LAPSED[:-1], False)]])
def test_a_week_as_usual_is_not_told(tmp_path: Path, rows: list[tuple]) -> None:
    assert shifted_stages(published(tmp_path, rows)) == []


def test_a_long_list_is_cut_and_a_home_without_a_snapshot_says_nothing(tmp_path: Path) -> None:
    many = [(*LAPSED[:2], f"stage_{number}", *LAPSED[3:]) for number in range(6)]
    (line,) = shifted_stages(published(tmp_path / "a", many))
    assert line.count("people entered") == 4 and "and 2 more; see" in line
    assert shifted_stages(Home(tmp_path / "b").prepare()) == []
