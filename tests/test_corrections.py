"""What people reviewed stands beside what was read, and a mistake in it is told, not guessed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from archive.corrections import SHIPPED, Corrections, CorrectionsError, PageCorrection, load, read
from archive.issuers import Issuer, Ledger, Portal

HEAD = "subject,aspect,value,author,date,reason"
PAGE = "http://www.example.gov.cn/jyj/2023.html"
CELL = "140600-jyj/2023/disclosure.regulations.made"


def lines(*rows: str) -> list[str]:
    """Lines of a file from `subject,aspect,value[,date]`."""
    made = [HEAD]
    for row in rows:
        subject, aspect, value, *day = row.split(",")
        made.append(f"{subject},{aspect},{value},王,{day[0] if day else '2026-11-22'},依据文件")
    return made


def made(*rows: str) -> Corrections:
    return read(lines(*rows))


def issuer(issuer_id: str, name: str) -> Issuer:
    division = issuer_id.partition("-")[0]
    return Issuer(issuer_id, name, division, "prefecture", "department", "sz", "2026-11-21")


def ledger(**names: str) -> Ledger:
    return Ledger(issuer(f"140600-{short}", name) for short, name in names.items())


def row(issuer_id: str, name: str, **more: Any) -> dict[str, Any]:
    columns = {"id": issuer_id, "name": name, "division": "140600", "level": "prefecture"}
    return columns | {"kind": "department", "parent": "朔州市人民政府"} | more


def test_the_shipped_file_is_sound() -> None:
    load(SHIPPED)


def test_a_file_of_a_spreadsheet(tmp_path: Path) -> None:
    """With a byte order mark, CRLF, comments, blank lines and quotes."""
    path = tmp_path / "own.csv"
    line = 'issuer:140600-jyj,parent," 朔州市 人民政府 ",王,2026-11-22,"一, 二 ""三"""'
    path.write_bytes(f"\ufeff# ours\r\n{HEAD}\r\n\r\n{line}\r\n".encode())
    (entry,) = load(path).entries
    assert (entry.value, entry.reason, entry.line) == ("朔州市人民政府", '一, 二 "三"', 4)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("body:140600-jyj,name,某局", "a subject is issuer:ID, page:ADDRESS or cell:"),
        ("issuer:140600-jyj,colour,red", "of issuer can be corrected: name, kind, level"),
        ("issuer:../x,name,某局", "no id like 140600-jyj"),
        ("issuer:140600-jyj,name,", "the value is empty"),
        ("issuer:140600-jyj,name,140600-swj", "the value is an id, not a name"),
        ("issuer:140600-jyj,kind,bureau", "a kind is one of government, office"),
        ("issuer:140600-jyj,level,city", "a level is one of central, province"),
        ("issuer:140600-jyj,division,149999", "list of divisions of 20[0-9-]+ does not have it"),
        ("issuer:140600-jyj,division,1406", "list of divisions"),
        ("issuer:140600-jyj,same_as,朔州市教育局", "is no id like"),
        ("issuer:140600-jyj,merged_into,140600-jyj", "does not follow itself"),
        ("page:www.example.gov.cn/1,year,2023", "is no address"),
        (f"page:{PAGE},issuer,朔州市教育局", "is no id like"),
        (f"page:{PAGE},year,23", "a report is of a year from 2007"),
        (f"page:{PAGE},year,2027", "a report is of a year from 2007"),
        (f"page:{PAGE},year,2006", "a report is of a year from 2007"),
        (f"page:{PAGE},not_a_report,列表页", "leave the value empty"),
        ("cell:140600-jyj/2023,value,3", "is no cell like"),
        ("cell:140600-jyj/2023/no.such.cell,value,3", "the forms have no cell 'no.such.cell'"),
        (f"cell:{CELL},value,", "the value is empty"),
        ("issuer:140600-jyj,name,某局,2026-02-30", "is no date like 2026-11-22"),
        ("issuer:140600-jyj,name,某局,20261122", "is no date like 2026-11-22"),
        ("issuer:140600-jyj,name,某\x07局", "control characters"),
        (f"issuer:140600-jyj,name,{'局' * 2001}", "longer than 2000"),
    ],
)
def test_what_cannot_be_is_refused(row: str, complaint: str) -> None:
    with pytest.raises(CorrectionsError, match=complaint) as error:
        made("issuer:140600-swj,kind,office", row)
    assert str(error.value).startswith("line 3 (")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: expected subject,aspect"),
        ("subject,aspect\n", "line 1: expected subject,aspect"),
        (f"{HEAD}\nissuer:140600-jyj,name,某局,王,2026-11-22\n", "line 2 has 5 fields, not 6"),
        (f"{HEAD}\nissuer:140600-jyj,name,一,二,王,2026-11-22,据\n", "line 2 has 7 fields.*quote"),
        (f'{HEAD}\nissuer:140600-jyj,name,"某局,王,2026-11-22,据\n', "line 2: .*quotes come in"),
        (f"{HEAD}\nissuer:140600-jyj,name,某局,,2026-11-22,据\n", "fourth field who"),
        (f"{HEAD}\nissuer:140600-jyj,name,某局,王,2026-11-22,\n", "last field why"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorrectionsError, match=complaint) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError, match="--corrections"):
        load(tmp_path / "none.csv")
    (tmp_path / "gbk.csv").write_bytes(f"{HEAD}\n# 朔州".encode("gb18030"))
    with pytest.raises(CorrectionsError, match="save it as UTF-8"):
        load(tmp_path / "gbk.csv")


