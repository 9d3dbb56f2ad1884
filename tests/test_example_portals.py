"""The example portals keep their promises: what they publish, and what changes on night 2."""

import io
import re
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import docx
import lxml.html
import pypdfium2
import pytest

from archive import form
from tests.portals import hanweb, national, trs
from tests.portals.serve import ExamplePortals

SITES = {"beiyuan": trs, "songbei": hanweb, "mingyuan": national}
WORD_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"
SERVE = Path(__file__).parent / "portals" / "serve.py"


@pytest.fixture(scope="module")
def running():
    with ExamplePortals() as portals:
        yield portals


@pytest.fixture
def portals(running):
    running.night = 1
    return running


def get(url, **headers):
    with urlopen(Request(url, headers=headers), timeout=20) as answer:
        return answer.read()


def refused(url, **headers):
    with pytest.raises(HTTPError) as error:
        get(url, **headers)
    return error.value.code


def number(printed):
    return float(printed.rstrip("万元")) if printed else 0.0


def sides(formula):
    left, right = formula.split(" = ")
    return left.split(" + "), right.split(" + ")


def without_year(term):
    return term.split("[")[0]


def test_each_portal_has_a_column_worth_paging(portals):
    reports, noise = portals.truth(), portals.lookalikes()
    assert {key: sum(row["portal"] == key for row in reports) for key in SITES} == {
        "beiyuan": 26,
        "songbei": 28,
        "mingyuan": 29,
    }
    assert {key: sum(row["portal"] == key for row in noise) for key in SITES} == {
        "beiyuan": 8,
        "songbei": 7,
        "mingyuan": 6,
    }
    assert {row["form"] for row in reports} == {"narrative", "2019", "2021"}
    assert {row["style"] for row in reports} == {"clean", "word", "pdf", "docx", "both", "pdf_link"}
    assert len({row["url"] for row in [*reports, *noise]}) == len(reports) + len(noise)


def test_truth_has_every_key_of_the_form(portals):
    for row in portals.truth():
        assert set(row["cells"]) == set(form.keys(row["form"])), row["title"]


def test_identities_hold_except_where_the_truth_says_so(portals):
    hard = [rule for rule in form.IDENTITIES if rule.level == "hard" and "=" in rule.formula]
    hard = [rule for rule in hard if rule.id != "RANGE.counts"]
    wrong = {}
    for row in portals.truth():
        failing = []
        for rule in hard:
            if row["form"] == "narrative" or int(row["form"]) not in rule.formats:
                continue
            left, right = sides(rule.formula)
            if sum(number(row["cells"][key]) for key in left) != sum(
                number(row["cells"][key]) for key in right
            ):
                failing.append(rule.id)
        assert failing == sorted(row["failing"]), row["title"]
        if failing:
            wrong[row["title"]] = failing
    assert wrong == {
        "北原市自然资源和规划局2023年政府信息公开工作年度报告": ["ROW.granted", "SUM.total@2021"]
    }


@pytest.mark.parametrize("night", [1, 2])
def test_years_follow_each_other(portals, night):
    portals.night = night
    by_year = {(row["issuer"], row["year"]): row["cells"] for row in portals.truth()}
    rules = [rule for rule in form.IDENTITIES if rule.id.startswith("XYEAR.carried")]
    checked = 0
    for (issuer, year), cells in by_year.items():
        before = by_year.get((issuer, year - 1))
        if not (cells and before):
            continue
        for rule in rules:
            (now,), (then,) = sides(rule.formula)
            assert number(cells[without_year(now)]) == number(before[without_year(then)]), issuer
            checked += 1
        if "disclosure.normative_documents.in_force" in cells.keys() & before.keys():
            row = "disclosure.normative_documents."
            stock = number(before[row + "in_force"]) + number(cells[row + "issued"])
            assert number(cells[row + "in_force"]) == stock - number(cells[row + "repealed"])
    assert checked > 200


def test_cells_that_are_no_plain_number(portals):
    rows = {row["title"]: row for row in portals.truth()}
    money = rows["北原市财政局2020年政府信息公开年报"]
    assert money["cells"]["disclosure.procurement.amount"] == "97.5万元"
    grown = rows["北原市人民政府2020年政府信息公开工作年度报告"]
    assert grown["printed"]["disclosure.penalties.items_change"] == "+7"
    assert grown["cells"]["disclosure.penalties.items_change"] == "7"
    struck = rows["洺原区民政局2022年政府信息公开工作年度报告"]
    assert struck["printed"]["disclosure.regulations.issued"] == "/"
    assert struck["cells"]["disclosure.regulations.issued"] is None
    assert "" in rows["北原市教育局2020年度政府信息公开工作年度报告"]["printed"].values()
    assert "-" in rows["松陂县农业农村局2022 年政府信息公开工作年度报告"]["printed"].values()


