"""What this archive is, and whom to ask."""

from __future__ import annotations

from datasette import hookimpl

from .answers import DATABASE, page
from .home import totals


async def about(datasette, request):
    settings = datasette.plugin_config("nianbao") or {}
    return await page(
        datasette,
        request,
        "about.html",
        section="about",
        contact=settings.get("contact") or "",
        totals=await totals(datasette.get_database(DATABASE)),
    )


@hookimpl
def register_routes():
    return [(r"^/about$", about)]
