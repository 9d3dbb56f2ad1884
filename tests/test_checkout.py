"""A release can be made again from the list of its captures, byte for byte."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import checkout as checking
from archive.__main__ import main
from archive.build import build
from archive.checkout import CheckoutError, checkout
from archive.export.release import export
from tests.bench import BODY, page
from tests.portals.reports import series

HOST = "http://jyj.example.gov.cn"
REPORTS = series(
    BODY,
    {year: ("clean", f"{year + 1}-01-20", f"{BODY.name}{year}年年报") for year in (2021, 2022)},
)


def pages(night: int) -> dict[str, bytes]:
    """What a night saw: a report; a second one from night 2; it is edited in night 3."""
    seen = {f"{HOST}/2021.html": page(REPORTS[2021], links=4)}
    if night > 1:
        seen[f"{HOST}/2022.html"] = page(REPORTS[2022], links=4)
    if night > 2:
        seen[f"{HOST}/2022.html"] = seen[f"{HOST}/2022.html"].replace(
            b"</table>", "</table><p>更正：本报告第三章有误，特此说明。</p>".encode(), 1
        )
    return seen


def crawl(data: Path, night: int) -> None:
    """Lay down the closed segment and sightings of a night."""
    moment, stem = f"2024-03-0{night}T14:00:00Z", f"2024030{night}T140000Z-abcdef"
    lines = [
        {"kind": "portal", "id": "beiyuan", "name": "北原市人民政府", "division": "140600",
         "level": "prefecture", "home_url": f"{HOST}/", "state": "ok"}
    ]  # fmt: skip
    for folder in ("warc", "sightings"):
        (data / folder).mkdir(parents=True, exist_ok=True)
    with (data / "warc" / f"{stem}.warc.gz").open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.1")
        for url, body in pages(night).items():
            digest = hashlib.sha256(body).hexdigest()
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], "HTTP/1.1")
            told = {"WARC-Payload-Digest": f"sha256:{digest}", "WARC-Date": moment}
            writer.write_record(
                writer.create_warc_record(
                    url,
                    "response",
                    payload=io.BytesIO(body),
                    length=len(body),
                    http_headers=headers,
                    warc_headers_dict=told,
                )
            )
            lines.append(
                {"kind": "report", "portal_id": "beiyuan", "url": url, "role": "page",
                 "title": f"{BODY.name}{url[-9:-5]}年政府信息公开工作年度报告",
                 "listed_on": f"{HOST}/nb/", "report_url": None, "verdict": "ok", "status": 200,
                 "digest": digest, "fetched_at": moment}
            )  # fmt: skip
    text = "".join(
        json.dumps(line | {"night": moment[:10], "seen_at": moment}, ensure_ascii=False) + "\n"
        for line in lines
    )
    (data / "sightings" / f"{stem}.jsonl").write_text(text, encoding="utf-8")


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def versions(data: Path) -> int:
    with sqlite3.connect(data / "nianbao.db") as db:
        number: int = db.execute("select count(*) from versions").fetchone()[0]
    return number


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights, built each; `second` is the release after night 2, `third` after night 3."""
    root = tmp_path_factory.mktemp("nights")
    for night in (1, 2, 3):
        crawl(root / "data", night)
        build(root / "data", workers=0)
        if night > 1:
            export(root / "data", root / ("second" if night == 2 else "third"))
    return root


def test_a_past_release_is_made_again_byte_for_byte(nights: Path, tmp_path: Path) -> None:
    summary = checkout(nights / "second" / "captures.csv", nights / "data", tmp_path / "data")
    assert "Warning" not in str(summary)
    brought = tmp_path / "data"
    assert sorted(path.name for path in (brought / "warc").iterdir()) == [
        "20240301T140000Z-abcdef.warc.gz",
        "20240302T140000Z-abcdef.warc.gz",
    ]
    build(brought, workers=0)
    again = export(brought, tmp_path / "again").target
    assert tree(again) == tree(nights / "second")
    # The night that followed is not in it, and the archive of today has it.
    assert (versions(brought), versions(nights / "data")) == (2, 3)
    assert tree(nights / "third") != tree(nights / "second")


def test_what_is_brought_is_linked_and_costs_no_room(nights: Path, tmp_path: Path) -> None:
    checkout(nights / "second" / "captures.csv", nights / "data", tmp_path / "data")
    name = "warc/20240301T140000Z-abcdef.warc.gz"
    assert (tmp_path / "data" / name).samefile(nights / "data" / name)
    # The ledger grows in place: a link would grow with it.
    assert not (tmp_path / "data" / "ledger.csv").samefile(nights / "data" / "ledger.csv")


