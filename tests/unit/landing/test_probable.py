"""Probable pairs as they are landed: which of a model's pairs stand, for how long, and what happens without a model.

What lives here: the table, with a model whose pairs are written down. What does not: the model (test_proposals.py),
what a pair does to people (tests/end_to_end/test_probable_links.py).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from assets.ingest.bookkeeping import land_own_tables
from orchestration.nightly import main
from perennial.config.home import Home
from perennial.config.settings import Settings, load_settings
from perennial.landing import probable, proposals
from perennial.landing.empty import ensure_empty_files
from tests.support.installation import installed_in, write_config
from tests.support.typed import Record, disturbed, needs_splink, people

COLUMNS = ("first_name", "last_name", "birth_on", "street", "city", "postcode", "email", "phone")
Row = Mapping[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").prepare()
    ensure_empty_files(home)
    return home


class Model:
    """Stands where Splink would: says what it is told to, and counts how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[tuple[str, str, float, float]] = []
        self.asked, self.version = 0, "one"
        monkeypatch.setattr(proposals, "made_with", lambda: self.version)
        monkeypatch.setattr(proposals, "propose", self._propose)

    def _propose(
        self, con: duckdb.DuckDBPyConnection, records: str, threshold: float = 0.9
    ) -> list[proposals.Proposal]:
        self.asked += 1
        proposals._prepare(con, records)
        return [
            proposals.Proposal(f"s/shop_customer/{one}", f"s/shop_customer/{other}", probability, weight)
            for one, other, probability, weight in self.pairs
            if probability >= threshold
        ]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    return Model(monkeypatch)


def switched(on: Any = True) -> Settings:
    return Settings.model_validate(
        {"business": {"time_zone": "UTC", "currency": "GBP"}, "identity": {"probabilistic": on}},
        context={"folder": Path("/")},
    )


def built(home: Home, records: list[Row]) -> None:
    """A build file that holds these records, each a piece by itself unless it says so."""
    home.build_file.unlink(missing_ok=True)
    with duckdb.connect(str(home.build_file)) as con:
        con.execute("create schema identity")
        con.execute(
            "create table identity.comparable_records (piece bigint, source_name varchar, record_type varchar,"
            f" record_id varchar, {', '.join(f'{name} varchar' for name in COLUMNS)})"
        )
        rows = [
            [row.get("piece", number), "s", "shop_customer", row["record_id"], *(row.get(name) for name in COLUMNS)]
            for number, row in enumerate(records)
        ]
        if rows:
            con.executemany(f"insert into identity.comparable_records values ({', '.join('?' * 12)})", rows)


def pairs(home: Home) -> dict[tuple[str, str], Row]:
    rows = pq.read_table(home.own_table("probable_pairs")).to_pylist()
    return {(row["record_id"], row["other_record_id"]): row for row in rows}


def named(*ids: str, **more: Any) -> list[Row]:
    return [{"record_id": each, "first_name": "Jo", "last_name": each, **more} for each in ids]


def test_a_pair_is_landed_with_its_two_records_and_what_the_model_says_of_it(home: Home, model: Model) -> None:
    built(home, named("a", "b", "c"))
    model.pairs = [("a", "b", 0.98765432, 6.123456), ("b", "c", 0.7, 1.0)]
    assert "1 pairs" in str(probable.refresh(home, switched({"threshold": 0.9})))
    ((ends, row),) = pairs(home).items()
    assert ends == ("a", "b") and row["pair_id"] == "s/shop_customer/a and s/shop_customer/b"
    assert (row["source_name"], row["other_record_type"], row["made_with"]) == ("s", "shop_customer", "one")
    assert (row["probability"], row["weight"], row["has_same_first_name"]) == (0.987654, 6.1235, True)


def test_between_two_pieces_stands_the_likeliest_pair_and_within_one_none(home: Home, model: Model) -> None:
    built(home, [*named("a", "b", piece=1), *named("c", "d", piece=2)])
    model.pairs = [("b", "d", 0.99, 9.0), ("a", "c", 0.95, 5.0), ("a", "b", 0.99, 9.0)]
    probable.refresh(home, switched())
    assert list(pairs(home)) == [("b", "d")]


def test_the_model_is_asked_again_only_where_records_pieces_threshold_or_model_changed(
    home: Home, model: Model
) -> None:
    records = named("a", "b", "c")
    built(home, records)
    model.pairs = [("a", "b", 0.95, 5.0)]
    probable.refresh(home, switched())
    built(home, records[::-1])  # the same in another order, under other numbers
    assert probable.refresh(home, switched()) is None and model.asked == 1
    for number, change in enumerate(
        (
            lambda: built(home, [*records, *named("d")]),
            lambda: built(home, [*named("a", "c", piece=7), *named("b", piece=8), *named("d", piece=9)]),
            lambda: setattr(model, "version", "two"),
            lambda: home.own_table("probable_pairs").unlink(),
        ),
        start=2,
    ):
        change()
        probable.refresh(home, switched())
        assert model.asked == number
        assert list(pairs(home)) == [("a", "b")]
    probable.refresh(home, switched({"threshold": 0.91}))
    assert model.asked == 6


