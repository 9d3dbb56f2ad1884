"""Documents made to hurt: each costs itself, in bounded time and memory, with a reason."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from pathlib import Path

import pytest

from archive.cells.audit import audit
from archive.files import Entry, read_entry
from archive.identify import identify
from archive.model import Document, Evidence, Paragraph
from archive.parse import parse
from archive.read import Part, read_report
from archive.workers import Failure, Limits, read_each

# Less than a scan may take, more than any of these should.
LIMITS = Limits(cpu_seconds=40, wall_seconds=80, memory_bytes=2 << 30)
HEAD = "<html><body><p>北原市教育局2023年政府信息公开工作年度报告</p>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>"


def packed(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


def pdf(*objects: bytes) -> bytes:
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (size, table, size, len(out))
    )


def bombs() -> dict[str, bytes]:
    zeros = packed(("a.txt", bytes(50 << 20)))
    stream = zlib.compress(zlib.compress(bytes(200 << 20), 9), 9)
    tree = b"<</Type/Catalog/Pages 2 0 R>>"
    return {
        "bomb.zip": zeros,
        "nested.zip": packed(*((f"{n}.zip", zeros) for n in range(20))),
        "bomb.docx": packed(("word/document.xml", bytes(50 << 20))),
        "bomb.xlsx": packed(("xl/workbook.xml", bytes(50 << 20))),
        "bomb.ofd": packed(("OFD.xml", bytes(50 << 20))),
        "pages.pdf": pdf(
            tree, b"<</Type/Pages/Count 1000000/Kids[%s]>>" % (b"3 0 R " * 10**6), PAGE
        ),
        "loop.pdf": pdf(tree, b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>"),
        "flate.pdf": pdf(
            tree,
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            PAGE,
            b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream"
            % (len(stream), stream),
        ),
        "huge.html": (HEAD + "<table>" + "<tr><td>1</td><td>2</td></tr>" * 2_000_000).encode(),
        "deep.html": (HEAD + "<div>" * 100_000).encode(),
        "tables.html": (HEAD + "<table><tr><td>" * 100_000).encode(),
        "attributes.html": (HEAD + "<p " + " ".join(f"a{n}" for n in range(10**6)) + ">").encode(),
        "empty.html": b"",
        "byte.html": b"x",
        "nul.html": bytes(10_000),
        "picture.html": b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "surrogate.html": (HEAD + "\ud800" * 100).encode("utf-8", "surrogatepass"),
    }


def test_each_bomb_costs_one_document(tmp_path: Path) -> None:
    entries = []
    for name, data in bombs().items():
        (tmp_path / name).write_bytes(data)
        entries.append(Entry(tmp_path / name, Evidence()))
    for entry, read in read_each(entries, read_entry, 2, LIMITS):
        assert read.reason, entry.file.name
        if not isinstance(read, Failure):
            assert not read.is_report, entry.file.name


# Beginnings of what our patterns look for, each before, after and amid a long run of fillers.
WORDS = (
    "信息内容 本年新收 结转下 复议后起诉 维持 六、其他需要 一、总体 二、主动公开 三、收到和处理 四、因 "
    "五、存在问题 2023年 第 指标 打印 浏览 (不 1 - ."
).split()
FILLERS = ("一、", "1", "1,", " ", "（", "(", "|", "\n", "\t", "- ", "年", "0 ", "、")


@pytest.mark.parametrize("filler", FILLERS)
def test_no_pattern_runs_away(filler: str) -> None:
    """A pattern of quadratic cost would not finish within the time a test run has."""
    run = filler * (20_000 // len(filler))
    for word in WORDS:
        for text in (word + run, run + word, word + run + word + "件 1"):
            lines = tuple(filter(None, map(str.strip, text.split("\n"))))
            document = Document("text/plain", tuple(map(Paragraph, lines)), lines, text=text)
            parsed = parse(document)
            identify(document, Evidence(), parsed.sections, parsed.numbers())
            assert len(audit([document], parsed)) <= 201


@pytest.mark.parametrize("tenth", range(10))
def test_a_page_cut_off_anywhere_is_answered(tenth: int) -> None:
    rows = "".join(f"<tr><td>{n}</td><td>（一）予以公开</td><td>0</td></tr>" for n in range(200))
    data = f"{HEAD}<table>{rows}</table><p>六、其他需要报告的事项</p></body></html>".encode()
    for whole in (data, packed(("word/document.xml", data)), pdf(b"<</Pages 2 0 R>>", PAGE)):
        reading = read_report([Part(whole[: len(whole) * tenth // 10])], Evidence())
        assert reading.reason


def test_random_bytes_are_answered() -> None:
    chance = random.Random(3)
    for start in (b"", b"<html>", b"%PDF-1.7\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x89PNG"):
        reading = read_report([Part(start + chance.randbytes(3000))], Evidence())
        assert not reading.is_report
        assert reading.reason
