"""Which words of a text name a private person? They are masked wherever the public looks.

Mobile numbers, identity numbers (GB 11643-1999, and the 15 digits before it) and home addresses,
in running text and in cells that hold words. Captures and archive keep everything: masks are made
in the snapshot of a site and in a release. An office's landline, address, postcode and e-mail
stay; its mobile number does not, for nobody can tell it from a person's. Addresses of pages and
names of files are left as they are.

A rule finds what looks so; what is a figure, a document's number or an account all the same, the
rest of this module tells. The site holds originals against the bare rules (`patterns`), so that it
masks no less. Pure, but for `mask`.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from unicodedata import normalize

from archive.schema import TABLES, Table

MOBILE, IDENTITY, HOME = "mobile", "identity", "home"
# What stands in place of a number or an address; with no rule finding a mask again.
STARS, IDENTITY_HIDDEN, HOME_HIDDEN = "********", "【身份证号码已隐去】", "【住址已隐去】"

D = "[0-9０-９]"
HYPHEN = "[‐‑–—－-]"
GAP = "[ \u00a0\u3000‐‑–—－-]"
# What announces a number, and what may stand between it and the number: 手机号码（微信同号）：
ANNOUNCERS = "手机|电话|联系方式|微信(?=[号同：:（(])"
CALLED = (
    r"(?:号码?)?\s?(?:[（(][^（()）\n]{0,8}(?:微信|手机|同号|办公|值班|联系)[^（()）\n]{0,8}[）)])?"
    r"\s?(?:为|是)?[：:]?\s?[（(]?"
)
ONE, OPERATOR = "[1１]", "[3-9３-９]"
DOT = "[.．·•]"
HAN = "〇\u3400-\u4dbf\u4e00-\u9fff"
OF_ADDRESS = f"[{HAN}0-9０-９A-Za-z#＃－-]"
COUNT = f"(?:{D}{{1,5}}|[〇零一二三四五六七八九十百]{{1,5}})"
# An amount, a count, a document's number or the name of a file, not a telephone's.
UNIT = (
    rf"(?:[ \u00a0\u3000]?(?:[百千万亿]|元(?![月旦])|美元|人次|次(?![日月年])|条|件|份|户|吨|米|"
    rf"平方|公里|千瓦|[%％‰]|个(?!人)|号(?!码)|[.．]{D})|"
    r"[.．](?:s?html?|pdf|docx?|xlsx?|wps|ofd|jpe?g|png|zip|rar)|[0-9A-Fa-f]{8})"
)
# A mobile number, and what may stand before or after one with a hyphen between: another, a landline
# or its area code, an extension. What has other figures there is something else.
NUMBER = f"{ONE}{OPERATOR}{D}{{9}}"
AREA = rf"(?<=(?<!{D})[0０]{D}{{2}}{HYPHEN})|(?<=(?<!{D})[0０]{D}{{3}}{HYPHEN})"
WITHIN = rf"(?<!{D}{HYPHEN})|{AREA}|(?<=(?<!{D}){NUMBER}{HYPHEN})"
FOLLOWED = (
    rf"{HYPHEN}(?!{D}{{1,2}}(?!{D})|{NUMBER}(?!{D}|{UNIT})|"
    rf"[0０]{D}{{2,3}}{HYPHEN}?{D}{{7,8}}(?!{D}))"
)
# Of letters before one only those that say so.
LETTERS = "".join(
    f"|(?<=(?<![0-9A-Za-z_]){word})"
    for word in ("[WwVv][Xx]", "[Tt][Ee][Ll]", "[Ww]ei[Xx]in", "[Ww]e[Cc]hat")
)
COUNTRY = rf"(?:(?:[+＋]|00|００)?(?:86|８６){GAP}{{0,2}})?"
BEGINS = rf"(?=[+＋0０1１8８])(?<!{D})(?<![0-9a-f]{{3}}[a-f]-)(?:(?<![A-Za-z_]){LETTERS})"
HOUSE = rf"{COUNT}\s?(?:号楼|[#＃]楼?|栋|幢|座|楼)"
HOUSE_PART = r"(?:号楼|号院|号|[#＃]|栋|幢|座|单元|楼|层|室|组|社|弄|户)"
PLACE = "[省市县区旗州盟镇乡街路巷村]"
HOME_WORD = (
    "(?:(?:家庭|居住|现居|户籍|户口|常住)(?:所在)?(?:(?:详细|具体)?(?:住址|地址|住所)|地)|住址)"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What looks like something private, and what is shown of it: a template of `re`. Announced
    are homes that a word before them says to be one."""

    kind: str
    pattern: re.Pattern[str]
    shown: str
    announced: bool = False


