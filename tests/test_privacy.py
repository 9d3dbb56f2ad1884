"""What is masked of a person, and what stays of an office, a document, a form's figures."""

from __future__ import annotations

import random
import re
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from archive import privacy, store
from archive.privacy import (
    columns,
    find_masks,
    is_identity_number,
    mask,
    masked,
    masked_cell,
    patterns,
)
from archive.schema import TABLES

ID_HIDDEN, HOME_HIDDEN = "【身份证号码已隐去】", "【住址已隐去】"
# The example of GB 11643-1999 itself.
STANDARD = "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("联系电话：13812345678。", "联系电话：138********。"),
        ("电话 138-1234-5678", "电话 138********"),
        ("电话138 1234 5678，", "电话138********，"),
        ("1381234 5678", "138********"),
        ("手机：１３８１２３４５６７８", "手机：１３８********"),
        ("+86 138 1234 5678", "+86 138********"),
        ("+86-13812345678", "+86-138********"),
        ("008613812345678", "0086138********"),
        ("8613812345678", "86138********"),
        # A landline stays, a mobile number beside it does not.
        ("0349-2022222 13812345678", "0349-2022222 138********"),
        ("0349-2022222、13812345678", "0349-2022222、138********"),
        ("0349-2022222/13812345678", "0349-2022222/138********"),
        ("（13812345678）19912345678", "（138********）199********"),
        # A line of a PDF broke in it.
        ("手机号码：138\n12345678。", "手机号码：138********。"),
        ("联系方式138-1234\n5678", "联系方式138********"),
        # A mailbox is an office's; a person's number in it is not.
        ("电子邮箱：13812345678@example.cn", "电子邮箱：138********@example.cn"),
        # Many zeros, but announced.
        ("手机：13000000000", "手机：130********"),
        ("Tel:13812345678", "Tel:138********"),
        # Other ways to write one.
        ("张三138.1234.5678。", "张三138********。"),
        ("张三 138·1234·5678", "张三 138********"),
        ("(138)12345678", "(138)********"),
        ("联系（１３８）１２３４－５６７８", "联系（１３８）********"),
        # Two with a hyphen between, an extension, an area code before it, a landline behind it.
        ("13812345678-13912345678", "138********-139********"),
        ("13812345678—13912345678", "138********—139********"),
        ("13812345678-2", "138********-2"),
        ("13812345678-0349-2022222", "138********-0349-2022222"),
        ("0351-13812345678", "0351-138********"),
        ("010-13812345678", "010-138********"),
        ("0351-138-1234-5678", "0351-138********"),
        # Letters that say what it is.
        ("wx13812345678", "wx138********"),
        ("加微信WX13812345678", "加微信WX138********"),
        ("Tel13812345678", "Tel138********"),
        ("weixin13812345678", "weixin138********"),
        # What announces it has a bracket, or is another word: zeros and breaks of lines.
        ("手机（微信）：13000000000", "手机（微信）：130********"),
        ("手机号码（微信同号）：138\n12345678", "手机号码（微信同号）：138********"),
        ("电话（值班）13800000000", "电话（值班）138********"),
        ("微信号：138\n12345678", "微信号：138********"),
        # 次 counts, 次日 is a day; so it is with the first month. The next line is another word.
        ("拨打13812345678次日即可", "拨打138********次日即可"),
        ("13812345678元月起", "138********元月起"),
        ("张三13812345678\n万里路", "张三138********\n万里路"),
    ],
)
def test_a_mobile_number_keeps_its_first_three_digits(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        # Offices.
        "0349-2022222",
        "（010）66180011",
        "400-810-8888",
        "电话：12345",
        "办公地址：朔州市朔城区开发北路12号政府大楼3单元301室，邮编：036002",
        "通信地址：朔城区振华街6号3号楼2单元101室",
        "受理地点：市民大厦5号楼1单元203室",
        "便民服务中心设在幸福小区12号楼101室",
        "（地址：某市新市西街75号常委楼317室，电话：0356-2039067，邮箱：cqxx309@example.com）",
        "传真：0599-8891101",
        "电子邮箱：szjyj@example.gov.cn",
        # Documents and their numbers.
        "朔政复〔2023〕13812345678号",
        "案号：13812345678",
        "统一社会信用代码：11140600MB1234567X",
        "统一社会信用代码：911101052019010112",
        "账号：13812345678",
        "银行账户 6222021381234567890",
        "受理号 2023013812345678",
        "http://www.example.gov.cn/art/2023/1/13/art_13812345678.html",
        "见www.example.gov.cn/13812345678/index.html。",
        "文件DZ13812345678",
        # Amounts and counts.
        "收入13812345678元",
        "访问量13812345678次",
        "13812345678.50",
        "13,812,345,678元",
        # Rows of figures that lost, or kept, their spaces.
        "15000000000",
        "1 138 1234 5678 9",
        "138 1234 5678 9",
        "000000000000000",
        "110020100110001",
        "1100201001100010",
        "13812345678901",
        "2023-138-1234-5678",
        "政务微信 156 200 300 45",
        "微信（个） 156 200 300 45",
        "电话（人次）：156 200 300 45",
        "138.1234 5678",
        "138.12345678",
        "1.138.1234.5678",
        "138.1234.5678.9",
        "（138）123456789",
        "（138）12345678元",
        "138.1234.5678元",
        "13812345678-13912345678元",
        # Parts of longer numbers, digests, names of files.
        "2023-13812345678",
        "13812345678-2023",
        "13812345678-001",
        "20351-13812345678",
        "sha1:13812345678abcdef0123456789abcdef01234567",
        "urn:uuid:d5e57af7-8d5a-78b0-979d-13438049635b",
        "见附件13812345678.pdf",
        "DZwx13812345678",
        "91138123456789012X",
        "9111010513812345678",
        "0349-20222221",
        "（0349）2022222-801",
        # Twelve, ten, a wrong second digit.
        "138123456789",
        "1381234567",
        "12812345678",
    ],
)
def test_what_only_looks_like_a_mobile_number_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"张某（{STANDARD}）", f"张某（{ID_HIDDEN}）"),
        (f"身份证号码：{STANDARD.lower()}", f"身份证号码：{ID_HIDDEN}"),
        ("１１０１０５１９４９１２３１００２Ｘ", ID_HIDDEN),
        ("110105 19491231 002X", ID_HIDDEN),
        # By its check it is none; by the word before it, it is.
        ("身份证号110105194912310021", f"身份证号{ID_HIDDEN}"),
        ("身份证号：110105491231002", f"身份证号：{ID_HIDDEN}"),
        ("张三，男，110105491231002。", f"张三，男，{ID_HIDDEN}。"),
    ],
)
def test_an_identity_number_is_masked_whole(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",
        "110105194913310022",
        # No such province; a check that holds for it: sum 275, 275 mod 11 = 0, so 1.
        "990105194912310020",
        "140602800101001",
        "档案编号：" + STANDARD,
        "身份证号码：",
        "凭本人身份证办理",
        "身份证号：110105491331002",
    ],
)
def test_what_only_looks_like_an_identity_number_stays(text: str) -> None:
    assert masked(text) == text


