"""Marks on an (row, col, 3) uint8 RGB array: text, lines with a halo, dashes, arrows, hatching.

Positions are (x, y) in pixels of the canvas, x to the right and y down, and may lie outside of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.render.palette import HALO, INK, Colour
from pipeline.render.words import clean

Canvas = npt.NDArray[np.uint8]
Point = tuple[float, float]
Points = npt.NDArray[np.float64]
_SHIFT = 4  # lines are placed to a sixteenth of a pixel
_FAR = 2**20  # fixed point must stay inside 32 bits


@lru_cache(maxsize=2)
def _face(italic: bool) -> Any:
    """OpenCV's own variable sans-serif (Rubik, OFL) with a CJK fallback: none of the system is used."""
    return cv2.FontFace("italic" if italic else "sans")


def text_width(text: str, size: int, *, weight: int = 400) -> int:
    """Width of one line [px]."""
    x, _, width, _ = cv2.getTextSize((0, 0), _printable(text), (0, 0), _face(False), size, weight=weight)
    return int(x + width)


def _printable(text: str) -> str:
    return clean(text, limit=400).replace("\u202f", " ")


def write(
    canvas: Canvas,
    text: str,
    at: Point,
    *,
    size: int = 22,
    weight: int = 400,
    colour: Colour = INK,
    anchor: Literal["left", "centre", "right"] = "left",
    halo: bool = False,
    italic: bool = False,
) -> float:
    """Write one line with its baseline at `at`; where the next character would go [px]."""
    text = _printable(text)
    width = text_width(text, size, weight=weight)
    x = at[0] - {"left": 0.0, "centre": width / 2, "right": float(width)}[anchor]
    origin = (round(x), round(at[1]))
    rows, cols = canvas.shape[:2]
    if not text or origin[0] > cols or origin[0] + width < 0 or not -size < origin[1] < rows + 2 * size:
        return x + width
    # OpenCV wraps at the right edge of the image unless it is told a range that is never reached.
    settings: dict[str, Any] = {"wrap": (-_FAR, _FAR)}
    face = _face(italic)
    if halo:
        for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2), (-1, -1), (1, 1), (-1, 1), (1, -1)):
            spot = (origin[0] + dx, origin[1] + dy)
            cv2.putText(canvas, text, spot, HALO, face, size, weight=weight, **settings)
    cv2.putText(canvas, text, origin, colour, face, size, weight=weight, **settings)
    return x + width


def wrap(text: str, width: float, size: int, *, weight: int = 400, most: int = 99) -> tuple[str, ...]:
    """`text` broken at spaces into lines of at most `width` px; the last of `most` lines ends in "…"."""
    lines: list[str] = []
    line = ""
    for word in _printable(text).split():
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size, weight=weight) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1] + " …"]
    return tuple(fit(line, width, size, weight=weight) for line in lines)


def fit(text: str, width: float, size: int, *, weight: int = 400) -> str:
    """`text`, or as much of it as `width` px hold, ending in "…"."""
    text = _printable(text)
    if text_width(text, size, weight=weight) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, weight=weight) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def write_lines(
    canvas: Canvas,
    lines: Iterable[str],
    at: Point,
    *,
    size: int = 22,
    weight: int = 400,
    colour: Colour = INK,
    leading: float = 1.36,
) -> float:
    """Write lines below each other, the first baseline at `at`; y of the baseline after the last."""
    x, y = at
    for line in lines:
        write(canvas, line, (x, y), size=size, weight=weight, colour=colour)
        y += leading * size
    return y


