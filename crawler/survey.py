"""What did a page turn out to be, and what does it lead to? Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from archive.identify import compact, report_title_verdict
from crawler import families, links
from crawler.frontier import Found, Row, key_of
from crawler.links import Kind
from crawler.page import Link, Page, is_file

# How many links away from the home page a search for columns goes, and a column's own parts.
DISCOVERY_DEPTH = 4
LIST_DEPTH = 8
# A page that names so many reports in dated rows is a list of them.
ROWS_OF_A_LIST = 3
_CUT = re.compile(r"(?:…|\.{2,})+$")


def settle(row: Row, page: Page, hint: str = "") -> Row:
    """The row with the kind and title its page gives it, and whether it carries a report itself."""
    is_new_report = row.kind == "report" and not row.last_night
    if (row.kind in ("peek", "discovery") or is_new_report) and _is_list(page, hint):
        return replace(row, kind="list", carries=False)
    match row.kind:
        case "peek" if report_title_verdict(row.title) == "report":
            is_report, title = links.reads_like_report(page), _whole(row.title, page)
        case "peek":
            is_report, title = report_title_verdict(page.title) == "report", page.title
        case "list":
            shown = links.report_on(page)
            carries = bool(shown) and not _is_listed(shown, row, page, hint)
            return replace(row, title=shown, carries=True) if carries else row
        case "report":
            return replace(row, title=_whole(row.title, page))
        case _:
            return row
    return replace(row, kind="report", title=title) if is_report else row


def leads(row: Row, page: Page, sites: tuple[str, ...], hint: str = "") -> list[Found]:
    """What a home page, a listing or a column leads to, each address once; `sites` are ours."""
    found: dict[str, Found] = {}
    if row.kind == "list":
        for entry in families.entries(page, hint):
            if links.is_same_site(entry.url, sites):
                one = _entry(entry, row, page)
                if one is not None:
                    found.setdefault(one.key, one)
    for link in page.links:
        if links.is_same_site(link.url, sites):
            followed = _follow(link, row, page)
            if followed is not None:
                found.setdefault(followed.key, followed)
    for url in page.frames:
        if links.is_same_site(url, sites) and row.depth < _deepest(row):
            framed = _inside(url, row, page)
            found.setdefault(framed.key, framed)
    found.pop(row.key, None)
    return list(found.values())


def further(row: Row, page: Page, sites: tuple[str, ...], *, is_new: bool) -> list[Found]:
    """The other pages of a list that this page of it knows.

    Unless the page `is_new`, that is, shows what no page before it did, the list ends here: past
    the end many servers repeat a page.
    """
    requests = families.further(page) if is_new else families.otherwise(page)
    return [
        Found(
            request.url,
            "list",
            title=row.title,
            listed_on=_listed_on(row, page),
            score=max(row.score - 1, min(row.score, links.SURE)),
            depth=row.depth,
            method=request.method,
            body=request.body or (row.body if request.method == "POST" else ""),
            headers=request.headers or row.headers,
            root=row.root or row.key,
        )
        for request in requests
        if links.is_same_site(request.url, sites)
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
        )
        for link in links.attachments(page) or links.pictures(page)
        if links.is_same_site(link.url, sites)
    ]


def _is_list(page: Page, hint: str) -> bool:
    named = sum(
        bool(entry.date) and report_title_verdict(entry.title) == "report"
        for entry in families.entries(page, hint)
    )
    return named >= ROWS_OF_A_LIST and not links.report_on(page)


def _is_listed(title: str, row: Row, page: Page, hint: str) -> bool:
    """Whether the report a column shows has an address of its own: most list the newest too."""
    return any(
        _is_cut_of(entry.title, title) and key_of(entry.url) != row.key
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
    return row.listed_on if "X-Requested-With" in row.headers else page.url


def _deepest(row: Row) -> int:
    return LIST_DEPTH if row.kind == "list" else DISCOVERY_DEPTH


def _entry(entry: families.Entry, row: Row, page: Page) -> Found | None:
    """A row of a column as the frontier takes it; rows that are no articles are left to links."""
    verdict = report_title_verdict(entry.title)
    named = Found(entry.url, "noise", entry.title, _listed_on(row, page))
    if verdict == "lookalike":
        return named
    is_cut = bool(_CUT.search(compact(entry.title)))
    if not (entry.date or is_cut or links.is_article(entry.url)):
        return None
    if verdict == "report":
        return replace(named, kind="report", score=80)
    tells_nothing = is_cut or entry.date or links.is_below(entry.url, page.url)
    if row.score >= links.SURE and tells_nothing and not is_file(entry.url):
        return replace(named, kind="peek", score=10)
    return named


def _follow(link: Link, row: Row, page: Page) -> Found | None:
    in_column = row.kind == "list"
    judged = links.classify(
        link, page, in_column=in_column, among_bodies=links.is_directory(row.title)
    )
    depth = row.depth + 1
    named = Found(link.url, "list", link.label, _listed_on(row, page), judged.score, depth)
    match judged.kind:
        case Kind.COLUMN if depth <= LIST_DEPTH:
            return named
        case Kind.LISTING if depth <= DISCOVERY_DEPTH:
            return replace(named, kind="discovery", score=max(judged.score - 5 * row.depth, 1))
        case Kind.REPORT:
            # Outside the columns news have such titles too: the page itself must tell.
            is_sure = in_column or is_file(link.url)
            return replace(named, kind="report" if is_sure else "peek")
    return None


def _inside(url: str, row: Row, page: Page) -> Found:
    """A page shown in a frame is what the page around it is."""
    kind, score = ("list", row.score) if row.kind == "list" else ("discovery", links.FRAMED)
    return Found(url, kind, row.title, _listed_on(row, page), score, row.depth + 1)
