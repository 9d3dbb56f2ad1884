"""Where does an address below /r/ lead that this snapshot lacks: elsewhere, or why is it gone?

Pages raise a plain 404; this answers in its place whatever was public once. What the table of
redirects says is for good: 301. What only captures or the links between bodies tell is 302: a
better reading may ascribe them anew.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from datasette import Response, hookimpl
from datasette.utils.asgi import NotFound
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of, first, refusal, rows

ADDRESS = re.compile(
    r"/r/(?P<issuer>[^/]+?)(?:/(?P<year>\d{4})(?:/(?P<digest>[0-9A-Fa-f]{12,64}))?)?"
    r"(?P<form>\.json|\.csv|\.txt|(?<!/\d{4})\.atom|(?<=[0-9A-Fa-f]{12})/original(?:/raw(?:/\d{14})?)?)?"
)
TARGET = re.compile(r"[^/\x00-\x1f\\]+/\d{4}(?:/[0-9a-f]{12,64})?")
NAME_LENGTH = 12
# A chain of rebuilds, each with its own redirect; a circle ends here too.
MOST_STEPS = 20
MOST_KNOWN = 200
UNTOLD = "原因没有记录。"
UNREAD = "本档案存有这一摘要的抓取，但它现在不显示任何年报的版本。"
BROKEN = "登记的去处如今也不在本档案中。"
NO_PAGE = "这个编号曾指一个机关，如今本档案中没有以此编号公布的年报。"


def prefix(column):
    """A condition on what begins with a text, such that an index serves it."""
    return f"{column} >= ? and {column} < ? || char(1114111)"


async def has(database, path):
    """Is there a report or a version of this name here?"""
    if path.count("/") < 2:
        return await first(database, "select 1 from reports where id = ?", path) is not None
    found = await first(
        database,
        "select 1 from versions join reports on reports.id = report_id where versions.id = ?",
        path,
    )
    return found is not None


async def followed(database, path):
    """The row of redirects for a path, `target` being where the chain ends; None without one.

    `target` is None where the chain ends nowhere: `final` when the table says so, and not when it
    is broken or goes in a circle.
    """
    reason = None
    for step in range(MOST_STEPS):
        found = await first(database, "select * from redirects where path = ?", path)
        if found is None and not step:
            return None
        if found is None:
            break
        reason = found["reason"] or reason
        if not found["target"]:
            return {"target": None, "reason": reason or UNTOLD, "final": True}
        path = found["target"]
        if not TARGET.fullmatch(path):
            break
        if await has(database, path):
            return {"target": path, "reason": reason, "final": True}
    return {"target": None, "reason": f"{reason or ''} {BROKEN}".strip(), "final": False}


async def showing(database, digest, report_id=None):
    """The version a capture's payload showed: of this report, or the only one there is."""
    found = await rows(
        database,
        f"""
        select distinct version_id from captures join versions on versions.id = version_id
        where {prefix("digest")} and (? is null or report_id = ?) limit 2
        """,
        digest,
        digest,
        report_id,
        report_id,
    )
    return found[0]["version_id"] if len(found) == 1 or (found and report_id) else None


async def the_same(database, issuer):
    """The body here that `issuer` is the same as, if the links name one."""
    found = await rows(
        database,
        """
        select issuers.id from issuer_links join issuers on issuers.id = other_id
        where issuer_id = ? and relation = 'same_as'
        union
        select issuers.id from issuer_links join issuers on issuers.id = issuer_id
        where other_id = ? and relation = 'same_as'
        """,
        issuer,
        issuer,
    )
    others = [row["id"] for row in found if row["id"] != issuer]
    return others[0] if len(others) == 1 else None


async def body_lead(database, issuer):
    """Where a body's page went, as (path, status, reason); path None with status 410 or 404."""
    if same := await the_same(database, issuer):
        return same, 302, None
    moved = await rows(
        database,
        f"select path, target from redirects where {prefix('path')} limit 10000",
        issuer + "/",
        issuer + "/",
    )
    homes = {row["target"].split("/")[0] for row in moved if row["target"]}
    if len(homes) == 1 and await first(database, "select id from issuers where id = ?", *homes):
        return homes.pop(), 302, None
    if moved:
        return None, 410, NO_PAGE
    if await first(
        database, "select 1 from issuer_links where issuer_id = ? or other_id = ?", issuer, issuer
    ):
        return None, 410, NO_PAGE
    return None, 404, None


