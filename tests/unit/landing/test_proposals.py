"""Probable pairs of records.

What lives here: what the model proposes for people made up here. What does not: the labelled sets, which take half a
minute (`python -m benchmarks.identity_links`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from perennial.landing import proposals
from tests.conftest import ROOT
from tests.support.typed import Record, disturbed, needs_splink, people

LOCK = ROOT / "perennial" / "landing" / "requirements-splink.lock"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as opened:
        yield opened


def put(con: duckdb.DuckDBPyConnection, records: list[Record], columns: tuple[str, ...]) -> str:
    con.execute(f"create table records ({', '.join(f'{name} varchar' for name in columns)})")
    con.executemany(
        f"insert into records values ({', '.join('?' * len(columns))})",
        [[row[name] for name in columns] for row in records],
    )
    return "records"


@needs_splink
@pytest.mark.parametrize("left_out", [(), ("email", "phone"), ("street", "city", "postcode"), ("first_name",)])
def test_the_records_of_a_person_are_proposed_and_strangers_are_not(
    con: duckdb.DuckDBPyConnection, left_out: tuple[str, ...]
) -> None:
    one = people(300)
    both = one + [disturbed(record, seed) for seed, record in enumerate(one[:150])]
    columns = tuple(name for name in one[0] if name not in left_out)
    found = proposals.propose(con, put(con, both, columns))
    right = [each for each in found if each.record_id[:-2] == each.linked_record_id[:-2]]
    assert (len(found) - len(right), len(right) >= 135) == (0, True), (len(found), len(right))
    assert all(each.probability >= proposals.THRESHOLD and each.record_id < each.linked_record_id for each in found)
    assert [each.weight for each in found] == sorted((each.weight for each in found), reverse=True)


@needs_splink
def test_people_who_share_nothing_exactly_are_found_and_nothing_is_printed(
    con: duckdb.DuckDBPyConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    """No pair is certain then, so that the prior cannot be estimated; nor does every training rule find a pair."""
    one = people(300)
    two = [
        dict(each, record_id=f"{number}-b", email=f"x{each['email']}", street=f"{each['street']}s")
        for number, each in enumerate(one[:100])
    ]
    columns = ("record_id", "first_name", "last_name", "street", "city", "postcode", "email")
    found = proposals.propose(con, put(con, [*one, *two], columns))
    right = [each for each in found if each.record_id[:-2] == each.linked_record_id[:-2]]
    assert (len(found) - len(right), len(right) >= 90) == (0, True), (len(found), len(right))
    assert capfd.readouterr() == ("", "")


@needs_splink
def test_records_with_nothing_to_compare_are_refused_with_the_columns_that_would_do(
    con: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(ValueError, match=r"at least two of first_name, last_name, birth_on.*found"):
        proposals.propose(con, put(con, people(20), ("record_id", "city")))


def test_without_splink_the_error_says_how_to_install_it(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{name}'")

    monkeypatch.setattr(proposals.importlib, "import_module", absent)
    with pytest.raises(proposals.SplinkMissing, match=r"requirements-splink\.lock"):
        proposals.propose(con, "records")
    assert LOCK.is_file()


def test_what_is_missing_is_left_out_and_what_is_there_is_cleaned(con: duckdb.DuckDBPyConnection) -> None:
    values = (
        "('1', ' Jac ob ', 'O''Neil', '1908-07-12', ''), ('2', 'JACOB', null, '1908/07/12', ' '),"
        " ('3', 'Élodie', 'Иванов-Петров', null, null)"
    )
    columns = "record_id, first_name, last_name, birth_on, email"
    con.execute(f"create table records as select * from (values {values}) as t ({columns})")
    assert proposals._prepare(con, "records") == ["first_name", "last_name", "birth_on"]
    rows = con.execute(
        "select first_name, last_name, birth_on, birth_year, birth_day from prepared_records order by 1, 2"
    ).fetchall()
    assert rows == [
        ("elodie", "ивановпетров", None, None, None),
        ("jacob", "oneil", "19080712", "1908", "0712"),
        ("jacob", None, "19080712", "1908", "0712"),
    ]


def test_every_compared_column_can_be_estimated_and_sought() -> None:
    """A column that is held equal in every training rule, or that no rule seeks by, would be compared by guesswork."""
    derived = {name: set(needed) for name, needed, _ in proposals.DERIVED}
    for column in proposals.COLUMNS:
        for rules in (proposals.BLOCKING, proposals.TRAINING):
            held = [set().union(*(derived.get(name, {name}) for name in rule)) for rule in rules]
            assert any(column not in names for names in held), column
    sought = {each for rule in proposals.BLOCKING for name in rule for each in derived.get(name, {name})}
    assert sought == set(proposals.COLUMNS)


def test_the_extra_is_locked_apart_and_the_lock_names_no_index() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text and "index" not in text
    assert text.startswith("splink==5.") and "--hash=sha256:" in text
    assert "\nsplink==" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
