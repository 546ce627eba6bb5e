"""Water at fine pixels, told by its colour: what waves do to it, and what they cannot do.

Waves, glint and turbidity move the sea along a few directions of colour and hardly along the others. A deck
as dark as the sea, or a red one in brown water, lies off those directions: contrast is the Mahalanobis
distance (Mahalanobis 1936) from the local level, in the covariance of the water itself. Where next to nothing
is left of the water in any band is shadow, not ship.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.detect.haze import find_haze
from pipeline.detect.local import LocalMeans, Plane
from pipeline.detect.water import STANDS_OUT, Water, find_water, seed_water

Array = npt.NDArray[np.float64]

FINE_GSD = 4.0
"""Up to this pixel ships are found by the colour of the water [m]."""
_WINDOW = 300.0
"""Side over which the water's level is taken [m]."""
_SURE = 15.0
"""What is called water to begin with is as wide as this [m]."""
_TAIL = 0.95
"""Of the water's pixels that lie below a contrast of `_TAIL_AT`, however rough it is [1]."""
_TAIL_AT = 2.5
_KEPT = 0.93
"""Share of what is taken for water from which its covariance is learned [1]."""
_FEW = 0.15
"""Where less than this share is dark in the infrared, glint may have lit the sea."""
_FLOOR = 0.002
"""Least spread of the water in a band [1]; six times as much in a visual product."""
_LEFT = 0.35
"""Of the water's light above the darkest, in a shadow: the sky's share of it [1]."""
_GLINTLESS = 0.6
"""Near infrared over the brightest band of water without glint, both above the darkest, at most [1]."""
_LIT = 3.0
"""Brighter than the water by this in any band is no shadow, in the water's spread [1]."""
_SAMPLES = 40_000
"""Pixels from which a covariance is taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colour:
    """The water of one place."""

    bands: tuple[str, ...]
    level: Array
    """(band,)"""
    inverse: Array
    """(band, band) of the covariance, scaled so that contrast is its root [1]."""
    spread: Array
    """(band,) one standard deviation."""

    def distance(self, residual: npt.NDArray[np.float32]) -> Plane:
        """(row, col) contrast of (band, row, col) differences from the level."""
        root = np.linalg.cholesky(self.inverse).T.astype(np.float32)
        turned = np.tensordot(root, residual, axes=1)
        return np.asarray(np.sqrt(np.einsum("brc,brc->rc", turned, turned)), dtype=np.float32)

    def shaded(self, planes: npt.NDArray[np.float32], residual: npt.NDArray[np.float32]) -> BoolArray:
        """(row, col), True where the sun does not reach: next to nothing left of the water in any band.

        What is left is counted from the darkest of the chip: a dark deck in bright water keeps more of one
        band or another. Turbid water fills a shadow with light from beside it; where no glint lights the near
        infrared, in which water is darker than any deck, all that is darker than water is shadow.
        """
        above = planes - residual - _darkest(planes)
        spread = self.spread[:, None, None].astype(np.float32)
        left = (above + residual <= np.maximum(_LEFT * above, spread)).all(axis=0)
        left |= ~self.glints(above) & (residual < 0.0).all(axis=0)
        return np.asarray(left & (residual < -1.5 * spread).any(axis=0))

    def glints(self, water: npt.NDArray[np.float32]) -> BoolArray:
        """(row, col), True where water (band, row, col), less the darkest, may glint (no infrared: all)."""
        infrared = [k for k, name in enumerate(self.bands) if name in ("nir", "nir08")]
        if not infrared:
            return np.ones(water.shape[1:], np.bool_)
        return np.asarray(water[infrared[0]] >= _GLINTLESS * water.max(axis=0))


def _darkest(planes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(band, 1, 1) of a chip."""
    step = max(1, planes[0].size // _SAMPLES)
    return np.asarray(
        np.percentile(planes.reshape(len(planes), -1)[:, ::step], 0.3, axis=1)[:, None, None], np.float32
    )


def water_bands(chip: Chip) -> tuple[str, ...]:
    """The bands in which fine pixels are compared: all of the visible and near infrared."""
    return tuple(b for b in chip.bands if b in ("blue", "green", "red", "nir", "nir08", "pan")) or chip.bands


def learn_colour(
    residual: npt.NDArray[np.floating], bands: tuple[str, ...], level: Array, floor: float
) -> Colour:
    """From differences (pixel, band) of water to its level."""
    sample = residual[:: max(1, len(residual) // _SAMPLES)].astype(np.float64)
    chosen = sample
    for _ in range(4):  # each time without the farthest: shadows and what else does not belong
        covariance = np.eye(len(bands)) * floor**2
        if len(chosen) > 10 * len(bands):
            covariance = covariance + np.cov(chosen.T).reshape(len(bands), -1)
        inverse = np.asarray(np.linalg.inv(covariance), np.float64)
        distance = np.sqrt(((sample @ inverse) * sample).sum(axis=1))
        if len(distance):
            chosen = sample[distance <= np.quantile(distance, _KEPT)]
    tail = float(np.quantile(distance, _TAIL)) if len(distance) else _TAIL_AT
    scale = _TAIL_AT / max(tail, 1e-6)
    return Colour(bands=bands, level=level, inverse=inverse * scale**2, spread=np.sqrt(np.diag(covariance)))


def _floor_of(chip: Chip) -> float:
    return _FLOOR if chip.calibrated else 6 * _FLOOR


def even_pixels(chip: Chip, planes: npt.NDArray[np.float32], usable: BoolArray) -> BoolArray:
    """(row, col), True on the evener half of what is not green."""
    import cv2

    size = max(3, round(12.0 / chip.grid.gsd) | 1)
    level = planes.mean(axis=0)
    mean = cv2.blur(level, (size, size))
    spread = np.sqrt(np.maximum(cv2.blur(level * level, (size, size)) - mean * mean, 0.0)) / np.maximum(
        mean, 1e-3
    )
    even = usable & (spread <= np.median(spread[usable]))
    green, nir = chip.band("green"), chip.band("nir", "nir08")
    if green is not None and nir is not None:
        even &= nir < 1.6 * green
    return np.asarray(even)


def find_water_at(gsd: float, chip: Chip, usable: BoolArray) -> Water:
    """Open water and contrast to it: by colour if the image's own pixels, `gsd` metres, are fine."""
    return find_water_fine(chip, usable) if gsd <= FINE_GSD else find_water(chip, usable)


def find_water_fine(chip: Chip, usable: BoolArray) -> Water:
    """Open water and contrast to it; `chip` has pixels of about two metres, from a finer image.

    Notes
    -----
    `contrast` is 0 in shadow, which `darkness` holds instead; `lift` is the mean difference over the bands.
    """
    import cv2

    bands = water_bands(chip)
    planes = np.stack([chip.pixels[chip.bands.index(b)] for b in bands]).astype(np.float32)
    size = max(9, round(_WINDOW / chip.grid.gsd) | 1)
    radius = max(1, round(_SURE / 2 / chip.grid.gsd))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    water = cv2.morphologyEx(seed_water(chip, usable).astype(np.uint8), cv2.MORPH_OPEN, disk).astype(bool)
    if water.sum() < _FEW * usable.sum():
        water = water | even_pixels(chip, planes, usable)
    haze = None
    for turn in range(3):
        local = LocalMeans(water, size)
        residual = np.stack([plane - local.of(plane) for plane in planes])
        if turn == 1:
            haze = find_haze(residual, chip.valid, chip.grid.gsd)
            if haze is not None:
                planes, residual = planes - haze, residual - haze
        colour = learn_colour(residual[:, water].T, bands, np.zeros(len(bands)), _floor_of(chip))
        distance = np.where(usable, colour.distance(residual), np.float32(0.0))
        near = (usable & (distance < STANDS_OUT)).view(np.uint8)
        water = cv2.morphologyEx(near, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).view(np.bool_)
        if np.count_nonzero(water) < 100:
            water = usable
    shaded = usable & colour.shaded(planes, residual)
    return Water(
        water=water,
        contrast=np.where(shaded, np.float32(0.0), distance),
        darkness=np.where(shaded, distance, np.float32(0.0)),
        lift=residual.mean(axis=0),
        haze=haze,
    )


def colour_contrast(
    chip: Chip,
    part: tuple[slice, slice],
    wet: BoolArray,
    hidden: BoolArray,
    haze: npt.NDArray[np.float32] | None = None,
) -> tuple[Plane, Plane, Plane]:
    """(row, col) thrice, at full resolution: contrast to water, what draws an edge, all.

    All are 0 where it is hidden, the first two in shadow, the second on all that is no brighter than water,
    too: at the edge of a hull the light of turbid water fills half of a shadow, and that is not hers.

    Parameters
    ----------
    wet
        (row, col) of the window, True on water.
    hidden
        (row, col) of the window, True where nothing is seen or known structure stands.
    haze
        (band, row, col) of the window: light that thin cloud adds; None where there is none.
    """
    bands = water_bands(chip)
    planes = np.stack([chip.pixels[chip.bands.index(b)][part] for b in bands]).astype(np.float32)
    if haze is not None:
        planes -= haze
    chosen = planes[:, wet]
    if chosen.shape[1] < 50:
        chosen = planes.reshape(len(bands), -1)
    level = np.median(chosen, axis=1).astype(np.float64)
    residual = (planes - level[:, None, None]).astype(np.float32)
    colour = learn_colour((chosen - level[:, None]).T, bands, level, _floor_of(chip))
    whole = np.where(hidden, np.float32(0.0), colour.distance(residual))
    contrast = np.where(colour.shaded(planes, residual), np.float32(0.0), whole)
    lit = (residual > _LIT * colour.spread[:, None, None]).any(axis=0) | (residual.mean(axis=0) > 0.0)
    return contrast.astype(np.float32), np.where(lit, contrast, 0.0).astype(np.float32), whole
