"""Pixels of the parallel mid-body as a cross-hull profile: heading refined, stations averaged robustly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, Detection
from pipeline.geometry import ground_to_pixel, pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]

HALF_MIDBODY = 0.22
"""Stations used, either way of amidships, in lengths: before the house, abaft the bow's taper [1]."""
LONGER = 0.7
"""By how much freeboard a station may seem higher than the lowest fifth: trim makes half a metre [m]."""
NEAREST = (0.4, 1.9)
"""Share of stations that are near a place, and by how much the standard deviation exceeds their distance."""
CHOICE = 0.5
"""How far, of what the bright stations are above the median one, their mean may be off: which of them
are free of what lengthens a shadow is not known [1]."""
BORROWED = 4.0
"""Degrees of freedom that the scatter between stations in neighbouring bins is worth [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strip:
    """Pixels near the mid-body in the ship's frame."""

    ahead: Array
    """(point,) from amidships towards the heading [m]."""
    across: Array
    """(point,) to starboard of the detection's centre [m]."""
    values: Array
    """(channel, point)"""
    usable: BoolArray
    """(point,) valid and not blocked."""
    heading: float
    """That the frame has [deg]."""
    centre: tuple[float, float]
    """(east, north) of the frame's origin [m]."""
    half_length: float
    """Of the mid-body used [m]."""
    gsd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CastShadow:
    """The shadow that she casts on the water."""

    side: int
    """It falls on: +1 starboard, -1 port, 0 for none."""
    slope: float
    """Its width in the image per metre of height [1]."""
    blocks: tuple[float, float]
    """From where to where the accommodation block's own shadow lies beside her, bow positive [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossProfile:
    """Mean light across the hull."""

    u: Array
    """(bin,) mean cross-hull coordinate of the pixels in each bin [m]."""
    value: Array
    """(channel, bin)"""
    error: Array
    """(channel, bin) standard error from the scatter between stations."""
    share: Array
    """(bin,) share of the pixels in a bin that were usable, 0..1."""
    width: float
    """Of a bin [m]."""
    foreign: BoolArray
    """(bin,) True where some band of the image is too bright for the sea."""


def cut_strip(
    chip: Chip, detection: Detection, blocked: BoolArray | None, *, reach: float, heading: float
) -> Strip:
    """The pixels within `reach` of the centreline along the mid-body.

    Parameters
    ----------
    blocked
        (row, col), True where the water cannot be seen.
    reach
        On either side of the detection's centre [m].
    heading
        Of the frame [deg].
    """
    half = HALF_MIDBODY * detection.length
    found = pixels_about(chip, blocked, (heading, detection.centre), (half + 3.0, reach))
    return replace(found, half_length=half)


def pixels_about(
    chip: Chip,
    blocked: BoolArray | None,
    frame: tuple[float, tuple[float, float]],
    half: tuple[float, float],
) -> Strip:
    """The pixels in a box about a place.

    Parameters
    ----------
    frame
        (heading [deg], (east, north) of its origin [m]).
    half
        Length and breadth of half the box [m].
    """
    heading, origin = frame
    bow, starboard = ship_axes(heading)
    centre = np.asarray(origin)
    corners = [centre + a * half[0] * bow + b * half[1] * starboard for a in (-1, 1) for b in (-1, 1)]
    colrow = ground_to_pixel(chip.grid, np.array(corners))
    low = np.maximum(np.floor(colrow.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(colrow.max(axis=0)).astype(int) + 1, (chip.grid.shape[1], chip.grid.shape[0]))
    rows, cols = slice(low[1], max(high[1], low[1])), slice(low[0], max(high[0], low[0]))
    row, col = np.mgrid[rows, cols]
    ground = pixel_to_ground(chip.grid, np.stack([col + 0.5, row + 0.5], axis=-1)) - centre
    ahead, across = ground @ bow, ground @ starboard
    inside = (np.abs(ahead) <= half[0]) & (np.abs(across) <= half[1])
    good = chip.valid[rows, cols]
    if blocked is not None:
        good = good & ~blocked[rows, cols]
    return Strip(
        ahead=ahead[inside],
        across=across[inside],
        values=chip.pixels[:, rows, cols][:, inside].astype(np.float64),
        usable=good[inside],
        heading=heading,
        centre=(float(centre[0]), float(centre[1])),
        half_length=half[0],
        gsd=chip.grid.gsd,
    )


def turn_strip(strip: Strip, turn: float) -> Strip:
    """The same pixels in a frame turned clockwise by `turn` degrees about its origin."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return replace(
        strip,
        ahead=c * strip.ahead + s * strip.across,
        across=c * strip.across - s * strip.ahead,
        heading=(strip.heading + turn) % 360.0,
    )


def mix_strip(strip: Strip, mix: Array) -> Strip:
    """The strip with its bands combined into channels by `mix` (channel, band), and the bands after them."""
    return replace(strip, values=np.concatenate([mix @ strip.values, strip.values]))


