"""JSON Lines files: numbers keep their text, both readers agree, and a line that is no object is refused alone."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.landing.world import World
from tests.unit.sources.test_csv import carefully


def lines(*objects: object) -> str:
    return "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in objects)


def customer_ids(world: World) -> list[str]:
    return [row["customer_id"] for row in world.landed("shop_customers")]


IDS = {
    "9007199254740993": "9007199254740993", "123456789012345678901234567890": "123456789012345678901234567890",
    "17850.0": "17850", '"17850.0"': "17850.0", '"007"': "007", "-3": "-3", '"caf\\u00e9 \\"x\\""': 'café "x"',
    "true": "true",
}  # fmt: skip


@pytest.mark.parametrize("reader", ["fast", "careful"])
def test_ids_keep_their_exact_text(world: World, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    world.write("shop_customers.jsonl", lines(*(f'{{"customer_id": {each}}}' for each in IDS)))
    report = world.land() if reader == "fast" else carefully(world, monkeypatch)
    assert report.tables[0].accepted == len(IDS)
    assert customer_ids(world) == sorted(IDS.values())


@pytest.mark.parametrize("reader", ["fast", "careful"])
def test_values_of_every_kind_land_alike(world: World, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    world.write(
        "shop_orders.jsonl",
        lines(
            '{"order_id": 1, "ordered_at": "2026-01-01T10:00:00+02:00", "total_amount": 19.989999999999998}',
            '{"order_id": 2, "ordered_at": "2026-01-01 10:00", "total_amount": "7", "email": null, "phone": 4477}',
            '{"order_id": 3, "ordered_at": "2026-01-01", "currency": {"code": ["GBP", 1]}, "extra": {"deep": [1]}}',
        ),
    )
    report = world.land() if reader == "fast" else carefully(world, monkeypatch)
    assert report.tables[0].unknown_columns == ("extra",)
    first, second, third = world.landed("shop_orders")
    assert (first["total_amount"], second["total_amount"]) == (Decimal("19.9900"), Decimal("7.0000"))
    assert (first["ordered_at"].hour, second["phone"], second["email"]) == (8, "4477", None)
    assert json.loads(third["currency"]) == {"code": ["GBP", 1]}


@pytest.mark.parametrize("reader", ["fast", "careful"])
def test_a_nested_or_missing_id_is_refused(world: World, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    rows = lines('{"customer_id": [1]}', '{"customer_id": {"a": 1}}', '{"customer_id": ""}', '{"email": "x"}', "{}")
    world.write("shop_customers.jsonl", rows + lines('{"customer_id": 9}'))
    report = world.land() if reader == "fast" else carefully(world, monkeypatch)
    assert (report.tables[0].accepted, report.tables[0].quarantined) == (1, 5)
    reasons = [line["reason"] for line in world.refused("shop_customers")]
    assert ["nested" in each for each in reasons] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"customer_id": 2,', "is not JSON"),
        ("[2]", "is not an object"),
        ("2", "is not an object"),
        ('{"customer_id": 2} {"customer_id": 3}', "is not JSON"),
        ('{"customer_id": 2, "customer_id": 3}', "has a key twice"),
        ('{"customer_id": ' + "[" * 100_000 + "]" * 100_000 + "}", None),
    ],
)
def test_a_line_that_is_no_object_is_refused_alone(world: World, line: str, reason: str | None) -> None:
    world.write("shop_customers.jsonl", lines({"customer_id": 1}, line, "", {"customer_id": 4}))
    report = world.land()
    assert (report.reason, report.tables[0].received, report.tables[0].accepted) == (None, 3, 2)
    (refused,) = world.refused("shop_customers")
    assert refused["row"] == 2 and (reason is None or refused["reason"].startswith(reason))
    assert customer_ids(world) == ["1", "4"]


def test_a_line_that_is_not_utf_8_is_refused_alone(world: World) -> None:
    world.write("shop_customers.jsonl", b'{"customer_id": "\xff"}\n{"customer_id": 4}\n')
    assert world.land().tables[0].quarantined == 1
    assert customer_ids(world) == ["4"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(world: World) -> None:
    world.write("shop_customers.jsonl", b'\xef\xbb\xbf{"customer_id": 1}\n{"customer_id": 2}\n')
    assert world.land().tables[0].accepted == 2


def test_no_number_is_no_amount(world: World) -> None:
    world.write(
        "shop_orders.jsonl",
        lines('{"order_id": 1, "ordered_at": "2026-01-01", "total_amount": NaN}'),
    )
    assert world.land().tables[0].quarantined == 1


def test_a_file_without_the_required_key_fails_the_source(world: World) -> None:
    world.write("shop_customers.jsonl", lines({"email": "canary@example.com"}))
    report = world.land()
    assert "required column customer_id" in str(report.reason) and "canary" not in str(report.reason)


def test_a_file_with_more_keys_than_anybody_means_fails_the_source(world: World) -> None:
    world.write("shop_customers.jsonl", lines({"customer_id": 1} | {f"k{number}": 1 for number in range(2000)}))
    assert "more than 1000 different keys" in str(world.land().reason)


def test_an_empty_file_is_a_table_without_rows(world: World) -> None:
    world.write("shop_customers.jsonl", "")
    report = world.land()
    assert report.reason is None and report.tables[0].received == 0


def test_the_same_rows_as_csv_and_as_json_have_the_same_hash(tmp_path: Path) -> None:
    hashes = []
    for file_name, content in {
        "shop_orders.csv": "order_id,ordered_at,total_amount,status\n1,2026-01-01 10:00,7,PAID\n",
        "shop_orders.jsonl": lines(
            {"order_id": 1, "ordered_at": "2026-01-01T10:00:00Z", "total_amount": 7.0, "status": "paid"}
        ),
    }.items():
        folder = tmp_path / file_name
        folder.mkdir()
        world = World(folder)
        world.write(file_name, content)
        world.land()
        hashes.append([row["row_hash"] for row in world.landed("shop_orders")])
    assert hashes[0] == hashes[1] and len(hashes[0]) == 1


def test_half_a_character_refuses_its_row_and_nothing_else(world: World) -> None:
    bad = '{"customer_id": "2", "first_name": "Bob \\ud83d", "email": "bob@example.com"}'
    world.write("shop_customers.jsonl", lines({"customer_id": "1", "first_name": "Ann \U0001f600"}, bad))
    report = world.land()
    assert (report.reason, report.tables[0].received, report.tables[0].accepted) == (None, 2, 1)
    (refused,) = world.refused("shop_customers")
    assert (refused["file"], refused["row"], refused["record"]) == ("shop_customers.jsonl", 2, bad)
    assert refused["reason"].startswith("holds half a character")
    assert customer_ids(world) == ["1"]


@pytest.mark.parametrize("key", ["\\udfff", "first_name\\ud800"])
def test_half_a_character_in_a_key_refuses_its_row_too(world: World, key: str) -> None:
    world.write("shop_customers.jsonl", lines({"customer_id": 1}, f'{{"customer_id": 2, "{key}": "x"}}'))
    assert (world.land().tables[0].quarantined, customer_ids(world)) == (1, ["1"])


@pytest.mark.parametrize("content", ["[1, 2]\n", "5\n", "null\n", "{}\n{}\n", '[{"customer_id": 1}]\n', "[]\n"])
def test_a_file_without_any_object_that_has_keys_fails_the_source(world: World, content: str) -> None:
    world.write("shop_customers.jsonl", content)
    report = world.land()
    assert report.reason == (
        "shop_customers.jsonl: none of its lines is a JSON object with keys; write one object a line"
    )


def test_a_file_whose_ending_is_in_capitals_is_unpacked_too(world: World) -> None:
    packed = gzip.compress(lines({"customer_id": 1}, "[2]").encode())
    world.write("shop_customers.JSONL.GZ", packed)
    report = world.land()
    assert (report.reason, customer_ids(world), len(world.refused("shop_customers"))) == (None, ["1"], 1)


@pytest.mark.parametrize(
    "evidence", [rb'"said stop \ud83d"', b'"\xe9crit"', rb'{"deep": ["\ud83d"]}'], ids=["half", "latin-1", "nested"]
)
def test_a_refused_consent_line_still_says_who_denies(world: World, evidence: bytes) -> None:
    line = b'{"contact_ref": "ann", "contact_ref_type": "customer_id", "channel": "email", "purpose": "marketing",'
    line += b' "status": "denied", "changed_at": "2026-01-01", "evidence": ' + evidence + b"}\n"
    world.write("consents.jsonl", line)
    table = world.land().tables[0]
    assert (table.quarantined, table.protective) == (1, 1)
    assert [row["contact_ref"] for row in world.landed("consents")] == ["ann"]
