"""What a robots.txt allows: RFC 9309, rule by rule."""

from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import Response
from scrapy.settings import Settings

from crawler.manners.refusals import CrawlEnding, Refused, RobotsForbid, RobotsUnread
from crawler.manners.robots import RobotsMiddleware, last_good
from crawler.manners.rules import MOST_BYTES, Rules, decoded, read_rules

SITE = "https://www.example.gov.cn"


def rules(*lines: str) -> Rules:
    return read_rules("\n".join(lines), "Nianbao")


def allowed(path: str, *lines: str) -> bool:
    return rules("User-agent: *", *lines).allow(SITE + path)


@pytest.mark.parametrize("agent", ["Nianbao", "nianbao", "NIANBAO", "Nianbao/1.0", "Nianbao*"])
def test_a_group_is_found_by_product_token(agent):
    text = rules("User-agent: *", "Disallow: /", f"User-Agent: {agent}", "Disallow: /inner/")
    assert text.allow(f"{SITE}/zwgk/")
    assert not text.allow(f"{SITE}/inner/a")


@pytest.mark.parametrize("agent", ["Nia", "bao", "n", "Nianbao-news", "xNianbao", "Mozilla"])
def test_a_part_of_our_name_is_another_crawler(agent):
    text = rules(f"User-agent: {agent}", "Disallow: /", "", "User-agent: *", "Disallow: /inner/")
    assert text.allow(f"{SITE}/zwgk/")
    assert not text.allow(f"{SITE}/inner/")


def test_groups_for_one_token_are_one():
    text = rules(
        "User-agent: Nianbao", "Disallow: /a", "User-agent: other", "Disallow: /b",
        "User-agent: nianbao", "Disallow: /c",
    )  # fmt: skip
    assert [text.allow(SITE + path) for path in ("/a", "/b", "/c")] == [False, True, False]


def test_a_group_may_name_several_and_only_a_rule_ends_the_list():
    text = rules("User-agent: a", "", "Sitemap: /s.xml", "# who else", "User-agent: Nianbao",
                 "Foo: bar", "User-agent: b", "Disallow: /x")  # fmt: skip
    assert not text.allow(f"{SITE}/x")
    assert rules("User-agent: Nianbao", "Disallow: /a", "User-agent: b", "Disallow: /b").allow(
        f"{SITE}/b"
    )


def test_rules_before_any_agent_say_nothing_and_own_rules_replace_those_for_all():
    assert rules("Disallow: /").allow(f"{SITE}/x")
    text = rules("User-agent: *", "Disallow: /", "User-agent: Nianbao", "Disallow:")
    assert text.allow(f"{SITE}/x")


