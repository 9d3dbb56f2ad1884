import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from archive.build import build
from crawler.portals import Portal
from crawler.shards import in_shard
from tests.portals.serve import ExamplePortals
from tests.small_site import Server

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "tests" / "pages"
# In the season, when what is young is asked every night.
NIGHTS = {1: "2027-02-01", 2: "2027-02-02", 3: "2027-02-03"}


def command(data, registry, night, *options, delay="0.02"):
    return [
        *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
        *("-a", f"portals={registry}", "-a", f"night={night}"),
        *("-s", f"DATA={data}", "-s", "ALLOW_PRIVATE_NETWORK=True"),
        *("-s", f"DOWNLOAD_DELAY={delay}", *options),
    ]


def crawl(*arguments, **more):
    return subprocess.run(
        command(*arguments, **more), cwd=ROOT, capture_output=True, text=True, timeout=120
    )


def sightings(data, night):
    """The last line of each address that night."""
    lines = [
        json.loads(line)
        for path in sorted((data / "sightings").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return {line.get("url", line.get("id")): line for line in lines if line["night"] == night}


def pages(lines, verdict="ok"):
    return {
        url
        for url, line in lines.items()
        if line["kind"] == "report" and line["role"] == "page" and line["verdict"] == verdict
    }


def captures(data):
    """Target, type and payload digest of every answer kept, each digest verified."""
    found = []
    for path in sorted((data / "warc").glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests=True):
                record.raw_stream.read()
                if record.rec_type in ("response", "revisit"):
                    assert record.rec_type == "revisit" or record.digest_checker.passed is True
                    headers = record.rec_headers
                    found.append(
                        (
                            headers.get_header("WARC-Target-URI"),
                            record.rec_type,
                            headers.get_header("WARC-Payload-Digest").removeprefix("sha256:"),
                        )
                    )
    return found


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory):
    """The example portals crawled for three nights: by night, their log, sightings and truth."""
    data = tmp_path_factory.mktemp("data")
    nights = {}
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(data / "portals.csv")
        for number, night in NIGHTS.items():
            portals.night = number
            before = {name: len(hits) for name, hits in portals.log.items()}
            done = crawl(data, registry, night)
            assert done.returncode == 0, done.stderr
            nights[number] = {
                "log": {name: hits[before[name] :] for name, hits in portals.log.items()},
                "seen": sightings(data, night),
                "truth": {report["url"]: report for report in portals.truth()},
                "lookalikes": {page["url"] for page in portals.lookalikes()},
                "said": done.stderr,
            }
    return data, nights


@pytest.mark.parametrize("night", NIGHTS)
def test_every_report_is_met_and_nothing_else(three_nights, night):
    _, nights = three_nights
    truth = nights[night]["truth"]
    assert len(truth) > 80
    assert pages(nights[night]["seen"]) == set(truth)


def test_titles_are_whole_and_lists_are_right(three_nights):
    _, nights = three_nights
    for url, report in nights[1]["truth"].items():
        line = nights[1]["seen"][url]
        assert line["title"] == report["title"]
        listed = {place.removesuffix("index.html") for place in report["listed_on"]}
        column = sorted(listed)[0].rstrip("/").rsplit("/", 1)[0] + "/"
        # The root of a column shows the newest of each of its parts.
        assert line["listed_on"].removesuffix("index.html") in {*listed, column}
        assert line["portal_id"] == report["portal"]


@pytest.mark.parametrize("night", NIGHTS)
def test_attachments_belong_to_their_reports(three_nights, night):
    _, nights = three_nights
    expected = {
        (attachment["url"], url)
        for url, report in nights[night]["truth"].items()
        for attachment in report["attachments"]
    }
    met = {
        (url, line["report_url"])
        for url, line in nights[night]["seen"].items()
        if line["kind"] == "report" and line["role"] == "attachment"
    }
    assert len(expected) >= 9
    assert met == expected


def test_what_was_taken_down_is_gone_and_what_came_late_is_met(three_nights):
    _, nights = three_nights
    taken_down = set(nights[1]["truth"]) - set(nights[2]["truth"])
    assert len(taken_down) == 1
    assert pages(nights[2]["seen"], "gone") == taken_down
    assert pages(nights[3]["seen"], "gone") == taken_down
    late = set(nights[2]["truth"]) - set(nights[1]["truth"])
    assert late
    assert late <= pages(nights[2]["seen"])


def test_lookalikes_are_never_asked_twice(three_nights):
    _, nights = three_nights
    paths = {url.split("/", 3)[3] for url in nights[1]["lookalikes"]}
    asked = Counter(
        hit.target[1:]
        for night in nights.values()
        for hits in night["log"].values()
        for hit in hits
    )
    assert all(asked[path] <= 1 for path in paths)


def test_no_address_is_asked_twice_in_a_night(three_nights):
    _, nights = three_nights
    for night in nights.values():
        for hits in night["log"].values():
            gets = Counter(hit.target for hit in hits if hit.method == "GET")
            assert max(gets.values()) == 1


def test_the_second_night_asks_for_what_is_known_and_little_more(three_nights):
    _, nights = three_nights
    for number in (2, 3):
        asked = sum(len(hits) for hits in nights[number]["log"].values())
        known = sum(line["kind"] == "report" for line in nights[number]["seen"].values())
        # Three sites' robots.txt and home pages, their columns, lists and the paths to them.
        assert asked - known <= 35


def test_every_portal_says_how_it_is(three_nights):
    _, nights = three_nights
    for night in nights.values():
        portals = {line["id"]: line for line in night["seen"].values() if line["kind"] == "portal"}
        assert {line["state"] for line in portals.values()} == {"ok"}
        assert portals["songbei"]["division"] == "331224"


def test_every_sighting_names_a_capture_that_is_kept(three_nights):
    data, nights = three_nights
    kept = {(url, digest) for url, _, digest in captures(data)}
    for night in nights.values():
        for url, line in night["seen"].items():
            if line["kind"] == "report":
                assert (url, line["digest"]) in kept


def test_unchanged_files_are_revisits_on_the_second_night(three_nights):
    data, nights = three_nights
    kinds = {}
    for url, kind, _ in captures(data):
        kinds.setdefault(url, []).append(kind)
    [attachment, *_] = [
        url for url, line in nights[1]["seen"].items() if line.get("role") == "attachment"
    ]
    assert kinds[attachment] == ["response", "revisit", "revisit"]


def test_we_say_who_we_are(three_nights):
    _, nights = three_nights
    agents = {hit.user_agent for hits in nights[1]["log"].values() for hit in hits}
    assert len(agents) == 1
    assert agents.pop().startswith("Nianbao/1.0 (+http")


def test_the_closing_line_counts(three_nights):
    _, nights = three_nights
    reports = len(nights[1]["truth"])
    assert f"night {NIGHTS[1]} done: " in nights[1]["said"]
    assert f" {reports} reports, " in nights[1]["said"]


def test_a_night_before_the_last_one_is_warned_of(tmp_path):
    """The clock of a machine may go back a day."""
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        first = crawl(tmp_path, registry, "2026-11-22")
        assert "is the clock right?" not in first.stderr
        done = crawl(tmp_path, registry, "2026-11-21")
    assert "night 2026-11-21 is before the last one crawled here, 2026-11-22" in done.stderr


def test_a_night_begun_again_asks_only_for_robots(three_nights, tmp_path):
    data, _ = three_nights
    with ExamplePortals(night=3) as portals:
        # The same addresses are needed, so the registry of before, and nobody listening there.
        done = crawl(data, data / "portals.csv", NIGHTS[3])
        assert f"night {NIGHTS[3]} done: 0 requests" in done.stderr
        assert sum(len(hits) for hits in portals.log.values()) == 0


@pytest.mark.parametrize("after", [4, 30, 75])
def test_killed_anywhere_the_same_command_goes_on(tmp_path, after):
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        process = subprocess.Popen(
            command(tmp_path, registry, NIGHTS[1]), cwd=ROOT, stderr=subprocess.DEVNULL
        )
        while sum(len(hits) for hits in portals.log.values()) < after:
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert list(tmp_path.glob("warc/*.open"))
        before = sum(len(hits) for hits in portals.log.values())
        done = crawl(tmp_path, registry, NIGHTS[1])
        assert done.returncode == 0, done.stderr
        seen = sightings(tmp_path, NIGHTS[1])
        assert pages(seen) == {report["url"] for report in portals.truth()}
        assert not list(tmp_path.glob("*/*.open"))
        kept = {(url, digest) for url, _, digest in captures(tmp_path)}
        assert all(
            (url, line["digest"]) in kept for url, line in seen.items() if line["kind"] == "report"
        )
        # Asked again: robots.txt of each site, and what was on the way when the crawl died.
        asked = Counter(
            (name, hit.method, hit.target, hit.referer)
            for name, hits in portals.log.items()
            for hit in hits
            if hit.target != "/robots.txt" and hit.method == "GET"
        )
        assert sum(count - 1 for count in asked.values()) <= 3 * 5
        assert before >= after


CHAPTERS = (
    "<p>一、总体情况</p><p>二、主动公开政府信息</p><p>三、收到和处理政府信息公开申请</p>" * 20
)
LIST = """<html><body><h1>政府信息公开年报</h1><ul>{rows}</ul></body></html>"""


def article(title):
    return (200, {"Content-Type": "text/html"}, f"<h1>{title}</h1>{CHAPTERS}</html>".encode())


def row(name, title):
    return f'<li><a href="/nb/t20240101_{name}.html" title="{title}">{title}</a> 2024-01-01</li>'


def titled(body):
    return f"甲县{body}2023年政府信息公开工作年度报告"


def test_odd_answers_are_called_what_they_are(tmp_path):
    bodies = "一局 二局 三局 四局 五局 六局 七局 八局 九局".split()
    rows = "".join(row(number, titled(body)) for number, body in enumerate(bodies, 1))
    rows += (
        row(20, "县十局（图片版）") + row(21, "县十一局有关情况") + row(22, "法治政府建设年度报告")
    )
    listing = (200, {"Content-Type": "text/html"}, LIST.format(rows=rows).encode())
    home = f"<a href='/nb/'>政府信息公开年报</a><p>{'字' * 300}</p>".encode()
    report = "/nb/t20240101_{}.html".format
    pages = {
        "/": [(200, {}, home)],
        "/nb/": [listing],
        report(1): [article(titled("一局"))],
        report(2): [(302, {"Location": "/new/2.html"}, b"")],
        "/new/2.html": [article(titled("二局"))],
        report(3): [(302, {"Location": "/"}, b"")],
        report(4): [(200, {}, "<title>404</title>您访问的页面不存在".encode())],
        report(5): [(302, {"Location": report(5)}, b"")],
        report(6): [(200, {}, b"<script>document.cookie='__jsl_clearance=1'</script>")],
        report(7): [(200, {"Content-Length": "9999"}, article("x")[2])],
        report(8): [(500, {}, b"error")],
        report(9): [(302, {"Location": "/nb/"}, b"")],
        report(20): [article(titled("十局"))],
        report(21): [article("甲县十一局有关情况")],
        report(22): [article("法治政府建设年度报告")],
    }
    with Server(pages) as server:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\na,甲县人民政府,331224,county,{server.url}/\n"
        )
        options = ("-s", "RETRY_TIMES=0", "-s", "DOWNLOAD_TIMEOUT=5")
        first = crawl(tmp_path, registry, NIGHTS[1], *options)
        asked = list(server.asked)
        crawl(tmp_path, registry, NIGHTS[2], *options)
        asked_again = server.asked[len(asked) :]
    assert first.returncode == 0, first.stderr
    seen = sightings(tmp_path, NIGHTS[1])
    verdicts = {
        url.removeprefix(server.url): (line["verdict"], line["status"])
        for url, line in seen.items()
        if line["kind"] == "report"
    }
    assert verdicts == {
        report(1): ("ok", 200),
        report(2): ("moved", 302),
        "/new/2.html": ("ok", 200),
        report(3): ("home_redirect", 302),
        report(4): ("soft_404", 200),
        report(5): ("error", 302),
        report(6): ("challenge", 200),
        report(7): ("truncated", 200),
        report(8): ("error", 500),
        report(9): ("soft_404", 302),
        report(20): ("ok", 200),
    }
    assert seen[server.url + report(20)]["title"] == titled("十局")
    assert asked.count(report(21)) == 1
    assert report(22) not in asked
    # What turned out to be no report is not asked again, and what moved is asked where it is.
    assert report(21) not in asked_again
    assert asked_again.count("/new/2.html") == 1
    assert asked_again.count(report(2)) == 1


