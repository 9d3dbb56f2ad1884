"""A small archive as publish lays it out, with what the site must bear: edits, losses, malice."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import form
from archive.findings.rules import RULES
from archive.publish import index_texts, metadata
from archive.schema import TABLES

SITE = Path(__file__).parent.parent / "datasette"
SEGMENT = "20240302T181500Z-3f9a1c.warc.gz"
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'

PAGE_1 = (
    '<html><head><meta charset="gb2312"><script>alert(3)</script></head>'
    "<body><h1>朔州市教育局2023年政府信息公开工作年度报告</h1></body></html>"
).encode("gbk")
PAGE_2 = PAGE_1.replace(b"</h1>", "（更正）</h1>".encode("gbk"))
PDF = b"%PDF-1.4 example"
DIGEST_1, DIGEST_2, DIGEST_PDF = (hashlib.sha256(b).hexdigest() for b in (PAGE_1, PAGE_2, PDF))
# A second capture of the first version: another byte for the visitor counter.
PAGE_1B = PAGE_1.replace(b"</body>", b"<i>17</i></body>")
DIGEST_1B = hashlib.sha256(PAGE_1B).hexdigest()
LOST = "f" * 64


def figures(form_name: str, **numbers: int | None) -> dict[str, Any]:
    """All cells of a form at 0 but for those given (table__row__column), totals not made up."""
    row: dict[str, Any] = {form.PRINTED[key].flat: 0 for key in form.keys(form_name)}
    return row | numbers


def insert(db: sqlite3.Connection, table: str, *rows: Mapping[str, Any]) -> None:
    for row in rows:
        unknown = row.keys() - TABLES[table].columns.keys()
        assert not unknown, f"{table} has no {unknown}"
        names = ", ".join(f'"{name}"' for name in row)
        places = ", ".join("?" * len(row))
        db.execute(f"insert into {table} ({names}) values ({places})", tuple(row.values()))


def tables(db: sqlite3.Connection) -> None:
    for name, table in TABLES.items():
        columns = ", ".join(f'"{column}" {spec.type}' for column, spec in table.columns.items())
        db.execute(f"create table {name} ({columns}, primary key ({', '.join(table.pk)}))")
        for index in table.indexes:
            db.execute(f"create index {name}_{'_'.join(index)} on {name} ({', '.join(index)})")
    for position, field in enumerate(form.PRINTED.values()):
        years = {2014: "stats2014", 2019: "2019", 2021: "2021"}
        printed = [str(year) for year, name in years.items() if field.key in form.keys(name)]
        insert(
            db,
            "fields",
            {
                "key": field.key,
                "flat": field.flat,
                "zh": field.zh,
                "table_key": field.table,
                "row_key": field.row,
                "row_zh": field.row_zh,
                "column_key": field.column,
                "column_zh": field.column_zh,
                "unit": field.unit,
                "formats": ",".join(printed),
                "position": position,
            },
        )
    for identity in RULES:
        insert(
            db,
            "identities",
            {
                "id": identity.id,
                "formula": identity.formula,
                "formats": ",".join(map(str, identity.formats)),
                "level": identity.level,
                "basis": identity.basis,
            },
        )


def write_warc(path: Path, bodies: Iterable[tuple[str, bytes]]) -> list[int]:
    """A segment with these (content type, payload) as responses; where each record begins."""
    offsets = []
    with path.open("wb") as stream:
        writer = WARCWriter(stream, gzip=True, warc_version="1.1")
        for content_type, body in bodies:
            offsets.append(stream.tell())
            headers = StatusAndHeaders(
                "200 OK", [("Content-Type", content_type)], protocol="HTTP/1.1"
            )
            writer.write_record(
                writer.create_warc_record(
                    "http://jyj.example.gov.cn/x",
                    "response",
                    payload=io.BytesIO(body),
                    http_headers=headers,
                )
            )
    return offsets


SECTION_1 = "2023年，我局共收到政府信息公开申请12件。全部按时办结。公众号推送信息３６条。"
SECTION_2 = SECTION_1.replace("12件", "21件")


def records(db: sqlite3.Connection, offsets: list[int]) -> None:
    insert(
        db,
        "portals",
        {"id": "sz", "name": "朔州市人民政府", "division": "140600", "level": "prefecture",
         "home_url": "http://www.example.gov.cn/", "last_ok": "2024-03-04", "state": "ok"},
        {"id": "hz", "name": "洪泽区人民政府", "division": "320813", "level": "county",
         "home_url": "javascript:alert(4)", "last_ok": "2024-03-01", "state": "challenge"},
    )  # fmt: skip
    quiet = {"portal_id": "sz", "state": "ok", "requests": 40, "bytes": 1_250_000, "lists": 4,
             "listed": 120, "reports": 30, "attachments": 5, "new": 0, "edited": 0,
             "unchanged": 30, "moved": 0, "gone": 0, "back": 0, "blocked": 0, "failed": 0,
             "refused": 0, "saved": 160, "seconds": 130.5}  # fmt: skip
    insert(
        db,
        "visits",
        {
            **quiet,
            "night": "2024-03-01",
            "seen_at": "2024-03-01T18:40:00Z",
            "requests": 800,
            "new": 117,
            "unchanged": 0,
            "saved": 0,
        },
        {
            **quiet,
            "night": "2024-03-03",
            "seen_at": "2024-03-03T18:40:00Z",
            "edited": 1,
            "unchanged": 29,
        },
        {**quiet, "night": "2024-03-04", "seen_at": "2024-03-04T18:40:00Z", "new": 2},
        {
            "portal_id": "hz",
            "night": "2024-03-04",
            "state": "challenge",
            "requests": 3,
            "blocked": 3,
            "seen_at": "2024-03-04T18:10:00Z",
        },
    )
    insert(
        db,
        "issuers",
        {"id": "140600-jyj", "name": "朔州市教育局", "division": "140600", "level": "prefecture",
         "kind": "department", "portal_id": "sz", "parent": "朔州市人民政府",
         "place_code": "140600", "place_name": "山西省朔州市", "divisions_date": "2026-09-11"},
        {"id": "320813-zf", "name": "洪泽区人民政府", "division": "320813", "level": "county",
         "kind": "government", "portal_id": "hz"},
        {"id": "999999-bad", "name": IMAGE, "division": "320813", "level": "county",
         "kind": "other", "portal_id": "hz", "parent": "洪泽区人民政府", "place_name": SCRIPT},
    )  # fmt: skip

    def report(issuer: str, year: int, digest: str, **more: Any) -> dict[str, Any]:
        row = {
            "id": f"{issuer}/{year}",
            "issuer_id": issuer,
            "year": year,
            "form": "2021",
            "title": f"{year}年政府信息公开工作年度报告",
            "published_on": f"{year + 1}-01-20",
            "url": f"http://jyj.example.gov.cn/{year}.html",
            "status": "live",
            "current_version": f"{issuer}/{year}/{digest[:12]}",
            "first_seen": "2024-03-01T18:00:00Z",
            "last_seen": "2024-03-04T18:00:00Z",
        }
        return row | more

    def version(report_id: str, digest: str, **more: Any) -> dict[str, Any]:
        row = {
            "id": f"{report_id}/{digest[:12]}",
            "report_id": report_id,
            "number": 1,
            "first_seen": "2024-03-01T18:00:00Z",
            "last_seen": "2024-03-04T18:00:00Z",
            "media_type": "text/html",
            "title": f"{report_id[-4:]}年政府信息公开工作年度报告",
            "form": "2021",
            "content_digest": digest,
            "parser": "1",
            "numbers_read": 200,
            "nonzero_cells": 4,
        }
        return row | more

    def capture(version_id: str | None, digest: str, offset: int, **more: Any) -> dict[str, Any]:
        row = {
            "digest": digest,
            "url": "http://jyj.example.gov.cn/2023.html",
            "fetched_at": "2024-03-01T18:00:05Z",
            "status": 200,
            "media_type": "text/html",
            "warc_file": SEGMENT,
            "offset": offset,
            "record_type": "response",
            "version_id": version_id,
        }
        return row | more

    first, second = (f"140600-jyj/2023/{digest[:12]}" for digest in (DIGEST_1, DIGEST_2))
    insert(
        db,
        "reports",
        report("140600-jyj", 2023, DIGEST_2),
        report("140600-jyj", 2021, "a" * 64),
        report("140600-jyj", 2020, "b" * 64, form="2019"),
        report("140600-jyj", 2016, "c" * 64, form="stats2014"),
        report("320813-zf", 2023, "d" * 64, status="gone", last_seen="2024-03-02T18:00:00Z",
               scope="jurisdiction_aggregate"),
        report("999999-bad", 2022, "e" * 64, title=SCRIPT, url="javascript:alert(5)",
               status="suspect", form="narrative"),
    )  # fmt: skip
    insert(
        db,
        "versions",
        version("140600-jyj/2023", DIGEST_1, last_seen="2024-03-02T18:00:00Z"),
        version(
            "140600-jyj/2023",
            DIGEST_2,
            number=2,
            first_seen="2024-03-03T18:00:00Z",
            replaces=f"140600-jyj/2023/{DIGEST_1[:12]}",
        ),
        version("140600-jyj/2021", "a" * 64),
        version("140600-jyj/2020", "b" * 64, form="2019"),
        version("140600-jyj/2016", "c" * 64, form="stats2014"),
        version("320813-zf/2023", "d" * 64, flags=f"标题写2023年，正文写2022年\n如「{SCRIPT}」"),
        version("999999-bad/2022", "e" * 64, title=SCRIPT, form="narrative"),
    )
    insert(
        db,
        "captures",
        capture(first, DIGEST_1, offsets[0]),
        capture(first, DIGEST_1B, offsets[1], fetched_at="2024-03-02T18:00:05Z"),
        capture(second, DIGEST_2, offsets[2], fetched_at="2024-03-03T18:00:05Z"),
        capture(second, DIGEST_2, 7, warc_file="later.warc.gz", record_type="revisit",
                fetched_at="2024-03-04T18:00:05Z"),
        capture(second, DIGEST_PDF, offsets[3], media_type="application/pdf",
                url='http://jyj.example.gov.cn/a/..%2f..%2f"附件\u202e.pdf',
                fetched_at="2024-03-03T18:00:09Z"),
        capture(f"320813-zf/2023/{'d' * 12}", "d" * 64, 0, warc_file="absent.warc.gz"),
        capture(f"320813-zf/2023/{'d' * 12}", LOST, offsets[4]),
        capture(f"999999-bad/2022/{'e' * 12}", "e" * 64, 0, warc_file="../../etc/passwd",
                url="javascript:alert(6)"),
    )  # fmt: skip
    applicants = {"natural_person": 10, "enterprise": 2, "total": 12}
    balance = {
        f"requests__{row}__{column}": number
        for row in ("received_new", "granted", "concluded_total")
        for column, number in applicants.items()
    }
    wide = figures("2021", **balance)
    wide["disclosure__fees__amount_wan"] = "15954.526468"
    edited = wide | {
        "requests__received_new__natural_person": 19,
        "requests__received_new__total": 21,
        "requests__carried_in__enterprise": None,
        "requests__denied_state_secret__total": None,
        "requests__granted_partial__total": None,
        "requests__other_misc__total": None,
    }
    third = f"320813-zf/2023/{'d' * 12}"
    lost = figures(
        "2021",
        requests__received_new__natural_person=10,
        requests__received_new__enterprise=1,
        disclosure__regulations__issued=None,
    )
    insert(
        db,
        "figures",
        {"version_id": first, **wide},
        {"version_id": second, **edited},
        {"version_id": f"140600-jyj/2021/{'a' * 12}", **wide, "requests__received_new__total": 5},
        {"version_id": f"140600-jyj/2020/{'b' * 12}", **figures("2019"),
         "disclosure__procurement__amount": "1,234.50万元", "requests__received_new__total": 8},
        {"version_id": f"140600-jyj/2016/{'c' * 12}", **figures("stats2014"),
         "stats2014__requests__received": 33},
        {"version_id": f"320813-zf/2023/{'d' * 12}", **lost},
    )  # fmt: skip
    insert(
        db,
        "cell_notes",
        {"version_id": second, "field": "requests.carried_in.enterprise", "state": "blank",
         "printed": ""},
        {"version_id": second, "field": "requests.denied_state_secret.total", "state": "na",
         "printed": "/"},
        {"version_id": second, "field": "requests.granted_partial.total", "state": "missing",
         "printed": ""},
        {"version_id": second, "field": "requests.other_misc.total", "state": "ambiguous",
         "printed": SCRIPT},
        {"version_id": third, "field": "requests.received_new.natural_person", "state": "ocr",
         "printed": "10", "confidence": 0.935},
        {"version_id": third, "field": "requests.received_new.enterprise", "state": "ocr",
         "printed": "l", "confidence": 0.5},
        *({"version_id": third, "field": f"requests.carried_in.{column}", "state": "glued",
           "printed": "0000000"} for column in ("natural_person", "enterprise",
           "research_institution", "public_interest_org", "legal_service_org", "other_org",
           "total")),
        {"version_id": third, "field": "disclosure.regulations.issued", "state": "unreadable",
         "printed": ""},
    )  # fmt: skip
    insert(
        db,
        "extras",
        *({"version_id": third, "position": position, "label": f"地方指标{position}",
           "unit": "条", "printed": str(400 + position)} for position in range(1, 14)),
        {"version_id": first, "position": 1, "label": SCRIPT, "unit": "件", "printed": IMAGE},
    )  # fmt: skip
    insert(
        db,
        "unused",
        {"version_id": third, "position": 1, "kind": "number", "place": "表二第4行", "text": "57"},
        {"version_id": third, "position": 2, "kind": "heading", "place": "表二第1行",
         "text": SCRIPT},
    )  # fmt: skip
    insert(
        db,
        "sections",
        {"version_id": first, "number": 1, "heading": "一、总体情况", "text": SECTION_1},
        {"version_id": second, "number": 1, "heading": "一、总体情况", "text": SECTION_2},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "number": 5, "heading": "五、问题",
         "text": "存在的问题是泥鳅养殖信息更新不够及时。"},
        {"version_id": f"999999-bad/2022/{'e' * 12}", "number": 1, "heading": IMAGE,
         "text": SCRIPT + "\n泥鳅"},
    )  # fmt: skip
    insert(
        db,
        "findings",
        {"version_id": second, "rule": "ROW.received_new", "verdict": "pass", "expected": "21",
         "actual": "21"},
        {"version_id": second, "rule": "BALANCE.total", "verdict": "fail", "expected": "21",
         "actual": "12", "blame": "undecided", "explanation": ""},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "ROW.received_new",
         "verdict": "fail", "expected": "11", "actual": "0", "blame": "publisher",
         "explanation": ""},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "XYEAR.carried.total",
         "verdict": "not_checkable", "explanation": "没有上一年的年报"},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "SUM.total@2021", "verdict": "fail",
         "expected": "3", "actual": "5", "blame": "publisher",
         "cells": '["requests.concluded_total.total", "requests.carried_out.total"]',
         "proposed": '{"requests.concluded_total.total": "3"}'},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "V.outcomes", "position": 1,
         "verdict": "fail", "expected": "3", "actual": "4", "blame": "undecided",
         "explanation": "统计表中予以公开为 3", "cells": '["requests.granted_partial.total"]',
         "printed": f"予以公开4件{SCRIPT}。"},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "V.outcomes", "position": 2,
         "verdict": "fail", "expected": "0", "actual": "7", "blame": "undecided",
         "explanation": "统计表中部分公开为 0", "cells": "[]", "printed": "部分公开7件。"},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "V.review", "position": 1,
         "verdict": "explained", "expected": "170", "actual": "134", "cells": "[]",
         "explanation": "等于统计表中行政复议总计减尚未审结", "printed": "行政复议134件。"},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "V.received", "position": 1,
         "verdict": "pass", "expected": "11", "actual": "11", "printed": "收到申请11件，一致。"},
        {"version_id": f"320813-zf/2023/{'d' * 12}", "rule": "PLAUSIBLE.no_decisions",
         "position": 1, "verdict": "fail", "actual": "0", "blame": "undecided",
         "explanation": "许可与处罚都印作 0"},
    )  # fmt: skip
    pair = {"report_id": "140600-jyj/2023", "from_version": first, "to_version": second}
    insert(
        db,
        "changes",
        {**pair, "position": 0, "field": "requests.received_new.natural_person",
         "before": "10", "after": "19"},
        {**pair, "position": 1, "field": "requests.received_new.total",
         "before": "12", "after": "21"},
        {**pair, "position": 2, "section": 1, "before": SECTION_1, "after": SECTION_2},
    )  # fmt: skip
    sighting = {"portal_id": "hz", "role": "page", "title": SCRIPT, "listed_on": "javascript:0",
                "report_id": "320813-zf/2023", "url": "http://jyj.example.gov.cn/2023.html"}  # fmt: skip
    insert(
        db,
        "sightings",
        {**sighting, "night": "2024-03-02", "seen_at": "2024-03-02T18:00:00Z", "verdict": "ok"},
        {**sighting, "night": "2024-03-03", "seen_at": "2024-03-03T18:30:00Z", "verdict": "gone"},
        {**sighting, "night": "2024-03-04", "seen_at": "2024-03-04T18:30:00Z", "verdict": "gone"},
        {"url": 'http://jyj.example.gov.cn/a/..%2f..%2f"附件\u202e.pdf', "portal_id": "sz",
         "night": "2024-03-03", "seen_at": "2024-03-03T18:00:09Z", "role": "attachment",
         "title": "附件", "digest": DIGEST_PDF, "report_id": "140600-jyj/2023", "verdict": "ok"},
    )  # fmt: skip


def build_site(folder: Path, empty: bool = False) -> Path:
    """Write the site folder that Datasette serves, beside the captures; gives its path.

    `empty`: as after a first night that found nothing.
    """
    site, warc = folder / "site", folder / "warc"
    site.mkdir(parents=True)
    warc.mkdir()
    offsets = write_warc(
        warc / SEGMENT,
        (
            ("text/html", PAGE_1),
            ("text/html; charset=gbk", PAGE_1B),
            ("text/html", PAGE_2),
            ("application/pdf", PDF),
            ("text/html", b"not what the digest says"),
        ),
    )
    db = sqlite3.connect(site / "nianbao.db")
    tables(db)
    if not empty:
        records(db, offsets)
    db.commit()
    index_texts(db)
    db.commit()
    db.close()
    described = json.dumps(metadata(SITE / "metadata.yml", warc))
    (site / "metadata.json").write_text(described, encoding="utf-8")
    (site / "settings.json").write_text((SITE / "settings.json").read_text(encoding="utf-8"))
    for name in ("templates", "plugins", "static"):
        (site / name).symlink_to(SITE / name, target_is_directory=True)
    return site
