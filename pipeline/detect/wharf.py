"""Quays and piers in fine pixels, where nobody knows what stands there.

A quay takes up much of the image's edge, or more of the image than ships do; a ship at it makes a step in the
waterfront. The head of a pier lies in the water like a ship, but a road on legs goes from its side to the
shore, and nothing that narrow and that long goes from a ship.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray
from pipeline.detect.bodies import Looked
from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.detect.quay import find_steps
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_EDGE = 120.0
"""Along the image's edge, that a quay takes up at least; the road of a pier, or a ship, is narrower [m]."""
_TRUST = 0.6
"""Score of a step that may be a ship, to be looked at in the image's own pixels [1]."""
_SAME = 0.5
"""Centres of two steps closer than this, in the smaller beam, are one ship's [1]."""
_INLAND, _ON = 60.0, 80.0
"""How deep a quay is, and how far it goes on beyond a ship's ends, as far as her hull is concerned [m]."""
_FAR, _LEAST, _ROAD, _NEAR = 70.0, 20.0, 18.0, 25.0
"""What goes on so far from a side, or out of the image beyond the second, is a pier's road if it is no wider
than the third over most of the last [m]."""
_WALK, _CLOSED, _GOES_ON = 12.5, 0.15, 0.3
"""Broadest part of a pier that is taken for a hull [m]; what stands along both sides of it, or beyond an end,
at least: of 13 ships as narrow at most 0.05 and 0.16 [1]."""
_STEP = 1.0
"""Of the stations about a hull [m]."""


def touch_edge(labels: npt.NDArray[np.int32], count: int, gsd: float) -> BoolArray:
    """(count,), True for what takes up so much of the image's edge that it goes on as land."""
    edge = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    shares = np.bincount(edge, minlength=count) * gsd > _EDGE
    shares[0] = False
    return np.asarray(shares)


def find_at_steps(
    land: BoolArray, wet: BoolArray, looked: Looked, config: DetectConfig
) -> list[tuple[Box, Box]]:
    """(the ship, the quay behind her) at each step that a hull may make in a waterfront, clearest first.

    Parameters
    ----------
    land
        (row, col), True on quays and what lies at them.
    wet
        (row, col), True on open water that is seen.
    """
    grid, sizes = looked.chip.grid, (config.min_length, config.max_length)
    steps = find_steps(land, wet, grid, sizes=sizes, wants=looked.wants)
    cover = Cover(grid=grid, plane=land.astype(np.float32))
    kept: list[Box] = []
    for step in sorted(steps, key=lambda step: (-step.score, step.box.centre)):
        if step.score >= _TRUST and not any(_same(step.box, other) for other in kept):
            kept.append(step.box)
    return [(box, _quay_behind(box, cover)) for box in kept]


def _same(box: Box, other: Box) -> bool:
    apart = np.hypot(*(np.asarray(box.centre) - np.asarray(other.centre)))
    return bool(apart < _SAME * min(box.beam, other.beam))


def _quay_behind(box: Box, land: Cover) -> Box:
    _, starboard = ship_axes(box.heading)
    along, off = np.linspace(-0.5, 0.5, 41) * box.length, 0.5 * box.beam + np.linspace(4.0, 20.0, 9)
    sides = [float(sample_cover(land, box, along=along, across=sense * off).mean()) for sense in (-1.0, 1.0)]
    inland = starboard if sides[1] > sides[0] else -starboard
    centre = np.asarray(box.centre) + 0.5 * (box.beam + _INLAND) * inland
    return replace(
        box, centre=(float(centre[0]), float(centre[1])), length=box.length + 2 * _ON, beam=_INLAND
    )


def is_pier_head(cover: Cover, box: Box) -> bool:
    """True where a road goes from one of its sides, far off or out of the image.

    `cover` is contrast to water about the box, 0 where other hulls lie.
    """
    import cv2

    grid = cover.grid
    inside = Cover(grid=grid, plane=np.ones(grid.shape, np.float32))
    along = np.arange(-0.5 * box.length - 0.5 * _FAR, 0.5 * box.length + 0.5 * _FAR, _STEP)
    out = 0.5 * box.beam + np.arange(1.0, _FAR + 4.0, _STEP)
    own = np.abs(along) < 0.45 * box.length
    line, least = np.ones((round(_ROAD / _STEP), 1), np.uint8), round(_LEAST / _STEP)
    for sense in (-1.0, 1.0):
        stands = sample_cover(cover, box, along=along, across=sense * out) > STANDS_OUT
        beyond = sample_cover(inside, box, along=along, across=sense * out) < 0.5
        image = cv2.morphologyEx(stands.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        image = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, labels = cv2.connectedComponents(image, connectivity=4)
        left = np.zeros(labels.shape, np.bool_)
        left[:, -5:] = True
        left[:, least:] |= cv2.dilate(beyond.astype(np.uint8), np.ones((3, 3), np.uint8))[:, least:] > 0
        far = np.setdiff1d(np.unique(labels[left]), [0])
        road = np.isin(labels, far)
        begins = (road[own, 1:8].mean(axis=1) > 0.8).any()
        wide = cv2.morphologyEx(road[:, : round(_NEAR / _STEP)].astype(np.uint8), cv2.MORPH_OPEN, line)
        if begins and float(wide.any(axis=0).mean()) < 0.2:
            return True
    return False


def is_part_of_pier(cover: Cover, box: Box) -> bool:
    """True where a narrow hull that hangs together with a pier goes on at an end or at both of its sides."""
    if box.beam > _WALK:
        return False
    across = np.linspace(-0.5, 0.5, 21) * box.beam
    beyond = 0.5 * box.length + np.arange(2.0, 12.0, 0.5)
    ends = [_standing(cover, box, along=sense * beyond, across=across) for sense in (-1.0, 1.0)]
    return opener_side(cover, box) > _CLOSED or max(ends) > _GOES_ON


def opener_side(cover: Cover, box: Box) -> float:
    """How much stands along that of its two sides which is more open, 0..1."""
    along = np.linspace(-0.4, 0.4, 60) * box.length
    aside = 0.5 * box.beam + max(1.5, 1.5 * cover.grid.gsd) + np.arange(0.0, 6.5, 0.5)  # clear of her blur
    return min(_standing(cover, box, along=along, across=sense * aside) for sense in (-1.0, 1.0))


def _standing(cover: Cover, box: Box, *, along: Array, across: Array) -> float:
    return float((sample_cover(cover, box, along=along, across=across) > STANDS_OUT).mean())
