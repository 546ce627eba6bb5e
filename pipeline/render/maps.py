"""Maps of the error to expect: panels of a quantity over two angles, in classes that print in grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.render.canvas import Canvas, box, fit, frame, hatch, line, text_width, write
from pipeline.render.palette import ERROR_BOUNDS, ERROR_CLASS, INK, MUTED, PAPER, SUN, Colour

Array = npt.NDArray[np.float64]
LEFT, RIGHT, TOP, GAP = 118, 44, 118, 44
"""Room left and right of the panels, above them, between them [px]."""
BELOW = 72
"""Room for ticks below a row of panels, and for the titles of the next [px]."""
LEGEND = 150
"""Room for the label of x and the legend [px]."""
DARK: Colour = (86, 92, 102)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One map; row 0 is the lowest."""

    title: str
    values: Array
    """(row, col) expected error at nodes, NaN in the dark [m]."""
    columns: Array
    """(col,) Share of the width of each column of nodes, from 0 to 1; rows are evenly spaced [1]."""
    across: Sequence[tuple[float, str]]
    """Ticks along x: (share of the width, label)."""
    up: Sequence[tuple[float, str]]
    """Ticks along y: (share of the height, label)."""
    sun: Array | None = None
    """(n, 2) shares of width and height of the curve of the sun."""
    levels: Sequence[tuple[float, str]] = ()
    """Level lines: (share of the height, name)."""
    limit: float | None = None
    """Error above which nothing is measured, where it is not the sheet's [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What stands around the panels."""

    title: str
    notes: Sequence[str]
    x_label: str
    y_label: str
    panel: tuple[int, int] = (320, 250)
    """(width, height) of a panel [px]."""


def render_maps(panels: Sequence[Sequence[Panel]], sheet: Sheet, *, limit: float) -> Canvas:
    """(row, col, 3) RGB: rows of panels with a legend.

    Parameters
    ----------
    panels
        Rows from top to bottom, each as long as the others.
    limit
        Error above which nothing is measured: hatched [m].
    """
    w, h = sheet.panel
    width = LEFT + len(panels[0]) * (w + GAP) - GAP + RIGHT
    top = TOP + 26 * len(sheet.notes)
    height = top + len(panels) * (h + BELOW) - BELOW + LEGEND
    canvas: Canvas = np.full((height, width, 3), PAPER, np.uint8)
    write(canvas, fit(sheet.title, width - 48, 30, weight=600), (24, 48), size=30, weight=600)
    for i, note in enumerate(sheet.notes):
        write(canvas, fit(note, width - 48, 20), (24, 84 + 26 * i), size=20, colour=MUTED)
    for i, row in enumerate(panels):
        y = top + i * (h + BELOW)
        for k, panel in enumerate(row):
            _draw(canvas, panel, (LEFT + k * (w + GAP), y), (w, h), limit=limit, first=k == 0)
    bottom = top + len(panels) * (h + BELOW) - BELOW
    write(canvas, sheet.x_label, ((width + LEFT - RIGHT) / 2, bottom + 58), size=20, anchor="centre")
    _write_up(canvas, sheet.y_label, (34, (top + bottom) / 2))
    night = any(bool(np.isnan(panel.values).any()) for row in panels for panel in row)
    _legend(canvas, (24, bottom + 104), limit, night=night)
    return canvas


def _draw(
    canvas: Canvas,
    panel: Panel,
    corner: tuple[int, int],
    size: tuple[int, int],
    *,
    limit: float,
    first: bool,
) -> None:
    (x, y), (w, h) = corner, size
    write(canvas, fit(panel.title, w, 20, weight=600), (x, y - 10), size=20, weight=600)
    picture, refused = _paint(panel, size, limit if panel.limit is None else panel.limit)
    canvas[y : y + h, x : x + w] = picture
    area = canvas[y : y + h, x : x + w]
    hatch(area, refused, spacing=10, opacity=0.35)
    for share, name in panel.levels:
        level = y + h - share * h
        line(canvas, [(x, level), (x + w, level)], PAPER, width=2, halo=1, dash=(12.0, 8.0))
        write(
            canvas,
            name,
            (x + 8, level - 7 if level > y + 24 else level + 20),
            size=17,
            colour=PAPER,
            halo=True,
        )
    if panel.sun is not None:
        points = np.stack([x + panel.sun[:, 0] * w, y + h - panel.sun[:, 1] * h], axis=-1)
        for piece in _unbroken(points, h):
            line(canvas, piece, SUN, width=3, halo=2)
        write(canvas, "sun", tuple(points[-1] - (8, 12)), size=17, colour=SUN, anchor="right", halo=True)
    frame(canvas, corner, size, INK, width=1)
    for share, label in panel.across:
        line(canvas, [(x + share * w, y + h), (x + share * w, y + h + 6)], INK, width=1)
        write(canvas, label, (x + share * w, y + h + 26), size=18, anchor="centre")
    for share, label in panel.up:
        line(canvas, [(x - 6, y + h - share * h), (x, y + h - share * h)], INK, width=1)
        if first:
            write(canvas, label, (x - 10, y + h - share * h + 6), size=18, anchor="right")


