"""Ships at a quay that nobody knows yet: steps in a straight waterfront, as long and as deep as a hull.

A hull alongside pushes the waterfront out by her beam between her bow and her stern. Each straight stretch of
waterfront is taken for her outer side: walking along it gives her ends, the quay beyond the ends gives her
beam, and there must be water outside and land behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Grid
from pipeline.detect.local import Plane
from pipeline.detect.outline import Box, Cover
from pipeline.detect.waterfront import Array, find_stretches, place_hulls, sample_fronts

_OUTSIDE = 30.0
"""Water wanted beyond a hull's outer side [m]."""
_DEEPEST = 75.0
"""How far inwards the quay is looked for [m]."""
_BEAMS = (9.0, 55.0)
"""[m]"""
_BEYOND = 40.0
"""How far beyond her ends the quay is looked at [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step in the waterfront that a hull would make."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _Sides:
    """Land and water about one stretch of waterfront; across grows inland."""

    along: Array
    across: Array
    land: Plane
    """(along, across), 0..1"""
    wet: Plane
    """(along, across), 0..1; neither is whole where clouds hide the ground."""

    def share(self, along: tuple[float, float], across: tuple[float, float]) -> float:
        """Share of land in a block."""
        rows = (self.along >= along[0]) & (self.along <= along[1])
        cols = (self.across >= across[0]) & (self.across <= across[1])
        part = self.land[np.ix_(rows, cols)]
        return float(part.mean()) if part.size else 1.0

    def open_water(self, along: tuple[float, float], across: tuple[float, float]) -> float:
        """Share of open water in a block."""
        rows = (self.along >= along[0]) & (self.along <= along[1])
        cols = (self.across >= across[0]) & (self.across <= across[1])
        part = self.wet[np.ix_(rows, cols)]
        return float(part.mean()) if part.size else 0.0

    def depth(self, along: tuple[float, float]) -> float | None:
        """Where the quay begins between two stations [m]; None where there is only water."""
        rows = (self.along >= along[0]) & (self.along <= along[1])
        inland = self.across > -5.0
        if not rows.any():
            return None
        profile = np.median(self.land[np.ix_(rows, inland)], axis=0)
        stands = np.flatnonzero(profile > 0.5)
        return float(self.across[inland][stands[0]]) if stands.size else None


def _ends(along: Array, side: Plane) -> tuple[float, float] | None:
    """Both ends of what stands along the outer side, walking from the middle; `side` (along, across)."""
    stands = side.mean(axis=1) > 0.5
    middle = len(stands) // 2
    if not stands[middle]:
        return None
    left, right = middle, middle
    while left > 0 and stands[left - 1]:
        left -= 1
    while right < len(stands) - 1 and stands[right + 1]:
        right += 1
    if left == 0 or right == len(stands) - 1:
        return None
    return float(along[left]), float(along[right])


def _judge(front: _Sides, ends: tuple[float, float], gsd: float) -> tuple[float, float] | None:
    """(beam, score) of the hull whose outer side the stretch is between its ends, None where it is none."""
    low, high = ends
    length = high - low
    gap = max(4.0, 0.6 * gsd)
    sides = [
        front.depth((low - _BEYOND, low - gap)),
        front.depth((high + gap, high + _BEYOND)),
    ]
    depths = [d for d in sides if d is not None and d >= _BEAMS[0]]
    if not depths or min(d for d in sides if d is not None) < -4.0:
        return None
    beam = min(depths)
    if not (_BEAMS[0] <= beam <= _BEAMS[1] and 3.0 <= length / beam <= 11.0):
        return None
    water = front.open_water((low + 0.1 * length, high - 0.1 * length), (-_OUTSIDE, -gap))
    inside = front.share((low + 0.12 * length, high - 0.12 * length), (gap, beam))
    behind = front.share((low, high), (beam + gap, beam + 20.0))
    open_ends = [
        front.open_water(block, (gap, max(0.7 * beam, gap + 2)))
        for block in ((low - 25.0, low - gap), (high + gap, high + 25.0))
    ]
    ends_score = 0.5 * max(open_ends) + 0.5 * min(1.0, sum(open_ends) / 1.6)
    score = water**2 * inside * ends_score * min(1.0, 0.5 + 0.7 * behind)
    if len(depths) == 2:
        score *= float(np.exp(-0.5 * ((depths[0] - depths[1]) / 20.0) ** 2))
    return beam, float(score)


def find_steps(
    land: BoolArray,
    wet: BoolArray,
    grid: Grid,
    *,
    sizes: tuple[float, float],
    wants: Callable[[Array], npt.NDArray[np.bool_]],
) -> list[Step]:
    """Hulls at the waterfront of `land`.

    Parameters
    ----------
    land
        (row, col), True on everything that is too large for a ship and not water.
    wet
        (row, col), True on open water that is seen.
    sizes
        Of the shortest hull and of the longest [m].
    wants
        Says of the middles of outer sides, (n, 2) on the ground, where hulls are looked for.
    """
    min_length, max_length = sizes
    covers = [Cover(grid=grid, plane=plane.astype(np.float32)) for plane in (land, wet)]
    step, reach = max(0.5 * grid.gsd, 2.0), max_length + 60.0
    along = np.arange(-reach, reach + step, step)
    across = np.arange(-_OUTSIDE, _DEEPEST + step, step)
    stretches = find_stretches(land, wet, grid, 0.6 * min_length)
    col = int(np.argmin(np.abs(across - max(6.0, 0.7 * grid.gsd))))
    sides = sample_fronts(covers[:1], stretches, along, across[max(col - 1, 0) : col + 2]).planes[:, 0]
    ended = [
        (stretch, ends)
        for stretch, side in zip(stretches, sides, strict=True)
        if (ends := _ends(along, side)) is not None and min_length <= ends[1] - ends[0] <= max_length
    ]
    middles = np.array([0.5 * (low + high) for _, (low, high) in ended])
    wanted = wants(place_hulls([stretch for stretch, _ in ended], middles, np.zeros(len(ended))))
    ended = [pair for pair, kept in zip(ended, wanted, strict=True) if kept]
    planes = sample_fronts(covers, [stretch for stretch, _ in ended], along, across).planes
    found = []
    for (stretch, ends), (on_land, on_water) in zip(ended, planes, strict=True):
        judged = _judge(_Sides(along, across, on_land, on_water), ends, grid.gsd)
        if judged is not None:
            found.append(Step(box=stretch.box(ends, judged[0]), score=judged[1]))
    return found
