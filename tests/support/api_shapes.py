"""The sample tables and webhook payloads of real vendors, on their way through landing and staging.

What lives here: how such a file becomes a delivery, landing and building all of them once, and reading what came out.
What does not: which column of which vendor means what (api_shapes_shopify.py, api_shapes_others.py), what has to come
out (tests/end_to_end/test_api_shapes.py).
"""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.manifest import manifest
from perennial.config.home import Home
from perennial.config.vendors.registry import VENDORS
from perennial.landing import own
from perennial.landing.empty import ensure_empty_files
from perennial.landing.incoming import Incoming
from perennial.landing.load import begin
from perennial.landing.manifest import LoadReport
from perennial.landing.recovery import recover
from perennial.warehouse import journal
from perennial.warehouse.duck import name, path_list, quote
from tests.support.installation import installed_in
from tests.support.nights import run_dbt

ARCHIVES = ("fivetran_seeds.tar.gz", "webhook_samples.tar.gz")
NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
FATES = Path(__file__).with_name("api_shapes.csv")
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "shopify": {"shop": "example"},
    "hubspot": {},
    "klaviyo": {},
    "woocommerce": {"base_url": "https://shop.example.com", "key_env": "SHAPES_KEY"},
}
BUILD = ("build", "--select", "resource_type:seed", "staging", "input", "--exclude", "resource_type:unit_test")
_JSON_ROOM = 16 * 1024 * 1024


@dataclass(frozen=True)
class Detail:
    """A table whose rows complete those of another: its `key` names them by their `of`."""

    file: str
    key: str
    of: str


@dataclass(frozen=True)
class Delivery:
    """What one landed table is given of some files: a table of one file, or what several payloads say of one thing.

    columns: landed column → SQL over `item` (a row, or a payload's body) and, with `each`, `line` and `place`. Where a
    table's columns read another file they say it as {detail}; `details` accounts for its rows. left_out: reason → which
    rows of the files are not delivered, said over the same.
    """

    source: str
    kind: str
    table: str
    files: Sequence[str]
    columns: Mapping[str, str]
    each: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def delivered(self, folder: Path) -> str:
        """The rows of the landed table, raw."""
        columns = ", ".join(f"{sql} as {name(column)}" for column, sql in self.columns.items())
        files = {word: f"(from {table(folder / detail.file)})" for word, detail in self.details.items()}
        for word, sql in files.items():
            columns = columns.replace(f"{{{word}}}", sql)
        kept = " and ".join(f"not {mark}" for mark in self._marks) or "true"
        return f"select {columns} from {self._marked(folder)} where {kept}"

    def items(self, folder: Path) -> str:
        """What the columns and reasons are said over."""
        paths = [folder / file for file in self.files]
        is_table = paths[0].suffix == ".csv"
        items = f"{table(paths[0])} as item" if is_table else f"(select body as item from {payloads(paths)}) as bodies"
        if self.each is None:
            return items
        return (
            f"(select item, unnest({self.each}) as line, generate_subscripts({self.each}, 1) as place"
            f" from {items}) as lines"
        )

    @property
    def _marks(self) -> dict[str, str]:
        return {f"left_{place}": sql for place, sql in enumerate(self.left_out.values())}

    def _marked(self, folder: Path) -> str:
        """The items, each beside what says that it is left out: reasons may look at all of them."""
        parts = ["item", *(["line", "place"] if self.each is not None else [])]
        parts += [f"coalesce({sql}, false) as {mark}" for mark, sql in self._marks.items()]
        return f"(select {', '.join(parts)} from {self.items(folder)}) as marked"

    def left_behind(self, shapes: Shapes) -> dict[str, int]:
        """Reason → how many rows of the files are not delivered."""
        marked = f"select * from {self._marked(shapes.folder)}"
        return {
            reason: shapes.count(f"{marked} where {mark}")
            for reason, mark in zip(self.left_out, self._marks, strict=True)
        }

    def incoming(self, folder: Path) -> Incoming:
        rows = self.delivered(folder)
        located = f"select *, {quote(self.files[0])} as _file, row_number() over () as _row from ({rows})"
        return Incoming(f"{self.table} of {self.source}", rows, (located,))


def table(path: Path) -> str:
    """A table file: every value as the text it is."""
    return f"read_csv({path_list([path])}, header = true, all_varchar = true, delim = ',', quote = '\"')"


def payloads(paths: Sequence[Path]) -> str:
    """Payload files: numbers keep their digits, since nothing reads them as numbers."""
    columns = "{headers: 'json', body: 'json', topic: 'varchar'}"
    return f"read_json({path_list(list(paths))}, columns = {columns}, maximum_object_size = {_JSON_ROOM})"


def columns(spec: str, said: Callable[[str], str], **sql: str) -> dict[str, str]:
    """Landed columns from words `landed=theirs` (or one word for both), and some from SQL of their own."""
    found = {}
    for word in spec.split():
        landed, _, theirs = word.partition("=")
        found[landed] = said(theirs or landed)
    return found | sql


def cell(column: str) -> str:
    """A column of a table file."""
    return f"item.{name(column)}"


