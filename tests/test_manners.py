import csv
import gzip
import itertools
import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from scrapy.downloadermiddlewares import cookies
from scrapy.http import Headers
from scrapy.settings import Settings

from crawler import manners, settings
from crawler.frontier import Frontier
from crawler.manners import group_of, is_public, literal_address, refusal, retry_after
from crawler.manners.sizes import limit_of
from crawler.manners.window import parse_window
from tests.named_hosts import LoggingServer, Say
from tests.small_site import Server

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0",
        "０x7f.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.8",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "localhost",
        "a.localhost",
        "printer.local",
        "router.lan",
        "metadata.google.internal",
        "LOCALHOST",
        "localhost.",
        "ｌocalhost",
        "100.100.100.200",
        "168.63.129.16",
        "[::7f00:1]",
        "[::ffff:0:7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[::]",
        "127.0.0.1%00.gov.cn",
        "public.gov.cn@127.0.0.1",
    ],
)
def test_private_addresses_are_refused_however_spelt(host):
    assert refusal(f"http://{host}/") is not None


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:,x", "ftp://a.gov.cn/", "gopher://a.gov.cn/"]
)
def test_other_schemes_are_refused(url):
    assert refusal(url, allow_loopback=True) is not None


@pytest.mark.parametrize("url", ["http://[::1", "http://a.gov.cn:99999/", "http:///x"])
def test_what_is_no_address_is_refused(url):
    assert refusal(url, allow_loopback=False) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.cn/",
        "http://61.150.65.235/zfxxgk/",
        "http://[2400:3200::1]/",
        "http://[64:ff9b::7b7b:7b7b]/",
    ],
)
def test_public_ones_are_asked(url):
    assert refusal(url) is None


def test_our_own_network_means_loopback_and_no_more():
    assert refusal("http://127.1:8011/", allow_loopback=True) is None
    assert refusal("http://[::1]/", allow_loopback=True) is None
    assert refusal("http://10.0.0.8/", allow_loopback=True) is not None
    assert not is_public(ip_address("169.254.169.254"), allow_loopback=True)


def test_a_name_is_no_address():
    assert literal_address("www.gov.cn") is None
    assert str(literal_address("2130706433")) == "127.0.0.1"


def test_groups_are_hosts_and_unusual_ports():
    assert group_of("http://www.Example.gov.cn:80/a") == "www.example.gov.cn"
    assert group_of("https://www.example.gov.cn/") == "www.example.gov.cn"
    assert group_of("http://127.0.0.1:8012/") == "127.0.0.1:8012"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("999999", 3600),
        ("Sat, 21 Nov 2026 14:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 13:00:00 GMT", 0),
        ("Sat, 28 Nov 2026 14:00:00 GMT", 3600),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after(value, NOW) == seconds


