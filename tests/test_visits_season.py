"""Whole seasons on paper, of known truth: looks in, visits and barrels out."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pytest
from paper_season import START, PaperSeason, World, cargo_of, draw_season, quick

from pipeline.config import Config
from pipeline.products import VisitsDocument, VolumeDocument
from pipeline.run import measure_season
from pipeline.volume import barrels_per_tonne

CONFIG = quick(Config(), draws=800)
FINE = World(coarse=0.0)
"""Sixty days at 0.5 m, two berths, ten ships, 40 % cloud."""
DIESEL = float(barrels_per_tonne(840.0))
Run = tuple[PaperSeason, VisitsDocument, VolumeDocument]


@lru_cache(maxsize=16)
def run(seed: int) -> Run:
    season = draw_season(np.random.default_rng(seed), FINE, CONFIG)
    return (season, *season.run(CONFIG))


def missed(runs: Sequence[Run]) -> int:
    """Visits that a clear look shows and that were not found."""
    count = 0
    for season, visits, _ in runs:
        found = set(season.matches(visits))
        count += sum(seen and k not in found for k, seen in enumerate(season.seen))
    return count


def invented(runs: Sequence[Run]) -> int:
    return sum(k is None for season, visits, _ in runs for k in season.matches(visits))


def holds(each: Run) -> bool:
    """Whether the truth's total is in the interval."""
    season, _, volume = each
    total = volume.barrels.total
    return total.p05 <= cargo_of(season.visits) * DIESEL <= total.p95


def test_a_season_of_known_truth() -> None:
    season, visits, volume = run(0)
    assert sum(season.seen) > 10
    assert missed([run(0)]) == 0
    assert invented([run(0)]) == 0
    assert holds(run(0))
    seen = cargo_of(season.visits, np.array(season.seen)) * DIESEL
    assert volume.barrels.baseline.p05 <= seen <= volume.barrels.baseline.p95
    assert volume.visits.seen == len(visits.visits) == sum(season.seen)
    assert visits.simulated
    assert volume.simulated


def test_ten_seasons_of_known_truth() -> None:
    runs = [run(seed) for seed in range(10)]
    visible = sum(sum(season.seen) for season, _, _ in runs)
    assert missed(runs) <= 0.03 * visible
    assert invented(runs) <= 3
    assert sum(holds(each) for each in runs) >= 7


def test_windows_and_loads_hold_the_truth() -> None:
    windows: list[bool] = []
    inside: list[bool] = []
    errors: list[float] = []
    for season, visits, _ in (run(seed) for seed in range(10)):
        for visit, k in zip(visits.visits, season.matches(visits), strict=True):
            if k is None:
                continue
            true = season.visits[k]
            arrived, left = (START + timedelta(days=d) for d in (true.arrival, true.departure))
            windows.append(visit.arrival_window[0] <= arrived <= visit.arrival_window[1])
            # She may have gone from her berth to the anchorage, but not have left before her last look.
            assert visit.departure_window[0] <= left
            if visit.status == "measured" and visit.departure is not None:
                low, high = visit.departure.interval90
                inside.append(low <= true.fill <= high)
                errors.append(abs(visit.departure.fraction - true.fill))
    assert len(windows) > 90
    assert np.mean(windows) >= 0.93
    assert len(errors) > 40
    assert np.mean(errors) <= 0.06
    assert np.mean(inside) >= 0.85


def test_departure_less_arrival_would_be_far_too_low() -> None:
    wrong: list[float] = []
    right: list[float] = []
    for season, visits, _ in (run(seed) for seed in range(4)):
        ships = {(r.scene_id, d.id): d for r in season.results for d in r.detections}
        for visit, k in zip(visits.visits, season.matches(visits), strict=True):
            if visit.evidence != "pair" or k is None:
                continue
            looks = [ships[pair] for pair in zip(visit.scene_ids, visit.detection_ids, strict=True)]
            loads = [look.load.deadweight_on_board for look in looks if look.load is not None]
            wrong.append((loads[-1] - loads[0]) / season.visits[k].cargo - 1)
            right.append(visit.cargo_loaded.value / season.visits[k].cargo - 1)
    assert len(wrong) >= 5
    assert np.mean(wrong) < -0.15
    assert abs(np.mean(right)) < 0.05


@pytest.mark.parametrize("reverse", [False, True])
def test_the_same_looks_give_the_same_bytes(reverse: bool) -> None:
    season, visits, volume = run(0)
    results = season.results[::-1] if reverse else season.results
    again, barrels = measure_season(results, season.site, season.fleet, CONFIG)
    for first, second in ((visits, again), (volume, barrels)):
        texts = [json.dumps(asdict(d), default=str, allow_nan=False) for d in (first, second)]
        assert texts[0] == texts[1]


def test_a_season_without_particulars_is_wider_and_still_holds() -> None:
    blind = World(coarse=0.0, known=False)
    season = draw_season(np.random.default_rng(0), blind, CONFIG)
    visits, volume = season.run(CONFIG)
    assert missed([(season, visits, volume)]) == 0
    assert holds((season, visits, volume))
    known = {v.visit_id: v for v in run(0)[1].visits}
    pairs = [(v, known[v.visit_id]) for v in visits.visits if v.visit_id in known]
    terms = [
        (dict(b.budget).get("load-line", 0.0), dict(k.budget).get("load-line", 0.0))
        for b, k in pairs
        if b.status == k.status == "measured"
    ]
    assert terms
    assert all(rule > register for rule, register in terms)
