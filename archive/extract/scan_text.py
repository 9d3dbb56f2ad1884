"""Recognition of single lines of print, offline: the models are part of the engine's package.

Everything loads on first use, once a process.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from archive.extract.scan_grid import Box, Gray
from archive.model import UnreadableError

# Strips are small: a second thread spends more than it saves.
THREADS = 1
HEIGHT = 48
WIDEST = 2400
FIGURE = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?%?(?:亿|万)?元?")
# Shapes that no figure has but a digit of the same look; each costs some confidence.
ALIKE = {"0": "0０OoＯ〇○", "1": "1１lI|丨｜"}
LETTERS = {letter: digit for digit, shapes in ALIKE.items() for letter in shapes if letter < "〇"}
PLAUSIBLE = 0.15
LOOKALIKES = {ord(shape): digit for digit, shapes in ALIKE.items() for shape in shapes}
PLAIN = str.maketrans("０１２３４５６７８９，．－＋—–−％。", "0123456789,.-+---%.")
ALIKE_COST = 0.6


@dataclass(frozen=True, slots=True)
class Line:
    """What a strip of print says: its text, and the probability of its least certain character."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Engine:
    """The detector of text lines, and the recogniser with its alphabet (0 stands for nothing).

    `alike` are a digit's place in the alphabet and those of all shapes that look like it.
    """

    detector: Any
    recogniser: Any
    alphabet: tuple[str, ...]
    alike: Mapping[str, list[int]]


@cache
def engine() -> Engine:
    """The engine of this process. Raises UnreadableError where it is not installed."""
    try:
        rapidocr = importlib.import_module("rapidocr")
        whole = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                # Strips of a page are low and wide: enlarging their short side to the default
                # of 736 makes them huge.
                "Det.limit_side_len": 64,
            }
        )
        # Both models are read when they are first asked for something.
        blank = np.full((64, 64, 3), 255, np.uint8)
        whole.recognize_txt([blank])
        whole(blank, use_det=True, use_cls=False, use_rec=False)
    except ImportError as error:
        raise UnreadableError(
            f"未安装文字识别组件（{error.name}），扫描件和图片不能读取"
        ) from error
    recogniser = whole.text_rec
    alphabet = tuple(recogniser.postprocess_op.character)
    alike = {
        digit: [alphabet.index(shape) for shape in shapes if shape in alphabet]
        for digit, shapes in ALIKE.items()
    }
    return Engine(whole.text_det, recogniser.session, alphabet, alike)


def lines_on(picture: Gray) -> list[Box]:
    """Where lines of print stand on a grey picture, from top to bottom."""
    found = engine().detector(np.repeat(picture[:, :, None], 3, axis=2)).boxes
    if found is None:
        return []
    return [
        Box(
            max(0, int(corners[:, 0].min())),
            max(0, int(corners[:, 1].min())),
            int(np.ceil(corners[:, 0].max())) + 1,
            int(np.ceil(corners[:, 1].max())) + 1,
        )
        for corners in np.asarray(found)
    ]


def read_line(strip: Gray) -> Line:
    """The text of a grey strip that holds one line."""
    if min(strip.shape) < 2:
        return Line("", 0.0)
    return _decoded(_probabilities(strip))


def _probabilities(strip: Gray) -> npt.NDArray[np.float32]:
    height, width = strip.shape
    target = min(WIDEST, max(24, round(width * HEIGHT / height)))
    method = cv2.INTER_CUBIC if height < HEIGHT else cv2.INTER_AREA
    scaled = cv2.resize(strip, (target, HEIGHT), interpolation=method).astype(np.float32)
    batch = np.repeat((scaled / 127.5 - 1)[None, None], 3, axis=1)
    return np.asarray(engine().recogniser(batch)[0], dtype=np.float32)


def _decoded(chances: npt.NDArray[np.float32]) -> Line:
    best = chances.argmax(axis=1)
    alphabet = engine().alphabet
    characters: list[str] = []
    certain: list[float] = []
    before = 0
    for step, index in enumerate(best.tolist()):
        chance = float(chances[step, index])
        letter = alphabet[index]
        if index and (digit := LETTERS.get(letter)):
            # A round 0 shares its chance with O and o, which mean the same in a figure.
            alike = chances[step, engine().alike[digit]]
            chance = float(alike.sum())
            letter = digit if alike[0] >= PLAUSIBLE else letter
        if index and index != before:
            characters.append(letter)
            certain.append(chance)
        elif index:
            certain[-1] = max(certain[-1], chance)
        before = index
    return Line("".join(characters).strip(), min(certain, default=0.0))


def as_figure(line: Line) -> Line | None:
    """The line as a figure where it can be nothing else, letters of a digit's look mapped."""
    # A speck at the end of a figure is read as a point.
    plain = line.text.replace(" ", "").translate(PLAIN).rstrip(".,·'")
    if FIGURE.fullmatch(plain):
        return Line(plain, line.confidence)
    mapped = plain.translate(LOOKALIKES)
    if FIGURE.fullmatch(mapped):
        return Line(mapped, line.confidence * ALIKE_COST)
    return None
