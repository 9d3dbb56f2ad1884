"""What this archive is, how it works, what it promises, and whom to ask."""

from __future__ import annotations

import re

from datasette import hookimpl

from .answers import DATABASE, page, rows
from .home import totals
from .memento import origin
from .snapshot import served
from .wording import web_address

MAIL = re.compile(r"[^@\s<>\"'?&]+@[^@\s<>\"'?&]+")


def linked(contact):
    """Where a contact leads: a web page, a mailbox, or nowhere (None) where it is mere words."""
    if web_address(contact):
        return contact
    return f"mailto:{contact}" if MAIL.fullmatch(contact) else None


async def about(datasette, request):
    settings = datasette.plugin_config("nianbao") or {}
    contact = str(settings.get("contact") or "")
    snapshot = served(datasette)
    return await page(
        datasette,
        request,
        "about.html",
        section="about",
        contact=contact,
        contact_link=linked(contact),
        proof_key=str(settings.get("proof_key") or ""),
        source_code=web_address(settings.get("source_code")),
        totals=await totals(datasette.get_database(DATABASE)),
        base=origin(datasette, request),
        moment=snapshot and snapshot.moment,
        takedowns=await rows(
            datasette.get_database(DATABASE),
            "select path, date, reason from takedowns order by date desc, path limit 200",
        ),
    )


@hookimpl
def register_routes():
    return [(r"^/about$", about)]