def refine_heading(strip: Strip, *, within: float, beam: float) -> float:
    """The turn [deg] that makes the edges along the hull sharpest, at most `within` either way.

    Sharpness is the sum of squared steps between neighbouring bins of the mean profile near the hull,
    summed over bands that are scaled to equal spread.
    """
    keep = strip.usable & (np.abs(strip.across) < beam) & (np.abs(strip.ahead) < strip.half_length + 2)
    if keep.sum() < 50:
        return 0.0
    ahead, across = strip.ahead[keep], strip.across[keep]
    values = np.clip(strip.values[:, keep], 0, np.quantile(strip.values[:, keep], 0.97, axis=1)[:, None])
    scale = values.std(axis=1)
    values = values[scale > 0] / scale[scale > 0, None]
    width = 0.5 * strip.gsd
    step = max(0.1, min(0.5, np.degrees(0.5 * strip.gsd / strip.half_length)))
    turns = np.arange(-within, within + step / 2, step)
    score = np.array([_sharpness(ahead, across, values, (t, width)) for t in turns])
    k = int(np.argmax(score))
    if 0 < k < len(turns) - 1:
        a, b, c = score[k - 1 : k + 2]
        bend = a - 2 * b + c
        shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
        return float(turns[k] + step * np.clip(shift, -0.5, 0.5))
    return float(turns[k])


def _sharpness(ahead: Array, across: Array, values: Array, setting: tuple[float, float]) -> float:
    turn, width = setting
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    position = (c * across - s * ahead) / width
    base = np.floor(position.min())
    index = np.floor(position - base).astype(np.intp)
    count = np.bincount(index).astype(np.float64)
    # a triangular kernel of three bins hides the comb of a grid that lies along the hull
    soft = np.convolve(count, (0.5, 1.0, 0.5), mode="same")
    total = 0.0
    for band in values:
        mean = np.convolve(np.bincount(index, weights=band), (0.5, 1.0, 0.5), mode="same") / np.maximum(
            soft, 1e-9
        )
        steps = mean[2:] - mean[:-2]
        weight = np.minimum(soft[2:], soft[:-2])
        total += float((steps**2 * weight).sum() / weight.sum())
    return total


