"""Which sites do we crawl? One row of portals.csv for each.

A portal is data, a CMS family is code: adding a city is a line in portals.csv, and only a
mechanism nobody has met before needs a new file in families/.

    python -m crawler.portals check [FILE]    is the table sound?
    python -m crawler.portals probe [FILE]    what do the home pages answer?
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import click

from archive.names import bodies
from crawler import families, links
from crawler.manners import refusal

REGISTRY = Path(__file__).with_name("portals.csv")
LEVELS = ("central", "province", "prefecture", "county", "township")
REQUIRED = ("id", "name", "division", "level", "home_url")
OPTIONAL = ("column_url", "family", "note")
# GB/T 2260 has no code for the state: this one says that a body is of no place.
WHOLE_COUNTRY = "000000"
# What others write for it; `level_of_code` takes it for a province.
WHOLE_COUNTRY_ELSEWHERE = "100000"
# Not a family: its pages show their lists only in a browser.
RENDER = "render"
# Where the sites of administrative bodies are registered.
OFFICIAL = ".gov.cn"


@dataclass(frozen=True, slots=True)
class Portal:
    """A government site: `division` is its GB/T 2260 code, the last three fields are hints."""

    id: str
    name: str
    division: str
    level: str
    home_url: str
    column_url: str = ""
    family: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a line of a registry says wrongly, with the remedy; a warning leaves it usable."""

    line: int
    chinese: str
    english: str
    is_error: bool = True

    def __str__(self) -> str:
        level = "错误 error" if self.is_error else "警告 warning"
        return f"{self.line}: {level}: {self.chinese} / {self.english}"


def read_portals(lines: Iterable[str]) -> dict[str, Portal]:
    """Portals by id, in the order of the file.

    Raises ValueError that names the line, the value and the remedy.
    """
    portals: dict[str, Portal] = {}
    for line, row in _rows(lines):
        wrong = row if isinstance(row, Finding) else next(_faults(row, line), None)
        if wrong is not None:
            raise ValueError(f"line {line}: {wrong.english}")
        assert isinstance(row, Portal)
        if row.id in portals:
            raise ValueError(f"line {line}: id {row.id!r} stands twice; choose another")
        portals[row.id] = row
    return portals


def chosen(portals: dict[str, Portal], only: str) -> dict[str, Portal]:
    """The portals whose ids `only` names, parted by commas; all for "".

    Raises ValueError for an id that the registry does not have.
    """
    wanted = [name.strip() for name in only.split(",")] if only else list(portals)
    for name in wanted:
        if name not in portals:
            raise ValueError(
                f"only={name!r}: the registry has no such portal; ids are in its first column"
            )
    return {name: portal for name, portal in portals.items() if name in set(wanted)}


def load_portals(path: Path = REGISTRY) -> dict[str, Portal]:
    """The registry in a file. Raises ValueError with the file's name before the line's."""
    lines = _lines(path)
    try:
        return read_portals(lines)
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(
            f"{path}: {error.strerror}; see how the registry's name is spelled"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, Portal | Finding]]:
    """Each row with its line; a row that is none, or a header that says none, as a finding."""
    rows = csv.reader(lines)
    header = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
    if wrong := _wrong_header(header):
        yield 1, Finding(1, *wrong)
        return
    is_bare = True
    while True:
        try:
            row = next(rows)
        except StopIteration:
            if is_bare:
                yield (
                    1,
                    Finding(
                        1, "只有表头；请一行写一个站点", "a header alone; write a row a portal"
                    ),
                )
            return
        except csv.Error as error:
            is_bare = False
            yield (
                rows.line_num,
                Finding(
                    rows.line_num, f"不是 CSV（{error}）", f"no CSV ({error}); mend the quotes"
                ),
            )
            continue
        if not any(value.strip() for value in row):
            continue
        is_bare = False
        line = rows.line_num
        if len(row) != len(header):
            yield (
                line,
                Finding(
                    line,
                    f"有 {len(row)} 个值，应有 {len(header)} 个；含逗号的值请加双引号",
                    f"{len(row)} values for {len(header)} columns; "
                    "put values with commas in double quotes",
                ),
            )
        else:
            yield line, Portal(**dict(zip(header, map(str.strip, row), strict=True)))


