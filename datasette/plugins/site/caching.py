"""How long may an answer be kept, and is the one a reader keeps still right?

A page depends on the snapshot, the program, its address and the day (citations say when they were
looked up), so these name it: an ETag of their digest is known without any work, and a conditional
request for what has not changed is answered 304 before anything is asked of the database.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from functools import wraps

from datasette import hookimpl

from .snapshot import state_tag
from .wording import BEIJING

HOUR, DAY = 3_600, 86_400
# A version keeps its content, but its page also tells of later versions: a day at most.
PINNED = re.compile(r"/r/[^/]+/\d{4}/[0-9a-f]{12}(?:[./].*)?")
FILES = re.compile(r"/(?:robots\.txt|sitemap[^/]*\.xml)")
# Answered by other means, or not by the snapshot alone: releases come and go without it.
APART = re.compile(r"/(?:static|selfcheck|data|download|nianbao|-)(?:[/.].*)?")
NEGOTIATED = re.compile(r"/r/[^/]+/\d{4}|/timegate/.+")
# Of what was captured and of releases the bytes stay, but not their being public.
BYTES = f"public, max-age={HOUR}"


def lifetime(path):
    """Cache-Control for an address: a minute where a new snapshot shows at once, longer where
    little can change."""
    if PINNED.fullmatch(path):
        return f"public, max-age={DAY}"
    if FILES.fullmatch(path):
        return f"public, max-age={HOUR}"
    return "public, max-age=60"


def entity_tag(state, path, query):
    """A weak ETag (RFC 9110): the same for what says the same, whatever a proxy packs it in."""
    day = datetime.now(UTC).astimezone(BEIJING).date().isoformat()
    whole = "\0".join((state, path, query, day))
    return f'W/"{hashlib.sha256(whole.encode("latin-1", "replace")).hexdigest()[:24]}"'


def names(condition, tag):
    """Does If-None-Match name this tag? By weak comparison; * says nothing of what is kept."""
    bare = tag.removeprefix("W/")
    return bare in re.findall(r'(?:W/)?("[^"]*")', condition or "")


def vary(path):
    fields = ["Cookie", "Authorization"]
    return ", ".join(["Accept-Datetime", *fields] if NEGOTIATED.fullmatch(path) else fields)


@hookimpl(tryfirst=True)
def asgi_wrapper(datasette):
    def wrap(app):
        @wraps(app)
        async def kept(scope, receive, send):
            state = state_tag(datasette)
            path = (scope.get("raw_path") or scope.get("path", "").encode()).decode("latin-1")
            path = path.partition("?")[0]
            headers = dict(scope.get("headers") or ())
            if (
                scope["type"] != "http"
                or scope["method"] not in ("GET", "HEAD")
                or state is None
                or APART.fullmatch(path)
                or headers.keys() & {b"cookie", b"authorization", b"accept-datetime"}
            ):
                await app(scope, receive, send)
                return
            host = headers.get(b"host", b"").decode("latin-1")
            query = (scope.get("query_string") or b"").decode("latin-1")
            tag = entity_tag(state, f"{scope.get('scheme')}://{host}{path}", query)
            if names(headers.get(b"if-none-match", b"").decode("latin-1"), tag):
                told = [("etag", tag), ("cache-control", lifetime(path)), ("vary", vary(path))]
                pairs = [(name.encode(), value.encode("latin-1")) for name, value in told]
                await send({"type": "http.response.start", "status": 304, "headers": pairs})
                await send({"type": "http.response.body", "body": b""})
                return

            async def tagged(message):
                if message["type"] == "http.response.start" and message["status"] == 200:
                    message = {**message, "headers": marked(message["headers"], tag, path)}
                await send(message)

            await app(scope, receive, tagged)

        return kept

    return wrap


def marked(headers, tag, path):
    """The headers of an answer with its tag and lifetime, where it has none of its own."""
    present = {name.lower(): value for name, value in headers}
    if b"set-cookie" in present or b"no-store" in present.get(b"cache-control", b""):
        return headers
    own = [] if b"etag" in present else [(b"etag", tag.encode("latin-1"))]
    if b"cache-control" not in present:
        own.append((b"cache-control", lifetime(path).encode()))
    return [*headers, *own]