def average_stations(
    strip: Strip, water: Array, *, width: float, beside: tuple[float, float], shadow: CastShadow
) -> CrossProfile:
    """The profile: every station is averaged by bin, then stations by a biweight mean in each bin.

    A station with a manifold, a crane or a hose falls out in the bins that it disturbs, and one with a tug
    beside it on all of that side. The standard error comes from the scatter between stations, so texture
    that is long along the hull counts.

    Parameters
    ----------
    water
        (channel, 2) median and spread of open water; of `strip` these channels come first, and what comes
        after them is only looked at: the middle station's, without an error.
    width
        Of a bin [m].
    beside
        From where to where, outwards from the centreline, there should be water [m].
    shadow
        Awnings, bulwarks, cranes and the block lengthen a shadow and nothing shortens it, so stations where
        it is longer than elsewhere do not count, and of what is left the bright ones do.
    """
    inside = np.abs(strip.ahead) <= strip.half_length
    across, ahead = strip.across[inside], strip.ahead[inside]
    usable, values = strip.usable[inside], strip.values[:, inside]
    stations = int(np.clip(2 * strip.half_length / (3 * strip.gsd), 4, 12))
    station = np.clip(((ahead / strip.half_length + 1) / 2 * stations).astype(np.intp), 0, stations - 1)
    bins = np.floor((across - across.min()) / width).astype(np.intp)
    n = int(bins.max()) + 1
    cell = station * n + bins
    every = np.bincount(bins, minlength=n).astype(np.float64)
    count = np.bincount(cell[usable], minlength=stations * n).reshape(stations, n).astype(np.float64)
    mean_u = np.bincount(bins[usable], weights=across[usable], minlength=n) / np.maximum(count.sum(0), 1)
    cells = np.stack(
        [np.bincount(cell[usable], weights=band[usable], minlength=stations * n) for band in values]
    ).reshape(len(values), stations, n) / np.maximum(count, 1)
    share = count.sum(axis=0) / np.maximum(every, 1)
    fitted = cells[: len(water)]
    for side in (1, -1):
        count[np.ix_(_beset(fitted, count, side * mean_u, (water, beside)), side * mean_u > 0)] = 0
    away = shadow.side
    middles = ((np.arange(stations) + 0.5) / stations * 2 - 1) * strip.half_length
    taller = (middles > shadow.blocks[0]) & (middles < shadow.blocks[1])
    count[np.ix_(taller, away * mean_u > 0)] = 0
    zone = (away * mean_u > beside[0] - 2.5) & (away * mean_u < beside[1] + 10.0)
    if away and zone.any():
        shade = np.clip(water[0, 0] - cells[0][:, zone], 0.0, None)
        shade *= width / max(float(np.quantile(shade, 0.95)), 1e-6)
        longer = _lengthened(shade, count[:, zone] > 0, max(LONGER * shadow.slope, 1.2 * strip.gsd))
        count[np.ix_(longer, away * mean_u > 0)] = 0
    shaded = away * mean_u > beside[0] - 3.0
    means = [_robust_mean(band, count, shaded) for band in fitted]
    value, error = np.stack([m[0] for m in means]), np.stack([m[1] for m in means])
    value = np.concatenate([value, _middle_station(cells[len(water) :], count)])
    good = (count > 0).sum(axis=0) >= max(2, stations // 4)
    return CrossProfile(
        u=mean_u[good],
        value=value[:, good],
        error=error[:, good],
        share=share[good],
        width=width,
        foreign=np.zeros(int(good.sum()), dtype=np.bool_),
    )


def brighter_than_water(values: Array, level: Array, scatter: Array) -> BoolArray:
    """True where any channel (axis 0) is too bright for waves: (channel,) level and scatter of such means."""
    limit = level + np.maximum(0.3 * level, 3.0 * scatter)
    return np.asarray((values > limit.reshape(-1, *([1] * (values.ndim - 1)))).any(axis=0))


def _lengthened(shade: Array, present: BoolArray, most: float) -> BoolArray:
    """(station,) True where her shadow is longer by more than `most` [m] than at her shortest fifth.

    Parameters
    ----------
    shade
        (station, bin) width of each bin times the share of the sun's light that is missing [m].
    """
    seen = present.mean(axis=1) > 0.8
    length = np.where(present, shade, 0.0).sum(axis=1)
    if not seen.any():
        return np.zeros(len(seen), dtype=np.bool_)
    longer = seen & (length > np.quantile(length[seen], 0.2) + most)
    # what is left must still be a mean
    return np.asarray(longer if (seen & ~longer).sum() >= max(3, len(seen) // 3) else np.zeros_like(longer))


def _beset(cells: Array, count: Array, v: Array, known: tuple[Array, tuple[float, float]]) -> BoolArray:
    """(station,) True where something lies on the water beside her; nowhere where it lies all along."""
    water, (start, stop) = known
    zone = (v > start) & (v < stop)
    bright = brighter_than_water(cells[:, :, zone], water[:, 0], water[:, 1]) & (count[:, zone] > 0)
    beset = bright.sum(axis=1) > 0.12 * max(int(zone.sum()), 1)
    return np.asarray(beset if beset.mean() <= 0.6 else np.zeros_like(beset))


def _middle_station(cells: Array, count: Array) -> Array:
    """(band, bin) median over the stations (axis 1) that are seen; of an even number the lower one."""
    ordered = np.sort(np.where(count > 0, cells, np.inf), axis=1)
    middle = np.maximum((count > 0).sum(axis=0) - 1, 0) // 2
    return np.asarray(ordered[:, middle, np.arange(cells.shape[2])])


def _robust_mean(cells: Array, count: Array, shaded: BoolArray) -> tuple[Array, Array]:
    """Biweight mean over stations (axis 0) and its standard error, empty cells left out.

    Where `shaded`, the mean is looked for from the upper third, with the spread of the nearest two fifths.
    """
    present = count > 0
    held = np.where(present, cells, np.nan)
    with np.errstate(all="ignore"):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            middle = np.nanmedian(held, axis=0)
            spread = 1.4826 * np.nanmedian(np.abs(held - middle), axis=0)
            choice = np.zeros_like(middle)
            if shaded.any():
                upper = np.nanquantile(held[:, shaded], 0.67, axis=0)
                choice[shaded] = CHOICE * np.nan_to_num(upper - middle[shaded])
                close = NEAREST[1] * np.nanquantile(np.abs(held[:, shaded] - upper), NEAREST[0], axis=0)
                middle[shaded], spread[shaded] = upper, np.minimum(close, spread[shaded])
    middle, spread = np.nan_to_num(middle), np.nan_to_num(spread)
    # a bin whose stations agree by chance borrows the spread of its neighbours
    smooth = np.convolve(np.pad(spread, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    spread = np.maximum(spread, 0.5 * smooth) + 1e-6
    for _ in range(3):
        z = np.where(present, (cells - middle) / (4.0 * spread), 2.0)
        weight = np.where(np.abs(z) < 1, (1 - z**2) ** 2, 0.0) * np.minimum(count, np.median(count[present]))
        total = weight.sum(axis=0)
        # between two bunches of stations none may be near: there the last mean stays
        middle = np.where(total > 0.0, (weight * cells).sum(axis=0) / np.maximum(total, 1e-12), middle)
    variance = (weight * (cells - middle) ** 2).sum(axis=0) / np.maximum(total, 1e-12)
    effective = total**2 / np.maximum((weight**2).sum(axis=0), 1e-12)
    freedom = np.maximum(effective - 1, 1.0)
    # a dozen stations know their scatter to a quarter: what the bins about say counts as `BORROWED` more
    about = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(variance, 3, mode="edge"), 7), axis=-1)
    variance = (BORROWED * about + freedom * variance) / (BORROWED + freedom)
    error = np.sqrt(np.maximum(variance, (0.5 * smooth) ** 2) / freedom)
    return middle, np.hypot(error, choice) + 1e-6
