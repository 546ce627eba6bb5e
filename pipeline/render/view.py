"""Where ground points fall on a picture: north-up, along the image's rows, or along a ship."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid
from pipeline.geometry import Points, pixel_to_ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of the ground: an affine map from (east, north) [m] to its (x, y) [px], y down."""

    shape: tuple[int, int]
    """(rows, cols)"""
    to_picture: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f): x = a east + b north + c, y = d east + e north + f."""

    @property
    def scale(self) -> float:
        """Pixels of the picture a metre [px/m]."""
        a, b, _, d, e, _ = self.to_picture
        return float(np.sqrt(abs(a * e - b * d)))

    def place(self, ground: npt.ArrayLike) -> Points:
        """(..., 2) (x, y) of (east, north)."""
        p = np.asarray(ground, dtype=np.float64)
        a, b, c, d, e, f = self.to_picture
        return np.stack([a * p[..., 0] + b * p[..., 1] + c, d * p[..., 0] + e * p[..., 1] + f], axis=-1)

    def direction(self, azimuth: float) -> tuple[float, float]:
        """Unit vector (x, y) on the picture of an azimuth from true north."""
        a, b, _, d, e, _ = self.to_picture
        east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
        x, y = a * east + b * north, d * east + e * north
        size = float(np.hypot(x, y))
        return float(x / size), float(y / size)


def frame_of_grid(grid: Grid, scale: int = 1) -> Frame:
    """The picture that is the grid itself, each pixel enlarged `scale` times."""
    a, b, c, d, e, f = grid.to_ground
    det = (a * e - b * d) / scale
    inverse = (e / det, -b / det, (b * f - e * c) / det, -d / det, a / det, (d * c - a * f) / det)
    return Frame(shape=(grid.shape[0] * scale, grid.shape[1] * scale), to_picture=inverse)


def frame_around(
    centre: tuple[float, float], scale: float, shape: tuple[int, int], *, up: float = 0.0
) -> Frame:
    """Square pixels, `scale` px a metre, `centre` in the middle, the azimuth `up` pointing up."""
    psi = np.radians(up)
    cos, sin = scale * np.cos(psi), scale * np.sin(psi)
    x0, y0 = shape[1] / 2, shape[0] / 2
    east, north = centre
    a, b, d, e = cos, -sin, -sin, -cos
    return Frame(
        shape=shape,
        to_picture=(
            float(a),
            float(b),
            float(x0 - a * east - b * north),
            float(d),
            float(e),
            float(y0 - d * east - e * north),
        ),
    )


def rotation_of(grid: Grid) -> float:
    """Azimuth of the direction that is up in the image, -180..180 [deg]."""
    _, b, _, _, e, _ = grid.to_ground
    return float(np.degrees(np.arctan2(-b, -e)))


def fit_grid(grid: Grid, room: tuple[int, int]) -> Frame:
    """The whole grid inside `room` (rows, cols), square pixels.

    Images that are nearly north up keep their rows level (no empty corners); others are turned north up.
    """
    tilt = rotation_of(grid)
    up = tilt if abs(tilt) < 12.0 else 0.0
    rows, cols = grid.shape
    corners = pixel_to_ground(grid, [(0, 0), (cols, 0), (cols, rows), (0, rows)])
    psi = np.radians(up)
    right = corners @ np.array([np.cos(psi), -np.sin(psi)])
    above = corners @ np.array([np.sin(psi), np.cos(psi)])
    width, height = float(np.ptp(right)), float(np.ptp(above))
    scale = min(room[1] / width, room[0] / height)
    shape = (max(round(height * scale), 1), max(round(width * scale), 1))
    middle_right, middle_above = (right.max() + right.min()) / 2, (above.max() + above.min()) / 2
    east = middle_right * np.cos(psi) + middle_above * np.sin(psi)
    north = -middle_right * np.sin(psi) + middle_above * np.cos(psi)
    return frame_around((float(east), float(north)), scale, shape, up=up)


def resample(
    picture: npt.NDArray[np.uint8], grid: Grid, frame: Frame, *, empty: tuple[int, int, int] = (225, 228, 232)
) -> npt.NDArray[np.uint8]:
    """`picture`, (row, col) or (row, col, 3), on `grid` as seen in `frame`: averaged or cubic."""
    factor = max(int(1.0 / (frame.scale * max(grid.gsd_col, grid.gsd_row)) + 0.25), 1)
    source, k = picture, 1
    if factor > 1:
        rows, cols = (n // factor * factor for n in grid.shape)
        if rows and cols:
            source = cv2.resize(
                picture[:rows, :cols], (cols // factor, rows // factor), interpolation=cv2.INTER_AREA
            )
            k = factor
    a, b, c, d, e, f = grid.to_ground
    A, B, C, D, E, F = frame.to_picture
    # pixel centres to pixel centres: corner convention minus half a pixel on both sides
    to_ground = np.array([[a * k, b * k, c], [d * k, e * k, f], [0, 0, 1.0]])
    to_frame = np.array([[A, B, C], [D, E, F], [0, 0, 1.0]])
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    matrix = np.linalg.inv(half) @ to_frame @ to_ground @ half
    shown: npt.NDArray[np.uint8] = cv2.warpAffine(
        source,
        matrix[:2],
        (frame.shape[1], frame.shape[0]),
        flags=cv2.INTER_CUBIC if frame.scale * grid.gsd > 1.0 else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=empty,
    )
    return shown
