"""年报自检 on the site: what an officer sees of a draft, and what keeps others from abusing it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import pytest_asyncio
from datasette.app import Datasette
from datasette.utils.asgi import Request
from lxml import html
from site_fixture import DIGEST_2, IMAGE, SCRIPT

from tests.portals import trs, web
from tests.portals.figures import Scale
from tests.portals.reports import Body, Report, series, with_cells, wrong_by_one

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "archive", "selfcheck", "--fd", str(number)],
            cwd=ROOT,
            pass_fds=[number],
            stdin=subprocess.PIPE,
        )
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        process.terminate()
        process.wait(PATIENCE)


@pytest_asyncio.fixture
async def site(
    folder: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("NIANBAO_SELFCHECK", server)
    monkeypatch.delenv("NIANBAO_CLIENT_HEADER", raising=False)
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    plugin().ALLOWANCE = plugin().Allowance()
    transport = httpx.ASGITransport(datasette.app())
    async with httpx.AsyncClient(
        transport=transport, base_url="http://site", timeout=PATIENCE
    ) as client:
        yield client


def plugin() -> Any:
    module = sys.modules["nianbao_site.selfcheck"]
    assert isinstance(module, ModuleType)
    return module


def clean() -> Report:
    return next(
        report
        for report, _ in trs._reports()
        if report.form == "2021" and report.style == "clean" and not report.failing
    )


def page(report: Report) -> str:
    return f"<html><body><h1>{report.title}</h1>{web.article(report, ())}</body></html>"


async def checked(site: httpx.AsyncClient, draft: str, **fields: str) -> Any:
    files = {"draft": ("a.html", draft.encode()), **{k: (None, v) for k, v in fields.items()}}
    response = await site.post("/selfcheck", files=files)
    assert response.status_code == 200
    return html.fromstring(response.text)


def text_of(page: Any, path: str) -> str:
    return " ".join("".join(found.itertext()) for found in page.xpath(path))


@pytest.mark.asyncio
async def test_the_form_works_without_script_and_names_its_fields(site: httpx.AsyncClient) -> None:
    response = await site.get("/selfcheck")
    form = html.fromstring(response.text)
    (own,) = form.xpath("//form[@method='post']")
    assert own.get("action") == "/selfcheck"
    assert own.get("enctype") == "multipart/form-data"
    named = {field.get("name") for field in own.xpath(".//input | .//textarea")}
    assert named == {"draft", "text", "title", "last_year", "issuer"}
    for field in own.xpath(".//input | .//textarea"):
        assert own.xpath(".//label[@for=$id]", id=field.get("id"))
    assert own.xpath(".//@onclick | .//script") == []
    assert "不保存" in response.text
    assert "curl -F draft=@" in response.text


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/selfcheck", "/selfcheck.json"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_answer_is_kept_or_indexed(
    site: httpx.AsyncClient, path: str, method: str
) -> None:
    answers = [await site.request(method, path)]
    answers += [await site.post(path, content=page(clean()).encode())] if method == "POST" else []
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex"
        assert "set-cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.asyncio
async def test_a_clean_draft_is_shown_as_the_form_and_called_clean(site: httpx.AsyncClient) -> None:
    report = clean()
    shown = await checked(site, page(report))
    for key, printed in report.cells.items():
        (cell,) = shown.xpath("//td[@id=$key]", key=key)
        assert cell.text == printed.removeprefix("+")
    assert shown.xpath("//td[contains(@class, 'bad')]") == []
    assert "没有发现问题" in text_of(shown, "//article")
    assert "2021 年表式" in text_of(shown, "//dl[@class='facts']")
    assert report.issuer in text_of(shown, "//h1")


@pytest.mark.asyncio
async def test_a_faulty_draft_is_told_where_and_by_how_much(site: httpx.AsyncClient) -> None:
    report = wrong_by_one(clean(), "granted")
    shown = await checked(site, page(report))
    (cell,) = shown.xpath("//td[@id='requests.granted.total']")
    assert "bad" in cell.get("class")
    (flag,) = cell.xpath("./a[@class='flag']")
    (told,) = shown.xpath("//div[@id=$id]", id=flag.get("href")[1:])
    parts = [
        report.cells[f"requests.granted.{column}"]
        for column in (
            "natural_person",
            "enterprise",
            "research_institution",
            "public_interest_org",
            "legal_service_org",
            "other_org",
        )
    ]
    total = report.cells["requests.granted.total"]
    arithmetic = re.sub(r"\s+", " ", text_of(told, ".//p[@class='sum']")).strip()
    assert arithmetic == f"{total} ≠ " + " + ".join(parts)
    assert "（一）予以公开" in text_of(told, ".")
    assert f"{int(total) - 1}" in text_of(told, ".")
    assert "2 处不成立" in text_of(shown, "//dl[@id='verdict']")


@pytest.mark.asyncio
async def test_a_sentence_that_contradicts_the_table_is_quoted(site: httpx.AsyncClient) -> None:
    total = clean().cells["requests.received_new.total"]
    draft = page(clean()).replace(f"新收政府信息公开申请{total}件", "新收政府信息公开申请7001件")
    shown = await checked(site, draft)
    assert "7001件" in text_of(shown, "//div[@class='check fail']/blockquote")


@pytest.mark.asyncio
async def test_missing_chapters_and_tables_are_named(site: httpx.AsyncClient) -> None:
    draft = page(clean()).replace("六、其他需要报告的事项", "")
    first, last = draft.index("<table"), draft.index("</table>") + len("</table>")
    shown = await checked(site, draft[:first] + draft[last:])
    missing = [item.text for item in shown.xpath("//section[@id='missing']//li")]
    assert missing == ["六、其他需要报告的事项"]
    assert "缺 1 张" in text_of(shown, "//dl[@id='verdict']")
    assert "没有发现问题" not in text_of(shown, "//article")


@pytest.mark.asyncio
async def test_what_was_not_understood_is_listed(site: httpx.AsyncClient) -> None:
    draft = page(clean()).replace(
        "</table>", "<tr><td>本地自设指标</td><td>37691</td></tr></table>", 1
    )
    shown = await checked(site, draft)
    assert "37691" in text_of(shown, "//section[@id='unused'] | //section[@id='extras']")


@pytest.mark.asyncio
async def test_what_is_no_report_is_told_what_to_do(site: httpx.AsyncClient) -> None:
    shown = await checked(site, "<p>关于放假的通知</p>")
    assert "没有读成年报" in text_of(shown, "//div[@id='unread']")
    assert shown.xpath("//form[@class='draft']")
    assert shown.xpath("//table[contains(@class, 'form')]") == []


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", [SCRIPT, IMAGE, "<svg onload=alert(3)>", "javascript:alert(4)"])
async def test_script_in_a_draft_is_text_wherever_it_stands(
    site: httpx.AsyncClient, payload: str
) -> None:
    escaped = payload.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    report = clean()
    draft = page(report)
    draft = draft.replace(f"<h1>{report.title}", f"<h1>{report.title}{escaped}")
    draft = draft.replace("<body>", f"<body><p>一、{escaped}</p>")
    draft = draft.replace("<td", f"<td>{escaped}</td><td", 3)
    draft = draft.replace("</table>", f"<tr><td>{escaped}</td><td>9{escaped}</td></tr></table>")
    draft = draft.replace("申请", f"申请{escaped}", 3)
    files = {
        "draft": (f"{payload}.html", draft.encode()),
        "title": (None, report.title + payload),
        "last_year": (None, "1"),
        "issuer": (None, payload),
    }
    response = await site.post("/selfcheck", files=files)
    assert response.status_code == 200
    shown = html.fromstring(response.text)
    assert shown.xpath("//article//script | //article//img | //article//svg") == []
    assert shown.xpath("//@onerror | //@onload | //@style") == []
    assert not [href for href in shown.xpath("//@href | //@src") if "javascript:" in href]
    json = await site.post("/selfcheck.json", files=files)
    assert json.headers["content-type"].startswith("application/json")


@pytest.mark.asyncio
async def test_a_program_gets_the_reading_as_json(site: httpx.AsyncClient) -> None:
    answer = await site.post("/selfcheck.json", content=page(wrong_by_one(clean(), "granted")))
    told = answer.json()
    assert told["issuer"] == clean().issuer
    assert (
        told["cells"]["requests.received_new.total"] == clean().cells["requests.received_new.total"]
    )
    assert {f["rule"] for f in told["findings"] if f["verdict"] == "fail"} == {
        "ROW.granted",
        "SUM.total@2021",
    }
    assert told["last_year"] is None
    assert "asked" not in told


# --- beside the year before

OFFICE = Body("朔州市教育局", "education", Scale(28, 1, 3), "电话：0349-0000000")


def of_2024(**cells: str) -> str:
    """The 2024 report of the body whose 2023 report, without anything carried out, is archived."""
    made = series(
        OFFICE, {2024: ("clean", "2025-01-20", "朔州市教育局2024年政府信息公开工作年度报告")}
    )
    return page(with_cells(made[2024], **cells))


@pytest.mark.asyncio
async def test_last_years_report_is_compared_when_that_is_asked_for(
    site: httpx.AsyncClient,
) -> None:
    draft = of_2024(requests__carried_in__total="7")
    shown = await checked(site, draft, last_year="1")
    assert shown.xpath("//a[@href=$path]", path=f"/r/140600-jyj/2023/{DIGEST_2[:12]}")
    told = text_of(shown, "//div[contains(@id, 'check-XYEAR')]")
    assert "2023 年度所印" in told
    assert "XYEAR" not in text_of(await checked(site, draft), "//section[@id='checks']")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("issuer", "reason"),
    [("", "没有北原"), ("000000-none", "没有这一机关"), ("320813-zf", "没有洪泽区人民政府")],
)
async def test_a_year_that_is_not_archived_is_said_to_be_missing(
    site: httpx.AsyncClient, issuer: str, reason: str
) -> None:
    shown = await checked(site, page(clean()), last_year="1", issuer=issuer)
    said = text_of(shown, "//dl[@class='facts']")
    assert "没有对照" in said
    assert reason in said or (not issuer and "没有这一机关" in said)


# --- refusals


@pytest.mark.asyncio
async def test_a_site_without_the_server_says_so(
    site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NIANBAO_SELFCHECK")
    answer = await site.get("/selfcheck")
    assert answer.status_code == 200
    assert "本站没有开通自检" in answer.text
    assert html.fromstring(answer.text).xpath("//form[@method='post']") == []
    assert (await site.get("/selfcheck.json")).json()["ok"] is False
    assert (await site.post("/selfcheck", content=b"x")).status_code == 503


@pytest.mark.asyncio
async def test_a_server_that_does_not_answer_is_told(
    site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setenv("NIANBAO_SELFCHECK", f"http://127.0.0.1:{port}")
    answer = await site.post("/selfcheck", content=b"x")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "暂时没有应答" in answer.text


@pytest.mark.asyncio
@pytest.mark.parametrize("is_declared", [True, False])
async def test_too_large_a_draft_is_refused_with_the_form_beside(
    site: httpx.AsyncClient, is_declared: bool
) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * (1 << 20)

    content = b"x" * (11 << 20) if is_declared else blocks()
    answer = await site.post("/selfcheck", content=content)
    assert answer.status_code == 413
    shown = html.fromstring(answer.text)
    assert "10 MB" in text_of(shown, "//*[@role='alert']")
    assert shown.xpath("//form[@method='post']")


@pytest.mark.asyncio
async def test_an_empty_draft_is_refused_in_chinese(site: httpx.AsyncClient) -> None:
    files = {"draft": ("", b""), "text": (None, "")}
    answer = await site.post("/selfcheck", files=files)
    assert answer.status_code == 400
    assert "稿件是空的" in answer.text
    told = await site.post("/selfcheck.json", files=files)
    assert told.json()["error"].startswith("稿件是空的")


@pytest.mark.asyncio
async def test_an_address_that_asks_too_often_is_told_when_to_come_again(
    site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin(), "BURST", 1)
    monkeypatch.setattr(plugin(), "PERIOD", 1e9)
    assert (await site.post("/selfcheck.json", content=b"x")).status_code == 200
    answer = await site.post("/selfcheck.json", content=b"x")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 1e8
    assert answer.json()["error"]


def test_the_allowance_fills_again_and_is_each_addresses_own() -> None:
    allowance, refused = plugin().Allowance(), plugin().Refused
    for _ in range(10):
        allowance.take("a", 100.0)
    with pytest.raises(refused) as told:
        allowance.take("a", 100.0)
    assert told.value.retry_after == 7
    allowance.take("b", 100.0)
    with pytest.raises(refused):
        allowance.take("a", 105.0)
    allowance.take("a", 106.5)
    with pytest.raises(refused):
        allowance.take("a", 106.5)


def test_the_memory_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin(), "MOST_ADDRESSES", 3)
    allowance = plugin().Allowance()
    for number in range(9):
        allowance.take(str(number), float(number))
    assert list(allowance.tokens) == ["6", "7", "8"]


def test_an_address_has_two_drafts_under_way_at_most() -> None:
    allowance, refused = plugin().Allowance(), plugin().Refused
    allowance.enter("a")
    allowance.enter("a")
    with pytest.raises(refused) as told:
        allowance.enter("a")
    assert told.value.status == 429
    allowance.leave("a")
    allowance.enter("a")
    allowance.leave("a")
    allowance.leave("a")
    assert dict(allowance.under_way) == {}


@pytest.mark.parametrize(
    ("header", "sent", "peer", "expected"),
    [
        (None, {}, "192.0.2.7", "192.0.2.7"),
        (None, {"x-forwarded-for": "198.51.100.1"}, "198.51.100.1", "proxy"),
        ("X-Real-IP", {"x-real-ip": "192.0.2.9"}, "127.0.0.1", "192.0.2.9"),
        ("X-Forwarded-For", {"x-forwarded-for": "10.9.9.9, 192.0.2.9"}, "127.0.0.1", "192.0.2.9"),
        ("X-Real-IP", {"x-forwarded-for": "192.0.2.9"}, "127.0.0.1", "unknown"),
        ("X-Real-IP", {"x-real-ip": SCRIPT}, "127.0.0.1", "unknown"),
        (None, {}, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_who_asks_is_what_our_own_proxy_says(
    header: str | None, sent: dict[str, str], peer: str, expected: str
) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/selfcheck",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": (peer, 5000),
    }
    assert plugin().address_of_reader(Request(scope, None), header) == expected


@pytest.mark.asyncio
async def test_a_reader_with_cookies_needs_no_token(site: httpx.AsyncClient) -> None:
    for content_type in ("multipart/form-data; boundary=x", "application/octet-stream"):
        headers = {"cookie": "other=1", "content-type": content_type}
        answer = await site.post("/selfcheck.json", content=b"--x--", headers=headers)
        assert answer.status_code in (200, 400)
        assert answer.json()["reason" if answer.status_code == 200 else "error"]


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", "/search", "/selfcheck/x", "/selfcheck.csv", "/data"])
async def test_nothing_else_takes_what_is_posted(site: httpx.AsyncClient, path: str) -> None:
    assert (await site.post(path, content=b"x")).status_code == 405


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_drafts_are_posted_and_nothing_else(site: httpx.AsyncClient, method: str) -> None:
    answer = await site.request(method, "/selfcheck")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.asyncio
async def test_a_proxy_of_the_environment_gets_no_draft(
    site: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setitem(os.environ, name, address)
        monkeypatch.delenv("no_proxy", raising=False)
        assert (await site.post("/selfcheck.json", content=b"x")).status_code == 200
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