def _fixed(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Corner convention (0, 0 = corner of the first pixel) to OpenCV's fixed point at pixel centres."""
    p = np.clip(np.asarray(points, dtype=np.float64) - 0.5, -_FAR, _FAR)
    fixed: npt.NDArray[np.int32] = np.round(p * 2**_SHIFT).astype(np.int32)
    return fixed


def line(
    canvas: Canvas,
    points: npt.ArrayLike,
    colour: Colour,
    *,
    width: int = 2,
    halo: int = 0,
    closed: bool = False,
    dash: tuple[float, float] | None = None,
) -> None:
    """Draw a polyline; `halo` px of dark on both sides first; `dash` = (on, off) px."""
    p = np.asarray(points, dtype=np.float64)
    if len(p) < 2 or not np.all(np.isfinite(p)):
        return
    if closed:
        p = np.vstack([p, p[:1]])
    pieces = [p] if dash is None else _dashes(_inside(p, canvas), *dash)
    fixed = [_fixed(piece) for piece in pieces]
    for thickness, ink in ((width + 2 * halo, HALO), (width, colour)):
        if ink is colour or halo:
            cv2.polylines(canvas, fixed, False, ink, thickness, cv2.LINE_AA, _SHIFT)


def _inside(points: Points, canvas: Canvas) -> list[Points]:
    """The segments of a line whose bounding box meets the canvas."""
    rows, cols = canvas.shape[:2]
    low, high = np.minimum(points[:-1], points[1:]), np.maximum(points[:-1], points[1:])
    near = (high[:, 0] > -64) & (high[:, 1] > -64) & (low[:, 0] < cols + 64) & (low[:, 1] < rows + 64)
    return [points[i : i + 2] for i in np.flatnonzero(near)]


def _dashes(segments: Sequence[Points], on: float, off: float) -> list[Points]:
    """Each segment cut into dashes, which start anew at every corner so that corners are never lost."""
    pieces: list[Points] = []
    for start, stop in segments:
        length = float(np.hypot(*(stop - start)))
        if length > _FAR:
            continue
        count = max(round((length + off) / (on + off)), 1)
        share = on / (count * (on + off) - off)
        gap = off / (count * (on + off) - off)
        for i in range(count):
            t = i * (share + gap)
            pieces.append(
                np.stack([start + (stop - start) * t, start + (stop - start) * min(t + share, 1.0)])
            )
    return pieces


def fill(canvas: Canvas, points: npt.ArrayLike, colour: Colour, *, opacity: float = 1.0) -> None:
    """Fill a polygon."""
    fixed = _fixed(points)
    if opacity >= 1.0:
        cv2.fillPoly(canvas, [fixed], colour, cv2.LINE_AA, _SHIFT)
        return
    x, y, w, h = cv2.boundingRect(fixed >> _SHIFT)
    rows, cols = canvas.shape[:2]
    x0, y0, x1, y1 = max(x - 2, 0), max(y - 2, 0), min(x + w + 2, cols), min(y + h + 2, rows)
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    inked = part.copy()
    cv2.fillPoly(inked, [fixed - np.array([x0, y0], np.int32) * 2**_SHIFT], colour, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(inked, opacity, part, 1.0 - opacity, 0.0, dst=part)


def box(canvas: Canvas, corner: Point, size: Point, colour: Colour, *, opacity: float = 1.0) -> None:
    """Fill an upright rectangle."""
    rows, cols = canvas.shape[:2]
    x0, y0 = max(round(corner[0]), 0), max(round(corner[1]), 0)
    x1, y1 = min(round(corner[0] + size[0]), cols), min(round(corner[1] + size[1]), rows)
    if x0 >= x1 or y0 >= y1:
        return
    part = canvas[y0:y1, x0:x1]
    if opacity >= 1.0:
        part[:] = colour
        return
    mixed = part.astype(np.float32) * (1.0 - opacity) + np.array(colour, np.float32) * opacity
    part[:] = np.round(mixed).astype(np.uint8)


def frame(canvas: Canvas, corner: Point, size: Point, colour: Colour, *, width: int = 2) -> None:
    """Draw the border of an upright rectangle."""
    (x, y), (w, h) = corner, size
    line(canvas, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour, width=width, closed=True)


def disc(canvas: Canvas, centre: Point, radius: float, colour: Colour, *, width: int = -1) -> None:
    """Draw a disc, or a ring `width` px wide."""
    x, y = _fixed(centre)
    cv2.circle(canvas, (int(x), int(y)), round(radius * 2**_SHIFT), colour, width, cv2.LINE_AA, _SHIFT)


def arrow(
    canvas: Canvas,
    start: Point,
    stop: Point,
    colour: Colour,
    *,
    width: int = 4,
    head: float = 18.0,
    halo: int = 2,
) -> None:
    """Draw an arrow from `start` to `stop`, its head filled."""
    tail, tip = np.asarray(start, float), np.asarray(stop, float)
    length = float(np.hypot(*(tip - tail)))
    if length < 1e-6:
        return
    along = (tip - tail) / length
    across = np.array([-along[1], along[0]])
    neck = tip - along * head
    triangle = np.stack([tip, neck + across * head * 0.46, neck - across * head * 0.46])
    if halo:
        line(canvas, np.stack([tail, neck]), HALO, width=width + 2 * halo)
        line(canvas, triangle, HALO, width=2 * halo, closed=True)
    line(canvas, np.stack([tail, neck + along]), colour, width=width)
    fill(canvas, triangle, colour)


def hatch(
    canvas: Canvas,
    where: npt.NDArray[np.bool_],
    *,
    spacing: int,
    opacity: float,
    rising: bool = True,
) -> None:
    """Draw diagonal strokes, `spacing` px apart, over the True pixels of `where` (row, col).

    Each stroke is light beside dark, so that it is seen on white cloud and on black water alike.
    """
    if not where.any():
        return
    r0, r1 = (int(i) for i in np.flatnonzero(where.any(axis=1))[[0, -1]])
    c0, c1 = (int(i) for i in np.flatnonzero(where.any(axis=0))[[0, -1]])
    sign = 1 if rising else -1
    thick = max(spacing // 9, 1)
    col = np.arange(c0, c1 + 1, dtype=np.int32)[None, :]
    for top in range(r0, r1 + 1, 512):  # strips: a mask of a whole scene stays small
        stop = min(top + 512, r1 + 1)
        row = np.arange(top, stop, dtype=np.int32)[:, None]
        phase = (row + sign * col) % spacing
        part, there = canvas[top:stop, c0 : c1 + 1], where[top:stop, c0 : c1 + 1]
        for stroke, ink in ((phase < thick, 255.0), ((phase >= thick) & (phase < 2 * thick), 0.0)):
            mixed = cv2.convertScaleAbs(part, alpha=1.0 - opacity, beta=ink * opacity)
            cv2.copyTo(mixed, (stroke & there).view(np.uint8), part)