@pytest.mark.parametrize(
    ("path", "lines", "expected"),
    [
        # The examples of RFC 9309, 5.1 and 5.2.
        ("/example/page/", ("Allow: /example/page/", "Disallow: /example/page/disallowed.gif"), True),
        ("/example/page/disallowed.gif", ("Allow: /example/page/", "Disallow: /example/page/disallowed.gif"), False),
        # The longest match decides, whatever the order; on a tie, allow.
        ("/zwgk/a", ("Disallow: /zwgk/", "Allow: /"), False),
        ("/zwgk/a", ("Disallow: /", "Allow: /zwgk/"), True),
        ("/zwgk/a", ("Disallow: /zwgk/", "Allow: /zwgk/"), True),
        ("/zwgk.htm", ("Allow: /zwgk", "Disallow: /*.htm"), False),
        # Signs.
        ("/a/b.pdf", ("Disallow: /*.pdf$",), False),
        ("/a/b.pdf?x=1", ("Disallow: /*.pdf$",), True),
        ("/a/b.pdf.html", ("Disallow: *.pdf",), False),
        ("/", ("Disallow: /$",), False),
        ("/a", ("Disallow: /$",), True),
        ("/a$b", ("Disallow: /a$",), True),
        ("/a$b", ("Disallow: /a$b",), False),
        ("/abcab", ("Disallow: /a*ab$",), False),
        ("/aab", ("Disallow: /a*ab$",), False),
        ("/ab", ("Disallow: /a*ab$",), True),
        ("/list", ("Disallow: /**list",), False),
        ("/file-with-a-*.html", ("Disallow: /file-with-a-%2A.html",), False),
        ("/file-with-a-b.html", ("Disallow: /file-with-a-%2A.html",), True),
        ("/foo-$", ("Disallow: /foo-%24",), False),
        # Only what is written: a rule for a page is none for its folder.
        ("/", ("Disallow: /", "Allow: /index.html"), False),
        # Spellings of one octet (the table of RFC 9309, 2.2.2).
        ("/foo/bar?baz=https://foo.bar", ("Disallow: /foo/bar?baz=https%3A%2F%2Ffoo.bar",), False),
        ("/foo/bar/%E3%83%84", ("Disallow: /foo/bar/ツ",), False),
        ("/foo/bar/baz", ("Disallow: /foo/bar/%62%61%7A",), False),
        ("/%7ejoe/", ("Disallow: /~joe/",), False),
        ("/a%2fb", ("Disallow: /a/b",), True),
        ("/a%2fb", ("Disallow: /a%2Fb",), False),
        # GBK: other octets are another path.
        ("/%D6%D0/", ("Disallow: /%d6%d0/",), False),
        ("/%CE%C4/", ("Disallow: /%D6%D0/",), True),
        # Case counts in paths, not in names of rules; white space and comments do not.
        ("/ZWGK/", ("Disallow: /zwgk/",), True),
        ("/zwgk/", ("  disALLOW :/zwgk/   # inner",), False),
        ("/search?q=1", ("Disallow: /search?",), False),
        ("/search", ("Disallow: /search?",), True),
        ("/x", ("Disallow",), True),
        ("/x", ("Disallow:",), True),
        ("/x", ("Disallow: x",), True),
        ("/robots.txt", ("Disallow: /",), True),
        ("", ("Disallow: /",), False),
    ],
)  # fmt: skip
def test_which_rule_decides(path, lines, expected):
    assert allowed(path, *lines) is expected


def test_the_bytes_of_a_robots_txt():
    text = b"\xef\xbb\xbfUser-agent: *\rDisallow: /a\r\nDisallow: /b\nDisallow: /\xd6\xd0/"
    read = read_rules(decoded(text), "Nianbao")
    paths = ("/a", "/b", "/c", "/%D6%D0/x")
    assert [read.allow(SITE + path) for path in paths] == [False, False, True, False]
    assert not read_rules(decoded("User-agent: *\nDisallow: /".encode("utf-16")), "x").allow(SITE)
    assert read_rules(decoded(b"<html><body>Disallow: /</body></html>"), "x").allow(SITE)
    # What is kept between nights must be text.
    assert decoded(text).encode("utf-8")


def test_the_first_megabyte_is_read_and_no_more():
    filler = b"# " + b"x" * 97 + b"\n"
    head = filler * 5_200  # 520,000 bytes: RFC 9309 asks for 500 KiB at least
    assert not read_rules(decoded(head + b"User-agent: *\nDisallow: /a"), "x").allow(f"{SITE}/a")
    long = b"User-agent: *\nDisallow: /a\n" + filler * 12_000 + b"Disallow: /b"
    assert len(long) > MOST_BYTES
    assert read_rules(decoded(long), "x").allow(f"{SITE}/b")


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (("User-agent: *", "Crawl-delay: 7"), 7),
        (("User-agent: *", "Crawl-delay: 0.5", "Disallow: /x"), 0.5),
        (("User-agent: *", "Crawl-delay: 600"), 60),
        (("User-agent: *", "Crawl-delay: soon"), 0),
        (("User-agent: *", "Crawl-delay: -3"), 0),
        (("User-agent: *", "Crawl-delay: nan"), 0),
        (("User-agent: *", "Crawl-delay: 7", "User-agent: Nianbao", "Disallow: /x"), 0),
        (("User-agent: Nianbao", "Crawl-delay: 4", "", "User-agent: *", "Crawl-delay: 9"), 4),
        (("User-agent: other", "Crawl-delay: 4"), 0),
    ],
)
def test_crawl_delay(lines, seconds):
    assert rules(*lines).delay == seconds


