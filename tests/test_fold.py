"""Folded file by file, in any order, again, killed in between: the rows of a build from nothing."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from archive import readings, store
from archive.build import ARCHIVE, LEDGER, Options, build
from archive.intake import IntakeError
from archive.model import Evidence, Reading
from archive.publish import publish
from archive.read import Part
from archive.schema import TABLES
from tests.test_build import (
    CELL,
    FILE,
    PAGE,
    PORTAL,
    Crawl,
    fake_reading,
    page,
    rows,
    write_segment,
)

BODIES = (
    *("朔州市教育局", "朔州市水利局", "朔州市商务局", "朔州市水务局", "朔州市人民政府"),
    # The first one again.
    "山西省朔州市教育局",
)
NIGHTS = 6
CARRIED = ("requests.carried_in.total", "requests.carried_out.total")


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "read_report", by_year)


def by_year(parts: Sequence[Part], evidence: Evidence) -> Reading:
    """The fake reader of test_build, which also knows other years than one and whole cities."""
    reading = fake_reading(parts, evidence)
    if not reading.is_report:
        return reading
    facts = json.loads(parts[0].data)
    scope = "jurisdiction_aggregate" if facts["issuer"].endswith("人民政府") else "own_body"
    # What a year is compared with the one before by.
    carried = dict.fromkeys(CARRIED, reading.cells[CELL])
    return Reading(
        **{name: getattr(reading, name) for name in Reading.__slots__}
        | {"year": facts.get("real_year", 2023), "scope": scope}
        | {"cells": reading.cells | carried, "notes": {}}
    )


def made(body: str, year: int, cell: str, counter: int, links: str = "") -> bytes:
    facts = json.loads(page(cell, counter=counter, issuer=body, links=links))
    return json.dumps(facts | {"real_year": year}, ensure_ascii=False).encode()


def events(seed: int) -> Iterator[tuple[int, Crawl]]:
    """Portions of a crawl, each with its night: pages that count visitors, are edited, vanish and
    return, show another report, have annexes, stand at two addresses."""
    chance = random.Random(seed)
    addresses = [f"http://www.a.gov.cn/{number}.html" for number in range(14)]
    shows = {url: (chance.choice(BODIES), chance.choice((2021, 2022, 2023))) for url in addresses}
    cells = {url: str(chance.randrange(30)) for url in addresses}
    for night in range(1, NIGHTS + 1):
        part = Crawl()
        part.home(night, chance.choice(("ok", "ok", "ok", "error")))
        part.visit(night, requests=chance.randrange(100))
        for url in addresses:
            fate = chance.random()
            if fate < 0.15:
                continue
            if fate < 0.3:
                part.see(night, None, chance.choice(("gone", "soft_404", "error")), url=url)
                continue
            if fate < 0.45:
                cells[url] = str(chance.randrange(30))
            elif fate < 0.5:
                shows[url] = (chance.choice(BODIES), chance.choice((2021, 2022, 2023)))
            elif fate < 0.53:
                part.see(night, b"bomb" if chance.random() < 0.5 else b"<p>no report</p>", url=url)
                continue
            annex = f"{url[:-5]}.pdf" if fate > 0.85 else ""
            part.see(
                night,
                made(*shows[url], cells[url], chance.randrange(3), annex.rpartition("/")[2]),
                url=url,
                kept=chance.random() > 0.05,
            )
            if annex:
                figure = str(chance.randrange(4)).encode()
                part.see(night, figure, url=annex, report_url=url)
            if chance.random() < 0.1:
                # The night was begun again, and the page edited meanwhile.
                again = made(*shows[url], str(chance.randrange(30)), 0)
                part.see(night, again, url=url)
                later = f"2026-11-{night:02}T15:00:00Z"
                part.lines[-1] |= {"seen_at": later, "fetched_at": later}
                part.answers[-1] = (*part.answers[-1][:2], later, "response")
            if chance.random() < 0.2:
                yield night, part
                part = Crawl()
        yield night, part


def files(seed: int) -> list[tuple[str, str, Crawl]]:
    """(folder, name, portion) of every file: answers and lines of a portion lie in two."""
    found = []
    for number, (night, part) in enumerate(events(seed)):
        stem = f"202611{night:02}T140000Z-{number:06x}"
        found.append(("warc", f"{stem}.warc.gz", part))
        found.append(("sightings", f"{stem}.jsonl", part))
    return found


def lay(data: Path, folder: str, name: str, part: Crawl) -> None:
    (data / folder).mkdir(parents=True, exist_ok=True)
    if folder == "warc":
        write_segment(data / folder / name, part.answers)
    else:
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in part.lines)
        (data / folder / name).write_text("".join(lines), encoding="utf-8")


def dump(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every public table, row by row."""
    return {
        name: rows(data, f"select * from {name} order by {', '.join(table.pk)}")
        for name, table in TABLES.items()
    }


