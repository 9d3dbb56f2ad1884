"""Ids that last: readable, minted once, the same in whatever order bodies are met."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archive import issuers as issuing
from archive import store
from archive.__main__ import main
from archive.issuers import (
    Claim,
    Issuer,
    Ledger,
    LedgerError,
    Portal,
    append,
    ids,
    initials,
    kind_of,
    level_of,
    load_ledger,
    parent_ids,
    place_of,
    restored,
    whole_ledger,
)

ROOT = Path(__file__).resolve().parents[1]
SHUOZHOU = Portal("shuozhou", "朔州市人民政府", "140600", "prefecture")
SHUOCHENG = Portal("shuocheng", "朔城区人民政府", "140602", "county")
XIANGSHAN = Portal("xiangshan", "淮北市相山区人民政府", "340603", "county")
PORTALS = {portal.id: portal for portal in (SHUOZHOU, SHUOCHENG, XIANGSHAN)}


def claim(name: str, portal: Portal) -> Claim:
    return Claim(portal.division, name, portal.id, "2026-11-21T14:03:22Z")


@pytest.mark.parametrize(
    ("portal", "place"),
    [
        ("朔州市人民政府", "朔州市"),
        ("安徽省淮北市相山区人民政府", "安徽省淮北市相山区"),
        ("朔州市市场监督管理局", "朔州市"),
        ("内蒙古自治区人民政府", "内蒙古自治区"),
        ("国家统计局", ""),
        ("示例人民政府门户网站", "示例"),
    ],
)
def test_place_of(portal: str, place: str) -> None:
    assert place_of(portal) == place


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("朔州市人民政府", "朔州市", "rmzf"),
        ("朔州市人民政府办公室", "朔州市", "rmzfbgs"),
        ("朔州市教育局", "朔州市", "jyj"),
        ("曲阳街道办事处", "相山区", "qyjdbsc"),
        ("相山区教育局", "淮北市相山区", "jyj"),
        ("山西省朔州市教育局", "朔州市", "jyj"),
        ("国家税务总局朔州市税务局", "朔州市", "gjswzjswj"),
        ("朔州市", "朔州市", "szs"),
        ("12345热线办", "朔州市", "12345rxb"),
    ],
)
def test_initials(name: str, place: str, expected: str) -> None:
    assert initials(name, place) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("朔州市人民政府", "government"),
        ("朔州市人民政府办公室", "office"),
        ("吉林省人民政府办公厅", "office"),
        ("朔州市教育局", "department"),
        ("住房和城乡建设局", "department"),
        ("国有资产监督管理委员会", "department"),
        ("曲阳街道办事处", "township"),
        ("下团城乡", "township"),
        ("神头镇人民政府", "township"),
        ("景德镇市人民政府", "government"),
        ("朔州经济开发区管理委员会", "functional_zone"),
        ("国家税务总局朔州市税务局", "vertical"),
        ("朔州市第一医院", "public_institution"),
        ("朔州市志愿者协会", "other"),
    ],
)
def test_kind_of(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("朔州市教育局", "prefecture"),
        ("朔州市朔城区人民政府", "county"),
        ("神头镇人民政府", "township"),
    ],
)
def test_level_of(name: str, level: str) -> None:
    assert level_of(name, kind_of(name), SHUOZHOU) == level


def test_the_order_of_meeting_does_not_matter() -> None:
    claims = [
        claim("朔州市教育局", SHUOZHOU),
        claim("朔州市经济局", SHUOZHOU),
        claim("朔州市交易局", SHUOZHOU),
        claim("曲阳街道办事处", XIANGSHAN),
    ]
    one, other = Ledger(), Ledger()
    assert one.mint(claims, PORTALS) == other.mint(reversed(claims * 2), PORTALS)
    # 交 sorts before 教: the first of the two takes the initials, the other is spelled whole.
    assert {issuer.name: issuer.id for issuer in one.by_id.values()} == {
        "朔州市交易局": "140600-jyj",
        "朔州市教育局": "140600-jiaoyuju",
        "朔州市经济局": "140600-jjj",
        "曲阳街道办事处": "340603-qyjdbsc",
    }


def test_an_id_once_given_stays_whatever_comes_later() -> None:
    ledger = Ledger()
    ledger.mint([claim("朔州市教育局", SHUOZHOU)], PORTALS)
    later = ledger.mint([claim("朔州市交易局", SHUOZHOU)], PORTALS)
    assert [issuer.id for issuer in later] == ["140600-jiaoyiju"]
    found = ledger.find("朔州市 教育局", SHUOZHOU)
    assert found is not None
    assert found.id == "140600-jyj"


def test_a_body_on_its_citys_portal_and_on_its_own_is_one() -> None:
    ledger = Ledger()
    minted = ledger.mint(
        [claim("朔城区人民政府", SHUOZHOU), claim("朔城区人民政府", SHUOCHENG)], PORTALS
    )
    assert [issuer.id for issuer in minted] == ["140602-rmzf"]
    assert minted[0].level == "county"


def test_a_name_without_a_place_is_another_body_on_each_portal() -> None:
    ledger = Ledger()
    minted = ledger.mint([claim("教育局", SHUOZHOU), claim("教育局", SHUOCHENG)], PORTALS)
    assert [issuer.id for issuer in minted] == ["140600-jyj", "140602-jyj"]


def test_a_body_with_and_without_the_places_above_it_is_one() -> None:
    ledger = Ledger()
    names = ["朔州市朔城区教育局", "山西省朔州市朔城区教育局", "山西省朔城区教育局", "朔城区教育局"]
    minted = ledger.mint([claim(name, SHUOZHOU) for name in names], PORTALS)
    assert [issuer.name for issuer in minted] == [min(names)]
    for portal in (SHUOZHOU, SHUOCHENG):
        assert {ledger.find(name, portal) for name in names} == set(minted)
    assert ledger.find("山西省朔州市教育局", SHUOZHOU) is None
    # Where several places have the name, it is the name of each of them with its city.
    beijing = Portal("beijing", "北京市人民政府", "110000", "province")
    nation = Portal("nation", "国家某局", "000000", "central")
    ledger = Ledger()
    ledger.mint([claim("朝阳区教育局", nation)], {"nation": nation})
    assert ledger.find("北京市朝阳区教育局", nation) is None
    ledger.mint([claim("北京市朝阳区教育局", beijing)], {"beijing": beijing})
    assert ledger.find("长春市朝阳区教育局", beijing) is None
    assert ledger.find("朝阳区教育局", beijing) is None


def test_a_body_finds_its_own_portal_however_both_are_written() -> None:
    (minted,) = Ledger().mint([claim("山西省朔州市朔城区人民政府", SHUOZHOU)], PORTALS)
    assert minted.portal_id == "shuocheng"


def test_two_ids_of_old_stay_two_bodies() -> None:
    names = {"140600-sxsszsjyj": "山西省朔州市教育局", "140600-jyj": "朔州市教育局"}
    ledger = Ledger(
        Issuer(key, name, "140600", "prefecture", "department", "shuozhou", "2026-11-21T14:03:22Z")
        for key, name in names.items()
    )
    for key, name in names.items():
        found = ledger.find(name, SHUOZHOU)
        assert found is not None
        assert found.id == key


def test_the_ledger_survives_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    ledger = load_ledger(path)
    append(path, ledger.mint([claim("朔州市教育局", SHUOZHOU)], PORTALS))
    append(path, ledger.mint([claim("朔州市人民政府", SHUOZHOU)], PORTALS))
    append(path, [])
    assert load_ledger(path).by_id == ledger.by_id
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "id,name,division,level,kind,portal_id,minted_at",
        "140600-jyj,朔州市教育局,140600,prefecture,department,shuozhou,2026-11-21T14:03:22Z",
    ]


GOOD = "140600-jyj,朔州市教育局,140600,prefecture,department,shuozhou,2026-11-21T14:03:22Z\n"
HEAD = "id,name,division,level,kind,portal_id,minted_at\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id,name\n", "line 1"),
        (HEAD + GOOD + GOOD, "line 3 repeats line 2"),
        (HEAD + GOOD.replace("140600-jyj", "../jyj"), "line 2 is damaged"),
        (HEAD + GOOD[:40] + "\n", "line 2 is damaged"),
        (HEAD + GOOD[:-3], "last ledger line is cut"),
    ],
)
def test_a_damaged_ledger_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LedgerError, match=complaint) as error:
        load_ledger(path)
    assert str(path) in str(error.value)


def test_a_quote_that_is_not_closed_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    others = [GOOD.replace("jyj", f"j{n}").replace("教育", f"教{n}") for n in range(9)]
    path.write_text(HEAD + GOOD + others[0].replace("朔州", '"朔州') + "".join(others[1:]), "utf-8")
    with pytest.raises(LedgerError, match=r"ledger\.csv: ledger line 3 is damaged: unexpected end"):
        load_ledger(path)


def test_a_ledger_that_an_editor_saved_anew(tmp_path: Path) -> None:
    """With a byte order mark and CR LF; what is added to it later is read too."""
    path = tmp_path / "ledger.csv"
    path.write_bytes(f"\ufeff{HEAD}{GOOD}".replace("\n", "\r\n").encode())
    assert list(load_ledger(path).by_id.values()) == [Issuer(*GOOD.strip().split(","))]
    other = Issuer("140600-swj", "朔州市水务局", "140600", "prefecture", "department", "sz", "")
    append(path, [other])
    assert list(load_ledger(path).by_id) == [GOOD.partition(",")[0], "140600-swj"]


def test_issuers_are_values() -> None:
    issuer = Issuer(*GOOD.strip().split(","))
    assert Ledger([issuer]).by_id == {"140600-jyj": issuer}


def test_the_ids_a_body_may_have_follow_from_its_name() -> None:
    # 朔州市水务局 and 朔州市商务局 have the same initials but are spelled apart.
    assert list(islice(ids("朔州市水务局", SHUOZHOU), 2)) == ["140600-swj", "140600-shuiwuju"]
    assert list(islice(ids("朔州市商务局", SHUOZHOU), 2)) == ["140600-swj", "140600-shangwuju"]
    # 石政局 and 市政局 are even spelled alike.
    assert list(islice(ids("石政局", SHUOZHOU), 2)) == list(islice(ids("市政局", SHUOZHOU), 2))
    third, fourth = (next(islice(ids(name, SHUOZHOU), 2, 3)) for name in ("石政局", "市政局"))
    assert third != fourth
    assert all(issuing.ID.fullmatch(issuer_id) for issuer_id in (third, fourth))
    assert third.startswith("140600-shizhengju-")


def test_only_who_takes_the_short_id_depends_on_who_came_first() -> None:
    names = ["朔州市水务局", "朔州市商务局", "朔州市税务局"]
    for first in names:
        ledger = Ledger()
        for name in [first, *names]:
            ledger.mint([claim(name, SHUOZHOU)], PORTALS)
        whole = {
            "朔州市水务局": "140600-shuiwuju",
            "朔州市商务局": "140600-shangwuju",
            # Spelled as 水务 is: the later of the two has digits behind it.
            "朔州市税务局": "140600-shuiwuju",
        }
        given = {issuer.name: issuer.id for issuer in ledger.by_id.values()}
        assert given[first] == "140600-swj"
        assert len(set(given.values())) == 3
        for name in set(names) - {first}:
            assert given[name].startswith(whole[name])


def test_who_was_seen_first_takes_the_short_id_though_its_name_comes_later() -> None:
    """As when the nights are folded one by one; 水务局 and 商务局 are both swj."""
    water, trade = claim("朔州市水务局", SHUOZHOU), claim("朔州市商务局", SHUOZHOU)
    seen_later = replace(trade, seen_at="2026-11-22T14:00:00Z")
    assert [one.id for one in Ledger().mint([seen_later, water], PORTALS)] == [
        "140600-swj",
        "140600-shangwuju",
    ]
    seen_later = replace(water, seen_at="2026-11-22T14:00:00Z")
    assert [one.id for one in Ledger().mint([seen_later, trade], PORTALS)] == [
        "140600-swj",
        "140600-shuiwuju",
    ]


def test_a_ledger_of_old_keeps_its_numbered_ids() -> None:
    old = [Issuer(*GOOD.strip().split(","))]
    old.append(Issuer("140600-jyj-2", "朔州市交易局", *GOOD.strip().split(",")[2:]))
    ledger = Ledger(old)
    claims = [claim("朔州市交易局", SHUOZHOU), claim("朔州市教研局", SHUOZHOU)]
    assert [issuer.id for issuer in ledger.mint(claims, PORTALS)] == ["140600-jiaoyanju"]


def test_a_further_name_finds_the_body_and_mints_nothing() -> None:
    ledger = Ledger()
    ledger.mint([claim("朔州市环境保护局", SHUOZHOU)], PORTALS)
    ledger.learn([("140600-hjbhj", "朔州市生态环境局"), ("999999-none", "无此局")], {})
    assert ledger.mint([claim("朔州市生态环境局", SHUOZHOU)], PORTALS) == []
    found = ledger.find("朔州市生态环境局", SHUOZHOU)
    assert found is not None
    assert found.id == "140600-hjbhj"
    assert ledger.find("无此局", SHUOZHOU) is None


def test_of_two_ids_for_one_body_one_holds() -> None:
    ledger = Ledger()
    ledger.mint([claim("朔州市教育局", SHUOZHOU), claim("朔州市教委", SHUOZHOU)], PORTALS)
    ledger.learn([], {"140600-jw": "140600-jyj", "140600-jyj": "140600-unknown"})
    found = ledger.find("朔州市教委", SHUOZHOU)
    assert found is not None
    assert found.id == "140600-jyj"


def test_parents_by_their_names() -> None:
    rows = [
        body("140600-rmzf", "朔州市人民政府", "山西省人民政府"),
        body("140600-jyj", "朔州市教育局", "朔州市人民政府"),
        # Filed under its county, below the city.
        body("140602-jyj", "朔城区教育局", "朔州市人民政府"),
        # In another line there may be a place of the same name.
        body("150600-jyj", "另一教育局", "朔州市人民政府"),
        body("000000-swzj", "国家税务总局", level="central"),
        body("140600-swj", "国家税务总局朔州市税务局", "国家税务总局"),
        # Two of that name in one line: nothing tells which.
        body("140602-zf", "同名政府"),
        body("140603-zf", "同名政府"),
        body("140600-x", "某局", "同名政府"),
        body("140600-self", "自指局", "自指局"),
    ]
    assert parent_ids(rows) == {
        "140600-jyj": "140600-rmzf",
        "140602-jyj": "140600-rmzf",
        "140600-swj": "000000-swzj",
    }


def test_parents_however_they_are_written() -> None:
    rows = [
        body("500236-rmzf", "重庆市奉节县人民政府", "重庆市人民政府"),
        body("500236-jyj", "奉节县教育局", "奉节县人民政府"),
        body("500236-bgs", "重庆市奉节县人民政府办公室", "重庆市奉节县人民政府"),
    ]
    assert parent_ids(rows) == dict.fromkeys(["500236-jyj", "500236-bgs"], "500236-rmzf")
    # Two that a ledger of old has: each stands above those that name it so.
    rows.append(body("500236-cqsfjxrmzf", "奉节县人民政府"))
    assert parent_ids(rows) == {
        "500236-jyj": "500236-cqsfjxrmzf",
        "500236-bgs": "500236-rmzf",
    }


def body(issuer_id: str, name: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    row = {
        "id": issuer_id,
        "name": name,
        "division": issuer_id.partition("-")[0],
        "level": "county",
    }
    return row | {"parent": parent} | more


def test_a_given_parent_holds_and_nobody_is_above_itself() -> None:
    rows = [
        body("140600-a", "甲局", "乙局", parent_id="140600-c"),
        body("140600-b", "乙局", "甲局"),
        body("140600-c", "丙局", "乙局"),
        body("140600-d", "丁局", "丙局", parent_id="140600-elsewhere"),
    ]
    # a under c and b under a; c under b would close a circle.
    assert parent_ids(rows) == {"140600-a": "140600-c", "140600-b": "140600-a"}


def archive_with(data: Path, *issuers: dict[str, Any]) -> Path:
    fresh = data / "nianbao.db.new"
    db = store.create(fresh)
    store.write(db, "portals", [{"id": "shuozhou", "name": "朔州市人民政府", "division": "140600"}])
    store.write(db, "issuers", issuers)
    store.write(
        db,
        "reports",
        [
            {"id": f"{row['id']}/{year}", "issuer_id": row["id"], "year": year, "first_seen": seen}
            for row in issuers
            for year, seen in ((2023, "2026-11-21T14:03:22Z"), (2024, "2026-11-20T14:03:22Z"))
        ],
    )
    store.put_in_place(db, fresh, data / "nianbao.db")
    return data / "nianbao.db"


EDUCATION = {
    "id": "140600-jyj",
    "name": "朔州市教育局",
    "division": "140600",
    "level": "prefecture",
    "kind": "department",
    "portal_id": "shuozhou",
    "minted_at": "2026-11-21T14:03:22Z",
}


def test_a_lost_ledger_is_not_minted_anew(tmp_path: Path) -> None:
    ledger, public = tmp_path / "ledger.csv", tmp_path / "published.csv"
    archive = tmp_path / "nianbao.db"
    assert whole_ledger(ledger, archive, public).by_id == {}
    archive_with(tmp_path, EDUCATION)
    with pytest.raises(LedgerError, match=r"lacks 1 ids .*140600-jyj.*ledger --from"):
        whole_ledger(ledger, archive, public)
    ledger.write_text(HEAD + GOOD, encoding="utf-8")
    assert set(whole_ledger(ledger, archive, public).by_id) == {"140600-jyj"}


def test_without_an_archive_the_published_names_tell(tmp_path: Path) -> None:
    ledger, public = tmp_path / "ledger.csv", tmp_path / "published.csv"
    public.write_text("path,first_published\n140600-jyj/2023,2026-11-22\n", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"lacks 1 ids .*published.csv.*backup$"):
        whole_ledger(ledger, tmp_path / "nianbao.db", public)
    ledger.write_text(HEAD + GOOD, encoding="utf-8")
    assert set(whole_ledger(ledger, tmp_path / "nianbao.db", public).by_id) == {"140600-jyj"}


def test_a_ledger_is_restored_from_an_archive(tmp_path: Path) -> None:
    renamed = EDUCATION | {
        "id": "140600-hjbhj",
        "name": "朔州市生态环境局",
        "minted_as": "朔州市环境保护局",
        # As corrected, and not as the id was minted.
        "division": "140602",
        "minted_at": None,
    }
    archive = archive_with(tmp_path, EDUCATION, renamed)
    (tmp_path / "ledger.csv").write_text(HEAD + GOOD, encoding="utf-8")
    lines = [
        Issuer(
            *("140600-hjbhj", "朔州市环境保护局", "140600", "prefecture", "department"),
            *("shuozhou", "2026-11-20T14:03:22Z"),
        )
    ]
    assert restored(archive, load_ledger(tmp_path / "ledger.csv")) == lines
    command = ["ledger", "--data", str(tmp_path), "--from", str(archive)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "1 ids added" in done.output
    text = (tmp_path / "ledger.csv").read_text(encoding="utf-8")
    assert text.startswith(HEAD + GOOD + "140600-hjbhj,朔州市环境保护局,140600,")
    assert "0 ids added" in CliRunner().invoke(main, command).output


def test_a_ledger_is_not_restored_from_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "nianbao.db").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(LedgerError, match="Is it an archive"):
        restored(tmp_path / "nianbao.db", Ledger())


def test_an_append_that_fails_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(HEAD + GOOD, encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(issuing.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        append(path, [Issuer("140600-x", *GOOD.strip().split(",")[1:])])
    assert path.read_text(encoding="utf-8") == HEAD + GOOD
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.csv"]


def test_every_portal_of_the_registry_can_mint_ids_for_its_body() -> None:
    """Portals of central bodies have no place in their names."""
    with (ROOT / "crawler" / "portals.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["division"]]
    assert len(rows) > 1000
    for row in rows:
        portal = Portal(row["id"], row["name"], row["division"], row["level"])
        (minted,) = Ledger().mint(
            [Claim(portal.division, portal.name, portal.id, "")], {portal.id: portal}
        )
        assert minted.name
    central = Portal("mof", "财政部", "000000", "central")
    (minted,) = Ledger().mint([Claim("000000", "财政部", "mof", "")], {"mof": central})
    assert minted.id == "000000-czb"
