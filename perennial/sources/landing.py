"""Landing the configured sources: one, or all of them side by side.

What lives here: which reader reads which kind, and turning a source's failure into a load record with its reason.
What does not: the readers, and the load itself (perennial/landing).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import duckdb
import pyarrow as pa

from perennial.config.failpoints import Failpoints
from perennial.config.home import Home
from perennial.config.problems import ConfigError
from perennial.config.settings import FilesSource, Settings, Source, SqlSource
from perennial.landing.load import ChangedWhileRead, begin
from perennial.landing.manifest import LoadReport, write_manifest
from perennial.landing.pieces import is_full_disk
from perennial.sources.base import Reader, SourceFailed
from perennial.warehouse.duck import share_of_memory

Clock = Callable[[], datetime]


def reader_for(source: Source) -> Reader:
    """The reader of a source's kind."""
    if isinstance(source, FilesSource):
        from perennial.sources.files import FilesReader

        return FilesReader(source)
    if isinstance(source, SqlSource):
        from perennial.sources.sql import SqlReader

        return SqlReader(source)
    raise SourceFailed(f"kind {source.kind!r} has no reader; correct `kind:`")


def land_source(
    home: Home, source_name: str, settings: Settings, env: Mapping[str, str], clock: Clock, *, share: int = 1
) -> LoadReport:
    """Land one source, whole or not at all. A source that fails is a report with its reason, not an exception."""
    source = settings.sources[source_name]
    load = begin(
        home,
        source_name,
        source,
        clock,
        memory_limit=share_of_memory(settings.engine.memory_limit, share),
        threads=max(1, settings.engine.threads // share),
        failpoint=Failpoints.from_env(env),
    )
    with load:
        try:
            reader_for(source).deliver(load, env)
            return load.commit()
        except (SourceFailed, ChangedWhileRead, ConfigError) as error:
            reason = str(error)
        except (duckdb.Error, pa.ArrowException, UnicodeError) as error:
            if is_full_disk(error):
                raise
            # its text would repeat rows
            reason = f"{source_name}: a delivery cannot be read ({type(error).__name__}); look at its newest files"
    report = LoadReport(
        load.load_id, source_name, source.kind, load.loaded_at, warnings=tuple(load.warnings), reason=reason
    )
    write_manifest(home, report)
    return report


def land_all(
    home: Home, settings: Settings, env: Mapping[str, str], clock: Clock, *, max_workers: int = 2
) -> list[LoadReport]:
    """Land every configured source, a few at a time, in the order of the configuration file."""
    names = list(settings.sources)
    workers = max(1, min(max_workers, len(names), os.cpu_count() or 1))
    with ThreadPoolExecutor(workers, thread_name_prefix="land") as pool:
        loads = [pool.submit(land_source, home, name, settings, env, clock, share=workers) for name in names]
    return [load.result() for load in loads]
