"""A portal that shows nothing until its scripts have run, and then pages by clicks alone."""

from __future__ import annotations

import json
from itertools import count, cycle

from tests.portals.replicas.base import (
    COUNTER,
    HTML,
    Answer,
    Article,
    Asked,
    Replica,
    lookalikes,
    other_body,
    pdf,
    replica,
    report_body,
)
from tests.portals.replicas.site import OFFICES, TOWNS

JSON = "application/json;charset=UTF-8"
SCRIPT = "application/javascript"
SIZE = 12
# What becomes of the reports of the latest year, in turn.
FATES = ("edited 2", "removed", "edited 3", "arrives", "stays")

# The home page and the columns behind its #: an application of one page.
SHELL = """<!DOCTYPE html><html lang=zh-CN><head><meta charset=utf-8><title>{name}</title>
<link rel=stylesheet href=/static/css/chunk.css><link rel=prefetch href=/static/js/later.js>
<script async src=//hm.statistics.example/hm.js></script></head>
<body><noscript>请启用 JavaScript 后访问</noscript><div id=app></div>
<script src=/static/js/vendor.js></script><script src=/static/js/app.js></script></body></html>"""

VENDOR = """function h(html) { document.getElementById('app').innerHTML = html; }
function get(url, then, body) {
    var x = new XMLHttpRequest();
    x.open(body ? 'POST' : 'GET', url);
    x.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
    if (body) x.setRequestHeader('Content-Type', 'application/json');
    x.onload = function () { then(x.status === 200 ? JSON.parse(x.responseText) : null); };
    x.send(body ? JSON.stringify(body) : null);
}"""

APP = """var page = 1;
function menu(then) { get('/api/site/menu', function (m) { then('<nav>' + m.map(function (i) {
    return '<a href="' + i.to + '">' + i.name + '</a>'; }).join('') + '</nav>'); }); }
function row(a) { return '<li class=item><a target=_blank href="' + a.to + '" title="' + a.title + '">' +
    a.title.slice(0, 18) + (a.title.length > 18 ? '...' : '') + '</a><em>' + a.date + '</em></li>'; }
function home() { menu(function (m) { get('/api/news?_=' + Date.now(), function (news) {
    h(m + '<p id=clock></p><ul>' + news.map(row).join('') + '</ul><div class="swiper-button-next">&gt;</div>');
}); }); }
function column(id) { menu(function (m) { get('/api/list', function (d) {
    var last = Math.ceil(d.total / d.size);
    h(m + '<h2>' + d.name + '</h2><ul class=rows>' + d.rows.map(row).join('') + '</ul><div class="el-pagination">' +
      '<button class="btn-prev"><i></i></button><ul class="el-pager"><li class="number active">' + page + '</li></ul>' +
      '<button class="btn-next" ' + (page >= last ? 'disabled' : '') + '><i class="el-icon-arrow-right"></i></button></div>');
    document.querySelector('.btn-next').onclick = function () { page++; column(id); };
}, {column: id, pageNo: page}); }); }
function detail(id) { menu(function (m) { get('/api/article?id=' + id, function (a) {
    h(m + (a ? '<h1>' + a.title + '</h1><div>发布时间：' + a.date + ' 浏览：' + a.hits + '</div><div class="article-content">' +
      a.body + '</div>' : '<div class=empty>您访问的页面不存在或已被删除</div>'));
}); }); }
function route() {
    var to = location.hash.slice(1) || '/';
    page = 1;
    if (to.indexOf('/column/') === 0) column(to.slice(8));
    else if (to.indexOf('/detail/') === 0) detail(to.slice(8));
    else home();
}
window.onhashchange = route;
if (!location.hash) location.hash = '#/';
setTimeout(route, 150);
setInterval(function () { var c = document.getElementById('clock'); if (c) c.textContent = new Date().toLocaleTimeString('zh-CN', {hour12: false}); }, 200);
setInterval(function () { get('/api/heartbeat?_=' + Date.now(), function () {}); }, 400);
setTimeout(function () { try { window.open('http://popup.example/'); } catch (e) {} alert('欢迎访问'); }, 60);
window.onbeforeunload = function () { return '确定离开？'; };"""

