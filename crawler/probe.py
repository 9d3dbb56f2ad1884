"""Does a home page answer, and does it lead to disclosure? Each is asked once, and nothing kept.

The crawl's own settings, guard and robots.txt rules hold; the sites of one registered name are
asked one after another. What a page is, verdict and links say, as in the crawl.
"""

from __future__ import annotations

import asyncio
import csv
import json
import logging
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Response
from scrapy.settings import Settings
from twisted.python.failure import Failure

from crawler import links
from crawler.links import Kind
from crawler.manners import RobotsUnread, group_of, guard_is_active, origin_of
from crawler.page import Page, absolute, page_of
from crawler.verdict import Verdict, judge

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

FORMATS = (".csv", ".json")
# The exit status of a probe that did not come to its end: the same as the crawl's.
BROKEN_OFF = 75
LONGEST_CHAIN = 6
LONGEST_TITLE = 80
WIDTH_OF_A_FILE = 160
# A home page says what it is at once: no second try, and no wait of a minute for each dead host.
OWN_SETTINGS: Mapping[str, Any] = {"RETRY_ENABLED": False, "DOWNLOAD_TIMEOUT": 30}
# Of our own components those that decide what may be asked, and when; a host that asks us to wait
# is left instead of waited for.
KEPT = "crawler.manners."
LEFT_OUT = "crawler.manners.PatienceMiddleware"
ADDED = {"crawler.probe.TroubleMiddleware": 960}


@dataclass(frozen=True, slots=True)
class Question:
    """Whose home page to ask for."""

    id: str
    name: str
    home_url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a home page said; `verdict` is one of crawler.verdict or, where nobody may ask, a state
    of crawler.manners.refusals; `status` is 0 where nothing answered, `seconds` the server's time
    over all hops.

    `link` is the surest way to the reports: "column" a column of annual reports, "listing" the
    disclosure page on the way to it, "" none; `link_url` is where it leads. `said` is the error.
    """

    id: str
    name: str
    home_url: str
    verdict: str
    status: int = 0
    final_url: str = ""
    title: str = ""
    link: str = ""
    link_url: str = ""
    seconds: float = 0.0
    said: str = ""


def disclosure_link(page: Page, sites: tuple[str, ...]) -> tuple[str, str]:
    """The kind and address of a page's surest link to disclosure; two empty strings if none."""
    best, score = ("", ""), 0
    for link in page.links:
        judged = links.classify(link, page)
        is_way = judged.kind is Kind.COLUMN or (
            judged.kind is Kind.LISTING and "公开" in link.label
        )
        rank = judged.score + (100 if judged.kind is Kind.COLUMN else 0)
        if is_way and rank > score and links.is_same_site(link.url, sites):
            best, score = (judged.kind.value, link.url), rank
    return best


class _OneDay:
    """In place of the frontier: rules of robots.txt are not kept beyond the probe."""

    def robots_copy(self, origin: str) -> None:
        """Nothing is known from before."""

    def keep_robots(self, origin: str, text: str, night: str) -> None:
        """Nothing is kept."""