RULES = (
    Rule(
        MOBILE,
        re.compile(
            rf"{BEGINS}(?<!0[.．])(?:{WITHIN})({COUNTRY}{ONE}{OPERATOR}{D}){D}{{8}}"
            rf"(?!{D}|{UNIT}|{FOLLOWED}{D})"
        ),
        rf"\1{STARS}",
    ),
    # In groups: a row of numbers may look so too, unless it ends there on both sides.
    Rule(
        MOBILE,
        re.compile(
            rf"{BEGINS}(?:(?<!{D}{GAP})|{AREA})({COUNTRY}{ONE}{OPERATOR}{D})"
            rf"(?:{GAP}{D}{{4}}{GAP}?{D}{{4}}|{D}{{4}}{GAP}{D}{{4}})"
            rf"(?!{GAP}{{0,2}}{D}|{UNIT})"
        ),
        rf"\1{STARS}",
    ),
    Rule(
        MOBILE,
        re.compile(
            rf"{BEGINS}(?<!{D}{DOT})({ONE}{OPERATOR}{D}){DOT}{D}{{4}}{DOT}{D}{{4}}"
            rf"(?!{DOT}?{D}|{UNIT})"
        ),
        rf"\1{STARS}",
    ),
    Rule(
        MOBILE,
        re.compile(
            rf"([（(]{ONE}{OPERATOR}{D}[）)]{GAP}?){D}{{4}}{GAP}?{D}{{4}}(?!{GAP}?{D}|{UNIT})"
        ),
        rf"\1{STARS}",
    ),
    # Where a word announces it, lines may break in it.
    Rule(
        MOBILE,
        re.compile(
            rf"((?:{ANNOUNCERS}){CALLED}{ONE}\n?{OPERATOR}\n?{D})"
            rf"(?:[\n -]?{D}){{8}}(?!{D})"
        ),
        rf"\1{STARS}",
    ),
    Rule(
        IDENTITY,
        re.compile(
            rf"(?<![0-9０-９A-Za-z_])(?<!{D}{HYPHEN}){D}{{6}}{GAP}?"
            rf"(?:1[89]|20|１[８９]|２０){D}{{2}}{GAP}?[01０１]{D}[0-3０-３]{D}{GAP}?"
            rf"{D}{{3}}[0-9０-９XxＸｘ×](?![0-9０-９A-Za-z]|[.．]{D})"
        ),
        IDENTITY_HIDDEN,
    ),
    # The fifteen columns of a row without spaces look like the old number: it must be announced.
    Rule(
        IDENTITY,
        re.compile(
            rf"((?:身份证|公民身份|证件|[男女])[^0-9０-９\n。；;]{{0,16}})"
            rf"{D}{{8}}[01０１]{D}[0-3０-３]{D}{D}{{3}}(?![0-9０-９A-Za-z]|[.．]{D})"
        ),
        rf"\1{IDENTITY_HIDDEN}",
    ),
    # Announced with a colon: all of it, if it names a place.
    Rule(
        HOME,
        re.compile(
            rf"((?:{HOME_WORD})\s?[：:]\s?)"
            rf"(?={OF_ADDRESS}{{0,30}}?(?:{PLACE}|[栋幢组弄屯寨庄苑楼]|{D}\s?[号室]))"
            rf"{OF_ADDRESS}{{3,60}}(?![：:])"
        ),
        rf"\1{HOME_HIDDEN}",
        announced=True,
    ),
    # Announced in a sentence: as far as the village, the house or the flat.
    Rule(
        HOME,
        re.compile(
            rf"(家住|{HOME_WORD}[为是在系])(?={OF_ADDRESS}{{1,24}}?{PLACE})"
            rf"{OF_ADDRESS}{{2,40}}?(?:{D}\s?{HOUSE_PART}|村(?!民)|小区|社区)"
            rf"(?:\s?{COUNT}\s?{HOUSE_PART})*"
        ),
        rf"\1{HOME_HIDDEN}",
        announced=True,
    ),
    Rule(
        HOME,
        re.compile(
            rf"(住[在于])(?={OF_ADDRESS}{{1,24}}?{PLACE})"
            rf"{OF_ADDRESS}{{2,40}}?{COUNT}\s?{HOUSE_PART}(?:\s?{COUNT}\s?{HOUSE_PART})*"
        ),
        rf"\1{HOME_HIDDEN}",
        announced=True,
    ),
    # Not announced: a flat in a house. The estate's name is no one's home.
    Rule(
        HOME,
        re.compile(rf"{HOUSE}\s?{COUNT}\s?单元\s?(?:{COUNT}\s?[层楼]\s?)?{COUNT}\s?(?:室|号|户)?"),
        HOME_HIDDEN,
    ),
    Rule(
        HOME,
        re.compile(
            r"((?:小区|花园|家园|公寓|新村|社区|家属[院楼]|宿舍|[嘉佳家雅名花华]苑)\s?)"
            rf"{HOUSE}\s?(?:{COUNT}\s?[层楼]\s?)?{COUNT}\s?[室户]"
        ),
        rf"\1{HOME_HIDDEN}",
    ),
)
# Without one of these no rule can find anything: the cheap look before the dear one.
LONG_NUMBER = re.compile(rf"{D}(?:[\n \u00a0\u3000‐‑–—－.．·•()（）-]{{0,2}}{D}){{10}}")
FLAT = re.compile(r"[0-9０-９〇零一二三四五六七八九十百]\s?[室户]")
WORDS = (
    "家住",
    "住在",
    "住于",
    "住址",
    "住所",
    "地址",
    "单元",
    "在地",
    "居地",
    "籍地",
    "口地",
    "住地",
)