def _wrong_header(header: list[str]) -> tuple[str, str] | None:
    columns = ",".join(REQUIRED + OPTIONAL)
    if absent := [name for name in REQUIRED if name not in header]:
        return (
            f"表头缺少 {', '.join(absent)}；可用的列是 {columns}",
            f"the header lacks {', '.join(absent)}; "
            f"write {','.join(REQUIRED)} and, if wanted, {','.join(OPTIONAL)}",
        )
    if strange := [name for name in header if name not in REQUIRED + OPTIONAL]:
        return (
            f"没有名为 {strange[0]!r} 的列；可用的列是 {columns}",
            f"unknown column {strange[0]!r}; the columns are {columns}",
        )
    if len(set(header)) != len(header):
        return "有一列写了两次；每列只写一次", "a column is named twice; name each once"
    return None


def _faults(portal: Portal, line: int) -> Iterator[Finding]:
    """What keeps a row from being a portal at all."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", portal.id):
        yield Finding(
            line,
            f"id {portal.id!r} 只能用小写字母、数字和单个连字符",
            f"id {portal.id!r} must be lower-case letters, digits and single hyphens",
        )
    if not portal.name:
        yield Finding(
            line,
            "name 是空的；请写网站所属机关的中文全称",
            "the name is empty; write the site's full Chinese name",
        )
    if not re.fullmatch(r"[0-9]{6}", portal.division):
        yield Finding(
            line,
            f"division {portal.division!r} 应为 GB/T 2260 的六位数字代码",
            f"division {portal.division!r} must be the six digits of GB/T 2260",
        )
    if portal.level not in LEVELS:
        yield Finding(
            line,
            f"level {portal.level!r} 应为 {', '.join(LEVELS)} 之一",
            f"level {portal.level!r} must be one of {', '.join(LEVELS)}",
        )
    for column in ("home_url", "column_url"):
        url = getattr(portal, column)
        if (url or column == "home_url") and not _is_web_address(url):
            yield Finding(
                line,
                f"{column} {url!r} 应为完整的 http:// 或 https:// 地址",
                f"{column} {url!r} must be a whole http:// or https:// address",
            )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


# Is the table sound?


def findings(
    lines: Iterable[str], *, allow_private: bool = False
) -> tuple[list[Portal], list[Finding]]:
    """The rows that are portals, and all there is to say against the table, by line.

    `allow_private` admits addresses of one's own machine.
    """
    portals: list[Portal] = []
    found: list[Finding] = []
    ids: dict[str, int] = {}
    sites: dict[str, int] = {}
    for line, row in _rows(lines):
        if isinstance(row, Finding):
            found.append(row)
            continue
        faults = list(_faults(row, line))
        found += faults
        if not faults:
            portals.append(row)
            found += _place_faults(row, line)
            found += _address_faults(row, line, allow_private=allow_private)
            found += _doubts(row, line)
            site = site_of(row.home_url)
            if (first := sites.setdefault(site, line)) != line:
                found.append(
                    Finding(
                        line,
                        f"home_url {row.home_url!r} 与第 {first} 行是同一网站；请合并为一行",
                        f"home_url {row.home_url!r} is the site of line {first}; "
                        "make one row of both",
                    )
                )
        if (first := ids.setdefault(row.id, line)) != line:
            found.append(
                Finding(
                    line,
                    f"id {row.id!r} 第 {first} 行已用；请另取一个",
                    f"id {row.id!r} stands in line {first} too; choose another",
                )
            )
    return portals, sorted(found, key=lambda finding: (finding.line, not finding.is_error))


def site_of(url: str) -> str:
    """What makes an address another site than the next: neither http or https, nor www, nor a
    final slash or index page."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    path = re.sub(r"/(?:index|default)\.(?:s?html?|jsp|php|aspx?)$", "/", parts.path, flags=re.I)
    path = re.sub(r"/{2,}", "/", path).rstrip("/")
    return f"{host}{port}{path}" + (f"?{parts.query}" if parts.query else "")


@lru_cache(maxsize=1)
def _divisions() -> Mapping[str, bodies.Division]:
    lines = bodies.DIVISIONS.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    divisions: dict[str, bodies.Division] = {}
    for row in rows:
        until = int(row["until"]) if row["until"] else None
        one = bodies.Division(row["code"], row["name"], until, row["now"])
        if until is None or one.code not in divisions:
            divisions[one.code] = one
    return divisions


