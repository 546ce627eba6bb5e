"""A hull at full resolution: ends and sides counted in the ship's own frame.

Gaps in what is bright (the shadow of the house, a dark deck) are closed along the ship only: across her a
narrow gap may be all that parts her from the quay.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_GAP = 18.0
"""Longest gap along the ship that is closed [m]."""
_BLURRED = 1.5
"""From this pixel on a deck is as even as paint: an edge is where near half of its height is left [m]."""
_GLINT, _ROUGH = 6.0, 0.01
"""Over so much along her [m] waves and glints even out, where more than this share of the water on the calmer
side of her stands out [1]."""
_BESIDE = 8.0
"""Looked at either side of her [m]."""
_THIN = 3.0
"""What is narrower is a hose, a gangway or the rim of a quay [m]."""


def _line(along_px: int, across_px: int) -> npt.NDArray[np.uint8]:
    return np.ones((max(1, along_px) | 1, max(1, across_px) | 1), np.uint8)


def _body(stands: BoolArray, step: tuple[float, float], beam: float) -> BoolArray:
    """The ship's own component of what stands out, gaps closed, thin things taken off.

    `step` is along and across her [m].
    """
    import cv2

    beside = max(1, round(0.5 * _BESIDE / step[1]))
    if min(stands[:, :beside].mean(), stands[:, -beside:].mean()) > _ROUGH:
        stands = cv2.blur(stands.astype(np.float32), (1, max(1, round(_GLINT / step[0])) | 1)) > 0.5
    image = stands.astype(np.uint8)
    image = cv2.morphologyEx(image, cv2.MORPH_CLOSE, _line(1, round(1.6 / step[1])))
    image = cv2.morphologyEx(image, cv2.MORPH_CLOSE, _line(round(_GAP / step[0]), 1))
    image = cv2.morphologyEx(image, cv2.MORPH_OPEN, _line(round(2 * _THIN / step[0]), round(_THIN / step[1])))
    count, labels = cv2.connectedComponents(image, connectivity=4)
    middle = labels.shape[1] // 2
    half = max(1, round(beam / step[1]) // 3)
    quarter = labels.shape[0] // 4
    votes = np.bincount(labels[quarter:-quarter, middle - half : middle + half + 1].ravel(), minlength=count)
    votes[0] = 0
    return np.asarray(labels == int(votes.argmax())) if votes.max() > 0 else np.zeros_like(stands)


def _edges(body: BoolArray, across: Array) -> tuple[Array, Array, BoolArray]:
    """(left, right) edge at each station [m] and which stations have any."""
    some = np.asarray(body.any(axis=1))
    left = across[body.argmax(axis=1)]
    right = across[body.shape[1] - 1 - body[:, ::-1].argmax(axis=1)]
    return left, right, some


def _slope(x: Array, y: Array) -> float:
    """Of a line through points of which some are far off: median of slopes between halves (Siegel's way)."""
    half = len(x) // 2
    return float(np.median((y[half : 2 * half] - y[:half]) / (x[half : 2 * half] - x[:half])))


def _threshold(cover: Cover, box: Box) -> float:
    """What counts as ship: a share of her own height, the larger the wider an edge is blurred."""
    along, across = np.linspace(-0.35, 0.35, 40) * box.length, np.linspace(-0.3, 0.3, 9) * box.beam
    own = sample_cover(cover, box, along=along, across=across)
    share = 0.4 if cover.grid.gsd >= _BLURRED else 0.22
    return max(STANDS_OUT, share * float(np.median(own)))


def fit_fine(cover: Cover, box: Box) -> Box | None:
    """The box at the pixels of `cover` (contrast to water); None where no body fills it."""
    step = min(cover.grid.gsd, 1.0)
    fine = step / 3  # a side is where the interpolated contrast falls off, to a part of a pixel
    level = _threshold(cover, box)
    for _ in range(2):
        along = np.arange(-0.5 * box.length - 20.0, 0.5 * box.length + 20.0, step)
        reach = 0.5 * box.beam + _BESIDE
        across = np.arange(-np.ceil(reach / fine), np.ceil(reach / fine) + 1) * fine
        stands = sample_cover(cover, box, along=along, across=across) > level
        body = _body(stands, (step, fine), box.beam)
        left, right, some = _edges(body, across)
        if some.sum() < 8:
            return None
        width = np.where(some, right - left + fine, 0.0)
        usual = float(np.median(width[some]))
        hull = np.flatnonzero(width > 0.18 * usual)
        low, high = float(along[hull[0]]) - step / 2, float(along[hull[-1]]) + step / 2
        middle = some & (along > low + 0.22 * (high - low)) & (along < high - 0.3 * (high - low))
        if middle.sum() < 8 or middle.sum() * step < 0.25 * (high - low):
            return None
        port, starboard_edge = float(np.median(left[middle])), float(np.median(right[middle]))
        x = along[middle]
        slopes = sorted((_slope(x, left[middle]), _slope(x, right[middle])), key=abs)
        bow, starboard = ship_axes(box.heading)
        centre = np.asarray(box.centre) + (low + high) / 2 * bow + (port + starboard_edge) / 2 * starboard
        turn = float(np.clip(np.degrees(np.arctan(slopes[0])), -4.0, 4.0))
        box = replace(
            box,
            centre=(float(centre[0]), float(centre[1])),
            heading=(box.heading + turn) % 360.0,
            length=high - low,
            beam=starboard_edge - port + fine,
        )
    return box
