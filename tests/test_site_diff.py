"""Comparisons: cells before and after, prose side by side, in bounded time whatever the texts."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from lxml import html
from site_fixture import (
    DIGEST_1,
    DIGEST_1B,
    DIGEST_2,
    IMAGE,
    SCRIPT,
    SECTION_1,
    SECTION_2,
    build_site,
    insert,
    site_module,
)

REPORT = "/r/140600-jyj/2023"
FIRST, SECOND = DIGEST_1[:12], DIGEST_2[:12]
DIFF = f"{REPORT}/{FIRST}/diff/{SECOND}"
YEARS = "/r/140600-jyj/2020/diff/2023"


@pytest.fixture
def module() -> Any:
    """The pure part, as the site loads it."""
    return site_module("differences")


# --- cells ------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_cells_before_and_after_and_their_difference(site: Any) -> None:
    page = html.fromstring((await site.get(DIFF)).text)
    lines = {
        line.xpath("string(th/code)"): [
            " ".join(cell.text_content().split()) for cell in line.xpath("td")
        ]
        for line in page.xpath("//section[@id='cells']//tbody/tr")
    }
    assert lines == {
        "requests.received_new.natural_person": ["10", "19", "+9"],
        "requests.received_new.total": ["12", "21", "+9"],
        "requests.carried_in.enterprise": ["0", "空白", ""],
        "requests.granted_partial.total": ["0", "表中无此格", ""],
        "requests.denied_state_secret.total": ["0", "/", ""],
        "requests.other_misc.total": ["0", f"{SCRIPT} 粘连难分", ""],
    }
    links = page.xpath("//tr[th/code='requests.received_new.total']/td/a/@href")
    assert links == [f"{REPORT}/{name}#requests.received_new.total" for name in (FIRST, SECOND)]


@pytest.mark.asyncio
async def test_the_other_way_round_the_signs_turn(site: Any) -> None:
    found = (await site.get(f"{REPORT}/{SECOND}/diff/{FIRST}.json")).json()
    differences = {cell["key"]: cell["difference"] for cell in found["cells"]}
    assert differences["requests.received_new.total"] == "-9"
    page = html.fromstring((await site.get(f"{REPORT}/{SECOND}/diff/{FIRST}")).text)
    (line,) = page.xpath("//tr[th/code='requests.received_new.total']")
    assert line.xpath("string(td[3])") == "−9"


@pytest.mark.asyncio
async def test_only_what_changed_unless_all_is_asked_for(site: Any) -> None:
    changed = (await site.get(f"{DIFF}.json")).json()
    everything = (await site.get(f"{DIFF}.json?all=1")).json()
    assert (len(changed["cells"]), len(everything["cells"])) == (6, 200)
    assert changed["cells_compared"] == everything["cells_compared"] == 200
    assert [cell for cell in everything["cells"] if cell["changed"]] == changed["cells"]
    page = html.fromstring((await site.get(f"{DIFF}?all=1")).text)
    assert len(page.xpath("//section[@id='cells']//tbody/tr")) == 200


@pytest.mark.asyncio
async def test_years_of_two_forms_are_compared_where_both_have_the_cell(site: Any) -> None:
    found = (await site.get(f"{YEARS}.json?all=1")).json()
    # 172 keys are shared by the forms of 2019 and 2021; 26 and 28 are of one alone.
    assert (found["cells_compared"], found["cells_of_one_form"]) == (172, 54)
    states = {cell["key"]: (cell["before"]["state"], cell["after"]["state"], cell["changed"])
              for cell in found["cells"]}  # fmt: skip
    assert states["disclosure.fees.amount_wan"] == ("absent", "number", False)
    assert states["requests.other.total"] == ("number", "absent", False)
    assert [version["id"].split("/")[1] for version in (found["from"], found["to"])] == [
        "2020",
        "2023",
    ]
    assert {other["aspect"] for other in found["other"]} >= {"form"}


@pytest.mark.asyncio
async def test_decimals_are_subtracted_as_printed(module: Any) -> None:
    assert module.difference("15954.526468", "15954.6") == "+0.073532"
    assert module.difference("0.10", "0.1") == "0"
    assert module.difference("12", None) is None
    assert module.difference("1,234万元", "5") is None
    assert module.difference("9" * 31, "1") is None


# --- addresses and forms ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_comparison_as_csv(site: Any) -> None:
    response = await site.get(f"{DIFF}.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(response.text)))
    assert [line["kind"] for line in lines] == ["cell"] * 6 + ["text"]
    assert lines[1] == {
        "kind": "cell",
        "key": "requests.received_new.total",
        "zh": "一、本年新收政府信息公开申请数量｜总计",
        "change": "changed",
        "before": "12",
        "before_state": "number",
        "after": "21",
        "after_state": "number",
        "difference": "+9",
    }
    assert (lines[6]["key"], lines[6]["before"], lines[6]["after"]) == (
        "section-1",
        SECTION_1,
        SECTION_2,
    )


@pytest.mark.asyncio
async def test_a_comparison_has_one_address(site: Any) -> None:
    """Captures that showed a version, and names of old, lead to it."""
    for asked, target in (
        (f"{REPORT}/{DIGEST_1B[:12]}/diff/{SECOND}", DIFF),
        (f"{REPORT}/{DIGEST_1}/diff/{SECOND.upper()}.json", f"{DIFF}.json"),
        ("/r/140600-jyold/2021/diff/2021", "/r/140600-jyj/2021/diff/2021"),
        (f"{REPORT}/diff?from={FIRST}&to={SECOND}", DIFF),
        (f"{REPORT}/diff?from=2020&to=2023", YEARS),
    ):
        response = await site.get(asked)
        assert response.status_code == 302
        assert response.headers["location"] == target
    for path in (
        f"{REPORT}/{FIRST}/diff/0123456789ab",
        f"{REPORT}/{FIRST}/diff/x",
        f"{REPORT}/diff/1999",
        "/r/none/2023/diff/2022",
        "/r/none/2023/diff",
    ):
        assert (await site.get(path)).status_code == 404
    assert (await site.get("/r/140600-jyj/2015/diff/2023")).status_code == 410


@pytest.mark.asyncio
async def test_any_two_versions_or_years_can_be_chosen_without_script(site: Any) -> None:
    for path in (DIFF, YEARS, f"{REPORT}/diff"):
        page = html.fromstring((await site.get(path)).text)
        forms = page.xpath("//section[@id='choose']//form")
        assert {form.get("action") for form in forms} <= {
            f"{REPORT}/diff",
            "/r/140600-jyj/2020/diff",
        }
        years = page.xpath("//select[@id='to-year']/option/text()")
        assert years == ["2023", "2021", "2020", "2016"]
        for field in page.xpath("//select"):
            assert page.xpath("//label[@for=$id]", id=field.get("id"))
    # What stands chosen first is a comparison that answers.
    page = html.fromstring((await site.get(f"{REPORT}/diff")).text)
    for form in page.xpath("//section[@id='choose']//form"):
        query = "&".join(
            f"{field.get('name')}="
            + (field.xpath("string(option[@selected]/@value)") or field.xpath("string(option[1])"))
            for field in form.xpath(".//select")
        )
        answer = await site.get(f"{form.get('action')}?{query}", follow_redirects=True)
        assert answer.status_code in (200, 404)


@pytest.mark.asyncio
async def test_the_report_and_its_events_lead_to_the_comparison(site: Any) -> None:
    page = html.fromstring((await site.get(REPORT)).text)
    assert DIFF in page.xpath("//section[@id='versions']//tbody//a/@href")
    assert page.xpath("//section[@id='events']//a[text()='对照']/@href") == [DIFF]
    assert "/r/140600-jyj/2021/diff/2023" in page.xpath("//header//a/@href")
    for path in ("/r/140600-jyj/2021/diff/2023", f"{REPORT}/diff"):
        assert (await site.get(path)).status_code == 200


@pytest.mark.asyncio
async def test_captured_text_is_text_in_a_comparison(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    with sqlite3.connect(folder / "nianbao.db") as db:
        for number, text in ((3, SCRIPT), (4, IMAGE)):
            for digest in (FIRST, SECOND):
                insert(
                    db,
                    "sections",
                    {"version_id": f"140600-jyj/2023/{digest}", "number": number, "heading": text,
                     "text": f"{text}\n{digest}{text}\n{text * (digest == FIRST)}"},
                )  # fmt: skip
        db.execute("update versions set title = ? where number = 2", (IMAGE,))
        db.execute("update issuers set name = ?", (SCRIPT,))
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    for path in (DIFF, f"{DIFF}?all=1", YEARS, f"{REPORT}/diff"):
        text = (await datasette.client.get(path)).text
        assert "<script>alert" not in text
        assert "<img" not in text


# --- prose ------------------------------------------------------------------------------------


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [line["change"] for line in lines]


@pytest.mark.asyncio
async def test_paragraphs_stand_beside_their_like(module: Any) -> None:
    before = "第一段不变。\n第二段讲主动公开的情况，共公开信息12条。\n第三段要删去，讲培训。"
    after = "第一段不变。\n新来的一段，与别的都不像。\n第二段讲主动公开的情况，共公开信息21条。"
    lines = module.text_lines(before, after, module.Effort())
    assert [(line["before"], line["after"]) for line in lines] == [
        ("第一段不变。", "第一段不变。"),
        (None, "新来的一段，与别的都不像。"),
        (
            "第二段讲主动公开的情况，共公开信息12条。",
            "第二段讲主动公开的情况，共公开信息21条。",
        ),
        ("第三段要删去，讲培训。", None),
    ]
    assert kinds(lines) == ["same", "added", "changed", "removed"]
    assert lines[2]["left"] == [
        ("same", "第二段讲主动公开的情况，共公开信息"),
        ("del", "12"),
        ("same", "条。"),
    ]
    assert lines[2]["right"][1] == ("ins", "21")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("before", "after", "left", "right"),
    [
        # A number changes whole; so does a word of letters.
        ("共3,210件。", "共3,120件。", [("del", "3,210")], [("ins", "3,120")]),
        ("占８５％。", "占９５％。", [("del", "８５％")], [("ins", "９５％")]),
        # One character between two changes is no island of its own.
        (
            "我局认真贯彻落实条例要求。",
            "我局全面贯彻执行条例要求。",
            [("del", "认真贯彻落实")],
            [("ins", "全面贯彻执行")],
        ),
        ("增加一句。", "增加一句。再加一句。", [], [("ins", "再加一句。")]),
        ("删去一句。删去这句。", "删去一句。", [("del", "删去这句。")], []),
    ],
)
async def test_changes_read_as_chinese(
    module: Any, before: str, after: str, left: list[Any], right: list[Any]
) -> None:
    one, other = module.marked(before, after, module.Effort())
    assert [part for part in one if part[0] == "del"] == left
    assert [part for part in other if part[0] == "ins"] == right


@pytest.mark.asyncio
async def test_both_sides_are_told_whole(module: Any) -> None:
    """Whatever is marked, the parts of a side are its text, and what is the same is so on both."""
    random.seed(7)
    alphabet = "的一是在不了有和12．。，；\n ab𠮷"
    for _ in range(300):
        before = "".join(random.choices(alphabet, k=random.randint(0, 80)))
        after = "".join(
            random.choice(alphabet) if random.random() < 0.3 else letter for letter in before
        )
        lines = module.text_lines(before, after, module.Effort())
        for side, name in (("before", "left"), ("after", "right")):
            told = [line[side] for line in lines if line[side] is not None]
            whole = before if side == "before" else after
            assert told == [part.strip() for part in whole.splitlines() if part.strip()]
            for line in lines:
                if line["change"] == "changed":
                    assert "".join(text for _, text in line[name]) == line[side]
        for line in lines:
            if line["change"] == "changed":
                same = [
                    "".join(text for kind, text in line[name] if kind == "same")
                    for name in ("left", "right")
                ]
                assert same[0] == same[1]


@pytest.mark.asyncio
async def test_side_by_side_on_the_page(site: Any) -> None:
    page = html.fromstring((await site.get(DIFF)).text)
    (table,) = page.xpath("//section[@id='texts']//table")
    assert table.xpath("string(.//td[@class='was']/del)") == "12"
    assert table.xpath("string(.//td[@class='is']/ins)") == "21"
    assert "共收到政府信息公开申请" in table.xpath("string(.//td[@class='was'])")


@pytest.mark.asyncio
async def test_what_took_another_paragraphs_place_stands_beside_it(module: Any) -> None:
    before, after = "一二三四五。\n保留。\n甲乙丙。\n丁戊己。", "六七八九十。\n保留。\n庚辛壬。"
    parts = [[{"number": 1, "heading": "", "text": text}] for text in (before, after)]
    chapters = module.text_differences(*parts, module.Effort())
    assert kinds(chapters[0]["lines"]) == [
        "removed", "added", "same", "removed", "removed", "added",
    ]  # fmt: skip
    (shown,) = module.shown_chapters(chapters, False, 1000)
    assert [(line["change"], line.get("left"), line.get("right")) for line in shown["lines"]] == [
        ("replaced", [("del", "一二三四五。")], [("ins", "六七八九十。")]),
        ("skipped", None, None),
        ("replaced", [("del", "甲乙丙。")], [("ins", "庚辛壬。")]),
        ("removed", [("del", "丁戊己。")], []),
    ]


# --- bounds -----------------------------------------------------------------------------------


@pytest.fixture
def spent(module: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the alignments of a test cost in pairs of elements, counted where they are made."""
    costs: list[int] = []
    matcher = module.Indel

    class Counted:
        @staticmethod
        def opcodes(one: Any, other: Any) -> Any:
            costs.append(len(one) * len(other))
            return matcher.opcodes(one, other)

        @staticmethod
        def normalized_similarity(one: Any, other: Any, **more: Any) -> Any:
            costs.append(len(one) * len(other))
            return matcher.normalized_similarity(one, other, **more)

    monkeypatch.setattr(module, "Indel", Counted)
    return costs


