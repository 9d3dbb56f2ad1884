"""A portal that turns us away, and one that only a browser reads: what the coverage says of them.

Two invented counties, open on a first night and closed on another, two years later.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio
from datasette.app import Datasette
from lxml import html

from tests.portals import reports
from tests.portals.figures import Scale
from tests.portals.reports import Body
from tests.portals.web import article

ROOT = Path(__file__).resolve().parent.parent
FIRST_NIGHT, LAST_NIGHT = "2025-02-10", "2027-02-01"
COLUMN = "/zfxxgk/zfxxgknb/"
# What 瑞数 answers to who is no browser.
CHALLENGE = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'><script>$_ts=window['$_ts'];if(!$_ts)$_ts={};"
    "$_ts.cd='qAcYrrAl';</script></head><body></body></html>"
)
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title>
<meta name="PubDate" content="{date}"></head><body><h1>{title}</h1>
<p>发布日期：{date}　来源：{source}</p><div class="content">{text}</div></body></html>"""

Answer = tuple[int, str]


def site_of(county: str, refused: tuple[int, ...] = ()) -> dict[str, Answer]:
    """A county's pages by path: its 民政局 has listed its reports of 2022 and 2023, and those of
    the years refused, at which a challenge stands."""
    name = f"{county}民政局"
    listed = {
        year: ("clean", f"{year + 1}-01-20", f"{name}{year}年政府信息公开工作年度报告")
        for year in (2022, 2023, *refused)
    }
    pages: dict[str, Answer] = {}
    lines = []
    for year, report in reports.series(
        Body(name, "civil", Scale(6), "电话：0000-1"), listed
    ).items():
        path = f"{COLUMN}{year}.html"
        lines.append(f'<li><a href="{path}">{report.title}</a><b>{report.published_on}</b></li>')
        pages[path] = (412, CHALLENGE)
        if year not in refused:
            told = {"title": report.title, "date": report.published_on, "source": name}
            pages[path] = (200, PAGE.format(text=article(report, ()), **told))
    body = f"<h1>政府信息公开年报</h1><ul>{''.join(lines)}</ul>"
    home = f'<h1>{county}人民政府</h1><a href="{COLUMN}">政府信息公开年报</a>'
    pages[COLUMN] = (
        200,
        f"<html><head><title>政府信息公开年报</title></head><body>{body}</body></html>",
    )
    pages["/"] = (
        200,
        f"<html><head><title>{county}人民政府</title></head><body>{home}</body></html>",
    )
    return pages


class Refusing(dict[str, Answer]):
    """Every page of a server that knows us for no browser."""

    def get(self, path: str, default: Any = None) -> Answer:
        return 403, CHALLENGE


class County:
    """A county's site on loopback; `pages` are what it answers by path tonight."""

    def __init__(self, pages: Mapping[str, Answer]) -> None:
        self.pages = pages
        county = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = county.pages.get(self.path, (404, "<h1>404</h1>"))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __enter__(self) -> County:
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def run(*arguments: str) -> None:
    """Run one command of ours to its end, as on a machine without a browser."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "NIANBAO_CHROMIUM": "no-such-browser"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout[-1000:]} {done.stderr[-3000:]}"


def crawl(data: Path, night: str, portals: Mapping[str, tuple[str, str, str]]) -> None:
    """One night at portals by id: (name, home page, family)."""
    registry = data / "portals.csv"
    with registry.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        columns = ("id", "name", "division", "level", "home_url", "column_url", "family", "note")
        table.writerow(columns)
        for division, (id, (name, url, family)) in enumerate(portals.items(), start=640603):
            table.writerow((id, name, division, "county", url, "", family, "虚构"))
    run(
        *("-m", "scrapy", "crawl", "annual_reports"),
        *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}"),
        *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0"),
        *("-s", "LOG_LEVEL=WARNING"),
    )


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The published site after both nights, and the address at which a challenge stood."""
    data = tmp_path_factory.mktemp("closed")
    with ExitStack() as open_sites:
        wall = open_sites.enter_context(County(site_of("岩屏县", refused=(2024,))))
        script = open_sites.enter_context(County(site_of("苇泊县")))
        names = {"wall": ("岩屏县人民政府", wall.url), "script": ("苇泊县人民政府", script.url)}
        crawl(data, FIRST_NIGHT, {id: (*portal, "") for id, portal in names.items()})
        wall.pages = Refusing()
        families = {"wall": "", "script": "render"}
        crawl(data, LAST_NIGHT, {id: (*portal, families[id]) for id, portal in names.items()})
        challenged = f"{wall.url.rstrip('/')}{COLUMN}2024.html"
    run("-m", "archive", "build", "--data", str(data))
    run("-m", "archive", "publish", "--data", str(data))
    return data / "site", challenged


