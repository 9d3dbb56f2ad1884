"""What the site is given: a snapshot, found by every word of two characters."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from archive import publish as publishing
from archive import published, store
from archive.publish import PublishError, metadata, publish


def archive(data: Path, texts: dict[str, str]) -> Path:
    """An archive with one report of 2020, 2021, … for each text."""
    fresh = data / "nianbao.db.new"
    db = store.create(fresh)
    store.write(db, "issuers", [{"id": "140600-jyj", "name": "朔州市教育局", "division": "140600"}])
    for year, (title, text) in enumerate(texts.items(), start=2020):
        report, version = f"140600-jyj/{year}", f"140600-jyj/{year}/{'a' * 12}"
        row = {"id": report, "issuer_id": "140600-jyj", "year": year, "title": title}
        store.write(db, "reports", [row | {"current_version": version, "status": "live"}])
        store.write(db, "versions", [{"id": version, "report_id": report, "number": 1}])
        section = {"version_id": version, "number": 1, "heading": "一、总体情况", "text": text}
        store.write(db, "sections", [section])
    store.put_in_place(db, fresh, data / "nianbao.db")
    return data


def hits(site: Path, *tokens: str) -> list[int]:
    match = " AND ".join(f'"{token}"' for token in tokens)
    with sqlite3.connect(site / "nianbao.db") as db:
        found = db.execute(
            "select year from search_docs where id in "
            "(select rowid from search_fts where search_fts match ?) order by id desc",
            (match,),
        )
        return [year for (year,) in found]


def test_words_are_found_in_names_titles_and_text(tmp_path: Path) -> None:
    data = archive(tmp_path, {"2020年报告": "依申请公开三件", "2021年报告": "主动公开 OCR 五件"})
    summary = publish(data)
    assert summary.documents == 2
    assert hits(summary.site, "公开") == [2021, 2020]
    assert hits(summary.site, "申请") == [2020]
    assert hits(summary.site, "教育") == [2021, 2020]
    assert hits(summary.site, "2021") == [2021]
    assert hits(summary.site, "ocr") == [2021]
    assert hits(summary.site, "开三") == [2020]


def test_what_lies_in_the_site_folder(tmp_path: Path) -> None:
    summary = publish(archive(tmp_path, {"2020年报告": "文字"}))
    site = summary.site
    assert {path.name for path in site.iterdir()} == {
        *("nianbao.db", "inspect-data.json", "metadata.json", "settings.json"),
        *("templates", "plugins", "static"),
    }
    inspected = json.loads((site / "inspect-data.json").read_text(encoding="utf-8"))["nianbao"]
    assert inspected["file"] == "nianbao.db"
    assert inspected["size"] == (site / "nianbao.db").stat().st_size
    assert inspected["tables"]["reports"] == {"count": 1}
    assert (site / "plugins").resolve() == publishing.CONFIG / "plugins"
    described = json.loads((site / "metadata.json").read_text(encoding="utf-8"))
    assert described["plugins"]["nianbao"]["warc"] == str(tmp_path / "warc")
    assert "公开机关" in described["databases"]["nianbao"]["tables"]["issuers"]["description"]


def test_every_file_is_on_the_disk_before_the_site_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would leave empty ones, and a site that does not start."""
    synced: list[Path] = []

    def swap(data: Path, fresh: Path) -> None:
        files = {path for path in fresh.iterdir() if not path.is_symlink()}
        assert len(files) == 4
        assert files <= {path for path in synced if path.stat().st_size}

    monkeypatch.setattr(publishing, "sync", synced.append)
    monkeypatch.setattr(publishing, "_swap", swap)
    publish(archive(tmp_path, {"2020年报告": "文字"}))


def test_publishing_again_swaps_the_snapshot(tmp_path: Path) -> None:
    site = publish(archive(tmp_path, {"2020年报告": "旧文字"})).site
    with sqlite3.connect(site / "nianbao.db") as reader:
        publish(archive(tmp_path, {"2020年报告": "新文字", "2021年报告": "新文字"}))
        assert reader.execute("select count(*) from search_docs").fetchone() == (1,)
    assert hits(site, "新文") == [2021, 2020]
    assert len(list(tmp_path.glob("site-*"))) == 1