def test_a_pair_stands_while_its_records_do_whatever_the_model_makes_of_others(home: Home, model: Model) -> None:
    """Nobody is joined and parted again because somebody else's record changed."""
    built(home, named("a", "b", "c"))
    model.pairs = [("a", "b", 0.9001, 4.0), ("b", "c", 0.95, 5.0)]
    probable.refresh(home, switched())
    model.pairs = [("a", "b", 0.95, 5.0)]
    built(home, named("a", "b", "c", "d"))
    probable.refresh(home, switched())
    assert {ends: row["probability"] for ends, row in pairs(home).items()} == {("a", "b"): 0.9001, ("b", "c"): 0.95}
    probable.refresh(home, switched({"threshold": 0.92}))
    assert {ends: row["probability"] for ends, row in pairs(home).items()} == {("a", "b"): 0.95, ("b", "c"): 0.95}
    built(home, [*named("a", "b"), {**named("c")[0], "city": "York"}])
    probable.refresh(home, switched())
    assert list(pairs(home)) == [("a", "b")]
    model.pairs = []
    built(home, named("b", "c"))
    probable.refresh(home, switched())
    assert list(pairs(home)) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("Jonathan", "Archer"), ("JON", "Archer"), True),
        (("Ethel", "Archer"), ("Ehtel", "Archer"), True),
        (("Margaret", "Archer"), ("Mrgaret", "Archer"), True),
        (("Archer", "Ada"), ("Ada", "Archer"), True),
        (("Élodie", "Archer"), ("elodie", "Archer"), True),
        (("Tom", "Archer"), ("Tim", "Archer"), False),
        (("Ada", "Archer"), ("Ben", "Archer"), False),
        ((None, "Archer"), ("Ada", "Archer"), False),
    ],
)
def test_two_first_names_are_one_where_a_typing_error_makes_the_difference(
    home: Home, model: Model, one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    built(
        home,
        [{"record_id": each, "first_name": name[0], "last_name": name[1]} for each, name in (("a", one), ("b", other))],
    )
    model.pairs = [("a", "b", 0.95, 5.0)]
    probable.refresh(home, switched())
    assert pairs(home)["a", "b"]["has_same_first_name"] is same


def test_switched_off_nothing_is_asked_and_what_stood_goes(
    home: Home, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(home, named("a", "b"))
    model.pairs = [("a", "b", 0.95, 5.0)]
    probable.refresh(home, switched())
    assert len(pairs(home)) == 1
    monkeypatch.setattr(proposals, "made_with", lambda: pytest.fail("asked"))
    for off in (False, None):
        assert probable.refresh(home, switched(off)) is None
        assert pairs(home) == {}


def test_before_the_first_build_there_is_nothing_to_compare_and_the_night_says_so(home: Home, model: Model) -> None:
    assert "no warehouse is built yet" in str(probable.refresh(home, switched()))
    built(home, [])
    assert "without records to compare" in str(probable.refresh(home, switched()))
    assert (model.asked, pairs(home)) == (0, {})


@pytest.mark.parametrize("failing", ["the model", "the build file", "no splink"])
def test_where_the_model_fails_the_pairs_that_stood_stand_and_the_night_is_degraded(
    home: Home, model: Model, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    config = write_config(home.root.parent / "config", {"identity": {"probabilistic": True}})
    built(home, named("a", "b"))
    model.pairs = [("a", "b", 0.95, 5.0)]
    probable.refresh(home, load_settings(config))

    def fail(*_: Any) -> Any:
        raise proposals.SplinkMissing("pip install") if failing == "no splink" else ZeroDivisionError("Ada Archer")

    built(home, named("a", "b", "c"))
    if failing == "the build file":
        home.build_file.write_bytes(b"torn")
    else:
        monkeypatch.setattr(proposals, "propose", fail)
    night = installed_in(home, {"identity": {"probabilistic": True}}).night()
    land_own_tables(night)
    (told,) = night.tally.degraded
    assert told.startswith("probable links are those of an earlier night: ")
    assert "Ada" not in told and list(pairs(home)) == [("a", "b")]
    if failing == "the model":
        assert "ZeroDivisionError: Ada Archer" in (home.logs / "probable_links.log").read_text()


def test_a_night_that_asks_for_links_without_splink_does_not_start(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(home.root.parent / "config", {"identity": {"probabilistic": True}})
    monkeypatch.setenv("PERENNIAL_CONFIG", str(config))
    monkeypatch.setenv("PERENNIAL_HOME", str(home.root))
    monkeypatch.setattr("perennial.config.extras.importlib.util.find_spec", lambda _name: None)
    assert main([]) == 2
    assert "identity.probabilistic: probabilistic links need Splink" in capsys.readouterr().err


@needs_splink
def test_the_same_records_in_any_order_make_the_same_pairs(home: Home) -> None:
    one = people(300)
    both: list[Record] = one + [disturbed(record, seed) for seed, record in enumerate(one[:150])]
    found = []
    for seed in range(3):
        random.Random(seed).shuffle(both)
        built(home, list(both))
        home.own_table("probable_pairs").unlink(missing_ok=True)
        probable.refresh(home, switched())
        found.append(pairs(home))
    assert len(found[0]) >= 135 and found[0] == found[1] == found[2]
