"""The reports that hold what a search asks for: found by the index, read where it cannot tell.

The index (`archive/search_index.py`) finds the reports with every token of the words. A word of one
token is found by that alone; of longer ones the texts are read, newest years first, until READ_HITS
hold them, MOST_READ at most. Best first: the reports of the body so named, then the words in the
body's name, in name and title, in the text; of the first WEIGHED of these, those first that say
them more often.
"""

from __future__ import annotations

import math
import re
import sqlite3
import unicodedata
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from time import monotonic

from datasette.utils import sqlite_timelimit

from .asked import (
    CHINESE,
    FACT,
    IN_HEAD,
    IN_NAME,
    LETTERS,
    LONGEST_QUERY,
    MOST_HITS,
    NO_WIDTH,
    RUN,
    WHOLE,
)

READ_HITS = 300
MOST_READ = 2000
WEIGHED = 100
BEFORE, AFTER, SNIPPETS = 28, 92, 2
PLACES = ("issuer_name", "issuer_name", "title", "text")
COLUMNS = (
    "report_id", "version_id", "issuer_id", "issuer_name", "title", "year", "status", "level",
    "division", "form", "findings",
)  # fmt: skip
# As search_facts has them; the last may be several.
FACTS = ("year", "level", "division", "form", "findings")
LETTER = re.compile(f"[{LETTERS}]")
PLAIN = re.compile(r"(?<=[^\x21-\x7e\s])\s+|\s+(?=[^\x21-\x7e\s])")
GAPS = re.compile(r"\s+")
SOLID = re.compile(r"\S+")
# Numbers and words of letters as printed: a snippet holds them whole or not at all.
UNCUT = re.compile(rf"[^\W{CHINESE}]+(?:[.,．，][0-9０-９]+)*")


@dataclass
class Found:
    """Ids of hits, best first; in which of PLACES each was found; whether these are all, and if
    not, whether for want of time."""

    ids: list[int] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    complete: bool = True
    slow: bool = False


class OutOfTime(Exception):
    """What was to be found was not, within the time for it."""


@contextmanager
def within(connection, limit_ms):
    """Limits what a connection is asked, and gives a check to call between steps of other work;
    either raises OutOfTime once the time is over."""
    end = monotonic() + limit_ms / 1000

    def check():
        if monotonic() > end:
            raise OutOfTime

    try:
        with sqlite_timelimit(connection, limit_ms):
            yield check
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        raise OutOfTime from error


# --- what the index is asked ----------------------------------------------------------------------


def quoted(token):
    return '"' + token.replace('"', '""') + '"'


def expression(asked, tokens):
    """The FTS5 expression for reports with these tokens that pass the filters of a search."""
    facts = [f"l{asked.level}"] if asked.level else []
    facts += [f"f{asked.form}"] if asked.form else []
    facts += [f"r{asked.region}"] if asked.region else []
    facts += [f"x{finding}" for finding in asked.findings]
    wanted = [*tokens, *(FACT + fact for fact in facts)] or [FACT + "all"]
    every = " AND ".join(map(quoted, dict.fromkeys(wanted)))
    none = " OR ".join(quoted(word.text) for word in asked.without if word.exact)
    return f"({every}) NOT ({none})" if none else every


def row_range(connection, asked):
    """The first and last id of the years asked for; ids grow with the years."""
    first = last = None
    if asked.first_year:
        first = connection.execute(
            "select id from search_docs where year >= ? order by year, id limit 1",
            (asked.first_year,),
        ).fetchone() or (1 << 62,)
    if asked.last_year:
        last = connection.execute(
            "select id from search_docs where year <= ? order by year desc, id desc limit 1",
            (asked.last_year,),
        ).fetchone() or (0,)
    return first[0] if first else 0, last[0] if last else 1 << 62


def matching(connection, match, bounds, most):
    """Ids of reports an expression holds for, the highest first, at most so many."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(
        "select rowid from search_fts where search_fts match ? and rowid between ? and ? "
        "order by rowid desc limit ?",
        (match, *bounds, most),
    )
    return [rowid for (rowid,) in cursor]


def placeholders(values):
    return ", ".join("?" * len(values))


def documents(connection, ids, columns):
    """Rows of search_docs by id, as tuples of these columns."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(
        f"select id, {', '.join(columns)} from search_docs where id in ({placeholders(ids)})", ids
    )
    return {rowid: rest for rowid, *rest in cursor}