def test_the_check_of_an_identity_number() -> None:
    # GB 11643-1999, annex A: 11010519491231002X and 440524188001010014 hold.
    assert is_identity_number(STANDARD)
    assert is_identity_number("440524188001010014")
    for digit in "0123456789":
        assert not is_identity_number(STANDARD[:17] + digit)
    assert not is_identity_number("110105194902300020")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "家庭住址：山西省朔州市开发路5号院2号楼3单元501室，电话：13812345678",
            f"家庭住址：{HOME_HIDDEN}，电话：138********",
        ),
        ("户籍地址:朔城区北旺庄街道某村", f"户籍地址:{HOME_HIDDEN}"),
        ("住址：平鲁区井坪镇西街12号\n姓名", f"住址：{HOME_HIDDEN}\n姓名"),
        ("家住平鲁区下水头乡黑家窑村的张大爷", f"家住{HOME_HIDDEN}的张大爷"),
        ("王某住在朔城区振华街12号院3号楼", f"王某住在{HOME_HIDDEN}"),
        (
            "申请公开阳光小区3号楼2单元501室的产权信息",
            f"申请公开阳光小区{HOME_HIDDEN}的产权信息",
        ),
        ("阳光小区3号楼501室", f"阳光小区{HOME_HIDDEN}"),
        ("和平里十二栋三单元四〇一", f"和平里{HOME_HIDDEN}"),
    ],
)
def test_a_home_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        # A form that nobody filled in, and sentences about addresses.
        "家庭住址：  联系电话：",
        "住址：联系电话：",
        "姓名、住址、联系方式",
        "户籍地址变更登记",
        "向户籍所在地公安机关申请",
        "居住在偏远山村的群众",
        "住在城区的群众",
        "老旧小区3号楼2单元加装电梯",
        "住房保障和城乡建设局",
        "家庭住址信息不予公开",
        "位于市政府大楼5号楼501室",
    ],
)
def test_what_tells_of_no_home_stays(text: str) -> None:
    assert masked(text) == text


