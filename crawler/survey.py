"""What did a page turn out to be, and what does it lead to? Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from archive.identify import compact, report_title_verdict
from crawler import families, links
from crawler.address import Found, Row, key_of
from crawler.links import Kind
from crawler.page import Link, Page, is_file

# How many links away from the home page a search for columns goes, and a column's own parts.
DISCOVERY_DEPTH = 4
LIST_DEPTH = 8
# A page that names so many reports in dated rows is a list of them.
ROWS_OF_A_LIST = 3
MENUS_IN_FRAMES = 3
# The same report as PDF, DOC and picture.
SHAPES_OF_A_REPORT = 3
_TOTAL = re.compile(
    r"共\D{0,40}?(\d+)\D{0,20}?[条页篇项]"
    # Counters of visitors move every night.
    r"|total(?!_?(?:pv|uv|ip|visit|view|click|hit|access|read|online|user|brows))\w{0,8}"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(\d+)"
    r"|createPage(?:HTML)?\(([^)]{0,120})\)",
    re.IGNORECASE,
)
_CUT = re.compile(r"(?:…|\.{2,})+$")


def settle(row: Row, page: Page, hint: str = "") -> Row:
    """The row with the kind and title its page gives it, and whether it carries a report itself."""
    is_new_report = row.kind == "report" and not row.last_night
    shown = families.printed(page)
    if shown is not None and row.kind == "report":
        # Every body and year has an address, also where it published nothing.
        return replace(row, title=shown) if shown else replace(row, kind="noise")
    if shown is not None and row.kind in ("peek", "discovery"):
        row = replace(row, kind="list", score=links.SURE)
    if (row.kind in ("peek", "discovery") or is_new_report) and _is_list(row, page, hint):
        row = replace(row, kind="list", carries=False)
    match row.kind:
        case "peek" if report_title_verdict(row.title) == "report":
            is_report, title = links.reads_like_report(page), _whole(row.title, page)
        case "peek":
            named = report_title_verdict(page.title) == "report"
            title = page.title if named else links.report_on(page)
            is_report = bool(title)
        case "list":
            shown = links.report_on(page) if shown is None else shown
            carries = bool(shown) and not _is_listed(shown, row, page, hint)
            return replace(row, title=shown, carries=True) if carries else row
        case "report":
            title = _whole(row.title, page)
            if is_new_report and title != row.title and links.is_lookalike(title):
                # What the list cut off tells: 2023年政务公开工作… of a 总结.
                return replace(row, kind="noise", title=title)
            return replace(row, title=title)
        case _:
            return row
    return replace(row, kind="report", title=title) if is_report else row


def leads(row: Row, page: Page, sites: tuple[str, ...], hint: str = "") -> list[Found]:
    """What a home page, a listing or a column leads to, each address once; `sites` are ours."""
    found: dict[str, Found] = {}
    own = _own_documents(row.title, page) if row.carries else frozenset()
    if row.kind == "list":
        for one in _rows(row, page, sites, hint):
            if one.url not in own:
                found.setdefault(one.key, one)
    is_part = row.kind == "list" and _is_sure(row, page)
    shown = (*families.columns(page), *page.links)
    bodies = _bodies(row, page, shown)
    for link in shown:
        if link.url not in own and links.is_same_site(link.url, sites):
            followed = _follow(link, row, page, is_part, link.url in bodies)
            if followed is not None:
                found.setdefault(followed.key, followed)
    # A list that shows rows and many frames besides has its menus in those.
    has_rows = any(one.kind in ("report", "peek") for one in found.values())
    is_framed = len(page.frames) < MENUS_IN_FRAMES or not (row.kind == "list" and has_rows)
    framed = (families.FurtherRequest(url) for url in page.frames if is_framed)
    for request in (*framed, *families.inside(page)):
        if links.is_same_site(request.url, sites) and row.depth < _deepest(row):
            inside = _inside(request, row, page)
            found.setdefault(inside.key, inside)
    if row.kind == "list":
        for one in _pages(families.first(page), row, page, sites):
            # The answer is the list's first page, not the shell around it.
            found.setdefault(one.key, replace(one, root=row.root))
    found.pop(row.key, None)
    return list(found.values())


def _own_documents(title: str, page: Page) -> frozenset[str]:
    """The files of the report that a page prints; other reports may be listed beside it."""
    years = links.years_in(title)
    files = [one for one in links.attachments(page) if links.years_in(one.label) <= years]
    if len(files) > SHAPES_OF_A_REPORT:
        files = [one for one in files if report_title_verdict(one.label) != "report"]
    return frozenset(one.url for one in files)


def further(row: Row, page: Page, sites: tuple[str, ...], *, is_new: bool) -> list[Found]:
    """The other pages of a list that this page of it knows.

    Unless the page `is_new`, that is, shows what no page before it did, the list ends here: past
    the end many servers repeat a page.
    """
    page = replace(page, sent=row.body) if row.body else page
    if links.is_vague(row.score) and not _shows_reports(row, page, sites):
        # 年度报告 of something else: its archive is not ours to read.
        return []
    requests = families.further(page) if is_new else families.otherwise(page)
    return _pages(requests, row, page, sites)


def _shows_reports(row: Row, page: Page, sites: tuple[str, ...]) -> bool:
    """Whether any row of a list is a report or may be one."""
    if any(one.kind in ("report", "peek") for one in _rows(row, page, sites, "")):
        return True
    return any(
        links.names_year(entry.title) and report_title_verdict(entry.title) == "report"
        for entry in families.entries(page)
    )


def _pages(
    requests: Sequence[families.FurtherRequest], row: Row, page: Page, sites: tuple[str, ...]
) -> list[Found]:
    return [
        Found(
            request.url,
            "list",
            title=row.title,
            listed_on=_listed_on(row, page),
            # The first pages of all lists before the second ones.
            score=row.score if row.root else max(row.score - 1, min(row.score, links.SURE)),
            depth=row.depth,
            method=request.method,
            body=request.body or (row.body if request.method == "POST" else ""),
            headers=request.headers or row.headers,
            root=row.root or row.key,
        )
        for request in requests
        if links.is_same_site(request.url, sites)
    ]


def totals(page: Page) -> list[str]:
    """How many rows or pages a list says it has, in words or to its pager."""
    return ["".join(found) for found in _TOTAL.findall(page.text)[:5]]


def instead(row: Row) -> list[Found]:
    """Another way to a page of a list, where its server refused the one that was tried."""
    if row.kind != "list":
        return []
    headers = {name: value for name, value in row.headers.items() if name != "Content-Type"}
    return [
        Found(
            request.url,
            "list",
            title=row.title,
            listed_on=row.listed_on,
            score=row.score,
            depth=row.depth,
            headers=request.headers or headers,
            root=row.root,
        )
        for request in families.instead(row.url, row.body)
    ]


def documents(row: Row, page: Page, sites: tuple[str, ...]) -> list[Found]:
    """The attachments of a report's page, or its pictures where it has neither tables nor those."""
    return [
        Found(
            link.url,
            "attachment",
            title=link.label,
            listed_on=row.listed_on,
            report_url=row.url,
            dated=row.dated,
        )
        for link in links.attachments(page) or links.pictures(page)
        if links.is_same_site(link.url, sites)
    ]