# --- where the index cannot tell ------------------------------------------------------------------


@lru_cache(1000)
def pattern(text):
    """How a word is looked for in a normal text: letters and digits are whole words, numbers."""
    start, end = edges(text)
    return re.compile(
        (f"(?<![{LETTERS}])" if start else "") + re.escape(text) + (f"(?![{LETTERS}])" * end)
    )


@lru_cache(1000)
def edges(text):
    """Whether a text begins, and whether it ends, with a letter or digit."""
    return LETTER.match(text[:1]) is not None, LETTER.match(text[-1:]) is not None


def spans(word):
    """A function of bytes of UTF-8: where a word stands in them. Bytes are looked through several
    times as fast as text, and in UTF-8 no character begins within another."""
    raw = word.text.encode()
    start, end = edges(word.text)

    def places(data):
        place = data.find(raw)
        while place >= 0:
            # Four bytes hold the character beside it, and it may be a letter that is no ASCII.
            before = data[max(0, place - 4) : place].decode(errors="ignore")[-1:]
            after = data[place + len(raw) : place + len(raw) + 4].decode(errors="ignore")[:1]
            if not (start and LETTER.match(before)) and not (end and LETTER.match(after)):
                yield place
            place = data.find(raw, place + 1)

    return places


def counter(word):
    """A function of bytes of UTF-8: how often a word stands in them."""
    if not any(edges(word.text)):
        raw = word.text.encode()
        return lambda data: data.count(raw)
    places = spans(word)
    return lambda data: sum(1 for _ in places(data))


def holder(word):
    """A function of bytes of UTF-8: whether a word stands in them."""
    raw = word.text.encode()
    if not any(edges(word.text)):
        return lambda data: raw in data
    places = spans(word)
    return lambda data: next(places(data), None) is not None


def tester(words, without):
    """Whether bytes of UTF-8 hold each of the words and none of the others."""
    wanted, unwanted = [holder(word) for word in words], [holder(word) for word in without]
    return lambda data: (
        all(holds(data) for holds in wanted) and not any(holds(data) for holds in unwanted)
    )


def read_texts(connection, match, bounds, holds, check):
    """Ids of the reports whose texts pass a test; None at last if more than MOST_READ might."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(
        "select search_texts.id, cast(text as blob) from (select rowid as id from search_fts "
        "where search_fts match ? and rowid between ? and ? order by rowid desc limit ?) "
        "cross join search_texts using (id)",
        (match, *bounds, MOST_READ + 1),
    )
    for tried, (rowid, data) in enumerate(cursor, start=1):
        check()
        if tried > MOST_READ:
            yield None
        elif holds(data):
            yield rowid


def heads(connection, asked, unsure, bounds, most):
    """Ids of the hits by the body's whole name, by words in its name, in name and title, by which;
    those in more than one stand in the first."""
    words = "".join("".join(RUN.findall(word.text)) for word in asked.words)
    tokens = dict.fromkeys(token for word in asked.words for token in word.tokens)
    found = {}
    holds = tester(unsure, ())
    for place, marked in enumerate(
        ([WHOLE + words], [IN_NAME + t for t in tokens], [IN_HEAD + t for t in tokens])
    ):
        ids = matching(connection, expression(asked, marked), bounds, most)
        ids = [rowid for rowid in ids if rowid not in found]
        if unsure:
            known = documents(connection, ids, ("head",))
            for rowid in ids:
                (head,) = known[rowid]
                part = head if place == 2 else head.partition("\n")[0]
                if holds(part.encode()):
                    found[rowid] = place
        else:
            found.update(dict.fromkeys(ids, place))
    return found


def weights(connection, ids, words, check):
    """How much each text says of the words: the sum of ln(1 + how often) of each."""
    counters = [counter(word) for word in words]
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(
        f"select id, cast(text as blob) from search_texts where id in ({placeholders(ids)})", ids
    )
    heavy = {}
    for rowid, data in cursor:
        check()
        heavy[rowid] = sum(math.log1p(count(data)) for count in counters)
    return heavy


def find(connection, asked, limit_ms):
    """The hits of a search, MOST_HITS at most; after the time limit, those found until then."""
    found = Found()
    if not asked.anything:
        return found
    bounds = row_range(connection, asked)
    unsure = [word for word in asked.words if not word.exact]
    doubted = [word for word in asked.without if not word.exact]
    reads = bool(unsure or doubted)
    # Whoever turns pages beyond what is read at first has more read.
    most = min(MOST_HITS, max(READ_HITS, asked.page * asked.size)) if reads else MOST_HITS
    everything, first, heavy = [], {}, {}
    try:
        with within(connection, limit_ms) as check:
            if asked.words:
                first = heads(connection, asked, unsure, bounds, most)
            match = expression(asked, [t for word in asked.words for t in word.tokens])
            if reads:
                holds = tester(unsure, doubted)
                for rowid in read_texts(connection, match, bounds, holds, check):
                    if rowid is None or len(everything) == most:
                        found.complete = False
                        break
                    everything.append(rowid)
            else:
                everything = matching(connection, match, bounds, most + 1)
                found.complete = len(everything) <= most
            if asked.words:
                lesser = [rowid for rowid in everything if rowid not in first][:WEIGHED]
                heavy = weights(connection, lesser, asked.words, check)
    except OutOfTime:
        found.complete, found.slow = False, True
    if doubted:
        # Names and titles do not tell what the text says: of these hits only those that were read.
        first = {rowid: first[rowid] for rowid in everything if rowid in first}
    rest = [rowid for rowid in everything if rowid not in first]
    rest.sort(key=lambda rowid: (rowid not in heavy, -heavy.get(rowid, 0), -rowid))
    ordered = sorted(first, key=lambda rowid: (first[rowid], -rowid))
    found.ids = [*ordered, *rest][:most]
    found.places = {rowid: first.get(rowid, 3) for rowid in found.ids}
    return found


def counts(connection, ids):
    """How many of these reports there are of each year, level, division, form and finding."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(f"select facts from search_facts where id in ({placeholders(ids)})", ids)
    lines = [facts.split("|") for (facts,) in cursor]
    columns = zip(*lines, strict=False)
    facets = {name: Counter(values) for name, values in zip(FACTS, columns, strict=False)}
    facets["findings"] = Counter(" ".join(line[-1] for line in lines).split())
    return {name: facets.get(name, Counter()) for name in FACTS}


