"""Memento (RFC 7089): what did a report, or a page of a portal, say at a given time?

Two kinds of Original Resources. `/r/<issuer>/<year>` here: its Mementos are the versions, each
dated by when its content was first seen, and a moment is answered with the content that stood
then, also when it had come back. A portal's own address: its Mementos are its captures as
received, `/r/…/<digest>/original/raw/<YYYYMMDDhhmmss>`, and a moment is answered with the last
capture before it. What lies before the first is answered with the first.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from urllib.parse import quote, unquote, urlsplit

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError

from .answers import DATABASE, address_of, json_response, page, rows
from .wording import moment

STAMP = "%Y%m%d%H%M%S"
LINK_FORMAT = "application/link-format"
MEMENTOS_PER_TIMEMAP = 5000
MOST_TIMEMAPS = 100
LONGEST_ADDRESS = 2000
# An address that shows a list may have shown as many reports.
MOST_REPORTS = 20
REPORT = re.compile(r"/r/(?P<issuer>[^/]+)/(?P<year>\d{4})")
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"(\d{4}) (\d\d):(\d\d):(\d\d) GMT"
)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
# What `uri_text` encodes: an address captured with such characters is asked for without them.
ENCODED = re.compile(r"(?:%(?:[01][\da-f]|[89a-f][\da-f]|20|22|3c|3e|5c|5e|60|7b|7c|7d|7f))+", re.I)
MALFORMED = (
    "Accept-Datetime 不是 RFC 1123 的格林尼治时间，例如 Fri, 01 Mar 2024 18:00:00 GMT。"
    "It is no RFC 1123 date in GMT."
)
UNKNOWN = "本档案没有这个地址的存本。"


@dataclass(frozen=True, slots=True)
class Memento:
    """A state kept: when it was observed first (UTC), its path here, and of which version it is,
    by its number."""

    at: datetime
    path: str
    number: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Original:
    """An Original Resource: its address, its Mementos by time, and what stood from when on.

    `standing` pairs moments in order with indexes into `mementos`. Of `total` Mementos that fill
    `parts` TimeMaps, `mementos` are those of `part`, from 1.
    """

    uri: str
    mementos: tuple[Memento, ...]
    standing: tuple[tuple[datetime, int], ...]
    total: int = 0
    part: int = 1
    parts: int = 1

    def at(self, when):
        """The Memento that stood at a moment, None being now; the first for any time before it."""
        for memento in self.mementos if when else ():
            if memento.at == when:
                return memento
        place = len(self.standing) if when is None else bisect_right(self.standing, (when, 1 << 60))
        return self.mementos[self.standing[max(0, place - 1)][1]]


def http_date(when):
    """A UTC moment as HTTP dates are written (RFC 1123)."""
    return (
        f"{DAYS[when.weekday()]}, {when.day:02} {MONTHS[when.month - 1]} {when.year:04} "
        f"{when:%H:%M:%S} GMT"
    )


def asked_moment(text):
    """The moment an Accept-Datetime names, to the second; ValueError unless RFC 1123 in GMT."""
    found = DATE.fullmatch(text)
    if not found:
        raise ValueError(text)
    day, number, month, year, *clock = found.groups()
    when = datetime(
        int(year), MONTHS.index(month) + 1, int(number), *(int(part) for part in clock), tzinfo=UTC
    )
    if DAYS[when.weekday()] != day:
        raise ValueError(text)
    return when


def stored_moment(stamp):
    """A stored UTC time to the second, None where it is none."""
    when = moment(stamp)
    return when.astimezone(UTC).replace(microsecond=0) if when else None


def uri_text(address):
    """An address with every character that no address may hold percent-encoded."""
    return quote(str(address), safe=":/?#[]@!$&'()*+,;=-._~%")


def link(uri, rel, **attributes):
    """A link as headers and TimeMaps write it (RFC 8288)."""
    told = "".join(f'; {name}="{value}"' for name, value in attributes.items() if value)
    return f'<{uri_text(uri)}>; rel="{rel}"{told}'


def origin(datasette, request):
    return datasette.absolute_url(request, "/").rstrip("/")


def timegate(base, uri):
    """Where a moment of an Original Resource is asked for: a report of this site answers itself."""
    return uri if uri.startswith(f"{base}/r/") else f"{base}/timegate/{uri}"


def timemap(base, uri, form="link", part=1):
    number = f"{part}/" if part > 1 else ""
    return f"{base}/timemap/{form}/{number}{uri}"


async def report_versions(database, report_id):
    """The versions of a report in order, each with its report's current version and address."""
    return await rows(
        database,
        """
        select versions.id, versions.number, versions.first_seen, versions.media_type,
            reports.current_version, reports.url
        from versions join reports on reports.id = versions.report_id
        where report_id = ? order by versions.number
        """,
        report_id,
    )


