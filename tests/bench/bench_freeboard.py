"""Freeboard on simulated ships of known freeboard: error, refusals and whether the intervals hold.

Beside it what a ruler gives: the width of the shadow between the steepest gradients of the mean profile, over
|S - V|, with the true heading. And what was expected before looking: the bound with heel, gear and
systematics. Nothing is tuned on these ships; their seeds are used nowhere else.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.loads import FILLS, LoadError, load_error, load_table
from bench.table import Table
from pipeline.config import FreeboardConfig
from pipeline.datatypes import Chip, ViewGeometry
from pipeline.errors import MissingExtraError
from pipeline.freeboard import COARSE, expected_sigma, measure_freeboard
from pipeline.freeboard.expected import side_sigma, typical_levels
from pipeline.freeboard.model import side_shifts
from pipeline.geometry import pixel_to_ground, shift_per_metre, ship_axes
from pipeline.readings import Freeboard
from pipeline.simulate.render import mitsuba
from pipeline.simulate.world import Situation

if TYPE_CHECKING:
    from pipeline.simulate.chips import SimulatedChip

Array = npt.NDArray[np.float64]

SITUATIONS: tuple[Situation, ...] = ("open", "jetty", "open", "ship-to-ship", "open", "tug")
COUNTS = {0.3: 18, 0.5: 60, 0.8: 24, 3.0: 120}
"""Ships by gsd [m], situations in turn."""
SEED = 90_000
USABLE = 0.5
"""Geometry is usable where the expected error is smaller [m]."""
WORKERS = 2
RANKED = 300
"""Ships of the ray caster whose ranks are counted."""
TURNED = 60
"""Ships of the ray caster that are measured with a wrong azimuth too."""
STEEP = 0.8
"""|S - V| from which a hint is asked of 3 m pixels [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One ship."""

    gsd: float
    situation: str
    steep: float
    """|S - V| [1]"""
    expected: float
    """Error before looking, from geometry alone [m]."""
    truth: float
    laden: bool
    """Deeper than half-way between ballast and summer draught."""
    beam: float
    """As a register has it [m]."""
    value: float | None
    sigma: float
    interval: tuple[float, float]
    code: str
    """Why not measured."""
    ruler: float | None
    loads: tuple[LoadError, ...]
    """For each of `FILLS`, where a freeboard was measured."""
    seconds: float


def ruler(
    chip: Chip, view: ViewGeometry, ship: tuple[float, tuple[float, float], float, float]
) -> float | None:
    """Shadow width over |S - V| [m], or None where the hull hides her shadow or it is below two pixels.

    Parameters
    ----------
    ship
        (heading [deg], centre [m], length [m], beam [m])
    """
    heading, centre, length, beam = ship
    S, V = shift_per_metre(view, heading)
    side = -1.0 if S > 0 else 1.0
    slope = side * (V - S)
    if slope < 0.1:
        return None
    bow, starboard = ship_axes(heading)
    rows, cols = np.mgrid[0 : chip.grid.shape[0], 0 : chip.grid.shape[1]]
    ground = pixel_to_ground(chip.grid, np.stack([cols + 0.5, rows + 0.5], axis=-1)) - np.asarray(centre)
    v, along = side * (ground @ starboard), ground @ bow
    step = 0.5 * chip.grid.gsd
    inside = (np.abs(along) < 0.2 * length) & (v > 0.1 * beam) & (v < 0.5 * beam + 30.0)
    bins = np.floor(v[inside] / step).astype(np.intp)
    light = chip.pixels.mean(axis=0)[inside].astype(np.float64)
    count = np.bincount(bins)
    profile = np.convolve(np.bincount(bins, weights=light) / np.maximum(count, 1), np.ones(3) / 3, "same")
    place = (np.arange(len(count)) + 0.5) * step
    gradient = np.gradient(profile, place)
    near = np.flatnonzero((np.abs(place - 0.5 * beam) < 0.25 * beam) & (count > 0))
    if near.size == 0:
        return None
    edge = int(near[np.argmin(gradient[near])])
    beyond = np.arange(edge + 2, min(len(place) - 2, edge + int(25.0 / step)))
    if beyond.size == 0:
        return None
    tip = int(beyond[np.argmax(gradient[beyond])])
    width = float(place[tip] - place[edge])
    return width / slope if width >= 2 * chip.grid.gsd else None


def measure_ship(job: tuple[float, int]) -> Outcome:
    """One simulated ship, measured and ruled."""
    from pipeline.simulate.chips import simulate_midbody, truth_detection

    gsd, number = job
    situation = SITUATIONS[number % len(SITUATIONS)]
    seed = SEED + round(10 * gsd)
    if gsd > COARSE:
        made = _whole_ship(number, seed, gsd, situation)
    else:
        made = simulate_midbody(number, seed=seed, gsd=gsd, situation=situation)
    truth, view = made.truth, made.view
    detection = truth_detection(truth, seed=made.seed, error=max(1.0, gsd))
    start = time.process_time()
    answer = measure_freeboard(made.chip, detection, view, beam=None, blocked=None, config=FreeboardConfig())
    seconds = time.process_time() - start
    S, V = shift_per_metre(view, truth.heading)
    found = answer if isinstance(answer, Freeboard) else None
    ballast, summer = (1.75 + 0.055 * truth.length) / 2, 0.79 * truth.depth
    return Outcome(
        gsd=gsd,
        situation=situation,
        steep=abs(S - V),
        expected=expected_sigma(view, truth.heading, gsd, beam=truth.beam),
        truth=truth.freeboard,
        laden=truth.draught > (ballast + summer) / 2,
        beam=truth.beam,
        value=found.value if found else None,
        sigma=found.sigma if found else np.nan,
        interval=found.interval90 if found else (np.nan, np.nan),
        code="" if isinstance(answer, Freeboard) else answer.code,
        ruler=ruler(made.chip, view, (truth.heading, truth.centre, truth.length, truth.beam)),
        loads=tuple(
            load_error(found, truth.freeboard, truth.length, fills=fills, number=number)
            for fills in FILLS.values()
            if found is not None
        ),
        seconds=seconds,
    )


def _whole_ship(number: int, seed: int, gsd: float, situation: Situation) -> SimulatedChip:
    """In coarse pixels the level of the shadow is read beside the accommodation block."""
    from pipeline.simulate.chips import draw_sensor, simulate_chip
    from pipeline.simulate.world import draw_world

    rng = np.random.default_rng((seed, number))
    sensor = replace(draw_sensor(rng, gsd), bands=("green", "red", "nir"))
    draw = int(rng.integers(2**31))
    return simulate_chip(draw_world(draw, situation), sensor, seed=draw)


def rank_of(seed: int) -> float | None:
    """Posterior probability that a ship of the ray caster floats higher than measured, or None if refused."""
    from hull_world import detection_of, draw_world, render

    world = replace(draw_world(seed), samples=3, traced=0.55)
    answer = measure_freeboard(
        render(world, seed=seed),
        detection_of(world, seed=seed),
        world.view,
        beam=None,
        blocked=None,
        config=FreeboardConfig(),
    )
    if not isinstance(answer, Freeboard):
        return None
    below = np.cumsum(answer.curve.density())
    return float(np.interp(world.freeboard, answer.curve.freeboards(), below))


def turned_of(seed: int) -> tuple[str, ...]:
    """What leaves a ship of the ray caster, with the satellite where it is and half a turn off."""
    from hull_world import detection_of, draw_world, render

    world = replace(draw_world(seed), samples=2, traced=1.05)
    chip, detection, said = render(world, seed=seed), detection_of(world, seed=seed), []
    for turn in (0.0, 180.0):
        view = replace(world.view, azimuth=(world.view.azimuth + turn) % 360.0)
        answer = measure_freeboard(chip, detection, view, beam=None, blocked=None, config=FreeboardConfig())
        if isinstance(answer, Freeboard):
            far = abs(answer.value - world.freeboard) > 3 * answer.sigma
            said.append("beyond 3 sigma" if far else "within 3 sigma")
        else:
            said.append("no-geometry" if answer.code == "no-geometry" else "refused otherwise")
    return tuple(said)


def turned_table(said: Sequence[tuple[str, ...]]) -> Table:
    """An azimuth half a turn off: refused, or a number that may be wrong."""
    outcomes = ("within 3 sigma", "beyond 3 sigma", "no-geometry", "refused otherwise")
    rows = [
        (name, len(said), *(sum(pair[k] == outcome for pair in said) for outcome in outcomes))
        for k, name in enumerate(("as it is", "half a turn off"))
    ]
    return Table(
        "Freeboard with the satellite's azimuth half a turn off",
        ("azimuth", "ships", *outcomes),
        rows,
        "Whole ships of the ray caster, 0.5 m, open water, any geometry. The lean of the block and of "
        "the side say which way the satellite stands; seen from nearly above or along, neither can.",
    )


def rank_table(ranks: Sequence[float | None]) -> Table:
    """Simulation-based calibration: were the curves right, these ranks would be uniform.

    References
    ----------
    Talts et al. (2018), Validating Bayesian inference algorithms with simulation-based calibration,
    arXiv:1804.06788.
    """
    measured = np.sort([r for r in ranks if r is not None])
    n = len(measured)
    steps = np.arange(1, n + 1) / n
    distance = float(np.maximum(np.abs(steps - measured), np.abs(steps - 1 / n - measured)).max())
    counts = np.histogram(measured, bins=10, range=(0, 1))[0]
    inside = float(np.mean((measured > 0.05) & (measured < 0.95)))
    row = (len(ranks), n, *(int(c) for c in counts), round(inside, 3), round(distance, 3))
    return Table(
        "Freeboard: ranks of the truth in the curves (simulation-based calibration)",
        ("ships", "measured", *(f"{k / 10:.1f} to" for k in range(10)), "in 90 %", "distance"),
        [row],
        "Ships of a ray caster that shares no code with the fit, drawn wider than it assumes, 0.5 m, open "
        f"water. Calibrated curves give {n / 10:.0f} +- {np.sqrt(0.09 * n):.0f} ranks in each tenth, 0.9 +- "
        f"{np.sqrt(0.09 / n):.2f} within 0.05 to 0.95, a Kolmogorov distance below {1.36 / np.sqrt(n):.2f}. "
        "More in the middle: curves too wide; more at the ends: too narrow.",
    )


def _row(name: tuple[object, ...], outcomes: Iterable[Outcome]) -> tuple[object, ...]:
    group = list(outcomes)
    done = [o for o in group if o.value is not None]
    usable = [o for o in group if o.expected < USABLE]
    error = np.array([(o.value or 0.0) - o.truth for o in done])
    sigma = np.array([o.sigma for o in done])
    holds = [o.interval[0] <= o.truth <= o.interval[1] for o in done]
    both = [o for o in done if o.ruler is not None]
    ours = [abs((o.value or 0.0) - o.truth) for o in both]
    ruled = [abs((o.ruler or 0.0) - o.truth) for o in both]
    expected = [float(np.sqrt(2 / np.pi)) * o.expected for o in done]
    return (
        *name,
        len(group),
        len(usable),
        sum(o.value is not None for o in usable),
        len(done),
        _mean(np.abs(error)),
        _mean(expected),
        _mean(error),
        _band(holds),
        int((np.abs(error) > 3 * sigma).sum()),
        int((np.abs(error) > 1.0).sum()),
        len(both),
        _mean(ours),
        _mean(ruled),
    )


def _mean(values: Array | Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 2) if len(values) else None


def _band(holds: list[bool]) -> str | None:
    """Share that holds, and between which shares 19 in 20 samples of this size would lie if 0.9 held."""
    from scipy.stats import binom

    n = len(holds)
    if not n:
        return None
    low, high = binom.ppf([0.025, 0.975], n, 0.9) / n
    return f"{np.mean(holds):.2f} ({low:.2f} to {high:.2f})"


def _hints(outcomes: list[Outcome]) -> Table:
    """What 3 m pixels say of laden and ballast where sun and view are steep."""
    rows: list[tuple[object, ...]] = []
    for name in ("open", "jetty", "ship-to-ship", "tug"):
        group = [o for o in outcomes if o.gsd == 3.0 and o.situation == name and o.steep >= STEEP]
        done = [o for o in group if o.value is not None]
        laden, ballast = (
            [(o.value or 0.0) / o.beam for o in done if o.laden == state] for state in (True, False)
        )
        pairs = [low < high for low in laden for high in ballast]
        error = np.array([(o.value or 0.0) - o.truth for o in done])
        holds = [o.interval[0] <= o.truth <= o.interval[1] for o in done]
        late = int(sum(abs(e) > 3 * o.sigma for e, o in zip(error, done, strict=True)))
        counts = (len(group), len(group) - len(done), len(done), len(laden))
        rows.append((name, *counts, _mean(pairs), _mean(np.abs(error)), _band(holds), late))
    return Table(
        "Freeboard at 3 m: laden told from ballast",
        (
            "situation",
            "ships",
            "refused",
            "measured",
            "of these laden",
            "AUC",
            "mean abs error [m]",
            "90 % holds (if right)",
            "beyond 3 sigma",
        ),
        rows,
        f"Whole ships where |S - V| is {STEEP:g} or more. AUC: pairs of a laden ship and one in ballast that "
        "freeboard as found over beam puts in the right order; laden is deeper than half-way between "
        "ballast and summer draught, so part cargoes are in either class.",
    )


def _refusals(outcomes: list[Outcome]) -> Table:
    counts = Counter((o.gsd, o.situation, o.code) for o in outcomes if o.code and o.expected < USABLE)
    rows = [(*key, count) for key, count in sorted(counts.items())]
    return Table(
        "Freeboard refused though the geometry is usable",
        ("gsd [m]", "situation", "code", "ships"),
        rows,
        f"Usable: expected error below {USABLE} m, the ship alone on the sea.",
    )


def bound_table() -> Table:
    """The Bayesian Cramer-Rao bound of one side for the geometries of the reference."""
    cases = {
        "A same side, sun 50, view 25": (50.0, 25.0, 1, (0.09, 0.05)),
        "B opposite sides, sun 50, view 25": (50.0, 25.0, -1, (0.02, 0.02)),
        "C nearly nadir, sun 50, view 5": (50.0, 5.0, -1, (0.05, 0.03)),
        "D low sun 25, view 10": (25.0, 10.0, -1, (0.02, 0.01)),
        "E high sun 70, view 10": (70.0, 10.0, -1, (0.10, 0.05)),
    }
    rows = []
    for name, (sun, incidence, sense, reference) in cases.items():
        view = ViewGeometry(
            incidence_angle=incidence,
            azimuth=90.0 if sense > 0 else 270.0,
            sun_elevation=sun,
            sun_azimuth=90.0,
            source="bench",
        )
        shifts = side_shifts(view, 25.0, -1)
        bounds = [side_sigma(shifts, typical_levels(shifts.lit), F, gsd=0.5) for F in (1.5, 4.5)]
        rows.append((name, *(round(b, 2) for b in bounds), *reference))
    return Table(
        "Freeboard: bound of the shadow side alone at 0.5 m",
        ("geometry", "F 1.5 m [m]", "F 4.5 m [m]", "reference F 1.5 m", "reference F 4.5 m"),
        rows,
        "One standard deviation, before heel, gutter bars and systematics; heading 65 deg off sun and view. "
        "The reference knows the beam to 0.1 m and assumes half the structure.",
    )


def tables() -> list[Table]:
    """Errors by gsd and situation beside a ruler's and the bound; refusals, hints at 3 m, ranks."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        mitsuba()
        jobs = [(gsd, number) for gsd, count in COUNTS.items() for number in range(count)]
        absent = ""
    except MissingExtraError as error:
        jobs, absent = [], f"{error}: not measured"
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(measure_ship, jobs))
        ranks = list(pool.map(rank_of, range(1100, 1100 + RANKED), chunksize=5))
        turned = turned_table(list(pool.map(turned_of, range(3000, 3000 + TURNED))))
    if absent:
        main = Table("Freeboard on simulated ships", ("what",), [], absent)
        return [main, rank_table(ranks), turned, bound_table()]
    tables = [_errors(outcomes), _loads(outcomes), _refusals(outcomes), _hints(outcomes)]
    return [*tables, rank_table(ranks), turned, bound_table()]


