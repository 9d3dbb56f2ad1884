"""How is a table written? As CSV and as Parquet, value for value what the archive holds.

CSV is RFC 4180 in UTF-8 without a mark: every text is quoted and no number is, NULL is nothing
and an empty text is "". No cell is altered for the sake of a spreadsheet: one that begins with
"=" stays so. In Parquet the types are those of the schema: what the archive keeps as text, money
and decimals, stays text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import csv, parquet

from archive.schema import Column, Table

TYPES = {"TEXT": pyarrow.string(), "INTEGER": pyarrow.int64(), "REAL": pyarrow.float64()}
# How much of a table, unpacked, is held before it becomes a row group.
GROUP_BYTES = 32 << 20
# Everything that could change the bytes is named, so that only pyarrow's version can.
PARQUET = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": True,
    "write_statistics": True,
}
CSV = csv.WriteOptions(quoting_style="needed", quoting_header="needed", eol="\r\n")


def arrow_schema(table: Table) -> Any:
    """The Arrow schema of a table; descriptions and units are metadata of its fields."""
    return pyarrow.schema(
        [
            pyarrow.field(name, TYPES[column.type], metadata=_metadata(column))
            for name, column in table.columns.items()
        ],
        metadata={"description": table.description, "primary_key": ",".join(table.pk)},
    )


def _metadata(column: Column) -> dict[str, str]:
    return {"description": column.description} | ({"unit": column.unit} if column.unit else {})


def write_table(
    chunks: Iterable[Sequence[Sequence[Any]]], table: Table, as_csv: Path, as_parquet: Path
) -> int:
    """Write the rows of a table to both files; gives how many there were.

    Holds no more of them than one chunk and one row group.
    """
    schema, number = arrow_schema(table), 0
    with (
        csv.CSVWriter(str(as_csv), schema, write_options=CSV) as lines,
        _row_groups(as_parquet, schema) as groups,
    ):
        for rows in chunks:
            arrays = [
                pyarrow.array(values, type=kind)
                for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
            ]
            batch = pyarrow.record_batch(arrays, schema=schema)
            lines.write_batch(batch)
            groups.add(batch)
            number += batch.num_rows
    return number


class _RowGroups:
    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._batches: list[Any] = []
        self._bytes = 0

    def add(self, batch: Any) -> None:
        self._batches.append(batch)
        self._bytes += batch.nbytes
        if self._bytes >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._batches:
            table = pyarrow.Table.from_batches(self._batches).combine_chunks()
            self._writer.write_table(table, row_group_size=table.num_rows)
        self._batches, self._bytes = [], 0


@contextmanager
def _row_groups(path: Path, schema: Any) -> Iterator[_RowGroups]:
    with parquet.ParquetWriter(str(path), schema, **PARQUET) as writer:
        groups = _RowGroups(writer)
        yield groups
        groups.flush()