def noise(seed: int, length: int, alphabet: str) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


HOSTILE = {
    "one letter": ("的" * 200_000, "的" * 199_999 + "了"),
    "two letters": ("的了" * 100_000, "了的" * 100_000),
    "noise": (noise(1, 200_000, "的一是在不"), noise(2, 200_000, "的一是在不")),
    "short lines": ("的\n" * 100_000, "了\n" + "的\n了\n" * 50_000),
    "noisy lines": (noise(3, 200_000, "的一是\n"), noise(4, 200_000, "的一是\n")),
    "like lines": (
        "\n".join(f"{noise(n, 400, '的一是在不')}" for n in range(500)),
        "\n".join(f"{noise(n, 399, '的一是在不')}了" for n in range(500)),
    ),
    "numbers": ("1" * 100_000 + " " + "2" * 99_000, "1" * 99_999 + " " + "2" * 99_001),
    "sentences": ("的。" * 100_000, "了。" + "的。了。" * 50_000),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.asyncio
async def test_no_text_costs_more_than_the_allowance(
    module: Any, spent: list[int], name: str
) -> None:
    before, after = HOSTILE[name]
    effort = module.Effort()
    parts = [[{"number": 1, "heading": "", "text": text}] for text in (before, after)]
    (chapter,) = module.text_differences(*parts, effort)
    assert sum(spent) <= module.MOST_EFFORT - effort.left
    assert effort.left >= 0
    # An alignment asked for costs a call as well: of those there cannot be many either.
    assert len(spent) <= module.MOST_EFFORT / module.ASKING + 200_000 / 10
    assert chapter["changed"]
    told = ["".join(line[side] or "" for line in chapter["lines"]) for side in ("before", "after")]
    assert told == [
        "".join(text.split()) if name != "numbers" else text for text in (before, after)
    ]


@pytest.mark.asyncio
async def test_a_small_edit_of_a_very_long_paragraph_is_found(module: Any) -> None:
    one, other = (f"{'公开' * 40_000}共{number}件{'公开' * 40_000}。" for number in (12, 21))
    (line,) = module.text_lines(one, other, module.Effort())
    assert [text for kind, text in line["left"] if kind == "del"] == ["12"]
    assert [text for kind, text in line["right"] if kind == "ins"] == ["21"]


@pytest.mark.asyncio
async def test_a_page_of_long_texts_is_cut_and_says_so(tmp_path: Path) -> None:
    folder = build_site(tmp_path)
    line = "2023年，我局坚持“公开为常态、不公开为例外”，共公开信息{}条。<&>\n"
    with sqlite3.connect(folder / "nianbao.db") as db:
        db.execute("delete from sections")
        for digest, first in ((FIRST, 0), (SECOND, 10_000)):
            for number in range(7):
                text = "".join(line.format(n + first) for n in range(4000))
                insert(
                    db,
                    "sections",
                    {"version_id": f"140600-jyj/2023/{digest}", "number": number,
                     "heading": "章" * 5000, "text": text},
                )  # fmt: skip
    datasette = Datasette(config_dir=folder)
    await datasette.invoke_startup()
    for path in (DIFF, f"{DIFF}?all=1"):
        response = await datasette.client.get(path)
        assert len(response.content) <= 200_000
        assert "每方只对照前 200000 字" in response.text
        assert "本页只列到这里" in response.text
    found = (await datasette.client.get(f"{DIFF}.json?all=1")).json()
    assert found["cut"] == [True, True]
    assert (
        sum(len(line["before"] or "") for part in found["sections"] for line in part["lines"])
        > 100_000
    )
    table = await datasette.client.get(f"{DIFF}.csv")
    assert table.status_code == 400
    assert table.text == (
        "正文超过 200000 字，只比较了前面的；已比较的见网页与 JSON（cut 为 true）。"
        "整库见 /download。\n"
    )
