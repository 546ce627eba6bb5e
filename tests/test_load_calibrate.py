"""Several calls of one ship: her own errors shrink, and the intervals stay honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from called_ships import CalledShip, departures, draw_called_ship
from paper_season import make_site

from pipeline.config import Config, LoadConfig
from pipeline.datatypes import Identity
from pipeline.load import calibrate_loads
from pipeline.products import SceneResult
from pipeline.run import measure_season
from pipeline.visits import group_visits

CONFIG = Config(load=LoadConfig(draws=500))
CALLS = 6
NO_DEPTH = ("depth",)


@lru_cache(maxsize=32)
def ship(seed: int, edge: float | None = None) -> CalledShip:
    rng = np.random.default_rng(seed)
    return draw_called_ship(rng, calls=CALLS, unknown=NO_DEPTH, config=CONFIG, edge=edge)


def calibrated(results: Sequence[SceneResult], one: CalledShip) -> list[SceneResult]:
    return calibrate_loads(results, (one.listed,), water_density=1024.0, config=CONFIG)[0]


def test_other_calls_find_a_deck_edge_that_stands_off() -> None:
    """Ships whose measured freeboard is off by two sigma of the deck edge's prior in every image."""
    before, after, inside, shrunk = [], [], [], []
    for edge in (0.25, -0.25):
        for seed in range(3):
            one = ship(seed, edge)
            first, then = departures(one.results), departures(calibrated(one.results, one))
            before.append(np.mean(first[:, 0] - one.cargo) / one.capacity)
            after.append(np.mean(then[:, 0] - one.cargo) / one.capacity)
            inside.append((then[:, 2] <= one.cargo) & (one.cargo <= then[:, 3]))
            shrunk.append(then[:, 1].mean() / first[:, 1].mean())
    # of a ship's mean error, which no number of calls would average out, a good part goes
    assert np.mean(np.abs(before)) > 0.04
    assert np.mean(np.abs(after)) < 0.7 * np.mean(np.abs(before))
    assert np.mean(inside) >= 0.80
    assert np.mean(shrunk) < 0.95


def test_a_call_does_not_count_for_itself() -> None:
    """A departure that is misread moves the other calls' tables and leaves its own as it was."""
    one = ship(0)
    last = one.results[-1]
    curve = last.detections[0].freeboard
    assert curve is not None
    moved = replace(curve.curve, start=curve.curve.start + 0.4)
    wrong = replace(last.detections[0], freeboard=replace(curve, curve=moved, value=curve.value + 0.4))
    results = (*one.results[:-1], replace(last, detections=(wrong,)))
    right, changed = calibrated(one.results, one), calibrated(results, one)
    for here, there, same in ((right[-1], changed[-1], True), (right[1], changed[1], False)):
        tables = [r.detections[0].load.table for r in (here, there) if r.detections[0].load is not None]
        assert (tables[0] == tables[1]) is same


def test_one_call_stays_as_it_is() -> None:
    one = ship(0)
    results, flags = calibrate_loads(one.results[:2], (one.listed,), water_density=1024.0, config=CONFIG)
    assert results == list(one.results[:2])
    assert flags == ()


def test_a_ship_that_is_not_sure_stays_as_she_is() -> None:
    one = ship(0)
    doubt = (
        Identity(imo=one.listed.imo, name=one.listed.name, probability=0.6),
        Identity(imo=None, name=None, probability=0.4),
    )
    results = tuple(
        replace(r, detections=tuple(replace(d, identity=doubt) for d in r.detections)) for r in one.results
    )
    assert calibrated(results, one) == list(results)


def test_looks_that_cannot_be_one_ship_are_left_alone() -> None:
    """Two hulls of one size under one name, three metres apart in depth: no draw fits both."""
    one = ship(0)
    results = []
    for number, result in enumerate(one.results):
        found = result.detections[0].freeboard
        assert found is not None
        lift = 3.0 if number >= CALLS else 0.0
        curve = replace(found.curve, start=found.curve.start + lift)
        other = replace(result.detections[0], freeboard=replace(found, curve=curve, value=found.value + lift))
        results.append(replace(result, detections=(other,)))
    assert calibrated(results, one)[0] == results[0]


def test_the_order_of_scenes_does_not_matter() -> None:
    one = ship(0)
    assert calibrated(one.results[::-1], one)[::-1] == calibrated(one.results, one)


def test_the_flag_names_ship_and_calls() -> None:
    one = ship(0)
    _, (flag,) = calibrate_loads(one.results, (one.listed,), water_density=1024.0, config=CONFIG)
    assert flag.code == "calibrated"
    assert flag.message.startswith("SHIP 0")
    assert f"{CALLS} calls" in flag.message


def test_a_season_reads_ships_that_call_again() -> None:
    """The whole way: the visits' own terms shrink, and the season says so."""
    one = ship(0)
    site, fleet = make_site(), (one.listed,)
    alone = group_visits(one.results, site, fleet, config=CONFIG)
    visits, volume = measure_season(one.results, site, fleet, CONFIG)
    assert "calibrated" in {f.code for f in visits.flags}
    assert len(visits.visits) == len(alone.visits) == CALLS == volume.visits.seen
    for before, after in zip(alone.visits, visits.visits, strict=True):
        terms = [dict(v.budget) for v in (before, after)]
        assert terms[1]["load-line"] < terms[0]["load-line"]
        assert terms[1]["consumables"] == pytest.approx(terms[0]["consumables"], rel=0.1)
