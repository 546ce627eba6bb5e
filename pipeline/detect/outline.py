"""From a body to a hull: axis, ends and sides from profiles of what covers the water.

Coarse pixels mix ship and water, so an end or a side lies where the profile has half the height it has just
inside; what the sensor's blur adds to the width of a narrow ship is taken off. Fine pixels are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid
from pipeline.geometry import ground_to_pixel, ship_axes

Array = npt.NDArray[np.float64]


_SPILL_PX = 0.4
"""What resampling, band shift and lit foam add to a beam at coarse pixels: measured against AIS on two thirds
of 48 Sentinel-2 chips, where it was 5 m at every beam [pixel]."""


_BEFORE, _ABAFT = 0.48, 0.485
"""From the middle to the ends of a waterline, over the length over all [1]."""
_BOW_TAPER, _STERN_TAPER = 0.14, 0.12
"""Of a waterline, over the length over all [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cover:
    """How much of each pixel is ship, relative: linear at coarse pixels, saturated at fine ones."""

    grid: Grid
    plane: npt.NDArray[np.float32]
    """(row, col), 0 on water."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle about a hull; `heading` is one of its two ends."""

    centre: tuple[float, float]
    """(east, north) [m]"""
    heading: float
    length: float
    beam: float


def moments_box(ground: Array, weight: Array) -> Box:
    """Axis and size of weighted points (n, 2) from their moments: a rectangle has L = sqrt(12) sigma."""
    total = weight.sum()
    centre = (ground * weight[:, None]).sum(0) / total
    offset = ground - centre
    covariance = (offset * weight[:, None]).T @ offset / total
    values, vectors = np.linalg.eigh(covariance)
    axis = vectors[:, 1]
    heading = float(np.degrees(np.arctan2(axis[0], axis[1])) % 360.0)
    length, beam = (float(np.sqrt(12 * max(v, 1e-6))) for v in values[::-1])
    return Box(centre=(float(centre[0]), float(centre[1])), heading=heading, length=length, beam=beam)


def sample_cover(cover: Cover, box: Box, *, along: Array, across: Array) -> Array:
    """The cover at points of the ship's frame: (len(along), len(across)), bilinear."""
    import cv2

    bow, starboard = ship_axes(box.heading)
    ground = (
        np.asarray(box.centre)
        + along[:, None, None] * bow[None, None, :]
        + across[None, :, None] * starboard[None, None, :]
    )
    pixel = (ground_to_pixel(cover.grid, ground) - 0.5).astype(np.float32)
    image = cv2.remap(
        cover.plane,
        pixel[..., 0],
        pixel[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return np.asarray(image, dtype=np.float64)


def _steps(half: float, step: float) -> Array:
    count = int(np.ceil(half / step))
    return np.arange(-count, count + 1, dtype=np.float64) * step


def _crossing(coordinate: Array, profile: Array, level: float, start: int, step: int) -> float:
    """Where the profile falls below `level`, walking from `start`; linear between samples."""
    i = start
    while 0 <= i + step < len(profile) and profile[i + step] >= level:
        i += step
    j = i + step
    if not 0 <= j < len(profile):
        return float(coordinate[i])
    drop = profile[i] - profile[j]
    share = (profile[i] - level) / drop if drop > 0 else 0.5
    return float(coordinate[i] + share * (coordinate[j] - coordinate[i]))


def _quantile(values: Array, share: float) -> float:
    """What a share of the values lies below, linear between them: numpy's own takes longer than the rest."""
    ordered = np.sort(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (at - low) * (ordered[high] - ordered[low]))


def _ends(coordinate: Array, profile: Array, *, inner: float, level: float) -> tuple[float, float]:
    """Both ends of a plateau; the height of an end is that of the profile within `inner` m of it."""
    middle = int(np.argmin(np.abs(coordinate)))
    rough = 0.35 * _quantile(profile[np.abs(coordinate) <= np.abs(coordinate).max() * 0.5], 0.75)
    result = []
    for step in (-1, 1):
        end = _crossing(coordinate, profile, rough, middle, step)
        near = (coordinate * step <= end * step) & (coordinate * step >= end * step - inner)
        highest = int(np.where(near, profile, -np.inf).argmax()) if near.any() else middle
        result.append(_crossing(coordinate, profile, level * float(profile[highest]), highest, step))
    return result[0], result[1]


def _unblur(width: float, sigma: float) -> float:
    """Width of a box whose image, blurred by `sigma`, is `width` wide at half of its own height."""
    widths, boxes = _blurred_boxes()
    return sigma * float(
        np.clip(np.interp(width / sigma, widths, boxes), 0.05 * width / sigma, width / sigma)
    )


@lru_cache(maxsize=1)
def _blurred_boxes() -> tuple[Array, Array]:
    """(widths at half height of boxes blurred by one, the boxes' own widths)."""
    from scipy.special import erf

    boxes = np.geomspace(0.02, 200.0, 600)
    half, scale = boxes / 2, np.sqrt(2.0)
    low, high = np.zeros_like(half), half + 2.0
    for _ in range(40):  # halving: the image falls from its middle on
        middle = (low + high) / 2
        above = erf((half - middle) / scale) + erf((half + middle) / scale) > erf(half / scale)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low + high, boxes


def refine_box(cover: Cover, box: Box) -> Box:
    """Ends and sides from profiles, where a pixel is not much smaller than a beam."""
    gsd = cover.grid.gsd
    step = gsd / 2
    for _ in range(3):
        along = _steps(0.5 * box.length + 8 * gsd + 20, step)
        across = _steps(0.5 * box.beam + 4 * gsd + 8, step)
        image = sample_cover(cover, box, along=along, across=across)
        body = np.abs(across) <= max(0.35 * box.beam, gsd / 2)
        length_profile = image[:, body].mean(axis=1)
        low, high = _ends(along, length_profile, inner=max(3 * gsd, 0.12 * box.length), level=0.35)
        middle = (along > low + 0.2 * (high - low)) & (along < high - 0.2 * (high - low))
        if middle.sum() < 3:
            break
        side_profile = image[middle].mean(axis=0)
        left, right = _ends(across, side_profile, inner=0.5 * box.beam + gsd, level=0.5)
        shift_along, shift_across = (low + high) / 2, (left + right) / 2
        bow, starboard = ship_axes(box.heading)
        centre = np.asarray(box.centre) + shift_along * bow + shift_across * starboard
        heading = (box.heading + _axis_error(along[middle], across, image[middle])) % 360.0
        box = Box(
            centre=(float(centre[0]), float(centre[1])),
            heading=heading,
            length=max(high - low, gsd),
            beam=max(right - left, 0.5 * gsd),
        )
    sigma = 0.62 * gsd  # optics, pixel and bilinear sampling together
    return replace(box, beam=max(_unblur(box.beam, sigma) - _SPILL_PX * gsd, 0.5 * gsd))


def _axis_error(along: Array, across: Array, image: Array) -> float:
    """How far the axis is off [deg]: slope of the sections' middles along the body, by robust regression."""
    weight = image.sum(axis=1)
    good = weight > 0.4 * _quantile(weight, 0.5)
    if good.sum() < 5:
        return 0.0
    middle = (image[good] * across).sum(axis=1) / weight[good]
    x = along[good] - along[good].mean()
    for _ in range(2):
        offset = middle - _quantile(middle, 0.5)
        slope = float((x * offset).sum() / max((x * x).sum(), 1e-9))
        residual = np.abs(offset - slope * x)
        keep = residual <= 2.5 * max(_quantile(residual, 0.5) * 1.48, 1e-3)
        if keep.sum() < 5:
            break
        x, middle = x[keep], middle[keep]
    return float(np.clip(np.degrees(np.arctan(slope)), -4, 4))


def hull_polygon(box: Box, *, pointed: float = 0.14) -> Array:
    """(n, 2) ground points of a hull shape: square stern, parallel body, rounded bow at `heading`."""
    bow, starboard = ship_axes(box.heading)
    ring = _hull_shape(pointed) * (box.beam / 2, box.length / 2)
    return np.asarray(np.asarray(box.centre) + ring[:, :1] * starboard + ring[:, 1:] * bow)


@lru_cache(maxsize=8)
def _hull_shape(pointed: float) -> Array:
    """(n, 2) across and along, in half beams and half lengths."""
    taper = np.linspace(0, 1, 7)
    fore = np.c_[1 - taper**2.2, 1 - 2 * pointed * (1 - taper)]
    side = np.concatenate([[(0.82, -1.0), (1.0, -0.9)], fore])
    ring = np.concatenate([side, (side * np.array([-1.0, 1.0]))[::-1][1:]])
    ring.setflags(write=False)
    return ring


def waterline_polygon(box: Box) -> Array:
    """(n, 2) ground points of a hull's waterline; `box` has her length over all, bow and stern overhang it.

    The waterline is 0.965 of the length over all (0.95 to 0.98): 1.02 of that between perpendiculars, which
    is 0.93 to 0.96 (Kristensen & Luetzen 2012); it is rounded at the stern, which rises from it.
    """
    bow, starboard = ship_axes(box.heading)
    taper = np.linspace(0, 1, 9)
    fore = _BEFORE - _BOW_TAPER * (1 - taper)
    aft = -_ABAFT + _STERN_TAPER * (1 - taper)
    side = np.concatenate([np.c_[1 - taper**3.0, aft][::-1], np.c_[1 - taper**2.2, fore]])
    ring = np.concatenate([side, (side * np.array([-1.0, 1.0]))[::-1][1:-1]])
    return np.asarray(
        np.asarray(box.centre) + 0.5 * box.beam * ring[:, :1] * starboard + box.length * ring[:, 1:] * bow
    )
