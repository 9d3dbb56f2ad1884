"""Pages only a browser shows: what Chromium makes of them, and that it never speaks to a server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive import warc
from crawler import render
from crawler.capture import Exchange, Store
from crawler.page import Page, read_page
from crawler.recover import sound_members
from crawler.verdict import Verdict, judge
from tests.portals.replicas.base import Article, report_body

ROOT = Path(__file__).resolve().parents[1]
MISSING = render.browser_missing()
needs_browser = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
CHAPTERS = (
    "<h1>甲市2025年政府信息公开工作年度报告</h1><p>一、总体情况</p><p>二、主动公开政府信息情况</p>"
    "<p>三、收到和处理政府信息公开申请情况</p><p>四、政府信息公开行政复议、行政诉讼情况</p>"
    "<p>五、存在的主要问题及改进情况</p><p>六、其他需要报告的事项</p>"
)


class Site:
    """Answers what `pages` holds by path, a function of the path's query too; counts who came."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        self.headers: dict[str, dict[str, str]] = {}
        self.most_in_flight = 0
        self._in_flight = 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site._in_flight += 1
                site.most_in_flight = max(site.most_in_flight, site._in_flight)
                site.asked.append(self.path)
                site.headers[self.path] = {k.lower(): v for k, v in self.headers.items()}
                length = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(length).decode()
                path, _, query = self.path.partition("?")
                given = site.pages.get(path, (404, "text/html", "not here"))
                given = given(query, sent) if callable(given) else given
                status, kind, body, *more = given if isinstance(given, tuple) else (200, "", given)
                data = body if isinstance(body, bytes) else body.encode()
                kind = kind or ("text/javascript" if path.endswith(".js") else "text/html")
                site._in_flight -= 1
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *said: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *said: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    yield one
    one.close()


class Ear:
    """A port on loopback, for streams and datagrams, that hears whoever speaks to it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._stream = socket.create_server(("127.0.0.1", 0))
        self.port = self._stream.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", self.port))
        for listen in (self._accept, self._receive):
            Thread(target=listen, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                visitor, _ = self._stream.accept()
            except OSError:
                return
            self.heard.append(b"stream")
            visitor.close()

    def _receive(self) -> None:
        while True:
            try:
                self.heard.append(self._datagrams.recv(2_000))
            except OSError:
                return

    def close(self) -> None:
        self._stream.close()
        self._datagrams.close()


@contextmanager
def listening() -> Iterator[Ear]:
    ear = Ear()
    try:
        yield ear
    finally:
        ear.close()


def escapes(port: int) -> str:
    """A page that speaks to another port in all the ways a page knows."""
    there = f"127.0.0.1:{port}"
    return f"""<html><head><title>甲</title>
