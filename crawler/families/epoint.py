"""Epoint (EWB): pages without rows that post JSON to getgovinfolist and count pages from 0.

Which site to ask is in `siteInfo = {projectName, siteGuid}`, in the page or in a script of its own.
Then that script is asked for first, with the page's own query behind its address: servers of files
ignore it, and the answer knows for which column it was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from crawler.families.mechanism import Entry, FurtherRequest
from crawler.page import Page, absolute

ACTION = re.compile(
    r"""["'`]?([^"'`\s+(]*/?rest/[Ll]ight[Ff]ront[Aa]ction/get\w*[Ll]ist\w*)["'`]?""", re.IGNORECASE
)
SITE = re.compile(r"siteInfo\s*=\s*(\{[^{}]*\})")
GUID = re.compile(
    r"""site_?Guid["']?\s*[:=]\s*["']([0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32})["']""", re.IGNORECASE
)
PROJECT = re.compile(r"""project_?Name["']?\s*[:=]\s*["']([^"']+)["']""", re.IGNORECASE)
PARAMETER = re.compile(r"""\b(categorynum|deptcode)["']?\s*[:=]\s*["'](\w*)["']""", re.IGNORECASE)
MARKS = (
    "govInfoPub", "govinfolist", "openlist.html", "lightfrontaction", "webBuilderCommon",
    "siteGuid", "EWB-", "EWB_",
)  # fmt: skip
SCRIPTS = re.compile(r"webBuilderCommon|ajaxReq|siteInfo|common|config", re.IGNORECASE)
SIZE = 15
# Of what bears this, the list that readers see is the page that asked for it.
ASKED_BY_A_PAGE = {"X-Requested-With": "XMLHttpRequest"}
JSON = {"Content-Type": "application/json;charset=UTF-8", **ASKED_BY_A_PAGE}


def signature(page: Page) -> bool:
    """Whether this is a shell of the CMS, its script asked for a column, or a list's answer."""
    if "lightfrontaction" in page.url.lower():
        return page.json is not None
    marked = any(mark in page.url or mark in page.text for mark in MARKS)
    return marked and bool(_asked(page))


def entries(page: Page) -> list[Entry]:
    """None of its own: what the rows' members mean is told by their names."""
    return []


def further(page: Page) -> list[FurtherRequest]:
    """None of its own: `jsonlist` turns the pages."""
    return []


def first(page: Page) -> list[FurtherRequest]:
    """The list's first page by what the page knows, else the script that knows the rest."""
    if page.json is not None:
        return []
    asked = _asked(page)
    guid = GUID.search(page.text)
    if guid is None:
        return [] if _is_script(page) else _script(page, asked)
    project = PROJECT.search(page.text)
    written = ACTION.search(page.text)
    root = "/" + (project[1] if project else "EWB-FRONT").strip("/")
    address = written[1] if written else "/rest/lightfrontaction/getgovinfolist"
    if "/rest/" in address[:6]:
        address = root + "/" + address.lstrip("/")
    body: dict[str, object] = {
        "deptcode": asked.get("deptcode", ""),
        "categorynum": asked.get("categorynum", ""),
        "pageIndex": 0,
        "pageSize": SIZE,
        "siteGuid": guid[1],
    }
    if re.search(r"""["']?params["']?\s*:\s*(?:JSON\.stringify\s*\()?\s*\{""", page.text):
        body = {"token": "", "params": body}
    referer = asked.get("from", page.url)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    url = absolute(page.url, address)
    headers = {**JSON, "Referer": urljoin(page.url, referer)}
    return [FurtherRequest(url, "POST", text, headers)] if url else []


def _asked(page: Page) -> Mapping[str, str]:
    """Which column and body the page is for: by its address, else by its own script."""
    parts = urlsplit(page.url)
    query = {name.lower(): value for name, value in parse_qsl(parts.query)}
    kept = {name: query[name] for name in ("categorynum", "deptcode", "from") if query.get(name)}
    if "categorynum" not in kept and not _is_script(page):
        for name, value in PARAMETER.findall("\n".join(page.scripts)):
            if value:
                kept.setdefault(name.lower(), value)
    return kept if kept.get("categorynum") else {}


def _is_script(page: Page) -> bool:
    return urlsplit(page.url).path.endswith(".js")


def _script(page: Page, asked: Mapping[str, str]) -> list[FurtherRequest]:
    """The script that is most likely to hold siteInfo."""
    sources = [element.get("src") or "" for element in page.tree.iter("script")]
    named = [
        source
        for pattern in SCRIPTS.pattern.split("|")
        for source in sources
        if re.search(pattern, source, re.I)
    ]
    named.append("/js/webBuilderCommon.js")
    url = absolute(page.base, named[0])
    if url is None or urlsplit(url).netloc != urlsplit(page.url).netloc:
        return []
    parts = urlsplit(url)
    here = urlsplit(page.url)
    known = {**asked, "from": f"{here.path}?{here.query}" if here.query else here.path}
    query = urlencode({**dict(parse_qsl(parts.query)), **known})
    return [FurtherRequest(parts._replace(query=query).geturl(), headers=ASKED_BY_A_PAGE)]
