"""CSV files as people really export them: both readers agree on clean ones, and on the others nothing is lost."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import random
from pathlib import Path
from typing import Any

import pytest

from perennial.landing.manifest import LoadReport
from perennial.sources import csv_reader, files
from tests.unit.landing.world import World

HEADER = "customer_id,first_name,last_name"


def names(world: World) -> dict[str, str | None]:
    return {row["customer_id"]: row["first_name"] for row in world.landed("shop_customers")}


def landed_and_refused(
    world: World, content: str | bytes, **source: Any
) -> tuple[dict[str, str | None], dict[int, str]]:
    """customer_id → first_name of what was landed, and row → reason of what was refused; counted in full."""
    world.write("shop_customers.csv", content)
    report = world.land(**source)
    assert report.reason is None, report.reason
    table = report.tables[0]
    refused = {line["row"]: line["reason"] for line in world.refused("shop_customers")}
    assert table.received == table.accepted + table.quarantined
    assert table.quarantined == len(refused)
    return names(world), refused


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n1,Ann,A\n2,Bob,B\n",
        f"{HEADER}\r\n1,Ann,A\r\n2,Bob,B\r\n",
        f"{HEADER}\n1,Ann,A\n2,Bob,B",
        f"{HEADER}\n1,Ann,A\r\n2,Bob,B\n",
        f"{HEADER}\n\n1,Ann,A\n\n2,Bob,B\n\n",
        codecs.BOM_UTF8 + f"{HEADER}\n1,Ann,A\n2,Bob,B\n".encode(),
        f"{HEADER}\n1,Ann,A\n2,Bob,B\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + f"{HEADER}\r\n1,Ann,A\r\n2,Bob,B\r\n".encode("utf-16-be"),
        f"{HEADER}\n1,Ann,A\n2,Bob,B\n".replace(",", ";"),
        f"{HEADER}\n1,Ann,A\n2,Bob,B\n".replace(",", "\t"),
        f"{HEADER}\n1,Ann,A\n2,Bob,B\n".replace(",", "|"),
        '"customer_id","first_name","last_name"\n"1","Ann","A"\n"2","Bob","B"\n',
        f"{HEADER}\n1,Ann,A,\n2,Bob,B,\n",
    ],
    ids=[
        "lf",
        "crlf",
        "no last newline",
        "mixed newlines",
        "blank lines",
        "bom",
        "utf-16",
        "utf-16-be",
        "semicolon",
        "tab",
        "pipe",
        "quoted",
        "trailing comma",
    ],
)
def test_every_common_dress_of_a_clean_file_is_read(world: World, content: str | bytes) -> None:
    assert landed_and_refused(world, content) == ({"1": "Ann", "2": "Bob"}, {})


def test_a_gzipped_file_is_read(world: World) -> None:
    world.write("shop_customers.csv.gz", gzip.compress(f"{HEADER}\n1,Ann,A\n".encode()))
    world.land()
    assert names(world) == {"1": "Ann"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,Bob", "has 2 values where the header has 3"),
        ("2,Bob,B,more", "has 4 values where the header has 3"),
        ('2,"Bob,B', "does not close its quote"),
        ('2,"Bob"by,B', "has text after a closing quote"),
        ("2,Bo\rb,B", "holds a carriage return outside quotes"),
    ],
)
def test_a_line_that_is_no_record_is_refused_alone(world: World, line: str, reason: str) -> None:
    landed, refused = landed_and_refused(world, f'{HEADER}\n1,Ann,A\n{line}\n3,Cid,C\n4,"D, d",D\n')
    assert landed == {"1": "Ann", "3": "Cid", "4": "D, d"}
    assert list(refused) == [2] and refused[2].startswith(reason)
    assert world.refused("shop_customers")[0]["record"] == line


def test_a_cut_off_last_line_is_refused(world: World) -> None:
    landed, refused = landed_and_refused(world, f"{HEADER}\n1,Ann,A\n2,Bo")
    assert landed == {"1": "Ann"} and list(refused) == [2]


def test_an_unclosed_quote_does_not_swallow_the_rest_of_the_file(world: World) -> None:
    rows = "".join(f'{number},"Name, {number}",X\n' for number in range(2, 2000))
    landed, refused = landed_and_refused(world, f'{HEADER}\n1,"Ann,A\n{rows}')
    assert len(landed) == 1998 and list(refused) == [1]


def test_many_unclosed_quotes_are_refused_one_by_one(world: World) -> None:
    rows = "".join(f'{number},"Ann,A\n' if number % 2 else f"{number},Bob,B\n" for number in range(1, 1001))
    landed, refused = landed_and_refused(world, f"{HEADER}\n{rows}")
    assert (len(landed), len(refused)) == (500, 500)


def test_values_with_line_breaks_and_quotes_survive_beside_a_bad_line(world: World) -> None:
    landed, refused = landed_and_refused(world, f'{HEADER}\n1,"An\nn ""A""",A\nragged\n2,"x\r\ny",B\n')
    assert landed == {"1": 'An\nn "A"', "2": "x\r\ny"}
    assert list(refused) == [2]


