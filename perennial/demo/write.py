"""The demo's tables as files: CSV, Parquet, JSON lines and folders of parts, the same bytes for the same tables.

What lives here: which table is delivered how, and the writing. What does not: the making of rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

PARQUET = frozenset({("shop", "shop_order_lines"), ("shop", "site_events"), ("messaging", "message_events")})
JSONL = frozenset(
    {
        ("shop", "shop_checkouts"),
        ("shop", "shop_checkout_lines"),
        ("crm", "crm_deals"),
        ("crm", "consents"),
        ("messaging", "conversations"),
    }
)
# Delivered as a folder of Parquet parts, one per quarter of this column.
PARTS = {("shop", "shop_orders"): "updated_at", ("messaging", "messages"): "sent_at"}
DELIMITERS = {"outlet": ";"}
# What the outlet's till calls some columns; perennial.yml names them back.
RENAMED = {
    ("outlet", "shop_orders"): {
        "order_id": "invoice_no",
        "ordered_at": "invoice_date",
        "total_amount": "invoice_total",
    },
    ("outlet", "shop_order_lines"): {"order_id": "invoice_no", "unit_price_amount": "unit_price"},
}


def write_exports(folder: Path, tables: Mapping[tuple[str, str], pd.DataFrame]) -> None:
    for (source, name), rows in tables.items():
        place = folder / source
        place.mkdir(parents=True, exist_ok=True)
        rows = rows.rename(columns=RENAMED.get((source, name), {}))
        if (source, name) in PARTS:
            _write_parts(place / name, rows, PARTS[source, name])
        elif (source, name) in PARQUET:
            write_parquet(place / f"{name}.parquet", rows)
        elif (source, name) in JSONL:
            _write_jsonl(place / f"{name}.jsonl", rows)
        else:
            _write_csv(place / f"{name}.csv", rows, DELIMITERS.get(source, ","))


def write_parquet(path: Path, rows: pd.DataFrame) -> None:
    pa.parquet.write_table(_arrow(rows), path, compression="zstd")


def _arrow(rows: pd.DataFrame) -> pa.Table:
    """Without pandas' notes in the schema; a column that is null throughout is text, times are in microseconds."""
    table = pa.Table.from_pandas(rows, preserve_index=False)
    fields = []
    for field in table.schema:
        kind = pa.string() if pa.types.is_null(field.type) else field.type
        fields.append(pa.field(field.name, pa.timestamp("us") if pa.types.is_timestamp(kind) else kind))
    return table.cast(pa.schema(fields), safe=False)


def _write_parts(folder: Path, rows: pd.DataFrame, by: str) -> None:
    folder.mkdir(exist_ok=True)
    quarter = rows[by].dt.to_period("Q").astype(str)
    for name, part in rows.groupby(quarter, sort=True):
        write_parquet(folder / f"{str(name).lower()}.parquet", part)


def _write_csv(path: Path, rows: pd.DataFrame, delimiter: str) -> None:
    options = pa.csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    table = _arrow(rows)
    fields = [pa.field(f.name, pa.timestamp("s")) if pa.types.is_timestamp(f.type) else f for f in table.schema]
    pa.csv.write_csv(table.cast(pa.schema(fields), safe=False), path, options)


def _write_jsonl(path: Path, rows: pd.DataFrame) -> None:
    table = _arrow(rows)
    names = table.column_names
    columns = [_json_values(column) for column in table.columns]
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for values in zip(*columns, strict=True):
            row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _json_values(column: pa.ChunkedArray) -> list[object]:
    """Ids stay whole numbers, exact to the last digit; times are ISO 8601 with Z."""
    if pa.types.is_timestamp(column.type):
        return [None if at is None else at.isoformat() + "Z" for at in column.to_pylist()]
    return column.to_pylist()