async def report_original(database, base, report_id, versions=None):
    """A report as an Original Resource; None where none of its versions has a time."""
    versions = versions or await report_versions(database, report_id)
    dated = [(stored_moment(row["first_seen"]), row) for row in versions]
    dated = sorted(
        ((at, row) for at, row in dated if at), key=lambda pair: (pair[0], pair[1]["number"])
    )
    if not dated:
        return None
    events = []
    if len(dated) > 1:
        events = await rows(
            database,
            """
            select at, version_id from events
            where report_id = ? and kind in ('new', 'edited', 'back') order by position
            """,
            report_id,
        )
    return Original(
        f"{base}/r/{address_of(report_id)}",
        tuple(Memento(at, "/r/" + address_of(row["id"]), row["number"]) for at, row in dated),
        told_standing(
            [(at, row["id"]) for at, row in dated], events, versions[0]["current_version"]
        ),
        len(dated),
    )


def told_standing(dated, events, current):
    """From when on which version stood, of (moment, id) in order: by the events, each content
    from when it was first seen; and in the end the current one.

    What only another address shows, and no event tells of, never stood for the report.
    """
    places = {version: place for place, (_, version) in enumerate(dated)}
    standing = []
    met = set()
    for event in events:
        version, at = event["version_id"], stored_moment(event["at"])
        if version not in places or at is None:
            continue
        if version not in met:
            at = dated[places[version]][0]
        met.add(version)
        standing.append((at, places[version]))
    if not standing:
        standing = [(at, place) for place, (at, _) in enumerate(dated)]
    # Stable: of one moment the later event counts.
    standing.sort(key=lambda step: step[0])
    last = places.get(current, standing[-1][1])
    if standing[-1][1] != last:
        standing.append((max(standing[-1][0], dated[last][0]), last))
    return tuple(standing)


def spellings(address):
    """The few ways in which an address asked for may have been captured, the likeliest first."""
    address = re.sub(r"^(https?):/+", r"\1://", address, flags=re.IGNORECASE).split("#")[0]
    if len(address) > LONGEST_ADDRESS or not re.match(r"https?://[^/?]", address, re.IGNORECASE):
        return []
    scheme, rest = address.split("://", 1)
    host, slash, tail = re.fullmatch(r"([^/?]*)(/?)(.*)", rest, re.DOTALL).groups()
    scheme, host = scheme.lower(), host.lower()
    host = re.sub(r":80$" if scheme == "http" else r":443$", "", host)
    tail = f"{slash or '/'}{tail}"
    paths = [tail, uri_text(tail), ENCODED.sub(lambda found: unquote(found[0]), tail)]
    if tail.endswith("/") and len(tail) > 1:
        paths.append(tail.rstrip("/"))
    elif "?" not in tail and tail != "/":
        paths.append(f"{tail}/")
    other = "https" if scheme == "http" else "http"
    tried = [address]
    tried += [f"{one}://{host}{path}" for one in (scheme, other) for path in paths]
    return list(dict.fromkeys(tried))


