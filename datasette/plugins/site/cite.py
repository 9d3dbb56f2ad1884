"""How a version is cited: GB/T 7714—2025, BibTeX, RIS, a footnote. The same texts for ever."""

from __future__ import annotations

import re

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of, first, last_part, unquoted
from .names import gone, record_lead, what_is_known
from .record import asked_version, first_capture
from .wording import beijing, visible, web_address

ARCHIVE = "政府信息公开年报档案"
LONGEST_TITLE = 300
DIGITS = 16
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
# What TeX reads as a command. Braces are spelled out: BibTeX counts them even after a backslash.
TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "#$%&_"},
}
TYPES = {
    "bib": "application/x-bibtex; charset=utf-8",
    "ris": "application/x-research-info-systems; charset=utf-8",
    "cite.txt": "text/plain; charset=utf-8",
}


def line(text):
    """The text as one line without control characters; what turns writing around is visible."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", visible(text))
    return " ".join(plain.split())


def work(report, version, issuer, capture, permanent):
    """What every way of citing a version needs, as plain values, each a single line.

    `published` is the date that the document states, None where it states none that is a date;
    `seen` is the day, in Beijing, of the capture that the version is named by.
    """
    year = report["year"]
    title = line(version["title"] or report["title"]) or f"{year}年政府信息公开工作年度报告"
    if len(title) > LONGEST_TITLE:
        title = title[:LONGEST_TITLE] + "……"
    stated = version["published_on"] or ""
    moment = line((capture and capture["fetched_at"]) or version["first_seen"])
    return {
        "author": line(issuer["name"] if issuer else report["issuer_id"]) or report["issuer_id"],
        "title": title,
        "year": year,
        "published": stated if DATE.fullmatch(stated) else None,
        "moment": moment,
        "seen": beijing(moment, "%Y-%m-%d"),
        "number": version["number"],
        "sha256": line(capture["digest"] if capture else last_part(version["id"])),
        "url": permanent,
        "source": line(web_address((capture and capture["url"]) or report["url"])),
        "key": re.sub(r"[^A-Za-z0-9-]+", "-", f"nianbao-{version['id']}"),
    }


def told(cited):
    """The sentence that pins a citation: which version, when it was captured, its digest."""
    return (
        f"第 {cited['number']} 版，存档时刻 {cited['moment']}（UTC），SHA-256 {cited['sha256']}"
        + (f"，原载 {cited['source']}" if cited["source"] else "")
    )


def gbt7714(cited):
    """GB/T 7714—2025, a page of the web (8.11.3): 责任者.题名[EB/OL].(发布日期)[访问日期].网址.
    The day of access is the day of the capture cited; the digest after it pins the bytes."""
    published = f"({cited['published']})" if cited["published"] else ""
    return (
        f"{cited['author']}.{cited['title']}[EB/OL].{published}[{cited['seen']}]."
        f"{cited['url']}.SHA-256:{cited['sha256'][:DIGITS]}."
    )


def chinese_date(text):
    """A date as prose has it; the text itself when it is none."""
    found = DATE.fullmatch(text or "")
    return "{}年{}月{}日".format(*map(int, found.groups())) if found else text


def footnote(cited):
    """A footnote of Chinese law reviews (法学引注手册): 作者：《标题》，载网站，网址，日期。"""
    title = cited["title"].replace("《", "〈").replace("》", "〉")
    published = f"，{chinese_date(cited['published'])}发布" if cited["published"] else ""
    return (
        f"{cited['author']}：《{title}》{published}，载{ARCHIVE}，{cited['url']}，"
        f"{chinese_date(cited['seen'])}存档（第{cited['number']}版，"
        f"SHA-256：{cited['sha256'][:DIGITS]}）。"
    )


def tex(text):
    return "".join(TEX.get(character, character) for character in text)


def bibtex(cited):
    """A BibTeX entry; `date` and `urldate` are biblatex's, `year` is for the others."""
    fields = {
        "author": "{" + tex(cited["author"]) + "}",
        "title": "{" + tex(cited["title"]) + "}",
        "year": (cited["published"] or "")[:4],
        "date": cited["published"],
        "howpublished": ARCHIVE,
        "url": cited["url"],
        "urldate": cited["seen"],
        "note": tex(told(cited)),
        "language": "chinese",
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
    return f"@misc{{{cited['key']},\n{''.join(lines)}}}\n"


def ris(cited):
    """A RIS record of an electronic source, lines ending in CR LF as the format asks."""

    def slashes(day):
        return f"{day.replace('-', '/')}/" if day else ""

    tags = (
        ("TY", "ELEC"),
        # A comma would part a surname from a given name.
        ("AU", cited["author"].replace(",", "，")),
        ("TI", cited["title"]),
        ("PY", (cited["published"] or "")[:4]),
        ("DA", slashes(cited["published"])),
        ("Y2", slashes(cited["seen"])),
        ("PB", ARCHIVE),
        ("ET", f"第 {cited['number']} 版"),
        ("LA", "zh"),
        ("UR", cited["url"]),
        ("N1", told(cited)),
        ("ER", ""),
    )
    return "".join(f"{tag}  - {text}\r\n" for tag, text in tags if text or tag == "ER")


def plain_text(cited):
    """All ways of citing a version that are text, with what pins it."""
    parts = (
        ("GB/T 7714—2015", gbt7714(cited)),
        ("脚注", footnote(cited)),
        ("永久网址", cited["url"]),
        ("版本", told(cited)),
    )
    return "\n\n".join(f"{name}\n{text}" for name, text in parts) + "\n"


WRITERS = {"bib": bibtex, "ris": ris, "cite.txt": plain_text}


async def citation(datasette, request):
    """A citation to download; without a digest, or by another name, sent to the version's own."""
    database = datasette.get_database(DATABASE)
    issuer, year = unquoted(request, "issuer"), request.url_vars["year"]
    digest = (request.url_vars.get("digest") or "").lower()
    form = request.url_vars["format"]
    try:
        report, version = await asked_version(database, f"{issuer}/{year}", digest)
    except DatasetteError:
        path, status, reason = await record_lead(database, issuer, year, digest)
        if path:
            return Response.redirect(f"/r/{address_of(path)}.{form}", status=status)
        if status == 410:
            known = await what_is_known(database, issuer, year, digest)
            return await gone(datasette, request, "", reason, known)
        raise
    path = f"/r/{address_of(version['id'])}"
    if request.url_vars.get("digest") != last_part(version["id"]):
        return Response.redirect(f"{path}.{form}", status=302)
    body = await first(database, "select name from issuers where id = ?", report["issuer_id"])
    cited = work(
        report,
        version,
        body,
        await first_capture(database, version),
        datasette.absolute_url(request, path),
    )
    headers = {"Content-Disposition": f'attachment; filename="{cited["key"]}.{form}"'}
    return Response(WRITERS[form](cited), headers=headers, content_type=TYPES[form])


@hookimpl
def register_routes():
    record = r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})(?:/(?P<digest>[^/.]+))?"
    return [(record + r"\.(?P<format>bib|ris|cite\.txt)$", citation)]
