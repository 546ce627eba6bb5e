"""The first, cheap pass over a coarse image: where in it something may stand out of water.

The full search looks at these places and at nothing else. The look is on cells of a few pixels and errs on
the side of looking: it asks less of water and of what stands out of it than the search does.

Limits: it needs reflectance in green and near infrared; without them all is worth a look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.datatypes import BoolArray, Chip, Window
from pipeline.detect.local import LocalMeans, Plane
from pipeline.detect.water import (
    LEAST_SPREAD,
    STANDS_OUT,
    has_waters_colour,
    telling_bands,
    tells_water,
    two_strongest,
    wide_water,
)
from pipeline.geometry import block_mean

_CELL = 4
"""Pixels along the side of a cell."""
_ROWS = 16
"""Of cells that are summed up together."""
_LESS = 0.8
"""Of what the search asks of a body that stands out of the water [1]."""
_LEVEL = 300.0
"""Side over which the water's level is taken [m]."""
_WHOLLY = 0.99
"""Share of a cell that may be water, from which it is nothing else [1]."""
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
    if not tells_water(chip) or min(seen.shape) < _CELL:
        return [core]
    cells = _sum_up(chip, seen)
    if not cells.share.any():
        return []
    out = _near(cells.share > 0, _SHORE / (_CELL * chip.grid.gsd)) & _stands_out(cells, chip.grid.gsd)
    return _join(_boxes(_near(out, 0.5 * _ONE / (_CELL * chip.grid.gsd)), out, core), margin)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """What a chip is like on cells, (row, col) each."""

    share: Plane
    """That may be water [1]."""
    most: tuple[Plane, ...]
    """The largest value of each telling band."""
    means: tuple[Plane, ...]
    """Of each telling band."""


def _sum_up(chip: Chip, seen: BoolArray) -> _Cells:
    """The cells of a chip; some rows at a time, so that each band is fetched from memory once."""
    rows, cols = (n // _CELL for n in seen.shape)
    planes = [plane[:, : cols * _CELL] for _, plane in telling_bands(chip)]
    hidden = not seen.all()
    wet = np.zeros((rows * _CELL, cols * _CELL), bool)
    most, means = (np.empty((len(planes), rows, cols), np.float32) for _ in range(2))
    for top in range(0, rows, _ROWS):
        bottom = min(top + _ROWS, rows)
        part = slice(top * _CELL, bottom * _CELL)
        wet[part] = has_waters_colour(chip, seen, part)[:, : cols * _CELL]
        sees = seen[part, : cols * _CELL] if hidden else None
        for k, plane in enumerate(planes):
            means[k, top:bottom] = block_mean(plane[part], _CELL)
            most[k, top:bottom] = _largest(plane[part] if sees is None else plane[part] * sees)
    share = block_mean(wide_water(wet, chip.grid.gsd).astype(np.float32), _CELL)
    return _Cells(share=share, most=tuple(most), means=tuple(means))


def _stands_out(cells: _Cells, gsd: float) -> BoolArray:
    """(row, col), True where a pixel may be brighter in two bands than the water about it.

    The level of the water is that of cells which hold nothing else: where there are none near by, what stands
    on either side is a shore, which is looked at.
    """
    import cv2

    size = max(3, round(_LEVEL / (_CELL * gsd)) | 1)
    least = np.float32(_LESS * STANDS_OUT * LEAST_SPREAD)
    out = np.zeros(cells.share.shape, bool)
    for _ in range(2):  # the second time what stands out has no say in the level
        water = (cells.share > _WHOLLY) & ~out
        if not water.any():
            return np.ones(out.shape, bool)
        local = LocalMeans(water, size)
        above = [cv2.subtract(top, local.of(mean)) for top, mean in zip(cells.most, cells.means, strict=True)]
        out = np.asarray(two_strongest(above)[0] > least)
    return out


def _largest(plane: Plane) -> Plane:
    """(row, col) of the cells: the largest value in each."""
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
    row, col = np.nonzero(own)
    if not len(row):
        return []
    label = labels[row, col]
    order = np.argsort(label, kind="stable")
    first = np.flatnonzero(np.diff(label[order], prepend=-1))
    cells = np.stack([row, col], axis=-1)[order]
    low, high = np.minimum.reduceat(cells, first), np.maximum.reduceat(cells, first) + 1
    low, high = np.maximum(low * _CELL, (top, left)), np.minimum(high * _CELL, (bottom, right))
    return [(r, c, s, t) for (r, c), (s, t) in zip(low.tolist(), high.tolist(), strict=True)]


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
