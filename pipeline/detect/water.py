"""Water and what stands out of it, from local statistics in every band.

Water is dark in the infrared and even over tens of metres. Its level is taken locally, so that glint,
turbidity and haze move the level and not the outcome. All windows are in metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip

STANDS_OUT = 4.0
"""Contrast from which a pixel is not water, in the water's own spread."""

Plane = npt.NDArray[np.float32]


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


def _box(plane: Plane, size: int) -> Plane:
    import cv2

    return np.asarray(cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def masked_mean(plane: Plane, chosen: BoolArray, size: int) -> tuple[Plane, Plane]:
    """(mean over the chosen pixels of a window, share of the window that was chosen), both (row, col)."""
    weight = _box(chosen.astype(np.float32), size)
    total = _box(np.where(chosen, plane, 0.0).astype(np.float32), size)
    overall = float(plane[chosen].mean()) if chosen.any() else float(plane.mean())
    few = weight < 0.02
    mean = np.where(few, overall, total / np.maximum(weight, 1e-6))
    return mean.astype(np.float32), weight


def _infrared_level(plane: Plane, valid: BoolArray) -> float:
    """The level that parts water from land in an infrared band: by Otsu, on 256 levels of its logarithm."""
    import cv2

    values = np.log(np.maximum(plane[valid], 1e-3))
    low, high = np.percentile(values, [1, 99])
    if high - low < np.log(2.0):  # one population only
        return float(np.exp(high)) * 1.5
    scaled = np.clip((values - low) * (255.0 / (high - low)), 0.0, 255.0).astype(np.uint8)
    cut, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    level = float(np.exp(low + (cut + 1.0) * (high - low) / 255.0))
    return float(np.clip(level, 0.02, 0.25))


def seed_water(chip: Chip, valid: BoolArray) -> BoolArray:
    """(row, col), True where a pixel is water by its colour alone."""
    infrared = chip.band("swir16", "nir", "nir08")
    green = chip.band("green", "blue", "pan", "red")
    assert green is not None or infrared is not None or chip.pixels.size
    nir = chip.band("nir", "nir08")
    if nir is not None and chip.calibrated:
        seeds = valid & (nir < _infrared_level(nir, valid))
        if green is not None:
            seeds &= (green - nir) > -0.25 * (green + nir)
        swir = chip.band("swir16")
        if swir is not None:
            seeds &= swir < max(0.05, _infrared_level(swir, valid))
        return np.asarray(seeds)
    level = chip.pixels.mean(axis=0)
    size = max(3, round(40.0 / chip.grid.gsd) | 1)
    mean = _box(level, size)
    spread = np.sqrt(np.maximum(_box(level * level, size) - mean * mean, 0.0))
    typical = np.percentile(spread[valid], 30) if valid.any() else 0.0
    even = spread < 2.5 * max(float(typical), 1e-3)
    colours = chip.pixels
    red, blue = chip.band("red"), chip.band("blue")
    bluish = (blue >= 0.8 * red) if red is not None and blue is not None else np.ones(level.shape, bool)
    bright = np.percentile(level[valid & even], 90) if (valid & even).any() else 1.0
    assert colours.ndim == 3
    return np.asarray(valid & even & bluish & (level <= bright * 1.2))


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
    gsd = chip.grid.gsd
    size = max(9, round(window / gsd) | 1)
    water = seed_water(chip, usable)
    water = _open(water, max(1, round(15.0 / gsd)))
    shape = usable.shape
    contrast, darkness, lift = (np.zeros(shape, np.float32) for _ in range(3))
    bands = _telling(chip)
    for _ in range(2):
        scores: list[Plane] = []
        lift = np.zeros(shape, np.float32)
        for _, plane in bands:
            mean, _ = masked_mean(plane, water, size)
            variance, _ = masked_mean((plane - mean) ** 2, water, size)
            floor = 0.004 if chip.calibrated else 0.012
            spread = np.sqrt(np.maximum(variance, floor**2))
            scores.append(((plane - mean) / spread).astype(np.float32))
        sharp = [plane for name, plane in bands if name != "swir16" or len(bands) == 1]
        for plane in sharp:
            lift += (plane - masked_mean(plane, water, size)[0]) / np.float32(len(sharp))
        stack = np.sort(np.stack(scores), axis=0)
        strongest = stack[-2:].mean(axis=0) if len(stack) > 1 else stack[-1]
        contrast = np.where(usable, strongest, 0.0).astype(np.float32)
        darkness = np.where(usable, -stack[0], 0.0).astype(np.float32)
        water = water & (contrast < STANDS_OUT)
    return Water(water=water, contrast=contrast, darkness=darkness, lift=lift)


def _telling(chip: Chip) -> list[tuple[str, Plane]]:
    """Bands, by name, in which ships stand out of water; the bluest tell most of the air."""
    names = [b for b in chip.bands if b in ("green", "red", "nir", "nir08", "swir16", "pan")]
    chosen = names or list(chip.bands)
    return [(b, chip.pixels[chip.bands.index(b)]) for b in chosen]


def _open(inside: BoolArray, radius: int) -> BoolArray:
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool))
