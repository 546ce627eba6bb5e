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
    sums = np.concatenate([np.zeros((len(along), 1)), np.cumsum(image, axis=1)], axis=1)
    least, most = max(2, round(4.0 / step)), round(70.0 / step)
    first, last = np.triu_indices(sums.shape[1], least)
    near = last - first <= most
    first, last = first[near], last[near]
    if not len(first):
        return None
    total = sums[:, last] - sums[:, first]
    running, start = np.zeros(len(first)), np.zeros(len(first), np.intp)
    best, ends = np.full(len(first), -np.inf), np.zeros((2, len(first)), np.intp)
    for k in range(len(along)):
        fresh = running <= 0
        running = np.where(fresh, total[k], running + total[k])
        start = np.where(fresh, k, start)
        better = running > best
        best = np.where(better, running, best)
        ends[0], ends[1] = np.where(better, start, ends[0]), np.where(better, k, ends[1])
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
