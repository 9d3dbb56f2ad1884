"""Archives, saved web pages, and what they may not do."""

from __future__ import annotations

import gzip
import io
import zipfile
from random import Random

import pytest

from archive.extract import extract
from archive.model import Paragraph, Picture, Table, UnreadableError
from tests.office_files import archived
from tests.test_extract_office import docx_of, p, r


def text(words: str) -> bytes:
    return words.encode()


def lines(data: bytes) -> list[str]:
    return [block.text for block in extract(data).blocks if isinstance(block, Paragraph)]


def test_the_report_comes_first_and_its_annexes_by_number() -> None:
    data = archived(
        {
            "附件10.txt": text("丁"),
            "附件2.txt": text("丙"),
            "北原市2023年度报告.txt": text("甲"),
            "__MACOSX/._附件2.txt": b"\0\5\x16\7" * 9,
            "~$报告.docx": b"\7" * 50,
            "扫描.png": b"\x89PNG\r\n\x1a\n",
        }
    )
    assert lines(data) == ["甲", "丙", "丁"]
    assert extract(data).blocks[1:2] == (Picture("扫描.png", b"\x89PNG\r\n\x1a\n"),)


def test_without_a_telling_name_the_biggest_comes_first() -> None:
    assert lines(archived({"a.txt": text("小"), "b.docx": docx_of(p(r("大")))})) == ["大", "小"]


def test_names_in_gbk_are_read() -> None:
    """Windows writes GBK names and does not say so; zipfile reads them as cp437."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a-xxxxxxxx.txt", "附件")
        archive.writestr("b-yyyyyyyy.txt", "报告")
    data = buffer.getvalue()
    data = data.replace(b"a-xxxxxxxx.txt", "附件一览".encode("gbk") + b"aa.txt")
    data = data.replace(b"b-yyyyyyyy.txt", "工作报告".encode("gbk") + b"bb.txt")
    assert lines(data) == ["报告", "附件"]


def test_an_archive_in_an_archive_and_no_deeper() -> None:
    inner = archived({"报告.txt": text("正文")})
    assert lines(archived({"报告.zip": inner})) == ["正文"]
    with pytest.raises(UnreadableError, match="嵌套"):
        extract(archived({"a.zip": archived({"b.zip": inner})}))


def test_hostile_names_are_only_names() -> None:
    data = archived({"../../etc/报告.txt": text("正文"), "C:\\windows\\a.txt": text("附")})
    assert lines(data) == ["正文", "附"]


def test_a_gzipped_page_is_the_page() -> None:
    assert lines(gzip.compress(text("一、总体情况"))) == ["一、总体情况"]


def test_what_cannot_be_read_in_an_archive_is_passed_over() -> None:
    assert lines(archived({"a.rar": b"Rar!\x1a\x07\0" + b"\0" * 99, "b.txt": text("正文")})) == [
        "正文"
    ]
    with pytest.raises(UnreadableError, match=r"没有可读的文件（a\.rar：RAR"):
        extract(archived({"a.rar": b"Rar!\x1a\x07\0" + b"\0" * 99}))


def locked(data: bytes) -> bytes:
    """The archive with every member marked as encrypted."""
    local, central = b"PK\x03\x04", b"PK\x01\x02"
    out = bytearray(data)
    for mark, offset in ((local, 6), (central, 8)):
        at = out.find(mark)
        while at >= 0:
            out[at + offset] |= 1
            at = out.find(mark, at + 4)
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (locked(archived({"报告.txt": text("正文")})), "密码"),
        (locked(docx_of(p(r("正文")))), "密码"),
        (archived({"a.txt": b"0" * 60_000_000}), "压缩炸弹"),
        (archived({f"{n}.txt": text("字") for n in range(100)}), "100 个文件"),
        (archived({}), "没有文件"),
        (archived({"报告.txt": text("正文" * 99)})[:-30], "损坏"),
        (gzip.compress(text("正文" * 99))[:-9], "不完整"),
        (gzip.compress(b"0" * 210_000_000, 1), "过大"),
    ],
    ids=["locked", "locked docx", "bomb", "many", "empty", "cut", "cut gzip", "gzip bomb"],
)
def test_a_bad_archive_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        extract(data)


def mhtml(page: bytes, charset: str, picture: bytes = b"") -> bytes:
    import base64

    return b"\r\n".join(
        (
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/related; boundary="----=_Next"',
            b"",
            b"------=_Next",
            b"Content-Location: file:///C:/1/a.htm",
            b"Content-Transfer-Encoding: base64",
            f'Content-Type: text/html; charset="{charset}"'.encode(),
            b"",
            base64.encodebytes(page),
            b"------=_Next",
            b"Content-Location: file:///C:/1/a.files/image001.png",
            b"Content-Transfer-Encoding: base64",
            b"Content-Type: image/png",
            b"",
            base64.encodebytes(picture),
            b"------=_Next--",
            b"",
        )
    )


@pytest.mark.parametrize("charset", ["gb2312", "utf-8", "unicode"])
def test_a_page_saved_in_one_file_is_the_page(charset: str) -> None:
    table = "<table><tr><td>规章</td><td>12</td></tr><tr><td>行政许可</td><td>3</td></tr></table>"
    page = f"<html><body><p>二、主动公开政府信息情况</p>{table}<p>{'字' * 60}</p></body></html>"
    data = mhtml(page.encode("utf-16" if charset == "unicode" else charset), charset)
    read = extract(data)
    (found,) = (block for block in read.blocks if isinstance(block, Table))
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["规章", "12"],
        ["行政许可", "3"],
    ]
    assert "二、主动公开政府信息情况" in read.prose


def test_a_saved_page_without_a_page_says_so() -> None:
    data = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n\n--x\nContent-Type: text/css\n\na\n--x--\n"
    with pytest.raises(UnreadableError, match="没有可读的网页"):
        extract(data)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_are_refused_or_read_and_never_crash(seed: int) -> None:
    """Bytes turned, cut and doubled at random, in each container we open."""
    from tests.office_files import OfdPages, ofd_file

    random = Random(seed)
    canvas = OfdPages()
    canvas.text(20, 20, 4, "正文")
    wholes = (
        docx_of(p(r("正文"))),
        ofd_file(canvas.pages),
        archived({"报告.txt": text("正文" * 50)}),
        mhtml("<html><p>正文</p></html>".encode(), "utf-8"),
        gzip.compress(text("正文" * 50)),
        bytes(random.randrange(256) for _ in range(2000)),
    )
    for whole in wholes:
        for _ in range(25):
            data = bytearray(whole)
            for _ in range(random.randrange(1, 8)):
                data[random.randrange(len(data))] = random.randrange(256)
            begin = random.randrange(len(data))
            data[begin:begin] = data[begin : begin + random.randrange(40)]
            try:
                extract(bytes(data[: random.randrange(len(data) // 2, len(data) + 1)]))
            except UnreadableError:
                continue
