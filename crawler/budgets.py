"""How much of a night has each politeness group had? What does not fit comes first the next."""

from __future__ import annotations

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Budgets:
    """The requests and bytes that each group may still be asked for, restarts of a night included.

    `spent` gives what a group has had tonight, as (requests, bytes).
    """

    def __init__(
        self, most_requests: int, most_bytes: int, spent: Callable[[str], tuple[int, int]]
    ) -> None:
        self._most_requests, self._most_bytes = most_requests, most_bytes
        self._read = spent
        self._had: dict[str, list[int]] = {}
        self._said: set[str] = set()

    def take(self, group: str) -> None:
        """Count a request that is about to be made."""
        self._of(group)[0] += 1

    def give_back(self, group: str) -> None:
        """Uncount one that was not made after all."""
        self._of(group)[0] -= 1

    def receive(self, group: str, size: int) -> None:
        """Count the bytes of an answer."""
        self._of(group)[1] += size

    def is_spent(self, group: str) -> bool:
        """Whether a group has had its share of the night; logged the first time."""
        requests, size = self._of(group)
        is_full = requests >= self._most_requests or size >= self._most_bytes
        if is_full and group not in self._said:
            self._said.add(group)
            logger.info(
                "%s: %d requests, %d bytes are enough for a night; the rest comes first tomorrow",
                *(group, requests, size),
            )
        return is_full

    def _of(self, group: str) -> list[int]:
        if group not in self._had:
            self._had[group] = list(self._read(group))
        return self._had[group]
