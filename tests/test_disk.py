import asyncio
import errno
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from crawler import disk
from crawler.capture import HAD, CaptureMiddleware, Store
from crawler.disk import Room, is_full_or_failing, least_free
from crawler.frontier import Frontier
from crawler.manners import CrawlEnding

GB = 1_000_000_000
URL = "http://a.gov.cn/nb/1.html"
BODY = b"<p>1</p>" * 300  # 2,400 bytes


@pytest.mark.parametrize(
    ("total", "least"),
    [
        (500 * GB, 2 * GB),  # 5 % would be 25 GB
        (40 * GB, 2 * GB),
        (20 * GB, GB),  # 5 %
        (64_000_000, 3_200_000),
        (0, 0),
    ],
)
def test_the_smaller_threshold_counts(total: int, least: int) -> None:
    assert least_free(total, 2 * GB, 0.05) == least


def stat_of(free: int, total: int) -> object:
    """A disk of blocks of 4 KB, of which root could use more than we."""
    return SimpleNamespace(
        f_frsize=4_096, f_bavail=free // 4_096, f_bfree=total // 4_096, f_blocks=total // 4_096
    )


def test_what_is_short_is_said_with_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(Path("data"), 2 * GB, 0.05)
    monkeypatch.setattr(disk.os, "statvfs", lambda _: stat_of(3 * GB, 500 * GB))
    assert room.shortage() is None
    monkeypatch.setattr(disk.os, "statvfs", lambda _: stat_of(1_234_567_890, 500 * GB))
    said = room.shortage()
    assert said is not None
    assert "data has 1.2 GB free" in said
    assert "below 2.0 GB" in said
    assert "-s DATA=DIR" in said


@pytest.mark.parametrize(
    ("error", "is_the_disk"),
    [
        (OSError(errno.ENOSPC, ""), True),
        (OSError(errno.EIO, ""), True),
        (OSError(errno.EFBIG, ""), True),
        (OSError(errno.EDQUOT, ""), True),
        (PermissionError(errno.EACCES, ""), False),
        (FileNotFoundError(errno.ENOENT, ""), False),
        (ValueError("no space"), False),
        (sqlite3.OperationalError("locked"), False),
    ],
)
def test_which_errors_are_the_disks(error: BaseException, is_the_disk: bool) -> None:
    assert is_full_or_failing(error) is is_the_disk