def test_a_masked_text_has_nothing_more_to_mask() -> None:
    text = f"电话13812345678，身份证{STANDARD}，家住平鲁区井坪镇西街12号，阳光小区3号楼501室"
    once = masked(text)
    assert once == (f"电话138********，身份证{ID_HIDDEN}，家住{HOME_HIDDEN}，阳光小区{HOME_HIDDEN}")
    assert masked(once) == once
    assert [found.kind for found in find_masks(text)] == ["mobile", "identity", "home", "home"]


def test_a_figure_of_a_cell_is_never_masked() -> None:
    for figure in ("13812345678", STANDARD[:17] + "0", "138 1234 5678", "-13812345678", "138…"):
        assert masked_cell(figure) == figure
    assert masked_cell("联系人13812345678") == "联系人138********"


def test_the_patterns_mask_no_less() -> None:
    rules = [(re.compile(pattern), shown) for pattern, shown in patterns()]
    told = "电话：13812345678 138-1234-5678，身份证110105491231002，" + STANDARD
    told += "，家住平鲁区井坪镇西街12号，阳光小区3号楼2单元501室，住址：朔城区某街9号"
    for pattern, shown in rules:
        told = pattern.sub(shown, told)
    assert told == (
        f"电话：138******** 138********，身份证{ID_HIDDEN}，{ID_HIDDEN}，家住{HOME_HIDDEN}，"
        f"阳光小区{HOME_HIDDEN}，住址：{HOME_HIDDEN}"
    )


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "13",
        "家住",
        "住址：区",
        "3号楼",
        "1单元",
        "小区1",
        "一",
        "8613",
        "男",
        "138.",
        "(138)",
        "138-",
        "0351-",
        "wx1",
        "手机（",
        "13812345678-00",
    ],
)
def test_a_long_text_that_nearly_looks_private_is_read_to_its_end(piece: str) -> None:
    """A rule that tried every length at every place would not come back."""
    text = piece * (400_000 // len(piece))
    assert masked(f"{text}。电话：13812345678") == f"{text}。电话：138********"


def test_random_figures_are_left() -> None:
    """Of figures as forms print them, with their spaces, none is taken for a person's."""
    chance = random.Random(6)
    for _ in range(2000):
        row = [str(int(10 ** chance.uniform(0, 7)) - 1) for _ in range(15)]
        assert masked(" ".join(row)) == " ".join(row)
        assert masked("\n".join(row)) == "\n".join(row)


def test_which_columns_may_hold_words_of_a_page() -> None:
    found = {(name, column) for name, table in TABLES.items() for column in columns(name, table)}
    assert found >= {
        *(("sections", "heading"), ("sections", "text"), ("changes", "before")),
        *(("changes", "after"), ("findings", "printed"), ("findings", "explanation")),
        *(("findings", "cells"), ("extras", "label"), ("extras", "unit"), ("extras", "printed")),
        *(("unused", "text"), ("unused", "place"), ("cell_notes", "printed")),
        *(("reports", "title"), ("versions", "title"), ("versions", "flags")),
        *(("sightings", "title"), ("sightings", "reason"), ("issuers", "name")),
    }
    assert not found & {
        *(("captures", "url"), ("captures", "digest"), ("reports", "id"), ("reports", "url")),
        *(("sections", "version_id"), ("sightings", "seen_at"), ("redirects", "path")),
    }
    assert not [column for name, column in found if name == "figures"]


def test_a_snapshot_is_masked_and_what_it_came_from_noted(tmp_path: Path) -> None:
    path = tmp_path / "nianbao.db"
    fresh = tmp_path / "fresh.db"
    db = store.create(fresh)
    one, two = f"140600-jyj/2023/{'a' * 12}", f"140600-jyj/2022/{'b' * 12}"
    store.write(db, "issuers", [{"id": "140600-jyj", "name": "朔州市教育局"}])
    for number, version in enumerate((one, two), start=1):
        report = version.rpartition("/")[0]
        known = {"issuer_id": "140600-jyj", "year": int(report[-4:]), "current_version": version}
        capture = {"digest": str(number) * 64, "url": "http://a.example/13812345678", "offset": 1}
        place = {"warc_file": f"{number}.warc.gz", "version_id": version}
        store.write(db, "reports", [{"id": report, **known}])
        store.write(db, "versions", [{"id": version, "report_id": report, "number": 1}])
        store.write(db, "captures", [capture | place])
    said = "联系人：张三，13812345678。"
    store.write(
        db,
        "sections",
        [
            {"version_id": one, "number": 1, "heading": "一、", "text": said},
            {"version_id": two, "number": 1, "heading": "一、", "text": "电话0349-2022222"},
        ],
    )
    notes = {"requests.carried_in.total": "13812345678", "requests.granted.total": "见13812345678"}
    store.write(
        db,
        "cell_notes",
        [
            {"version_id": one, "field": field, "state": "text", "printed": printed}
            for field, printed in notes.items()
        ],
    )
    store.put_in_place(db, fresh, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        assert mask(opened) == {"sections": 1, "cell_notes": 1}
        texts = opened.execute("select text from sections order by version_id desc").fetchall()
        assert texts == [("联系人：张三，138********。",), ("电话0349-2022222",)]
        printed = opened.execute("select printed from cell_notes order by field").fetchall()
        assert printed == [("13812345678",), ("见138********",)]
        assert opened.execute("select digest from withheld").fetchall() == [("1" * 64,)]
        addresses = opened.execute("select distinct url from captures").fetchall()
        assert addresses == [("http://a.example/13812345678",)]
    # Nor is it left in what the file does not use any more.
    assert said.encode() not in path.read_bytes()
    assert "张三，138********".encode() in path.read_bytes()


def peak(path: Path, rows: int) -> int:
    """The most bytes that masking so many chapters of 10 KB each held."""
    fresh = path.with_suffix(".new")
    db = store.create(fresh)
    version = f"140600-jyj/2023/{'a' * 12}"
    known = {"issuer_id": "140600-jyj", "year": 2023, "current_version": version}
    store.write(db, "issuers", [{"id": "140600-jyj", "name": "朔州市教育局"}])
    store.write(db, "reports", [{"id": "140600-jyj/2023", **known}])
    store.write(db, "versions", [{"id": version, "report_id": "140600-jyj/2023", "number": 1}])
    text = "长" * 5_000 + "，13812345678。"
    for number in range(rows):
        store.write(db, "sections", [{"version_id": version, "number": number, "text": text}])
    store.put_in_place(db, fresh, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        tracemalloc.start()
        try:
            assert mask(opened) == {"sections": rows}
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_does_not_grow_with_what_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "TOGETHER", 10)
    peak(tmp_path / "once.db", 1)
    few, many = peak(tmp_path / "few.db", 20), peak(tmp_path / "many.db", 60)
    # A text is 10 KB: held all at once, forty more would be 400 KB.
    assert many - few < 10 * 10_000
    with closing(sqlite3.connect(tmp_path / "many.db")) as db:
        assert db.execute("select distinct substr(text, -12) from sections").fetchall() == [
            ("138********。",)
        ]
