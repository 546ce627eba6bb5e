"""Large images block by block: no more is worked on at a time than one block and what lies around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.datatypes import Detection, Grid, Window
from pipeline.geometry import ground_to_pixel

SIDE = 1024
"""Of a block [pixel]."""
_AROUND = 350.0
"""Beside the longest ship: water to compare her with, and the quay she lies at [m]."""
_SLACK = 60.0
"""A ship on a seam may be placed a little otherwise by the blocks that meet there [m]."""
_SAME = 0.5
"""Two outlines that share more than this of the smaller one are one ship [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block."""

    core: Window
    """The blocks' cores cover the image once."""
    window: Window
    """What is looked at."""

    @property
    def part(self) -> tuple[slice, slice]:
        """The window as an index."""
        top, left, bottom, right = self.window
        return slice(top, bottom), slice(left, right)


def plan_blocks(shape: tuple[int, int], gsd: float, *, max_length: float, side: int = SIDE) -> list[Block]:
    """Blocks of an image, each with so much around it that a ship which is centred in it is seen whole.

    Parameters
    ----------
    gsd, max_length
        [m]
    side
        Of a core [pixel].
    """
    rows, cols = shape
    margin = margin_px(gsd, max_length)
    cores = [
        (top, left, min(top + side, rows), min(left + side, cols))
        for top in range(0, rows, side)
        for left in range(0, cols, side)
    ]
    return [Block(core=core, window=grow(core, margin, shape)) for core in cores]


def margin_px(gsd: float, max_length: float) -> int:
    """What is looked at around a core, so that a ship which is centred in it is seen whole [pixel]."""
    return int(np.ceil((0.5 * max_length + _SLACK + _AROUND) / gsd))


def grow(core: Window, margin: int, shape: tuple[int, int]) -> Window:
    """The window of a core: what lies `margin` pixels around it in an image."""
    top, left, bottom, right = core
    return (
        max(top - margin, 0),
        max(left - margin, 0),
        min(bottom + margin, shape[0]),
        min(right + margin, shape[1]),
    )


def wanted_of(block: Block, gsd: float) -> Window:
    """Pixels of a block's window in which a ship may be centred that is the block's, at any stage."""
    top, left = block.window[:2]
    core = (block.core[0] - top, block.core[1] - left, block.core[2] - top, block.core[3] - left)
    shape = (block.window[2] - top, block.window[3] - left)
    return grow(core, int(np.ceil(2.0 * _SLACK / gsd)), shape)


def own_ships(block: Block, grid: Grid, ships: Sequence[Detection]) -> list[Detection]:
    """The ships centred in a block or close to its seams; `grid` is that of its window."""
    if not ships:
        return []
    slack = _SLACK / grid.gsd
    col, row = ground_to_pixel(grid, np.array([ship.centre for ship in ships])).T
    row, col = row + block.window[0], col + block.window[1]
    top, left, bottom, right = block.core
    own = (row >= top - slack) & (row < bottom + slack) & (col >= left - slack) & (col < right + slack)
    return [ship for ship, chosen in zip(ships, own, strict=True) if chosen]


def join_ships(ships: Sequence[Detection]) -> tuple[Detection, ...]:
    """Every ship once, the surest word about her; from north-west to south-east, numbered anew."""
    from shapely import Polygon, STRtree

    best = sorted(ships, key=lambda ship: (-ship.score, ship.centre))
    rings = [Polygon(ship.outline) for ship in best]
    near = STRtree(rings)
    dropped: set[int] = set()
    for at, ring in enumerate(rings):
        if at in dropped:
            continue
        for other in near.query(ring):
            shared = ring.intersection(rings[other]).area
            if other > at and shared > _SAME * min(ring.area, rings[other].area):
                dropped.add(int(other))
    kept = [ship for at, ship in enumerate(best) if at not in dropped]
    kept.sort(key=lambda ship: (-ship.centre[1], ship.centre[0]))
    return tuple(replace(ship, id=f"d{number}") for number, ship in enumerate(kept, 1))
