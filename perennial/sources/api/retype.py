"""Making a source's rows anew from the payloads kept: after a mapping was mended, without asking the vendor again.

What lives here: which payload files there are, and handing them to a load: of every item its newest payload. What does
not: which version wins: rows that come out as they were are repeats, rows that come out otherwise win over what the old
mapping made of the same version.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perennial.landing.load import Load
from perennial.landing.manifest import newest_state
from perennial.sources.api.newest import newest_rows
from perennial.sources.api.payloads import SUFFIX
from perennial.sources.api.typed import delivery
from perennial.sources.base import SourceFailed, Stream


def retype(load: Load, streams: Sequence[Stream]) -> None:
    """Hand every payload of this source to the load. The state stays as it is."""
    found = 0
    for stream in streams:
        files = {form: payload_files(load, stream.name, form) for form in stream.forms}
        label = f"{stream.name} of {load.source_name}, as kept"
        for form_name in [form for form, its_files in files.items() if its_files]:
            found += len(files[form_name])
            for rows in stream.forms[form_name].rows:
                select = newest_rows(stream, load.tables, form_name, rows, files)
                load.receive(rows.table, delivery(label, select))
    if not found:
        raise SourceFailed("no payload is kept of this source; run a night first")
    load.state = dict(newest_state(load.home, load.source.kind, load.source_name)[1])


def payload_files(load: Load, stream: str, form: str) -> list[Path]:
    """The payloads of one form, in the order of their loads."""
    folder = load.home.payloads(load.source.kind, stream)
    return sorted(folder.glob(f"*.{load.source_name}.{stream}.{form}-*{SUFFIX}"))
