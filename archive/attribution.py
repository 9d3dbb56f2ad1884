"""Whose report, of which year, did each page show on each night?

Due pages are followed, their documents read, ids minted for bodies met for the first time, and
every night of a page named by its report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from archive import issuers
from archive.corrections import Corrections
from archive.issuers import Claim, Ledger, Portal
from archive.memory import Memory, PageNight, groups
from archive.names.bodies import spellings, tidy
from archive.nights import Index, Mentions, Night, follow
from archive.progress import track
from archive.readings import Facts, read_documents
from archive.shelf import Shelf
from archive.sightings import Sighting

# Pages are taken together up to so many lines: enough documents for every worker, and a bounded
# memory.
CHUNK_LINES = 20_000
# Pages that are named together.
TOGETHER = 500
BY_CORRECTION = "人工更正：不是年报。"


@dataclass(slots=True)
class Read:
    """How many documents were read, remembered, no reports, and failed; ids minted."""

    read: int = 0
    remembered: int = 0
    refused: int = 0
    failed: int = 0
    minted: int = 0


class Attribution:
    """Names what pages showed, given who the portals and bodies are."""

    def __init__(
        self,
        shelf: Shelf,
        memory: Memory,
        portals: Mapping[str, Portal],
        ledger: Ledger,
        corrections: Corrections,
    ) -> None:
        self._shelf, self._memory = shelf, memory
        self._portals, self._ledger, self._corrections = portals, ledger, corrections
        self._claims: dict[tuple[str, str, str], str] = {}
        self.read = Read()

    def attribute(self, executor: Executor | None, ledger_file: Path) -> Read:
        """Bring all due pages up to date. New ids are in the ledger's file before anything refers
        to them."""
        memory = self._memory
        total = memory.count_due("pages")
        for chunk in self._chunks(track(memory.due("pages"), "pages", total)):
            tasks = [night.task for _, nights in chunk for night in nights if night.task]
            facts = read_documents(self._shelf, memory, tasks, executor)
            self.read.read += sum(fact.is_new for fact in facts.values())
            self.read.failed += sum(fact.has_failed for fact in facts.values())
            self.read.remembered += sum(
                not (fact.is_new or fact.has_failed) for fact in facts.values()
            )
            self.read.refused += sum(
                not fact.has_failed and fact.refusal is not None for fact in facts.values()
            )
            with memory.transaction():
                for page, nights in chunk:
                    known = [
                        self._page_night(page, turn, night, facts) for turn, night in _turns(nights)
                    ]
                    if any(
                        night.content_digest and not (night.reason or night.report_id)
                        for night in known
                    ):
                        memory.mark("unnamed", [page])
                    memory.keep_nights(page, known)
                    memory.keep_failure(page, any(night.has_failed for night in known))
        self._mint(ledger_file)
        return self.read

    def _chunks(self, pages: Iterator[str]) -> Iterator[list[tuple[str, list[Night]]]]:
        index = Index(self._memory)
        mentions = Mentions(self._shelf, self._memory, index)
        chunk: list[tuple[str, list[Night]]] = []
        lines = 0
        for page in pages:
            own, attached = _by_address(page, self._memory.lines_of_page(page))
            # An attachment whose page was never seen has nothing to belong to.
            nights = follow(page, own, attached, index, self._portals, mentions) if own else []
            chunk.append((page, nights))
            lines += len(nights) + 1
            if lines >= CHUNK_LINES:
                yield chunk
                chunk, lines = [], 0
        if chunk:
            yield chunk

    def _page_night(
        self, page: str, turn: int, night: Night, facts: Mapping[str, Facts]
    ) -> PageNight:
        line, task = night.line, night.task
        known = PageNight(
            page=page,
            night=line.night,
            turn=turn,
            seen_at=line.seen_at,
            fetched_at=line.fetched_at or line.seen_at,
            portal_id=line.portal_id,
            verdict=line.verdict,
            reason=night.reason,
        )
        if task is None:
            return known
        fact = facts[task.key]
        known = replace(
            known,
            sources=tuple((source.url, source.digest) for source in task.sources),
            key=task.key,
            body=fact.body or None,
            content_digest=fact.content_digest or None,
            issuer=fact.issuer,
            year=fact.year,
            reason=fact.refusal,
            has_failed=fact.has_failed,
        )
        return self._named(known)

    def _named(self, night: PageNight) -> PageNight:
        """A night with its report, if its body has an id; else its body claims one."""
        if night.content_digest is None:
            return night
        said = self._corrections.page(night.page)
        if said and said.not_a_report:
            return replace(night, reason=f"{BY_CORRECTION}{said.not_a_report}", report_id=None)
        year = said.year if said and said.year else night.year
        if said and said.issuer in self._ledger.by_id and year:
            # What was read of it is no name of that body.
            name = self._ledger.by_id[said.issuer].name
            return replace(night, issuer=name, reason=None, report_id=f"{said.issuer}/{year}")
        if night.issuer is None or year is None:
            return night
        portal = self._portals[night.portal_id]
        if issuer := self._ledger.find(night.issuer, portal):
            return replace(night, reason=None, report_id=f"{issuer.id}/{year}")
        claim = (portal.division, tidy(night.issuer), portal.id)
        self._claims[claim] = min(night.seen_at, self._claims.get(claim, night.seen_at))
        return replace(night, report_id=None)

    def _mint(self, ledger_file: Path) -> None:
        claims = (Claim(*claim, seen_at) for claim, seen_at in self._claims.items())
        minted = self._ledger.mint(claims, self._portals)
        issuers.append(ledger_file, minted)
        self.read.minted = len(minted)
        with self._memory.transaction():
            # A name that meant a related body may mean one of those: it is looked up again.
            self._memory.mark_unnamed(
                {name for issuer in minted for name in spellings(issuer.name)}
            )
        self.name_again(self._corrections)

    def name_again(self, corrections: Corrections) -> None:
        """Name the pages again that are to be: bodies or corrections are others than before."""
        self._corrections = corrections
        memory = self._memory
        for pages in groups(memory.due("unnamed"), TOGETHER):
            with memory.transaction():
                for page in pages:
                    nights = memory.nights_of_page(page).values()
                    memory.keep_nights(page, [self._named(night) for night in nights])


def _turns(nights: Sequence[Night]) -> Iterator[tuple[int, Night]]:
    """Each with its place among those of its night, from 0."""
    for _, same in groupby(nights, key=lambda night: night.line.night):
        yield from enumerate(same)


def _by_address(
    page: str, lines: Sequence[Sighting]
) -> tuple[list[Sighting], dict[str, list[Sighting]]]:
    own: list[Sighting] = []
    attached: dict[str, list[Sighting]] = {}
    for line in lines:
        if line.url == page:
            own.append(line)
        else:
            attached.setdefault(line.url, []).append(line)
    return own, attached
