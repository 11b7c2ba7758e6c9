"""One activation at a time per home, and failpoints that only strike where they were asked to."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.warehouse.lock import Busy
from tests.support.activating import ENV, run, webhook_settings
from tests.support.sink import Sink
from tests.support.snapshot import people, publish

_HOLDER = """
import fcntl, sys
held = open(sys.argv[1], "w")
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""


def test_an_activation_by_hand_while_a_night_runs_sends_nothing(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home.lock_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy):
            run(home, webhook_settings(sink.url))
        assert sink.calls == 0
    finally:
        holder.communicate(b"\n")
    assert run(home, webhook_settings(sink.url)).verdict == "sent"


def test_the_lock_is_free_again_after_an_activation_that_broke(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))
    with pytest.raises(OSError, match="No space left"):
        run(home, webhook_settings(sink.url), env=ENV | {"PERENNIAL_FAILPOINT": "ledger:1:enospc"})
    descriptor = os.open(home.lock_file, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_failpoint_strikes_at_its_place_and_its_hit_alone() -> None:
    failpoint = Failpoints.from_env({"PERENNIAL_FAILPOINT": "ack:2:enospc"})
    failpoint("send")
    failpoint("ack")
    with pytest.raises(OSError) as caught:
        failpoint("ack")
    assert caught.value.errno == errno.ENOSPC
    failpoint("ack")
    Failpoints.from_env({})("ack")


@pytest.mark.parametrize("text", ["ack", "ack:1", "ack:x:kill9", ":1:kill9", "ack:1:explode"])
def test_a_failpoint_that_cannot_be_read_is_an_error_and_not_ignored(text: str) -> None:
    with pytest.raises(ConfigError, match="place:hit:effect"):
        Failpoints.from_env({"PERENNIAL_FAILPOINT": text})