def anew(data: Path, other: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What a build from nothing makes of the same files and the same ledger."""
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    for folder in ("warc", "sightings"):
        if (data / folder).exists():
            shutil.copytree(data / folder, other / folder)
    if (data / LEDGER).exists():
        shutil.copy(data / LEDGER, other / LEDGER)
    build(other, workers=0)
    return dump(other)


@pytest.mark.parametrize("seed", range(6))
def test_files_in_any_order_some_twice_some_at_a_time(tmp_path: Path, seed: int) -> None:
    data, chance = tmp_path / "data", random.Random(seed)
    waiting = files(seed)
    # A segment twice, under another name: a copy that came back from a backup.
    waiting += [(folder, f"2{name}", part) for folder, name, part in chance.sample(waiting, 3)]
    chance.shuffle(waiting)
    while waiting:
        for _ in range(min(len(waiting), chance.randrange(1, 7))):
            lay(data, *waiting.pop())
        build(data, workers=0)
        if chance.random() < 0.3:
            assert dump(data) == anew(data, tmp_path / "anew")
    assert dump(data) == anew(data, tmp_path / "anew")
    assert len(dump(data)["reports"]) > 3
    assert len(dump(data)["issuers"]) < len(BODIES)
    assert len(dump(data)["events"]) > len(dump(data)["reports"])
    build(data, rebuild=True, workers=0)
    assert dump(data) == dump(tmp_path / "anew")


@pytest.mark.parametrize("seed", range(3))
def test_files_that_change_or_go_away(tmp_path: Path, seed: int) -> None:
    data, chance = tmp_path / "data", random.Random(seed)
    all_files = files(seed)
    for file in all_files:
        lay(data, *file)
    build(data, workers=0, options=Options(accept_loss=True))
    for folder, name, part in chance.sample(all_files, 4):
        (data / folder / name).unlink()
        build(data, workers=0, options=Options(accept_loss=True))
        assert dump(data) == anew(data, tmp_path / "anew")
        if chance.random() < 0.5:
            part.lines, part.answers = part.lines[::2], part.answers[::2]
            lay(data, folder, name, part)
            build(data, workers=0, options=Options(accept_loss=True))
            assert dump(data) == anew(data, tmp_path / "anew")


class Killed(BaseException):
    """Stands for a kill: nothing catches it, and what was committed stays."""


MOMENTS = (
    *("archive.attribution.Attribution._mint", "archive.issuers.append"),
    *("archive.fold.Fold._reports", "archive.fold.Fold._roll_ups", "archive.fold.Fold._captures"),
    *("archive.fold.Fold._sightings", "archive.store.put_in_place", "archive.memory.Memory.done"),
)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, when: str
) -> None:
    data = tmp_path / "data"
    whole = files(1)
    half = len(whole) // 2
    for file in whole[:half]:
        lay(data, *file)
    build(data, workers=0)
    for file in whole[half:]:
        lay(data, *file)
    with monkeypatch.context() as patched:
        owner, _, name = moment.rpartition(".")
        target = pytest.importorskip(owner) if owner.count(".") == 1 else None
        module, _, kind = owner.rpartition(".")
        holder = target or getattr(pytest.importorskip(module), kind)
        work = getattr(holder, name)

        def die(*args: Any, **kwargs: Any) -> None:
            if when == "after":
                work(*args, **kwargs)
            raise Killed

        patched.setattr(holder, name, die)
        with pytest.raises(Killed):
            build(data, workers=0)
    build(data, workers=0)
    assert dump(data) == anew(data, tmp_path / "anew")


def test_an_archive_of_another_history_is_not_gone_on_with(tmp_path: Path) -> None:
    data = tmp_path / "data"
    whole = files(2)
    for file in whole[: len(whole) // 2]:
        lay(data, *file)
    build(data, workers=0)
    old = (data / ARCHIVE).read_bytes()
    for file in whole[len(whole) // 2 :]:
        lay(data, *file)
    build(data, workers=0)
    build(data, workers=0)
    # Somebody puts back the archive of days ago.
    (data / ARCHIVE).write_bytes(old)
    build(data, workers=0)
    assert dump(data) == anew(data, tmp_path / "anew")


def test_a_better_reader_reads_history_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    for file in files(3):
        lay(data, *file)
    build(data, workers=0)
    before = dump(data)

    with_reader(monkeypatch, "better", title="新读取程序所读的标题")
    build(data, workers=0)
    assert rows(data, "select distinct title from versions") == [("新读取程序所读的标题",)]
    after = dump(data)
    assert [row[0] for row in after["versions"]] == [row[0] for row in before["versions"]]
    assert after == anew(data, tmp_path / "anew")


def test_an_archive_that_has_lost_most_is_not_put_in_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    crawl = Crawl()
    crawl.home(1)
    for number in range(30):
        crawl.see(1, made(f"朔州市第{number}局", 2023, "1", 0), url=f"http://www.a.gov.cn/{number}")
    lay(data, "warc", "a.warc.gz", crawl)
    lay(data, "sightings", "a.jsonl", crawl)
    build(data, workers=0)
    before = dump(data)
    lay(data, "warc", "b.warc.gz", Crawl())
    (data / "warc" / "a.warc.gz").unlink()
    with pytest.raises(IntakeError, match=r"a\.warc\.gz had .* and has gone: .*--accept-loss"):
        build(data, workers=0)
    # Begun from nothing, it does not know what it had.
    with pytest.raises(store.ArchiveError, match=r"30 reports before, 0 now.*--accept-loss"):
        build(data, workers=0, rebuild=True)
    assert dump(data) == before
    assert not (data / "nianbao.db.new").exists()
    build(data, workers=0, options=Options(accept_loss=True))
    assert dump(data) != before


def with_reader(monkeypatch: pytest.MonkeyPatch, name: str, **says: Any) -> None:
    """Let another reader read, which says something else of every report."""

    def other(parts: Sequence[Part], evidence: Evidence) -> Reading:
        reading = by_year(parts, evidence)
        if not reading.is_report:
            return reading
        return Reading(**{one: getattr(reading, one) for one in Reading.__slots__} | says)

    monkeypatch.setattr(readings, "read_report", other)
    for module in ("build", "nights"):
        monkeypatch.setattr(f"archive.{module}.reader_version", lambda: name)


def edited_report(data: Path) -> list[str]:
    """An archive with one report in two versions, published; the names of both."""
    crawl = Crawl()
    for night, cell in ((1, "10"), (2, "12")):
        crawl.home(night)
        crawl.see(night, page(cell))
    lay(data, "warc", "a.warc.gz", crawl)
    lay(data, "sightings", "a.jsonl", crawl)
    build(data, workers=0)
    publish(data)
    return [name for (name,) in rows(data, "select id from versions order by number")]


def test_versions_that_merge_and_split_keep_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = edited_report(tmp_path)
    with_reader(monkeypatch, "blind", content_digest="e" * 64)
    build(tmp_path, workers=0)
    assert rows(tmp_path, "select id from versions") == [(first,)]
    assert rows(tmp_path, "select path, target from redirects") == [(second, first)]
    publish(tmp_path)
    with_reader(monkeypatch, "sees again")
    build(tmp_path, workers=0)
    assert rows(tmp_path, "select id from versions order by number") == [(first,), (second,)]
    assert rows(tmp_path, "select * from redirects") == []


def test_a_report_that_was_misread_leads_to_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = edited_report(tmp_path)
    with_reader(monkeypatch, "better", issuer="朔州市水利局")
    build(tmp_path, workers=0)
    assert rows(tmp_path, "select path, target from redirects order by 1") == sorted(
        [
            ("140600-jyj/2023", "140600-slj/2023"),
            (first, first.replace("jyj", "slj")),
            (second, second.replace("jyj", "slj")),
        ]
    )
    with_reader(monkeypatch, "stern", is_report=False, reason="不是年报")
    build(tmp_path, workers=0)
    found = rows(tmp_path, "select path, target, reason from redirects order by 1")
    assert [(path, target) for path, target, _ in found] == [
        ("140600-jyj/2023", None),
        *sorted([(first, None), (second, None)]),
    ]
    assert all("不是年报" in reason for _, _, reason in found)


def corrected(data: Path, *lines: str) -> Path:
    path = data / "corrections.csv"
    header = "subject,aspect,value,author,date,reason"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def test_corrections_are_laid_over_and_taken_away(tmp_path: Path) -> None:
    first, _ = edited_report(tmp_path)
    build(tmp_path, workers=0)
    before = dump(tmp_path)
    cell = f"cell:{first}/requests.received_new.total"
    path = corrected(
        tmp_path,
        f"{cell},value,11,王,2026-11-20,扫描件模糊",
        f"page:{PAGE},year,2022,王,2026-11-20,标题笔误",
        "issuer:140600-jyj,name,朔州市教育体育局,王,2026-03-01,机构改革",
        "issuer:999999-xyz,name,无此机关,王,2026-03-01,无",
    )
    summary = build(tmp_path, workers=0, options=Options(corrections=path))
    assert summary.read == 0
    assert rows(tmp_path, "select id from reports") == [("140600-jyj/2022",)]
    assert rows(tmp_path, "select name, minted_as from issuers") == [
        ("朔州市教育体育局", "朔州市教育局")
    ]
    assert rows(tmp_path, "select requests__received_new__total from figures order by 1") == [
        (10,),
        (12,),
    ]
    assert rows(tmp_path, "select subject, state from corrections order by 1") == [
        (cell, "unmatched"),
        ("issuer:140600-jyj", "applied"),
        ("issuer:999999-xyz", "unmatched"),
        (f"page:{PAGE}", "applied"),
    ]
    moved = rows(tmp_path, "select target from redirects where path = '140600-jyj/2023'")
    assert moved == [("140600-jyj/2022",)]
    build(tmp_path, workers=0)
    assert dump(tmp_path) == before


def test_a_correction_of_what_stands_above_a_body_reaches_the_sum_of_the_whole(
    tmp_path: Path,
) -> None:
    """A body whose name leads elsewhere, put under its city; and one taken from it."""
    data = tmp_path / "data"
    other = made("朔州市体育局", 2022, "2", 0)
    strange = made("山西省煤炭局", 2022, "7", 0)
    whole = made("朔州市人民政府", 2022, "6", 0)
    for at, document in enumerate((other, strange, whole)):
        seen = saw(1, document, f"http://x/{at}", "p1")
        write(data, f"{at}", portal("p1", "朔州市人民政府"), part=seen)
    build(data, workers=0)
    sums = "select verdict, expected from findings where rule = 'HIER.sum' and actual = '6'"
    assert rows(data, sums) == []
    ids = dict(rows(data, "select name, id from issuers"))
    city = ids["朔州市人民政府"]
    line = "issuer:{},parent,{},王,2026-11-20,三定规定"
    for above in (city, "朔州市人民政府"):
        path = corrected(data, line.format(ids["山西省煤炭局"], above))
        build(data, workers=0, options=Options(corrections=path))
        assert rows(data, sums) == [("fail", "9")]
    path = corrected(
        data,
        line.format(ids["山西省煤炭局"], city),
        line.format(ids["朔州市体育局"], "山西省体育局"),
    )
    build(data, workers=0, options=Options(corrections=path))
    assert rows(data, sums) == [("fail", "7")]
    same(data, tmp_path / "anew")


def test_a_page_said_to_be_no_report_is_none(tmp_path: Path) -> None:
    edited_report(tmp_path)
    path = corrected(tmp_path, f"page:{PAGE},not_a_report,,王,2026-11-20,是转载的新闻")
    build(tmp_path, workers=0, options=Options(corrections=path))
    assert rows(tmp_path, "select count(*) from reports") == [(0,)]
    reasons = {reason for (reason,) in rows(tmp_path, "select reason from sightings")}
    assert reasons == {"人工更正：不是年报。是转载的新闻"}
    assert rows(tmp_path, "select target from redirects where path = '140600-jyj/2023'") == [
        (None,)
    ]


def test_two_ids_of_one_body_are_made_one(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for file in files(4):
        lay(data, *file)
    build(data, workers=0)
    publish(data)
    ids = [name for (name,) in rows(data, "select id from issuers order by 1")]
    gone, holds = ids[0], ids[1]
    path = corrected(data, f"issuer:{gone},same_as,{holds},王,2026-11-20,同一机关两次编号")
    build(data, workers=0, options=Options(corrections=path))
    assert rows(data, f"select count(*) from reports where issuer_id = '{gone}'") == [(0,)]
    lost = rows(data, f"select path, target from redirects where path like '{gone}/%'")
    assert lost
    assert all(target and target.startswith(f"{holds}/") for _, target in lost)
    assert rows(data, "select issuer_id, relation, other_id from issuer_links") == [
        (gone, "same_as", holds)
    ]


def portal(portal_id: str, name: str, night: int = 1, division: str = "140600") -> dict[str, Any]:
    return PORTAL | {
        "id": portal_id,
        "name": name,
        "division": division,
        "night": f"2026-11-{night:02}",
        "seen_at": f"2026-11-{night:02}T13:00:00Z",
    }


def write(data: Path, stem: str, *lines: dict[str, Any], part: Crawl | None = None) -> None:
    """A segment and a file of sightings with these lines and what a crawl saw."""
    part = part or Crawl()
    part.lines = [*lines, *part.lines]
    lay(data, "warc", f"{stem}.warc.gz", part)
    lay(data, "sightings", f"{stem}.jsonl", part)


def saw(
    night: int, payload: bytes | None, url: str = PAGE, at: str = "shuozhou", **more: Any
) -> Crawl:
    part = Crawl()
    part.see(night, payload, url=url, **more)
    part.lines[-1]["portal_id"] = at
    return part


def same(data: Path, other: Path, **options: Any) -> None:
    """An incremental build gives what one from nothing gives."""
    build(data, workers=0, options=Options(**options))
    assert dump(data) == anew(data, other)


def test_a_portal_that_is_renamed_renames_its_bodies_everywhere(tmp_path: Path) -> None:
    """A bare 教育局, minted at one portal, whose report is seen at another."""
    data = tmp_path / "data"
    city = portal("p2", "朔州市人民政府")
    write(
        data,
        "a",
        portal("p1", "朔州市人民政府"),
        city,
        part=saw(1, made("教育局", 2022, "1", 0), at="p1"),
    )
    build(data, workers=0)
    write(data, "b", part=saw(1, made("教育局", 2021, "1", 0), "http://x/b", "p2"))
    write(data, "c", part=saw(1, made("大同市人民政府", 2021, "1", 0), "http://x/c", "p2"))
    build(data, workers=0)
    write(data, "d", portal("p1", "大同市人民政府", 2))
    same(data, tmp_path / "anew")
    verdicts = rows(data, "select verdict from findings where rule = 'HIER.sum' and expected = '1'")
    assert verdicts == [("pass",)]


def test_a_body_that_names_the_places_above_it_is_the_same_body(tmp_path: Path) -> None:
    """As one year's title does and the next one's does not; so do a city's and its bureaus'."""
    data = tmp_path / "data"
    city = portal("p1", "朔州市人民政府")
    write(
        data, "a", city, part=saw(1, made("山西省朔州市教育局", 2021, "1", 0), "http://x/a", "p1")
    )
    build(data, workers=0)
    write(data, "b", part=saw(2, made("朔州市教育局", 2022, "8", 0), "http://x/b", "p1"))
    write(data, "c", part=saw(2, made("山西省朔州市人民政府", 2022, "7", 0), "http://x/c", "p1"))
    same(data, tmp_path / "anew")
    assert rows(data, "select id, name, parent_id from issuers order by 1") == [
        ("140600-jyj", "山西省朔州市教育局", "140600-rmzf"),
        ("140600-rmzf", "山西省朔州市人民政府", None),
    ]
    assert rows(data, "select id from reports order by 1") == [
        ("140600-jyj/2021",),
        ("140600-jyj/2022",),
        ("140600-rmzf/2022",),
    ]
    assert rows(
        data, "select name from issuer_names where issuer_id = '140600-jyj' order by 1"
    ) == [
        ("山西省朔州市教育局",),
        ("朔州市教育局",),
    ]
    sums = "select verdict, expected, actual from findings where rule = 'HIER.sum' and expected > 0"
    assert rows(data, sums) == [("fail", "8", "7")]


def test_an_edit_is_weighed_against_the_next_year(tmp_path: Path) -> None:
    """The next year's page was not seen that night: nothing but the edit makes its report due."""
    data = tmp_path / "data"
    write(
        data,
        "a",
        portal("shuozhou", "朔州市人民政府"),
        part=saw(1, made(BODIES[0], 2022, "4", 0), "http://x/2022"),
    )
    write(data, "b", part=saw(1, made(BODIES[0], 2023, "5", 0), "http://x/2023"))
    build(data, workers=0)
    write(data, "c", part=saw(2, made(BODIES[0], 2022, "5", 0), "http://x/2022"))
    same(data, tmp_path / "anew")
    weighed = "select verdict, expected, actual from findings where rule = 'XYEAR.carried.total'"
    assert rows(data, f"{weighed} and expected is not null") == [("pass", "5", "5")]


def test_a_page_learned_of_later_than_its_attachment(tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = saw(3, b"7", FILE, report_url=PAGE, kept=False)
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2021, "1", 0))
    )
    write(data, "b", part=file)
    build(data, workers=0)
    write(data, "c", part=saw(3, made(BODIES[0], 2022, "1", 0)))
    same(data, tmp_path / "anew")