def test_settings_are_polite_by_default():
    plain = Settings()
    plain.setmodule(settings)
    assert plain["TWISTED_DNS_RESOLVER"] == "crawler.manners.GuardResolver"
    assert plain.getfloat("DOWNLOAD_DELAY") >= 3
    assert plain.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    assert not plain.getbool("ALLOW_PRIVATE_NETWORK")
    assert not plain.getbool("REMOTE_CONTROL_ENABLED")
    assert not plain.getbool("TELNETCONSOLE_ENABLED")
    assert "+http" in plain["USER_AGENT"]
    handlers = plain.getdict("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler is None} >= {"file", "ftp"}


HOME = b"<html><body><a href='/zwgk/'>\xe6\x94\xbf\xe5\x8a\xa1\xe5\x85\xac\xe5\xbc\x80</a></body></html>"


def crawl(folder, urls, *options):
    registry = folder / "portals.csv"
    with registry.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(("id", "name", "division", "level", "home_url"))
        table.writerows((name, name, "331224", "county", url) for name, url in urls.items())
    command = [sys.executable, "-m", "scrapy", "crawl", "annual_reports"]
    command += ["-a", f"portals={registry}", "-a", "night=2026-11-21", "-s", f"DATA={folder}"]
    command += [
        "-s",
        "DOWNLOAD_DELAY=0.02",
        "-s",
        "RETRY_TIMES=1",
        "-s",
        "DOWNLOAD_TIMEOUT=5",
        *options,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    lines = [
        json.loads(line)
        for path in sorted((folder / "sightings").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return done, {line["id"]: line["state"] for line in lines if line["kind"] == "portal"}


LOOPBACK = ("-s", "ALLOW_PRIVATE_NETWORK=True")


def robots(status=200, body=b"", **headers):
    return [(status, headers, body)]


def test_what_a_crawl_makes_of_robots_and_pauses(tmp_path):
    page = [(200, {"Content-Type": "text/html"}, HOME)]
    sites = {
        "open": {"/": page, "/zwgk/": page},
        "unreadable": {"/robots.txt": robots(500, b"User-agent: *\nAllow: /"), "/": page},
        "reset": {"/robots.txt": [(0, {}, b"")], "/": page},
        "refused": {"/robots.txt": robots(403, b"User-agent: *\nDisallow: /"), "/": page},
        "closed": {"/robots.txt": robots(200, b"User-agent: *\nDisallow: /"), "/": page},
        "partly": {
            "/robots.txt": robots(200, b"User-agent: Nianbao\nDisallow: /zwgk/"),
            "/": page,
        },
        "elsewhere": {
            "/robots.txt": robots(301, Location="/r2"),
            "/r2": robots(200, b"User-agent: *\nDisallow: /zwgk/"),
            "/": page,
            "/zwgk/": page,
        },
        "tired": {"/": [(503, {"Retry-After": "0"}, b"later"), *page], "/zwgk/": page},
        "weary": {"/": [(429, {"Retry-After": "0"}, b"later")]},
        "slow": {"/robots.txt": robots(200, b"User-agent: *\nCrawl-delay: 0.4"), "/": page},
    }
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Server(pages)) for name, pages in sites.items()}
        urls = {name: server.url + "/" for name, server in servers.items()}
        done, states = crawl(tmp_path, urls, *LOOPBACK)
    assert done.returncode == 0, done.stderr
    asked = {name: server.asked for name, server in servers.items()}
    assert asked["open"] == ["/robots.txt", "/", "/zwgk/"]
    # RFC 9309: an error of the server forbids, one of ours allows; neither body is a rule.
    assert set(asked["unreadable"]) == {"/robots.txt"}
    assert set(asked["reset"]) == {"/robots.txt"}
    assert asked["refused"] == ["/robots.txt", "/", "/zwgk/"]
    assert asked["closed"] == ["/robots.txt"]
    assert asked["partly"] == ["/robots.txt", "/"]
    assert asked["elsewhere"] == ["/robots.txt", "/r2", "/"]
    assert asked["tired"] == ["/robots.txt", "/", "/", "/zwgk/"]
    assert asked["weary"] == ["/robots.txt", "/", "/", "/"]
    assert {name for name, state in states.items() if state == "ok"} == {
        "open",
        "refused",
        "partly",
        "elsewhere",
        "tired",
        "slow",
    }


def test_no_spelling_of_our_own_machine_is_asked(tmp_path):
    with Server({"/": [(200, {}, b"secret")]}) as server:
        port = server.server.server_address[1]
        hosts = ["127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
        urls = {f"p{at}": f"http://{host}:{port}/" for at, host in enumerate(hosts)}
        _, states = crawl(tmp_path, urls)
        assert server.asked == []
    assert set(states.values()) == {"error"}


def test_a_redirect_to_a_private_address_is_refused(tmp_path):
    target = "http://169.254.169.254/latest/"
    home = [(200, {}, f"<a href='/zwgk/'>政务公开</a><p>{'字' * 200}</p>".encode())]
    pages = {"/": home, "/zwgk/": [(302, {"Location": target}, b"")]}
    with Server(pages) as server:
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK)
    assert server.asked == ["/robots.txt", "/", "/zwgk/"]
    assert "169.254.169.254" not in "".join(path.name for path in (tmp_path / "warc").iterdir())
    assert "night 2026-11-21 done" in done.stderr


def test_without_its_guard_the_crawl_asks_nothing(tmp_path):
    with Server({"/": [(200, {}, HOME)]}) as server:
        resolver = "TWISTED_DNS_RESOLVER=scrapy.resolver.CachingThreadedResolver"
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", resolver)
        assert server.asked == []
    assert done.returncode == 75
    assert "not active: GuardResolver" in done.stderr


def test_names_that_lead_to_private_addresses_are_refused():
    resolver = manners.GuardResolver.__new__(manners.GuardResolver)
    from scrapy.resolver import dnscache

    dnscache["rebound.example"] = "10.0.0.8"
    failures = []
    resolver.getHostByName("rebound.example").addErrback(failures.append)
    assert "10.0.0.8, which is no public address" in str(failures[0].value)


def test_cookies_do_not_fetch_a_list_from_the_web(monkeypatch):
    def no_network(*arguments, **more):
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    manners.stay_off_the_web()
    assert cookies._is_public_domain("gov.cn")
    assert not cookies._is_public_domain("example.gov.cn")


# From here on: what a server sees.

MENU = "<html><body><a href='/zwgk/'>政务公开</a>{}</body></html>"
NAMED = ("-s", "TWISTED_DNS_RESOLVER=tests.named_hosts.NamedHosts")
NO_RULES = Say("404 Not Found")


def page(*links):
    return "".join(("<html><body>", *links, "<p>", "字" * 300, "</p></body></html>")).encode()


def entries(count, url="/zwgk/nb/{}.html"):
    """A list of annual reports of our own making, in as many years as it takes."""
    return [
        f"<li><a href='{url.format(at)}'>某局{2024 - at}年政府信息公开工作年度报告</a></li>"
        for at in range(count)
    ]


def site(count=4, **pages):
    """A home page, its column and the reports of it, at any host."""
    return {
        "/robots.txt": NO_RULES,
        "/": Say(body=page("<a href='/zwgk/nb/'>政府信息公开年报</a>")),
        "/zwgk/nb/": Say(body=page(*entries(count))),
        **{f"/zwgk/nb/{at}.html": Say(body=page("年度报告")) for at in range(count)},
        **pages,
    }


def test_three_names_of_one_machine_are_asked_one_at_a_time(tmp_path):
    slow = {path: Say(say.status, say.headers, say.body, 0.05) for path, say in site().items()}
    with LoggingServer(slow) as server:
        urls = {name: server.named(name) + "/" for name in ("a", "b", "c", "d")}
        done, states = crawl(tmp_path, urls, *LOOPBACK, *NAMED, "-s", "DOWNLOAD_DELAY=0.1")
    assert done.returncode == 0, done.stderr
    assert set(states.values()) == {"ok"}
    assert {asked.host for asked in server.log} == {"a.test", "b.test", "c.test", "d.test"}
    assert len(server.paths()) == 4 * 7
    # Two may be under way when the third name is learnt: from then on it is one group.
    third = next(at for at, asked in enumerate(server.log) if asked.host == "c.test")
    assert all(first.ended <= second.began for first, second in pairs(server.log[third:]))
    assert all(
        before.ended <= asked.began for before in server.log[:third] for asked in server.log[third:]
    )
    assert min(second.began - first.answered for first, second in pairs(server.log[third:])) >= 0.1


def pairs(log):
    return itertools.pairwise(log)


def test_hosts_of_their_own_machines_are_asked_at_once(tmp_path):
    slow = {path: Say(say.status, say.headers, say.body, 0.2) for path, say in site().items()}
    with LoggingServer(slow) as one, LoggingServer(slow) as other:
        urls = {"a": one.url + "/", "b": other.url + "/"}
        done, _ = crawl(tmp_path, urls, *LOOPBACK)
    assert done.returncode == 0, done.stderr
    assert (one.most_at_once(), other.most_at_once()) == (1, 1)
    assert any(a.began < b.ended and b.began < a.ended for a in one.log for b in other.log)


def test_the_delay_is_kept_and_grows_with_the_latency(tmp_path):
    slow = {path: Say(say.status, say.headers, say.body, 0.1) for path, say in site(2).items()}
    with LoggingServer(site(2)) as quick, LoggingServer(slow) as patient:
        done, _ = crawl(
            tmp_path, {"a": quick.url + "/", "b": patient.url + "/"}, *LOOPBACK,
            "-s", "DOWNLOAD_DELAY=0.25", "-s", "LATENCY_FACTOR=5",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(quick.paths()) == len(patient.paths()) == 5
    assert min(quick.gaps()) >= 0.25
    # A busy server's log is late by some of the latency; without the factor the gap were 0.25.
    assert min(patient.gaps()) >= 3 * 0.1


def test_a_crawl_delay_and_a_retry_after_hold_over_a_delay_of_ones_own(tmp_path):
    rules = Say(headers={"Content-Type": "text/html"}, body=b"User-agent: *\r\nCrawl-delay: 0.6")
    later = Say("503 Service Unavailable", {"Retry-After": "1"}, b"later")
    column = site()["/zwgk/nb/"]
    with (
        LoggingServer(site(1, **{"/robots.txt": rules})) as slow,
        LoggingServer(site(1, **{"/zwgk/nb/": [later, column]})) as tired,
    ):
        done, states = crawl(tmp_path, {"a": slow.url + "/", "b": tired.url + "/"}, *LOOPBACK)
    assert done.returncode == 0, done.stderr
    assert states == {"a": "ok", "b": "ok"}
    assert slow.paths() == ["/robots.txt", "/", "/zwgk/nb/", "/zwgk/nb/0.html"]
    assert min(slow.gaps()) >= 0.6
    assert tired.paths() == ["/robots.txt", "/", "/zwgk/nb/", "/zwgk/nb/", "/zwgk/nb/0.html"]
    assert max(tired.gaps()) >= 1.0


def test_an_overload_without_a_word_is_given_a_rest(tmp_path):
    busy = Say("503 Service Unavailable", {}, b"busy")
    with LoggingServer(site(1, **{"/zwgk/nb/": [busy, site()["/zwgk/nb/"]]})) as server:
        done, states = crawl(
            tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", "DOWNLOAD_DELAY=0.05"
        )
    assert done.returncode == 0, done.stderr
    assert states == {"a": "ok"}
    assert server.paths()[2:4] == ["/zwgk/nb/", "/zwgk/nb/"]
    assert max(server.gaps()) >= 10 * 0.05


def test_robots_of_every_kind(tmp_path):
    forbid = b"User-agent: *\nDisallow: /"
    elsewhere = LoggingServer({"/r.txt": Say(body=forbid)})
    hop = {f"/r{at}": Say("302 Found", {"Location": f"/r{at + 1}"}) for at in range(1, 9)}
    kinds = {
        "busy": Say("429 Too Many Requests", {"Retry-After": "0"}, forbid),
        "down": Say("502 Bad Gateway", {}, b"User-agent: *\nAllow: /"),
        "mute": Say(wait=8.0),
        "gone": Say("410 Gone", {}, forbid),
        "teapot": Say("418 Teapot", {}, forbid),
        "away": Say("301 Moved", {"Location": elsewhere.url + "/r.txt"}),
        "inward": Say("301 Moved", {"Location": "http://169.254.169.254/robots.txt"}),
        "round": Say("302 Found", {"Location": "/r1"}),
        "mark": Say(
            headers={"Content-Type": "image/png"},
            body=b"\xef\xbb\xbfUser-Agent: nianbao\rDisallow: /zwgk/nb/1",
        ),
        "long": Say(body=b"User-agent: *\nDisallow: /zwgk/nb/1\n" + b"# filler\n" * 400_000),
    }
    with ExitStack() as stack:
        stack.enter_context(elsewhere)
        servers = {
            name: stack.enter_context(LoggingServer(site(2, **{"/robots.txt": say}, **hop)))
            for name, say in kinds.items()
        }
        urls = {name: server.url + "/" for name, server in servers.items()}
        done, _ = crawl(
            tmp_path, urls, *LOOPBACK, "-s", "DOWNLOAD_TIMEOUT=2", "-s", "RETRY_TIMES=0"
        )
    assert done.returncode == 0, done.stderr
    everything = ["/robots.txt", "/", "/zwgk/nb/", "/zwgk/nb/0.html", "/zwgk/nb/1.html"]
    asked = {name: server.paths() for name, server in servers.items()}
    for name in ("busy", "down", "mute", "inward", "away"):
        assert set(asked[name]) == {"/robots.txt"}, name
    for name in ("gone", "teapot"):
        assert sorted(asked[name]) == sorted(everything), name
    for name in ("mark", "long"):
        assert asked[name] == everything[:-1], name
    # Five redirects are followed; then there are no rules.
    assert asked["round"][:6] == ["/robots.txt", "/r1", "/r2", "/r3", "/r4", "/r5"]
    assert sorted(asked["round"][6:]) == sorted(everything[1:])
    assert elsewhere.paths() == ["/r.txt"]
    assert all(server.most_at_once() == 1 for server in servers.values())
    assert all("nianbao" in a.headers["user-agent"].lower() for a in servers["gone"].log)


def test_after_a_month_the_last_good_robots_serves(tmp_path):
    rules = "User-agent: *\nDisallow: /zwgk/"
    down = Say("500 Internal Server Error")
    with (
        LoggingServer(site(1, **{"/robots.txt": down})) as month,
        LoggingServer(site(1, **{"/robots.txt": down})) as days,
        LoggingServer(site(1, **{"/robots.txt": Say(body=rules.encode())})) as fine,
    ):
        with Frontier(tmp_path / "frontier.db") as frontier:
            frontier.keep_robots(month.url, rules, "2026-10-22")
            frontier.keep_robots(days.url, rules, "2026-10-23")
        urls = {"a": month.url + "/", "b": days.url + "/", "c": fine.url + "/"}
        done, _ = crawl(tmp_path, urls, *LOOPBACK)
        assert done.returncode == 0, done.stderr
        with Frontier(tmp_path / "frontier.db") as frontier:
            assert frontier.robots_copy(fine.url) == (rules, "2026-11-21")
            assert frontier.robots_copy(month.url) == (rules, "2026-10-22")
    assert [path for path in month.paths() if path != "/robots.txt"] == ["/"]
    assert set(days.paths()) == {"/robots.txt"}


def test_a_kill_switch_that_is_there_lets_nothing_be_asked(tmp_path):
    (tmp_path / "STOP").touch()
    with LoggingServer(site()) as server:
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK)
    assert done.returncode == 75
    assert server.log == []
    assert "kill switch" in done.stderr
    assert str(tmp_path / "STOP") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kill_switch_ends_a_crawl_after_what_is_under_way(tmp_path):
    switch = tmp_path / "halt"
    pages = site(30)
    pages["/zwgk/nb/"].then = switch.touch
    with LoggingServer(pages) as server:
        options = ("-s", f"KILL_SWITCH={switch}", "-s", "DOWNLOAD_DELAY=0.4")
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, *options)
        assert done.returncode == 75, done.stderr
        assert "Traceback" not in done.stderr
        first = server.paths()
        assert len(first) < 15
        switch.unlink()
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK)
    assert done.returncode == 0, done.stderr
    asked = [path for path in server.paths() if path.endswith(".html")]
    assert sorted(asked) == sorted(f"/zwgk/nb/{at}.html" for at in range(30))


