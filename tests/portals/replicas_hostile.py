"""A government's portal that someone turned against its visitors: twelve reports among the traps.

Written on sockets, as a server of the standard library is too well-mannered to lie about its
lengths. Each trap is a row of the list of reports, with the verdicts that may be said of it. Beside
the portal stand listeners on other addresses of this machine: whoever comes there was led astray.
"""

from __future__ import annotations

import asyncio
import io
import random
import socket
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Thread
from urllib.parse import parse_qsl, quote, urlsplit

NAME = "临河县人民政府"
# What Apache takes in one line.
LONGEST_COOKIE = 8_190
COLUMN = "/zfxxgk/nb/index.html"
# What an address may hide behind; {port} is where a listener waits that must never be asked.
PRIVATE = (
    "http://127.0.0.2:{port}/secret",
    "http://127.1:{port}/secret",
    "http://0x7f.1:{port}/secret",
    "http://0x7f000001:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://017700000001:{port}/secret",
    "http://0:{port}/secret",
    "http://0.0.0.0:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://localhost:{port}/secret",
    "http://localhost.:{port}/secret",
    "http://LOCALHOST:{port}/secret",
    "http://user:word@127.0.0.1:{port}/secret",
    "http://127.0.0.1%2e:{port}/secret",
    "http://127。0。0。1:{port}/secret",
    "http://①②⑦.0.0.1:{port}/secret",
    "http://ip6-localhost:{port}/secret",
    "//127.0.0.1:{port}/secret",
    "http:\\\\127.0.0.1:{port}\\secret",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/secret",
    "http://192.168.1.1/secret",
    "http://172.16.0.1/secret",
    "http://100.64.0.1/secret",
    "http://[fe80::1]/secret",
    "http://[fd00::1]/secret",
    "http://[64:ff9b::7f00:1]/secret",
)
OTHER_SCHEMES = (
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "data:text/html,<h1>secret</h1>",
    "ftp://127.0.0.1/secret",
    "gopher://127.0.0.1:{port}/_GET%20/secret",
    "javascript:location='http://127.0.0.1:{port}/secret'",
    "view-source:http://127.0.0.1:{port}/secret",
    "dict://127.0.0.1:{port}/secret",
    "http://",
    "http://[::1",
    "http://a b/secret",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the list: where it leads, how it is called, and what may be said of it."""

    path: str
    title: str
    verdicts: frozenset[str]
    """The verdicts that are right; {"ok"} alone is for the genuine reports."""

    genuine: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a visitor sent."""

    target: str
    host: str
    cookie: str
    headers: str


Answering = Callable[[Asked, asyncio.StreamWriter], "AsyncIterator[bytes]"]


def head(status: str = "200 OK", kind: str = "text/html; charset=utf-8", **more: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode()


def plain(body: bytes | str, status: str = "200 OK", **more: object) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return head(status, **{"Content_Length": len(data), **more}) + data  # type: ignore[arg-type]


def chunked(body: bytes, size: int = 997) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


def packed(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


@cache
def bomb(megabytes: int = 300) -> bytes:
    """About a kilobyte for each megabyte it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


@cache
def docx_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as file:
            for _ in range(400):
                file.write(b" " * (1 << 20))
    return buffer.getvalue()


def report(title: str, extra: str = "", before: str = "") -> str:
    made = random.Random(title)
    received, carried = made.randrange(3, 90), made.randrange(4)
    return f"""<html><head>{before}<title>{title}</title></head><body><h1>{title}</h1>
<div class="article-content"><p>根据《中华人民共和国政府信息公开条例》编制本报告。</p>
<p>一、总体情况</p><p>本年度依法公开各类信息，平台运行平稳，监督保障有力。</p>
<p>二、主动公开政府信息情况</p><table><tr><td>规章</td><td>0</td></tr></table>
<p>三、收到和处理政府信息公开申请情况</p><table>
<tr><td>一、本年新收政府信息公开申请数量</td><td>{received}</td></tr>
<tr><td>二、上年结转政府信息公开申请数量</td><td>{carried}</td></tr>
<tr><td>（一）予以公开</td><td>{received + carried}</td></tr></table>
<p>四、政府信息公开行政复议、行政诉讼情况</p><table><tr><td>结果维持</td><td>0</td></tr></table>
<p>五、存在的主要问题及改进情况</p><p>公开队伍力量仍显不足，下一步将加强培训。</p>
<p>六、其他需要报告的事项</p><p>本年度没有收取信息处理费。</p>{extra}</div></body></html>"""


def title_of(body: str, year: int = 2023) -> str:
    return f"{body}{year}年政府信息公开工作年度报告"


@dataclass
class HostilePortal:
    """The portal and its listeners, on a thread of their own; `log` is what the portal was asked.

    `trespasses` is what came to where nobody may go: other listeners, other Host headers.
    """

    log: list[Asked] = field(default_factory=list)
    trespasses: list[str] = field(default_factory=list)
    url: str = ""
    port: int = 0
    private_port: int = 0
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answers: dict[str, bytes | Answering] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = Event()

    # What stands there.

    def genuine(self) -> set[str]:
        """The addresses of the twelve reports."""
        return {self.url + row.path for row in self.rows if row.genuine}

    def _build(self) -> None:
        self._answers = {
            "/": plain(
                f"<html><title>{NAME}</title><body><ul><li><a href='{COLUMN}'>政府信息公开年报</a></li>"
                "<li><a href='/gk/cal/2026/11/'>政务公开</a></li><li><a href='/s/list'>政府信息公开</a></li>"
                "<li><a href='/rili/?y=2026&m=11'>日历</a></li><li><a href='/forbidden/nb/'>政府信息公开年报</a></li>"
                f"</ul><p>{NAME}位于平原，辖十二个乡镇。</p></body></html>"
            ),
            "/robots.txt": plain(
                b"User-agent: *\nDisallow: /forbidden/\n" + b"# nothing to see\n" * 320_000,
                kind="text/plain",
            ),
        }
        self._genuine()
        genuine, self.rows = self.rows, []
        self._redirects()
        self._bodies()
        self._framing()
        self._pages()
        self._documents()
        traps, self.rows = self.rows, []
        step = len(traps) // len(genuine)
        for number, row in enumerate(genuine):
            self.rows += [row, *traps[number * step : (number + 1) * step]]
        self.rows += traps[len(genuine) * step :]
        self._answers[COLUMN] = plain(self._column())

    def _column(self) -> str:
        rows = "".join(
            f'<li><a href="{row.path}" title="{row.title.replace(chr(34), "&quot;")}">{row.title[:12]}…</a>'
            f"<span>2024-01-{number % 28 + 1:02}</span></li>"
            for number, row in enumerate(self.rows)
        )
        return (
            f"<html><title>政府信息公开年报_{NAME}</title><body><h2>政府信息公开年报</h2><ul>{rows}</ul><div>"
            f"<a href='{COLUMN}'>下一页</a> <a href='/zfxxgk/nb/list.jsp?pageNo=2'>2</a>"
            "<a href='/zfxxgk/nb/all.html'>更多政府信息公开年报</a> <a href='nb/'>历年年报</a>"
            "<a href='/zfxxgk/nb/other.jsp?pageNo=1'>部门政府信息公开年报</a></div></body></html>"
        )

    def _trap(self, path: str, answer: bytes | Answering, *verdicts: str, body: str = "") -> None:
        body = body or f"临河县第{len(self.rows) + 100}号机关"
        self.rows.append(Row(path, title_of(body), frozenset(verdicts)))
        self._answers[urlsplit(path).path] = answer

    def _true(self, path: str, body: str, answer: bytes | Answering, title: str = "") -> None:
        self.rows.append(Row(path, title or title_of(body), frozenset({"ok"}), genuine=True))
        self._answers[urlsplit(path).path] = answer

    def _genuine(self) -> None:
        """Reports that lie only about what does not matter."""

        def text(body: str, **more: str) -> str:
            return report(title_of(body), **more)

        meta = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'
        self._true("/nb/t1.html", "临河县财政局", plain(text("临河县财政局")))
        self._true(
            "/nb/t2.html",
            "临河县民政局",
            plain(text("临河县民政局"), kind="text/html; charset=klingon"),
        )
        self._true(
            "/nb/t3.html",
            "临河县水利局",
            plain(text("临河县水利局", before=meta), kind="text/html"),
        )
        self._true(
            "/nb/t4.html",
            "临河县司法局",
            plain(text("临河县司法局").encode("gb18030"), kind="text/html; charset=UTF-8"),
        )
        self._true(
            "/nb/t5.html",
            "临河县审计局",
            plain(text("临河县审计局").encode("utf-16-le"), kind="text/html; charset=utf-16le"),
        )
        self._true(
            "/nb/t6.html",
            "临河县统计局",
            b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + text("临河县统计局").encode(),
        )
        self._true(
            "/nb/t7.html",
            "临河县教育局",
            head(Content_Encoding="gzip", Transfer_Encoding="chunked")
            + chunked(packed(text("临河县教育局").encode())),
        )
        cookies = "".join(f"Set-Cookie: c{n}={n:030}; path=/\r\n" for n in range(3_000))
        cookies += "Set-Cookie: own=1; domain=.gov.cn\r\nSet-Cookie: own=1; domain=bank.example\r\n"
        data = text("临河县卫生健康局").encode()
        self._true(
            "/nb/t8.html",
            "临河县卫生健康局",
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{cookies}Content-Length: {len(data)}\r\n\r\n".encode()
            + data,
        )
        odd = "临河县<script>alert(1)</script>{{7*7}}${7*7}\u202e\u0000../../局2023年政府信息公开工作年度报告"
        shown = odd.replace("<", "&lt;").replace(">", "&gt;")
        self._true("/nb/t9.html", "", plain(report(shown)), title=shown)
        self._true("/nb/t10.html", "临河县应急管理局", self._gate)
        self._true(
            "/nb/t11.html;jsessionid=0123456789ABCDEF",
            "临河县交通运输局",
            plain(text("临河县交通运输局")),
        )
        self._answers["/nb/t11.html"] = plain(text("临河县交通运输局"))
        self.rows[-1] = Row("/nb/t11.html", title_of("临河县交通运输局"), frozenset({"ok"}), True)
        files = "".join(
            f'<p>附件：<a href="{path}">{name}</a></p>'
            for path, name in (
                ("/f/broken1.pdf", "附件1.pdf"),
                ("/f/broken2.pdf", "附件2.pdf"),
                ("/f/page.pdf", "附件3.pdf"),
                ("/f/bomb.docx", "附件4.docx"),
                ("/f/..%2f..%2f..%2fetc%2fpasswd.pdf", "../../../etc/passwd.pdf"),
                ("/f/%00%E2%80%AEfdp.doc", "年报\u202excod.pdf"),
                ("/f/" + "a" * 300 + ".pdf", "长" * 300 + ".pdf"),
                (f"http://127.0.0.1:{self.private_port}/secret.pdf", "附件5.pdf"),
                ("http://169.254.169.254/secret.pdf", "附件6.pdf"),
                ("file:///etc/passwd.pdf", "附件7.pdf"),
            )
        )
        self._true("/nb/t12.html", "临河县林业局", plain(report(title_of("临河县林业局"), files)))

    async def _gate(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """Shown to those who bring the cookie back."""
        if "gate=open" in asked.cookie:
            yield plain(report(title_of("临河县应急管理局")))
        else:
            yield plain("", "302 Found", Location="/nb/t10.html", Set_Cookie="gate=open; path=/nb")

    # Redirects.

    def _redirects(self) -> None:
        targets = [one.format(port=self.private_port) for one in (*PRIVATE, *OTHER_SCHEMES)]
        statuses = ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "303 See Other")
        for number, target in enumerate(targets):
            raw = target.encode("utf-8")
            answer = head(statuses[number % 4]).replace(
                b"Connection", b"Location: " + raw + b"\r\nContent-Length: 0\r\nConnection"
            )
            self._trap(f"/r/{number}.html", answer, "moved", "error", "refused")
        for number, target in enumerate(targets):
            refresh = f'<meta http-equiv="refresh" content="0;url={target}">'
            script = f"<script>window.location.href='{target}'</script>"
            frame = f'<iframe src="{target}" width="100%"></iframe>'
            hop = (refresh, script, frame)[number % 3]
            # Addresses that are none lead nowhere: then it is an empty page.
            self._trap(f"/h/{number}.html", plain(f"<html>{hop}</html>"), "shell", "error", "moved")
        self._trap("/loop/a.html", self._to("/loop/b.html"), "error", "challenge")
        self._answers["/loop/b.html"] = self._to("/loop/a.html")
        self._trap("/self.html", self._to("/self.html"), "error", "challenge")
        self._trap("/grow/1", self._growing, "error")
        self._answers["/grow/"] = self._growing
        # One step within the site, and the next out of it.
        self._trap("/chain/a.html", self._to("/chain/b.html"), "moved", "error", "refused")
        self._answers["/chain/b.html"] = self._to(f"http://127.0.0.1:{self.private_port}/secret")
        self._trap(
            "/refresh/a.html",
            plain("<meta http-equiv=refresh content='0;url=/refresh/b.html'>"),
            *("shell", "moved", "error"),
        )
        self._answers["/refresh/b.html"] = plain(
            "<meta http-equiv=refresh content='0;url=/refresh/a.html'>"
        )

    def _to(self, target: str) -> bytes:
        return plain("", "302 Found", Location=target)

    async def _growing(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield plain("", "302 Found", Location=asked.target + "1")

    # Bodies.

    def _bodies(self) -> None:
        page = report(title_of("临河县粮食局")).encode()
        gzip = head(Content_Encoding="gzip", Content_Length=len(bomb())) + bomb()
        self._trap("/b/gzip.html", gzip, "too_large")
        twice = packed(bomb(50))
        self._trap(
            "/b/twice.html",
            head(Content_Encoding="gzip, gzip", Content_Length=len(twice)) + twice,
            *("too_large", "error", "ok"),
        )
        for name in ("br", "deflate", "gzip", "zstd", "compress", "klingon"):
            self._trap(
                f"/b/lie-{name}.html",
                plain(page, Content_Encoding=name),
                "ok",
                "error",
                "truncated",
            )
        self._trap("/b/endless.html", self._endless, "too_large")
        self._trap("/b/drip.html", self._drip, "error")
        self._trap("/b/cut.html", head(Content_Length=len(page) * 2) + page, "truncated")
        half = head(Transfer_Encoding="chunked") + chunked(page)[:-20]
        self._trap("/b/cut-chunks.html", half, "truncated")
        self._trap("/b/large.html", self._large, "too_large")
        divs = b"<html><body>" + b"<div>" * 200_000 + b"text" + b"</div>" * 200_000
        self._trap("/b/deep.html", plain(divs), "error", "ok")
        links = "".join(
            f"<a href='/n/{n}.html'>临河县召开第{n}次会议</a>" for n in range(200_000)
        ).encode()
        self._trap("/b/links.html", plain(links + links), "too_large")
        attributes = "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">年报</p>"
        self._trap("/b/attributes.html", plain(attributes), "ok", "error")
        self._trap("/b/zeros.html", plain(bytes(100_000)), "error")
        self._trap(
            "/b/utf16.html",
            plain("年度报告".encode("utf-16-le") * 400, kind="text/html"),
            "ok",
            "error",
        )
        self._trap("/b/noise.html", plain(random.Random(7).randbytes(60_000)), "ok", "error")

    async def _endless(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield head(Transfer_Encoding="chunked")
        piece = b"%x\r\n%s\r\n" % (1 << 16, b"<p>" + bytes(65_533))
        for _ in range(100_000):
            yield piece

    async def _drip(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield head(Content_Length=100_000)
        for _ in range(600):
            await asyncio.sleep(1)
            yield b"x"

    async def _large(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield head(Content_Length=300 << 20)
        for _ in range(300):
            yield bytes(1 << 20)

    # Below the body.

    def _framing(self) -> None:
        page = report(title_of("临河县粮食局")).encode()
        twice = head(Content_Length=len(page)).replace(
            b"Connection", b"Content-Length: 3\r\nConnection"
        )
        self._trap("/f/conflict.html", twice + page, "error", "truncated")
        negative = head(Content_Length=-5)
        self._trap("/f/negative.html", negative + page, "error", "truncated", "ok")
        self._trap("/f/garbage.html", b"\x16\x03\x01 hello <html>\r\n\r\n", "error")
        self._trap("/f/status.html", b"HTTP/1.1 abc OK\r\n\r\nx", "error")
        self._trap("/f/code.html", b"HTTP/1.1 799 Odd\r\nContent-Length: 1\r\n\r\nx", "error")
        self._trap("/f/reset.html", self._reset, "error")
        self._trap("/f/empty.html", b"", "error")
        self._trap("/f/nothing.html", head(Content_Length=0), "error")
        self._trap(
            "/f/chunks.html",
            head(Transfer_Encoding="chunked") + b"zz\r\nx\r\n",
            "error",
            "truncated",
        )
        self._trap("/f/headers.html", self._headers, "too_large", "error")
        self._trap("/f/header.html", self._header, "too_large", "error")
        self._trap("/f/continue.html", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "error")
        odd = head().replace(b"Connection", b"\xff\xfe: \x00\r\n : x\r\nno colon\r\nConnection")
        self._trap("/f/odd.html", odd + page, "ok", "error")

    async def _reset(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-"
        handle = writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _headers(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        for start in range(0, 200_000, 1_000):
            yield b"".join(b"X-%d: y\r\n" % n for n in range(start, start + 1_000))
        yield b"Content-Length: 2\r\n\r\nok"

    async def _header(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nX-Large: "
        for _ in range(50):
            yield b"y" * (1 << 20)
        yield b"\r\nContent-Length: 2\r\n\r\nok"

    # Pages.

    def _pages(self) -> None:
        challenge = "<script>document.cookie=('_')+('_jsl_clearance_s=1');location.href=location.pathname</script>"
        self._trap("/w/521.html", plain(challenge, "521 "), "challenge")
        self._trap(
            "/w/412.html", plain("<script>$_ts=window['$_ts']</script>", "412 x"), "challenge"
        )
        self._trap("/w/202.html", plain("<script>$_ts={};</script>", "202 Accepted"), "challenge")
        self._trap("/w/200.html", plain("<p>您的请求已被网站防火墙拦截</p>"), "challenge")
        self._trap(
            "/w/cookie.html",
            plain("<script>document.cookie='C3VK=1';location.reload()</script>"),
            "challenge",
        )
        self._trap("/w/404.html", plain("<h1>404</h1>", "404 Not Found"), "gone")
        self._trap("/w/soft.html", plain("<h1>您访问的页面不存在</h1>"), "soft_404")
        self._trap("/w/home.html", self._to("/"), "home_redirect", "soft_404")
        self._trap("/w/repair.html", plain("<p>系统维护中</p>"), "error")
        self._trap("/w/500.html", plain("<p>404</p>", "500 x"), "error")
        base = f'<base href="http://127.0.0.1:{self.private_port}/">'
        away = report(
            title_of("临河县档案局"), '<a href="secret.pdf">附件</a><img src="secret.jpg">', base
        )
        self._trap("/w/base.html", plain(away), "ok")
        self._answers |= {
            # Lists without end, and of a great length.
            "/zfxxgk/nb/all.html": plain(self._hundred_thousand()),
            "/zfxxgk/nb/list.jsp": self._same_rows,
            "/zfxxgk/nb/other.jsp": self._other_rows,
            "/gk/cal/": self._calendar,
            "/rili/": self._calendar,
            "/s/": self._sessions,
            "/zfxxgk/nb/nb/": self._repeating,
            "/n/": plain("<h1>会议</h1><p>" + "会议听取了汇报，研究了下一步工作。" * 40 + "</p>"),
        }

    def _hundred_thousand(self) -> str:
        rows = "".join(
            f"<li><a href='/n/{n}.html'>临河县召开会议{n}</a>2024-01-02</li>"
            for n in range(100_000)
        )
        return f"<html><title>政府信息公开年报</title><body><ul>{rows}</ul></body></html>"

    async def _same_rows(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """A list that shows its first rows for any number of page."""
        number = int(dict(parse_qsl(urlsplit(asked.target).query)).get("pageNo", "1"))
        row = self.rows[0]
        yield plain(
            f"<html><title>政府信息公开年报</title><ul><li><a href='{row.path}'>{row.title}</a>2024-01-01</li></ul>"
            f"<a href='/zfxxgk/nb/list.jsp?pageNo={number + 1}'>下一页</a></html>"
        )

    async def _other_rows(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """A list that makes up other rows for any number of page."""
        number = int(dict(parse_qsl(urlsplit(asked.target).query)).get("pageNo", "1"))
        rows = "".join(
            f"<li><a href='/n/{number}-{n}.html'>临河县召开第{number}{n}次工作会议</a>2024-01-01</li>"
            for n in range(10)
        )
        yield plain(
            f"<html><title>政府信息公开年报</title><ul>{rows}</ul>"
            f"<a href='/zfxxgk/nb/other.jsp?pageNo={number + 1}'>下一页</a></html>"
        )

    async def _calendar(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        count = len(self.log)
        yield plain(
            f"<html><title>政务公开</title><a href='/gk/cal/{2000 + count}/{count % 12 + 1}/'>政务公开</a>"
            f"<a href='/gk/cal/{3000 + count}/{count % 12 + 1}/'>政府信息公开</a>"
            f"<a href='/rili/?y={count}'>下月</a></html>"
        )

    async def _sessions(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        made = random.Random(len(self.log))
        one, other = (f"{made.getrandbits(128):032X}" for _ in range(2))
        yield plain(
            f"<html><title>政府信息公开</title><a href='/s/list;jsessionid={one}'>政府信息公开年报</a>"
            f"<a href='/s/list?jsessionid={other}'>政府信息公开年报</a>"
            f"<a href='/s/list?sid={other}&x=1'>信息公开年报</a></html>"
        )

    async def _repeating(self, asked: Asked, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield plain(
            "<html><title>政府信息公开年报</title><a href='nb/'>政府信息公开年报</a><a href='nb/a/'>年报</a></html>"
        )

    # Documents.

    def _documents(self) -> None:
        broken = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[2 0 R]/Count 9999999>>endobj\n"
        whole = broken + b"trailer<</Root 1 0 R>>\n%%EOF\n"
        pdf = "application/pdf"
        self._trap("/d/loop.pdf", plain(whole, kind=pdf), "ok")
        self._trap("/d/cut.pdf", plain(broken[:40], kind=pdf), "ok", "truncated")
        self._trap(
            "/d/page.pdf", plain("<html><p>请下载客户端</p></html>", kind=pdf), "ok", "error"
        )
        self._trap("/d/lost.pdf", plain("<h1>404</h1>", kind=pdf), "soft_404", "gone")
        self._trap("/d/bomb.docx", plain(docx_bomb(), kind="application/octet-stream"), "ok")
        self._trap("/d/open.pdf", head(kind=pdf) + broken, "truncated", "ok")
        self._answers |= {
            "/f/broken1.pdf": plain(whole, kind=pdf),
            "/f/broken2.pdf": plain(b"%PDF-1.7\n" + random.Random(3).randbytes(5_000), kind=pdf),
            "/f/page.pdf": plain("<html><h1>登录</h1></html>", kind=pdf),
            "/f/bomb.docx": plain(docx_bomb(), kind="application/msword"),
            "/f/": plain(whole, kind=pdf, Content_Disposition='attachment; filename="../../x.pdf"'),
        }

    # The servers.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = _read(await reader.readuntil(b"\r\n\r\n"))
            self.log.append(asked)
            if asked.host != f"127.0.0.1:{self.port}" or "secret" in asked.target:
                self.trespasses.append(f"{asked.host} {asked.target}")
            answer = self._answer_to(asked)
            if len(asked.cookie) > LONGEST_COOKIE:
                answer = plain("<h1>Request Header Or Cookie Too Large</h1>", "400 Bad Request")
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                async for piece in answer(asked, writer):
                    writer.write(piece)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def _answer_to(self, asked: Asked) -> bytes | Answering:
        path = urlsplit(asked.target).path.partition(";")[0]
        if path in self._answers:
            return self._answers[path]
        folders = (one for one in self._answers if one.endswith("/") and one != "/")
        below = [one for one in folders if path.startswith(one)]
        if below:
            return self._answers[max(below, key=len)]
        return plain(f"<html><h1>404</h1><p>{quote(path)}</p></html>", "404 Not Found")

    async def _trespass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            data = await asyncio.wait_for(reader.read(2_000), 5)
        except (OSError, TimeoutError):
            data = b""
        self.trespasses.append(data.decode("latin-1")[:200] or "a connection")
        writer.write(plain("SECRET"))
        writer.close()

    def start(self) -> None:
        Thread(target=self._run, daemon=True).start()
        if not self._ready.wait(20):
            raise RuntimeError("the hostile portal did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        portal = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=64, limit=1 << 20)
        self.port = portal.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        private = await asyncio.start_server(self._trespass, "127.0.0.1", 0)
        self.private_port = private.sockets[0].getsockname()[1]
        for host in ("127.0.0.2", "::1"):
            try:
                await asyncio.start_server(self._trespass, host, self.private_port)
            except OSError:
                # No second loopback address on this machine: the first listener stands for it.
                continue
        self._build()


def _read(data: bytes) -> Asked:
    text = data.decode("latin-1")
    line, _, rest = text.partition("\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (one.partition(":") for one in rest.splitlines())
    }
    target = line.split(" ")[1] if line.count(" ") >= 2 else ""
    return Asked(target, headers.get("host", ""), headers.get("cookie", ""), rest)


@contextmanager
def hostile_portal() -> Iterator[HostilePortal]:
    """The portal, served until the block ends."""
    portal = HostilePortal()
    portal.start()
    try:
        yield portal
    finally:
        portal.stop()
