"""The filters of a list as an address gives them; what cannot be meant is told in words."""

from __future__ import annotations

import re

from .asked import Wrong, one_of, read_number
from .divisions import PROVINCES, read_code


def read_filters(request, readers):
    """What an address asks for, and what is wrong with it: values by name, and sentences.

    `readers` has for each name a function of a text and the name, which gives the value or raises
    Wrong. Absent, empty and wrong parameters have the value "", others are passed over.
    """
    values, faults = dict.fromkeys(readers, ""), []
    for name, reader in readers.items():
        given = {text.strip() for text in request.args.getlist(name)} - {""}
        try:
            if len(given) > 1:
                raise Wrong(f"{name} 给了 {len(given)} 个值：只能给一个。")
            for text in given:
                values[name] = reader(text, name)
        except Wrong as error:
            faults.append(str(error))
    return values, faults


def any_text(most):
    return lambda text, _: text[:most]


def among(choices):
    return lambda text, name: one_of(text, name, tuple(choices))


def number_to(most):
    return lambda text, name: read_number(text, name, most)


def page_to(most, advice):
    """A reader of page numbers; `advice` says how to find what lies further on."""

    def read(text, name):
        if re.fullmatch(r"[1-9][0-9]*", text) and int(text[:9]) > most:
            raise Wrong(f"{name}={text[:9]}：至多翻到第 {most} 页。{advice}整库见 /download。")
        return read_number(text, name, most)

    return read


def read_division(text, name):
    """The significant part of a code. Below the province any code may be asked for: the archive
    does not know all there are."""
    code = read_code(text)
    if code[:2] not in PROVINCES:
        raise Wrong(
            f"{name}={text}：没有这个区划代码。应为国家标准代码的前 2、4、6、9 或 12 位，"
            "如 14、1406、140602；中央为 00。"
        )
    return code


def read_year(text, name):
    if not re.fullmatch(r"(19|20)[0-9]{2}", text):
        raise Wrong(f"{name}={text}：年度是四位数字，如 2023，只能给一个。")
    return text
