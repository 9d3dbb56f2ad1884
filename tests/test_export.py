"""What a release holds is what the archive holds, and the same archive gives the same bytes."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest

from archive import form, store
from archive.export import columns, release, rows
from archive.export.listing import Listed, ListingError, as_csv, read_listing, whole_lines
from archive.export.release import ExportError, export
from archive.issuers import locked
from archive.schema import TABLES

JYJ, ZF = "140600-jyj", "320813-rmzf"
V22, V23A, V23B = f"{JYJ}/2022/{'a' * 12}", f"{JYJ}/2023/{'b' * 12}", f"{JYJ}/2023/{'c' * 12}"
VZF = f"{ZF}/2023/{'d' * 12}"
NEW, CARRIED = "requests.received_new.total", "requests.carried_in.total"
MONEY = next(field for field in form.PRINTED.values() if field.type == "money_text")
DECIMAL = next(field for field in form.PRINTED.values() if field.type == "decimal")
PAGE = "http://jyj.example.gov.cn/2023.html"
PROSE = '第一行，"引号"\n第二行,逗号\r\n末行𠮷'
PARTS = ("denied_state_secret", "denied_law_prohibited", "denied_security_stability",
         "denied_third_party", "denied_internal_affairs", "denied_deliberative",
         "denied_enforcement_file", "denied_admin_query")  # fmt: skip


def report(report_id: str, current: str, **more: Any) -> dict[str, Any]:
    issuer_id, _, year = report_id.rpartition("/")
    row = {"id": report_id, "issuer_id": issuer_id, "year": int(year), "status": "live"}
    return row | {"current_version": current} | more


def version(version_id: str, number: int = 1, **more: Any) -> dict[str, Any]:
    report_id = version_id.rpartition("/")[0]
    row = {"id": version_id, "report_id": report_id, "number": number, "form": "2021"}
    return row | {"parser": "4", "media_type": "text/html"} | more


def capture(offset: int, version_id: str | None, **more: Any) -> dict[str, Any]:
    row = {"digest": f"{offset:064x}", "url": PAGE, "fetched_at": f"2024-03-0{offset}T14:00:00Z"}
    place = {"warc_file": "one.warc.gz", "offset": offset, "record_type": "response"}
    return row | place | {"status": 200, "version_id": version_id} | more


def sighting(night: int, report_id: str | None, **more: Any) -> dict[str, Any]:
    row = {"url": PAGE, "portal_id": "sz", "night": f"2024-03-0{night}", "role": "page"}
    return row | {"title": "=1+1", "verdict": "ok", "report_id": report_id} | more


FIGURES = {form.PRINTED[NEW].flat: 0, MONEY.flat: "1,234.50", DECIMAL.flat: "0.10"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "portals": [
        {"id": "sz", "name": "朔州市人民政府", "division": "140600", "home_url": "", "state": None}
    ],
    "visits": [
        {"portal_id": "sz", "night": "2024-03-02", "seconds": 130.5, "bytes": 2**53 + 1, "new": 0}
    ],
    "issuers": [
        {"id": JYJ, "name": "朔州市教育局", "division": "140600", "portal_id": "sz"},
        {"id": ZF, "name": "洪泽区人民政府", "division": "320813", "portal_id": "sz"},
    ],
    "reports": [
        report(f"{JYJ}/2022", V22, title="2022年"),
        report(f"{JYJ}/2023", V23B, title="-2023年", form="2021"),
        report(f"{ZF}/2023", VZF, title="@SUM(A1)"),
    ],
    "versions": [
        version(V22),
        version(V23A),
        version(V23B, 2, replaces=V23A, flags="一\n二"),
        version(VZF, form=None),
    ],
    "captures": [
        capture(1, V22, url="http://jyj.example.gov.cn/2022.html"),
        capture(2, V23A),
        capture(3, V23B),
        capture(4, V23B, digest=f"{3:064x}", record_type="revisit"),
        capture(5, None, status=404),
        capture(6, None, url="http://jyj.example.gov.cn/notice.html"),
    ],
    "figures": [
        {"version_id": V22, form.PRINTED[NEW].flat: 7},
        {"version_id": V23A, form.PRINTED[NEW].flat: -(10**17)},
        {
            "version_id": V23B,
            **FIGURES,
            **{f"requests__{part}__total": n for n, part in enumerate(PARTS)},
        },
        {"version_id": VZF},
    ],
    "cell_notes": [
        {"version_id": V22, "field": CARRIED, "state": "blank", "printed": ""},
        {"version_id": V23B, "field": CARRIED, "state": "na", "printed": "/", "confidence": 0.97},
    ],
    "sections": [
        {"version_id": V22, "number": 1, "heading": "一、总体情况", "text": "去年"},
        {"version_id": V23A, "number": 1, "heading": "一、总体情况", "text": "改前"},
        {"version_id": V23B, "number": 0, "heading": None, "text": ""},
        {"version_id": V23B, "number": 1, "heading": "=1+1", "text": PROSE},
    ],
    "findings": [
        {
            "version_id": V23B,
            "rule": "ROW.received_new",
            "position": 1,
            "verdict": "fail",
            "expected": "1",
            "actual": "0",
            "cells": f'["{NEW}"]',
            "proposed": f'{{"{NEW}": "1"}}',
        }
    ],
    "extras": [{"version_id": V22, "position": 1, "label": "热线", "unit": "件", "printed": "3"}],
    "unused": [{"version_id": VZF, "position": 1, "kind": "number", "place": "表1", "text": "9"}],
    "changes": [
        {
            "report_id": f"{JYJ}/2023",
            "from_version": V23A,
            "to_version": V23B,
            "position": 1,
            "field": NEW,
            "before": "-100000000000000000",
            "after": "0",
        }
    ],
    "sightings": [
        sighting(1, f"{JYJ}/2022", url="http://jyj.example.gov.cn/2022.html"),
        sighting(2, f"{JYJ}/2023"),
        sighting(5, f"{JYJ}/2023", verdict="gone"),
        sighting(2, None, url="http://jyj.example.gov.cn/notice.html", reason="不是年报"),
    ],
    "segments": [{"warc_file": "one.warc.gz", "sha256": "1" * 64, "bytes": 10**12, "captures": 6}],
    "events": [
        {"report_id": f"{JYJ}/2022", "position": 1, "kind": "new", "version_id": V22},
        {"report_id": f"{JYJ}/2023", "position": 1, "kind": "new", "version_id": V23A},
        {
            "report_id": f"{JYJ}/2023",
            "position": 2,
            "kind": "edited",
            "version_id": V23B,
            "from_version": V23A,
            "days_since_publication": 0,
        },
    ],
    "redirects": [
        {"path": f"{JYJ}/2023/{'e' * 12}", "target": V23B, "reason": "合并"},
        {"path": f"{JYJ}/2021", "target": None, "reason": "撤下"},
    ],
}  # fmt: skip


def archive(data: Path, reverse: bool = False) -> Path:
    """The archive of ROWS; `reverse` writes the rows, and so lays them, the other way round."""
    (data / "sightings").mkdir(parents=True)
    (data / "sightings" / "one.jsonl").write_text("{}\n")
    fresh = data / "nianbao.db.new"
    db = store.create(fresh)
    for table, lines in ROWS.items():
        known = [row for row in lines if row.keys() <= TABLES[table].columns.keys()]
        assert known == lines, table
        store.write(db, table, reversed(lines) if reverse else lines)
    store.put_in_place(db, fresh, data / "nianbao.db")
    (data / "ledger.csv").write_text("id,name\n140600-jyj,朔州市教育局\n", encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    return export(data, data.parent / "whole").target


@pytest.fixture(scope="module")
def of_2023(data: Path) -> Path:
    return export(data, data.parent / "of-2023", year=2023).target


def stored(data: Path, name: str, order: tuple[str, ...]) -> list[tuple[Any, ...]]:
    with sqlite3.connect(data / "nianbao.db") as db:
        return db.execute(f'select * from "{name}" order by {", ".join(order)}').fetchall()


CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)')


def cells(path: Path) -> list[list[str | None]]:
    """The cells of an RFC 4180 file: a quoted one is a text, an empty unquoted one is None."""
    text, found, row, at = path.read_bytes().decode("utf-8"), [], [], 0
    while at < len(text):
        match = CELL.match(text, at)
        assert match, text[at : at + 80]
        quoted, plain, end = match.groups()
        row.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        if end == "\r\n":
            found.append(row)
            row = []
        at = match.end()
    assert row == []
    return found


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def objects(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "reports.jsonl").read_text(encoding="utf-8").split("\n")
    assert lines.pop() == ""
    return {record["report"]["id"]: record for record in map(json.loads, lines)}


def descriptor(folder: Path) -> dict[str, Any]:
    package: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return package


@pytest.mark.parametrize("name", [*TABLES, "derived"])
def test_both_formats_hold_what_the_archive_holds(data: Path, whole: Path, name: str) -> None:
    table = rows.public_tables()[name]
    expected = stored(data, name, table.pk)
    parquet = pyarrow.parquet.read_table(whole / "parquet" / f"{name}.parquet")
    assert parquet.column_names == list(table.columns)
    assert [tuple(row.values()) for row in parquet.to_pylist()] == expected
    header, *lines = cells(whole / "csv" / f"{name}.csv")
    assert header == list(table.columns)
    types = {"TEXT": str, "INTEGER": int, "REAL": float}
    read = [types[column.type] for column in table.columns.values()]
    assert [
        tuple(None if cell is None else kind(cell) for kind, cell in zip(read, line, strict=True))
        for line in lines
    ] == expected


def test_every_row_of_the_story_is_there(whole: Path) -> None:
    for name, lines in ROWS.items():
        assert len(cells(whole / "csv" / f"{name}.csv")) == 1 + len(lines), name


def test_the_bytes_of_a_csv(whole: Path) -> None:
    text = (whole / "csv" / "sections.csv").read_bytes().decode("utf-8")
    assert text == (
        '"version_id","number","heading","text"\r\n'
        f'"{V22}",1,"一、总体情况","去年"\r\n'
        f'"{V23A}",1,"一、总体情况","改前"\r\n'
        f'"{V23B}",0,,""\r\n'
        f'"{V23B}",1,"=1+1","第一行，""引号""\n第二行,逗号\r\n末行𠮷"\r\n'
    )


def test_blank_is_neither_zero_nor_an_empty_text(whole: Path) -> None:
    figures = pyarrow.parquet.read_table(whole / "parquet" / "figures.parquet").to_pylist()
    told = {row["version_id"]: row for row in figures}
    assert [told[v][form.PRINTED[NEW].flat] for v in (V22, V23A, V23B, VZF)] == [
        7, -100_000_000_000_000_000, 0, None,
    ]  # fmt: skip
    assert (told[V23B][MONEY.flat], told[V23B][DECIMAL.flat]) == ("1,234.50", "0.10")
    (portal,) = pyarrow.parquet.read_table(whole / "parquet" / "portals.parquet").to_pylist()
    assert (portal["home_url"], portal["state"]) == ("", None)


def test_sums_the_form_defines_are_null_when_a_part_is(whole: Path) -> None:
    derived = pyarrow.parquet.read_table(whole / "parquet" / "derived.parquet").to_pylist()
    sums = {row["version_id"]: row["requests__denied__total"] for row in derived}
    assert sums == {V22: None, V23A: None, V23B: 0 + 1 + 2 + 3 + 4 + 5 + 6 + 7, VZF: None}


def test_parquet_carries_types_descriptions_and_units(whole: Path) -> None:
    schema = pyarrow.parquet.read_schema(whole / "parquet" / "figures.parquet")
    field = schema.field(form.PRINTED[NEW].flat)
    assert str(field.type) == "int64"
    assert field.metadata[b"unit"].decode() == "件"
    assert NEW in field.metadata[b"description"].decode()
    assert str(schema.field(MONEY.flat).type) == "string"
    assert schema.metadata[b"primary_key"] == b"version_id"


def test_a_report_as_one_object(whole: Path) -> None:
    told = objects(whole)
    assert list(told) == [f"{JYJ}/2022", f"{JYJ}/2023", f"{ZF}/2023"]
    record = told[f"{JYJ}/2023"]
    assert record["path"] == f"/r/{JYJ}/2023"
    assert record["issuer"]["name"] == "朔州市教育局"
    assert (record["version"]["id"], record["version"]["flags"]) == (V23B, ["一", "二"])
    assert record["sections"] == [
        {"number": 0, "heading": None, "text": ""},
        {"number": 1, "heading": "=1+1", "text": PROSE},
    ]
    assert (record["cells"][NEW], record["cells"][CARRIED]) == ("0", None)
    assert record["cells"][MONEY.key] == "1,234.50"
    assert set(form.keys("2021")) <= record["cells"].keys()
    assert record["notes"] == {CARRIED: {"state": "na", "printed": "/", "confidence": 0.97}}
    (finding,) = record["findings"]
    assert (finding["rule"], finding["cells"], finding["proposed"]) == (
        "ROW.received_new", [NEW], {NEW: "1"},
    )  # fmt: skip
    assert [version["id"] for version in record["versions"]] == [V23A, V23B]
    assert record["versions"][1]["captures"] == [
        {
            "digest": f"{3:064x}",
            "url": PAGE,
            "media_type": None,
            "first_fetched": "2024-03-03T14:00:00Z",
            "last_fetched": "2024-03-04T14:00:00Z",
            "captures": 2,
        }
    ]
    assert [change["before"] for change in record["changes"]] == ["-100000000000000000"]
    assert [event["kind"] for event in record["events"]] == ["new", "edited"]
    # A report without tables has no cells, not two hundred blank ones.
    assert told[f"{ZF}/2023"]["cells"] == {}


def test_a_year_is_cut_with_all_that_hangs_on_it(of_2023: Path) -> None:
    def of(name: str, *wanted: str) -> list[tuple[Any, ...]]:
        found = pyarrow.parquet.read_table(of_2023 / "parquet" / f"{name}.parquet").to_pylist()
        return [tuple(row[column] for column in wanted) for row in found]

    assert of("reports", "id") == [(f"{JYJ}/2023",), (f"{ZF}/2023",)]
    assert of("versions", "id") == [(V23A,), (V23B,), (VZF,)]
    for name in ("figures", "derived"):
        assert of(name, "version_id") == [(V23A,), (V23B,), (VZF,)]
    assert of("cell_notes", "version_id") == [(V23B,)]
    assert of("sections", "version_id", "number") == [(V23A, 1), (V23B, 0), (V23B, 1)]
    assert of("extras", "version_id") == []
    assert of("unused", "version_id") == [(VZF,)]
    # The 404 at its address belongs to the report, the notice and last year's page do not.
    assert of("captures", "offset") == [(2,), (3,), (4,), (5,)]
    assert of("sightings", "night") == [("2024-03-02",), ("2024-03-05",)]
    assert of("events", "position") == [(1,), (2,)]
    assert of("redirects", "path") == [(f"{JYJ}/2023/{'e' * 12}",)]
    assert of("issuers", "id") == [(JYJ,), (ZF,)]
    assert of("portals", "id") == [("sz",)]
    assert of("segments", "warc_file") == [("one.warc.gz",)]
    assert len(of("fields", "key")) == len(form.PRINTED)
    assert list(objects(of_2023)) == [f"{JYJ}/2023", f"{ZF}/2023"]
    assert descriptor(of_2023)["name"] == "nianbao-2023"


@pytest.mark.parametrize("folder", ["whole", "of_2023"])
def test_primary_and_foreign_keys_hold(folder: str, request: pytest.FixtureRequest) -> None:
    target: Path = request.getfixturevalue(folder)
    tables = {one["name"]: one for one in descriptor(target)["resources"] if "schema" in one}
    values = {}
    for name, resource in tables.items():
        header, *lines = cells(target / resource["path"])
        values[name] = [dict(zip(header, line, strict=True)) for line in lines]
    checked = 0
    for name, resource in tables.items():
        pk = resource["schema"]["primaryKey"]
        ids = [tuple(row[column] for column in pk) for row in values[name]]
        assert len(set(ids)) == len(ids), name
        for key in resource["schema"].get("foreignKeys", ()):
            (column,), (other,) = key["fields"], key["reference"]["fields"]
            there = {row[other] for row in values[key["reference"]["resource"] or name]}
            for row in values[name]:
                assert row[column] is None or row[column] in there, (name, row)
                checked += row[column] is not None
    assert checked > 30


def test_the_descriptor_keeps_the_rules_of_data_packages(whole: Path) -> None:
    """The MUSTs of Data Package and Table Schema 2.0, and that every path and digest is true."""
    package = descriptor(whole)
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    assert package["version"] == "2024-03-05"
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names)
    assert "created" not in package
    assert [licence["name"] for licence in package["licenses"]] == ["CC-BY-4.0"]
    digests, described = tree(whole), {"SHA256SUMS", "datapackage.json", "README.md"}
    for resource in package["resources"]:
        assert re.fullmatch(r"[a-z0-9._/-]+", resource["name"])
        path = resource["path"]
        assert not path.startswith("/")
        assert ".." not in path
        assert resource["hash"] == f"sha256:{digests[path]}"
        assert resource["bytes"] == (whole / path).stat().st_size
        described.add(path)
        if resource.get("type") != "table":
            assert "schema" not in resource
            continue
        schema = resource["schema"]
        header = cells_of_header(whole / path)
        assert [field["name"] for field in schema["fields"]] == header
        assert {field["type"] for field in schema["fields"]} <= {"string", "integer", "number"}
        assert all(field["description"] for field in schema["fields"])
        assert set(schema["primaryKey"]) <= set(header)
        for key in schema.get("foreignKeys", ()):
            assert set(key["fields"]) <= set(header)
            assert key["reference"]["resource"] in {"", *names}
        assert resource["rows"] == len(rows_of(whole / path))
    assert described == set(digests)
    fields = next(one for one in package["resources"] if one["name"] == "figures")["schema"]
    told = {field["name"]: field for field in fields["fields"]}
    assert (told[form.PRINTED[NEW].flat]["type"], told[form.PRINTED[NEW].flat]["unit"]) == (
        "integer", "件",
    )  # fmt: skip
    assert told[MONEY.flat]["type"] == "string"
    assert {"fields": ["version_id"], "reference": {"resource": "versions", "fields": ["id"]}} in (
        fields["foreignKeys"]
    )


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def cells_of_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def test_the_field_dictionary(whole: Path) -> None:
    header, *lines = cells(whole / "csv" / "field_dictionary.csv")
    entries = [dict(zip(header, line, strict=True)) for line in lines]
    assert len(entries) == 343
    assert len({entry["key"] for entry in entries}) == 336
    (denied,) = [entry for entry in entries if entry["key"] == "requests.denied.natural_person"]
    assert (denied["flat"], denied["kind"], denied["unit"], denied["forms"]) == (
        "requests__denied__natural_person", "derived", "件", "2019,2021",
    )  # fmt: skip
    assert denied["row_path_zh"] == "三、本年度办理结果"
    assert {entry["forms"] for entry in entries} == {"2019", "2021", "2019,2021", "stats2014"}


def test_the_sums_can_be_checked_by_anybody(whole: Path) -> None:
    subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=whole,
        check=True,
        timeout=60,
    )
    named = {
        line.partition("  ")[2]
        for line in (whole / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    }
    assert named == tree(whole).keys() - {"SHA256SUMS"}


def test_the_list_of_what_the_archive_was_made_from(data: Path, whole: Path) -> None:
    listed = read_listing(whole / "captures.csv")
    ledger = (data / "ledger.csv").read_bytes()
    assert listed[:2] == [
        Listed("segment", "one.warc.gz", 10**12, "1" * 64),
        Listed("sightings", "one.jsonl", 3, hashlib.sha256(b"{}\n").hexdigest()),
    ]
    assert (
        Listed("growing", "ledger.csv", len(ledger), hashlib.sha256(ledger).hexdigest()) in listed
    )
    assert [one for one in listed if one.kind in ("parser", "writer")] == [
        Listed("parser", "4"),
        Listed("writer", f"pyarrow {pyarrow.__version__}"),
    ]


def test_every_kind_of_file_it_lists_is_explained(whole: Path) -> None:
    inputs = next(one for one in descriptor(whole)["resources"] if one["name"] == "inputs")
    (told,) = (one["description"] for one in inputs["schema"]["fields"] if one["name"] == "kind")
    listed = {one.kind for one in read_listing(whole / "captures.csv")}
    assert listed >= {"corrections", "takedowns"}
    assert {kind for kind in listed if not re.search(rf"\b{kind} \S", told)} == set()


def test_the_readme_speaks_both_languages_and_names_the_licence(whole: Path) -> None:
    text = (whole / "README.md").read_text(encoding="utf-8")
    assert "空白不是 0" in text
    assert "Blank is not zero" in text
    assert "3 reports in 4 versions" in text
    assert "- `figures` (4): " in text
    assert "The reports themselves are public documents" in text
    assert text.count("CC BY 4.0（https://creativecommons.org/licenses/by/4.0/）") == 1
    assert text.count("CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)") == 1
    assert "$" not in text
    assert "CC0" not in text


def test_the_same_archive_gives_the_same_bytes(data: Path, whole: Path, tmp_path: Path) -> None:
    # In another process, whose hashes of texts differ, and for an archive laid the other way round.
    other = archive(tmp_path / "other", reverse=True)
    command = [sys.executable, "-m", "archive", "export", "--data", other, "--to", tmp_path / "out"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LC_ALL": "C"},
    )
    assert "3 reports in 4 versions" in done.stdout
    assert tree(tmp_path / "out") == tree(whole)


def test_row_groups_are_the_same_whatever_the_machine(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CHUNK", 2)
    monkeypatch.setattr(columns, "GROUP_BYTES", 1)
    many = export(data, tmp_path / "many").target
    file = pyarrow.parquet.ParquetFile(many / "parquet" / "captures.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [2, 2, 2]
    assert [row["offset"] for row in file.read().to_pylist()] == [1, 2, 3, 4, 5, 6]
    assert len(cells(many / "csv" / "captures.csv")) == 7


def test_a_former_release_is_replaced(data: Path, whole: Path, tmp_path: Path) -> None:
    target = export(data, tmp_path / "out", year=2022).target
    assert list(objects(target)) == [f"{JYJ}/2022"]
    export(data, tmp_path / "out")
    assert tree(target) == tree(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_no_release_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("keep")
    with pytest.raises(ExportError, match="notes holds what is no release"):
        export(data, tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "keep"
    out = export(data, tmp_path / "out").target
    (out / "csv" / "mine.txt").write_text("keep")
    with pytest.raises(ExportError, match="out holds what is no release"):
        export(data, out)
    assert (out / "csv" / "mine.txt").read_text() == "keep"
    (tmp_path / "aside.new").mkdir()
    (tmp_path / "aside.new" / "mine.txt").write_text("keep")
    with pytest.raises(ExportError, match=r"aside\.new holds what is no release"):
        export(data, tmp_path / "aside")
    (tmp_path / "file").write_text("keep")
    with pytest.raises(ExportError, match="file is no folder"):
        export(data, tmp_path / "file")


def test_an_export_that_fails_leaves_the_former_release(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = export(data, tmp_path / "out", year=2022).target
    before = tree(target)

    def full(*_: object) -> Iterator[object]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(release, "records", full)
    with pytest.raises(ExportError, match="disk is full"):
        export(data, target)
    assert tree(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_archive_damaged_where_takedowns_are_looked_up_is_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(release, "narrow", damaged)
    with pytest.raises(ExportError, match=r"nianbao\.db .*malformed\): build it again"):
        export(data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_is_told(data: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: the same call fails, not a stub."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from archive.__main__ import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "--data", data, "--to", tmp_path / "out"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_cleared_away(data: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "out.new" / "csv").mkdir(parents=True)
    (tmp_path / "out.new" / ".unfinished").touch()
    (tmp_path / "out.new" / "csv" / "half.csv").touch()
    # Killed between the two renames: the former release waits under another name.
    export(data, tmp_path / "out.old", year=2022)
    export(data, tmp_path / "out")
    assert tree(tmp_path / "out") == tree(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_killed_between_the_renames_the_former_release_comes_back(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = export(data, tmp_path / "out", year=2022).target
    before, rename = tree(target), Path.rename

    def killed(path: Path, other: Path) -> Path:
        if path.name == "out.new":
            raise KeyboardInterrupt
        return rename(path, other)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            export(data, target)
    assert not target.exists()
    with pytest.raises(ExportError, match="no archive"):
        export(tmp_path / "nowhere", target)
    assert tree(target) == before


def test_a_year_without_reports(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no report of 1999: .* years: 2022, 2023"):
        export(data, tmp_path / "out", year=1999)
    assert list(tmp_path.iterdir()) == []


def test_one_export_at_a_time_writes_a_folder(data: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "out.new" / ".unfinished") as mine:
        assert mine
        with pytest.raises(ExportError, match="another export writes"):
            export(data, tmp_path / "out")


def test_no_archive_a_build_at_work_and_an_archive_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="run `python -m archive build` first"):
        export(tmp_path, tmp_path / "out")
    data = archive(tmp_path / "data")
    with locked(data / "build.lock"), pytest.raises(ExportError, match="a build holds"):
        export(data, tmp_path / "out")
    with sqlite3.connect(data / "nianbao.db") as db:
        db.execute("alter table sections drop column heading")
    with pytest.raises(ExportError, match="lacks the columns heading of sections"):
        export(data, tmp_path / "out")
    (data / "nianbao.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ExportError, match="build it again"):
        export(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("garbage", " is damaged or no archive (file is not a database): build it again"),
        ("empty", ": it is empty. Build it again"),
        ("cut", " is damaged or no archive (database disk image is malformed): build it again"),
        ("folder", " is a folder, not an archive: move it away, then build again"),
    ],
)
@pytest.mark.parametrize("year", [None, 2023])
def test_what_is_no_archive_is_told_as_what_it_is(
    tmp_path: Path, how: str, told: str, year: int | None
) -> None:
    data = archive(tmp_path / "data")
    path = data / "nianbao.db"
    whole = path.read_bytes()
    path.unlink()
    match how:
        case "garbage":
            path.write_bytes(b"no database" * 1000)
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "folder":
            path.mkdir()
    with pytest.raises(ExportError) as error:
        export(data, tmp_path / "out", year)
    assert str(error.value) == f"{path}{told}"
    assert [one.name for one in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_from_a_disk_that_can_only_be_read(
    data: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, mode: str = "r", *others: Any, **more: Any) -> Any:
        if path.parent == data and mode[0] in "aw+":
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, mode, *others, **more)

    opened = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    assert tree(export(data, tmp_path / "out").target) == tree(whole)


def test_sightings_closed_after_the_build_are_no_part_of_it(tmp_path: Path) -> None:
    data = archive(tmp_path / "data")
    late = data / "sightings" / "late.jsonl"
    late.write_text("{}\n")
    built = (data / "nianbao.db").stat().st_mtime_ns
    os.utime(late, ns=(built + 1, built + 1))
    with pytest.raises(ExportError, match=r"1 files were closed after .* sightings/late\.jsonl"):
        export(data, tmp_path / "out")
    os.utime(late, ns=(built, built))
    listed = read_listing(export(data, tmp_path / "out").target / "captures.csv")
    digest = hashlib.sha256(b"{}\n").hexdigest()
    assert Listed("sightings", "late.jsonl", 3, digest) in listed
    for path in (data / "sightings").iterdir():
        path.unlink()
    with pytest.raises(ExportError, match="nothing says which sightings it was made from"):
        export(data, tmp_path / "out")


def test_an_empty_archive_makes_a_release(tmp_path: Path) -> None:
    db = store.create(tmp_path / "nianbao.db.new")
    store.put_in_place(db, tmp_path / "nianbao.db.new", tmp_path / "nianbao.db")
    target = export(tmp_path, tmp_path / "out").target
    assert (target / "reports.jsonl").read_bytes() == b""
    assert (target / "csv" / "versions.csv").read_bytes().count(b"\r\n") == 1
    assert pyarrow.parquet.read_table(target / "parquet" / "figures.parquet").num_rows == 0
    assert "version" not in descriptor(target)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,sha256\r\n", "line 1"),
        ("", "line 1"),
        ("segment,../../etc/passwd.warc.gz,1," + "a" * 64, "line 2"),
        ("segment,.warc.gz,1," + "a" * 64, "line 2"),
        ("segment,a.warc.gz,-1," + "a" * 64, "line 2"),
        ("segment,a.warc.gz," + "9" * 5000 + "," + "a" * 64, "line 2"),
        ("segment,a.warc.gz,1,A" + "a" * 63, "line 2"),
        ("sightings,a.warc.gz,1," + "a" * 64, "line 2"),
        ("growing,frontier.db,1," + "a" * 64, "line 2"),
        ("segment,a.warc.gz,1", "line 2"),
        ("virus,a,1," + "a" * 64, "line 2"),
    ],
)
def test_a_list_that_cannot_be_trusted(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "captures.csv"
    header = "" if complaint == "line 1" else "kind,name,bytes,sha256\r\n"
    path.write_text(header + text, encoding="utf-8")
    with pytest.raises(ListingError, match=complaint):
        read_listing(path)


def test_a_list_reads_as_it_was_written(tmp_path: Path) -> None:
    listed = [Listed("segment", 'a,"b".warc.gz', 0, "0" * 64), Listed("parser", "4")]
    (tmp_path / "captures.csv").write_bytes(as_csv(listed).encode())
    assert read_listing(tmp_path / "captures.csv") == listed


@pytest.mark.parametrize(
    ("text", "end"), [(b"", 0), (b"cut", 0), (b"a\n", 2), (b"a\nb\ncut", 4), (b"\n" + b"x" * 9, 1)]
)
def test_a_growing_file_counts_to_its_last_whole_line(
    tmp_path: Path, text: bytes, end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.export.listing.CHUNK", 3)
    (tmp_path / "file").write_bytes(text)
    with (tmp_path / "file").open("rb") as file:
        assert whole_lines(file) == end


def test_a_reader_that_heeds_quotes_gets_the_same_table_from_both_formats(whole: Path) -> None:
    for name in (*TABLES, "derived", "field_dictionary"):
        expected = pyarrow.parquet.read_table(whole / "parquet" / f"{name}.parquet")
        told = pyarrow.csv.ConvertOptions(
            column_types=expected.schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        lines = pyarrow.csv.ParseOptions(newlines_in_values=True)
        read = pyarrow.csv.read_csv(
            whole / "csv" / f"{name}.csv", convert_options=told, parse_options=lines
        )
        assert read.to_pylist() == expected.to_pylist(), name