def decoded(row, body):
    return body.decode("gb18030" if row["portal"] == "mingyuan" else "utf-8")


def page_tables(text):
    """The texts of all cells of all tables with a statutory heading, in reading order."""
    page = lxml.html.fromstring(text)
    return [
        re.sub(r"[\s\xa0]+", "", cell.text_content())
        for table in page.iter("table")
        for cell in table.iter("td")
        if cell.getparent().get("height") != "0"
    ]


def figures_only(texts, printed):
    shown = set(printed)
    return [text for text in texts if text in shown]


def in_form_order(row):
    order = form.keys(row["form"])
    blocks = ("disclosure.", "requests.", "disputes.")
    return [row["printed"][key] for block in blocks for key in order if key.startswith(block)]


def test_pages_print_the_truth(portals):
    seen = 0
    for row in portals.truth():
        if row["style"] not in ("clean", "word", "both") or row["form"] == "narrative":
            continue
        cells = page_tables(decoded(row, get(row["url"])))
        printed = in_form_order(row)
        # Headings are never mistaken for figures: none of them is a number, "/", "-" or blank.
        assert sorted(figures_only(cells, printed)) == sorted(printed), row["title"]
        requests = [row["printed"][key] for key in form.keys(row["form"]) if "requests." in key]
        text = "|".join(figures_only(cells, printed))
        assert "|".join(requests) in text, row["title"]
        seen += 1
    assert seen > 60


