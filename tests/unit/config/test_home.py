"""The home: its layout, its version, who may read it, and that one run at a time writes to it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.config.files import write_atomically
from perennial.config.home import HOME_VERSION, Home, HomeError
from perennial.warehouse.lock import Busy, InstallationLock

ROOT = Path(__file__).resolve().parents[3]


def test_a_new_home_gets_its_folders_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home").prepare()
    assert home.version() == HOME_VERSION
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home.root, *home.folders)} == {0o700}
    assert home.prepare() is home


def test_a_home_that_holds_only_foreign_files_is_new(tmp_path: Path) -> None:
    (tmp_path / "perennial.yml").write_text("x")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "yesterday.log").write_text("x")
    assert Home(tmp_path).prepare().version() == HOME_VERSION


@pytest.mark.parametrize(
    ("text", "remedy"), [("0", "run `perennial upgrade`"), ("99", "use a newer Perennial"), ("soon", "backup")]
)
def test_a_home_of_another_version_is_refused_with_the_remedy(tmp_path: Path, text: str, remedy: str) -> None:
    home = Home(tmp_path)
    home.version_file.write_text(text)
    with pytest.raises(HomeError, match=remedy):
        home.prepare()
    assert not home.landing.exists()


def test_landed_data_without_a_version_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    write_atomically(home.load_records("files") / "20260101T000000000000.shop.json", "{}")
    home.version_file.unlink()
    with pytest.raises(HomeError, match="no home_version file"):
        home.prepare()


def test_a_file_where_the_home_should_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.write_text("x")
    with pytest.raises(HomeError, match="is a file"):
        Home(path).prepare()
    with pytest.raises(HomeError):
        Home(path / "below").prepare()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


HOLD = """
import sys, time
from pathlib import Path
from perennial.config.home import Home
from perennial.warehouse.lock import InstallationLock
with InstallationLock(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_finds_the_installation_busy_and_free_when_the_holder_is_killed(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy) as caught:
            InstallationLock(home).acquire()
        assert caught.value.pid == holder.pid and str(holder.pid) in str(caught.value)
    finally:
        holder.kill()
        holder.wait()
    with InstallationLock(home):
        assert home.lock_file.read_text().strip().isdecimal()


def test_the_lock_nests_within_a_process_and_opens_at_the_last_release(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    probe = [sys.executable, "-c", HOLD.replace("time.sleep(60)", ""), str(tmp_path)]
    with InstallationLock(home):
        with InstallationLock(Home(tmp_path)):
            pass
        assert b"Busy" in subprocess.run(probe, cwd=ROOT, capture_output=True, timeout=60).stderr
    assert subprocess.run(probe, cwd=ROOT, capture_output=True, timeout=60).returncode == 0
