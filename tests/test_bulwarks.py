"""A bulwark is one of a hull's constants: taken out of a curve exactly, counted once over several images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from called_ships import CalledShip, departures, draw_called_ship
from paper_season import make_freeboard

from pipeline.bulwarks import combine_curves, with_bulwark, without_bulwark
from pipeline.config import Config, LoadConfig
from pipeline.load import calibrate_loads
from pipeline.readings import Freeboard

SHARE = 0.08
GRID = np.arange(0.0, 12.0, 0.05)


def look(value: float, probability: float = SHARE, sigma: float = 0.15) -> Freeboard:
    """A reading whose curve holds the share of ships that have a bulwark."""
    plain = make_freeboard(value, sigma)
    mixed = with_bulwark(plain.curve.freeboards(), np.array(plain.curve.log_likelihood), probability)
    curve = replace(plain.curve, log_likelihood=tuple(np.maximum(mixed, -60.0).tolist()))
    return replace(plain, curve=curve, bulwark=probability, bulwark_share=SHARE)


def walled(looks: list[Freeboard], value: float) -> float:
    """Probability of a deck half a metre or more below what was read."""
    density = np.exp(combine_curves(looks, GRID))
    return float(density[value - 0.5 > GRID].sum() / density.sum())


@pytest.mark.parametrize("probability", [0.0, 0.08, 0.45])
def test_a_bulwark_is_taken_out_of_a_curve_as_it_was_put_in(probability: float) -> None:
    plain, found = make_freeboard(3.3, 0.4).curve, look(3.3, probability, 0.4).curve
    before = np.exp(plain.log_likelihood)
    assert np.exp(without_bulwark(found, probability)) == pytest.approx(before, abs=2e-3)


def test_one_image_reads_as_its_curve_says() -> None:
    one = look(3.0, 0.3)
    density = np.exp(np.interp(GRID, one.curve.freeboards(), one.curve.log_likelihood))
    found = np.exp(combine_curves([one], GRID))
    assert found / found.sum() == pytest.approx(density / density.sum(), abs=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_several_images_hold_the_share_once(count: int) -> None:
    """Adding the curves, five images would leave no more than four in a million of it."""
    assert walled([look(3.0)] * count, 3.0) == pytest.approx(SHARE, rel=0.05)


def test_strips_of_shade_in_two_images_speak_together() -> None:
    """Bayes: prior odds, and what each image adds to them."""
    prior, seen = SHARE / (1 - SHARE), 0.4 / 0.6
    odds = prior * (seen / prior) ** 2
    assert walled([look(3.0, 0.4)] * 2, 3.0) == pytest.approx(odds / (1 + odds), rel=0.05)


def with_share(ship: CalledShip) -> CalledShip:
    """The ship with looks whose curves hold the share of bulwarks."""
    results = []
    for result in ship.results:
        (seen,) = result.detections
        assert seen.freeboard is not None
        measured = look(seen.freeboard.value, SHARE, seen.freeboard.sigma)
        results.append(replace(result, detections=(replace(seen, freeboard=measured),)))
    return replace(ship, results=tuple(results))


def test_other_calls_tell_a_bulwark() -> None:
    """Six calls of a ship whose bulwark reads as 0.9 m more freeboard each time, and six of one without."""
    config = Config(load=LoadConfig(draws=500))
    for height, worst in ((0.9, 0.06), (0.0, 0.06)):
        before, after = [], []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            one = with_share(draw_called_ship(rng, calls=6, unknown=(), config=config, edge=height))
            results, _ = calibrate_loads(one.results, (one.listed,), water_density=1024.0, config=config)
            before.append((departures(one.results)[:, 0] - one.cargo) / one.capacity)
            after.append((departures(results)[:, 0] - one.cargo) / one.capacity)
        assert np.mean(np.abs(after)) < worst
        if height:
            assert np.mean(np.abs(after)) < 0.5 * np.mean(np.abs(before))
