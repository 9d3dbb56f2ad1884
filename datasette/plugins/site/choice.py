"""What a reader of the comparison chose: read from the address, checked, and written back to it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from . import named
from .answers import remembered, rows
from .asked import Asked, read_query, simplified
from .checks import KEY
from .divisions import places_named, read_code, whole_code
from .found import OutOfTime, within
from .record import all_fields
from .wording import WORDS

MOST_ITEMS = 6
MOST_BODIES = 20
# Bodies offered where a name fits several.
MOST_OFFERED = 20
# Names that fit no body exactly are looked for as words, in pinyin, as a slip: so many of them.
MOST_UNSURE = 5
# Values of one parameter that are read at all, and how much of each.
MOST_VALUES, LONGEST_VALUE = 30, 100
FIRST_YEAR, LAST_YEAR = 2000, 2100
LEVELS = tuple(WORDS["level"])
# Sums the form defines and does not print: words for the parts of their keys.
SUM_ROWS = {
    "denied": "（三）不予公开 小计",
    "unavailable": "（四）无法提供 小计",
    "not_processed": "（五）不予处理 小计",
    "other": "（六）其他处理 小计",
    "litigation": "行政诉讼 两类合计",
}
FIGURE_ITEMS = WeakKeyDictionary()
METRIC_ITEMS = WeakKeyDictionary()
KEY_WORDS = WeakKeyDictionary()
# Words of the published formulas that stand for cells (`archive/metrics.py` has the same), and the
# formulas of what no cells give.
SPOKEN = {
    "totals": "(disputes.review.total + disputes.litigation.total)",
    "pendings": "(disputes.review.pending + disputes.litigation.pending)",
}
SPELLED = {
    "denial_ground_share": "一项理由的件数 ÷ 不予公开的件数",
    "requests_per_10k": "本年新收申请 ÷ 常住人口 × 10000",
    "yoy": "（本年 − 上年）÷ 上年",
    "zero_request_share": "新收申请为 0 的年报 ÷ 印有新收申请的年报",
    "on_time_rate": "在法定期限内发布年报的机关 ÷ 应发布年报的机关",
    "presence_rate": "有年报的机关 ÷ 应发布年报的机关",
    "identity_pass_rate": "成立的硬性勾稽关系 ÷ 可核验的硬性勾稽关系",
    "fill_rate": "读出数字的格 ÷ 表式全部格",
    "text_repeat_rate": "第一、五章中与本机关上一年度年报相同的字数 ÷ 这两章的字数",
}
SIGNS = {
    "[N-1]": "（上年）", "[N]": "（本年）", "[": "（", "]": " 年）", ">=": "≥", "/": "÷", "*": "×",
    "-": "−", "(": "（", ")": "）",
}  # fmt: skip
# What stands between the keys of a formula that can be told in words.
BETWEEN = re.compile(r"[\s\d+−×÷=≥（）本上年]*")
# How the form numbers its rows, and what it says beside them in brackets.
NUMBERING = re.compile(r"^(?:[一二三四五六七八九十]+、|（[一二三四五六七八九十]+）|\d+\.)")
ASIDE = re.compile("（[^）]*，[^）]*）")


@dataclass(frozen=True, slots=True)
class Item:
    """Something to compare: a metric, a cell of the form, or a sum the form defines."""

    kind: str  # metric, group (a metric of a group), figure, derived
    key: str
    zh: str
    unit: str = ""
    formula: str = ""
    spelled: str = ""
    note: str = ""
    forms: frozenset = frozenset()
    is_number: bool = True

    @property
    def flat(self):
        return self.key.replace(".", "__")

    @property
    def parameter(self):
        return "metric" if self.kind in ("metric", "group") else "figure"

    @property
    def has_n(self):
        return self.kind == "metric" and self.unit in ("%", "ratio")


@dataclass(frozen=True, slots=True)
class Fault:
    """A value of the address that cannot be used, and where to go instead: the places that tell
    more, or, where the value may mean several things (`is_question`), those to choose from."""

    name: str
    value: str
    why: str
    offers: tuple = ()  # (words, address)
    is_question: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compare (items), of whom (bodies, or a level and a region), for which years."""

    items: tuple = ()
    bodies: tuple = ()  # (id, name)
    level: str = ""
    region: tuple = ()  # (code, name)
    first: int | None = None
    last: int | None = None
    order: str = ""
    yoy: bool = False
    faults: tuple = field(default=(), compare=False)

    @property
    def is_group(self):
        return not self.bodies and bool(self.level or self.region)

    @property
    def is_ready(self):
        return bool(self.items) and (bool(self.bodies) or self.is_group)

    def parameters(self):
        pairs = [(item.parameter, item.key) for item in self.items]
        pairs += [("body", issuer) for issuer, _ in self.bodies]
        if self.level:
            pairs.append(("level", self.level))
        if self.region:
            pairs.append(("region", self.region[0]))
        if self.first is not None:
            pairs.append(("from", self.first))
        if self.last is not None:
            pairs.append(("to", self.last))
        if self.order:
            pairs.append(("sort", self.order))
        if self.yoy:
            pairs.append(("yoy", 1))
        return pairs

    def address(self, suffix="", **more):
        query = urlencode([*self.parameters(), *more.items()], safe=":,")
        return f"/compare{suffix}" + (f"?{query}" if query else "")


