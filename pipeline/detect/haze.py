"""Thin cloud over water: what it adds to the light, so that a ship below it stands out as one beside it does.

Haze is white, reaches into the near infrared, and is wider and softer at its edge than anything that floats.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray
from pipeline.geometry import block_mean

Planes = npt.NDArray[np.float32]

_CELL = 6.0
"""Haze is looked for at pixels of about this size [m]."""
_WIDE = 100.0
"""Side of the window whose median is haze: ships fill less than half of it [m]."""
_LEAST = 0.012
"""Light in the band to which it adds least, from which there is haze [1]."""
_WHITE = 0.75
"""Of what haze adds to the band that it lifts most, added to every other at least: concrete has less [1]."""
_STEP = 0.002
"""Of the levels that are told apart [1]."""
_SHARP = 0.6
"""Share of its height that land or a quay rises within three cells at half of its edge [1]."""


def find_haze(residual: Planes, valid: BoolArray, gsd: float) -> Planes | None:
    """(band, row, col) light that haze adds, or None where there is none.

    Parameters
    ----------
    residual
        (band, row, col): reflectance above the level of the water about.
    valid
        (row, col), True where there is data.
    """
    import cv2

    factor = max(1, round(_CELL / gsd))
    small = np.stack([block_mean(np.where(valid, plane, np.float32(0.0)), factor) for plane in residual])
    size = max(3, round(_WIDE / (factor * gsd)) | 1)
    if min(small.shape[1:]) < size:
        return None
    levels = [np.clip(plane / _STEP, 0, 255).astype(np.uint8) for plane in small]
    wide = np.stack([cv2.medianBlur(level, size) for level in levels]).astype(np.float32) * _STEP
    hazy = _soft_bodies(np.where(wide.min(axis=0) > _WHITE * wide.max(axis=0), wide.min(axis=0), 0.0))
    if not hazy.any():
        return None
    added = np.where(hazy, wide, np.float32(0.0))
    shape = (residual.shape[2], residual.shape[1])
    smooth = [cv2.blur(plane, (5, 5)) for plane in added]
    full = [cv2.resize(plane, shape, interpolation=cv2.INTER_LINEAR) for plane in smooth]
    return np.asarray(full, dtype=np.float32)


def _soft_bodies(wide: npt.NDArray[np.float32]) -> BoolArray:
    """(row, col), True where a median is haze's: in bodies whose edges rise slowly, as land's do not."""
    import cv2

    _, labels = cv2.connectedComponents((wide > _LEAST).astype(np.uint8), connectivity=8)
    cross = np.ones((3, 3), np.uint8)
    rise = cv2.dilate(wide, cross) - cv2.erode(wide, cross)
    height = cv2.dilate(wide, np.ones((15, 15), np.uint8))
    hazy = np.zeros(wide.shape, np.bool_)
    for label in range(1, int(labels.max()) + 1):
        own = (labels == label).astype(np.uint8)
        edge = (cv2.dilate(own, cross) > 0) & (cv2.erode(own, cross, borderValue=1) == 0)
        if edge.any() and float(np.median(rise[edge] / height[edge])) < _SHARP:
            hazy |= own > 0
    return hazy
