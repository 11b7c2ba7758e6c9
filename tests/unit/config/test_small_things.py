"""as_of, secrets and durations: small rules, each read wrong at great cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennial.config.addresses import database_place, is_web_address
from perennial.config.as_of import parse_as_of
from perennial.config.countries import country_code
from perennial.config.cron import cron_problem
from perennial.config.problems import ConfigError
from perennial.config.secrets import resolve
from perennial.config.values import parse_duration
from perennial.warehouse.duck import share_of_memory

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, NOW),
        ("", NOW),
        ("  ", NOW),
        ("2026-06-01", datetime(2026, 5, 31, 23, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-06-01T06:00:00", datetime(2026, 6, 1, 5, tzinfo=UTC)),
        ("2026-06-01 06:00", datetime(2026, 6, 1, 5, tzinfo=UTC)),
        ("2026-06-01T06:00:00Z", datetime(2026, 6, 1, 6, tzinfo=UTC)),
        ("2026-06-01T06:00:00+02:00", datetime(2026, 6, 1, 4, tzinfo=UTC)),
    ],
)
def test_as_of_is_business_time_unless_it_says_otherwise(text: str | None, moment: datetime) -> None:
    found = parse_as_of(text, "Europe/London", NOW)
    assert found == moment and found.tzinfo is UTC


@pytest.mark.parametrize("text", ["yesterday", "01/06/2026", "2026-13-01", "1767261600000000"])
def test_an_as_of_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="PERENNIAL_AS_OF"):
        parse_as_of(text, "Europe/London", NOW)


def test_a_secret_that_is_not_set_is_named_with_the_key_that_asks_for_it() -> None:
    assert resolve({"A": "x"}, "A", "sources.crm.url_env") == "x"
    for env in ({}, {"A": ""}, {"A": "  "}):
        with pytest.raises(ConfigError, match=r"sources\.crm\.url_env: the environment variable A is not set"):
            resolve(env, "A", "sources.crm.url_env")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("postgresql+psycopg://u:p@db.example.com:5432/shop?a=b", "X (postgresql at db.example.com:5432/shop)"),
        ("postgresql://u:p@q@127.0.0.1:5/db", "X (postgresql at 127.0.0.1:5/db)"),
        ("postgresql://u:p@[::1]:5432/db", "X (postgresql at [::1]:5432/db)"),
        ("sqlite:////srv/shop.db", "X (sqlite at /srv/shop.db)"),
        ("postgresql://h/db?password=p@q", "X (postgresql)"),  # what follows the last @ is a part of the password
        ("postgresql://u:12/34?5@h/db", "X (postgresql)"),
        ("postgresql://u:p", "X (postgresql)"),
        ("sqlite://", "X (sqlite)"),
        ("hush", "X"),
    ],
)  # fmt: skip
def test_a_database_is_named_by_what_is_plainly_its_host(address: str, place: str) -> None:
    assert database_place(address, "X") == place


def test_a_web_address_has_a_host_and_a_port_that_exists() -> None:
    for good in ("https://x", "http://127.0.0.1:9/a?b=c", "https://[::1]:443/", "https://u@x/@y"):
        assert is_web_address(good), good
    for wrong in (
        "",
        "x",
        "ftp://x",
        "https://",
        "https://x:99999",
        "https://x:0",
        "https://x:a",
        "https://[::1",
        "https://x\n",
    ):
        assert not is_web_address(wrong), wrong


def test_a_cron_line_that_is_taken_is_one_the_scheduler_takes() -> None:
    from dagster._utils.schedules import is_valid_cron_schedule

    good = (
        "0 3 * * *",
        "*/15 1-5 * jan-MAR mon,wed",
        "0 3 29 feb *",
        "0 3 31 2/1 *",
        "5/20 0 1,15 */3 7",
        "0 3 30 2,4 0",
    )
    wrong = (
        "99 99 * * *", "60 * * * *", "0 24 * * *", "0 3 0 * *", "0 3 32 * *", "0 3 * 13 *", "0 3 * * 8", "0 3 * * *,",
        "0 3 30 2 *", "0 3 31 4,6 *", "5-1 * * * *", "*/0 * * * *", "a b c d e", "0 3 * *", "0 3 * * * *", "@daily", "",
        "-1 * * * *", "1- * * * *", "٣ * * * *", "0 3 * mon *",
    )  # fmt: skip
    assert [(line, cron_problem(line)) for line in good] == [(line, None) for line in good]
    assert [line for line in good if not is_valid_cron_schedule(line)] == []
    assert [line for line in wrong if cron_problem(line) is None] == []


def test_durations_have_a_number_and_a_unit() -> None:
    assert [parse_duration(text) for text in ("90s", "30m", "36h", "2d", "1w", "1.5h")] == [
        timedelta(seconds=90), timedelta(minutes=30), timedelta(hours=36), timedelta(days=2), timedelta(weeks=1),
        timedelta(minutes=90),
    ]  # fmt: skip
    for wrong in ("36", "h", "0h", "-1h", "1 month", 36, None, "9999999d"):
        with pytest.raises(ValueError):
            parse_duration(wrong)


def test_countries_are_known_by_the_names_exports_write() -> None:
    assert [country_code(text) for text in ("gb", "GBR", "United Kingdom", "UK", "EIRE", "", "Atlantis")] == [
        "GB", "GB", "GB", "GB", "IE", None, None,
    ]  # fmt: skip


def test_memory_is_shared_between_sources_read_at_once() -> None:
    assert [share_of_memory(*each) for each in (("2GB", 2), ("512MB", 1), ("1.5GiB", 3), ("100MB", 4))] == [
        "1000MB", "512MB", "500MB", "64MB",
    ]  # fmt: skip
