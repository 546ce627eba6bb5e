"""What a result says, laid on a picture of the ground: clouds, berths, outlines, measured lines, labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.datatypes import BoolArray, CloudMask, Grid, LonLat, Polygon, Site
from pipeline.geometry import Points, lonlat_to_ground, polygon_mask
from pipeline.products import DetectionResult, SceneResult
from pipeline.render import words
from pipeline.render.canvas import Canvas, box, hatch, line, text_width, write
from pipeline.render.palette import BERTH, HALO, KIND, LINE, LOW_SCORE, WHITE, Colour
from pipeline.render.view import Frame, resample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShipMark:
    """One detection with its geometry in the plane of the chip's grid."""

    detection: DetectionResult
    outline: Points
    """(n, 2) (east, north) [m]"""
    lines: tuple[tuple[str, Points], ...]
    """(name, (n, 2) (east, north) [m])"""

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the outline's box [m]."""
        middle = (self.outline.min(axis=0) + self.outline.max(axis=0)) / 2
        return float(middle[0]), float(middle[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BerthMark:
    """One berth of the site and its outcome in this scene."""

    id: str
    name: str
    outline: Points
    state: str
    clear_fraction: float
    verified: bool


def _ring(outline: dict[str, object]) -> Polygon:
    """Exterior ring of a GeoJSON polygon, lon/lat."""
    rings = outline.get("coordinates")
    if not isinstance(rings, (list, tuple)) or not rings:
        return ()
    return tuple((float(p[0]), float(p[1])) for p in rings[0])


def place_ships(result: SceneResult, origin: LonLat) -> tuple[ShipMark, ...]:
    """The detections in the plane at `origin`; those without an outline are left out."""
    marks = []
    for detection in result.detections:
        ring = _ring(detection.outline)
        if len(ring) < 3:
            continue
        measured = detection.freeboard.lines if detection.freeboard is not None else ()
        marks.append(
            ShipMark(
                detection=detection,
                outline=lonlat_to_ground(origin, ring),
                lines=tuple(
                    (item.name, lonlat_to_ground(origin, item.points))
                    for item in measured
                    if len(item.points) > 1
                ),
            )
        )
    return tuple(marks)


def place_berths(result: SceneResult, site: Site | None, origin: LonLat) -> tuple[BerthMark, ...]:
    """The site's berths with the scene's outcomes; a berth without an outcome was not imaged."""
    if site is None:
        return ()
    states = {berth.id: berth for berth in result.berths}
    marks = []
    for feature in site.of_role("berth"):
        state = states.get(feature.id)
        marks.append(
            BerthMark(
                id=feature.id,
                name=feature.name or feature.id,
                outline=lonlat_to_ground(origin, feature.outline),
                state=state.state if state is not None else "not-imaged",
                clear_fraction=state.clear_fraction if state is not None else 0.0,
                verified=feature.verified,
            )
        )
    return tuple(marks)


def land_of(site: Site | None, grid: Grid) -> BoolArray | None:
    """(row, col), True where the site says land; None where it says nothing."""
    polygons = site.of_role("land") if site is not None else ()
    if not polygons:
        return None
    land = np.zeros(grid.shape, dtype=bool)
    for polygon in polygons:
        land |= polygon_mask(grid, polygon.outline)
    return land


def draw_clouds(canvas: Canvas, frame: Frame, grid: Grid, clouds: CloudMask | None, *, spacing: int) -> None:
    """Hatch clouds (rising strokes) and their shadows (falling), lightly: what lies below stays visible."""
    if clouds is None:
        return
    for hidden, rising in ((clouds.cloudy, True), (clouds.shadowed, False)):
        if not hidden.any():
            continue
        where = _on_frame(hidden, grid, frame)
        hatch(canvas, where, spacing=spacing, opacity=0.4, rising=rising)
        edge = cv2.findContours(where.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
        cv2.drawContours(canvas, edge, -1, WHITE if rising else (120, 130, 170), 1, cv2.LINE_AA)


def _on_frame(mask: BoolArray, grid: Grid, frame: Frame) -> BoolArray:
    """A boolean array of the chip as it falls on a picture."""
    rows, cols = frame.shape
    k = frame.scale * grid.gsd
    if abs(k - round(k)) < 1e-6 and (rows, cols) == (grid.shape[0] * round(k), grid.shape[1] * round(k)):
        size = (cols, rows)
        same: BoolArray = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        return same
    inside: BoolArray = resample(mask.view(np.uint8) * np.uint8(255), grid, frame, empty=(0, 0, 0)) > 127
    return inside


def draw_berths(canvas: Canvas, frame: Frame, berths: Sequence[BerthMark], *, unit: float) -> None:
    """Draw each berth's limit; solid where a ship lies, dashed otherwise, with its outcome in words."""
    size = max(round(19 * unit), 11)
    for berth in berths:
        colour = BERTH.get(berth.state, WHITE)
        p = frame.place(berth.outline)
        dash = None if berth.state == "occupied" else (9 * unit, 7 * unit)
        width = max(round(2 * unit), 1)
        line(canvas, p, colour, width=width, halo=max(round(unit), 1), closed=True, dash=dash)
        text = f"{berth.id}: {words.OUTCOME.get(berth.state, berth.state)}"
        if not berth.verified and "candidate" not in text:
            text += " (candidate berth)"
        corner = p[np.argmin(p[:, 1] + 0.2 * p[:, 0])]
        x = float(np.clip(corner[0], 4, max(canvas.shape[1] - text_width(text, size) - 8, 4)))
        y = float(corner[1]) - 8 * unit
        if -size < y < canvas.shape[0] + size:
            write(canvas, text, (x, max(y, size + 4)), size=size, weight=500, colour=colour, halo=True)


def draw_ship(canvas: Canvas, frame: Frame, ship: ShipMark, *, unit: float, lines: bool = True) -> None:
    """Draw the outline in the colour of its kind, dashed where the score is low, and the measured lines."""
    detection = ship.detection
    colour = KIND.get(detection.kind, WHITE)
    dash = (8 * unit, 6 * unit) if detection.score < LOW_SCORE else None
    width, halo = max(round(2 * unit), 1), max(round(unit), 1)
    line(canvas, frame.place(ship.outline), colour, width=width, halo=halo, closed=True, dash=dash)
    if lines:
        draw_lines(canvas, frame, ship, unit=unit)


def draw_lines(
    canvas: Canvas, frame: Frame, ship: ShipMark, *, unit: float, dash: tuple[float, float] | None = None
) -> None:
    """Draw waterline, deck edge, shadow tip and boot-topping, each in its colour."""
    for name, ground in ship.lines:
        line(
            canvas,
            frame.place(ground),
            LINE.get(name, WHITE),
            width=max(round(2 * unit), 1),
            halo=1 if unit >= 1 else 0,
            dash=dash,
        )


def short_reading(detection: DetectionResult) -> str:
    """What stands beside a ship on the picture: its id, and its freeboard where there is one."""
    if detection.freeboard is None:
        return detection.id
    return f"{detection.id}  {words.metres(detection.freeboard.value)} m"


MOST_NAMED = 120
"""Ships that are named on an image, and listed below it."""


def label_ships(canvas: Canvas, frame: Frame, ships: Sequence[ShipMark], *, unit: float) -> None:
    """Write each ship's id and reading beside it, where no other label and no other ship is.

    Of very many only those measured or at a berth get theirs: the others would hide the image.
    """
    if len(ships) > MOST_NAMED:
        ships = [s for s in ships if s.detection.freeboard is not None or s.detection.berth_id is not None]
    size = max(round((23 if len(ships) <= 12 else 18) * unit), 12)
    boxes, inside = [], []
    rows, cols = canvas.shape[:2]
    for ship in ships:
        p = frame.place(ship.outline)
        (x0, y0), (x1, y1) = p.min(axis=0), p.max(axis=0)
        if x1 > 0 and y1 > 0 and x0 < cols and y0 < rows:
            boxes.append((float(x0), float(y0), float(x1), float(y1)))
            inside.append(ship)
    taken: list[tuple[float, float, float, float]] = list(boxes)
    for ship, area in zip(inside, boxes, strict=True):
        text = short_reading(ship.detection)
        width, height = text_width(text, size, weight=600) + 14 * unit, size * 1.35
        spot = _free_spot(area, (width, height), taken, canvas, gap=7 * unit)
        taken.append((*spot, spot[0] + width, spot[1] + height))
        _label(canvas, text, spot, (width, height), size, KIND.get(ship.detection.kind, WHITE))


def _label(
    canvas: Canvas,
    text: str,
    spot: tuple[float, float],
    extent: tuple[float, float],
    size: int,
    colour: Colour,
) -> None:
    width, height = extent
    box(canvas, spot, extent, HALO, opacity=0.72)
    at = (spot[0] + width / 2, spot[1] + height / 2 + size * 0.35)
    write(canvas, text, at, size=size, weight=600, colour=colour, anchor="centre")


def _free_spot(
    area: tuple[float, float, float, float],
    extent: tuple[float, float],
    taken: Sequence[tuple[float, float, float, float]],
    canvas: Canvas,
    *,
    gap: float,
) -> tuple[float, float]:
    """Upper left corner of a label near `area` with the least overlap with what is there."""
    x0, y0, x1, y1 = area
    width, height = extent
    rows, cols = canvas.shape[:2]
    middle_x, middle_y = (x0 + x1 - width) / 2, (y0 + y1 - height) / 2
    spots = [
        (x1 + gap, middle_y),
        (x0 - gap - width, middle_y),
        (middle_x, y0 - gap - height),
        (middle_x, y1 + gap),
        (x1 + gap, y0 - gap - height),
        (x1 + gap, y1 + gap),
        (x0 - gap - width, y0 - gap - height),
        (x0 - gap - width, y1 + gap),
    ]

    def cost(spot: tuple[float, float]) -> float:
        x, y = spot
        hidden: float = sum(
            max(min(x + width, b[2]) - max(x, b[0]), 0.0) * max(min(y + height, b[3]) - max(y, b[1]), 0.0)
            for b in taken
        )
        outside = max(-x, 0.0) + max(-y, 0.0) + max(x + width - cols, 0.0) + max(y + height - rows, 0.0)
        return float(hidden + 40.0 * outside * height)

    costs = [cost(spot) for spot in spots]
    x, y = spots[int(np.argmin(costs))]
    return float(np.clip(x, 0, max(cols - width, 0))), float(np.clip(y, 0, max(rows - height, 0)))
