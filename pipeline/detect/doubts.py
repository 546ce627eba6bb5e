"""What is wrong with an image itself: said, not mended.

Everything is judged on blocks that are as even and as dark as water, in the image's own axes, so that ships,
towns and surf take no part. Limits: stripes and seams of an image that was turned are not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, Flag
from pipeline.detect.scale import cut_chip
from pipeline.geometry import block_mean

Array = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]

_MOST = 2400
"""Rows and columns looked at, in the middle of the image."""
_BLOCK = 16
"""Pixels along a block's side."""
_EVEN, _NOISE = 0.2, 0.006
"""Standard deviation of brightness in a block of water at most, of its mean, or in reflectance [1]."""
_GREENER = 0.72
"""Green over near infrared of water at least, also where the two ends of the spectrum were swapped [1]."""
_CLIPPED, _STRETCHED = 0.03, 0.005
"""Share of the pixels at a band's largest value, or at both of its ends, that no scene has by itself [1]."""
_SPECK, _SOLID = 3, 0.1
"""What is narrower may be a glint [px]; share of what is cut off that is wider, unless it is glints [1]."""
_LEVELS, _SAMPLES = 256, 100_000
_LOWER, _REDDEST = 0.35, 2.0
"""Another band over the near infrared of water at least, and its red over blue at most [1]."""
_ALIKE = 0.6
"""Correlation of two halves of the image from which what both show is the sensor's [1]."""
_STRIPE, _SEAM = 0.015, 0.05
"""Stripes, and a step between detectors, of the water's brightness [1]."""
_PARTS, _ALONG = 8, 0.8
"""Parts of the image along a seam, and the share of them in which it must be [1]."""
_WEDGE = 0.05
"""Share of the image without data that is worth a word [1]."""
_DRAWN, _BOXY = 400, 0.85
"""Pixels of one colour, and how much of their box they fill, which somebody drew."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """What is judged."""

    chip: Chip
    bright: Plane
    """(row, col) mean of the bands."""
    wet: BoolArray
    """(row, col) of blocks, True on what is like water."""


def find_doubts(chip: Chip) -> tuple[Flag, ...]:
    """What the reader of this image's results must know: a code and a sentence each, in a fixed order.

    Codes: `saturated`, `stretched`, `bands-swapped`, `striped`, `detector-seam`, `nodata-wedge`,
    `drawn-over`.
    """
    if min(chip.valid.shape) < 4 * _BLOCK or not chip.valid.any():
        return ()
    chip = _middle(chip)
    bright = np.asarray(chip.pixels.mean(axis=0), dtype=np.float32)
    look = _Look(chip=chip, bright=bright, wet=_water_blocks(chip, bright))
    tests: tuple[Callable[[_Look], Flag | None], ...] = (
        _saturated, _stretched, _swapped, _striped, _seam, _wedge, _drawn,
    )  # fmt: skip
    return tuple(flag for test in tests if (flag := test(look)) is not None)


def _middle(chip: Chip) -> Chip:
    rows, cols = chip.valid.shape
    if max(rows, cols) <= _MOST:
        return chip
    top, left = max(0, (rows - _MOST) // 2), max(0, (cols - _MOST) // 2)
    return cut_chip(chip, top, left, (min(rows, _MOST), min(cols, _MOST)))


# --------------------------------------------------------------------------------------- brightness


def _saturated(look: _Look) -> Flag | None:
    """Areas at the largest value: a glint that the sensor cut off is a speck, and hides nothing."""
    import cv2

    chip, measured = look.chip, np.count_nonzero(look.chip.valid)
    shares = {}
    for name, plane in zip(chip.bands, chip.pixels, strict=True):
        least, most = _extremes(plane, chip.valid)
        clipped = (plane == most) & chip.valid
        count = np.count_nonzero(clipped)
        if most > least and count >= _CLIPPED * measured:
            speck = np.ones((_SPECK, _SPECK), np.uint8)
            areas = cv2.morphologyEx(clipped.view(np.uint8), cv2.MORPH_OPEN, speck)
            shares[name] = count / measured if np.count_nonzero(areas) > _SOLID * count else 0.0
    worst = max(shares, key=shares.__getitem__, default="")
    if not worst or shares[worst] < _CLIPPED:
        return None
    return Flag(
        code="saturated",
        message=f"{100 * shares[worst]:.0f} % of band {worst} is at its largest value: "
        "what is brighter was cut off",
    )


def _extremes(plane: Plane, valid: BoolArray) -> tuple[np.float32, np.float32]:
    """(least, largest) of the measured pixels."""
    import cv2

    low, high, _, _ = cv2.minMaxLoc(plane, valid.view(np.uint8))
    return np.float32(low), np.float32(high)


def _stretched(look: _Look) -> Flag | None:
    chip, measured = look.chip, np.count_nonzero(look.chip.valid)
    for name, plane in zip(chip.bands, chip.pixels, strict=True):
        ends = min(np.count_nonzero((plane == end) & chip.valid) for end in _extremes(plane, chip.valid))
        if ends < _STRETCHED * measured:
            continue
        if len(np.unique(plane[chip.valid][:: max(1, measured // _SAMPLES)])) <= _LEVELS:
            return Flag(
                code="stretched",
                message=f"band {name} has at most {_LEVELS} levels and is cut at both ends: it was stretched "
                "for the eye, and its brightness is no reflectance",
            )
    return None


def _swapped(look: _Look) -> Flag | None:
    chip, wet = look.chip, look.wet
    if wet.sum() < 8:
        return None
    level = {
        name: float(np.median(block_mean(plane, _BLOCK)[wet]))
        for name, plane in zip(chip.bands, chip.pixels, strict=True)
    }
    infrared = next((level[name] for name in ("nir", "nir08") if name in level), None)
    others = {name: value for name, value in level.items() if name in ("blue", "green", "red")}
    if infrared is not None and others and min(others.values()) < _LOWER * infrared and infrared > 0.01:
        darkest = min(others, key=others.__getitem__)
        said = f"water is darkest in what is called {darkest}, and not in the near infrared"
    elif "red" in others and "blue" in others and others["red"] > _REDDEST * others["blue"]:
        said = "water is more than twice as bright in what is called red as in blue"
    else:
        return None
    return Flag(code="bands-swapped", message=f"{said}: the bands may be in another order")


# ------------------------------------------------------------------------------- detectors, drawing


def _water_blocks(chip: Chip, bright: Plane) -> BoolArray:
    """(row, col) of blocks, True where brightness is as even as water's and not land's colour."""
    mean = block_mean(bright, _BLOCK)
    spread = np.sqrt(np.maximum(block_mean(bright**2, _BLOCK) - mean**2, 0.0))
    even = spread < np.maximum(_EVEN * mean, _NOISE if chip.calibrated else 4 * _NOISE)
    even &= block_mean(chip.valid.astype(np.float32), _BLOCK) > 0.99
    nir, green = chip.band("nir", "nir08"), chip.band("green")
    if nir is not None and green is not None:
        even &= block_mean(green, _BLOCK) > _GREENER * block_mean(nir, _BLOCK)
    swir = chip.band("swir16")
    if swir is not None and green is not None:
        even &= block_mean(swir, _BLOCK) < block_mean(green, _BLOCK)
    return np.asarray(even & (mean > 0))


def _profiles(look: _Look, axis: int, weights: tuple[float, ...]) -> list[Array]:
    """A filter's answer along one axis, median over water in each half of the image, of its brightness [1].

    The filter comes before the median, so that it is always neighbours on water that are compared.
    """
    import cv2

    bright, blocks = (look.bright, look.wet) if axis == 1 else (look.bright.T.copy(), look.wet.T)
    kernel = np.asarray(weights, np.float32)[None]
    wet = np.repeat(blocks, _BLOCK, axis=1)[:, : bright.shape[1]].astype(np.uint8)
    wet = cv2.erode(wet, np.ones(kernel.shape, np.uint8))  # (blocks along, pixels across)
    halves, step = [], max(1, len(bright) // 1200)
    for rows in np.array_split(np.arange(len(bright)), 2):
        enough = wet[rows // _BLOCK].sum(axis=0, dtype=np.int64) >= 6 * _BLOCK
        chosen = rows[::step]
        answer = cv2.filter2D(bright[chosen], -1, kernel)
        inside = wet[chosen // _BLOCK] > 0
        halves.append(np.zeros(len(enough)))
        halves[-1][enough] = _medians(answer[:, enough], inside[:, enough])
    known = (halves[0] != 0) & (halves[1] != 0)
    if known.sum() < 4 * _BLOCK:
        return []
    level = cv2.mean(bright, np.repeat(wet, _BLOCK, axis=0)[: len(bright)])[0]
    return [half * known / level for half in halves]


def _medians(values: Plane, chosen: BoolArray) -> Plane:
    """(col,) median of the chosen of each column; some must be."""
    ordered = np.sort(np.where(chosen, values, np.inf).T, axis=1)
    count, columns = chosen.sum(axis=0), np.arange(len(ordered))
    return np.asarray((ordered[columns, (count - 1) // 2] + ordered[columns, count // 2]) / 2)


def _striped(look: _Look) -> Flag | None:
    for axis, name in ((1, "columns"), (0, "rows")):
        halves = _profiles(look, axis, (-0.5, 1.0, -0.5))
        if not halves:
            continue
        size = float(np.sqrt(max(float(np.mean(halves[0] * halves[1])), 0.0) / 1.5))
        if size > _STRIPE and _alike(*halves) > _ALIKE:
            return Flag(
                code="striped",
                message=f"{name} differ by {100 * size:.0f} % of the water's brightness all along: "
                "stripes of the sensor",
            )
    return None


def _alike(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def _seam(look: _Look) -> Flag | None:
    reach = 2
    for axis, name in ((1, "column"), (0, "row")):
        halves = _profiles(look, axis, (*[-1.0 / reach] * reach, 0.0, *[1.0 / reach] * reach))
        if not halves:
            continue
        both = np.where(halves[0] * halves[1] > 0, np.minimum(np.abs(halves[0]), np.abs(halves[1])), 0.0)
        k = int(both.argmax())
        high = both[k] > max(_SEAM, 5.0 * float(np.quantile(both[both > 0], 0.8)))
        if high and _goes_through(look, axis, k, reach):
            return Flag(
                code="detector-seam",
                message=f"the water steps by {100 * both[k]:.0f} % of its brightness at {name} {k}: "
                "a seam between detectors, which may hide or feign an edge",
            )
    return None


def _goes_through(look: _Look, axis: int, k: int, reach: int) -> bool:
    """True where the water steps the same way all along column or row `k`, and not for a ship's length."""
    bright, blocks = (look.bright, look.wet) if axis == 1 else (look.bright.T, look.wet.T)
    wet = np.repeat(blocks[:, k // _BLOCK], _BLOCK)[: len(bright)]
    step = bright[:, k + 1 : k + 1 + reach].mean(axis=1) - bright[:, k - reach : k].mean(axis=1)
    parts = [
        float(np.median(part[inside]))
        for part, inside in zip(np.array_split(step, _PARTS), np.array_split(wet, _PARTS), strict=True)
        if inside.sum() >= _BLOCK
    ]
    whole = float(np.median(step[wet]))
    return bool(np.mean([part * whole > 0.3 * whole**2 for part in parts]) > _ALONG)


def _wedge(look: _Look) -> Flag | None:
    missing = 1.0 - float(look.chip.valid.mean())
    if missing < _WEDGE:
        return None
    return Flag(
        code="nodata-wedge",
        message=f"{100 * missing:.0f} % of the image holds no data: nothing is known of it",
    )


def _drawn(look: _Look) -> Flag | None:
    import cv2

    flat = look.chip.valid.copy()
    for plane in look.chip.pixels:
        flat[:, 1:] &= plane[:, 1:] == plane[:, :-1]
        flat[1:] &= plane[1:] == plane[:-1]
        if np.count_nonzero(flat) < _DRAWN:
            return None
    _, _, stats, _ = cv2.connectedComponentsWithStats(flat.view(np.uint8), connectivity=4)
    for left, top, width, height, area in stats[1:]:
        if area < _DRAWN or area < _BOXY * width * height:
            continue
        return Flag(
            code="drawn-over",
            message=f"a box of {width} x {height} pixels of one colour at column {left}, row {top}: "
            "a legend or a picture of a screen; what is drawn may pass for what is seen",
        )
    return None
