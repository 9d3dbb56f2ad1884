"""A printed cell is a number, or it is said why it is none."""

import pytest

from archive.cells.values import read_value
from archive.model import State


@pytest.mark.parametrize(
    ("printed", "kind", "value", "state"),
    [
        ("12", "int", "12", None),
        (" １２ ", "int", "12", None),
        ("1,036", "int", "1036", None),
        ("12件", "int", "12", State.UNIT),
        ("12（件）", "int", "12", State.UNIT),
        ("3.5（万元）", "decimal", "3.5", State.UNIT),
        ("3.5（元）", "decimal", None, State.AMBIGUOUS),
        ("+7", "signed_int", "7", State.UNIT),
        ("-5", "signed_int", "-5", None),
        ("15954.526468", "decimal", "15954.526468", None),
        ("97541 万元", "money_text", "97541万元", State.UNIT),
        ("251000元", "money_text", "251000元", State.UNIT),
        ("256146", "money_text", "256146", None),
        ("", "int", None, State.BLANK),
        ("\xa0\u3000", "int", None, State.BLANK),
        ("/", "int", None, State.NA),
        ("—", "int", None, State.NA),
        ("无", "int", None, State.NA),
        ("–", "int", None, State.NA),
        ("─", "int", None, State.NA),
        ("详见附件", "int", None, State.TEXT),
        ("约30", "int", None, State.TEXT),
        ("3.5", "int", None, State.TEXT),
        ("0.00", "int", "0", None),
        ("1,2", "int", None, State.TEXT),
        # Two numbers in a cell, a footnote's mark, another unit than the column's.
        ("12 3", "int", None, State.AMBIGUOUS),
        ("12①", "int", None, State.AMBIGUOUS),
        ("12⓪", "int", None, State.AMBIGUOUS),
        ("12㉑", "int", None, State.AMBIGUOUS),
        ("٣", "int", None, State.TEXT),
        ("5万元", "int", None, State.AMBIGUOUS),
        ("251000元", "decimal", None, State.AMBIGUOUS),
        # Zeros in front are several cells run together, and so are digits without end.
        ("0000000", "int", None, State.AMBIGUOUS),
        ("00", "int", None, State.AMBIGUOUS),
        ("1812304500019", "int", None, State.AMBIGUOUS),
    ],
)
def test_values(printed: str, kind: str, value: str | None, state: State | None) -> None:
    read, note = read_value(printed, kind)
    assert read == value
    assert (note.state if note else None) == state