def path(place: str) -> str:
    """A value of a payload, by its path: in the `line` where it begins so. `#` behind it: the digits of a gid."""
    root, inside = ("line", place[5:]) if place.startswith("line.") else ("item", place)
    text = f"({root} ->> {quote('$.' + inside.rstrip('#'))})"
    return f"split_part({text}, '/', -1)" if inside.endswith("#") else text


def elements(place: str) -> str:
    """A list of a payload, for `each`."""
    return f"coalesce(cast(item -> {quote('$.' + place)} as json[]), [])"


@dataclass(frozen=True)
class Shapes:
    """Everything landed and staged: the files, the loads, and the build to ask."""

    folder: Path
    home: Home
    deliveries: Sequence[Delivery]
    loads: Sequence[LoadReport]
    manifest: Mapping[str, Any]
    build: Path

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.build), read_only=True)

    @cached_property
    def files(self) -> dict[str, int]:
        """Every file of the archives with its rows, counted without this project's readers; a payload is one."""
        found = {}
        for each in sorted(self.folder.rglob("*")):
            if each.suffix == ".csv":
                with each.open(encoding="utf-8-sig", newline="") as lines:
                    found[each.relative_to(self.folder).as_posix()] = sum(1 for _ in csv.DictReader(lines))
            elif each.suffix == ".json":
                found[each.relative_to(self.folder).as_posix()] = 1
        return found

    def rows(self, file: str) -> list[dict[str, str]]:
        """A table file as plain texts."""
        with (self.folder / file).open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.DictReader(lines))

    def body(self, file: str) -> Any:
        return json.loads((self.folder / file).read_text(encoding="utf-8"))["body"]

    def query(self, sql: str) -> list[dict[str, Any]]:
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def count(self, sql: str) -> int:
        return int(self.query(f"select count(*) as n from ({sql})")[0]["n"])

    def staged(self, model: str, source: str, key: str) -> dict[str, dict[str, Any]]:
        """A staging model's rows of one source, by their key."""
        rows = self.query(f"select * from staging.{model} where source_name = {quote(source)}")
        found = {row[key]: row for row in rows}
        assert len(found) == len(rows), f"{model}: {key} is not unique"
        return found

    def landed(self, kind: str, table_name: str) -> str:
        """Every landed row of a table, as a relation."""
        return f"read_parquet({quote(str(self.home.landed_table(kind, table_name)))} || '/*.parquet', union_by_name = true)"

    def current(self, kind: str, table_name: str) -> str:
        """The landed rows that count, by a rule written here anew: the newest version of each key."""
        wanted = VENDORS[kind].tables[table_name]
        keys = ", ".join(name(column) for column in wanted.key)
        return (
            f"(select * from {self.landed(kind, table_name)} where not is_superseded"
            f" qualify row_number() over (partition by source_name, {keys} order by load_id desc) = 1)"
        )

    def readers(self, kind: str, table_name: str) -> list[str]:
        """The staging models that read a landed table, as dbt knows them."""
        source = f"source.perennial.{kind}.{table_name}"
        return sorted(
            node["name"]
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model" and source in node["depends_on"]["nodes"]
        )

    def models(self) -> dict[str, str]:
        """Every staging model over a vendor's landed tables → its vendor."""
        found = {}
        for node in self.manifest["nodes"].values():
            for each in node["depends_on"]["nodes"] if node["resource_type"] == "model" else []:
                kind = each.split(".")[2]
                if each.startswith("source.") and kind in VENDORS:
                    found[node["name"]] = kind
        return found


def unpacked(sample_data: Path, folder: Path) -> Path:
    for each in ARCHIVES:
        with tarfile.open(sample_data / "api_shapes" / each) as archive:
            if hasattr(tarfile, "data_filter"):  # not before Python 3.11.4
                archive.extraction_filter = tarfile.data_filter
            archive.extractall(folder)
    return folder


def land(home: Home, deliveries: Sequence[Delivery], folder: Path, sources: Mapping[str, Any]) -> list[LoadReport]:
    """A load per source; a table that a source delivers twice comes in a second load, as on the next night."""
    ensure_empty_files(home)
    loads = []
    waiting = list(deliveries)
    while waiting:
        nights: dict[str, list[Delivery]] = {}
        later: list[Delivery] = []
        for each in waiting:
            tonight = nights.setdefault(each.source, [])
            (later if any(other.table == each.table for other in tonight) else tonight).append(each)
        for source, received in nights.items():
            recover(home)
            with begin(home, source, sources[source], lambda: NOW) as load:
                for each in received:
                    load.receive(each.table, each.incoming(folder))
                loads.append(load.commit())
        waiting = later
    return loads


def staged(home: Home, deliveries: Sequence[Delivery], folder: Path) -> Shapes:
    """Land everything into an empty home and build its staging; dbt's parse in the home is used again."""
    kinds = {each.source: each.kind for each in deliveries}
    configured = {
        source: {"kind": kind, "token_env": "SHAPES_TOKEN", **SETTINGS[kind]} for source, kind in kinds.items()
    }
    installed = installed_in(home, {"sources": configured}, clock=lambda: NOW)
    loads = land(home, deliveries, folder, installed.settings.sources)
    journal.ensure(home)
    own.refresh(home, installed.settings)
    dbt = installed.night().dbt
    parsed = manifest(dbt)
    run_dbt(dbt, *BUILD)
    return Shapes(folder, home, deliveries, loads, parsed, home.build_file)
