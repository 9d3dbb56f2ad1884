"""A page's bitmap -> its ruled tables as boxes: straightened, evenly lit, cells with their spans.

All lengths are pixels; `size` is the height of the page's characters, which every threshold is a
multiple of, so that no resolution is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Pixel = TypeVar("Pixel", bound=np.generic)

# Of an evenly lit page, darker is ink: faint figures are lost below 170, noise comes above 215.
INK = 195
DARK = 135  # Of the picture as it is: the ground of light print.
STEEPEST = 6.0
MOST_SQUARES = 2500  # The form has 28 by 10, the 统计表 70 by 3; graph paper has more.
WHOLE, BROKEN = 0.85, 0.72
SEAL = 4.0  # Characters across: a red shape this large is a stamp, a smaller one red print.
STAMP_INK = (110, 165)  # In the red channel stamped paper has more and print under it less.


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a bitmap, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def of(self, picture: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
        """The part of a picture in this rectangle."""
        return picture[max(0, self.top) : self.bottom, max(0, self.left) : self.right]


@dataclass(frozen=True, slots=True)
class RuledCell:
    """A cell between ruling lines: where it begins, what it covers, and its box inside them."""

    row: int
    column: int
    rowspan: int
    colspan: int
    box: Box


@dataclass(frozen=True, slots=True)
class RuledTable:
    """A table of at least two cells in a row somewhere; cells in row order."""

    box: Box
    cells: tuple[RuledCell, ...]


def without_seals(colours: Gray) -> Gray:
    """The picture in grey; stamps in red are bleached and the black print under them stays."""
    grey: Gray = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    channels = colours.astype(np.int16)
    redness = channels[:, :, 0] - np.maximum(channels[:, :, 1], channels[:, :, 2])
    red = redness > 45
    if np.count_nonzero(red) < 200:
        return grey
    gap = max(3, colours.shape[1] // 200)
    joined = cv2.dilate(red.astype(np.uint8), np.ones((gap, gap), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    least = SEAL * character_size(ink(grey))
    for left, top, width, height, _ in stats[1:]:
        # A stamp is round or square; a red headline or the rule under it is long and flat.
        if min(width, height) >= least and max(width, height) <= 2.2 * min(width, height):
            spot = Box(int(left), int(top), int(left + width), int(top + height))
            # Red ink is bright in the red channel, black print is dark in all three. Colours of
            # a JPEG bleed by two pixels.
            reddish = (spot.of(redness) > 14).astype(np.uint8)
            touched = cv2.dilate(reddish, np.ones((3, 3), np.uint8)) > 0
            bleached = np.interp(spot.of(colours)[:, :, 0], STAMP_INK, (STAMP_INK[0], 255))
            spot.of(grey)[touched] = bleached.astype(np.uint8)[touched]
    return grey


def on_paper(grey: Gray) -> Gray:
    """The picture with its dark fields turned over: white print on blue becomes dark on light.

    Of a scan this also clears the black edge around a page smaller than the glass.
    """
    unit = max(4, round(grey.shape[1] / 250))
    dark = np.where(grey < DARK, 255, 0).astype(np.uint8)
    fields = _opened(dark, unit, unit)
    outlines, _ = cv2.findContours(fields, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    paper = grey.copy()
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        spot = Box(left, top, left + width, top + height)
        # Heavy strokes of a headline are smaller, frames of thick lines are mostly hollow.
        solid = np.count_nonzero(spot.of(fields)) >= 0.4 * width * height
        if min(width, height) < 4 * unit or not solid:
            continue
        inside = np.zeros((height, width), np.uint8)
        cv2.drawContours(inside, [outline], -1, (1,), cv2.FILLED, offset=(-left, -top))
        light = 255 - spot.of(grey).astype(np.float32)
        ground = float(np.median(light[spot.of(fields) > 0]))
        flat = np.minimum(light * (255 / max(ground, 1)), 255).astype(np.uint8)
        spot.of(paper)[inside > 0] = flat[inside > 0]
        # Light lines between dark fields would be lost on light paper.
        cv2.drawContours(paper, [outline], -1, (0,), 2)
    return paper


def even(grey: Gray) -> Gray:
    """The picture on pure white with its darkest print near black: shadows and tints are gone."""
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    ground = cv2.GaussianBlur(cv2.dilate(small, np.ones((7, 7), np.uint8)), (0, 0), 4)
    ground = cv2.resize(ground, (grey.shape[1], grey.shape[0])).astype(np.float32)
    lit = np.minimum(grey.astype(np.float32) / np.maximum(ground, 1), 1)
    # Most of a page is paper: what differs there from pixel to pixel is the scanner's noise.
    steps = np.abs(np.diff(grey[::2].astype(np.int16), axis=1))
    noise = float(np.median(steps)) / max(float(np.median(ground)), 1)
    # A page of three lines has little ink, and one of none must not have its noise drawn up.
    dark = min(float(np.percentile(lit, 0.02)), 0.75, max(0.0, 1 - 10 * noise))
    flat = np.clip((lit - dark) / (1 - dark) * 255, 0, 255).astype(np.uint8)
    if noise / (1 - dark) < 0.02:
        return flat
    return cv2.GaussianBlur(flat, (0, 0), 0.7).astype(np.uint8)


def ink(flat: Gray) -> Gray:
    """255 where there is ink and 0 elsewhere, judged against the neighbourhood."""
    found = cv2.adaptiveThreshold(
        flat, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12
    )
    return found.astype(np.uint8)


def character_size(mask: Gray) -> float:
    """The height of most characters, at least 8; long lines and specks do not count."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    width, height = stats[1:, 2], stats[1:, 3]
    letters = height[
        (height >= 6) & (height <= 120) & (width <= 3 * height) & (height <= 4 * width)
    ]
    return max(8.0, float(np.percentile(letters, 75))) if letters.size >= 5 else 16.0