def test_a_delay_of_our_own_with_a_blank_line_after_it_is_a_group():
    own = ("User-agent: Nianbao", "Crawl-delay: 4")
    assert rules(*own, "", "User-agent: *", "Disallow: /").allow(f"{SITE}/x")
    assert not rules(*own, "User-agent: *", "Disallow: /").allow(f"{SITE}/x")


def test_the_last_good_copy_serves_after_thirty_days():
    copy = ("User-agent: *\nDisallow: /", "2026-11-01")
    assert last_good(copy, "2026-11-30") is None
    assert last_good(copy, "2026-12-01") == copy[0]
    assert last_good(None, "2026-12-01") is None


def test_a_pattern_of_many_asterisks_is_no_trap():
    text = rules("User-agent: *", "Disallow: /" + "*a" * 500 + "$")
    assert text.allow(SITE + "/" + "a" * 499 + "b" * 100_000)


class Engine:
    """Answers robots.txt in turn, and counts how often it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def download_async(self, request):
        self.asked.append(request.url)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Kept:
    def __init__(self):
        self.copies = {}

    def robots_copy(self, origin):
        return self.copies.get(origin)

    def keep_robots(self, origin, text, night):
        self.copies[origin] = (text, night)


def middleware(engine, clock=lambda: 0.0):
    class Crawling:
        settings = Settings({"USER_AGENT": "Nianbao/1.0", "ROBOTSTXT_OBEY": True})
        spider = SimpleNamespace(frontier=Kept(), night="2026-11-21")

    crawling = Crawling()
    crawling.engine = engine
    return RobotsMiddleware(crawling, clock), crawling.spider.frontier


def answer(body=b"", status=200):
    return Response(f"{SITE}/robots.txt", status, body=body)


@pytest.mark.asyncio
async def test_rules_are_read_once_a_day():
    now = [0.0]
    engine = Engine(answer(b""), answer(b"User-agent: *\nDisallow: /a"))
    robots, kept = middleware(engine, lambda: now[0])
    for _ in range(3):
        await robots.process_request(Request(f"{SITE}/a"))
    now[0] = 86_399.0
    await robots.process_request(Request("https://WWW.example.gov.cn:443/a"))
    assert engine.asked == [f"{SITE}/robots.txt"]
    now[0] = 86_400.0
    with pytest.raises(RobotsForbid):
        await robots.process_request(Request(f"{SITE}/a"))
    assert len(engine.asked) == 2
    assert kept.robots_copy(SITE) == ("User-agent: *\nDisallow: /a", "2026-11-21")


@pytest.mark.asyncio
async def test_each_origin_has_rules_of_its_own():
    engine = Engine(answer())
    robots, _ = middleware(engine)
    for url in ("http://a.cn/", "https://a.cn/", "http://a.cn:8080/"):
        await robots.process_request(Request(url))
    assert engine.asked == [
        "http://a.cn/robots.txt", "https://a.cn/robots.txt", "http://a.cn:8080/robots.txt",
    ]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "unreachable",
    [answer(status=500), answer(status=503), answer(status=429), DownloadTimeoutError("slow"),
     OSError("reset"), Refused("private")],
)  # fmt: skip
async def test_unreadable_rules_forbid_and_error_pages_are_not_kept(unreachable):
    robots, kept = middleware(Engine(unreachable))
    with pytest.raises(RobotsUnread):
        await robots.process_request(Request(f"{SITE}/a"))
    assert kept.copies == {}


@pytest.mark.asyncio
async def test_an_ending_crawl_learns_nothing_of_robots():
    robots, _ = middleware(Engine(CrawlEnding("stop")))
    with pytest.raises(CrawlEnding):
        await robots.process_request(Request(f"{SITE}/a"))