def test_files_print_the_truth(portals):
    kinds = set()
    for row in portals.truth():
        targets = [link["url"] for link in row["attachments"]]
        if row["style"] == "pdf_link":
            targets = [row["url"]]
        for url in targets:
            body = get(url)
            requests = [row["cells"][key] for key in form.keys(row["form"]) if "requests." in key]
            if body.startswith(b"%PDF"):
                pages = pypdfium2.PdfDocument(body)
                text = "\n".join(page.get_textpage().get_text_range() for page in pages)
                tail = text[text.index("一、本年新收") :]
                lines = re.findall(r"(?:(?<=\s)\d+ ?){7}(?=\s)", tail)
                rows = " ".join(lines[: len(requests) // 7])
                assert " ".join(rows.split()) == " ".join(requests)
                kinds.add("pdf")
            else:
                table = docx.Document(io.BytesIO(body)).tables[1]
                texts = [
                    "".join(run.text or "" for run in cell.iter(WORD_TEXT))
                    for line in table._tbl.tr_lst
                    for cell in line.tc_lst
                ]
                assert [text for text in texts if text.isdigit()] == requests
                kinds.add("docx")
    assert kinds == {"pdf", "docx"}


def test_prose_is_of_a_usual_length_and_has_six_chapters(portals):
    for row in portals.truth():
        if row["style"] not in ("clean", "word", "both"):
            continue
        text = decoded(row, get(row["url"]))
        page = lxml.html.fromstring(text)
        for table in page.xpath("//table"):
            table.drop_tree()
        prose = "".join(page.xpath("//p//text()"))
        assert 600 <= len(prose) <= 1500, (row["title"], len(prose))
        for numeral in "一二三四五六":
            assert f"{numeral}、" in prose


def test_every_page_counts_its_visitors(portals):
    for row in [*portals.truth(), *portals.lookalikes()]:
        if row["url"].endswith(".pdf"):
            continue
        first, second = (decoded(row, get(row["url"])) for _ in range(2))
        assert first != second
        assert re.sub(r"\d{5,}", "", first) == re.sub(r"\d{5,}", "", second)


def tonight(module, night):
    """Every answer of a portal with its counter stopped."""
    site = module.site(night)
    return {target: answer.body(0) for target, answer in site.resources.items()}


def changed(module, nights=(1, 2)):
    before, after = (tonight(module, night) for night in nights)
    return {
        target for target in before.keys() | after.keys() if before.get(target) != after.get(target)
    }


def test_night_two_edits_one_report(portals):
    target = next(
        row["path"] for row in portals.truth() if row["title"].startswith("北原市教育局2023年政府")
    )
    assert changed(trs) == {target}
    before, after = (
        {row["path"]: row for row in at_night(portals, night)}[target] for night in (1, 2)
    )
    different = {key for key in before["cells"] if before["cells"][key] != after["cells"][key]}
    assert different == {
        f"requests.{row}.{column}"
        for row in ("received_new", "granted", "concluded_total")
        for column in ("natural_person", "total")
    }
    unchanged = before.keys() - {"cells", "printed"}
    assert {key: before[key] for key in unchanged} == {key: after[key] for key in unchanged}


def at_night(portals, night):
    portals.night = night
    return portals.truth()


def test_night_two_loses_one_report(portals):
    before = {row["url"]: row for row in at_night(portals, 1)}
    after = {row["url"]: row for row in at_night(portals, 2)}
    (gone,) = before.keys() - after.keys()
    assert before[gone]["title"] == "松陂县白鹭渡镇人民政府2022年政府信息公开工作年度报告"
    assert refused(gone) == 404
    column = "/col/col1229013/"
    assert changed(hanweb) == {before[gone]["path"], column, f"{column}index.html"}
    assert before[gone]["title"] not in get(portals.portals["songbei"].url + column).decode()


def test_night_two_brings_one_report(portals):
    before = {row["url"] for row in at_night(portals, 1)}
    after = {row["url"]: row for row in at_night(portals, 2)}
    (new,) = after.keys() - before
    assert (after[new]["issuer"], after[new]["year"]) == ("洺原区统计局", 2025)
    assert {target for target in changed(national) if "zfxxgknb" not in target} == {
        after[new]["path"]
    }
    portals.night = 1
    assert refused(new) == 404


def test_later_nights_change_nothing(portals):
    for night in (3, 4):
        assert at_night(portals, night) == at_night(portals, 2)


def test_district_pages_are_more_than_they_say(portals):
    row = next(
        row for row in portals.truth() if row["portal"] == "mingyuan" and row["style"] == "word"
    )
    body = get(row["url"])
    assert b"charset=gb2312" in body
    for encoding in ("gb2312", "gbk", "utf-8"):
        with pytest.raises(UnicodeDecodeError):
            body.decode(encoding)
    assert "张䶮" in body.decode("gb18030")


def test_district_platform_is_behind_a_hop(portals):
    home = portals.portals["mingyuan"].url
    assert b"gkpt" not in get(home + "/")
    hop = get(home + "/zfxxgk/").decode("gb18030")
    assert 'location.href="gkpt/index.html"' in hop
    assert "政府信息公开年报" in get(home + "/zfxxgk/gkpt/index.html").decode("gb18030")


def test_prefecture_pages_only_by_script(portals):
    column = portals.portals["beiyuan"].url + "/zwgk/zfxxgk/zfxxgknb/szbm_1022/"
    first = get(column).decode()
    assert re.findall(r'(//)?createPageHTML\((\d+), 0, "index", "html"\)', first) == [
        ("//", "7"),
        ("", "3"),
    ]
    assert "index_1.html" not in first
    assert get(column + "index_2.html").decode().count("<li><a href=") >= 5
    past = get(column + "index_3.html").decode()
    assert 'http-equiv="refresh" content="0; url=./"' in past
    assert "<li>" not in past


def test_cut_titles_have_the_whole_title_beside_them(portals):
    for row in portals.truth():
        for url in row["listed_on"]:
            if row["portal"] != "songbei":
                assert f'title="{row["title"]}"' in decoded(row, get(url))


def records(body):
    return re.findall(r"<record><!\[CDATA\[<li><a href='([^']+)'", body.decode())


def test_county_gives_the_rest_of_a_list_by_proxy(portals):
    home = portals.portals["songbei"].url
    column = f"{home}/col/col1229012/index.html"
    total = int(re.search(r"totalRecord:(\d+)", get(column).decode())[1])
    embedded = records(get(column))
    assert (total, len(embedded)) == (20, 15)
    proxy = f"{home}/module/web/jpage/dataproxy.jsp"
    ask = "col=1&webid=3312&columnid=1229012&unitid=5100072"
    paged = f"{proxy}?startrecord=16&endrecord=30&perpage=5&{ask}"
    assert refused(paged) == 404
    assert refused(paged, Referer="http://elsewhere.example/col/x") == 404
    rest = records(get(paged, Referer=column))
    posted = Request(
        f"{proxy}?startrecord=16&endrecord=30&perpage=5",
        data=ask.encode(),
        headers={"Referer": column},
    )
    with urlopen(posted, timeout=20) as answer:
        assert records(answer.read()) == rest
    assert records(get(f"{proxy}?page=1&{ask}", Referer=column)) == rest
    assert records(get(f"{paged}&startrecord=31&endrecord=45", Referer=column)) == []
    listed = {
        row["path"]
        for row in [*portals.truth(), *portals.lookalikes()]
        if row["portal"] == "songbei" and row["path"] in {*embedded, *rest}
    }
    assert len(listed) == total


def test_one_report_stands_in_two_lists_at_one_address(portals):
    twice = defaultdict(set)
    for row in portals.truth():
        if len(row["listed_on"]) > 1:
            twice[row["portal"]].add(row["issuer"])
    assert twice["beiyuan"] == {"北原市人民政府办公室"}
    assert twice["songbei"] == {"松陂县人民政府办公室"}
    assert "洺原区统计局" in twice["mingyuan"]


def test_robots(portals):
    homes = {key: portal.url for key, portal in portals.portals.items()}
    assert b"Disallow: /admin/" in get(homes["beiyuan"] + "/robots.txt")
    assert b"admin/login.html" in get(homes["beiyuan"] + "/")
    assert refused(homes["songbei"] + "/robots.txt") == 404
    assert get(homes["mingyuan"] + "/robots.txt") == b"User-agent: *\nDisallow:\n"


def test_log_has_what_was_asked(portals):
    portal = portals.portals["beiyuan"]
    get(portal.url + "/zwgk/?a=1", **{"User-Agent": "Tester", "Referer": portal.url})
    last = portals.log["beiyuan"][-1]
    assert (last.method, last.target, last.user_agent) == ("GET", "/zwgk/?a=1", "Tester")
    assert (last.referer, last.status) == (portal.url, 200)


def test_documents_are_the_same_bytes_every_time(portals):
    url = next(row["attachments"][0]["url"] for row in portals.truth() if row["style"] == "docx")
    first = get(url)
    portals.night = 3
    assert get(url) == first


def test_registry_names_home_pages_only(portals, tmp_path):
    lines = portals.registry(tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "id,name,division,level,home_url,column_url,family,note"
    assert lines[1].startswith("beiyuan,北原市人民政府,411900,prefecture,http://127.0.0.1:")
    assert [line.split(",")[5:7] for line in lines[1:]] == [["", ""]] * 3


def test_command_says_when_a_port_is_taken(portals):
    port = int(portals.portals["beiyuan"].url.rpartition(":")[2])
    done = subprocess.run(
        [sys.executable, str(SERVE), "--port", str(port)],
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"端口 {port}–{port + 2} 无法使用" in done.stderr
    assert "Cannot listen" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_told_to_stop(tmp_path, how):
    registry = tmp_path / "portals.csv"
    server = subprocess.Popen(
        [sys.executable, str(SERVE), "--night", "2", "--port", "0", "--registry", str(registry)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8"},
    )
    with server:
        home = server.stdout.readline().split()[0]
        assert "北原市人民政府" in get(home).decode()
        assert home in registry.read_text(encoding="utf-8")
        server.send_signal(how)
    assert server.returncode == 0


def links(url, body):
    """The in-site addresses of a page's links, their fragments dropped."""
    page = lxml.html.fromstring(body, base_url=url)
    page.make_links_absolute()
    home = "/".join(url.split("/")[:3])
    for element, attribute, link, _ in page.iterlinks():
        if element.tag == "a" and attribute == "href" and link.startswith(home):
            yield link.partition("#")[0]


def test_links_lead_somewhere(portals):
    for key, portal in portals.portals.items():
        seen, waiting = set(), [portal.url + "/"]
        if key == "mingyuan":
            waiting.append(portal.url + "/zfxxgk/gkpt/index.html")
        while waiting:
            url = waiting.pop()
            if url in seen:
                continue
            seen.add(url)
            with urlopen(url, timeout=20) as answer:
                body, kind = answer.read(), answer.headers.get_content_type()
            if kind == "text/html":
                text = body.decode("gb18030" if key == "mingyuan" else "utf-8")
                waiting += links(url, re.sub(r"<meta[^>]*charset[^>]*>", "", text))
        assert len(seen) > 15
        if key == "mingyuan":
            reports = {row["url"] for row in portals.truth() if row["portal"] == key}
            assert reports <= seen
