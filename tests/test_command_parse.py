"""`python -m archive parse` as a person or a script types it."""

import json
from pathlib import Path

from click.testing import CliRunner

from archive import files
from archive.__main__ import main

KEYS = {
    "file", "is_report", "reason", "issuer", "year", "form", "title", "published_on", "sections",
    "cells", "notes", "findings", "body", "flags", "extras", "unused",
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


PAGE = """<html><head><title>北原市教育局2023年政府信息公开工作年度报告</title></head><body>
<p>北原市教育局2023年政府信息公开工作年度报告</p>
<p>一、总体情况</p><p>本年度按规定公开政府信息，详见附表。</p>
<p>二、主动公开政府信息情况</p><p>三、收到和处理政府信息公开申请情况</p>
<p><img src="page_files/table.png"><img src='/etc/hostname.png'><img src=../outside.png></p>
<p>四、政府信息公开行政复议、行政诉讼情况</p><p>五、存在的主要问题及改进情况</p>
<p>六、其他需要报告的事项</p><p>附件：<a href="page_files/%E9%99%84%E8%A1%A8.txt?v=1">附表</a></p>
</body></html>"""


def saved_page(folder: Path) -> Path:
    """A page as a browser saves it, beside files it has no business with."""
    (folder / "site" / "page_files").mkdir(parents=True)
    (folder / "site" / "page_files" / "table.png").write_bytes(b"\x89PNG one")
    (folder / "site" / "page_files" / "附表.txt").write_text(TEXT, encoding="utf-8")
    (folder / "outside.png").write_bytes(b"\x89PNG two")
    page = folder / "site" / "page.html"
    page.write_text(PAGE, encoding="utf-8")
    return page


def test_what_a_saved_page_names_is_read_with_it(tmp_path: Path) -> None:
    page = saved_page(tmp_path)
    parts = list(files.local_parts(page, page.read_bytes(), "http://a.gov.cn/x/page.html"))
    assert [(part.name, part.url) for part in parts] == [
        ("table.png", "http://a.gov.cn/x/page_files/table.png"),
        ("附表.txt", "http://a.gov.cn/x/page_files/%E9%99%84%E8%A1%A8.txt?v=1"),
    ]
    status, (line,), _ = run(str(page))
    assert status == 0
    assert (line["issuer"], line["cells"]["requests.received_new.total"]) == ("北原市教育局", "2")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    page = saved_page(tmp_path)
    (page.parent / "page_files" / "table.png").unlink()
    (page.parent / "page_files" / "table.png").symlink_to(tmp_path / "outside.png")
    parts = files.local_parts(page, page.read_bytes())
    assert [part.name for part in parts] == ["附表.txt"]


def test_local_files_are_bounded(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    names = [f"{n}.png" for n in range(files.MOST_FILES + 5)]
    for name in names:
        (tmp_path / name).write_bytes(b"\x89PNG")
    page.write_text("".join(f'<img src="{name}">' for name in names), encoding="utf-8")
    parts = files.local_parts(page, page.read_bytes())
    assert [part.name for part in parts] == names[: files.MOST_FILES]
    with (tmp_path / "0.png").open("r+b") as sparse:
        sparse.truncate(files.MOST_BYTES + 1)
    assert list(files.local_parts(page, page.read_bytes())) == []


def test_annexes_are_named_on_the_command_line_and_in_a_manifest(tmp_path: Path) -> None:
    page, annex = tmp_path / "page.html", tmp_path / "annex.txt"
    page.write_text(PAGE, encoding="utf-8")
    annex.write_text(TEXT, encoding="utf-8")
    _, (alone,), _ = run(str(page))
    assert alone["cells"].get("requests.received_new.total") is None
    _, (together,), _ = run(str(page), "--attachment", str(annex))
    assert together["cells"]["requests.received_new.total"] == "2"
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(json.dumps({"file": str(page), "attachments": [str(annex)]}), "utf-8")
    assert run("--manifest", str(manifest))[1] == [together]
    _, (lost,), _ = run(str(page), "--attachment", str(tmp_path / "absent.pdf"))
    assert "absent.pdf" in lost["reason"]
    assert run(str(page), str(page), "--attachment", str(annex))[0] == 2


def test_one_that_exceeds_its_limit_costs_one_line(tmp_path: Path) -> None:
    """A sparse file of 8 GB does not fit into the memory of a worker."""
    huge, fine = tmp_path / "huge.html", tmp_path / "a.txt"
    with huge.open("wb") as sparse:
        sparse.truncate(8 << 30)
    fine.write_text(TEXT, encoding="utf-8")
    status, lines, _ = run(str(fine), str(huge), str(fine))
    assert status == 0
    assert [line["is_report"] for line in lines] == [True, False, True]
    assert lines[1]["reason"] == "读取内存超过 4 GB，已放弃"


def test_why_a_file_cannot_be_read_is_said_in_chinese(tmp_path: Path) -> None:
    absent = CliRunner().invoke(main, ["parse", str(tmp_path / "无此文件.html")])
    folder = CliRunner().invoke(main, ["parse", str(tmp_path)])
    assert json.loads(absent.stdout)["reason"] == "读不到文件：没有这个文件"
    assert json.loads(folder.stdout)["reason"] == "读不到文件：这是文件夹，不是文件"
