"""Ships at quays that nobody knows, at pixels of some metres with five bands.

Every straight stretch of waterfront may be the outer side of a hull. Where the line steps or the light along
it changes she may end; each pair of such ends is a rectangle, its traits are measured and a forest learned
from hand-drawn ships (`models/quay_v1`) says how well it covers a hull.
"""

from __future__ import annotations

import numpy as np

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Forest
from pipeline.detect.bodies import Found, Looked
from pipeline.detect.forest import judge_forest
from pipeline.detect.outline import Box, Cover
from pipeline.detect.traits import (
    BANDS,
    Rectangles,
    fit_beams,
    front_depth,
    log_light,
    may_be_hulls,
    measure_traits,
)
from pipeline.detect.water import masked_mean
from pipeline.detect.waterfront import Array, Front, find_stretches, sample_front

_STEP = 5.0
"""Between stations [m]."""
_REACH, _OUTSIDE, _DEEP = 330.0, 40.0, 110.0
"""Looked at along a stretch either way, outside it and inland [m]."""
_SHORTEST_STRETCH = 35.0
"""[m]"""
_SHORTEST = 50.0
"""Below this length the rectangles were not learned [m]."""
_STRIP = 18.0
"""Inland of the line, over which light is taken to find ends [m]."""
_CUE, _MOST_ENDS = 0.12, 18
"""Of a change along the line that may be an end [1]; how many are tried, the clearest first."""
_NEAR = 15.0
"""An end lies this far at least from the other side of the stretch's middle [m]."""
_WINDOW = 300.0
"""Side over which the water's level is taken [m]."""
_EVEN = 0.45
"""What the forest says where a rectangle is as likely a ship as not, ports left out in training [1]."""


def has_quay_bands(looked: Looked) -> bool:
    """True where the traits can be measured."""
    return looked.chip.calibrated and all(band in looked.chip.bands for band in BANDS)


def find_rectangles(
    looked: Looked, land: BoolArray, wet: BoolArray, config: DetectConfig
) -> tuple[list[Box], Array]:
    """(rectangles at waterfronts that may be hulls, their traits (n, trait))."""
    grid = looked.chip.grid
    size = max(9, round(_WINDOW / grid.gsd) | 1)
    planes = [looked.chip.pixels[looked.chip.bands.index(band)] for band in BANDS]
    lifts = [plane - masked_mean(plane, looked.water.water, size)[0] for plane in planes]
    covers = [Cover(grid=grid, plane=np.asarray(p, np.float32)) for p in (*lifts, land, wet)]
    along = np.arange(-_REACH, _REACH + _STEP, _STEP)
    across = np.arange(-_OUTSIDE, _DEEP + _STEP, _STEP)
    boxes: list[Box] = []
    traits: list[Array] = [np.zeros((0, 0))]
    for stretch in find_stretches(land, wet, grid, _SHORTEST_STRETCH):
        front = sample_front(covers, stretch, along, across)
        low, high = _pairs(front, max(config.min_length, _SHORTEST), config.max_length)
        given = fit_beams(front, low, high)
        kept = may_be_hulls(front, given) if len(low) else np.zeros(0, np.bool_)
        if not kept.any():
            continue
        given = Rectangles(low=low[kept], high=high[kept], beam=given.beam[kept])
        traits.append(measure_traits(front, given))
        boxes += [
            stretch.box((float(a), float(b)), float(beam))
            for a, b, beam in zip(given.low, given.high, given.beam, strict=True)
        ]
    return boxes, np.concatenate(traits[1:]) if boxes else traits[0]


def find_berthed(
    looked: Looked, land: BoolArray, wet: BoolArray, forest: Forest, config: DetectConfig
) -> list[Found]:
    """Hulls at the waterfronts of `land`; the same hull may come more than once.

    Parameters
    ----------
    land
        (row, col), True on everything that is too large for a ship, not known and not water.
    wet
        (row, col), True on open water that is seen.
    """
    boxes, traits = find_rectangles(looked, land, wet, config)
    if not boxes:
        return []
    scores = np.clip(0.5 * judge_forest(forest, traits) / _EVEN, 0.0, 0.99)
    return [
        Found(box=box, score=round(float(score), 4), quay=True, flags=("alongside", "quay-unknown"))
        for box, score in zip(boxes, scores, strict=True)
        if score >= config.min_score
    ]


def _pairs(front: Front, shortest: float, longest: float) -> tuple[Array, Array]:
    """Stations between which a hull may lie, the one end before the stretch's middle and the other behind."""
    ends = _ends(front)
    low, high = np.meshgrid(ends, ends, indexing="ij")
    fits = (high - low >= shortest) & (high - low <= longest) & (low < _NEAR) & (high > -_NEAR)
    return low[fits], high[fits]


def _ends(front: Front) -> Array:
    """Stations at which the line steps or the light along it changes, in order [m]."""
    strip = (front.across >= 0.0) & (front.across <= _STRIP)
    light = log_light(front)[:, :, strip].mean(axis=2)
    depth = np.clip(front_depth(front), -25.0, 40.0)
    change = np.sqrt((_change(light) ** 2).mean(axis=0)) + np.abs(_change(depth[None])[0]) / 20.0
    around = np.lib.stride_tricks.sliding_window_view(np.pad(change, 3), 7).max(axis=1)
    peaks = np.flatnonzero((change == around) & (change > _CUE))
    peaks = peaks[(peaks >= 2) & (peaks < len(change) - 2)]
    best = peaks[np.argsort(-change[peaks], kind="stable")[:_MOST_ENDS]]
    return np.asarray(front.along[np.sort(best)])


def _change(profiles: Array, reach: int = 3) -> Array:
    """(profile, station): mean of the stations ahead less mean of those behind."""
    padded = np.pad(profiles, ((0, 0), (reach, reach)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    at = np.arange(profiles.shape[1])
    return np.asarray((sums[:, at + 2 * reach] - 2 * sums[:, at + reach] + sums[:, at]) / reach)