def _is_list(row: Row, page: Page, hint: str) -> bool:
    """Whether a page taken for something else is a list of reports, or a column of them."""
    if row.kind != "discovery" and links.report_on(page):
        # The usual case, told without a look at the menus' links.
        return False
    rows = [entry for entry in families.entries(page, hint) if key_of(entry.url) != row.key]
    named = [entry for entry in rows if report_title_verdict(entry.title) == "report"]
    placed = [entry for entry in named if entry.date or links.is_article(entry.url)]
    if len(placed) >= ROWS_OF_A_LIST or _stand_alike(named, rows):
        return row.kind != "discovery" or not links.report_on(page)
    if row.kind == "discovery":
        return (
            links.is_column(page)
            or bool(links.report_on(page))
            or (
                links.names_column_aside(page)
                and sum(bool(one.date and _CUT.search(one.title)) for one in rows) >= ROWS_OF_A_LIST
            )
        )
    # A link called like a report, or like the column, to what may be either.
    if links.is_article(row.url) and links.names_year(row.title):
        return False
    if links.touches_topics(page):
        return False
    others = (one for one in named if compact(one.title) != compact(row.title))
    return any(True for _ in others) or links.has_parts(page)


def _stand_alike(named: Sequence[families.Entry], rows: Sequence[families.Entry]) -> bool:
    """Whether undated reports are most of what stands at addresses of one shape."""
    shapes = Counter(links.shape_of(one.url) for one in named if links.names_year(one.title))
    shape, count = next(iter(shapes.most_common(1)), ("", 0))
    if count < ROWS_OF_A_LIST or "#" not in shape:
        return False
    return 2 * count > sum(links.shape_of(one.url) == shape for one in rows)


def _is_listed(title: str, row: Row, page: Page, hint: str) -> bool:
    """Whether the report a column shows has an address of its own: most list the newest too."""
    own = _own_documents(title, page)
    return any(
        entry.url not in own
        # The name of the body alone, in a menu, begins its report's title too.
        and (links.names_year(entry.title) or _CUT.search(entry.title))
        and _is_cut_of(entry.title, title)
        and key_of(entry.url) != row.key
        for entry in families.entries(page, hint)
    )


def _is_cut_of(label: str, title: str) -> bool:
    """Whether a label is a title, or its beginning as lists cut it."""
    return compact(title).startswith(_CUT.sub("", compact(label)))


