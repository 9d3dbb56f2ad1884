"""MHTML -> Document: a web page saved with its pictures in one file, as Word and browsers do it."""

from __future__ import annotations

import email
import email.message
import email.policy
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urljoin

from archive.model import Block, Document, Picture, UnreadableError

MHTML = "multipart/related"
MOST_PARTS = 2_000
HEADERS = re.compile(rb"\A\s*(?:[A-Za-z][A-Za-z0-9-]{1,40}:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n)+")
MULTIPART = re.compile(rb"^content-type:\s*multipart/(?:related|mixed|alternative)", re.I | re.M)


def is_mhtml(head: bytes) -> bool:
    """Does a file begin with the headers of a MIME message of several parts?"""
    headers = HEADERS.match(head)
    return headers is not None and MULTIPART.search(headers[0]) is not None


def read_mhtml(data: bytes, read_page: Callable[[bytes, str], Document]) -> Document:
    """Its pages as one document, their pictures with them.

    `read_page` reads a page's bytes under its Content-Type. Raises UnreadableError without one.
    """
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        parts = [part for part in message.walk() if not part.is_multipart()]
    except (RecursionError, ValueError, LookupError) as error:
        raise UnreadableError("MHTML 损坏") from error
    if len(parts) > MOST_PARTS:
        raise UnreadableError(f"MHTML 有 {len(parts)} 个部分，超过 {MOST_PARTS} 个")
    pictures = {
        name: content
        for part in parts
        if part.get_content_maintype() == "image" and (content := _bytes(part))
        for name in _names(part)
    }
    pages = [part for part in parts if part.get_content_type() == "text/html"]
    documents: list[Document] = []
    blocks: list[Block] = []
    reason = ""
    # Excel saves a frame and a page a sheet; a frame alone has nothing to read.
    for part in pages:
        charset = f"text/html; charset={part.get_content_charset() or ''}"
        try:
            document = read_page(_bytes(part), charset)
        except UnreadableError as error:
            reason = str(error)
            continue
        documents.append(document)
        base = str(part.get("Content-Location") or "")
        blocks += (_with_bytes(block, base, pictures) for block in document.blocks)
    if not blocks:
        raise UnreadableError(f"MHTML 里没有可读的网页{reason and f'（{reason}）'}")
    first = documents[0]
    return Document(
        media_type=MHTML,
        blocks=tuple(blocks),
        prose=tuple(line for document in documents for line in document.prose),
        title=next((document.title for document in documents if document.title), None),
        metas=first.metas,
        links=tuple(link for document in documents for link in document.links),
    )


def _bytes(part: email.message.Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError):
        return b""
    return content if isinstance(content, bytes) else b""


def _names(part: email.message.Message) -> Iterator[str]:
    """What a page may call this part by."""
    if location := str(part.get("Content-Location") or "").strip():
        yield location
        yield unquote(location)
    if identity := str(part.get("Content-ID") or "").strip().strip("<>"):
        yield f"cid:{identity}"


def _with_bytes(block: Block, base: str, pictures: dict[str, bytes]) -> Block:
    if not isinstance(block, Picture) or block.data:
        return block
    for name in (block.source, unquote(block.source), _joined(base, block.source)):
        if name in pictures:
            return Picture(block.source, pictures[name])
    return block


def _joined(base: str, source: str) -> str:
    try:
        return urljoin(base, source)
    except ValueError:
        return source
