"""What counts as the same address: tables of e-mail pairs, phone numbers and placeholders, over the models' own path.

Every value is delivered to a source, landed, looked up by landing and compared by the SQL that dbt makes of the models;
Python's reference says beside it what it thinks. So each case is asked twice and both answers must be the table's.
"""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.home import Home
from perennial.config.identifiers import ProviderRule, normalise_email, with_provider_rules
from perennial.landing import phones
from tests.support.installation import installed_in
from tests.support.nights import ROOT, emptied, land_only
from tests.unit.identity import placeholders

HERE = Path(__file__).parent
RULES: dict[str, ProviderRule] = {
    "gmail.com": {"aliases": ["googlemail.com"], "ignore_dots": True, "ignore_plus_tags": True},
    "*": {"ignore_plus_tags": True},
}
ID_QUERIES = {
    "shop_orders": "select customer_id from input.shop_orders order by cast(order_id as integer)",
    "site_events": "select anonymous_id from input.site_events order by cast(event_id as integer)",
    "messages": "select contact_ref from input.messages where message_id like 'id-%'"
    " order by cast(substr(message_id, 4) as integer)",
}
EVIDENCE = ("compared_email", "usable_email", "compared_phone", "usable_phone")


def written(text: str) -> str:
    r"""The tables write what cannot be seen as \u200b, \t, \r and \n."""
    plain = {"t": "\t", "r": "\r", "n": "\n"}
    return re.sub(r"\\u([0-9a-f]{4})|\\([trn])", lambda at: chr(int(at[1], 16)) if at[1] else plain[at[2]], text)


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as lines:
        return [{column: written(value) for column, value in row.items()} for row in csv.DictReader(lines)]


PAIRS = table("email_pairs.csv")
NUMBERS = table("phone_numbers.csv")


def random_addresses(count: int) -> list[str]:
    """Texts that are nearly addresses: every printable sign of ASCII, and some beyond."""
    rng = random.Random(4)
    letters = [chr(code) for code in range(32, 127)] * 2 + list("aoJZ.@-_") * 12
    odd = list("@.< >\"'\t\n\xa0\u200b\u200d\u0130\u0131\u212a\u00df\u00e9\u0301\uff20\uff0e\u3002\u0430\u2764\ue000")
    made = []
    for _ in range(count):
        pool = letters + odd if rng.random() < 0.5 else letters
        ends = "@example.com" if rng.random() < 0.5 else ""
        made.append("".join(rng.choices(pool, k=rng.randint(1, 12))) + ends)
    return made


RANDOM = random_addresses(4000)
EMAILS = sorted(
    {*(pair[side] for pair in PAIRS for side in ("first", "second")), *placeholders.EMAILS, *RANDOM}
    | {*placeholders.ORDINARY_EMAILS}
)
PHONES = sorted(
    {(row["phone"], row["country"]) for row in NUMBERS}
    | {
        (phone, country)
        for phone in (*placeholders.PHONES, *placeholders.ORDINARY_PHONES)
        for country in ("", "GB", "US")
    }
)
IDS = (*placeholders.IDS, *placeholders.ORDINARY_IDS)


@dataclass(frozen=True)
class Compared:
    """What the models made of every value."""

    emails: dict[str, dict[str, Any]]
    emails_by_rules: dict[str, dict[str, Any]]
    references: dict[str, dict[str, Any]]
    phones: dict[tuple[str, str], dict[str, Any]]
    ids: dict[str, list[str | None]]
    placeholders: set[str]  # what the macros call one, of all that is compared


VERDICTS = """
    select compared_email as identifier from {{ ref('evidence') }} where {{ email_placeholder('compared_email') }}
    union
    select compared_phone from {{ ref('evidence') }}
    where {{ phone_placeholder('compared_phone', "case when compared_phone like '+%' then compared_phone end") }}
"""


