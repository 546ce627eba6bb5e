"""From a result and its pixels to the annotated image: the sheet, and the overlay on the image's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, CloudMask, Grid, Site
from pipeline.products import SceneResult
from pipeline.render import words
from pipeline.render.canvas import Canvas, box, text_width, write
from pipeline.render.marks import (
    BerthMark,
    ShipMark,
    draw_berths,
    draw_clouds,
    draw_ship,
    label_ships,
    land_of,
    place_berths,
    place_ships,
)
from pipeline.render.palette import HALO, WHITE
from pipeline.render.sheet import draw_refusal, draw_sheet
from pipeline.render.stretch import choose_stretch, render_rgb
from pipeline.render.view import frame_of_grid

_SMALL = 900
"""Overlays are enlarged by whole steps until their longer side has about this many pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotated:
    """The annotated image, twice."""

    page: npt.NDArray[np.uint8]
    """(row, col, 3) RGB: the sheet for annotated.png."""
    overlay: npt.NDArray[np.uint8] | None
    """(row, col, 3) RGB on `grid`, for annotated.tif; None for a refused scene."""
    grid: Grid | None
    """Of the overlay: the chip's grid with each pixel cut into `scale` x `scale`."""
    scale: int
    """1 where the overlay has the chip's own pixels."""


def enlarged(grid: Grid, scale: int) -> Grid:
    """The same ground with each pixel cut into `scale` x `scale`."""
    a, b, c, d, e, f = grid.to_ground
    return Grid(
        shape=(grid.shape[0] * scale, grid.shape[1] * scale),
        to_ground=(a / scale, b / scale, c, d / scale, e / scale, f),
        origin=grid.origin,
    )


def _draw_overlay(
    chip: Chip,
    picture: npt.NDArray[np.uint8],
    result: SceneResult,
    marks: tuple[Sequence[ShipMark], Sequence[BerthMark]],
    clouds: CloudMask | None,
) -> tuple[Canvas, int]:
    """The marks on the image's own pixels; a small image is enlarged by a whole number."""
    ships, berths = marks
    scale = int(np.clip(round(_SMALL / max(chip.grid.shape)), 1, 8))
    size = (picture.shape[1] * scale, picture.shape[0] * scale)
    canvas: Canvas = (
        picture.copy() if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    )
    frame = frame_of_grid(chip.grid, scale)
    unit = float(np.clip(max(canvas.shape[:2]) / 2000, 0.6, 2.0))
    draw_clouds(canvas, frame, chip.grid, clouds, spacing=max(round(16 * unit), 8))
    draw_berths(canvas, frame, berths, unit=unit)
    for ship in ships:
        draw_ship(canvas, frame, ship, unit=0.5 * unit, lines=True)
    label_ships(canvas, frame, ships, unit=unit)
    _caption(canvas, result, unit=unit)
    return canvas, scale


def _caption(canvas: Canvas, result: SceneResult, *, unit: float) -> None:
    """Write scene and time into the lower left corner; the picture may travel without its sheet."""
    size = max(round(20 * unit), 11)
    said = "SIMULATED   " if result.simulated else ""
    text = f"{said}{result.scene_id}   {words.utc(result.datetime)}   plimsoll {result.software.version}"
    width = text_width(text, size, weight=500)
    if width + 2 * size > canvas.shape[1]:
        text = f"{said}{words.utc(result.datetime)}"
        width = text_width(text, size, weight=500)
    if width + 2 * size > canvas.shape[1] or canvas.shape[0] < 4 * size:
        return
    rows = canvas.shape[0]
    box(canvas, (0, rows - 1.7 * size), (width + 1.4 * size, 1.7 * size), HALO, opacity=0.65)
    write(canvas, text, (0.7 * size, rows - 0.52 * size), size=size, weight=500, colour=WHITE)


def render_annotated(
    chip: Chip | None, result: SceneResult, site: Site | None = None, *, clouds: CloudMask | None = None
) -> Annotated:
    """The annotated image of one scene.

    Parameters
    ----------
    chip
        The scene's pixels; None where it was refused before they were read.
    result
        What was found in it.
    site
        Where the berths are; None draws none.
    clouds
        Hatched, and left out of the stretch; None draws none.

    Returns
    -------
    A sheet 2400 px wide and the overlay on the image's own grid; for a refused scene a plain sheet with
    the reason. The same inputs give the same bytes.
    """
    if chip is None or result.status == "refused":
        return Annotated(page=draw_refusal(result, site), overlay=None, grid=None, scale=1)
    origin = chip.grid.origin
    ships, berths = place_ships(result, origin), place_berths(result, site, origin)
    stretch = choose_stretch(chip, [s.outline for s in ships], clouds, land_of(site, chip.grid))
    picture = render_rgb(chip, stretch)
    page = draw_sheet(chip, picture, result, site, (ships, berths), bands=stretch.words, clouds=clouds)
    overlay, scale = _draw_overlay(chip, picture, result, (ships, berths), clouds)
    return Annotated(page=page, overlay=overlay, grid=enlarged(chip.grid, scale), scale=scale)
