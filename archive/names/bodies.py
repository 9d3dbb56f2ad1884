"""A body's name -> its full name, level, kind, place and the body above it. Pure.

Places come from `divisions.csv` and `townships.csv.gz` (GB/T 2260 and GB/T 10114; source, date and
licence in their first lines), read when first asked for. What they do not settle stays None: two
places share a name more often than one thinks, and a wrong parent is worse than none.
"""

from __future__ import annotations

import csv
import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from archive.model import Body

# The day the list of divisions was read: below the county a code means nothing without it.
DIVISIONS_DATE = "2026-09-11"
# Where the parts of a code end: province, prefecture, county, town, village.
CODE_ENDS = (2, 4, 6, 9, 12)
DIVISIONS = Path(__file__).with_name("divisions.csv")
TOWNSHIPS = Path(__file__).with_name("townships.csv.gz")
BINGTUAN = "新疆生产建设兵团"
CORPS_DIVISION = re.compile(r"第[一二三四五六七八九十]+师")

# Words a site adds to the name of the body that runs it.
SITE_WORDS = re.compile(
    r"(?:门户|官方|政务|政府)?(?:网站|网|官网)$|(?:政府)?信息公开(?:平台|专栏|网|目录)?$|门户$"
)
# 城市 is a place only behind a name (盐城市), not in 城市管理局.
PLACE = re.compile(
    r"(?!城市)[^省市县区盟旗]{1,12}?"
    r"(?:特别行政区|自治[区州县旗]|地区|[省市县盟旗]|州(?![省市县区])|(?<![园新管牧景])区)"
)
STREET_OR_TOWN = re.compile(
    r"(街道|镇|乡|苏木)(人民政府|政府)?((街道)?办事处)?(党政)?(综合)?(办公室)?$"
)
OFFICE = re.compile(r"(政府|行署|行政公署)办公[室厅]$")
GOVERNMENT = re.compile(r"(政府|行政公署|行署|盟公署)$")
ZONE_WORD = (
    r"(?:开发区|高新区|经开区|新区|工业园|园区|示范区|试验区|保税区|保税港区|综保区|景区|名胜区|度假区"
    r"|管理区|合作区|实验区|林区|功能区|产业带|科学城|自贸区|集聚区|核心区)"
)
ZONE = re.compile(
    ZONE_WORD + r"(党工委)?(管理委员会|管委会|管理局|管理处)?(办公室)?$"
    r"|(?:新城|学城|技城|商城|园|岛|港|湖|山)(?:管理委员会|管委会)$"
)
ZONE_HEAD = re.compile(rf"^(.{{2,20}}?{ZONE_WORD})(?:管理委员会|管委会)?(?=.)")
# Zones of a province or a State Council decision, whose place's own government is not above them.
ZONES: Mapping[str, tuple[str, str, str]] = {
    "平潭综合实验区": ("福建省人民政府", "prefecture", "350128"),
    "西咸新区": ("西安市人民政府", "prefecture", "610100"),
    "雄安新区": ("河北省人民政府", "prefecture", "130600"),
    "贵安新区": ("贵州省人民政府", "prefecture", "520100"),
    "洋浦经济开发区": ("海南省人民政府", "prefecture", "460400"),
    "滇中新区": ("云南省人民政府", "prefecture", "530100"),
    "赣江新区": ("江西省人民政府", "prefecture", "360100"),
    "兰州新区": ("甘肃省人民政府", "prefecture", "620100"),
    "横琴粤澳深度合作区": ("广东省人民政府", "prefecture", "440400"),
    "杨凌农业高新技术产业示范区": ("陕西省人民政府", "prefecture", "610403"),
}
# Bodies whose superiors are in Beijing or the province, not the government of the place.
LINES: tuple[tuple[re.Pattern[str], str | None], ...] = tuple(
    (re.compile(pattern), ministry)
    for pattern, ministry in (
        (r"地方税务局", None),
        (r"税务(?:分)?局$|税务局.{0,8}(?:分局|税务所)$", "国家税务总局"),
        (r"海关(?:缉私局|缉私分局|办事处)?$", "海关总署"),
        (r"气象局$", "中国气象局"),
        (r"邮政管理局$", "国家邮政局"),
        (r"烟草专卖局", "国家烟草专卖局"),
        (r"通信管理局$", "工业和信息化部"),
        (r"(?<!地方)海事局$|海事处$", "交通运输部"),
        (r"调查总?队$", "国家统计局"),
        (r"证监会.+监管局$|证监局$|证券监督管理委员会.+监管局$", "中国证券监督管理委员会"),
        (
            r"(?:银行业监督管理委员会|银监会).+局$|(?<!保)银监(?:分)?局$",
            "中国银行业监督管理委员会",
        ),
        (
            r"(?:银行保险监督管理委员会|银保监会).+局$|银保监(?:分)?局$",
            "中国银行保险监督管理委员会",
        ),
        (r"金融监督管理总局.+局$|金融监管分局$|(?<!保)监管分局$", "国家金融监督管理总局"),
        (r"财政部.+监管局$|财政监察专员办事处$", "财政部"),
        (r"审计署驻", "审计署"),
        (r"人民银行.+", "中国人民银行"),
        (r"外汇管理局.+", "国家外汇管理局"),
        (r"消防救援(?:总队|支队|大队|局)$", "国家消防救援局"),
        (r"国家安全(?:厅|局)$", "国家安全部"),
        (r"边防检查(?:总?站)$|边检(?:总?站)$", "国家移民管理局"),
        (r"能源局.+监管(?:局|办公室)$|能源监管(?:局|办公室)$", "国家能源局"),
        (r"(?:矿山|煤矿)安全监察(?:局|分局)", "国家矿山安全监察局"),
        (r"铁路监督管理局$", "国家铁路局"),
        (r"民用航空.+局$|民航.+(?:管理局|监管局)$", "中国民用航空局"),
        (
            r"(?:长江|黄河|淮河|海河|珠江|松辽)水利委员会|太湖流域管理局",
            "水利部",
        ),
    )
)
PUBLIC_INSTITUTION = re.compile(
    r"(?:医院|大学|学院|学校|中学|小学|幼儿园|研究院|研究所|科学院|图书馆|博物馆|文化馆|美术馆|电视台"
    r"|中心|卫生院|防治所|公积金.{0,4}处)$"
)
DEPARTMENT = re.compile(
    r"(部|委|委员会|厅|局|署|办|办公室|院|会|社|行|队|处|馆|参事室|研究室|分局|支局|所|站)$"
)
# Of the party, the congress, the courts and the people's organisations: no government is above.
NO_GOVERNMENT_BODY = re.compile(
    r"^中共|中国共产党|[省市县区旗州]委(?!员会|托)|人民代表大会|人大常委|政治协商|政协|纪律检查|纪委|监察委员会|监委"
    r"|法院$|检察院$|共青团|共产主义青年团|妇女联合会|妇联$|总工会|工商业联合会|工商联$|残疾人联合会|残联$|党校$"
)
NOT_A_DEPARTMENT = re.compile(r"(法院|检察院|协会|学会|商会|银行|公司|集团|俱乐部)$")
# 温州市公安局鹿城区分局: a branch stands under the bureau it is cut from, not under the district.
BRANCH = re.compile(r"^(.{2,24}?局)(.{0,12}?)(?:分局|直属局)$")
LEVELS_BELOW = {"province": "prefecture", "prefecture": "county", "county": "county"}

