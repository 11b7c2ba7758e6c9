"""Just enough of a vendor for one first load, over files from disk: `python -m benchmarks.wire_server VENDOR FOLDER`.

What lives here: one bulk operation and its file, pages of events, and empty answers to everything else; what it listens
on is its first line of output. What does not: anything that is refused (perennial/sandbox is strict), making the files
(wire.py). It runs in a process of its own, so that what it takes is nobody's.
"""

from __future__ import annotations

import json
import os
import re
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

BULK, PAGES, SPARSE = "bulk.jsonl", "events.jsonl", "events_sparse.jsonl"
ORDERS, OTHERS = 1, 2  # numbers of bulk operations
_ROOT = re.compile(r"\{ (\w+)")
_CONTENT_TYPES = {"shopify": "application/json", "klaviyo": "application/vnd.api+json"}


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept, and nothing said."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, vendor: str, folder: Path, pages: dict[str, list[int]], *rest: object) -> None:
        self.vendor, self.folder, self.pages = vendor, folder, pages
        super().__init__(*rest)

    def log_message(self, format: str, *args: object) -> None:
        pass

    @property
    def address(self) -> str:
        return "http://{}:{}".format(*self.server.server_address[:2])

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._send(json.dumps({"data": self._graphql(asked["query"], asked.get("variables") or {})}).encode())

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if self.vendor == "shopify":
            self._send_file(self.folder / BULK)
            return
        query = {name: values[-1] for name, values in parse_qs(place.query).items()}
        self._send(self._page(query) if place.path == "/api/events" else self._document(b'{"data":[]}', None))

    # --- Shopify

    def _graphql(self, text: str, variables: dict[str, str]) -> object:
        if "bulkOperationRunQuery" in text:
            number = ORDERS if _root(variables["query"]) == "orders" else OTHERS
            operation = {"id": f"gid://shopify/BulkOperation/{number}", "status": "CREATED"}
            return {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}
        if text.startswith("query($id: ID!) { node"):
            return {"node": self._operation(variables["id"])}
        root = _root(text)
        if root.endswith("Count"):
            return {root: {"count": self._counts()["orders"] if root == "ordersCount" else 0, "precision": "EXACT"}}
        return {root: {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def _operation(self, identifier: str) -> dict[str, object]:
        done: dict[str, object] = {"id": identifier, "status": "COMPLETED", "errorCode": None, "partialDataUrl": None}
        if not identifier.endswith(f"/{ORDERS}") or not self._counts()["orders"]:
            return {**done, "objectCount": "0", "rootObjectCount": "0", "fileSize": None, "url": None}
        counts = self._counts()
        size = str((self.folder / BULK).stat().st_size)
        objects = str(counts["orders"] + counts["lines"])
        return {**done, "objectCount": objects, "rootObjectCount": str(counts["orders"]), "fileSize": size,
                "url": f"{self.address}/{BULK}"}  # fmt: skip

    def _counts(self) -> dict[str, int]:
        return json.loads((self.folder / "counts.json").read_text())

    # --- Klaviyo

    def _page(self, query: dict[str, str]) -> bytes:
        name = SPARSE if "fields[event]" in query else PAGES
        at = int(query.get("page[cursor]", 0))
        ends = self.pages[name]
        if not ends:
            return self._document(b'{"data":[]}', None)
        start = ends[at - 1] if at else 0
        with (self.folder / name).open("rb") as handle:
            handle.seek(start)
            body = handle.read(ends[at] - start)
        more = "&fields[event]=datetime" if name == SPARSE else ""
        following = f"{self.address}/api/events?page[cursor]={at + 1}{more}" if at + 1 < len(ends) else None
        return self._document(body, following)

    def _document(self, body: bytes, following: str | None) -> bytes:
        links = json.dumps({"self": f"{self.address}{self.path}", "next": following, "prev": None})
        return body.rstrip()[:-1] + b',"links":' + links.encode() + b"}"

    # --- both

    def _send(self, body: bytes) -> None:
        self._head(len(body))
        self.wfile.write(body)

    def _send_file(self, path: Path) -> None:
        size = path.stat().st_size
        start = int((self.headers.get("range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self._head(size - start, 206 if start else 200)
        self.wfile.flush()
        with path.open("rb") as handle:
            while start < size:
                start += os.sendfile(self.connection.fileno(), handle.fileno(), start, min(size - start, 1 << 22))

    def _head(self, length: int, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", _CONTENT_TYPES[self.vendor])
        self.send_header("content-length", str(length))
        self.end_headers()


def _root(text: str) -> str:
    found = _ROOT.search(text)
    return found.group(1) if found else ""


def _ends(path: Path) -> list[int]:
    """Where each line of a file ends."""
    ends, at = [], 0
    if path.exists():
        with path.open("rb") as handle:
            for each in handle:
                at += len(each)
                ends.append(at)
    return ends


def main(vendor: str, folder: Path) -> None:
    pages = {name: _ends(folder / name) for name in (PAGES, SPARSE)} if vendor == "klaviyo" else {}
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, vendor, folder, pages)) as server:
        print("http://{}:{}".format(*server.server_address[:2]), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
