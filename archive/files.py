"""A report as files on this machine: what lies beside a saved page, and the reading of both.

A browser saves a page's pictures and annexes into a folder next to it. Only what the page itself
names and what lies below its own folder is read: a page from elsewhere may name any file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from archive.charset import decode
from archive.extract import media_type
from archive.model import Evidence, Reading
from archive.read import Part, read_report

MOST_FILES, MOST_BYTES = 40, 50 << 20
# Addresses looked up on the disk: a page of links alone has thousands.
MOST_REFERENCES = 1000
# A page is a few hundred KB; of one that is not, only so much is searched.
MOST_SEARCHED = 4 << 20
REFERENCE = re.compile(
    r"""\s(?:src|href|data)\s{0,9}=\s{0,9}(?:"([^"<>]{1,500})"|'([^'<>]{1,500})'|([^\s"'<>]{1,500}))""",
    re.IGNORECASE,
)
# Pictures and documents: a saved page also names its scripts and its styles.
ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|bmp|webp|tiff?|pdf|docx?|wps|rtf|xlsx?|et|ofd|zip|txt)(?:[?#]|$)",
    re.IGNORECASE,
)
# What people meet; for all else the system's own words serve.
UNREAD: tuple[tuple[type[Exception], str], ...] = (
    (FileNotFoundError, "没有这个文件"),
    (IsADirectoryError, "这是文件夹，不是文件"),
    (PermissionError, "没有读取它的权限"),
    (ValueError, "这不是文件名"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, what is known of it, and the files that belong to it."""

    file: Path
    evidence: Evidence
    attachments: tuple[Path, ...] = ()


def read_entry(entry: Entry) -> Reading:
    """The reading of a file with what belongs to it; a file that cannot be read gives a reason."""
    parts: list[Part] = []
    for path in (entry.file, *entry.attachments):
        try:
            parts.append(Part(path.read_bytes(), path.name))
        except (OSError, ValueError) as error:
            # ValueError: a name with a NUL or a lone surrogate is no file's name.
            return Reading(False, f"读不到文件{_named(path, entry)}：{_why(error)}")
    if media_type(parts[0].data) == "text/html":
        parts.extend(local_parts(entry.file, parts[0].data, entry.evidence.url or ""))
    return read_report(parts, entry.evidence)


def _why(error: OSError | ValueError) -> str:
    told = (why for kind, why in UNREAD if isinstance(error, kind))
    return next(told, getattr(error, "strerror", None) or str(error))


def _named(path: Path, entry: Entry) -> str:
    return "" if path == entry.file else f" {path}"


def local_parts(page: Path, data: bytes, url: str = "") -> Iterator[Part]:
    """The pictures and documents a saved page names by relative addresses, each once, as long as
    they lie in its folder or below; their addresses as from the page's own."""
    folder = page.parent.resolve()
    seen: set[Path] = {page.resolve()}
    room = MOST_BYTES
    named = dict.fromkeys(_references(decode(data[:MOST_SEARCHED])))
    for reference in islice(named, MOST_REFERENCES):
        path = _inside(folder, reference)
        if path is None or path in seen:
            continue
        seen.add(path)
        try:
            size = path.stat().st_size
            if len(seen) - 1 > MOST_FILES or size > room:
                return
            part = Part(path.read_bytes(), path.name, url=urljoin(url, reference))
        except OSError:
            continue
        room -= size
        yield part


def _references(text: str) -> Iterator[str]:
    for match in REFERENCE.finditer(text):
        reference = unescape(match[1] or match[2] or match[3]).strip()
        if ENDING.search(reference):
            yield reference


def _inside(folder: Path, reference: str) -> Path | None:
    """The file a relative address means, None where there is none or it lies elsewhere."""
    try:
        parts = urlsplit(reference)
        name = unquote(parts.path).replace("\\", "/")
        if parts.scheme or parts.netloc or name.startswith("/"):
            return None
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):
        return None