def test_a_site_folder_left_by_other_means_gives_way(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "stray").touch()
    (tmp_path / "site-notes").mkdir()
    site = publish(archive(tmp_path, {"2020年报告": "文字"})).site
    assert not (site / "stray").exists()
    assert len(list(tmp_path.glob("site-2*"))) == 1
    assert not list(tmp_path.glob("site-before-*"))
    assert (tmp_path / "site-notes").exists()


def test_a_publication_that_fails_leaves_the_last_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = publish(archive(tmp_path, {"2020年报告": "旧文字"})).site

    def broken(*_: object) -> int:
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(publishing, "index_texts", broken)
    with pytest.raises(PublishError, match="disk full"):
        publish(tmp_path)
    assert hits(site, "旧文") == [2020]
    assert len(list(tmp_path.glob("site-*"))) == 1


def test_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="archive build"):
        publish(tmp_path)


def test_metadata_yml_holds_over_the_schema(tmp_path: Path) -> None:
    written = tmp_path / "metadata.yml"
    written.write_text(
        "title: 档案\ndatabases: {nianbao: {tables: {portals: {description: 站}}}}\n",
        encoding="utf-8",
    )
    made = metadata(written, tmp_path / "warc")
    tables = made["databases"]["nianbao"]["tables"]
    assert made["title"] == "档案"
    assert tables["portals"]["description"] == "站"
    assert tables["portals"]["columns"]["name"].startswith("站点名称")
    assert tables["figures"]["columns"]["requests__received_new__total"].endswith("单位：件")


def spoil(data: Path, how: str) -> None:
    path = data / "nianbao.db"
    match how:
        case "garbage":
            path.write_bytes(b"no database" * 1000)
        case "empty":
            path.write_bytes(b"")
        case "old":
            with sqlite3.connect(path) as db:
                db.execute("alter table sections drop column heading")
        case "folder":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("garbage", " is damaged or no archive (file is not a database): build it again"),
        ("empty", ": it is empty. Build it again"),
        ("old", ": it lacks the columns heading of sections: another version made it. "
         "Build it again"),
        ("folder", " is a folder, not an archive: move it away, then build again"),
    ],
)  # fmt: skip
def test_what_is_no_archive_is_told_as_what_it_is(tmp_path: Path, how: str, told: str) -> None:
    site = publish(archive(tmp_path, {"2020年报告": "旧文字"})).site
    spoil(tmp_path, how)
    with pytest.raises(PublishError) as error:
        publish(tmp_path)
    assert str(error.value) == f"{tmp_path / 'nianbao.db'}{told}"
    assert hits(site, "旧文") == [2020]
    assert len(list(tmp_path.glob("site-*"))) == 1


def test_an_archive_that_another_program_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(tmp_path, {"2020年报告": "文字"})
    connect = sqlite3.connect
    with closing(connect(tmp_path / "nianbao.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        monkeypatch.setattr(sqlite3, "connect", partial(connect, timeout=0))
        with pytest.raises(PublishError, match="locked: another program writes to it; wait"):
            publish(tmp_path)


@pytest.mark.parametrize("left", [None, b"", b"path,first_pub", b"\0" * 4096])
def test_a_lost_list_of_names_begins_with_the_site_in_use(
    tmp_path: Path, left: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    publish(archive(tmp_path, {"2020年报告": "文字", "2021年报告": "文字"}))
    assert caplog.messages == []
    path = tmp_path / "published.csv"
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    publish(archive(tmp_path, {"2020年报告": "文字"}))
    (told,) = caplog.messages
    state = "is not there" if left is None else "is empty"
    assert told.startswith(f"{path} {state}: it begins with the names of the site in use.")
    assert "restore it from the backup" in told
    assert [name for name, _ in published.load(path)] == [
        "140600-jyj/2020", f"140600-jyj/2020/{'a' * 12}",
        "140600-jyj/2021", f"140600-jyj/2021/{'a' * 12}",
    ]  # fmt: skip


def test_an_empty_list_of_names_without_a_site_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive(tmp_path, {"2020年报告": "文字"})
    (tmp_path / "published.csv").touch()
    publish(tmp_path)
    (told,) = caplog.messages
    assert "is empty: if there was a list, restore it from the backup" in told
