"""Plain text -> Document: the layouts people paste, a line a paragraph."""

from __future__ import annotations

import re

from archive.model import Document, Paragraph, UnreadableError

LONGEST = 2_000_000


def read_plain(text: str) -> Document:
    """Every line that is not blank, in order; tabs and pipes stay for the table reader.

    Raises UnreadableError for a text longer than any report.
    """
    if len(text) > LONGEST:
        raise UnreadableError(f"文本有 {len(text)} 字，超过 {LONGEST} 字，不像年度报告")
    # Two full-width spaces begin a paragraph; pastes often keep them and lose the line's end.
    lines = [line.strip() for line in re.split(r"[\r\n\f\v\u2028]+|\u3000{2,}", text)]
    blocks = tuple(Paragraph(line) for line in lines if line)
    return Document(
        media_type="text/plain",
        blocks=blocks,
        prose=tuple(block.text for block in blocks),
        text=text,
    )
