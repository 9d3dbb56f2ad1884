"""The JSON API in the words of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0): /openapi.json.

`ADDRESSES` is also the list that /data shows. What is promised of an answer is what its schema
requires; more may come with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from datasette import hookimpl

from .answers import DATABASE, json_response
from .memento import origin
from .queries import PARAMETERS, written
from .wording import web_address

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
    parameters it takes, and what its JSON has: names and their JSON types."""

    path: str
    zh: str
    en: str
    endings: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    has: tuple[tuple[str, str], ...] = ()

    @property
    def is_raw(self):
        """Whether Datasette itself answers, which calls its CSV plain text."""
        return self.path.startswith(f"/{DATABASE}")

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
}
# Parameters besides those of the queries: words, English, an example.
ASKED = {
    "q": ("要找的字词，空格为并且，引号内为整句", "words; quotes make a phrase"),
    "region": ("区划代码或地名", "division code or name"),
    "level": ("层级", "central, province, prefecture, county, township"),
    "year": ("年度，或 2019-2023", "a year, or 2019-2023"),
    "form": ("表式", "2021, 2019, stats2014, narrative, mixed"),
    "finding": ("核验结果", "failed, publisher, parser, undecided, edited, vanished"),
    "page": ("第几页，从 1 起", "page, from 1"),
    "kind": ("动态的种类", "new, edited, vanished, back, moved, suspect"),
    "division": ("区划代码", "division code"),
    "portal": ("站点编号", "id of a portal"),
    "state": ("状态", "state, see the table coverage"),
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
TABLE = (("rows", "array"), ("columns", "array"), ("truncated", "boolean"))
REFUSED = (("status", "error"), ("status", "reason"), ("errors",))
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
        has=(("issuer", "object"), ("reports", "array"), ("names", "array"), ("links", "array")),
    ),
    Address(
        "/r/{issuer}/{year}",
        "一份年报的现行版本：各格、格注、各章、核验、抓取、版本、改动",
        "a report, current version: cells, notes, chapters, findings, captures, versions, changes",
        ("json", "csv"),
        has=RECORD,
    ),
    Address(
        "/r/{issuer}/{year}/{digest}",
        "一份年报的某一版本，内容不再改变",
        "a version; its content never changes",
        ("json", "csv", "bib", "ris", "cite.txt"),
        has=RECORD,
    ),
    Address(
        "/r/{issuer}/{year}/{digest}/diff/{other_digest}",
        "同一年报两版的不同",
        "what differs between two versions",
        ("json", "csv"),
    ),
    Address(
        "/r/{issuer}/{year}/diff/{other_year}",
        "同一机关两年的不同",
        "what differs between two years of a body",
        ("json", "csv"),
    ),
    Address(
        "/search",
        "搜索机关、标题、正文",
        "search names, titles and texts",
        ("json", "csv"),
        ("q", "region", "level", "year", "form", "finding", "page"),
    ),
    Address(
        "/changes",
        "动态：新见、改动、下线、恢复、迁移",
        "events: new, edited, vanished, back, moved",
        ("json", "csv", "atom"),
        ("kind", "page"),
        (("changes", "array"), ("more", "boolean")),
    ),
    Address(
        "/coverage",
        "覆盖：各机关各年度的状态",
        "coverage: the state of each body and year",
        ("json", "csv"),
        ("division", "level", "portal", "year", "state"),
        (("totals", "array"), ("bodies", "array"), ("more", "boolean")),
    ),
    Address(
        "/coverage/health",
        "抓取状况：各夜、各站点",
        "health of the crawl by night and portal",
        ("json", "csv"),
        ("division", "level", "portal", "state"),
        (("nights", "array"),),
    ),
    Address(
        "/compare",
        "比较：指标或数字、机关或地区、年度；须有 metric 或 figure，以及 body、level 或 region",
        "compare metrics or figures, bodies or a region, years; needs a metric or figure, and a "
        "body, level or region",
        ("json", "csv"),
        ("metric", "figure", "body", "level", "region", "from", "to"),
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
        "name": name,
        "in": "query",
        "required": is_needed,
        "description": f"{words[1]} {words[0]}",
        "schema": {"type": "string"},
    }


def shared(name):
    return {"$ref": f"#/components/parameters/{name}"}


def answered(ending, has, is_raw):
    if ending != "json":
        kind = "text/plain" if is_raw else MEDIA[ending]
        return {kind: {"schema": {"type": "string"}}}
    schema = {"type": "object"}
    if has:
        schema["required"] = [name for name, _ in has]
        schema["properties"] = {name: {"type": kind} for name, kind in has}
    return {MEDIA["json"]: {"schema": schema}}


def operation(name, summary, parameters, ending, has, is_raw):
    return {
        "get": {
            "operationId": f"{name}_{ending.replace('.', '_')}",
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": {"description": "OK", "content": answered(ending, has, is_raw)},
                "default": {"$ref": "#/components/responses/Refusal"},
            },
        }
    }


def document(base, queries, licence="", licence_url="", contact=""):
    """The description of the API of the site at `base`, with the questions it offers."""
    paths = {}
    for address in ADDRESSES:
        places = [shared(f"in_{name}") for name in PLACES if f"{{{name}}}" in address.path]
        given = [shared(name) for name in address.parameters]
        for ending in address.endings:
            paths[f"{address.path}.{ending}"] = operation(
                address.name,
                f"{address.en} {address.zh}",
                places + given,
                ending,
                address.has,
                address.is_raw,
            )
    for name, query in queries.items():
        given = [asked(p, PARAMETERS[p], p in query["needed"]) for p in query["params"]]
        shape = [shared("_shape")]
        for ending, more in (("json", shape), ("csv", [])):
            paths[f"/{DATABASE}/{name}.{ending}"] = operation(
                name, f"{query['title_en']} {query['title']}", given + more, ending, TABLE, True
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
        "required": ["ok"],
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
        "anyOf": [{"required": [*names]} for names in REFUSED],
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
            "responses": {
                "Refusal": {
                    "description": "Refused or not there. Of addresses that end in .json in this "
                    "shape, of others as a page",
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}
                    },
                }
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
