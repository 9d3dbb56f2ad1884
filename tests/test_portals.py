import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crawler.portals import Portal, findings, load_portals, read_portals, site_of

ROOT = Path(__file__).parents[1]

HEADER = "id,name,division,level,home_url"


def test_a_row_is_a_portal():
    portals = read_portals([HEADER, "jilin,吉林省人民政府,220000,province,https://www.jl.gov.cn/"])
    assert portals == {
        "jilin": Portal("jilin", "吉林省人民政府", "220000", "province", "https://www.jl.gov.cn/")
    }


def test_columns_come_in_any_order_and_empty_lines_are_none():
    lines = [
        "home_url,level,division,name,id,family",
        "",
        "http://127.0.0.1:80/,county,331224,甲县,a-1,trs",
    ]
    assert read_portals(lines)["a-1"].family == "trs"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Jilin,吉林,220000,province,https://www.jl.gov.cn/", "line 2: id 'Jilin'"),
        ("a b,吉林,220000,province,https://www.jl.gov.cn/", "line 2: id 'a b'"),
        ("jl,,220000,province,https://www.jl.gov.cn/", "line 2: the name is empty"),
        ("jl,吉林,22000,province,https://www.jl.gov.cn/", "line 2: division '22000'"),
        ("jl,吉林,２２００００,province,https://www.jl.gov.cn/", "line 2: division"),
        ("jl,吉林,220000,state,https://www.jl.gov.cn/", "line 2: level 'state'"),
        ("jl,吉林,220000,province,www.jl.gov.cn", "line 2: home_url 'www.jl.gov.cn'"),
        ("jl,吉林,220000,province,ftp://www.jl.gov.cn/", "line 2: home_url"),
        ("jl,吉林,220000,province", "line 2: 4 values for 5 columns"),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_value(row, said):
    with pytest.raises(ValueError, match=said):
        read_portals([HEADER, row])


def test_a_repeated_id_is_an_error():
    row = "jl,吉林,220000,province,https://www.jl.gov.cn/"
    with pytest.raises(ValueError, match="line 3: id 'jl' stands twice"):
        read_portals([HEADER, row, row])


@pytest.mark.parametrize(
    ("header", "said"),
    [("id,name", "lacks division, level, home_url"), (HEADER + ",url", "unknown column 'url'")],
)
def test_a_wrong_header_is_line_one(header, said):
    with pytest.raises(ValueError, match=f"line 1: .*{said}"):
        read_portals([header])


def test_a_header_alone_is_no_registry():
    """A crawl of nobody would be done at once, and say so."""
    for lines in ([HEADER], [HEADER, "", ",,,,"]):
        with pytest.raises(ValueError, match="line 1: a header alone"):
            read_portals(lines)


def test_the_file_is_named_before_the_line(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes("id,名\n".encode("gb18030"))
    with pytest.raises(ValueError, match=r"mine\.csv: not UTF-8"):
        load_portals(path)


# The check.

SOUND = "jilin,吉林省人民政府,220000,province,https://www.jl.gov.cn/,,,survey of July 2026"
FULL = HEADER + ",column_url,family,note"


def said(*rows, **options):
    """Line, whether it is an error, and the English words of each finding."""
    _, found = findings([FULL, *rows], **options)
    return [(finding.line, finding.is_error, finding.english) for finding in found]


def row(**changed):
    names = FULL.split(",")
    values = dict(zip(names, SOUND.split(","), strict=True)) | changed
    return ",".join(values[name] for name in names)


def test_a_sound_table_has_no_findings():
    assert said(SOUND, row(id="moe", name="教育部", division="000000", level="central",
                           home_url="http://www.moe.gov.cn/")) == []  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"id": "Jilin"}, "id 'Jilin' must be lower-case"),
        ({"name": ""}, "the name is empty"),
        ({"division": "22"}, "division '22' must be the six digits"),
        ({"level": "state"}, "level 'state' must be one of"),
        ({"home_url": "www.jl.gov.cn"}, "home_url 'www.jl.gov.cn' must be a whole"),
        ({"division": "229900"}, "division '229900' is no code of GB/T 2260"),
        # 海州区 of 连云港 took in 新浦区 in 2014.
        (
            {"division": "320705", "level": "county", "name": "连云港市新浦区人民政府"},
            "division '320705' (新浦区) went in 2014; write 320706 海州区",
        ),
        ({"level": "prefecture"}, "level 'prefecture' does not fit division 220000 (吉林省)"),
        ({"division": "220100"}, "level 'province' does not fit division 220100 (长春市)"),
        ({"level": "township"}, "level 'township' does not fit division 220000 (吉林省)"),
        ({"level": "central"}, "division of a central body must be 000000, not '220000'"),
        ({"division": "000000"}, "division '000000' is no province's"),
        ({"home_url": "https://me:pw@www.jl.gov.cn/"}, "holds a user name or password"),
        ({"home_url": "https://www.jl.gov.cn/#/home"}, "has a #fragment"),
        ({"home_url": "https://www.jl.gov.cn/a b/"}, "holds a space; write %20"),
        ({"home_url": "http://127.0.0.1:8011/"}, "is no public address"),
        ({"home_url": "http://0x7f.1/"}, "is no public address"),
        ({"column_url": "http://192.168.1.1/nb/"}, "column_url 'http://192.168.1.1/nb/' is no pub"),
    ],
)
def test_an_error_names_the_value_and_the_remedy(changed, words):
    errors = [(line, text) for line, is_error, text in said(row(**changed)) if is_error]
    assert [line for line, _ in errors] == [2]
    assert words in errors[0][1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"note": ""}, "the note is empty; write the evidence"),
        ({"family": "wordpress"}, "family 'wordpress' names no module"),
        ({"home_url": "https://www.jl-gov.cn/"}, "is not under .gov.cn"),
        ({"column_url": "https://www.ln.gov.cn/nb/"}, "is on another site than the home page"),
        (
            {"name": "辽宁省人民政府"},
            "name '辽宁省人民政府' speaks of 辽宁省 (210000), division 220000 is 吉林省",
        ),
        ({"name": "教育部", "level": "central", "division": "100000"}, "write 000000"),
    ],
)
def test_a_doubt_is_a_warning(changed, words):
    ((line, is_error, text),) = said(row(**changed))
    assert (line, is_error) == (2, False)
    assert words in text


