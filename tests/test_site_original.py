"""Originals as a browser reads them: nothing is shown in letters that were not looked through."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette
from lxml import html

from tests.site_fixture import DIGEST_1, build_site, insert, write_warc

REPORT = "140600-jyj/2023"
PHONE = "手机：13812345678"
CLEAN = "年报<p>电话0349-2022222"
BOM = b"\xef\xbb\xbf"


async def opened(folder: Path, *originals: tuple[str, bytes]) -> tuple[Any, list[str]]:
    """A site where a version was also captured with these (content type, payload), and the
    addresses of those originals."""
    site = build_site(folder)
    offsets = write_warc(folder / "warc" / "more.warc.gz", originals)
    digests = [hashlib.sha256(payload).hexdigest() for _, payload in originals]
    with closing(sqlite3.connect(site / "nianbao.db")) as db:
        for digest, offset, (kind, _) in zip(digests, offsets, originals, strict=True):
            insert(
                db,
                "captures",
                {"digest": digest, "url": "http://jyj.example.gov.cn/2023.html",
                 "fetched_at": "2024-03-05T18:00:05Z", "status": 200,
                 "media_type": kind.split(";")[0], "warc_file": "more.warc.gz", "offset": offset,
                 "record_type": "response",
                 "version_id": f"{REPORT}/{DIGEST_1[:12]}"},
            )  # fmt: skip
        db.commit()
    datasette = Datasette(config_dir=site)
    await datasette.invoke_startup()
    return datasette.client, [f"/r/{REPORT}/{digest[:12]}/original" for digest in digests]


def gbk(text: str, head: str = "") -> bytes:
    return f"<html><head>{head}</head><body>{text}</body></html>".encode("gbk")


# What the header says, and a page with a number that a browser shows.
LEAKS = [
    ("text/html; charset=utf-8", b"\xff\xfe" + PHONE.encode("utf-16-le")),
    ("text/html; charset=gb2312", b"\xfe\xff" + PHONE.encode("utf-16-be")),
    ("text/html; charset=utf-16", PHONE.encode("utf-16-le")),
    ("text/html; charset=ibm037", gbk(PHONE, '<meta charset="gb2312">')),
    ("text/html; charset=utf-7", gbk(PHONE)),
    ("text/html; charset=rot13", gbk(PHONE)),
    ("text/html; charset=undefined", gbk(PHONE)),
    ("text/html; charset=idna", gbk(PHONE)),
    ("text/html", gbk(PHONE, '<meta charset="utf-16">')),
    ("text/html", gbk(PHONE, '<!-- <meta charset="utf-16be"> --><meta charset="gbk">')),
    ("text/html", gbk("手机：138\x0012345678")),
    ("text/plain; charset=unicode", PHONE.encode("utf-16-le")),
]


@pytest.mark.asyncio
async def test_no_label_hides_a_number(tmp_path: Path) -> None:
    client, paths = await opened(tmp_path, *LEAKS)
    for path, (label, _) in zip(paths, LEAKS, strict=True):
        raw = await client.get(f"{path}/raw")
        assert raw.status_code == 403, label
        shown = await client.get(path)
        assert shown.status_code == 200, label
        assert "13812345678" not in shown.text, label
        assert "138********" in shown.text, label


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("label", "payload", "text"),
    [
        ("text/html; charset=utf-16", CLEAN.encode("utf-16-le"), CLEAN),
        ("text/html", b"\xfe\xff" + CLEAN.encode("utf-16-be"), CLEAN),
        ("text/html; charset=big5", "年報".encode("big5"), "年報"),
        # Latin 1 is windows-1252 at WHATWG: each byte is a letter.
        ("text/html; charset=latin1", "年报 é".encode(), "å¹´æŠ¥ Ã©"),
        # Half a letter: each reader makes something else of it.
        ("text/html; charset=gbk", "年报".encode("gbk") + b"\xb0", "年报\ufffd"),
        # Encodings that browsers do not read at all.
        ("text/html; charset=hz-gb-2312", b"~{VPND~}", "\ufffd" * 8),
    ],
)
async def test_what_may_be_read_in_two_ways_is_handed_over_in_one(
    tmp_path: Path, label: str, payload: bytes, text: str
) -> None:
    client, (path,) = await opened(tmp_path, (label, payload))
    raw = await client.get(f"{path}/raw")
    assert raw.status_code == 200
    assert raw.headers["content-type"] == "text/html; charset=utf-8"
    # The mark outweighs whatever the page itself declares, also once it is saved.
    assert raw.content == BOM + text.encode()
    assert "转成了 UTF-8" in (await client.get(path)).text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("label", "payload", "charset"),
    [
        ("text/html; charset=GB2312", gbk(CLEAN), "gb18030"),
        ("text/html", gbk(CLEAN, '<meta http-equiv=Content-Type content="text/html; charset=gbk">'),
         "gb18030"),
        # Letters that only the largest set has.
        ("text/html; charset=gb2312", "㐀".encode("gb18030"), "gb18030"),
        ("text/html", gbk(CLEAN), "gb18030"),
        ("text/html", CLEAN.encode(), "utf-8"),
        ("text/html", BOM + CLEAN.encode(), "utf-8"),
        ("text/html; charset=utf-8", CLEAN.encode(), "utf-8"),
        # The header outweighs the page.
        ("text/html; charset=utf-8", ('<meta charset="gbk">' + CLEAN).encode(), "utf-8"),
        ("text/plain; charset=nonsense", CLEAN.encode(), "utf-8"),
        # ASCII says the same under nearly every label.
        ("text/html; charset=windows-1252", b"report 2023", "utf-8"),
    ],
)  # fmt: skip
async def test_what_reads_in_one_way_is_handed_over_as_captured(
    tmp_path: Path, label: str, payload: bytes, charset: str
) -> None:
    client, (path,) = await opened(tmp_path, (label, payload))
    raw = await client.get(f"{path}/raw")
    assert raw.content == payload
    assert raw.headers["content-type"] == f"{label.split(';')[0]}; charset={charset}"
    assert "转成了 UTF-8" not in (await client.get(path)).text


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b'<meta charset="gb2312">', "gb18030"),
        (b"<META CHARSET = big5 >", "big5"),
        (b"<meta name=a content='>' charset=\"big5\">", "big5"),
        (b'<meta http-equiv="content-type" content="text/html; charset=Shift_JIS">', "shift_jis"),
        (b'<meta content="text/html; charset=big5" http-equiv=Content-Type>', "big5"),
        # Words about encodings are none.
        (b'<meta name="description" content="charset=big5">', None),
        (b'<!-- <meta charset="big5"> -->', None),
        (b'<meta charset="none-such"><meta charset="big5">', "big5"),
        (b'<meta charset="utf-16le">', "utf-8"),
        (b"<metadata charset=big5>", None),
        (b'<?xml version="1.0" encoding="gb2312"?><html>', "gb18030"),
        (b'<?xml version="1.0" encoding="gb2312"?><meta charset="big5">', "big5"),
        (b"<meta", None),
        (b'<meta charset="', None),
        (b"", None),
    ],
)
async def test_what_a_page_declares(tmp_path: Path, head: bytes, encoding: str | None) -> None:
    await opened(tmp_path)
    found = sys.modules["nianbao_site.original"].declared(head)
    assert (found and found.name) == encoding


@pytest.mark.asyncio
async def test_a_kept_original_is_asked_for_anew_once_it_is_withheld(tmp_path: Path) -> None:
    payload = CLEAN.encode()
    digest = hashlib.sha256(payload).hexdigest()
    client, (path,) = await opened(tmp_path, ("text/html", payload))
    kept = {"If-None-Match": (await client.get(f"{path}/raw")).headers["etag"]}
    assert (await client.get(f"{path}/raw", headers=kept)).status_code == 304
    with closing(sqlite3.connect(tmp_path / "site" / "nianbao.db")) as db:
        db.execute("insert into withheld values (?)", (digest,))
        db.commit()
    datasette = Datasette(config_dir=tmp_path / "site")
    await datasette.invoke_startup()
    assert (await datasette.client.get(f"{path}/raw", headers=kept)).status_code == 403
    assert html.fromstring((await datasette.client.get(path)).text).xpath("//iframe") == []