def cell_words(zh):
    """The official name of a cell in short: 予以公开, 行政复议 结果纠正."""
    row, _, column = ASIDE.sub("", zh).partition("｜")
    parts = [NUMBERING.sub("", part) for part in re.split("／|(?<!增)/", row)]
    if not column:
        return " ".join(parts[-2:])
    name = "".join(parts[-2:]) if parts[-1] == "总计" else parts[-1]
    column = column.rpartition("／")[2]
    return name if column == "总计" else f"{name} {column}"


def spelled(formula, names):
    """A formula over keys in Chinese, after the names of cells and metrics, (key: words); nothing
    where it says anything else."""
    for word, cells in {**SPOKEN, **SIGNS}.items():
        formula = formula.replace(word, cells)
    words = re.split(f"({KEY.pattern}|[a-z_]+)", formula)
    if any(key not in names for key in words[1::2]) or not BETWEEN.fullmatch("".join(words[::2])):
        return ""
    words[1::2] = [names[key] for key in words[1::2]]
    return re.sub(" ?(?=（)|(?<=）) ", "", "".join(words))


async def key_words(database):
    """What a key is called in a formula, for all cells and metrics; read once."""
    if database in KEY_WORDS:
        return KEY_WORDS[database]
    names = {key: cell_words(item.zh) for key, item in (await figure_items(database)).items()}
    known = await remembered(database, "select key, zh from metrics")
    names |= {row["key"]: row["zh"] for row in known}
    if names:
        KEY_WORDS[database] = names
    return names


async def formula_words(database, key, formula):
    """The formula of a metric (its key) or a rule in Chinese; nothing where it tells no sum."""
    return SPELLED.get(key) or spelled(formula, await key_words(database))


async def metric_items(database):
    """All metrics by key, in the order they are published; read once."""
    if database in METRIC_ITEMS:
        return METRIC_ITEMS[database]
    kinds = {"report": "metric", "group": "group"}
    known = await remembered(database, "select * from metrics order by rowid")
    items = {
        row["key"]: Item(
            kinds.get(row["computed"], "none"),
            row["key"],
            row["zh"],
            row["unit"].partition(" ")[0],
            row["formula"],
            await formula_words(database, row["key"], row["formula"]),
            row["note"],
        )
        for row in known
    }
    if items:
        METRIC_ITEMS[database] = items
    return items


async def figure_items(database):
    """All cells of the forms by key, then the sums the forms define and do not print; read once."""
    if database in FIGURE_ITEMS:
        return FIGURE_ITEMS[database]
    items = {
        cell["key"]: Item(
            "figure",
            cell["key"],
            cell["zh"],
            cell["unit"] if "元|" not in (cell["unit"] or "") else "",
            forms=frozenset(cell["years"]),
            is_number="元|" not in (cell["unit"] or ""),
        )
        for cell in await all_fields(database)
    }
    for derived in await rows(database, "select name from pragma_table_info('derived')"):
        name = derived["name"]
        key = name.replace("__", ".")
        if name == "version_id" or key in items:
            continue
        table, row, column = key.split(".")
        total = items.get(f"{table}.{row}.total")
        words = SUM_ROWS.get(row) or (total.zh.partition("｜")[0] if total else row)
        columns = {"total": "总计", "organizations": "法人或其他组织 小计"}
        beside = items.get(f"{table}.received_new.{column}") or items.get(
            f"{table}.review.{column}"
        )
        column_words = columns.get(column) or (
            re.split("[｜／]", beside.zh)[-1] if beside else column
        )
        items[key] = Item(
            "derived", key, f"{words}｜{column_words}", "件", forms=frozenset({2019, 2021})
        )
    # Before there is a snapshot there are no cells.
    if items:
        FIGURE_ITEMS[database] = items
    return items


