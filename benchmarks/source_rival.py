"""The rival of a source: dlt reads the same file and writes normalised Parquet. Run by the python of its own venv:
`VENV/bin/python -m benchmarks.source_rival orders|events FOLDER ROWS`; prints how many rows it wrote, lines included.

What lives here: the pipeline as dlt's documentation builds one, with batches instead of single items, orjson and Parquet:
its cheapest way from JSON. What does not: installing dlt (sources.py). dlt also infers the schema, keeps state and makes
keys of its own, so the work is not the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

PAGE = 1000


def orders(path: Path, most: int) -> Iterator[Any]:
    """Orders and their lines, a batch of each at a time."""
    import dlt
    import orjson

    with path.open("rb") as handle:
        while batch := [orjson.loads(each) for each in islice(handle, PAGE)]:
            parents = [each for each in batch if "__parentId" not in each]
            children = [each for each in batch if "__parentId" in each]
            for name, items in (("orders", parents), ("order_lines", children)):
                if items:
                    yield dlt.mark.with_table_name(items, name)


def events(path: Path, most: int) -> Iterator[Any]:
    import orjson

    with path.open("rb") as handle:
        for each in islice(handle, -(-most // PAGE)):
            yield orjson.loads(each)["data"]


def main(name: str, folder: Path, rows: int) -> None:
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__LOADER_FILE_FORMAT": "parquet",
    }  # fmt: skip
    import dlt

    read, file = {"orders": (orders, "bulk.jsonl"), "events": (events, "events.jsonl")}[name]
    out = folder / f"dlt_{name}"
    resource = dlt.resource(read(folder / file, rows), name=name)
    pipeline = dlt.pipeline(
        f"bench_{name}", pipelines_dir=str(folder / "dlt" / "pipelines"), dataset_name="bench",
        destination=dlt.destinations.filesystem(bucket_url=out.as_uri()),
    )  # fmt: skip
    pipeline.run(resource, loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(sum(counts.get(table, 0) for table in ("orders", "order_lines", "events")))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