def _loads(outcomes: list[Outcome]) -> Table:
    def group(fill: int, sizes: tuple[float, ...]) -> list[LoadError]:
        return [o.loads[fill] for o in outcomes if o.gsd in sizes and o.value is not None]

    return load_table(
        {
            name: {fill: group(k, sizes) for k, fill in enumerate(FILLS)}
            for name, sizes in {"0.3 and 0.5": (0.3, 0.5), "0.8": (0.8,)}.items()
        }
    )


def _errors(outcomes: list[Outcome]) -> Table:
    rows = []
    for gsd in COUNTS:
        mine = [o for o in outcomes if o.gsd == gsd]
        rows += [
            _row((gsd, name), (o for o in mine if o.situation == name)) for name in dict.fromkeys(SITUATIONS)
        ]
        rows.append(_row((gsd, "all"), mine))
    slow = [o.seconds for o in outcomes if o.value is not None]
    return Table(
        "Freeboard on simulated ships, beside the bound and a ruler",
        (
            "gsd [m]",
            "situation",
            "ships",
            "usable",
            "usable and measured",
            "measured",
            "mean abs error [m]",
            "expected of it [m]",
            "bias [m]",
            "90 % holds (if right)",
            "beyond 3 sigma",
            "off by > 1 m",
            "ruler reads too",
            "ours there [m]",
            "ruler [m]",
        ),
        rows,
        "Ships of 60 to 183 m, any heading and geometry, simulated wider than the fit assumes: decks of the "
        "hull's or the sea's colour, wet or rusty, pipes by the rail, bulwarks, awnings, list to 1.6 deg, "
        f"calm to rough, pansharpened or not. Usable: expected error below {USABLE} m from geometry alone. "
        "Expected: the bound with heel, gear and systematics. One measurement takes "
        f"{np.median(slow):.2f} s (median), {max(slow):.2f} s at most, of one core.",
    )
