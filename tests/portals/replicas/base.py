"""What every replica portal is made of: articles with a life of several nights, and a server.

A replica answers for one government on one loopback port as its site stands on `night`. It knows
what a perfect crawl would find (`truth`), which events each night brings, and keeps a log of what
it was asked, with the moments at which each request came and was answered.
"""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HTML = "text/html; charset=utf-8"
# Stands where a visitor counter is: another number in every answer.
COUNTER = "{{visits}}"
LOOKALIKES = (
    "{org}{year}年政府网站工作年度报表",
    "{org}{year}年法治政府建设年度报告",
    "{org}{year}年政务公开工作总结",
    "关于做好{org}{year}年政府信息公开工作年度报告编制工作的通知",
    "{org}{year}年部门预算公开说明",
    "一图读懂{org}{year}年政府信息公开工作年度报告",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says. `text` may hold COUNTER; `data` is sent as it is.

    With a status of 0 it hangs up.
    """

    text: str = ""
    status: int = 200
    content_type: str = HTML
    encoding: str = "utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None
    seconds: float = 0.0

    def body(self, visits: int) -> bytes:
        if self.data is not None:
            return self.data
        return self.text.replace(COUNTER, str(visits)).encode(self.encoding, "replace")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a replica gets it; `form` holds a POST's fields, `body` its text."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: str
    headers: Mapping[str, str]
    target: str
    """Path and query as sent."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of the log: night, when it came and was answered (monotonic), what, and the status."""

    night: int
    began: float
    ended: float
    method: str
    target: str
    body: str
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True)
class Article:
    """A page that lists show: a report, or what only looks like one.

    `path` is its address (path and query). It is listed and answers from `first` to `last` night
    (for ever where that is None); `edited` are the nights on which its figures are changed at the
    same address; from the night `moved[0]` on it stands at `moved[1]`, listed there, and its old
    address redirects (`moved[2]`) or is gone. `copies` are further addresses of the same text,
    listed nowhere or elsewhere (a mobile page): finding them is right, and not demanded.
    """

    path: str
    title: str
    date: str
    column: str = ""
    org: str = ""
    year: int = 0
    is_report: bool = True
    first: int = 1
    last: int | None = None
    edited: frozenset[int] = frozenset()
    moved: tuple[int, str, bool] | None = None
    copies: tuple[str, ...] = ()
    attachments: tuple[tuple[str, str], ...] = ()
    """(path, name) of documents that the page links; they live as long as the article."""

    def stands(self, night: int) -> bool:
        return self.first <= night and (self.last is None or night <= self.last)

    def at(self, night: int) -> str:
        """The address on a night."""
        return self.moved[1] if self.moved and night >= self.moved[0] else self.path

    def edition(self, night: int) -> int:
        """How often its figures had been changed by a night."""
        return sum(edit <= night for edit in self.edited)


def gone() -> Answer:
    """A plain 404."""
    return Answer(
        "<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>", 404
    )


def redirect(to: str, status: int = 302) -> Answer:
    """Off to another address."""
    return Answer("moved", status, headers={"Location": to})


def pdf(number: int) -> bytes:
    """A small whole PDF without text."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%"
        + str(number).encode() * 50
        + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


def report_body(article: Article, edition: int) -> str:
    """The six chapters with the tables' best known rows; an edition changes two figures."""
    made = random.Random(f"{article.org}{article.year}")
    received = made.randrange(3, 90) + edition
    carried = made.randrange(0, 4)
    row = "<tr><td>{}</td><td>{}</td></tr>"
    return f"""<p>根据《中华人民共和国政府信息公开条例》，{article.org}编制{article.year}年度报告。</p>
<p>一、总体情况</p><p>{article.year}年，{article.org}依法公开各类信息，平台运行平稳，监督保障有力。</p>
<p>二、主动公开政府信息情况</p><table>{row.format("规章", 0)}{row.format("行政许可", made.randrange(400))}</table>
<p>三、收到和处理政府信息公开申请情况</p><table>{row.format("一、本年新收政府信息公开申请数量", received)}
{row.format("二、上年结转政府信息公开申请数量", carried)}{row.format("（一）予以公开", received + carried)}</table>
<p>四、政府信息公开行政复议、行政诉讼情况</p><table>{row.format("结果维持", 0)}</table>
<p>五、存在的主要问题及改进情况</p><p>公开队伍力量仍显不足，下一步将加强培训，改进服务。</p>
<p>六、其他需要报告的事项</p><p>本年度没有收取信息处理费，无其他需要报告的事项。</p>"""


