"""Bodies by their names: level, kind, place and the body above, or None where nothing tells."""

import csv
import subprocess
import sys

import pytest

from archive.names.bodies import (
    DIVISIONS,
    DIVISIONS_DATE,
    describe,
    full_name,
    kind_of,
    level_of_code,
    locate,
    official_name,
    place_name,
    place_of,
    places_in,
    related,
    site_body,
    spellings,
)

# name: level, kind, division, parent. Codes are those of GB/T 2260 in the list of 2026-09-11.
BODIES = {
    # Governments, and the division above each.
    "山西省人民政府": ("province", "government", "140000", "国务院"),
    "内蒙古自治区人民政府": ("province", "government", "150000", "国务院"),
    "朔州市人民政府": ("prefecture", "government", "140600", "山西省人民政府"),
    "延边朝鲜族自治州人民政府": ("prefecture", "government", "222400", "吉林省人民政府"),
    "锡林郭勒盟行政公署": ("prefecture", "government", "152500", "内蒙古自治区人民政府"),
    "阿克苏地区行政公署": ("prefecture", "government", "652900", "新疆维吾尔自治区人民政府"),
    "保德县人民政府": ("county", "government", "140931", "忻州市人民政府"),
    "吕梁市离石区人民政府": ("county", "government", "141102", "吕梁市人民政府"),
    "乐山市市中区人民政府": ("county", "government", "511102", "乐山市人民政府"),
    "西乌珠穆沁旗人民政府": ("county", "government", "152526", "锡林郭勒盟行政公署"),
    "青铜峡市人民政府": ("county", "government", "640381", "吴忠市人民政府"),
    # Directly under the province or the municipality.
    "济源市人民政府": ("county", "government", "419001", "河南省人民政府"),
    "上海市浦东新区人民政府": ("county", "government", "310115", "上海市人民政府"),
    "神农架林区人民政府": ("county", "government", "429021", "湖北省人民政府"),
    # Offices stand under their government, departments under that of their place.
    "朔州市人民政府办公室": ("prefecture", "office", "140600", "朔州市人民政府"),
    "上海市人民政府办公厅": ("province", "office", "310000", "上海市人民政府"),
    "朔州市教育局": ("prefecture", "department", "140600", "朔州市人民政府"),
    "湛江市人民政府地方志办公室": ("prefecture", "department", "440800", "湛江市人民政府"),
    "河北省科学技术厅": ("province", "department", "130000", "河北省人民政府"),
    "保德县市场监管局": ("county", "department", "140931", "保德县人民政府"),
    "唐山市地震局": ("prefecture", "department", "130200", "唐山市人民政府"),
    "天津市地方金融监督管理局": ("province", "department", "120000", "天津市人民政府"),
    "深圳市龙岗区教育局": ("county", "department", "440307", "深圳市龙岗区人民政府"),
    # A branch stands under the bureau it is cut from.
    "温州市公安局鹿城区分局": ("county", "department", "330302", "温州市公安局"),
    "珠海市生态环境局香洲分局": ("county", "department", "440402", "珠海市生态环境局"),
    # Lines of the ministries: the place is a second link.
    "国家税务总局珠海市香洲区税务局": ("county", "vertical", "440402", "国家税务总局"),
    "湛江海关": ("prefecture", "vertical", "440800", "海关总署"),
    "上海海关": ("province", "vertical", "310000", "海关总署"),
    "拱北海关": (None, "vertical", None, "海关总署"),
    "国家统计局河北调查总队": ("province", "vertical", "130000", "国家统计局"),
    "浙江省气象局": ("province", "vertical", "330000", "中国气象局"),
    "太原市邮政管理局": ("prefecture", "vertical", "140100", "国家邮政局"),
    "太原市消防救援支队": ("prefecture", "vertical", "140100", "国家消防救援局"),
    "河北省地震局": ("province", "vertical", "130000", "中国地震局"),
    "国家金融监督管理总局河北监管局": ("province", "vertical", "130000", "国家金融监督管理总局"),
    "中国人民银行北京市分行": ("province", "vertical", "110000", "中国人民银行"),
    # Towns and streets: twelve digits where the list has them, the place above where not.
    "湖口县流泗镇人民政府": ("township", "township", "360429101000", "湖口县人民政府"),
    "淮北市相山区曲阳街道办事处": ("township", "township", "340603008000", "淮北市相山区人民政府"),
    "湖口县无此镇人民政府": ("township", "township", "360429", "湖口县人民政府"),
    "东莞市虎门镇人民政府": ("township", "township", "441900", "东莞市人民政府"),
    # Zones stand under the government of their place, a few under the province's.
    "昆山高新技术产业开发区管理委员会": ("county", "functional_zone", "320583", "昆山市人民政府"),
    "合肥市高新区管理委员会": ("prefecture", "functional_zone", "340100", "合肥市人民政府"),
    "平潭综合实验区管理委员会": ("prefecture", "functional_zone", "350128", "福建省人民政府"),
    "平潭综合实验区财政金融局": ("prefecture", "department", "350128", "平潭综合实验区管理委员会"),
    "长春净月高新技术产业开发区教育局": (
        "prefecture",
        "department",
        "220100",
        "长春净月高新技术产业开发区管理委员会",
    ),
    # The corps: of a province's rank, in no place of the list.
    "新疆生产建设兵团": ("province", "government", None, "国务院"),
    "新疆生产建设兵团教育局": ("province", "department", None, "新疆生产建设兵团"),
    "新疆生产建设兵团第八师教育局": ("prefecture", "department", None, "新疆生产建设兵团第八师"),
    # An inner office, two names, the party's and the people's organisations.
    "连云港市民政局办公室": ("prefecture", "department", "320700", "连云港市民政局"),
    "国家能源局（由国家发展和改革委员会管理）": (
        "central",
        "department",
        None,
        "国家发展和改革委员会",
    ),
    "中共扬州市委组织部": (None, "other", None, None),
    "苏州市妇女联合会": ("prefecture", "other", "320500", None),
    "南京市仙林大学城管理委员会": ("prefecture", "functional_zone", "320100", "南京市人民政府"),
    "北京市城市管理委员会": ("province", "department", "110000", "北京市人民政府"),
    "广西教育厅": ("province", "department", "450000", "广西壮族自治区人民政府"),
    "南京住房公积金管理中心": ("prefecture", "public_institution", "320100", "南京市人民政府"),
    "信用泰州": (None, "other", None, None),
    "深圳市住房公积金管理中心": ("prefecture", "public_institution", "440300", "深圳市人民政府"),
    "太原市第二人民医院": ("prefecture", "public_institution", "140100", None),
    # The State Council's.
    "教育部": ("central", "department", None, "国务院"),
    "国家统计局": ("central", "department", None, "国务院"),
    "国务院办公厅": ("central", "office", None, "国务院"),
    "国家能源局": ("central", "department", None, "国家发展和改革委员会"),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_a_name_says(name: str) -> None:
    body = describe(name)
    assert (body.level, body.kind, body.division, body.parent) == BODIES[name]


@pytest.mark.parametrize(
    ("name", "portal", "hint", "full", "division"),
    [
        # Of one name, told apart by the portal or its code, or not at all.
        ("朝阳区教育局", "北京市人民政府", None, "北京市朝阳区教育局", "110105"),
        ("朝阳区教育局", "长春市人民政府", None, "长春市朝阳区教育局", "220104"),
        ("朝阳区教育局", None, "220100", "朝阳区教育局", "220104"),
        ("朝阳区教育局", None, None, "朝阳区教育局", None),
        ("朝阳区教育局", "太原市人民政府", None, "朝阳区教育局", None),
        ("鼓楼区人民政府", "南京市人民政府", None, "南京市鼓楼区人民政府", "320106"),
        ("鼓楼区人民政府", "徐州市人民政府", None, "徐州市鼓楼区人民政府", "320302"),
        # The name says its place: what the portal is does not matter.
        ("安图县林业局", "吉林市林业局", None, "安图县林业局", "222426"),
        # A portal's name may lack the city, a code may be one of before a renaming.
        ("教育局", "离石区人民政府", None, "吕梁市离石区教育局", "141102"),
        ("和平街道", "沈阳市人民政府", "210100", "沈阳市和平街道办事处", "210100"),
        ("乐都区教育局", None, "632123", "海东市乐都区教育局", "630202"),
    ],
)
def test_places_of_one_name(
    name: str, portal: str | None, hint: str | None, full: str, division: str | None
) -> None:
    body = describe(name, portal, hint)
    assert (body.name, body.division) == (full, division)


@pytest.mark.parametrize(
    ("name", "division"),
    [
        ("郫县人民政府", "510117"),
        ("襄樊市教育局", "420600"),
        ("毕节地区行政公署", "520500"),
        ("通州市人民政府", "320612"),
        ("上海市闸北区教育局", "310106"),
        ("禄丰县人民政府", "532302"),
        # 大同市城区 was parted among several in 2018: no one place follows it.
        ("大同市城区人民政府", "140202"),
    ],
)
def test_places_that_have_been_renamed_or_merged(name: str, division: str) -> None:
    assert describe(name).division == division


def test_a_place_of_the_list_of_nobody() -> None:
    """Places the list does not have keep what their words say, and no code."""
    town = describe("北原市白鹭渡镇", "北原市人民政府", "990100")
    assert (town.name, town.level, town.division) == ("北原市白鹭渡镇人民政府", "township", None)
    office = describe("北原市教育局", "北原市人民政府", "990100")
    assert (office.level, office.kind, office.parent) == (
        "prefecture",
        "department",
        "北原市人民政府",
    )
    assert describe("北原市松北县教育局", "北原市人民政府", "990100").level == "county"


@pytest.mark.parametrize(
    ("name", "portal", "full"),
    [
        ("市政府办公室", "朔州市人民政府", "朔州市人民政府办公室"),
        ("朔州市府办", None, "朔州市人民政府办公室"),
        ("省政府办", "山西省人民政府", "山西省人民政府办公厅"),
        ("我办", "朔州市财政局", ""),
        ("朔州市人社局", None, "朔州市人力资源和社会保障局"),
        ("朔州市发改委", None, "朔州市发展和改革委员会"),
        ("朔州市农业科技局", None, "朔州市农业科技局"),
        ("朔州市交通局", None, "朔州市交通局"),
        ("朔州经济开发区", None, "朔州经济开发区管理委员会"),
        ("北京经济技术开发区", "北京市人民政府", "北京经济技术开发区管理委员会"),
        ("洪泽湖街道", "淮安市洪泽区人民政府", "淮安市洪泽区洪泽湖街道办事处"),
        ("市林业局", "吉林市林业局", "吉林市林业局"),
        ("市教育局", "北原市人民政府门户网站", "北原市教育局"),
        ("国家卫健委", None, "国家卫生健康委员会"),
    ],
)
def test_full_names(name: str, portal: str | None, full: str) -> None:
    assert full_name(name, portal) == full


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("重庆市奉节县教育局", ["奉节县教育局", "重庆市奉节县教育局"]),
        ("江苏省教育厅", ["江苏省教育厅"]),
        (
            "淮安市盱眙县马坝镇人民政府",
            [
                *("盱眙县马坝镇人民政府", "江苏省盱眙县马坝镇人民政府"),
                *("淮安市盱眙县马坝镇人民政府", "江苏省淮安市盱眙县马坝镇人民政府"),
            ],
        ),
        (
            "国家税务总局河南省济源市税务局",
            ["国家税务总局济源市税务局", "国家税务总局河南省济源市税务局"],
        ),
        # 鼓楼区 is a district of four cities, two of them in Jiangsu.
        ("江苏省南京市鼓楼区教育局", ["南京市鼓楼区教育局", "江苏省南京市鼓楼区教育局"]),
        ("鼓楼区教育局", ["鼓楼区教育局"]),
        ("江苏省鼓楼区教育局", ["江苏省鼓楼区教育局"]),
        # Of another city before 2015, and of none: a place that is gone.
        ("六安市寿县教育局", ["六安市寿县教育局"]),
        ("江苏省淮阴市教育局", ["江苏省淮阴市教育局"]),
        ("大同市矿区教育局", ["大同市矿区教育局"]),
        ("湛江海关", ["湛江海关"]),
        (
            "新疆维吾尔自治区阿克苏地区行政公署",
            ["阿克苏地区行政公署", "新疆维吾尔自治区阿克苏地区行政公署"],
        ),
    ],
)
def test_the_ways_to_write_a_name(name: str, ways: list[str]) -> None:
    assert list(spellings(name)) == ways
    assert official_name(name) == ways[0]


