"""Search: every two-character word is found, in the names of bodies, in titles, in the text."""

from __future__ import annotations

import re
import sqlite3
import unicodedata

from datasette import hookimpl
from datasette.database import QueryInterrupted
from datasette.utils import sqlite_timelimit

from .answers import DATABASE, csv_response, json_response, page, page_number

MOST_HITS = 200
MOST_CANDIDATES = 2000
PER_PAGE = 20
LONGEST_QUERY = 100
MOST_WORDS = 8
CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
RUN = re.compile(f"[a-z0-9]+|[{CHINESE}]+")
BROKEN_LINE = re.compile(f"(?<=[{CHINESE}])\\s+(?=[{CHINESE}])")
COLUMNS = ("report_id", "version_id", "issuer_id", "issuer_name", "title", "year", "status")


def normal(text):
    """The text as it is compared: full-width forms folded, lower case."""
    return unicodedata.normalize("NFKC", text or "").lower()


def query_words(query):
    """The query's words as they are looked for, at most MOST_WORDS of them, each once."""
    return list(dict.fromkeys(normal(query[:LONGEST_QUERY]).split()))[:MOST_WORDS]


def index_tokens(word):
    """The tokens that every text with this word has in the index; none for a single character.

    A run's single Chinese character is left out: within a longer run it is no token of its own.
    """
    tokens = []
    for run in RUN.findall(word):
        if run[0].isascii():
            tokens.append(run)
        else:
            tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return tokens


def match_expression(words):
    """An FTS5 expression that holds for every text with these words, each token quoted."""
    tokens = dict.fromkeys(token for word in words for token in index_tokens(word))
    return " AND ".join('"' + token.replace('"', '""') + '"' for token in tokens)


def snippet(text, words, before=28, after=90):
    """The text around its first hit as (is a hit, text) pieces; its beginning where none hits."""
    printed = " ".join(BROKEN_LINE.sub("", text or "").split())
    flat = normal(printed)
    # Folding seldom changes the length of a text; where it does, the folded text is shown.
    printed = printed if len(printed) == len(flat) else flat
    places = [flat.find(word) for word in words if word in flat]
    start = max(0, min(places, default=0) - before)
    cut, shown = (whole[start : start + before + after] for whole in (flat, printed))
    if not words:
        return [(False, shown)]
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len)[::-1]))
    pieces, end = [], 0
    for hit in pattern.finditer(cut):
        pieces += [(False, shown[end : hit.start()]), (True, shown[hit.start() : hit.end()])]
        end = hit.end()
    pieces.append((False, shown[end:]))
    if start:
        pieces.insert(0, (False, "……"))
    if start + before + after < len(flat):
        pieces.append((False, "……"))
    return [piece for piece in pieces if piece[1]]


def holds_all(column, words):
    """SQL that asks for every word in a column, and its parameters."""
    return " and ".join(f"instr(lower({column}), ?) > 0" for _ in words), list(words)


def rank(row, words):
    """Where the words were found: 0 in the body's name, 1 in name and title, 2 in the text."""
    name, title = normal(row["issuer_name"]), normal(row["title"])
    if all(word in name for word in words):
        return 0
    return 1 if all(word in name or word in title for word in words) else 2


def name_statement(words):
    """Reports of the bodies whose name holds every word: there are far fewer bodies than texts."""
    where, parameters = holds_all("name", words)
    return (
        f"""
        select reports.id as report_id, reports.current_version as version_id,
            issuers.id as issuer_id, issuers.name as issuer_name, reports.title, reports.year,
            reports.status, '' as text
        from reports join issuers on issuers.id = reports.issuer_id
        where issuers.id in (select id from issuers where {where})
        order by reports.year desc, reports.id limit {MOST_HITS}
        """,
        parameters,
    )


def text_statement(words):
    """Candidates by their text, newest rows first; the index narrows them where it can."""
    tokens = match_expression(words)
    if tokens:
        return (
            f"""
            select {", ".join(COLUMNS)}, text from search_docs where rowid in (
                select rowid from search_fts where search_fts match ?
                order by rowid desc limit {MOST_CANDIDATES})
            order by rowid desc
            """,
            [tokens],
        )
    where, parameters = holds_all("text", words)
    return (
        f"select {', '.join(COLUMNS)}, text from search_docs where {where} order by rowid desc",
        parameters,
    )


