"""The first, cheap pass over a coarse image: where in it something may stand out of water.

The full search looks at these places and at nothing else. The look is on cells of a few pixels and errs on
the side of looking: it asks less of water and of what stands out of it than the search does.

Limits: it needs reflectance in green and near infrared; without them all is worth a look.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.datatypes import BoolArray, Chip, Window
from pipeline.detect.local import LocalMeans, Plane
from pipeline.detect.water import (
    LEAST_SPREAD,
    STANDS_OUT,
    may_be_water,
    telling_bands,
    tells_water,
    two_strongest,
)
from pipeline.geometry import block_mean

_CELL = 4
"""Pixels along the side of a cell."""
_LESS = 0.8
"""Of what the search asks of a body that stands out of the water [1]."""
_LEVEL = 300.0
"""Side over which the water's level is taken [m]."""
_SHORE = 100.0
"""What is farther from water than this is land [m]."""
_ONE = 100.0
"""What is nearer to one another is looked at together [m]."""
_CALL = 30_000
"""What looking at one more place costs beside its pixels [pixel]."""


def find_places(chip: Chip, seen: BoolArray, core: Window, margin: int) -> list[Window]:
    """Where in `core` ships may lie, as windows that the search is to look at with `margin` pixels around.

    Parameters
    ----------
    seen
        (row, col), True where the ground is seen.
    """
    if not seen.any():
        return []
    if not tells_water(chip):
        return [core]
    wet = may_be_water(chip, seen)
    share = block_mean(wet.astype(np.float32), _CELL)
    if not share.any():
        return []
    out = _near(share > 0, _SHORE / (_CELL * chip.grid.gsd)) & _stands_out(chip, seen, wet, share)
    return _join(_boxes(_near(out, 0.5 * _ONE / (_CELL * chip.grid.gsd)), out, core), margin)


def _stands_out(chip: Chip, seen: BoolArray, wet: BoolArray, share: Plane) -> BoolArray:
    """(row, col) of the cells: True where a pixel may be brighter in two bands than the water about it."""
    import cv2

    inside, sees = wet.astype(np.float32), None if seen.all() else seen.astype(np.float32)
    planes = [plane for _, plane in telling_bands(chip)]
    most = [_largest(plane if sees is None else cv2.multiply(plane, sees)) for plane in planes]
    sums = [block_mean(cv2.multiply(plane, inside), _CELL) for plane in planes]
    size = max(3, round(_LEVEL / (_CELL * chip.grid.gsd)) | 1)
    least = np.float32(_LESS * STANDS_OUT * LEAST_SPREAD)
    out = np.zeros(share.shape, bool)
    for _ in range(2):  # the second time what stands out has no say in the level
        water = (share > 0) & ~out
        if not water.any():
            return np.ones(share.shape, bool)
        local = LocalMeans(water, size)
        wetness = np.maximum(local.of(share), np.float32(1e-3))
        above = [
            np.asarray(top - local.of(total) / wetness, np.float32)
            for top, total in zip(most, sums, strict=True)
        ]
        out = np.asarray(two_strongest(above)[0] > least)
    return out


def _largest(plane: Plane) -> Plane:
    """(row, col) of the cells: the largest value in each."""
    down, right = (-n % _CELL for n in plane.shape)
    if down or right:
        plane = np.pad(plane, ((0, down), (0, right)), mode="edge")
    rows = plane[::_CELL].copy()
    for k in range(1, _CELL):
        np.maximum(rows, plane[k::_CELL], out=rows)
    most = rows[:, ::_CELL].copy()
    for k in range(1, _CELL):
        np.maximum(most, rows[:, k::_CELL], out=most)
    return most


def _near(cells: BoolArray, reach: float) -> BoolArray:
    """`cells` and what lies so many cells from them."""
    import cv2

    side = 2 * int(np.ceil(reach)) + 1
    return np.asarray(cv2.dilate(cells.astype(np.uint8), np.ones((side, side), np.uint8)) > 0)


def _boxes(groups: BoolArray, out: BoolArray, core: Window) -> list[Window]:
    """The boxes about the cells of each group that lie in the core."""
    import cv2

    top, left, bottom, right = core
    own = np.zeros_like(out)
    part = np.s_[top // _CELL : -(-bottom // _CELL), left // _CELL : -(-right // _CELL)]
    own[part] = out[part]
    _, labels = cv2.connectedComponents(groups.astype(np.uint8), connectivity=8)
    labels[~own] = 0
    boxes = []
    for label in np.unique(labels)[1:]:
        row, col = np.nonzero(labels == label)
        boxes.append(
            (
                max(int(row.min()) * _CELL, top),
                max(int(col.min()) * _CELL, left),
                min(int(row.max() + 1) * _CELL, bottom),
                min(int(col.max() + 1) * _CELL, right),
            )
        )
    return boxes


def _join(boxes: Sequence[Window], margin: int) -> list[Window]:
    """The boxes, those in one that are looked at together more cheaply than alone."""
    rest = list(boxes)
    at = 0
    while at < len(rest):
        for other in range(at + 1, len(rest)):
            both = _around(rest[at], rest[other])
            if _cost(both, margin) <= _cost(rest[at], margin) + _cost(rest[other], margin):
                rest[at] = both
                del rest[other]
                at = -1  # the larger one may be worth joining with one that the smaller was not
                break
        at += 1
    return rest


def _around(one: Window, other: Window) -> Window:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _cost(box: Window, margin: int) -> int:
    return (box[2] - box[0] + 2 * margin) * (box[3] - box[1] + 2 * margin) + _CALL
