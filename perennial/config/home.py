"""The home: where one installation keeps everything it writes, and the version of that layout.

What lives here: a property per place named in docs/architecture.md, making the layout, refusing a home of another
version. What does not: what the files hold, and moving a home from one version to the next (`perennial upgrade`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from perennial.config.files import PRIVATE_FOLDER, make_folder, write_atomically

HOME_VERSION = 1
OWN_KIND = "perennial"  # the kind under which Perennial lands its own bookkeeping


class HomeError(Exception):
    """The home cannot be used as it is: says which folder and what to do."""


@dataclass(frozen=True)
class Home:
    """One installation's folder. Paths only: nothing is touched until prepare()."""

    root: Path

    @property
    def version_file(self) -> Path:
        return self.root / "home_version"

    @property
    def lock_file(self) -> Path:
        return self.root / ".lock"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def incoming(self) -> Path:
        return self.landing / "_incoming"

    def landed_table(self, kind: str, table: str) -> Path:
        """Folder of the Parquet files of one table of one kind, all sources together."""
        return self.landing / kind / table

    def load_records(self, kind: str) -> Path:
        """Folder of the manifests of one kind: a load is committed when its manifest is here."""
        return self.landing / kind / "_loads"

    def own_table(self, table: str) -> Path:
        """The one file of a table of Perennial's own bookkeeping."""
        return self.landing / OWN_KIND / table / "current.parquet"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    def payloads(self, kind: str, stream: str) -> Path:
        """What a vendor's API handed over, whole: compressed JSON lines."""
        return self.landing / kind / "_payloads" / stream

    def accepted(self, source_name: str) -> Path:
        """A person's word that a source may hold much less than before; used up by its next load."""
        return self.journal / f"accepted.{source_name}"

    def quarantined(self, source_name: str, table: str) -> Path:
        return self.quarantine / source_name / table

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def identity_journal(self) -> Path:
        return self.journal / "identity"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def build_file(self) -> Path:
        return self.warehouse / "build.duckdb"

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what does not fit into its memory limit. Can be deleted between runs."""
        return self.warehouse / "spill"

    @property
    def published(self) -> Path:
        return self.root / "published"

    def snapshot(self, snapshot_id: str) -> Path:
        return self.published / snapshot_id

    @property
    def current_link(self) -> Path:
        return self.published / "current"

    @property
    def published_file(self) -> Path:
        """What BI opens: a link through `current` to the newest snapshot's database."""
        return self.published / "perennial.duckdb"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger"

    @property
    def ledger_file(self) -> Path:
        return self.ledger / "ledger.sqlite"

    @property
    def ledger_key(self) -> Path:
        """The secret that goes with ledger_file. Made after it, so never there alone."""
        return self.ledger / "key"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def nights_log(self) -> Path:
        return self.logs / "nights.jsonl"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        return self.root / "dbt"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder prepare() makes."""
        return (
            self.landing, self.incoming, self.quarantine, self.identity_journal, self.warehouse, self.spill,
            self.published, self.ledger, self.logs, self.dagster, self.dbt,
        )  # fmt: skip

    def version(self) -> int | None:
        """The layout version written in this home; none for a home that is new."""
        try:
            text = self.version_file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise HomeError(
                f"{self.version_file}: cannot be read ({type(error).__name__}); restore it from a backup"
            ) from error
        if not text.isdecimal():
            raise HomeError(f"{self.version_file}: holds {text[:20]!r}, not a number; restore it from a backup")
        return int(text)

    def check_version(self) -> None:
        """Refuse a home this Perennial does not understand. A home that holds only foreign files is new and passes."""
        found = self.version()
        if found == HOME_VERSION:
            return
        if found is None:
            if self._holds_data():
                raise HomeError(
                    f"{self.root}: holds landed data or a ledger but no home_version file; restore home_version from a"
                    f" backup (this Perennial writes version {HOME_VERSION}) or name another folder in PERENNIAL_HOME"
                )
            return
        if found < HOME_VERSION:
            raise HomeError(
                f"{self.root}: is a home of version {found}, this Perennial needs {HOME_VERSION};"
                f" run `perennial upgrade`"
            )
        raise HomeError(
            f"{self.root}: is a home of version {found}, this Perennial knows {HOME_VERSION}; use a newer Perennial"
        )

    def prepare(self) -> Home:
        """Check the version, make what is missing, write home_version last. Safe to repeat."""
        if self.root.exists() and not self.root.is_dir():
            raise HomeError(f"{self.root}: is a file, not a folder; name a folder in PERENNIAL_HOME")
        self.check_version()
        try:
            make_folder(self.root)
            for folder in self.folders:
                make_folder(folder)
                os.chmod(folder, PRIVATE_FOLDER)
            if self.version() is None:
                write_atomically(self.version_file, f"{HOME_VERSION}\n")
        except OSError as error:
            raise HomeError(
                f"{error.filename or self.root}: cannot be made ({error.strerror}); check rights and space"
            ) from error
        return self

    def _holds_data(self) -> bool:
        return self.ledger_file.exists() or any(self.landing.glob("*/_loads/*.json"))
