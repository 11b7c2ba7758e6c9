"""Retry-After in all its forms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perennial.config.patience import is_overlong, retry_after
from perennial.destinations.base import safe_text

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("2", 2.0),
        (" 7 ", 7.0),
        ("0", None),
        ("-5", None),
        ("1.5", 1.5),
        ("soon", None),
        ("²", None),
        ("86400", 300.0),
        ("9" * 400, 300.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", None),
        ("Mon, 01 Mar 2027 12:00:00 GMT", 300.0),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_a_wait_is_a_number_or_a_date_at_most_five_minutes_and_nonsense_is_none(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(("header", "is_too_long"), [("86400", True), ("300", False), ("299", False), (None, False)])
def test_a_wait_that_was_cut_short_is_known(header: str | None, is_too_long: bool) -> None:
    assert is_overlong(header, NOW) is is_too_long


def test_a_channels_words_lose_addresses_numbers_and_lines() -> None:
    said = "Ann <ann@example.com>\r\nSet-Cookie: x\0 +44 (0)7700 900-123 is bad, code 42"
    assert safe_text(said) == "Ann <address> Set-Cookie: x <number> is bad, code 42"
    assert len(safe_text("x" * 5000)) == 200
