"""Water and what stands out of it, from local statistics in every band.

Water is dark in the infrared and even over tens of metres. Its level is taken locally, so that glint,
turbidity and haze move the level and not the outcome. All windows are in metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.detect.local import LocalMeans, Plane, box_mean

STANDS_OUT = 4.0
"""Contrast from which a pixel is not water, in the water's own spread."""

LEAST_SPREAD = 0.004
"""Of the water in a band [1]; three times as much in a visual product."""

_BODY = 20_000.0
"""The smallest water that a ship of 40 m lies in [m2]."""
_MANY = 6.0
"""From this pixel on a pixel holds more than one roof or street [m]."""
_NEAR = 60.0
"""Over which colours are compared with one another [m]."""
_SECOND, _REDDER = 0.0065, 0.8
"""Land differs by more across its line of colour, in reflectance, and has more near infrared to green [1]."""

_GREEN = 0.6
"""Of the near infrared, that water has in green at least [1]."""
_LEVELS = (0.02, 0.25)
"""Between which water is parted from land in an infrared band [1]."""
_OPEN = 15.0
"""Half of what water is wide, to begin with [m]."""
_SAMPLES = 100_000
"""Pixels from which a level is taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Water:
    """Water and contrast to it, on the pixels given."""

    water: BoolArray
    """(row, col), True on open water."""
    contrast: Plane
    """(row, col): how far above the local water in its strongest bands, in the water's own spread."""
    darkness: Plane
    """(row, col): how far below the local water in its strongest band, in the same units."""
    lift: Plane
    """(row, col): mean over bands of reflectance above local water [1]; linear in what covers a pixel.

    Without the short-wave infrared: its pixels are twice as wide as those they are delivered on."""
    haze: npt.NDArray[np.float32] | None = None
    """(band, row, col) light that thin cloud adds, in the bands compared; None where none was found."""


