"""Places as a reader names them, by code or by name, and the codes that lie within them.

Codes are of GB/T 2260, two digits each for province, prefecture and county, and of GB/T 10114,
three more for a town and three for a village. Zeros stand for what a code does not say.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from .answers import rows

CENTRAL = "00"
PROVINCES = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁",
    "22": "吉林", "23": "黑龙江", "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽",
    "35": "福建", "36": "江西", "37": "山东", "41": "河南", "42": "湖北", "43": "湖南",
    "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川", "52": "贵州",
    "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏",
    "65": "新疆", "71": "台湾", "81": "香港", "82": "澳门", "00": "中央",
}  # fmt: skip
# Where the parts of a code end.
ENDS = (2, 4, 6, 9, 12)
CODE = re.compile("|".join(rf"[0-9]{{{end}}}" for end in ENDS))
# What may follow the short name of a place: 江苏 is 江苏省.
SUFFIXES = ("", "省", "市", "自治区", "县", "区", "自治州", "盟", "地区", "旗", "自治县")


def significant(code):
    """A code without the zeros that say nothing: 140600 is 1406, 340603010000 is 340603010; of
    nothing but zeros CENTRAL."""
    if not code.strip("0"):
        return CENTRAL
    for end, start in pairwise(reversed(ENDS)):
        if code[start:end].strip("0"):
            break
        code = code[:start]
    return code


def read_code(text):
    """The significant part of what a reader wrote as a code; nothing where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return significant(plain) if CODE.fullmatch(plain) else ""


def whole_code(code):
    """A code as it is stored: of six digits, or of twelve below the county."""
    return code.ljust(6 if len(code) <= 6 else 12, "0")


def division_range(code):
    """The least code within a place and the first code behind it: 320800 is 3208 to 3208:."""
    prefix = significant(code)
    return prefix, prefix + ":"


def bodies_in(code):
    """SQL over `issuers` that picks the bodies in a place, and its parameters. Bodies have the
    division of a county or higher; that they lie in a town, only their own place tells."""
    condition, codes = "division >= ? and division < ?", division_range(code[:6])
    if len(significant(code)) > 6:
        return f"{condition} and place_code >= ? and place_code < ?", codes + division_range(code)
    return condition, codes


def rows_in(table, code):
    """SQL that picks the rows of bodies in a place from a table that has their division, and its
    parameters."""
    if len(significant(code)) > 6:
        condition, codes = bodies_in(code)
        return f"{table}.issuer_id in (select id from issuers where {condition})", codes
    return f"{table}.division >= ? and {table}.division < ?", division_range(code)


async def places_named(database, text, most):
    """The places of a name, in full or in short, at most so many: {code, name, level, until_year,
    above}, those that stand first, then those so named in full. Places that are gone are among
    them only where none stands."""
    names = [text + suffix for suffix in SUFFIXES]
    found = await rows(
        database,
        f"""
        select code, name, level, until_year,
            (select name from divisions as above where above.code = divisions.parent) as above
        from divisions where name in ({", ".join("?" * len(names))})
        order by until_year is not null, name <> ?, code limit ?
        """,
        *(*names, text, most),
    )
    return [place for place in found if not place["until_year"]] or found
