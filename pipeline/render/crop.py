"""One ship, close: turned so that the bow points right and starboard down, or north up where too coarse."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, CloudMask, Grid
from pipeline.geometry import crop_grid, ground_to_pixel, ship_axes
from pipeline.products import DetectionResult, GeometryResult, SceneResult
from pipeline.render.canvas import Canvas, box, write
from pipeline.render.furniture import draw_compass, draw_scale_bar
from pipeline.render.marks import ShipMark, draw_lines, draw_ship, place_ships
from pipeline.render.palette import WHITE
from pipeline.render.stretch import choose_stretch, render_rgb
from pipeline.render.view import Frame, frame_around, resample


def ship_frame(ship: ShipMark, shape: tuple[int, int], *, margin: float = 1.22) -> Frame:
    """The whole ship along the picture, bow to the right, with `margin` times her length."""
    heading = ship.detection.heading
    centre, length, width = _extent(ship)
    scale = min(shape[1] / (margin * length), shape[0] / (1.5 * width))
    return frame_around(centre, scale, shape, up=heading - 90.0)


def detail_frame(ship: ShipMark, shape: tuple[int, int], half: float) -> Frame:
    """The mid-body from u = -`half` m (port, top) to u = +`half` m (starboard, bottom).

    Where both deck edges were marked, u and the heading are those of the measurement, so that the
    fitted profile can stand beside its pixels; else those of the outline.
    """
    centre, _, _ = _extent(ship)
    heading = ship.detection.heading
    freeboard = ship.detection.freeboard
    decks = [points for name, points in ship.lines if name == "deck-edge"]
    profile = freeboard.profile if freeboard is not None else None
    deck = [part for part in profile.parts if part.name == "deck"] if profile is not None else []
    if len(decks) == 2 and deck:
        along = sum(points[-1] - points[0] for points in decks)
        heading = float(np.degrees(np.arctan2(along[0], along[1])))
        _, starboard = ship_axes(heading)
        middle = sum(points[0] + points[-1] for points in decks) / 4
        u = (min(p.start for p in deck) + max(p.stop for p in deck)) / 2
        east, north = middle - u * starboard
        centre = (float(east), float(north))
    return frame_around(centre, shape[0] / (2 * half), shape, up=heading - 90.0)


def _extent(ship: ShipMark) -> tuple[tuple[float, float], float, float]:
    """Middle of the outline in the ship's axes, (east, north) [m], its length and its breadth [m]."""
    forward, starboard = ship_axes(ship.detection.heading)
    along, across = ship.outline @ forward, ship.outline @ starboard
    east, north = (along.max() + along.min()) / 2 * forward + (across.max() + across.min()) / 2 * starboard
    return (
        (float(east), float(north)),
        max(float(np.ptp(along)), 1.0),
        max(float(np.ptp(across)), 1.0),
    )


def cut(picture: npt.NDArray[np.uint8], grid: Grid, frame: Frame) -> Canvas:
    """The part of `picture` (row, col, 3) on `grid` that `frame` shows.

    Where a pixel of the image covers many of the picture it stays a square, so that nothing looks
    sharper than it was measured.
    """
    if frame.scale * grid.gsd < 6.0:
        return resample(picture, grid, frame)
    blocks = cv2.INTER_NEAREST
    a, b, c, d, e, f = grid.to_ground
    A, B, C, D, E, F = frame.to_picture
    to_ground = np.array([[a, b, c], [d, e, f], [0, 0, 1.0]])
    to_frame = np.array([[A, B, C], [D, E, F], [0, 0, 1.0]])
    # the nearest source pixel of a picture pixel's centre, in OpenCV's centre convention
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    matrix = np.linalg.inv(half) @ to_frame @ to_ground @ half
    size = (frame.shape[1], frame.shape[0])
    shown: Canvas = cv2.warpAffine(
        picture, matrix[:2], size, flags=blocks, borderMode=cv2.BORDER_CONSTANT, borderValue=(225, 228, 232)
    )
    return shown