def other_body(title: str) -> str:
    """An article about something else."""
    return f"<p>{title}。</p><p>{'本文介绍有关工作的开展情况，内容与统计无关，仅供参考使用。' * 12}</p>"


def lookalikes(org: str, year: int) -> list[str]:
    """Titles that stand in the same columns and are no reports."""
    return [title.format(org=org, year=year) for title in LOOKALIKES]


class Replica:
    """One government's site. Subclasses give `name`, `build` and `answer`."""

    name = "某市人民政府"
    division = "410000"
    level = "county"
    family = ""
    # What the registry says of the family; only a portal that needs a browser must have it.
    hint = ""
    gzipped = False
    # Seconds before each answer, so that requests in flight together can be seen.
    seconds = 0.0
    # Nights on which the site is out: it then answers as `out` says.
    out_nights: frozenset[int] = frozenset()
    # How its ETags are made: "honest" of what is shown, "constant" whatever is shown, "" none.
    # Where there are some, no counter moves and what a visitor has is answered with 304.
    etags = ""

    def __init__(self) -> None:
        self.night = 1
        self.articles: list[Article] = []
        self.log: list[Hit] = []
        self.most_in_flight = 0
        self.url = ""
        self._in_flight = 0
        self._lock = Lock()
        self._visits = 0
        self._server: ThreadingHTTPServer | None = None
        self._by_path: dict[str, Article] = {}
        self._files: dict[str, Article] = {}

    # For subclasses.

    def build(self) -> None:
        """Fill `articles` (with `add`); `self.url` is known."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Answer | None:
        """What home, lists and all but articles answer; None is for `missing`."""
        raise NotImplementedError

    def missing(self, asked: Asked) -> Answer:
        """The site's way to say that a page is not there."""
        return gone()

    def out(self, asked: Asked) -> Answer | None:
        """What the site says on a night it is out; None where it answers as ever."""
        return None

    def detail(self, article: Article, body: str) -> str:
        """An article's page around its text."""
        title = escape(article.title)
        files = "".join(
            f'<p>附件：<a href="{path}">{name}</a></p>' for path, name in article.attachments
        )
        return (
            f'<html><head><title>{title}_{self.name}</title><meta name="ArticleTitle" content="{title}">'
            f'<meta name="PubDate" content="{article.date}"></head><body><h1>{title}</h1>'
            f"<div>发布时间：{article.date} 浏览次数：{COUNTER}</div>"
            f'<div class="article-content">{body}{files}</div></body></html>'
        )

    def add(self, article: Article) -> Article:
        self.articles.append(article)
        for path in (
            article.path,
            *article.copies,
            *((article.moved[1],) if article.moved else ()),
        ):
            if path in self._by_path:
                raise ValueError(f"{path} stands twice")
            self._by_path[path] = article
        for path, _ in article.attachments:
            self._files[path] = article
        return article

    def listed(self, column: str = "") -> list[Article]:
        """What a column lists tonight, the newest first."""
        rows = [a for a in self.articles if a.column == column and a.stands(self.night)]
        return sorted(rows, key=lambda a: (a.date, a.path), reverse=True)

    def page_of(self, column: str, number: int, size: int) -> tuple[list[Article], int]:
        """Page `number` (from 1) of a column, and how many pages it has."""
        rows = self.listed(column)
        return rows[(number - 1) * size : number * size], max(1, -(-len(rows) // size))

    # What a perfect crawl knows.

    def truth(self, night: int | None = None) -> set[str]:
        """The addresses (path and query) of the reports that a night shows."""
        night = night or self.night
        if night in self.out_nights:
            return set()
        return {a.at(night) for a in self.articles if a.is_report and a.stands(night)}

    def allowed(self) -> set[str]:
        """Addresses that show a report and need not be found: mobile copies, former addresses."""
        return {
            path
            for a in self.articles
            if a.is_report
            for path in (a.path, *a.copies, *((a.moved[1],) if a.moved else ()))
        }

    def documents(self, night: int | None = None) -> set[str]:
        """The addresses of the attachments of the reports that a night shows."""
        night = night or self.night
        if night in self.out_nights:
            return set()
        return {
            path
            for a in self.articles
            if a.is_report and a.stands(night)
            for path, _ in a.attachments
        }

    def events(self, night: int) -> dict[str, set[str]]:
        """What a night brought since the night before: addresses of reports by event."""
        reports = [a for a in self.articles if a.is_report]
        return {
            "new": {a.at(night) for a in reports if a.first == night},
            "edited": {
                a.at(night)
                for a in reports
                if night in a.edited and a.first < night and a.stands(night)
            },
            "gone": {a.at(night - 1) for a in reports if a.last == night - 1},
            "moved": {a.path for a in reports if a.moved and a.moved[0] == night},
        }

    # The server.

    def start(self) -> None:
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                replica._serve(self, "")

            def do_HEAD(self) -> None:
                replica._serve(self, "")

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                replica._serve(self, self.rfile.read(length).decode("utf-8", "replace"))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A visitor who goes away in the middle is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.build()
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        began = monotonic()
        with self._lock:
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            self._visits += 1
            visits = self._visits
        status = 500
        try:
            parts = urlsplit(handler.path)
            asked = Asked(
                handler.command,
                unquote(parts.path),
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                dict(parse_qsl(body, keep_blank_values=True)),
                body,
                {name.lower(): value for name, value in handler.headers.items()},
                handler.path,
            )
            given = self._answer(asked)
            sleep(max(given.seconds, self.seconds))
            data = given.body(0 if self.etags else visits)
            headers = dict(given.headers)
            if self.etags and given.status == 200:
                known = data if self.etags == "honest" else b""
                headers["ETag"] = f'"{hashlib.sha256(known).hexdigest()[:16]}"'
                if asked.headers.get("if-none-match") == headers["ETag"]:
                    given, data = Answer(status=304, headers=headers), b""
            status = given.status
            if self.gzipped and "gzip" in asked.headers.get("accept-encoding", ""):
                data, headers["Content-Encoding"] = gzip.compress(data), "gzip"
        finally:
            # Before it is sent: the next request may come while this thread still finishes.
            with self._lock:
                self._in_flight -= 1
                self.log.append(
                    Hit(
                        *(self.night, began, monotonic(), handler.command, handler.path, body),
                        {name.lower(): value for name, value in handler.headers.items()},
                        status,
                    )
                )
        if not given.status:
            handler.close_connection = True
            return
        try:
            handler.send_response(given.status)
            handler.send_header("Content-Type", given.content_type)
            handler.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(data)
            handler.wfile.flush()
        except OSError:
            pass

    def _answer(self, asked: Asked) -> Answer:
        if self.night in self.out_nights and (excuse := self.out(asked)) is not None:
            return excuse
        target = unquote(asked.target)
        article = self._by_path.get(target) or self._by_path.get(asked.path)
        if article is not None:
            return self._article(article, target, asked)
        if (holder := self._files.get(target) or self._files.get(asked.path)) is not None:
            if not holder.stands(self.night):
                return self.missing(asked)
            number = sum(map(ord, target)) + holder.edition(self.night)
            return Answer(data=pdf(number), content_type="application/pdf")
        return self.answer(asked) or self.missing(asked)

    def _article(self, article: Article, target: str, asked: Asked) -> Answer:
        if not article.stands(self.night):
            return self.missing(asked)
        if article.moved:
            night, there, redirects = article.moved
            if self.night >= night and there not in (target, asked.path):
                return redirect(there, 301) if redirects else self.missing(asked)
            if self.night < night and there in (target, asked.path):
                return self.missing(asked)
        edition = article.edition(self.night)
        body = report_body(article, edition) if article.is_report else other_body(article.title)
        return self.article_answer(article, self.detail(article, body))

    def article_answer(self, article: Article, text: str) -> Answer:
        """How an article's page is sent: its encoding, its validators."""
        return Answer(text)


REPLICAS: dict[str, Callable[[], Replica]] = {}


def replica(key: str) -> Callable[[type[Replica]], type[Replica]]:
    """Enter a replica into the list that the tests crawl."""

    def enter(kind: type[Replica]) -> type[Replica]:
        if key in REPLICAS:
            raise ValueError(f"two replicas are called {key!r}")
        REPLICAS[key] = kind
        return kind

    return enter


@contextmanager
def serving(replicas: Mapping[str, Replica]) -> Iterator[str]:
    """Serve replicas until the block ends; gives a registry of them as CSV."""
    for one in replicas.values():
        one.start()
    try:
        yield "id,name,division,level,home_url,family\n" + "".join(
            f"{key},{one.name},{one.division},{one.level},{one.url}/,{one.hint}\n"
            for key, one in replicas.items()
        )
    finally:
        for one in replicas.values():
            one.stop()
