"""What did a night bring at one portal? The figures that progress, monitors and archive share."""

from __future__ import annotations

from dataclasses import dataclass

# States of a portal nobody meant to ask, or that waits for the next start: no news if it is silent.
UNVISITED = frozenset({"", "ok", "opted_out", "stopped"})


@dataclass(frozen=True, slots=True)
class Visit:
    """A portal's night, as far as it has come: bytes received, seconds from first to last request.

    `state` is "ok" or the verdict of the home page, or needs_browser, opted_out, robots, stopped.
    """

    portal_id: str
    night: str
    state: str = ""
    requests: int = 0
    bytes: int = 0
    lists: int = 0  # list pages that answered, 304 included
    reports: int = 0  # report pages that answered
    attachments: int = 0
    new: int = 0
    edited: int = 0
    unchanged: int = 0
    moved: int = 0
    gone: int = 0
    back: int = 0
    blocked: int = 0  # challenges and block pages
    failed: int = 0  # no answer, or none that could be used
    refused: int = 0  # never asked: robots.txt, guard
    saved: int = 0  # known addresses that were not due, or answered 304
    seconds: float = 0.0
    listed: int = 0  # reports on the lists that answered, asked for tonight or not

    @property
    def was_made(self) -> bool:
        """Whether the portal was asked, or would have been had it been there."""
        return self.requests > 0 or self.state not in UNVISITED

    @property
    def has_answered(self) -> bool:
        return self.state == "ok"

    @property
    def answers(self) -> int:
        """Requests that brought what was asked for."""
        return max(self.requests - self.blocked - self.failed, 0)
