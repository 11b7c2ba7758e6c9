"""One run at a time may write to a home.

What lives here: the lock on home/.lock. What does not: what is done under it. The lock is the kernel's (flock), so it
is gone with its process however that ends; nothing is ever left to clean up.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from types import TracebackType

from perennial.config.files import PRIVATE_FILE, make_folder
from perennial.config.home import Home


class Busy(Exception):
    """Another process holds the installation."""

    def __init__(self, home: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{home}: {holder} is running here; wait until it is done")
        self.home = home
        self.pid = pid


class _Held:
    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.depth = 1


class InstallationLock:
    """`with InstallationLock(home):` raises Busy at once where another process holds it; within a process it nests."""

    _guard = threading.Lock()
    _held: dict[tuple[int, Path], _Held] = {}

    def __init__(self, home: Home) -> None:
        self.home = home

    def acquire(self) -> None:
        key = self._key()
        with self._guard:
            held = self._held.get(key)
            if held is not None:
                held.depth += 1
                return
            make_folder(self.home.root)
            descriptor = os.open(self.home.lock_file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = _read_pid(descriptor)
                os.close(descriptor)
                raise Busy(self.home.root, pid) from None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            self._held[key] = _Held(descriptor)

    def release(self) -> None:
        key = self._key()
        with self._guard:
            held = self._held.get(key)
            if held is None:
                return
            held.depth -= 1
            if held.depth == 0:
                del self._held[key]
                os.close(held.descriptor)

    def _key(self) -> tuple[int, Path]:
        return os.getpid(), self.home.root.resolve()

    def __enter__(self) -> InstallationLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None