# A column as many older portals have it: a plain page whose rows a template is filled with.
TEMPLATE = """<html><head><meta charset=utf-8><title>{title}</title><script src="/static/js/vendor.js"></script></head>
<body><h2>{title}</h2><ul id="list"></ul><div class="fenye" id="pager"></div><div id=more></div><script>
var n = 1, more = {more};
function go(k) {{ n = k; get('/api/{api}?p=' + k, function (d) {{
    var rows = d.rows.map(function (a) {{ return '<li><a href="' + a.to + '" title="' + a.title + '">' + a.title.slice(0, 20) +
        '…</a><span>' + a.date + '</span></li>'; }}).join('');
    var list = document.getElementById('list');
    if (more) {{ list.insertAdjacentHTML('beforeend', rows);
        document.getElementById('more').innerHTML = d.last > n ? '<div class="load" onclick="go(n + 1)">点击加载更多</div>' : '没有更多了'; }}
    else {{ list.innerHTML = rows; document.getElementById('pager').innerHTML = '共' + d.last + '页 ' +
        (n > 1 ? '<a href="javascript:void(0)" onclick="go(n - 1)">上一页</a>' : '<span>上一页</span>') +
        (n < d.last ? '<a href="javascript:void(0)" onclick="go(n + 1)">下一页</a>' : '<span class="disabled">下一页</span>'); }}
}}); }}
go(1);</script></body></html>"""

# A report whose text comes by script into a page that stands there without.
EMPTY = """<html><head><meta charset=utf-8><title>{title}_{name}</title><meta name=ArticleTitle content="{title}">
<script src="/static/js/vendor.js"></script></head><body><h1>{title}</h1><div id=zoom></div>
<script>get('/api/text?path=' + location.pathname, function (d) {{ document.getElementById('zoom').innerHTML = d.html; }});</script></body></html>"""


