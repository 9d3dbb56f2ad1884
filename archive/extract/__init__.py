"""Bytes -> Document: the medium decided by content, never by name or header."""

from __future__ import annotations

import io
import re
import zipfile

from archive.charset import decode
from archive.model import Document, UnreadableError

HTML_HINT = re.compile(
    r"<\s*(?:!doctype\s+html|(?:html|head|body|table|tbody|tr|td|div|p|span|meta|title|h[1-6]|ul|ol|li"
    r"|font|section|article|center|script|style|a|br|img|strong|b)\b[^<>]*/?>)",
    re.IGNORECASE,
)
HEAD = 8192
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0", "application/msword"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"Rar!", "application/vnd.rar"),
    (b"7z\xbc\xaf", "application/x-7z-compressed"),
)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
NAMES = {
    "application/msword": "旧版 Word 文档（.doc）",
    "application/rtf": "RTF 文档",
    "application/zip": "压缩包",
    "application/octet-stream": "无法辨认的二进制文件",
}


def media_type(data: bytes) -> str:
    """The media type by content; application/octet-stream for bytes that say nothing."""
    head = data[:HEAD]
    # Some servers send blank lines or a byte order mark before the signature.
    bare = head.lstrip(b"\xef\xbb\xbf\r\n\t \x00")
    for magic, name in MAGIC:
        if bare.startswith(magic):
            return name
    if bare.startswith(b"PK\x03\x04"):
        return _zip_type(data)
    text = decode(head)
    if HTML_HINT.search(text):
        return "text/html"
    readable = sum(1 for char in text if char.isprintable() or char.isspace())
    if text.count("\ufffd") * 20 > len(text) or readable < len(text) * 0.9:
        return "application/octet-stream"
    return "text/plain"


def _zip_type(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "application/zip"
    if "word/document.xml" in names:
        return DOCX
    return "application/zip"


def extract(data: bytes, content_type: str = "", url: str | None = None) -> Document:
    """The document in the bytes. Raises UnreadableError, with the reason in Chinese."""
    # The readers are imported where they are used: a run over HTML alone loads no PDF engine.
    kind = media_type(data)
    if not data.strip():
        raise UnreadableError("内容为空")
    if kind == "text/html":
        from archive.extract.web import read_html

        return read_html(decode(data, content_type), url)
    if kind == "application/pdf":
        from archive.extract.pdf import read_pdf

        return read_pdf(data)
    if kind == DOCX:
        from archive.extract.word import read_docx

        return read_docx(data)
    if kind == "text/plain":
        from archive.extract.plain import read_plain

        return read_plain(decode(data, content_type))
    raise UnreadableError(f"{NAMES.get(kind, kind)}暂不能读取")
