"""Bytes -> Document: the medium decided by content, never by name or header."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from functools import partial

from archive.charset import decode
from archive.model import Document, UnreadableError

HTML_HINT = re.compile(
    r"<\s*(?:!doctype\s+html|(?:html|head|body|table|tbody|tr|td|div|p|span|meta|title|h[1-6]|ul|ol|li"
    r"|font|section|article|center|script|style|a|br|img|strong|b)\b[^<>]*/?>)",
    re.IGNORECASE,
)
HEAD = 8192
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DOC, XLS, RTF = "application/msword", "application/vnd.ms-excel", "application/rtf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
OFD = "application/ofd"
MHTML = "multipart/related"
WORD_XML, EXCEL_XML = "application/vnd.ms-word+xml", "application/vnd.ms-excel+xml"
BINARY = "application/octet-stream"
OLE_STORAGE = "application/x-ole-storage"
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"{\\rt", RTF),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"Rar!", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
# A workbook or a document by the stream its OLE file keeps it in; WPS writes the same streams.
STREAMS = (
    ("EncryptedPackage", "application/x-encrypted-office"),
    ("WordDocument", DOC),
    ("Workbook", XLS),
    ("Book", XLS),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
)
# What LibreOffice turns into what we read: the ending it knows the medium by, and the target.
CONVERTED = {
    DOC: ("doc", "docx"),
    RTF: ("rtf", "docx"),
    ODT: ("odt", "docx"),
    ODS: ("ods", "xlsx"),
}
NAMES = {
    DOC: "旧版 Word 文档（.doc、.wps）",
    RTF: "RTF 文档",
    ODT: "ODT 文档",
    ODS: "ODS 电子表格",
    "application/vnd.rar": "RAR 压缩包",
    "application/x-7z-compressed": "7z 压缩包",
    "application/vnd.ms-powerpoint": "演示文稿",
    "application/x-encrypted-office": "加了密码的 Office 文档",
    "application/vnd.ms-excel.sheet.binary": "二进制 Excel 文档（.xlsb）",
    OLE_STORAGE: "旧版 Office 文档（损坏，或不是 Word、Excel）",
    BINARY: "无法辨认的二进制文件",
}
PICTURES = frozenset(f"image/{name}" for name in ("png", "jpeg", "gif", "bmp", "tiff", "webp"))
# Archives inside an archive, and no deeper.
DEEPEST = 2


def media_type(data: bytes) -> str:
    """The media type by content; application/octet-stream for bytes that say nothing."""
    head = data[:HEAD]
    if head.startswith(OLE[:4]):
        return _ole_type(data)
    # Some servers send blank lines or a byte order mark before the signature.
    bare = head.lstrip(b"\xef\xbb\xbf\r\n\t \x00")
    for magic, name in MAGIC:
        if bare.startswith(magic):
            return name
    if bare.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_type(data)
    if head.startswith(b"BM") and len(data) > 26 and data[15:18] == b"\0\0\0":
        return "image/bmp"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return _text_type(head)


def _text_type(head: bytes) -> str:
    from archive.extract.mhtml import is_mhtml

    text = _text(head)
    at = head.find(b"%PDF-", 0, 1024 + 5)
    if at >= 0 and not HTML_HINT.search(text[:at]):
        return "application/pdf"
    if is_mhtml(head):
        return MHTML
    if 'progid="Word.Document"' in text or "<w:wordDocument" in text or "<pkg:package" in text:
        return WORD_XML
    if 'progid="Excel.Sheet"' in text or re.search(
        r"<(?:\w+:)?Workbook\s[^>]*urn:schemas-microsoft-com:office:spreadsheet", text
    ):
        return EXCEL_XML
    if HTML_HINT.search(text):
        return "text/html"
    readable = sum(1 for char in text if char.isprintable() or char.isspace())
    if text.count("\ufffd") * 20 > len(text) or readable < len(text) * 0.9:
        return BINARY
    return "text/plain"


def _ole_type(data: bytes) -> str:
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            # Only streams at the root: a document may carry a workbook inside.
            names = {entry[0].lower() for entry in container.listdir() if len(entry) == 1}
    # What olefile raises for broken directories is not one kind of error.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        # Whether it can be mended is the converter's to say.
        names = {stream.lower() for stream, _ in STREAMS if stream.encode("utf-16-le") in data}
    found = (kind for stream, kind in STREAMS if stream.lower() in names)
    return next(found, OLE_STORAGE)


def _zip_type(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {name.replace("\\", "/").lower().lstrip("/") for name in archive.namelist()}
            kind = archive.read("mimetype")[:80] if _declares(archive) else b""
    except (zipfile.BadZipFile, ValueError, LookupError, OSError, RuntimeError):
        return "application/zip"
    if any(re.fullmatch(r"word/document\d*\.xml", name) for name in names):
        return DOCX
    if "xl/workbook.xml" in names:
        return XLSX
    if "xl/workbook.bin" in names:
        return "application/vnd.ms-excel.sheet.binary"
    if "ppt/presentation.xml" in names:
        return "application/vnd.ms-powerpoint"
    if "ofd.xml" in names:
        return OFD
    for odf in (ODT, ODS):
        if kind.startswith(odf.encode()):
            return odf
    return "application/zip"


def _declares(archive: zipfile.ZipFile) -> bool:
    """Does it begin as OpenDocument files do, with a small member that names the format?"""
    first = archive.infolist()[:1]
    return bool(first) and first[0].filename == "mimetype" and first[0].file_size < 200


def _text(data: bytes, content_type: str = "") -> str:
    """The text of the bytes, UTF-16 without its mark too: digits and line ends betray it."""
    if data[:65536].count(0) * 50 > min(len(data), 65536) and not data.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    ):
        odd, even = data[1:HEAD:2].count(0), data[0:HEAD:2].count(0)
        text = data.decode("utf-16-le" if odd > even else "utf-16-be", "replace")
        if sum(map(_is_usual, text[:HEAD])) > 0.95 * len(text[:HEAD]):
            return text
    return decode(data, content_type)


def _is_usual(character: str) -> bool:
    """ASCII, Chinese characters and Chinese punctuation."""
    code = ord(character)
    return (
        31 < code < 127
        or code in {9, 10, 13}
        or 0x2000 <= code < 0x2700
        or 0x3000 <= code < 0x3130
        or 0x4E00 <= code < 0xA000
        or 0xFF00 <= code < 0xFFF0
    )


def extract(
    data: bytes, content_type: str = "", url: str | None = None, *, prose: bool = True
) -> Document:
    """The document in the bytes; without `prose` its text may hold a page's noise, which costs a
    fraction. Raises UnreadableError, with the reason in Chinese.

    MissingToolError is the case that a converter must be installed first; see `tools`.
    """
    try:
        return _extract(data, content_type, url, 0, prose)
    except RecursionError as error:
        raise UnreadableError("内容嵌套过深，不像年度报告") from error


def tools() -> str:
    """Which converters are installed: readings made without one may differ from those with it."""
    from archive.extract import office

    return office.tools()


def _extract(
    data: bytes, content_type: str, url: str | None, depth: int, prose: bool = True
) -> Document:
    # The readers are imported where they are used: a run over HTML alone loads no PDF engine.
    kind = media_type(data)
    if not data.strip(b"\0 \r\n\t"):
        raise UnreadableError("内容为空")
    if kind == "text/html":
        from archive.extract.web import read_html

        return read_html(_text(data, content_type), url, prose=prose)
    if kind == "application/pdf":
        from archive.extract.pdf import read_pdf

        return read_pdf(data)
    if kind == "text/plain":
        from archive.extract.plain import read_plain

        return read_plain(_text(data, content_type))
    if kind in PICTURES:
        from archive.extract.scan import read_scan

        return read_scan(data)
    return _extract_file(data, kind, url, depth)


def _extract_file(data: bytes, kind: str, url: str | None, depth: int) -> Document:
    """Office files, archives and what holds other documents. Nothing here is seen every night."""
    # Some servers send blank lines before the signature, which no container's reader expects.
    bare = data.lstrip(b"\xef\xbb\xbf\r\n\t \x00")
    if kind == DOCX:
        from archive.extract.word import read_docx

        return read_docx(bare)
    if kind == XLSX:
        from archive.extract.sheets import read_xlsx

        return read_xlsx(bare)
    if kind == XLS:
        from archive.extract.sheets import read_xls

        return read_xls(data)
    if kind == EXCEL_XML:
        from archive.extract.sheets import read_excel_xml

        return read_excel_xml(bare)
    if kind == OFD:
        from archive.extract.ofd import read_ofd

        return read_ofd(bare)
    if kind == WORD_XML:
        from archive.extract.word_xml import read_word_xml

        return read_word_xml(bare)
    if kind in CONVERTED:
        return _converted(bare, kind, depth)
    if kind == MHTML:
        from archive.extract.mhtml import read_mhtml

        return read_mhtml(bare, lambda page, label: _extract_page(page, label, url))
    if kind in {"application/zip", "application/gzip"}:
        from archive.extract import package

        if depth >= DEEPEST:
            raise UnreadableError(f"压缩包嵌套超过 {DEEPEST} 层")
        read = partial(_extract, content_type="", url=None, depth=depth + 1)
        if kind == "application/gzip":
            return package.read_gzip(bare, read)
        return package.read_zip(bare, media_type, read)
    raise UnreadableError(f"{NAMES.get(kind, kind)}暂不能读取")


def _extract_page(data: bytes, content_type: str, url: str | None) -> Document:
    from archive.extract.web import read_html

    return read_html(_text(data, content_type), url)


def _converted(data: bytes, kind: str, depth: int) -> Document:
    from dataclasses import replace

    from archive.extract import office

    ending, target = CONVERTED[kind]
    result = office.convert(data, ending, target, NAMES[kind])
    return replace(
        _extract_file(result, DOCX if target == "docx" else XLSX, None, depth), media_type=kind
    )