# What the names of a ministry's branches begin with, before their place.
MINISTRY_HEAD = re.compile(
    r"^(?:中华人民共和国|国家税务总局|国家统计局|国家外汇管理局|国家能源局|国家金融监督管理总局|中国人民银行"
    r"|中国民用航空|国家矿山安全监察局|财政部|审计署驻|中国[银保证][^省市县区]{0,12}?会)"
)
RELATIVE = re.compile(r"^(?:省|市(?!场|政|容|民)|县|区(?!域)|旗|州|盟|自治区)(?=[^省市县区旗州盟])")
OWN = re.compile(
    r"^(?:我|本)(?:省|市|县|区|旗|州|盟|局|委|办|厅|镇|乡|街道|单位|机关|部门|中心|队|关)"
)
# 高新区, 开发区 and the like are zones of the place, not places beside it.
OTHER_PLACE = re.compile(
    r"国家|中国|中华|中共|[^局委办厅]{1,8}?(?:省|(?<!^)市(?!场|政|容)|县|旗|盟|自治州|(?<![发新园景务])区)"
)
PLACE_END = re.compile(r"[省市县区盟旗州]")
BARE_PLACE = re.compile(
    r"(?:^|[省市县州盟区])[^省市县区旗州盟]{1,6}(?:省|市|县|旗|盟|自治州|地区|自治区)$"
    r"|(?:^|[省市州盟])[^省市县区旗州盟]{1,4}(?<![开发新园景社街小校关])区$"
)
UPPER_PLACE = re.compile(r"^(.*[省市县区旗盟州])(?=.)")
SELF = re.compile(r"(?:人民政府|政府|管理委员会|管委会|行政公署)$")
# What is said short in one way only; 住建, 交通, 城管 and the like stand for several.
SHORT_NAMES = (
    (re.compile(r"人社(?=[厅局]$)|人力社保(?=[厅局]$)"), "人力资源和社会保障"),
    (re.compile(r"人力资源社会保障(?=[厅局]$)"), "人力资源和社会保障"),
    (re.compile(r"(?:发改委|发展改革委)$"), "发展和改革委员会"),
    (re.compile(r"(?:卫健委|卫生健康委)$"), "卫生健康委员会"),
    (re.compile(r"(?:卫计委|卫生计生委)$"), "卫生和计划生育委员会"),
    (re.compile(r"国资委$"), "国有资产监督管理委员会"),
    (re.compile(r"(?<=市场)监管局$"), "监督管理局"),
    (re.compile(r"工信(?=厅$)"), "工业和信息化"),
    (re.compile(r"科技(?=[厅局]$)"), "科学技术"),
    (re.compile(r"退役军人(?=[厅局]$)"), "退役军人事务"),
    (re.compile(r"管委会$"), "管理委员会"),
)
# As part of a longer word (农业科技局, 财政科技局) the short one stands for something else.
SHORT_ALONE = re.compile(r"(?:[省市县区旗州盟]|^)科技[厅局]$")

