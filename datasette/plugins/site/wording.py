"""The words readers see: Chinese names of the archive's states, levels and moments, as filters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from datasette import hookimpl
from markupsafe import Markup, escape

BEIJING = timezone(timedelta(hours=8))

WORDS = {
    "status": {
        "live": "在线",
        "suspect": "疑似下线",
        "gone": "已下线",
        "moved": "已迁移",
        "back": "恢复在线",
    },
    "form": {
        "2021": "2021 年表式",
        "2019": "2019 年试行表式",
        "stats2014": "2014 年统计表",
        "narrative": "无统计表（文字报告）",
        "mixed": "混用 2019 与 2021 表式",
    },
    "level": {
        "central": "中央",
        "province": "省级",
        "prefecture": "市级",
        "county": "县级",
        "township": "乡级",
    },
    "kind": {
        "government": "政府",
        "office": "政府办公机构",
        "department": "部门",
        "functional_zone": "功能区",
        "vertical": "垂直管理机构",
        "township": "乡镇街道",
        "public_institution": "公共企事业单位",
        "other": "其他",
    },
    # What a body calls the one above it.
    "above": {
        "office": "所属",
        "department": "所属",
        "vertical": "主管",
        "public_institution": "主管",
        "other": "主管",
        "government": "上级",
        "township": "上级",
        "functional_zone": "上级",
    },
    "scope": {
        "own_body": "本机关",
        "own_level": "本级各部门汇总",
        "jurisdiction_aggregate": "全辖区汇总",
        "unclear": "原文未写明",
    },
    "blame": {
        "publisher": "原文如此",
        "parser": "本站读取有误",
        "undecided": "责任未定",
    },
    "finding": {
        "pass": "成立",
        "fail": "不成立",
        "explained": "另有解释",
        "not_checkable": "无法核验",
    },
    "state": {
        "blank": "空白",
        "na": "不适用",
        "text": "文字",
        "missing": "表中无此格",
        "ambiguous": "粘连难分",
        "unreadable": "不可读",
        "ocr": "识别",
        "glued": "由勾稽关系切分",
        "unit": "带单位或正号",
    },
    "unused": {
        "number": "数字",
        "label": "行标签",
        "heading": "列标题或章标题",
    },
    "role": {
        "page": "年报页",
        "attachment": "附件",
    },
    "verdict": {
        "ok": "正常",
        "not_modified": "未变",
        "gone": "不存在",
        "soft_404": "提示页（应答 200 而无此页）",
        "moved": "转址",
        "home_redirect": "转到首页",
        "challenge": "验证页",
        "shell": "空壳页",
        "truncated": "残缺",
        "too_large": "过大",
        "error": "出错",
        # What a portal's night may be besides.
        "needs_browser": "需用浏览器",
        "opted_out": "已要求退出",
        "robots": "未获 robots.txt 许可",
        "stopped": "中止",
    },
    # What a rule is: one that the form promises, one that mostly holds, over two years, …
    "rule_level": {
        "hard": "硬性（必须成立）",
        "soft": "软性（一般成立）",
        "cross_year": "跨年度",
        "cross_year_soft": "跨年度（软性）",
        "hierarchy_soft": "上下级（软性）",
        "definition": "定义",
        "hard_equivalent": "定义（等同硬性）",
        "narrative": "正文与统计表",
        "plausibility": "合理性",
    },
    # What became of a body's report for a year, and whether it was on time.
    "coverage": {
        "published": "在线",
        "moved": "已迁移",
        "suspect": "疑似下线",
        "vanished": "已下线",
        "image_only": "仅有图片",
        "unreadable": "未能读出",
        "blocked": "被拦",
        "needs_browser": "需用浏览器",
        "missing": "未见到",
    },
    "on_time": {
        "on_time": "按时",
        "late": "逾期",
        "very_late": "逾期超过两个月",
        "unknown": "不详",
    },
    "event": {
        "new": "新见",
        "edited": "内容改动",
        "vanished": "下线",
        "back": "恢复在线",
        "moved": "迁移",
    },
    # What a body is to the other; and, read from the other's side, what that one is to it.
    "relation": {
        "renamed_from": "更名自",
        "merged_into": "并入",
        "split_from": "由其分出",
        "successor_of": "承接其职能",
        "same_as": "同一机关",
    },
    "relation_back": {
        "renamed_from": "更名为",
        "merged_into": "并入本机关",
        "split_from": "由本机关分出",
        "successor_of": "职能由其承接",
        "same_as": "同一机关",
    },
    "record": {
        "response": "应答，存原文",
        "revisit": "复核，字节与前相同",
        "conversion": "脚本运行后的页面",
    },
    "correction": {
        "value": "数字",
        "remark": "附注",
        "name": "名称",
        "kind": "类别",
        "level": "层级",
        "division": "区划",
        "parent": "上级",
        "issuer": "机关",
        "year": "年度",
        "not_a_report": "不是年报",
        "renamed_from": "更名自",
        "merged_into": "并入",
        "split_from": "由其分出",
        "successor_of": "承接其职能",
        "same_as": "同一机关",
    },
    "correction_state": {
        "applied": "已采用",
        "unmatched": "对象不在档案中",
        "refused": "未采用",
    },
    "aspect": {
        "title": "标题",
        "published_on": "发布日期",
        "links": "链接",
        "attachments": "附件",
        "content": "其他内容",
        "form": "表式",
        "media_type": "介质",
    },
    "media": {
        "text/html": "网页",
        "application/pdf": "PDF",
        "application/msword": "Word（DOC）",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word（DOCX）",
        "text/plain": "文本",
        "multipart/related": "网页（单文件）",
        "application/ofd": "OFD",
        "application/rtf": "RTF",
        "application/vnd.ms-excel": "Excel（XLS）",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel（XLSX）",
        "application/vnd.oasis.opendocument.text": "ODT",
        "application/vnd.oasis.opendocument.spreadsheet": "ODS",
        "application/zip": "ZIP",
        "image/jpeg": "图片",
        "image/png": "图片",
        "image/gif": "图片",
        "image/bmp": "图片",
        "image/tiff": "图片",
        "image/webp": "图片",
    },
    "lookup": {
        "exact": "=",
        "not": "≠",
        "contains": "包含",
        "notcontains": "不包含",
        "endswith": "末尾是",
        "startswith": "开头是",
        "gt": ">",
        "gte": "≥",
        "lt": "<",
        "lte": "≤",
        "like": "形如",
        "notlike": "不形如",
        "glob": "通配",
        "in": "属于（以逗号隔开）",
        "notin": "不属于（以逗号隔开）",
        "arraycontains": "数组含有",
        "arraynotcontains": "数组不含",
        "date": "日期是",
        "isnull": "为空 NULL",
        "notnull": "不为空 NULL",
        "isblank": "为空",
        "notblank": "不为空",
    },
}
# Columns of the tables that hold a code, with the words for it.
CODED = {
    ("findings", "verdict"): "finding",
    ("findings", "blame"): "blame",
    ("cell_notes", "state"): "state",
    ("unused", "kind"): "unused",
    ("issuers", "kind"): "kind",
    ("issuers", "level"): "level",
    ("portals", "level"): "level",
    ("portals", "state"): "verdict",
    ("visits", "state"): "verdict",
    ("reports", "scope"): "scope",
    ("reports", "form"): "form",
    ("reports", "status"): "status",
    ("versions", "form"): "form",
    ("versions", "media_type"): "media",
    ("sightings", "role"): "role",
    ("sightings", "verdict"): "verdict",
    ("changes", "aspect"): "aspect",
    ("captures", "record_type"): "record",
    ("events", "kind"): "event",
    ("identities", "level"): "rule_level",
    ("issuer_links", "relation"): "relation",
    ("divisions", "level"): "level",
    ("corrections", "aspect"): "correction",
    ("corrections", "state"): "correction_state",
    ("coverage", "state"): "coverage",
    ("coverage", "on_time"): "on_time",
    ("coverage", "level"): "level",
    ("coverage_totals", "state"): "coverage",
    ("portal_health", "state"): "verdict",
    ("portal_health", "level"): "level",
}
# Columns that hold the address of a page below /r/.
RECORDS = (
    *("version_id", "from_version", "to_version", "current_version", "replaces", "report_id"),
    *("issuer_id", "other_id", "parent_id", "counted_by"),
)
# Whole tables of such addresses.
PATHS = (("redirects", "path"), ("redirects", "target"))
NAMES = WeakKeyDictionary()
# Column names for tables whose description of the column begins with its codes.
HEADINGS = {
    "verdict": "结论",
    "blame": "责任",
    "state": "状态",
    "kind": "类别",
    "field": "字段",
    "position": "次序",
    "role": "角色",
    "aspect": "方面",
}
MOST_KEYS = 2


def wording(value: object, subject: str) -> str:
    """The Chinese word for a stored code; the code itself where none is known."""
    return WORDS[subject].get(str(value), str(value)) if value else ""


def heading(column: object, description: object) -> str:
    """A short Chinese name of a table's column, from its description; nothing where none begins
    it. A cell of the form is named whole."""
    if "__" in str(column) and " (" in str(description or ""):
        return str(description).split(" (")[0]
    found = re.match(
        r"[\u4e00-\u9fff][^（(：，,；;\s]{0,9}(?=$|[（(：，,；;\s])", str(description or "")
    )
    return HEADINGS.get(str(column)) or (found[0] if found else "")


def percent(confidence: float) -> str:
    """A confidence from 0 to 1 in whole per cent, never rounded up to certainty."""
    return f"{int(confidence * 100 + 1e-9)}%"


def brief(link: object) -> Markup:
    """A link of Datasette's to a row, with a word in place of its whole key."""
    return Markup(re.sub(r">[^<]*</a>$", ">行</a>", str(link)))