@pytest_asyncio.fixture
async def site(closed: tuple[Path, str]) -> Any:
    datasette = Datasette(config_dir=closed[0])
    await datasette.invoke_startup()
    return datasette.client


def squares(page: str) -> dict[str, list[tuple[str, str]]]:
    """The sign and the evidence of each year, the last first, by body."""
    (table,) = html.fromstring(page).xpath("//section[@id='bodies']//table")
    return {
        line.xpath("string(./th)"): [
            (cell.xpath("string(a)"), cell.xpath("string(a/@href)"))
            for cell in line.xpath("./td[@class]")
        ]
        for line in table.xpath("./tbody/tr")
    }


@pytest.mark.asyncio
async def test_a_report_behind_a_wall_is_blocked(site: Any, closed: tuple[Path, str]) -> None:
    of_bureau = squares((await site.get("/coverage")).text)["岩屏县民政局"]
    signs, evidence = zip(*of_bureau, strict=True)
    # From 2026 back to 2022: two due while nobody was let in, one listed and refused on both nights.
    assert signs == ("拦", "拦", "拦", "有", "有")
    assert evidence[:2] == ("/coverage/health?portal=wall",) * 2
    told = html.fromstring((await site.get(evidence[0])).text)
    assert "验证页" in told.xpath("string(//main)")
    assert "岩屏县人民政府" in told.xpath("string(//h1)")
    sighting = (await site.get(evidence[2].replace("?", ".json?_shape=objects&", 1))).json()
    assert [(row["url"], row["verdict"]) for row in sighting["rows"]] == [
        (closed[1], "challenge")
    ] * 2
    assert (await site.get(evidence[2])).status_code == 200


@pytest.mark.asyncio
async def test_a_report_that_only_a_browser_shows_is_said_to_need_one(site: Any) -> None:
    of_bureau = squares((await site.get("/coverage")).text)["苇泊县民政局"]
    signs, evidence = zip(*of_bureau, strict=True)
    # That of 2024 was due ten days before the first night, when all was read, and was not there.
    assert signs == ("浏", "浏", "缺", "有", "有")
    assert evidence[:3] == ("/coverage/health?portal=script",) * 3
    told = html.fromstring((await site.get(evidence[0])).text)
    assert "需用浏览器" in told.xpath("string(//main)")


@pytest.mark.asyncio
async def test_closed_portals_are_counted_and_found(site: Any) -> None:
    for state, bureau, years in (
        ("blocked", "岩屏县民政局", {"2024", "2025", "2026"}),
        ("needs_browser", "苇泊县民政局", {"2025", "2026"}),
    ):
        found = (await site.get(f"/coverage.json?state={state}")).json()
        assert [body["name"] for body in found["bodies"]] == [bureau]
        (body,) = found["bodies"]
        assert {year for year, told in body["years"].items() if told["state"] == state} == years
        totals = (await site.get("/coverage.json")).json()["totals"]
        counted = {str(row["year"]): row["bodies"] for row in totals if row["state"] == state}
        assert counted == dict.fromkeys(years, 1)
