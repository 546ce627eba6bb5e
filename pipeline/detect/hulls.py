"""Hulls in fine pixels: the rectangles that hold most ship and least water, one after the other.

A body of what is not water may be one ship, two side by side, a ship with her wake or with a tug. In the
frame of its own axis the rectangle with the largest sum of weights, body for and water against, is a hull;
what remains of the body is looked at again. Two hulls without water between them are told by the line that
runs between them and by how slender each would be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Chip, Grid
from pipeline.detect.bodies import Found, Looked, fill_polygon, window_about
from pipeline.detect.candidates import standing_out
from pipeline.detect.colour import colour_contrast
from pipeline.detect.fine import fit_fine
from pipeline.detect.outline import Box, Cover, hull_polygon, sample_cover
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import crop_grid, pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]

_WATER, _SHADOW, _OTHER = -1.3, -0.3, -0.7
"""Weights of a pixel of water, of shadow and of what is another body or structure; body has 1."""
_USUAL, _SPREAD = float(np.log(6.2)), 0.2
"""Length over beam of tankers and bulk carriers of 40 to 200 m: mean and spread of its logarithm."""
_SLENDER = (2.8, 10.0)
_NARROWEST = 5.5
"""Beam of a ship of 40 m [m]."""
_MOST = 5
"""Hulls looked for in one body."""
_APART = 2.5
"""Around a hull that was found nothing else is looked for [m]."""
_LONG = 7.0
"""Length over beam from which a part may be wake [1]."""
_SMOOTH = 0.1
"""Largest departure of a wake's brightness from a smooth curve, over its rise [1]."""
_FALL = 0.6
"""Of the contrast, lost across the side of a hull within some metres [1]."""
_EVEN = 0.06
"""Brightness of parts of 8 m along a mound of stones or a pier: their spread over their mean [1]."""
_REACH = 6.0
"""Beyond a rough end a hull is followed over this without a body being asked for [m]."""
_RAGGED = 0.75
"""Score wanted beside a cloud or the image's edge, where a part may look like anything [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Near:
    """Full resolution about a body."""

    cover: Cover
    """Contrast to water."""
    light: Cover
    """Mean reflectance of the bands."""
    seen: Cover
    """1 where the ground is seen, else 0."""


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
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    weight = _weights(looked, stands)
    least = 0.3 * config.min_length**2 / 6.5 / grid.gsd**2
    hidden = ~usable if fixed is None else ~usable | fixed
    found: list[Found] = []
    for label in range(1, count):
        if stats[label, 4] >= least:
            own = stands & (labels == label)
            found += _hulls_of(own, weight, (chip, hidden), looked, config)
    return found


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
) -> list[Found]:
    """The hulls of one body, the plainest first."""
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
    taken: list[Box] = []
    for _ in range(_MOST):
        rough = _best_rectangle(Cover(grid=small, plane=mine), inside & (mine > 0), config)
        if rough is None:
            break
        hulls, wakes = _refine(rough, taken, full, looked)
        gone = [rough]
        for box in hulls:
            judged = _judge(box, taken, looked, config)
            if judged is not None:
                found.append(judged)
                taken.append(box)
                gone = [box] if gone == [rough] else [*gone, box]
        for box in [*gone, *wakes]:
            grown = replace(box, length=box.length + 2 * _APART, beam=box.beam + 2 * _APART)
            mine[fill_polygon(small, hull_polygon(grown, pointed=0.03))] = _OTHER
    return found


def _axes(inside: BoolArray, grid: Grid) -> list[float]:
    """Headings along which the body may lie: of its smallest rectangle and of its longest straight edges."""
    import cv2

    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found: dict[int, float] = {}
    for contour in contours:
        rectangle = cv2.boxPoints(cv2.minAreaRect(contour)).astype(np.float64)
        corners = cv2.approxPolyDP(contour, 1.5, True)[:, 0].astype(np.float64)
        for ring, share in ((rectangle, 1.0), (corners, 1.5)):
            ground = pixel_to_ground(grid, ring + 0.5)
            for step in np.roll(ground, -1, axis=0) - ground:
                bearing = float(np.degrees(np.arctan2(step[0], step[1]))) % 180.0
                key = round(bearing / 4.0) % 45
                found[key] = found.get(key, 0.0) + share * float(np.hypot(*step))
    best = sorted(found, key=lambda key: -found[key])[:6]
    return [4.0 * key for key in best]


def _best_rectangle(cover: Cover, inside: BoolArray, config: DetectConfig) -> Box | None:
    """The rectangle of a ship's size that holds most body and least water."""
    if inside.sum() * cover.grid.gsd**2 < 0.3 * config.min_length**2 / 6.5:
        return None
    row, col = np.nonzero(inside)
    ground = pixel_to_ground(cover.grid, np.stack([col + 0.5, row + 0.5], -1))
    best: tuple[float, Box] | None = None
    for heading in _axes(inside, cover.grid):
        scored = _in_frame(cover, ground, heading, config)
        if scored is not None and (best is None or scored[0] > best[0]):
            best = scored
    if best is None:
        return None
    for turn in (-2.0, 2.0):
        scored = _in_frame(cover, ground, best[1].heading + turn, config)
        if scored is not None and scored[0] > best[0]:
            best = scored
    return best[1]


