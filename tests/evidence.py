"""Three nights of an edited report, another report and a rendered one: captured, listed, signed.

Segments are written by the crawler's own writer; the archive's tables are laid by hand, so that
what is proven does not depend on how pages are read.
"""

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive import keys, manifest, timestamps
from archive.keys import Key
from archive.proof import wacz
from archive.proof.verify import PACKAGE, PACKAGE_DIGEST
from archive.schema import TABLES
from archive.shelf import Shelf
from crawler.capture import Capture, Exchange, Segment
from crawler.holdings import Holder

PAGE = "http://www.a.gov.cn/nb/2023.html?id=7&A=1"
FILE = "http://www.a.gov.cn/nb/P02024.pdf"
OTHER = "http://www.b.gov.cn/nb/2023.html"
SHELL = "http://www.c.gov.cn/nb/2023.html"
BEFORE = "<html><title>年报</title>收到申请 10 件</html>".encode()
AFTER = "<html><title>年报</title>收到申请 12 件</html>".encode()
ANNEX, OTHERS, EMPTY_SHELL = b"%PDF-1.4 annex", "<p>另一机关</p>".encode(), b"<script></script>"
RENDERED = "<p>渲染</p>".encode()
INFO = {"software": "Nianbao (Scrapy)", "robots": "RFC 9309; unreachable rules forbid"}
A, B, C = "140600-jyj/2023", "140600-rmzf/2023", "140600-czj/2023"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FIRST, SECOND = f"{A}/{sha(BEFORE)[:12]}", f"{A}/{sha(AFTER)[:12]}"
THE_OTHER, THE_RENDERED = f"{B}/{sha(OTHERS)[:12]}", f"{C}/{sha(RENDERED)[:12]}"


@dataclass
class Story:
    data: Path
    key: Key
    key_path: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def shelf(self) -> Shelf:
        return Shelf(str(self.data))

    @property
    def public(self) -> bytes:
        return self.key.public_pem


class Night:
    """One night of a crawl: answers go into a segment, and into the rows of the archive."""

    def __init__(self, story: Story, day: int) -> None:
        self.story, self.day, self.minute = story, day, 0
        for folder in ("warc", "sightings"):
            (story.data / folder).mkdir(parents=True, exist_ok=True)
        self.segment = Segment(story.data, INFO, self.now())

    def now(self) -> datetime:
        self.minute += 1
        return datetime(2024, 3, self.day, 14, self.minute, tzinfo=UTC)

    def answer(
        self, url: str, body: bytes, version: str | None, held: Capture | None = None, at: str = ""
    ) -> Capture:
        exchange = Exchange(
            url=url,
            method="GET",
            request_headers=(("Host", "www.a.gov.cn"),),
            request_body=b"",
            status=200,
            protocol="HTTP/1.1",
            headers=(("Content-Type", "text/html; charset=utf-8"),),
            body=body,
        )
        holder = (
            Holder(held.digest, "", at or url, held.fetched_at, held.record_id, held.warc_file)
            if held
            else None
        )
        return self._row(url, self.segment.write(exchange, holder, self.now()), version)

    def render(self, url: str, body: bytes, made_from: Capture, version: str) -> Capture:
        made = self.segment.convert(url, body, made_from.record_id, self.now())
        return self._row(url, made, version)

    def _row(self, url: str, made: Capture, version: str | None) -> Capture:
        self.story.rows.append(
            {
                "digest": made.digest,
                "url": url,
                "fetched_at": made.fetched_at,
                "status": None if made.record_type == "conversion" else 200,
                "media_type": "text/html",
                "warc_file": made.warc_file,
                "offset": made.offset,
                "record_type": made.record_type,
                "version_id": version,
            }
        )
        return made

    def end(self) -> None:
        self.segment.sight({"kind": "portal", "id": "a", "night": f"2024-03-0{self.day}"})
        self.segment.close()


