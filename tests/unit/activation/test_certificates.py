"""No certificate, no sending: each way a snapshot can be unfit is refused, nothing is planned or sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from perennial.config.home import Home
from perennial.ledger.store import open_ledger
from perennial.warehouse.certificate import CERTIFICATE_FILE, DATABASE_FILE, AudienceVerdict, read
from tests.support.activating import run, webhook_settings
from tests.support.sink import Sink
from tests.support.snapshot import people, publish


def change(home: Home, **values: object) -> None:
    path = home.snapshot("s1") / CERTIFICATE_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def tamper(home: Home) -> None:
    path = home.snapshot("s1") / DATABASE_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def without_key(home: Home) -> None:
    path = home.snapshot("s1") / CERTIFICATE_FILE
    content = json.loads(path.read_text())
    del content["checks"]
    path.write_text(json.dumps(content))


REFUSALS: dict[str, tuple[Callable[[Home], object], str]] = {
    "missing": (lambda home: (home.snapshot("s1") / CERTIFICATE_FILE).unlink(), "is missing"),
    "half": (lambda home: (home.snapshot("s1") / CERTIFICATE_FILE).write_text('{"snapshot_id": "s'), "cannot be read"),
    "incomplete": (without_key, "lacks or garbles 'checks'"),
    "a list": (lambda home: (home.snapshot("s1") / CERTIFICATE_FILE).write_text("[]"), "lacks or garbles"),
    "of another": (lambda home: change(home, snapshot_id="s0"), "speaks for snapshot s0"),
    "failed": (
        lambda home: change(home, checks={"passed": 9, "warned": [], "failed": ["not_null"]}),
        "failed not_null",
    ),
    "no hash": (lambda home: change(home, files={}), "hash is not in the certificate"),
    "tampered": (tamper, "was changed after it was certified"),
    "no database": (lambda home: (home.snapshot("s1") / DATABASE_FILE).unlink(), "cannot be read"),
    "audience failed": (
        lambda home: change(home, audiences={"win_back": {"passed": False, "failures": ["2 people twice"]}}),
        "did not pass its departing checks: 2 people twice",
    ),
    "audience word": (
        lambda home: change(home, audiences={"win_back": {"passed": "true", "failures": []}}),
        "did not pass its departing checks",
    ),
    "audience unchecked": (lambda home: change(home, audiences={}), "without checking audience win_back"),
    "nothing published": (lambda home: home.current_link.unlink(), "no snapshot is published"),
}


@pytest.mark.parametrize("unfit", REFUSALS)
def test_an_unfit_snapshot_is_refused_and_nothing_is_planned(home: Home, sink: Sink, unfit: str) -> None:
    publish(home, "s1", people(3))
    spoil, words = REFUSALS[unfit]
    spoil(home)
    outcome = run(home, webhook_settings(sink.url))
    assert outcome.verdict == "refused"
    assert words in outcome.reason
    assert sink.calls == 0
    with open_ledger(home) as ledger:
        assert ledger.plans() == []


@pytest.mark.parametrize("name", ["../s1", "s1/../s1", "", ".", "..", "current/.."])
def test_a_snapshot_id_cannot_lead_out_of_the_published_folder(home: Home, sink: Sink, name: str) -> None:
    publish(home, "s1", people(3))
    outcome = run(home, webhook_settings(sink.url), snapshot_id=name or "/")
    assert (outcome.verdict, sink.calls) == ("refused", 0)


def test_a_push_pins_the_snapshot_it_was_told(home: Home, sink: Sink) -> None:
    publish(home, "s1", people(3))
    publish(home, "s2", people(5))
    outcome = run(home, webhook_settings(sink.url), snapshot_id="s1")
    assert (outcome.snapshot_id, outcome.joins) == ("s1", 3)


def test_a_certificate_is_read_as_it_was_written(home: Home) -> None:
    written = publish(home, "s1", people(1), verdict=AudienceVerdict(False, ("too small",)), failed=("x",))
    assert read(home, "s1") == written
