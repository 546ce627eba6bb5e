"""Ships at quays that nobody knows, at pixels of some metres with five bands.

Every straight stretch of waterfront may be the outer side of a hull. Where the line steps or the light along
it changes she may end; each pair of such ends is a rectangle, its traits are measured and a forest learned
from hand-drawn ships says how well it covers a hull. A network learned from the same ships marks them pixel
by pixel; what it marks inside a rectangle and about it is added (both: `models/quay_v2`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, QuayModel
from pipeline.detect.bodies import Found, Looked
from pipeline.detect.forest import judge_forest
from pipeline.detect.marks import Marks
from pipeline.detect.outline import Box, Cover, hull_polygon
from pipeline.detect.traits import (
    BANDS,
    Rectangles,
    Summed,
    fit_beams,
    front_depth,
    may_be_hulls,
    measure_traits,
)
from pipeline.detect.waterfront import (
    Array,
    Front,
    Stretch,
    find_stretches,
    place_hulls,
    sample_fronts,
)

_STEP = 5.0
"""Between stations [m]."""
_REACH, _OUTSIDE, _DEEP = 330.0, 40.0, 110.0
"""Looked at along a stretch either way, outside it and inland [m]."""
_AT_ONCE = 64
"""Fronts that are worked on together."""
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
_DARKEST = 0.2
"""Of the pixels: what they have at most is the air's light [%]."""
_SAMPLES = 20_000
"""Pixels that say about where they are."""
_MARKED = 0.8
"""What the network says of a rectangle, beside what the forest says [1]."""
_PLAUSIBLE = 0.15
"""What the forest says at least of some rectangle at a stretch that the network is asked about [1]."""
_EVEN = 0.55
"""What both say where a rectangle is as likely a ship as not, ports left out in training [1]."""
_DENIED = 0.385
"""What both say at least of a step that is a ship [1]."""
_SAME = 0.4
"""Intersection over union from which a step and a rectangle are much the same [1]."""
_LESS = 0.8
"""The trust in a step beside the forest's in a rectangle [1]."""


def has_quay_bands(looked: Looked) -> bool:
    """True where the traits can be measured."""
    return looked.chip.calibrated and all(band in looked.chip.bands for band in BANDS)


def look_along(
    looked: Looked, ground: tuple[BoolArray, BoolArray], config: DetectConfig, more: Sequence[Cover] = ()
) -> Iterator[tuple[list[Stretch], Front]]:
    """Straight stretches of waterfront, some at a time: light of five bands, land, open water, then `more`.

    Light is counted from the darkest that is seen, the air's.
    """
    grid = looked.chip.grid
    stretches = _wanted(find_stretches(*ground, grid, _SHORTEST_STRETCH), looked, config)
    if not stretches:
        return
    planes = [looked.chip.pixels[looked.chip.bands.index(band)] for band in BANDS]
    seen = None if looked.usable.all() else looked.usable
    lights = [
        plane - _low_level(plane.ravel() if seen is None else plane[seen], _DARKEST) for plane in planes
    ]
    covers = [Cover(grid=grid, plane=np.asarray(p, np.float32)) for p in (*lights, *ground)]
    along = np.arange(-_REACH, _REACH + _STEP, _STEP)
    across = np.arange(-_OUTSIDE, _DEEP + _STEP, _STEP)
    for first in range(0, len(stretches), _AT_ONCE):
        some = stretches[first : first + _AT_ONCE]
        yield some, sample_fronts([*covers, *more], some, along, across)


def find_rectangles(
    stretches: Sequence[Stretch], front: Front, looked: Looked, config: DetectConfig
) -> tuple[list[Box], Array, npt.NDArray[np.intp]]:
    """(rectangles at some stretches that may be wanted hulls, their traits (n, trait), at which stretch)."""
    summed = Summed(front)
    which, low, high = _pairs(summed, max(config.min_length, _SHORTEST), config.max_length)
    given = fit_beams(summed, which, low, high)
    given = given.choose(may_be_hulls(summed, given))
    sides = [stretches[at] for at in given.front.tolist()]
    centres = place_hulls(sides, 0.5 * (given.low + given.high), given.beam)
    wanted = looked.wants(centres)
    given, sides = given.choose(wanted), [side for side, kept in zip(sides, wanted, strict=True) if kept]
    return _boxes(sides, centres[wanted], given), measure_traits(summed, given), given.front


def _choose(
    stretches: Sequence[Stretch], front: Front, some: npt.NDArray[np.intp]
) -> tuple[list[Stretch], Front]:
    return [stretches[k] for k in some.tolist()], replace(front, planes=front.planes[some])


def _wanted(stretches: Sequence[Stretch], looked: Looked, config: DetectConfig) -> list[Stretch]:
    """The stretches of which some may be the side of a hull that is centred where hulls are wanted."""
    reach, none = 0.5 * config.max_length + _NEAR, np.zeros(len(stretches))
    wanted = np.zeros(len(stretches), np.bool_)
    for along in np.linspace(-reach, reach, 9):
        wanted |= looked.wants(place_hulls(stretches, none + along, none))
    return [stretch for stretch, kept in zip(stretches, wanted, strict=True) if kept]


def _boxes(sides: Sequence[Stretch], centres: Array, given: Rectangles) -> list[Box]:
    columns = (centres.tolist(), (given.high - given.low).tolist(), given.beam.tolist())
    return [
        Box(centre=(x, y), heading=side.heading, length=length, beam=beam)
        for side, (x, y), length, beam in zip(sides, *columns, strict=True)
    ]