@pytest.mark.parametrize(
    "rows",
    [
        ("issuer:140600-jyj,kind,office", "issuer:140600-jyj,kind,department"),
        ("issuer:140600-jyj,name,甲局,2019-01-01", "issuer:140600-jyj,name,乙局,2019-01-01"),
        ("issuer:140600-jyj,merged_into,甲局,2019-01-01", "issuer:140600-jyj,merged_into,甲局"),
        ("issuer:140600-jyj,same_as,140600-a", "issuer:140600-jyj,same_as,140600-b"),
        ("issuer:140600-jyj,same_as,140600-a", "issuer:140600-jyj,kind,office"),
        ("issuer:140600-jyj,name,甲局", "issuer:140600-jyj,same_as,140600-a"),
        (f"page:{PAGE},not_a_report,", f"page:{PAGE},year,2023"),
        (f"page:{PAGE},issuer,140600-jyj", f"page:{PAGE},not_a_report,"),
        (f"cell:{CELL},value,3", f"cell:{CELL},value,4"),
    ],
)
def test_two_lines_that_contradict_each_other_are_refused(rows: tuple[str, str]) -> None:
    for order in (rows, rows[::-1]):
        with pytest.raises(CorrectionsError, match=r"^line 3 .* contradicts or repeats line 2"):
            made(*order)


def test_what_does_not_contradict() -> None:
    corrections = made(
        "issuer:140600-jyj,name,甲局,2019-01-01",
        "issuer:140600-jyj,name,乙局,2020-01-01",
        "issuer:140600-jyj,split_from,甲厅",
        "issuer:140600-jyj,split_from,乙厅",
        f"page:{PAGE},issuer,140600-jyj",
        f"page:{PAGE},year,2023",
        f"cell:{CELL},value,3",
        f"cell:{CELL},remark,印刷模糊",
    )
    assert len(corrections.entries) == 8


@pytest.mark.parametrize(
    ("rows", "circle"),
    [
        (("issuer:1-a,same_as,1-a",), "1-a same_as 1-a"),
        (("issuer:1-a,same_as,1-b", "issuer:1-b,same_as,1-a"), "1-a same_as 1-b same_as 1-a"),
        (
            ("issuer:0-z,same_as,1-a", "issuer:1-a,same_as,1-b", "issuer:1-b,same_as,1-a"),
            "1-a same_as 1-b same_as 1-a",
        ),
    ],
)
def test_circles_are_refused(rows: tuple[str, ...], circle: str) -> None:
    with pytest.raises(CorrectionsError, match=circle):
        made(*rows)


def test_same_as_is_followed_to_the_end() -> None:
    corrections = made("issuer:1-a,same_as,1-b", "issuer:1-b,same_as,1-c")
    assert [corrections.same_as(name) for name in ("1-a", "1-b", "1-c", "1-d")] == [
        *("1-c", "1-c", "1-c", "1-d")
    ]


def test_pages() -> None:
    corrections = made(
        f"page:{PAGE},issuer,140600-jw",
        f"page:{PAGE},year,2022",
        f"page:{PAGE}?list,not_a_report,",
        "issuer:140600-jw,same_as,140600-jyj",
    )
    assert corrections.page(PAGE) == PageCorrection("140600-jyj", 2022)
    assert corrections.page(f"{PAGE}?list") == PageCorrection(not_a_report="依据文件")
    assert corrections.page(f"{PAGE}?other") is None


