"""Halves of escaped pairs in JSON texts: what is taken for one, and what is left as it came."""

from __future__ import annotations

import json
import random

import orjson
import pytest

from perennial.sources.api.pairs import whole

HIGH, LOW = rb"\ud83d", rb"\ude00"
MARK = rb"\ufffd"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (HIGH, MARK),
        (LOW, MARK),
        (HIGH + LOW, HIGH + LOW),
        (HIGH + HIGH + LOW, MARK + HIGH + LOW),
        (HIGH + LOW + LOW, HIGH + LOW + MARK),
        (LOW + HIGH, MARK + MARK),
        (HIGH + HIGH, MARK + MARK),
        (rb"\n" + HIGH + rb"\n", rb"\n" + MARK + rb"\n"),
        (rb"\\ud83d", rb"\\ud83d"),  # a backslash and letters
        (rb"\\" + HIGH, rb"\\" + MARK),
        (rb"\uD83D", MARK),
        ("é plain".encode(), "é plain".encode()),
    ],
)
def test_halves_are_marked_and_nothing_else(text: bytes, read: bytes) -> None:
    assert whole(b'{"x": "' + text + b'"}') == b'{"x": "' + read + b'"}'


def test_whatever_a_lax_library_writes_becomes_readable_and_what_was_readable_stays() -> None:
    chance = random.Random(7)
    signs = ["\ud83d", "\ude00", "\U0001f600", "\\", '"', "u", "d83d", "\n", "é", "\\ud83d"]
    for _ in range(2000):
        text = "".join(chance.choices(signs, k=chance.randint(0, 9)))
        body = json.dumps([text]).encode()
        # a lax library reads a high and a low half side by side as one sign
        wanted = json.loads(body)[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert orjson.loads(whole(body)) == [wanted]
