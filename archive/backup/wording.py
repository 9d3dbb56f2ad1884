"""How is a number of things said?"""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {agreed(number, noun, noun + 's')}"


def agreed(number: int, one: str, more: str) -> str:
    """The form of a word that agrees with a number."""
    return one if number == 1 else more