def test_a_line_that_is_not_utf_8_is_refused_alone(world: World) -> None:
    landed, refused = landed_and_refused(world, HEADER.encode() + b"\n1,Ann,A\n2,Jos\xe9,B\n3,Cid,C\n")
    assert landed == {"1": "Ann", "3": "Cid"}
    assert refused[2].startswith("is not UTF-8 (byte 6 of the line)")
    assert world.refused("shop_customers")[0]["record"] == "2,Jos\\xe9,B"


def test_a_nul_is_refused_beside_a_bad_line_too(world: World) -> None:
    landed, refused = landed_and_refused(world, f"{HEADER}\n1,A\0n,A\nragged\n3,Cid,C\n")
    assert landed == {"3": "Cid"} and list(refused) == [1, 2]


def test_a_cell_of_ten_megabytes_is_refused_and_the_rest_is_read(world: World) -> None:
    landed, refused = landed_and_refused(world, f"{HEADER}\n1,Ann,A\n2,{'x' * 10_000_000},B\n3,Cid,C\n")
    assert landed == {"1": "Ann", "3": "Cid"}
    assert refused[2].startswith("is longer than")
    assert len(world.refused("shop_customers")[0]["record"]) < 10_000


def test_ragged_utf_16_is_refused_line_by_line(world: World) -> None:
    content = codecs.BOM_UTF16_LE + f"{HEADER}\n1,Ann,A\nragged\n3,Ćid,C\n".encode("utf-16-le")
    landed, refused = landed_and_refused(world, content)
    assert landed == {"1": "Ann", "3": "Ćid"} and list(refused) == [2]


def test_blanks_before_a_quote_are_no_part_of_the_value(world: World) -> None:
    landed, refused = landed_and_refused(world, f'{HEADER}\n1, "Ann, A", A\nragged\n')
    assert landed == {"1": "Ann, A"} and list(refused) == [2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty, it has not even a header"),
        (b"first_name\nAnn\n", "required column customer_id of shop_customers is missing"),
        (b"customer_id,email,Email\n1,a,b\n", "columns 2 and 3 have one name"),
        (b'customer_id,"first\n1,a\n', "its first line is no header"),
        (b"ann@example.com,Ann\nbob@example.com,Bob\n", "is its first line a header?"),
        (b"Ann,Ann,2\n", "columns 1 and 2 have one name"),
        (b"customer\xe9_id\n1\n", "its first line is no header"),
    ],
)
def test_a_file_whose_columns_cannot_be_told_fails_the_source_and_lands_nothing(
    world: World, content: bytes, words: str
) -> None:
    world.write("shop_customers.csv", content)
    world.write("shop_orders.csv", "order_id,ordered_at\n1,2026-01-01\n")
    report = world.land()
    assert report.is_failed and words in str(report.reason) and "shop_customers.csv" in str(report.reason)
    assert "ann" not in str(report.reason).lower()
    assert world.landed("shop_orders") == []
    assert list(world.home.incoming.iterdir()) == []


def test_a_header_alone_is_a_table_without_rows(world: World) -> None:
    world.write("shop_customers.csv", f"{HEADER}\n")
    assert (world.land().tables[0].received, world.landed("shop_customers")) == (0, [])