class TroubleMiddleware:
    """Remembers why a robots.txt could not be had: for the crawl one reason is like another."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_exception(self, request: Request, exception: Exception) -> None:
        spider = self._crawler.spider
        if request.meta.get("is_robots") and isinstance(spider, ProbeSpider):
            spider.troubles[origin_of(request.url)] = exception


class ProbeSpider(Spider):
    """Asks each question once, those of one registered name one after another."""

    name = "probe"

    def __init__(self, questions: Sequence[Question] = (), **options: Any) -> None:
        super().__init__(**options)
        self.answers: list[Answer] = []
        self.troubles: dict[str, Exception] = {}
        self.frontier = _OneDay()
        self.night = f"{datetime.now(UTC):%Y-%m-%d}"
        self._count = len(questions)
        self._queues: dict[str, deque[Question]] = defaultdict(deque)
        for question in questions:
            self._queues[_one_after_another(question.home_url)].append(question)
        self._asked_to_wait: set[str] = set()
        self._bar: Progress | None = None

    async def start(self) -> AsyncIterator[Request]:
        if not guard_is_active():
            logger.critical("the guard against private addresses is not active; nothing was asked")
            return
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("[bold]探测 probe"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[last]}"),
                console=Console(stderr=True),
            )
            self._bar.add_task("", total=self._count, last="")
            self._bar.start()
        for queue in list(self._queues.values()):
            for request in self._next(queue):
                yield request

    def give_up(self, reason: str) -> None:
        """Ask for nothing more: the kill switch, or the end of a night's window."""
        self._giving_up = asyncio.ensure_future(
            self.crawler.engine.close_spider_async(reason=reason)
        )

    def closed(self, reason: str) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _next(self, queue: deque[Question]) -> Iterator[Request]:
        """The next question of a queue; those whose host has asked us to wait are answered."""
        while queue:
            question = queue.popleft()
            if group_of(question.home_url) not in self._asked_to_wait:
                yield self._ask(question, question.home_url, (), 0.0)
                return
            self._settle(question, Verdict.ERROR, said="not asked: the host asked us to wait")

    def _ask(self, question: Question, url: str, chain: tuple[str, ...], spent: float) -> Request:
        return Request(
            url,
            callback=self.answered,
            errback=self.failed,
            cb_kwargs={"question": question, "chain": (*chain, url), "spent": spent},
            meta={"download_slot": group_of(url), "handle_httpstatus_all": True},
            dont_filter=True,
        )

    def answered(
        self, response: Response, question: Question, chain: tuple[str, ...], spent: float
    ) -> Iterator[Request]:
        again = None
        try:
            again = self._take(response, question, chain, spent)
        except Exception as error:
            # One page must not keep the sites behind it from being asked.
            logger.exception("%s could not be worked through", response.url)
            self._settle(question, Verdict.ERROR, said=f"{type(error).__name__}: {error}")
        if again is not None:
            yield again
        else:
            yield from self._next(self._queues[_one_after_another(question.home_url)])

    def _take(
        self, response: Response, question: Question, chain: tuple[str, ...], spent: float
    ) -> Request | None:
        """Settle an answer, or give the request of the next hop."""
        spent += float(response.meta.get("download_latency", 0.0))
        content_type = (response.headers.get(b"Content-Type") or b"").decode("latin-1")
        page = page_of(response.url, response.body, content_type)
        verdict = judge(
            response.status,
            response.body,
            page,
            question.home_url,
            response.url,
            home_urls=(question.home_url,),
            flags=response.flags,
        )
        target = None
        if verdict is Verdict.MOVED and 300 <= response.status < 400:
            location = (response.headers.get(b"Location") or b"").decode("utf-8", "replace")
            target = absolute(response.url, location) if location else None
        elif verdict is Verdict.SHELL and page is not None:
            target = page.hops[0]
        # Back to itself once: some portals set a cookie that way.
        if target and chain.count(target) < 2 and len(chain) < LONGEST_CHAIN:
            return self._ask(question, target, chain, spent)
        is_told_when = b"Retry-After" in response.headers
        if response.status == 429 or (response.status == 503 and is_told_when):
            self._asked_to_wait.add(group_of(response.url))
        is_readable = page is not None and verdict in (Verdict.OK, Verdict.MOVED)
        if is_readable and response.status < 300:
            verdict = Verdict.OK
        kind, url = ("", "")
        if page is not None and is_readable:
            kind, url = disclosure_link(page, (question.home_url, response.url))
        self._settle(
            question,
            verdict,
            status=response.status,
            final_url=response.url,
            title=_title(page) if page is not None else "",
            link=kind,
            link_url=url,
            seconds=round(spent, 2),
            said="moves in a circle" if 300 <= response.status < 400 else "",
        )
        return None

    def failed(self, failure: Failure) -> Iterator[Request]:
        request: Request = failure.request  # type: ignore[attr-defined]
        question: Question = request.cb_kwargs["question"]
        error = failure.value
        assert error is not None
        if isinstance(error, RobotsUnread):
            error = self.troubles.get(origin_of(request.url), error)
        verdict, said = _why(error, request.url)
        self._settle(question, verdict, final_url=request.url, said=" ".join(said.split())[:200])
        yield from self._next(self._queues[_one_after_another(question.home_url)])

    def _settle(self, question: Question, verdict: str, **more: Any) -> None:
        answer = Answer(question.id, question.name, question.home_url, verdict=str(verdict), **more)
        self.answers.append(answer)
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], advance=1, last=escape(f"{answer.id} {answer.verdict}")
            )
        else:
            logger.info("%d/%d %s: %s", len(self.answers), self._count, answer.id, _words(answer))