def tilt(mask: Gray) -> float:
    """How many degrees the page is turned anticlockwise, within six; 0.0 where nothing tells."""
    scale = min(1.0, 900 / max(mask.shape))
    small = cv2.resize(mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    middle = (small.shape[1] / 2, small.shape[0] / 2)

    def sharpness(angle: float) -> float:
        turn = cv2.getRotationMatrix2D(middle, angle, 1)
        turned = cv2.warpAffine(small, turn, (small.shape[1], small.shape[0]))
        rows = turned.sum(axis=1, dtype=np.float64)
        return float(np.square(np.diff(rows)).sum())

    best = max(np.arange(-STEEPEST, STEEPEST + 0.1, 0.5), key=sharpness)
    best = max(np.arange(best - 0.4, best + 0.41, 0.1), key=sharpness)
    best = max(np.arange(best - 0.08, best + 0.081, 0.02), key=sharpness)
    return 0.0 if abs(best) < 0.05 else float(-best)


def straightened(picture: Gray, angle: float) -> Gray:
    """The picture turned back by `angle` degrees, white where it had nothing."""
    if not angle:
        return picture
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1)
    white = (255, 255, 255)
    return cv2.warpAffine(
        picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=white
    ).astype(np.uint8)


def _opened(mask: Gray, across: int, down: int) -> Gray:
    return cv2.morphologyEx(
        mask, cv2.MORPH_OPEN, np.ones((max(1, down), max(1, across)), np.uint8)
    ).astype(np.uint8)


def ruled_tables(mask: Gray, size: float) -> tuple[list[RuledTable], Gray]:
    """The tables of a straight page from top to bottom, and a mask of their ruling lines."""
    lines = np.zeros_like(mask)
    across = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8)).astype(np.uint8)
    down = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8)).astype(np.uint8)
    long_across = _opened(across, round(max(20, 2.2 * size)), 1)
    long_down = _uprights(_opened(down, 1, round(max(12, 1.2 * size))), long_across, size)
    joined = cv2.dilate(long_across | long_down, np.ones((5, 5), np.uint8))
    _, numbered, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    labels = np.asarray(numbered)
    found = []
    for label in range(1, len(stats)):
        left, top, width, height, _ = (int(value) for value in stats[label])
        if width < 4 * size or height < 2 * size:
            continue
        box = Box(left, top, left + width, top + height)
        own = box.of(labels) == label
        own_across = np.where(own, box.of(long_across), 0).astype(np.uint8)
        own_down = np.where(own, box.of(long_down), 0).astype(np.uint8)
        cells = _cells(
            own_across,
            own_down,
            _opened(box.of(mask), round(max(6, 0.5 * size)), 1),
            _opened(box.of(mask), 1, round(max(6, 0.5 * size))),
            size,
        )
        drawn = own_across | own_down
        margin = 2 + round(0.12 * size)
        for cell in cells:
            # What looks like a line amid a cell are aligned strokes of blurred print.
            inner = Box(
                cell.box.left + margin,
                cell.box.top + margin,
                cell.box.right - margin,
                cell.box.bottom - margin,
            )
            if inner.width > 0 and inner.height > 0:
                inner.of(drawn)[:] = 0
        box.of(lines)[:] |= drawn
        # A frame around text is no table, nor is a list of one column.
        if max((cell.column + cell.colspan for cell in cells), default=0) < 2:
            continue
        placed = tuple(
            RuledCell(
                cell.row,
                cell.column,
                cell.rowspan,
                cell.colspan,
                Box(
                    cell.box.left + left,
                    cell.box.top + top,
                    cell.box.right + left,
                    cell.box.bottom + top,
                ),
            )
            for cell in cells
        )
        found.append(RuledTable(box, placed))
    found.sort(key=lambda table: (table.box.top, table.box.left))
    return [table for table in found if not any(_inside(table, other) for other in found)], lines


