"""The hostile portal, crawled by the command a user types, for two nights, and then built."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from scrapy import Request
from scrapy.resolver import dnscache
from warcio.archiveiterator import ArchiveIterator

from crawler.manners import GuardResolver, refusal
from crawler.manners.cookies import COOKIE_BYTES, CookieLimit
from crawler.page import absolute
from tests.portals.replicas_hostile import (
    COLUMN,
    NAME,
    OTHER_SCHEMES,
    PRIVATE,
    HostilePortal,
    hostile_portal,
)

ROOT = Path(__file__).resolve().parents[1]
NIGHTS = ("2026-11-22", "2026-11-23")
# A portal of traps alone is what the monitors of a night are there to report.
CALM = ("-s", "MONITOR_FAILED_SHARE=1", "-s", "MONITOR_CHALLENGE_SHARE=1")
MOST_MEMORY = 600 * 1_024  # KiB


# Runs a command and writes down the most memory its process needed, in KB.
MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "a") as file:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=file)
sys.exit(status)
"""


def crawl(data, registry, night, *options):
    return subprocess.run(
        [
            *(sys.executable, "-c", MEASURED, str(registry.with_name("memory"))),
            *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
            *("-a", f"portals={registry}", "-a", f"night={night}", "-s", f"DATA={data}"),
            *("-s", "DOWNLOAD_DELAY=0", "-s", "DOWNLOAD_TIMEOUT=2", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )


def sighted(data, night):
    """The last line of each address."""
    lines = [
        json.loads(text)
        for file in sorted((data / "sightings").glob("*.jsonl"))
        for text in file.read_text(encoding="utf-8").splitlines()
    ]
    return {
        line["url"]: line for line in lines if line["kind"] == "report" and line["night"] == night
    }


def last_verdicts(data):
    frontier = sqlite3.connect(data / "frontier.db")
    try:
        return dict(frontier.execute("select url, last_verdict from urls"))
    finally:
        frontier.close()


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    """What was said, asked and kept on two nights; the portal is the same on both."""
    folder = tmp_path_factory.mktemp("hostile")
    data, registry = folder / "data", folder / "portals.csv"
    nights = []
    with hostile_portal() as portal:
        registry.write_text(
            f"id,name,division,level,home_url\nhostile,{NAME},410000,county,{portal.url}/\n",
            encoding="utf-8",
        )
        for night in NIGHTS:
            before = len(portal.log)
            done = crawl(data, registry, night, "-s", "ALLOW_PRIVATE_NETWORK=True", *CALM)
            nights.append((done, sighted(data, night), portal.log[before:], last_verdicts(data)))
    memory = max(int(line) for line in registry.with_name("memory").read_text().split())
    return portal, data, nights, memory


def test_the_crawl_comes_to_its_end(two_nights):
    _, _, nights, _ = two_nights
    for done, *_ in nights:
        assert done.returncode == 0, done.stderr[-4_000:]
        assert "Traceback" not in done.stderr


def test_every_genuine_report_is_found(two_nights):
    portal, _, nights, _ = two_nights
    _, seen, _, _ = nights[0]
    assert len(portal.genuine()) == 12
    assert {url: seen.get(url, {}).get("verdict") for url in portal.genuine()} == dict.fromkeys(
        portal.genuine(), "ok"
    )


def test_nobody_is_asked_whom_the_portal_points_to(two_nights):
    portal, *_ = two_nights
    assert portal.trespasses == []


def test_robots_txt_is_read_however_long_it_is(two_nights):
    portal, *_ = two_nights
    assert not [asked.target for asked in portal.log if asked.target.startswith("/forbidden")]


def test_every_trap_is_counted_for_what_it_is(two_nights):
    portal, _, nights, _ = two_nights
    _, seen, _, known = nights[0]
    traps = [row for row in portal.rows if not row.genuine]
    assert len(traps) > 120
    wrong = {
        row.path: (seen.get(portal.url + row.path, {}).get("verdict"), sorted(row.verdicts))
        for row in traps
        if seen.get(portal.url + row.path, {}).get("verdict") not in row.verdicts
    }
    assert wrong == {}
    assert {
        row.path: known.get(portal.url + row.path)
        for row in traps
        if known.get(portal.url + row.path) not in row.verdicts
    } == {}


def test_traps_without_end_are_left(two_nights):
    _, _, nights, _ = two_nights
    _, _, asked, _ = nights[0]
    ways = Counter("/".join(one.target.split("?")[0].split("/")[:3]) for one in asked)
    assert ways["/gk/cal"] <= 60
    assert sum(count for way, count in ways.items() if way.startswith("/s/")) <= 60
    assert sum(one.target.startswith("/zfxxgk/nb/nb/") for one in asked) <= 20
    # A list whose pages show what is known ends at once, one that makes up rows at its limit.
    assert sum("list.jsp" in one.target for one in asked) <= 3
    assert sum("other.jsp" in one.target for one in asked) <= 500
    assert sum(one.target == "/b/drip.html" for one in asked) <= 3
    assert len(asked) <= 1_500


def test_memory_is_bounded(two_nights):
    *_, memory = two_nights
    assert memory <= MOST_MEMORY


def test_every_answer_kept_can_be_read(two_nights):
    portal, data, _, _ = two_nights
    kept = set()
    files = sorted((data / "warc").iterdir())
    assert files
    assert all(file.suffixes == [".warc", ".gz"] for file in files)
    for file in files:
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests=True):
                record.raw_stream.read()
                assert record.digest_checker.passed is not False
                if record.rec_type == "response":
                    kept.add(record.rec_headers.get_header("WARC-Target-URI"))
    assert portal.genuine() <= kept


def test_the_second_night_finds_nothing_gone_and_nothing_new(two_nights):
    portal, _, nights, _ = two_nights
    _, seen, asked, known = nights[1]
    assert len(asked) < len(nights[0][2])
    lines = {url: seen[url]["verdict"] for url in portal.genuine() & seen.keys()}
    assert set(lines.values()) <= {"ok", "not_modified"}
    assert {known[url] for url in portal.genuine()} <= {"ok", "not_modified"}


def test_the_archive_is_built_from_it(two_nights):
    _, data, _, _ = two_nights
    done = subprocess.run(
        [sys.executable, "-m", "archive", "build", "--data", str(data)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3_000:]


def test_without_leave_for_loopback_nothing_at_all_is_asked(tmp_path):
    with hostile_portal() as portal:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            "id,name,division,level,home_url\n"
            + "".join(
                f"p{n},{NAME}{n},410000,county,{url.format(port=portal.port).replace('secret', '')}\n"
                for n, url in enumerate((f"{portal.url}/", *PRIVATE[1:13]))
            ),
            encoding="utf-8",
        )
        done = crawl(tmp_path / "data", registry, NIGHTS[0])
    assert "Traceback" not in done.stderr
    assert portal.log == []
    assert portal.trespasses == []


@pytest.mark.parametrize("spelled", [*PRIVATE, *OTHER_SCHEMES])
def test_no_spelling_of_a_private_address_passes_the_guard(spelled):
    """As a page writes it and the walk would ask for it: refused as it stands, or when resolved."""
    url = absolute("http://www.example.gov.cn/nb/1.html", spelled.format(port=80))
    if url is None or refusal(url) or urlsplit(url).hostname == "www.example.gov.cn":
        return
    dnscache["ip6-localhost"] = "127.0.0.1"
    failures = []
    resolver = GuardResolver.__new__(GuardResolver)
    resolver.getHostByName(urlsplit(url).hostname).addErrback(failures.append)
    assert "no public address" in str(failures[0].value)


def test_cookies_by_the_thousand_are_not_sent_back():
    many = "; ".join(f"c{n}={n}" for n in range(3_000))
    request = Request("http://www.example.gov.cn/", headers={"Cookie": many})
    asyncio.run(CookieLimit().process_request(request))
    sent = request.headers[b"Cookie"]
    assert 5_900 < len(sent) <= COOKIE_BYTES
    assert sent.startswith(b"c0=0; c1=1;")
    assert sent.endswith(b"c%d=%d" % (sent.count(b"; "), sent.count(b"; ")))
    small = Request("http://www.example.gov.cn/", headers={"Cookie": "a=1; b=2"})
    asyncio.run(CookieLimit().process_request(small))
    assert small.headers[b"Cookie"] == b"a=1; b=2"


def test_the_portal_is_as_hostile_as_it_says():
    with hostile_portal() as portal:
        assert isinstance(portal, HostilePortal)
        assert portal.rows[0].genuine
        assert sum(row.genuine for row in portal.rows) == 12
        assert len({row.path for row in portal.rows}) == len(portal.rows)
        assert COLUMN in portal._answers