def _whole(title: str, page: Page) -> str:
    """The title that a list has cut, as the page itself gives it."""
    is_cut = _CUT.search(compact(title))
    return page.title if is_cut and _is_cut_of(title, page.title) else title


def _listed_on(row: Row, page: Page) -> str:
    # What a proxy hands out is shown to readers on the page that calls it.
    is_fetched = "X-Requested-With" in row.headers or page.json is not None
    return row.listed_on if is_fetched else page.url


def _deepest(row: Row) -> int:
    return LIST_DEPTH if row.kind == "list" else DISCOVERY_DEPTH


def _entry(entry: families.Entry, row: Row, page: Page, is_sure: bool) -> Found | None:
    """A row of a column as the frontier takes it; rows that are no articles are left to links."""
    verdict = report_title_verdict(entry.title)
    named = Found(entry.url, "noise", entry.title, _listed_on(row, page), dated=entry.date)
    is_cut = bool(_CUT.search(compact(entry.title)))
    # 2025年某市审计局政府信息公开…: what was cut off tells that it is no 审计 report.
    may_be_cut_report = is_cut and is_sure and "信息公开" in entry.title
    if links.is_lookalike(entry.title) and not may_be_cut_report:
        return named
    if not (entry.date or is_cut or links.is_article(entry.url) or is_file(entry.url)):
        return None
    if verdict == "report":
        return replace(named, kind="report", score=80)
    # A year's part elsewhere on the site is read for what may begin a report's title only.
    is_begun = is_cut and row.score >= links.SURE - 5 and links.may_begin_report(entry.title)
    if not (is_sure or is_begun):
        return named
    if is_file(entry.url):
        return (
            replace(named, kind="report", score=80) if links.may_be_report(entry.title) else named
        )
    tells_nothing = entry.date or links.is_below(entry.url, page.url)
    if (
        is_cut
        or (tells_nothing and not links.is_vague(row.score))
        or links.may_be_report(entry.title)
        or links.names_body(entry.title)
    ):
        return replace(named, kind="peek", score=10)
    return named


def _rows(row: Row, page: Page, sites: tuple[str, ...], hint: str) -> list[Found]:
    """What the rows of a list are."""
    own = (entry for entry in families.entries(page, hint) if links.is_same_site(entry.url, sites))
    is_sure = _is_sure(row, page)
    return [one for entry in own if (one := _entry(entry, row, page, is_sure)) is not None]


def _is_sure(row: Row, page: Page) -> bool:
    """Whether a list is known to be a column of reports, by the way to it or by its own words."""
    return row.score >= links.SURE or links.is_column(page) or links.names_column_aside(page)


def _bodies(row: Row, page: Page, shown: Sequence[Link]) -> frozenset[str]:
    """Addresses of bodies on a page that is a directory of them: each may have its own column."""
    if row.kind == "home":
        bodies = links.bodies_among(shown)
        return frozenset(one for one in bodies if links.is_site_within(one, page.url))
    is_directory = "公开" in row.title or links.is_sites_directory(row.title)
    return links.bodies_among(shown) if row.kind == "discovery" and is_directory else frozenset()


def _follow(link: Link, row: Row, page: Page, is_part: bool, is_body: bool) -> Found | None:
    in_column = row.kind == "list"
    judged = links.classify(
        link,
        page,
        in_column=in_column,
        is_part=is_part,
        among_bodies=is_body or links.is_directory(row.title),
    )
    depth = row.depth + 1
    named = Found(link.url, "list", link.label, _listed_on(row, page), judged.score, depth)
    match judged.kind:
        case Kind.COLUMN if depth <= LIST_DEPTH:
            return named
        case Kind.LISTING if depth <= DISCOVERY_DEPTH:
            score = judged.score
            if score < links.OF_BODIES and "公开" in row.title and links.is_tier(link.label):
                # On a page about disclosure 县直部门 are the departments' disclosure.
                named, score = replace(named, title=f"{link.label}信息公开"), links.OF_BODIES
            if row.kind == "home" and links.is_sites_directory(link.label):
                # The way to the departments' sites, also where the government's column is known.
                score = max(score, links.STRONG)
            return replace(named, kind="discovery", score=max(score - 5 * row.depth, 1))
        case Kind.REPORT:
            # Outside the columns news have such titles too: the page itself must tell.
            is_sure = in_column or is_file(link.url)
            return replace(named, kind="report" if is_sure else "peek")
    return None


def _inside(request: families.FurtherRequest, row: Row, page: Page) -> Found:
    """What a frame or a script shows in a page is what the page around it is."""
    kind, score = ("list", row.score) if row.kind == "list" else ("discovery", links.FRAMED)
    return Found(
        request.url,
        kind,
        row.title,
        _listed_on(row, page),
        score,
        row.depth + 1,
        method=request.method,
        body=request.body,
        headers=request.headers,
    )
