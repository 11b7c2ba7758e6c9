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
from perennial.config.parts import ApiSource, Source
from perennial.config.problems import ConfigError
from perennial.config.settings import FilesSource, Settings, SqlSource
from perennial.landing.load import ChangedWhileRead, begin
from perennial.landing.manifest import LoadReport, write_manifest
from perennial.landing.pieces import is_full_disk
from perennial.sources.base import GateClosed, Reader, SourceFailed, Window
from perennial.warehouse.duck import share_of_memory

Clock = Callable[[], datetime]


def reader_for(source: Source, window: Window | None = None) -> Reader:
    """The reader of a source's kind; only an API can be asked for a window of its past."""
    if window is not None and not isinstance(source, ApiSource):
        raise SourceFailed(f"kind {source.kind!r} cannot be asked for a stretch of its past; deliver it again instead")
    if isinstance(source, FilesSource):
        from perennial.sources.files import FilesReader

        return FilesReader(source)
    if isinstance(source, SqlSource):
        from perennial.sources.sql import SqlReader

        return SqlReader(source)
    if isinstance(source, ApiSource):
        from perennial.sources.api.reader import ApiReader

        return ApiReader(source, window)
    raise SourceFailed(f"kind {source.kind!r} has no reader; correct `kind:`")


def land_source(
    home: Home,
    source_name: str,
    settings: Settings,
    env: Mapping[str, str],
    clock: Clock,
    *,
    share: int = 1,
    window: Window | None = None,
) -> LoadReport:
    """Land one source, whole or not at all. A source that fails is a report with its reason, not an exception.

    With a window, that stretch of an API's past is read again, and where the next night goes on does not move.
    """
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
    is_gated = False
    with load:
        try:
            reader_for(source, window).deliver(load, env)
            return load.commit()
        except (SourceFailed, ChangedWhileRead, ConfigError) as error:
            reason, is_gated = str(error), isinstance(error, GateClosed)
        except (duckdb.Error, pa.ArrowException, UnicodeError) as error:
            if is_full_disk(error):
                raise
            # its text would repeat rows
            reason = f"{source_name}: a delivery cannot be read ({type(error).__name__}); look at its newest files"
    report = LoadReport(
        load.load_id, source_name, source.kind, load.loaded_at, warnings=tuple(load.warnings), reason=reason,
        is_gated=is_gated,
    )  # fmt: skip
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
