"""What in a page makes it doubtful that the body itself published it. Pure.

Hijacked and mirrored copies of government pages are many: traditional or look-alike characters put
in, pinyin in brackets, a gambling brand or another town where the place stood. A doubtful page is
flagged with what was seen, never refused: the words of a flag are for readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from archive.names.bodies import locate, places_in, related, short_place

OFFICIAL_DOMAINS = (
    "gov.cn",
    "政务",
    "政务.cn",
    "xn--zfr164b",
    "mil.cn",
    "cas.cn",
    "cass.cn",
    "cae.cn",
)
# RFC 2606 names and addresses that no public reader can reach say nothing of the publisher.
UNJUDGED_DOMAINS = ("localhost", "example", "test", "invalid", "example.com", "example.org")

CJK = "\u4e00-\u9fff"
ZERO_WIDTH = re.compile(rf"(?<=[{CJK}])[\u200b-\u200f\u2060-\u2064\u00ad]+(?=[{CJK}])")
PINYIN = re.compile(rf"[{CJK}]\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜü]{{1,6}}\)")
TONES = re.compile(r"\([a-z]*[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-z]*\)")
FOREIGN = re.compile(
    rf"(?<=[{CJK}])[\u0370-\u03ff\u0400-\u04ff\u3040-\u30ff\uac00-\ud7a3]+(?=[{CJK}])"
)
LETTER = re.compile(rf"(?<=[{CJK}])[a-z](?=[{CJK}])")
TRADITIONAL = frozenset(
    "開關國務辦條規據數請議訴訟單處機構財產業發圖書館電網頁級區縣鄉鎮對與來東車見長門馬黨歲時這個們為無從"
    "會實學習經濟轉錄備註歷總結報導應動員種類費減課題現認證環標準運營農戶衛養醫藥險際觀點統計劃設該將進"
    "選項號稱內張較強擔續紀組織終結給絕維綜緊線練縮績職聯聽聞聲顯類願龍齊體館驗黃點齡擬舉檢權檔樣樓橋"
)
HIDDEN = frozenset(map(chr, (*range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xAD)))
TONED = frozenset("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ")
LATIN = frozenset("abcdefghijklmnopqrstuvwxyz")
FOREIGN_LETTER = re.compile(r"[\u0370-\u03ff\u0400-\u04ff\u3040-\u30ff\uac00-\ud7a3]")
BETTING = re.compile(
    r"(?<![a-z])bet\d{2,3}|\d{2,4}bet(?![a-z])|首存送|开户送"
    r"|(?:葡京|威尼斯人|太阳城|新濠|银河|皇冠|金沙)(?:娱乐|赌场|体育|官网|平台|国际|网址)"
    r"|(?:开云|乐鱼|亚博|华体会|万博|爱游戏|米乐|必赢|九游|亿博|星空|江南|半岛|雷火|金年会)"
    r"(?:体育|娱乐|电竞|app|官网|官方|平台|\(中国\))",
    re.IGNORECASE,
)
# Police reports name these too: they count when there are several.
GAMBLING = re.compile(
    r"百家乐|老虎机|时时彩|六合彩|在线投注|体育投注|真人(?:娱乐|视讯|荷官)|娱乐城|博彩(?:网|公司|平台|官网)|彩金"
)
# One of these stands in whatever the pattern finds: most pages need no closer look.
BETTING_WORDS = (
    *(
        "bet",
        "Bet",
        "BET",
        "百家乐",
        "老虎机",
        "时时彩",
        "六合彩",
        "投注",
        "真人",
        "娱乐",
        "赌场",
        "博彩",
    ),
    *(
        "葡京",
        "威尼斯人",
        "太阳城",
        "新濠",
        "银河",
        "皇冠",
        "金沙",
        "开云",
        "乐鱼",
        "亚博",
        "华体会",
    ),
    *("万博", "爱游戏", "米乐", "必赢", "九游", "亿博", "星空", "江南", "半岛", "雷火", "金年会"),
    *("开户送", "首存送", "彩金"),
)
BRAND = re.compile(
    r"官方网站|官网|app下载|\(中国\)|[a-z]{3,}\d*|\d{3,}[a-z]+|(?:体育|娱乐|电竞)(?:平台|网)",
    re.IGNORECASE,
)

FEW = 3
MANY = 10
PER_CENT = 0.01
# Where a long text speaks of another place, its beginning does.
LONGEST = 100_000


def suspicions(
    text: str, *, title: str = "", issuer: str = "", url: str | None = None
) -> tuple[str, ...]:
    """What is doubtful about a document, one Chinese sentence each with what was seen.

    `text` is the document's text as printed; `title` and `issuer` say whose report it claims to be.
    """
    found = [*_characters(text), *_words(text, title), *_place(text, title, issuer)]
    if url and (domain := _doubtful_domain(url)):
        found.append(domain)
    return tuple(found)


def _characters(text: str) -> Iterator[str]:
    used = set(text)
    letters = max(len(text) // 2, 1)
    hidden = len(ZERO_WIDTH.findall(text)) if used & HIDDEN else 0
    # Word pastes leave some; inserted ones are everywhere.
    if hidden >= MANY * 2 and hidden >= letters * PER_CENT:
        yield f"汉字之间插入了 {hidden} 处不可见字符"
    pinyin = PINYIN.findall(text) if used & TONED else []
    if len(pinyin) >= FEW and TONES.search(text):
        yield f"汉字后插入了括注拼音 {len(pinyin)} 处，如「{pinyin[0]}」"
    foreign = FOREIGN.findall(text) if any(map(FOREIGN_LETTER.match, used)) else []
    if len(foreign) >= FEW:
        yield f"汉字之间夹有外文字母 {len(foreign)} 处，如「{foreign[0]}」"
    inserted = LETTER.findall(text) if len(used & LATIN) >= FEW else []
    if len(inserted) >= MANY and len(inserted) >= letters * PER_CENT:
        yield f"汉字之间夹有单个拉丁字母 {len(inserted)} 处"
    if used & TRADITIONAL and (told := traditional(text)):
        yield told


def traditional(text: str) -> str:
    """What is to be said of a text with many traditional characters; nothing of one with few."""
    old = Counter(char for char in text if char in TRADITIONAL)
    if old.total() < max(MANY, len(text) // 2 * PER_CENT) or len(old) < FEW:
        return ""
    seen = "、".join(char for char, _ in old.most_common(5))
    return f"简体公文中有繁体字 {old.total()} 个，如「{seen}」"


def _words(text: str, title: str) -> Iterator[str]:
    both = title + "\n" + text
    betting: Counter[str] = Counter()
    if any(word in both for word in BETTING_WORDS):
        betting.update(match[0] for match in BETTING.finditer(both))
        gambling = Counter(match[0] for match in GAMBLING.finditer(both))
        if betting or gambling.total() >= MANY or GAMBLING.search(title):
            betting.update(gambling)
    if betting:
        seen = "、".join(word for word, _ in betting.most_common(3))
        yield f"出现博彩类词语 {betting.total()} 处，如「{seen}」"
    head = re.split(r"(?:19|20)\d{2}年?|政府信息公开|政务公开", title)[0]
    if brand := BRAND.search(head):
        yield f"标题中机关名的位置是「{head or brand[0]}」，不像行政机关"


def _place(text: str, title: str, issuer: str) -> Iterator[str]:
    """Another place throughout the text than the one in the title."""
    found = locate(issuer)
    if found is None:
        return
    words, code = found
    own = {words, short_place(words)} | {words[start:] for start in range(1, len(words) - 1)}
    body = text.replace(title, "") if title else text
    if any(len(name) > 1 and name in body for name in own):
        return
    others = Counter(name for name, codes in places_in(body[:LONGEST]) if not _akin(codes, code))
    if others and others.most_common(1)[0][1] >= FEW:
        name, count = others.most_common(1)[0]
        yield f"机关为{words}，正文却不提{words}，而有 {count} 处写{name}"


def _akin(codes: frozenset[str], code: str) -> bool:
    return any(related(other, code) for other in codes)


def _doubtful_domain(url: str) -> str | None:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return f"网址「{url[:80]}」不合规范"
    if not host or _ends(host, UNJUDGED_DOMAINS) or "." not in host:
        return None
    try:
        address = ip_address(host)
    except ValueError:
        if _ends(host, OFFICIAL_DOMAINS):
            return None
        return f"域名 {host} 不是政府网站域名（gov.cn）"
    return f"网址是 IP 地址 {host}，不能从域名确认出处" if address.is_global else None


def _ends(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)
