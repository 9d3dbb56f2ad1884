"""The search page: bodies and reports that hold the words, filters, and what may be meant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote

from datasette import Response, hookimpl
from markupsafe import Markup

from . import found, named
from .answers import (
    DATABASE,
    csv_refusal,
    csv_response,
    json_response,
    page,
    refusal,
    remembered,
    rows,
)
from .asked import (
    FINDINGS,
    FORMS,
    LEVELS,
    LONGEST_QUERY,
    MOST_HITS,
    PARAMETERS,
    Asked,
    Wrong,
    as_simplified,
    read,
)
from .divisions import CENTRAL, places_named, significant, whole_code
from .wording import visible, wording

BODIES_SHOWN = 8
MOST_PLACES = 12
# Under these four a county's code has no prefecture between.
MUNICIPALITIES = ("11", "12", "31", "50")
RESULT = (
    "report_id", "version_id", "issuer_id", "issuer_name", "title", "year", "status", "level",
    "division", "form", "findings", "path", "found_in", "snippet",
)  # fmt: skip
OPENSEARCH = """\
<?xml version="1.0" encoding="UTF-8"?>
<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">
<ShortName>年报档案</ShortName>
<Description>搜索政府信息公开工作年度报告：机关、标题、正文</Description>
<InputEncoding>UTF-8</InputEncoding>
<OutputEncoding>UTF-8</OutputEncoding>
<Language>zh-CN</Language>
<Image width="16" height="16" type="image/svg+xml">{mark}</Image>
<Url type="text/html" template="{search}?q={{searchTerms}}&amp;page={{startPage?}}"/>
<Url type="application/json" template="{search}.json?q={{searchTerms}}&amp;page={{startPage?}}"/>
<Url type="text/csv" template="{search}.csv?q={{searchTerms}}&amp;page={{startPage?}}"/>
<Url type="application/x-suggestions+json" rel="suggestions"
 template="{search}/suggest?q={{searchTerms}}"/>
