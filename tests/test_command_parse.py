"""`python -m archive parse` as a person or a script types it."""

import json
from pathlib import Path

from click.testing import CliRunner

from archive.__main__ import main

KEYS = {
    "file", "is_report", "reason", "issuer", "year", "form", "title", "published_on", "sections",
    "cells", "notes", "findings",
}  # fmt: skip
TEXT = """北原市教育局2023年政府信息公开工作年度报告
一、总体情况
二、主动公开政府信息情况
三、收到和处理政府信息公开申请情况
一、本年新收政府信息公开申请数量 2 0 0 0 0 0 2
（六）其他处理 3.其他 0 0 0 0 0 0 1
四、结转下年度继续办理 0 0 0 0 0 0 0
四、政府信息公开行政复议、行政诉讼情况
五、存在的主要问题及改进情况
六、其他需要报告的事项
"""


def run(*arguments: str) -> tuple[int, list[dict], str]:
    result = CliRunner().invoke(main, ["parse", *arguments])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, lines, result.stderr


def test_a_file_gives_a_line(tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_text(TEXT, encoding="utf-8")
    status, (line,), _ = run(str(file), "--portal-name", "北原市人民政府")
    assert status == 0
    assert set(line) >= KEYS
    assert (line["issuer"], line["year"], line["form"]) == ("北原市教育局", 2023, "2021")
    assert line["cells"]["requests.received_new.total"] == "2"
    assert line["cells"]["requests.granted.total"] is None
    assert line["notes"]["requests.granted.total"] == {"state": "missing", "printed": ""}
    broken = [f for f in line["findings"] if f["verdict"] == "fail"]
    assert [(f["rule"], f["expected"], f["actual"]) for f in broken] == [
        ("ROW.other_misc", "0", "1")
    ]


def test_unreadable_files_answer_too(tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    status, lines, _ = run(str(tmp_path / "bad.pdf"), str(tmp_path / "absent.html"), str(tmp_path))
    assert status == 0
    assert [line["is_report"] for line in lines] == [False, False, False]
    assert all(line["reason"] for line in lines)


def test_a_manifest_is_answered_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    entries = [
        {"file": str(tmp_path / "a.txt"), "listed_title": "北原市教育局2023年政府网站工作年度报表"},
        {"file": str(tmp_path / "a.txt"), "portal_name": None},
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(map(json.dumps, entries)) + "\n\n", encoding="utf-8")
    status, lines, _ = run("--manifest", str(manifest))
    assert status == 0
    assert [line["is_report"] for line in lines] == [False, True]


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"url": "http://x"}\n', encoding="utf-8")
    status, _, errors = run("--manifest", str(manifest))
    assert status == 1
    assert "line 1" in errors


def test_files_or_manifest_but_not_none() -> None:
    assert run()[0] == 2


def test_a_manifest_may_name_what_is_no_file(tmp_path: Path) -> None:
    lines = [
        '{"file": "a\\u0000b"}',
        '{"file": "\\ud800", "listed_title": 5}',
        '{"file": "x\u2028y"}',
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(main, ["parse", "--manifest", str(manifest)])
    read = [json.loads(line) for line in result.stdout.strip("\n").split("\n")]
    assert result.exit_code == 0
    assert [line["is_report"] for line in read] == [False] * 3
    assert all("读不到文件" in line["reason"] for line in read)
