"""What single hash stands for many, and how is one of them shown to be among them?

The Merkle tree of RFC 6962 §2.1 over SHA-256. A leaf's hash is SHA-256(00 ‖ bytes), a node's is
SHA-256(01 ‖ left ‖ right); a last node without a neighbour moves up as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

LEAF, NODE = b"\x00", b"\x01"


def leaf(data: bytes) -> bytes:
    """The hash of a leaf, 32 bytes."""
    return hashlib.sha256(LEAF + data).digest()


class Tree:
    """A tree over the hashes of its leaves, in their order."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            above = [
                hashlib.sha256(NODE + below[at] + below[at + 1]).digest()
                for at in range(0, len(below) - 1, 2)
            ]
            self._levels.append(above + below[len(below) & ~1 :])

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """The tree's hash, 32 bytes; of no leaves, the hash of nothing."""
        return self._levels[-1][0] if len(self) else hashlib.sha256().digest()

    def path(self, index: int) -> list[bytes]:
        """The audit path of a leaf (RFC 6962 §2.1.1): the neighbours on its way to the root."""
        if not 0 <= index < len(self):
            raise ValueError(f"no leaf {index} in a tree of {len(self)}")
        path = []
        for level in self._levels[:-1]:
            if (neighbour := index ^ 1) < len(level):
                path.append(level[neighbour])
            index >>= 1
        return path
