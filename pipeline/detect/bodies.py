"""Bodies on the water, fitted with hulls and scored by how like a ship they lie there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Chip, Grid, Window
from pipeline.detect.candidates import Candidate
from pipeline.detect.dark import Sun
from pipeline.detect.outline import Box, Cover, hull_polygon, moments_box, refine_box
from pipeline.detect.quay import find_steps
from pipeline.detect.water import STANDS_OUT, Water
from pipeline.geometry import crop_grid, ground_to_pixel, pixel_to_ground

Array = npt.NDArray[np.float64]

_RAGGED = 0.75
"""Score wanted beside a cloud or the image's edge, where a part may look like anything [1]."""
_STEP_TRUST = 0.85
"""Score of the clearest step in an unknown waterfront: some piers are made like ships [1]."""
_SPILT = 0.12
"""Of a hull's contrast, that optics spill over the water beside her where pixels are coarse [1]."""
_SLENDER = (2.2, 13.0)
"""Length over beam of anything that is called a ship [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """What the search works on."""

    chip: Chip
    """At the search's pixels."""
    usable: BoolArray
    shaded: BoolArray
    """True in the shadow of a cloud."""
    water: Water
    fixed: BoolArray | None
    sun: Sun | None = None
    wanted: Window | None = None
    """Pixels of the search in which ships are to be centred; None: anywhere."""

    def wants(self, centres: Array) -> npt.NDArray[np.bool_]:
        """(n,), True of (n, 2) places on the ground at which a ship is to be looked for."""
        if self.wanted is None:
            return np.ones(len(centres), np.bool_)
        top, left, bottom, right = self.wanted
        col, row = ground_to_pixel(self.chip.grid, centres).T
        return np.asarray((row >= top) & (row < bottom) & (col >= left) & (col < right))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A hull and how sure it is one."""

    box: Box
    score: float
    quay: bool
    flags: tuple[str, ...]
    sigmas: tuple[float, float] | None = None
    """Of length and beam [m]; None: as they usually are at her pixels."""


# ------------------------------------------------------------------------------------------ boxes


def rough_boxes(candidate: Candidate, looked: Looked, config: DetectConfig) -> list[Box]:
    """The candidate's box at the search's pixels, or none."""
    import cv2

    grid = looked.chip.grid
    rows, cols = candidate.inside.shape
    margin = max(3, round(40.0 / grid.gsd))
    top, left = max(candidate.row - margin, 0), max(candidate.col - margin, 0)
    bottom = min(candidate.row + rows + margin, grid.shape[0])
    right = min(candidate.col + cols + margin, grid.shape[1])
    own = np.zeros((bottom - top, right - left), np.uint8)
    own[candidate.row - top :, candidate.col - left :][:rows, :cols] = candidate.inside
    near = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
    seen = looked.usable if looked.fixed is None else looked.usable & ~looked.fixed
    lift = np.where(seen, np.maximum(looked.water.lift, 0.0), 0.0)[top:bottom, left:right]
    plane = np.where(near, lift, 0.0).astype(np.float32)
    if plane.max() <= 0:
        return []
    cover = Cover(grid=crop_grid(grid, top, left, own.shape), plane=plane)
    row, col = np.nonzero(near)
    ground = pixel_to_ground(cover.grid, np.stack([col + 0.5, row + 0.5], -1))
    box = moments_box(ground, plane[row, col].astype(np.float64) + 1e-6)
    if box.length < 0.4 * config.min_length or box.length > 1.5 * config.max_length:
        return []
    return [refine_box(cover, box)]


def window_about(grid: Grid, box: Box, margin: float) -> tuple[int, int, int, int] | None:
    """(row, col, height, width) of the pixels about a box; None outside the chip."""
    corners = hull_polygon(replace(box, length=box.length + 2 * margin, beam=box.beam + 2 * margin))
    pixel = ground_to_pixel(grid, corners)
    left, top = np.maximum(np.floor(pixel.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(pixel.max(axis=0)).astype(int), (grid.shape[1], grid.shape[0]))
    if right - left < 4 or bottom - top < 4:
        return None
    return int(top), int(left), int(bottom - top), int(right - left)


def fill_polygon(grid: Grid, ground: Array) -> BoolArray:
    """(row, col), True inside a polygon of (east, north) points."""
    from skimage.draw import polygon

    pixel = ground_to_pixel(grid, ground) - 0.5
    inside = np.zeros(grid.shape, np.bool_)
    inside[polygon(pixel[:, 1], pixel[:, 0], grid.shape)] = True
    return inside


# ------------------------------------------------------------------------------------------ judgement


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """A hull on the search's pixels and what lies about her."""

    part: tuple[slice, slice]
    """The window of what follows."""
    grid: Grid
    hull: BoolArray
    ring: BoolArray
    """Some metres about the hull."""


