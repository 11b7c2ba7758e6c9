"""as_of, secrets and durations: small rules, each read wrong at great cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from perennial.config.as_of import parse_as_of
from perennial.config.countries import country_code
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