def draw_crop(
    picture: npt.NDArray[np.uint8],
    grid: Grid,
    ship: ShipMark,
    frame: Frame,
    *,
    geometry: GeometryResult | None,
    unit: float = 1.0,
    close: bool = False,
) -> Canvas:
    """The ship in `frame` with the measured lines, else her outline, and how the ground lies.

    A `close` picture has its lines dashed, so that the edges they stand on can be seen between.
    """
    canvas = cut(picture, grid, frame)
    if ship.lines:
        draw_lines(canvas, frame, ship, unit=unit, dash=(34, 24) if close else None)
    else:
        draw_ship(canvas, frame, ship, unit=unit)
    rows, cols = frame.shape
    draw_scale_bar(canvas, frame, (8 * unit, rows - 8 * unit), 0.22 * cols, unit=0.85 * unit)
    if not close:
        reach = 62 * unit
        draw_compass(canvas, frame, (cols - reach, reach), geometry, unit=0.6 * unit)
    return canvas


def render_crop(
    chip: Chip,
    result: SceneResult,
    detection: DetectionResult,
    *,
    shape: tuple[int, int] = (300, 900),
    clouds: CloudMask | None = None,
) -> Canvas:
    """One ship as a picture for a report's card.

    Parameters
    ----------
    chip
        The scene's pixels.
    result
        Of the whole scene: it says whether the image is simulated and where the sun stood.
    detection
        The ship: one of `result.detections`.
    shape
        (rows, cols) of the picture.
    clouds
        Left out of the stretch where given.

    Returns
    -------
    (row, col, 3) uint8 RGB, bow to the right.

    Raises
    ------
    ValueError
        The detection has no outline.
    """
    ships = place_ships(result, chip.grid.origin)
    ship = next((s for s in ships if s.detection.id == detection.id), None)
    if ship is None:
        raise ValueError(f"{detection.id}: no outline in scene {result.scene_id}")
    frame = ship_frame(ship, shape, margin=frame_margin(chip.grid))
    near, hidden = _near(chip, clouds, frame)
    picture = render_rgb(near, choose_stretch(near, [ship.outline], hidden, None))
    canvas = draw_crop(picture, near.grid, ship, frame, geometry=result.geometry, unit=shape[1] / 900)
    if result.simulated:
        mark_simulated(canvas, unit=shape[1] / 900)
    return canvas


def frame_margin(grid: Grid) -> float:
    """How many times her length a picture of a ship is wide: more where pixels are coarse."""
    return 1.22 if grid.gsd < 2.0 else 2.0


def _near(chip: Chip, clouds: CloudMask | None, frame: Frame) -> tuple[Chip, CloudMask | None]:
    """The part of the chip, and of its clouds, that a frame shows."""
    a, b, c, d, e, f = frame.to_picture
    inverse = np.linalg.inv(np.array([[a, b, c], [d, e, f], [0, 0, 1.0]]))
    rows, cols = frame.shape
    corners = np.array([(0, 0, 1), (cols, 0, 1), (cols, rows, 1), (0, rows, 1)], float) @ inverse.T
    p = ground_to_pixel(chip.grid, corners[:, :2])
    c0, r0 = (int(v) for v in np.clip(np.floor(p.min(axis=0)) - 2, 0, None))
    c1, r1 = (int(v) for v in np.minimum(np.ceil(p.max(axis=0)) + 2, chip.grid.shape[::-1]))
    if r1 - r0 < 2 or c1 - c0 < 2:  # she lies off the chip: nothing to cut
        return chip, clouds
    cut_out = (slice(r0, r1), slice(c0, c1))
    near = Chip(
        pixels=chip.pixels[:, r0:r1, c0:c1],
        valid=chip.valid[cut_out],
        bands=chip.bands,
        grid=crop_grid(chip.grid, r0, c0, (r1 - r0, c1 - c0)),
        calibrated=chip.calibrated,
    )
    if clouds is None:
        return near, None
    hidden = CloudMask(cloudy=clouds.cloudy[cut_out], shadowed=clouds.shadowed[cut_out], method=clouds.method)
    return near, hidden


def mark_simulated(canvas: Canvas, *, unit: float = 1.0) -> None:
    """Say on the picture itself that it is simulated, so that no crop travels without it."""
    size = max(round(17 * unit), 10)
    box(canvas, (0, 0), (7.2 * size, 1.6 * size), (70, 20, 96), opacity=0.75)
    write(canvas, "SIMULATED", (0.5 * size, 1.17 * size), size=size, weight=700, colour=WHITE)
