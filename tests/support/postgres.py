"""A real PostgreSQL server on loopback, for one test session.

What lives here: finding the binaries, making a cluster as a user without privileges (initdb refuses root), starting
and stopping it. What does not: any table.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

UNPRIVILEGED = ("postgres", "nobody")
USER = "perennial"


class NoServer(Exception):
    """This machine cannot run a PostgreSQL server of its own; the text says why."""


@dataclass(frozen=True)
class Server:
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"


def find_binaries() -> Path:
    """The folder that holds initdb and postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    on_path = shutil.which("postgres")
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *folders]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise NoServer("no PostgreSQL server binaries (initdb, postgres) in PATH or /usr/lib/postgresql")


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A fresh cluster under `folder`, gone afterwards."""
    binaries = find_binaries()
    user = _user()
    root = _open_to(folder, user)
    data, sockets, password_file = root / "data", root / "sockets", root / "password"
    password = secrets.token_urlsafe(12)
    password_file.write_text(password)
    _give(password_file, user)
    for path in (data, sockets):
        path.mkdir(mode=0o700)
        _give(path, user)
    _run(
        [binaries / "initdb", "-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8",
         "--no-sync", "--locale=C"],
        user,
    )  # fmt: skip
    port = _free_port()
    log = (root / "log").open("wb")
    command = [
        binaries / "postgres", "-D", data, "-p", port, "-k", sockets, "-c", "listen_addresses=127.0.0.1",
        "-c", "fsync=off", "-c", "shared_buffers=16MB",
    ]  # fmt: skip
    process = subprocess.Popen(
        [str(each) for each in command], stdout=log, stderr=log, cwd="/", preexec_fn=_become(user)
    )
    try:
        _wait(process, port, root / "log")
        yield Server(port, password)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()
        shutil.rmtree(root, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Whom to become: nobody special where the tests already run without privileges."""
    if os.geteuid() != 0:
        return None
    for each in UNPRIVILEGED:
        try:
            return pwd.getpwnam(each)
        except KeyError:
            continue
    raise NoServer("the tests run as root and there is no user to run PostgreSQL as (tried postgres, nobody)")


def _open_to(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """A folder the server's user can reach: pytest's own folders are closed to others, so root makes one in /tmp."""
    if user is None:
        root = folder / "postgres"
        root.mkdir()
        return root
    root = Path("/tmp") / f"perennial-postgres-{os.getpid()}-{secrets.token_hex(4)}"
    root.mkdir(mode=0o755)
    _give(root, user)
    return root


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _become(user: pwd.struct_passwd | None) -> object:
    if user is None:
        return None
    uid, gid = user.pw_uid, user.pw_gid

    def become() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)

    return become


def _run(command: list[object], user: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, cwd="/", preexec_fn=_become(user), timeout=120
    )
    if done.returncode != 0:
        raise NoServer(f"initdb failed: {done.stderr.strip()[-300:]}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NoServer(f"postgres stopped at once: {log.read_text(errors='replace')[-300:]}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept" in log.read_text(errors="replace"):
                return
        time.sleep(0.05)
    raise NoServer("postgres did not answer within 60 seconds")