URL = re.compile(r"(?:https?://|www\.)[!-~]{1,2000}")
# What a number is that stands behind one of these.
OTHER_NUMBER = re.compile(
    r"(?:账[号户]|帐[号户]|卡号|编号|文号|案号|单号|序号|字号|流水号|受理号|许可证号?|证书号?|注册号|"
    r"代码|条码|编码|QQ号?)\s?(?:为|是)?[：:]?\s?[（(]?$"
)
TELEPHONE = re.compile(rf"(?:{ANNOUNCERS}|热线|传真|[Tt][Ee][Ll]\.?){CALLED}$")
ANNOUNCED = re.compile(ANNOUNCERS)
PERSON = re.compile(rf"(?:身份证|公民身份|证件)件?{CALLED}$")
# A clause that tells of an office, and an address that is not said to be anyone's home.
OFFICE = re.compile(
    r"办公|通[信讯]|邮寄|邮编|受理|接收|单位|机构|窗口|大厅|地点|办事|便民|服务中心|设[在于]|"
    r"(?<!家庭)(?<!居住)(?<!户籍)(?<!户口)地址"
)
CLAUSE_END = re.compile(r"[。；;\n]")
BEFORE = 24
# A mobile number with more zeros is a row of empty cells that lost its spaces.
MOST_ZEROS = 5

PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 "
    "71 81 82 83".split()
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK = "10X98765432"
EARLIEST_BIRTH = 1880
WITHHELD = "withheld"
# What is shorter is neither a number of a person nor a home: most verdicts are.
SHORTEST = 5
# Rows that are masked at once.
TOGETHER = 200
VERSIONS = ("version_id", "current_version", "from_version", "to_version")


