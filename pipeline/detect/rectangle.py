"""The rectangle that holds most ship and least water."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Grid
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.geometry import pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]


def best_rectangle(cover: Cover, inside: BoolArray, config: DetectConfig) -> Box | None:
    """The rectangle of a ship's size that holds most body and least water."""
    if inside.sum() * cover.grid.gsd**2 < 0.3 * config.min_length**2 / 6.5:
        return None
    row, col = np.nonzero(inside)
    ground = pixel_to_ground(cover.grid, np.stack([col + 0.5, row + 0.5], -1))
    best: tuple[float, Box] | None = None
    for heading in _axes(inside, cover.grid):
        scored = _in_frame(cover, ground, heading, config)
        if scored is not None and (best is None or scored[0] > best[0]):
            best = scored
    if best is None:
        return None
    for turn in (-2.0, 2.0):
        scored = _in_frame(cover, ground, best[1].heading + turn, config)
        if scored is not None and scored[0] > best[0]:
            best = scored
    return best[1]


def _axes(inside: BoolArray, grid: Grid) -> list[float]:
    """Headings along which the body may lie: of its smallest rectangle and of its longest straight edges."""
    import cv2

    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found: dict[int, float] = {}
    for contour in contours:
        rectangle = cv2.boxPoints(cv2.minAreaRect(contour)).astype(np.float64)
        corners = cv2.approxPolyDP(contour, 1.5, True)[:, 0].astype(np.float64)
        for ring, share in ((rectangle, 1.0), (corners, 1.5)):
            ground = pixel_to_ground(grid, ring + 0.5)
            for step in np.roll(ground, -1, axis=0) - ground:
                bearing = float(np.degrees(np.arctan2(step[0], step[1]))) % 180.0
                key = round(bearing / 4.0) % 45
                found[key] = found.get(key, 0.0) + share * float(np.hypot(*step))
    best = sorted(found, key=lambda key: -found[key])[:6]
    return [4.0 * key for key in best]


def _in_frame(cover: Cover, ground: Array, heading: float, config: DetectConfig) -> tuple[float, Box] | None:
    """(sum of weights [m2], rectangle) of the best one along a heading: Kadane's sum in two dimensions."""
    bow, starboard = ship_axes(heading)
    y, x = ground @ bow, ground @ starboard
    step = cover.grid.gsd
    along = np.arange(y.min() - 2 * step, y.max() + 2.1 * step, step)
    across = np.arange(x.min() - 2 * step, x.max() + 2.1 * step, step)
    if len(along) * step < 0.8 * config.min_length or len(across) > 400:
        return None
    frame = Box(centre=(0.0, 0.0), heading=heading, length=1.0, beam=1.0)
    image = sample_cover(cover, frame, along=along, across=across)
    first, last = np.triu_indices(len(across) + 1, max(2, round(4.0 / step)))
    near = last - first <= round(70.0 / step)
    first, last = first[near], last[near]
    if not len(first):
        return None
    best, ends = _fullest_runs(image, first, last)
    length, beam = (ends[1] - ends[0] + 1) * step, (last - first) * step
    best = np.where((length >= 0.8 * config.min_length) & (length >= 1.4 * beam), best, -np.inf)
    k = int(best.argmax())
    if not best[k] > 0:
        return None
    middle = (along[ends[0, k]] + along[ends[1, k]]) / 2
    side = (across[first[k]] + across[last[k] - 1]) / 2
    centre = middle * bow + side * starboard
    box = Box(
        centre=(float(centre[0]), float(centre[1])),
        heading=heading % 360.0,
        length=float(length[k]),
        beam=float(beam[k]),
    )
    return float(best[k]) * step**2, box


def _fullest_runs(
    image: Array, first: npt.NDArray[np.intp], last: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """(largest sum of a run of rows, its (2, n) first and last row) between each pair of columns.

    Kadane's way, all pairs at once and in place: what a row needs stays in the cache.
    """
    sums = np.zeros((image.shape[0], image.shape[1] + 1), np.float32)
    sums[:, 1:] = np.cumsum(image, axis=1)
    running, start = np.zeros(len(first), np.float32), np.zeros(len(first), np.int32)
    best, ends = np.full(len(first), -np.inf, np.float32), np.zeros((2, len(first)), np.int32)
    total, low = np.empty_like(running), np.empty_like(running)
    chosen = np.empty(len(first), np.bool_)
    for k, row in enumerate(sums):
        np.take(row, last, out=total)
        np.take(row, first, out=low)
        total -= low
        np.less_equal(running, 0, out=chosen)
        np.copyto(start, k, where=chosen)
        np.maximum(running, 0, out=running)
        running += total
        np.greater(running, best, out=chosen)
        np.copyto(best, running, where=chosen)
        np.copyto(ends[0], start, where=chosen)
        np.copyto(ends[1], k, where=chosen)
    return best, ends
