"""Ship told from foam along her axis, and how far a moving ship shifts between bands.

Foam is white in the visible, dimmer in the near infrared and almost black in the short-wave infrared, where
water absorbs what scatters between its bubbles (Dierssen 2019, Frontiers in Earth Science 7, 14; measured
here on Sentinel-2 wakes: 0.65 and 0.12 of the visible). Paint and steel keep both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip
from pipeline.detect.local import LocalMeans, Plane
from pipeline.detect.water import Water

Array = npt.NDArray[np.float64]

_FOAM_NIR = 0.75
"""Near infrared of foam over its visible, at most [1]."""
_FOAM_SWIR = 0.14
"""Short-wave infrared of foam over its visible, at most [1]."""
_LEVEL = 0.4
"""Of her own typical height, at which the solid part of a profile ends [1]."""
_AHEAD = 25.0
"""Short-wave infrared sees a ship 1.5 s after blue (Sentinel-2 MSI: B02 to B11), so much further on where
she goes fast: both ends are taken from what is solid, or she would be shortened by it [m]."""
_GAP = 30.0
"""Longest stretch of a hull as dark as the water [m]."""
_LONGER = 1.1
"""From this ratio of all that is bright to what is solid on, the rest is wake [1]."""


_BRIGHT = 0.01
"""Lift from which foam is told by its colour [1]."""
FOAMY = 0.2
"""Of the solid over the visible, below which it may be foam [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifts:
    """Reflectance above the local water, band by band, (row, col) each [1]."""

    visible: Plane
    red: Plane
    blue: Plane
    solid: Plane | None
    """What foam cannot be; None without an infrared band."""
    swir: Plane | None
    brightest: Plane
    """Of the other bands."""
    sharp: tuple[Plane, ...]
    """Of the bands that are delivered on their own pixels, all but the short-wave infrared."""
    sure: bool
    """True where `solid` rests on short-wave infrared too."""

    def cut(self, part: tuple[slice, slice]) -> Lifts:
        """The lifts of a window."""
        return Lifts(
            visible=self.visible[part],
            red=self.red[part],
            blue=self.blue[part],
            solid=None if self.solid is None else self.solid[part],
            swir=None if self.swir is None else self.swir[part],
            brightest=self.brightest[part],
            sharp=tuple(plane[part] for plane in self.sharp),
            sure=self.sure,
        )

    def foam(self) -> npt.NDArray[np.bool_]:
        """(row, col), True on what is bright in the visible and surely not solid."""
        if self.solid is None or not self.sure:
            return np.zeros(self.visible.shape, np.bool_)
        return (self.visible > _BRIGHT) & (self.solid < FOAMY * self.visible)


def lift_bands(chip: Chip, water: Water, *, window: float = 300.0) -> Lifts:
    """The lifts of a chip over the water of `find_water`."""
    import cv2

    local = LocalMeans(water.water, max(9, round(window / chip.grid.gsd) | 1))

    def lift(*names: str) -> Plane | None:
        plane = chip.band(*names)
        return None if plane is None else np.asarray(cv2.subtract(plane, local.of(plane)))

    blue, green, red = lift("blue"), lift("green"), lift("red")
    visible = [plane for plane in (blue, green) if plane is not None]
    mean = sum(visible[1:], start=visible[0]) / len(visible) if visible else water.lift
    parts = []
    nir, swir = lift("nir", "nir08"), lift("swir16")
    if nir is not None and visible:
        parts.append(nir - _FOAM_NIR * mean)
    if swir is not None and visible:
        parts.append(swir - _FOAM_SWIR * np.asarray(cv2.blur(mean, (3, 3)), np.float32))
    solid = None if not parts else cv2.max(reduce(cv2.max, parts), 0.0)
    bright: list[Plane] = [p for p in (*visible, red, nir) if p is not None] or [water.lift]
    return Lifts(
        visible=np.asarray(mean, np.float32),
        red=water.lift if red is None else red,
        blue=water.lift if blue is None else blue,
        swir=swir,
        brightest=np.asarray(reduce(cv2.max, bright), np.float32),
        sharp=tuple(bright),
        sure=swir is not None,
        solid=None if solid is None else np.asarray(solid, np.float32),
    )


def match_light(lifts: Lifts, inside: npt.NDArray[np.bool_]) -> Plane:
    """(row, col): how much of a pixel is what a body is made of, times its typical lift; linear in cover.

    The lifts projected on the body's own: a hull darker than turbid water in the visible and brighter in the
    infrared stands out by both.
    """
    own = np.array([float(plane[inside].mean()) for plane in lifts.sharp], np.float32)
    size = float(np.linalg.norm(own))
    if size < 1e-6:
        return lifts.brightest
    total = own[0] * lifts.sharp[0]
    for weight, plane in zip(own[1:], lifts.sharp[1:], strict=True):
        total = total + weight * plane
    return np.asarray(total / np.float32(size * np.sqrt(len(own))), np.float32)


def solid_ends(
    along: Array, solid: Array, visible: Array, bright: tuple[float, float]
) -> tuple[float, float] | None:
    """Ends of what is solid [m] where the rest of a bright body is wake; None where she is solid throughout.

    Parameters
    ----------
    along
        Stations along the axis, evenly spaced [m].
    solid, visible
        Profiles of `Lifts` at the stations.
    bright
        Ends of all that is bright [m].
    """
    inside = (along >= bright[0]) & (along <= bright[1])
    if inside.sum() < 4 or solid[inside].max() <= 0.004:
        return None
    peak = float(np.percentile(solid[inside], 90))
    near = (along >= bright[0] - _AHEAD) & (along <= bright[1] + _AHEAD)
    stands = near & (solid > _LEVEL * peak)
    if not stands.any():
        return None
    step = float(along[1] - along[0])
    runs = _runs(stands, round(_GAP / step))
    start, stop = max(runs, key=lambda run: float(solid[run[0] : run[1]].sum()))
    low = _crossing(along, solid, _LEVEL * peak, start, -1)
    high = _crossing(along, solid, _LEVEL * peak, stop - 1, 1)
    kept = (along >= low) & (along <= high)
    rest = inside & ~kept
    if bright[1] - bright[0] < _LONGER * (high - low) or not rest.any():
        return None
    foam = float(solid[rest].mean() / max(visible[rest].mean(), 1e-6))
    hull = float(solid[kept].mean() / max(visible[kept].mean(), 1e-6))
    return (low, high) if foam < FOAMY and foam < 0.5 * hull else None


def _runs(stands: npt.NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """(start, stop) of runs of True, those at most `gap` apart joined."""
    edges = np.flatnonzero(np.diff(np.r_[False, stands, False].astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], stop)
        else:
            runs.append((start, stop))
    return runs


def _crossing(along: Array, profile: Array, level: float, at: int, step: int) -> float:
    """Where the profile falls to `level` beyond station `at`, linear between stations."""
    beyond = at + step
    if not 0 <= beyond < len(profile) or profile[beyond] >= profile[at]:
        return float(along[at])
    share = (profile[at] - level) / (profile[at] - profile[beyond])
    return float(along[at] + np.clip(share, 0.0, 1.0) * (along[beyond] - along[at]))


def band_shift(along: Array, first: Array, second: Array, reach: float) -> float:
    """How far the second profile lies ahead of the first [m], from their correlation; 0 where it is weak."""
    step = float(along[1] - along[0])
    first, second = first - first.mean(), second - second.mean()
    most = round(reach / step)
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    if norm <= 0:
        return 0.0
    around = np.concatenate([second[-most:], second, second[:most]])
    scores = np.correlate(around, first, mode="valid") / norm
    k = int(scores.argmax())
    if scores[k] < 0.9 or not 0 < k < 2 * most:
        return 0.0
    left, middle, right = scores[k - 1 : k + 2]
    return float((k - most + 0.5 * (left - right) / (left - 2 * middle + right)) * step)
