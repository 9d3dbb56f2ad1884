import csv
import json
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from scrapy.downloadermiddlewares import cookies
from scrapy.settings import Settings

from crawler import manners, settings
from crawler.manners import group_of, is_public, literal_address, refusal, retry_after
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
    ],
)
def test_private_addresses_are_refused_however_spelt(host):
    assert refusal(f"http://{host}/") is not None


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "data:,x", "ftp://a.gov.cn/", "gopher://a.gov.cn/"]
)
def test_other_schemes_are_refused(url):
    assert refusal(url, allow_loopback=True) is not None


@pytest.mark.parametrize("url", ["https://www.gov.cn/", "http://61.150.65.235/zfxxgk/"])
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
    assert "guard against private addresses is not active" in done.stderr


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
