"""年报自检: a draft is read and checked as the archive would, and nothing of it is kept.

The reading is done by a small server beside the site (`python -m archive selfcheck`), whose
address is in NIANBAO_SELFCHECK. Drafts pass through here without touching the disk or the log.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import os
import time
import traceback
from collections import Counter
from contextlib import suppress

import httpx
from datasette import Response, hookimpl

from .answers import DATABASE, first, json_response, remembered, rows
from .checks import check_groups, mark
from .differences import CHAPTERS
from .forms import FORM_YEARS, OUTCOMES, cell_drawer, tables_of, told_notes
from .record import all_fields

LOG = logging.getLogger("nianbao.site")

PATHS = ("/selfcheck", "/selfcheck.json")
SERVER = "NIANBAO_SELFCHECK"
# The header in which the proxy before the site names the reader's address; none unless told.
CLIENT_HEADER = "NIANBAO_CLIENT_HEADER"

MOST_BYTES = 10 << 20
FORM_BYTES = 64 << 10
# Of a draft that is too large, so much is received before it is refused: a browser that is cut
# off while it sends shows no answer at all.
DRAINED_BYTES, DRAINED_SECONDS = 48 << 20, 20
UPLOAD_SECONDS = 30
# Waiting for a place and reading together; the server ends both by itself before.
ANSWER_SECONDS = 240
MOST_ANSWER = 16 << 20
# An address may ask so often at once, then once in so many seconds, and have so many under way.
BURST, PERIOD, AT_ONCE = 10, 6.0, 2
MOST_ADDRESSES = 20_000

HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
TOO_LARGE = "稿件超过 10 MB，不予读取：请去掉图片，或只交正文和统计表。"
TOO_SLOW = "稿件在 30 秒内没有传完，请重试。"
TOO_OFTEN = "这一地址提交得太频繁，请稍候再试。"
TOO_MANY = "这一地址已有稿件正在检查，请等它检查完。"
ABSENT = "本站没有开通自检。"
SILENT = "自检服务暂时没有应答，请稍后再试。"
STOPPED = "稿件没有传完。"
OUR_FAULT = "这是本站的问题，请稍后再试。"
# Of words in a cell's place, so many characters.
LONGEST_WORDS = 40
MOST_LINES, MOST_CELLS = 100, 8
# Whose error a failure is, in the words of a draft.
BLAME = {
    "publisher": "稿件如此",
    "parser": "疑为本站读错",
    "undecided": "请核对稿件",
}


class Refused(Exception):
    """A draft that is not read: a status and what to tell whoever sent it."""

    def __init__(self, status, reason, retry_after=0):
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after


class Allowance:
    """How often each address may ask: a bucket of BURST tokens, one more every PERIOD seconds."""

    def __init__(self):
        self.tokens = {}
        self.under_way = Counter()

    def take(self, address, now):
        """Take a token at a moment in seconds. Raises Refused where there is none."""
        tokens, since = self.tokens.pop(address, (BURST, now))
        tokens = min(BURST, tokens + (now - since) / PERIOD)
        allowed = tokens >= 1
        self.tokens[address] = (tokens - allowed, now)
        while len(self.tokens) > MOST_ADDRESSES:
            # Whoever has not asked for longest has a full bucket again, or soon.
            del self.tokens[next(iter(self.tokens))]
        if not allowed:
            raise Refused(429, TOO_OFTEN, retry_after=int((1 - tokens) * PERIOD) + 1)

    def enter(self, address):
        """Begin with a draft, to be ended by `leave`. Raises Refused where too many are begun."""
        if self.under_way[address] >= AT_ONCE:
            raise Refused(429, TOO_MANY, retry_after=10)
        self.under_way[address] += 1

    def leave(self, address):
        self.under_way[address] -= 1
        self.under_way += Counter()  # drops what is at zero


ALLOWANCE = Allowance()


def address_of_reader(request, header):
    """Who asks, as far as it can be known: the last address in the proxy's header, or the peer's.

    Of IPv6 the network, for a reader has all of it. Without a header told, all that passed some
    proxy are one: what X-Forwarded-For says then is anybody's word, and uvicorn believes it.
    """
    if header:
        told = (request.headers.get(header.lower()) or "").rpartition(",")[2].strip()
    elif "x-forwarded-for" in request.headers:
        return "proxy"
    else:
        told = (request.scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Upload:
    """The body of a request, received in pieces within bounds of size and time."""

    def __init__(self, request):
        self.receive = request.receive
        self.has_ended = False

    async def piece(self):
        message = await self.receive()
        if message["type"] == "http.disconnect":
            self.has_ended = True
            raise Refused(400, STOPPED)
        self.has_ended = not message.get("more_body", False)
        return message.get("body", b"")

    async def pieces(self):
        """The draft as it comes in. Raises Refused where it is too large or too slow."""
        size, until = 0, time.monotonic() + UPLOAD_SECONDS
        while not self.has_ended:
            try:
                left = max(0.0, until - time.monotonic())
                piece = await asyncio.wait_for(self.piece(), left)
            except TimeoutError:
                raise Refused(408, TOO_SLOW) from None
            size += len(piece)
            if size > MOST_BYTES + FORM_BYTES:
                raise Refused(413, TOO_LARGE)
            yield piece

    async def drain(self):
        """Receive what is left of a refused draft, up to a bound, and forget it."""
        size = 0
        with suppress(TimeoutError, Refused):
            async with asyncio.timeout(DRAINED_SECONDS):
                while not self.has_ended and size < DRAINED_BYTES:
                    size += len(await self.piece())


async def asked(server, path, content, headers):
    """What the server beside the site answers to a POST, as (status, headers, JSON)."""
    # Without the environment: a proxy set there would get the draft. No TLS: it is on loopback.
    transport = httpx.AsyncHTTPTransport(verify=False, trust_env=False)
    seconds = httpx.Timeout(ANSWER_SECONDS, connect=5.0)
    try:
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False, timeout=seconds) as client,
            client.stream("POST", server + path, content=content, headers=headers) as response,
        ):
            answer = bytearray()
            async for block in response.aiter_raw():
                answer += block
                if len(answer) > MOST_ANSWER:
                    raise Refused(502, SILENT)
        return response.status_code, response.headers, json.loads(answer)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise Refused(503, SILENT, retry_after=30) from None


async def reading_of(datasette, request, draft, server):
    """The JSON of the draft in a request; beside last year's report where that was asked for."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MOST_BYTES + FORM_BYTES:
        raise Refused(413, TOO_LARGE)
    headers = {"content-type": request.headers.get("content-type") or "application/octet-stream"}
    if declared:
        headers["content-length"] = declared
    status, told_headers, told = await asked(server, "/", draft.pieces(), headers)
    if status != 200:
        after = told_headers.get("retry-after", "")
        raise Refused(status, told.get("error", SILENT), int(after) if after.isdecimal() else 0)
    wishes = told.pop("asked", {})
    told["last_year"] = None
    if wishes.get("last_year") and told["is_report"]:
        told["last_year"] = await beside(datasette, server, told, wishes.get("issuer", "").strip())
    return told


