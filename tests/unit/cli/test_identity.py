"""`perennial identity`: what people at a terminal are told, and that nothing is written before they say so."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from perennial.cli.main import build_app
from perennial.config.home import Home
from perennial.identity.pins import read
from tests.support.installation import write_config

RUN = CliRunner()
A, B, C = "shop/shop_customer/a", "shop/guest_order/b", "crm/crm_contact/c"


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published snapshot: one person of two records, another of one, and a bridge between them."""
    home = Home(tmp_path / "home").prepare()
    config = write_config(tmp_path / "config", {})
    monkeypatch.setenv("PERENNIAL_CONFIG", str(config))
    monkeypatch.setenv("PERENNIAL_HOME", str(home.root))
    home.published.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home.published_file)) as con:
        con.execute(
            """
            create schema identity; create schema customer;
            create table customer.customer_identifiers as select * from (values
                ('shop', 'shop_customer', 'a', 'one', 'jo@example.com'), ('shop', 'guest_order', 'b', 'one', null),
                ('crm', 'crm_contact', 'c', 'two', 'family@example.com'))
                as t(source_name, record_type, record_id, customer_id, email);
            create table customer.customers as select * from (values
                ('one', 3, 'family@example.com'), ('two', 0, null)) as t(customer_id, orders_count, email);
            create table customer.customer_redirects as select 'old' as customer_id, 'one' as into_customer_id;
            create table identity.identity_links as select * from (values
                ('one', 'shop', 'guest_order', 'b', 'shop', 'shop_customer', 'a', 'one', 'same_email', 'strong',
                 'jo@example.com', null, null),
                ('two', 'crm', 'crm_contact', 'c', 'shop', 'shop_customer', 'a', 'one', 'same_phone', 'weak',
                 '+441632960001', 'bridge', null),
                ('two', 'crm', 'crm_contact', 'c', 'shop', 'shop_customer', 'a', 'one', 'probabilistic', 'weak',
                 'crm/crm_contact/c and shop/shop_customer/a', 'bridge', 0.98769))
                as t(customer_id, source_name, record_type, record_id, linked_source_name, linked_record_type,
                     linked_record_id, linked_customer_id, rule, strength, evidence, held_reason,
                     probability);
            create table identity.identity_review as select * from (values
                ('r1', 'bridge', 'phone', '+441632960001', 'same_phone', 2, 2, 'one', 'two', null),
                ('r3', 'bridge', 'probabilistic', 'crm/crm_contact/c and shop/shop_customer/a', 'probabilistic', 2, 2,
                 'one', 'two', 0.98769),
                ('r2', 'placeholder', 'email', 'test@test.com', null, 9000, null, null, null, null))
                as t(review_id, reason, identifier_type, identifier, rule, records_count, customers_count, customer_id,
                     other_customer_id, probability);
            """
        )
    return config.parent / "identity_pins.csv"


def said(*words: str, status: int = 0) -> str:
    done = RUN.invoke(build_app(), ["identity", *words])
    assert done.exit_code == status, done.output
    return done.output


def test_review_shows_what_would_have_joined_people_before_what_was_dropped(pins: Path) -> None:
    lines = said("review").splitlines()
    assert lines == [
        "bridge: phone +441632960001 by same_phone: 2 records, 2 people",
        "  one and two",
        "bridge: probabilistic crm/crm_contact/c and shop/shop_customer/a, probability 0.9877: 2 records, 2 people",
        "  one and two",
        "placeholder: email test@test.com: 9,000 records",
        "3 held or dropped",
    ]
    assert said("review", "--reason", "placeholder", "--limit", "1").splitlines()[-1] == "1 held or dropped"
    assert said("explain", "two").splitlines()[0] == "two: 1 record"


def test_a_reason_that_there_is_not_is_refused_and_one_that_nothing_has_is_not(pins: Path) -> None:
    assert "'brigde' is no reason; there are placeholder, " in said("review", "--reason", "brigde", status=2)
    assert said("review", "--reason", "over_limit") == "0 held or dropped\n"


def test_explain_shows_the_path_between_two_records(pins: Path) -> None:
    assert said("explain", A, B).splitlines() == [
        "both are one:", f"  {A}", "    same_email (strong): jo@example.com", f"  {B}"
    ]  # fmt: skip


def test_explain_shows_what_is_held_between_two_people(pins: Path) -> None:
    told = said("explain", A, C)
    assert "they are two people" in told
    assert "held: same_phone +441632960001 would join them (bridge)" in told
    pair = f"{C} and {A}, probability 0.9877"
    assert f"held: probabilistic {pair} would join them (bridge)" in told
    assert f"held: probabilistic {pair}, {C} and {A} (bridge)" in said("explain", "one")


def test_explain_follows_an_old_id(pins: Path) -> None:
    assert said("explain", "old").startswith("one: 2 records")
    assert "is no customer id of the published tables" in said("explain", "nobody", status=2)


def test_explain_takes_an_address_as_people_write_it(pins: Path) -> None:
    assert said("explain", " Jo@Example.com") == said("explain", "one")
    shared = "family@example.com: 2 people bear this address; ask for one of\none\ntwo\n"
    assert said("explain", "family@example.com", status=2) == shared
    assert "know no such e-mail address" in said("explain", "no/body@example.com", status=2)
    assert "hold no such record" in said("explain", "shop/guest_order/email:jo@example.com", status=2)


def test_a_link_is_shown_first_and_written_when_told(pins: Path) -> None:
    told = said("link", A, C)
    assert "one: 2 records, 3 orders" in told and "two: 1 record, 0 orders" in told and "nothing is written" in told
    assert not pins.exists()
    assert "written: pin" in said("link", A, C, "--yes", "--reason", "she said so")
    (pin,) = read(pins)
    assert (pin.action, pin.reason) == ("link", "she said so") and [str(each) for each in pin.records] == [A, C]
    assert "stands in" in said("link", A, C, "--yes")
    assert len(read(pins)) == 1


def test_a_separation_shows_the_pieces_that_are_left(pins: Path) -> None:
    told = said("unlink", A, B, "--yes")
    assert "one: 2 records would be 2 people" in told
    assert [pin.action for pin in read(pins)] == ["unlink"]
    assert "they are two people already" in said("unlink", A, C)


def test_a_record_that_nobody_knows_is_refused_by_name(pins: Path) -> None:
    unknown = "shop/shop_customer/z"
    assert f"{unknown}: the published tables hold no such record" in said("link", A, unknown, status=2)
