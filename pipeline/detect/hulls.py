"""Hulls in fine pixels: the rectangles that hold most ship and least water, one after the other.

A body of what is not water may be one ship, two side by side, a ship with her wake or with a tug. In the
frame of its own axis the rectangle with the largest sum of weights, body for and water against, is a hull;
what remains of the body is looked at again. Two hulls without water between them are told by the line that
runs between them and by how slender each would be.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Chip, Grid
from pipeline.detect.astern import cut_wake, rest_of
from pipeline.detect.bodies import Found, Looked, fill_polygon, place_of, window_about
from pipeline.detect.candidates import open_water, standing_out
from pipeline.detect.colour import colour_contrast, water_bands
from pipeline.detect.dark import beside_sunward, grow_over_dark
from pipeline.detect.fine import fit_fine
from pipeline.detect.outline import Box, Cover, hull_polygon, sample_cover
from pipeline.detect.parts import Near, is_blurred, is_even, is_ragged, is_soft, slender_odds, split_pair
from pipeline.detect.rectangle import best_rectangle
from pipeline.detect.water import STANDS_OUT
from pipeline.detect.wharf import find_at_steps, is_part_of_pier, is_pier_head, opener_side, touch_edge
from pipeline.geometry import crop_grid, ship_axes

Array = npt.NDArray[np.float64]

_WATER, _SHADOW, _OTHER = -1.3, -0.3, -0.7
"""Weights of a pixel of water, of shadow and of what is another body or structure; body has 1."""
_SLENDER = (2.8, 10.0)
_NARROWEST = 5.5
"""Beam of a ship of 40 m [m]."""
_LARGE = 60_000.0
"""What covers more is land or a waterfront: no two ships side by side do [m2]."""
_MOST = 5
"""Hulls looked for in one body."""
_APART = 2.5
"""Around a hull that was found nothing else is looked for [m]."""
_MEET = 0.45
"""Least distance between the centrelines of two hulls side by side, in the sum of their beams [1]."""
_REACH = 6.0
"""Beyond a rough end a hull is followed over this without a body being asked for [m]."""
_WIDE_GSD = 2.5
"""The search's pixels from which no finer ones show what a body is [m]."""
_LIT_BEAM = 0.8
"""Of a rough hull's beam, that what is brighter than the water has at least where it is all of her [1]."""
_RAGGED, _CLOUDED = 0.75, 0.72
"""Score wanted at the image's edge and beside a cloud, where a part may look like anything [1]."""
_SHOWN = 0.5
"""Of a hull, seen at least [1]."""
_QUAYSIDE = 0.5
"""Of what lies along the seaward side of a ship at a quay, anything but water at most: tugs, a barge [1]."""
_OPEN_END = 0.6
"""Of what is seen beyond an end, water at least where it is hers although a cloud is near [1]."""
_PIER = 80.0
"""Around a hull, looked at for the road of a pier [m]."""


