"""Probable pairs of records.

What lives here: what the model proposes for people made up here. What does not: the labelled sets, which take half a
minute (`python -m benchmarks.identity_links`).
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from perennial.landing import proposals
from tests.conftest import ROOT

LOCK = ROOT / "perennial" / "landing" / "requirements-splink.lock"
needs_splink = pytest.mark.skipif(
    importlib.util.find_spec("splink") is None,
    reason="Splink is an extra and is not installed: see requirements-splink.lock",
)
NAMES = "ada ben cleo dan eva finn greta hugo ida jon kira leo mona nils olga paul rosa sven tara uwe"
PLACES = "archer baxter carver dawson ellison fletcher granger harper ingham jarvis keller lawson mercer norton"
FIRST, LAST = NAMES.split(" "), PLACES.split(" ")
Record = dict[str, str | None]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2}) as opened:
        yield opened


def people(count: int) -> list[Record]:
    drawn = random.Random(11)
    made: list[Record] = []
    for number in range(count):
        first, last = drawn.choice(FIRST), f"{drawn.choice(LAST)}{drawn.choice(['', 's', 'son', 'man', 'ley'])}"
        born = f"{drawn.randint(1940, 2005)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        street = f"{drawn.randint(1, 200)} {drawn.choice(LAST)} {drawn.choice(['road', 'lane', 'street'])}"
        made.append(
            {"record_id": f"{number}-a", "first_name": first.title(), "last_name": last, "birth_on": born,
             "street": street, "city": drawn.choice(LAST) + "ton", "postcode": f"{drawn.randint(1000, 9999)}",
             "email": f"{first}.{last}{number}@example.com", "phone": f"+4420{drawn.randint(10**7, 10**8)}"}
        )  # fmt: skip
    return made


def disturbed(record: Record, seed: int) -> Record:
    """The same person as somebody else would type it: one column missing, one with a letter doubled, names shouted."""
    drawn = random.Random(seed)
    other = dict(
        record, record_id=str(record["record_id"]).replace("-a", "-b"), last_name=str(record["last_name"]).upper()
    )
    columns = [name for name in record if name != "record_id"]
    lost, wrong = drawn.sample(columns, 2)
    other[lost] = None
    text = str(record[wrong])
    place = drawn.randrange(1, len(text))
    other[wrong] = text[:place] + text[place - 1] + text[place:]
    return other


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
    values = "('1', ' Jac ob ', 'O''Neil', '1908-07-12', ''), ('2', 'JACOB', null, '1908/07/12', ' ')"
    columns = "record_id, first_name, last_name, birth_on, email"
    con.execute(f"create table records as select * from (values {values}) as t ({columns})")
    assert proposals._prepare(con, "records") == ["first_name", "last_name", "birth_on"]
    rows = con.execute(
        "select first_name, last_name, birth_on, birth_year, birth_day from prepared_records order by 1, 2"
    ).fetchall()
    assert rows == [("jacob", "oneil", "19080712", "1908", "0712"), ("jacob", None, "19080712", "1908", "0712")]


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