def test_the_overlay_of_a_body() -> None:
    corrections = made(
        "issuer:140600-hbj,name,朔州市生态环境局,2019-01-01",
        "issuer:140600-hbj,name,朔州市环境保护局,2010-01-01",
        "issuer:140600-hbj,kind,vertical",
        "issuer:140600-hbj,division,140602",
        "issuer:140600-hbj,parent,140600-sthjt",
        "issuer:140600-sthjt,name,山西省生态环境厅,2018-11-01",
    ).settled(ledger(hbj="朔州市环保局", sthjt="山西省环保厅"))
    before = row("140600-hbj", "朔州市环保局", place_code="140600")
    assert corrections.overlay(before) == {
        "id": "140600-hbj",
        "name": "朔州市生态环境局",
        "minted_as": "朔州市环保局",
        "kind": "vertical",
        "level": "prefecture",
        "division": "140602",
        "place_code": "140602",
        "place_name": "山西省朔州市朔城区",
        "divisions_date": "2026-09-11",
        "parent": "山西省生态环境厅",
        "parent_id": "140600-sthjt",
    }
    assert before["name"] == "朔州市环保局"
    other = row("140600-x", "某局")
    assert corrections.overlay(other) == other | {"minted_as": "某局"}


def test_a_parent_by_its_name() -> None:
    corrections = made(
        "issuer:140600-a,parent,朔州市教育局", "issuer:140600-b,parent,无编号局"
    ).settled(ledger(a="甲局", b="乙局", jyj="朔州市教育局"))
    above = corrections.overlay(row("140600-a", "甲局"))
    assert (above["parent"], above["parent_id"]) == ("朔州市教育局", "140600-jyj")
    above = corrections.overlay(row("140600-b", "乙局"))
    assert (above["parent"], above["parent_id"]) == ("无编号局", None)


def test_a_body_does_not_follow_itself_by_another_id() -> None:
    with pytest.raises(CorrectionsError, match=r"line 3 .* does not follow itself"):
        made("issuer:140600-hb,same_as,140600-hbj", "issuer:140600-hbj,merged_into,140600-hb")


def test_links() -> None:
    corrections = made(
        "issuer:140600-sthjj,successor_of,140600-hb,2019-01-01",
        "issuer:140600-sthjj,split_from,朔州市林业局,2019-01-01",
        "issuer:140600-hb,same_as,140600-hbj",
        "issuer:999999-elsewhere,merged_into,140600-hbj",
    ).settled(ledger(hbj="朔州市环保局", hb="朔州市环保", sthjj="朔州市生态环境局"))
    said = {"author": "王", "reason": "依据文件"}
    hbj = {"other_id": "140600-hbj", "other_name": "朔州市环保局"}
    forestry = {"other_id": None, "other_name": "朔州市林业局"}
    assert corrections.links() == [
        {"issuer_id": "140600-hb", "relation": "same_as", **hbj, "on_date": None, **said},
        {
            "issuer_id": "140600-sthjj",
            "relation": "split_from",
            **forestry,
            "on_date": "2019-01-01",
            **said,
        },
        {
            "issuer_id": "140600-sthjj",
            "relation": "successor_of",
            **hbj,
            "on_date": "2019-01-01",
            **said,
        },
    ]


def test_merged_into() -> None:
    corrections = made(
        "issuer:140600-a,merged_into,140600-b,2014-01-01",
        "issuer:140600-a,merged_into,140600-c,2019-01-01",
        "issuer:140600-a,merged_into,不知何局,2020-01-01",
    ).settled(ledger(a="甲局", b="乙局", c="丙局"))
    assert corrections.merged_into("140600-a") == "140600-c"
    assert corrections.merged_into("140600-b") is None


def test_the_ledger_learns() -> None:
    known = ledger(hbj="朔州市环保局", hb="朔州市环保")
    made(
        "issuer:140600-hbj,name,朔州市生态环境局,2019-01-01", "issuer:140600-hb,same_as,140600-hbj"
    ).settled(known)
    portal = Portal("sz", "朔州市人民政府", "140600", "prefecture")
    for name in ("朔州市生态环境局", "朔州市环保", "朔州市环保局"):
        found = known.find(name, portal)
        assert found is not None
        assert found.id == "140600-hbj"


