"""Ships at pixels of some metres: bodies afloat without their wakes, and steps in quays not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray
from pipeline.detect.bodies import (
    Found,
    Looked,
    find_alongside,
    judge_box,
    measure_box,
    rough_boxes,
)
from pipeline.detect.candidates import Candidate, find_candidates, open_water, standing_out
from pipeline.detect.mixed import measure_mixed
from pipeline.detect.outline import Cover
from pipeline.detect.wake import Lifts, lift_bands
from pipeline.detect.water import Water
from pipeline.geometry import crop_grid

_FOAM_PX = 3
"""Pixels of foam at a body's rim, from which it trails a wake."""
_NEAR = 150.0
"""Around a body, that measuring it looks at [m]."""
_SCRAP = 0.25
"""Of the largest body in one of ship and foam, below which another is a scrap of the wake [1]."""


def find_coarse(looked: Looked, config: DetectConfig) -> list[Found]:
    """Hulls afloat, at known quays, and at quays that are told by the step a hull makes in them."""
    gsd = looked.chip.grid.gsd
    lifts = lift_bands(looked.chip, looked.water)
    out = standing_out(looked.water, looked.usable, gsd)
    bodies, land = find_candidates(out & ~lifts.foam(), looked.fixed, gsd, min_length=config.min_length)
    candidates = _without_scraps(bodies, out if looked.fixed is None else out & ~looked.fixed)
    wet = open_water(looked.water, looked.usable & ~looked.shaded, gsd)
    afloat = [f for c in candidates for f in _find_afloat(c, lifts, looked, config)]
    return afloat + find_alongside(looked, land, wet, config)


def _without_scraps(candidates: list[Candidate], out: BoolArray) -> list[Candidate]:
    """The candidates less what is small beside another in one body of ship and foam."""
    import cv2

    _, labels = cv2.connectedComponents(out.astype(np.uint8), connectivity=8)
    sizes = [int(candidate.inside.sum()) for candidate in candidates]
    whole, largest = [], dict[int, int]()
    for candidate, size in zip(candidates, sizes, strict=True):
        rows, cols = candidate.inside.shape
        window = np.s_[candidate.row : candidate.row + rows, candidate.col : candidate.col + cols]
        whole.append(int(labels[window][candidate.inside].max()))
        largest[whole[-1]] = max(size, largest.get(whole[-1], 0))
    return [
        candidate
        for candidate, size, label in zip(candidates, sizes, whole, strict=True)
        if size >= _SCRAP * largest[label]
    ]


# ------------------------------------------------------------------------------------------- afloat


def _find_afloat(candidate: Candidate, lifts: Lifts, looked: Looked, config: DetectConfig) -> list[Found]:
    """The hulls of one body: the boxes of what is bright, less the wake."""
    candidate, lifts, looked = _surroundings(candidate, lifts, looked)
    found = []
    for rough in rough_boxes(candidate, looked, config):
        box = measure_box(looked.chip, looked.usable, looked.fixed, looked, rough)
        own = _own_light(candidate, looked)
        beside = int((lifts.foam() & (own.plane > 0)).sum())
        hull = measure_mixed(lifts, own, box, foamy=beside >= _FOAM_PX)
        judged = judge_box(hull.box, candidate, looked, config)
        if judged is not None:
            sigmas = (hull.length_sigma, hull.beam_sigma)
            found.append(replace(judged, sigmas=sigmas, flags=(*judged.flags, *hull.flags)))
    return found


def _surroundings(candidate: Candidate, lifts: Lifts, looked: Looked) -> tuple[Candidate, Lifts, Looked]:
    """The same in a window about the candidate; what reaches the image's edge still does."""
    grid = looked.chip.grid
    margin = max(16, round(_NEAR / grid.gsd))
    top, left = max(candidate.row - margin, 0), max(candidate.col - margin, 0)
    bottom = candidate.row + candidate.inside.shape[0] + margin
    right = candidate.col + candidate.inside.shape[1] + margin
    part = np.s_[top:bottom, left:right]
    chip = replace(
        looked.chip,
        pixels=looked.chip.pixels[(slice(None), *part)],
        valid=looked.chip.valid[part],
        grid=crop_grid(grid, top, left, looked.chip.valid[part].shape),
    )
    water = looked.water
    cut = replace(
        looked,
        chip=chip,
        usable=looked.usable[part],
        shaded=looked.shaded[part],
        water=Water(
            water=water.water[part],
            contrast=water.contrast[part],
            darkness=water.darkness[part],
            lift=water.lift[part],
        ),
        fixed=None if looked.fixed is None else looked.fixed[part],
    )
    return replace(candidate, row=candidate.row - top, col=candidate.col - left), lifts.cut(part), cut


def _own_light(candidate: Candidate, looked: Looked) -> Cover:
    """The light above the water's of a body and its rim."""
    import cv2

    own = np.zeros(looked.chip.grid.shape, np.uint8)
    rows, cols = candidate.inside.shape
    own[candidate.row : candidate.row + rows, candidate.col : candidate.col + cols] = candidate.inside
    near = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
    plane = np.where(near, np.maximum(looked.water.lift, 0.0), 0.0).astype(np.float32)
    return Cover(grid=looked.chip.grid, plane=plane)
