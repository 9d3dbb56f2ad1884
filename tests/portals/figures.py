"""Invented figures for the statutory tables: every identity of the form holds, year after year.

Nothing here knows of pages. A body's series of years comes from one seeded generator, so it is
the same in every process, and what a year carries out the next year carries in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

COLUMNS = (
    "natural_person",
    "enterprise",
    "research_institution",
    "public_interest_org",
    "legal_service_org",
    "other_org",
)

# The leaf rows of 三、本年度办理结果 and how often each is met.
WEIGHTS = {
    "granted": 38,
    "granted_partial": 9,
    "denied_state_secret": 1,
    "denied_law_prohibited": 2,
    "denied_security_stability": 1,
    "denied_third_party": 3,
    "denied_internal_affairs": 3,
    "denied_deliberative": 4,
    "denied_enforcement_file": 3,
    "denied_admin_query": 5,
    "unavailable_not_held": 24,
    "unavailable_needs_creation": 6,
    "unavailable_unclear": 4,
    "not_processed_petition": 6,
    "not_processed_repeat": 3,
    "not_processed_publication": 1,
    "not_processed_excessive": 1,
    "not_processed_reconfirm": 1,
}
OTHER_2019 = {"other": 3}
OTHER_2021 = {"other_not_corrected": 2, "other_fee_unpaid": 1, "other_misc": 3}

DISPUTES = ("review", "litigation_direct", "litigation_after_review")
OUTCOMES = ("upheld", "corrected", "other", "pending")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much a body has to do: requests and decisions in a usual year."""

    requests: int
    disputes: int = 0
    documents: int = 0
    regulations: int = 0
    licences: int = 0
    penalties: int = 0
    coercions: int = 0
    fees_wan: float = 0.0


def form_of(year: int) -> str:
    """The form a report year is printed on."""
    if year >= 2021:
        return "2021"
    return "2019" if year >= 2019 else "narrative"


def leaf_rows(form: str) -> tuple[str, ...]:
    """The rows that 三（七）总计 adds up, in the order of the form."""
    return (*WEIGHTS, *(OTHER_2021 if form == "2021" else OTHER_2019))


def series(seed: str, years: Iterable[int], scale: Scale) -> dict[int, dict[str, str]]:
    """All cells, as printed, of each year; years must rise and should follow each other."""
    random = Random(seed)
    carried = dict.fromkeys(COLUMNS, 0)
    stock = {"normative": 4 * scale.documents, "regulations": 9 * scale.regulations}
    items: dict[str, int] = {}
    found: dict[int, dict[str, str]] = {}
    for year in years:
        form = form_of(year)
        if form == "narrative":
            continue
        if form == "2021":
            cells = _disclosure_2021(random, scale, stock)
        else:
            cells = _disclosure_2019(random, scale, stock, items)
        cells |= {key: str(number) for key, number in _requests(random, scale, carried, form)}
        cells |= {key: str(number) for key, number in _disputes(random, scale)}
        found[year] = cells
    return found


def _about(random: Random, usual: float) -> int:
    return round(usual * random.uniform(0.72, 1.28))