def _place_faults(portal: Portal, line: int) -> Iterator[Finding]:
    code, level = portal.division, portal.level
    if level == "central" or code in (WHOLE_COUNTRY, WHOLE_COUNTRY_ELSEWHERE):
        yield from _central_faults(portal, line)
        return
    place = _divisions().get(code)
    if place is None:
        yield Finding(
            line,
            f"division {code!r} 不在现行 GB/T 2260 中；请查 archive/names/divisions.csv",
            f"division {code!r} is no code of GB/T 2260; look it up in archive/names/divisions.csv",
        )
        return
    if place.until is not None:
        today = _divisions().get(place.now)
        now = f"{today.code} {today.name}" if today else ""
        yield Finding(
            line,
            f"division {code!r}（{place.name}）已于 {place.until} 年撤销；"
            f"{f'现为 {now}' if now else '请写其所在地现行代码'}",
            f"division {code!r} ({place.name}) went in {place.until}; "
            f"{f'write {now}' if now else 'write the code of the place it lies in today'}",
        )
        return
    means = bodies.level_of_code(code)
    fits = ("county", "prefecture") if level == "township" else (level,)
    # A zone of the province's may rank above the county it lies in.
    is_zone = any(zone in portal.name for zone in bodies.ZONES)
    ranks = bodies.describe(portal.name, None, code).level if is_zone else None
    if means not in fits and ranks != level:
        yield Finding(
            line,
            f"level {level!r} 与 division {code}（{place.name}）不符；该代码属 {means} 级",
            f"level {level!r} does not fit division {code} ({place.name}), which is a {means}'s; "
            "mend one of them",
        )
    named = bodies.locate(portal.name, code)
    if named and not bodies.related(named[1], code):
        yield Finding(
            line,
            f"name {portal.name!r} 说的是 {named[0]}（{named[1]}），division 却是 {code}"
            f"（{place.name}）；请核对",
            f"name {portal.name!r} speaks of {named[0]} ({named[1]}), division {code} is "
            f"{place.name}; see which is right",
            is_error=False,
        )


def _central_faults(portal: Portal, line: int) -> Iterator[Finding]:
    if portal.level != "central":
        yield Finding(
            line,
            f"division {portal.division!r} 不是 {portal.level} 级的代码；请写该地的 GB/T 2260 代码",
            f"division {portal.division!r} is no {portal.level}'s; write its code of GB/T 2260",
        )
    elif portal.division == WHOLE_COUNTRY_ELSEWHERE:
        yield Finding(
            line,
            f"division {portal.division!r} 不是 GB/T 2260 代码；中央机关请写 {WHOLE_COUNTRY}",
            f"division {portal.division!r} is no code of GB/T 2260; "
            f"for central bodies write {WHOLE_COUNTRY}",
            is_error=False,
        )
    elif portal.division != WHOLE_COUNTRY:
        yield Finding(
            line,
            f"中央机关的 division 应为 {WHOLE_COUNTRY}，不是 {portal.division!r}",
            f"division of a central body must be {WHOLE_COUNTRY}, not {portal.division!r}",
        )


def _address_faults(portal: Portal, line: int, *, allow_private: bool) -> Iterator[Finding]:
    for column in ("home_url", "column_url"):
        url = getattr(portal, column)
        if not url:
            continue
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            yield Finding(
                line,
                f"{column} {url!r} 含用户名或密码；请去掉",
                f"{column} {url!r} holds a user name or password; take it out",
            )
        is_route = portal.family == RENDER and parts.fragment.startswith(("/", "!"))
        if "#" in url and not is_route:
            yield Finding(
                line,
                f"{column} {url!r} 含 # 片段，服务器看不到；请去掉",
                f"{column} {url!r} has a #fragment, which no server sees; take it out",
            )
        if re.search(r"\s", url):
            yield Finding(
                line,
                f"{column} {url!r} 含空格；请写成 %20 或去掉",
                f"{column} {url!r} holds a space; write %20 or take it out",
            )
        if refusal(url, allow_loopback=allow_private):
            yield Finding(
                line,
                f"{column} {url!r} 不是公网地址，抓取时会被拒绝；请写公开网址",
                f"{column} {url!r} is no public address and would be refused; write the public one",
            )


