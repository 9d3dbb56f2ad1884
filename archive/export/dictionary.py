"""What does each cell of the statutory forms mean? The field dictionary as a table of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from archive import form
from archive.schema import Column, Table
from archive.store import FORM_YEARS

NAME = "field_dictionary"


def _text(description: str) -> Column:
    return Column("TEXT", description)


DICTIONARY = Table(
    "字段词典：表式的每一格及其定义的合计 "
    "(every cell of the statutory forms, and the sums they define; a key that two forms print "
    "with other words has a row for each wording)",
    {
        "key": _text("键 (table.row.column, stable for ever)"),
        "forms": _text("表式，以逗号分隔 (forms: stats2014, 2019, 2021, as reports.form has them)"),
        "flat": _text("figures 或 derived 表中的列名 (its column in figures or derived)"),
        "kind": _text("printed 印在表上, derived 由公式得出 (where the number comes from)"),
        "zh": _text("官方名称 (official name)"),
        "table": _text("表 (table)"),
        "table_zh": _text("表名 (official name of the table)"),
        "row": _text("行 (row)"),
        "row_path_zh": _text("上级行标签，以／分隔 (labels above the row)"),
        "row_zh": _text("行标签 (label of the row)"),
        "column": _text("列 (column)"),
        "column_zh": _text("列标签 (label of the column)"),
        "unit": _text("单位 (unit)"),
        "type": _text(
            "int 计数, signed_int 可为负, decimal 小数, money_text 金额原样 (kind of number; "
            "decimal and money_text are text, as printed)"
        ),
        "formula": _text("公式，仅 derived 有 (sum over keys, of derived ones)"),
        "law": _text("依据 (article it comes from)"),
        "aliases": _text("其他写法，以｜分隔 (other wordings met in reports)"),
    },
    pk=("key", "forms"),
)


def entries() -> Iterator[tuple[Any, ...]]:
    """The rows of the dictionary, by primary key."""
    listed = json.loads((form.HERE / "fields.json").read_text(encoding="utf-8"))["fields"]
    return iter(sorted((_row(entry) for entry in listed), key=lambda row: (row[0], row[1])))


def _row(entry: dict[str, Any]) -> tuple[Any, ...]:
    told = entry | {
        "forms": ",".join(FORM_YEARS.get(str(year), str(year)) for year in entry["formats"]),
        "row_path_zh": "／".join(entry["row_path_zh"] or ()) or None,
        "aliases": "｜".join(entry["aliases"]) or None,
    }
    return tuple(told.get(name) for name in DICTIONARY.columns)
