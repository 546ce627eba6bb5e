"""Ships at a quay that nobody knows yet: steps in a straight waterfront, as long and as deep as a hull.

A hull alongside pushes the waterfront out by her beam between her bow and her stern. Each straight stretch of
waterfront is taken for her outer side: walking along it gives her ends, the quay beyond the ends gives her
beam, and there must be water outside and land behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Grid
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.geometry import pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Front:
    """Land and water about one stretch of waterfront; across grows inland."""

    along: Array
    across: Array
    land: Array
    """(along, across), 0..1"""
    wet: Array
    """(along, across), 0..1: open water that is seen; neither this nor land where clouds hide the ground."""

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


def _stretches(land: BoolArray, grid: Grid, least: float) -> list[tuple[Array, float, float]]:
    """(middle, heading, length) of straight stretches of waterfront, water to port."""
    import cv2

    contours, _ = cv2.findContours(land.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    found = []
    rows, cols = grid.shape
    for contour in contours:
        if len(contour) * grid.gsd < 4 * least:
            continue
        corners = cv2.approxPolyDP(contour, max(1.0, 6.0 / grid.gsd), True)[:, 0].astype(np.float64)
        ground = pixel_to_ground(grid, corners + 0.5)
        for k, (start, stop) in enumerate(zip(ground, np.roll(ground, -1, axis=0), strict=True)):
            pair = np.stack([corners[k], corners[(k + 1) % len(corners)]])
            if (pair <= 1).any() or (pair[:, 0] >= cols - 2).any() or (pair[:, 1] >= rows - 2).any():
                continue
            step = stop - start
            length = float(np.hypot(*step))
            if length >= least:
                heading = float(np.degrees(np.arctan2(step[0], step[1])) % 360)
                found.append(((start + stop) / 2, heading, length))
    return found


def _front(cover: Cover, wet: Cover, middle: Array, heading: float, reach: float) -> _Front | None:
    """The patch about a stretch, turned so that across grows inland."""
    step = max(0.5 * cover.grid.gsd, 2.0)
    along = np.arange(-reach, reach + step, step)
    across = np.arange(-_OUTSIDE, _DEEPEST + step, step)
    box = Box(centre=(float(middle[0]), float(middle[1])), heading=heading, length=1.0, beam=1.0)
    right = sample_cover(cover, box, along=along, across=across)
    left = sample_cover(cover, box, along=along, across=-across)
    close = np.abs(along) < 25.0
    near = (np.abs(across) > 5) & (np.abs(across) < 20)
    sense = [
        part[np.ix_(close, near & (across > 0))].mean() - part[np.ix_(close, near & (across < 0))].mean()
        for part in (right, left)
    ]
    if max(sense) < 0.5:
        return None
    sign = 1.0 if sense[0] >= sense[1] else -1.0
    return _Front(
        along=along,
        across=across,
        land=right if sign > 0 else left,
        wet=sample_cover(wet, box, along=along, across=sign * across),
    )


def _ends(front: _Front, depth: float) -> tuple[float, float] | None:
    """Both ends of what stands at `depth` inside the outer side, walking from the middle."""
    col = int(np.argmin(np.abs(front.across - depth)))
    stands = front.land[:, max(col - 1, 0) : col + 2].mean(axis=1) > 0.5
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
    return float(front.along[left]), float(front.along[right])


def _judge(front: _Front, gsd: float) -> tuple[float, float, float, float] | None:
    """(low, high, beam, score) of the hull whose outer side the stretch is, None where it is none."""
    ends = _ends(front, max(6.0, 0.7 * gsd))
    if ends is None:
        return None
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
    return low, high, beam, float(score)


def find_steps(
    land: BoolArray, wet: BoolArray, grid: Grid, *, min_length: float, max_length: float
) -> list[Step]:
    """Hulls at the waterfront of `land`.

    Parameters
    ----------
    land
        (row, col), True on everything that is too large for a ship and not water.
    wet
        (row, col), True on open water that is seen.
    """
    cover = Cover(grid=grid, plane=land.astype(np.float32))
    open_water = Cover(grid=grid, plane=wet.astype(np.float32))
    found = []
    for middle, heading, _ in _stretches(land, grid, 0.6 * min_length):
        front = _front(cover, open_water, middle, heading, max_length + 60.0)
        judged = None if front is None else _judge(front, grid.gsd)
        if front is None or judged is None:
            continue
        low, high, beam, score = judged
        if not min_length <= high - low <= max_length:
            continue
        bow, starboard = ship_axes(heading)
        inland = starboard if _inland_is_right(cover, middle, heading) else -starboard
        centre = middle + (low + high) / 2 * bow + beam / 2 * inland
        box = Box(centre=(float(centre[0]), float(centre[1])), heading=heading, length=high - low, beam=beam)
        found.append(Step(box=box, score=score))
    return found


def _inland_is_right(cover: Cover, middle: Array, heading: float) -> bool:
    box = Box(centre=(float(middle[0]), float(middle[1])), heading=heading, length=1.0, beam=1.0)
    along, across = np.linspace(-25, 25, 11), np.array([-15.0, -10.0, 10.0, 15.0])
    part = sample_cover(cover, box, along=along, across=across).mean(axis=0)
    return bool(part[2:].sum() > part[:2].sum())