def _paint(panel: Panel, size: tuple[int, int], limit: float) -> tuple[Canvas, npt.NDArray[np.bool_]]:
    """(picture, refused) of a panel, row 0 on top: classes of the values between their nodes."""
    values = panel.values
    dark = np.isnan(values)
    filled = np.log(np.where(dark, limit * 4, np.maximum(values, 1e-3)))
    places = np.arange(values.shape[1], dtype=np.float64)
    col = np.interp(np.linspace(0, 1, size[0]), panel.columns, places).astype(np.float32)
    row = np.linspace(values.shape[0] - 1, 0, size[1], dtype=np.float32)
    at = np.meshgrid(col, row)
    fine = np.exp(cv2.remap(filled.astype(np.float32), at[0], at[1], cv2.INTER_LINEAR))
    night = cv2.remap(dark.astype(np.float32), at[0], at[1], cv2.INTER_LINEAR) >= 0.5
    bounds = np.array([b for b in ERROR_BOUNDS if b < limit] + [limit])
    colours = np.array([*ERROR_CLASS[: len(bounds)], PAPER], np.uint8)
    picture = colours[np.searchsorted(bounds, fine)]
    picture[night] = DARK
    return np.asarray(picture, np.uint8), np.asarray((fine > limit) & ~night)


def _unbroken(points: Array, height: int) -> list[Array]:
    """A curve cut where it leaps from one edge to the other."""
    leaps = np.abs(np.diff(points[:, 1])) > 0.5 * height
    return [p for p in np.split(points, np.flatnonzero(leaps) + 1) if len(p) > 1]


def _write_up(canvas: Canvas, text: str, at: tuple[float, float]) -> None:
    """Text that runs upwards, its middle at `at`."""
    wide = text_width(text, 20) + 8
    strip: Canvas = np.full((30, wide, 3), PAPER, np.uint8)
    write(strip, text, (4, 22), size=20)
    turned = np.rot90(strip)
    x, y = round(at[0]) - 15, round(at[1]) - wide // 2
    y = max(y, 0)
    rows = min(turned.shape[0], canvas.shape[0] - y)
    canvas[y : y + rows, x : x + 30] = turned[:rows]


def _legend(canvas: Canvas, corner: tuple[float, float], limit: float, *, night: bool) -> None:
    """Classes with their bounds, refused, dark."""
    bounds = [b for b in ERROR_BOUNDS if b < limit] + [limit]
    words: list[tuple[str, Colour | None]] = []
    lower = ""
    for bound, colour in zip(bounds, ERROR_CLASS, strict=False):
        words.append((f"{lower}{bound:g} m" if lower else f"below {bound:g} m", colour))
        lower = f"{bound:g} to "
    words += [(f"above {limit:g} m: refused", None), *([("sun too low", DARK)] if night else [])]
    x, y = corner
    write(canvas, "Expected error of freeboard, one standard deviation", (x, y - 8), size=18, colour=MUTED)
    x, y = x, y + 6
    for text, ink in words:
        box(canvas, (x, y), (34, 22), PAPER if ink is None else ink)
        if ink is None:
            area = canvas[round(y) : round(y) + 22, round(x) : round(x) + 34]
            hatch(area, np.ones(area.shape[:2], np.bool_), spacing=10, opacity=0.35)
        frame(canvas, (x, y), (34, 22), INK, width=1)
        write(canvas, text, (x + 42, y + 17), size=18)
        x += 42 + text_width(text, 18) + 24
