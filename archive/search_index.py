"""The search tables of a snapshot: what readers' words are looked up in. The site asks them.

How text is cut (`normal`, then `cut`; the site cuts queries alike, without this module): NFKC,
lower case, marks without width dropped; white space holds apart two words of letters or digits and
is dropped elsewhere, as PDF pages break their lines anywhere; of a run of Chinese characters each
character and each two that follow one another are a token, a run of other letters and digits is
one; all else separates. The parts of a report (name of its body, title, headings, chapters) are
cut one by one: no token reaches from one into the next.

`search_fts` (FTS5, no positions) holds for each report the tokens of all its parts; those of the
body's name again after IN_NAME, those of name and title after IN_HEAD, the runs of the whole name
as one after WHOLE; and what one may filter by after FACT: `all`, `r` and the first 2, 4 or 6 digits
of the division, `l` and the level, `f` and the form, `x` and each of `findings`. No text can hold
these, as no mark is a letter. One token is found by the index alone; of several, `search_texts`
(the parts as they were cut, a line each; the first two are `search_docs.head`) tells whether they
follow one another. Rows of later years have higher ids; within a year, the higher level, so that
ids from the top are the order of a list too long to rank. `search_facts` has what is counted of
hits: year, level, division, form and findings, with | between, for many reports on a page of the
file.

`search_names` has each body's name and the names it had, `search_names_fts` their tokens, the
spellings in pinyin from each place name on (SPELLED: whole, or first letters) and each two
syllables that follow one another (SOUNDED, both before and between). `search_sounds` gives the
readings of every character, toneless.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from pypinyin import Style, lazy_pinyin, pinyin

# Tables for programs, not readers: hidden where tables are listed.
HIDDEN = (
    "search_docs",
    "search_texts",
    "search_facts",
    "search_fts",
    "search_names",
    "search_names_fts",
    "search_sounds",
)
CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
SPELLING_RUN = re.compile(f"([{CHINESE}]+)|([^{CHINESE}]+)")
LETTERS = "a-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u1fff\u3041-\u30ff\uac00-\ud7af"
IS_CHINESE = re.compile(f"[{CHINESE}]")
RUN = re.compile(f"[{CHINESE}]+|[{LETTERS}]+")
NO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
GAP = re.compile(r"\s+")
LOOSE = re.compile(f"(?<![{LETTERS}]) | (?![{LETTERS}])")
IN_NAME, IN_HEAD, WHOLE, FACT, SPELLED, SOUNDED = "¹²³·♪♫"
# Where a place ends within a name: people leave out the places above their own.
PLACE_END = re.compile("[省市区县州旗盟镇乡]")
READ = range(0x4E00, 0xA000)
LEVEL = """case issuers.level when 'township' then 1 when 'county' then 2 when 'prefecture' then 3
    when 'province' then 4 when 'central' then 5 else 0 end"""
# The cached pairs of a whole archive: fewer merges, half the time.
MEMORY = 64 << 20

SCHEMA = f"""
create table search_docs (
    id integer primary key, report_id text, version_id text, issuer_id text, issuer_name text,
    title text, year integer, status text, level text, division text, form text, findings text,
    head text
) strict;
create index search_docs_year on search_docs (year);
create table search_texts (id integer primary key, text text) strict;
create table search_facts (id integer primary key, facts text) strict;
create virtual table search_fts using fts5(
    tokens, content='', detail=none, tokenize='ascii'
);
insert into search_fts (search_fts, rank) values ('hashsize', {MEMORY});
create table search_names (
    id integer primary key, issuer_id text, name text, folded text, sounds text, current integer,
    reports integer, first_year integer, last_year integer, level text, division text, place text
) strict;
create index search_names_issuer on search_names (issuer_id);
create virtual table search_names_fts using fts5(
    tokens, content='', detail=none, tokenize='ascii'
);
create table search_sounds (character text primary key, sounds text) strict, without rowid;
"""

# With each report the blames of the identities of the form that its version breaks (NULL where it
# breaks none), and whether it was edited.
REPORTS = f"""
select reports.id, reports.current_version, issuers.id, issuers.name, ifnull(reports.title, ''),
    reports.year, reports.status, issuers.level, issuers.division, reports.form,
    (select group_concat(distinct ifnull(blame, '')) from findings
        where version_id = reports.current_version and verdict = 'fail' and rule in (
            select id from identities where level in ('hard', 'soft'))),
    exists (select 1 from events where report_id = reports.id and kind = 'edited')
from reports join issuers on issuers.id = reports.issuer_id
order by reports.year, {LEVEL}, reports.id
"""

NAMES = f"""
select issuers.id, issuers.name, issuers.level, issuers.division, issuers.place_name,
    count(reports.id), min(reports.year), max(reports.year)
from issuers left join reports on reports.issuer_id = issuers.id
group by issuers.id
order by {LEVEL} desc, issuers.division, issuers.name, issuers.id
"""
FORMER_NAMES = """
select name from issuer_names where issuer_id = ?1
union select minted_as from issuers where id = ?1 and minted_as <> ''
union select other_name from issuer_links
    where issuer_id = ?1 and relation in ('renamed_from', 'same_as') and other_name <> ''
order by 1
"""


def normal(text: str) -> str:
    """Text as searches compare it: NFKC, lower case, no white space but between two words."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return LOOSE.sub("", GAP.sub(" ", NO_WIDTH.sub("", folded)))