def find_hulls(
    chip: Chip, usable: BoolArray, fixed: BoolArray | None, looked: Looked, config: DetectConfig
) -> list[Found]:
    """Every hull of a fine chip that is not part of a waterfront too large for a ship.

    Parameters
    ----------
    usable, fixed
        (row, col) on `chip`; `fixed` is None where nothing is known.
    """
    import cv2

    grid = looked.chip.grid
    stands = standing_out(looked.water, looked.usable, grid.gsd)
    if looked.fixed is not None:
        near = cv2.dilate(looked.fixed.astype(np.uint8), np.ones((3, 3), np.uint8))  # it leans, look by look
        free = (stands & (near == 0)).astype(np.uint8)
        stands = cv2.morphologyEx(free, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    joined = cv2.morphologyEx(stands.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    weight = _weights(looked, stands)
    least = 0.3 * config.min_length**2 / 6.5 / grid.gsd**2
    hidden = ~usable if fixed is None else ~usable | fixed
    large = stats[:, 4] * grid.gsd**2 > _LARGE
    large[0] = False
    fronts = large if fixed is not None else large | touch_edge(labels, len(stats), grid.gsd)
    found, steps = _find_berthed(fronts[labels], (chip, hidden), looked, config) if fronts.any() else ([], [])
    fitting = (stats[:, 4] >= least) & ~large
    fitting[0] = False
    for label in np.flatnonzero(fitting):
        own = stands & (labels == label)
        hulls = _hulls_of(own, weight, (chip, hidden), looked, config, steps if fronts[label] else [])
        # what the edge cuts of a quay is quay
        found += [hull for hull in hulls if not (fronts[label] and "cut-by-edge" in hull.flags)]
    return found


def _find_berthed(
    land: BoolArray, full: tuple[Chip, BoolArray], looked: Looked, config: DetectConfig
) -> tuple[list[Found], list[Box]]:
    """(the ships at quays that nobody knows, all that might have been one)."""
    grid = looked.chip.grid
    wet = open_water(looked.water, looked.usable & ~looked.shaded, grid.gsd)
    found: list[Found] = []
    steps: list[Box] = []
    for rough, quay in find_at_steps(land, wet, looked, config):
        taken = [quay, *(ship.box for ship in found)]
        hulls, _ = _refine(rough, taken, full, looked)
        for ship in _judged(hulls, taken, looked, config):
            near = _look_near(ship.box, [], full, looked)
            if near is None or opener_side(near.cover, ship.box) > _QUAYSIDE:
                continue
            flags = tuple(dict.fromkeys(("alongside", "quay-unknown", *ship.flags)))
            found.append(replace(ship, flags=flags))
        steps.append(rough)
    return found, [*steps, *(ship.box for ship in found)]


def _weights(looked: Looked, stands: BoolArray) -> npt.NDArray[np.float32]:
    """(row, col): how much each of the search's pixels speaks for a hull over it."""
    weight = np.full(stands.shape, _WATER, np.float32)
    weight[looked.water.darkness > STANDS_OUT] = _SHADOW
    weight[looked.water.contrast > STANDS_OUT] = 0.0  # beside what is known, or too narrow
    weight[stands] = 1.0
    if looked.fixed is not None:
        weight[looked.fixed & ~stands] = _OTHER
    weight[~looked.usable] = 0.0
    return weight


# ------------------------------------------------------------------------------------------ one body


def _hulls_of(
    own: BoolArray,
    weight: npt.NDArray[np.float32],
    full: tuple[Chip, BoolArray],
    looked: Looked,
    config: DetectConfig,
    done: list[Box],
) -> list[Found]:
    """The hulls of one body beside what was looked at in it, the plainest first."""
    import cv2

    grid = looked.chip.grid
    col, row, cols, rows = cv2.boundingRect(own.astype(np.uint8))
    margin = max(2, round(12.0 / grid.gsd))
    top, left = max(row - margin, 0), max(col - margin, 0)
    part = np.s_[top : row + rows + margin, left : col + cols + margin]
    inside = own[part]
    mine = np.where((weight[part] == 1.0) & ~inside, np.float32(_OTHER), weight[part])
    small = crop_grid(grid, top, left, inside.shape)
    found: list[Found] = []
    taken, pier = list(done), False
    for box in taken:
        mine[_about(small, box)] = _OTHER
    for _ in range(_MOST):
        rough = best_rectangle(Cover(grid=small, plane=mine), inside & (mine > 0), config)
        if rough is None:
            break
        hulls, wakes = _refine(rough, taken, full, looked)
        ships = _judged(hulls, taken, looked, config)
        if hulls and not ships:  # a tug beside her draws the fit
            ships = _judged([rough], taken, looked, config)
        if looked.fixed is None:
            afloat = _without_pier_heads(ships, taken, full, looked)
            pier |= len(afloat) < len(ships)
            ships = afloat
        found += ships
        taken += [ship.box for ship in ships]
        gone = [ship.box for ship in ships] or [rough]
        for box in [*gone, *wakes]:
            mine[_about(small, box)] = _OTHER
    return [f for f in found if not _hangs_on(f.box, full, looked)] if pier else found


def _about(grid: Grid, box: Box) -> BoolArray:
    """(row, col), True on a hull and close to it."""
    grown = replace(box, length=box.length + 2 * _APART, beam=box.beam + 2 * _APART)
    return fill_polygon(grid, hull_polygon(grown, pointed=0.03))


def _without_pier_heads(
    ships: list[Found], taken: list[Box], full: tuple[Chip, BoolArray], looked: Looked
) -> list[Found]:
    boxes, afloat = [*taken, *(ship.box for ship in ships)], []
    for ship in ships:
        wide = replace(ship.box, length=ship.box.length + _PIER, beam=ship.box.beam + 2 * _PIER)
        near = _look_near(wide, [box for box in boxes if box is not ship.box], full, looked)
        if near is None or not is_pier_head(near.cover, ship.box):
            afloat.append(ship)
    return afloat


def _hangs_on(box: Box, full: tuple[Chip, BoolArray], looked: Looked) -> bool:
    near = _look_near(box, [], full, looked)
    return near is not None and is_part_of_pier(near.cover, box)


# ------------------------------------------------------------------------------------------ refinement


def _refine(
    rough: Box, taken: list[Box], full: tuple[Chip, BoolArray], looked: Looked
) -> tuple[list[Box], list[Box]]:
    """(the hull, or two, or none, at full resolution, their wakes)."""
    near = _look_near(rough, taken, full, looked)
    if near is None:
        return [], []
    cut, wakes = cut_wake(near, rough), []
    if cut != rough:
        wakes = [rest_of(rough, cut)]
        near = _look_near(cut, [*taken, *wakes], full, looked) or near
        rough = cut
    fitted = _fit(near, rough)
    agrees = fitted is not None and _agree(fitted, rough)
    fitted = _trim_ends(near, fitted, rough) if fitted is not None and agrees else rough
    grown = _with_dark(near, fitted, looked)
    if grown != fitted:
        fitted, near = grown, replace(near, cover=near.whole)
    # of a hull that goes on under a cloud nobody knows how slender she is
    parts = [fitted] if _end_hidden(fitted, looked) else split_pair(near.cover, fitted)
    if len(parts) == 1:
        even = not wakes and is_even(near, fitted, cut=_is_cut(fitted, looked.chip.grid))
        return [] if even or _is_frayed(near, fitted) else [fitted], wakes
    refined = []
    for k, half in enumerate(parts):
        alone = _look_near(half, [*taken, parts[1 - k]], full, looked)
        better = None if alone is None else _fit(alone, half)
        better = better if better is not None and _agree(better, half) else half
        shaded = looked.sun is None or beside_sunward(better, parts[1 - k], looked.sun)
        refined.append(better if alone is None or shaded else _with_dark(alone, better, looked))
    if _overlap(*refined):  # in wide pixels each takes in the other's light
        refined = parts
    soft = is_soft(near, fitted)
    return [
        h
        for h in refined
        if not (soft and is_soft(near, h)) and not is_ragged(near, h) and not is_blurred(near, h)
    ], wakes


def _is_frayed(near: Near, hull: Box) -> bool:
    """True where neither side of a body falls off or is a line, or nothing in it is sharp."""
    return is_soft(near, hull) or is_ragged(near, hull) or is_blurred(near, hull)


def _with_dark(near: Near, hull: Box, looked: Looked) -> Box:
    return hull if looked.sun is None else grow_over_dark(near.whole, hull, looked.sun)


def _overlap(first: Box, second: Box) -> bool:
    """True where two hulls side by side reach into each other."""
    _, starboard = ship_axes(first.heading)
    apart = (np.asarray(second.centre) - np.asarray(first.centre)) @ starboard
    return bool(abs(apart) < _MEET * (first.beam + second.beam))


def _fit(near: Near, rough: Box) -> Box | None:
    """The hull by what is bright; by all that is not water where that is none, as of a dark deck."""
    bright = fit_fine(near.bright, rough)
    if bright is None or not _agree(bright, rough):
        return fit_fine(near.cover, rough)
    if bright.beam > _LIT_BEAM * rough.beam:
        return bright
    whole = fit_fine(near.cover, rough)  # a sea that glints is brighter than many a deck
    return whole if whole is not None and _agree(whole, rough) else bright


def _agree(fine: Box, rough: Box) -> bool:
    return 0.6 < fine.length / rough.length < 1.9 and 0.5 < fine.beam / rough.beam < 1.8


def _look_near(rough: Box, taken: list[Box], full: tuple[Chip, BoolArray], looked: Looked) -> Near | None:
    """Contrast at full resolution about a box, 0 where other hulls lie."""
    chip, hidden = full
    window = window_about(chip.grid, rough, margin=35.0)
    if window is None:
        return None
    top, left, height, width = window
    part = (slice(top, top + height), slice(left, left + width))
    grid = crop_grid(chip.grid, top, left, (height, width))
    covered = hidden[part].copy()
    for other in taken:
        covered |= fill_polygon(grid, hull_polygon(other, pointed=0.03))
    factor = chip.valid.shape[0] / looked.water.water.shape[0]
    row = np.minimum(((np.arange(height) + top) / factor).astype(int), looked.water.water.shape[0] - 1)
    col = np.minimum(((np.arange(width) + left) / factor).astype(int), looked.water.water.shape[1] - 1)
    wet = looked.water.water[np.ix_(row, col)] & ~hidden[part]
    haze = None if looked.water.haze is None else looked.water.haze[:, row[:, None], col]
    contrast, bright, whole = colour_contrast(chip, part, wet, covered, haze)
    pixels = chip.pixels[(slice(None), *part)]
    names = water_bands(chip)
    planes = np.stack([pixels[chip.bands.index(name)] for name in names])
    planes = planes if haze is None else planes - haze
    return Near(
        cover=Cover(grid=grid, plane=contrast),
        bright=Cover(grid=grid, plane=bright),
        whole=Cover(grid=grid, plane=whole),
        light=Cover(grid=grid, plane=pixels.mean(axis=0)),
        lifts=tuple(
            (name, Cover(grid=grid, plane=plane - np.float32(np.median(plane[wet] if wet.any() else plane))))
            for name, plane in zip(names, planes, strict=True)
        ),
        seen=Cover(grid=grid, plane=(~covered).astype(np.float32)),
        hazy=haze is not None and bool(haze.any()),
    )


def _trim_ends(near: Near, fitted: Box, rough: Box) -> Box:
    """The fitted hull without an end that reaches over open water to what lies beyond."""
    bow, _ = ship_axes(fitted.heading)
    offset = float((np.asarray(rough.centre) - np.asarray(fitted.centre)) @ bow)
    low, high = -fitted.length / 2, fitted.length / 2
    across = np.linspace(-0.1, 0.1, 5) * fitted.beam  # a bow fills no more of her breadth
    for sense, end in ((-1.0, low), (1.0, high)):
        inner = offset + sense * rough.length / 2
        if sense * (end - inner) < _REACH:
            continue
        along = np.linspace(inner, end, 12)
        if (sample_cover(near.cover, fitted, along=along, across=across) > STANDS_OUT).mean() < 0.6:
            low, high = (inner, high) if sense < 0 else (low, inner)
    centre = np.asarray(fitted.centre) + (low + high) / 2 * bow
    return replace(fitted, centre=(float(centre[0]), float(centre[1])), length=high - low)


# ------------------------------------------------------------------------------------------ judgement


def _judged(hulls: list[Box], taken: list[Box], looked: Looked, config: DetectConfig) -> list[Found]:
    """Those of a few hulls that are ships."""
    grid = looked.chip.grid
    ships: list[Found] = []
    for box in hulls:
        # beside a half that the image's edge cuts may be a quay; wide pixels show no gear: both may be wisps
        trusted = [other for other in hulls if other is not box and not _is_cut(other, grid)]
        others = trusted if grid.gsd < _WIDE_GSD else [ship.box for ship in ships]
        judged = _judge(box, [*taken, *others], looked, config)
        if judged is not None:
            ships.append(judged)
    return ships


def _judge(box: Box, others: list[Box], looked: Looked, config: DetectConfig) -> Found | None:
    """The box as a ship with its score, or None where it is none."""
    slender = box.length / max(box.beam, 1e-6)
    if box.beam < _NARROWEST or not config.min_length <= box.length <= config.max_length:
        return None
    if not _SLENDER[0] <= slender <= _SLENDER[1]:
        return None
    place = place_of(box, looked.chip.grid)
    if place is None:
        return None
    part, small, hull, ring = place.part, place.grid, place.hull, place.ring
    usable = looked.usable[part]
    fixed = np.zeros_like(usable) if looked.fixed is None else looked.fixed[part]
    stands = looked.water.contrast[part] > STANDS_OUT
    shaded = looked.water.darkness[part] > STANDS_OUT
    shown = hull & usable
    if shown.sum() < _SHOWN * hull.sum():
        return None
    fill = float(np.mean(stands[shown] + 0.5 * shaded[shown]))
    free = ring & usable & ~fixed
    for other in others:
        beside = replace(other, length=other.length + _APART, beam=other.beam + _APART)
        free &= ~fill_polygon(small, hull_polygon(beside, pointed=0.03))
    openness = float(1.0 - stands[free].mean()) if free.sum() >= 0.25 * ring.sum() else 0.6
    score = (
        fill
        * float(np.clip(1.4 * openness, 0.0, 1.0))
        * float(np.exp(0.08 * slender_odds(box.length, box.beam)))
    )
    flags = _flags(box, looked, (part, ring, hull))
    clouded = _CLOUDED if "part-clouded" in flags and "alongside" not in flags else 0.0
    if score < max(config.min_score, _RAGGED if "cut-by-edge" in flags else clouded):
        return None
    return Found(box=box, score=round(score, 4), quay=False, flags=flags)


def _flags(
    box: Box, looked: Looked, place: tuple[tuple[slice, slice], BoolArray, BoolArray]
) -> tuple[str, ...]:
    part, ring, _ = place
    flags = []
    if _is_cut(box, looked.chip.grid):
        flags.append("cut-by-edge")
    if looked.fixed is not None and looked.fixed[part][ring].any():
        flags.append("alongside")
    hidden = looked.chip.valid[part] & ~looked.usable[part]
    if hidden[ring].mean() > 0.15 or _end_hidden(box, looked):
        flags.append("part-clouded")
    return tuple(flags)


def _is_cut(box: Box, grid: Grid) -> bool:
    """True where a box reaches to the image's edge."""
    edge = window_about(grid, box, margin=0.0)
    return (
        edge is None
        or edge[0] <= 0
        or edge[1] <= 0
        or edge[0] + edge[2] >= grid.shape[0]
        or edge[1] + edge[3] >= grid.shape[1]
    )


def _end_hidden(box: Box, looked: Looked) -> bool:
    """True where cloud begins just beyond one of her ends, and little but it is seen there."""
    grid, seen = looked.chip.grid, looked.usable
    across, beyond = np.linspace(-0.4, 0.4, 5) * box.beam, np.linspace(0.0, 12.0, 5) + box.length / 2

    def share(plane: BoolArray, along: Array) -> float:
        cover = Cover(grid=grid, plane=plane.astype(np.float32))
        return float(sample_cover(cover, box, along=along, across=across).mean())

    covered = looked.chip.valid & ~seen
    if not covered.any():
        return False
    for end in (beyond, -beyond):
        hidden = share(covered, end)
        if hidden > 0.4:
            water = share(seen & (looked.water.contrast <= STANDS_OUT), end)
            if water < _OPEN_END * (1.0 - hidden) + 0.01:
                return True
    return False