def test_outside_its_window_a_crawl_asks_nothing(tmp_path):
    here = datetime.now(ZoneInfo("Asia/Shanghai"))
    window = f"{here + timedelta(hours=2):%H:%M}-{here + timedelta(hours=3):%H:%M}"
    with LoggingServer(site()) as server:
        options = (*LOOPBACK, "-s", f"NIGHT_WINDOW={window}")
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *options)
        assert server.log == []
        wrong, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", "NIGHT_WINDOW=nachts")
    assert done.returncode == 75
    assert f"window {window}" in done.stderr
    assert wrong.returncode == 2
    assert "'nachts' is no window" in wrong.stderr


def test_who_opted_out_is_not_asked_not_even_for_robots(tmp_path):
    listed = tmp_path / "optout.csv"
    listed.write_text(
        "host_or_url_prefix,since,reason\n"
        "away.test,2026-05-01,by letter\n"
        "http://part.test/zwgk/nb/1,2026-05-01,\n"
    )
    with LoggingServer(site(2)) as server:
        leads = Say("302 Found", {"Location": server.named("www.away") + "/x.html"})
        server.pages[("leads", "/zwgk/nb/0.html")] = [leads]
        urls = {
            "away": server.named("away") + "/",
            "below": server.named("www.Away") + "/",
            "part": server.named("part") + "/",
            "leads": server.named("leads") + "/",
            "near": server.named("faraway") + "/",
        }
        done, states = crawl(tmp_path, urls, *LOOPBACK, *NAMED, "-s", f"OPT_OUT={listed}")
    assert done.returncode == 0, done.stderr
    hosts = {asked.host for asked in server.log}
    assert hosts == {"part.test", "leads.test", "faraway.test"}
    assert "/zwgk/nb/1.html" not in server.paths("part")
    assert "/zwgk/nb/0.html" in server.paths("part")
    assert "/zwgk/nb/1.html" in server.paths("leads")
    assert states["near"] == states["part"] == "ok"
    assert "opted out since 2026-05-01 (by letter)" in done.stderr