def test_a_file_that_held_nothing_but_a_portal_goes(tmp_path: Path) -> None:
    """The body was minted at its own portal, which nothing names any more."""
    data = tmp_path / "data"
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2022, "1", 0))
    )
    write(data, "h", portal("p3", BODIES[0]))
    build(data, workers=0)
    assert rows(data, "select portal_id from issuers") == [("p3",)]
    (data / "sightings" / "h.jsonl").unlink()
    build(data, workers=0, options=Options(accept_loss=True))
    same(data, tmp_path / "anew")
    assert rows(data, "select portal_id from issuers") == [(None,)]


def test_killed_after_a_file_was_taken_in_that_makes_nothing_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2022, "1", 0))
    )
    build(data, workers=0)
    write(data, "h", portal("shuozhou", "朔州市人民政府", 5) | {"state": "error"})

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("archive.attribution.Attribution.attribute", die)
        with pytest.raises(Killed):
            build(data, workers=0)
    same(data, tmp_path / "anew")
    assert rows(data, "select state from portals") == [("error",)]


def test_names_put_back_after_a_build_are_looked_up(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2022, "1", 0))
    )
    build(data, workers=0)
    names = "path,first_published\n140600-jyj/2019,2026-11-01\n"
    (data / "published.csv").write_text(names, encoding="ascii")
    build(data, workers=0)
    assert rows(data, "select path, target from redirects") == [("140600-jyj/2019", None)]


