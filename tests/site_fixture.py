"""A small archive as publish lays it out, with what the site must bear: edits, losses, malice."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import form
from archive.findings.rules import RULES
from archive.publish import added, metadata
from archive.schema import TABLES
from archive.search_index import index_texts

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
HONGZE = "http://www.hongze.example.gov.cn/nb/2023.html"
# A capture that shows no report any more.
UNREAD = "9" * 64


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
               scope="jurisdiction_aggregate", url=HONGZE),
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
        capture(f"320813-zf/2023/{'d' * 12}", "d" * 64, 0, warc_file="absent.warc.gz",
                url=HONGZE),
        capture(f"320813-zf/2023/{'d' * 12}", LOST, offsets[4], url=HONGZE),
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
                "report_id": "320813-zf/2023", "url": HONGZE}  # fmt: skip
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


def later_records(db: sqlite3.Connection, offsets: list[int]) -> None:
    """What tells of a report and a body in time: events, names, links, corrections, redirects."""
    first, second = (f"140600-jyj/2023/{digest[:12]}" for digest in (DIGEST_1, DIGEST_2))
    moved = f"140600-jyj/2021/{'a' * 12}"
    lost, bad = f"320813-zf/2023/{'d' * 12}", f"999999-bad/2022/{'e' * 12}"
    new = {"position": 1, "kind": "new", "at": "2024-03-01T18:00:00Z", "night": "2024-03-01"}
    insert(
        db,
        "events",
        {**new, "report_id": "140600-jyj/2023", "version_id": first,
         "url": "http://jyj.example.gov.cn/2023.html", "days_since_publication": 41},
        {"report_id": "140600-jyj/2023", "position": 2, "kind": "edited",
         "at": "2024-03-03T18:00:00Z", "night": "2024-03-03", "version_id": second,
         "from_version": first, "url": "http://jyj.example.gov.cn/2023.html",
         "days_since_publication": 43},
        {**new, "report_id": "140600-jyj/2021", "version_id": moved,
         "url": "http://jyj.example.gov.cn/2021.html", "days_since_publication": 771},
        {"report_id": "140600-jyj/2021", "position": 2, "kind": "moved",
         "at": "2024-03-04T18:20:00Z", "night": "2024-03-04", "version_id": moved,
         "url": "http://www.example.gov.cn/jyj/2021.html", "days_since_publication": 774},
        {**new, "report_id": "140600-jyj/2020", "version_id": f"140600-jyj/2020/{'b' * 12}"},
        {**new, "report_id": "140600-jyj/2016", "version_id": f"140600-jyj/2016/{'c' * 12}"},
        {**new, "report_id": "320813-zf/2023", "version_id": lost},
        {"report_id": "320813-zf/2023", "position": 2, "kind": "vanished",
         "at": "2024-03-03T18:30:00Z", "night": "2024-03-03", "version_id": lost,
         "days_since_publication": 0},
        {**new, "report_id": "999999-bad/2022", "version_id": bad, "url": "javascript:alert(7)",
         "days_since_publication": -3},
    )  # fmt: skip
    own = {"url": "http://jyj.example.gov.cn/2023.html", "portal_id": "sz", "role": "page",
           "title": "2023年年报", "report_id": "140600-jyj/2023"}  # fmt: skip
    insert(
        db,
        "sightings",
        *(
            {**own, "night": night, "seen_at": f"{night}T18:00:05Z", "verdict": verdict}
            for night, verdict in (
                ("2024-03-01", "ok"),
                ("2024-03-02", "ok"),
                ("2024-03-03", "ok"),
                ("2024-03-04", "not_modified"),
            )
        ),
    )
    elsewhere = {"portal_id": "sz", "role": "page", "title": "2021年年报", "verdict": "ok",
                 "report_id": "140600-jyj/2021", "night": "2024-03-01"}  # fmt: skip
    ours, parents = "http://jyj.example.gov.cn/2021.html", "http://www.example.gov.cn/jyj/2021.html"
    insert(
        db,
        "sightings",
        {**elsewhere, "url": ours, "seen_at": "2024-03-01T18:01:00Z"},
        {**elsewhere, "url": ours, "seen_at": "2024-03-04T18:20:00Z", "night": "2024-03-04",
         "verdict": "moved"},
        {**elsewhere, "url": parents, "seen_at": "2024-03-02T18:01:00Z", "night": "2024-03-02"},
        {**elsewhere, "url": parents, "seen_at": "2024-03-04T18:21:00Z", "night": "2024-03-04",
         "verdict": "not_modified"},
    )  # fmt: skip
    shown = {"version_id": moved, "status": 200, "media_type": "text/html", "digest": "a" * 64,
             "warc_file": "other.warc.gz", "record_type": "response"}  # fmt: skip
    insert(
        db,
        "captures",
        {**shown, "url": ours, "fetched_at": "2024-03-01T18:01:00Z", "offset": 100},
        {**shown, "url": parents, "fetched_at": "2024-03-02T18:01:00Z", "offset": 200,
         "digest": "a1" * 32},
        {**shown, "url": parents, "fetched_at": "2024-03-04T18:21:00Z", "offset": 300,
         "digest": "a1" * 32, "record_type": "revisit", "status": 304},
        {**shown, "url": ours, "fetched_at": "2024-03-03T18:01:00Z", "offset": 400,
         "digest": UNREAD, "version_id": None},
    )  # fmt: skip
    db.execute("update reports set url = ? where id = '140600-jyj/2021'", (parents,))
    db.execute("update issuers set parent_id = '320813-zf' where id = '999999-bad'")
    insert(
        db,
        "issuer_names",
        {"issuer_id": "140600-jyj", "name": "朔州市教育局", "first_seen": "2024-03-01T18:00:00Z",
         "last_seen": "2024-03-04T18:00:00Z"},
        {"issuer_id": "140600-jyj", "name": "朔州市教育和体育局",
         "first_seen": "2024-03-01T18:00:00Z", "last_seen": "2024-03-02T18:00:00Z"},
        {"issuer_id": "999999-bad", "name": SCRIPT, "first_seen": SCRIPT, "last_seen": IMAGE},
    )  # fmt: skip
    insert(
        db,
        "issuer_links",
        {"issuer_id": "140600-jyj", "relation": "renamed_from", "other_id": "140600-jytyj",
         "other_name": "朔州市教育和体育局", "on_date": "2019-03-01", "author": "张三",
         "reason": "机构改革方案"},
        {"issuer_id": "140600-jyold", "relation": "same_as", "other_id": "140600-jyj",
         "other_name": "朔州市教育局", "author": "张三", "reason": "同一机关两个编号"},
        {"issuer_id": "999999-bad", "relation": "merged_into", "other_id": "320813-zf",
         "other_name": "洪泽区人民政府", "on_date": SCRIPT, "author": IMAGE, "reason": SCRIPT},
    )  # fmt: skip
    dated = {"dated": "2026-09-11"}
    insert(
        db,
        "divisions",
        {**dated, "code": "140000", "name": "山西省", "level": "province"},
        {**dated, "code": "140600", "name": "朔州市", "level": "prefecture", "parent": "140000"},
        {**dated, "code": "320813", "name": IMAGE, "level": "county", "parent": "320813"},
    )  # fmt: skip
    said = {"author": "张三", "date": "2026-03-01", "reason": "与原件核对", "state": "applied"}
    insert(
        db,
        "corrections",
        {**said, "number": 1, "subject": "cell:140600-jyj/2023/requests.received_new.total",
         "aspect": "value", "value": "20"},
        {**said, "number": 2, "aspect": "remark", "value": "发布机关来函说明为 0",
         "subject": f"cell:{second}/requests.carried_in.enterprise"},
        {**said, "number": 3, "aspect": "value", "value": "11",
         "subject": f"cell:{first}/requests.received_new.total"},
        {**said, "number": 4, "subject": "cell:140600-jyj/2023/requests.granted.total",
         "aspect": "value", "value": "99", "state": "refused"},
        {**said, "number": 5, "subject": "issuer:140600-jyj", "aspect": "kind",
         "value": "department"},
        {**said, "number": 6, "subject": "page:http://jyj.example.gov.cn/2023.html",
         "aspect": "year", "value": "2023"},
        {"number": 7, "subject": "cell:320813-zf/2023/requests.granted.total", "aspect": "value",
         "value": IMAGE, "author": SCRIPT, "date": IMAGE, "reason": SCRIPT, "state": "applied"},
        {"number": 8, "subject": f"cell:999999-bad/2022/{SCRIPT}", "aspect": SCRIPT,
         "value": SCRIPT, "author": IMAGE, "date": SCRIPT, "reason": IMAGE, "state": IMAGE},
    )  # fmt: skip
    insert(
        db,
        "redirects",
        {"path": "140600-jyold/2021", "target": "140600-jyj/2021", "reason": "同一机关"},
        {"path": f"140600-jyold/2021/{'a' * 12}", "target": moved, "reason": "同一机关"},
        {"path": "140600-jyj/2021/111111111111", "target": "140600-jyj/2021/222222222222",
         "reason": "两版合为一版"},
        {"path": "140600-jyj/2021/222222222222", "target": moved, "reason": "两版合为一版"},
        {"path": "140600-jyj/2015", "reason": f"所述文件不是年报{SCRIPT}"},
        {"path": "140600-jyj/2015/333333333333", "reason": "所述文件不是年报"},
        {"path": "140600-jyj/2014", "target": "140600-jyj/1900", "reason": "改属另一年度"},
        {"path": "140600-jyj/2013", "target": "140600-jyj/2012", "reason": "互指"},
        {"path": "140600-jyj/2012", "target": "140600-jyj/2013", "reason": "互指"},
        {"path": "140600-jyj/2011", "target": "/evil.example/2011", "reason": IMAGE},
        {"path": "320813-old/2020", "target": "320813-zf/2023", "reason": "改属另一机关"},
        {"path": "320813-old/2019", "reason": "不是年报"},
        {"path": "320813-lost/2019", "reason": "不是年报"},
    )  # fmt: skip
    insert(
        db,
        "segments",
        {"warc_file": SEGMENT, "sha256": "5" * 64, "bytes": 2_500_000, "captures": 5,
         "damaged": 1, "first_at": "2024-03-01T18:00:00Z", "last_at": "2024-03-03T18:00:09Z"},
        {"warc_file": "other.warc.gz", "sha256": "6" * 64, "bytes": 500_000, "captures": 4,
         "damaged": 0, "first_at": "2024-03-01T18:01:00Z", "last_at": "2024-03-04T18:21:00Z"},
    )  # fmt: skip
    insert(
        db,
        "damages",
        {"warc_file": SEGMENT, "offset": offsets[4], "reason": f"摘要不符{SCRIPT}"},
    )


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
        later_records(db, offsets)
    lay_out(db, site, warc)
    return site


def lay_out(db: sqlite3.Connection, site: Path, warc: Path) -> None:
    """Add to the tables in SITE/nianbao.db, and beside them, what publish adds; closes them."""
    db.commit()
    for add in added():
        add(db)
    index_texts(db)
    db.commit()
    db.close()
    described = json.dumps(metadata(SITE / "metadata.yml", warc))
    (site / "metadata.json").write_text(described, encoding="utf-8")
    (site / "settings.json").write_text((SITE / "settings.json").read_text(encoding="utf-8"))
    for name in ("templates", "plugins", "static"):
        (site / name).symlink_to(SITE / name, target_is_directory=True)


def site_module(name: str) -> Any:
    """A module of the site, as a Datasette loads it."""
    if f"nianbao_site.{name}" not in sys.modules:
        Datasette(memory=True, plugins_dir=str(SITE / "plugins"))
    return sys.modules[f"nianbao_site.{name}"]


async def opened(site: Path) -> Any:
    """A client of the site in a folder that `build_site` or publish made."""
    datasette = Datasette(config_dir=site)
    await datasette.invoke_startup()
    return datasette.client


def words(node: Any) -> str:
    """The text of an element, the texts of its parts set apart."""
    return " ".join(" ".join(node.itertext()).split())