# --- as it is printed -----------------------------------------------------------------------------


def folded_places(printed):
    """A text as it is compared, and for each of its characters where it stands in the printed."""
    folded, places = [], []
    for part in SOLID.finditer(printed):
        text, start = part[0], part.start()
        whole = unicodedata.normalize("NFKC", text).lower()
        if len(whole) != len(text) or not whole.isprintable() or " " in whole:
            characters = [
                (each, start + at)
                for at, character in enumerate(text)
                for each in unicodedata.normalize("NFKC", character).lower()
                if not (NO_WIDTH.match(each) or each.isspace())
            ]
            whole = "".join(each for each, _ in characters)
            where = [place for _, place in characters]
        else:
            where = range(start, part.end())
        if folded and LETTER.match(folded[-1][-1:]) and LETTER.match(whole[:1]):
            # White space is kept where it holds apart two words.
            folded.append(" ")
            places.append(start - 1)
        folded.append(whole)
        places.extend(where)
    return "".join(folded), places


def marked(printed, words):
    """The text as (is a hit, text) pieces, as printed but for white space."""
    folded, where = folded_places(printed)
    spans = sorted(
        (where[hit.start()], where[hit.end() - 1] + 1)
        for word in words
        for hit in pattern(word.text).finditer(folded)
    )
    pieces, end = [], 0
    for start, stop in spans:
        if stop <= end:
            continue
        start = max(start, end)
        pieces += [(False, printed[end:start]), (True, printed[start:stop])]
        end = stop
    pieces.append((False, printed[end:]))
    tidied = [(hit, GAPS.sub(" ", PLAIN.sub("", text))) for hit, text in pieces]
    return [piece for piece in tidied if piece[1]]


def literal_place(printed, word):
    """Where a text holds a word just as it is looked for; -1 if it does not."""
    if any(edges(word.text)):
        hit = pattern(word.text).search(printed.lower())
        return hit.start() if hit else -1
    return printed.find(word.text)


def folded_place(fold, printed, word):
    """Where a text holds a word once it is folded, which takes a hundred times as long."""
    folded, where = fold(printed)
    hit = pattern(word.text).search(folded)
    return where[hit.start()] if hit else -1