def _low_level(values: npt.NDArray[np.float32], share: float) -> np.float32:
    """`np.percentile` of a small share [%], without ordering all: a sample says below what to look."""
    place = 0.01 * share * (len(values) - 1)
    sample = values[:: max(1, len(values) // _SAMPLES)]
    bound = np.percentile(sample, min(5.0 * share + 1.0, 100.0))
    low = values[values <= bound]
    first = int(place)
    if len(low) < first + 2:
        return np.float32(np.percentile(values, share))
    ordered = np.partition(low, (first, first + 1))
    return np.float32(ordered[first] + (place - first) * (ordered[first + 1] - ordered[first]))


def find_berthed(
    looked: Looked,
    ground: tuple[BoolArray, BoolArray],
    steps: Sequence[Found],
    quays: QuayModel,
    config: DetectConfig,
) -> list[Found]:
    """Hulls at waterfronts: rectangles that forest and network are for, steps that they are not against.

    The same hull may come more than once.

    Parameters
    ----------
    ground
        (row, col) both: True on everything that is too large for a ship, not known and not water; on open
        water that is seen.
    steps
        Hulls told by the step that they make in the waterfront.
    """
    marks = Marks(looked.chip.grid, quays.network)
    boxes: list[Box] = []
    judged = [np.zeros(0)]
    for stretches, front in look_along(looked, ground, config):
        some, traits, at = find_rectangles(stretches, front, looked, config)
        boxes += some
        judged.append(judge_forest(quays.forest, traits) if some else np.zeros(0))
        marks.add(*_choose(stretches, front, np.unique(at[judged[-1] >= _PLAUSIBLE])))
    told = np.concatenate(judged) + _MARKED * marks.agree(boxes)
    scores = np.clip(0.5 * told / _EVEN, 0.0, 0.99)
    found = [
        Found(box=box, score=round(float(score), 4), quay=True, flags=("alongside", "quay-unknown"))
        for box, score in zip(boxes, scores, strict=True)
        if score >= config.min_score
    ]
    return found + _not_denied(steps, boxes, told, config)


def _not_denied(
    steps: Sequence[Found], boxes: Sequence[Box], told: Array, config: DetectConfig
) -> list[Found]:
    """The steps that forest and network do not deny, by the best rectangle much like them."""
    from shapely import area, intersection, polygons

    if not steps or not boxes:
        return []
    centres = np.array([box.centre for box in boxes])
    size = np.array([(box.length, box.beam) for box in boxes])
    found = []
    for step in steps:
        length, beam = step.box.length, step.box.beam
        apart = np.hypot(*(centres - step.box.centre).T)
        alike = size[:, 0] * size[:, 1] / (length * beam)
        near = (apart < length + size[:, 0]) & (alike > 0.9 * _SAME) & (alike * 0.9 * _SAME < 1.0)
        same = [hull_polygon(boxes[k]) for k in np.flatnonzero(near & (told >= _DENIED)).tolist()]
        if not same:
            continue
        rings, ring = polygons(same), polygons(hull_polygon(step.box))
        shared = area(intersection(rings, ring))
        if (shared > _SAME * (area(rings) + area(ring) - shared)).any():
            found.append(replace(step, score=max(round(_LESS * step.score, 4), config.min_score)))
    return found


def _pairs(summed: Summed, shortest: float, longest: float) -> tuple[npt.NDArray[np.intp], Array, Array]:
    """(front, low, high): stations between which a hull may lie, one each side of the stretch's middle."""
    found: list[tuple[npt.NDArray[np.intp], Array, Array]] = []
    for at, ends in enumerate(_ends(summed)):
        low, high = np.meshgrid(ends, ends, indexing="ij")
        fits = (high - low >= shortest) & (high - low <= longest) & (low < _NEAR) & (high > -_NEAR)
        found.append((np.full(int(fits.sum()), at, np.intp), low[fits], high[fits]))
    which, low, high = (np.concatenate(part) for part in zip(*found, strict=True))
    return which, low, high


def _ends(summed: Summed) -> list[Array]:
    """Of each front, stations at which the line steps or the light along it changes, in order [m]."""
    front = summed.front
    strip = (front.across >= 0.0) & (front.across <= _STRIP)
    light = summed.log_light[..., strip].mean(axis=-1)
    depth = np.clip(front_depth(front), -25.0, 40.0)
    changes = np.sqrt((_change(light) ** 2).mean(axis=1)) + np.abs(_change(depth)) / 20.0
    padded = np.pad(changes, ((0, 0), (3, 3)))
    arounds = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=1).max(axis=-1)
    found = []
    for change, around in zip(changes, arounds, strict=True):
        peaks = np.flatnonzero((change == around) & (change > _CUE))
        peaks = peaks[(peaks >= 2) & (peaks < len(change) - 2)]
        best = peaks[np.argsort(-change[peaks], kind="stable")[:_MOST_ENDS]]
        found.append(front.along[np.sort(best)])
    return found


def _change(profiles: Array, reach: int = 3) -> Array:
    """(..., station): mean of the stations ahead less mean of those behind."""
    around = [(0, 0)] * (profiles.ndim - 1)
    padded = np.pad(profiles, [*around, (reach, reach)], mode="edge")
    sums = np.cumsum(np.pad(padded, [*around, (1, 0)]), axis=-1)
    at = np.arange(profiles.shape[-1])
    return np.asarray((sums[..., at + 2 * reach] - 2 * sums[..., at + reach] + sums[..., at]) / reach)
