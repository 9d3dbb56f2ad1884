"""The snapshot being served: a running site moves to a new one, and no answer mixes two.

`publish` lets DATA/site point to another folder and removes the old one. The server looks there
every second, opens the new database whole, and hands it to whatever is asked from then on; what
is being answered keeps the snapshot it began with, and the last of them takes it, and all that was
remembered of it, out of memory.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import logging
import queue
import weakref
from collections import UserDict
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path

from datasette import hookimpl
from datasette.database import Database

from .answers import DATABASE

LOG = logging.getLogger("nianbao.site")
EVERY = 1.0  # seconds between looks
METADATA, INSPECTED = "metadata.json", "inspect-data.json"
# The snapshot that the answer being made is from: weakly, for what an answer starts may outlive it.
HELD = ContextVar("nianbao_snapshot")
# What shapes the pages besides the snapshot.
SHAPING = ("templates", "plugins")


class Snapshot(Database):
    """The database of one published folder, with connections of its own: the file may be removed
    while they are open, and no thread keeps one past its use.

    `tag` names its content, `moment` is when it was made.
    """

    def __init__(self, datasette, folder):
        """Raises OSError or ValueError when the folder is not a whole snapshot (any more)."""
        path = folder / f"{DATABASE}.db"
        inspected = _json(folder / INSPECTED)
        super().__init__(datasette, str(path), is_mutable=not inspected)
        self.name = self.route = DATABASE
        self.folder = folder
        self.inspected = inspected
        self.described = _json(folder / METADATA)
        self.seen = identity(path)
        stat = path.stat()
        self.moment = datetime.fromtimestamp(stat.st_mtime, UTC)
        known = inspected.get(DATABASE, {})
        if known:
            self._cached_table_counts = {
                table: counted["count"] for table, counted in known["tables"].items()
            }
            self.cached_hash = known["hash"]
        self.cached_size = stat.st_size
        self.tag = _digest(known.get("hash") or repr(self.seen), json.dumps(self.described))
        self.idle = queue.SimpleQueue()
        for _ in range(max(1, datasette.setting("num_sql_threads"))):
            connection = self.connect()
            datasette._prepare_connection(connection, DATABASE)
            connection.execute("select count(*) from sqlite_master").fetchone()
            self.idle.put(connection)
        self._all_file_connections.clear()
        # A connection and its cache of statements hold each other: it must be closed by name.
        weakref.finalize(self, close_all, self.idle)
        # Opened by its name: another may have taken it meanwhile.
        if identity(path) != self.seen:
            raise ValueError(f"{path} changed while it was opened")

    async def execute_fn(self, fn):
        def with_connection():
            connection = self.idle.get()
            try:
                return fn(connection)
            finally:
                self.idle.put(connection)

        if self.ds.executor is None:
            return with_connection()
        return await asyncio.get_running_loop().run_in_executor(self.ds.executor, with_connection)

    def close(self):
        close_all(self.idle)


class Databases(UserDict):
    """Datasette's databases by name; within an answer always the snapshot that it began with."""

    def __getitem__(self, name):
        database = super().__getitem__(name)
        held = HELD.get(lambda: None)() if name == DATABASE else None
        return held if held is not None and held.ds is database.ds else database


def close_all(idle):
    with suppress(queue.Empty):
        while True:
            idle.get_nowait().close()


def _json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def identity(path):
    """What tells one file from another that takes its name."""
    stat = Path(path).stat()
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


def code_tag(folder):
    """A name for the templates and the program as they stand: pages change with them."""
    lines = []
    for name in SHAPING:
        for path in sorted((folder / name).resolve().rglob("*.*")):
            if path.suffix in (".py", ".html", ".atom", ".xml", ".json"):
                stat = path.stat()
                lines.append(f"{path.name} {stat.st_mtime_ns} {stat.st_size}")
    return _digest(*lines)


def served(datasette):
    """The snapshot that answers now; None before the site has started."""
    database = datasette.databases.get(DATABASE)
    return database if isinstance(database, Snapshot) else None


def state_tag(datasette):
    """A name for all that a page of this site depends on but its address; None where unknown."""
    snapshot = served(datasette)
    code = getattr(datasette, "nianbao_code", None)
    return f"{snapshot.tag}{code}" if snapshot and code else None


def take(datasette, snapshot):
    """Let everything asked from now on be answered from this snapshot."""
    datasette.inspect_data = snapshot.inspected or None
    if snapshot.described:
        datasette._metadata_local = snapshot.described
    datasette.databases = Databases({**datasette.databases, DATABASE: snapshot})


async def renew(datasette):
    """Move to what the site folder points to, when that is another snapshot; tells whether."""
    shown, folder = served(datasette), datasette.config_dir
    if shown is None or identity(folder / f"{DATABASE}.db") == shown.seen:
        return False
    fresh = await asyncio.to_thread(lambda: Snapshot(datasette, folder.resolve()))
    take(datasette, fresh)
    LOG.info("serving %s", fresh.folder)
    return True


async def watch(datasette):
    """Look for a new snapshot until cancelled. Whatever goes wrong, what is open goes on."""
    complained, old = None, []
    while True:
        await asyncio.sleep(EVERY)
        # A site at rest makes no garbage, so nothing else would collect the old snapshot.
        if any(snapshot() for snapshot in old):
            gc.collect()
        old = [snapshot for snapshot in old if snapshot()]
        try:
            before = weakref.ref(served(datasette))
            if await renew(datasette):
                old.append(before)
            datasette.nianbao_code = await asyncio.to_thread(code_tag, datasette.config_dir)
            complained = None
        except Exception as error:
            # In the middle of a swap once is nothing; the same again is told, once.
            if complained == "":
                LOG.exception("no new snapshot could be taken up; the one in use stays")
                complained = str(error)
            elif complained is None:
                complained = ""


@hookimpl(tryfirst=True)
def startup(datasette):
    folder = datasette.config_dir
    if folder is None or DATABASE not in datasette.databases:
        return
    datasette.nianbao_code = code_tag(folder)
    take(datasette, Snapshot(datasette, folder.resolve()))


@hookimpl
def asgi_wrapper(datasette):
    def wrap(app):
        @wraps(app)
        async def watched(scope, receive, send):
            if scope["type"] != "lifespan":
                snapshot = served(datasette)
                began = HELD.set(weakref.ref(snapshot) if snapshot else lambda: None)
                try:
                    return await app(scope, receive, send)
                finally:
                    HELD.reset(began)
            # Only a server has a life span: the task lives in its loop, and ends with it.
            task = asyncio.create_task(watch(datasette))
            try:
                return await app(scope, receive, send)
            finally:
                task.cancel()

        return watched

    return wrap
