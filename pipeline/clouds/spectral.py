"""Cloud by colour, size and softness, with three or more bands at any pixel.

A cloud lifts every band above the dark sea by about the same amount, over tens to hundreds of metres, with
edges as wide as houses. Roofs, decks, quays and sand lift the red and the infrared more than the blue, or
are narrow, or end within a pixel. Salt and snow are dark in the short-wave infrared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.clouds.cells import Cells, Plane, brightness
from pipeline.datatypes import BoolArray

THIN = 0.05
"""Least lift above the sea of thin cloud [1]."""
THICK = 0.2
"""Lift of cloud that hides the ground, over land and sea [1]."""
DARK_SEA = 0.12
"""Infrared (red without it) above which nothing in a chip is taken for open water [1]."""
NO_SEA = 0.05
"""Level of the sea where none is seen [1]."""
NARROW = 50.0
"""What is nowhere as wide as this may be a ship or a jetty, and is never cloud here [m]."""
WIDE = 120.0
"""White to this distance from its own edge, nothing but cloud is [m]."""
HALO = 40.0
"""How far the thin rim of a cloud is followed [m]."""
MARGIN = 10.0
"""Grown around what is cloud [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lift:
    """How far cells stand above the sea."""

    least: Plane
    """(row, col): in the band that is lifted least [1]."""
    white: BoolArray
    """(row, col), True where all bands are lifted alike."""
    sea: BoolArray
    """(row, col), True on open water."""
    level: dict[str, float]
    """Of the sea, by band [1]."""


def _disc(size: int) -> npt.NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)


def dilate(chosen: BoolArray, cells: int) -> BoolArray:
    """Grown by a radius in cells."""
    import cv2

    if cells < 1:
        return chosen
    return np.asarray(cv2.dilate(chosen.astype(np.uint8), _disc(2 * cells + 1)), dtype=np.bool_)


def opened(chosen: BoolArray, cells: int) -> BoolArray:
    """Without what is narrower than `cells`; the rim of the chip does not narrow anything."""
    import cv2

    if cells <= 1:
        return chosen
    pad = cells
    wide = cv2.copyMakeBorder(chosen.astype(np.uint8), pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    done = cv2.morphologyEx(wide, cv2.MORPH_OPEN, _disc(cells))
    return np.asarray(done[pad:-pad, pad:-pad], dtype=np.bool_)


def measure_lift(cells: Cells) -> Lift:
    """Lift above the sea and whether it is white, on planes smoothed over three cells."""
    import cv2

    side = max(1, cells.pixels(30.0) | 1)
    smooth = {
        name: np.asarray(cv2.blur(plane, (side, side)), dtype=np.float32)
        for name, plane in cells.planes.items()
    }
    measured = cells.measured
    dark = smooth.get("nir", smooth.get("nir08", smooth.get("red", brightness(smooth))))
    low = float(np.percentile(dark[measured], 2)) if measured.any() else 0.0
    seen = low < DARK_SEA
    sea = measured & (dark < min(max(1.6 * low, low + 0.02), DARK_SEA)) if seen else np.zeros_like(measured)
    level = {name: float(np.median(plane[sea])) if sea.any() else NO_SEA for name, plane in smooth.items()}
    lifted = {name: smooth[name] - level[name] for name in smooth}
    visible = [lifted[n] for n in ("blue", "green", "red") if n in lifted] or list(lifted.values())
    least = np.minimum.reduce(visible)
    white = measured & (np.maximum.reduce(visible) - least <= 0.35 * np.mean(visible, axis=0))
    mean = np.mean(visible, axis=0)
    if "blue" in lifted and "red" in lifted:
        white &= lifted["blue"] >= 0.93 * lifted["red"]
    nir = lifted.get("nir", lifted.get("nir08"))
    if nir is not None:
        white &= (nir >= 0.65 * mean) & (nir <= 1.3 * mean)
        least = np.minimum(least, nir)
    swir = lifted.get("swir16", lifted.get("swir22"))
    if swir is not None:
        white &= (swir >= 0.4 * mean) & (swir <= 1.35 * mean)
    return Lift(least=np.asarray(least, np.float32), white=np.asarray(white), sea=sea, level=level)


def find_cloud(cells: Cells, lift: Lift) -> BoolArray:
    """(row, col) on cells, True where there is cloud.

    Limits: cloud narrower than 50 m, thin cloud over land and haze that covers a whole chip evenly below the
    lift of thin cloud are not seen.
    """
    thin = lift.white & (lift.least > THIN)
    found = np.zeros_like(thin)
    for level in (THIN, THICK):  # a bright cloud inside a field of thin patches is judged on its own too
        patches = opened(lift.white & (lift.least > level), cells.pixels(NARROW))
        found |= _cloudlike(patches, lift, cells)
    rim = thin & dilate(found, cells.pixels(HALO))
    rim = _connected(rim | found, found)
    return np.asarray(dilate(rim, cells.pixels(MARGIN)) & (cells.share > 0)) if rim.any() else rim


def _cloudlike(patches: BoolArray, lift: Lift, cells: Cells) -> BoolArray:
    """The patches that are wide, or soft and either thick or over the sea."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(patches.astype(np.uint8))
    if count == 1:
        return patches
    within = cv2.distanceTransform(np.pad(patches, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 5)[
        1:-1, 1:-1
    ]
    kept = np.zeros(count, dtype=np.bool_)
    reach = cells.pixels(30.0) + 1
    for i in range(1, count):
        left, top, width, height = (int(v) for v in stats[i, :4])
        window = (
            slice(max(top - reach, 0), top + height + reach),
            slice(max(left - reach, 0), left + width + reach),
        )
        patch = labels[window] == i
        wide = patches.all() or float(within[window][patch].max()) * cells.size >= WIDE
        kept[i] = wide or _soft_patch(patch, window, lift, cells)
    return np.asarray(kept[labels])


def _soft_patch(patch: BoolArray, window: tuple[slice, slice], lift: Lift, cells: Cells) -> bool:
    """True where a patch ends softly, and is thick or lies in the sea.

    The steepest changes along its edge are compared with its height: a wall or a rail falls within one
    step, the rim of a cloud does not.
    """
    import cv2

    inner = cv2.erode(patch.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    edge = dilate(patch, 2) & ~inner
    top = float(lift.least[window][patch].max())
    if not edge.any():
        return top > THICK
    steep = float(np.percentile(cells.step[window][edge], 75)) / top
    if steep > (0.7 if cells.span < 12.0 else 0.45):
        return False
    around = dilate(patch, cells.pixels(30.0)) & ~patch
    return top > THICK or bool(np.mean((lift.sea | lift.white)[window][around]) > 0.5)


def _connected(chosen: BoolArray, seeds: BoolArray) -> BoolArray:
    """The connected parts of `chosen` that hold a seed."""
    import cv2

    count, labels = cv2.connectedComponents(chosen.astype(np.uint8))
    kept = np.zeros(count, dtype=np.bool_)
    kept[np.unique(labels[seeds])] = True
    kept[0] = False
    return np.asarray(kept[labels])
