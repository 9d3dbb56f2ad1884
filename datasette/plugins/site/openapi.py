"""The JSON API in the words of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0): /openapi.json.

`ADDRESSES` is also the list that /data shows. What is promised of an answer is what its schema
requires; more may come with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from datasette import hookimpl

from . import coverage, health
from .answers import DATABASE, json_response
from .memento import origin
from .queries import PARAMETERS, written
from .wording import web_address

# Parameters of an answer that comes a page at a time.
PAGED = {f"#/components/parameters/{name}" for name in ("page", "after", "_next")}
# Raised when something promised changes its meaning, which is then another address.
API_VERSION = "1"
MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "atom": "application/atom+xml",
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "cite.txt": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Address:
    """An address without its ending, what is there in Chinese and English, its endings, the
    parameters it takes, what its JSON has (names and their JSON types), the parameters of its feed,
    what its JSON may have in place of that.

    One without endings is described in `apart`.
    """

    path: str
    zh: str
    en: str
    endings: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    has: tuple[tuple[str, str], ...] = ()
    feed: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()

    def takes(self, ending):
        if ending == "atom":
            return self.feed
        return tuple(name for name in self.parameters if name != "bom" or ending == "csv")

    @property
    def shown(self):
        """The path as a page shows it: placeholders in Chinese, all endings."""
        text = self.path
        for name, (words, _, _) in PLACES.items():
            text = text.replace(f"{{{name}}}", f"〈{words}〉")
        return text

    @property
    def name(self):
        bare = self.path.replace(f"/{DATABASE}", "/tables")
        parts = [part.strip("{}") for part in bare.split("/") if part]
        return "_".join(parts) or "home"


# Parts of a path: words, English, the pattern they follow.
PLACES = {
    "issuer": ("机关编号", "id of the body", r"^[^/]+$"),
    "year": ("年度", "year reported on", r"^\d{4}$"),
    "digest": ("摘要", "first 12 to 64 hex digits of a capture's SHA-256", r"^[0-9a-f]{12,64}$"),
    "other_digest": ("另一摘要", "of another version", r"^[0-9a-f]{12,64}$"),
    "other_year": ("另一年度", "another year", r"^\d{4}$"),
    "table": ("表", "name of a table or view, see /data.json", r"^\w+$"),
    "release": ("发布", "name of a release, see /download.json", r"^[A-Za-z0-9][A-Za-z0-9._-]*$"),
    "file": ("文件", "path of a file, see /download/{release}.json", r"^.+$"),
    "map": ("link、json 或 html", "link, json or html", r"^(link|json|html)$"),
    "uri": (
        "网址",
        "address of a report here (https://…/r/…/2023) or of a page it was seen at, as it is, "
        "slashes and its own query included",
        r"^.+$",
    ),
}
# Parameters besides those of the queries: words, English. A word and a dot before a name tell
# parameters of one name apart.
ASKED = {
    "q": ("要找的字词，空格为并且，引号内为整句", "words; quotes make a phrase"),
    "region": ("区划代码或地名", "division code or name"),
    "level": ("层级", "central, province, prefecture, county, township"),
    "year": ("年度，或 2019-2023", "a year, or 2019-2023"),
    "form": ("表式", "2021, 2019, stats2014, narrative, mixed"),
    "finding": ("核验结果", "failed, publisher, parser, undecided, edited, vanished"),
    "page": ("第几页，从 1 起", "page, from 1"),
    "size": ("每页份数，至多 100", "so many a page, 100 at most"),
    "after": ("续取：上一页的 next", "to go on: `next` of the answer before"),
    "kind": ("改动的种类", "new, edited, vanished, back, moved, suspect"),
    "division": ("区划代码", "division code"),
    "portal": ("站点编号", "id of a portal"),
    "coverage.year": ("年度，一个", "one year"),
    "coverage.state": ("状态", ", ".join(coverage.STATES)),
    "health.state": ("最近一夜的状态", ", ".join((*health.STATES, health.AMISS))),
    "night": ("夜次，如 2024-03-04；不填为最近一夜", "a night, the last unless given"),
    "late": ("逾期", "late or very_late"),
    "by": (
        "合计：province、level、portal；此时只可再给 year，按站点还可给省级 division",
        "sums by province, level or portal; then only year, and of portals a province as division",
    ),
    "name": ("名称开头", "beginning of the body's name"),
    "silent": ("连续没有正常应答的夜数，不少于", "nights without a good answer, at least so many"),
    "bom": ("1 为供电子表格用的 CSV", "1 for CSV fit for spreadsheets"),
    "metric": ("指标，可重复", "key of a metric; may be repeated"),
    "figure": ("字段键，可重复", "key of a cell; may be repeated"),
    "body": ("机关编号或名称，可重复", "id or name of a body; may be repeated"),
    "from": ("起始年度", "first year"),
    "to": ("截止年度", "last year"),
    "_shape": ("结果的形状：objects、array、arrays", "shape of the rows: objects, array, arrays"),
    "_size": ("行数，至多 200", "rows, 200 at most"),
    "_next": ("续取：上一次的 next", "to go on: `next` of the answer before"),
    "_col": ("只取这一列，可重复", "only this column; may be repeated"),
    "_sort": ("排序的列", "column to sort by"),
}
# What a form may send beside a draft, or in its place.
DRAFT_FIELDS = ("text", "title", "last_year", "issuer")
TEXT = {"type": "string"}
TABLE = (("rows", "array"), ("columns", "array"), ("truncated", "boolean"))
RECORD = (
    *(("url", "string"), ("report", "object"), ("issuer", "object"), ("version", "object")),
    *(("cells", "object"), ("notes", "object"), ("sections", "array"), ("findings", "array")),
    *(("captures", "array"), ("versions", "array"), ("changes", "array"), ("events", "array")),
)
ADDRESSES = (
    Address("/index", "首页的数字", "what the home page shows", ("json",)),
    Address(
        "/r/{issuer}",
        "一个机关：名称、沿革、各年年报",
        "a body: names, links, its reports",
        ("json", "csv", "atom"),
        ("bom",),
        (("issuer", "object"), ("reports", "array"), ("names", "array"), ("links", "array")),
    ),
    Address(
        "/r/{issuer}/{year}",
        "一份年报的现行版本：各格、格注、各章、核验、抓取、版本、改动",
        "a report, current version: cells, notes, chapters, findings, captures, versions, changes",
        ("json", "csv"),
        ("bom",),
        RECORD,
    ),
    Address(
        "/r/{issuer}/{year}/{digest}",
        "一份年报的某一版本，内容不再改变",
        "a version; its content never changes",
        ("json", "csv", "bib", "ris", "cite.txt"),
        ("bom",),
        RECORD,
    ),
    Address(
        "/r/{issuer}/{year}/{digest}/diff/{other_digest}",
        "同一年报两版的不同",
        "what differs between two versions",
        ("json", "csv"),
        ("bom",),
    ),
    Address(
        "/r/{issuer}/{year}/diff/{other_year}",
        "同一机关两年的不同",
        "what differs between two years of a body",
        ("json", "csv"),
        ("bom",),
    ),
    Address(
        "/search",
        "搜索机关、标题、正文",
        "search names, titles and texts",
        ("json", "csv"),
        ("q", "region", "level", "year", "form", "finding", "page", "size", "bom"),
    ),
    Address(
        "/changes",
        "改动：新见、内容改动、下线、恢复在线、迁移、疑似下线",
        "events: new, edited, vanished, back, moved, suspect",
        ("json", "csv", "atom"),
        ("kind", "page", "bom"),
        (("changes", "array"), ("more", "boolean")),
        ("kind", "division"),
    ),
    Address(
        "/coverage",
        "覆盖：各机关各年度的状态",
        "coverage: the state of each body and year",
        ("json", "csv"),
        (
            *("division", "level", "portal", "coverage.year", "coverage.state", "late", "name"),
            *("by", "after"),
        ),
        (("totals", "array"), ("bodies", "array"), ("more", "boolean")),
        instead=(("by", "string"), ("groups", "array")),
    ),
    Address(
        "/coverage/health",
        "抓取状况：各夜、各站点",
        "health of the crawl by night and portal",
        ("json", "csv"),
        ("division", "level", "portal", "health.state", "silent", "page"),
        (("nights", "array"),),
    ),
    Address(
        "/coverage/nights",
        "每夜各站点合计",
        "each night's figures at all portals together",
        ("json", "csv"),
        has=(("nights", "array"),),
    ),
    Address(
        "/coverage/portals",
        "一夜各站点",
        "one night at each portal",
        ("json", "csv"),
        ("night",),
        (("portals", "array"),),
    ),
    Address(
        "/compare",
        "比较：指标或数字、机关或地区、年度；须有 metric 或 figure，以及 body、level 或 region",
        "compare metrics or figures, bodies or a region, years; needs a metric or figure, and a "
        "body, level or region",
        ("json", "csv"),
        ("metric", "figure", "body", "level", "region", "from", "to", "bom"),
        (("choice", "object"), ("rows", "array")),
    ),
    Address(
        "/data",
        "本页：各表、各查询、各列的说明",
        "this page: tables, queries, columns",
        ("json", "csv"),
        has=(("tables", "array"), ("queries", "array"), ("licence", "string")),
    ),
    Address(
        "/accuracy",
        "准确度",
        "how right the reader is",
        ("json", "csv"),
        has=(("reader", "string"), ("measured_on", "string"), ("sets", "object")),
    ),
    Address(
        "/download",
        "整库下载的清单，附大小与 SHA-256",
        "releases for download, with sizes and SHA-256",
        ("json", "csv"),
        has=(("releases", "array"), ("withdrawn", "array")),
    ),
    Address(
        "/download/{release}",
        "一次发布的全部文件",
        "the files of one release",
        ("json", "csv"),
        has=(("name", "string"), ("files", "array")),
    ),
    Address(
        f"/{DATABASE}/{{table}}",
        "一张表，可加条件，如 year=2023、title__contains=教育",
        "a table; columns filter it: year=2023, title__contains=教育",
        ("json", "csv"),
        ("_shape", "_size", "_next", "_col", "_sort"),
        TABLE,
    ),
    Address(
        "/download/{release}/{file}",
        "一次发布的一个文件，整个或按 Range 取一段",
        "a file of a release, whole or by Range",
        (),
    ),
    Address(
        "/timegate/{uri}",
        "Memento（RFC 7089）：某一时刻的版本，由 Accept-Datetime 指明",
        "Memento TimeGate: the version of a moment, that of Accept-Datetime",
        (),
    ),
    Address(
        "/timemap/{map}/{uri}",
        "Memento：全部版本与抓取的时刻",
        "Memento TimeMap: all versions and when they were captured",
        (),
    ),
    Address(
        "/selfcheck",
        "自检：提交草稿，照本站的规则读取、核验，不保存",
        "self-check: a draft is read and checked and not kept",
        (),
    ),
)


def place(name):
    _, english, pattern = PLACES[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": english,
        "schema": {"type": "string", "pattern": pattern},
    }


def asked(name, words, is_needed=False):
    return {
        "name": name.rpartition(".")[2],
        "in": "query",
        "required": is_needed,
        "description": f"{words[1]} {words[0]}",
        "schema": TEXT,
    }


def header(name, words):
    return {"name": name, "in": "header", "required": False, "description": words, "schema": TEXT}


def shared(name):
    return {"$ref": f"#/components/parameters/{name}"}


def answered(ending, has, instead):
    """The media type of an answer with what it holds, or what it may hold in place of that."""
    if ending != "json":
        return {MEDIA[ending]: {"schema": TEXT}}
    schemas = [object_of(fields) for fields in (has, instead) if fields]
    schema = {"anyOf": schemas} if len(schemas) > 1 else next(iter(schemas), {"type": "object"})
    return {MEDIA["json"]: {"schema": schema}}


def object_of(has):
    return {
        "type": "object",
        "required": [name for name, _ in has],
        "properties": {name: {"type": kind} for name, kind in has},
    }


def refusals(name):
    return {"default": {"$ref": f"#/components/responses/{name}"}}


def operation(name, summary, parameters, ending, has, instead=()):
    answer = {"description": "OK", "content": answered(ending, has, instead)}
    if ending == "csv" and PAGED & {given.get("$ref") for given in parameters}:
        answer["headers"] = {"Link": {"$ref": "#/components/headers/Next"}}
    return {
        "get": {
            "operationId": f"{name}_{ending.replace('.', '_')}",
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": answer,
                **refusals("Refusal" if ending == "json" else "RefusalLine"),
            },
        }
    }


def places_of(path):
    return [shared(f"in_{name}") for name in PLACES if f"{{{name}}}" in path]


def apart(address):
    """The ways to ask an address without endings, which are not those of the rest."""
    names = {"summary": f"{address.en} {address.zh}", "parameters": places_of(address.path)}

    def way(kind, parameters, responses, refusal="RefusalPage", **more):
        return {
            **names,
            "operationId": f"{address.name}_{kind}",
            "parameters": names["parameters"] + parameters,
            "responses": {**responses, **refusals(refusal)},
            **more,
        }

    def found(description, *kinds, headers=()):
        told = {name: {"description": words, "schema": TEXT} for name, words in headers}
        content = {"content": {kind: {"schema": TEXT} for kind in kinds}} if kinds else {}
        return {"description": description, **content, **({"headers": told} if told else {})}

    if address.path.startswith("/download/"):
        digest = ("Repr-Digest", "SHA-256 of the whole file (RFC 9530)")
        answers = {"200": found("The file", "*/*", headers=[digest]),
                   "206": found("The part asked for", "*/*", headers=[digest])}  # fmt: skip
        yield address.path, {"get": way("get", [header("Range", "RFC 9110, section 14")], answers)}
    elif address.path.startswith("/timegate/"):
        moment = header("Accept-Datetime", "RFC 7089, in GMT; the last version without it")
        to = [("Location", "the version of that moment"), ("Link", "RFC 7089, section 2.2")]
        yield (
            address.path,
            {"get": way("get", [moment], {"302": found("To the version", headers=to)})},
        )
    elif address.path.startswith("/timemap/"):
        kinds = ("application/link-format", MEDIA["json"], "text/html")
        answers = {"200": found("In the form asked for", *kinds)}
        answers["200"]["content"][MEDIA["json"]] = {
            "schema": {"type": "object", "required": ["original_uri", "self", "mementos"]}
        }
        yield address.path, {"get": way("get", [], answers)}
    else:
        draft = {"type": "string", "format": "binary"}
        fields = {"draft": draft, **dict.fromkeys(DRAFT_FIELDS, TEXT)}
        body = {
            "description": "At most 10 MB: a form, or the draft itself",
            "required": True,
            "content": {
                "multipart/form-data": {"schema": {"type": "object", "properties": fields}},
                "application/octet-stream": {"schema": draft},
            },
        }
        page = {"200": found("A page", "text/html")}
        yield (
            address.path,
            {
                "get": way("form", [], page),
                "post": way("page", [], page, requestBody=body),
            },
        )
        ready = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
        reading = {"type": "object", "required": ["is_report", "cells", "findings", "last_year"]}
        yield (
            f"{address.path}.json",
            {
                "get": way(
                    "ready", [], {"200": in_json("Whether drafts are read", ready)}, "Refusal"
                ),
                "post": way(
                    "json",
                    [],
                    {"200": in_json("What was read", reading)},
                    "Refusal",
                    requestBody=body,
                ),
            },
        )


def in_json(description, schema):
    return {"description": description, "content": {MEDIA["json"]: {"schema": schema}}}


def document(base, queries, licence="", licence_url="", contact=""):
    """The description of the API of the site at `base`, with the questions it offers."""
    paths = {}
    for address in ADDRESSES:
        places = places_of(address.path)
        if not address.endings:
            paths.update(apart(address))
        for ending in address.endings:
            given = [shared(p) for p in address.takes(ending)]
            paths[f"{address.path}.{ending}"] = operation(
                address.name,
                f"{address.en} {address.zh}",
                places + given,
                ending,
                address.has,
                address.instead,
            )
    for name, query in queries.items():
        given = [asked(p, PARAMETERS[p], p in query["needed"]) for p in query["params"]]
        shape = [shared("_shape")]
        for ending, more in (("json", shape), ("csv", [])):
            paths[f"/{DATABASE}/{name}.{ending}"] = operation(
                name, f"{query['title_en']} {query['title']}", given + more, ending, TABLE
            )
    info = {
        "title": "政府信息公开年报档案 (Nianbao Archive)",
        "version": API_VERSION,
        "description": "Read only, no key. Fields may be added to answers; none that a schema "
        "requires is removed or changes its meaning within this version. "
        "只读，无需密钥；本版本之内，所列字段只增不改。",
    }
    if licence:
        # Of the data; the program has another.
        info["license"] = {"name": licence, "url": licence_url}
    if web_address(contact):
        info["contact"] = {"url": contact}
    elif contact:
        info["contact"] = {"email": contact}
    refusal = {
        "type": "object",
        "required": ["ok", "status", "error"],
        "properties": {
            "ok": {"const": False},
            "status": {"type": "integer"},
            "title": {"type": "string"},
            "error": {"type": "string"},
            # Of what was withdrawn or taken down (410).
            "reason": {"type": ["string", "null"]},
            # Where several parameters cannot be taken.
            "errors": {"type": "array", "items": {"type": "object", "required": ["error"]}},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": base}],
        "externalDocs": {"url": f"{base}/data#api"},
        "paths": paths,
        "components": {
            "schemas": {"Refusal": refusal},
            "parameters": {
                **{f"in_{name}": place(name) for name in PLACES},
                **{name: asked(name, words) for name, words in ASKED.items()},
            },
            "headers": {
                "Next": {
                    "description": 'The next page of the lines, if any: RFC 8288, rel="next"',
                    "schema": TEXT,
                }
            },
            "responses": {
                "Refusal": in_json(
                    "Refused or not there", {"$ref": "#/components/schemas/Refusal"}
                ),
                "RefusalLine": {
                    "description": "Refused or not there, and why in a line; 400 too in place of "
                    "a table that would be cut",
                    "content": {"text/plain": {"schema": TEXT}},
                },
                "RefusalPage": {
                    "description": "Refused or not there, as a page or a line",
                    "content": {kind: {"schema": TEXT} for kind in ("text/html", "text/plain")},
                },
            },
        },
    }


async def openapi(datasette, request):
    settings = datasette.plugin_config("nianbao") or {}
    return json_response(
        document(
            origin(datasette, request),
            written(datasette),
            datasette.metadata("license", database=DATABASE) or "",
            datasette.metadata("license_url", database=DATABASE) or "",
            settings.get("contact") or "",
        )
    )


@hookimpl
def register_routes():
    return [(r"^/openapi\.json$", openapi)]
