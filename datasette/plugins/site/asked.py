"""What a search asks for: words, filters and a page, read from an address or refused in words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, pairwise
from urllib.parse import quote

from .divisions import significant

LONGEST_QUERY = 100
MOST_WORDS = 8
PER_PAGE = 20
MOST_PER_PAGE = 100
# How many hits are ranked and counted, and so how far one may turn pages.
MOST_HITS = 500
YEARS = (1990, 2100)

# The archive cuts texts by the same rules, see `archive/search_index.py`.
CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
LETTERS = "a-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u1fff\u3041-\u30ff\uac00-\ud7af"
IS_CHINESE = re.compile(f"[{CHINESE}]")
RUN = re.compile(f"[{CHINESE}]+|[{LETTERS}]+")
NO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
GAP = re.compile(r"\s+")
LOOSE = re.compile(f"(?<![{LETTERS}]) | (?![{LETTERS}])")
IN_NAME, IN_HEAD, WHOLE, FACT, SPELLED, SOUNDED = "¹²³·♪♫"

PIECE = re.compile(
    r"""(?P<out>(?<!\S)[-－−])?(?:["“”＂](?P<a>[^"“”＂]*)["“”＂]?|「(?P<b>[^」]*)」?"""
    r"""|『(?P<c>[^』]*)』?|｢(?P<d>[^｣]*)｣?|(?P<word>[^\s"“”＂「」『』｢｣，、；。]+))"""
)
EDGES = re.compile(f"^[^{CHINESE}{LETTERS}]+|[^{CHINESE}{LETTERS}%‰]+$")
LEVELS = ("central", "province", "prefecture", "county", "township")
FORMS = ("2021", "2019", "stats2014", "narrative", "mixed")
FINDINGS = {
    "failed": "有勾稽关系不成立",
    "publisher": "不成立：原文如此",
    "parser": "不成立：本站读取有误",
    "undecided": "不成立：责任未定",
    "edited": "发布后改过",
    "vanished": "已下线",
}
PARAMETERS = ("q", "region", "level", "year", "form", "finding", "page", "size")


class Wrong(ValueError):
    """A parameter that cannot be taken; the message names it, its value and what would do."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or phrase as it is looked for, and the tokens every text that holds it has."""

    text: str
    tokens: tuple[str, ...]

    @property
    def exact(self):
        """Whether the index alone tells that a text holds it."""
        return self.tokens == (self.text,)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: words that must stand in a report, words that must not, filters, a page."""

    query: str = ""
    words: tuple[Word, ...] = ()
    without: tuple[Word, ...] = ()
    region: str = ""
    level: str = ""
    first_year: int | None = None
    last_year: int | None = None
    form: str = ""
    findings: tuple[str, ...] = ()
    page: int = 1
    size: int = PER_PAGE

    @property
    def filtered(self):
        return bool(
            self.region
            or self.level
            or self.first_year
            or self.last_year
            or self.form
            or self.findings
        )

    @property
    def anything(self):
        return bool(self.words or self.filtered)

    @property
    def years(self):
        """The years as a parameter says them: 2023, 2019-2023, 2019- or -2023."""
        if self.first_year == self.last_year:
            return str(self.first_year or "")
        return f"{self.first_year or ''}-{self.last_year or ''}"

    def address(self, path="/search", **changes):
        """The address of this search, with changes; the page is kept only where it is given."""
        asked = replace(self, **{"page": 1, **changes})
        pairs = [
            ("q", asked.query),
            ("region", asked.region),
            ("level", asked.level),
            ("year", asked.years),
            ("form", asked.form),
            *(("finding", finding) for finding in asked.findings),
            ("page", str(asked.page) if asked.page > 1 else ""),
            ("size", str(asked.size) if asked.size != PER_PAGE else ""),
        ]
        given = "&".join(f"{name}={quote(value, safe='-')}" for name, value in pairs if value)
        return f"{path}?{given}" if given else path


def normal(text):
    """Text as it is compared: NFKC, lower case, no white space but between two words."""
    folded = unicodedata.normalize("NFKC", text or "").lower()
    return LOOSE.sub("", GAP.sub(" ", NO_WIDTH.sub("", folded)))


@cache
def converter():
    """OpenCC from traditional characters, those of Hong Kong with them, to simplified ones."""
    # Four megabytes, and most readers never need it.
    from opencc import OpenCC

    return OpenCC("hk2s")


def simplified(text):
    """Text in simplified characters, where it holds any that GB 2312, the mainland's, does not:
    what is simplified stays, for 乾县 is no 干县."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return converter().convert(text)
    return text


def tokens_of(text):
    """The fewest tokens that every text with this normal text in it has."""
    found = []
    for run in RUN.findall(text):
        if IS_CHINESE.match(run) and len(run) > 1:
            found.extend(map("".join, pairwise(run)))
        else:
            found.append(run)
    return tuple(dict.fromkeys(found))


