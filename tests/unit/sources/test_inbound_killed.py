"""A receiver that is killed at any point: what it acknowledged outlives it, and the night misses nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from perennial.sources.inbound import closed_segments, forget
from tests.unit.sources.inbound_place import (
    KEY,
    event,
    event_ids,
    kept,
    signed,
)

RUN = """
import sys
from pathlib import Path
from perennial.config.failpoints import Failpoints
from perennial.sources.inbound import Hook, receiver, serve

inbox, port, key, place, number, effect = sys.argv[1:]
failpoint = Failpoints(place, int(number), effect)
app = receiver(Path(inbox), {"chat/messages": Hook("respond_io", key)}, failpoint=failpoint)
serve(app, port=int(port))
"""


@contextmanager
def in_a_process(
    inbox: Path, place: str = "", number: int = 0, effect: str = "kill9"
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-c", RUN, str(inbox), str(port), KEY, place, str(number), effect]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}/chat/messages"
    finally:
        process.kill()
        process.wait()


def post_until_refused(url: str, numbers: Iterator[int], acknowledged: list[str]) -> None:
    with httpx.Client(trust_env=False, timeout=10) as client:
        for number in numbers:
            body = event(number)
            try:
                answer = client.post(url, content=body, headers=signed(body))
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                acknowledged.append(f"e{number}")


def wait_for_more(acknowledged: list[str], count: int) -> None:
    wanted, until = len(acknowledged) + count, time.monotonic() + 30
    while len(acknowledged) < wanted and time.monotonic() < until:
        time.sleep(0.005)


@pytest.mark.parametrize("where", ["inbound_ready", "inbound_half", "inbound_written", "inbound_synced"])
def test_what_was_acknowledged_outlives_a_kill_at_any_point(tmp_path: Path, where: str) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path, where, 4) as (process, url):
        post_until_refused(url, iter(range(10)), acknowledged)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert acknowledged == ["e0", "e1", "e2"]
    survived = event_ids(kept(tmp_path))
    assert survived == acknowledged + (["e3"] if where in ("inbound_written", "inbound_synced") else [])
    assert (tmp_path / "chat" / "torn").exists() == (where == "inbound_half")
    with in_a_process(tmp_path) as (_, url):  # the next one writes on, and the vendor sends again what was not taken
        post_until_refused(url, iter(range(3, 6)), acknowledged)
        survived = event_ids(kept(tmp_path))
    assert sorted(set(survived)) == sorted(acknowledged) == ["e0", "e1", "e2", "e3", "e4", "e5"]


def test_the_night_takes_all_that_was_acknowledged_while_deliveries_come_and_receivers_are_killed(
    tmp_path: Path,
) -> None:
    """Five receivers, one after the other, each killed in the middle of four senders, with closing all the while."""
    taken: list[str] = []
    acknowledged: list[str] = []
    for round_number in range(5):
        with in_a_process(tmp_path) as (process, url):
            first = round_number * 100_000
            streams = [iter(range(first + 20_000 * lane, first + 20_000 * (lane + 1))) for lane in range(4)]
            senders = [
                threading.Thread(target=post_until_refused, args=(url, stream, acknowledged)) for stream in streams
            ]
            for each in senders:
                each.start()
            for _ in range(4):
                wait_for_more(acknowledged, 10)
                before = set(acknowledged)
                segments = closed_segments(tmp_path, "chat")
                taken += event_ids([json.loads(line) for each in segments for line in each.read_bytes().splitlines()])
                forget(segments)
                assert before <= set(taken)
            os.kill(process.pid, signal.SIGKILL)
            for each in senders:
                each.join(timeout=30)
    taken += event_ids(kept(tmp_path))
    assert len(acknowledged) >= 200 and set(acknowledged) <= set(taken)
    assert len(taken) == len(set(taken))
    unacknowledged = len(taken) - len(acknowledged)
    assert unacknowledged <= 5 * 4  # at most what each sender had under way


def test_closing_waits_for_the_line_that_is_being_written(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path, "inbound_half", 2, "stop") as (process, url):
        sender = threading.Thread(target=post_until_refused, args=(url, iter(range(2)), acknowledged))
        sender.start()
        os.waitpid(process.pid, os.WUNTRACED)  # stands still in the middle of the second line
        taken: list[str] = []
        closing = threading.Thread(target=lambda: taken.extend(event_ids(kept(tmp_path))))
        closing.start()
        closing.join(timeout=0.5)
        assert closing.is_alive() and acknowledged == ["e0"]
        os.kill(process.pid, signal.SIGCONT)
        closing.join(timeout=30)
        sender.join(timeout=30)
    assert taken == acknowledged == ["e0", "e1"]


def test_two_receivers_of_one_source_do_not_mix_their_lines(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with in_a_process(tmp_path) as (_, one), in_a_process(tmp_path) as (_, other):
        senders = [
            threading.Thread(target=post_until_refused, args=(url, iter(range(first, first + 40)), acknowledged))
            for first, url in ((0, one), (100, other), (200, one), (300, other))
        ]
        for each in senders:
            each.start()
        for each in senders:
            each.join(timeout=60)
    assert len(acknowledged) == 160
    assert sorted(event_ids(kept(tmp_path))) == sorted(acknowledged)
    assert all(re.fullmatch(r"[\d-]+T\d\d-\d+\.jsonl", each.name) for each in closed_segments(tmp_path, "chat"))
