"""Visits and barrels over seasons on paper, beside the naive ways and the bound, and the time they take.

Simulated on paper, without pixels: see `paper_season`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from paper_season import START, PaperSeason, TrueVisit, World, cargo_of, draw_season, draw_stay, quick
from scipy.stats import poisson
from test_visits_exposure import simulate

from bench.table import Table
from pipeline.config import Config
from pipeline.products import Visit, VisitsDocument, VolumeDocument
from pipeline.run import measure_season
from pipeline.visits.exposure import infer_unseen
from pipeline.volume import barrels_per_tonne

SEASONS, FIRST_SEED = 20, 500
"""Not the seasons that the tracking was tried out on, which are the first ten."""
WORLD = World(days=135, per_day=0.33, cloud=0.3, coarse=0.5, overcast=(86.0, 117.0), stays_between=(1.0, 3.0))
WIDE_SEASONS = 6
WIDER = {
    "stays of 0.7 to 4 days about 1.6, 40 % cloud": World(days=135, per_day=0.33, overcast=(95.0, 126.0)),
    "ships within 10 m of length, a third in no register": World(
        days=135, per_day=0.33, cloud=0.3, lengths=(80.0, 90.0), unlisted=0.33
    ),
    "part loads, and half a day at anchor afterwards": World(
        days=135, per_day=0.33, cloud=0.3, part_loads=0.25, afterwards=0.4
    ),
    "one freeboard in twelve misread by metres": World(days=135, per_day=0.33, cloud=0.3, misread=0.08),
    "stays half as long as the prior": World(days=135, per_day=0.33, cloud=0.3, stay=(0.8, 0.4)),
    "stays twice as long, cloud for a week at a time": World(
        days=135, per_day=0.25, cloud=0.4, stay=(3.0, 0.4), persistence=0.85
    ),
}
YEARS, YEARS_SEED, CLOUDS = 40, 1000, (0.4, 0.6, 0.8)
MANY = World(days=997, per_day=0.33)
USUAL = 0.9
"""Fill that reports assume of every ship [1]."""
PRIOR = (1.5, 1.65)
CHANCE = "chance alone: true rate, stays and cargoes known"
STAYS_KNOWN = "stays and cargoes known, the rate from the seen"


@dataclass(slots=True)
class Tally:
    """What the seasons gave, one entry a season or a visit."""

    recall: list[float] = field(default_factory=list)
    invented: list[int] = field(default_factory=list)
    window: list[bool] = field(default_factory=list)
    named_fine: list[bool] = field(default_factory=list)
    """Ship right at first rank, of visits seen at 0.5 m."""
    named_coarse: list[bool] = field(default_factory=list)
    load_error: list[float] = field(default_factory=list)
    load_inside: list[bool] = field(default_factory=list)
    usual_error: list[float] = field(default_factory=list)
    difference_error: list[float] = field(default_factory=list)
    measured: list[float] = field(default_factory=list)
    hidden: list[float] = field(default_factory=list)
    count_error: list[float] = field(default_factory=list)
    count_inside: list[bool] = field(default_factory=list)
    totals: dict[str, list[float]] = field(default_factory=dict)
    """Relative error of a season's tonnes by way of counting."""
    seen_error: list[float] = field(default_factory=list)
    """Of the baseline against what some clear image shows."""
    total_inside: list[bool] = field(default_factory=list)
    oracle_inside: list[bool] = field(default_factory=list)
    """Whether the unseen are within p05..p95 of somebody who knows rate and stays."""
    baseline_inside: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Years:
    """Simulated years at one share of cloud: one row a year."""

    truth: npt.NDArray[np.int64]
    """(years,) missed visits."""
    every: npt.NDArray[np.int64]
    mean: npt.NDArray[np.float64]
    """Of the posterior."""
    middle: npt.NDArray[np.int64]
    inside: npt.NDArray[np.bool_]
    """Whether the truth is in the 95 % interval."""

    def bias(self, estimate: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Of the total, and its standard error by chance [%]."""
        error, total = estimate - self.truth, self.every.sum() / 100
        return float(error.sum() / total), float(error.std() * np.sqrt(len(error)) / total)


def tables() -> list[Table]:
    """The figures that are asked for in one table; tonnes beside the naive ways, wider worlds, the unseen."""
    config = quick(Config())
    tally = run_world(WORLD, SEASONS, config)
    years = {cloud: run_years(cloud) for cloud in CLOUDS}
    with get_context("spawn").Pool(1) as pool:
        speed = pool.apply(measure_speed)
    wider = {name: run_world(world, WIDE_SEASONS, config) for name, world in WIDER.items()}
    return [_figures(tally, years, speed), _totals(tally), _years(years), _wider(wider)]


def run_world(world: World, seasons: int, config: Config) -> Tally:
    """The figures of some seasons of one world."""
    tally = Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + seasons):
        season = draw_season(np.random.default_rng(seed), world, config)
        visits, volume = season.run(config)
        _count(tally, season, visits, volume)
        truth = cargo_of(season.visits)
        unseen, shown = known_laws(season, world, seed)
        seen = cargo_of(season.visits, np.array(season.seen))
        known = seen + unseen * truth / len(season.visits)
        low, high = poisson(unseen).ppf([0.05, 0.95])
        tally.oracle_inside.append(low <= season.seen.count(False) <= high)
        tally.totals.setdefault(CHANCE, []).append(known / truth - 1)
        tally.totals.setdefault(STAYS_KNOWN, []).append(seen / shown / truth - 1)
    return tally


def known_laws(season: PaperSeason, world: World, seed: int) -> tuple[float, float]:
    """(visits to expect unseen, share of visits to expect seen) by somebody who knows rate and stays."""
    rng = np.random.default_rng(seed)
    cloudy = [bool(r.berths) and r.berths[0].state == "obscured" for r in season.results]
    looks = np.array(
        [
            (r.datetime - START) / timedelta(days=1)
            for r, hidden in zip(season.results, cloudy, strict=True)
            if r.datetime is not None and not hidden
        ]
    )
    arrivals = rng.uniform(0, world.days, 4000)
    stays = np.array([rng.exponential(world.waits) + draw_stay(rng, world) for _ in arrivals])
    following = np.append(looks, np.inf)[np.searchsorted(looks, arrivals)]
    hidden = float(np.mean(following > arrivals + stays))
    return world.per_day * world.days * hidden, 1 - hidden


def _count(tally: Tally, season: PaperSeason, visits: VisitsDocument, volume: VolumeDocument) -> None:
    matched = season.matches(visits)
    found = {k for k in matched if k is not None}
    tally.recall.append(sum(k in found for k, seen in enumerate(season.seen) if seen) / sum(season.seen))
    tally.invented.append(sum(k is None for k in matched))
    tally.measured.append(np.mean([v.status == "measured" for v in visits.visits]).item())
    tally.hidden.append(1 - np.mean(season.seen).item())
    finest = {r.scene_id: r.gsd or 10.0 for r in season.results}
    for visit, k in zip(visits.visits, matched, strict=True):
        if k is not None:
            _count_visit(tally, season, visit, season.visits[k])
            _count_name(tally, season, visit, season.visits[k], min(finest[s] for s in visit.scene_ids))
    truth = cargo_of(season.visits)
    barrel = float(barrels_per_tonne(volume.product.density15))
    usual = [USUAL * v.capacity.value for v in visits.visits if v.capacity is not None]
    differences = [_difference(season, v) for v in visits.visits]
    ways = {
        "plimsoll, total": volume.barrels.total.p50 / barrel,
        "plimsoll, baseline": volume.barrels.baseline.p50 / barrel,
        "seen visits only, each at 90 %": sum(usual),
        "departure less arrival, else 90 %": sum(
            u if d is None else d for u, d in zip(usual, differences, strict=True)
        ),
    }
    for way, tonnes in ways.items():
        tally.totals.setdefault(way, []).append(tonnes / truth - 1)
    total, baseline = volume.barrels.total, volume.barrels.baseline
    seen = cargo_of(season.visits, np.array(season.seen))
    tally.seen_error.append(baseline.p50 / barrel / seen - 1)
    tally.total_inside.append(total.p05 <= truth * barrel <= total.p95)
    tally.baseline_inside.append(baseline.p05 <= seen * barrel <= baseline.p95)
    count, unseen = volume.visits.seen, volume.visits.unseen
    tally.count_error.append(count + unseen.p50 - len(season.visits))
    tally.count_inside.append(count + unseen.p05 <= len(season.visits) <= count + unseen.p95)


def _count_name(tally: Tally, season: PaperSeason, visit: Visit, true: TrueVisit, gsd: float) -> None:
    """Whether the first of the ranked names is hers, "none of these" where she is in no register."""
    ship = season.ships[true.ship]
    right = visit.identity[0].imo == (ship.listed.imo if ship.registered else None)
    (tally.named_fine if gsd < 1 else tally.named_coarse).append(right)


def _count_visit(tally: Tally, season: PaperSeason, visit: Visit, true: TrueVisit) -> None:
    arrived = START + timedelta(days=true.arrival)
    tally.window.append(visit.arrival_window[0] <= arrived <= visit.arrival_window[1])
    if visit.status != "measured" or visit.departure is None:
        return
    low, high = visit.departure.interval90
    tally.load_error.append(visit.departure.fraction - true.fill)
    tally.load_inside.append(low <= true.fill <= high)
    tally.usual_error.append(USUAL - true.fill)
    difference = _difference(season, visit)
    if difference is not None and visit.capacity is not None:
        tally.difference_error.append(difference / visit.capacity.value - true.fill)


def _difference(season: PaperSeason, visit: Visit) -> float | None:
    """The naive cargo of a pair: deadweight on board at the last look less that at the first [t]."""
    if visit.evidence != "pair":
        return None
    ships = {(r.scene_id, d.id): d for r in season.results for d in r.detections}
    looks = [ships[pair] for pair in zip(visit.scene_ids, visit.detection_ids, strict=True)]
    loads = [look.load.deadweight_on_board for look in looks if look.load is not None]
    return loads[-1] - loads[0]


def _figures(tally: Tally, years: dict[float, Years], speed: tuple[int, int, float, float]) -> Table:
    def points(errors: Sequence[float]) -> str:
        return f"{100 * np.mean(np.abs(errors)):.1f} points (mean {100 * np.mean(errors):+.1f})"

    rows = [
        ("recall of visits that a clear image shows", _share(tally.recall), ">= 95 %", ""),
        ("invented visits a season", f"{np.mean(tally.invented):.2f}", "<= 2", f"most {max(tally.invented)}"),
        ("arrival inside its window", _share(tally.window), ">= 95 %", f"{len(tally.window)} visits"),
        (
            "ship right at first rank, of visits seen at 0.5 m",
            _share(tally.named_fine),
            ">= 90 %",
            f"{len(tally.named_fine)} visits",
        ),
        (
            "ship right at first rank, of visits seen at 3 m alone",
            _share(tally.named_coarse),
            ">= 60 %",
            f"{len(tally.named_coarse)} visits",
        ),
        ("load where measured, mean absolute error", points(tally.load_error), "<= 6 points", ""),
        (
            "load where measured, truth in the 90 % interval",
            _share(tally.load_inside),
            "85 to 97 %",
            f"{len(tally.load_inside)} visits",
        ),
        ("the same visits, every ship at 90 %", points(tally.usual_error), "", "fills are 80 to 95 %"),
        (
            "the same visits, departure less arrival",
            points(tally.difference_error),
            "",
            f"{len(tally.difference_error)} visits",
        ),
        ("seen visits with a measured departure", _share(tally.measured), "", ""),
        (
            "number of visits with the unseen, p50 less truth",
            f"{np.mean(tally.count_error):+.2f}",
            "",
            f"{_share(tally.hidden)} never seen",
        ),
        ("number of visits, truth in p05..p95", _share(tally.count_inside), ">= 90 %", ""),
        *_tonnes(tally),
        *_unseen(years),
        (
            f"{speed[0]} scenes' results to visits and volume",
            f"{speed[2]:.1f} s",
            "< 20 s on two cores",
            f"processor time of one process, {speed[1]} visits, draws as by default",
        ),
        ("peak memory of the same", f"{speed[3]:.0f} MiB", "< 1,000 MiB", "a process of its own"),
    ]
    return Table(
        title="Season: what is asked for",
        columns=("figure", "value", "target", "of"),
        rows=rows,
        note=f"Simulated on paper, no pixels: {SEASONS} seasons of {WORLD.days} days, daily passes, two"
        f" berths, ten ships in the register, arrivals in ballast, fills of 80 to 95 %, stays of one to three"
        f" days, {100 * WORLD.cloud:.0f} % cloud and one calendar month overcast, half of the passes at 3 m"
        f" without freeboard, image error {WORLD.image_sigma:g} m, deck edge 0.12 m a ship, decks as alike"
        " between looks and between ships as simulated pairs show.",
    )


def _tonnes(tally: Tally) -> list[tuple[str, str, str, str]]:
    """Rows on the season's tonnes, with what chance leaves to anybody."""

    def off(way: str) -> str:
        return f"{100 * np.mean(np.abs(tally.totals[way])):.1f} %"

    held = tally.total_inside
    naive = off("seen visits only, each at 90 %")
    return [
        (
            "season's tonnes with the unseen, p50, mean absolute error",
            off("plimsoll, total"),
            "<= 6 %",
            f"chance alone {off(CHANCE)}; the rate to be learned {off(STAYS_KNOWN)}; seen at 90 %: {naive}",
        ),
        (
            "the same, mean error",
            f"{100 * np.mean(tally.totals['plimsoll, total']):+.1f} %",
            "",
            f"standard error {100 * np.std(tally.totals['plimsoll, total']) / np.sqrt(len(held)):.1f} %",
        ),
        (
            "season's tonnes, truth in p05..p95",
            f"{sum(held)} of {len(held)}",
            "90 % of them",
            f"for who knows rate and stays {sum(tally.oracle_inside)}",
        ),
        (
            "tonnes of the seen, mean absolute error",
            f"{100 * np.mean(np.abs(tally.seen_error)):.1f} %",
            "",
            "",
        ),
    ]


def _unseen(years: dict[float, Years]) -> list[tuple[str, str, str, str]]:
    """Rows on simulated years."""
    rows = []
    for cloud, found in years.items():
        bias, chance = found.bias(found.mean)
        of = f"{len(found.truth)} years; by p50 {found.bias(found.middle.astype(np.float64))[0]:+.1f} %"
        name = f"years at {100 * cloud:.0f} % cloud"
        rows.append((f"{name}: mean error of the total", f"{bias:+.1f} % ± {chance:.1f}", "below 3 %", of))
        rows.append((f"{name}: missed in the 95 % interval", _share(found.inside), "90 to 99 %", ""))
    return rows


def _totals(tally: Tally) -> Table:
    inside = {"plimsoll, total": tally.total_inside, "plimsoll, baseline": tally.baseline_inside}
    errors_by_way = {**tally.totals, "plimsoll, baseline, against the seen alone": tally.seen_error}
    rows = [
        (
            way,
            f"{100 * np.mean(errors):+.1f} %",
            f"{100 * np.mean(np.abs(errors)):.1f} %",
            f"{100 * np.max(np.abs(errors)):.1f} %",
            _share(inside[way]) if way in inside else "",
        )
        for way, errors in errors_by_way.items()
    ]
    return Table(
        title="Season: tonnes by way of counting",
        columns=("way", "mean error", "mean absolute error", "worst", "truth in p05..p95"),
        rows=rows,
        note="Simulated on paper. Against all that left, seen or not, but for the last row; the baseline's"
        " interval is held against what was seen, and takes the visits as found: two that were taken for one"
        " are not in it. Target: within 6 %, truth inside p05..p95. Chance alone is the seen as they were,"
        " and the unseen to expect at the true rate and stays; learning the rate from the seen costs more."
        " Departure less arrival is taken where both were measured.",
    )


def _wider(wider: dict[str, Tally]) -> Table:
    rows = [
        (
            name,
            _share(tally.recall),
            f"{np.mean(tally.invented):.1f}",
            _share(tally.window),
            f"{_share(tally.named_fine)} / {_share(tally.named_coarse)}",
            f"{100 * np.mean(np.abs(tally.load_error)):.1f}",
            _share(tally.load_inside),
            f"{100 * np.mean(np.abs(tally.seen_error)):.1f} %",
            f"{100 * np.mean(tally.totals['plimsoll, total']):+.1f} %",
            f"{100 * np.mean(np.abs(tally.totals['plimsoll, total'])):.1f} %",
            _share(tally.total_inside),
        )
        for name, tally in wider.items()
    ]
    return Table(
        title="Season: wider worlds",
        columns=(
            "world",
            "recall",
            "invented",
            "arrival in window",
            "named at 0.5 / 3 m",
            "load error [points]",
            "load inside",
            "seen tonnes off",
            "total, mean",
            "total, absolute",
            "total inside",
        ),
        rows=rows,
        note=f"Simulated on paper: {WIDE_SEASONS} seasons each, otherwise as above.",
    )


def run_years(cloud: float) -> Years:
    """Missed visits of simulated years at one berth: stays of laws drawn from the prior."""
    rows = []
    for year in range(YEARS):
        rng = np.random.default_rng(YEARS_SEED * round(10 * cloud) + year)
        law = (5.0, PRIOR[0] * PRIOR[1] ** rng.standard_normal(), rng.choice([0.25, 0.35, 0.5, 0.7, 0.9]))
        looks, missed, number = simulate(rng, cloud, law)
        found = infer_unseen([looks], 365.0, stay=PRIOR, seed=year)
        low, middle, high = np.searchsorted(np.cumsum(found.probability), [0.025, 0.5, 0.975])
        mean = found.probability @ np.arange(len(found.probability))
        rows.append((missed, number, mean, middle, low <= missed <= high))
    truth, every, mean, middle, inside = (np.array(column) for column in zip(*rows, strict=True))
    return Years(truth=truth, every=every, mean=mean, middle=middle, inside=inside)


def _years(years: dict[float, Years]) -> Table:
    """Missed visits of simulated years at one berth against their intervals."""
    rows = [
        (
            f"{100 * cloud:.0f} % cloud",
            _share(found.inside),
            "{:+.1f} % ± {:.1f}".format(*found.bias(found.mean)),
            "{:+.1f} % ± {:.1f}".format(*found.bias(found.middle.astype(np.float64))),
            f"{100 * np.abs(found.mean - found.truth).sum() / found.every.sum():.1f} %",
            f"{-100 * found.truth.sum() / found.every.sum():.1f} %",
        )
        for cloud, found in years.items()
    ]
    return Table(
        title="Season: missed visits of simulated years",
        columns=(
            "years",
            "missed in the 95 % interval",
            "total, by the mean",
            "by p50",
            "absolute",
            "seen alone",
        ),
        rows=rows,
        note=f"Simulated: {YEARS} years each, one berth, daily passes, idle five days in the mean, stays of"
        " laws drawn from the prior. Targets: 90 to 99 %, mean error of the total below 3 %; ± is the"
        " standard error that so few years leave. A median lies below the mean of a skewed count.",
    )


def measure_speed() -> tuple[int, int, float, float]:
    """(scenes, visits, seconds of processor time, peak MiB) from stored results to both documents."""
    season = draw_season(np.random.default_rng(99), MANY, quick(Config()))
    start = time.process_time()
    visits, _ = measure_season(season.results, season.site, season.fleet, Config())
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return len(season.results), len(visits.visits), seconds, peak


def _share(values: npt.ArrayLike) -> str:
    return f"{100 * np.mean(np.asarray(values, dtype=np.float64)):.1f} %"