def test_a_malformed_opt_out_ends_the_crawl_before_it_begins(tmp_path):
    listed = tmp_path / "optout.csv"
    listed.write_text(
        "host_or_url_prefix,since,reason\na.gov.cn,soon,x\n\nb c.gov.cn,2026-05-01,x\n"
    )
    with LoggingServer(site()) as server:
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", f"OPT_OUT={listed}")
    assert done.returncode == 2
    assert f"{listed} line 2: since 'soon' is no date" in done.stderr
    assert "line 4: 'b c.gov.cn' is no host" in done.stderr
    assert server.log == []
    assert "Traceback" not in done.stderr


def test_each_answer_has_the_limit_of_its_kind(tmp_path):
    def endless(kind):
        def send():
            yield f"Content-Type: {kind}\r\n\r\n".encode()
            while True:
                yield b"x" * 65_536

        return Say(body=send)

    bomb = gzip.compress(b"x" * 60_000_000)
    pdf = b"%PDF-1.4\n" + b"x" * 12_000_000
    pages = site(
        4,
        **{
            "/zwgk/nb/": Say(body=page(*entries(3), *entries(1, "/zwgk/nb/x{}.pdf"))),
            "/zwgk/nb/0.html": Say(headers={"Content-Type": "application/pdf"}, body=pdf),
            "/zwgk/nb/1.html": Say(headers={"Content-Encoding": "gzip"}, body=bomb),
            "/zwgk/nb/2.html": endless("text/html"),
            "/zwgk/nb/x0.pdf": endless("text/html"),
        },
    )
    with LoggingServer(pages) as server:
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", "DOWNLOAD_TIMEOUT=30")
    assert done.returncode == 0, done.stderr
    lines = sighted(tmp_path)
    assert lines["/zwgk/nb/0.html"]["verdict"] == "ok"
    for path in ("/zwgk/nb/1.html", "/zwgk/nb/2.html", "/zwgk/nb/x0.pdf"):
        assert lines[path]["verdict"] == "too_large", path
    # Ten megabytes of each, and what was on its way.
    assert server.sent < 2 * 20_000_000


