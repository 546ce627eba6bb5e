"""A hull at pixels not much smaller than her beam: ends by half height, beam with what ships are built like.

A beam of two pixels and a fainter, broader one make nearly the same image. So the beam is the mean of a
posterior: the cross profile of a box blurred by optics and pixel, and the ratio of length to beam of merchant
ships as prior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.detect.outline import Box, Cover, sample_cover
from pipeline.detect.wake import Lifts, band_shift, solid_ends
from pipeline.geometry import ship_axes

Array = npt.NDArray[np.float64]

_BLUR_PX = 0.62
"""Optics, pixel and bilinear sampling together, one standard deviation [pixel]."""
_SLENDER = (6.3, 0.19)
"""Length over beam of merchant ships of 60 m and longer: median, and standard deviation of its logarithm."""
_SPILL_PX = 0.4
"""What resampling, band shift and lit foam add to a beam at coarse pixels: measured against AIS on two thirds
of 48 Sentinel-2 chips, where it was 4 to 5 m at every beam [pixel]."""
_NOISE = 0.06
"""Of a cross profile that is no box: deck gear, houses, shadow, of its height [1]."""
_COUNTED = 4.0
"""Below this pixel a beam is several pixels, which were counted [m]."""
_SHIFTED = 4.0
"""Between blue and red, from which a ship is under way: she goes 1 m/s for each metre, about [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hull:
    """A box with how sure it is."""

    box: Box
    length_sigma: float
    beam_sigma: float
    flags: tuple[str, ...]


def measure_mixed(lifts: Lifts, cover: Cover, box: Box, *, foamy: bool = False) -> Hull:
    """The box without her wake, and her beam.

    Parameters
    ----------
    cover
        Light above the water's of her surroundings, other bodies taken out.
    box
        About all that is bright.
    foamy
        True where there is foam beside her: an end may be foam, and her length is less sure.
    """
    gsd = cover.grid.gsd
    step = gsd / 2
    along = _stations(0.5 * box.length + 4 * gsd, step)
    across = _stations(0.5 * box.beam + 4 * gsd, step)
    body = np.abs(across) <= max(0.4 * box.beam, 0.75 * gsd)
    flags: list[str] = []

    def profile(plane: npt.NDArray[np.float32]) -> Array:
        own = np.where(cover.plane > 0, plane, 0.0).astype(np.float32)
        image = sample_cover(replace(cover, plane=own), box, along=along, across=across)
        return np.asarray(image[:, body].mean(axis=1))

    shift = band_shift(along, profile(lifts.blue), profile(lifts.red), 4 * gsd)
    if abs(shift) >= _SHIFTED:
        flags.append("moving")
    length_sigma = float(np.hypot(0.5 * gsd, 3.0))
    if lifts.solid is not None:
        bright = (-0.5 * box.length, 0.5 * box.length)
        ends = solid_ends(along, profile(lifts.solid), profile(lifts.visible), bright)
        if ends is not None:
            flags.append("wake")
            box = _cut(box, *ends)
            length_sigma = float(np.hypot(1.2 * gsd, 0.1 * box.length))
    if gsd < _COUNTED and "wake" not in flags:
        return Hull(
            box=box,
            length_sigma=length_sigma,
            beam_sigma=float(np.hypot(0.35 * gsd, 0.8)),
            flags=tuple(flags),
        )
    if foamy and "wake" not in flags:
        flags.append("wake")
        length_sigma = float(np.hypot(1.2 * gsd, 0.05 * box.length))
    box, beam_sigma = _fit_beam(cover, box)
    return Hull(box=box, length_sigma=length_sigma, beam_sigma=beam_sigma, flags=tuple(flags))


def _stations(half: float, step: float) -> Array:
    count = int(np.ceil(half / step))
    return np.arange(-count, count + 1, dtype=np.float64) * step


def _cut(box: Box, low: float, high: float) -> Box:
    bow, _ = ship_axes(box.heading)
    centre = np.asarray(box.centre) + 0.5 * (low + high) * bow
    return replace(box, centre=(float(centre[0]), float(centre[1])), length=high - low)


@lru_cache(maxsize=32)
def _cross_profiles(gsd: float, count: int) -> tuple[Array, Array, Array]:
    """(beams (b,), places (p,), (b, p, count) cross profiles of such boxes in so many stations about nil)."""
    from scipy.special import ndtr

    sigma = _BLUR_PX * gsd
    across = np.arange(-(count // 2), count // 2 + 1) * (gsd / 3)
    beams = np.exp(np.linspace(np.log(4.0), np.log(75.0), 60))
    places = np.linspace(-1.0, 1.0, 21) * gsd
    edge = across[None, None, :] - places[None, :, None]
    half = 0.5 * (beams + _SPILL_PX * gsd)[:, None, None]
    return beams, places, ndtr((edge + half) / sigma) - ndtr((edge - half) / sigma)


def _fit_beam(cover: Cover, box: Box) -> tuple[Box, float]:
    """(box with the posterior mean of beam and place across, its standard deviation [m])."""
    gsd = cover.grid.gsd
    along = np.linspace(-0.32, 0.32, 33) * box.length
    across = _stations(max(0.5 * box.beam, 0.1 * box.length) + 2.5 * gsd, gsd / 3)
    profile = sample_cover(cover, box, along=along, across=across).mean(axis=0)
    beams, places, model = _cross_profiles(gsd, len(across))
    shared, own = model @ profile, np.einsum("bpx,bpx->bp", model, model)
    height = shared / np.maximum(own, 1e-9)
    residual = np.maximum(profile @ profile - height * (2.0 * shared - height * own), 0.0) / len(across)
    noise = max(_NOISE * float(profile.max()), 1e-6) ** 2
    independent = len(across) * (gsd / 3) / (1.5 * gsd)
    prior = -0.5 * (np.log(box.length / beams / _SLENDER[0]) / _SLENDER[1]) ** 2
    posterior = -0.5 * independent * residual / noise + prior[:, None]
    weight = np.exp(posterior - posterior.max())
    weight /= weight.sum()
    beam = float((weight.sum(1) * beams).sum())
    spread = float(np.sqrt(max((weight.sum(1) * (beams - beam) ** 2).sum(), 0.25)))
    place = float((weight.sum(0) * places).sum())
    _, starboard = ship_axes(box.heading)
    centre = np.asarray(box.centre) + place * starboard
    return replace(box, centre=(float(centre[0]), float(centre[1])), beam=beam), spread
