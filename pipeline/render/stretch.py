"""From reflectance to something to look at: one stretch over water and hulls, so that land may saturate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, CloudMask, Grid
from pipeline.geometry import Points, ground_to_pixel

_COMPOSITES = (
    (("red", "green", "blue"), "natural colour"),
    (("nir", "red", "green"), "false colour: near infrared, red, green"),
    (("nir08", "red", "green"), "false colour: near infrared, red, green"),
)
_SINGLE = ("pan", "red", "green", "nir", "nir08", "blue")
_TONE = 2.3
"""Steepness of the tone curve 1 - exp(-tone x): lifts dark water, and lets land fade instead of clip."""
_HEADROOM = 0.12
"""Share of the range left below the 2nd percentile, so that dark water is not black."""
_LEAST = 0.03
"""Least range that is shown, so that the noise of empty water is not all there is to see [reflectance]."""
_SAMPLE = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Which bands are shown, and between which values."""

    bands: tuple[str, ...]
    """Three for red, green, blue of the screen, or one for grey."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    words: str
    """As "natural colour" or "panchromatic band"."""


def _choose_bands(chip: Chip) -> tuple[tuple[str, ...], str]:
    for names, words in _COMPOSITES:
        if all(name in chip.bands for name in names):
            return names, words
    if len(chip.bands) == 3 and chip.bands[0].startswith("b"):
        return chip.bands, "three bands of unknown colour"
    name = next((name for name in _SINGLE if name in chip.bands), chip.bands[0])
    return (name,), "panchromatic band" if name == "pan" else f"single band: {name}"


def _near_ships(grid: Grid, outlines: Sequence[Points]) -> npt.NDArray[np.bool_]:
    """(row, col), True in the boxes round the ships, a third of their size wider on every side."""
    near = np.zeros(grid.shape, dtype=bool)
    rows, cols = grid.shape
    for ground in outlines:
        p = ground_to_pixel(grid, ground)
        low, high = p.min(axis=0), p.max(axis=0)
        margin = 0.34 * float(np.max(high - low)) + 2.0
        c0, r0 = np.clip(np.floor(low - margin), 0, [cols, rows]).astype(int)
        c1, r1 = np.clip(np.ceil(high + margin), 0, [cols, rows]).astype(int)
        near[r0:r1, c0:c1] = True
    return near


def choose_stretch(
    chip: Chip, outlines: Sequence[Points], clouds: CloudMask | None, land: npt.NDArray[np.bool_] | None
) -> Stretch:
    """2nd to 98th percentile over the ships and the water round them, else over all that is clear.

    Parameters
    ----------
    outlines
        Of the ships, (n, 2) (east, north) of the chip's grid [m].
    land
        (row, col), True where a site says land; not counted unless nothing else is there.
    """
    names, words = _choose_bands(chip)
    step = max(int(np.sqrt(chip.valid.size / _SAMPLE)), 1)
    thin = (slice(None, None, step), slice(None, None, step))
    choices = []
    clear = chip.valid[thin]
    if clouds is not None:
        clear = clear & ~clouds.cloudy[thin]
    if outlines:
        choices.append(clear & _near_ships(chip.grid, outlines)[thin])
    if land is not None:
        choices.append(clear & ~land[thin])
    choices += [clear, chip.valid[thin]]
    chosen = next((c for c in choices if np.count_nonzero(c) >= 64), None)
    low, high = [], []
    for name in names:
        plane = chip.band(name)
        if plane is None or chosen is None:
            low.append(0.0)
            high.append(1.0)
            continue
        p2, p98 = (float(v) for v in np.percentile(plane[thin][chosen], [2.0, 98.0]))
        low.append(p2)
        high.append(max(p98, p2 + _LEAST))
    # One gain for the three bands keeps their ratio: water stays blue, a red deck stays red.
    gain = max(h - b for b, h in zip(low, high, strict=True))
    base = tuple(b - _HEADROOM * gain for b in low)
    return Stretch(bands=names, low=base, high=tuple(b + gain for b in low), words=words)


def render_rgb(chip: Chip, stretch: Stretch) -> npt.NDArray[np.uint8]:
    """(row, col, 3) uint8: the chip between the stretch's bounds, toned; no data is light grey."""
    rows, cols = chip.grid.shape
    rgb = np.empty((rows, cols, 3), np.uint8)
    for i, (name, low, high) in enumerate(zip(stretch.bands, stretch.low, stretch.high, strict=True)):
        plane = chip.band(name)
        if plane is None:
            raise ValueError(f"band {name!r} is not in the chip, which has {', '.join(chip.bands)}")
        for top in range(0, rows, 1024):  # strips keep the float copies small
            part = cv2.subtract(plane[top : top + 1024], low)
            part = cv2.exp(cv2.min(part * np.float32(-_TONE / (high - low)), 0.0))
            rgb[top : top + 1024, :, i] = cv2.convertScaleAbs(part, alpha=-255.0, beta=255.0)
    if len(stretch.bands) == 1:
        rgb[:, :, 1] = rgb[:, :, 0]
        rgb[:, :, 2] = rgb[:, :, 0]
    rgb[~chip.valid] = (225, 228, 232)
    return rgb