<Query role="example" searchTerms="教育局"/>
</OpenSearchDescription>
"""


@dataclass
class Result:
    """What a search found: reports of one page and of all, bodies, and what may be meant."""

    found: found.Found
    hits: list[dict] = field(default_factory=list)
    facets: dict = field(default_factory=dict)
    bodies: list[dict] = field(default_factory=list)
    body_count: int = 0
    all_bodies: bool = True
    # What the bodies shown are called, where no body is called what was asked for.
    meant: list[str] = field(default_factory=list)
    in_time: bool = True

    def marked(self, response):
        """The answer with this result, not to be kept where time ran out: the next may be whole."""
        if not self.in_time:
            response.headers["cache-control"] = "no-store"
        return response


def look_up(asked, limit_ms):
    """A reader of all that a search finds; hits, bodies and snippets each within the limit."""

    def read_result(connection):
        result = Result(found.find(connection, asked, limit_ms))
        ids = result.found.ids[(asked.page - 1) * asked.size : asked.page * asked.size]
        result.hits, has_snippets = found.shown(
            connection, ids, result.found.places, asked.words, limit_ms
        )
        result.in_time = has_snippets and not result.found.slow
        result.facets = found.counts(connection, result.found.ids)
        try:
            with found.within(connection, limit_ms) as check:
                name_bodies(connection, asked, result, check)
        except found.OutOfTime:
            result.all_bodies = result.in_time = False
        result.body_count = len(result.bodies)
        result.bodies = result.bodies[: named.MOST_BODIES]
        return result

    return read_result


def name_bodies(connection, asked, result, check):
    """Note the bodies that a search names or may mean in its result."""
    if not asked.words:
        return
    result.bodies, result.all_bodies = named.by_words(connection, asked)
    if result.bodies and not result.found.ids:
        texts, years = named.named(asked)
        if texts != [word.text for word in asked.words]:
            result.meant = [" ".join([*texts, *years])]
    elif not result.bodies:
        result.bodies, result.meant = named.by_spelling(connection, asked)
    if not result.bodies and (not result.found.ids or named.namelike(asked)):
        result.bodies, result.meant = named.by_likeness(connection, asked, check)


# --- places ---------------------------------------------------------------------------------------


async def region_of(database, asked):
    """The search with its region as a code; a place may be given by its name. Raises Wrong."""
    if not asked.region or (asked.region.isascii() and asked.region.isdigit()):
        return asked
    if asked.region in ("中央", "全国"):
        return replace(asked, region=CENTRAL if asked.region == "中央" else "")
    places = [p for p in await places_named(database, asked.region, 20) if len(p["code"]) == 6]
    if not places:
        raise Wrong(
            f"region={asked.region}：没有这个省、市、县。请写名称（朔州市）或代码（1406）。"
        )
    if len(places) > 1:
        codes = "、".join(f"{p['code']}（{p['above'] or ''}{p['name']}）" for p in places)
        raise Wrong(f"region={asked.region}：同名的区划有 {len(places)} 个，请写代码：{codes}。")
    return replace(asked, region=significant(places[0]["code"]))


async def place_names(database, codes):
    found_names = await rows(
        database,
        f"select code, name from divisions where code in ({found.placeholders(codes)})",
        *map(whole_code, codes),
    )
    known = {place["code"]: place["name"] for place in found_names}
    known[whole_code(CENTRAL)] = "中央"
    return {code: known.get(whole_code(code), code) for code in codes}


def steps(region):
    """The codes of a region and those above it, from the province down."""
    ends = (2, 6) if region[:2] in MUNICIPALITIES else (2, 4, 6)
    return [region[:end] for end in ends if len(region) >= end]


def below(region, divisions):
    """How many hits lie in each place just below a region."""
    places = {}
    for division, count in divisions.items():
        if division and division.startswith(region):
            code = next((code for code in steps(division) if len(code) > len(region)), None)
            if code and len(region) < 6 and (len(code) == 2 or not code.endswith("00")):
                places[code] = places.get(code, 0) + count
    return sorted(places.items(), key=lambda pair: (-pair[1], pair[0]))


# --- the answers ----------------------------------------------------------------------------------


async def facets_of(database, asked, result):
    """The filters that would narrow a search, with how many of the hits at hand each leaves.

    Where not all hits are at hand, all the archive's years are offered; None counts unknown ones.
    """

    def facet(name, title, values):
        chosen = [value for value in values if value["count"] or value["count"] is None]
        return {"name": name, "title": title, "values": chosen}

    def value(code, label, count, **change):
        return {"value": code, "label": label, "count": count, "path": asked.address(**change)}

    counted = result.facets
    years = set(filter(None, counted["year"]))
    if not result.found.complete:
        known = await remembered(database, "select distinct year from search_docs")
        years |= {
            str(line["year"])
            for line in known
            if line["year"]
            and (asked.first_year or 0) <= line["year"] <= (asked.last_year or line["year"])
        }
    places = below(asked.region, counted["division"])[:MOST_PLACES]
    names = await place_names(database, [code for code, _ in places])
    facets = [
        facet(
            "year",
            "年度",
            [
                value(
                    year,
                    year,
                    counted["year"][year] or None,
                    first_year=int(year),
                    last_year=int(year),
                )
                for year in sorted(years, reverse=True)
            ],
        ),
        facet(
            "region",
            "地区",
            [value(code, names[code], count, region=code) for code, count in places],
        ),
        facet(
            "level",
            "层级",
            [
                value(level, wording(level, "level"), counted["level"][level], level=level)
                for level in LEVELS
            ],
        ),
        facet(
            "form",
            "表式",
            [
                value(form, wording(form, "form"), counted["form"][form], form=form)
                for form in FORMS
            ],
        ),
        facet(
            "finding",
            "核验与改动",
            [
                value(code, label, counted["findings"][code], findings=(*asked.findings, code))
                for code, label in FINDINGS.items()
                if code not in asked.findings
            ],
        ),
    ]
    # A filter that leaves everything is none.
    return [
        facet
        for facet in facets
        if len(facet["values"]) > 1
        or (facet["values"] and not result.found.complete)
        or any(value["count"] < len(result.found.ids) for value in facet["values"])
    ]


async def chosen_of(database, asked):
    """The filters of a search in words, each with the address of the search without it."""
    names = await place_names(database, steps(asked.region))
    chosen = [
        (f"{asked.years} 年", {"first_year": None, "last_year": None}) if asked.years else None,
        ("".join(names.values()), {"region": ""}) if asked.region else None,
        (wording(asked.level, "level"), {"level": ""}) if asked.level else None,
        (wording(asked.form, "form"), {"form": ""}) if asked.form else None,
        *(
            (FINDINGS[x], {"findings": tuple(y for y in asked.findings if y != x)})
            for x in asked.findings
        ),
    ]
    return [{"label": c[0], "path": asked.address(**c[1])} for c in chosen if c]


def highlighted(pieces):
    """(is a hit, text) pieces as HTML."""
    return Markup(
        visible(
            "".join(f"<mark>{escape(text)}</mark>" if hit else escape(text) for hit, text in pieces)
        )
    )


def plain(pieces):
    return "".join(text for _, text in pieces)


def marks(pieces):
    """Where the hits stand in the plain text of pieces: [from, to) pairs."""
    found_marks, at = [], 0
    for hit, text in pieces:
        if hit:
            found_marks.append([at, at + len(text)])
        at += len(text)
    return found_marks


def result_row(hit):
    return {
        **{name: hit[name] for name in found.COLUMNS},
        "path": f"/r/{hit['report_id']}",
        "found_in": hit["found_in"],
        "snippet": "".join(plain(pieces) for _, _, pieces in hit["snippets"]),
        "snippets": [
            {
                "section": number,
                "heading": heading,
                "text": plain(pieces),
                "marks": marks(pieces),
            }
            for number, heading, pieces in hit["snippets"]
        ],
    }


def body_row(body):
    names = ("issuer_id", "name", "level", "division", "place", "reports")
    return {
        **{name: body[name] for name in names},
        "former_name": not body["current"],
        "first_year": body["first_year"],
        "last_year": body["last_year"],
        "path": f"/r/{body['issuer_id']}",
    }


async def search(datasette, request):
    database = datasette.get_database(DATABASE)
    form = request.url_vars.get("format")
    unknown = [name for name in request.args if name not in (*PARAMETERS, "bom")]
    asked, wrong = Asked(query=(request.args.get("q") or "").strip()[:LONGEST_QUERY]), ""
    try:
        if unknown and form:
            known = "、".join(PARAMETERS)
            raise Wrong(f"{unknown[0][:40]}：没有这个参数。可用的是 {known}。")
        asked = await region_of(database, read(request.args.getlist))
    except Wrong as error:
        if form:
            return refusal(form, str(error))
        wrong = str(error)
    if wrong:
        result = Result(found.Found())
    else:
        result = await database.execute_fn(look_up(asked, datasette.setting("sql_time_limit_ms")))
    count = len(result.found.ids)
    pages = -(-count // asked.size)
    # More is read only for whoever turns so far; what took too long once does so again.
    ended = result.found.complete or result.found.slow
    last = asked.page >= (pages if ended else -(-MOST_HITS // asked.size))
    if form == "csv":
        if result.found.slow:
            return csv_refusal("这次查找到时限为止，可能还有。请以 region、level、year 缩小范围。")
        lines = [
            row | {"findings": " ".join(row["findings"])} for row in map(result_row, result.hits)
        ]
        # Behind the last page of what is not all, the next one says so.
        more = not last or not result.found.complete
        mark = bool(request.args.get("bom"))
        following = asked.address(request.path, page=asked.page + 1) + "&bom=1" * mark
        return result.marked(
            csv_response(lines, RESULT, "search.csv", mark, following if more else None)
        )
    facets = await facets_of(database, asked, result) if count else []
    meant = [
        {"text": text, "path": f"/search?q={quote(text)}"}
        for text in result.meant
        if text != asked.query
    ]
    simple, literal = as_simplified(asked.query) or (None, asked.query)
    if form == "json":
        answer = json_response(
            {
                "query": asked.query,
                "simplified": simple,
                "words": [word.text for word in asked.words],
                "without": [word.text for word in asked.without],
                "region": asked.region or None,
                "level": asked.level or None,
                "year": asked.years or None,
                "form": asked.form or None,
                "finding": list(asked.findings),
                "count": count,
                "complete": result.found.complete,
                "page": asked.page,
                "pages": max(1, pages),
                "size": asked.size,
                "next": None if last else asked.address("/search.json", page=asked.page + 1),
                "did_you_mean": meant,
                "bodies": [body_row(body) for body in result.bodies],
                "bodies_count": result.body_count,
                "bodies_complete": result.all_bodies,
                "facets": {facet["name"]: facet["values"] for facet in facets},
                "results": [result_row(hit) for hit in result.hits],
            }
        )
        return result.marked(answer)
    provinces = await remembered(
        database,
        "select substr(code, 1, 2) as code, name from divisions where level = 'province' "
        "and until_year is null order by code",
    )
    response = await page(
        datasette,
        request,
        "search.html",
        query_text=asked.query,
        asked=asked,
        simple=simple,
        literal=asked.address(query=literal) if len(literal) <= LONGEST_QUERY else None,
        wrong=wrong,
        ignored=unknown[:3],
        result=result,
        hits=result.hits,
        bodies=result.bodies,
        bodies_shown=BODIES_SHOWN,
        meant=meant,
        count=count,
        pages=pages,
        last=last,
        first=(asked.page - 1) * asked.size + 1,
        facets=facets,
        chosen=[] if wrong else await chosen_of(database, asked),
        provinces=[{"code": CENTRAL, "name": "中央"}, *provinces],
        region_steps=await place_names(database, steps(asked.region)) if asked.region else {},
        levels=LEVELS,
        forms=FORMS,
        findings=FINDINGS,
    )
    response.status = 400 if wrong else 200
    return result.marked(response)


async def suggest(datasette, request):
    """Names of bodies that hold what has been typed so far, as browsers ask (OpenSearch
    Suggestions 1.1: what was typed, names, descriptions, addresses)."""
    typed = (request.args.get("q") or "").strip()
    try:
        asked = read(lambda name: [typed] * (name == "q"))
    except Wrong:
        asked = Asked()

    limit_ms = datasette.setting("sql_time_limit_ms")

    def read_names(connection):
        result = Result(found.Found())
        try:
            with found.within(connection, limit_ms):
                bodies, _ = named.by_words(connection, asked)
                result.bodies = bodies or named.by_spelling(connection, asked)[0]
        except found.OutOfTime:
            result.in_time = False
        return result

    database = datasette.get_database(DATABASE)
    result = await database.execute_fn(read_names) if asked.words else Result(found.Found())
    bodies = result.bodies[:BODIES_SHOWN]
    answer = json_response(
        [
            typed,
            [body["name"] for body in bodies],
            [body["place"] or "" for body in bodies],
            [datasette.absolute_url(request, f"/r/{quote(body['issuer_id'])}") for body in bodies],
        ]
    )
    answer.content_type = "application/x-suggestions+json; charset=utf-8"
    return result.marked(answer)


async def opensearch(datasette, request):
    text = OPENSEARCH.format(
        mark=datasette.absolute_url(request, "/static/mark.svg"),
        search=datasette.absolute_url(request, "/search"),
    )
    return Response(text, content_type="application/opensearchdescription+xml; charset=utf-8")


@hookimpl
def prepare_jinja2_environment(env):
    env.filters["highlighted"] = highlighted


@hookimpl
def register_routes():
    return [
        (r"^/search(?:\.(?P<format>json|csv))?$", search),
        (r"^/search/suggest$", suggest),
        (r"^/opensearch\.xml$", opensearch),
    ]
