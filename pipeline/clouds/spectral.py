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
from pipeline.datatypes import BoolArray, ViewGeometry

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
BROAD = 35.0
"""At sea, what is pale to this distance from its edge is cloud, sharp or not: no ship is so wide [m]."""
FINE_SPAN = 6.0
"""Waves are seen where edges are judged over no more than this [m]."""
GLITTER_TILT = 18.0
"""Most tilt of a facet that glitters [deg]."""
_EVEN_OUT, _OVER = 1.8, 30.0
"""Glitter evens out over so many metres: means of it differ by less than this many times what its waves do
within a few metres [1]. Clear painted seas gave 0.5 to 1.2, seas under cloud 2.8 to 8.8."""
_WAVES, _BLACK = 0.37, 0.6
"""Change of brightness by waves over the lift, or the darkest cell over the median, that no even veil leaves:
it hides the waves and brightens what is dark [1]."""
_FRINGE = 0.02
"""Lift of what may be the fringe of a cloud [1]."""
AMID = 0.6
"""A patch lies in the sea where more than this share of its surroundings is sea [1]."""
RIM = 0.08
"""Least lift of the rim of a cloud that was found [1]."""
HALO = 100.0
"""How far the thin rim of a cloud is followed [m]."""
MARGIN = 2
"""Thick cloud is grown by this, and by one cell at least [px]."""
PARALLAX = 3
"""Bands see a cloud apart by as much; colour is taken over as much, and over one cell at least [px]."""
COLOURS = ("blue", "green", "red", "nir", "nir08", "swir16", "swir22")
"""Bands that are asked; where none is there, all are."""
WHITENESS = np.float32(0.35)
"""Largest spread of the visible lifts over their mean."""
STRIP = 16
"""[rows]"""
MOST_SAMPLES = 20_000
"""Of the cells that a level is taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lift:
    """How far cells stand above the sea."""

    least: Plane
    """(row, col): in the band that is lifted least [1]."""
    white: BoolArray
    """(row, col), True where all bands are lifted alike."""
    pale: BoolArray
    """(row, col), True where all bands are lifted nearly alike: thin cloud after a correction for haze, and
    many a roof and quay."""
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
    left, top, width, height = cv2.boundingRect(chosen.view(np.uint8))
    grown = np.zeros_like(chosen)
    if width:
        reach = np.s_[max(top - cells, 0) : top + height + cells, max(left - cells, 0) : left + width + cells]
        grown[reach] = cv2.dilate(chosen[reach].view(np.uint8), _disc(2 * cells + 1))
    return grown


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
    """Lift above the sea and its colour, on planes smoothed over the bands' parallax."""
    import cv2

    names = [name for name in COLOURS if name in cells.planes] or list(cells.planes)
    side = cells.pixels(max(cells.size, PARALLAX * cells.gsd)) | 1
    smooth = {n: np.asarray(cv2.blur(cells.planes[n], (side, side)), dtype=np.float32) for n in names}
    measured = cells.measured
    infrared = next((n for n in ("nir", "nir08", "red") if n in smooth), None)
    dark = brightness(smooth) if infrared is None else smooth[infrared]
    sea = _find_sea(dark, measured)
    sample = np.flatnonzero(sea)
    sample = sample[:: sample.size // MOST_SAMPLES + 1]
    level = {n: float(np.median(p.reshape(-1)[sample])) if sample.size else NO_SEA for n, p in smooth.items()}
    least, white, pale = np.empty_like(dark), np.empty_like(sea), np.empty_like(sea)
    for top in range(0, dark.shape[0], STRIP):  # in strips that stay in the cache
        rows = slice(top, top + STRIP)
        lifted = {n: plane[rows] - np.float32(level[n]) for n, plane in smooth.items()}
        least[rows], white[rows], pale[rows] = _judge_colour(lifted)
    return Lift(least=least, white=white & measured, pale=pale & measured, sea=sea, level=level)


def _judge_colour(lifted: dict[str, Plane]) -> tuple[Plane, BoolArray, BoolArray]:
    """(lift of the least lifted visible band, white, pale), each (row, col)."""
    visible = [lifted[n] for n in ("blue", "green", "red") if n in lifted] or list(lifted.values())
    least, most, mean = visible[0], visible[0], visible[0]
    for plane in visible[1:]:
        least, most, mean = np.minimum(least, plane), np.maximum(most, plane), mean + plane
    mean = mean / np.float32(len(visible))
    pale = most - least <= WHITENESS * mean
    white = pale.copy()
    if "blue" in lifted and "red" in lifted:
        white &= lifted["blue"] >= np.float32(0.93) * lifted["red"]
        pale &= lifted["blue"] >= np.float32(0.75) * lifted["red"]
    nir = lifted.get("nir", lifted.get("nir08"))
    if nir is not None:
        alike = (nir >= np.float32(0.65) * mean) & (nir <= np.float32(1.3) * mean)
        white &= alike
        pale &= alike
    swir = lifted.get("swir16", lifted.get("swir22"))
    if swir is not None:
        dry = swir >= np.float32(0.4) * mean
        white &= dry & (swir <= np.float32(1.35) * mean)
        pale &= dry & (swir <= np.float32(2.0) * mean)
    return least, white, pale


def _find_sea(dark: Plane, measured: BoolArray) -> BoolArray:
    """(row, col), True on open water: the darkest cells of the infrared, if they are dark enough."""
    sample = dark[measured]
    low = float(np.percentile(sample[:: sample.size // MOST_SAMPLES + 1], 2)) if sample.size else 1.0
    if low >= DARK_SEA:
        return np.zeros_like(measured)
    return np.asarray(measured & (dark < min(max(1.6 * low, low + 0.02), DARK_SEA)))


def may_glitter(view: ViewGeometry | None) -> bool:
    """True where facets of the sea need tilt but little to throw the sun at the satellite."""
    if view is None:
        return False
    sun, off = np.radians(90.0 - view.sun_elevation), np.radians(view.incidence_angle)
    turn = np.radians(view.azimuth - view.sun_azimuth)
    between = np.cos(sun) * np.cos(off) + np.sin(sun) * np.sin(off) * np.cos(turn)
    tilt = np.degrees(np.arccos((np.cos(sun) + np.cos(off)) / np.sqrt(2 + 2 * between)))
    return bool(tilt < GLITTER_TILT)


def find_cloud(cells: Cells, lift: Lift, *, glittering: bool = False) -> BoolArray:
    """(row, col) on cells, True where there is cloud.

    `glittering`: the sun may glitter on the sea, so that patches full of waves are none.

    Limits: cloud narrower than 50 m, thin cloud over land and haze that covers a whole chip evenly below the
    lift of thin cloud are not seen.
    """
    found = np.zeros_like(lift.white)
    if glittering and _is_glitter(cells, lift):
        return found
    width = cells.pixels(NARROW + max(0.0, PARALLAX * cells.gsd - cells.size))  # smoothing widens
    for level in (THIN, THICK):  # a bright cloud inside a field of thin patches is judged on its own too
        found |= _cloudlike(opened(lift.white & (lift.least > level), width), lift, cells, at_sea=False)
        found |= _cloudlike(opened(lift.pale & (lift.least > level), width), lift, cells, at_sea=True)
    if not found.any():
        return found
    rim = lift.pale & (lift.least > RIM) & dilate(found, cells.pixels(HALO))
    apart = rim & ~found & (lift.least > THICK)  # a narrow end of the cloud, or a ship beside it
    ships = apart & ~_cloudlike(apart, lift, cells, at_sea=False)
    grown = cells.pixels(max(cells.size, MARGIN * cells.gsd))
    rim &= ~dilate(ships, grown)
    thick = dilate(found & (lift.least > THICK), grown) & (cells.share > 0)
    return _connected(rim | found, found) | thick


def _cloudlike(patches: BoolArray, lift: Lift, cells: Cells, *, at_sea: bool) -> BoolArray:
    """The patches that are wide, or soft and either thick or over the sea; with `at_sea` only those there."""
    import cv2

    if not patches.any():
        return patches
    col, row, cols, rows = cv2.boundingRect(patches.astype(np.uint8))
    row, col, bottom, right = max(row - 1, 0), max(col - 1, 0), row + rows + 1, col + cols + 1
    part = patches[row:bottom, col:right].astype(np.uint8)  # labelling is most of the work
    count, labels, stats, _ = cv2.connectedComponentsWithStats(part)
    part = np.pad(part, 1, mode="edge")
    found = np.zeros_like(patches)
    reach, full = cells.pixels(30.0) + 1, bool(patches.all())
    for i in range(1, count):
        left, top, width, height = (int(v) for v in stats[i, :4])
        own = (slice(top, top + height), slice(left, left + width))
        patch = labels[own] == i
        about = part[top : top + height + 2, left : left + width + 2]  # no deeper than its own box
        depth = cv2.distanceTransform(about, cv2.DIST_L2, 5)[1:-1, 1:-1]
        deepest = float(depth[patch].max()) * cells.size
        window = (
            slice(max(row + top - reach, 0), row + top + height + reach),
            slice(max(col + left - reach, 0), col + left + width + reach),
        )
        framed = np.zeros(lift.least[window].shape, dtype=np.bool_)
        corner = (row + top - window[0].start, col + left - window[1].start)
        framed[corner[0] : corner[0] + height, corner[1] : corner[1] + width] = patch
        if at_sea:
            soft = deepest >= BROAD or _soft_patch(framed, window, lift, cells)
            kept = soft and _amid_sea(framed, window, lift, cells)
        else:
            kept = full or deepest >= WIDE or _soft_patch(framed, window, lift, cells)
        if kept:
            found[window] |= framed
    return found


def _is_glitter(cells: Cells, lift: Lift) -> bool:
    """True where fine pixels show that what is pale is the sun's glitter on waves, and no cloud."""
    import cv2

    pale, about = lift.pale & (lift.least > THIN), lift.pale | lift.sea
    if cells.span > FINE_SPAN or not pale.any():
        return False
    bright, side = brightness(cells.planes), cells.pixels(_OVER)
    low, high = np.quantile(cv2.blur(bright, (side, side))[about], (0.1, 0.9))
    if high - low > _EVEN_OUT * np.median(cells.step[about]):
        return False
    waves = float(np.median(cells.step[pale]) / np.median(lift.least[pale]))
    darkest = float(bright[cells.measured].min() / np.median(bright[pale]))
    return waves > _WAVES or darkest < _BLACK


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
    return top > THICK or _amid_sea(patch, window, lift, cells)


def _amid_sea(patch: BoolArray, window: tuple[slice, slice], lift: Lift, cells: Cells) -> bool:
    """True where most of what lies around a patch is open water; thinner cloud around it says nothing."""
    around = (
        dilate(patch, cells.pixels(30.0)) & ~patch & ~(lift.pale[window] & (lift.least[window] > _FRINGE))
    )
    return bool(np.mean(lift.sea[window][around]) > AMID) if around.any() else False


def _connected(chosen: BoolArray, seeds: BoolArray) -> BoolArray:
    """The connected parts of `chosen` that hold a seed."""
    import cv2

    count, labels = cv2.connectedComponents(chosen.astype(np.uint8))
    kept = np.zeros(count, dtype=np.bool_)
    kept[np.unique(labels[seeds])] = True
    kept[0] = False
    return np.asarray(kept[labels])