CENTRAL: Mapping[str, tuple[str, ...]] = {
    "国务院": tuple(
        "国务院办公厅 外交部 国防部 国家发展和改革委员会 教育部 科学技术部 工业和信息化部 "
        "国家民族事务委员会 公安部 国家安全部 监察部 民政部 司法部 财政部 人力资源和社会保障部 "
        "国土资源部 自然资源部 环境保护部 生态环境部 住房和城乡建设部 交通运输部 铁道部 水利部 "
        "农业部 农业农村部 商务部 文化部 文化和旅游部 卫生部 国家卫生和计划生育委员会 "
        "国家卫生健康委员会 国家人口和计划生育委员会 退役军人事务部 应急管理部 中国人民银行 审计署 "
        "国务院国有资产监督管理委员会 海关总署 国家税务总局 国家工商行政管理总局 "
        "国家质量监督检验检疫总局 国家市场监督管理总局 国家新闻出版广电总局 国家广播电视总局 "
        "国家广播电影电视总局 国家新闻出版总署 国家体育总局 国家安全生产监督管理总局 国家统计局 "
        "国家旅游局 国家宗教事务局 国家林业局 国家知识产权局 国家国际发展合作署 国家医疗保障局 "
        "国务院参事室 国家机关事务管理局 国家版权局 国家认证认可监督管理委员会 "
        "国家食品药品监督管理总局 国务院侨务办公室 国务院港澳事务办公室 国务院法制办公室 "
        "国务院研究室 中国科学院 中国社会科学院 中国工程院 国务院发展研究中心 中国气象局 "
        "中国地震局 中国银行业监督管理委员会 中国保险监督管理委员会 中国银行保险监督管理委员会 "
        "中国证券监督管理委员会 国家金融监督管理总局 全国社会保障基金理事会 "
        "国家自然科学基金委员会 国家信访局 国务院扶贫开发领导小组办公室 国家乡村振兴局 "
        "新华通讯社 国家行政学院 国务院台湾事务办公室 国务院新闻办公室 "
        "国家互联网信息办公室".split()
    ),
    "国家发展和改革委员会": ("国家粮食局", "国家粮食和物资储备局", "国家能源局", "国家数据局"),
    "工业和信息化部": ("国家烟草专卖局", "国家国防科技工业局"),
    "公安部": ("国家移民管理局",),
    "人力资源和社会保障部": ("国家公务员局",),
    "自然资源部": ("国家林业和草原局", "国家海洋局", "国家测绘地理信息局"),
    "交通运输部": ("国家铁路局", "中国民用航空局", "国家邮政局"),
    "文化和旅游部": ("国家文物局",),
    "国家卫生健康委员会": ("国家中医药管理局", "国家疾病预防控制局"),
    "应急管理部": ("国家矿山安全监察局", "国家煤矿安全监察局", "国家消防救援局"),
    "国家市场监督管理总局": ("国家药品监督管理局", "国家标准化管理委员会"),
    "中国人民银行": ("国家外汇管理局",),
}
CENTRAL_SHORT: Mapping[str, str] = {
    "国家发展改革委": "国家发展和改革委员会",
    "国家发改委": "国家发展和改革委员会",
    "国家卫生健康委": "国家卫生健康委员会",
    "国家卫健委": "国家卫生健康委员会",
    "国家网信办": "国家互联网信息办公室",
    "国家民委": "国家民族事务委员会",
    "国务院国资委": "国务院国有资产监督管理委员会",
    "中国证监会": "中国证券监督管理委员会",
    "中国银保监会": "中国银行保险监督管理委员会",
    "中国银监会": "中国银行业监督管理委员会",
    "中国保监会": "中国保险监督管理委员会",
    "中国民航局": "中国民用航空局",
    "国家林草局": "国家林业和草原局",
    "国家药监局": "国家药品监督管理局",
    "国家市场监管总局": "国家市场监督管理总局",
    "市场监管总局": "国家市场监督管理总局",
    "税务总局": "国家税务总局",
    "全国海关": "海关总署",
    "全国税务系统": "国家税务总局",
    "工信部": "工业和信息化部",
    "科技部": "科学技术部",
    "人社部": "人力资源和社会保障部",
    "住建部": "住房和城乡建设部",
}


@dataclass(frozen=True, slots=True)
class Division:
    """A place: six digits of GB/T 2260 and its name; of one that is gone also the year it went
    and the code of the one place that follows it today, where that is certain."""

    code: str
    name: str
    until: int | None = None
    now: str = ""

    @property
    def today(self) -> str:
        """The code to know the place by: of its successor, where it has one."""
        return self.now or self.code


