"""The outbox: one file per plan, safe to open in a spreadsheet, the same file when repeated."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from perennial.destinations.base import Row
from perennial.destinations.files import FilesDestination
from tests.unit.destinations.support import batch, row


def lines(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))


def test_a_plan_becomes_one_csv_and_one_manifest(tmp_path: Path) -> None:
    sent = batch([row(2, "leave", first_name="Bo"), row(1, first_name='Zoë, the "first"\nof all')])
    result = FilesDestination(tmp_path / "out").send(sent)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "win_back.000001-abcdef12.csv",
        "win_back.000001-abcdef12.manifest.json",
    ]
    file = tmp_path / "out" / "win_back.000001-abcdef12.csv"
    assert lines(file) == [
        ["key", "action", "customer_id", "email", "first_name"],
        ["key-leave-00002", "leave", "c00002", "c00002@example.com", ""],
        ["key-join-00001", "join", "c00001", "c00001@example.com", 'Zoë, the "first"\nof all'],
    ]
    manifest = json.loads(file.with_suffix(".manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (manifest["rows"], manifest["joins"], manifest["leaves"]) == (2, 1, 1)
    assert manifest["plan_id"] == "000001-abcdef12"
    assert {found.word for found in result.rows.values()} == {"acknowledged"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_repeat_makes_the_same_file_and_no_second_one(tmp_path: Path) -> None:
    sent = batch([row(1), row(2)])
    first = FilesDestination(tmp_path).send(sent)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert FilesDestination(tmp_path).send(sent).rows == first.rows
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "value",
    [
        '=HYPERLINK("http://x")',
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "\0\0+1",
        "=\0cmd|' /C calc'!A0",
    ],
)
@pytest.mark.parametrize("where", ["field", "address", "customer_id"])
def test_no_field_begins_like_a_formula(tmp_path: Path, value: str, where: str) -> None:
    bad = Row(
        "key-1",
        "join",
        value if where == "customer_id" else "c1",
        value if where == "address" else "c1@example.com",
        {"first_name": value if where == "field" else "Ann"},
    )
    FilesDestination(tmp_path).send(batch([bad]))
    file = tmp_path / "win_back.000001-abcdef12.csv"
    assert b"\0" not in file.read_bytes()
    table = lines(file)
    assert len(table) == 2
    for field in table[1]:
        assert not field.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert any(field.startswith("'") for field in table[1])


def test_plain_text_is_written_as_it_is(tmp_path: Path) -> None:
    FilesDestination(tmp_path).send(batch([row(1, first_name="O'Neil-Smith = fine")]))
    assert lines(tmp_path / "win_back.000001-abcdef12.csv")[1][-1] == "O'Neil-Smith = fine"


def test_a_folder_that_cannot_be_made_stops_with_its_name_and_acknowledges_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    result = FilesDestination(tmp_path / "taken" / "out").send(batch([row(1)]))
    assert result.stopped is not None
    assert "taken" in str(result.stopped)
    assert {found.word for found in result.rows.values()} == {"ambiguous"}


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    result = FilesDestination(tmp_path).send(batch([row(1)]))
    assert "No space left" in str(result.stopped)
    assert list(tmp_path.iterdir()) == []
