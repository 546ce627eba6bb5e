"""Visits and barrels over seasons on paper, beside the naive ways, and the time a thousand scenes take.

Simulated on paper, without pixels: see `paper_season`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from paper_season import START, PaperSeason, TrueVisit, World, cargo_of, draw_season, quick

from bench.table import Table
from pipeline.config import Config
from pipeline.products import Visit, VisitsDocument, VolumeDocument
from pipeline.visits import group_visits
from pipeline.volume import barrels_per_tonne, estimate_volume

SEASONS, FIRST_SEED = 20, 500
"""Not the seasons that the tracking was tried out on, which are the first ten."""
WORLD = World(days=135, per_day=0.33, overcast=(95.0, 126.0))
MANY = World(days=997, per_day=0.33)
USUAL = 0.9
"""Fill that reports assume of every ship [1]."""


@dataclass(slots=True)
class Tally:
    """What the seasons gave, one entry a season or a visit."""

    recall: list[float] = field(default_factory=list)
    invented: list[int] = field(default_factory=list)
    window: list[bool] = field(default_factory=list)
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
    total_inside: list[bool] = field(default_factory=list)
    baseline_inside: list[bool] = field(default_factory=list)


def tables() -> list[Table]:
    """Visits and loads, the season's tonnes beside the naive ways, speed."""
    config = quick(Config())
    tally = Tally()
    for seed in range(FIRST_SEED, FIRST_SEED + SEASONS):
        season = draw_season(np.random.default_rng(seed), WORLD, config)
        visits, volume = season.run(config)
        _count(tally, season, visits, volume)
    return [_visits(tally), _totals(tally), _speed(config)]


def _count(tally: Tally, season: PaperSeason, visits: VisitsDocument, volume: VolumeDocument) -> None:
    matched = season.matches(visits)
    found = {k for k in matched if k is not None}
    tally.recall.append(sum(k in found for k, seen in enumerate(season.seen) if seen) / sum(season.seen))
    tally.invented.append(sum(k is None for k in matched))
    tally.measured.append(np.mean([v.status == "measured" for v in visits.visits]).item())
    tally.hidden.append(1 - np.mean(season.seen).item())
    for visit, k in zip(visits.visits, matched, strict=True):
        if k is not None:
            _count_visit(tally, season, visit, season.visits[k])
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
    tally.total_inside.append(total.p05 <= truth * barrel <= total.p95)
    tally.baseline_inside.append(baseline.p05 <= seen * barrel <= baseline.p95)
    count, unseen = volume.visits.seen, volume.visits.unseen
    tally.count_error.append(count + unseen.p50 - len(season.visits))
    tally.count_inside.append(count + unseen.p05 <= len(season.visits) <= count + unseen.p95)


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


def _visits(tally: Tally) -> Table:
    def points(errors: Sequence[float]) -> str:
        return f"{100 * np.mean(np.abs(errors)):.1f} points (mean {100 * np.mean(errors):+.1f})"

    rows = [
        ("recall of visits that a clear image shows", _share(tally.recall), ">= 95 %", ""),
        ("invented visits a season", f"{np.mean(tally.invented):.2f}", "<= 2", f"most {max(tally.invented)}"),
        ("arrival inside its window", _share(tally.window), ">= 95 %", f"{len(tally.window)} visits"),
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
    ]
    return Table(
        title="Season: visits and loads",
        columns=("figure", "value", "target", "of"),
        rows=rows,
        note=f"Simulated on paper, no pixels: {SEASONS} seasons of {WORLD.days} days, daily passes, two"
        f" berths, ten ships in the register, {100 * WORLD.cloud:.0f} % cloud and one month overcast,"
        f" {100 * WORLD.coarse:.0f} % of the passes at 3 m without freeboard, image error"
        f" {WORLD.image_sigma:g} m, deck edge 0.12 m a ship.",
    )


def _totals(tally: Tally) -> Table:
    inside = {"plimsoll, total": tally.total_inside, "plimsoll, baseline": tally.baseline_inside}
    rows = [
        (
            way,
            f"{100 * np.mean(errors):+.1f} %",
            f"{100 * np.mean(np.abs(errors)):.1f} %",
            f"{100 * np.max(np.abs(errors)):.1f} %",
            _share(inside[way]) if way in inside else "",
        )
        for way, errors in tally.totals.items()
    ]
    return Table(
        title="Season: tonnes by way of counting",
        columns=("way", "mean error", "mean absolute error", "worst", "truth in p05..p95"),
        rows=rows,
        note="Simulated on paper. Against all that left, seen or not; the baseline's interval is held against"
        " what was seen, and takes the visits as found: two that were taken for one are not in it. Target:"
        " total within 6 %, truth inside p05..p95. Departure less arrival is taken where both were measured.",
    )


def _speed(config: Config) -> Table:
    """From stored results to both documents, as many draws as by default."""
    season = draw_season(np.random.default_rng(99), MANY, config)
    full = replace(config, volume=Config().volume)
    start = time.perf_counter()
    visits = group_visits(season.results, season.site, season.fleet, config=full)
    middle = time.perf_counter()
    estimate_volume(visits, season.results, season.fleet, config=full)
    stop = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Table(
        title="Season: time from results to documents",
        columns=("scenes", "visits", "to visits [s]", "to volume [s]", "peak memory [MiB]", "target"),
        rows=[
            (
                len(season.results),
                len(visits.visits),
                middle - start,
                stop - middle,
                round(peak),
                "< 20 s, < 1 GB",
            )
        ],
        note=f"One process, {full.volume.draws} draws; memory is that of the whole bench so far.",
    )


def _share(values: Sequence[float]) -> str:
    return f"{100 * np.mean(values):.1f} %"