async def beside(datasette, server, told, issuer_id):
    """Last year's report of the same body: its path and how the draft stands beside it, or why
    there is none to compare."""
    database = datasette.get_database(DATABASE)
    if not told["year"] or not (told["issuer"] or issuer_id):
        return {"reason": "没有认出机关和年度，无从对照。"}
    if issuer_id:
        found = await rows(
            database, "select id, name, division from issuers where id = ?", issuer_id
        )
    else:
        found = await rows(
            database,
            "select id, name, division from issuers where name = ? limit 20",
            told["issuer"],
        )
        place = (told["body"] or {}).get("division")
        found = [one for one in found if place and one["division"] == place] or found
    if not found:
        return {"reason": "本档案里没有这一机关。"}
    if len(found) > 1:
        ids = "、".join(one["id"] for one in found)
        return {"reason": f"本档案里有 {len(found)} 个同名机关（{ids}），请填写机关编号。"}
    year = told["year"] - 1
    report = await first(
        database,
        "select id, current_version, form from reports where id = ?",
        f"{found[0]['id']}/{year}",
    )
    if report is None:
        return {"reason": f"本档案里没有{found[0]['name']} {year} 年度的年报。"}
    before = await stored(database, report)
    question = {
        **{name: told[name] for name in ("year", "cells", "sections")},
        "before": before,
    }
    body = json.dumps(question).encode()
    headers = {"content-type": "application/json"}
    status, _, findings = await asked(server, "/beside", body, headers)
    if status != 200:
        return {"reason": findings.get("error", SILENT)}
    told["findings"] += findings
    path = f"/r/{report['current_version']}"
    return {"report": report["id"], "path": path, "name": found[0]["name"], "year": year}


async def stored(database, report):
    """The cells and sections of a report's current version, as the JSON of a reading has them."""
    version = report["current_version"]
    figures = await first(database, "select * from figures where version_id = ?", version) or {}
    years = set(FORM_YEARS.get(report["form"] or "", ()))
    return {
        "cells": {
            field["key"]: None
            if figures.get(field["flat"]) is None
            else str(figures[field["flat"]])
            for field in await all_fields(database)
            if field["years"] & years
        },
        "sections": await rows(
            database,
            "select number, heading, text from sections where version_id = ? order by number",
            version,
        ),
    }