def _doubts(portal: Portal, line: int) -> Iterator[Finding]:
    host = (urlsplit(portal.home_url).hostname or "").rstrip(".")
    if not host.endswith(OFFICIAL) and not links.is_address(host):
        yield Finding(
            line,
            f"home_url {portal.home_url!r} 不在 {OFFICIAL} 下，仿冒站点很多；请核实",
            f"home_url {portal.home_url!r} is not under {OFFICIAL}, where copied sites abound; "
            "make sure it is genuine",
            is_error=False,
        )
    column = (urlsplit(portal.column_url).hostname or "").rstrip(".")
    if column and links.registrable(column) != links.registrable(host):
        yield Finding(
            line,
            f"column_url {portal.column_url!r} 与首页不是同一网站；请核实",
            f"column_url {portal.column_url!r} is on another site than the home page; "
            "make sure it is this portal's",
            is_error=False,
        )
    if portal.family and portal.family not in (known := families_known()):
        yield Finding(
            line,
            f"family {portal.family!r} 没有对应的模块，不起作用；可用的是 {', '.join(known)}",
            f"family {portal.family!r} names no module and changes nothing; "
            f"there are {', '.join(known)}",
            is_error=False,
        )
    if not portal.note:
        yield Finding(
            line,
            "note 是空的；请写明依据（出处、何时见到），凭记忆的写 unverified",
            "the note is empty; write the evidence (source, when seen), or unverified",
            is_error=False,
        )


def families_known() -> tuple[str, ...]:
    """What the column `family` may name."""
    names = (family.__name__.rpartition(".")[2] for family in families.FAMILIES)
    return (*sorted(names), RENDER)


# The commands.

registry_argument = click.argument(
    "registry", metavar="[FILE]", default=REGISTRY, type=click.Path(path_type=Path)
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """站点表：检查与探测 / The registry of portals: check it, probe it."""


@main.command()
@registry_argument
@click.option(
    "--allow-private", is_flag=True, help="允许本机地址 / Admit addresses of this machine."
)
def check(registry: Path, allow_private: bool) -> None:
    """检查站点表，有错误时退出码为 1 / Is the table sound? Exit status 1 on errors."""
    try:
        lines = _lines(registry)
    except ValueError as error:
        raise click.ClickException(f"无法读取 / {error}") from error
    portals, found = findings(lines, allow_private=allow_private)
    for finding in found:
        click.echo(f"{registry}:{finding}")
    errors = sum(finding.is_error for finding in found)
    levels = Counter(portal.level for portal in portals)
    counted = ", ".join(f"{level} {levels[level]}" for level in LEVELS if levels[level])
    unverified = sum("unverified" in portal.note for portal in portals)
    of = f" ({counted}; 未核实 unverified {unverified})" if portals else ""
    click.echo(
        f"{registry}: {len(portals)} 个站点 portals{of}; "
        f"错误 errors {errors}, 警告 warnings {len(found) - errors}"
    )
    sys.exit(1 if errors else 0)


@main.command(short_help="礼貌地各问一次首页 / Ask each home page once, politely.")
@registry_argument
@click.option("--only", default="", help="只问这些 id，逗号分隔 / Only these ids: ID,ID.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="结果写入 .csv 或 .json / Write the results to a .csv or .json file.",
)
@click.option(
    "-s", "settings", multiple=True, metavar="NAME=VALUE", help="Scrapy 设置 / A setting of Scrapy."
)
def probe(registry: Path, only: str, out: Path | None, settings: tuple[str, ...]) -> None:
    """礼貌地各问一次首页 / Ask each home page once, politely, and say what it answers."""
    # A reactor is installed for those who ask the network only.
    from crawler import probe as asking

    try:
        portals = load_portals(registry)
    except ValueError as error:
        raise click.ClickException(f"站点表有误 / {error}") from error
    wanted = [one.strip() for one in only.split(",") if one.strip()]
    if strange := [one for one in wanted if one not in portals]:
        raise click.ClickException(
            f"站点表中没有 {', '.join(strange)} / {registry} has no id {', '.join(strange)}"
        )
    if out is not None and out.suffix.lower() not in asking.FORMATS:
        raise click.ClickException(
            f"--out {out} 的后缀应为 {' 或 '.join(asking.FORMATS)} / "
            f"{out} must end in {' or '.join(asking.FORMATS)}"
        )
    chosen = [portal for portal in portals.values() if not wanted or portal.id in wanted]
    questions = [asking.Question(portal.id, portal.name, portal.home_url) for portal in chosen]
    try:
        options = dict(asking.setting(one) for one in settings)
        answers = asking.ask(questions, options)
        if out is not None:
            asking.write(answers, out)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{out} 写不了 / {out} cannot be written to ({error.strerror}); choose another file"
        ) from error
    asking.show(answers)
    if len(answers) < len(questions):
        click.echo(
            f"中断：问了 {len(answers)} / {len(questions)} 个 / broken off after {len(answers)}",
            err=True,
        )
        sys.exit(asking.BROKEN_OFF)


if __name__ == "__main__":
    main()
