"""Load from freeboards of known error, beside the bound; and from several looks at one simulated hull."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from paper_season import START, make_detection, make_freeboard, make_ship
from scipy.stats import truncnorm

from bench.loads import (
    COLUMNS,
    FILLS,
    IN_BALLAST,
    LoadError,
    PaperShip,
    compare,
    draw_paper_ship,
    load_of,
    shifted,
    summary,
)
from bench.table import Table, not_run
from pipeline.config import Config, FreeboardConfig
from pipeline.errors import MissingExtraError
from pipeline.freeboard import expected_sigma, measure_freeboard
from pipeline.load import tonnes_per_metre
from pipeline.readings import Freeboard
from pipeline.visits.fill import combine_looks
from pipeline.visits.sightings import Sighting

Array = npt.NDArray[np.float64]

CONFIG = replace(Config().load, draws=500)
SEED = 97_000
SHIPS = 24
LENGTHS = (60.0, 183.0)
"""Over all [m]."""
SIGMAS = (0.02, 0.15, 0.3, 0.5)
"""Of a freeboard [m]."""
EDGE = 0.12
"""Spread of the deck edge's place, a ship's own, which no image corrects [m]."""
CLASSES = {
    "80 to 100 %": (0.8, 1.0),
    "60 to 80 %": (0.6, 0.8),
    "40 to 60 %": (0.4, 0.6),
    "in ballast": IN_BALLAST,
}
HULLS, LOOKS = 12, 4
"""Simulated hulls, and images of each."""
GSD = 0.5
"""Of these images [m]."""
USABLE = 0.5
"""Expected error of the geometries that are drawn, at most [m]."""
WORKERS = 2


def tables() -> list[Table]:
    """By the error of the freeboard, and by the number of looks."""
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    return [paper_table(), looks_table()]


def paper_table() -> Table:
    """Errors of the load by the error of the freeboard and by what she carries."""
    rows = []
    for sigma in SIGMAS:
        for name, fills in CLASSES.items():
            ships = [_paper_ship(number, fills) for number in range(SHIPS)]
            errors = [_read(ship, number, sigma) for number, ship in enumerate(ships)]
            told = [_told_class(ship, fills, sigma) for ship in ships] if fills != IN_BALLAST else []
            bound = round(100 * float(np.mean(told)), 1) if told else None
            rows.append((sigma, name, *summary(errors), bound))
    return Table(
        "Load by the error of the freeboard (on paper)",
        ("freeboard's sigma [m]", "truth", *COLUMNS, "told her class: mean abs"),
        rows,
        f"Simulated on paper, no pixels: {SHIPS} ships of 60 to 183 m with the register's particulars, "
        f"Gaussian curves, deck edge {EDGE:g} m a ship, stores and residual ballast drawn. At 0.02 m what is "
        "left is the ship's own. Told her class: the error of somebody who knows these spreads exactly and "
        "is told between which two fills she is.",
    )


def _paper_ship(number: int, fills: tuple[float, float]) -> PaperShip:
    rng = np.random.default_rng((SEED, number))
    return draw_paper_ship(rng, number, float(rng.uniform(*LENGTHS)), fills)


def _read(paper: PaperShip, number: int, sigma: float) -> LoadError:
    rng = np.random.default_rng((SEED + 1, number))
    shown = paper.freeboard + EDGE * rng.normal() + sigma * rng.normal()
    return compare(paper, make_freeboard(max(float(shown), 0.05), sigma), CONFIG)


def _told_class(paper: PaperShip, fills: tuple[float, float], sigma: float) -> float:
    """Expected absolute error of the median of a normal reading cut to a class of fills [1]."""
    hull = paper.ship.hull
    dwt = float(hull.dwt)
    per_metre = float(tonnes_per_metre(hull, float(hull.depth) - paper.freeboard)) / (0.94 * dwt)
    spread = float(np.hypot(per_metre * np.hypot(sigma, EDGE), 0.02 / 0.94))
    read = paper.fill + spread * np.random.default_rng(SEED).normal(size=200)
    low, high = ((edge - read) / spread for edge in fills)
    return float(np.mean(np.abs(truncnorm.median(low, high, loc=read, scale=spread) - paper.fill)))


def looks_table() -> Table:
    """Loads from one, two and four images of the same hull."""
    title = "Load from several looks at one hull"
    try:
        from pipeline.simulate.render import mitsuba

        mitsuba()
    except MissingExtraError as error:
        return not_run(title, str(error))
    jobs = [(hull, look) for hull in range(HULLS) for look in range(LOOKS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_look_at, jobs))
    rows = []
    for name, fills in FILLS.items():
        for count in (1, 2, LOOKS):
            errors = []
            for hull in range(HULLS):
                seen = [f for (h, _), f in zip(jobs, found, strict=True) if h == hull and f is not None]
                if len(seen) >= 2:
                    errors.append(_from_looks(hull, seen[:count], fills))
            rows.append((f"up to {count}", name, *summary(errors)))
    return Table(
        title,
        ("looks", "truth", *COLUMNS),
        rows,
        f"{HULLS} simulated hulls in open water at {GSD:g} m, {LOOKS} images of each: other suns, "
        f"satellites, headings, seas and cameras, usable geometry (expected error below {USABLE:g} m), one "
        "state. Refused looks are left out, and hulls of which fewer than two were measured. The curves lend "
        "their errors to ships on paper, as above, and are put together as the looks of a visit are.",
    )


def _look_at(job: tuple[int, int]) -> tuple[float, float, Freeboard] | None:
    """(length, true freeboard, reading) of one image of one hull, or None where it is refused."""
    from pipeline.simulate.chips import draw_sensor, simulate_chip, truth_detection
    from pipeline.simulate.meshes import place
    from pipeline.simulate.ships import build_ship
    from pipeline.simulate.world import World, draw_hull, draw_sea, draw_view

    hull = draw_hull(np.random.default_rng((SEED, job[0])))
    rng = np.random.default_rng((SEED, *job, 1))
    heading, view = float(rng.uniform(0, 360)), draw_view(rng)
    while expected_sigma(view, heading, GSD, beam=hull.beam) > USABLE:
        heading, view = float(rng.uniform(0, 360)), draw_view(rng)
    world = World(
        hull=hull,
        heading=heading,
        centre=(0.0, 0.0),
        meshes=(place(build_ship(hull), heading, (0.0, 0.0)),),
        sea=draw_sea(rng),
        view=view,
        situation="open",
    )
    sensor = replace(draw_sensor(rng, GSD), bands=("green", "red", "nir"))
    made = simulate_chip(world, sensor, seed=int(rng.integers(2**31)), turn=float(rng.uniform(-20, 20)))
    answer = measure_freeboard(
        made.chip,
        truth_detection(made.truth, seed=made.seed),
        made.view,
        beam=None,
        blocked=None,
        config=FreeboardConfig(),
    )
    return (hull.length, made.truth.freeboard, answer) if isinstance(answer, Freeboard) else None


def _from_looks(
    number: int, seen: Sequence[tuple[float, float, Freeboard]], fills: tuple[float, float]
) -> LoadError:
    """Of one hull, from all these looks together."""
    length, freeboard, _ = seen[0]
    paper = draw_paper_ship(np.random.default_rng((SEED + 2, number)), number, length, fills)
    readings = [shifted(reading, paper.freeboard - freeboard) for _, _, reading in seen]
    if len(readings) == 1:
        return compare(paper, readings[0], CONFIG)
    state = [combine_looks(_sightings(paper, readings, prior)) for prior in (CONFIG.ballast_prior, 0.0)]
    low, high = np.quantile(state[0].fraction, [0.05, 0.95])
    off = [float(np.median(s.fraction)) - paper.fill for s in state]
    return LoadError(
        error=off[0], holds=bool(low <= paper.fill <= high), known=off[1] if paper.fill > 0 else float("nan")
    )


def _sightings(paper: PaperShip, readings: Sequence[Freeboard], ballast: float) -> list[Sighting]:
    listed = paper.ship.listed
    config = replace(Config(), load=replace(CONFIG, ballast_prior=ballast))
    seen = make_ship(
        make_detection(float(listed.loa or 0.0), float(listed.beam or 0.0)), None, "b1", (listed,), config
    )
    looks = []
    for day, reading in enumerate(readings):
        load = load_of(paper, reading, config.load)
        if load is not None:
            ship = replace(seen, freeboard=reading, not_measurable=None, load=load)
            looks.append(
                Sighting(
                    time=START + timedelta(days=day),
                    scene_id=f"scene-{day}",
                    ship=ship,
                    gsd=0.5,
                    centre=(0.0, 0.0),
                    berth_id="b1",
                )
            )
    return looks
