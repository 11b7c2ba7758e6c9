"""Segments of the inbox: begun, closed, forgotten, and mended where the disk or a dying receiver left them torn."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from perennial.config.failpoints import Failpoints
from perennial.sources import inbox as files
from perennial.sources.inbound import closed_segments, forget
from tests.unit.sources.inbound_place import (
    Place,
    event,
    event_ids,
    kept,
    receiving,
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with receiving(tmp_path / "inbox") as found:
        yield found


def test_an_hour_has_a_segment_of_its_own(place: Place) -> None:
    for number in range(3):
        assert place.post(event(number)) == 200
        place.clock.at += timedelta(seconds=30)
    names = [each.name for each in closed_segments(place.inbox, "chat")]
    assert names == ["2026-03-01T09-1.jsonl", "2026-03-01T10-2.jsonl"]
    assert event_ids(kept(place.inbox)) == ["e0", "e1", "e2"]


def test_a_full_segment_is_followed_by_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_SEGMENT", 200)
    for number in range(5):
        place.post(event(number))
    assert len(closed_segments(place.inbox, "chat")) > 1
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(5)]


def test_what_comes_after_closing_is_in_another_segment_and_no_name_comes_twice(place: Place) -> None:
    names = []
    for number in range(12):
        assert place.post(event(number)) == 200
        (segment,) = closed_segments(place.inbox, "chat")
        assert event_ids([json.loads(segment.read_bytes())]) == [f"e{number}"]
        names.append(segment.name)
        forget([segment])
    assert closed_segments(place.inbox, "chat") == []
    assert names == [f"2026-03-01T09-{number}.jsonl" for number in range(1, 13)]


def test_no_segment_is_lost_where_the_last_number_is(place: Place) -> None:
    for number in range(3):
        assert place.post(event(number)) == 200
        closed_segments(place.inbox, "chat")
        (place.inbox / "chat" / ".lock").write_bytes((b"", b"\0" * 20, b"1")[number])
    assert place.post(event(3)) == 200
    assert event_ids(kept(place.inbox)) == ["e0", "e1", "e2", "e3"]


def test_segments_stay_until_they_are_forgotten_and_come_in_their_order(place: Place) -> None:
    for number in range(11):
        place.post(event(number))
        closed_segments(place.inbox, "chat")
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(11)]
    first = closed_segments(place.inbox, "chat")[:4]
    forget(first)
    forget(first)  # a night that was cut off forgets again
    assert event_ids(kept(place.inbox)) == [f"e{number}" for number in range(4, 11)]


def test_a_segment_that_is_being_written_cannot_be_forgotten(place: Place) -> None:
    place.post(event(1))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    with pytest.raises(ValueError, match="is not closed"):
        forget([written])
    assert event_ids(kept(place.inbox)) == ["e1"]


def test_sources_do_not_meet(place: Place) -> None:
    place.post(event(1))
    place.post(event(2), "/shop/orders", "shopify")
    assert event_ids(kept(place.inbox)) == ["e1"] and event_ids(kept(place.inbox, "shop")) == ["e2"]


def test_a_source_that_received_nothing_has_no_segments(tmp_path: Path) -> None:
    assert closed_segments(tmp_path, "chat") == []
    assert not (tmp_path / "chat").exists()


def test_only_the_owner_can_read_what_is_kept(place: Place) -> None:
    place.post(event(1))
    closed_segments(place.inbox, "chat")
    place.post(event(2))
    modes = {stat.S_IMODE(each.stat().st_mode) for each in place.inbox.rglob("*") if each.is_file()}
    folders = {stat.S_IMODE(each.stat().st_mode) for each in [place.inbox, *place.inbox.rglob("*")] if each.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


# what goes wrong


@pytest.mark.parametrize(
    "tail",
    [
        b'{"received_at": "2026-03-01T09:59:30Z", "hook": "messages", "bo',
        b'{"received_at": "2026-03-01T09:59:30Z", "hook": "messages", "body": {}}',
        b"\0" * 40 + b'"event_id": "e9"}}\n',
        b'{"received_at": "2026-03-01T09:59:30Z", ' + b"\0" * 40 + b"}}\n",
    ],
)
def test_a_torn_last_line_is_set_aside_and_said(place: Place, caplog: pytest.LogCaptureFixture, tail: bytes) -> None:
    for number in range(2):
        place.post(event(number))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    with written.open("ab") as handle:
        handle.write(tail)
    with caplog.at_level(logging.WARNING):
        assert event_ids(kept(place.inbox)) == ["e0", "e1"]
    assert (place.inbox / "chat" / "torn" / written.name).read_bytes() == tail
    assert f"{written.name}: {len(tail)} bytes of a delivery" in caplog.text and "received_at" not in caplog.text
    assert event_ids(kept(place.inbox)) == ["e0", "e1"]


def test_a_segment_with_nothing_whole_in_it_goes_away(place: Place) -> None:
    place.post(event(1))
    (written,) = (place.inbox / "chat").glob("*.jsonl")
    written.write_bytes(b'{"received_at"')
    assert closed_segments(place.inbox, "chat") == []
    assert (place.inbox / "chat" / "torn" / written.name).read_bytes() == b'{"received_at"'


@pytest.mark.parametrize("where", ["inbound_ready", "inbound_half", "inbound_written"])
def test_a_full_disk_is_answered_503_and_leaves_no_half_line(
    tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(tmp_path, failpoint=Failpoints(where, 2, "enospc")) as place:
        assert [place.post(event(number)) for number in range(4)] == [200, 503, 200, 200]
        assert event_ids(kept(tmp_path)) == ["e0", "e2", "e3"]
    assert not (tmp_path / "chat" / "torn").exists()
    assert "No space left" in caplog.text and "e1" not in caplog.text
