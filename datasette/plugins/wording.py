"""The words readers see: Chinese names of the archive's states, levels and moments, as filters."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlsplit

from datasette import hookimpl

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
        "other": "其他",
    },
    "scope": {
        "own_body": "本机关",
        "own_level": "本级各部门汇总",
        "jurisdiction_aggregate": "全辖区汇总",
    },
    "blame": {
        "publisher": "原文如此",
        "parser": "本站读取有误",
        "undecided": "责任未定",
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
    },
    "aspect": {
        "title": "标题",
        "published_on": "发布日期",
        "links": "链接",
        "attachments": "附件",
        "content": "其他内容",
    },
    "media": {
        "text/html": "网页",
        "application/pdf": "PDF",
        "application/msword": "Word（DOC）",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word（DOCX）",
        "text/plain": "文本",
    },
}


def wording(value: object, subject: str) -> str:
    """The Chinese word for a stored code; the code itself where none is known."""
    return WORDS[subject].get(str(value), str(value)) if value else ""


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


def visible(text: object) -> str:
    """The text with the marks that turn writing around made visible: an address must not lie."""
    return re.sub(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "\ufffd", str(text or ""))


def xml_text(value: object) -> str:
    """The text without the characters that XML 1.0 cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", str(value or ""))


@hookimpl
def prepare_jinja2_environment(env):
    env.filters.update(
        wording=wording,
        beijing=beijing,
        day=day,
        utc=utc,
        web_address=web_address,
        xml_text=xml_text,
        visible=visible,
    )
