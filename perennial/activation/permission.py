"""Permission, read again before every batch.

What lives here: asking the snapshot that is published at that moment, and whoever else has a say. What does not: the
rule itself (snapshot.py) and what becomes of rows that may not go.

A published snapshot never changes, so its answers are kept until another one is published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import duckdb

from perennial.activation import snapshot
from perennial.activation.snapshot import SnapshotError
from perennial.audiences.definition import ConsentRule
from perennial.config.home import Home
from perennial.config.settings import Engine
from perennial.warehouse import certificate
from perennial.warehouse.certificate import CertificateError

Recheck = Callable[[Collection[str]], Collection[str]]


class PermissionUnknown(Exception):
    """Nobody can say who may be sent, so nobody is."""


class Permission:
    """Who of some people may be sent right now. `recheck` may only take people away."""

    def __init__(self, home: Home, engine: Engine, rule: ConsentRule, recheck: Recheck | None = None) -> None:
        self._home = home
        self._engine = engine
        self._rule = rule
        self._recheck = recheck
        self._snapshot_id: str | None = None
        self._granted: set[str] = set()

    def of(self, customer_ids: Collection[str]) -> set[str]:
        """Those who may be sent, as published now."""
        try:
            self._refresh()
        except (CertificateError, SnapshotError, duckdb.Error) as error:
            raise PermissionUnknown(f"consent cannot be read again: {error}") from error
        allowed = self._granted.intersection(customer_ids)
        if self._recheck is None or not allowed:
            return allowed
        try:
            return allowed & set(self._recheck(sorted(allowed)))
        except Exception as error:  # whatever a foreign check does, it must not let anybody through
            raise PermissionUnknown(f"the consent re-check failed ({type(error).__name__})") from error

    def _refresh(self) -> None:
        current = certificate.current_snapshot_id(self._home)
        if current == self._snapshot_id:
            return
        as_of = certificate.read(self._home, current).as_of
        with snapshot.open_snapshot(self._home, current, self._engine) as connection:
            self._granted = snapshot.granted(connection, self._rule, as_of)
        self._snapshot_id = current