def read_query(query):
    """The words of a query, and those it excludes, each once.

    Words stand apart by white space or Chinese commas; quotes of any kind hold a phrase, which is
    looked for as it stands, others in simplified characters; a minus before either excludes it.
    What holds no character or letter is passed over.
    """
    words, without = {}, {}
    for piece in PIECE.finditer(NO_WIDTH.sub("", query)):
        written = next(filter(None, piece.group("a", "b", "c", "d")), None)
        bare = piece["word"]
        text = normal(bare if written is None else written)
        if written is None:
            text = EDGES.sub("", simplified(text))
        if tokens := tokens_of(text):
            (without if piece["out"] else words)[text] = Word(text, tokens)
    return tuple(words.values()), tuple(without.values())


def as_simplified(query):
    """A query in simplified characters, as `read_query` takes it, and one that looks for it as it
    stands, those words in quotes; None where it holds nothing to simplify."""

    def changed(write):
        def piece(found):
            word = found["word"]
            if not word or simplified(word) == word:
                return found[0]
            return (found["out"] or "") + write(word)

        return PIECE.sub(piece, query)

    simple = changed(simplified)
    if simple == query:
        return None
    return simple, changed(lambda word: f"「{EDGES.sub('', word)}」")


def read_years(text):
    """The first and the last year of a parameter, None where it is open."""
    plain = re.sub(r"[\s年]", "", unicodedata.normalize("NFKC", text))
    found = re.fullmatch(r"(\d{4})?(?:(-|–|—|~|至|到|\.\.)(\d{4})?)?", plain)
    if not found or not (found[1] or found[3]):
        raise Wrong(f"year={text}：年度写作 2023，一段写作 2019-2023、2019- 或 -2023。")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else (None if found[2] else first)
    for year in filter(None, (first, last)):
        if not YEARS[0] <= year <= YEARS[1]:
            raise Wrong(f"year={text}：年度应在 {YEARS[0]} 至 {YEARS[1]} 之间。")
    if first and last and first > last:
        raise Wrong(f"year={text}：起年 {first} 晚于止年 {last}。")
    return first, last


def read_number(text, name, most):
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text) or int(text) > most:
        raise Wrong(f"{name}={text}：应为 1 至 {most} 的整数。")
    return int(text)


def one_of(text, name, choices):
    if text not in choices:
        raise Wrong(f"{name}={text}：可用的值是 {'、'.join(choices)}。")
    return text


def read_region(text):
    """A division's code without the zeros that say nothing (140600 is 1406); a name as it is."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"[0-9]+", plain):
        return simplified(plain)[:LONGEST_QUERY]
    if not re.fullmatch(r"\d\d(\d\d){0,2}", plain):
        raise Wrong(f"region={text}：区划代码是 2、4 或 6 位数字，如 14、1406、140602。")
    return significant(plain)


def read(arguments):
    """The search that a query string asks for; `arguments` gives the values of a name.

    Empty parameters count as absent. Raises Wrong.
    """

    def given(name):
        values = [value.strip() for value in arguments(name) if value.strip()]
        if len(set(values)) > 1 and name != "finding":
            raise Wrong(f"{name} 给了 {len(values)} 个值：只能给一个。")
        return values

    def lone(name):
        return next(iter(given(name)), "")

    query = lone("q")
    if len(query) > LONGEST_QUERY:
        raise Wrong(f"q 有 {len(query)} 个字：至多 {LONGEST_QUERY} 个字，请只留要紧的词。")
    words, without = read_query(query)
    if len(words) + len(without) > MOST_WORDS:
        raise Wrong(f"q 有 {len(words) + len(without)} 个词：至多 {MOST_WORDS} 个。")
    first, last = read_years(lone("year")) if given("year") else (None, None)
    findings = dict.fromkeys(chain.from_iterable(re.split("[,，]", f) for f in given("finding")))
    asked = Asked(
        query=query,
        words=words,
        without=without,
        region=read_region(lone("region")) if given("region") else "",
        level=one_of(lone("level"), "level", LEVELS) if given("level") else "",
        first_year=first,
        last_year=last,
        form=one_of(lone("form"), "form", FORMS) if given("form") else "",
        findings=tuple(one_of(finding, "finding", tuple(FINDINGS)) for finding in findings),
        size=read_number(lone("size"), "size", MOST_PER_PAGE) if given("size") else PER_PAGE,
    )
    if given("page"):
        most = -(-MOST_HITS // asked.size)
        try:
            asked = replace(asked, page=read_number(lone("page"), "page", most))
        except Wrong as error:
            advice = f"每页 {asked.size} 份时至多翻到第 {most} 页；更多的请加条件缩小范围。"
            raise Wrong(f"{error}{advice}整库见 /download。") from None
    return asked