def place_of(box: Box, grid: Grid) -> Place | None:
    """Where a box lies; None outside the grid."""
    window = window_about(grid, box, margin=30.0)
    if window is None:
        return None
    top, left, height, width = window
    small = crop_grid(grid, top, left, (height, width))
    wide = replace(box, length=box.length + 4 * grid.gsd, beam=box.beam + 4 * grid.gsd + 6.0)
    inner = replace(box, length=box.length + grid.gsd, beam=box.beam + grid.gsd)
    hull = fill_polygon(small, hull_polygon(box))
    ring = fill_polygon(small, hull_polygon(wide, pointed=0.02)) & ~fill_polygon(small, hull_polygon(inner))
    if not hull.any() or not ring.any():
        return None
    part = np.s_[top : top + height, left : left + width]
    return Place(part=part, grid=small, hull=hull, ring=ring)


def judge_box(
    box: Box, candidate: Candidate, looked: Looked, config: DetectConfig, foam: BoolArray
) -> Found | None:
    """The box as a ship with its score, or None where it is none; water that foams is open water."""
    grid = looked.chip.grid
    slender = box.length / max(box.beam, 1e-6)
    if not config.min_length <= box.length <= config.max_length or not _SLENDER[0] <= slender <= _SLENDER[1]:
        return None
    place = place_of(box, grid)
    if place is None:
        return None
    part, hull, ring = place.part, place.hull, place.ring
    contrast = looked.water.contrast[part]
    stands = (contrast > STANDS_OUT) & looked.usable[part]
    fill = float(stands[hull].mean())
    spilt = max(STANDS_OUT, _SPILT * float(np.median(contrast[hull])))
    open_ring = (((contrast <= spilt) | foam[part]) & looked.usable[part])[ring]
    fixed = np.zeros_like(open_ring) if looked.fixed is None else looked.fixed[part][ring]
    openness = float(open_ring[~fixed].mean()) if (~fixed).sum() >= 0.25 * len(fixed) else 0.6
    slim = float(np.clip((slender - 1.8) / 1.4, 0.2, 1.0) * np.clip((14.0 - slender) / 4.0, 0.2, 1.0))
    score = fill * np.clip(1.25 * openness, 0.0, 1.0) * slim
    flags = _flags(candidate, looked, (part, ring))
    ragged = not {"part-clouded", "cut-by-edge"}.isdisjoint(flags)
    if score < (max(config.min_score, _RAGGED) if ragged else config.min_score):
        return None
    return Found(box=box, score=float(round(score, 4)), quay=False, flags=flags)


def find_alongside(looked: Looked, land: BoolArray, wet: BoolArray, config: DetectConfig) -> list[Found]:
    """Ships at quays that are not known, told by the step they make in the waterfront."""
    sizes = (config.min_length, config.max_length)
    steps = find_steps(land, wet, looked.chip.grid, sizes=sizes, wants=looked.wants)
    found = []
    for step in steps:
        score = _STEP_TRUST * step.score
        if score >= config.min_score and not _green_or_white(looked.chip, step.box):
            found.append(
                Found(box=step.box, score=round(score, 4), quay=True, flags=("alongside", "quay-unknown"))
            )
    return found


def _green_or_white(chip: Chip, box: Box) -> bool:
    """True on a bank with plants and in surf, where a step in the waterfront is no ship."""
    red, nir = chip.band("red"), chip.band("nir", "nir08")
    if red is None or nir is None or not chip.calibrated:
        return False
    inside = fill_polygon(chip.grid, hull_polygon(box))
    if not inside.any():
        return False
    near, visible = float(nir[inside].mean()), float(red[inside].mean())
    return not -0.18 <= (near - visible) / max(near + visible, 1e-3) <= 0.2


def _flags(
    candidate: Candidate, looked: Looked, place: tuple[tuple[slice, slice], BoolArray]
) -> tuple[str, ...]:
    part, ring = place
    flags = []
    rows, cols = looked.chip.grid.shape
    bottom, right = candidate.row + candidate.inside.shape[0], candidate.col + candidate.inside.shape[1]
    if candidate.row == 0 or candidate.col == 0 or bottom >= rows or right >= cols:
        flags.append("cut-by-edge")
    if candidate.touching:
        flags.append("alongside")
    hidden = looked.chip.valid[part] & ~looked.usable[part]
    if hidden[ring].mean() > 0.15:
        flags.append("part-clouded")
    return tuple(flags)
