"""The rival of a source: dlt reads the same server and writes normalised Parquet. Run by the python of its own venv:
`VENV/bin/python -m benchmarks.source_rival orders|events FOLDER ADDRESS`; prints how many rows it wrote, lines included.

What lives here: the pipeline as dlt's documentation builds one: its REST client with its paginator for links in JSON over
Klaviyo's pages, a streamed download of Shopify's bulk file through its own requests; batches instead of single items,
orjson and Parquet, its cheapest way from JSON. What does not: installing dlt and serving (sources.py). dlt also infers the
schema, keeps state and makes keys of its own, and it keeps no payload, refuses no row and lists no ids a second time, so
the work is not the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

PAGE = 1000
PORTION = 1024 * 1024


def orders(address: str) -> Iterator[Any]:
    """Orders and their lines, a batch of each at a time."""
    import dlt
    import orjson
    from dlt.sources.helpers import requests

    with requests.get(f"{address}/bulk.jsonl", stream=True) as answer:
        lines = answer.iter_lines(PORTION)
        while batch := [orjson.loads(each) for each in islice(lines, PAGE) if each]:
            parents = [each for each in batch if "__parentId" not in each]
            children = [each for each in batch if "__parentId" in each]
            for name, items in (("orders", parents), ("order_lines", children)):
                if items:
                    yield dlt.mark.with_table_name(items, name)


def events(address: str) -> Iterator[Any]:
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    client = RESTClient(address, paginator=JSONLinkPaginator(next_url_path="links.next"), data_selector="data")
    yield from client.paginate("/api/events", params={"page[size]": str(PAGE), "sort": "datetime"})


def main(name: str, folder: Path, address: str) -> None:
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__LOADER_FILE_FORMAT": "parquet",
    }  # fmt: skip
    import dlt

    read = {"orders": orders, "events": events}[name]
    out = folder / f"dlt_{name}"
    resource = dlt.resource(read(address), name=name)
    pipeline = dlt.pipeline(
        f"bench_{name}", pipelines_dir=str(folder / "dlt" / "pipelines"), dataset_name="bench",
        destination=dlt.destinations.filesystem(bucket_url=out.as_uri()),
    )  # fmt: skip
    pipeline.run(resource, loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(sum(counts.get(table, 0) for table in ("orders", "order_lines", "events")))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