def sighted(folder):
    """The lines of reports, by path."""
    return {
        urlsplit(line["url"]).path: line
        for path in sorted((folder / "sightings").glob("*.jsonl"))
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        if line["kind"] == "report"
    }


def test_a_limit_on_the_command_line_caps_everything(tmp_path):
    pdf = Say(headers={"Content-Type": "application/pdf"}, body=b"%PDF-1.4" + b"x" * 300_000)
    pages = site(2, **{"/zwgk/nb/0.html": pdf})
    with LoggingServer(pages) as server:
        crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK, "-s", "DOWNLOAD_MAXSIZE=200000")
    assert {path: line["verdict"] for path, line in sighted(tmp_path).items()} == {
        "/zwgk/nb/0.html": "too_large",
        "/zwgk/nb/1.html": "ok",
    }


def test_endless_headers_are_given_up(tmp_path):
    def flood():
        for at in range(200_000):
            yield f"X-Padding-{at}: {at}\r\n".encode()

    pages = site(2, **{"/zwgk/nb/0.html": Say(body=flood)})
    with LoggingServer(pages) as server:
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *LOOPBACK)
    assert done.returncode == 0, done.stderr
    assert server.paths().count("/zwgk/nb/0.html") == 1
    assert sighted(tmp_path)["/zwgk/nb/0.html"]["verdict"] == "too_large"
    assert sighted(tmp_path)["/zwgk/nb/1.html"]["verdict"] == "ok"


