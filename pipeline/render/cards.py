"""The cards of the sheet: a wide one for a ship that was measured, a small one for one that was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid
from pipeline.products import DetectionResult, GeometryResult
from pipeline.readings import Freeboard
from pipeline.render import words
from pipeline.render.canvas import Canvas, box, frame, text_width, wrap, write, write_lines
from pipeline.render.crop import detail_frame, draw_crop, frame_margin, ship_frame
from pipeline.render.insets import cue_words, draw_curve, draw_profile
from pipeline.render.marks import ShipMark
from pipeline.render.palette import AMBER, INK, KIND, MUTED, NAVY, PANEL, RULE

WIDTH: Final = 1134
"""Of every card [px]."""
MEASURED_HEIGHT: Final = 830
REFUSED_HEIGHT: Final = 384
_PAD: Final = 16
_TITLE: Final = 50


class Pictures:
    """The displayed image with the grid it lies on and the sun and view of the scene."""

    __slots__ = ("geometry", "grid", "picture")

    def __init__(self, picture: npt.NDArray[np.uint8], grid: Grid, geometry: GeometryResult | None) -> None:
        self.picture = picture
        self.grid = grid
        self.geometry = geometry


def kind_words(detection: DetectionResult) -> str:
    """As "tanker (92 %)" or "other ship (tanker 8 %)"."""
    chance = words.percent(detection.tanker_probability)
    if detection.kind == "tanker":
        return f"tanker ({chance})"
    if detection.kind == "other":
        return f"other ship (tanker {chance})"
    return f"kind unknown (tanker {chance})"


def size_words(detection: DetectionResult) -> str:
    """As "121 ± 3 m × 18.2 ± 0.6 m, heading 034° or 214°"."""
    heading = words.compass(detection.heading)
    if detection.heading_ambiguous:
        heading += f" or {words.compass(detection.heading + 180)}"
    return (
        f"{detection.length:.0f} ± {max(detection.length_sigma, 0.0):.0f} m × "
        f"{detection.beam:.1f} ± {detection.beam_sigma:.1f} m, heading {heading}"
    )


def card_height(ship: ShipMark) -> int:
    """Of the ship's card [px]."""
    return MEASURED_HEIGHT if ship.detection.freeboard is not None else REFUSED_HEIGHT


def draw_card(canvas: Canvas, ship: ShipMark, corner: tuple[int, int], pictures: Pictures) -> None:
    """Draw the card of one ship with its upper left corner at `corner`."""
    detection = ship.detection
    height = card_height(ship)
    box(canvas, corner, (WIDTH, height), PANEL)
    box(canvas, corner, (8, height), KIND.get(detection.kind, MUTED))
    frame(canvas, corner, (WIDTH, height), RULE, width=1)
    _draw_title(canvas, detection, corner)
    if detection.freeboard is not None:
        _draw_measured(canvas, ship, detection.freeboard, corner, pictures)
    else:
        _draw_refused(canvas, ship, corner, pictures)


def _draw_title(canvas: Canvas, detection: DetectionResult, corner: tuple[int, int]) -> None:
    x, y = corner[0] + _PAD + 8, corner[1] + 35
    x_next = write(canvas, detection.id, (x, y), size=28, weight=700)
    where = f", berth {detection.berth_id}" if detection.berth_id else ""
    write(canvas, kind_words(detection) + where, (x_next + 14, y), size=23, weight=500, colour=NAVY)
    text = size_words(detection)
    write(canvas, text, (corner[0] + WIDTH - _PAD, y), size=20, colour=MUTED, anchor="right")


def _paste(canvas: Canvas, picture: Canvas, corner: tuple[int, int]) -> None:
    x, y = corner
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


def _half_width(ship: ShipMark, freeboard: Freeboard) -> float:
    """How far to either side the detail shows: the profile, at most the shadow and some water [m]."""
    reach = 0.75 * ship.detection.beam
    for part in freeboard.profile.parts if freeboard.profile is not None else ():
        if part.name != "water":
            reach = max(reach, abs(part.start), abs(part.stop))
    known = max((abs(u) for u in freeboard.profile.u), default=reach) if freeboard.profile else 1.3 * reach
    return max(min(1.3 * reach, known), 0.6 * ship.detection.beam, 4.0)


def _draw_measured(
    canvas: Canvas, ship: ShipMark, freeboard: Freeboard, corner: tuple[int, int], pictures: Pictures
) -> None:
    x, y = corner[0] + _PAD + 8, corner[1] + _TITLE
    room = WIDTH - 2 * _PAD - 8
    whole = ship_frame(ship, (250, room))
    _paste(
        canvas,
        draw_crop(pictures.picture, pictures.grid, ship, whole, geometry=pictures.geometry),
        (x, y),
    )
    y += 250 + 12
    half = _half_width(ship, freeboard)
    shape = (400, 300)
    detail = draw_crop(
        pictures.picture,
        pictures.grid,
        ship,
        detail_frame(ship, shape, half),
        geometry=pictures.geometry,
        close=True,
    )
    _paste(canvas, detail, (x, y))
    write(canvas, "mid-body, starboard down", (x, y + 422), size=17, colour=MUTED)
    if freeboard.profile is not None:
        draw_profile(canvas, freeboard.profile, (x + 308, y), (380, 400), across=(-half, half))
        band = words.clean(freeboard.profile.band, limit=20)
        x_next = write(canvas, f"{band} band,", (x + 308, y + 422), size=17, colour=MUTED) + 7
        x_next = write(canvas, "observed", (x_next, y + 422), size=17, weight=600)
        write(canvas, "fitted", (x_next + 12, y + 422), size=17, weight=600, colour=(214, 40, 57))
    _draw_reading(canvas, ship, freeboard, (x + 712, y), (room - 712, 430))
    _draw_foot(canvas, ship.detection, freeboard, (x, y + 454), room)


