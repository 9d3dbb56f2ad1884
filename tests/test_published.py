"""What was ever public is known: a list that only grows and survives a kill."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archive import publish as publishing
from archive import published, store
from archive.publish import publish
from archive.published import PublishedError, append, issuers, load, ordered, without

REPORT = "140600-jyj/2023"
VERSION = "140600-jyj/2023/0123456789ab"
HEAD = "path,first_published\n"


def text(path: Path) -> str:
    return path.read_text(encoding="ascii")


def test_names_are_added_once_in_order(tmp_path: Path) -> None:
    path = tmp_path / "data" / "published.csv"
    assert append(path, [VERSION, REPORT, VERSION], "2026-11-21") == 2
    assert append(path, [REPORT, "140600-jyj-2/2022", VERSION], "2026-11-22") == 1
    assert append(path, [], "2026-11-23") == 0
    assert text(path) == (
        f"{HEAD}{REPORT},2026-11-21\n{VERSION},2026-11-21\n140600-jyj-2/2022,2026-11-22\n"
    )
    assert list(load(path)) == [
        (REPORT, "2026-11-21"),
        (VERSION, "2026-11-21"),
        ("140600-jyj-2/2022", "2026-11-22"),
    ]
    assert issuers(path) == {"140600-jyj", "140600-jyj-2"}


def test_no_list_is_an_empty_one(tmp_path: Path) -> None:
    assert list(load(tmp_path / "published.csv")) == []
    assert issuers(tmp_path / "published.csv") == set()


@pytest.mark.parametrize("cut", range(len(HEAD) + len(REPORT) + 12))
def test_a_line_cut_anywhere_is_completed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "published.csv"
    whole = f"{HEAD}{REPORT},2026-11-21\n"
    path.write_text(whole[:cut], encoding="ascii")
    assert list(load(path)) == ([(REPORT, "2026-11-21")] if cut == len(whole) else [])
    append(path, [REPORT], "2026-11-22")
    assert text(path) == f"{HEAD}{REPORT},2026-11-22\n"


def test_zeros_that_a_power_cut_left_at_the_end_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_bytes(f"{HEAD}{REPORT},2026-11-21\n".encode() + b"\0" * 200_000)
    append(path, [REPORT, VERSION], "2026-11-22")
    assert text(path) == f"{HEAD}{REPORT},2026-11-21\n{VERSION},2026-11-22\n"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("path\n", "line 1 is damaged"),
        (f"{HEAD}{REPORT},2026-11-21\n{REPORT}\n", "line 3 is damaged"),
        (f"{HEAD}../etc/2023,2026-11-21\n", "line 2 is damaged"),
        (f"{HEAD}\0\0\0\n", "line 2 is damaged"),
        (HEAD.replace("\n", "\r\n"), "line 1 ends in CR LF: a program saved it anew"),
        (f"{HEAD}{REPORT},2026-11-21\r\n", "line 2 ends in CR LF"),
        (f"\ufeff{HEAD}", "begins with a byte order mark: a program saved it anew"),
    ],
)
def test_damage_is_told_and_nothing_is_written(tmp_path: Path, lines: str, complaint: str) -> None:
    path = tmp_path / "published.csv"
    path.write_bytes(lines.encode())
    with pytest.raises(PublishedError, match=complaint) as error:
        list(load(path))
    assert str(path) in str(error.value)
    assert "backup" in str(error.value)
    with pytest.raises(PublishedError):
        append(path, [VERSION], "2026-11-22")
    assert path.read_bytes() == lines.encode()


@pytest.mark.parametrize("name", ["", "140600-jyj", f"{REPORT}/x", f"{VERSION}\n", "局/2023"])
def test_what_is_no_name_is_not_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "published.csv"
    append(path, [REPORT], "2026-11-21")
    before = text(path)
    with pytest.raises(PublishedError, match="no name of a report"):
        append(path, [name, VERSION], "2026-11-22")
    assert text(path) == before


def test_a_failed_write_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "published.csv"
    append(path, [REPORT], "2026-11-21")
    before = text(path)

    def failing(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(published.os, "fsync", failing)
        with pytest.raises(OSError, match="Input/output"):
            append(path, [VERSION], "2026-11-22")
    assert text(path) == before
    assert append(path, [VERSION], "2026-11-22") == 1


def test_many_names_go_to_the_disk_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    names = [f"{code:06d}-jyj/2023" for code in range(10_000)]
    assert append(path, reversed(names), "2026-11-21") == 10_000
    assert [name for name, _ in load(path)] == names
    assert os.stat(path).st_size == len(HEAD) + 10_000 * len("000000-jyj/2023,2026-11-21\n")


def test_ordered_and_without() -> None:
    assert list(ordered(["b", "a/2", "a", "b"])) == ["a", "a/2", "b"]
    assert list(without(["a", "c", "d"], ["b", "c", "e"])) == ["a", "d"]
    assert list(without([], ["a"])) == []
    assert list(without(["a"], [])) == ["a"]


def archive(data: Path, *years: int) -> None:
    fresh = data / "nianbao.db.new"
    db = store.create(fresh)
    store.write(db, "issuers", [{"id": "140600-jyj", "name": "朔州市教育局", "division": "140600"}])
    for year in years:
        report = f"140600-jyj/{year}"
        version = f"{report}/{'a' * 12}"
        row = {"id": report, "issuer_id": "140600-jyj", "year": year, "current_version": version}
        store.write(db, "reports", [row])
        store.write(db, "versions", [{"id": version, "report_id": report, "number": 1}])
    store.put_in_place(db, fresh, data / "nianbao.db")


def public(data: Path) -> list[str]:
    return [name for name, _ in load(data / "published.csv")]


def test_a_publication_writes_its_names_and_keeps_those_of_others(tmp_path: Path) -> None:
    archive(tmp_path, 2022, 2023)
    publish(tmp_path)
    archive(tmp_path, 2023, 2024)
    publish(tmp_path)
    assert public(tmp_path) == [
        *("140600-jyj/2022", f"140600-jyj/2022/{'a' * 12}"),
        *("140600-jyj/2023", f"140600-jyj/2023/{'a' * 12}"),
        *("140600-jyj/2024", f"140600-jyj/2024/{'a' * 12}"),
    ]


def test_names_are_written_before_they_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path, 2023)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_swap", dies)
        with pytest.raises(KeyboardInterrupt):
            publish(tmp_path)
    assert not (tmp_path / "site").exists()
    assert len(public(tmp_path)) == 2


def test_a_damaged_list_stops_a_publication_and_the_site_stays(tmp_path: Path) -> None:
    archive(tmp_path, 2022)
    site = publish(tmp_path).site.resolve()
    (tmp_path / "published.csv").write_text("path\n", encoding="ascii")
    archive(tmp_path, 2023)
    with pytest.raises(PublishedError, match="line 1 is damaged"):
        publish(tmp_path)
    assert (tmp_path / "site").resolve() == site
    assert len(list(tmp_path.glob("site-*"))) == 1


def test_a_lost_list_begins_with_the_site_in_use(tmp_path: Path) -> None:
    archive(tmp_path, 2022)
    publish(tmp_path)
    (tmp_path / "published.csv").unlink()
    archive(tmp_path, 2023)
    publish(tmp_path)
    assert public(tmp_path) == [
        *("140600-jyj/2022", f"140600-jyj/2022/{'a' * 12}"),
        *("140600-jyj/2023", f"140600-jyj/2023/{'a' * 12}"),
    ]