def inactive(*options, spider="guarded"):
    command = [sys.executable, "-m", "scrapy", "crawl", spider]
    command += ["-s", "SPIDER_MODULES=tests.guarded_spider", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_guard_stands_by_default():
    assert inactive() == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["TWISTED_DNS_RESOLVER=scrapy.resolver.CachingHostnameResolver"], ["GuardResolver"]),
        (
            ["ROBOTSTXT_OBEY=False", "REDIRECT_ENABLED=True", "METAREFRESH_ENABLED=True", "HTTPPROXY_ENABLED=True",
             "HTTPCACHE_ENABLED=True", "TELNETCONSOLE_ENABLED=True", "REMOTE_CONTROL_ENABLED=True", "EXTENSIONS={}",
             "DOWNLOAD_HANDLERS={}"],
            ["RobotsMiddleware", "RedirectMiddleware off", "MetaRefreshMiddleware off", "HttpProxyMiddleware off",
             "HttpCacheMiddleware off", "TelnetConsole off", "RemoteControl off", "Watch", "SizeLimits", "data:",
             "file:", "s3:", "ftp:", "BoundedHandler for http:", "BoundedHandler for https:"],
        ),
        (
            ["DOWNLOADER_MIDDLEWARES={}"],
            ["GuardMiddleware", "RobotsMiddleware", "PatienceMiddleware", "CaptureMiddleware", "TurnMiddleware"],
        ),
        (
            ['DOWNLOADER_MIDDLEWARES={"crawler.manners.GuardMiddleware": 999, "crawler.manners.RobotsMiddleware": 100,'
             ' "crawler.manners.PatienceMiddleware": 560, "crawler.capture.CaptureMiddleware": 950, "crawler.manners.TurnMiddleware": 970}'],
            ["the order GuardMiddleware < "],
        ),
    ],
)  # fmt: skip
def test_a_guard_that_does_not_stand_is_named(settings, named):
    said = inactive(*[part for setting in settings for part in ("-s", setting)])
    assert len(said) == len(named), said
    for name in named:
        assert any(name in one for one in said), said