def test_a_full_database_is_the_disks(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "f.db")
    db.execute("pragma max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        db.execute("create table a (b text)")
    assert is_full_or_failing(caught.value)


class Crawl:
    """A crawl of one page, as CaptureMiddleware sees it."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.given_up: list[str] = []
        self.said: list[str] = []
        self.frontier = Frontier(data / "frontier.db")
        self.kept_elsewhere = bool(settings.pop("kept_elsewhere", False))
        self.store = Store(
            data, {}, index=self.frontier, kept_elsewhere=self.kept_elsewhere, rotate=1
        )
        values = {"CAPTURE_MIN_FREE_BYTES": 0, "CAPTURE_MIN_FREE_SHARE": 0.0} | settings
        crawler = SimpleNamespace(settings=Settings({"DATA": str(data), **values}), spider=self)
        self.middleware = CaptureMiddleware(crawler)  # type: ignore[arg-type]

    def give_up(self, reason: str, refused: str) -> None:
        self.given_up.append(reason)
        self.said.append(refused)

    def kept(
        self, body: bytes = BODY, url: str = URL, status: int = 200, **given: object
    ) -> tuple[str, str]:
        """The record type and digest of an answer."""
        meta = {HAD: given.pop("had")} if "had" in given else {}
        request = Request(url, meta=meta)
        headers = {"Content-Encoding": str(given["encoding"])} if "encoding" in given else {}
        flags = [str(given["flag"])] if "flag" in given else []
        response = Response(url, status, headers=headers, body=body, request=request, flags=flags)
        asyncio.run(self.middleware.process_response(request, response))
        capture = request.meta["capture"]
        return capture.record_type, capture.digest

    def end(self) -> None:
        self.store.close()
        self.frontier.close()


@pytest.fixture
def crawl(tmp_path: Path) -> Crawl:
    return Crawl(tmp_path)


def test_a_disk_that_runs_short_ends_the_crawl_and_keeps_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl = Crawl(tmp_path, CAPTURE_MIN_FREE_BYTES=2 * GB, CAPTURE_MIN_FREE_SHARE=0.05)
    monkeypatch.setattr(disk.os, "statvfs", lambda _: stat_of(3 * GB, 500 * GB))
    assert crawl.kept()[0] == "response"
    assert crawl.given_up == []
    monkeypatch.setattr(disk.os, "statvfs", lambda _: stat_of(1_234_567_890, 500 * GB))
    assert crawl.kept(b"2" * 2_000)[0] == "response"
    assert crawl.kept(b"3" * 2_000)[0] == "response"  # was under way
    assert crawl.given_up == ["disk_full"]
    [said] = crawl.said
    assert "1.2 GB free" in said
    crawl.end()
    assert len(list(tmp_path.glob("warc/*.warc.gz"))) == 3


def test_a_disk_that_refuses_ends_the_crawl_with_one_sentence(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl.kept()
    real = os.fsync

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("crawler.capture.os.fsync", refuse)
    for _ in range(2):
        with pytest.raises(CrawlEnding):
            crawl.kept(b"2" * 2_000)
    monkeypatch.setattr("crawler.capture.os.fsync", real)
    with pytest.raises(CrawlEnding):
        crawl.kept(b"3" * 2_000)
    assert crawl.given_up == ["capture_failed"]
    [said] = crawl.said
    assert "is full or failing ([Errno 5] Input/output error)" in said
    assert "free space on it" in said
    crawl.end()


# Identical bytes are kept once, over files, addresses and nights.


def test_a_page_that_returns_to_what_it_was_is_kept_once(crawl: Crawl) -> None:
    kinds = [crawl.kept(letter * 2_000)[0] for letter in (b"A", b"B", b"A", b"A", b"B")]
    assert kinds == ["response", "response", "revisit", "revisit", "revisit"]


def test_two_addresses_share_bytes_unless_few_or_packed_otherwise(crawl: Crawl) -> None:
    other = "http://b.gov.cn/files/2.pdf"
    assert crawl.kept()[0] == "response"
    assert crawl.kept(url=other)[0] == "revisit"
    assert crawl.kept(url=other, encoding="gzip")[0] == "response"
    assert crawl.kept(url=URL, encoding="GZIP")[0] == "revisit"
    assert crawl.kept(url=URL, encoding="identity")[0] == "revisit"
    for _ in range(2):
        assert crawl.kept(b"", url=other)[0] == "response"
        assert crawl.kept(b"x" * 1_023, url=other)[0] == "response"
    assert crawl.kept(b"x" * 1_024, url=other)[0] == "response"
    assert crawl.kept(b"x" * 1_024, url=URL)[0] == "revisit"


def test_no_other_address_refers_to_half_an_answer(crawl: Crawl) -> None:
    assert crawl.kept(flag="partial")[0] == "response"
    assert crawl.kept(url="http://b.gov.cn/")[0] == "response"


def test_nothing_refers_to_a_segment_that_is_not_here(crawl: Crawl, tmp_path: Path) -> None:
    _, digest = crawl.kept()
    assert crawl.kept()[0] == "revisit"
    crawl.store.close()
    for path in tmp_path.glob("warc/*"):
        path.rename(tmp_path / path.name)
    assert crawl.kept(url="http://b.gov.cn/")[0] == "response"
    assert crawl.kept()[0] == "revisit"  # to the new one
    crawl.store.close()
    for path in tmp_path.glob("warc/*"):
        path.unlink()
    # It says that nothing has changed, and nobody here can show what: no revisit.
    empty = crawl.kept(b"", status=304, had=digest)
    assert empty[0] == "response"


def test_a_segment_kept_elsewhere_is_referred_to(tmp_path: Path) -> None:
    crawl = Crawl(tmp_path, kept_elsewhere=True)
    crawl.kept()
    crawl.store.close()
    for path in tmp_path.glob("warc/*"):
        path.unlink()
    assert crawl.kept()[0] == "revisit"


def test_a_304_speaks_of_the_bytes_that_were_asked_about(crawl: Crawl) -> None:
    """And not of those captured last, which a crawl that was killed may never have read."""
    _, read = crawl.kept(b"A" * 2_000)
    _, unread = crawl.kept(b"B" * 2_000)
    assert crawl.kept(b"", status=304, had=read) == ("revisit", read)
    assert read != unread
    assert crawl.kept(b"", status=304)[0] == "response"  # nobody asked


def test_what_was_kept_is_known_to_the_next_crawl(tmp_path: Path) -> None:
    crawl = Crawl(tmp_path)
    crawl.kept()
    crawl.end()
    crawl = Crawl(tmp_path)
    assert crawl.kept(url="http://b.gov.cn/")[0] == "revisit"
    crawl.end()


def test_the_oldest_payloads_are_forgotten(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.holdings.MOST_PAYLOADS", 3)
    letters = [bytes([number]) * 2_000 for number in range(65, 71)]
    for number, body in enumerate(letters):
        crawl.kept(body, url=f"http://a.gov.cn/{number}")
    known = [crawl.kept(body, url="http://b.gov.cn/")[0] for body in reversed(letters)]
    assert known[:3] == ["revisit"] * 3
    assert known[5] == "response"


def test_an_older_crawls_memory_is_taken_over(tmp_path: Path) -> None:
    """It did not say which record holds the bytes: they are kept once more."""
    with sqlite3.connect(tmp_path / "frontier.db") as db:
        db.execute("create table captured (url text primary key, digest text, fetched_at text)")
        db.execute("insert into captured values (?, 'd', '2026-11-20T14:00:00Z')", (URL,))
    crawl = Crawl(tmp_path)
    assert [crawl.kept()[0] for _ in range(2)] == ["response", "revisit"]
    crawl.end()
