"""What machines are told of a record beside its page: typed links, and JSON-LD.

Links as headers: cite-as (RFC 8574), latest-version, predecessor-version, successor-version and
version-history (RFC 5829), Memento's (RFC 7089), and those of the FAIR Signposting Profile, level
1: a version's page is the landing page, its JSON and citations describe it, its CSV and the
original as captured are its content. `via` is the portal's own address: `original` is Memento's
word for what a page is a past state of, and a version is one of /r/<issuer>/<year>.
JSON-LD: schema.org's Report for a version, Dataset for the archive.
"""

from __future__ import annotations

import json
import re
from functools import wraps
from urllib.parse import unquote

from datasette import hookimpl
from markupsafe import Markup

from .answers import DATABASE, address_of, last_part, remembered
from .memento import (
    LINK_FORMAT,
    Memento,
    frame,
    http_date,
    link,
    memento_links,
    negotiated,
    origin,
    report_original,
    report_versions,
    stored_moment,
    timemap,
)
from .snapshot import served
from .wording import rfc3339, web_address

NAME = "政府信息公开年报档案"
ENGLISH_NAME = "Nianbao Archive"
SCHEMA = "https://schema.org"
ADDRESS = re.compile(
    r"/r/(?P<issuer>[^/]+)/(?P<year>\d{4})(?:/(?P<digest>[0-9a-f]{12}))?(?P<form>\.[a-z.]+)?"
)
# What describes a version, and what holds its content, by the end of its address.
DESCRIPTIONS = {
    ".json": "application/json",
    ".bib": "application/x-bibtex",
    ".ris": "application/x-research-info-systems",
}
CONTENTS = {".csv": "text/csv", ".txt": "text/plain"}
# The pages that describe the archive as a whole.
OF_ALL = ("home.html", "data.html")
UNSAFE = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&'\u2028\u2029\u007f"}


def licence(datasette):
    """The address of the licence that the archive's metadata names, None where it names none."""
    return web_address(datasette.metadata("license_url", database=DATABASE)) or None


async def record_headers(datasette, request):
    """The headers of a report's or version's answer, by its address: typed links, and of a
    version's page the time of its content."""
    asked = ADDRESS.fullmatch(request.path)
    if not asked:
        return {}
    database, base = datasette.get_database(DATABASE), origin(datasette, request)
    report_id = f"{unquote(asked['issuer'])}/{asked['year']}"
    versions = await report_versions(database, report_id)
    digest = asked["digest"]
    wanted = f"{report_id}/{digest}" if digest else versions and versions[0]["current_version"]
    place = next((i for i, row in enumerate(versions) if row["id"] == wanted), None)
    if place is None:
        return {}
    version = versions[place]
    pinned = f"{base}/r/{address_of(version['id'])}"
    if asked["form"]:
        rel = "collection" if asked["form"] in CONTENTS else "describes"
        links = [link(pinned, "cite-as"), link(pinned, rel, type="text/html")]
        return {"Link": ", ".join(links)}
    links = version_links(datasette, base, versions, place)
    original = await report_original(database, base, report_id, versions)
    headers = {}
    if original is not None:
        at = stored_moment(version["first_seen"])
        if digest and at:
            chosen = Memento(at, "/r/" + address_of(version["id"]))
            links += memento_links(base, original, chosen)
            headers["Memento-Datetime"] = http_date(at)
        else:
            links += frame(base, original)
    if not digest:
        headers["Vary"] = "Accept-Datetime"
    return {**headers, "Link": ", ".join(links)}


def version_links(datasette, base, versions, place):
    version = versions[place]
    report = f"{base}/r/{address_of(version['id'].rpartition('/')[0])}"
    pinned = f"{base}/r/{address_of(version['id'])}"
    source = web_address(version["url"])
    issuer = report.rpartition("/")[0]
    links = [link(pinned, "cite-as"), link(report, "latest-version")]
    for rel, other in (("predecessor-version", place - 1), ("successor-version", place + 1)):
        if 0 <= other < len(versions):
            links.append(link(f"{base}/r/{address_of(versions[other]['id'])}", rel))
    links.append(link(timemap(base, report), "version-history", type=LINK_FORMAT))
    links += [link(f"{SCHEMA}/AboutPage", "type"), link(f"{SCHEMA}/Report", "type")]
    links.append(link(issuer, "author"))
    links += [link(pinned + end, "describedby", type=kind) for end, kind in DESCRIPTIONS.items()]
    links += [link(pinned + end, "item", type=kind) for end, kind in CONTENTS.items()]
    kind = version["media_type"] or ""
    links.append(
        link(
            f"{pinned}/original/raw",
            "item",
            type=kind if re.fullmatch(r"[a-z]+/[\w.+-]+", kind) else None,
        )
    )
    if source:
        links.append(link(source, "via"))
    if terms := licence(datasette):
        links.append(link(terms, "license"))
    return links


def signposted(view):
    """A page of a record with its headers, and its own TimeGate."""

    @wraps(view)
    async def answer(datasette, request):
        response = await view(datasette, request)
        if response.status == 200:
            response.headers.update(await record_headers(datasette, request))
        return response

    return negotiated(answer)


def script(data):
    """A JSON-LD block for a page. Nothing in it can end the block or begin a tag: every mark
    that could is written as an escape, which JSON reads as the mark."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(UNSAFE)
    return Markup(f'<script type="application/ld+json">{text}</script>')


def told(**values):
    """The values there are."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def calendar_date(text):
    found = re.fullmatch(r"\d{4}-\d\d-\d\d", str(text or ""))
    return found and found[0]


