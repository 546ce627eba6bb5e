"""What is told of a rectangle at a waterfront: shape, water about it, and how it differs from the quay.

All of it is relative, light in logarithms of what lies above the local water: neither sun and haze nor what
the quay is made of enter by themselves. Foam, plants and mud are no hulls whatever their shape, by physics.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.detect.waterfront import Array, Front

BANDS = ("blue", "green", "red", "nir", "swir16")
"""In which light is compared."""
TRAITS = (
    "wet_outside", "wet_end", "solid", "land_behind", "length", "beam", "green_step", "red_step",
    "nir_step", "swir_step", "swir_over_nir", "nir_over_red", "red_over_green", "end_step_least",
    "end_step_most", "end_colour_most", "uneven_along", "uneven_across", "rough", "depth_least",
    "depth_most", "dark_gap", "solid_end", "blunt", "colour_step", "wet_behind",
)  # fmt: skip
"""In the order of the columns of `measure_traits`."""
RISING = frozenset({"wet_outside", "wet_end", "solid", "solid_end", "colour_step"})
"""Traits of which more can only speak for a hull."""
FALLING = frozenset({"rough"})
"""Traits of which more can only speak against one."""
DARKEST = 0.004
"""Light above the water's below which all is as dark [1]."""
_LAND, _WET = len(BANDS), len(BANDS) + 1
"""Of the planes of a front, after the bands."""
_BEAMS = np.arange(10.0, 62.0, 5.0)
"""Tried [m]."""
_SLENDER = (6.3, 0.28)
"""Length over beam of merchant ships: median, and spread of its logarithm with what a quay hides."""
_DEEP, _SHALLOW = 110.0, -25.0
"""Where the front of land is looked for, inland of the line [m]."""
_SOLID_SWIR = 0.4
"""Short-wave infrared over green, above the water's, below which there is foam or turbid water [1]."""
_RED_EDGE = (0.74, 2.2)
"""Near infrared over red of what is neither foam nor plants [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rectangles:
    """Rectangles at several fronts, (n,) each."""

    front: npt.NDArray[np.intp]
    """Number of the front."""
    low: Array
    """Station of the one end [m]."""
    high: Array
    beam: Array

    def choose(self, kept: npt.NDArray[np.bool_]) -> Rectangles:
        """Those where (n,) is True."""
        return Rectangles(
            front=self.front[kept], low=self.low[kept], high=self.high[kept], beam=self.beam[kept]
        )


class _Sums:
    """Sums over rectangles of planes in their fronts' frames."""

    def __init__(self, front: Front, planes: npt.NDArray[np.floating]) -> None:
        import cv2

        fronts, count, rows, cols = planes.shape
        lines = np.asarray(cv2.transpose(planes.reshape(fronts * count, -1)))
        sums = np.zeros((rows + 1, cols + 1, fronts * count))
        sums[1:, 1:] = lines.reshape(rows, cols, -1)
        for row in range(1, rows):  # whole lines at a time: `np.cumsum` takes cell after cell
            sums[row + 1] += sums[row]
        for col in range(1, cols):
            sums[:, col + 1] += sums[:, col]
        self._sums, self._fronts, self._shape = sums.reshape(-1, count), fronts, (rows + 1, cols + 1)
        self._start, self._step = (front.along[0], front.across[0]), float(front.along[1] - front.along[0])

    def _index(self, at: Array | float, axis: int) -> npt.NDArray[np.intp]:
        return np.asarray(np.maximum(np.round((at - self._start[axis]) / self._step), 0), np.intp)

    def between(self, which: npt.NDArray[np.intp], low: Array, high: Array) -> _Strips:
        """Sums between stations of fronts; one cell at least."""
        rows = self._shape[0] - 1
        top = np.minimum(self._index(low, 0), rows - 1)
        bottom = np.clip(self._index(high, 0), top + 1, rows)
        return _Strips(sums=self, front=which, top=top, bottom=bottom)

    def _at(self, front: npt.NDArray[np.intp], row: npt.NDArray[np.intp], col: npt.NDArray[np.intp]) -> Array:
        """(n, plane) sums up to a row and a column."""
        return np.asarray(self._sums.take((row * self._shape[1] + col) * self._fronts + front, axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Strips:
    """What `_Sums` has between two stations of each rectangle."""

    sums: _Sums
    front: npt.NDArray[np.intp]
    """(n,)"""
    top: npt.NDArray[np.intp]
    bottom: npt.NDArray[np.intp]

    def mean(self, near: Array | float, far: Array | float) -> Array:
        """(plane, n) means between `near` and `far` inland, of each or of all; one cell at least."""
        sums = self.sums
        cols = sums._shape[1] - 1
        left = np.minimum(sums._index(near, 1), cols - 1)
        right = np.clip(sums._index(far, 1), left + 1, cols)
        front, top, bottom = self.front, self.top, self.bottom
        far_off = sums._at(front, bottom, right) - sums._at(front, top, right)
        near_by = sums._at(front, bottom, left) - sums._at(front, top, left)
        return np.asarray((far_off - near_by).T / ((bottom - top) * (right - left)))


class Summed:
    """Planes about fronts, ready to be averaged over many rectangles."""

    def __init__(self, front: Front) -> None:
        self.front, self.log_light = front, log_light(front)
        self.light = _Sums(front, self.log_light)
        self.ground = _Sums(front, front.planes[:, _LAND:])


def log_light(front: Front) -> npt.NDArray[np.float32]:
    """(front, band, along, across): logarithm of the light above the darkest."""
    return np.asarray(np.log(np.maximum(front.planes[:, : len(BANDS)], np.float32(DARKEST))))


def front_depth(front: Front) -> Array:
    """(front, along): where land begins, inland of the line [m]."""
    inland = front.across >= _SHALLOW
    stands = front.planes[:, _LAND][..., inland] > 0.5
    return np.where(stands.any(axis=-1), front.across[inland][stands.argmax(axis=-1)], _DEEP)


def fit_beams(summed: Summed, which: npt.NDArray[np.intp], low: Array, high: Array) -> Rectangles:
    """The rectangles between stations of fronts, as broad as colour and what ships are built like say."""
    length = high - low
    strips = summed.light.between(which, low + 0.1 * length, high - 0.1 * length)
    odds = []
    for beam in _BEAMS:
        step = strips.mean(beam - 12.0, beam) - strips.mean(beam, beam + 12.0)
        prior = -0.5 * ((np.log(length / beam) - np.log(_SLENDER[0])) / _SLENDER[1]) ** 2
        odds.append(np.log(0.05 + np.sqrt((step**2).mean(axis=0))) + prior)
    return Rectangles(front=which, low=low, high=high, beam=_BEAMS[np.argmax(odds, axis=0)])


def may_be_hulls(summed: Summed, given: Rectangles) -> npt.NDArray[np.bool_]:
    """(n,), True on what has water outside and is neither water, foam, mud nor plants itself."""
    ground = summed.ground.between(given.front, *_inside(given))
    wet = ground.mean(-32.0, -8.0)[1]
    solid = ground.mean(0.0, given.beam)[0]
    light = summed.light.between(given.front, *_inside(given))
    _, green, red, nir, swir = np.exp(light.mean(0.0, given.beam))
    edge = nir / red
    made = (swir > _SOLID_SWIR * green) & (edge > _RED_EDGE[0]) & (edge < _RED_EDGE[1])
    return np.asarray((wet > 0.5) & (solid > 0.4) & made)


def _inside(given: Rectangles) -> tuple[Array, Array]:
    """Stations between which a hull is as broad as she gets."""
    return given.low + 0.1 * (given.high - given.low), given.high - 0.1 * (given.high - given.low)


def measure_traits(summed: Summed, given: Rectangles) -> Array:
    """(n, trait) of `TRAITS`: lengths in metres or their logarithm, light in logarithms, shares in 0..1."""
    columns = _ground_traits(summed.ground, given) | _colour_traits(summed.light, given)
    columns |= _evenness_traits(summed, given) | _line_traits(summed.front, given)
    columns |= {"length": np.log((given.high - given.low) / 100.0), "beam": given.beam}
    return np.stack([columns[name] for name in TRAITS], axis=1)


def _ground_traits(sums: _Sums, given: Rectangles) -> dict[str, Array]:
    """Shares of water and of what stands out of it about the rectangles."""
    beam = given.beam
    ends = [
        sums.between(given.front, a, b).mean(0.0, beam)[1]
        for a, b in ((given.low - 32.0, given.low - 6.0), (given.high + 6.0, given.high + 32.0))
    ]
    inner_ends = [
        sums.between(given.front, a, b).mean(0.0, beam)[0]
        for a, b in ((given.low, given.low + 15.0), (given.high - 15.0, given.high))
    ]
    inside = sums.between(given.front, *_inside(given))
    whole = sums.between(given.front, given.low, given.high)
    return {
        "wet_outside": inside.mean(-32.0, -8.0)[1],
        "wet_end": np.minimum(*ends),
        "solid": inside.mean(0.0, beam)[0],
        "land_behind": whole.mean(beam + 5.0, beam + 30.0)[0],
        "wet_behind": whole.mean(beam + 2.0, beam + 14.0)[1],
        "solid_end": np.minimum(*inner_ends),
    }


def _colour_traits(sums: _Sums, given: Rectangles) -> dict[str, Array]:
    """Light and colour of the rectangles, against the quay behind and what lies beyond their ends."""
    beam = given.beam
    inside = sums.between(given.front, *_inside(given))
    hull = inside.mean(0.0, beam)
    step = hull - inside.mean(beam + 5.0, beam + 30.0)
    grey, colour = [], []
    for at, sense in ((given.low, 1.0), (given.high, -1.0)):
        inner, outer = (
            sums.between(given.front, np.minimum(at, at + way), np.maximum(at, at + way)).mean(0.0, beam)
            for way in (20 * sense, -20 * sense)
        )
        grey.append((inner - outer).mean(axis=0))
        colour.append((inner - outer).std(axis=0))
    return {
        "green_step": step[1],
        "red_step": step[2],
        "nir_step": step[3],
        "swir_step": step[4],
        "colour_step": step.std(axis=0),
        "swir_over_nir": hull[4] - hull[3],
        "nir_over_red": hull[3] - hull[2],
        "red_over_green": hull[2] - hull[1],
        "end_step_least": np.minimum(*grey),
        "end_step_most": np.maximum(*grey),
        "end_colour_most": np.maximum(*colour),
    }


def _evenness_traits(summed: Summed, given: Rectangles) -> dict[str, Array]:
    """How light goes along and across the rectangles, and how dark it gets between them and the quay."""
    grey = summed.log_light[:, :4].mean(axis=1)
    sums = _Sums(summed.front, np.stack([grey, grey**2], axis=1))
    low, high = _inside(given)
    beam = given.beam
    marks = np.linspace(low, high, 9)
    parts = np.array([sums.between(given.front, a, b).mean(0.0, beam)[0] for a, b in pairwise(marks)])
    inside = sums.between(given.front, low, high)
    mean, square = inside.mean(5.0, beam)
    hull = inside.mean(0.0, beam)[0]
    behind = inside.mean(beam + 5.0, beam + 30.0)[0]
    lanes = [inside.mean(0.6 * beam + k, 0.6 * beam + k + 5.0)[0] for k in np.arange(0.0, 35.0, 5.0)]
    return {
        "uneven_along": parts.std(axis=0),
        "uneven_across": np.sqrt(np.maximum(square - mean**2, 0.0)),
        "dark_gap": np.min(lanes, axis=0) - np.minimum(hull, behind),
    }


def _line_traits(front: Front, given: Rectangles) -> dict[str, Array]:
    """The line of the waterfront along the rectangles and beyond their ends [m]."""
    depth = np.clip(front_depth(front), -30.0, 60.0)
    sums = _Sums(front, np.stack([depth, depth**2], axis=1)[..., None])

    def over(low: Array, high: Array) -> Array:
        return sums.between(given.front, low, high).mean(front.across[0], front.across[0])

    mean, square = over(*_inside(given))
    beyond = [over(given.low - 45.0, given.low - 8.0)[0], over(given.high + 8.0, given.high + 45.0)[0]]
    ends = [over(given.low + 5.0, given.low + 25.0)[0], over(given.high - 25.0, given.high - 5.0)[0]]
    return {
        "rough": np.sqrt(np.maximum(square - mean**2, 0.0)),
        "depth_least": np.minimum(*beyond),
        "depth_most": np.maximum(*beyond),
        "blunt": np.maximum(*ends),
    }