def test_an_answer_too_large_to_keep_is_said_to_be(tmp_path):
    home = f"<a href='/nb/'>政府信息公开年报</a><p>{'字' * 300}</p>".encode()
    listing = LIST.format(rows=row(1, titled("一局"))).encode()
    large = article(titled("一局"))[2] + b"<!--" + b"x" * 200_000 + b"-->"
    pages = {
        "/": [(200, {}, home)],
        "/nb/": [(200, {"Content-Type": "text/html"}, listing)],
        "/nb/t20240101_1.html": [(200, {}, large)],
    }
    with Server(pages) as server:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\na,甲县人民政府,331224,county,{server.url}/\n"
        )
        crawl(tmp_path, registry, NIGHTS[1], "-s", "DOWNLOAD_MAXSIZE=100000")
    line = sightings(tmp_path, NIGHTS[1])[server.url + "/nb/t20240101_1.html"]
    assert (line["verdict"], line["digest"]) == ("too_large", None)


def test_a_full_disk_ends_the_crawl_and_the_next_start_finishes_it(tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        broken = subprocess.run(
            command(tmp_path, registry, NIGHTS[1]),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=limit,
        )
        assert broken.returncode == 74, broken.stderr
        assert broken.stderr.count("CRITICAL") == 1
        assert "is full or failing" in broken.stderr
        assert "free space on it" in broken.stderr
        assert "Traceback" not in broken.stderr
        assert crawl(tmp_path, registry, NIGHTS[1]).returncode == 0
        assert pages(sightings(tmp_path, NIGHTS[1])) == {r["url"] for r in portals.truth()}
    captures(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-a", "night=yesterday"], "night='yesterday' is no date"),
        (["-a", "only=nobody"], "only='nobody'"),
        (["-a", "shard=3/2"], "shard='3/2' is no share"),
        (["-a", "speed=9"], "unknown option 'speed'"),
        (["-a", "portals=/nowhere.csv"], "/nowhere.csv: No such file"),
        (["-a", "only=,"], "only=''"),
        (["-s", "DATA=/proc/nowhere"], "/proc/nowhere cannot be written to"),
    ],
)
def test_a_wrong_option_is_said_in_a_sentence(tmp_path, options, said):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "crawl", "annual_reports"),
            *("-s", f"DATA={tmp_path}", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_shards_split_portals_by_group():
    portals = [
        Portal(f"p{n}", "x", "331224", "county", f"http://{host}.x{n // 2}.gov.cn/")
        for n, host in enumerate(["www", "jyj"] * 20)
    ]
    shares = [{portal.id for portal in portals if in_shard(portal, n, 3)} for n in (1, 2, 3)]
    assert sum(len(share) for share in shares) == len(portals)
    assert set.union(*shares) == {portal.id for portal in portals}
    # p0 and p1 are hosts of one registered name.
    assert all(("p0" in share) == ("p1" in share) for share in shares)
    assert shares[2] == {portal.id for portal in portals if in_shard(portal, 0, 3)}
    # Sites on one address differ by their ports.
    ports = [Portal(f"q{n}", "x", "331224", "county", f"http://127.0.0.1:{n}/") for n in range(20)]
    assert 0 < sum(in_shard(portal, 1, 2) for portal in ports) < 20


def test_stopped_twice_it_still_says_that_the_night_is_not_done(tmp_path):
    with ExamplePortals(night=1) as portals:
        registry = portals.registry(tmp_path / "portals.csv")
        process = subprocess.Popen(
            command(tmp_path, registry, NIGHTS[1], delay="1"), cwd=ROOT, stderr=subprocess.DEVNULL
        )
        while not any(portals.log.values()):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 75


def test_tables_published_as_pictures_are_fetched_with_their_page_and_read(tmp_path):
    page = PAGES / "pictures-in-the-page.html"
    truth = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    title = truth["evidence"]["listed_title"]
    html = {"Content-Type": "text/html; charset=utf-8"}
    listing = LIST.format(rows=row(1, title)).encode()
    home = f"<a href='/nb/'>政府信息公开年报</a><p>{'字' * 300}</p>".encode()
    pictures = sorted((PAGES / f"{page.stem}_files").iterdir())
    answers = {
        "/": [(200, html, home)],
        "/nb/": [(200, html, listing)],
        "/nb/t20240101_1.html": [(200, html, page.read_bytes())],
    } | {
        f"/nb/{page.stem}_files/{file.name}": [
            (200, {"Content-Type": "image/png"}, file.read_bytes())
        ]
        for file in pictures
    }
    with Server(answers) as server:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\na,北原市人民政府,990100,prefecture,{server.url}/\n"
        )
        run = crawl(tmp_path, registry, NIGHTS[1])
    assert run.returncode == 0, run.stderr
    attached = [line for line in sightings(tmp_path, NIGHTS[1]).values() if line.get("report_url")]
    assert {Path(line["url"]).name for line in attached} == {file.name for file in pictures}
    build(tmp_path)
    with sqlite3.connect(tmp_path / "nianbao.db") as db:
        [(report, numbers)] = db.execute(
            "select r.id, v.numbers_read from reports r join versions v on v.id = r.current_version"
        ).fetchall()
        notes = dict(db.execute("select state, count(*) from cell_notes group by state").fetchall())
    assert report.endswith("/2021")
    assert numbers == notes["ocr"] == sum(value is not None for value in truth["cells"].values())


@pytest.mark.parametrize(
    "given",
    [
        *("DOWNLOAD_DELAY=x", "DOWNLOAD_DELAY=nan", "GROUP_REQUESTS=-1", "LATENCY_FACTOR="),
        *("GROUP_REQUESTS=2.5", "GROUP_BYTES=4e9"),
    ],
)
def test_a_setting_that_is_no_number_is_named(given, tmp_path):
    registry = tmp_path / "portals.csv"
    registry.write_text(
        "id,name,division,level,home_url\na,甲市,130100,prefecture,http://127.0.0.1:9/\n"
    )
    done = crawl(tmp_path / "data", registry, NIGHTS[1], "-s", given)
    name, _, value = given.partition("=")
    assert done.returncode == 2
    kind = "whole number" if name.startswith("GROUP_") else "number"
    assert f"{name}={value!r} is no {kind} from 0 on" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()