def _inside(table: RuledTable, other: RuledTable) -> bool:
    inner, outer = table.box, other.box
    return (
        other is not table
        and outer.left <= inner.left
        and outer.top <= inner.top
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def _uprights(candidates: Gray, across: Gray, size: float) -> Gray:
    """Long vertical lines, and short ones that stand between two horizontal lines."""
    # A row is hardly taller than its characters, whose own strokes are as long.
    near = cv2.dilate(across, np.ones((5, 5), np.uint8))
    kept = np.zeros_like(candidates)
    _, found, stats, _ = cv2.connectedComponentsWithStats(candidates, connectivity=8)
    labels = np.asarray(found)
    for label, (left, top, width, height, _) in enumerate(stats):
        if label == 0 or width > max(6, 0.5 * size):
            continue
        ends = near[[max(0, top - 1), min(near.shape[0], top + height) - 1], left : left + width]
        if height >= 2.5 * size or ends.any(axis=1).all():
            spot = Box(int(left), int(top), int(left + width), int(top + height))
            spot.of(kept)[spot.of(labels) == label] = 255
    return kept


def _cells(
    across: Gray, down: Gray, short_across: Gray, short_down: Gray, size: float
) -> list[RuledCell]:
    near = max(3, round(0.3 * size))
    rows = _positions(across, size, axis=1)
    columns = _positions(down, size, axis=0)
    height, width = across.shape
    # Tables without lines at their sides end where their horizontal lines do.
    columns = _with_edges(columns, width, near)
    rows = _with_edges(rows, height, near)
    if len(rows) < 2 or len(columns) < 2 or len(rows) * len(columns) > MOST_SQUARES:
        return []
    floors = _mended(_covered(short_across, rows, columns, near))
    walls = _covered(short_down.T, columns, rows, near).T
    best: list[tuple[int, int, int, int]] = []
    fewest = None
    for least in (WHOLE, 0.65, 0.45):
        spans, odd = _spans(floors >= least, walls >= least)
        if fewest is None or odd < fewest:
            best, fewest = spans, odd
        if not odd:
            break
    kept_rows = sorted({row for row, _, _, _ in best} | {row + down for row, _, down, _ in best})
    kept_columns = sorted(
        {column for _, column, _, _ in best} | {column + over for _, column, _, over in best}
    )
    half = 1 + round(_thickness(across, down) / 2)
    return [
        RuledCell(
            kept_rows.index(row),
            kept_columns.index(column),
            kept_rows.index(row + down_) - kept_rows.index(row),
            kept_columns.index(column + over) - kept_columns.index(column),
            Box(
                columns[column] + half,
                rows[row] + half,
                columns[column + over] - half + 1,
                rows[row + down_] - half + 1,
            ),
        )
        for row, column, down_, over in sorted(best)
    ]


def _thickness(across: Gray, down: Gray) -> float:
    found = []
    for lines, axis in ((across, 0), (down, 1)):
        counts = np.count_nonzero(lines, axis=axis)
        edges = np.count_nonzero(np.diff((lines > 0).astype(np.int8), axis=axis) == 1, axis=axis)
        useful = edges > 0
        if useful.any():
            found.append(float(np.median(counts[useful] / edges[useful])))
    return max(found, default=1.0)


def _positions(lines: Gray, size: float, axis: int) -> list[int]:
    """Where lines run: the weighted middle of each bundle of pixels.

    Nearer than half a character are the two strokes of a double line, or one line's drift.
    """
    weights = np.count_nonzero(lines, axis=axis)
    places = np.flatnonzero(weights)
    bundles: list[list[int]] = []
    for place in places.tolist():
        if bundles and place - bundles[-1][-1] <= size / 2 and place - bundles[-1][0] <= size:
            bundles[-1].append(place)
        else:
            bundles.append([place])
    return [round(float(np.average(bundle, weights=weights[bundle]))) for bundle in bundles]


def _with_edges(places: list[int], length: int, near: int) -> list[int]:
    if not places or places[0] > 3 * near:
        places = [1, *places]
    if length - places[-1] > 3 * near:
        places = [*places, length - 2]
    return places


def _covered(
    lines: Gray, places: Sequence[int], stops: Sequence[int], near: int
) -> npt.NDArray[np.float64]:
    """The share of each stretch between two `stops` that is drawn, for the inner `places`.

    A stroke of print may fill most of a low row, but not from line to line.
    """
    shares = np.zeros((max(0, len(places) - 2), len(stops) - 1))
    for at, place in enumerate(places[1:-1]):
        strip = lines[max(0, place - near) : place + near + 1]
        # Three pixels at a time: a line may step once between two stops.
        drawn = cv2.dilate(strip, np.ones((3, 1), np.uint8)) > 0
        for stretch, (start, end) in enumerate(pairwise(stops)):
            inner = drawn[:, start + 3 : end - 2]
            shares[at, stretch] = inner.mean(axis=1).max() if inner.size else 1.0
    return shares


def _mended(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A gap in a horizontal line that goes on at both sides is a fault of the copy.

    Of vertical lines the same cannot be said: one character fills most of a row's height.
    """
    sides = np.pad(shares, ((0, 0), (1, 1)))
    goes_on = np.minimum(sides[:, :-2], sides[:, 2:]) >= WHOLE
    return np.where(goes_on & (shares >= BROKEN), 1.0, shares)


def _spans(
    floors: npt.NDArray[np.bool_], walls: npt.NDArray[np.bool_]
) -> tuple[list[tuple[int, int, int, int]], int]:
    """Row, column, rows, columns of each cell, and how many areas were no rectangles.

    `floors[i, j]` says whether a line runs below square (i, j), `walls[i, j]` right of it.
    """
    rows, columns = floors.shape[0] + 1, walls.shape[1] + 1
    group = [[row * columns + column for column in range(columns)] for row in range(rows)]
    parent = list(range(rows * columns))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for row in range(rows):
        for column in range(columns):
            if row + 1 < rows and not floors[row, column]:
                parent[root(group[row][column])] = root(group[row + 1][column])
            if column + 1 < columns and not walls[row, column]:
                parent[root(group[row][column])] = root(group[row][column + 1])
    members: dict[int, set[tuple[int, int]]] = {}
    for row in range(rows):
        for column in range(columns):
            members.setdefault(root(group[row][column]), set()).add((row, column))
    found: list[tuple[int, int, int, int]] = []
    odd = 0
    for squares in members.values():
        parts = list(_rectangles(squares))
        odd += len(parts) > 1
        found += parts
    return found, odd


def _rectangles(squares: set[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """Row, column, rows, columns of the upright pieces of an area; one for a rectangle.

    Uprights, because labels that cover many rows stand at the left of what they cover, and some
    programs frame them on their first row only.
    """
    runs: list[tuple[int, int, int]] = []
    for row, column in sorted(squares, key=lambda square: (square[1], square[0])):
        if runs and runs[-1][2] == column and runs[-1][0] + runs[-1][1] == row:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, column)
        else:
            runs.append((row, 1, column))
    while runs:
        top, height, column = runs.pop(0)
        width = 1
        while (top, height, column + width) in runs:
            runs.remove((top, height, column + width))
            width += 1
        yield top, column, height, width


def bands(mask: Gray, size: float) -> Iterator[tuple[int, int]]:
    """Top and bottom of each line of print in a cell, parts of one character kept together."""
    drawn = np.flatnonzero(mask.any(axis=1)).tolist()
    runs: list[list[int]] = []
    for row in drawn:
        if runs and row - runs[-1][1] <= 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    while len(runs) > 1:
        # 二 and 三 fall apart, and so do 一 above 口: the smallest joint is closed first.
        joints = [
            (runs[at + 1][0] - runs[at][1], at)
            for at in range(len(runs) - 1)
            if min(_length(runs[at]), _length(runs[at + 1])) < 0.62 * size
            and runs[at + 1][1] - runs[at][0] + 1 <= 1.3 * size
        ]
        if not joints:
            break
        _, at = min(joints)
        runs[at : at + 2] = [[runs[at][0], runs[at + 1][1]]]
    for top, bottom in runs:
        yield top, bottom + 1


def _length(run: Sequence[int]) -> int:
    return run[1] - run[0] + 1