def lay(data: Path, authorities: Iterable[str] = (), roots: bytes | None = None) -> Story:
    """Night 1: all is new. Night 2: as before. Night 3: one page is edited. A manifest each."""
    key_path = data / "signing.key"
    story = Story(data, keys.make_key(key_path), key_path)
    night = Night(story, 1)
    noise = [night.answer(f"http://www.a.gov.cn/{n}", b"%d" % n, None) for n in range(5)]
    page = night.answer(PAGE, BEFORE, FIRST)
    annex = night.answer(FILE, ANNEX, FIRST)
    other = night.answer(OTHER, OTHERS, THE_OTHER)
    shell = night.answer(SHELL, EMPTY_SHELL, None)
    _end(story, night, authorities, roots)
    night = Night(story, 2)
    night.render(SHELL, RENDERED, shell, THE_RENDERED)
    night.answer(PAGE, BEFORE, FIRST, held=page)
    night.answer(OTHER, OTHERS, THE_OTHER, held=other)
    night.answer("http://www.a.gov.cn/0", b"0", None, held=noise[0])
    _end(story, night, authorities, roots)
    night = Night(story, 3)
    night.answer(PAGE, AFTER, SECOND)
    night.answer(OTHER, OTHERS, THE_OTHER, held=other)
    _end(story, night, authorities, roots)
    write_archive(story, annex)
    return story


def _end(story: Story, night: Night, authorities: Iterable[str], roots: bytes | None) -> None:
    night.end()
    moment = datetime(2024, 3, night.day, 22, tzinfo=UTC)
    manifest.write_manifest(story.data, story.shelf, story.key, moment)
    for outcome in timestamps.catch_up(
        story.shelf, manifest.read_chain(story.shelf), list(authorities), roots
    ):
        assert outcome.at, outcome


def write_archive(story: Story, annex: Capture) -> None:
    with sqlite3.connect(story.data / "nianbao.db") as db:
        for name, table in TABLES.items():
            db.execute(f'create table "{name}" ({", ".join(f"[{one}]" for one in table.columns)})')

        def insert(table: str, **row: Any) -> None:
            names = ", ".join(f"[{name}]" for name in row)
            places = ", ".join("?" for _ in row)
            db.execute(f"insert into [{table}] ({names}) values ({places})", list(row.values()))

        urls = {A: PAGE, B: OTHER, C: SHELL}
        versions = {FIRST: A, SECOND: A, THE_OTHER: B, THE_RENDERED: C}
        current = {A: SECOND, B: THE_OTHER, C: THE_RENDERED}
        for report, url in urls.items():
            issuer = report.partition("/")[0]
            insert("issuers", id=issuer, name=f"机关 {issuer}")
            insert(
                "reports",
                id=report,
                issuer_id=issuer,
                year=2023,
                url=url,
                current_version=current[report],
            )
        for version, report in versions.items():
            seen = [row["fetched_at"] for row in story.rows if row["version_id"] == version]
            insert(
                "versions",
                id=version,
                report_id=report,
                first_seen=min(seen),
                last_seen=max(seen),
                title=f"{report} <2023年年报>",
                content_digest=sha(version.encode()),
            )
            insert("figures", version_id=version, requests__received_new__total=10)
        field = "requests.received_new.total"
        insert("fields", key=field, flat="requests__received_new__total", zh="新收", position=1)
        insert(
            "changes",
            report_id=A,
            from_version=FIRST,
            to_version=SECOND,
            position=1,
            field=field,
            before="10",
            after="12",
        )
        insert(
            "sightings",
            url=FILE,
            night="2024-03-01",
            role="attachment",
            report_id=A,
            digest=annex.digest,
            seen_at=annex.fetched_at,
        )
        for row in story.rows:
            insert("captures", **row)


def unpacked(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(files: Mapping[str, bytes]) -> bytes:
    """A bundle of these files whose own digests are right: what a forger would make."""
    files = dict(files)
    about = json.loads(files.pop(PACKAGE))
    files.pop(PACKAGE_DIGEST)
    for name in ("resources", "profile", "wacz_version"):
        del about[name]
    files[PACKAGE] = wacz.package(files, about)
    files[PACKAGE_DIGEST] = wacz.package_digest(files[PACKAGE], None)
    return wacz.zipped(files)


def forged(bundle: bytes, name: str, change: Callable[[Any], Any]) -> bytes:
    """The bundle with one of its JSON files changed, all digests of the package made right."""
    files = unpacked(bundle)
    said = json.loads(files[name])
    changed = change(said)
    said = said if changed is None else changed
    files[name] = (json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
    return packed(files)