def test_a_body_the_ledger_does_not_have_holds_nothing() -> None:
    corrections = made("issuer:140600-a,same_as,140600-none")
    with pytest.raises(CorrectionsError, match="the ledger has no 140600-none"):
        corrections.settled(ledger(a="甲局"))
    # Of another data folder, where neither was met.
    corrections.settled(ledger(b="乙局"))


@pytest.mark.parametrize("minted", ["朔州市生态环境局", "山西省朔州市生态环境局"])
def test_a_new_name_that_has_an_id_of_its_own(minted: str) -> None:
    both = ledger(hbj="朔州市环保局", sthjj=minted)
    renaming = "issuer:140600-hbj,name,朔州市生态环境局,2019-01-01"
    with pytest.raises(CorrectionsError, match=r"has the id 140600-sthjj.*same_as.*successor_of"):
        made(renaming).settled(both)
    made(renaming, "issuer:140600-sthjj,same_as,140600-hbj").settled(both)


def test_two_spellings_that_a_ledger_of_old_has_are_told_apart_by_the_letter() -> None:
    both = ledger(jyj="朔州市教育局", sxjyj="山西省朔州市教育局", jw="朔州市教委")
    own = "issuer:140600-jyj,name,朔州市教育局,2019-01-01"
    made(own, "issuer:140600-jw,successor_of,朔州市教育局").settled(both)
    (link,) = made("issuer:140600-jw,successor_of,朔州市教育局").settled(both).links()
    assert link["other_id"] == "140600-jyj"
    made(
        "issuer:140600-jw,name,山西省朔州市教育局,2019-01-01",
        "issuer:140600-sxjyj,same_as,140600-jw",
    ).settled(both)


def test_rows_and_their_states() -> None:
    corrections = made(
        "issuer:140600-jw,same_as,140600-jyj",
        "cell:140600-jw/2023/disclosure.regulations.made,value,3",
        f"page:{PAGE},issuer,140600-none",
        f"page:{PAGE}?2,year,2023",
    ).settled(ledger(jyj="朔州市教育局", jw="朔州市教委"))
    known = {"issuer:140600-jw", f"cell:{CELL}", f"page:{PAGE}"}
    rows = corrections.rows(known.__contains__)
    assert [(row["number"], row["subject"], row["state"]) for row in rows] == [
        (1, f"cell:{CELL}", "applied"),
        (2, "issuer:140600-jw", "applied"),
        (3, f"page:{PAGE}", "refused"),
        (4, f"page:{PAGE}?2", "unmatched"),
    ]
    assert rows[0] == {
        "number": 1,
        "subject": f"cell:{CELL}",
        "aspect": "value",
        "value": "3",
        "author": "王",
        "date": "2026-11-22",
        "reason": "依据文件",
        "state": "applied",
    }
    assert corrections.page(PAGE) is None


def test_the_digest_is_of_the_meaning() -> None:
    rows = lines("issuer:140600-a,kind,office", "issuer:140600-b,kind,office")
    one = read(rows)
    other = read(["# 注", rows[0], "", *reversed(rows[1:])])
    assert one.digest == other.digest
    assert one.digest != made("issuer:140600-a,kind,office").digest
    assert made().digest == hashlib.sha256(b"[]").hexdigest()
    known = {"issuer:140600-a"}.__contains__
    assert one.rows(known) == other.rows(known)


@pytest.mark.parametrize("address", ["http://[x/a", "http://[::1", "http:///a", "ftp://a.cn/"])
def test_what_is_no_address_is_told_with_file_and_line(tmp_path: Path, address: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "\n".join(lines(f"page:{PAGE},year,2023", f"page:{address},year,2023")), "utf-8"
    )
    with pytest.raises(CorrectionsError) as error:
        load(path)
    told = f"{path}: line 3 (page:{address},year,2023): {address!r} is no address"
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    "wrong", ["issuer:140600-hbj,same_as,140600-nobody", "issuer:140600-hbj,name,朔州市生态环境局"]
)
def test_what_a_ledger_contradicts_is_told_with_file_and_line(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines(wrong)), encoding="utf-8")
    known = ledger(hbj="朔州市环保局", sthjj="朔州市生态环境局")
    with pytest.raises(CorrectionsError) as error:
        load(path).settled(known)
    assert str(error.value).startswith(f"{path}: line 2 ({wrong}): ")