async def record_lead(database, issuer, year, digest):
    """Where a report or a version went, as (path, status, reason)."""
    report_id = f"{issuer}/{year}"
    reason = None
    homes = []
    path = f"{report_id}/{digest[:NAME_LENGTH]}" if digest else report_id
    told = await followed(database, path)
    if told and told["target"]:
        return told["target"], 301, None
    reason = told and told["reason"]
    if told and told["final"]:
        return None, 410, reason
    if digest:
        whole = await followed(database, report_id)
        homes += [whole["target"]] if whole and whole["target"] else []
        reason = reason or (whole and not whole["target"] and whole["reason"])
    if same := await the_same(database, issuer):
        homes.append(f"{same}/{year}")
    for home in homes:
        if not digest:
            if await has(database, home):
                return home, 302, None
            continue
        name = f"{home}/{digest[:NAME_LENGTH]}"
        if await has(database, name):
            return name, 302, None
        if shown := await showing(database, digest, home):
            return shown, 302, None
    if digest:
        if shown := await showing(database, digest):
            return shown, 302, None
        if reason is None and await known_captures(database, digest):
            reason = UNREAD
    return None, (410 if reason else 404), reason


async def known_captures(database, digest):
    return await rows(
        database,
        f"""
        select digest, url, fetched_at, status, media_type, warc_file, "offset", record_type
        from captures where {prefix("digest")} order by fetched_at limit 20
        """,
        digest,
        digest,
    )


async def what_is_known(database, issuer, year, digest):
    """What this archive still holds around an address that is gone."""
    path = "/".join(filter(None, (issuer, year, digest and digest[:NAME_LENGTH])))
    moved = []
    if not digest:
        moved = await rows(
            database,
            f"select * from redirects where {prefix('path')} order by path limit {MOST_KNOWN}",
            path + "/",
            path + "/",
        )
        for row in moved:
            row["target"] = row["target"] if TARGET.fullmatch(row["target"] or "") else None
    links = await rows(
        database,
        """
        select issuer_links.*, one.name as issuer_name, other.name as body_name
        from issuer_links left join issuers as one on one.id = issuer_id
        left join issuers as other on other.id = other_id
        where issuer_id = ? or other_id = ? limit 50
        """,
        issuer,
        issuer,
    )
    body = await first(database, "select * from issuers where id = ?", issuer)
    report = year and await first(
        database, "select * from reports where id = ?", f"{issuer}/{year}"
    )
    captures = await known_captures(database, digest) if digest else []
    taken = await rows(
        database,
        "select path, date, reason from takedowns where path in (?, ?) order by path limit 1",
        f"{issuer}/{year}",
        path,
    )
    return {
        "path": path,
        "takedown": next(iter(taken), None),
        "issuer": body,
        "report": report or None,
        "moved": moved,
        "links": links,
        "captures": captures,
    }


async def gone(datasette, request, form, reason, known):
    """What was public once and is not here, as a page, JSON or a line: 410, why, what is known."""
    why = reason or UNTOLD
    if form == ".json":
        return refusal("json", why, 410, "已不在此处", reason=reason, **known)
    if form in (".csv", ".txt", ".atom"):
        return refusal(form, why, 410)
    page = await datasette.render_template(
        "gone.html", {"reason": reason, **known}, request=request
    )
    return Response.html(page, status=410)


async def answer(datasette, request, asked):
    database = datasette.get_database(DATABASE)
    issuer, year = unquote(asked["issuer"]), asked["year"]
    digest, form = (asked["digest"] or "").lower(), asked["form"] or ""
    if year:
        path, status, reason = await record_lead(database, issuer, year, digest)
    else:
        path, status, reason = await body_lead(database, issuer)
    if path is None:
        if status != 410:
            return None
        known = await what_is_known(database, issuer, year, digest)
        return await gone(datasette, request, form, reason, known)
    if form.startswith("/"):
        home = "/".join(path.split("/")[:2])
        # An original is named by its own digest; where no capture there has it, the version.
        if await showing(database, digest, home):
            path = f"{home}/{digest}"
        else:
            form = ""
    location = f"/r/{address_of(path)}{form}"
    if location == request.path:
        return None
    query = f"?{request.query_string}" if request.query_string else ""
    return Response.redirect(location + query, status=status)


@hookimpl(tryfirst=True)
def handle_exception(datasette, request, exception):
    missing = isinstance(exception, NotFound) or (
        isinstance(exception, DatasetteError) and exception.status == 404
    )
    asked = ADDRESS.fullmatch(request.path) if missing else None
    if asked is None:
        return None

    async def found():
        return await answer(datasette, request, asked)

    return found
