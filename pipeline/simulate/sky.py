"""Procedural clouds: where they are, how thick, and where their shadows fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import ViewGeometry
from pipeline.geometry import relief_shift, shadow_shift

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clouds:
    """One layer."""

    cover: float
    """Share of the sky, 0..1."""
    height: float = 1200.0
    """[m]"""
    size: float = 350.0
    """Of the largest lumps [m]."""
    thickness: float = 0.95
    """Opacity at the core, 0..1."""
    seed: int = 0


def _noise(x: Array, y: Array, seed: int) -> Array:
    """Smooth noise of unit scale at any points, from random plane waves, about N(0, 1)."""
    rng = np.random.default_rng(seed)
    total = np.zeros_like(x)
    weight = 0.0
    for octave in range(5):
        amplitude = 0.55**octave
        for _ in range(8):
            angle, phase = rng.uniform(0, 2 * np.pi, 2)
            k = 2 * np.pi * 2**octave * rng.uniform(0.7, 1.3)
            total += amplitude * np.cos(k * (x * np.cos(angle) + y * np.sin(angle)) + phase)
            weight += amplitude**2 / 2
    return np.asarray(total / np.sqrt(weight))


def opacity(clouds: Clouds, east: Array, north: Array) -> Array:
    """Opacity of the layer over points at its own height, 0..1."""
    from scipy.stats import norm

    if clouds.cover <= 0:
        return np.zeros_like(east)
    field = _noise(east / clouds.size, north / clouds.size, clouds.seed)
    threshold = norm.ppf(1 - min(clouds.cover, 0.999))
    return np.asarray(clouds.thickness / (1 + np.exp(-(field - threshold) * 5)))


def hide(
    film: npt.NDArray[np.float32], east: Array, north: Array, clouds: Clouds, view: ViewGeometry
) -> tuple[npt.NDArray[np.float32], Array, Array]:
    """The film behind clouds, with their opacity and the opacity of their shadow, both (row, col).

    A cloud at height h over a place P is seen at P + h * relief_shift and throws its shadow at
    P + h * shadow_shift.
    """
    relief, shadow = relief_shift(view), shadow_shift(view)
    seen = opacity(clouds, east - clouds.height * relief[0], north - clouds.height * relief[1])
    dark = opacity(clouds, east - clouds.height * shadow[0], north - clouds.height * shadow[1])
    lumps = 0.68 + 0.08 * _noise(east / 90, north / 90, clouds.seed + 1)
    lit = film * (1 - 0.7 * dark)
    return (lit * (1 - seen) + lumps * seen).astype(np.float32), seen, dark
