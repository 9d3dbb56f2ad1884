"""Every table and column of the archive with its description, written once.

`store.py` makes the tables from this, `publish.py` the descriptions readers see. Names of tables
and columns are public; other people's tools rely on them: add, never rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archive.form import PRINTED, Field
from archive.metrics import PER_REPORT, Metric

# Money and decimals are text: a float would change what was printed.
SQL_TYPES = {"int": "INTEGER", "signed_int": "INTEGER", "decimal": "TEXT", "money_text": "TEXT"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its SQLite type, what it says, the unit of its numbers, where it points."""

    type: str
    description: str
    unit: str | None = None
    references: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what a row is, its columns, its primary key, and the columns to index."""

    description: str
    columns: Mapping[str, Column]
    pk: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()


def _text(description: str, references: str | None = None) -> Column:
    return Column("TEXT", description, references=references)


def _integer(description: str, unit: str | None = None) -> Column:
    return Column("INTEGER", description, unit)


def _figure(field: Field) -> Column:
    unit = field.unit if field.type != "money_text" else None
    return Column(SQL_TYPES[field.type], f"{field.zh} ({field.key})", unit)


def _measured(metric: Metric) -> dict[str, Column]:
    of = f"{metric.zh} ({metric.key})"
    n = "分母" if metric.over or not metric.terms else "没有分母，恒为空"
    return {
        metric.flat: Column("REAL", of, metric.unit.partition(" ")[0]),
        f"{metric.flat}__n": _integer(f"{metric.zh}：{n} n (what the value is a share of)"),
    }


TABLES: Mapping[str, Table] = {
    "portals": Table(
        "站点：一行一个政府网站 (a site we crawl)",
        {
            "id": _text("登记册中的编号 (registry id)"),
            "name": _text("站点名称 (name of the government or department that runs it)"),
            "division": _text("行政区划代码 GB/T 2260 (division code)"),
            "level": _text("层级 (central, province, prefecture, county, township)"),
            "home_url": _text("首页地址 (home page)"),
            "last_ok": _text("最近一次正常应答的夜次 (last night the home page answered)"),
            "state": _text(
                "最近一夜的状态 (what the last night found: ok; the verdict of the home page; "
                "needs_browser, opted_out, robots, stopped)"
            ),
        },
        pk=("id",),
    ),
    "visits": Table(
        "夜次：一个站点一夜的抓取情况 (what a night of the crawl brought at a portal)",
        {
            "portal_id": _text("站点 (portal)", "portals.id"),
            "night": _text("夜次 (date of the night)"),
            "state": _text(
                "状态：ok 正常，或首页应答的判断，或 needs_browser 需用浏览器, "
                "opted_out 已要求退出, robots 未获 robots.txt 许可, stopped 中止 "
                "(how the portal was that night)"
            ),
            "seen_at": _text("记录时刻 (when these figures were written, UTC)"),
            "requests": _integer("请求数 (requests made)", "次"),
            "bytes": _integer("收到的字节数 (bytes received)", "byte"),
            "lists": _integer("有应答的列表页数 (list pages that answered)", "页"),
            "listed": _integer(
                "列表上的年报，不论当夜是否抓取 "
                "(reports on those lists, asked for that night or not)",
                "份",
            ),
            "reports": _integer("有应答的年报页数 (report pages that answered)", "页"),
            "attachments": _integer("有应答的附件数 (attachments that answered)", "个"),
            "new": _integer("新见 (seen for the first time)", "份"),
            "edited": _integer("内容有改动 (answered with other content than before)", "份"),
            "unchanged": _integer("没有变化 (answered as before)", "份"),
            "moved": _integer("已迁移 (answered from another address)", "份"),
            "gone": _integer("不存在 (answered that it is not there)", "份"),
            "back": _integer("恢复在线 (answered again after being gone)", "份"),
            "blocked": _integer("被验证页拦下的请求 (answered with a challenge)", "次"),
            "failed": _integer("失败的请求 (no answer that could be used)", "次"),
            "refused": _integer(
                "未发出的请求：robots.txt 或防护不允许 "
                "(not made: robots.txt or a guard forbade it)",
                "次",
            ),
            "saved": _integer(
                "省下的请求：未到期，或应答未变而不必重传 "
                "(requests saved: not due, or answered as not modified)",
                "次",
            ),
            "seconds": Column("REAL", "用时 (from the first request to the last)", "秒"),
        },
        pk=("portal_id", "night"),
        indexes=(("night",),),
    ),
    "issuers": Table(
        "公开机关：一行一个行政机关 (a body that publishes reports)",
        {
            "id": _text("永久编号 (minted once, kept in the ledger)"),
            "name": _text("机关全称 (full official name)"),
            "minted_as": _text("编号时所用名称 (name under which the id was minted)"),
            "minted_at": _text(
                "编号所据的见录时刻 (when the report was seen that asked for it, UTC)"
            ),
            "division": _text("所属行政区划代码 GB/T 2260 (division code)"),
            "level": _text("层级 (central, province, prefecture, county, township)"),
            "kind": _text(
                "类别 (government, office, department, functional_zone, vertical, township, "
                "public_institution, other)"
            ),
            "portal_id": _text("首次见到其年报的站点 (portal)", "portals.id"),
            "parent": _text("上级机关全称，不能确定的为空 (the body above it, by its name)"),
            "parent_id": _text(
                "上级机关的编号，本档案中没有或不能确定的为空 "
                "(id of the body above it, where this archive has exactly one such)",
                "issuers.id",
            ),
            "place_code": _text(
                "所在区划代码：GB/T 2260 六位，乡镇街道为 GB/T 10114 十二位；"
                "不能确定的为空 (code of its place)"
            ),
            "place_name": _text("所在区划全称 (its place, from the province down)"),
            "divisions_date": _text(
                "区划数据的日期；来源：民政部国家地名信息库，CC BY 4.0 "
                "(date of the list of divisions)"
            ),
        },
        pk=("id",),
        indexes=(("name",), ("division",), ("parent_id",)),
    ),
    "issuer_names": Table(
        "机关用名：一行一个机关用过的一个名称 (a name under which reports of a body were met)",
        {
            "issuer_id": _text("公开机关 (body)", "issuers.id"),
            "name": _text("名称 (name, in full)"),
            "first_seen": _text("首次以此名见到其年报 (a report was first met under it, UTC)"),
            "last_seen": _text("最近以此名见到其年报 (and last, UTC)"),
        },
        pk=("issuer_id", "name"),
        indexes=(("name",),),
    ),
    "issuer_links": Table(
        "机关沿革：更名、合并、分立、承接、同一 (how bodies follow each other)",
        {
            # Neither id is a foreign key: a body merged away may have no report of its own here.
            "issuer_id": _text("机关编号 (id of the body)"),
            "relation": _text(
                "关系：renamed_from 由其更名, merged_into 并入, split_from 由其分出, "
                "successor_of 承接其职能, same_as 同一机关 (what the body is to the other)"
            ),
            "other_id": _text(
                "另一机关的编号，没有编号的为空 (id of the other body, if it has one)"
            ),
            "other_name": _text("另一机关的名称 (name of the other body)"),
            "on_date": _text("自何日起，不详的为空 (the day it took effect; empty where unknown)"),
            "author": _text("何人所记 (who says so)"),
            "reason": _text("依据 (on what ground)"),
        },
        pk=("issuer_id", "relation", "other_name"),
        indexes=(("other_id",),),
    ),
    "divisions": Table(
        "行政区划：省、市、县三级，及本档案机关所在的乡镇街道 "
        "(places: provinces, prefectures, counties, and towns that bodies of this archive lie in)",
        {
            "code": _text("代码：GB/T 2260 六位，乡镇街道为 GB/T 10114 十二位 (code)"),
            "name": _text("名称 (name)"),
            "level": _text("层级 (province, prefecture, county, township)"),
            "parent": _text("上一级区划 (the place above)", "divisions.code"),
            "dated": _text(
                "区划数据的日期；来源：民政部国家地名信息库，CC BY 4.0 (date of the list)"
            ),
            "until_year": _integer("撤销或更名的年份，现存的为空 (the year it went, if it has)"),
            "former_names": _text("此代码的曾用名 (names it had before, with the year they went)"),
            "now": _text(
                "今为何区划，不能确定的为空 (what a place gone is today)", "divisions.code"
            ),
        },
        pk=("code",),
        indexes=(("parent",), ("name",)),
    ),
    "corrections": Table(
        "更正：人工复核所得，附注于机器所读之旁，从不改写原文 "
        "(what people reviewed and set beside what was read; never written over what is printed)",
        {
            "number": _integer("次序 (order by subject and aspect)"),
            "subject": _text(
                "更正的对象：issuer:机关编号, page:年报页地址, cell:机关/年度[/摘要]/字段 "
                "(what is corrected)"
            ),
            "aspect": _text(
                "更正的方面 (name, kind, level, division, parent, issuer, year, value …)"
            ),
            "value": _text("更正为 (what holds instead)"),
            "author": _text("更正人 (who says so)"),
            "date": _text("日期；机关沿革为生效之日 (when it was said; of a renaming: its day)"),
            "reason": _text("理由 (why)"),
            "state": _text(
                "applied 已采用, unmatched 对象不在档案中, refused 未采用 (what became of it)"
            ),
        },
        pk=("number",),
        indexes=(("subject",),),
    ),
    "redirects": Table(
        "旧网址：曾经公开、如今由别处接替或已撤下的网址 "
        "(addresses once public here: what answers in their place, or why nothing does)",
        {
            "path": _text("旧路径：/r/ 之后的部分 (path below /r/ that was public)"),
            "target": _text("今在何处，已撤下的为空 (path that holds in its place, if any)"),
            "reason": _text("原因 (why)"),
        },
        pk=("path",),
        indexes=(("target",),),
    ),
    "reports": Table(
        "年报：一个机关一个年度 (a body's report for a year, wherever it is published)",
        {
            "id": _text("机关编号/年度 (issuer/year; the path below /r/)"),
            "issuer_id": _text("公开机关 (body)", "issuers.id"),
            "year": _integer("报告年度，不是发布年份 (the year reported on)"),
            "scope": _text("统计口径 (own_body, own_level, jurisdiction_aggregate, unclear)"),
            "form": _text("表式 (2021, 2019, stats2014, narrative, mixed) of the current version"),
            "title": _text("标题 (title of the current version)"),
            "published_on": _text("页面所示发布日期 (publication date the page states)"),
            "url": _text("原文地址 (address of the report page)"),
            "status": _text("状态 (live, suspect, gone, moved, back)"),
            "current_version": _text("现行版本 (latest version)", "versions.id"),
            "first_seen": _text("首次见到 (first seen, UTC)"),
            "last_seen": _text("最近见到 (last seen, UTC)"),
        },
        pk=("id",),
        indexes=(("issuer_id", "year"), ("year",), ("status",), ("first_seen",)),
    ),
    "versions": Table(
        "版本：年报的一种不同内容 (a different content of a report)",
        {
            "id": _text("年报编号/摘要前12位 (report id/first 12 hex digits; the path below /r/)"),
            "report_id": _text("年报 (report)", "reports.id"),
            "number": _integer("第几版，从1起 (1 for the first content seen)"),
            "replaces": _text(
                "在同一地址取代了哪一版 (the version whose place it took at the same address; "
                "empty for the first, and for what only another address shows)",
                "versions.id",
            ),
            "first_seen": _text("首次见到此内容 (first seen, UTC)"),
            "last_seen": _text("最近见到此内容 (last seen, UTC)"),
            "media_type": _text("介质 (media type of the document the figures were read from)"),
            "title": _text("标题 (title)"),
            "form": _text("表式 (2021, 2019, stats2014, narrative, mixed)"),
            "published_on": _text("页面所示发布日期 (publication date stated)"),
            "content_digest": _text(
                "内容摘要：正文去除计数器、链接、附件 (SHA-256 of the content, not of the page)"
            ),
            "parser": _text("读取程序版本 (version of the reader)"),
            "flags": _text(
                "存疑：疑似仿冒、年度或机关前后不一等，一行一条 (what makes it doubtful)"
            ),
            "numbers_read": _integer("读出的数字格数 (cells that hold a number)", "格"),
            "nonzero_cells": _integer("非零格数 (cells that hold a number other than 0)", "格"),
        },
        pk=("id",),
        indexes=(("report_id", "number"), ("first_seen",)),
    ),
    "captures": Table(
        "抓取：网络的一次应答，原样存档 (an answer, as received)",
        {
            "digest": _text("载荷 SHA-256 (of the payload as received, hexadecimal)"),
            "url": _text("地址 (address asked)"),
            "fetched_at": _text("抓取时刻 (UTC)"),
            "status": _integer("HTTP 状态码 (status)"),
            "media_type": _text("介质，依内容判断 (media type, by content where known)"),
            "warc_file": _text("WARC 文件名 (segment)"),
            "offset": _integer("记录在文件中的位置 (where the record begins)", "byte"),
            "record_type": _text("记录类型 (response, revisit: as before, conversion: by scripts)"),
            "version_id": _text("所示版本 (the version it showed, if any)", "versions.id"),
        },
        pk=("warc_file", "offset"),
        indexes=(("digest",), ("url", "fetched_at"), ("version_id", "url", "fetched_at")),
    ),
    "segments": Table(
        "存档段：一个 WARC 文件 (a segment of captures)",
        {
            "warc_file": _text("WARC 文件名 (name)"),
            "sha256": _text("整个文件的 SHA-256 (of the whole file, hexadecimal)"),
            "bytes": _integer("大小 (size)", "byte"),
            "captures": _integer("其中的应答 (answers in it, repeated ones included)", "条"),
            "damaged": _integer("其中无法核实之处 (places in it that could not be verified)", "处"),
            "first_at": _text("最早的抓取时刻 (first answer, UTC)"),
            "last_at": _text("最晚的抓取时刻 (last answer, UTC)"),
        },
        pk=("warc_file",),
    ),
    "sighting_files": Table(
        "见录文件：抓取程序逐行写下的见录 (a file of sightings)",
        {
            "name": _text("文件名 (name)"),
            "sha256": _text("整个文件的 SHA-256 (of the whole file, hexadecimal)"),
            "bytes": _integer("大小 (size)", "byte"),
        },
        pk=("name",),
    ),
    "damages": Table(
        "损坏：存档段中无法核实之处 (a place in a segment that could not be verified)",
        {
            "warc_file": _text("WARC 文件名 (segment)", "segments.warc_file"),
            "offset": _integer("位置 (where it begins)", "byte"),
            "reason": _text("原因 (why)"),
        },
        pk=("warc_file", "offset"),
    ),
    "figures": Table(
        "数字：一个版本的全部表格数字，一行 (all cells of one version, one wide row)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            **{field.flat: _figure(field) for field in PRINTED.values()},
        },
        pk=("version_id",),
    ),
    "cell_notes": Table(
        "格注：不是单纯数字的格 (what there is to say of a cell)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            "field": _text("字段 (key of the cell)", "fields.key"),
            "state": _text(
                "blank 空白, na 不适用, text 文字, missing 表中无此格, ambiguous 粘连难分, "
                "unreadable 不可读: no number; ocr, glued, unit: a number with its story"
            ),
            "printed": _text("原样文字 (as printed)"),
            "confidence": Column("REAL", "把握 (confidence from 0 to 1, where measured)"),
        },
        pk=("version_id", "field"),
        indexes=(("state", "version_id"),),
    ),
    "sections": Table(
        "章节 (a chapter of a version)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            "number": _integer("章号 1–6，0 为前言 (chapter; 0 stands before the first)"),
            "heading": _text("标题 (heading as printed)"),
            "text": _text("文字 (text)"),
        },
        pk=("version_id", "number"),
    ),
    "extras": Table(
        "表外行：法定统计表中表式没有的行，如地方增设的指标 (a row the form does not have)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            "position": _integer("次序 (order in the document)"),
            "label": _text("行标签 (label as printed)"),
            "unit": _text("单位 (unit as printed)"),
            "printed": _text("原样文字 (what is printed in it)"),
        },
        pk=("version_id", "position"),
    ),
    "unused": Table(
        "未采用：文件表格中有而读取程序未采用的内容 (what a document holds and the reader left)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            "position": _integer("次序 (order in the document)"),
            "kind": _text("number 数字, label 行标签, heading 列标题或章标题"),
            "place": _text("位置 (where in the document)"),
            "text": _text("原样文字 (as printed)"),
        },
        pk=("version_id", "position"),
        indexes=(("kind",),),
    ),
    "findings": Table(
        "核验：勾稽关系、正文与统计表、相邻两年、合理性的结论 (a check's verdict)",
        {
            "version_id": _text("版本 (version)", "versions.id"),
            "rule": _text("规则 (identity)", "identities.id"),
            "position": _integer("同一规则的第几项，从1起 (a rule may check several sentences)"),
            "verdict": _text("pass 成立, fail 不成立, explained 另有解释, not_checkable 无法核验"),
            "expected": _text("应为 (what the parts give)"),
            "actual": _text("所印 (what is printed)"),
            "blame": _text("publisher 原文如此, parser 读取有误, undecided 未定 (of a failure)"),
            "explanation": _text("说明 (the reading that holds, or why it cannot be checked)"),
            "cells": _text(
                "所涉的格，JSON 数组；为空即规则公式所列各格 "
                "(keys of the cells involved, a JSON list; empty: those of the rule's formula)"
            ),
            "proposed": _text(
                "建议值，JSON 对象：未改动原文 (the value that would mend every failure of a wrong "
                "cell, a JSON object from key to value; never written over what is printed)"
            ),
            "printed": _text("所核的句子，原样 (the sentence checked, where it was prose)"),
        },
        pk=("version_id", "rule", "position"),
        indexes=(("verdict", "rule"),),
    ),
    "changes": Table(
        "改动：两个版本之间的一处不同 (one difference between two versions)",
        {
            "report_id": _text("年报 (report)", "reports.id"),
            "from_version": _text("前一版 (earlier)", "versions.id"),
            "to_version": _text("后一版 (later)", "versions.id"),
            "position": _integer("次序 (order within the pair)"),
            "field": _text("字段 (cell, when a cell differs)", "fields.key"),
            "section": _integer("章号 (chapter, when text differs)"),
            "aspect": _text("其他 (title, published_on, links … when neither cell nor chapter)"),
            "before": _text("改前 (before)"),
            "after": _text("改后 (after)"),
        },
        pk=("to_version", "from_version", "position"),
        indexes=(("report_id",),),
    ),
    "events": Table(
        "动态：年报的新见、改动、下线、恢复、迁移 (what happened to a report)",
        {
            "report_id": _text("年报 (report)", "reports.id"),
            "position": _integer("次序，从1起 (order among the report's events)"),
            "kind": _text("new 新见, edited 改动, vanished 下线, back 恢复, moved 迁移"),
            "at": _text("观察到的时刻 (when it was observed, UTC)"),
            "night": _text("夜次 (date of the night)"),
            "url": _text("在何地址 (address where it was observed)"),
            "version_id": _text("当时所示或此前最后所示的版本 (version shown)", "versions.id"),
            "from_version": _text("改动前的版本 (version an edit replaced)", "versions.id"),
            "days_since_publication": _integer(
                "距页面所示发布日期的天数，不详的为空 (days since the date the report states)", "天"
            ),
        },
        pk=("report_id", "position"),
        # In the order pages tell them: a first night has a hundred thousand of one moment.
        indexes=(("at", "report_id", "position"), ("kind", "at", "report_id", "position")),
    ),
    "sightings": Table(
        "见录：年报在何处以何名列出 (where and as what a report was listed)",
        {
            "url": _text("地址 (address)"),
            "portal_id": _text("站点 (portal)", "portals.id"),
            "night": _text("夜次 (date of the night)"),
            "role": _text("page 年报页, attachment 附件"),
            "title": _text("列表标题 (title in the list, whole)"),
            "listed_on": _text("所在列表页 (address of the list)"),
            "seen_at": _text("见到时刻 (UTC)"),
            "verdict": _text("服务器应答的判断 (ok, gone, soft_404, challenge …)"),
            "digest": _text("载荷 SHA-256 (payload, when there was one)"),
            "report_id": _text("年报 (report, when it is one)", "reports.id"),
            "reason": _text("不是年报或未能读取的原因 (why it is no report, or could not be read)"),
        },
        pk=("url", "night"),
        indexes=(("report_id",), ("portal_id",)),
    ),
    "fields": Table(
        "字段：表式的每一格 (every cell of the forms)",
        {
            "key": _text("键 (table.row.column, stable for ever)"),
            "flat": _text("figures 表中的列名 (its column in figures)"),
            "zh": _text("官方名称 (official name)"),
            "table_key": _text("表 (disclosure, requests, disputes, stats2014)"),
            "row_key": _text("行 (row)"),
            "row_zh": _text("行标签 (row label on the form)"),
            "column_key": _text("列 (column)"),
            "column_zh": _text("列标签 (column label on the form)"),
            "unit": _text("单位 (unit)"),
            "formats": _text("见于哪些表式 (forms that print it: 2014, 2019, 2021)"),
            "position": _integer("次序 (order on the form)"),
        },
        pk=("key",),
    ),
    "identities": Table(
        "规则：勾稽关系、正文与统计表、合理性 (what a report is held to)",
        {
            "id": _text("规则 (rule)"),
            "formula": _text("公式 (formula over keys)"),
            "formats": _text("适用表式 (forms)"),
            "level": _text("级别 (hard, soft, cross_year, definition, narrative, plausibility …)"),
            "basis": _text("依据 (where it comes from)"),
        },
        pk=("id",),
    ),
}

# Made when a site is published, from the tables above and nothing else: each by the function
# `add(db)` of a module that archive/publish.py names, through archive/snapshot.py.
PUBLISHED: Mapping[str, Table] = {
    "coverage": Table(
        "覆盖：一个机关一个年度，本档案见到年报与否，是否按时。"
        "应有年报的年度：本档案所知该机关的最早年度至最晚年度，另加公布期限已过的最近年度；"
        "所知最早年度之前不作判断 "
        "(whether a body's report for a year is here and was on time. A body is held to every year "
        "from the first to the last known of it here, and to the latest year whose deadline has "
        "passed; nothing is said of years before the first)",
        {
            "issuer_id": _text("公开机关 (body)", "issuers.id"),
            "year": _integer("报告年度 (the year reported on)"),
            "state": _text(
                "状态：published 在线, moved 已迁移, vanished 已下线、本站有存, "
                "suspect 疑似下线, image_only 仅有图片或扫描件, unreadable 未能读出, "
                "blocked 网站拦截, needs_browser 需用浏览器, missing 未见到 "
                "(what became of it)"
            ),
            "on_time": _text(
                "是否按时：on_time 按时, late 逾期, very_late 逾期超过两个月, "
                "unknown 页面未写可信的日期 (by the date the page states; very_late: more than two "
                "months after the deadline; unknown: no date, or one before December of the year "
                "reported on, or after the report was first seen here)"
            ),
            "published_on": _text(
                "页面所示发布日期：有几版的取第一版 (date the first version states)"
            ),
            "due_on": _text(
                "公布期限：2018 年及以前的年报为次年 3 月 31 日；此后县级以上政府的部门为次年 "
                "1 月 31 日，政府（含由其办公厅、室公布的）及法律未定期限的机关（乡镇街道等）"
                "为次年 3 月 31 日 "
                "(legal deadline: article 49 of the 政府信息公开条例 of 2019; "
                "for years up to 2018, 31 March by that of 2007)"
            ),
            "report_id": _text("年报，没有的为空 (the report, if it is here)", "reports.id"),
            "portal_id": _text("站点 (portal of the body)", "portals.id"),
            "level": _text("层级 (level of the body)"),
            "division": _text("行政区划代码 GB/T 2260 (division of the body)"),
            "province": _text(
                "省级区划代码前两位，中央机关为 00，不详的为空 "
                "(first two digits of the division; 00 for central bodies; empty where unknown)"
            ),
            "evidence": _text("依据：本站页面 (page of this site that shows it)"),
        },
        pk=("issuer_id", "year"),
        # Each ends with what a page of bodies is ordered by.
        indexes=(
            ("year", "state", "issuer_id"),
            ("state", "issuer_id"),
            ("on_time", "issuer_id"),
            ("province", "issuer_id"),
            ("level", "issuer_id"),
            ("portal_id", "issuer_id"),
        ),
    ),
    "coverage_totals": Table(
        "覆盖合计：一个年度、一个分组、一种状态的机关数 "
        "(bodies by year, group and state, added up)",
        {
            "year": _integer("报告年度 (the year reported on)"),
            "by": _text(
                "分组：all 全部, province 省级行政区, level 层级, portal 站点 (what is grouped by)"
            ),
            "code": _text(
                "组：区划代码前两位（中央为 00）、层级、站点编号 "
                "(the group: first two digits of the division, 00 for central bodies, a level, a "
                "portal's id; all for all, empty where unknown)"
            ),
            "state": _text("状态，见 coverage 表 (state, as in coverage)"),
            "bodies": _integer("机关数 (bodies)", "个"),
            "late": _integer("其中逾期的 (of these late or very late)", "个"),
        },
        pk=("year", "by", "code", "state"),
        indexes=(("by", "code", "year"),),
    ),
    "national": Table(
        "合计数字：一个年度一个字段，只加本机关与本级的年报，凡已包含在所加汇总内的不再加；"
        "不是全国统计，只是本档案所见机关之和 "
        "(sums over the reports kept here, never an aggregate and its members; no official "
        "statistic)",
        {
            "year": _integer("报告年度 (the year reported on)"),
            "field": _text("字段 (cell)", "fields.key"),
            "total": _integer("合计 (sum, in the unit of the field)"),
            "bodies": _integer("有此数字的机关数 (bodies that print a number)", "个"),
        },
        pk=("field", "year"),
        indexes=(("year",),),
    ),
    "nights": Table(
        "逐夜合计：一夜抓取全部站点所得 (what a night of the crawl brought at all portals)",
        {
            "night": _text("夜次 (date of the night)"),
            "portals": _integer("当夜抓取的站点 (portals visited)", "个"),
            "answered": _integer("其中首页正常应答的 (of these answered)", "个"),
            **{
                name: column
                for name, column in TABLES["visits"].columns.items()
                if column.type in ("INTEGER", "REAL")
            },
        },
        pk=("night",),
    ),
    "portal_health": Table(
        "站点状况：一个站点各夜抓取的概要 (how the crawl fares at a portal, all nights together)",
        {
            "portal_id": _text("站点 (portal)", "portals.id"),
            "name": _text("站点名称 (name)"),
            "level": _text("层级 (level)"),
            "division": _text("行政区划代码 GB/T 2260 (division code)"),
            "province": _text(
                "省级区划代码前两位，中央机关为 00 (first two digits of the division; 00: central)"
            ),
            "home_url": _text("首页地址 (home page)"),
            "state": _text("最近一夜的状态，见 visits 表 (state of its last night)"),
            "since": _text("自哪一夜起一直如此 (night since which it has been so)"),
            "last_night": _text("最近一夜 (its last night)"),
            "last_ok": _text("最近一次正常应答的夜次 (last night it answered)"),
            "silent": _integer(
                "至今连续未正常应答的夜数 (nights in a row, up to the last, without an answer)",
                "夜",
            ),
            "nights": _integer("抓取过的夜数 (nights it was visited)", "夜"),
            "ok_nights": _integer("其中正常应答的夜数 (of these it answered)", "夜"),
            "verdicts": _text("各状态的夜数，JSON 对象 (nights by state, a JSON object)"),
            "reason": _text("有何异常，没有的为空 (what is amiss, empty if nothing)"),
            **{
                name: TABLES["visits"].columns[name]
                for name in (
                    *("requests", "lists", "listed", "reports"),
                    *("new", "edited", "blocked", "failed"),
                )
            },
        },
        pk=("portal_id",),
        # Each ends with what the page of portals is ordered by.
        indexes=(
            ("silent", "portal_id"),
            ("state", "silent", "portal_id"),
            ("province", "silent", "portal_id"),
            ("level", "silent", "portal_id"),
        ),
    ),
    "counts": Table(
        "总数：本档案有多少什么 (how much there is of what)",
        {
            "what": _text(
                "portals 站点, issuers 机关, reports 年报, versions 版本, "
                "edits 发布后改动, absent 下线或疑似下线, vanished 已下线, "
                "silent_portals 最近一夜未正常应答的站点, "
                "portals_without_reports 未见到任何年报的站点, segments 存档文件, "
                "segment_bytes 其大小, captures 抓取, damages 损坏的记录, "
                "damaged_segments 有损坏的文件 (what is counted)"
            ),
            "number": _integer("数目 (how many)"),
            "first_at": _text("其中最早的时刻，仅抓取有 (first of them, UTC; of captures only)"),
            "last_at": _text("其中最晚的时刻，仅抓取有 (last of them, UTC; of captures only)"),
        },
        pk=("what",),
    ),
    "takedowns": Table(
        "撤下：本站不再展示的内容，附理由；原始抓取仍在存档中 "
        "(what is kept and shown no longer, with the reason)",
        {
            "path": _text(
                "撤下的内容：年报、版本在 /r/ 之后的路径，或文件的 SHA-256 "
                "(path of a report or version below /r/, or SHA-256 of a payload)"
            ),
            "date": _text("日期 (since when)"),
            "reason": _text("理由 (why)"),
        },
        pk=("path",),
    ),
    "metrics": Table(
        "指标：由年报数字算出的率与数，附公式；分母为 0 或有一格不是数字时没有值 "
        "(what can be said of figures: formulas, with the reason where one is not offered)",
        {
            "key": _text("指标 (metric)"),
            "zh": _text("名称 (name)"),
            "formula": _text("公式 (formula over keys of cells)"),
            "unit": _text("单位 (unit)"),
            "rule": _text("规则 (when it has no value, and when it is not ranked)"),
            "computed": _text(
                "何处可得：report 每份年报, group 一组机关, years 相邻两年, none 未提供 "
                "(where it can be had)"
            ),
            "note": _text("说明，未提供的写明原因 (how it is counted, or why it is not offered)"),
        },
        pk=("key",),
    ),
    "measures": Table(
        "指标值：一份年报现行版本的各项指标，率以百分数计，各附分母 n；"
        "分母不大于 0 或有一格不是数字的为空，不等于 0 "
        "(the metrics of each report's current version, rates in per cent, each with its "
        "denominator; NULL where that is not above 0 or a cell is not a number)",
        {
            "report_id": _text("年报 (report)", "reports.id"),
            "issuer_id": _text("公开机关 (body)", "issuers.id"),
            "year": _integer("报告年度 (the year reported on)"),
            "level": _text("层级 (level of the body)"),
            "division": _text("行政区划代码 GB/T 2260 (division of the body)"),
            "scope": _text("统计口径 (own_body, own_level, jurisdiction_aggregate, unclear)"),
            "form": _text("表式 (2021, 2019, stats2014, narrative, mixed)"),
            "version_id": _text("现行版本 (version measured)", "versions.id"),
            "nonzero_cells": _integer("非零格数 (cells that hold a number other than 0)", "格"),
            "is_doubtful": _integer(
                "现行版本存疑的为 1，见 versions.flags (1 where anything makes it doubtful)"
            ),
            "counted_by": _text(
                "本级汇总已含此机关的政府：该政府或其办公厅（室）当年有本级口径的年报，"
                "无人计入的为空；两者相加即重复 "
                "(the government whose own level counts this body: it or its office has a report "
                "on that for the year; adding both counts twice)",
                "issuers.id",
            ),
            **{name: column for metric in PER_REPORT for name, column in _measured(metric).items()},
        },
        pk=("report_id",),
        indexes=(("year", "level", "division"), ("issuer_id", "year")),
    ),
}