def listed(request, name):
    """The values of a parameter that may be repeated or hold several, each once."""
    found = []
    for value in request.args.getlist(name):
        found += [part.strip() for part in re.split("[,，、\n]", value)]
    return list(dict.fromkeys(part[:LONGEST_VALUE] for part in found if part))[:MOST_VALUES]


async def read_choice(database, request):
    """The choice of an address. What cannot be used is left out and told as a fault."""
    faults = []
    items = await _items(database, request, faults)
    level = (request.args.get("level") or "").strip()[:LONGEST_VALUE]
    if level and level not in LEVELS:
        by_words = {words: key for key, words in WORDS["level"].items()}
        if level not in by_words:
            faults.append(Fault("level", level, f"没有这个层级；可用 {'、'.join(LEVELS)}"))
        level = by_words.get(level, "")
    first, last = _years(request, faults)
    order = (request.args.get("sort") or "").strip()[:LONGEST_VALUE]
    if order and order != "name" and order not in {item.key for item in items}:
        faults.append(Fault("sort", order, "排序须用所选的指标或字段，或 name"))
        order = ""
    choice = Choice(
        items=tuple(items),
        level=level,
        first=first,
        last=last,
        order=order,
        yoy=request.args.get("yoy") == "1",
    )
    bodies = await _bodies(database, request, choice, faults)
    choice = replace(choice, bodies=tuple(bodies))
    region = await _region(database, request, choice, faults)
    choice = replace(choice, region=region)
    if bodies and (choice.level or choice.region):
        choice = replace(choice, level="", region=())
        faults.append(
            Fault("level", level or region[1], "已指定机关，不再按层级和地区选择；二者择一")
        )
    of_groups = [item for item in items if item.kind == "group"]
    if of_groups and bodies:
        faults += [
            Fault("metric", item.key, f"「{item.zh}」是一组机关的指标，须按层级和地区选择")
            for item in of_groups
        ]
        kept = tuple(item for item in choice.items if item.kind != "group")
        choice = replace(choice, items=kept)
    return replace(choice, faults=tuple(faults))


async def _items(database, request, faults):
    metrics, figures = await metric_items(database), await figure_items(database)
    by_name = {item.zh: item for item in (*figures.values(), *metrics.values())}
    flat = {item.flat: item for item in (*figures.values(), *metrics.values())}
    found = []
    for name in ("metric", "figure"):
        for value in listed(request, name):
            item = metrics.get(value) or figures.get(value) or by_name.get(value) or flat.get(value)
            if item is None:
                kind, table = ("指标", "metrics") if name == "metric" else ("字段", "fields")
                faults.append(
                    Fault(name, value, f"没有这个{kind}", ((f"全部{kind}", f"/nianbao/{table}"),))
                )
            elif item.kind == "none":
                faults.append(Fault(name, value, f"「{item.zh}」不能单独比较：{item.note}"))
            elif item not in found:
                found.append(item)
    for item in found[MOST_ITEMS:]:
        faults.append(Fault(item.parameter, item.key, f"一次最多比较 {MOST_ITEMS} 项，此项未采用"))
    return found[:MOST_ITEMS]


def _years(request, faults):
    span = listed(request, "year")
    if len(span) == 1 and re.fullmatch(r"\d{4}\s*[-–—~～]\s*\d{4}", span[0]):
        span = re.findall(r"\d{4}", span[0])
    given = {
        "from": (request.args.get("from") or "").strip() or (min(span) if span else ""),
        "to": (request.args.get("to") or "").strip() or (max(span) if span else ""),
    }
    years = {}
    for name, value in given.items():
        text = value[:LONGEST_VALUE]
        if text and not (re.fullmatch(r"[12]\d{3}", text) and FIRST_YEAR <= int(text) <= LAST_YEAR):
            faults.append(Fault(name, text, "不是年度；年度是四位数字，如 2023"))
        elif text:
            years[name] = int(text)
    first, last = years.get("from"), years.get("to")
    if first and last and first > last:
        first, last = last, first
    return first, last