def test_places_of_one_name_and_zones_of_a_higher_rank_are_no_errors():
    assert said(
        row(id="a", name="长春市朝阳区教育局", division="220104", level="county",
            home_url="http://a.gov.cn/"),
        row(id="b", name="平潭综合实验区管理委员会", division="350128", level="prefecture",
            home_url="http://b.gov.cn/"),
        row(id="c", name="昆山市玉山镇人民政府", division="320583", level="township",
            home_url="http://c.gov.cn/"),
        row(id="d", name="舒兰市人民政府", division="220283", level="county",
            home_url="http://122.137.242.24:8080/pub/slsxxgkw/"),
    ) == []  # fmt: skip


def test_addresses_of_ones_own_machine_are_admitted_when_asked_for():
    own = row(home_url="http://127.0.0.1:8011/")
    assert said(own, allow_private=True) == []


def test_a_route_of_scripts_is_no_fragment_where_a_browser_is_used():
    assert said(row(home_url="https://data.jl.gov.cn/#/Home", family="render")) == []


@pytest.mark.parametrize(
    "other",
    [
        "http://www.jl.gov.cn/",
        "https://jl.gov.cn",
        "https://www.jl.gov.cn/index.html",
        "https://www.jl.gov.cn:443//",
        "https://WWW.JL.GOV.CN/",
    ],
)
def test_one_site_is_one_row_however_its_address_is_written(other):
    assert said(SOUND, row(id="jl2", home_url=other)) == [
        (3, True, f"home_url {other!r} is the site of line 2; make one row of both")
    ]


def test_a_path_or_query_makes_another_site():
    urls = ["http://a.gov.cn/x/", "http://a.gov.cn/y", "http://a.gov.cn/?id=1", "http://a.gov.cn/"]
    assert len({site_of(url) for url in urls}) == 4


def test_every_finding_of_a_table_is_told_at_once_and_by_line():
    found = said(SOUND, "too,short", row(note=""), row(level="x", home_url="y"))
    assert [(line, is_error) for line, is_error, _ in found] == [
        (3, True),
        (4, True),
        (4, True),
        (4, False),
        (5, True),
        (5, True),
        (5, True),
    ]
    assert "2 values for 8 columns" in found[0][2]
    assert any("id 'jilin' stands in line 2 too" in text for _, _, text in found)


def check(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "crawler.portals", "check", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_says_file_line_and_both_languages(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([FULL, SOUND, row(id="x", level="county", note="")]) + "\n")
    done = check(path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [line.partition(" error: ")[0] for line in lines if "error:" in line] == [
        f"{path}:3: 错误",
        f"{path}:3: 错误",
    ]
    assert all(" / " in line for line in lines[:-1])
    assert lines[-1].startswith(f"{path}: 2 个站点 portals (province 1, county 1;")
    assert lines[-1].endswith("错误 errors 2, 警告 warnings 1")


def test_warnings_alone_are_no_failure(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([FULL, row(note="")]) + "\n")
    assert check(path).returncode == 0


def test_no_table_is_said_in_a_sentence(tmp_path):
    done = check(tmp_path / "none.csv")
    assert (done.returncode, "none.csv: No such file" in done.stderr) == (1, True)


# Our own registry.


def test_our_registry_has_no_findings():
    lines = (ROOT / "crawler" / "portals.csv").read_text(encoding="utf-8").splitlines()
    portals, found = findings(lines)
    assert [str(finding) for finding in found] == []
    assert len(portals) > 1_000


def test_our_registry_is_sound():
    portals = load_portals()
    assert portals["heilongjiang"].division == "230000"
    assert all(portal.note for portal in portals.values())


def test_every_province_has_its_government():
    provinces = {
        portal.division
        for portal in load_portals().values()
        if portal.level == "province" and portal.name.endswith("人民政府")
    }
    assert len(provinces) == 31
    assert not provinces & {"710000", "810000", "820000"}


def test_what_is_only_remembered_is_marked():
    notes = Counter("unverified" in portal.note for portal in load_portals().values())
    assert 0 < notes[True] < 100


def test_only_official_hosts_and_the_two_listed_addresses_are_trusted():
    hosts = {urlsplit(portal.home_url).hostname or "" for portal in load_portals().values()}
    assert {host for host in hosts if not host.endswith("gov.cn")} == {
        "1.25.240.11",
        "122.137.242.24",
    }