def _why(error: BaseException, url: str) -> tuple[str, str]:
    """The verdict where nothing was received, and the words for it."""
    match error:
        case IgnoreRequest():
            return str(getattr(error, "state", "refused")), str(error)
        case CannotResolveHostError():
            return Verdict.ERROR, f"no such host, or no public one: {urlsplit(url).hostname}"
        case DownloadTimeoutError():
            return Verdict.ERROR, "timeout"
        case DownloadCancelledError():
            return Verdict.TOO_LARGE, "larger than a page"
        case _:
            return Verdict.ERROR, f"{type(error).__name__}: {error}".strip(": ")


def _one_after_another(url: str) -> str:
    """What the sites of one body of servers have in common: jyj.a.gov.cn and a.gov.cn."""
    host = urlsplit(url).hostname or ""
    return group_of(url) if links.is_address(host) else links.registrable(host)


def _title(page: Page) -> str:
    titles = (" ".join("".join(element.itertext()).split()) for element in page.tree.iter("title"))
    return next((title for title in titles if title), "")[:LONGEST_TITLE]


def _words(answer: Answer) -> str:
    status = str(answer.status) if answer.status else "–"
    return " ".join(filter(None, (answer.verdict, status, answer.title, answer.link, answer.said)))


def setting(option: str) -> tuple[str, str]:
    """NAME and VALUE of a `-s` option. Raises ValueError for anything else."""
    name, equals, value = option.partition("=")
    if not (name and equals):
        raise ValueError(f"-s {option!r} 应为 NAME=VALUE / -s {option!r} must be NAME=VALUE")
    return name, value


def ask(questions: Sequence[Question], options: Mapping[str, str]) -> list[Answer]:
    """The answers to all questions, in their order; fewer where the probe was broken off.

    `options` are settings of Scrapy that replace ours. Runs an event loop: once a process.
    """
    if not questions:
        return []
    settings = Settings()
    settings.setmodule("crawler.settings")
    components = {
        name: {
            path: place if path.startswith((KEPT, "scrapy.")) and path != LEFT_OUT else None
            for path, place in settings.getdict(name).items()
        }
        for name in ("DOWNLOADER_MIDDLEWARES", "EXTENSIONS")
    }
    components["DOWNLOADER_MIDDLEWARES"].update(ADDED)
    settings.setdict({**OWN_SETTINGS, **components}, priority="spider")
    settings.setdict(dict(options), priority="cmdline")
    logging.disable(logging.INFO)
    process = AsyncCrawlerProcess(settings)
    logging.disable(logging.NOTSET)
    for chatter in ("addons", "core.engine", "crawler", "middleware"):
        logging.getLogger(f"scrapy.{chatter}").setLevel(logging.WARNING)
    crawler = process.create_crawler(ProbeSpider)
    process.crawl(crawler, questions=questions)
    process.start()
    spider = crawler.spider
    answers = spider.answers if isinstance(spider, ProbeSpider) else []
    place = {question.id: number for number, question in enumerate(questions)}
    return sorted(answers, key=lambda answer: place[answer.id])


def write(answers: Sequence[Answer], path: Path) -> None:
    """Write the answers as CSV or, if the name ends so, JSON. Raises OSError."""
    rows = [asdict(answer) for answer in answers]
    if path.suffix.lower() == ".json":
        text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
        path.write_text(text, encoding="utf-8")
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Answer)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def show(answers: Sequence[Answer]) -> None:
    """Print the answers as a table, and how many there were of each verdict."""
    table = Table("站点 portal", "结果 verdict", "状态 status", "秒 s")
    table.add_column("标题或错误 title or error", overflow="fold")
    table.add_column("公开 link")
    seen: defaultdict[str, int] = defaultdict(int)
    for answer in answers:
        seen[answer.verdict] += 1
        colour = "green" if answer.verdict == Verdict.OK else "red"
        words = answer.said or answer.title
        if answer.final_url != answer.home_url and not answer.said:
            words = f"{words} → {answer.final_url}"
        table.add_row(
            escape(answer.id),
            f"[{colour}]{answer.verdict}[/{colour}]",
            str(answer.status or ""),
            f"{answer.seconds:.1f}" if answer.status else "",
            escape(words),
            {"column": "年报 column", "listing": "公开 listing"}.get(answer.link, ""),
        )
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    console.print(table)
    led = sum(bool(answer.link) for answer in answers)
    counts = ", ".join(f"{verdict} {count}" for verdict, count in sorted(seen.items()))
    console.print(
        f"{len(answers)} 个站点 portals: {counts or '–'}; "
        f"首页可见公开栏目 with a disclosure link {led}",
        highlight=False,
        soft_wrap=True,
    )
