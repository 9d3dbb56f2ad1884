"""The captured original, shown so that nothing in it can act: read from the WARC, verified."""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from datasette import Response, hookimpl
from datasette.views.base import DatasetteError
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from webencodings import decode, lookup

from .answers import DATABASE, address_of
from .caching import BYTES, names
from .memento import (
    Memento,
    frame,
    http_date,
    link,
    memento_links,
    nearest_capture,
    origin,
    raw_path,
    stored_moment,
)
from .personal import is_withheld, public_text, rules_of
from .snapshot import state_tag

LARGEST = 64 * 1024 * 1024
RAW_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": BYTES,
}
# What a browser may show in the frame. Everything else is handed over as a file.
SHOWN = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/gif": "image/gif",
}
EXTENSIONS = {
    "application/pdf": ".pdf",
    "application/msword": ".doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/wps-office.wps": ".wps",
    "application/ofd": ".ofd",
    "application/zip": ".zip",
    "text/html": ".html",
    "text/plain": ".txt",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/tiff": ".tif",
}
# Where a page names its encoding, as browsers look for it before they read it (HTML, 13.2.3.2).
HEAD = 4096
COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
META = re.compile(rb"""<meta[\s/]((?:[^>"']|"[^"]*"|'[^']*')*)""", re.IGNORECASE)
ATTRIBUTE = re.compile(rb"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
XML = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)""")
CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE | re.ASCII)
UTF_8, GB18030 = lookup("utf-8"), lookup("gb18030")


class LostError(Exception):
    """The original cannot be handed over. The message says why, in Chinese, for readers."""


def read_payload(folder, warc_file, offset, digest):
    """The payload at that place as received, and its HTTP headers; LostError when it is not it."""
    if not folder or Path(warc_file).name != warc_file:
        raise LostError("本站没有挂接原件存储。")
    try:
        with (Path(folder) / warc_file).open("rb") as stream:
            stream.seek(offset)
            record = next(iter(ArchiveIterator(stream)))
            headers = record.http_headers
            payload = record.raw_stream.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise LostError("存放这份原件的文件不在本站。") from error
    except (OSError, ArchiveLoadFailed, StopIteration, EOFError, zlib.error) as error:
        raise LostError("存放这份原件的记录无法读出。") from error
    if len(payload) > LARGEST:
        raise LostError("原件过大，不在网页上提供。")
    is_kept = record.rec_type in ("response", "conversion")
    if not is_kept or hashlib.sha256(payload).hexdigest() != digest:
        raise LostError("存档中的字节与登记的 SHA-256 不符，故不显示。")
    return payload, headers


def decoded(payload, encoding):
    """The payload without its content encoding (gzip or deflate), at most LARGEST bytes."""
    encoding = (encoding or "").strip().lower()
    if encoding in ("", "identity"):
        return payload
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise LostError(f"原件的压缩方式（{encoding[:20]}）无法在此打开。")
    # Many servers call a bare deflate stream "deflate", though zlib's wrapping is meant.
    for window in (47, -15) if encoding == "deflate" else (47,):
        machine = zlib.decompressobj(window)
        try:
            data = machine.decompress(payload, LARGEST)
        except zlib.error:
            continue
        if machine.unconsumed_tail:
            raise LostError("原件解压后过大，不在网页上提供。")
        return data
    raise LostError("原件的压缩数据已损坏。")


def known(label):
    """The encoding that browsers know by this label, None where they know none."""
    encoding = lookup(label or "")
    return GB18030 if encoding and encoding.name == "gbk" else encoding


def declared(head):
    """The encoding that the beginning of a page declares, None where it declares none."""
    head = COMMENT.sub(b"", head)
    labels = []
    for meta in META.finditer(head):
        attributes = {}
        for name, *values in ATTRIBUTE.findall(meta[1]):
            attributes.setdefault(name.lower(), b"".join(values).decode("latin-1"))
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", "").lower() == "content-type":
            label = charset(attributes.get(b"content"))
        labels.append(label)
    xml = XML.match(head)
    labels.append(xml and xml[1].decode("latin-1"))
    encoding = next(filter(None, map(known, labels)), None)
    # It was read as ASCII: it cannot be UTF-16.
    return UTF_8 if encoding and encoding.name.startswith("utf-16") else encoding


def charset(content_type):
    """The label that a Content-Type gives the encoding, None where it gives none."""
    found = CHARSET.search(content_type or "")
    return found and found[1]


def read(data, content_type, kind):
    """An original's text as a browser reads it, and the bytes and encoding that say just that.

    A byte order mark counts first, then the header, then what the page declares (WHATWG Encoding;
    HTML, 13.2.3); then UTF-8, where the bytes are that, and GB 18030. The bytes are those captured
    where every reader reads the same in them, else the text anew in UTF-8.
    """
    encoding = known(charset(content_type)) or (kind == "text/html" and declared(data[:HEAD]))
    try:
        as_utf_8 = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        as_utf_8 = None
    text, encoding = decode(data, encoding or (GB18030 if as_utf_8 is None else UTF_8))
    # Browsers show nothing for it.
    text = text.replace("\0", "")
    if text == as_utf_8:
        return text, data, "utf-8"
    if as_utf_8 is None and encoding is GB18030 and not ("\ufffd" in text or b"\0" in data):
        return text, data, "gb18030"
    return text, text.encode("utf-8-sig", "replace"), "utf-8"


def file_name(url, stem, media_type):
    """A harmless name for a download: the address's last part where it has one, else `stem`."""
    last = unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    last = re.sub(r"[^\w.()（）《》〔〕-]", "_", last).strip("._")[-80:]
    extension = EXTENSIONS.get(media_type, "")
    if not last:
        return f"{stem}{extension or '.bin'}"
    if extension and not last.lower().endswith(extension):
        last += extension
    return last if "." in last else f"{last}.bin"