def test_an_archive_of_another_folder_with_as_many_builds(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for data, body in zip(folders, BODIES, strict=False):
        write(
            data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(body, 2022, "1", 0))
        )
        build(data, workers=0)
    shutil.copy(folders[1] / ARCHIVE, folders[0] / ARCHIVE)
    shutil.copy(folders[1] / LEDGER, tmp_path / "ledger")
    with pytest.raises(ValueError, match="lacks 1 ids"):
        build(folders[0], workers=0)
    (folders[0] / LEDGER).write_text(
        (folders[0] / LEDGER).read_text(encoding="utf-8")
        + (tmp_path / "ledger").read_text(encoding="utf-8").split("\n", 1)[1],
        encoding="utf-8",
    )
    same(folders[0], tmp_path / "anew")
    assert rows(folders[0], "select issuer_id from reports") == [("140600-jyj",)]


def test_a_truncated_archive_is_made_anew(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2022, "1", 0))
    )
    build(data, workers=0)
    whole = (data / ARCHIVE).read_bytes()
    (data / ARCHIVE).write_bytes(whole[: len(whole) // 2 // 4096 * 4096])
    same(data, tmp_path / "anew")


def test_a_correction_that_names_a_body_met_the_same_night(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(
        data, "a", portal("shuozhou", "朔州市人民政府"), part=saw(1, made(BODIES[0], 2022, "1", 0))
    )
    write(data, "b", part=saw(1, made(BODIES[1], 2022, "1", 0), "http://x/b"))
    write(data, "c", part=saw(1, made("朔州市教体局", 2021, "1", 0), "http://x/c"))
    path = corrected(
        tmp_path,
        f"page:{PAGE},issuer,140600-slj,王,2026-11-20,页面署名有误",
        "issuer:140600-jyj,name,朔州市教体局,王,2026-03-01,机构改革",
        "issuer:140600-jyj,successor_of,朔州市教委,王,2026-03-01,机构改革",
    )
    # 教育局 itself is met at another page, so that there is such a body.
    write(data, "d", part=saw(1, made(BODIES[0], 2020, "1", 0), "http://x/d"))
    build(data, workers=0, options=Options(corrections=path))
    assert rows(data, "select id from reports order by 1") == [
        ("140600-jyj/2020",),
        ("140600-jyj/2021",),
        ("140600-slj/2022",),
    ]
    assert rows(data, "select distinct state from corrections") == [("applied",)]
    assert rows(data, "select issuer_id, relation from issuer_links") == [
        ("140600-jyj", "successor_of")
    ]
    before = dump(data)
    build(data, rebuild=True, workers=0, options=Options(corrections=path))
    assert dump(data) == before