<link rel="dns-prefetch" href="//{there}"><link rel="preconnect" href="http://{there}">
<link rel="prefetch" href="http://{there}/prefetch"><link rel="preload" as="script" href="http://{there}/preload">
<link rel="modulepreload" href="http://{there}/module"><link rel="manifest" href="http://{there}/manifest">
<link rel="stylesheet" href="http://{there}/style.css"><link rel="icon" href="http://{there}/icon.ico">
<script type="speculationrules">{{"prefetch":[{{"source":"list","urls":["http://{there}/spec"]}}],
"prerender":[{{"source":"list","urls":["http://{there}/prerender"]}}]}}</script>
<style>@import url("http://{there}/import.css"); @font-face {{ font-family: x; src: url("http://{there}/font") }}
body {{ font-family: x; background: url("http://{there}/background") }}</style></head><body>文
<script src="http://{there}/script.js"></script><img src="http://{there}/img"><iframe src="http://{there}/iframe"></iframe>
<video src="http://{there}/video" autoplay></video><object data="http://{there}/object"></object>
<embed src="http://{there}/embed"><a id="a" ping="http://{there}/ping" href="#x">x</a>
<a id="d" download href="http://{there}/download">x</a>
<form id="f" action="http://{there}/form" method="post" target="t"></form><iframe name="t"></iframe>
<script>
const tries = [
    () => fetch("http://{there}/fetch", {{mode: "no-cors"}}),
    () => fetch("http://{there}/keepalive", {{keepalive: true, method: "POST", body: "x"}}),
    () => {{ const x = new XMLHttpRequest(); x.open("GET", "http://{there}/xhr"); x.send(); }},
    () => {{ new Image().src = "http://{there}/image"; }},
    () => navigator.sendBeacon("http://{there}/beacon", "x"),
    () => new WebSocket("ws://{there}/socket"),
    () => new EventSource("http://{there}/events"),
    () => import("http://{there}/import.js"),
    () => {{ const source = 'fetch("http://{there}/w",{{mode:"no-cors"}});new WebSocket("ws://{there}/w");'
        + 'try {{ importScripts("http://{there}/i.js") }} catch (e) {{}}';
        new Worker(URL.createObjectURL(new Blob([source]))); }},
    () => new SharedWorker("data:text/javascript,fetch('http://{there}/shared',{{mode:'no-cors'}})"),
    () => navigator.serviceWorker.register("/sw.js"),
    () => {{ const p = new RTCPeerConnection({{iceServers: [{{urls: "stun:{there}"}},
        {{urls: "turn:{there}?transport=tcp", username: "u", credential: "c"}}]}});
        p.createDataChannel("x"); p.createOffer().then(o => p.setLocalDescription(o)); }},
    () => new WebTransport("https://{there}/transport"),
    () => document.getElementById("a").click(),
    () => document.getElementById("f").submit(),
    () => document.getElementById("d").click(),
    () => window.open("http://{there}/popup"),
];
for (const one of tries) {{ try {{ Promise.resolve(one()).catch(() => 0); }} catch (error) {{}} }}
setTimeout(() => {{ document.body.append("完"); }}, 300);
setTimeout(() => {{ location.href = "http://{there}/leave"; }}, 400);
</script></body></html>"""


def ask(data: Path, *jobs: dict[str, Any], settings: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What the crawl's middlewares give for each job; see tests.rendering."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rendering", str(data), json.dumps(jobs), *settings],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(jobs), done.stderr[-3_000:]
    return lines


def closed_segments(data: Path) -> list[Path]:
    return sorted((data / "warc").glob("*.warc.gz"))


def records(data: Path) -> list[Any]:
    """(type, address, Refers-To, payload) of each record of the closed segments."""
    found = []
    for path in closed_segments(data):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream):
                head = record.rec_headers
                found.append(
                    (
                        record.rec_type,
                        head.get_header("WARC-Target-URI"),
                        head.get_header("WARC-Record-ID"),
                        head.get_header("WARC-Refers-To"),
                        record.content_stream().read(),
                    )
                )
    return found


# Without a browser: what needs one, and what does not.


def page(body: str) -> Page:
    return read_page("http://a.gov.cn/x.html", f"<html><body>{body}</body></html>".encode())


def test_a_page_without_text_but_with_scripts_is_a_shell() -> None:
    assert render.is_shell(page('<div id="app"></div><script src="/app.js"></script>'))
    assert render.is_shell(page("<div></div><script>$.ajax('/x')</script>"))


def test_a_page_with_the_text_of_a_report_is_none() -> None:
    assert not render.is_shell(page(CHAPTERS + '<script src="/app.js"></script>'))


def test_a_page_that_links_its_document_is_none() -> None:
    assert not render.is_shell(page('<a href="/a.pdf">甲市年报</a><script src="/app.js"></script>'))


def test_a_page_without_scripts_is_none_however_empty() -> None:
    assert not render.is_shell(page("<p>建设中</p>"))


def test_menus_do_not_make_an_article() -> None:
    menu = "".join(f"<li><a href='/{n}/'>政务公开栏目之第{n}个栏目</a></li>" for n in range(60))
    assert render.is_shell(page(f"<ul>{menu}</ul><div id=c></div><script src=/a.js></script>"))
    text = "<p>" + "本文介绍有关工作的开展情况，仅供参考使用。" * 12 + "</p>"
    assert not render.is_shell(page(f"<ul>{menu}</ul>{text}<script src=/a.js></script>"))


def test_what_scripts_add_to_get_past_caches_does_not_count() -> None:
    one = render.same_wish("GET", "http://a.cn/l.json?page=2&_=1795318259306", b"")
    assert one == render.same_wish("GET", "http://a.cn/l.json?page=2&_=1795318259999", b"")
    assert one != render.same_wish("GET", "http://a.cn/l.json?page=3&_=1795318259306", b"")
    assert render.same_wish("POST", "http://a.cn/l", b"page=1") != render.same_wish(
        "POST", "http://a.cn/l", b"page=2"
    )


def test_kept_answers_make_room_for_later_ones() -> None:
    answers = render.Answers(most=10)
    keys = [render.same_wish("GET", f"http://a.cn/{n}", b"") for n in range(3)]
    for key in keys[:2]:
        answers.keep(key, render.Kept(key[1], 200, {}, b"12345", None))
    assert answers.get(keys[0])
    answers.keep(keys[2], render.Kept(keys[2][1], 200, {}, b"12345", None))
    assert [bool(answers.get(key)) for key in keys] == [True, False, True]


def test_a_route_is_not_asked_of_the_server() -> None:
    assert render.address_of("http://a.gov.cn/x?a=1#/list/2") == (
        "http://a.gov.cn/x?a=1",
        "/list/2",
    )
    assert render.address_of("http://a.gov.cn/x") == ("http://a.gov.cn/x", "")


def test_what_is_missing_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIANBAO_CHROMIUM", "/nowhere/chromium")
    assert "make browser" in str(render.browser_missing())
    monkeypatch.setattr(render, "find_spec", lambda name: None)
    assert render.browser_missing() == "scrapy-playwright is not installed: run make browser"


def test_a_report_that_only_scripts_show_is_read_into_the_archive(tmp_path: Path) -> None:
    article = Article(
        "/xz/1.html",
        "朔州市教育局2025年政府信息公开工作年度报告",
        "2026-01-20",
        org="朔州市教育局",
        year=2025,
    )
    home, url = "http://www.a.gov.cn/", "http://www.a.gov.cn/xz/1.html"
    shell = b"<html><body><div id=zoom></div><script src=/app.js></script></body></html>"
    made = f"<html><body><h1>{article.title}</h1><div id=zoom>{report_body(article, 0)}</div></body></html>".encode()
    night = {"night": "2026-11-22", "seen_at": "2026-11-22T14:00:00Z"}
    with Store(tmp_path, {"software": "test"}) as store:
        answer = store.write(exchange_of_page(url, shell), None)
        made_of_it = store.convert(url, made, answer.record_id)
        store.sight(
            night
            | {"kind": "portal", "id": "shuozhou", "name": "朔州市人民政府", "division": "140600"}
            | {"level": "prefecture", "home_url": home, "state": "ok"}
        )
        store.sight(
            night
            | {"kind": "report", "portal_id": "shuozhou", "url": url, "title": article.title}
            | {
                "listed_on": home,
                "role": "page",
                "report_url": None,
                "verdict": "ok",
                "status": 200,
            }
            | {"digest": made_of_it.digest, "fetched_at": made_of_it.fetched_at}
        )
    command = [sys.executable, "-m", "archive", "build", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "nianbao.db")) as database:
        (report,) = database.execute("select id, year from reports").fetchall()
        captures = database.execute(
            "select record_type, digest, status, media_type, version_id is null from captures order by 1"
        ).fetchall()
        text = " ".join(row[0] for row in database.execute("select text from sections"))
    assert report[1] == 2025
    assert captures == [
        ("conversion", made_of_it.digest, None, "text/html", 0),
        ("response", answer.digest, 200, "text/html", 1),
    ]
    assert "平台运行平稳" in text


def exchange_of_page(url: str, body: bytes) -> Exchange:
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("Host", "www.a.gov.cn"),),
        request_body=b"",
        status=200,
        protocol="HTTP/1.1",
        headers=(("Content-Type", "text/html"),),
        body=body,
    )


def test_a_page_made_by_scripts_is_no_answer_to_readers_of_warc_files(tmp_path: Path) -> None:
    with Store(tmp_path, {"software": "test"}) as store:
        answer = store.write(exchange_of_page("http://a.gov.cn/", b"<p>1</p>"), None)
        store.convert("http://a.gov.cn/#/list", "<p>年报</p>".encode(), answer.record_id)
    kept = records(tmp_path)
    assert [record[0] for record in kept] == ["warcinfo", "response", "request", "conversion"]
    assert kept[3][1] == "http://a.gov.cn/#/list"
    assert kept[3][3] == kept[1][2]
    # A crawl that was killed leaves its segment open: such a record is sound.
    (segment,) = closed_segments(tmp_path)
    raw = segment.read_bytes()
    assert len(list(sound_members(io.BytesIO(raw)))) == 4
    assert len(list(sound_members(io.BytesIO(raw[:-20])))) == 3


@pytest.mark.parametrize(
    ("asked", "shown", "said", "verdict"),
    [
        ("#/d/1", "#/d/1", "您访问的页面不存在或已被删除", Verdict.SOFT_404),
        ("#/d/1", "#/", "正文" * 200, Verdict.HOME_REDIRECT),
        ("#/d/1", "#/d/2", "正文" * 200, Verdict.MOVED),
        ("#/d/1", "#/d/1", "正文" * 200, Verdict.OK),
        ("", "#/", "正文" * 200, Verdict.OK),
    ],
)
def test_routes_are_pages_of_their_own_to_the_verdict(
    asked: str, shown: str, said: str, verdict: Verdict
) -> None:
    home = "http://a.gov.cn/"
    body = f"<html><body><a href='#/'>首页</a><div>{said}</div></body></html>".encode()
    answer = judge(
        200, body, read_page(home + shown, body), home + asked, home + shown, home_urls=(home,)
    )
    assert answer is verdict


ROWS_OF_AN_INTERFACE = [
    {
        "data": [
            {"articleId": 71, "columnId": 5, "subject": "甲市教育局2024年政府信息公开工作年度报告"}
        ]
    },
    [
        {"articleId": 72, "columnId": 5, "subject": "甲市民政局2024年政府信息公开工作年度报告"},
        {"articleId": 73, "columnId": 5, "subject": "关于{召开}会议的通知公告"},
        {"articleId": None, "columnId": 5, "subject": "甲市财政局2024年政府信息公开工作年度报告"},
    ],
]


def test_where_one_row_leads_tells_where_the_others_do() -> None:
    titles = [
        "甲市教育局2024年政府信息公…",
        "甲市民政局2024年政府信息公开工作年度报告",
        "甲市财政局2024年政府信息公开工作年度报告",
    ]
    assert render.addresses_like(
        titles[0], "http://a.gov.cn/#/detail?col=5&id=71", titles, ROWS_OF_AN_INTERFACE
    ) == {
        titles[0]: "http://a.gov.cn/#/detail?col=5&id=71",
        titles[1]: "http://a.gov.cn/#/detail?col=5&id=72",
    }
    # An address that holds nothing of its row tells nothing of the others.
    assert render.addresses_like(titles[0], "http://a.gov.cn/x", titles, ROWS_OF_AN_INTERFACE) == {}
    assert render.addresses_like("无此标题的一行文字", "http://a.gov.cn/71", titles, []) == {}


def test_an_address_that_stands_in_the_interface_itself_is_taken_whole() -> None:
    rows = [
        [
            {"u": "/c/1/a.html", "t": "甲市2023年政府信息公开年报"},
            {"u": "/d/9/b.html", "t": "甲市2024年政府信息公开年报"},
        ]
    ]
    titles = [row["t"] for row in rows[0]]
    assert render.addresses_like(titles[0], "http://a.gov.cn/c/1/a.html", titles, rows) == {
        titles[0]: "http://a.gov.cn/c/1/a.html",
        titles[1]: "http://a.gov.cn/d/9/b.html",
    }


# With one.


@needs_browser
def test_nothing_leaves_the_browser_by_itself(site: Site, tmp_path: Path) -> None:
    with listening() as ear:
        site.pages["/"] = escapes(ear.port)
        site.pages["/sw.js"] = f"fetch('http://127.0.0.1:{ear.port}/sw')"
        (said,) = ask(tmp_path, {"url": site.url + "/", "kind": "home"})
        assert "完" in said["text"]
        assert ear.heard == []
    assert [path for path in site.asked if path != "/robots.txt"] == ["/"]


async def open_without_routes(port: int) -> set[str]:
    """Let a bare Chromium, started as ours is, open the page of escapes; gives what it tried."""
    tried: set[str] = set()
    starter = render.Chromium(None)
    await starter.start()
    try:
        browser = await starter.launch_browser()
        tab = await browser.new_page()
        await tab.route(
            "http://a.gov.cn/",
            lambda route: route.fulfill(status=200, content_type="text/html", body=escapes(port)),
        )
        tab.on("requestfailed", lambda request: tried.add(request.url.rpartition("/")[2]))
        await tab.goto("http://a.gov.cn/", wait_until="commit")
        await asyncio.sleep(3)
        await browser.close()
        return tried
    finally:
        await starter.close()


@needs_browser
def test_the_flags_alone_keep_the_browser_off_the_network() -> None:
    with listening() as ear:
        tried = asyncio.run(open_without_routes(ear.port))
        assert {"fetch", "xhr", "img", "script.js", "iframe", "style.css"} <= tried
        assert ear.heard == []


@needs_browser
def test_without_the_flags_the_same_page_would_be_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "ISOLATION", ("--disable-gpu", "--disable-dev-shm-usage"))
    with listening() as ear:
        asyncio.run(open_without_routes(ear.port))
        assert ear.heard.count(b"stream") > 5


LISTED = """<html><head><title>年报</title></head><body><ul id=l></ul>{pager}<script src="/list.js"></script></body></html>"""
ROWS = """<li><a href="/r/{0}.html">甲市{0}年政府信息公开工作年度报告</a><span>2026-01-02</span></li>"""


def rows(first: int, last: int) -> str:
    return "".join(ROWS.format(year) for year in range(first, last + 1))


def years_in(text: str) -> list[int]:
    return [
        int(link.url[-9:-5])
        for link in read_page("http://a.cn/", text.encode()).links
        if "/r/" in link.url
    ]


@needs_browser
def test_a_list_is_read_as_its_scripts_made_it_and_all_evidence_is_kept(
    site: Site, tmp_path: Path
) -> None:
    # The label lies: the bytes are UTF-8, and the browser would believe the header.
    shell = "<html><body><p>目录</p><ul id=l></ul><script src=/list.js></script></body></html>"
    site.pages["/"] = (200, "text/html; charset=gbk", shell)
    site.pages["/list.js"] = (
        "var x = new XMLHttpRequest(); x.open('POST', '/api'); x.setRequestHeader('X-Token', 't1');"
        "x.onload = () => { document.getElementById('l').innerHTML = x.responseText; };"
        "document.cookie = 'seen=yes; path=/'; x.send('page=1');"
    )
    site.pages["/api"] = lambda query, sent: rows(2021, 2023) if sent == "page=1" else (400, "", "")
    (said,) = ask(tmp_path, {"url": site.url + "/", "kind": "home"})
    assert years_in(said["text"]) == [2021, 2022, 2023]
    assert "目录" in said["text"]
    assert (said["status"], said["record"], said["asked"]) == (200, "conversion", 2)
    assert site.headers["/api"]["x-token"] == "t1"
    assert site.headers["/api"]["cookie"] == "seen=yes"
    assert site.headers["/api"]["referer"] == site.url + "/"
    assert site.headers["/api"]["user-agent"].startswith("Nianbao/")
    assert site.most_in_flight == 1
    kept = records(tmp_path)
    (made,) = [record for record in kept if record[0] == "conversion"]
    answers = {record[1]: record for record in kept if record[0] == "response"}
    assert set(answers) == {site.url + path for path in ("/robots.txt", "/", "/list.js", "/api")}
    assert made[1] == site.url + "/"
    assert made[3] == answers[site.url + "/"][2]
    assert made[4].decode() == said["text"]
    (index,) = [
        one
        for path in closed_segments(tmp_path)
        for one in warc.read_segment(path)
        if isinstance(one, warc.Capture) and one.record_type == "conversion"
    ]
    assert (index.digest, index.status, index.media_type) == (said["digest"], None, "text/html")
    assert warc.read_payload(tmp_path, index.warc_file, index.offset).decode() == said["text"]


PAGERS = {
    "link": '<a href="javascript:void(0)" class="off" onclick="go(n-1)">上一页</a> <a href="#" onclick="go(n+1)">下一页</a>',
    "element": '<div class="el-pagination"><button class="btn-next" onclick="go(n+1)"><i class="icon"></i></button></div>',
    "ant": '<ul class="ant-pagination"><li title="下一页" class="ant-pagination-next" onclick="go(n+1)"><button><i></i></button></li></ul>',
    "layui": '<div class="layui-laypage"><a href="javascript:;" class="layui-laypage-next" onclick="go(n+1)">&gt;</a></div>',
    "numbers": '<div class="pages" id="numbers"></div>',
    "span": '<p><span onclick="go(n+1)">[ 下页 ]</span></p>',
    "input": '<input type="button" value="下一页" onclick="go(n+1)">',
    "scroll": '<div style="height: 3000px"></div><script>onscroll = () => { if (scrollY > 0) { scrollTo(0, 0); go(n + 1); } }</script>',
}


@needs_browser
def test_a_list_without_addresses_is_leafed_through_by_clicks(site: Site, tmp_path: Path) -> None:
    for name, pager in PAGERS.items():
        site.pages[f"/{name}"] = LISTED.format(pager=pager)
    site.pages[
        "/list.js"
    ] = """var n = 1; function go(k) { n = k; fetch('/p' + k).then(r => r.text()).then(t => {
        document.getElementById('l').innerHTML = t; var box = document.getElementById('numbers');
        if (box) box.innerHTML = [1, 2, 3].map(i => '<a class="' + (i === k ? 'current' : '') +
            '" onclick="go(' + i + ')">' + i + '</a>').join(' '); }); } go(1);"""
    # The third page is the last: behind it the server repeats it.
    for number in range(1, 6):
        last = min(number, 3)
        site.pages[f"/p{number}"] = rows(2010 + 2 * last, 2011 + 2 * last)
    said = ask(
        tmp_path,
        *({"url": f"{site.url}/{name}", "kind": "list", "sites": [site.url]} for name in PAGERS),
    )
    read = {
        name: [years_in(text) for text in (one["text"], *one["steps"])]
        for name, one in zip(PAGERS, said, strict=True)
    }
    assert read == {name: [[2012, 2013], [2014, 2015], [2016, 2017]] for name in PAGERS}


@needs_browser
def test_a_list_that_grows_by_clicks_is_kept_once(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = LISTED.format(pager='<div class=more onclick="go(n+1)">点击加载更多</div>')
    site.pages[
        "/list.js"
    ] = """var n = 0; function go(k) { n = k; fetch('/p' + k).then(r => r.text()).then(t =>
        document.getElementById('l').insertAdjacentHTML('beforeend', t)); } go(1);"""
    for number in range(1, 4):
        site.pages[f"/p{number}"] = rows(2010 + number, 2010 + number)
    site.pages["/p4"] = ""
    (said,) = ask(tmp_path, {"url": site.url + "/", "kind": "list"})
    assert [years_in(text) for text in (said["text"], *said["steps"])] == [
        [2011],
        [2011, 2012, 2013],
    ]


@needs_browser
def test_clicks_end_where_everything_is_known(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = LISTED.format(pager='<a href="#" onclick="go(n+1)">下一页</a>')
    site.pages[
        "/list.js"
    ] = """var n = 1; function go(k) { n = k; fetch('/p' + k).then(r => r.text()).then(t => {
        document.getElementById('l').innerHTML = t; }); } go(1);"""
    for number in range(1, 9):
        site.pages[f"/p{number}"] = rows(2010 + number, 2010 + number)
    known = [site.url + "/"] + [f"{site.url}/r/{year}.html" for year in range(2012, 2020)]
    (said,) = ask(tmp_path, {"url": site.url + "/", "kind": "list", "known": known})
    # The first page shows something new, the second does not.
    assert [years_in(text) for text in (said["text"], *said["steps"])] == [[2011], [2012]]
    assert "/p3" not in site.asked


@needs_browser
def test_what_is_no_pager_of_clicks_is_not_clicked(site: Site, tmp_path: Path) -> None:
    others = {
        "address": '<a href="/list_2.html">下一页</a>',
        "off": '<a class="disabled" onclick="go(2)">下一页</a>',
        "button-off": '<button disabled onclick="go(2)">下一页</button>',
        "pictures": '<div class="swiper-button-next" onclick="go(2)">&gt;</div>',
        "more-of-another": '<a href="/news/">更多</a>',
    }
    for name, pager in others.items():
        site.pages[f"/{name}"] = LISTED.format(pager=pager)
    site.pages["/list.js"] = (
        "function go(k) { fetch('/clicked'); } document.getElementById('l').innerHTML = 'x';"
    )
    said = ask(tmp_path, *({"url": f"{site.url}/{name}", "kind": "list"} for name in others))
    assert [one["steps"] for one in said] == [[]] * len(others)
    assert "/clicked" not in site.asked


@needs_browser
def test_a_report_is_rendered_only_where_its_answer_says_nothing(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/plain.html"] = CHAPTERS + "<script src=/a.js></script>"
    site.pages["/empty.html"] = (
        "<div id=c></div><script>fetch('/text').then(r=>r.text()).then(t=>c.innerHTML=t)</script>"
    )
    site.pages["/text"] = CHAPTERS
    site.pages["/blank.html"] = "<div id=c></div><script>fetch('/none').then(r=>0)</script>"
    site.pages["/broken.html"] = "<div id=c></div><script>fetch('/broken')</script>"
    site.pages["/broken"] = (500, "text/html", "")
    plain, empty, blank, broken = ask(
        tmp_path,
        *(
            {"url": f"{site.url}/{name}.html", "kind": "report", "sites": [site.url]}
            for name in ("plain", "empty", "blank", "broken")
        ),
        settings=("RETRY_ENABLED=False",),
    )
    assert (plain["record"], plain["flags"], plain["asked"]) == ("response", [], None)
    assert "/a.js" not in site.asked
    assert (empty["record"], empty["flags"]) == ("conversion", ["rendered"])
    assert "收到和处理政府信息公开申请" in empty["text"]
    assert blank["flags"] == ["rendered", "shell"]
    # What the scripts could not get must not become a version without a text.
    assert broken["error"] == "RenderFailed"
    assert broken["message"].endswith("/broken answers 500")


@needs_browser
def test_pages_chosen_by_route_ask_for_their_document_once(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = (
        "<body><div id=app></div><script>function go() { fetch('/api/' + (location.hash.slice(2) || 'home'))"
        ".then(r => r.text()).then(t => app.innerHTML = t); } onhashchange = go; go();</script></body>"
    )
    site.pages["/api/home"] = '<a href="#/list">政府信息公开年报</a>'
    site.pages["/api/list"] = (
        '<a href="#/r/1">甲市2025年政府信息公开工作年度报告</a><a href="/a.html">乙</a>'
    )
    site.pages["/api/r/1"] = CHAPTERS
    home, listed, report = ask(
        tmp_path,
        *(
            {"url": site.url + "/" + route, "kind": kind}
            for route, kind in (("", "home"), ("#/list", "list"), ("#/r/1", "report"))
        ),
    )
    links_of = {
        one["url"]: [link.url for link in read_page(one["url"], one["text"].encode()).links]
        for one in (home, listed)
    }
    assert links_of == {
        site.url + "/#/": [site.url + "/#/list"],
        site.url + "/#/list": [site.url + "/#/r/1", site.url + "/a.html"],
    }
    assert report["url"] == site.url + "/#/r/1"
    assert "行政复议" in report["text"]
    assert site.asked.count("/") == 1
    kept = [record[:2] for record in records(tmp_path)]
    assert kept.count(("response", site.url + "/")) == 1
    assert [url for kind, url in kept if kind == "conversion"] == [
        site.url + "/" + r for r in ("#/", "#/list", "#/r/1")
    ]


@needs_browser
def test_only_the_portals_own_public_pages_are_asked_for(site: Site, tmp_path: Path) -> None:
    site.pages["/robots.txt"] = (200, "text/plain", "User-agent: *\nDisallow: /secret/\n")
    site.pages["/"] = """<body><p id=o>甲</p><script>(async () => {
        for (const url of ['/secret/x', '/hop', '/away', 'http://169.254.169.254/latest/', 'http://[::1]:1/', 'file:///etc/passwd'])
            try { const r = await fetch(url); o.append(url + '=' + await r.text() + ';'); } catch (e) { o.append(url + '!;'); }
    })()</script></body>"""
    site.pages["/hop"] = (302, "text/html", "", {"Location": "/landed"})
    site.pages["/landed"] = "landed"
    site.pages["/away"] = (302, "text/html", "", {"Location": "http://10.0.0.1/"})
    (said,) = ask(tmp_path, {"url": site.url + "/", "kind": "home"})
    assert (
        "甲/secret/x!;/hop=landed;/away!;http://169.254.169.254/latest/!;http://[::1]:1/!;file:///etc/passwd!;"
        in said["text"]
    )
    assert sorted(site.asked) == ["/", "/away", "/hop", "/landed", "/robots.txt"]


@needs_browser
def test_a_page_that_sends_elsewhere_stays_or_goes_within_the_site(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/out"] = "<body><p>甲</p><script>location.href = 'http://10.0.0.1/'</script></body>"
    site.pages["/in"] = "<body><script>location.replace('/there?' + 1)</script></body>"
    site.pages["/there"] = "<body><p>到了</p></body>"
    site.pages["/dead"] = "<body><script>location.replace('/nowhere')</script></body>"
    site.pages["/nowhere"] = (404, "text/html", "<p>没有</p>")
    site.pages["/ring"] = (
        "<body><p>环</p><script>location.href = '/ring?' + Math.random()</script></body>"
    )
    out, inside, dead, ring = ask(
        tmp_path,
        *({"url": f"{site.url}/{name}", "kind": "home"} for name in ("out", "in", "dead", "ring")),
    )
    assert (out["url"], "甲" in out["text"]) == (site.url + "/out", True)
    assert (inside["url"], "到了" in inside["text"]) == (site.url + "/there?1", True)
    assert (dead["url"], dead["status"], dead["record"]) == (site.url + "/nowhere", 404, "response")
    assert "环" in ring["text"]
    assert sum(path.startswith("/ring") for path in site.asked) <= 1 + render.MOST_HOPS


@needs_browser
def test_pages_that_hang_crash_ask_without_end_or_grow_end_and_the_next_is_read(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/hang"] = (
        "<body><p>甲</p><script>setTimeout(() => { while (true) {} }, 50)</script></body>"
    )
    site.pages[
        "/poll"
    ] = """<body><p>甲<a href=/1>1</a><a href=/2>2</a><a href=/3>3</a></p><script>let n = 0; setInterval(() => fetch('/tick?n=' + n++), 20);
        setInterval(() => { alert('x'); confirm('y'); window.open('/popup'); }, 500); onbeforeunload = () => 'z';</script></body>"""
    site.pages["/tick"] = "1"
    site.pages["/same"] = (
        "<body><p>甲</p><script>setInterval(() => fetch('/beat?_=' + Date.now()), 50)</script></body>"
    )
    site.pages["/beat"] = "1"
    site.pages["/huge"] = (
        "<body><script>document.body.append('x'.repeat(11 * 1024 * 1024))</script></body>"
    )
    site.pages["/fine"] = "<body><script>document.body.append('好')</script></body>"
    names = ("hang", "poll", "same", "huge", "fine")
    hang, poll, same, huge, fine = ask(
        tmp_path,
        *({"url": f"{site.url}/{name}", "kind": "home"} for name in names),
        settings=("RENDER_SECONDS=3",),
    )
    assert hang["error"] == "RenderFailed"
    assert "still at work" in hang["message"]
    assert "甲" in poll["text"]
    assert sum(path.startswith("/tick") for path in site.asked) == render.MOST_REQUESTS
    assert "/popup" not in site.asked
    assert "甲" in same["text"]
    assert sum(path.startswith("/beat") for path in site.asked) == 1
    assert huge["error"] == "RenderFailed"
    assert "size" in huge["message"]
    assert "好" in fine["text"]


@needs_browser
def test_no_browser_outlives_a_killed_crawl(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = (
        "<body><script>setInterval(() => document.body.append('x'.repeat(99)), 100)</script></body>"
    )
    job = json.dumps([{"url": site.url + "/", "kind": "home"}])
    crawl = subprocess.Popen(
        [sys.executable, "-m", "tests.rendering", str(tmp_path), job],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(200):
        children = descendants(crawl.pid)
        if any("--type=renderer" in command for command in children.values()):
            break
        sleep(0.1)
    assert any("--type=renderer" in command for command in children.values())
    crawl.kill()
    crawl.wait()
    for _ in range(100):
        left = [
            pid for pid in children if Path(f"/proc/{pid}/cmdline").exists() and command_of(pid)
        ]
        if not left:
            break
        sleep(0.1)
    assert left == []


@needs_browser
def test_a_browser_that_dies_is_started_anew(site: Site, tmp_path: Path) -> None:
    site.pages["/"] = (
        "<body><script>fetch('/wait').then(r => r.text()).then(t => document.body.append(t))</script></body>"
    )
    site.pages["/wait"] = lambda query, sent: (sleep(4), (200, "text/plain", "等到了"))[1]
    job = json.dumps([{"url": site.url + "/", "kind": "home"}])
    command = [sys.executable, "-m", "tests.rendering", str(tmp_path), job]
    crawl = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    while "/wait" not in site.asked and crawl.poll() is None:
        sleep(0.1)
    browsers = [
        pid
        for pid, said in descendants(crawl.pid).items()
        if "--remote-debugging-pipe" in said and "--type=" not in said
    ]
    assert browsers
    for pid in browsers:
        os.kill(pid, signal.SIGKILL)
    said = json.loads(crawl.communicate(timeout=120)[0])
    assert "等到了" in said["text"]
    assert site.asked.count("/wait") == 1


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def descendants(pid: int) -> dict[int, str]:
    """The processes that a process started, and those they did, with their command lines."""
    found: dict[int, str] = {}
    parents = [pid]
    while parents:
        parent = parents.pop()
        for tasks in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in map(int, tasks.read_text().split()):
                found[child] = command_of(child)
                parents.append(child)
    return found


@needs_browser
def test_rows_that_are_no_links_lead_where_one_of_them_leads(site: Site, tmp_path: Path) -> None:
    ways = {
        "route": "location.hash = '/r/' + a.id",
        "window": "window.open('/r/' + a.id + '.html')",
        "later-window": "const w = window.open('', '_blank'); w.location.href = '/r/' + a.id + '.html'",
        "away": "location.href = '/r/' + a.id + '.html'",
        "history": "history.pushState({}, '', '/r/' + a.id + '.html'); l.innerHTML = 'gone'",
    }
    script = """var n = 1; function go(k) { n = k; fetch('/api?p=' + k).then(r => r.json()).then(d => { l.innerHTML = '';
        for (const a of d) { const row = document.createElement('li'); row.innerHTML = '<span></span><i>2026-01-02</i>';
        row.firstChild.textContent = a.name; row.onclick = () => { WAY }; l.append(row); } }); }
        onhashchange = () => { if (location.hash.length > 3) l.innerHTML = 'gone'; else go(1); }; go(1);"""
    for name, way in ways.items():
        pager = '<button onclick="go(n + 1)">下一页</button>'
        text = LISTED.format(pager=pager).replace("/list.js", f"/{name}.js")
        site.pages[f"/{name}"] = text
        site.pages[f"/{name}.js"] = script.replace("WAY", way)

    def given(query: str, sent: str) -> tuple[int, str, str]:
        first = 2018 + 2 * min(int(query[2:]), 3)
        made = [
            {"id": f"x{y}", "name": f"甲市{y}年政府信息公开工作年度报告"}
            for y in (first, first + 1)
        ]
        return 200, "application/json", json.dumps(made)

    site.pages["/api"] = given
    jobs = ({"url": f"{site.url}/{name}", "kind": "list", "sites": [site.url]} for name in ways)
    said = ask(tmp_path, *jobs)
    read = {
        name: [
            [link.url for link in read_page(one["url"], text.encode()).links]
            for text in (one["text"], *one["steps"])
        ]
        for name, one in zip(ways, said, strict=True)
    }
    pages = [(2020, 2021), (2022, 2023), (2024, 2025)]
    assert read == {
        name: [
            [
                f"{site.url}/route#/r/x{y}" if name == "route" else f"{site.url}/r/x{y}.html"
                for y in years
            ]
            for years in pages
        ]
        for name in ways
    }
    assert not any(path.startswith("/r/") for path in site.asked)
