"""Plain text -> Document: the layouts people paste, a line a paragraph."""

from __future__ import annotations

import re

from archive.model import Document, Paragraph


def read_plain(text: str) -> Document:
    """Every line that is not blank, in order; tabs and pipes stay for the table reader."""
    lines = [line.strip() for line in re.split(r"[\r\n\f\v\u2028]+", text)]
    blocks = tuple(Paragraph(line) for line in lines if line)
    return Document(
        media_type="text/plain", blocks=blocks, prose=tuple(block.text for block in blocks)
    )