def archive_node(base):
    return {
        "@type": "Organization",
        "@id": f"{base}/#archive",
        "name": NAME,
        "alternateName": ENGLISH_NAME,
        "url": f"{base}/",
    }


def report_data(datasette, request, report, issuer, version, captures):
    """schema.org's Report for a version."""
    base = origin(datasette, request)
    pinned = f"{base}/r/{address_of(version['id'])}"
    body = f"{base}/r/{address_of(report['issuer_id'])}"
    issuer = issuer or {}
    publisher = told(
        **{"@type": "GovernmentOrganization", "@id": f"{body}#body"},
        name=issuer.get("name") or report["issuer_id"],
        url=body,
        identifier=report["issuer_id"],
    )
    digest = next(
        (c["digest"] for c in captures if (c["digest"] or "")[:12] == last_part(version["id"])),
        None,
    )
    place = told(
        **{"@type": "AdministrativeArea"},
        name=issuer.get("place_name"),
        identifier=issuer.get("place_code") or issuer.get("division"),
    )
    digests = [
        {"@type": "PropertyValue", "propertyID": name, "value": value}
        for name, value in (("sha256", digest), ("content_digest", version["content_digest"]))
        if value
    ]
    files = [
        (f"{pinned}.json", "application/json", "JSON"),
        (f"{pinned}.csv", "text/csv", "CSV"),
        (f"{pinned}/original/raw", version["media_type"], "原件 (as captured)"),
    ]
    return {
        "@context": SCHEMA,
        **told(
            **{"@type": "Report", "@id": pinned},
            url=pinned,
            name=version["title"] or report["title"],
            headline=f"{publisher['name']} {report['year']} 年度政府信息公开工作年度报告",
            identifier=[pinned, *digests],
            version=str(version["number"]),
            datePublished=calendar_date(version["published_on"] or report["published_on"]),
            dateModified=rfc3339(version["first_seen"]),
            inLanguage="zh-CN",
            isAccessibleForFree=True,
            isBasedOn=web_address(report["url"]),
            exampleOfWork={"@type": "Report", "@id": f"{base}/r/{address_of(report['id'])}"},
            publisher=publisher,
            author={"@id": f"{body}#body"},
            archivedAt=f"{pinned}/original/raw",
            maintainer=archive_node(base),
            license=licence(datasette),
            temporalCoverage=str(report["year"]),
            spatialCoverage=place if len(place) > 1 else None,
            isPartOf={"@type": "Dataset", "@id": f"{base}/data#dataset"},
            encoding=[
                told(**{"@type": "MediaObject"}, contentUrl=url, encodingFormat=kind, name=name)
                for url, kind, name in files
            ],
        ),
    }


async def dataset_data(datasette, request):
    """schema.org's Dataset for the archive."""
    base = origin(datasette, request)
    database = datasette.get_database(DATABASE)
    # Two questions: together they walk the index, each alone looks at its end.
    (years,) = await remembered(
        database,
        "select (select min(year) from reports) as first, (select max(year) from reports) as last",
    )
    span = f"{years['first']}/{years['last']}" if years["first"] else None
    snapshot = served(datasette)
    files = [
        (f"{base}/data.json", "application/json", "表与列的说明 (tables and columns described)"),
        (f"{base}/data.csv", "text/csv", "表与列的说明 (tables and columns described)"),
        (f"{base}/nianbao.json", "application/json", "数据表 (the JSON API of all tables)"),
        (f"{base}/changes.atom", "application/atom+xml", "改动订阅 (feed of changes)"),
    ]
    return {
        "@context": SCHEMA,
        **told(
            **{"@type": "Dataset", "@id": f"{base}/data#dataset"},
            name=f"{NAME}：行政机关政府信息公开工作年度报告",
            alternateName=f"{ENGLISH_NAME}: annual reports on government information disclosure",
            description=datasette.metadata("description")
            or "行政机关政府信息公开工作年度报告的公开档案：每一次抓取原样保存，"
            "每一格数字照原文读出，每一处改动记录在案。",
            url=f"{base}/data",
            inLanguage="zh-CN",
            isAccessibleForFree=True,
            keywords=["政府信息公开", "年度报告", "依申请公开", "行政复议", "行政诉讼"],
            creator=archive_node(base),
            publisher={"@id": f"{base}/#archive"},
            license=licence(datasette),
            version=snapshot and f"{snapshot.moment:%Y-%m-%d}",
            dateModified=snapshot and f"{snapshot.moment:%Y-%m-%dT%H:%M:%SZ}",
            temporalCoverage=span,
            spatialCoverage={"@type": "Country", "name": "中国", "identifier": "CN"},
            distribution=[
                {"@type": "DataDownload", "contentUrl": url, "encodingFormat": kind, "name": name}
                for url, kind, name in files
            ],
        ),
    }


@hookimpl
def extra_template_vars(datasette, request, template):
    """JSON-LD for templates, and where a report's TimeMap is."""

    def report_ld(report, issuer, version, captures):
        return script(report_data(datasette, request, report, issuer, version, captures))

    def timemap_of(report_id, form="html"):
        address = f"{origin(datasette, request)}/r/{address_of(report_id)}"
        return timemap("", address, form)

    async def told_of_all():
        # Asked before the page is drawn: templates await nothing.
        of_dataset = script(await dataset_data(datasette, request))
        return {**of_reports, "dataset_ld": lambda: of_dataset}

    of_reports = {"report_ld": report_ld, "timemap_of": timemap_of}
    if request is None:
        return {}
    return told_of_all if template in OF_ALL else of_reports
