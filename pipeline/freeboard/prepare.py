"""From an image to what is fitted: the strip, its profile, and a window for each side of the hull."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip, Detection, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard.block import block_reach
from pipeline.freeboard.deep import COARSE, Beside, deep_shadow
from pipeline.freeboard.gear import shade_odds
from pipeline.freeboard.model import SideShifts, side_shifts
from pipeline.freeboard.scan import Scan, Window, best_of, rescan_side, scan_side, with_seen_levels
from pipeline.freeboard.strip import (
    CastShadow,
    CrossProfile,
    Strip,
    average_stations,
    cut_strip,
    mix_strip,
    refine_heading,
    turn_strip,
)
from pipeline.freeboard.windows import (
    Channel,
    choose_channels,
    make_window,
    relevel,
    stands_out,
    water_levels,
    with_waves,
)
from pipeline.geometry import shift_per_metre

Array = npt.NDArray[np.float64]

STEP = 0.05
"""Of freeboard, between the points of a curve [m]."""
TOP = 14.0
"""Largest freeboard looked at [m]: a product tanker of 183 m stands 12 m out of the water in ballast."""
FOREIGN = (0.5, 0.25, 4.0)
"""By how much a band must be brighter than the sea for something else to lie there: in its own light, in the
mean of all bands' and in its waves; beside a bright deck colours run over, and what runs over is less [1]."""
GRID: Array = STEP * np.arange(round(TOP / STEP) + 1, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Everything that does not depend on the satellite's azimuth."""

    chip: Chip
    strip: Strip
    profile: CrossProfile
    water: Array
    channels: tuple[Channel, ...]
    top: float
    detection: Detection


class Look(NamedTuple):
    """One side under one geometry; without a window where no water lies beside her."""

    shifts: SideShifts
    window: Window | None
    scan: Scan | None


def prepare(
    chip: Chip, detection: Detection, view: ViewGeometry, *, blocked: BoolArray | None
) -> Prepared | Refused:
    """The strip about the mid-body, its mean profile and the water beside it, or why there is none.

    Parameters
    ----------
    blocked
        (row, col), True where the water cannot be seen.
    """
    top = float(min(TOP, 0.45 * detection.beam + 1.0))
    reach = 0.6 * detection.beam + 2.2 * top + 14.0
    strip = cut_strip(chip, detection, blocked, reach=reach, heading=detection.heading)
    inside = np.abs(strip.across) < detection.beam / 2
    wanted = 2 * strip.half_length * detection.beam / strip.gsd**2
    if inside.sum() < 0.6 * wanted:
        return Refused(code="outside-image", message="less than 60 % of the mid-body lies inside the image")
    if strip.usable[inside].mean() < 0.6:
        return Refused(code="clouded", message="less than 60 % of the mid-body can be seen")
    channels = choose_channels(
        chip.bands,
        strip.values[:, inside],
        strip.across[inside] / (0.5 * detection.beam),
        coarse=strip.gsd > COARSE,
    )
    turn = refine_heading(strip, within=max(2.0, 2.5 * detection.heading_sigma), beam=detection.beam)
    strip = mix_strip(turn_strip(strip, turn), np.array([c.mix for c in channels]))
    water = water_levels(strip, 0.6 * detection.beam + 0.6 * top + 4.0, len(channels))
    if water is None:
        return Refused(code="shadow-not-on-water", message="no open water beside the ship to compare with")
    spread = 1.2 + 0.07 * detection.beam + 0.5 * strip.gsd
    beside = (0.5 * detection.beam + 1.6 * spread, 0.5 * detection.beam + 1.6 * spread + 10.0)
    shadow = _cast_shadow(view, detection, strip.heading)
    width = max(0.6 * strip.gsd, 0.24)
    profile = average_stations(strip, water[: len(channels)], width=width, beside=beside, shadow=shadow)
    water = with_waves(water, profile, beside[0] + 0.4 * top)
    profile, water = _of_channels(profile, water, len(channels))
    if not stands_out(profile, water, 0.35 * detection.beam):
        return Refused(
            code="edge-unresolved", message="nothing stands out from the sea where the hull should be"
        )
    return Prepared(
        chip=chip,
        strip=strip,
        profile=profile,
        water=water,
        channels=channels,
        top=top,
        detection=detection,
    )


def _of_channels(profile: CrossProfile, water: Array, count: int) -> tuple[CrossProfile, Array]:
    """What is fitted, and where one of the image's bands, which come after, says that it is not the sea."""
    level, waves = water[count:, 0], water[count:, 2]
    most = level + np.maximum(np.maximum(FOREIGN[0] * level, FOREIGN[1] * level.mean()), FOREIGN[2] * waves)
    foreign = (profile.value[count:] > most[:, None]).any(axis=0)
    some = replace(profile, value=profile.value[:count], error=profile.error[:count], foreign=foreign)
    return some, water[:count]


def _cast_shadow(view: ViewGeometry, detection: Detection, heading: float) -> CastShadow:
    """Where her shadow falls; a sun from astern throws that of her block along her side."""
    S, V = shift_per_metre(view, heading)
    ahead, astern = (block_reach(view, bow) * detection.length for bow in (heading, heading + 180.0))
    blocks = (-detection.length, ahead)
    if detection.heading_ambiguous and astern > ahead:
        blocks = (-astern, detection.length)
    return CastShadow(side=-int(np.sign(S)), slope=abs(S - V), blocks=blocks)


def window_setting(prepared: Prepared) -> tuple[tuple[Channel, ...], float, float, float]:
    """Of `make_window`."""
    strip = prepared.strip
    return prepared.channels, prepared.top, strip.gsd, 2 * strip.half_length


def look_at_sides(prepared: Prepared, view: ViewGeometry, hidden: BoolArray | None) -> dict[int, Look]:
    """Both sides, +1 starboard and -1 port, each looked over coarsely and with the levels it shows.

    Parameters
    ----------
    hidden
        (row, col), True where the water cannot be seen.
    """
    strip, setting = prepared.strip, window_setting(prepared)
    out: dict[int, Look] = {}
    for side in (1, -1):
        shifts = side_shifts(view, strip.heading, side)
        window = make_window(prepared.profile, shifts, prepared.detection, prepared.water, setting)
        scan = None
        if window is not None:
            first = scan_side(window, shifts)
            height, edge = best_of(first)
            water = _with_deep_shadow(prepared, shifts, edge + shifts.alpha * height, hidden)
            window = relevel(window, shifts, water, edge)
            scan = rescan_side(window, shifts, first)
            window = with_seen_levels(window, shifts, scan)
        out[side] = Look(shifts, window, scan)
    return {side: _with_shade_odds(look, out[-side], strip.gsd) for side, look in out.items()}


def _with_shade_odds(look: Look, other: Look, gsd: float) -> Look:
    """The look at a shaded side with what the light on deck says of gear that shades it up to its edge."""
    if gsd > COARSE or not look.shifts.shade or look.window is None or other.window is None:
        return look
    odds = shade_odds(look.window.levels[0], other.window.levels[0])
    return look._replace(window=replace(look.window, shade_odds=odds))


def _with_deep_shadow(
    prepared: Prepared, shifts: SideShifts, waterline: float, hidden: BoolArray | None
) -> Array:
    """What is known of the water, with the level of its shadow where the shadow of her deck is narrow."""
    strip = prepared.strip
    if strip.gsd < COARSE or not shifts.shade:
        return prepared.water
    detection = prepared.detection
    where = Beside(
        strip.heading, strip.centre, shifts.side, waterline, detection.length, shifts.beta - shifts.alpha
    )
    mix = np.array([c.mix for c in prepared.channels])
    found = deep_shadow(prepared.chip, mix, hidden, where, prepared.water)
    return prepared.water if found is None else np.column_stack([prepared.water[:, :3], found])