def test_captures_may_lie_elsewhere_and_where_no_link_leads(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for folder in ("warc", "sightings"):
        (kept / folder).symlink_to(nights / "data" / folder)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "ledger.csv").write_bytes((nights / "data" / "ledger.csv").read_bytes())

    def across(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", across)
    listing = nights / "second" / "captures.csv"
    for number, place in enumerate((str(kept), kept.as_uri())):
        target = tmp_path / f"data{number}"
        checkout(listing, tmp_path / "bare", target, place)
        assert {name: digest for name, digest in tree(target).items() if "/" in name} == {
            name: digest
            for name, digest in tree(nights / "data").items()
            if name.startswith(("warc/", "sightings/")) and "20240303" not in name
        }


def test_a_ledger_that_has_grown_is_cut_to_what_it_was(nights: Path, tmp_path: Path) -> None:
    data = copied(nights / "data", tmp_path / "data")
    before = (data / "ledger.csv").read_bytes()
    with (data / "ledger.csv").open("ab") as file:
        file.write(b"140600-x,x,140600,county,other,beiyuan,2024-03-04T14:00:00Z\n")
    checkout(nights / "third" / "captures.csv", data, tmp_path / "out")
    assert (tmp_path / "out" / "ledger.csv").read_bytes() == before


def test_every_missing_and_changed_file_is_named_with_both_digests(
    nights: Path, tmp_path: Path
) -> None:
    data = copied(nights / "data", tmp_path / "data")
    gone = data / "warc" / "20240301T140000Z-abcdef.warc.gz"
    changed = data / "sightings" / "20240302T140000Z-abcdef.jsonl"
    was = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (gone, changed)}
    gone.unlink()
    changed.write_bytes(changed.read_bytes().replace(b"2022", b"2023"))
    (data / "ledger.csv").write_bytes(b"id\n")
    with pytest.raises(CheckoutError) as failure:
        checkout(nights / "second" / "captures.csv", data, tmp_path / "out")
    told = str(failure.value)
    assert "3 of the 7 files" in told
    assert f"{gone} is missing" in told
    assert was[gone] in told
    assert was[changed] in told
    assert hashlib.sha256(changed.read_bytes()).hexdigest() in told
    assert hashlib.sha256(b"id\n").hexdigest() in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_another_parser_is_said_before_anything_is_built(
    nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "READER", "999")
    listing = str(nights / "second" / "captures.csv")
    arguments = ["--data", str(nights / "data"), "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["checkout", listing, *arguments])
    assert done.exit_code == 0
    assert re.search(
        r"Warning: parser \S+ read this release, but this code has parser 999", done.output
    )


def test_a_folder_in_use_is_refused(nights: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match="is not empty"):
        checkout(nights / "second" / "captures.csv", nights / "data", nights / "data")
    (tmp_path / "out.new").mkdir()
    with pytest.raises(CheckoutError, match="broken off"):
        checkout(nights / "second" / "captures.csv", nights / "data", tmp_path / "out")
    with pytest.raises(CheckoutError, match="nowhere is no folder: name the DATA"):
        checkout(nights / "second" / "captures.csv", tmp_path / "nowhere", tmp_path / "other")


def test_corrections_come_back_as_they_were_reviewed(nights: Path, tmp_path: Path) -> None:
    """The release's own table stands for the file, wherever that lay."""
    release = copied(nights / "second", tmp_path / "release")
    table = release / "csv" / "corrections.csv"
    header = table.read_bytes().decode("utf-8").split("\r\n")[0]
    names = header.replace('"', "").split(",")
    told = {"number": "1", "subject": '"issuer:140600-jyj"', "aspect": '"name"', "value": '"新,名"',
            "author": '"甲"', "date": '"2024-03-01"', "reason": '"改""名"', "state": '"applied"'}  # fmt: skip
    rewrite(table, f"{header}\r\n{','.join(told[name] for name in names)}\r\n")
    listing = release / "captures.csv"
    lines = [
        line if not line.startswith("corrections,") else row_of(table)
        for line in listing.read_text(encoding="utf-8").splitlines()
    ]
    rewrite(listing, "\n".join(lines) + "\n")
    summary = checkout(listing, nights / "data", tmp_path / "out")
    assert (tmp_path / "out" / "corrections.csv").read_text(encoding="utf-8") == (
        "subject,aspect,value,author,date,reason\n"
        'issuer:140600-jyj,name,"新,名",甲,2024-03-01,"改""名"\n'
    )
    assert f"--corrections {tmp_path / 'out' / 'corrections.csv'}" in str(summary)


def row_of(path: Path) -> str:
    data = path.read_bytes()
    return f"corrections,{path.name},{len(data)},{hashlib.sha256(data).hexdigest()}"


def rewrite(path: Path, text: str) -> None:
    path.unlink()
    path.write_bytes(text.encode())


def copied(source: Path, target: Path, leave: Iterable[str] = ("nianbao.db", "fold.db")) -> Path:
    for name, content in tree(source).items():
        if name not in leave:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
    return target