def test_a_cut_off_gzip_file_fails_the_source(world: World) -> None:
    whole = gzip.compress(
        f"{HEADER}\n{''.join(f'{number},{random.random()},A' + chr(10) for number in range(20000))}".encode()
    )
    world.write("shop_customers.csv.gz", whole[: len(whole) // 2])
    report = world.land()
    assert "cannot be read to its end" in str(report.reason)


def carefully(world: World, monkeypatch: pytest.MonkeyPatch) -> LoadReport:
    """Land with the fast reader out of the way."""

    def refuse(*_: object) -> str:
        import duckdb

        raise duckdb.InvalidInputException("not today")

    with monkeypatch.context() as patched:
        patched.setattr(files, "_csv_relation", refuse)
        patched.setattr(files, "_json_relation", refuse)
        return world.land()


VALUES = [
    "",
    "x",
    " lead",
    "trail ",
    'quo"te',
    "com,ma",
    "new\nline",
    "semi;colon",
    "1.50",
    "é",
    "日本",
    "'",
    "\t",
    "NULL",
    "a\u2028b",
    "a\x85b\x0bc",
    '""',
]


@pytest.mark.parametrize("seed", range(4))
def test_the_fast_and_the_careful_reader_land_equal_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    draw = random.Random(seed)
    buffer = io.StringIO()
    quoting = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL][seed % 2]
    writer = csv.writer(buffer, delimiter=",;"[seed // 2], quoting=quoting, lineterminator=["\n", "\r\n"][seed % 2])
    writer.writerow(HEADER.split(","))
    for number in range(300):
        writer.writerow([f"c{number}", draw.choice(VALUES), draw.choice(VALUES)])
    landed = []
    for reader in ("fast", "careful"):
        (tmp_path / reader).mkdir()
        world = World(tmp_path / reader)
        world.write("shop_customers.csv", buffer.getvalue())
        report = world.land() if reader == "fast" else carefully(world, monkeypatch)
        assert report.tables[0].accepted == 300
        landed.append([(row["customer_id"], row["row_hash"]) for row in world.landed("shop_customers")])
    assert landed[0] == landed[1]


def test_parts_with_other_columns_are_read_side_by_side(world: World) -> None:
    world.write("shop_customers/1.csv", "customer_id,first_name\n1,Ann\n")
    world.write("shop_customers/2.csv", "first_name,customer_id,last_name\nBob,2,B\n")
    world.write("shop_customers/3.csv", "customer_id,first_name\n3,Cid\n4\n")
    world.write("shop_customers/4.jsonl", '{"customer_id": 5, "first_name": "Eve"}\n')
    report = world.land()
    assert (report.tables[0].received, report.tables[0].quarantined) == (5, 1)
    assert names(world) == {"1": "Ann", "2": "Bob", "3": "Cid", "5": "Eve"}
    assert [(line["file"], line["row"]) for line in world.refused("shop_customers")] == [("shop_customers/3.csv", 2)]


def test_one_bad_part_does_not_slow_its_neighbours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    careful = csv_reader.read_records
    monkeypatch.setattr(
        csv_reader, "read_records", lambda path, header: read.append(path.name) or careful(path, header)
    )
    for number in range(5):
        world.write(f"shop_customers/{number}.csv", f"{HEADER}\n{number},Ann,A\n" + ("ragged\n" if number == 3 else ""))
    assert world.land().tables[0].accepted == 5
    assert read == ["3.csv"]


def test_a_file_whose_ending_is_in_capitals_is_unpacked_too(world: World) -> None:
    world.write("shop_customers.CSV.GZ", gzip.compress(f"{HEADER}\n1,Ann,A\nragged\n".encode()))
    report = world.land()
    assert (report.reason, names(world), len(world.refused("shop_customers"))) == (None, {"1": "Ann"}, 1)


WHO, REST = "ann,customer_id,email,marketing", "denied,2026-01-01,UK"
CONSENT = b"contact_ref,contact_ref_type,channel,purpose,status,changed_at,jurisdiction,evidence\n"
CONSENT_MIDDLE = b"contact_ref,contact_ref_type,evidence,channel,purpose,status,changed_at\n"


@pytest.mark.parametrize(
    "content",
    [
        CONSENT + f"{WHO},{REST},".encode() + b"said \xe9\n",
        CONSENT + f'{WHO},{REST},"said stop\n'.encode(),
        CONSENT + f'{WHO},{REST},"said "stop" twice\n'.encode(),
        codecs.BOM_UTF16_LE + (CONSENT.decode() + f"{WHO},{REST},said\0stop\n").encode("utf-16-le"),
        CONSENT + f"{WHO},{REST},said\rstop\n".encode(),
        CONSENT + f"{WHO},{REST},".encode() + b"x" * 2_000_000 + b"\n",
        CONSENT + f'"ann","customer_id", "email",marketing,{REST},"said, stop\n'.encode(),
        CONSENT_MIDDLE + b"ann,customer_id,said \xe9,email,marketing,denied,2026-01-01\n",
        CONSENT_MIDDLE + b'ann,customer_id,"said stop,email,marketing,denied,2026-01-01\n',
        codecs.BOM_UTF16_LE + (CONSENT.decode() + f'{WHO},{REST},"stop\n').encode("utf-16-le"),
    ],
    ids=[
        "latin-1",
        "open quote",
        "quote inside",
        "utf-16 with a nul",
        "carriage return",
        "too long",
        "open quote after quoted",
        "latin-1 in the middle",
        "open quote in the middle",
        "utf-16",
    ],
)
def test_a_refused_consent_still_says_who_denies_where_its_other_values_can_be_told(
    world: World, content: bytes
) -> None:
    world.write("consents.csv", content)
    report = world.land()
    table = report.tables[0]
    assert (table.received, table.quarantined, table.protective) == (1, 1, 1)
    (row,) = world.landed("consents")
    said = (row["contact_ref"], row["contact_ref_type"], row["channel"], row["purpose"], row["status"])
    assert said == ("ann", "customer_id", "email", "marketing", "denied")
    assert report.warnings == ()


@pytest.mark.parametrize(
    "row",
    [
        b'"ann,customer_id,email,marketing,denied,2026-01-01,UK,stop\n',
        b"ann\xe9,customer_id,email,marketing,denied,2026-01-01,UK,stop\n",
        b'ann,customer_id,"email,sms",mark"eting",denied,2026-01-01,UK,"stop\n',
    ],
    ids=["open quote", "latin-1", "no channel"],
)
def test_refused_consents_that_protect_nobody_are_counted_in_a_warning(world: World, row: bytes) -> None:
    good = f"bob,customer_id,email,marketing,{REST},stop\n".encode()
    world.write("consents/1.csv", CONSENT + row + good)
    world.write("consents/2.csv", CONSENT + good + row)
    report = world.land()
    assert (report.tables[0].quarantined, report.tables[0].protective) == (2, 0)
    assert report.warnings == (
        "consents: 2 of 2 refused rows say not whom or not which channel, so they deny nobody;"
        " look into quarantine and mend them first",
    )