def _infrared_level(plane: Plane, valid: BoolArray) -> float:
    """The level that parts water from land in an infrared band: by Otsu, on 256 levels of its logarithm."""
    import cv2

    chosen = plane.ravel() if valid.all() else plane[valid]
    values = np.log(np.maximum(chosen[:: max(1, len(chosen) // _SAMPLES)], 1e-3))
    low, high = np.percentile(values, [1, 99])
    if high - low < np.log(2.0):  # one population only
        return float(np.exp(high)) * 1.5
    scaled = np.clip((values - low) * (255.0 / (high - low)), 0.0, 255.0).astype(np.uint8)
    cut, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = float(np.exp(low + (cut + 1.0) * (high - low) / 255.0))
    return float(np.clip(level, *_LEVELS))


def seed_water(chip: Chip, valid: BoolArray) -> BoolArray:
    """(row, col), True where a pixel is water by its colour alone."""
    infrared = chip.band("swir16", "nir", "nir08")
    green = chip.band("green", "blue", "pan", "red")
    assert green is not None or infrared is not None or chip.pixels.size
    nir = chip.band("nir", "nir08")
    if nir is not None and chip.calibrated:
        seeds = valid & (nir < _infrared_level(nir, valid))
        if green is not None:
            seeds &= green > _GREEN * nir
        swir = chip.band("swir16")
        if swir is not None:
            seeds &= swir < max(0.05, _infrared_level(swir, valid))
        return np.asarray(seeds)
    level = chip.pixels.mean(axis=0)
    size = max(3, round(40.0 / chip.grid.gsd) | 1)
    mean = box_mean(level, size)
    spread = np.sqrt(np.maximum(box_mean(level * level, size) - mean * mean, 0.0))
    typical = np.percentile(spread[valid], 30) if valid.any() else 0.0
    even = spread < 2.5 * max(float(typical), 1e-3)
    colours = chip.pixels
    red, blue = chip.band("red"), chip.band("blue")
    bluish = (blue >= 0.8 * red) if red is not None and blue is not None else np.ones(level.shape, bool)
    bright = np.percentile(level[valid & even], 90) if (valid & even).any() else 1.0
    assert colours.ndim == 3
    return np.asarray(valid & even & bluish & (level <= bright * 1.2))


def tells_water(chip: Chip) -> bool:
    """True where water can be told by what its colour must be: reflectance in green and near infrared."""
    return chip.calibrated and chip.band("nir", "nir08") is not None and chip.band("green") is not None


def may_be_water(chip: Chip, seen: BoolArray) -> BoolArray:
    """(row, col), True on what water is looked for in, whatever the levels in the infrared are.

    For reflectance with green and a near infrared band.
    """
    return wide_water(has_waters_colour(chip, seen), chip.grid.gsd)


def has_waters_colour(chip: Chip, seen: BoolArray, rows: slice = slice(None)) -> BoolArray:
    """(row, col) of some rows, True where `may_be_water` would look, be it ever so narrow."""
    nir, green, swir = chip.band("nir", "nir08"), chip.band("green"), chip.band("swir16")
    assert nir is not None
    assert green is not None
    wet = seen[rows] & (nir[rows] < _LEVELS[1])
    wet &= green[rows] > _GREEN * nir[rows]
    if swir is not None:
        wet &= swir[rows] < _LEVELS[1]
    return np.asarray(wet)


def wide_water(wet: BoolArray, gsd: float) -> BoolArray:
    """(row, col), True on what is wide enough for water."""
    return _open(wet, max(1, round(_OPEN / gsd)))


def find_water(chip: Chip, usable: BoolArray, *, window: float = 300.0) -> Water:
    """Open water and contrast to it.

    Parameters
    ----------
    chip
        Pixels, preferably of 2 to 10 m.
    usable
        (row, col), True where the ground is seen.
    window
        Side over which the water's level is taken [m].
    """
    import cv2

    gsd = chip.grid.gsd
    size = max(9, round(window / gsd) | 1)
    water = wide_water(seed_water(chip, usable), gsd)
    lift = np.zeros(usable.shape, np.float32)
    bands = telling_bands(chip)
    sharp = {name for name, _ in bands if name != "swir16" or len(bands) == 1}
    floor = float(np.float32(LEAST_SPREAD if chip.calibrated else 3 * LEAST_SPREAD) ** 2)
    hidden = None if usable.all() else ~usable
    for _ in range(2):
        local = LocalMeans(water, size)
        lift.fill(0.0)
        scores = list[Plane]()
        for name, plane in bands:
            above = cv2.subtract(plane, local.of(plane))
            spread = local.of(np.asarray(cv2.multiply(above, above)))
            if name in sharp:
                cv2.scaleAdd(above, 1.0 / len(sharp), lift, dst=lift)
            cv2.sqrt(cv2.max(spread, floor, dst=spread), dst=spread)
            scores.append(np.asarray(cv2.divide(above, spread, dst=spread)))
        contrast, least = two_strongest(scores)
        if hidden is not None:
            contrast = np.where(hidden, np.float32(0.0), contrast)
        water = water & (contrast < STANDS_OUT)
    darkness = -least if hidden is None else np.where(hidden, np.float32(0.0), -least)
    return Water(water=water, contrast=contrast, darkness=darkness, lift=lift)


def two_strongest(scores: Sequence[Plane]) -> tuple[Plane, Plane]:
    """(mean of the two highest, lowest), pixel by pixel; of a single band the band itself."""
    import cv2

    first, *others = scores
    if not others:
        return first, first
    highest, second = cv2.max(first, others[0]), cv2.min(first, others[0])
    least = second
    for score in others[1:]:
        second = cv2.max(second, cv2.min(highest, score))
        highest, least = cv2.max(highest, score), cv2.min(least, score)
    return np.asarray(cv2.addWeighted(highest, 0.5, second, 0.5, 0.0)), np.asarray(least)


def water_bodies(chip: Chip, water: BoolArray, usable: BoolArray) -> BoolArray:
    """(row, col), True on what was taken for water and is as wide, as large and of the colours of it.

    Where a chip shows no water at all, what is even in it was taken for water, and roofs would be its ships.
    Waves, glint and haze move the sea along one line of colour, whatever they are; pavements, roofs and lawns
    differ in more than one. What is hidden may go on as what lies about it.

    Limits: without reflectance in green and near infrared the size alone decides; pixels of 6 m and more hold
    too many colours each, and all that is usable is believed.
    """
    import cv2

    gsd = chip.grid.gsd
    if gsd >= _MANY:
        return usable
    side = max(3, round(8.0 / gsd) | 1)
    seen = box_mean(usable.astype(np.float32), side)
    mostly = (box_mean((water & usable).astype(np.float32), side) >= 0.7 * seen) | (
        seen < 0.3
    )  # waves break it up
    _, labels = cv2.connectedComponents(_open(mostly, max(1, round(10.0 / gsd))).astype(np.uint8))
    wet = water & usable
    area = np.bincount(labels[wet], minlength=int(labels.max()) + 1) * gsd**2
    kept = area >= min(_BODY, 0.1 * water.size * gsd**2)
    kept[0] = False
    green, nir = chip.band("green"), chip.band("nir", "nir08")
    if chip.calibrated and green is not None and nir is not None:
        rest = _above_surroundings(chip, wet)
        for label in np.flatnonzero(kept):
            inside = wet & (labels == label)
            redder = float(np.median(nir[inside])) > _REDDER * float(np.median(green[inside]))
            kept[label] = not (redder and _colours(rest[:, inside]) > _SECOND)
    return np.asarray(kept[labels] & usable)


def _above_surroundings(chip: Chip, wet: BoolArray) -> npt.NDArray[np.float32]:
    """(band, row, col) difference to the water within some tens of metres."""
    size = max(5, round(_NEAR / chip.grid.gsd) | 1)
    local = LocalMeans(wet, size)
    return np.stack([plane - local.of(plane) for _, plane in telling_bands(chip)])


def _colours(rest: npt.NDArray[np.float32]) -> float:
    """Standard deviation along the second of the directions in which colours (band, n) differ most."""
    sample = rest[:, :: max(1, rest.shape[1] // 20_000)]
    far = np.linalg.norm(sample, axis=0)
    sample = sample[:, far <= np.quantile(far, 0.95)] if far.size else sample
    return float(np.sqrt(max(np.linalg.eigvalsh(np.cov(sample))[-2], 0.0))) if sample.shape[1] > 10 else 0.0


def telling_bands(chip: Chip) -> list[tuple[str, Plane]]:
    """Bands, by name, in which ships stand out of water; the bluest tell most of the air."""
    names = [b for b in chip.bands if b in ("green", "red", "nir", "nir08", "swir16", "pan")]
    chosen = names or list(chip.bands)
    return [(b, chip.pixels[chip.bands.index(b)]) for b in chosen]


def _open(inside: BoolArray, radius: int) -> BoolArray:
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool))
