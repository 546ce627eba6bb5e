"""Ships at pixels of some metres: bodies afloat without their wakes, and steps in quays not known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, QuayModel
from pipeline.detect.alongside import find_berthed, has_quay_bands
from pipeline.detect.bodies import (
    Found,
    Looked,
    fill_polygon,
    find_alongside,
    judge_box,
    rough_boxes,
)
from pipeline.detect.candidates import Candidate, find_candidates, open_water, standing_out
from pipeline.detect.mixed import measure_mixed
from pipeline.detect.outline import Box, Cover, hull_polygon
from pipeline.detect.scale import cut_chip
from pipeline.detect.wake import FOAMY, Lifts, lift_bands, match_light
from pipeline.detect.water import STANDS_OUT, Water

_FOAM_PX = 3
"""Pixels of foam at a body's rim, from which it trails a wake."""
_BROADEST = 65.0
"""No ship is broader [m]."""
_SOLID_SWIR, _FOAMING_SWIR = 0.2, 0.06
"""Short-wave infrared of a hull over her brightest band, above the water's: 0.27 and more on ships, 0.14 and
less on shoals; of one that was not told from the foam about her [1]."""
_COLDEST = 2.5
"""Nothing afloat has more short-wave infrared than this over its brightest other band [1]."""
_SURF, _BREAKERS = 80.0, 0.4
"""Foam of which so much stands out of the water this far around is surf: 0.49 and more on three coasts, at
most 0.31 about a boat under way [m; 1]."""
_WIDE_PX, _INNER = 3.5, 0.8
"""From this beam on a box's inside is seen, over so much of its length and beam [pixel; 1]."""
_HOLLOW, _DIM = 0.2, 0.33
"""No more than so much of a hull is dimmer than this share of her typical light: nothing of the four ships
seen that are as broad, a quarter and more of boxes about a mole with water at its sides [1]."""
_NEAR = 150.0
"""Around a body, that measuring it looks at [m]."""
_SCRAP = 0.25
"""Of the largest body in one of ship and foam, below which another is a scrap of the wake [1]."""


def find_coarse(looked: Looked, config: DetectConfig, quays: QuayModel | None) -> list[Found]:
    """Hulls afloat, at known quays, and at quays that nobody knows.

    There a hull is told by the step that she makes in the waterfront; where a forest and the bands it asks
    for are given, it judges steps and all other rectangles at the waterfront.
    """
    ground = part_ground(looked, config)
    bodies = [body for body in ground.bodies if _is_wanted(body, looked)]
    afloat = [f for body in bodies for f in _find_afloat(body, ground.lifts, looked, config)]
    steps = find_alongside(looked, ground.land, ground.wet, config)
    if quays is None or not has_quay_bands(looked):
        return afloat + steps
    return afloat + find_berthed(looked, (ground.land, ground.wet), steps, quays, config)


def _is_wanted(body: Candidate, looked: Looked) -> bool:
    """True where some of a body lies where ships are to be centred."""
    if looked.wanted is None:
        return True
    (rows, cols), (top, left, bottom, right) = body.inside.shape, looked.wanted
    return body.row < bottom and body.col < right and body.row + rows > top and body.col + cols > left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What a chip consists of."""

    bodies: list[Candidate]
    """Small enough for a ship."""
    land: BoolArray
    """(row, col), True on what is too large for one and not known."""
    wet: BoolArray
    """(row, col), True on open water that is seen."""
    lifts: Lifts


def part_ground(looked: Looked, config: DetectConfig) -> Ground:
    """Bodies, land and water; foam is none of them."""
    gsd = looked.chip.grid.gsd
    lifts = lift_bands(looked.chip, looked.water)
    out = standing_out(looked.water, looked.usable, gsd)
    bodies, land = find_candidates(out & ~lifts.foam(), looked.fixed, gsd, min_length=config.min_length)
    return Ground(
        bodies=_without_scraps(bodies, out if looked.fixed is None else out & ~looked.fixed),
        land=land,
        wet=open_water(looked.water, looked.usable & ~looked.shaded, gsd),
        lifts=lifts,
    )


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
    foam, found = lifts.foam(), []
    if looked.fixed is None:  # else what is known to stand there has been taken off the lift
        matched = match_light(lifts, _place(candidate, looked))
        looked = replace(looked, water=replace(looked.water, lift=matched))
    for box in rough_boxes(candidate, looked, config):
        own = _own_light(candidate, looked)
        beside = int((foam & (own.plane > 0)).sum())
        hull = measure_mixed(lifts, own, box, foamy=beside >= _FOAM_PX)
        judged = judge_box(hull.box, candidate, looked, config, foam)
        if judged is None or hull.box.beam > _BROADEST:
            continue
        if _is_solid(lifts, looked, hull.box) and _is_whole(lifts, looked, hull.box):
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
    chip = cut_chip(looked.chip, top, left, looked.chip.valid[part].shape)
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


def _is_solid(lifts: Lifts, looked: Looked, box: Box) -> bool:
    """False on mud in the water and shoals, which are black in the short-wave infrared, and on surf.

    So is an aircraft, which each band sees elsewhere: where one is bright the others are not.
    """
    if lifts.swir is None or lifts.solid is None:
        return True
    inside = fill_polygon(looked.chip.grid, hull_polygon(box))
    if not inside.any():
        return True
    foaming = bool(lifts.solid[inside].mean() < FOAMY * lifts.visible[inside].mean())
    if foaming and _in_surf(looked, box):
        return False
    others = max(float(lifts.brightest[inside].mean()), 1e-3)
    least = _FOAMING_SWIR if foaming else _SOLID_SWIR
    return bool(least < lifts.swir[inside].mean() / others < _COLDEST)


def _is_whole(lifts: Lifts, looked: Looked, box: Box) -> bool:
    """False where a broad box holds water too: about a mole with a bend or arms. What is known is no mole."""
    if looked.fixed is not None or box.beam < _WIDE_PX * looked.chip.grid.gsd:
        return True
    inner = replace(box, length=_INNER * box.length, beam=_INNER * box.beam)
    inside = fill_polygon(looked.chip.grid, hull_polygon(inner, pointed=0.02))
    light = lifts.brightest[inside]
    return not light.size or bool(np.quantile(light, _HOLLOW) > _DIM * np.quantile(light, 0.8))


def _in_surf(looked: Looked, box: Box) -> bool:
    """True where much of what lies about a box stands out of the water: breakers, and the beach behind."""
    wide = replace(box, length=box.length + 2 * _SURF, beam=box.beam + 2 * _SURF)
    about = fill_polygon(looked.chip.grid, hull_polygon(wide, pointed=0.02)) & looked.usable
    return bool((looked.water.contrast[about] > STANDS_OUT).mean() > _BREAKERS)


def _place(candidate: Candidate, looked: Looked) -> BoolArray:
    """(row, col) of the chip, True on the candidate."""
    own = np.zeros(looked.chip.grid.shape, np.bool_)
    rows, cols = candidate.inside.shape
    own[candidate.row : candidate.row + rows, candidate.col : candidate.col + cols] = candidate.inside
    return own


def _own_light(candidate: Candidate, looked: Looked) -> Cover:
    """The light above the water's of a body and its rim."""
    import cv2

    own = _place(candidate, looked).astype(np.uint8)
    near = cv2.dilate(own, np.ones((3, 3), np.uint8)) > 0
    plane = np.where(near, np.maximum(looked.water.lift, 0.0), 0.0).astype(np.float32)
    return Cover(grid=looked.chip.grid, plane=plane)
