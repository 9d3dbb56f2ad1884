"""Bytes of unknown or lying encoding -> text. Pure.

Order of trust: byte order mark, strict UTF-8, what the header or the page declares, a guess.
Portals label GBK pages gb2312 and leave UTF-8 pages labelled gb2312 after a move, so valid
UTF-8 wins over any label, and gb2312 and gbk are read as gb18030, which contains both.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARATION = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_-]{2,20})""", re.I)
HEAD = 4096
GUESS_SAMPLE = 65536


def declared(data: bytes, content_type: str = "") -> str | None:
    """The encoding named by the header or else by the first 4 KB, gb2312 widened to gb18030."""
    for source in (content_type.encode("ascii", "replace"), data[:HEAD]):
        if match := DECLARATION.search(source):
            name = match[1].decode("ascii").lower()
            if name in {"gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936"}:
                return "gb18030"
            # What a server says that says nothing: no Chinese page is written in Latin letters.
            if name in {"iso-8859-1", "latin1", "us-ascii", "ascii", "windows-1252"}:
                continue
            try:
                return codecs.lookup(name).name
            except LookupError:
                continue
    return None


def decode(data: bytes, content_type: str = "") -> str:
    """The text of the bytes; what no encoding can say becomes U+FFFD. Never raises."""
    for mark, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A page cut in the middle of a character is still UTF-8.
        if error.start >= len(data) - 3 and error.start > 0:
            return data.decode("utf-8", "replace")
    label = declared(data, content_type)
    if label and label != "utf-8":
        text = data.decode(label, "replace")
        if text.count("\ufffd") * 50 <= len(text):
            return text
    best = from_bytes(data[:GUESS_SAMPLE], cp_isolation=["gb18030", "utf_8", "big5"]).best()
    return data.decode(best.encoding if best else "gb18030", "replace")