async def shown(datasette, told):
    """What the page says of a reading: its tables drawn, its findings in groups, what it lacks."""
    database = datasette.get_database(DATABASE)
    all_of_them = await all_fields(database)
    fields = {field["key"]: field for field in all_of_them}
    rules = {
        rule["id"]: rule
        for rule in await remembered(database, "select id, formula, level, basis from identities")
    }
    figures = {fields[key]["flat"]: value for key, value in told["cells"].items() if key in fields}
    notes = {
        key: {"confidence": None, **note} for key, note in told["notes"].items() if key in fields
    }
    findings = []
    times = Counter()
    for found in told["findings"]:
        rule = rules.get(found["rule"], {"formula": None, "level": None, "basis": None})
        times[found["rule"]] += 1
        count = times[found["rule"]]
        anchor = found["rule"] + (f"-{count}" if count > 1 else "")
        findings.append({**rule, **found, "anchor": anchor})
    failed = mark(findings, fields, figures)
    for finding in findings:
        # Where the sum is not written out, the cells are named.
        named = () if finding.get("terms") else finding["cells"][:MOST_CELLS]
        finding["where"] = [fields[key] for key in named if key in fields]
    drawn = set()
    draw = cell_drawer(figures, notes, failed, set(), {}, drawn, LONGEST_WORDS)
    tables = tables_of(told["form"], all_of_them, draw, figures, notes)
    noted = [field for field in all_of_them if field["key"] in drawn]
    have = {section["number"] for section in told["sections"]}
    has_chapters = told["form"] in ("2021", "2019", "mixed")
    groups = check_groups(findings)
    return {
        "told": told,
        "tables": tables,
        "checks": groups,
        "failures": sum(len(group["fail"]) for group in groups),
        "marked": bool(failed),
        "located": any(finding["mending"] for found in failed.values() for finding in found),
        "told_notes": told_notes(notes, noted, figures),
        "missing_chapters": [
            name for number, name in CHAPTERS.items() if number and number not in have
        ]
        if has_chapters
        else [],
        "chapters_found": len(have - {0}),
        "absent_tables": [name for name, table in tables.items() if not table["found"]],
        "recognised": sum(note["state"] == "ocr" for note in notes.values()),
        "cells_read": sum(value is not None for value in told["cells"].values()),
        "blames": BLAME,
        "most_lines": MOST_LINES,
        "outcomes": OUTCOMES,
    }


async def answer_page(datasette, request, status=200, headers=None, **context):
    context = {
        "available": bool(os.environ.get(SERVER)),
        "base": datasette.absolute_url(request, "/selfcheck.json"),
        "section": "selfcheck",
        **context,
    }
    html = await datasette.render_template("selfcheck.html", context, request=request)
    return Response.html(html, status=status, headers={**HEADERS, **(headers or {})})


def answer_json(body, status=200, headers=None):
    response = json_response(body, status)
    response.headers.update({**HEADERS, **(headers or {})})
    return response


async def selfcheck(datasette, request):
    wants_json = request.path.endswith(".json")
    server = os.environ.get(SERVER, "").rstrip("/")
    if request.method != "POST":
        if wants_json:
            return answer_json(
                {"ok": bool(server), "error": None if server else ABSENT, "method": "POST"}
            )
        return await answer_page(datasette, request)
    draft = Upload(request)
    try:
        if not server:
            raise Refused(503, ABSENT)
        address = address_of_reader(request, os.environ.get(CLIENT_HEADER))
        ALLOWANCE.take(address, time.monotonic())
        ALLOWANCE.enter(address)
        try:
            told = await reading_of(datasette, request, draft, server)
            context = {} if wants_json else await shown(datasette, told)
        finally:
            ALLOWANCE.leave(address)
    except Exception as error:
        if not isinstance(error, Refused):
            # Its message may quote the draft: the log gets the kind and the place.
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error(
                "no self-check: %s, %s line %s", type(error).__name__, place.name, place.lineno
            )
        refused = error if isinstance(error, Refused) else Refused(500, OUR_FAULT)
        await draft.drain()
        headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
        if wants_json:
            body = {"ok": False, "status": refused.status, "error": str(refused)}
            return answer_json(body, refused.status, headers)
        return await answer_page(datasette, request, refused.status, headers, refused=str(refused))
    if wants_json:
        return answer_json(told)
    return await answer_page(datasette, request, **context)


@hookimpl
def skip_csrf(scope):
    # A POST from another site does no harm: there is no account, nothing is stored, the answer is
    # shown to nobody but the sender, and the sender's address pays for it. A token would mean a
    # cookie, and a page of its own for every reader.
    return scope["path"] in PATHS


@hookimpl
def register_routes():
    return [(r"^/selfcheck(?:\.json)?$", selfcheck)]