@dataclass(frozen=True, slots=True)
class Mask:
    """What is private in a text: its kind, where it begins and ends, and what is shown instead."""

    kind: str
    start: int
    end: int
    shown: str


def find_masks(text: str) -> list[Mask]:
    """The masks of a text, in order, none within another."""
    if not _may_hold(text):
        return []
    found = [
        Mask(rule.kind, match.start(), match.end(), match.expand(rule.shown))
        for rule in RULES
        for match in rule.pattern.finditer(text)
        if _is_private(rule, match)
    ]
    if not found:
        return []
    addresses = [match.span() for match in URL.finditer(text)]
    found.sort(key=lambda mask: (mask.start, -mask.end))
    masks: list[Mask] = []
    for mask in _outside(found, addresses):
        if not masks or mask.start >= masks[-1].end:
            masks.append(mask)
    return masks


def _may_hold(text: str) -> bool:
    return (
        LONG_NUMBER.search(text) is not None
        or any(word in text for word in WORDS)
        or FLAT.search(text) is not None
    )


def _outside(masks: Iterable[Mask], spans: list[tuple[int, int]]) -> Iterator[Mask]:
    """The masks that do not begin within a span; both in order."""
    at = 0
    for mask in masks:
        while at < len(spans) and spans[at][1] <= mask.start:
            at += 1
        if at == len(spans) or mask.start < spans[at][0]:
            yield mask


def masked(text: str) -> str:
    """The text as the public may read it; the very same where there is nothing to mask."""
    parts, done = [], 0
    for mask in find_masks(text):
        parts += [text[done : mask.start], mask.shown]
        done = mask.end
    return "".join(parts) + text[done:]


def masked_cell(text: str) -> str:
    """What a cell of a form holds as the public may read it: words are masked, a figure never."""
    return masked(text) if any(map(str.isalpha, text)) else text


def patterns() -> list[tuple[str, str]]:
    """The bare rules, for who cannot import this: a pattern and a template of `re` each. They mask
    all that `masked` does, and what only looks so."""
    return [(rule.pattern.pattern, rule.shown) for rule in RULES]


def _is_private(rule: Rule, match: re.Match[str]) -> bool:
    """Whether what looks private is so, by what it says and what stands before it."""
    text, start = match.string, match.start()
    before = text[max(0, start - BEFORE) : start]
    if rule.kind == HOME:
        clause = CLAUSE_END.split(text[max(0, start - 2 * BEFORE) : start])[-1]
        return rule.announced or not OFFICE.search(clause)
    if rule.kind == IDENTITY:
        if PERSON.search(before):
            return True
        number = _bare(match[0])
        return is_identity_number(number) and not OTHER_NUMBER.search(before)
    if TELEPHONE.search(before) or ANNOUNCED.match(match[0]):
        return True
    zeros = _bare(match[0])[-8:].count("0")
    return zeros <= MOST_ZEROS and not OTHER_NUMBER.search(before)


def _bare(text: str) -> str:
    """The digits and check letters of a number, as ASCII."""
    folded = normalize("NFKC", text.replace("×", "X")).upper()
    return re.sub(r"[^0-9X]", "", folded)


def is_identity_number(text: str) -> bool:
    """Whether 18 characters can be a citizen's number (GB 11643-1999: place, date of birth, order,
    check by ISO 7064 MOD 11-2), or 15 digits one of before 1999."""
    if text[:2] not in PROVINCES:
        return False
    if len(text) == 15:
        return _is_birth(f"19{text[6:12]}")
    weighed = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False))
    return _is_birth(text[6:14]) and text[17:] == CHECK[weighed % 11]


def _is_birth(digits: str) -> bool:
    try:
        day = date.fromisoformat(f"{digits[:4]}-{digits[4:6]}-{digits[6:]}")
    except ValueError:
        return False
    return day.year >= EARLIEST_BIRTH


# --- the texts of an archive ---------------------------------------------------------------------

