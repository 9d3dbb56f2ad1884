import csv
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.page import read_page
from crawler.probe import Answer, disclosure_link, setting, write
from tests.small_site import Server

ROOT = Path(__file__).parents[1]
HOME = "http://a.gov.cn/"


def linked(*links):
    rows = "".join(f"<li><a href='{href}'>{words}</a></li>" for href, words in links)
    return read_page(HOME, f"<html><body><ul>{rows}</ul></body></html>".encode())


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (
            [("/zwgk/", "政务公开"), ("/nb/", "政府信息公开年报"), ("/n/1.html", "新闻")],
            ("column", HOME + "nb/"),
        ),
        ([("/zwgk/", "政务公开"), ("/bm/", "部门")], ("listing", HOME + "zwgk/")),
        ([("/bm/", "部门"), ("/map/", "网站地图")], ("", "")),
        ([("http://b.gov.cn/nb/", "政府信息公开年报")], ("", "")),
        (
            [("http://xxgk.a.gov.cn/nb/", "政府信息公开年报")],
            ("column", "http://xxgk.a.gov.cn/nb/"),
        ),
    ],
)
def test_the_surest_link_of_the_site_itself_counts(links, found):
    assert disclosure_link(linked(*links), (HOME,)) == found


def test_a_setting_has_a_name_and_a_value():
    assert setting("DOWNLOAD_DELAY=0.5") == ("DOWNLOAD_DELAY", "0.5")
    assert setting("USER_AGENT=a=b") == ("USER_AGENT", "a=b")
    for wrong in ("DOWNLOAD_DELAY", "=1", ""):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            setting(wrong)


