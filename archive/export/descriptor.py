"""What is in a release, for machines: datapackage.json, a Frictionless Data Package.

https://datapackage.org/standard/data-package/ (2.0): every CSV is a resource with a Table Schema;
the same table as Parquet is one more resource, which carries its own. Units stand in `unit`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive.schema import Column, Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
NAME = "nianbao"
TITLE = "政府信息公开年报档案"
# Of what the archive adds to the reports; the same stands in datasette/metadata.yml.
LICENCES = (
    {
        "name": "CC-BY-4.0",
        "title": "Creative Commons Attribution 4.0",
        "path": "https://creativecommons.org/licenses/by/4.0/",
    },
)
TYPES = {"TEXT": "string", "INTEGER": "integer", "REAL": "number"}
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl",
}
DIALECT = {
    "delimiter": ",",
    "lineTerminator": "\r\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release: its path there, bytes, SHA-256, and rows or lines where it has any."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None


def describe(
    tables: Mapping[str, Table], files: Mapping[str, File], year: int | None, version: str | None
) -> str:
    """The text of datapackage.json for tables written to csv/NAME.csv and parquet/NAME.parquet.

    `version` is the last day the archive saw; `files` has everything described, by path.
    """
    resources = []
    for name, table in tables.items():
        described = {"title": table.description, "name": name, "type": "table"}
        data = _file(files[f"csv/{name}.csv"]) | {"encoding": "utf-8", "dialect": DIALECT}
        resources.append(described | data | {"schema": table_schema(name, table)})
    for name, table in tables.items():
        described = {"title": table.description, "name": f"{name}-parquet"}
        resources.append(described | _file(files[f"parquet/{name}.parquet"]))
    resources.append(
        {
            "title": "年报全文：一行一份年报，现行版本及其历史 "
            "(a report a line: its current version whole, and its history)",
            "name": "reports-jsonl",
            **_file(files["reports.jsonl"]),
            "encoding": "utf-8",
        }
    )
    resources.append(
        {
            "title": "档案由哪些文件读出 (the files this archive was made from)",
            "name": "inputs",
            "type": "table",
            **_file(files["captures.csv"]),
            "encoding": "utf-8",
            "dialect": DIALECT,
            "schema": INPUTS,
        }
    )
    package: dict[str, Any] = {
        "$schema": PROFILE,
        "name": NAME if year is None else f"{NAME}-{year}",
        "title": TITLE if year is None else f"{TITLE}：{year}年度",
        "description": "各级行政机关的政府信息公开工作年度报告，照原文读出。见 README.md。 "
        "(Annual reports on government information disclosure of Chinese administrative bodies, "
        "read as printed. See README.md.)",
        "sources": [{"title": "各级行政机关网站发布的政府信息公开工作年度报告"}],
        "licenses": LICENCES,
        "resources": resources,
    }
    if version:
        package["version"] = version
    return json.dumps(package, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _file(file: File) -> dict[str, Any]:
    suffix = file.path.rpartition(".")[2]
    told: dict[str, Any] = {
        "path": file.path,
        "format": suffix,
        "mediatype": MEDIA_TYPES[suffix],
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }
    return told if file.rows is None else told | {"rows": file.rows}


def table_schema(name: str, table: Table) -> dict[str, Any]:
    """The Table Schema of a table: fields, primary key, foreign keys; NULL is the empty cell."""
    schema: dict[str, Any] = {
        "fields": [_field(column, spec) for column, spec in table.columns.items()],
        "missingValues": [""],
        "primaryKey": list(table.pk),
    }
    keys = []
    for column, spec in table.columns.items():
        if spec.references:
            other, _, field = spec.references.partition(".")
            # The specification writes the table itself as "".
            resource = "" if other == name else other
            keys.append(
                {"fields": [column], "reference": {"resource": resource, "fields": [field]}}
            )
    return schema | ({"foreignKeys": keys} if keys else {})


def _field(name: str, column: Column) -> dict[str, str]:
    told = {"name": name, "type": TYPES[column.type], "description": column.description}
    return told | ({"unit": column.unit} if column.unit else {})


INPUTS: Mapping[str, Any] = {
    "fields": [
        {
            "name": "kind",
            "type": "string",
            "description": "segment WARC 文件, sightings 见录文件, growing 只增的文件, "
            "corrections 更正表, takedowns 撤下表, parser 读取程序版本, "
            "writer 写出本发布的程序版本 (what it is)",
        },
        {"name": "name", "type": "string", "description": "文件名或版本 (file name, or version)"},
        {
            "name": "bytes",
            "type": "integer",
            "unit": "byte",
            "description": "字节数；只增的文件为当时的长度 (bytes; of a growing file its first)",
        },
        {"name": "sha256", "type": "string", "description": "SHA-256 (of these bytes)"},
    ],
    "missingValues": [""],
    "primaryKey": ["kind", "name"],
}
