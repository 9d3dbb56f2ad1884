"""Ids that last: readable, minted once, the same in whatever order bodies are met."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.issuers import (
    Claim,
    Issuer,
    Ledger,
    LedgerError,
    Portal,
    append,
    initials,
    kind_of,
    level_of,
    load_ledger,
    place_of,
)

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
    # 交 sorts before 教: the first of the two colliding names takes the plain id.
    assert {issuer.name: issuer.id for issuer in one.by_id.values()} == {
        "朔州市交易局": "140600-jyj",
        "朔州市教育局": "140600-jyj-2",
        "朔州市经济局": "140600-jjj",
        "曲阳街道办事处": "340603-qyjdbsc",
    }


def test_an_id_once_given_stays_whatever_comes_later() -> None:
    ledger = Ledger()
    ledger.mint([claim("朔州市教育局", SHUOZHOU)], PORTALS)
    later = ledger.mint([claim("朔州市交易局", SHUOZHOU)], PORTALS)
    assert [issuer.id for issuer in later] == ["140600-jyj-2"]
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


def test_issuers_are_values() -> None:
    issuer = Issuer(*GOOD.strip().split(","))
    assert Ledger([issuer]).by_id == {"140600-jyj": issuer}
