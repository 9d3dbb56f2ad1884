"""python -m tests.bare_site DATABASE --port N: the main query of each page, and nothing around it.

What `tests.bench_site` holds the site against: Starlette, one read-only connection, one template
that lists rows. The addresses are those of the site.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

Asked = tuple[str, Sequence[object]]

TEMPLATE = Environment(autoescape=True).from_string(
    "<!doctype html><meta charset=utf-8><title>{{ title }}</title>"
    "{% for rows in tables %}<table>{% for row in rows %}<tr>"
    "{% for value in row %}<td>{{ value }}</td>{% endfor %}</tr>{% endfor %}</table>{% endfor %}"
)
# Rows of a page, as on the site.
BODIES, LINES, HITS = 50, 50, 20
FIGURES = (
    "requests.received_new.total",
    "requests.concluded_total.total",
    "requests.granted.total",
    "requests.granted_partial.total",
    "disputes.review.total",
    "disputes.litigation_direct.total",
    "disputes.litigation_after_review.total",
)
CHARTED = ", ".join("figures." + key.replace(".", "__") for key in FIGURES)


def marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def home(request: Request) -> list[Asked]:
    return [
        (f"select year, field, total from national where field in ({marks(FIGURES)})", FIGURES),
        ("select * from events where kind = 'new' order by at desc limit 6", ()),
    ]


def body(request: Request) -> list[Asked]:
    return [
        (
            f"""
            select reports.year, reports.title, reports.status, reports.form, reports.published_on,
                {CHARTED}
            from reports left join figures on figures.version_id = reports.current_version
            where issuer_id = ? order by reports.year desc
            """,
            [unquote(request.path_params["issuer"])],
        )
    ]


def report(request: Request) -> list[Asked]:
    name = [f"{unquote(request.path_params['issuer'])}/{request.path_params['year']}"]
    return [
        (
            f"select {table}.* from reports join {table} on version_id = current_version "
            "where reports.id = ?",
            name,
        )
        for table in ("figures", "sections")
    ]


def compare(request: Request) -> list[Asked]:
    asked = request.query_params
    metric = asked["metric"]
    columns = f"""
        select measures.year, issuers.name, measures.form, measures."{metric}",
            measures."{metric}__n"
        from measures cross join issuers on issuers.id = measures.issuer_id
        """
    if bodies := asked.getlist("body"):
        return [
            (
                f"{columns} where issuer_id in ({marks(bodies)}) order by year desc, issuer_id",
                bodies,
            )
        ]
    year, region = int(asked["from"]), asked["region"]
    return [
        (
            f"{columns} where year = ? and measures.level = ? and measures.division >= ? "
            f"and measures.division < ? order by 4 desc limit {LINES}",
            [year, asked["level"], region, region + ":"],
        )
    ]


def coverage(request: Request) -> list[Asked]:
    return [
        (
            f"""
            select issuers.name, coverage.year, coverage.state, coverage.on_time, coverage.evidence
            from coverage join issuers on issuers.id = coverage.issuer_id
            where issuer_id in (
                select distinct issuer_id from coverage where issuer_id > ?
                order by issuer_id limit {BODIES}
            ) order by issuer_id, year
            """,
            [request.query_params["after"]],
        )
    ]


def search(request: Request) -> list[Asked]:
    return [
        (
            f"""
            select report_id, issuer_name, title, year, status from (
                select rowid as id from search_fts where search_fts match ?
                order by rowid desc limit {HITS}
            ) join search_docs using (id)
            """,
            [f'"{request.query_params["q"]}"'],
        )
    ]


PAGES: Mapping[str, Callable[[Request], list[Asked]]] = {
    "/": home,
    "/r/{issuer}": body,
    "/r/{issuer}/{year}": report,
    "/compare": compare,
    "/coverage": coverage,
    "/search": search,
}


def site(database: Path) -> Starlette:
    """The application over a snapshot."""
    db = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)

    def answered(page: Callable[[Request], list[Asked]]) -> Callable[[Request], Awaitable[Any]]:
        async def answer(request: Request) -> HTMLResponse:
            tables = [db.execute(sql, values).fetchall() for sql, values in page(request)]
            return HTMLResponse(TEMPLATE.render(title=request.url.path, tables=tables))

        return answer

    return Starlette(routes=[Route(path, answered(page)) for path, page in PAGES.items()])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("database", type=Path)
    options.add_argument("--port", type=int, required=True)
    given = options.parse_args()
    uvicorn.run(site(given.database), host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