def by_text(words, limit_ms):
    """A reader of the rows whose name, title and text together hold every word."""

    def read(connection):
        found, tried = [], 0
        sql, parameters = text_statement(words)
        try:
            with sqlite_timelimit(connection, limit_ms):
                for row in connection.execute(sql, parameters):
                    tried += 1
                    whole = f"{row['issuer_name']} {row['title']} {row['text']}".lower()
                    if not all(word in whole for word in words):
                        whole = normal(whole)
                    if all(word in whole for word in words):
                        found.append(dict(row))
                        if len(found) == MOST_HITS:
                            return found, False
        except sqlite3.OperationalError:
            # Out of time, or a snapshot without its search tables: what was found still answers.
            return found, False
        return found, tried < MOST_CANDIDATES

    return read


async def named_rows(database, words):
    sql, parameters = name_statement(words)
    try:
        found = [dict(row) for row in (await database.execute(sql, parameters)).rows]
    except QueryInterrupted:
        return [], False
    return found, len(found) < MOST_HITS


async def find(database, words, limit_ms):
    """Hits, best first (name, then title, then text; newest first within), and completeness."""
    if not words:
        return [], True
    named, all_named = await named_rows(database, words)
    texts, all_texts = await database.execute_fn(by_text(words, limit_ms))
    hits = {row["report_id"]: {**row, "rank": rank(row, words)} for row in named}
    for row in texts:
        known = hits.get(row["report_id"])
        if known is None:
            hits[row["report_id"]] = {**row, "rank": rank(row, words)}
        elif not known["text"] or row["version_id"] == known["version_id"]:
            known["text"] = row["text"]
    ranked = sorted(
        hits.values(), key=lambda hit: (hit["rank"], -(hit["year"] or 0), hit["report_id"])
    )
    return ranked[:MOST_HITS], all_named and all_texts and len(ranked) <= MOST_HITS


async def printed_texts(database, versions):
    """The chapters of versions as printed: the index holds them folded."""
    found = await database.execute(
        "select version_id, heading, text from sections where version_id in "
        f"({', '.join('?' * len(versions))}) order by version_id, number",
        versions,
    )
    texts = {}
    for version, heading, text in found.rows:
        texts[version] = "\n".join(filter(None, (texts.get(version), heading, text)))
    return texts


async def search(datasette, request):
    query = (request.args.get("q") or "").strip()[:LONGEST_QUERY]
    words = query_words(query)
    database = datasette.get_database(DATABASE)
    hits, complete = await find(database, words, datasette.setting("sql_time_limit_ms"))
    pages = max(1, -(-len(hits) // PER_PAGE))
    number = min(page_number(request), pages)
    shown = hits[(number - 1) * PER_PAGE : number * PER_PAGE]
    printed = await printed_texts(database, [hit["version_id"] for hit in shown])
    for hit in shown:
        hit["text"] = printed.get(hit["version_id"], hit["text"])
        hit["pieces"] = snippet(hit["text"], words)
        hit["title_pieces"] = snippet(hit["title"], words, 200, 200)
        hit["name_pieces"] = snippet(hit["issuer_name"], words, 100, 100)
    if request.url_vars.get("format"):
        results = [
            {
                **{name: hit[name] for name in COLUMNS},
                "path": f"/r/{hit['report_id']}",
                "found_in": ("issuer_name", "title", "text")[hit["rank"]],
                "snippet": "".join(text for _, text in hit["pieces"]),
            }
            for hit in shown
        ]
        if request.url_vars["format"] == "csv":
            return csv_response(results, [*COLUMNS, "path", "found_in", "snippet"])
        return json_response(
            {
                "query": query,
                "words": words,
                "count": len(hits),
                "complete": complete,
                "page": number,
                "pages": pages,
                "results": results,
            }
        )
    return await page(
        datasette,
        request,
        "search.html",
        query_text=query,
        hits=shown,
        count=len(hits),
        complete=complete,
        page=number,
        pages=pages,
        first=(number - 1) * PER_PAGE + 1,
    )


@hookimpl
def register_routes():
    return [(r"^/search(?:\.(?P<format>json|csv))?$", search)]