@replica("render")
class Rendered(Replica):
    """Three columns: routes with a pager of buttons, a template with 下一页, one that loads more."""

    name = "云岭市人民政府"
    division = "530900"
    level = "prefecture"
    family = hint = "render"

    def build(self) -> None:
        numbers, fates = count(7001), cycle(FATES)
        for org, column, where in (
            *((f"云岭市{office}", "nb", "/#/detail/{}") for office in OFFICES[:4]),
            *((f"云岭市{office}", "nb", "/content/{}.html") for office in OFFICES[4:8]),
            *((f"云岭市{office}", "bm", "/bm/content/{}.html") for office in OFFICES[8:16]),
            *((town, "xz", "/xz/{}.html") for town in TOWNS[:5]),
        ):
            for year in range(2021, 2026):
                fate = next(fates) if year == 2025 else "stays"
                self._report(org, year, column, where.format(number := next(numbers)), number, fate)
                for title in lookalikes(org, year)[: 1 + year % 3]:
                    path = where.format(next(numbers))
                    self.add(
                        Article(
                            path, title, f"{year + 1}-03-02", column, org, year, is_report=False
                        )
                    )
        for number in range(60):
            path = f"/content/{next(numbers)}.html"
            self.add(
                Article(
                    path, f"云岭市召开第{number}次工作会议", "2026-01-05", "news", is_report=False
                )
            )

    def _report(self, org: str, year: int, column: str, path: str, number: int, fate: str) -> None:
        edited = {"edited 2": frozenset({2}), "edited 3": frozenset({3})}.get(fate, frozenset())
        files = (
            ((f"/files/{number}.pdf", f"{org}年报.pdf"),) if column == "bm" and year > 2023 else ()
        )
        self.add(
            Article(
                path,
                f"{org}{year}年政府信息公开工作年度报告",
                # What arrives stands on top of its list.
                "2026-11-23" if fate == "arrives" else f"{year + 1}-01-{10 + number % 18:02}",
                column,
                org,
                year,
                first=2 if fate == "arrives" else 1,
                last=1 if fate == "removed" else None,
                edited=edited,
                attachments=files,
            )
        )

    def answer(self, asked: Asked) -> Answer | None:
        match asked.path:
            case "/" | "/index.html":
                return Answer(SHELL.format(name=self.name))
            case "/static/js/vendor.js":
                return Answer(VENDOR, content_type=SCRIPT)
            case "/static/js/app.js":
                return Answer(APP, content_type=SCRIPT)
            case "/bm/nb/":
                text = TEMPLATE.format(title="部门政府信息公开年报", more="false", api="bm")
                return Answer(text)
            case "/xz/nb/":
                text = TEMPLATE.format(title="乡镇街道政府信息公开年报", more="true", api="xz")
                return Answer(text)
            case "/robots.txt":
                return Answer("User-agent: *\nDisallow: /api/secret/\n", content_type="text/plain")
        if asked.path.startswith("/api/"):
            given = self._interface(asked)
            return None if given is None else Answer(json.dumps(given), content_type=JSON)
        return None

    def _interface(self, asked: Asked) -> object:
        match asked.path:
            case "/api/site/menu":
                return [
                    {"name": "首页", "to": "#/"},
                    {"name": "政府信息公开年报", "to": "#/column/nb"},
                    {"name": "部门政府信息公开年报", "to": "/bm/nb/"},
                    {"name": "乡镇街道政府信息公开年报", "to": "/xz/nb/"},
                    {"name": "互动交流", "to": "#/column/hd"},
                    {"name": "中国政府网", "to": "https://www.gov.cn/"},
                ]
            case "/api/news":
                return [self._row(article) for article in self.listed("news")]
            case "/api/list" if asked.method == "POST":
                given = json.loads(asked.body)
                rows, _ = self.page_of(given["column"], given["pageNo"], SIZE)
                total = len(self.listed(given["column"]))
                name = "政府信息公开年报" if given["column"] == "nb" else "互动交流"
                return {
                    "name": name,
                    "rows": [self._row(a) for a in rows],
                    "total": total,
                    "size": SIZE,
                }
            case "/api/bm" | "/api/xz":
                rows, last = self.page_of(asked.path[5:], int(asked.query["p"]), SIZE)
                return {"rows": [self._row(a) for a in rows], "last": last}
            case "/api/article":
                article = self._by_path.get(f"/#/detail/{asked.query['id']}")
                if article is None or not article.stands(self.night):
                    return None
                return {
                    "title": article.title,
                    "date": article.date,
                    "hits": COUNTER,
                    "body": self._text(article),
                }
            case "/api/text":
                article = self._by_path.get(asked.query["path"])
                standing = article is not None and article.stands(self.night)
                return {"html": self._text(article)} if article and standing else None
            case "/api/heartbeat":
                return {"time": COUNTER}
        return None

    def _text(self, article: Article) -> str:
        if article.is_report:
            return report_body(article, article.edition(self.night))
        return other_body(article.title)

    def _row(self, article: Article) -> dict[str, str]:
        return {"title": article.title, "to": article.at(self.night), "date": article.date}

    def detail(self, article: Article, body: str) -> str:
        if article.column == "xz":
            return EMPTY.format(title=article.title, name=self.name)
        return super().detail(article, body)

    def missing(self, asked: Asked) -> Answer:
        if asked.path.startswith("/files/"):
            return Answer(data=pdf(0), content_type="application/pdf", status=404)
        text = "<html><head><title>404</title></head><body>您访问的页面不存在</body></html>"
        return Answer(text, 404, content_type=HTML)
