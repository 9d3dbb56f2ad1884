"""A running server moves to a new snapshot: within seconds, whole, and no request is lost."""

from __future__ import annotations

import gc
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasette.app import Datasette

from archive.publish import publish
from tests import archives

# A server on a loaded machine takes its time; what is waited for is an event, never a duration.
PATIENCE = 60


def archive(data: Path, reports: int, title: str = "") -> None:
    """Reports as rows, published; with `title` as the title of all of them."""
    (data / "nianbao.db").unlink(missing_ok=True)
    data.mkdir(exist_ok=True)
    archives.fill(data / "nianbao.db", reports)
    if title:
        with sqlite3.connect(data / "nianbao.db") as db:
            db.execute("update versions set title = ?", (title,))
            db.execute("update reports set title = ?", (title,))
    publish(data)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def open_files(process: int) -> list[str]:
    """The paths a process has open, " (deleted)" after what is there no more."""
    found = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            found.append(os.readlink(link))
        except FileNotFoundError:
            continue
    return found


@contextmanager
def serving(site: Path, folder: Path) -> Iterator[tuple[httpx.Client, int]]:
    """`datasette serve` on the site folder, as a user starts it; a client of it and its pid."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("datasette")), "serve", str(site)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
                wait_for(lambda: answers(client, server))
                yield client, server.pid
        finally:
            server.terminate()
            server.wait(PATIENCE)


def answers(client: httpx.Client, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "the server has stopped"
    try:
        return client.get("/robots.txt").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(true: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def count_of(client: httpx.Client) -> int:
    tables = client.get("/data.json").json()["tables"]
    return int(next(table["count"] for table in tables if table["name"] == "reports"))


class Asking:
    """Threads that ask for pages, a record as JSON first, until told to stop, keeping every
    failure and every record that tells of two snapshots."""

    def __init__(self, base: str, paths: list[str], threads: int = 2) -> None:
        self.failures: list[str] = []
        self.mixed: list[str] = []
        self.count = 0
        self.over = threading.Event()
        self.threads = [
            threading.Thread(target=self.ask, args=(base, paths)) for _ in range(threads)
        ]

    def ask(self, base: str, paths: list[str]) -> None:
        with httpx.Client(base_url=base, timeout=PATIENCE) as client:
            while not self.over.is_set():
                for path in paths:
                    try:
                        answer = client.get(path)
                    except httpx.TransportError as error:
                        self.failures.append(f"{path}: {error!r}")
                        continue
                    self.count += 1
                    if answer.status_code != 200:
                        self.failures.append(f"{path}: {answer.status_code}")
                    elif path == paths[0] and len(titles(answer.json())) > 1:
                        self.mixed.append(answer.text)

    def __enter__(self) -> Asking:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def titles(record: Any) -> set[str]:
    """Every title a record of a report tells."""
    return {record["report"]["title"], *(version["title"] for version in record["versions"])}


def test_a_server_shows_what_was_published_while_requests_run(tmp_path: Path) -> None:
    data = tmp_path / "data"
    archive(data, 20)
    with sqlite3.connect(data / "nianbao.db") as db:
        (report,) = db.execute("select id from reports order by id limit 1").fetchone()
    record = f"/r/{report}.json"
    with serving(data / "site", tmp_path) as (client, pid):
        before = client.get(record)
        assert count_of(client) == 20
        paths = [record, f"/r/{report}", "/", "/changes.json", "/nianbao/reports.json?_size=1"]
        with Asking(str(client.base_url), paths) as asking:
            wait_for(lambda: asking.count > 20)
            for number, reports in enumerate((30, 40), start=1):
                archive(data, reports, title=f"第{number}次公布")
                # Metadata and the counts of the inspect file move with the rows.
                wait_for(lambda number=number: f"第{number}次公布" in client.get(record).text)  # type: ignore[misc]
                assert count_of(client) == reports
                kept = {"If-None-Match": before.headers["etag"]}
                assert client.get(record, headers=kept).status_code == 200
            asked = asking.count
            wait_for(lambda: asking.count > asked + 20)
        assert asking.failures == []
        assert asking.mixed == []
        # The old files are let go of: nothing that was removed stays open.
        wait_for(
            lambda: not [name for name in open_files(pid) if "(deleted)" in name and ".db" in name]
        )
        shown = [name for name in open_files(pid) if name.endswith("nianbao.db")]
        assert {Path(name).parent for name in shown} == {(data / "site").resolve()}
        again = client.get(record)
        kept = {"If-None-Match": again.headers["etag"]}
        assert client.get(record, headers=kept).status_code == 304


def test_a_server_outlives_a_site_that_cannot_be_read(tmp_path: Path) -> None:
    """A half-made folder in place of the site is passed over; the next whole one is taken."""
    data = tmp_path / "data"
    archive(data, 20)
    with serving(data / "site", tmp_path) as (client, _):
        broken = data / "site-broken"
        broken.mkdir()
        (broken / "nianbao.db").write_bytes(b"no database at all" * 100)
        pointer = data / "site.new"
        pointer.symlink_to(broken.name, target_is_directory=True)
        os.replace(pointer, data / "site")
        log = tmp_path / "server.log"
        wait_for(lambda: "no new snapshot" in log.read_text(encoding="utf-8"))
        assert count_of(client) == 20
        archive(data, 30)
        wait_for(lambda: count_of(client) == 30)


@pytest.mark.asyncio
async def test_what_was_remembered_of_an_old_snapshot_goes_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    archive(data, 20)
    site = Datasette(config_dir=data / "site")
    await site.invoke_startup()
    module = sys.modules["nianbao_site.snapshot"]
    first = module.served(site)
    for path in ("/", "/coverage", "/sitemap.xml", "/nianbao/reports", "/changes"):
        assert (await site.client.get(path)).status_code == 200
    assert not await module.renew(site)
    archive(data, 30)
    assert await module.renew(site)
    assert module.served(site) is not first
    old = weakref.ref(first)
    del first
    gc.collect()
    assert old() is None
    # The tables' descriptions are those of the new folder.
    described = json.loads((data / "site" / "metadata.json").read_text(encoding="utf-8"))
    assert site.metadata("databases") == described["databases"]
    assert site.inspect_data["nianbao"]["tables"]["reports"]["count"] == 30
    assert (await site.client.get("/data.json")).status_code == 200


@pytest.mark.asyncio
async def test_what_is_being_asked_keeps_its_snapshot(tmp_path: Path) -> None:
    """The rows a request reads come from one snapshot, also when its file is gone meanwhile."""
    data = tmp_path / "data"
    archive(data, 20)
    site = Datasette(config_dir=data / "site")
    await site.invoke_startup()
    module = sys.modules["nianbao_site.snapshot"]
    held = site.get_database("nianbao")
    archive(data, 30)
    assert await module.renew(site)
    assert (await held.execute("select count(*) from reports")).rows[0][0] == 20
    fresh = site.get_database("nianbao")
    assert (await fresh.execute("select count(*) from reports")).rows[0][0] == 30
    assert await held.table_counts() != await fresh.table_counts()


@pytest.mark.asyncio
@pytest.mark.parametrize("form", ["", ".csv"])
async def test_an_answer_is_of_the_snapshot_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A new one comes while a page is made: what is told in its headers is of the old one too."""
    data = tmp_path / "data"
    archive(data, 20)
    with sqlite3.connect(data / "nianbao.db") as db:
        (report,) = db.execute("select id from reports order by id limit 1").fetchone()
    site = Datasette(config_dir=data / "site")
    await site.invoke_startup()
    before = await site.client.get(f"/r/{report}{form}")
    snapshot, pages = (sys.modules[f"nianbao_site.{name}"] for name in ("snapshot", "report"))
    gather = pages.gather

    async def meanwhile(*asked: Any, **more: Any) -> Any:
        found = await gather(*asked, **more)
        archive(data, 20)
        with sqlite3.connect(data / "site" / "nianbao.db") as db:
            db.execute("update reports set url = 'http://elsewhere.example.gov.cn/'")
            db.execute("update versions set first_seen = '1999-01-01T00:00:00Z', id = id || '0'")
        assert await snapshot.renew(site)
        return found

    monkeypatch.setattr(pages, "gather", meanwhile)
    during = await site.client.get(f"/r/{report}{form}")
    assert during.status_code == 200
    assert during.headers["link"] == before.headers["link"]
    monkeypatch.undo()
    after = await site.client.get(f"/r/{report}{form}")
    assert after.headers.get("link") != before.headers["link"]