def moment(stamp: object) -> datetime | None:
    """A stored UTC time; None for anything else."""
    try:
        when = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def beijing(stamp: object, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A stored UTC time by the clock of Beijing; as it stands when it is no time."""
    when = moment(stamp)
    return when.astimezone(BEIJING).strftime(form) if when else str(stamp or "")


def day(stamp: object) -> str:
    """The date in Beijing of a stored UTC time; a bare date stays as it is."""
    text = str(stamp or "")
    return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else beijing(text, "%Y-%m-%d")


def utc(stamp: object) -> str:
    """A stored UTC time, to the second."""
    when = moment(stamp)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if when else str(stamp or "")


def web_address(url: object) -> str:
    """The URL when it is http or https and has a host, else nothing: it may become a link."""
    text = str(url or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def size(count: int) -> str:
    """A number of bytes as people read it, in powers of 1000."""
    left = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if left < 1000:
            return f"{left:.0f} {unit}" if unit == "B" else f"{left:.1f} {unit}"
        left /= 1000
    return f"{left:.1f} TB"


def differs(event: Mapping[str, object]) -> str:
    """How much of a version differs from the one before: cells, passages, or content unnamed."""
    parts = [
        f"{event[name]} {unit}"
        for name, unit in (("cells", "格数字"), ("texts", "处文字"))
        if event.get(name)
    ]
    return "、".join(parts) or "内容"


def after_publication(days: object) -> str:
    """How long after its date of publication something befell a report, in words."""
    try:
        count = int(str(days))
    except ValueError:
        return ""
    if count < 0:
        return f"早于所示发布日期 {-count} 天"
    return f"发布后第 {count} 天" if count else "发布当日"


def rfc3339(stamp: object) -> str:
    """A stored UTC time or a bare date as Atom wants it; nothing for anything else."""
    when = moment(stamp)
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""


def visible(text: object) -> str:
    """The text with the marks that turn writing around made visible: an address must not lie."""
    return re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "\ufffd", str(text or ""))


def xml_text(value: object) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", str(value or ""))


def listed(text: str) -> str | None:
    """A JSON list or object of a table's cell as words; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if isinstance(found, dict):
        return "，".join(f"{key} = {value}" for key, value in found.items())
    if isinstance(found, list):
        rest = f" 等 {len(found)} 格" if len(found) > MOST_KEYS else ""
        return "、".join(map(str, found[:MOST_KEYS])) + rest
    return None


def anchor(row, table):
    """Where on a version's page a row of a table is told of."""
    if table == "findings":
        rule, position = (plain(row[name]) for name in ("rule", "position"))
        return f"#check-{rule}" + (f"-{position}" if (position or 1) > 1 else "")
    if table == "cell_notes":
        return f"#{plain(row['field'])}"
    return f"#{table}" if table in ("extras", "unused") else ""


def plain(value):
    """A cell's stored value, where Datasette has put the label of another row beside it."""
    return value["value"] if isinstance(value, dict) else value


async def body_names(database):
    """The names of all bodies by id; read once, a snapshot does not change."""
    if database not in NAMES:
        NAMES[database] = await database.execute_fn(
            lambda connection: dict(connection.execute("select id, name from issuers").fetchall())
        )
    return NAMES[database]


async def record_link(database, path, fragment):
    """A link to a body, a report or a version, told by the body's name and the year."""
    issuer, *rest = path.split("/")
    words = " ".join([(await body_names(database)).get(issuer, issuer), *rest[:1]])
    digest = Markup(f" <code>{escape(rest[1])}</code>") if len(rest) > 1 else ""
    address = quote(f"/r/{path}", safe="/-~._%@") + quote(fragment, safe="#@._")
    return Markup(f'<a href="{escape(address)}">{escape(words)}</a>{digest}')


@hookimpl
def render_cell(row, value, column, table, database, datasette):
    """Cells of the table pages: codes with their words, records as links to their own pages."""
    value = plain(value)
    if value in ("", None):
        return None
    if (
        column in RECORDS
        or (table, column) in PATHS
        or (column == "id" and table in ("versions", "reports", "issuers"))
    ):
        fragment = anchor(row, table) if column == "version_id" else ""
        return record_link(datasette.get_database(database), str(value), fragment)
    if (table, column) == ("coverage", "evidence") and re.match(r"/(?![/\\])", str(value)):
        return Markup(f'<a href="{escape(value)}">依据</a>')
    if subject := CODED.get((table, column)):
        word = wording(value, subject)
        code = Markup(f"<code>{escape(value)}</code>")
        return code if word == str(value) else Markup(f"{escape(word)} {code}")
    if table == "findings" and column in ("cells", "proposed"):
        words = listed(str(value))
        return None if words is None else Markup(f"<code>{escape(words)}</code>")
    return None


@hookimpl
def prepare_jinja2_environment(env):
    env.filters.update(
        wording=wording,
        heading=heading,
        brief=brief,
        percent=percent,
        beijing=beijing,
        day=day,
        utc=utc,
        web_address=web_address,
        size=size,
        xml_text=xml_text,
        visible=visible,
        differs=differs,
        after_publication=after_publication,
        rfc3339=rfc3339,
    )
