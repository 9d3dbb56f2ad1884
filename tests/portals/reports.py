"""The bodies of the invented governments and the reports they publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.portals import figures, prose
from tests.portals.figures import Scale
from tests.portals.prose import Prose


@dataclass(frozen=True, slots=True)
class Body:
    """An administrative body that publishes reports; `trade` chooses what its prose speaks of."""

    name: str
    trade: str
    scale: Scale
    contact: str


@dataclass(frozen=True, slots=True)
class Report:
    """One body's report for one year. `cells` are printed strings: "" is a blank cell.

    `style` says how it is published: clean or word (tables in the page), pdf or docx (a page with
    an attachment only), pdf_link (the list links the file), both (in the page and as DOCX).
    `failing` names the identities that are wrong at source.
    """

    issuer: str
    year: int
    form: str
    style: str
    cells: Mapping[str, str]
    prose: Prose
    title: str
    published_on: str
    failing: tuple[str, ...] = ()

    def numbers(self) -> dict[str, str | None]:
        """The cells as a reader should have them: None where no number is printed.

        Signs of increase are dropped, as a number does not show them; units stay with money.
        """
        return {
            key: printed.removeprefix("+") if is_number(printed) else None
            for key, printed in self.cells.items()
        }


def is_number(printed: str) -> bool:
    """Whether a cell shows a number, be it signed, with decimals or with its unit."""
    return bool(printed) and printed.lstrip("+-")[:1].isdigit()


def series(body: Body, years: Mapping[int, tuple[str, str, str]]) -> dict[int, Report]:
    """A body's reports by year from {year: (style, published_on, title)}.

    Figures are made for every year of the span, so that gaps in publication do not break what is
    carried from year to year.
    """
    span = range(min(years), max(years) + 1)
    cells = figures.series(body.name, span, body.scale)
    return {
        year: _written(body, year, cells.get(year, {}), style, published_on, title)
        for year, (style, published_on, title) in years.items()
    }


def _written(
    body: Body, year: int, cells: Mapping[str, str], style: str, published_on: str, title: str
) -> Report:
    form = figures.form_of(year)
    signed = _chinese_date(published_on)
    if form == "narrative":
        text = prose.narrative(body.name, year, body.trade, signed_on=signed, contact=body.contact)
    else:
        text = prose.written(
            body.name,
            year,
            body.trade,
            cells,
            signed_on=signed,
            contact=body.contact,
            form=form,
        )
    return Report(body.name, year, form, style, cells, text, title, published_on)


def _chinese_date(iso: str) -> str:
    year, month, day = (int(part) for part in iso.split("-"))
    return f"{year}年{month}月{day}日"


def blanked(report: Report, mark: str, rows: tuple[str, ...] = ()) -> Report:
    """The report with `mark` printed for each 0 of the applicant columns ("" leaves it blank).

    Totals keep their 0, as most bodies print them. With `rows`, only the named rows.
    """
    cells = {
        key: mark
        if printed == "0" and _may_be_blank(key) and (not rows or key.split(".")[1] in rows)
        else printed
        for key, printed in report.cells.items()
    }
    return replace(report, cells=cells)


def _may_be_blank(key: str) -> bool:
    table, row, column = key.split(".")
    return (table == "requests" and column != "total") or (
        table == "disclosure" and row == "regulations"
    )


def with_cells(report: Report, **cells: str) -> Report:
    """The report with other cells, named by flat key (`requests__granted__total`)."""
    changed = {name.replace("__", "."): printed for name, printed in cells.items()}
    unknown = changed.keys() - report.cells.keys()
    if unknown:
        raise KeyError(f"{report.title}: no such cell {sorted(unknown)}")
    return replace(report, cells={**report.cells, **changed})


def wrong_by_one(report: Report, row: str) -> Report:
    """The report with the total of `row` off by one and nothing else moved, as sums go wrong.

    The row no longer adds up, and neither does the total column through it.
    """
    key = f"requests.{row}.total"
    cells = {**report.cells, key: str(int(report.cells[key]) + 1)}
    return replace(report, cells=cells, failing=(f"ROW.{row}", f"SUM.total@{report.form}"))


def edited(report: Report, body: Body, row: str, column: str) -> Report:
    """The report after a silent edit: one more request, its sums and its sentences follow."""
    cells = figures.shifted(report.cells, row, column, 1)
    text = _written(body, report.year, cells, report.style, report.published_on, report.title).prose
    return replace(report, cells=cells, prose=text)