def _draw_reading(
    canvas: Canvas, ship: ShipMark, freeboard: Freeboard, corner: tuple[int, int], extent: tuple[int, int]
) -> None:
    """Write the numbers and draw the curve over freeboard."""
    (x, y), (w, _) = corner, extent
    detection = ship.detection
    write(canvas, "Freeboard", (x, y + 20), size=20, colour=MUTED)
    x_next = write(canvas, f"{words.metres(freeboard.value)} m", (x, y + 66), size=46, weight=700)
    interval = words.interval_metres(freeboard.interval90)
    write(canvas, f"90 %: {interval}", (x_next + 12, y + 66), size=23, weight=500)
    y += 100
    if detection.draught is not None:
        write(canvas, f"Draught {words.draught_reading(detection.draught)}", (x, y), size=21)
        y += 31
    if detection.load is not None:
        write(canvas, f"Load {words.load_reading(detection.load)}", (x, y), size=21, weight=500)
        write(canvas, f"Cargo {words.cargo_reading(detection.load)}", (x, y + 31), size=21)
        y += 62
    elif detection.load_not_known is not None:
        lines = wrap("No load: " + words.reason(detection.load_not_known), w, 19, most=4)
        y = int(write_lines(canvas, lines, (x, y), size=19, colour=AMBER))
    bottom = corner[1] + 400
    draw_curve(canvas, freeboard, (x, y - 4), (w, max(bottom - y + 4, 60)))
    write(canvas, "likelihood, 90 % shaded", (x, corner[1] + 422), size=17, colour=MUTED)


def _draw_foot(
    canvas: Canvas, detection: DetectionResult, freeboard: Freeboard, corner: tuple[float, float], room: float
) -> None:
    """Write cues, information and the ranked identity."""
    x, y = corner
    facts = (
        f"Cues: {cue_words(freeboard) or 'none alone'}; {freeboard.information:.1f} bits over the prior; "
        f"expected error {freeboard.expected_sigma:.2f} m"
    )
    flags = ", ".join(dict.fromkeys((*detection.flags, *freeboard.flags)))
    if flags:
        facts += f"; flags: {flags}"
    y = write_lines(canvas, wrap(facts, room, 18, most=2), (x, y), size=18, colour=MUTED)
    _write_identity(canvas, detection, (x, y + 4), room, most=2 if y < corner[1] + 36 else 1)


def _write_identity(
    canvas: Canvas, detection: DetectionResult, corner: tuple[float, float], room: float, *, most: int
) -> None:
    x, y = corner
    write(canvas, "Identity, ranked:", (x, y), size=19, weight=600)
    start = text_width("Identity, ranked: ", 19, weight=600) + 6
    ranking = words.ranked(detection.identity)
    text = ";  ".join(f"{share} {name}" for name, share in ranking) if ranking else "not ranked"
    write_lines(canvas, wrap(text, room - start, 19, most=most), (x + start, y), size=19)


def _draw_refused(canvas: Canvas, ship: ShipMark, corner: tuple[int, int], pictures: Pictures) -> None:
    """Draw a crop at the left, and at the right the reason for no reading."""
    x, y = corner[0] + _PAD + 8, corner[1] + _TITLE
    shape = (REFUSED_HEIGHT - _TITLE - _PAD, 520)
    picture = draw_crop(
        pictures.picture,
        pictures.grid,
        ship,
        ship_frame(ship, shape, margin=1.25 * frame_margin(pictures.grid)),
        geometry=pictures.geometry,
    )
    _paste(canvas, picture, (x, y))
    x += shape[1] + 20
    room = corner[0] + WIDTH - _PAD - x
    refused = ship.detection.not_measurable
    write(canvas, "Freeboard not measured", (x, y + 22), size=24, weight=700, colour=AMBER)
    code = f"{refused.code}: " if refused is not None else ""
    lines = wrap(code + words.reason(refused), room, 20, most=6)
    y_next = write_lines(canvas, lines, (x, y + 56), size=20, colour=INK)
    if ship.detection.flags:
        text = "Flags: " + ", ".join(ship.detection.flags)
        y_next = write_lines(canvas, wrap(text, room, 18, most=1), (x, y_next), size=18, colour=MUTED)
    write(canvas, "Identity, ranked", (x, y_next + 12), size=19, weight=600)
    most = max(int((corner[1] + REFUSED_HEIGHT - 14 - y_next - 12) // 26) - 1, 1)
    rows = [
        f"{share}  {name}" for name, share in words.ranked(ship.detection.identity, most=max(most - 1, 1))
    ]
    write_lines(canvas, (rows or ["not ranked"])[:most], (x, y_next + 40), size=19)


def layout(ships: Sequence[ShipMark], top: int, left: tuple[int, int]) -> tuple[list[tuple[int, int]], int]:
    """Corners of the cards in two columns, each below the shorter column, and where they end."""
    bottoms = [top, top]
    corners = []
    for ship in ships:
        column = 0 if bottoms[0] <= bottoms[1] else 1
        corners.append((left[column], bottoms[column]))
        bottoms[column] += card_height(ship) + 24
    return corners, max(bottoms)