class _Tree:
    """The divisions by code and by name."""

    def __init__(self, rows: Iterator[Division]) -> None:
        self.by_code: dict[str, Division] = {}
        self.former: dict[str, Division] = {}
        self.by_name: dict[str, list[Division]] = {}
        self.by_short: dict[str, list[Division]] = {}
        for division in rows:
            self.by_name.setdefault(division.name, []).append(division)
            if division.until:
                self.former[division.code] = division
                continue
            self.by_code[division.code] = division
            if short := short_place(division.name):
                self.by_short.setdefault(short, []).append(division)
        self.longest = max(map(len, self.by_name))

    def current(self, code: str | None) -> str | None:
        """The code today of a six-digit code of any year; None for one the list does not have."""
        code = (re.sub(r"\D", "", code or "") + "000000")[:6]
        if code in self.by_code:
            return code
        gone = self.former.get(code)
        return gone.now or None if gone else None


@lru_cache(maxsize=1)
def _tree() -> _Tree:
    lines = DIVISIONS.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return _Tree(
        Division(row["code"], row["name"], int(row["until"]) if row["until"] else None, row["now"])
        for row in rows
    )


@lru_cache(maxsize=1)
def _towns() -> Mapping[str, str]:
    text = gzip.decompress(TOWNSHIPS.read_bytes()).decode()
    pairs = (line.partition(",") for line in text.splitlines() if not line.startswith("#"))
    return {county: towns for county, _, towns in pairs}


def tidy(name: str) -> str:
    """A body's name without spaces, full-width forms and zero-width characters."""
    return "".join(
        char
        for char in unicodedata.normalize("NFKC", name)
        if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf", "Cs")
    )


def short_place(name: str) -> str:
    """A place's name without its kind: 湛江 of 湛江市, 广西 of 广西壮族自治区.

    Empty where less than two letters would be left.
    """
    if match := re.match(r"(内蒙古|广西|宁夏|新疆|西藏).*自治区$", name):
        return match[1]
    short = re.sub(r"(?:特别行政区|地区|新区|林区|[省市县区盟旗])$", "", name)
    return short if len(short) > 1 and short != name else ""


def place_name(code: str | None) -> str | None:
    """The place of a code, from the province down: 江苏省淮安市洪泽区; with the town of a
    twelve-digit code. None for a code the list does not have."""
    tree = _tree()
    six = tree.current(code)
    if six is None:
        return None
    codes = dict.fromkeys((six[:2] + "0000", six[:4] + "00", six))
    names = [tree.by_code[part].name for part in codes if part in tree.by_code]
    if code and len(code) == 12 and code[6:9] != "000":
        town = re.search(rf"(?:^|\s){code[6:9]}(\S+)", _towns().get(code[:6], ""))
        names.append(town[1] if town else "")
    return "".join(names)