async def find_capture(database, report_id, digest, stamp=""):
    """The capture of this report that holds the bytes: the response, not a later revisit; or that
    of a moment, YYYYMMDDhhmmss in UTC."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", digest):
        raise DatasetteError("不是版本的摘要", status=404)
    found = await database.execute(
        """
        select captures.*, versions.number as version_number, issuers.name as issuer_name,
            reports.year, reports.title as report_title
        from captures
        join versions on versions.id = captures.version_id
        join reports on reports.id = versions.report_id
        join issuers on issuers.id = reports.issuer_id
        where captures.digest >= ? and captures.digest < ? and versions.report_id = ?
            and (? = '' or strftime('%Y%m%d%H%M%S', captures.fetched_at) = ?)
        order by captures.record_type <> 'revisit' desc, captures.fetched_at limit 1
        """,
        (digest, digest + "g", report_id, stamp, stamp),
    )
    capture = found.first()
    if capture is None:
        raise DatasetteError("没有这份原件", status=404)
    capture = dict(capture)
    if capture["record_type"] == "revisit":
        # The payload may have been stored under another address or report.
        holder = (
            await database.execute(
                """
                select url, warc_file, "offset" from captures
                where digest = ? and record_type <> 'revisit' order by fetched_at limit 1
                """,
                (capture["digest"],),
            )
        ).first()
        if holder is not None:
            capture["warc_file"], capture["offset"] = holder["warc_file"], holder["offset"]
    return capture


def media_type_of(capture, headers):
    stated = (headers.get_header("content-type") if headers else "") or ""
    return (capture["media_type"] or stated).split(";")[0].strip().lower(), stated


async def load(datasette, capture):
    folder = (datasette.plugin_config("nianbao") or {}).get("warc")
    payload, headers = await asyncio.to_thread(
        read_payload, folder, capture["warc_file"] or "", capture["offset"] or 0, capture["digest"]
    )
    encoding = headers.get_header("content-encoding") if headers else None
    return await asyncio.to_thread(decoded, payload, encoding), headers


def asked(request):
    report_id = f"{unquote(request.url_vars['issuer'])}/{request.url_vars['year']}"
    return report_id, request.url_vars["digest"].lower()


async def apology(datasette, request, reason):
    page = await datasette.render_template(
        "error.html",
        {
            "status": 503,
            "heading": "原件暂不能显示",
            "advice": str(reason),
            "detail": "登记的摘要与存放位置见版本页「抓取与原件」。",
        },
        request=request,
    )
    return Response.html(page, status=503)


@dataclass(frozen=True, slots=True)
class Seen:
    """An original as the public may have it. `body` is what is handed over, `encoding` how it is to
    be read where it is text; `text` is what may be read where it is `withheld`."""

    media_type: str
    body: bytes
    encoding: str | None
    recoded: bool
    withheld: bool
    text: str | None


async def seen_by_public(datasette, database, capture):
    """The original of a capture as the public may have it; LostError where it cannot be read."""
    data, headers = await load(datasette, capture)
    media_type, stated = media_type_of(capture, headers)
    kind = SHOWN.get(media_type, "")
    withheld = await is_withheld(database, capture["digest"])
    if not kind.startswith("text/"):
        return Seen(media_type, data, None, False, withheld, None)
    text, body, encoding = await asyncio.to_thread(read, data, stated, kind)
    text, found = await asyncio.to_thread(public_text, text, kind, rules_of(datasette))
    return Seen(media_type, body, encoding, body is not data, withheld or found, text)


async def refusal(datasette, request, report_id, capture):
    page = await datasette.render_template(
        "withheld.html", {"report_id": report_id, "capture": capture}, request=request
    )
    return Response.html(page, status=403, headers={"X-Robots-Tag": "noindex, nofollow"})


async def original_page(datasette, request):
    report_id, digest = asked(request)
    database = datasette.get_database(DATABASE)
    capture = await find_capture(database, report_id, digest)
    others = await database.execute(
        """
        select digest, url, media_type, max(fetched_at) from captures
        where version_id = ? and url <> ? and digest <> ? and record_type <> 'revisit'
        group by url order by url limit 50
        """,
        (capture["version_id"], capture["url"], capture["digest"]),
    )
    try:
        seen = await seen_by_public(datasette, database, capture)
    except LostError as reason:
        return await apology(datasette, request, reason)
    return Response.html(
        await datasette.render_template(
            "original.html",
            {
                "report_id": report_id,
                "capture": capture,
                "media_type": seen.media_type,
                "shown": seen.media_type in SHOWN,
                "recoded": seen.recoded,
                "withheld": seen.withheld,
                "text": seen.text,
                "size": len(seen.body),
                "name": file_name(capture["url"] or "", digest[:12], seen.media_type),
                "raw": f"/r/{report_id}/{capture['digest'][:12]}/original/raw",
                "others": [dict(row) for row in others.rows],
            },
            request=request,
        )
    )


async def memento_headers(base, database, report_id, capture):
    """What the bytes are a Memento of: the address they were captured at, at that moment."""
    at = stored_moment(capture["fetched_at"])
    version = f"{base}/r/{address_of(capture['version_id'])}"
    links = [link(version, "collection", type="text/html")]
    around = at and await nearest_capture(database, capture["url"] or "", at)
    if not around:
        return {"Link": ", ".join(links)}
    chosen = Memento(at, raw_path(report_id, capture["digest"], at))
    known = chosen in around.mementos
    links += memento_links(base, around, chosen) if known else frame(base, around)
    return {
        "Link": ", ".join(links),
        "Memento-Datetime": http_date(at),
        "Content-Location": chosen.path,
    }


async def original_raw(datasette, request):
    report_id, digest = asked(request)
    stamp = request.url_vars.get("stamp") or ""
    database = datasette.get_database(DATABASE)
    capture = await find_capture(database, report_id, digest, stamp)
    # What is private is told by the snapshot: another one is asked anew.
    tag = f'"{capture["digest"][:40]}-{state_tag(datasette) or ""}"'
    if names(request.headers.get("if-none-match"), tag):
        return Response("", status=304, headers={**RAW_HEADERS, "ETag": tag})
    try:
        seen = await seen_by_public(datasette, database, capture)
    except LostError as reason:
        return await apology(datasette, request, reason)
    if seen.withheld:
        return await refusal(datasette, request, report_id, capture)
    told = await memento_headers(origin(datasette, request), database, report_id, capture)
    answer = {**RAW_HEADERS, **told, "ETag": tag}
    if seen.media_type in SHOWN:
        content_type = SHOWN[seen.media_type]
        if seen.encoding:
            content_type += f"; charset={seen.encoding}"
    else:
        content_type = (
            seen.media_type if seen.media_type in EXTENSIONS else "application/octet-stream"
        )
        name = file_name(capture["url"] or "", digest[:12], seen.media_type)
        plain = re.sub(r"[^A-Za-z0-9._()-]", "_", name)
        answer["Content-Disposition"] = (
            f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
        )
    return Response(seen.body, headers=answer, content_type=content_type)


@hookimpl
def register_routes():
    base = r"^/r/(?P<issuer>[^/]+)/(?P<year>\d{4})/(?P<digest>[^/.]+)/original"
    return [
        (base + "$", original_page),
        (base + r"/raw(?:/(?P<stamp>\d{14}))?$", original_raw),
    ]
