"""Two hulls side by side, or no hull but a mound, the rim of a cloud or a wisp."""

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
_FALL = 0.6
"""Of the contrast, lost across the side of a hull within some metres [1]."""
_SIDE_GSD = 1.5
"""Pixels up to which a hull's side is as sharp as that; wider ones spread it in proportion [m]."""
_IDLE = 1.3
"""Contrast of open water, half of it above: what waves make of it (`pipeline.detect.colour`) [1]."""
_EVEN = 0.06
"""Brightness of parts of 8 m along a mound of stones or a pier: their spread over their mean [1]."""
_PLAIN, _HOUSE = 0.4, 0.7
"""Where an end is cut off: spread of a deck's brightness over its mean, and of parts of 8 m from brightest to
darkest [1]. Of 19 painted ships in 20 one is larger; moles have 0.28 to 0.39 and 0.24 to 0.66."""
_GEAR, _SHARP, _BESIDE = 1.2, 0.15, 3.0
"""Pixels that show gear on deck [m]; the steepest changes from pixel to pixel, over its height above water,
at least: in half of the sections of a ship and `_BESIDE` metres beside, or in a fiftieth of her deck [1].
"""
_WHITE, _PALE = 0.7, 0.5
"""Light above the water's in the darkest of all bands, over the brightest, of cloud at least, and of what is
left of it where haze was taken off [1]."""
_SIDE, _IN_LINE, _STRAIGHT = 0.22, 1.0, 0.3
"""Share of a hull's contrast where her side is; the share of a side that lies within so many metres of a
line, or within a pixel, on the straighter side of a hull at least [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Near:
    """Full resolution about a body."""

    cover: Cover
    """Contrast to water."""
    bright: Cover
    """The same, 0 on what is no brighter than the water: shadow that turbid water fills with light, say."""
    whole: Cover
    """The same, of shadow too."""
    light: Cover
    """Mean reflectance of the bands."""
    lifts: tuple[tuple[str, Cover], ...]
    """Each band's name and reflectance above the water's level."""
    seen: Cover
    """1 where the ground is seen, else 0."""
    hazy: bool
    """True where thin cloud was taken off."""


def slender_odds(length: float, beam: float) -> float:
    """Log likelihood of a hull's length over beam, 0 at the usual."""
    return float(-0.5 * ((np.log(max(length, 1.0) / max(beam, 1.0)) - _USUAL) / _SPREAD) ** 2)


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


def is_ragged(near: Near, box: Box) -> bool:
    """True where neither side is a line, as of a wisp of cloud or a crest of waves."""
    gsd = near.cover.grid.gsd
    along = np.arange(-0.32 * box.length, 0.32 * box.length, max(gsd, 0.4))
    step = min(gsd, 1.0) / 3
    out = np.arange(0.0, 0.5 * box.beam + 3.0 + max(3.0, gsd), step)
    own = sample_cover(near.cover, box, along=along, across=np.linspace(-0.3, 0.3, 9) * box.beam)
    level = max(STANDS_OUT, _SIDE * float(np.median(own)))
    straight = []
    for sense in (-1.0, 1.0):
        stands = sample_cover(near.cover, box, along=along, across=sense * out) > level
        edge = np.where(stands.any(axis=1), len(out) - stands[:, ::-1].argmax(axis=1), 0) * step
        straight.append(float((np.abs(edge - np.median(edge)) < max(_IN_LINE, gsd)).mean()))
    return max(straight) < _STRAIGHT


def is_blurred(near: Near, box: Box) -> bool:
    """True where a body that is white or in haze has nothing as sharp as a ship's gear: a wisp of cloud.

    For pixels finer than gear.
    """
    gsd = near.light.grid.gsd
    middle = np.linspace(-0.3, 0.3, 31)
    added = [
        float(np.median(sample_cover(cover, box, along=middle * box.length, across=middle * box.beam)))
        for _, cover in near.lifts
    ]
    if gsd > _GEAR or min(added) < (_PALE if near.hazy else _WHITE) * max(added):
        return False
    along = np.arange(-0.4 * box.length, 0.4 * box.length, gsd)
    across = np.arange(-0.5 * box.beam - _BESIDE, 0.5 * box.beam + _BESIDE, gsd)
    light = np.mean([sample_cover(cover, box, along=along, across=across) for _, cover in near.lifts], axis=0)
    own = light[:, np.abs(across) <= 0.5 * box.beam]
    edges = np.abs(np.diff(light, axis=1)).max(axis=1) / (
        light.max(axis=1) - np.minimum(light.min(axis=1), 0.0)
    )
    low, high = np.quantile(own, [0.02, 0.98])
    gear = np.concatenate([np.abs(np.diff(own, axis=axis)).ravel() for axis in (0, 1)]) / (
        high - min(low, 0.0)
    )
    return bool(np.median(edges) < _SHARP and np.quantile(gear, 0.98) < _SHARP)


def is_even(near: Near, box: Box, *, cut: bool) -> bool:
    """True on a mound of stones or a pier: much the same from end to end, where a ship has a house.

    Of a body that the image's edge cuts (`cut`), which shows one end at most, more is asked.
    """
    along = np.linspace(-0.42, 0.42, max(24, round(box.length / 1.0))) * box.length
    across = np.linspace(-0.35, 0.35, 15) * box.beam
    light = sample_cover(near.light, box, along=along, across=across)
    count = max(3, round(0.84 * box.length / 8.0))

    def blocks(image: Array) -> Array:
        return np.array([part.mean() for part in np.array_split(image.mean(axis=1), count)])

    mean = max(float(light.mean()), 1e-4)
    colours = [blocks(sample_cover(cover, box, along=along, across=across)) for _, cover in near.lifts]
    if max(float(colour.std()) for colour in colours) < _EVEN * mean:
        return True
    return cut and float(light.std()) < _PLAIN * mean and float(np.ptp(blocks(light))) < _HOUSE * mean


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
