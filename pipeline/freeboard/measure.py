"""The stage: a likelihood over freeboard from one image of one ship, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config import FreeboardConfig
from pipeline.datatypes import (
    AzimuthCheck,
    BoolArray,
    Chip,
    Cue,
    Curve,
    Detection,
    Freeboard,
    ViewGeometry,
)
from pipeline.errors import Refused
from pipeline.freeboard.bulwark import SAID, bulwark_probability, with_bulwark
from pipeline.freeboard.combine import combine_sides, interval_of, soften, summarise
from pipeline.freeboard.deep import COARSE, Beside, deep_shadow
from pipeline.freeboard.expected import expected_sigma, largest_sigma
from pipeline.freeboard.lean import block_offset, judge_azimuth, lean_gap
from pipeline.freeboard.marks import CUE_REACH, mark_lines, profile_of
from pipeline.freeboard.model import WATER_LEVEL, Levels, SideShifts, side_shifts
from pipeline.freeboard.scan import (
    Scan,
    Window,
    best_of,
    coarse_evidence,
    rescan_side,
    scan_side,
    seen_levels,
    with_seen_levels,
)
from pipeline.freeboard.sides import SideFit, fit_side
from pipeline.freeboard.strip import (
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
TOP = 12.0
WIDEST, WIDEST_DOUBTFUL = 0.9, 0.6
"""A curve with a larger standard deviation is no measurement; the latter where another body lies beside the
ship, whose shadow and side may pass for hers, and where a sunlit side speaks alone [m]."""
LOWEST, LOW = 0.35, 0.2
"""No ship of 60 m floats with less freeboard [m] (International Convention on Load Lines 1966, table 28.1),
and the probability of less from which it is clear that neither shadow nor side was seen."""
ILL = 5.0
"""Chi-square a sample above which what is seen is not a hull on water [1]."""
OTHER_SEA = 4.0
"""Standard deviations of the sea's level beyond which what lies beside the shadow is not the sea: the deck of
a ship alongside can be nearly as dark."""
EDGE_OUT = 1.9
"""How far beyond the outline the edge of her deck may lie, in the spread it is looked for with [1]."""
EDGES = 0.3
"""How well the distance between two deck edges in an image agrees with a beam from a register [m]: bars shade
them and gunwales are round."""
BLUNT = 1.5
"""By how much the error expected from the contrast may exceed the largest before the fit is not tried [1]."""
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


class Known(NamedTuple):
    """What is known beside the fits."""

    expected: float
    """Error expected from the contrast [m]."""
    check: AzimuthCheck
    largest: float
    """Error that is measured at all [m]."""
    bulwark: float
    """Probability of a bulwark along the side."""


def measure_freeboard(
    chip: Chip,
    detection: Detection,
    view: ViewGeometry,
    *,
    beam: tuple[float, float] | None,
    blocked: BoolArray | None,
    config: FreeboardConfig,
) -> Freeboard | Refused:
    """Height of the main deck edge above the water, as a curve, or the reason why it cannot be known.

    Parameters
    ----------
    chip
        At full resolution.
    detection
        Centre good to a few metres, heading to a few degrees, beam to a fifth; no more is trusted.
    view
        Sun and satellite.
    beam
        (value, sigma) [m] from a register where the identity is certain.
    blocked
        (row, col), True on cloud, shadow of cloud, land, structure, other ships.
    config
        Largest gsd and expected error that are measured.

    References
    ----------
    Marginal likelihood with structured covariance: Rasmussen and Williams (2006), eq. 2.41 to 2.45.
    """
    refusal = _refuse_before(chip, detection, view, config)
    if refusal is not None:
        return refusal
    if beam is not None:
        detection = replace(detection, beam=beam[0], beam_sigma=beam[1])
    prepared = _prepare(chip, detection, view, blocked=blocked)
    if isinstance(prepared, Refused):
        return prepared
    looks = _windows(prepared, view, blocked)
    expected = _expected(prepared, view, looks)
    largest = largest_sigma(chip.grid.gsd, detection.beam, config)
    refusal = _refuse_sides(looks, (expected, largest))
    if refusal is not None:
        return refusal
    fits = _fit(looks)
    refusal = _refuse_fit(fits) or _refuse_alongside(fits)
    if refusal is not None:
        return refusal
    check = _check_azimuth(prepared, view, fits, blocked)
    if check == "contradicts":
        return Refused(
            code="no-geometry",
            message="the image leans the other way than the satellite's azimuth says: is it half a turn off?",
        )
    known = Known(
        expected,
        check,
        largest,
        _bulwark(detection.length, view, looks, prepared.strip.heading),
    )
    return _conclude(prepared, fits, known, _beam_belief(detection, beam))


def _refuse_before(
    chip: Chip, detection: Detection, view: ViewGeometry, config: FreeboardConfig
) -> Refused | None:
    if chip.grid.gsd > config.max_gsd:
        return Refused(
            code="gsd-too-coarse",
            message=f"pixels of {chip.grid.gsd:.1f} m; a freeboard needs {config.max_gsd:g} m or finer",
        )
    if view.sun_elevation < 5.0:
        return Refused(
            code="geometry-blind",
            message=f"sun at {view.sun_elevation:.1f} deg: shadows are too long and too soft below 5 deg",
        )
    expected = expected_sigma(view, detection.heading, chip.grid.gsd, beam=detection.beam)
    largest = largest_sigma(chip.grid.gsd, detection.beam, config)
    if expected > largest:
        fine = expected_sigma(view, detection.heading, 0.3, beam=detection.beam)
        code = "gsd-too-coarse" if fine < 0.5 * config.max_expected_sigma else "geometry-blind"
        return Refused(
            code=code,
            message=f"expected error {expected:.2f} m, above {largest:.2f} m"
            f" (at 0.3 m pixels it would be {fine:.2f} m)",
        )
    return None


def _prepare(
    chip: Chip, detection: Detection, view: ViewGeometry, *, blocked: BoolArray | None
) -> Prepared | Refused:
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
    water = water_levels(strip, 0.6 * detection.beam + 0.6 * top + 4.0)
    if water is None:
        return Refused(code="shadow-not-on-water", message="no open water beside the ship to compare with")
    spread = 1.2 + 0.07 * detection.beam + 0.5 * strip.gsd
    beside = (0.5 * detection.beam + 1.6 * spread, 0.5 * detection.beam + 1.6 * spread + 10.0)
    S, V = shift_per_metre(view, strip.heading)
    shadow = (-int(np.sign(S)), abs(S - V))
    profile = average_stations(strip, water, width=max(0.6 * strip.gsd, 0.24), beside=beside, shadow=shadow)
    water = with_waves(water, profile, beside[0] + 0.4 * top)
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


def _setting(prepared: Prepared) -> tuple[tuple[float, ...], float, float, float]:
    """Of `make_window`."""
    strip = prepared.strip
    return tuple(c.weight for c in prepared.channels), prepared.top, strip.gsd, 2 * strip.half_length


def _windows(prepared: Prepared, view: ViewGeometry, hidden: BoolArray | None) -> dict[int, Look]:
    strip, setting = prepared.strip, _setting(prepared)
    out = {}
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
    return out


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


def _expected(prepared: Prepared, view: ViewGeometry, looks: dict[int, Look]) -> float:
    seen = tuple(side for side, look in looks.items() if look.window is not None)
    levels: dict[int, Levels] = {}
    for side, look in looks.items():
        if look.window is not None:
            levels[side] = seen_levels(look.window)
    return expected_sigma(
        view,
        prepared.strip.heading,
        prepared.strip.gsd,
        beam=prepared.detection.beam,
        sides=seen,
        levels=levels,
    )


def _refuse_sides(looks: dict[int, Look], limits: tuple[float, float]) -> Refused | None:
    expected, largest = limits
    if expected <= BLUNT * largest:
        return None
    hidden = [look for look in looks.values() if look.window is None and look.shifts.reach > 0.1]
    if hidden:
        return Refused(
            code="shadow-not-on-water",
            message="the side that would show the freeboard has no open water beside it,"
            f" and the other side alone leaves {expected:.2f} m",
        )
    return Refused(
        code="edge-unresolved",
        message=f"contrast between water, shadow and hull too low: expected error {expected:.2f} m",
    )


def _beam_belief(detection: Detection, beam: tuple[float, float] | None) -> tuple[float, float]:
    """(value, sigma) of the beam [m]; an outline takes in shadow and side, so its beam is held loosely."""
    if beam is not None:
        return beam[0], max(beam[1], EDGES)
    return detection.beam, max(detection.beam_sigma, 0.07 * detection.beam)


def _fit(looks: dict[int, Look]) -> dict[int, SideFit]:
    """Each side by itself; they meet in `combine_sides`. One that fits ill is left out if the other fits."""
    fits = {
        side: fit_side(look.window, look.shifts, GRID, look.scan)
        for side, look in looks.items()
        if look.window is not None and look.scan is not None
    }
    good = {side: fit for side, fit in fits.items() if _is_sound(fit)}
    return good or fits


def _is_sound(fit: SideFit) -> bool:
    """A hull on water fits, and what is taken for water is as bright as the sea around."""
    seas = [
        abs(float(found[WATER_LEVEL]) - levels.water[0]) / levels.water[1]
        for found, levels in zip(fit.levels, fit.window.levels, strict=True)
    ]
    return fit.chi2 <= ILL and max(seas) <= OTHER_SEA


def _refuse_fit(fits: dict[int, SideFit]) -> Refused | None:
    informed = [fit for fit in fits.values() if fit.shifts.reach > 0.03]
    if any(_is_sound(fit) for fit in informed):
        return None
    worst = min((fit.chi2 for fit in informed), default=np.inf)
    return Refused(
        code="shadow-not-on-water",
        message=f"no hull with shadow on water fits what is seen (chi-square {worst:.1f} a sample)",
    )


def _refuse_alongside(fits: dict[int, SideFit]) -> Refused | None:
    """In coarse pixels a jetty is one body with her; what passes for her edge is where the jetty ends."""
    for fit in fits.values():
        mean, spread = fit.window.edge
        if fit.window.gsd > COARSE and fit.best[1] > mean + EDGE_OUT * spread:
            return Refused(
                code="shadow-not-on-water",
                message=f"what is seen ends {fit.best[1] - mean:.0f} m beyond her outline: something lies"
                " alongside",
            )
    return None


def _bulwark(length: float, view: ViewGeometry, looks: dict[int, Look], heading: float) -> float:
    """Probability that a bulwark stands along her side."""
    for side, look in looks.items():
        if look.shifts.lit and look.window is not None:
            S, V = (side * x for x in shift_per_metre(view, heading))
            return bulwark_probability(length, (look.window, look.shifts), S - V)
    return bulwark_probability(length, None, 0.0)


def _opposite(view: ViewGeometry) -> ViewGeometry:
    return replace(view, azimuth=(view.azimuth + 180.0) % 360.0)


def _check_azimuth(
    prepared: Prepared, view: ViewGeometry, fits: dict[int, SideFit], hidden: BoolArray | None
) -> AzimuthCheck:
    """Whether the image leans as the metadata say."""
    if len(fits) < 2 or max(fit.shifts.alpha for fit in fits.values()) < 0.08:
        return "undecided"
    strip, detection = prepared.strip, prepared.detection
    middle = (fits[1].best[1] - fits[-1].best[1]) / 2
    size, across = (detection.length, detection.beam), shift_per_metre(view, strip.heading)[1]
    offset = None
    if strip.gsd <= COARSE:
        offset = block_offset(prepared.chip, hidden, strip, size, (middle, across))
    lean = 0.0 if offset is None else lean_gap(offset, across, size)
    return judge_azimuth(_profile_gap(prepared, view, fits), lean)


def _profile_gap(prepared: Prepared, view: ViewGeometry, fits: dict[int, SideFit]) -> float:
    """Evidence of the profile for the stated azimuth against the opposite one, fitted coarsely [nats]."""
    scale = max(1.0, *(fit.chi2 for fit in fits.values()))
    heading = prepared.strip.heading
    totals = []
    for geometry in (view, _opposite(view)):
        total = np.zeros_like(GRID)
        for side in fits:
            shifts, other = (side_shifts(v, heading, side) for v in (geometry, _opposite(geometry)))
            window = make_window(
                prepared.profile, shifts, prepared.detection, prepared.water, _setting(prepared)
            )
            if window is None:
                return 0.0
            scan = scan_side(window, shifts, reach=max(shifts.reach, other.reach))
            total += coarse_evidence(scan, GRID)
        totals.append(float(np.logaddexp.reduce(total)))
    return (totals[0] - totals[1]) / scale


def _conclude(
    prepared: Prepared,
    fits: dict[int, SideFit],
    known: Known,
    beam: tuple[float, float],
) -> Freeboard | Refused:
    curve = soften(GRID, with_bulwark(GRID, combine_sides(GRID, fits, beam), known.bulwark))
    value, sigma = summarise(GRID, curve)
    interval = interval_of(GRID, curve)
    flags = ["bulwark"] if known.bulwark > SAID else []
    density = np.exp(curve - curve.max())
    density /= density.sum()
    widest = known.largest if prepared.strip.gsd > COARSE else WIDEST
    refusal = _refuse_curve(prepared, fits, (value, sigma, widest), density)
    if refusal is not None:
        return refusal
    uniform = int(np.sum(prepared.top >= GRID))
    bits = float(np.log2(uniform) + np.sum(density * np.log2(np.maximum(density, 1e-300))))
    cues = tuple(_cue(fit, beam) for fit in fits.values() if fit.shifts.reach > CUE_REACH)
    return Freeboard(
        value=value,
        sigma=sigma,
        interval90=interval,
        cues=cues,
        information=bits,
        curve=Curve(
            start=0.0,
            step=STEP,
            log_likelihood=tuple(float(x) for x in np.maximum(curve - curve.max(), -60.0)),
        ),
        expected_sigma=known.expected,
        profile=profile_of(fits, prepared.channels[0].name, value),
        lines=mark_lines(prepared.strip, prepared.chip.grid.origin, fits, value),
        azimuth_check=known.check,
        flags=tuple(flags),
    )


def _refuse_curve(
    prepared: Prepared, fits: dict[int, SideFit], found: tuple[float, float, float], density: Array
) -> Refused | None:
    """Too wide, cut off at the top, or no freeboard at all."""
    value, sigma, widest = found
    dark = any(not fit.shifts.lit and fit.shifts.reach > CUE_REACH for fit in fits.values())
    doubtful = not dark or len(fits) < 2 or any(fit.window.cut for fit in fits.values())
    highest = float(np.interp(0.95, np.cumsum(density), GRID))
    if float(density[GRID < LOWEST].sum()) > LOW:
        return Refused(
            code="edge-unresolved",
            message="neither shadow nor side is seen where a ship afloat must show one: wrong geometry?"
            f" (freeboard {value:.1f} +- {sigma:.1f} m)",
        )
    if highest <= prepared.top - 0.2 and sigma <= (WIDEST_DOUBTFUL if doubtful else widest):
        return None
    cut = any(fit.window.cut for fit in fits.values() if not fit.shifts.lit)
    return Refused(
        code="shadow-not-on-water" if cut else "edge-unresolved",
        message=f"the curve is too wide to be a measurement: {value:.1f} +- {sigma:.1f} m"
        + (", and something lies where the shadow falls" if cut else ""),
    )


def _cue(fit: SideFit, beam: tuple[float, float]) -> Cue:
    curve = soften(GRID, combine_sides(GRID, {fit.shifts.side: fit}, beam))
    value, sigma = summarise(GRID, curve)
    dark = "shadow" if fit.shifts.beta > fit.shifts.alpha else "shaded-side"
    name = "lit-side" if fit.shifts.lit else dark
    return Cue(cue=name, value=value, sigma=sigma)
