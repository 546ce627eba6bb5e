"""From light on the film to numbers in a file: blur, haze, noise, quantisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SCALE = 1e-4
"""Reflectance of one count."""
_HAZE = {"blue": 0.075, "green": 0.050, "red": 0.030, "nir": 0.012, "swir16": 0.003}
"""Path reflectance of a clear maritime atmosphere at an air mass of two, 6S-like round numbers [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One camera."""

    gsd: float
    """[m]"""
    bands: tuple[str, ...] = ("blue", "green", "red", "nir")
    blur: float = 0.5
    """Standard deviation of the optics, before the pixel's own box [pixel]."""
    shot: float = 0.0015
    """Noise at reflectance 0.1; grows with its root [1]."""
    read: float = 0.0008
    """[1]"""
    pansharpened: bool = False
    toa: bool = False
    """True for reflectance at the top of the atmosphere."""


def _pansharpen(planes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Colours at a quarter of the resolution, detail from the mean of all bands (ratio method)."""
    import cv2

    rows, cols = planes.shape[1:]
    small = (max(cols // 4, 1), max(rows // 4, 1))
    coarse = [cv2.resize(plane, small, interpolation=cv2.INTER_AREA) for plane in planes]
    # a cubic undershoots beside a bright deck, and no light is less than none
    smooth = np.maximum([cv2.resize(c, (cols, rows), interpolation=cv2.INTER_CUBIC) for c in coarse], 1e-4)
    return np.asarray(smooth * (planes.mean(axis=0) / smooth.mean(axis=0)))


def record(
    film: npt.NDArray[np.float32], oversampling: int, sensor: Sensor, seed: int
) -> npt.NDArray[np.uint16]:
    """Counts (band, row, col) from reflectance on a film `oversampling` times finer; 0 is left for nodata."""
    import cv2

    rng = np.random.default_rng(seed)
    sigma = sensor.blur * oversampling
    rows, cols = film.shape[1] // oversampling, film.shape[2] // oversampling
    planes = []
    for plane in film:
        soft = cv2.GaussianBlur(plane.astype(np.float64), (0, 0), sigma) if sigma > 0.05 else plane
        planes.append(cv2.resize(soft, (cols, rows), interpolation=cv2.INTER_AREA))
    image = np.stack(planes).astype(np.float64)
    if sensor.pansharpened:
        image = _pansharpen(image)
    if sensor.toa:
        haze = np.array([_HAZE[b] for b in sensor.bands])[:, None, None]
        image = haze + image * (1 - 1.6 * haze)
    spread = np.sqrt(sensor.read**2 + sensor.shot**2 * np.maximum(image, 0) / 0.1)
    image = image + spread * rng.standard_normal(image.shape)
    return np.clip(np.round(image / SCALE), 1, 65535).astype(np.uint16)