async def captured_original(database, address, part=1):
    """A portal's address as an Original Resource, by its captures that showed a report."""
    tried = spellings(address)
    if not tried:
        return None
    found = await rows(
        database,
        f"""
        select url, count(*) as number from captures
        where url in ({", ".join("?" * len(tried))}) and version_id is not null group by url
        """,
        *tried,
    )
    counted = {row["url"]: row["number"] for row in found}
    uri = next((one for one in tried if one in counted), None)
    if uri is None:
        return None
    captures = await rows(
        database,
        """
        select digest, fetched_at, report_id, number from captures
        join versions on versions.id = version_id
        where url = ? order by fetched_at limit ? offset ?
        """,
        uri,
        MEMENTOS_PER_TIMEMAP,
        (part - 1) * MEMENTOS_PER_TIMEMAP,
    )
    mementos = captured_mementos(captures)
    if not mementos:
        return None
    parts = -(-counted[uri] // MEMENTOS_PER_TIMEMAP)
    standing = tuple((memento.at, place) for place, memento in enumerate(mementos))
    return Original(uri, mementos, standing, counted[uri], part, parts)


def captured_mementos(captures):
    """A Memento for every capture with a time, in order; the same bytes within a second are one."""
    found = {}
    for row in captures:
        at = stored_moment(row["fetched_at"])
        if at and re.fullmatch(r"[0-9a-f]{12,64}", row["digest"] or ""):
            path = raw_path(row["report_id"], row["digest"], at)
            found.setdefault(Memento(at, path, row["number"]), None)
    return tuple(sorted(found, key=lambda memento: memento.at))


def raw_path(report_id, digest, at):
    return f"/r/{address_of(report_id)}/{digest[:12]}/original/raw/{at:{STAMP}}"


async def nearest_capture(database, address, when):
    """The Original Resource of a portal's address with what surrounds a moment: the Memento of it
    among at most five, first and last included. None where nothing is known of the address."""
    tried = spellings(address)
    if not tried:
        return None
    for uri in tried:
        around = await rows(
            database,
            """
            with known as not materialized (
                select digest, fetched_at, report_id, number from captures
                join versions on versions.id = version_id where url = ?
            )
            select * from (select * from known order by fetched_at limit 1)
            union select * from (select * from known order by fetched_at desc limit 1)
            union select * from (
                select * from known where fetched_at < ? order by fetched_at desc limit 2
            )
            union select * from (
                select * from known where fetched_at >= ? order by fetched_at limit 2
            )
            order by fetched_at
            """,
            uri,
            *[bound(when)] * 2,
        )
        if mementos := captured_mementos(around):
            standing = tuple((memento.at, place) for place, memento in enumerate(mementos))
            return Original(uri, mementos, standing)
    return None


def bound(when):
    """The stored text that lies after every moment up to `when`; None, being now, after all."""
    return f"{when:%Y-%m-%dT%H:%M:%S}[" if when else "["


async def original_of(datasette, request, uri, when=None, part=1, whole=True):
    """The Original Resource an address names; 404 where there is none.

    `whole`: with all the Mementos of that part; else with those around a moment.
    """
    database, base = datasette.get_database(DATABASE), origin(datasette, request)
    uri = re.sub(r"^(https?):/+", r"\1://", uri, flags=re.IGNORECASE)
    found = None
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit("")
    own = REPORT.fullmatch(parts.path) if parts.netloc == request.host else None
    if own:
        found = (
            await report_original(database, base, f"{unquote(own['issuer'])}/{own['year']}")
            if part == 1
            else None
        )
    elif whole:
        found = await captured_original(database, uri, part)
    else:
        found = await nearest_capture(database, uri, when)
    if found is None:
        raise DatasetteError(UNKNOWN, status=404)
    return found


def around(base, original, chosen):
    """The links to a Memento's first, last, previous and next, and its own."""
    every = original.mementos
    place = every.index(chosen)
    rels = {}
    for name, index in (
        ("first", 0), ("last", len(every) - 1), ("prev", place - 1), ("next", place + 1),
    ):  # fmt: skip
        if 0 <= index < len(every):
            rels.setdefault(index, []).append(name)
    rels.setdefault(place, [])
    return [
        link(
            base + every[index].path,
            " ".join([*names, "memento"]),
            datetime=http_date(every[index].at),
        )
        for index, names in sorted(rels.items())
    ]


def gate_links(base, original):
    """The links to an Original Resource and its TimeGate; a report is its own."""
    gate = timegate(base, original.uri)
    if gate == original.uri:
        return [link(gate, "original timegate")]
    return [link(original.uri, "original"), link(gate, "timegate")]


def frame(base, original):
    """The links to an Original Resource, its TimeGate and its TimeMap."""
    own = link(timemap(base, original.uri), "timemap", type=LINK_FORMAT)
    return [*gate_links(base, original), own]


def memento_links(base, original, chosen):
    return [*frame(base, original), *around(base, original, chosen)]


async def negotiate(datasette, request, uri, asked):
    """The answer of a TimeGate to an Accept-Datetime, None asking for the last Memento."""
    base = origin(datasette, request)
    headers = {"Vary": "Accept-Datetime", "Cache-Control": "public, max-age=60"}
    try:
        when = asked_moment(asked) if asked is not None else None
    except ValueError:
        original = await original_of(datasette, request, uri, whole=False)
        headers["Link"] = ", ".join(frame(base, original))
        return Response.text(MALFORMED, status=400, headers=headers)
    original = await original_of(datasette, request, uri, when, whole=False)
    chosen = original.at(when)
    headers["Link"] = ", ".join(memento_links(base, original, chosen))
    headers["Location"] = base + chosen.path
    return Response.text("", status=302, headers=headers)


def negotiated(view):
    """A page that is its own TimeGate: Accept-Datetime leads to the version of that time."""

    @wraps(view)
    async def answer(datasette, request):
        asked = request.headers.get("accept-datetime")
        if (
            asked is not None
            and not request.url_vars.get("digest")
            and REPORT.fullmatch(request.path)
        ):
            uri = origin(datasette, request) + request.path
            return await negotiate(datasette, request, uri, asked)
        return await view(datasette, request)

    return answer


def asked_uri(request):
    """The address after /timegate/ or /timemap/…/, its own query included."""
    query = f"?{request.query_string}" if request.query_string else ""
    return request.url_vars["uri"] + query


async def timegate_page(datasette, request):
    asked = request.headers.get("accept-datetime")
    return await negotiate(datasette, request, asked_uri(request), asked)


def timemap_links(base, original):
    """A TimeMap's links in order (RFC 7089, section 5): its original, gate, itself, Mementos."""
    uri, every = original.uri, original.mementos
    own = timemap(base, uri, part=original.part)
    span = {"from": http_date(every[0].at), "until": http_date(every[-1].at)}
    lines = gate_links(base, original)
    lines.append(link(own, "self", type=LINK_FORMAT, **span))
    for part in range(1, min(original.parts, MOST_TIMEMAPS) + 1):
        if part != original.part:
            lines.append(link(timemap(base, uri, part=part), "timemap", type=LINK_FORMAT))
    for place, memento in enumerate(every):
        names = ["memento"]
        if place == len(every) - 1 and original.part == original.parts:
            names.insert(0, "last")
        if place == 0 and original.part == 1:
            names.insert(0, "first")
        lines.append(link(base + memento.path, " ".join(names), datetime=http_date(memento.at)))
    return lines


def timemap_json(base, original):
    """The same as JSON, in the shape that Memento aggregators give."""
    uri, every = original.uri, original.mementos

    def told(memento):
        return {
            "datetime": f"{memento.at:%Y-%m-%dT%H:%M:%SZ}",
            "uri": uri_text(base + memento.path),
        }

    forms = {
        f"{form}_format": uri_text(timemap(base, uri, form, original.part))
        for form in ("link", "json")
    }
    more = [
        {"uri": uri_text(timemap(base, uri, "json", part))}
        for part in range(1, min(original.parts, MOST_TIMEMAPS) + 1)
        if part != original.part
    ]
    return {
        "original_uri": uri_text(uri),
        "self": uri_text(timemap(base, uri, "json", original.part)),
        "timegate_uri": uri_text(timegate(base, uri)),
        "timemap_uri": forms,
        "timemap_index": more,
        "mementos": {
            "first": told(every[0]),
            "last": told(every[-1]),
            "list": [told(memento) for memento in every],
        },
    }


async def timemap_page(datasette, request):
    form, part = request.url_vars["form"], int(request.url_vars.get("part") or 1)
    if not 1 <= part <= MOST_TIMEMAPS:
        raise DatasetteError(UNKNOWN, status=404)
    base = origin(datasette, request)
    original = await original_of(datasette, request, asked_uri(request), part=part)
    if form == "link":
        body = ",\n".join(timemap_links(base, original)) + "\n"
        return Response(body, content_type=f"{LINK_FORMAT}; charset=utf-8")
    if form == "json":
        return json_response(timemap_json(base, original))
    return await timemap_view(datasette, request, base, original)


def report_of(memento):
    return "/".join(unquote(memento.path).split("/")[2:4])


async def reports_of(database, original):
    """The reports whose states these are: id, year, and the body's name."""
    ids = list(dict.fromkeys(report_of(memento) for memento in original.mementos))[:MOST_REPORTS]
    return await rows(
        database,
        f"""
        select reports.id, reports.year, issuers.name from reports
        join issuers on issuers.id = reports.issuer_id
        where reports.id in ({", ".join("?" * len(ids))}) order by reports.id
        """,
        *ids,
    )


async def timemap_view(datasette, request, base, original):
    gate = timegate(base, original.uri)
    own, before = gate == original.uri, (original.part - 1) * MEMENTOS_PER_TIMEMAP
    count = range(1, min(original.parts, MOST_TIMEMAPS) + 1)
    return await page(
        datasette,
        request,
        "timemap.html",
        original=original,
        own=own,
        reports=await reports_of(datasette.get_database(DATABASE), original),
        lines=[
            {
                "number": before + place,
                "at": f"{memento.at:%Y-%m-%dT%H:%M:%SZ}",
                "path": memento.path,
                "version": memento.path.partition("/original/")[0],
                "version_number": memento.number,
                "report": report_of(memento),
            }
            for place, memento in enumerate(original.mementos, 1)
        ],
        count=original.total,
        part=original.part,
        parts=[(number, timemap("", original.uri, "html", number)) for number in count],
        gate=uri_text(gate),
        maps={name: timemap(base, original.uri, name, original.part) for name in ("link", "json")},
        example=http_date(original.mementos[0].at),
    )


@hookimpl(tryfirst=True)
def register_routes():
    return [
        (r"^/timegate/(?P<uri>.+)$", timegate_page),
        (
            r"^/timemap/(?P<form>link|json|html)/(?:(?P<part>[1-9]\d{0,3})/)?"
            r"(?P<uri>.+)$",
            timemap_page,
        ),
    ]