def test_a_resolver_of_custom_settings_does_not_count():
    """Scrapy reads it too late: what was asked for in the project's settings is what stands."""
    assert inactive(spider="unguarded") == []


def test_an_address_in_figures_is_checked_and_given_back():
    resolver = manners.GuardResolver.__new__(manners.GuardResolver)
    found, failed = [], []
    for name in ("2400:3200::1", "61.150.65.235", "::1", "::ffff:10.0.0.8", "127.1"):
        resolver.getHostByName(name).addCallbacks(found.append, failed.append)
    assert found == ["2400:3200::1", "61.150.65.235"]
    assert len(failed) == 3


@pytest.mark.parametrize(
    ("url", "headers", "limit"),
    [
        ("http://a.cn/x.html", {"Content-Type": "text/html; charset=gbk"}, 10),
        ("http://a.cn/x.pdf", {"Content-Type": "TEXT/HTML"}, 10),
        ("http://a.cn/x.html", {"Content-Type": "application/pdf"}, 100),
        ("http://a.cn/x.docx", {"Content-Type": "text/plain"}, 100),
        ("http://a.cn/x.docx", {}, 100),
        ("http://a.cn/x.html", {}, 10),
        ("http://a.cn/x", {"Content-Type": "application/json"}, 10),
        ("http://a.cn/x", {"Content-Type": "application/x-javascript"}, 10),
        ("http://a.cn/x", {"Content-Type": "application/xhtml+xml"}, 10),
        ("http://a.cn/x", {"Content-Type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, 100),
        ("http://a.cn/x", {"Content-Type": "application/zip"}, 100),
        ("http://a.cn/get?id=3", {"Content-Type": "text/html", "Content-Disposition": "attachment; filename=x.pdf"}, 100),
    ],
)  # fmt: skip
def test_the_limit_of_an_answer_is_that_of_its_kind(url, headers, limit):
    assert limit_of(url, Headers(headers)) == limit * 1024 * 1024


@pytest.mark.parametrize(
    ("place", "url", "is_out"),
    [
        ("a.gov.cn", "https://a.gov.cn/x", True),
        ("a.gov.cn", "http://www.A.gov.cn:8080/", True),
        ("a.gov.cn", "http://ba.gov.cn/", False),
        ("http://a.gov.cn", "https://a.gov.cn/", True),
        ("http://a.gov.cn/nb/", "http://www.a.gov.cn/nb/1.html", True),
        ("http://a.gov.cn/nb/", "http://a.gov.cn/n%62/1.html", True),
        ("http://a.gov.cn/nb/", "http://a.gov.cn/zwgk/", False),
        ("a.gov.cn:8080", "http://a.gov.cn:8080/", True),
        ("a.gov.cn:8080", "http://a.gov.cn/", False),
        ("127.0.0.1", "http://2130706433/", True),
        ("政府.cn", "http://xn--mxtq1m.cn/", True),
    ],
)
def test_whom_an_opt_out_covers(tmp_path, place, url, is_out):
    listed = tmp_path / "optout.csv"
    listed.write_text(f"host_or_url_prefix,since,reason\n{place},2026-05-01,\n", encoding="utf-8")
    assert bool(manners.load_opt_out(listed).reason(url)) is is_out


def test_our_own_opt_out_list_can_be_read():
    assert manners.load_opt_out(ROOT / "crawler" / "optout.csv").reason("http://a.gov.cn/") is None


def test_a_watch_knows_the_hours_and_the_switch(tmp_path):
    crawler = SimpleNamespace(signals=SimpleNamespace(connect=lambda *_: None))
    watch = manners.Watch(crawler, tmp_path / "STOP", parse_window("22:00-06:00"))
    # 22:30 and 06:30 in Asia/Shanghai.
    late, early = (datetime(2026, 11, 21, hour, 30, tzinfo=UTC) for hour in (14, 22))
    assert watch.reason_to_stop(late) is None
    word, sentence = watch.reason_to_stop(early)
    assert word == "night_window"
    assert "closed until 2026-11-22 22:00" in sentence
    (tmp_path / "STOP").touch()
    assert watch.reason_to_stop(late)[0] == "kill_switch"


def test_a_window_that_closes_ends_a_running_crawl(tmp_path):
    here = datetime.now(ZoneInfo("Asia/Shanghai"))
    window = f"{here - timedelta(hours=2):%H:%M}-{here + timedelta(seconds=8):%H:%M:%S}"
    with LoggingServer(site(60)) as server:
        options = (*LOOPBACK, "-s", f"NIGHT_WINDOW={window}", "-s", "DOWNLOAD_DELAY=0.5")
        done, _ = crawl(tmp_path, {"a": server.url + "/"}, *options)
    assert done.returncode == 75
    assert "is closed until" in done.stderr
    assert len(server.paths()) < 40
    assert "Traceback" not in done.stderr


def test_a_name_that_leads_nowhere_is_an_error_and_holds_nobody_up(tmp_path):
    with LoggingServer(site(1)) as server:
        urls = {"a": server.named("private.x") + "/", "b": server.named("b") + "/"}
        done, states = crawl(tmp_path, urls, *LOOPBACK, *NAMED)
    assert done.returncode == 0, done.stderr
    assert states["b"] == "ok"
    assert states["a"] != "ok"
    assert {asked.host for asked in server.log} == {"b.test"}