def rows_of(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def deliver(folder: Path) -> None:
    """Every value where such values stand: on customers, in references of messages, and as ids."""
    at = "2024-01-01T00:00:00"
    rows_of(
        folder / "shop_customers.jsonl",
        [{"customer_id": f"email-{n}", "email": email} for n, email in enumerate(EMAILS)]
        + [{"customer_id": f"phone-{n}", "phone": p, "country": c or None} for n, (p, c) in enumerate(PHONES)],
    )
    rows_of(
        folder / "messages.jsonl",
        [
            {"message_id": f"email-{n}", "contact_ref": email, "contact_ref_type": "email", "sent_at": at}
            for n, email in enumerate(EMAILS)
            if email.strip()
        ]
        + [
            {"message_id": f"id-{n}", "contact_ref": value, "contact_ref_type": "customer_id", "sent_at": at}
            for n, value in enumerate(IDS)
        ],
    )
    rows_of(
        folder / "shop_orders.jsonl",
        [{"order_id": f"{n}", "customer_id": value, "ordered_at": at} for n, value in enumerate(IDS)],
    )
    rows_of(
        folder / "site_events.jsonl",
        [
            {"event_id": f"{n}", "anonymous_id": i, "event_type": "page_view", "occurred_at": at}
            for n, i in enumerate(IDS)
        ],
    )


def run_dbt(home: Home, *words: str, exit_status: int = 0) -> str:
    dbt = installed_in(home).night().dbt
    done = subprocess.run(
        [str(dbt.executable), *words, "--no-use-colors"],
        cwd=ROOT, env={**dbt.env, "DBT_LOG_FORMAT": "text"}, text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == exit_status, done.stdout[-4000:]
    return done.stdout


def build(home: Home, *wanted: str) -> Path:
    run_dbt(home, "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", *wanted)
    return home.build_file


def called_placeholders(home: Home) -> set[str]:
    """What stands in evidence and is a placeholder by the macros that report it."""
    said = run_dbt(home, "compile", "--quiet", "--output", "json", "--inline", VERDICTS)
    query = json.loads(said[said.index("{") :])["compiled"]
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return {row[0] for row in connection.execute(query).fetchall()}


def evidence(build_file: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """As delivered, as compared."""
    names = ("record_type", "record_id", "email", "phone", "country", *EVIDENCE)
    with duckdb.connect(str(build_file), read_only=True) as connection:
        for row in connection.execute(f"select {', '.join(names)} from identity.evidence").fetchall():
            named = dict(zip(names, row, strict=True))
            yield named, {name: named[name] for name in EVIDENCE}


def emails_in(build_file: Path, record_type: str) -> dict[str, dict[str, Any]]:
    return {
        said["email"]: made
        for said, made in evidence(build_file)
        if said["record_type"] == record_type and said["email"]
    }


@pytest.fixture(scope="module")
def compared(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Compared:
    emptied(parsed_home)
    home, folder = parsed_home.prepare(), tmp_path_factory.mktemp("exports")
    deliver(folder)
    land_only(home, {"shop": {"kind": "files", "path": str(folder)}})
    made = build(home, "--select", "+identity.evidence", *(f"input.{name}" for name in ID_QUERIES))
    with duckdb.connect(str(made), read_only=True) as connection:
        ids = {name: [row[0] for row in connection.execute(query).fetchall()] for name, query in ID_QUERIES.items()}
    numbers = {
        (said["phone"], said["country"] or ""): out
        for said, out in evidence(made)
        if said["record_id"].startswith("phone-")
    }
    customers, references = emails_in(made, "shop_customer"), emails_in(made, "message_contact")
    called = called_placeholders(home)
    # a parse with other vars, kept away from the one that the other tests use
    target, rules = str(tmp_path_factory.mktemp("target")), json.dumps({"email_provider_rules": RULES})
    build(home, "--select", "identity.evidence", "--target-path", target, "--vars", rules)
    return Compared(customers, emails_in(made, "shop_customer"), references, numbers, ids, called)


def by_reference(email: str, rules: str = "") -> str | None:
    address = normalise_email(email)
    return with_provider_rules(address, RULES) if address and rules else address


def test_the_tables_are_as_long_as_they_must_be() -> None:
    assert len(PAIRS) == len({(pair["first"], pair["second"], pair["rules"]) for pair in PAIRS}) >= 60
    assert len(NUMBERS) == len({(row["phone"], row["country"]) for row in NUMBERS}) >= 50
    assert sum(map(len, (placeholders.EMAILS, placeholders.PHONES, placeholders.IDS))) == 208


def test_python_tells_every_pair_of_addresses_as_the_table_does() -> None:
    wrong = []
    for pair in PAIRS:
        first, second = (by_reference(pair[side], pair["rules"]) for side in ("first", "second"))
        if (first is not None and first == second) != (pair["same_person"] == "yes"):
            wrong.append((pair["reason"], first, second))
    assert wrong == []


def test_sql_tells_every_pair_of_addresses_as_the_table_does(compared: Compared) -> None:
    wrong = []
    for pair in PAIRS:
        emails = compared.emails_by_rules if pair["rules"] else compared.emails
        first, second = (emails[pair[side]]["usable_email"] for side in ("first", "second"))
        if (first is not None and first == second) != (pair["same_person"] == "yes"):
            wrong.append((pair["reason"], first, second))
    assert wrong == []


def test_sql_and_python_agree_on_every_address_in_the_tables_and_on_thousands_of_random_ones(
    compared: Compared,
) -> None:
    assert len(EMAILS) > 4000 and set(compared.emails) == {email for email in EMAILS if email}
    differ = []
    for rules, emails in (("", compared.emails), ("on", compared.emails_by_rules)):
        for email, made in emails.items():
            expected = by_reference(email, rules)
            # what is no address is only counted, under the words that stand in its place
            if made["usable_email"] is not None if expected is None else made["compared_email"] != expected:
                differ.append((email, rules, made, expected))
            if made["usable_email"] not in (None, expected):
                differ.append((email, rules, made, expected))
    assert differ == []
    assert sum(normalise_email(email) is not None for email in RANDOM) > 900  # and not only refusals
    assert sum(made["usable_email"] is not None for made in compared.emails.values()) > 900


def test_a_reference_by_address_is_compared_as_a_record_is(compared: Compared) -> None:
    bare = [email for email in compared.emails if email == email.strip()]  # ids are landed without blanks around them
    assert len(bare) > 3000
    assert {email: compared.references.get(email) for email in bare} == {
        email: compared.emails[email] for email in bare
    }


def test_a_rule_of_providers_that_does_not_exist_is_refused_by_name(parsed_home: Home) -> None:
    misspelt = "select {{ with_provider_rules('email', {'gmail.com': {'ignore_dot': true}}) }}"
    said = run_dbt(parsed_home.prepare(), "compile", "--inline", misspelt, exit_status=2)
    assert "gmail.com has ignore_dot; write aliases, ignore_dots or ignore_plus_tags" in said


def test_normalising_twice_changes_nothing() -> None:
    once = {address for email in EMAILS if (address := normalise_email(email)) is not None}
    assert {address for address in once if normalise_email(address) != address} == set()


def test_python_reads_every_number_as_the_table_does() -> None:
    read = {(row["phone"], row["country"]): phones.normalise(row["phone"], row["country"]) or "" for row in NUMBERS}
    assert read == {(row["phone"], row["country"]): row["e164"] for row in NUMBERS}


def test_sql_hands_on_every_number_as_the_table_does_and_uses_those_that_identify(compared: Compared) -> None:
    made = {key: compared.phones[key] for key in ((row["phone"], row["country"]) for row in NUMBERS)}
    assert {key: out["usable_phone"] for key, out in made.items()} == {
        (row["phone"], row["country"]): row["e164"] if row["identifies"] == "yes" else None for row in NUMBERS
    }
    with_number = [row for row in NUMBERS if row["e164"]]
    assert {(row["phone"], row["country"]): row["e164"] for row in with_number} == {
        (row["phone"], row["country"]): made[row["phone"], row["country"]]["compared_phone"] for row in with_number
    }


def test_no_placeholder_identifies_anybody_whatever_its_spelling(compared: Compared) -> None:
    for emails in (compared.emails, compared.emails_by_rules, compared.references):
        assert {e: emails[e.strip()] if emails is compared.references else emails[e] for e in placeholders.EMAILS} == {
            email: {**dict.fromkeys(EVIDENCE), "compared_email": normalise_email(email) or email.strip().lower()}
            for email in placeholders.EMAILS
        }
    counted = {compared.emails[email]["compared_email"] for email in placeholders.EMAILS} | {
        compared.phones[phone, country]["compared_phone"]
        for phone in placeholders.PHONES
        for country in ("", "GB", "US")
    }
    assert counted - compared.placeholders == set()
    usable = {key: made["usable_phone"] for key, made in compared.phones.items() if key[0] in placeholders.PHONES}
    assert len(usable) == 3 * len(placeholders.PHONES) and set(usable.values()) == {None}


def test_a_placeholder_number_is_counted_under_one_spelling(compared: Compared) -> None:
    spellings = {("0000000000", "GB"), ("000-000-0000", "US"), ("(000) 000 0000", "")}
    assert {compared.phones[key]["compared_phone"] for key in spellings} == {"0000000000"}
    assert {compared.phones[key]["compared_phone"] for key in (("n/a", ""), ("N/A", "GB"))} == {"n/a"}


def test_an_id_that_stands_for_none_is_none_wherever_ids_stand(compared: Compared) -> None:
    expected = [None] * len(placeholders.IDS) + list(placeholders.ORDINARY_IDS)
    assert compared.ids == dict.fromkeys(ID_QUERIES, expected)


def test_what_only_looks_like_a_placeholder_identifies(compared: Compared) -> None:
    assert compared.placeholders.isdisjoint({*placeholders.ORDINARY_EMAILS, *placeholders.ORDINARY_PHONES})
    assert {email: compared.emails[email]["usable_email"] for email in placeholders.ORDINARY_EMAILS} == {
        email: email for email in placeholders.ORDINARY_EMAILS
    }
    assert {number: compared.phones[number, ""]["usable_phone"] for number in placeholders.ORDINARY_PHONES} == {
        number: number for number in placeholders.ORDINARY_PHONES
    }