def test_what_is_written_otherwise_is_the_same_from_either_side() -> None:
    lines = DIVISIONS.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if line[0] != "#"))
    names = {row["code"]: row["name"] for row in rows}
    above = [(code[:2] + "0000", code[:4] + "00", code) for code in names]
    met = {
        "".join(names.get(code, "") for code in places) + "教育局"
        for province, prefecture, code in above
        for places in ((code,), (prefecture, code), (province, code), (province, prefecture, code))
    }
    found = {name: spellings(name) for name in met}
    assert sum(len(ways) > 1 for ways in found.values()) > len(names)
    for name, ways in found.items():
        assert name in ways
        assert {spellings(way) for way in ways} == {ways}


def test_a_place_that_is_gone_is_found_at_home() -> None:
    assert locate("矿区教育局", "140200") == ("矿区", "140203")
    assert locate("矿区教育局", "140000") == ("矿区", "140303")


def test_a_sites_name_is_its_bodys() -> None:
    assert site_body("北原市人民政府门户网站") == "北原市人民政府"
    assert site_body("北原市教育局政府信息公开平台") == "北原市教育局"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("朔州市市场监管局", "department"),
        ("朔州市税务局", "vertical"),
        ("神头镇人民政府", "township"),
        ("朔州市图书馆", "public_institution"),
        ("朔州市中级人民法院", "other"),
    ],
)
def test_kinds(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_places_by_code_and_by_words() -> None:
    assert place_name("320813") == "江苏省淮安市洪泽区"
    assert place_name("340603008000") == "安徽省淮北市相山区曲阳街道"
    assert place_name("419001") == "河南省济源市"
    assert place_name("990100") is None
    assert [
        level_of_code(code) for code in ("140000", "140600", "140602", "140602001", "000000")
    ] == [
        "province",
        "prefecture",
        "county",
        "township",
        None,
    ]
    assert locate("江苏省淮安市洪泽区教育局") == ("江苏省淮安市洪泽区", "320813")
    assert locate("教育局") is None
    assert place_of("乌鲁木齐市新市区教育局") == "乌鲁木齐市新市区"
    assert related("140600", "140602")
    assert not related("140600", "141102")
    # Towns have three digits, which may end in a 0: 010 and 011 lie beside each other.
    assert related("340603", "340603010000")
    assert not related("340603010000", "340603011000")
    assert not related("340603100000", "340603101000")
    assert [name for name, _ in places_in("由洪泽区和淮安市报送")] == ["洪泽区", "淮安市"]


def test_the_list_is_dated_and_credited() -> None:
    from archive.names.bodies import DIVISIONS

    head = DIVISIONS.read_text(encoding="utf-8").partition("code,name")[0]
    assert DIVISIONS_DATE in head
    assert "CC BY 4.0" in head


def test_the_list_is_not_read_before_it_is_needed() -> None:
    code = (
        "import archive.identify, archive.names.bodies as b;"
        "archive.identify.report_title_verdict('太原市2021年政府信息公开年报');"
        "print(b._tree.cache_info().currsize, b._towns.cache_info().currsize)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0", "0"]


def test_the_city_in_city_management_is_no_place() -> None:
    assert describe("北原市城市管理局").parent == "北原市人民政府"
    assert describe("盐城市城市管理局").parent == "盐城市人民政府"