def _in_frame(cover: Cover, ground: Array, heading: float, config: DetectConfig) -> tuple[float, Box] | None:
    """(sum of weights [m2], rectangle) of the best one along a heading: Kadane's sum in two dimensions."""
    bow, starboard = ship_axes(heading)
    y, x = ground @ bow, ground @ starboard
    step = cover.grid.gsd
    along = np.arange(y.min() - 2 * step, y.max() + 2.1 * step, step)
    across = np.arange(x.min() - 2 * step, x.max() + 2.1 * step, step)
    if len(along) * step < 0.8 * config.min_length or len(across) > 400:
        return None
    frame = Box(centre=(0.0, 0.0), heading=heading, length=1.0, beam=1.0)
    image = sample_cover(cover, frame, along=along, across=across)
    sums = np.concatenate([np.zeros((len(along), 1)), np.cumsum(image, axis=1)], axis=1)
    least, most = max(2, round(4.0 / step)), round(70.0 / step)
    first, last = np.triu_indices(sums.shape[1], least)
    near = last - first <= most
    first, last = first[near], last[near]
    if not len(first):
        return None
    total = sums[:, last] - sums[:, first]
    running, start = np.zeros(len(first)), np.zeros(len(first), np.intp)
    best, ends = np.full(len(first), -np.inf), np.zeros((2, len(first)), np.intp)
    for k in range(len(along)):
        fresh = running <= 0
        running = np.where(fresh, total[k], running + total[k])
        start = np.where(fresh, k, start)
        better = running > best
        best = np.where(better, running, best)
        ends[0], ends[1] = np.where(better, start, ends[0]), np.where(better, k, ends[1])
    length, beam = (ends[1] - ends[0] + 1) * step, (last - first) * step
    best = np.where((length >= 0.8 * config.min_length) & (length >= 1.4 * beam), best, -np.inf)
    k = int(best.argmax())
    if not best[k] > 0:
        return None
    middle = (along[ends[0, k]] + along[ends[1, k]]) / 2
    side = (across[first[k]] + across[last[k] - 1]) / 2
    centre = middle * bow + side * starboard
    box = Box(
        centre=(float(centre[0]), float(centre[1])),
        heading=heading % 360.0,
        length=float(length[k]),
        beam=float(beam[k]),
    )
    return float(best[k]) * step**2, box


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
        wakes = [_rest_of(rough, cut)]
        near = _look_near(cut, [*taken, *wakes], full, looked) or near
        rough = cut
    fitted = fit_fine(near.cover, rough)
    agrees = fitted is not None and _agree(fitted, rough)
    fitted = _trim_ends(near, fitted, rough) if fitted is not None and agrees else rough
    parts = split_pair(near.cover, fitted)
    if len(parts) == 1:
        return [] if is_soft(near, fitted) or is_even(near, fitted) else [fitted], wakes
    refined = []
    for k, half in enumerate(parts):
        alone = _look_near(half, [*taken, parts[1 - k]], full, looked)
        better = None if alone is None else fit_fine(alone.cover, half)
        better = better if better is not None and _agree(better, half) else half
        if not is_soft(near, better) or not is_soft(near, fitted):
            refined.append(better)
    return refined, wakes