def _requests(
    random: Random, scale: Scale, carried: dict[str, int], form: str
) -> list[tuple[str, int]]:
    leaves = leaf_rows(form)
    weights = WEIGHTS | (OTHER_2021 if form == "2021" else OTHER_2019)
    shares = (0.84, 0.08, 0.01, 0.01, 0.04, 0.02)
    rows: dict[str, dict[str, int]] = {
        row: dict.fromkeys(COLUMNS, 0)
        for row in ("received_new", "carried_in", *leaves, "concluded_total", "carried_out")
    }
    for column, share in zip(COLUMNS, shares, strict=True):
        received = _about(random, scale.requests * share)
        workload = received + carried[column]
        left = random.randint(0, workload // 12)
        rows["received_new"][column] = received
        rows["carried_in"][column] = carried[column]
        for row in random.choices(leaves, [weights[leaf] for leaf in leaves], k=workload - left):
            rows[row][column] += 1
        rows["concluded_total"][column] = workload - left
        rows["carried_out"][column] = carried[column] = left
    return [
        (f"requests.{row}.{column}", number)
        for row, by_column in rows.items()
        for column, number in (*by_column.items(), ("total", sum(by_column.values())))
    ]


def _disputes(random: Random, scale: Scale) -> list[tuple[str, int]]:
    found = []
    for block, share in zip(DISPUTES, (1.0, 0.45, 0.3), strict=True):
        counts = dict.fromkeys(OUTCOMES, 0)
        for outcome in random.choices(
            OUTCOMES, (7, 1, 2, 1), k=_about(random, scale.disputes * share)
        ):
            counts[outcome] += 1
        counts["total"] = sum(counts.values())
        found += [(f"disputes.{block}.{column}", number) for column, number in counts.items()]
    return found


def _disclosure_2021(random: Random, scale: Scale, stock: dict[str, int]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for row, kind, usual in (
        ("regulations", "regulations", scale.regulations),
        ("normative_documents", "normative", scale.documents),
    ):
        issued = _about(random, usual)
        repealed = min(_about(random, usual * 0.7), stock[kind])
        stock[kind] += issued - repealed
        cells[f"disclosure.{row}.issued"] = str(issued)
        cells[f"disclosure.{row}.repealed"] = str(repealed)
        cells[f"disclosure.{row}.in_force"] = str(stock[kind])
    for row, usual in (
        ("licensing", scale.licences),
        ("penalties", scale.penalties),
        ("coercion", scale.coercions),
    ):
        cells[f"disclosure.{row}.decisions"] = str(_about(random, usual))
    amount = scale.fees_wan * random.uniform(0.8, 1.2)
    cells["disclosure.fees.amount_wan"] = f"{amount:.2f}".rstrip("0").rstrip(".") or "0"
    return cells


def _disclosure_2019(
    random: Random, scale: Scale, stock: dict[str, int], items: dict[str, int]
) -> dict[str, str]:
    cells: dict[str, str] = {}
    for row, kind, usual in (
        ("regulations", "regulations", scale.regulations),
        ("normative_documents", "normative", scale.documents),
    ):
        made = _about(random, usual)
        stock[kind] += made
        cells[f"disclosure.{row}.made"] = str(made)
        cells[f"disclosure.{row}.newly_published"] = str(made)
        cells[f"disclosure.{row}.published_total"] = str(stock[kind])
    for row, usual, decisions in (
        ("licensing", scale.licences, scale.licences),
        ("other_services", scale.licences // 3, scale.licences // 2),
        ("penalties", scale.penalties, scale.penalties),
        ("coercion", scale.coercions, scale.coercions),
        ("fees", round(scale.fees_wan), 0),
    ):
        before = items.setdefault(row, min(240, round(usual**0.5) * 3))
        change = random.randint(-min(before, 4), 9) if before else 0
        items[row] = before + change
        cells[f"disclosure.{row}.items_prev_year"] = str(before)
        cells[f"disclosure.{row}.items_change"] = f"{change:+d}" if change else "0"
        if row != "fees":
            cells[f"disclosure.{row}.decisions"] = str(_about(random, decisions))
    bought = _about(random, 3 + scale.requests / 8)
    cells["disclosure.procurement.items"] = str(bought)
    cells["disclosure.procurement.amount"] = f"{bought * random.randint(210, 980) / 10:.1f}万元"
    return cells


def shifted(cells: Mapping[str, str], row: str, column: str, by: int) -> dict[str, str]:
    """The cells after `by` more new requests ended in `row`: every identity still holds."""
    changed = dict(cells)
    for touched in ("received_new", row, "concluded_total"):
        for place in (column, "total"):
            key = f"requests.{touched}.{place}"
            changed[key] = str(int(changed[key]) + by)
    return changed


def number_of(printed: str | None) -> int:
    """A printed count as a number; what is blank or struck out counts nothing."""
    return int(printed) if printed and printed.lstrip("+-").isdigit() else 0
