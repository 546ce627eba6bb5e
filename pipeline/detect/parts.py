"""Two hulls side by side, a hull and her wake, or no hull but a mound or the rim of a cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.detect.water import STANDS_OUT
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_USUAL, _SPREAD = float(np.log(6.2)), 0.2
"""Length over beam of tankers and bulk carriers of 40 to 200 m: mean and spread of its logarithm."""
_LONG = 7.0
"""Length over beam from which a part may be wake [1]."""
_SMOOTH = 0.12
"""Largest departure of a wake's brightness from a smooth curve, over its rise [1]."""
_RUNS_OUT = 2
"""Parts at a wake's far end which do not count: the box may reach beyond it, or end in it."""
_FALL = 0.6
"""Of the contrast, lost across the side of a hull within some metres [1]."""
_SIDE_GSD = 1.5
"""Pixels up to which a hull's side is as sharp as that; wider ones spread it in proportion [m]."""
_IDLE = 1.3
"""Contrast of open water, half of it above: what waves make of it (`pipeline.detect.colour`) [1]."""
_EVEN = 0.06
"""Brightness of parts of 8 m along a mound of stones or a pier: their spread over their mean [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Near:
    """Full resolution about a body."""

    cover: Cover
    """Contrast to water."""
    bright: Cover
    """The same, 0 on what is no brighter than the water: shadow that turbid water fills with light, say."""
    light: Cover
    """Mean reflectance of the bands."""
    seen: Cover
    """1 where the ground is seen, else 0."""


def slender_odds(length: float, beam: float) -> float:
    """Log likelihood of a hull's length over beam, 0 at the usual."""
    return float(-0.5 * ((np.log(max(length, 1.0) / max(beam, 1.0)) - _USUAL) / _SPREAD) ** 2)


def _tail(rows: Array, step: float) -> int:
    """Length in rows of the longest smooth rise at the start of a profile, 0 where there is none."""
    block = max(1, round(3.0 / step))
    means = np.array([rows[k : k + block].mean() for k in range(0, len(rows) - block + 1, block)])
    best = 0
    for k in range(8, len(means)):
        part = means[_RUNS_OUT:k]
        x = np.linspace(-1, 1, len(part))
        rest = np.abs(part - np.polyval(np.polyfit(x, part, 3), x)).max()
        rise = float(np.ptp(part))
        if rest < _SMOOTH * rise and rise > 0.35 * part.max() and np.corrcoef(x, part)[0, 1] > 0.9:
            best = k
    return best * block


def cut_wake(near: Near, box: Box) -> Box:
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


def rest_of(whole: Box, part: Box) -> Box:
    """What a box has beyond a part of it that keeps one of its ends."""
    bow, _ = ship_axes(whole.heading)
    offset = np.asarray(part.centre) - np.asarray(whole.centre)
    sense = -float(np.sign(offset @ bow))
    length = whole.length - part.length + 60.0
    centre = np.asarray(part.centre) + sense * (part.length + length) / 2 * bow
    return replace(
        whole, centre=(float(centre[0]), float(centre[1])), length=length, beam=2 * whole.beam + 20.0
    )


def is_soft(near: Near, box: Box) -> bool:
    """True where neither side falls off within a few metres, as the rim of a cloud does not."""
    along = np.linspace(-0.35, 0.35, 40) * box.length
    half = box.beam / 2
    wide = max(1.0, near.cover.grid.gsd / _SIDE_GSD)
    inside = np.array([-half + 3.0 * wide, -half + 1.5 * wide, half - 1.5 * wide, half - 3.0 * wide])
    outside = np.array([-half - 2.5 * wide, -half - 1.5 * wide, half + 1.5 * wide, half + 2.5 * wide])
    high = np.median(sample_cover(near.cover, box, along=along, across=inside), axis=0)
    low = np.median(sample_cover(near.cover, box, along=along, across=outside), axis=0)
    seen = sample_cover(near.seen, box, along=along, across=outside).mean(axis=0)
    falls = [
        1.0 - max(low[k : k + 2].mean() - _IDLE, 0.0) / max(high[k : k + 2].mean() - _IDLE, 1e-6)
        for k in (0, 2)
        if seen[k : k + 2].mean() > 0.5
    ]
    return max(falls, default=0.0) < _FALL


def is_even(near: Near, box: Box) -> bool:
    """True on a mound of stones or a pier: from end to end as bright, where a ship has a house."""
    along = np.linspace(-0.42, 0.42, max(24, round(box.length / 1.0))) * box.length
    across = np.linspace(-0.35, 0.35, 15) * box.beam
    rows = sample_cover(near.light, box, along=along, across=across).mean(axis=1)
    blocks = np.array([part.mean() for part in np.array_split(rows, max(3, round(0.84 * box.length / 8.0)))])
    return float(blocks.std() / max(float(blocks.mean()), 1e-4)) < _EVEN


def split_pair(cover: Cover, box: Box) -> list[Box]:
    """Two hulls where a line parts them and each is as slender as a ship, else the box itself."""
    step = float(np.clip(cover.grid.gsd, 0.4, 1.0))
    if box.beam < 14.0:
        return [box]
    along = np.arange(-0.5 * box.length, 0.5 * box.length + step, step)
    across = np.arange(-0.5 * box.beam, 0.5 * box.beam + step, step)
    image = sample_cover(cover, box, along=along, across=across)
    level = np.clip(image / max(float(np.median(image)), STANDS_OUT), 0.0, 3.0)
    middle = np.abs(along) < 0.36 * box.length
    gap = (level[middle] < 0.3).mean(axis=0)
    whole = slender_odds(box.length, box.beam)
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
        odds = sum(slender_odds(half.length, half.beam) for half in boxes)
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
    if beam < 7.5 or len(rows) < 8:
        return None
    first, last = float(along[rows[0]]), float(along[rows[-1]])
    if last - first < 2.6 * beam:
        return None
    bow, starboard = ship_axes(box.heading)
    side = float(across[low] + across[high - 1]) / 2
    centre = np.asarray(box.centre) + (first + last) / 2 * bow + side * starboard
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=last - first, beam=beam)