def snippets(chapters, words, folds, check):
    """Where a report says the words: SNIPPETS at most, each of one chapter: its number, heading and
    (is a hit, text) pieces; none where it says none of them.

    `folds` tells which words stand in the folded text: seldom others than in the printed.
    `check` is called before each chapter, and may raise.
    """
    shown, left = [], list(words)
    fold = cache(folded_places)
    for place_in in (literal_place, partial(folded_place, fold)):
        if place_in is not literal_place and left and len(shown) < SNIPPETS:
            left = folds(left)
        while left and len(shown) < SNIPPETS:
            best = None
            for number, heading, text in chapters:
                check()
                for part in filter(None, (text, heading)):
                    places = {word: place_in(part, word) for word in left}
                    held = [word for word in left if places[word] >= 0]
                    if held and (best is None or len(held) > len(best[0])):
                        best = held, number, heading, part, min(places[word] for word in held)
                if best and len(best[0]) == len(left):
                    break
            if best is None:
                break
            held, number, heading, part, place = best
            shown.append((number, heading, window(part, place, words)))
            if left := [word for word in left if word not in held]:
                seen, _ = folded_places(part[slice(*bounds(part, place))])
                left = [word for word in left if not pattern(word.text).search(seen)]
    return shown


def beginning(chapters):
    """The beginning of a report's text as its only snippet; none without any."""
    if not chapters:
        return []
    number, heading, text = next((chapter for chapter in chapters if chapter[2]), chapters[0])
    return [(number, heading, window(text or heading or "", 0, ()))]


def bounds(printed, place):
    """Where a snippet with what stands at a place begins and ends: not within a number or word."""
    start = max(0, place - BEFORE)
    end = min(len(printed), start + BEFORE + AFTER)
    before, after = uncut(printed, start)
    start = after if after <= place else before
    before, after = uncut(printed, end)
    return start, before if before > place else after


def uncut(printed, cut):
    """Where the number or word begins and ends that a cut would divide; the cut itself where it
    divides none, or one that goes on for more than LONGEST_QUERY beside it."""
    first, last = max(0, cut - LONGEST_QUERY), cut + LONGEST_QUERY
    for run in UNCUT.finditer(printed, first, last):
        start, end = run.span()
        is_whole = (start > first or not first) and end < last
        if start < cut < end and is_whole:
            return start, end
    return cut, cut


def window(printed, place, words):
    start, end = bounds(printed, place)
    pieces = marked(printed[start:end], words)
    if start:
        pieces.insert(0, (False, "……"))
    if end < len(printed):
        pieces.append((False, "……"))
    return pieces


def chapters_of(connection, versions):
    """The chapters of versions as printed: the index holds them folded."""
    cursor = connection.execute(
        "select version_id, number, heading, text from sections where version_id in "
        f"({placeholders(versions)}) order by version_id, number",
        versions,
    )
    chapters = {}
    for version, *chapter in cursor:
        chapters.setdefault(version, []).append(tuple(chapter))
    return chapters


def held_folded(connection, rowid, words):
    """Those of the words that the text of a report, below its name and title, holds folded."""
    ((data,),) = connection.execute(
        "select cast(text as blob) from search_texts where id = ?", (rowid,)
    ).fetchall()
    lines = data.split(b"\n", 2)[2:]
    return [word for word in words if any(map(holder(word), lines))]


def shown(connection, ids, places, words, limit_ms):
    """The hits of a page: COLUMNS, where they were found, and snippets; after the time limit, the
    beginnings of the others in their place. With them whether all was done in time."""
    known = documents(connection, ids, COLUMNS)
    hits = [dict(zip(COLUMNS, known[rowid], strict=True)) for rowid in ids]
    chapters = chapters_of(connection, [hit["version_id"] for hit in hits])
    for rowid, hit in zip(ids, hits, strict=True):
        hit["findings"] = (hit["findings"] or "").split()
        hit["found_in"] = PLACES[places[rowid]]
        hit["name_pieces"] = marked(hit["issuer_name"] or "", words)
        hit["title_pieces"] = marked(hit["title"] or "", words)
        hit["snippets"] = beginning(chapters.get(hit["version_id"], []))
    try:
        with within(connection, limit_ms) as check:
            for rowid, hit in zip(ids, hits, strict=True):
                printed = chapters.get(hit["version_id"], [])
                folds = partial(held_folded, connection, rowid)
                hit["snippets"] = snippets(printed, words, folds, check) or hit["snippets"]
    except OutOfTime:
        return hits, False
    return hits, True