def _agree(fine: Box, rough: Box) -> bool:
    return 0.6 < fine.length / rough.length < 1.9 and 0.5 < fine.beam / rough.beam < 1.8


def _look_near(rough: Box, taken: list[Box], full: tuple[Chip, BoolArray], looked: Looked) -> _Near | None:
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
    contrast = colour_contrast(chip, part, wet, covered)
    light = chip.pixels[(slice(None), *part)].mean(axis=0)
    return _Near(
        cover=Cover(grid=grid, plane=contrast),
        light=Cover(grid=grid, plane=light),
        seen=Cover(grid=grid, plane=(~covered).astype(np.float32)),
    )


def _trim_ends(near: _Near, fitted: Box, rough: Box) -> Box:
    """The fitted hull without an end that reaches over open water to what lies beyond."""
    bow, _ = ship_axes(fitted.heading)
    offset = float((np.asarray(rough.centre) - np.asarray(fitted.centre)) @ bow)
    low, high = -fitted.length / 2, fitted.length / 2
    across = np.linspace(-0.3, 0.3, 9) * fitted.beam
    for sense, end in ((-1.0, low), (1.0, high)):
        inner = offset + sense * rough.length / 2
        if sense * (end - inner) < _REACH:
            continue
        along = np.linspace(inner, end, 12)
        if (sample_cover(near.cover, fitted, along=along, across=across) > STANDS_OUT).mean() < 0.6:
            low, high = (inner, high) if sense < 0 else (low, inner)
    centre = np.asarray(fitted.centre) + (low + high) / 2 * bow
    return replace(fitted, centre=(float(centre[0]), float(centre[1])), length=high - low)


def _slender_odds(length: float, beam: float) -> float:
    """Log likelihood of a hull's length over beam, 0 at the usual."""
    return float(-0.5 * ((np.log(max(length, 1.0) / max(beam, 1.0)) - _USUAL) / _SPREAD) ** 2)


def split_pair(cover: Cover, box: Box) -> list[Box]:
    """Two hulls where a line parts them and each is as slender as a ship, else the box itself."""
    step = max(0.4, cover.grid.gsd)
    if box.beam < 14.0:
        return [box]
    along = np.arange(-0.5 * box.length, 0.5 * box.length + step, step)
    across = np.arange(-0.5 * box.beam, 0.5 * box.beam + step, step)
    image = sample_cover(cover, box, along=along, across=across)
    level = np.clip(image / max(float(np.median(image)), STANDS_OUT), 0.0, 3.0)
    middle = np.abs(along) < 0.36 * box.length
    gap = (level[middle] < 0.3).mean(axis=0)
    whole = _slender_odds(box.length, box.beam)
    best: tuple[float, list[Box]] | None = None
    for k in np.flatnonzero(np.abs(across) < 0.36 * box.beam):
        open_share = float(gap[max(k - 1, 0) : k + 2].mean())
        halves = [
            _half(level, along, (across, box), low, high)
            for low, high in ((0, int(k) - 1), (int(k) + 2, len(across)))
        ]
        if any(half is None for half in halves):
            continue
        boxes = [half for half in halves if half is not None]
        odds = sum(_slender_odds(half.length, half.beam) for half in boxes)
        score = 6.0 * open_share + 0.5 * odds
        if best is None or score > best[0]:
            best = (score, boxes)
    if best is not None and best[0] > 0.5 * whole + 2.0:
        return best[1]
    return [box]