async def _bodies(database, request, choice, faults):
    values = listed(request, "body")
    for value in values[MOST_BODIES:]:
        faults.append(Fault("body", value, f"一次最多比较 {MOST_BODIES} 个机关，此机关未采用"))
    bodies, unsure = [], []
    for value in values[:MOST_BODIES]:
        known, is_certain = await bodies_named(database, value, len(unsure) < MOST_UNSURE)
        if len(known) == 1 and is_certain:
            bodies += [body for body in known if body not in bodies]
        else:
            unsure.append((value, known, is_certain))
    for value, known, is_certain in unsure:
        offers = []
        for issuer, name in known[:MOST_OFFERED]:
            chosen = replace(choice, bodies=(*bodies, (issuer, name)), level="", region=())
            offers.append((name, chosen.address()))
        if not known:
            why = "没有这样的机关"
            offers.append(("搜索", f"/search?{urlencode({'q': value})}"))
        elif not is_certain:
            why = "没有这样的机关，或许是"
        else:
            more = "，下列其中一部分" if len(known) > MOST_OFFERED else ""
            why = f"有不止一个机关的名称合于此{more}，请选定"
        faults.append(Fault("body", value, why, tuple(offers), bool(known)))
    return bodies


async def bodies_named(database, text, is_sought=True):
    """(id, name) of the bodies a text stands for, at most MOST_OFFERED and one more, and whether
    they are meant for certain: by id, by a name in full, by words in it; not by a likely slip.

    Without `is_sought` only by id or a name in full.
    """
    simple = simplified(text)
    exact = await rows(
        database,
        f"""
        select id, name from issuers where id = ? or name in (?, ?)
        order by id = ? desc limit {MOST_OFFERED + 1}
        """,
        *(text, text, simple, text),
    )
    if exact and exact[0]["id"] == text:
        exact = exact[:1]
    exact = exact or await rows(
        database,
        f"""
        select distinct issuers.id, issuers.name from issuer_names
        join issuers on issuers.id = issuer_id
        where issuer_names.name in (?, ?) limit {MOST_OFFERED + 1}
        """,
        *(text, simple),
    )
    if exact or not is_sought:
        return [(row["id"], row["name"]) for row in exact], True
    words, _ = read_query(text)
    asked = Asked(query=text, words=words)
    if not words:
        return [], True

    def read_names(connection):
        certain, found = [], []
        with suppress(OutOfTime), within(connection, database.ds.sql_time_limit_ms) as check:
            certain, _ = named.by_words(connection, asked)
            spelled = certain or named.by_spelling(connection, asked)[0]
            found = spelled or named.by_likeness(connection, asked, check)[0]
        ids = [body["issuer_id"] for body in found[: MOST_OFFERED + 1]]
        known = connection.execute(
            f"select id, name from issuers where id in ({', '.join('?' * len(ids))})", ids
        ).fetchall()
        return sorted(((row["id"], row["name"]) for row in known), key=lambda b: ids.index(b[0])), (
            bool(certain)
        )

    return await database.execute_fn(read_names)


async def _region(database, request, choice, faults):
    text = simplified((request.args.get("region") or "").strip()[:LONGEST_VALUE])
    if not text:
        return ()
    if read_code(text):
        code = whole_code(read_code(text))
        found = await rows(database, "select name from divisions where code = ?", code)
        return (code, found[0]["name"] if found else code)
    standing = await places_named(database, text, MOST_OFFERED + 1)
    if len(standing) == 1:
        return (standing[0]["code"], standing[0]["name"])
    if not standing:
        why = "没有这个地区；可用名称（江苏省、淮安市、洪泽区）或代码（320000；乡镇街道十二位）"
        faults.append(Fault("region", text, why))
        return ()
    offers = tuple(
        (
            f"{row['above'] or ''}{row['name']}" + ("（已撤销）" if row["until_year"] else ""),
            replace(choice, region=(row["code"], row["name"])).address(),
        )
        for row in standing[:MOST_OFFERED]
    )
    faults.append(Fault("region", text, "有不止一个地区叫这个名称，请选定", offers, True))
    return ()