def division_rows(towns: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Rows of table divisions: every place down to the county, those gone since 2007 too, and the
    towns of the twelve-digit codes given that the list has.

    A code that named several places in turn has one row; `former_names` tells the others.
    """
    tree = _tree()
    former: dict[str, list[Division]] = {}
    for divisions in tree.by_name.values():
        for division in divisions:
            # Of some that are gone the list has only the code of what follows them.
            if division.until and division.today:
                former.setdefault(division.code or division.now, []).append(division)
    places = dict(tree.by_code)
    for code, gone in former.items():
        gone.sort(key=lambda division: (division.until or 0, division.name))
        places.setdefault(code, gone[-1])
    rows = []
    for code, place in sorted(places.items()):
        older = {gone.name: gone.until for gone in former.get(code, ()) if gone.name != place.name}
        rows.append(
            {
                "code": code,
                "name": place.name,
                "level": level_of_code(code),
                "parent": _listed_above(code, places),
                "dated": DIVISIONS_DATE,
                "until_year": place.until,
                "former_names": "，".join(f"{name}（至{year}年）" for name, year in older.items())
                or None,
                "now": place.now if place.now in places and place.now != code else None,
            }
        )
    for code in sorted({code for code in towns if len(code) == 12 and code[6:9] != "000"}):
        names = _towns().get(code[:6], "").split()
        for name in (town[3:] for town in names if town[:3] == code[6:9]):
            rows.append(
                {
                    "code": code,
                    "name": name,
                    "level": "township",
                    "parent": _listed_above(code, places),
                    "dated": DIVISIONS_DATE,
                }
            )
    return rows


def _listed_above(code: str, places: Mapping[str, Division]) -> str | None:
    above = (code[:6], code[:4] + "00", code[:2] + "0000")
    return next((upper for upper in above if upper != code and upper in places), None)


def level_of_code(code: str | None) -> str | None:
    """The level a code stands for by its zeros: province, prefecture, county or township."""
    digits = re.sub(r"\D", "", code or "")
    if len(digits) < 6 or not digits.strip("0"):
        return None
    if len(digits) >= 9 and digits[6:9] != "000":
        return "township"
    if digits[2:6] == "0000":
        return "province"
    return "prefecture" if digits[4:6] == "00" else "county"


def related(one: str, other: str) -> bool:
    """Whether one GB/T 2260 division lies within the other."""
    short, long = sorted((_significant(one), _significant(other)), key=len)
    return bool(short) and long.startswith(short)


@lru_cache(maxsize=4096)
def _significant(division: str) -> str:
    """A code without the zeros that say nothing: 140600 is 1406, 340603010000 is 340603010."""
    for end, start in pairwise(reversed(CODE_ENDS)):
        if division[start:end].strip("0"):
            break
        division = division[:start]
    return division


def _within(child: Division, parent: Division) -> bool:
    return any(
        _significant(code) != _significant(above) and code.startswith(_significant(above))
        for code in (child.code, child.today)
        for above in (parent.code, parent.today)
    )


def _chains(text: str, above: Division | None = None) -> Iterator[tuple[int, Division]]:
    """Every way the text begins with places, each within the one before it: where the places end,
    and the last of them."""
    tree = _tree()
    for end in range(min(tree.longest, len(text)), 1, -1):
        for division in tree.by_name.get(text[:end], ()):
            if above is not None and not _within(division, above):
                continue
            deeper = list(_chains(text[end:], division))
            yield from ((end + length, last) for length, last in deeper)
            yield end, division


def locate(name: str, within: str | None = None) -> tuple[str, str] | None:
    """The place a name begins with: the words that say it, and its code today.

    `within` is the code of the place where the name was met. None where the name begins with no
    place of the list, or with one of several of that name and nothing tells which.
    """
    end, places = _named_first(name)
    codes = [
        {division.today for division in places if not division.until},
        {division.today for division in places},
    ]
    near = [{code for code in some if within and related(code, within)} for some in codes]
    # A place that is gone, at home, rather than one elsewhere that is not.
    for some in (*near, *codes):
        if len(some) == 1:
            return name[:end], some.pop()
    return None


def _named_first(name: str) -> tuple[int, list[Division]]:
    """Where the places end that a name begins with, and those that the last of them may be."""
    found = list(_chains(name))
    end = max((length for length, _ in found), default=0)
    return end, [division for length, division in found if length == end]


def _the_one(codes: set[str], within: str | None) -> str | None:
    if within:
        near = {code for code in codes if related(code, within)}
        if len(near) == 1:
            return near.pop()
    return next(iter(codes)) if len(codes) == 1 else None


def _by_short_name(name: str, within: str | None) -> tuple[str, str] | None:
    """As `locate`, for names that leave the kind of the place out: 湛江海关, 昆山高新区."""
    tree = _tree()
    for end in range(min(8, len(name) - 1), 1, -1):
        if divisions := tree.by_short.get(name[:end]):
            codes = {division.code for division in divisions}
            # Branches and zones are named for provinces and cities more than for counties.
            upper = {code for code in codes if code.endswith("00")}
            if re.search(r"(?:总队|监管局|证监局|通信管理局|厅)$", name):
                upper = {code for code in codes if code.endswith("0000")} or upper
            one = _the_one(codes, within) or _the_one(upper, within)
            return (name[:end], one) if one else None
    return None


def places_in(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Every place named in a text by its full name, and the codes that name may stand for."""
    tree = _tree()
    for match in PLACE_END.finditer(text):
        end = match.end()
        for length in range(tree.longest, 1, -1):
            name = text[max(end - length, 0) : end]
            if len(name) == length and (divisions := tree.by_name.get(name)):
                yield name, frozenset(division.today for division in divisions)
                break


def _town(code: str, name: str) -> str | None:
    """The twelve digits of a town of a place by its name; None unless there is exactly one."""
    inside = _significant(code)
    found = {
        f"{county}{town[:3]}000"
        for county, towns in _towns().items()
        if county.startswith(inside)
        for town in towns.split()
        if town[3:] == name
    }
    return found.pop() if len(found) == 1 else None


def government_of(code: str) -> str | None:
    """The official name of the government of a place: 吕梁市离石区人民政府, 阿克苏地区行政公署."""
    name = _official_place(code)
    if name is None:
        return None
    if name.endswith("特别行政区"):
        return name + "政府"
    return name + ("行政公署" if name.endswith(("地区", "盟")) else "人民政府")


def _official_place(code: str) -> str | None:
    """A city's district is named with its city; counties and county-level cities stand alone."""
    tree = _tree()
    if code not in tree.by_code:
        return None
    name = tree.by_code[code].name
    if name.endswith("区") and code[4:] != "00":
        above = tree.by_code.get(code[:4] + "00") or tree.by_code.get(code[:2] + "0000")
        return (above.name if above else "") + name
    return name


def _above(code: str) -> str | None:
    """The government of the division above."""
    if code.endswith("0000"):
        return "国务院"
    upper = code[:4] + "00"
    if upper == code or upper not in _tree().by_code:
        upper = code[:2] + "0000"
    return government_of(upper)


def kind_of(name: str) -> str:
    """What kind of body a name says: see the `kind` column of `issuers`."""
    if name in _central():
        return "office" if name == "国务院办公厅" else "department"
    name = re.sub(r"(?<=.)\([^()]*\)$", "", name)
    if NO_GOVERNMENT_BODY.search(name):
        return "other"
    kinds = (
        ("functional_zone", ZONE.search(name)),
        ("township", STREET_OR_TOWN.search(name)),
        ("office", OFFICE.search(name)),
        ("government", GOVERNMENT.search(name) or name == BINGTUAN),
        ("vertical", _line(name) is not None),
        ("public_institution", PUBLIC_INSTITUTION.search(name)),
        ("department", DEPARTMENT.search(name) and not NOT_A_DEPARTMENT.search(name)),
    )
    return next((kind for kind, holds in kinds if holds), "other")


def _line(name: str) -> tuple[str | None] | None:
    """The ministry whose line a body belongs to, in a tuple; None for a body of its place."""
    for pattern, ministry in LINES:
        if pattern.search(name):
            return (ministry,)
    # Only the provinces' earthquake bureaus are the state's; below they are the place's own.
    if re.search(r"(?:省|自治区|^(?:北京|天津|上海|重庆)市)地震局$", name):
        return ("中国地震局",)
    return None


@lru_cache(maxsize=1)
def _central() -> Mapping[str, str]:
    return {name: parent for parent, names in CENTRAL.items() for name in names}


def _central_name(name: str) -> str | None:
    bare = re.sub(r"\([^()]*\)$", "", name.removeprefix("中华人民共和国"))
    bare = CENTRAL_SHORT.get(bare, bare)
    return bare if bare in _central() else None


def site_body(portal_name: str) -> str:
    """The body that runs a site, from the site's name: 北原市人民政府 of 北原市人民政府门户网站."""
    name = tidy(portal_name)
    bare = SITE_WORDS.sub("", name)
    while bare != name:
        name, bare = bare, SITE_WORDS.sub("", bare)
    return name


def full_name(name: str, portal_name: str | None = None) -> str:
    """The full name: relative names and bare places completed from the portal's own name, and
    what is said short in one way only written out (市政府办公室, 街道, 管委会, 人社局)."""
    portal = _written_out(site_body(portal_name or ""))
    # 湛江海关关区, 北原市本级, 市场监督管理局机关, 海关总署(本级机关): whose figures they are, not
    # another body.
    of_whom = r"(?<=海关)关区$|\(?(?:机关本级|本级(?:机关)?)\)?$|(?<=[局厅委署])\(?机关\)?$"
    name = re.sub(of_whom, "", tidy(name))
    if central := _central_name(name):
        return central
    if own := OWN.match(name):
        return _own(name, own[0], portal)
    name = _written_out(name)
    return _with_its_city(_governed(_completed(name, portal)), portal)


def _with_its_city(name: str, portal: str) -> str:
    """A city's district is named with its city: 长春市朝阳区教育局, not 朝阳区教育局."""
    place = locate(name, _portal_code(portal))
    if place is None or not place[0].endswith("区"):
        return name
    official = _official_place(place[1]) or ""
    return official + name[len(place[0]) :] if official.endswith(place[0]) else name


def _own(name: str, own: str, portal: str) -> str:
    """我局 on a bureau's portal is the bureau, 我市 on a city's the city's government, 我市教育局
    a part of it; empty where the portal does not tell."""
    place = SELF.sub("", portal) if SELF.search(portal) else ""
    if own[-1] in "省市县区旗州盟":
        return portal if name == own else place + name[len(own) :]
    tail = name[1:] if name == own else ""
    return portal if tail in ("单位", "机关", "部门") or portal.endswith(own[1:]) else ""


def _written_out(name: str) -> str:
    name = re.sub(r"(?<!人民)政府(办公[室厅])?$", r"人民政府\1", name)
    name = re.sub(r"(?<!人民)政府(?=国资委$|国有资产)", "人民政府", name)
    if cut := re.search(r"(?:人民)?(?:政府办|府办)$", name):
        head = name[: cut.start()]
        name = head + "人民政府办公" + ("厅" if head.endswith(("省", "自治区")) else "室")
    name = re.sub(r"街道办$|街办$", "街道办事处", name)
    name = re.sub(r"气象部门$", "气象局", name)
    if name.endswith("街道"):
        return name + "办事处"
    # As in Tianjin and Guangzhou: 佳荣里街.
    if name.endswith("街") and len(name) > 2:
        return name + "道办事处"
    if name.endswith(("镇", "乡", "苏木")) and len(name) > 1:
        return name + "人民政府"
    for words, long in SHORT_NAMES:
        if not words.pattern.startswith("科技") or SHORT_ALONE.search(name):
            name = words.sub(long, name)
    return name


def _governed(name: str) -> str:
    """A bare place stands for its government, a bare zone for its committee."""
    if ZONE.search(name) and re.search(ZONE_WORD + "$", name):
        place = locate(name)
        if not place or place[0] != name:
            return name + "管理委员会"
    place = locate(name)
    if place and place[0] == name:
        return name + ("行政公署" if name.endswith(("地区", "盟")) else "人民政府")
    if len(name) > 2 and BARE_PLACE.search(name):
        return name + "人民政府"
    return name


def _completed(name: str, portal: str) -> str:
    if not portal or name == portal:
        return name
    if portal.endswith(name):
        return portal
    if portal.startswith(name) and SELF.fullmatch(portal[len(name) :]):
        return portal
    place = SELF.sub("", portal) if SELF.search(portal) else _upper_place(portal)
    if not place:
        return name
    if relative := RELATIVE.match(name):
        return place + name[relative.end() :]
    if not _shares_place(name, place):
        # A bare local body (教育局), not one that names its own place or a ministry.
        elsewhere = OTHER_PLACE.match(name) or locate(name)
        return name if elsewhere or _says_its_place_short(name) else place + name
    if name.startswith(_first_place(place)):
        return name
    # 洪泽区教育局 under 淮安市洪泽区: the county is named, the city above it is not.
    heads = (place[:end] for end in range(len(place) - 1, 0, -1) if name.startswith(place[end:]))
    return next(heads, "") + name


def _says_its_place_short(name: str) -> bool:
    """湛江海关, 北京经济技术开发区: branches and zones leave the kind of their place out."""
    is_such = _line(name) is not None or ZONE_HEAD.match(name + "。") is not None
    return is_such and _by_short_name(MINISTRY_HEAD.sub("", name), None) is not None


def _upper_place(name: str) -> str:
    if found := locate(name):
        return found[0]
    match = UPPER_PLACE.match(name)
    return match[1] if match else ""


def _first_place(place: str) -> str:
    match = re.match(r"[^省市县区旗盟州]{1,12}?(?:省|自治区|市|县|区|旗|盟|州)", place)
    return match[0] if match else place


def _shares_place(name: str, place: str) -> bool:
    """Does the name begin with the place, or with its last part (相山区 of 淮北市相山区)?"""
    return any(
        name.startswith(place[start:]) for start in range(max(len(place) - 2, 0)) if place[start:]
    )


@lru_cache(maxsize=4096)
def spellings(name: str) -> tuple[str, ...]:
    """One body's name with more or fewer of the places above its own: first as its government is
    officially named (淮安市气象局, 淮安市洪泽区教育局), then 江苏省淮安市气象局 and the like.

    Only those that can mean no other place: each has the same ones, in the same order. A name that
    can, or whose places are not those of today, has itself only.
    """
    head = match[0] if (match := MINISTRY_HEAD.match(name)) else ""
    end, places = _named_first(name[len(head) :])
    tree, rest = _tree(), name[len(head) + end :]
    codes = {division.today for division in places}
    code = codes.pop() if len(codes) == 1 else ""
    if not rest or code not in tree.by_code:
        return (name,)
    own, official = tree.by_code[code].name, _official_place(code) or ""
    above = [
        tree.by_code[upper].name
        for upper in dict.fromkeys((code[:2] + "0000", code[:4] + "00"))
        if upper != code and upper in tree.by_code
    ]
    ways = dict.fromkeys([official, own, *(upper + own for upper in above), "".join(above) + own])
    written = tuple(f"{head}{way}{rest}" for way in ways if _is_only(way + rest, way, code))
    return written if name in written else (name,)


def _is_only(name: str, place: str, code: str) -> bool:
    """Whether a name begins with this place, and no other may be meant by it."""
    end, places = _named_first(name)
    return end == len(place) and {division.today for division in places} == {code}


def official_name(name: str) -> str:
    """The first of a name's `spellings`: two names of one body have the same."""
    return spellings(tidy(name))[0]


@lru_cache(maxsize=4096)
def describe(name: str, portal_name: str | None = None, division_hint: str | None = None) -> Body:
    """The body of a name met on a portal; `division_hint` is the portal's GB/T 2260 code.

    `division` is the code today of the body's place (six digits, twelve for a town of the list).
    """
    full = full_name(name, portal_name)
    if not full:
        return Body(tidy(name))
    if parent := _central().get(full):
        return Body(full, "central", kind_of(full), None, parent)
    kind = kind_of(full)
    here = _tree().current(division_hint) or _portal_code(site_body(portal_name or ""))
    found = locate(full, here)
    leaves_kind_out = kind in ("vertical", "functional_zone") or re.search(r"厅$|公积金", full)
    if found is None and (leaves_kind_out or ZONE_HEAD.match(full)):
        bare = MINISTRY_HEAD.sub("", full)
        found = locate(bare, here) or _by_short_name(bare, here)
    if full.startswith(BINGTUAN) or CORPS_DIVISION.match(full):
        return _of_the_corps(full, kind)
    if zone := next((zone for zone in ZONES if zone in full), None):
        return _of_a_zone(full, kind, zone)
    place, code = found or ("", None)
    if kind == "township":
        return _township(full, place, code, here)
    if code is None:
        return _unlisted(full, kind, portal_name, division_hint)
    # What a province's own zone ranks as, the list does not say.
    level = None if kind == "functional_zone" and code.endswith("0000") else level_of_code(code)
    if branch := BRANCH.match(full):
        if lower := _place_of_branch(branch[2], place, code):
            code, level = lower, level_of_code(lower)
        line = _line(full)
        parent_name = line[0] if line else branch[1]
        return Body(full, level, kind, code, parent_name)
    return Body(full, level, kind, code, _parent(full, kind, place, code))


def _place_of_branch(words: str, place: str, code: str) -> str | None:
    """The code of the place a branch is named for: of 鹿城区 or 香洲, within that of its bureau."""
    for found, length in (
        (locate(place + words), len(place + words)),
        (locate(words, code), len(words)),
        (_by_short_name(words + "分局", code), len(words)),
    ):
        if words and found and len(found[0]) == length and related(found[1], code):
            return found[1]
    return None


def _portal_code(portal: str) -> str | None:
    found = locate(portal) if portal else None
    return found[1] if found else None


def _parent(name: str, kind: str, place: str, code: str) -> str | None:
    match kind:
        case "government":
            return _above(code)
        case "office":
            return re.sub(r"办公[室厅]$", "", name)
        case "vertical":
            line = _line(name)
            return line[0] if line else None
        case "functional_zone":
            return government_of(code)
        case "department":
            rest = name[len(place) :] if name.startswith(place) else name
            if zone := ZONE_HEAD.match(rest):
                return place + zone[1] + "管理委员会"
            if inner := re.match(r"(.+[局厅])办公室$", name):
                return inner[1]
            return government_of(code)
        case "public_institution" if "公积金" in name:
            # 住房公积金管理条例 article 10: it stands directly under the city's government.
            return government_of(code)
        case _:
            return None


def _township(name: str, place: str, code: str | None, here: str | None) -> Body:
    rest = name[len(place) :] if place else name
    rest = re.sub(r"^人民政府", "", rest)
    match = re.match(r"(.+?(?:街道|镇|乡|苏木))(?:人民政府|政府|办事处|街道办事处|党政|$)", rest)
    town = match[1] if match else rest
    code = code or here
    if code is None:
        return _unlisted(name, "township", None, None)
    if code.endswith("0000"):
        return Body(name, "township", "township", code)
    exact = _town(code, town)
    county = exact[:6] if exact else code
    if level_of_code(county) != "county" and _has_counties(county):
        county = ""
    return Body(
        name, "township", "township", exact or code, government_of(county) if county else None
    )


def _has_counties(code: str) -> bool:
    head = _significant(code)
    return any(len(c) == 6 and c != code and c.startswith(head) for c in _tree().by_code)


def _of_the_corps(name: str, kind: str) -> Body:
    """新疆生产建设兵团 and its parts: of a province's rank, with divisions for prefectures."""
    rest = name.removeprefix(BINGTUAN)
    division = CORPS_DIVISION.match(rest)
    level = "prefecture" if division else "province"
    if not rest:
        return Body(name, level, "government", None, "国务院")
    own = name[: len(name) - len(rest)] + (division[0] if division else "")
    if name.startswith(own) and not re.search(r"[部委厅局署办室处队心院]$", name):
        return Body(name, level, "government", None, BINGTUAN)
    parent = re.sub(r"办公[室厅]$", "", name) if kind == "office" else own
    return Body(name, level, kind, None, parent)


def _of_a_zone(name: str, kind: str, zone: str) -> Body:
    parent, level, code = ZONES[zone]
    head = name[: name.index(zone) + len(zone)]
    if kind in ("functional_zone", "government"):
        return Body(name, level, "functional_zone", code, parent)
    if kind == "township":
        town = re.match(r".+?(?:街道|镇|乡)", name[len(head) :])
        exact = _town(code, town[0]) if town else None
        return Body(name, "township", kind, exact or code, head + "管理委员会")
    line = _line(name)
    return Body(name, level, kind, code, line[0] if line else head + "管理委员会")


def _unlisted(name: str, kind: str, portal_name: str | None, hint: str | None) -> Body:
    """A body whose place the list does not have, or does not tell: what its own words say."""
    if line := _line(name):
        return Body(name, level_of_code(hint), kind, None, line[0])
    parent = re.sub(r"办公[室厅]$", "", name) if kind == "office" else None
    if kind in ("department", "township") and not list(_chains(name)):
        place = place_of(name)
        if place.endswith(("省", "市", "县", "区", "旗", "州", "盟")) and place != name:
            parent = place + ("管理委员会" if ZONE.search(place) else "人民政府")
    level = guessed_level(name, kind, portal_name or "", level_of_code(hint) or "")
    return Body(name, level or None, kind, None, parent)


def place_of(portal_name: str) -> str:
    """The place in a portal's name: 朔州市 for 朔州市人民政府 and for 朔州市教育局."""
    name = tidy(portal_name)
    if found := locate(name):
        return found[0]
    end = 0
    while found_part := PLACE.match(name, end):
        end = found_part.end()
    if not end and (organ := re.search(r"(人民政府|政府|行政公署|门户|信息公开|网站|官网)", name)):
        end = organ.start()
    return name[:end]


def guessed_level(name: str, kind: str, portal_name: str, portal_level: str) -> str:
    """The level by the words alone: the portal's, or lower when the name has a place below."""
    if kind == "township":
        return "township"
    place = place_of(portal_name)
    rest = name.partition(place)[2] if place and place in name else ""
    if rest and kind != "functional_zone" and (below := PLACE.match(rest)):
        if portal_level == "province" and not re.search(r"[市州盟]$|地区$", below[0]):
            return "county"
        return LEVELS_BELOW.get(portal_level, portal_level)
    return portal_level