def _half(level: Array, along: Array, frame: tuple[Array, Box], low: int, high: int) -> Box | None:
    """The hull between two columns of a box's own frame."""
    across, box = frame
    if high - low < 3:
        return None
    beam = float(across[high - 1] - across[low]) + float(across[1] - across[0])
    rows = np.flatnonzero((level[:, low:high] > 0.3).mean(axis=1) > 0.4)
    if beam < 6.0 or len(rows) < 8:
        return None
    first, last = float(along[rows[0]]), float(along[rows[-1]])
    if last - first < 2.6 * beam:
        return None
    bow, starboard = ship_axes(box.heading)
    side = float(across[low] + across[high - 1]) / 2
    centre = np.asarray(box.centre) + (first + last) / 2 * bow + side * starboard
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=last - first, beam=beam)


def _tail(rows: Array, step: float) -> int:
    """Length in rows of the longest smooth rise at the start of a profile, 0 where there is none."""
    block = max(1, round(3.0 / step))
    means = np.array([rows[k : k + block].mean() for k in range(0, len(rows) - block + 1, block)])
    best = 0
    for k in range(8, len(means)):
        part = means[:k]
        x = np.linspace(-1, 1, k)
        rest = np.abs(part - np.polyval(np.polyfit(x, part, 3), x)).max()
        rise = float(np.ptp(part))
        if rest < _SMOOTH * rise and rise > 0.35 * part.max() and np.corrcoef(x, part)[0, 1] > 0.9:
            best = k
    return best * block


def cut_wake(near: _Near, box: Box) -> Box:
    """The hull without the foam astern of her, where the box is longer than a hull of her beam would be.

    Foam grows brighter towards her smoothly; where that ends is her stern.
    """
    if box.length < _LONG * box.beam:
        return box
    step = max(0.5, near.light.grid.gsd)
    along = np.arange(-0.5 * box.length, 0.5 * box.length + step, step)
    across = np.linspace(-0.3, 0.3, 13) * box.beam
    rows = sample_cover(near.light, box, along=along, across=across).mean(axis=1)
    tails = [_tail(rows, step) * step, _tail(rows[::-1], step) * step]
    tail = min(max(tails), box.length - 3.0 * box.beam)
    if tail < 20.0:
        return box
    sense = 1.0 if tails[0] >= tails[1] else -1.0  # the hull lies on this side of the wake
    bow, _ = ship_axes(box.heading)
    centre = np.asarray(box.centre) + sense * tail / 2 * bow
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=box.length - tail)


def _rest_of(whole: Box, part: Box) -> Box:
    """What a box has beyond a part of it that keeps one of its ends."""
    bow, _ = ship_axes(whole.heading)
    offset = np.asarray(part.centre) - np.asarray(whole.centre)
    sense = -float(np.sign(offset @ bow))
    length = whole.length - part.length + 60.0
    centre = np.asarray(part.centre) + sense * (part.length + length) / 2 * bow
    return replace(
        whole, centre=(float(centre[0]), float(centre[1])), length=length, beam=2 * whole.beam + 20.0
    )


def is_soft(near: _Near, box: Box) -> bool:
    """True where neither side falls off within a few metres, as the rim of a cloud does not."""
    along = np.linspace(-0.35, 0.35, 40) * box.length
    half = box.beam / 2
    inside = np.array([-half + 3.0, -half + 1.5, half - 1.5, half - 3.0])
    outside = np.array([-half - 2.5, -half - 1.5, half + 1.5, half + 2.5])
    high = np.median(sample_cover(near.cover, box, along=along, across=inside), axis=0)
    low = np.median(sample_cover(near.cover, box, along=along, across=outside), axis=0)
    seen = sample_cover(near.seen, box, along=along, across=outside).mean(axis=0)
    falls = [
        1.0 - low[k : k + 2].mean() / max(high[k : k + 2].mean(), 1e-6)
        for k in (0, 2)
        if seen[k : k + 2].mean() > 0.5
    ]
    return max(falls, default=0.0) < _FALL


