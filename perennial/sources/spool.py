"""Writing text rows to a temporary Parquet file in bounded batches, for readers that work row by row.

What lives here: the batches. What does not: where the rows come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 20_000
BATCH_BYTES = 16_000_000


class Spool:
    """Rows of text columns, plus whole-number columns named in `numbers`."""

    def __init__(self, path: Path, columns: Sequence[str], numbers: Sequence[str] = ()) -> None:
        self._schema = pa.schema([(each, pa.int64() if each in numbers else pa.string()) for each in columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="snappy")
        self._rows: list[Sequence[str | int | None]] = []
        self._size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, row: Sequence[str | int | None], size: int) -> None:
        """One row; `size` is about how many bytes it takes."""
        self._rows.append(row)
        self._size += size
        if len(self._rows) >= BATCH_ROWS or self._size >= BATCH_BYTES:
            self._flush()

    def add_columns(self, columns: Sequence[Sequence[str | None]]) -> None:
        """A whole batch, column by column."""
        self._flush()
        arrays = [pa.array(each, type=field.type) for each, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = list(zip(*self._rows, strict=True))
        arrays = [pa.array(each, type=field.type) for each, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows, self._size = [], 0
