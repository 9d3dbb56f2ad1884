"""The bodies a search names: as written, by a former name, in pinyin, or with a slip of the pen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise, product

from .asked import CHINESE, SOUNDED, SPELLED, tokens_of
from .divisions import division_range
from .found import pattern, placeholders, quoted

MOST_BODIES = 24
# How many names that hold the words are ranked, and how many that a slip of the pen might mean.
MOST_NAMES = 120
CANDIDATES = 60
SUGGESTIONS = 3
LONGEST_NAME = 24
COLUMNS = (
    "issuer_id", "name", "current", "reports", "first_year", "last_year", "level", "division",
    "place", "folded", "sounds",
)  # fmt: skip
# What people write after a body's name when they look for its report.
TAIL = re.compile(
    r"[0-9]{0,4}年?度?(?:的?(?:政府)?信息公开(?:工作)?)?(?:年度?报告?|年报|报告)?(?:全文)?$"
)
# A name ends so: what does, is taken for one even if some text says it.
NAMELIKE = re.compile("(?:[局委办府院会厅部署站所处室队镇乡区县市省州旗盟司馆校]|中心|街道)$")
SOUND_ALIKE = 0.5
# What it costs to leave out a character of a name: what people leave out costs less than a slip.
PLACE_WORDS = "省市区县州旗盟镇乡"
LEFT_OUT = {**dict.fromkeys(PLACE_WORDS, 0.5), **dict.fromkeys("人民", 0.25)}


@dataclass(frozen=True, slots=True)
class Meant:
    """What a part of a query may be meant for: a part of a body's name, and how far it is off."""

    text: str
    cost: float


def names(connection, match, asked, most):
    """Names an FTS5 expression holds for, those of higher bodies first, within region and level."""
    conditions, values = ["search_names_fts match ?"], [match]
    if asked.level:
        conditions.append("level = ?")
        values.append(asked.level)
    if asked.region:
        conditions.append("division >= ? and division < ?")
        values += division_range(asked.region)
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(
        f"select {', '.join(COLUMNS)} from search_names_fts "
        "cross join search_names on search_names.id = search_names_fts.rowid "
        f"where {' and '.join(conditions)} order by search_names_fts.rowid limit ?",
        (*values, most),
    )
    return [dict(zip(COLUMNS, row, strict=True)) for row in cursor]


def bodies(found, texts):
    """Names as bodies, each once: the name as it is, and a former one where only that fits.

    Those named exactly so first, then names that begin so, then short ones.
    """
    whole = "".join(texts)

    def key(name):
        return (
            name["folded"] != whole,
            not name["current"],
            not any(name["folded"].startswith(text) for text in texts),
            len(name["folded"]),
        )

    known = {}
    for name in sorted(found, key=key):
        known.setdefault(name["issuer_id"], name)
    return list(known.values())


def named(asked):
    """The words of a search that may be a body's name, as they are written, and the years beside:
    朔州市教育局2023年年报 asks for 朔州市教育局 and 2023."""
    texts, years = [], []
    for word in asked.words:
        text = TAIL.sub("", word.text)
        if text:
            texts.append(text)
        years += re.findall("(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", word.text[len(text) :])
    return texts, years


def by_words(connection, asked):
    """The bodies with a name that holds every word, and whether these are all."""
    texts, _ = named(asked)
    tokens = dict.fromkeys(token for text in texts for token in tokens_of(text))
    if not tokens:
        return [], True
    found = names(connection, " AND ".join(map(quoted, tokens)), asked, MOST_NAMES + 1)
    seekers = [pattern(text) for text in texts]
    held = [name for name in found if all(seek.search(name["folded"]) for seek in seekers)]
    return bodies(held, texts), len(found) <= MOST_NAMES


def by_spelling(connection, asked):
    """The bodies whose name, or the name from some place name on, begins with letters read as
    pinyin or as its first letters; and what the letters are meant for."""
    texts, rest = named(asked)
    letters = "".join(texts).replace("ü", "v")
    if not re.fullmatch("[a-z]{2,}", letters):
        return [], []
    found = names(connection, f"{quoted(SPELLED + letters)} *", asked, MOST_NAMES)
    meant = {}
    for name in found:
        text = spelled_part(name, letters)
        meant.setdefault(text, []).append(name)
    # The most bodies first: letters may be read in several ways.
    ordered = sorted(meant, key=lambda text: (-len(meant[text]), len(text)))
    texts = [" ".join([text, *rest]) for text in ordered[:SUGGESTIONS] if text]
    return bodies(found, ordered[:1]), texts