def is_even(near: _Near, box: Box) -> bool:
    """True on a mound of stones or a pier: from end to end as bright, where a ship has a house."""
    along = np.linspace(-0.42, 0.42, max(24, round(box.length / 1.0))) * box.length
    across = np.linspace(-0.35, 0.35, 15) * box.beam
    rows = sample_cover(near.light, box, along=along, across=across).mean(axis=1)
    blocks = np.array([part.mean() for part in np.array_split(rows, max(3, round(0.84 * box.length / 8.0)))])
    return float(blocks.std() / max(float(blocks.mean()), 1e-4)) < _EVEN


# ------------------------------------------------------------------------------------------ judgement


def _judge(box: Box, others: list[Box], looked: Looked, config: DetectConfig) -> Found | None:
    """The box as a ship with its score, or None where it is none."""
    grid = looked.chip.grid
    slender = box.length / max(box.beam, 1e-6)
    if box.beam < _NARROWEST or not config.min_length <= box.length <= config.max_length:
        return None
    if not _SLENDER[0] <= slender <= _SLENDER[1]:
        return None
    window = window_about(grid, box, margin=30.0)
    if window is None:
        return None
    top, left, height, width = window
    part = np.s_[top : top + height, left : left + width]
    small = crop_grid(grid, top, left, (height, width))
    hull = fill_polygon(small, hull_polygon(box))
    wide = replace(box, length=box.length + 4 * grid.gsd, beam=box.beam + 4 * grid.gsd + 6.0)
    inner = replace(box, length=box.length + grid.gsd, beam=box.beam + grid.gsd)
    ring = fill_polygon(small, hull_polygon(wide, pointed=0.02)) & ~fill_polygon(small, hull_polygon(inner))
    if not hull.any() or not ring.any():
        return None
    usable = looked.usable[part]
    fixed = np.zeros_like(usable) if looked.fixed is None else looked.fixed[part]
    stands = looked.water.contrast[part] > STANDS_OUT
    shaded = looked.water.darkness[part] > STANDS_OUT
    fill = float(np.mean(stands[hull] + 0.5 * shaded[hull]))
    free = ring & usable & ~fixed
    for other in others:
        beside = replace(other, length=other.length + _APART, beam=other.beam + _APART)
        free &= ~fill_polygon(small, hull_polygon(beside, pointed=0.03))
    openness = float(1.0 - stands[free].mean()) if free.sum() >= 0.25 * ring.sum() else 0.6
    score = (
        fill
        * float(np.clip(1.4 * openness, 0.0, 1.0))
        * float(np.exp(0.08 * _slender_odds(box.length, box.beam)))
    )
    flags = _flags(box, looked, (part, ring, hull))
    ragged = not {"part-clouded", "cut-by-edge"}.isdisjoint(flags)
    if score < (max(config.min_score, _RAGGED) if ragged else config.min_score):
        return None
    return Found(box=box, score=round(score, 4), quay=False, flags=flags)


def _flags(
    box: Box, looked: Looked, place: tuple[tuple[slice, slice], BoolArray, BoolArray]
) -> tuple[str, ...]:
    part, ring, _ = place
    flags = []
    grid = looked.chip.grid
    window = window_about(grid, box, margin=2 * grid.gsd)
    edge = window_about(grid, box, margin=0.0)
    assert window is not None
    if (
        edge is None
        or edge[0] <= 0
        or edge[1] <= 0
        or edge[0] + edge[2] >= grid.shape[0]
        or edge[1] + edge[3] >= grid.shape[1]
    ):
        flags.append("cut-by-edge")
    if looked.fixed is not None and looked.fixed[part][ring].any():
        flags.append("alongside")
    hidden = looked.chip.valid[part] & ~looked.usable[part]
    if hidden[ring].mean() > 0.15:
        flags.append("part-clouded")
    return tuple(flags)