# Names, addresses, moments, words of ours: of these columns none holds what a page says.
OURS = frozenset(
    "url home_url path target listed_on warc_file digest content_digest sha256 media_type "
    "record_type field key flat code parser proposed subject rule division place_code "
    "night date on_date dated published_on at seen_at fetched_at minted_at first_at last_at "
    "first_seen last_seen last_ok divisions_date "
    "level kind state status scope form verdict role blame aspect relation".split()
)
# Figures are never touched; nor is what describes the forms and the places.
PASSED_OVER = frozenset({"figures", "fields", "identities", "divisions"})
# Where a figure may stand as well as words.
CELLS = frozenset(
    {
        *(("cell_notes", "printed"), ("findings", "expected"), ("findings", "actual")),
        *(("changes", "before"), ("changes", "after")),
    }
)


def columns(name: str, table: Table) -> list[str]:
    """The columns of a table that may hold words of a page: all texts but ids and the like."""
    if name in PASSED_OVER:
        return []
    return [
        column
        for column, spec in table.columns.items()
        if spec.type == "TEXT"
        and column not in OURS
        and column not in table.pk
        and not spec.references
        and not column.endswith("_id")
    ]


def mask_of(table: str, column: str) -> str:
    """The name of the SQL function that masks a column."""
    return "masked_cell" if (table, column) in CELLS else "masked"


def add_functions(db: sqlite3.Connection) -> None:
    """Give a connection the SQL functions masked and masked_cell; they pass on what is no text."""
    for name, mask in (("masked", masked), ("masked_cell", masked_cell)):
        db.create_function(name, 1, _of_texts(mask), deterministic=True)


def _of_texts(mask: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: mask(value) if isinstance(value, str) else value


def mask(db: sqlite3.Connection) -> dict[str, int]:
    """Mask the texts of a snapshot, and note in its table `withheld` the payloads of all versions
    that needed it. Gives how many rows were changed by table.

    What is masked is not left on the pages of the file either.
    """
    add_functions(db)
    db.execute("pragma secure_delete = on")
    if not db.in_transaction:
        db.execute("begin")
    db.execute(f"create table {WITHHELD} (digest text primary key) strict, without rowid")
    counts = {name: _mask_table(db, name, table) for name, table in TABLES.items()}
    db.execute("commit")
    return {name: rows for name, rows in counts.items() if rows}


def _mask_table(db: sqlite3.Connection, name: str, table: Table) -> int:
    """Mask a table, TOGETHER rows at a time: all that change do not fit into memory."""
    of = columns(name, table)
    if not of:
        return 0
    fresh = [f'{mask_of(name, column)}("{column}")' for column in of]
    changed = " or ".join(
        f'(length("{column}") >= {SHORTEST} and {mask} is not "{column}")'
        for mask, column in zip(fresh, of, strict=True)
    )
    shown = [column for column in VERSIONS if column in table.columns]
    shown += ["id"] * (name == "versions")
    question = (
        f'select rowid, {", ".join([*fresh, *shown])} from "{name}" '
        f"where rowid > ? and ({changed}) order by rowid limit {TOGETHER}"
    )
    put = ", ".join(f'"{column}" = ?' for column in of)
    count, last = 0, 0
    while rows := db.execute(question, (last,)).fetchall():
        db.executemany(
            f'update "{name}" set {put} where rowid = ?',
            ((*row[1 : 1 + len(of)], row[0]) for row in rows),
        )
        versions = {version for row in rows for version in row[1 + len(of) :] if version}
        db.executemany(
            f"insert or ignore into {WITHHELD} select digest from captures "
            "where version_id = ? and digest is not null",
            ((version,) for version in sorted(versions)),
        )
        count, last = count + len(rows), rows[-1][0]
    return count


def add(db: sqlite3.Connection) -> str:
    """Mask a snapshot; gives a word on how many rows of which tables, if any."""
    counts = mask(db)
    return (
        "masked: " + ", ".join(f"{name} {rows}" for name, rows in counts.items()) if counts else ""
    )