def spelled_part(name, letters):
    """The part of a name that letters spell: whole syllables, or the first letters of them."""
    sounds = name["sounds"].split(" ")
    for start in range(len(sounds)):
        for whole in (True, False):
            spelled = ""
            for end in range(start, len(sounds)):
                if sounds[end] == "-":
                    continue
                spelled += sounds[end] if whole else sounds[end][0]
                if spelled.startswith(letters):
                    return name["folded"][start : end + 1]
                if not letters.startswith(spelled):
                    break
    return name["folded"]


# --- slips of the pen -----------------------------------------------------------------------------


def by_likeness(connection, asked, check):
    """The bodies whose name is a slip away from what is written, best first; and what is meant.

    A slip is a wrong character, one too many, one too few, or two in each other's place; how many
    are forgiven depends on how much is written. Characters that sound alike are half a slip.
    `check` is called before each name, and may raise.
    """
    texts, rest = named(asked)
    written = "".join(re.findall(f"[{CHINESE}]", "".join(texts)))[:LONGEST_NAME]
    if len(written) < 2:
        return [], []
    sounds = readings(connection, written)
    known = {}
    for match in near(written, sounds):
        for name in names(connection, match, asked, CANDIDATES):
            known.setdefault((name["issuer_id"], name["folded"]), name)
    most, likely = forgiven(written), []
    for name in known.values():
        check()
        meant = likeness(written, sounds, name["folded"], name["sounds"].split(" "))
        if meant.cost <= most:
            likely.append((meant, name))
    if not likely:
        return [], []
    best = min(meant.cost for meant, _ in likely)
    # Sounding alike is a better reason than looking alike: nothing else is offered beside it.
    likely = [(meant, name) for meant, name in likely if meant.cost <= best + SOUND_ALIKE / 2]
    likely.sort(key=lambda pair: (pair[0].cost, len(pair[1]["folded"])))
    texts = list(dict.fromkeys(meant.text for meant, _ in likely))[:SUGGESTIONS]
    found = bodies([name for meant, name in likely if meant.text == texts[0]], texts[:1])
    return found, [" ".join([text, *rest]) for text in texts]


def forgiven(written):
    """How many slips: of two characters none but a character that sounds alike."""
    return 0.5 if len(written) < 4 else 1.0 if len(written) < 8 else 2.0


def readings(connection, text):
    """The toneless readings of each character; nothing for what has none."""
    known = dict(
        connection.execute(
            f"select character, sounds from search_sounds where character in "
            f"({placeholders(text)})",
            list(text),
        ).fetchall()
    )
    return [known.get(character, "").split() for character in text]


def near(written, sounds):
    """FTS5 expressions that find the names near to what is written.

    One finds names that sound alike. The others leave out one or two characters that follow one
    another, or what joins two: whatever else is right, some of them ask for that alone.
    """
    length = len(written)
    alike = [
        [f"{SOUNDED}{one}{SOUNDED}{two}" for one, two in product(first, second)]
        for first, second in pairwise(sounds)
    ]
    if all(alike):
        yield " AND ".join(f"({' OR '.join(map(quoted, pair))})" for pair in alike)
    for left_out in (1, 0, 2):
        for start in range(length - left_out + 1):
            parts = written[:start], written[start + left_out :]
            if len(written) - left_out < 2 or (not left_out and not all(parts)):
                continue
            tokens = []
            for part in parts:
                tokens += [part] if len(part) == 1 else map("".join, pairwise(part))
            yield " AND ".join(map(quoted, dict.fromkeys(tokens)))


def likeness(written, sounds, name, name_sounds):
    """What part of a name is nearest to what is written, by the least cost of slips."""
    # Each state: cost, and where in the name the part begins: at first, or after a place.
    before = [
        (0.0 if start == 0 or name[start - 1] in PLACE_WORDS else 1.0, start)
        for start in range(len(name) + 1)
    ]
    earlier = before
    for i, character in enumerate(written):
        current = [(before[0][0] + 1.0, 0)]
        for j, other in enumerate(name):
            if character == other:
                step = 0.0
            elif name_sounds[j : j + 1] and name_sounds[j] in sounds[i]:
                step = SOUND_ALIKE
            else:
                step = 1.0
            skipped = LEFT_OUT.get(other, 1.0)
            options = [
                (before[j][0] + step, before[j][1]),
                (before[j + 1][0] + 1.0, before[j + 1][1]),
                (current[j][0] + skipped, current[j][1]),
            ]
            if i and j and character == name[j - 1] and written[i - 1] == other != character:
                options.append((earlier[j - 1][0] + 1.0, earlier[j - 1][1]))
            current.append(min(options, key=lambda option: (option[0], -option[1])))
        earlier, before = before, current
    cost, end = min((state[0], end) for end, state in enumerate(before))
    return Meant(name[before[end][1] : end], cost)


def namelike(asked):
    """Whether what is written ends as bodies' names end."""
    text = "".join(named(asked)[0])
    return len(text) > 3 and NAMELIKE.search(text) is not None
