"""Opening the ledger: private files, durable settings, a secret that is never silently replaced."""

from __future__ import annotations

import sqlite3
import stat
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text

from perennial.activation.run import activate
from perennial.config.home import Home
from perennial.config.settings import LedgerSettings
from perennial.ledger.database import open_database
from perennial.ledger.records import Channel, LedgerError, NewPlan, PlannedRow
from perennial.ledger.store import open_ledger
from perennial.report.sent import last_sent
from tests.support.activating import DEFINITION, ENV, Clock, webhook_settings
from tests.support.sink import run_sink
from tests.support.snapshot import people, publish


def write_something(home: Home, url: str | None = None) -> str:
    """A plan with one row; the row's key."""
    channel = Channel("win_back", "mailer")
    row = PlannedRow("join", "a", "a@x", "{}", "a")
    with open_ledger(home, url) as ledger:
        ledger.commit_plan(NewPlan(channel, "s1", "ab" * 32, "approved", "x", 0, 0, 1, 0, 0, 0, (row,)))
        return ledger.owed(channel)[0].key


def test_every_file_of_the_ledger_is_its_owners_alone(home: Home) -> None:
    with open_ledger(home) as ledger:
        ledger.plans()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.ledger.iterdir()}
    assert set(modes) == {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "key"}
    assert set(modes.values()) == {0o600}


def test_a_commit_is_on_disk_before_it_is_answered(home: Home) -> None:
    database, _ = open_database(home, None)
    with database.read() as connection:
        settings = [connection.execute(text(f"pragma {name}")).scalar() for name in ("journal_mode", "synchronous")]
    database.close()
    assert settings == ["wal", 2]


def test_a_lost_key_is_not_replaced_while_the_ledger_remembers_rows(home: Home) -> None:
    write_something(home)
    (home.ledger / "key").unlink()
    with pytest.raises(LedgerError, match="restore it with the ledger"), open_ledger(home):
        pass
    assert not (home.ledger / "key").exists()


def test_a_lost_key_of_an_empty_ledger_is_made_anew(home: Home) -> None:
    with open_ledger(home):
        pass
    (home.ledger / "key").unlink()
    write_something(home)


def test_a_key_of_another_ledger_is_refused(home: Home, tmp_path: Path) -> None:
    write_something(home)
    other = Home(tmp_path / "other").prepare()
    write_something(other)
    (home.ledger / "key").write_bytes((other.ledger / "key").read_bytes())
    with pytest.raises(LedgerError, match="not the key of this ledger"), open_ledger(home):
        pass


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_lost_ledger_is_not_made_anew_while_its_key_is_there(home: Home, left: str) -> None:
    write_something(home)
    for path in home.ledger.glob("ledger.sqlite*"):
        path.unlink()
    if left != "nothing":
        home.ledger_file.touch()
    before = sorted(home.ledger.iterdir())
    for _ in range(2):  # nor at the second try
        with (
            pytest.raises(LedgerError, match=r"restore the ledger from the back-up.* removed by hand"),
            open_ledger(home),
        ):
            pass
    if left == "nothing":
        assert sorted(home.ledger.iterdir()) == before
        with pytest.raises(LedgerError, match="restore the ledger"):
            last_sent(home, None)
    home.ledger_key.unlink()  # knowingly
    write_something(home)


def test_a_first_start_that_was_killed_between_any_two_steps_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def die(*_: object) -> None:
        raise Killed

    for step in ("_set_up_sqlite", "_prepare", "_secret_in_file", "write_atomically", "_read_secret"):
        with monkeypatch.context() as patched:
            patched.setattr(f"perennial.ledger.database.{step}", die)
            with pytest.raises(Killed), open_ledger(home):
                pass
    assert home.ledger_key.exists()  # the last of them struck after it was written, before the ledger knew of it
    write_something(home)


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31, "ab" * 33])
def test_a_damaged_key_is_refused_and_not_repeated(home: Home, content: str) -> None:
    write_something(home)
    (home.ledger / "key").write_text(content)
    with pytest.raises(LedgerError, match="restore it") as caught, open_ledger(home):
        pass
    assert not content or content not in str(caught.value)


def test_a_ledger_of_another_version_is_refused_with_the_way_out(home: Home) -> None:
    write_something(home)
    with sqlite3.connect(home.ledger_file) as connection:
        connection.execute("update meta set value = '99' where name = 'schema_version'")
    connection.close()
    with pytest.raises(LedgerError, match="perennial upgrade"), open_ledger(home):
        pass


def test_a_damaged_ledger_is_an_error_and_never_a_new_one(home: Home) -> None:
    write_something(home)
    for side in home.ledger.glob("ledger.sqlite-*"):
        side.unlink()
    content = home.ledger_file.read_bytes()
    home.ledger_file.write_bytes(b"\xff" * 200 + content[200:])
    with pytest.raises(LedgerError, match="cannot be used"), open_ledger(home):
        pass


def test_a_database_error_holds_no_values(home: Home) -> None:
    with open_ledger(home) as ledger:
        row = PlannedRow("join", "a", "secret.person@example.com", "{}", "a")
        twice = NewPlan(Channel("w", "m"), "s1", "ab" * 32, "approved", "x", 0, 0, 1, 0, 0, 0, (row,))
        with ledger.database.write() as connection:
            connection.execute(text("drop table deliveries"))
        with pytest.raises(LedgerError) as caught:
            ledger.commit_plan(twice)
    assert "secret.person" not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://user:hunter2@db/x", "mysql is not known here"),
        ("no url at all", "no database URL"),
        ("postgresql://user:hunter2@127.0.0.1:1/x", "cannot be used"),
        (
            "postgresql://user:p@hunter2@127.0.0.1:1/x",
            r"ledger.url_env \(postgresql at 127.0.0.1:1/x\): cannot be used",
        ),
        ("postgresql://user:p@x:hunter2@127.0.0.1:1/x", "no database URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_an_error_without_its_password(home: Home, url: str, says: str) -> None:
    with pytest.raises(LedgerError, match=says) as caught, open_ledger(home, url):
        pass
    assert "hunter2" not in repr(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_with_postgres_the_secret_is_kept_with_the_ledger(home: Home, postgres_url: str, tmp_path: Path) -> None:
    key = write_something(home, postgres_url)
    elsewhere = Home(tmp_path / "elsewhere").prepare()
    with open_ledger(elsewhere, postgres_url) as ledger:
        assert [row.key for row in ledger.owed(Channel("win_back", "mailer"))] == [key]
    assert not (home.ledger / "key").exists()
    assert not home.ledger_file.exists()


def test_a_night_with_its_ledger_in_postgres_sends_once(home: Home, postgres_url: str) -> None:
    with run_sink() as sink:
        base = webhook_settings(sink.url)
        settings = base.model_copy(update={"ledger": LedgerSettings(url_env="LEDGER_URL")})
        env = ENV | {"LEDGER_URL": postgres_url}
        verdicts = []
        for number, count in enumerate((25, 25, 20)):
            publish(home, f"s{number}", people(count))
            verdicts.append(activate(home, settings, env, DEFINITION, "mailer", None, Clock()).verdict)
    assert verdicts == ["sent", "noop", "sent"]
    assert (len(sink.holds), sink.wire_rows, sink.duplicate_effects) == (20, 30, 0)