def cut(text: str) -> str:
    """The tokens of a normal text, a space between them, each once."""
    return " ".join(dict.fromkeys(_tokens(text)))


def _tokens(text: str) -> Iterator[str]:
    for run in RUN.findall(text):
        if IS_CHINESE.match(run):
            yield from run
            yield from map("".join, pairwise(run))
        else:
            yield run


def index_texts(db: sqlite3.Connection) -> int:
    """Add the search tables to a snapshot; gives how many reports can be found.

    The connection commits each statement (`isolation_level=None`) or has nothing uncommitted.
    """
    db.executescript(SCHEMA)
    db.execute("begin")
    reports = _index_reports(db)
    _index_names(db)
    db.executemany("insert into search_sounds values (?, ?)", _readings())
    db.execute("commit")
    for table in ("search_fts", "search_names_fts"):
        db.execute(f"insert into {table} ({table}) values ('optimize')")
    return reports


def _index_reports(db: sqlite3.Connection) -> int:
    rowid = 0
    # One report at a time: together they do not fit into memory, their texts even less.
    for rowid, (*row, blames, is_edited) in enumerate(db.execute(REPORTS), start=1):
        _, version, _, name, title, year, status, level, division, form = row
        findings = []
        if blames is not None:
            findings = ["failed", *filter(None, sorted(blames.split(",")))]
        findings += ["edited"] * is_edited + ["vanished"] * (status == "gone")
        sections = db.execute(
            "select heading, text from sections where version_id = ? order by number", (version,)
        )
        said = " ".join(findings)
        head = [normal(name or ""), normal(title)]
        parts = [*head, *(normal(part) for section in sections for part in section if part)]
        whole = "\n".join(parts)
        tokens = [
            cut(whole),
            *(IN_NAME + token for token in cut(head[0]).split()),
            *(IN_HEAD + token for token in cut("\n".join(head)).split()),
            WHOLE + "".join(RUN.findall(head[0])),
            *(FACT + fact for fact in _facts(division, level, form, findings)),
        ]
        db.execute(
            f"insert into search_docs values ({', '.join('?' * 13)})",
            (rowid, *row, said, "\n".join(head)),
        )
        db.execute("insert into search_texts values (?, ?)", (rowid, whole))
        facts = "|".join(str(fact or "") for fact in (year, level, division, form, said))
        db.execute("insert into search_facts values (?, ?)", (rowid, facts))
        db.execute(
            "insert into search_fts (rowid, tokens) values (?, ?)", (rowid, " ".join(tokens))
        )
    return rowid


def _facts(
    division: str | None, level: str | None, form: str | None, findings: Iterable[str]
) -> Iterator[str]:
    yield "all"
    # GB/T 2260 writes a province 140000; of its three pairs of digits only what says something.
    pairs = re.fullmatch(r"(\d\d)(?:(\d\d)(?:(\d\d))?)?", division or "")
    for end in (2, 4, 6) if pairs else ():
        if division and len(division) >= end and (end == 2 or division[end - 2 : end] != "00"):
            yield f"r{division[:end]}"
    if level:
        yield f"l{level}"
    if form:
        yield f"f{form}"
    yield from (f"x{finding}" for finding in findings)


def _index_names(db: sqlite3.Connection) -> None:
    rowid = 0
    for issuer, name, level, division, place, reports, first, last in db.execute(NAMES):
        former = (name for (name,) in db.execute(FORMER_NAMES, (issuer,)).fetchall())
        for known in dict.fromkeys([name or "", *former]):
            rowid += 1
            folded = normal(known)
            sounds = spelling(folded)
            db.execute(
                f"insert into search_names values ({', '.join('?' * 12)})",
                (rowid, issuer, known, folded, " ".join(sounds), int(known == name), reports,
                 first, last, level, division, place),
            )  # fmt: skip
            tokens = " ".join(dict.fromkeys([cut(folded), *_spellings(folded, sounds)]))
            db.execute(
                "insert into search_names_fts (rowid, tokens) values (?, ?)", (rowid, tokens)
            )


def spelling(name: str) -> list[str]:
    """The syllable of each character of a normal name, toneless; `-` for what has none."""
    syllables: list[str] = []
    for chinese, other in SPELLING_RUN.findall(name):
        read = lazy_pinyin(chinese, errors="ignore")
        rest = chinese + other
        syllables += read if len(read) == len(rest) else ["-"] * len(rest)
    return syllables


def _spellings(name: str, sounds: list[str]) -> Iterator[str]:
    starts = {0, *(match.end() for match in PLACE_END.finditer(name))}
    for start in sorted(starts):
        rest = [sound for sound in sounds[start:] if sound != "-"]
        if len(rest) > 1:
            yield SPELLED + "".join(rest)
            yield SPELLED + "".join(sound[0] for sound in rest)
    for one, two in pairwise(sounds):
        if "-" not in (one, two):
            yield f"{SOUNDED}{one}{SOUNDED}{two}"


def _readings() -> Iterator[tuple[str, str]]:
    for code in READ:
        for sounds in pinyin(chr(code), style=Style.NORMAL, heteronym=True, errors="ignore"):
            yield chr(code), " ".join(dict.fromkeys(sounds))
