"""Files a vendor keeps elsewhere: gone on with where a connection broke, byte for byte."""

from __future__ import annotations

import gzip
import random
import socket
from collections.abc import Sequence

import pytest

from perennial.sources.api import http
from perennial.sources.api.http import FileGone
from perennial.sources.base import SourceFailed, SourceUnavailable
from tests.unit.sources.api.wire import Asked, Play, client, cuts, head, says, texts, wire

WHOLE = random.Random(7).randbytes(3_500_000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FRUITLESS_PAUSE", 0.01)


def keeps_ranges(breaks: Sequence[int], whole: bytes = WHOLE) -> Play:
    """A storage server that answers ranges and breaks off after so many bytes, once for each number."""
    left = list(breaks)

    def play(asked: Asked, connection: socket.socket) -> None:
        start = int(asked.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start >= len(whole):
            connection.sendall(head(416, {"content-range": f"bytes */{len(whole)}"}, 0))
            return
        rest = whole[start:]
        ranged = "range" in asked.headers
        headers = {"content-range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"} if ranged else {}
        sent = rest[: left.pop(0)] if left else rest
        connection.sendall(head(206 if ranged else 200, headers, len(rest)) + sent)

    return play


@pytest.mark.parametrize("breaks", [(), (10,), (1_000_000, 1), (2_500_000, 700_000), (3_499_999,), (0, 0)])
def test_a_broken_download_is_resumed_where_it_broke(breaks: tuple[int, ...]) -> None:
    with wire(keeps_ranges(breaks)) as told, client("http://api.test") as api:
        found = b"".join(api.download(f"{told.address}/file", "the file"))
        assert found == WHOLE
        starts = [asked.headers.get("range") for asked in told.asked]
        reached = [sum(breaks[: place + 1]) for place in range(len(breaks))]
        assert starts == [None, *(f"bytes={each}-" if each else None for each in reached)]
        assert api.traffic.calls == 1 + len(breaks)


def test_a_download_begins_at_the_byte_asked_for() -> None:
    with wire(keeps_ranges(())) as told, client("http://api.test") as api:
        assert b"".join(api.download(f"{told.address}/file", "the file", 3_000_000)) == WHOLE[3_000_000:]
        assert told.asked[0].headers["range"] == "bytes=3000000-"


def test_a_server_that_knows_no_ranges_is_read_past_what_is_there() -> None:
    with wire(cuts(WHOLE, 1_200_000), says(WHOLE)) as told, client("http://api.test") as api:
        assert b"".join(api.download(f"{told.address}/file", "the file")) == WHOLE


def test_a_file_that_was_read_to_its_end_before_has_nothing_more() -> None:
    with wire(keeps_ranges(())) as told, client("http://api.test") as api:
        assert list(api.download(f"{told.address}/file", "the file", len(WHOLE))) == []


def test_a_range_that_begins_elsewhere_is_not_taken_for_the_file() -> None:
    wrong = says(WHOLE[5:], 206, {"content-range": f"bytes 5-{len(WHOLE) - 1}/{len(WHOLE)}"})
    with wire(wrong) as told, client("http://api.test") as api, pytest.raises(SourceFailed, match="another stretch"):
        list(api.download(f"{told.address}/file", "the file", 10))


def test_a_download_asks_for_no_compression_because_ranges_count_what_is_sent() -> None:
    with wire(says(b"whole")) as told, client("http://api.test") as api:
        list(api.download(f"{told.address}/file", "the file"))
        assert told.asked[0].headers["accept-encoding"] == "identity"


def test_a_file_that_comes_compressed_all_the_same_is_read() -> None:
    packed = gzip.compress(WHOLE, 1)
    with wire(says(packed, headers={"content-encoding": "gzip"})) as told, client("http://api.test") as api:
        assert b"".join(api.download(f"{told.address}/file", "the file", 7)) == WHOLE[7:]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_storage_that_is_busy_once_is_asked_again(status: int) -> None:
    with wire(says(b"", status), keeps_ranges(())) as told, client("http://api.test") as api:
        assert b"".join(api.download(f"{told.address}/file", "the file")) == WHOLE


@pytest.mark.parametrize("play", [says(b"", 503), cuts(b"whole", 0)])
def test_storage_that_never_gives_a_byte_is_unavailable(play: Play) -> None:
    with wire(play) as told, client("http://api.test") as api:
        with pytest.raises(SourceUnavailable, match="the file: breaks off") as failed:
            list(api.download(f"{told.address}/file?signature=secret", "the file"))
        assert 1 < len(told.asked) <= 10
        assert not any("secret" in text for text in texts(failed.value))


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_file_whose_address_has_expired_is_gone(status: int) -> None:
    with wire(says(b"canary-1@leak.test", status)) as told, client("http://api.test") as api:
        with pytest.raises(FileGone, match=f"the file: .*{status}") as failed:
            list(api.download(f"{told.address}/file?signature=secret", "the file"))
        assert len(told.asked) == 1
        assert not any("secret" in text or "leak.test" in text for text in texts(failed.value))


@pytest.mark.parametrize("address", ["not an address", "http://[::1", "ftp://x.test/file", ""])
def test_an_address_that_is_none_is_the_sources_failure(address: str) -> None:
    with client("http://api.test") as api, pytest.raises(SourceFailed):
        list(api.download(address, "the file"))