def test_answers_are_written_as_csv_and_json(tmp_path):
    answers = [
        Answer("a", "甲县人民政府", HOME, "ok", 200, HOME, '"甲", 县', "column", HOME + "nb/")
    ]
    write(answers, tmp_path / "a.csv")
    write(answers, tmp_path / "a.json")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    (same,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert row == {name: str(value) for name, value in same.items()}
    assert (same["title"], same["status"], same["link"]) == ('"甲", 县', 200, "column")


def page(title, *links):
    rows = "".join(f"<a href='{href}'>{words}</a>" for href, words in links)
    text = f"<html><head><title>{title}</title></head><body>{rows}<p>{'字' * 700}</p></body></html>"
    return (200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


SITE = {
    "/robots.txt": [(200, {}, b"User-agent: *\nDisallow: /secret/\n")],
    "/": [page("甲县人民政府", ("/nb/", "政府信息公开年报"))],
    "/moved/": [(302, {"Location": "/new/"}, b"")],
    "/new/": [page("乙县人民政府", ("/gk/", "政府信息公开"))],
    "/shell/": [(200, {}, b"<script>location.href='/new/';</script>")],
    "/wall/": [(200, {}, b"<script>document.cookie='__jsl_clearance=1'</script>")],
    "/gone/": [(404, {}, b"none")],
    "/broken/": [(500, {}, b"error")],
    "/circle/": [(302, {"Location": "/circle/"}, b"")],
    "/inward/": [(302, {"Location": "http://10.0.0.8/"}, b"")],
    "/secret/": [page("不可问")],
}


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """What the real command says of a site of all kinds, and what it asked for."""
    folder = tmp_path_factory.mktemp("probe")
    with Server(SITE) as server:
        paths = [path for path in SITE if path not in ("/robots.txt", "/new/")]
        rows = "".join(
            f"a{number},甲县人民政府,331224,county,{server.url}{path}\n"
            for number, path in enumerate(paths)
        )
        registry = folder / "portals.csv"
        registry.write_text("id,name,division,level,home_url\n" + rows, encoding="utf-8")
        done = probe(registry, "--out", folder / "out.json")
        asked = list(server.asked)
        one = probe(registry, "--only", "a0", "--out", folder / "one.csv")
        assert server.asked[len(asked) :] == ["/robots.txt", "/"]
    answers = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    found = dict(zip(paths, answers, strict=True))
    return server.url, done, asked, found, (one, folder / "one.csv")


def probe(registry, *options):
    return subprocess.run(
        [
            *(sys.executable, "-m", "crawler.portals", "probe", registry),
            *("-s", "ALLOW_PRIVATE_NETWORK=True", "-s", "DOWNLOAD_DELAY=0.02", *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_each_home_page_is_asked_once_and_robots_are_obeyed(probed):
    _, done, asked, _, _ = probed
    assert done.returncode == 0, done.stderr
    assert "/secret/" not in asked
    homes = [path for path in SITE if path not in ("/robots.txt", "/new/", "/secret/", "/circle/")]
    assert {path: asked.count(path) for path in homes} == dict.fromkeys(homes, 1)
    # A second time for the cookie that might have come with the first.
    assert (asked.count("/circle/"), asked.count("/robots.txt")) == (2, 1)


def test_every_answer_has_its_verdict(probed):
    url, _, _, found, _ = probed
    said = {path: (one["verdict"], one["status"]) for path, one in found.items()}
    assert said == {
        "/": ("ok", 200),
        "/moved/": ("ok", 200),
        "/shell/": ("ok", 200),
        "/wall/": ("challenge", 200),
        "/gone/": ("gone", 404),
        "/broken/": ("error", 500),
        "/circle/": ("moved", 302),
        "/inward/": ("refused", 0),
        "/secret/": ("robots", 0),
    }
    assert found["/moved/"]["final_url"] == f"{url}/new/"
    assert (found["/"]["title"], found["/"]["link"]) == ("甲县人民政府", "column")
    assert (found["/shell/"]["title"], found["/shell/"]["link"]) == ("乙县人民政府", "listing")
    assert "robots.txt" in found["/secret/"]["said"]
    assert "10.0.0.8" in found["/inward/"]["said"]


def test_progress_a_table_and_the_counts_are_shown(probed):
    _, done, _, _, (one, out) = probed
    assert "9/9 " in done.stderr
    counts = "challenge 1, error 1, gone 1, moved 1, ok 3, refused 1, robots 1"
    assert f"9 个站点 portals: {counts}" in done.stdout
    assert "1/1 a0: ok 200 甲县人民政府 column" in one.stderr
    assert out.read_text(encoding="utf-8").splitlines()[1].startswith("a0,甲县人民政府,")


def test_without_leave_no_private_address_is_asked(tmp_path):
    with Server(SITE) as server:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            f"id,name,division,level,home_url\na,甲县人民政府,331224,county,{server.url}/\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "crawler.portals", "probe", registry],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert server.asked == []
    assert "refused 1" in done.stdout


def test_why_nothing_was_received_is_told_apart(tmp_path):
    with socket.socket() as closed, Server({"/robots.txt": [(500, {}, b"")]}) as unread:
        closed.bind(("127.0.0.1", 0))
        registry = tmp_path / "portals.csv"
        registry.write_text(
            "id,name,division,level,home_url\n"
            f"closed,甲县人民政府,331224,county,http://127.0.0.1:{closed.getsockname()[1]}/\n"
            "nowhere,甲县人民政府,331224,county,http://nowhere.invalid/\n"
            f"unread,甲县人民政府,331224,county,{unread.url}/\n"
        )
        done = probe(registry, "--out", tmp_path / "out.json")
        assert unread.asked == ["/robots.txt"]
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [one["verdict"] for one in found] == ["error", "error", "robots"]
    assert "Refused" in found[0]["said"]
    assert found[1]["said"] == "no such host, or no public one: nowhere.invalid"
    assert "Overridden settings" not in done.stderr


def test_a_host_that_asks_to_wait_is_left(tmp_path):
    site = {"/a/": [(429, {"Retry-After": "60"}, b"later")], "/b/": [page("乙县人民政府")]}
    with Server(site) as server:
        registry = tmp_path / "portals.csv"
        registry.write_text(
            "id,name,division,level,home_url\n"
            f"a,甲县人民政府,331224,county,{server.url}/a/\n"
            f"b,甲县人民政府,331224,county,{server.url}/b/\n"
        )
        done = probe(registry)
        assert server.asked == ["/robots.txt", "/a/"]
    assert "error 2" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only", "nobody"), "has no id nobody"),
        (("--out", "out.txt"), "must end in .csv or .json"),
        (("-s", "DOWNLOAD_DELAY"), "must be NAME=VALUE"),
    ],
)
def test_a_wrong_option_is_said_in_a_sentence(tmp_path, options, said):
    registry = tmp_path / "portals.csv"
    registry.write_text("id,name,division,level,home_url\na,甲,331224,county,http://a.gov.cn/\n")
    done = probe(registry, *options)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
