"""Freeboard from pixels of three metres: laden told from ballast, or refused."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hull_world import ORIGIN, World, detection_of, render

from pipeline.config import FreeboardConfig
from pipeline.datatypes import Chip, Grid, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard import measure_freeboard
from pipeline.freeboard.deep import Beside, deep_shadow
from pipeline.freeboard.expected import expected_sigma, largest_sigma
from pipeline.readings import Freeboard

CONFIG = FreeboardConfig()
VIEW = ViewGeometry(incidence_angle=8.0, azimuth=290.0, sun_elevation=34.0, sun_azimuth=140.0, source="stac")
SHIP = World(gsd=3.0, length=150, beam=24.0, view=VIEW, waves=0.03, samples=6, margin=90.0, traced=1.3)


@lru_cache(maxsize=8)
def read(freeboard: float, seed: int, shade: float = 0.6) -> Freeboard | Refused:
    world = replace(SHIP, freeboard=freeboard, volume=shade)
    return measure(world, seed)


def measure(world: World, seed: int) -> Freeboard | Refused:
    detection = detection_of(world, seed=seed, blur=0.6)
    return measure_freeboard(
        render(world, seed=seed), detection, world.view, beam=None, blocked=None, config=CONFIG
    )


@pytest.mark.parametrize("shade", [0.25, 0.9])
def test_laden_is_told_from_ballast(shade: float) -> None:
    """Whether shadows are deep or shallow: their level is read beside the accommodation block."""
    for seed in (1, 2):
        laden, ballast = read(3.0, seed, shade), read(7.5, seed, shade)
        assert isinstance(laden, Freeboard)
        assert isinstance(ballast, Freeboard)
        assert laden.value + 1.5 < ballast.value
        for found, truth in ((laden, 3.0), (ballast, 7.5)):
            assert abs(found.value - truth) < 2.5 * found.sigma
            assert found.sigma < largest_sigma(3.0, 24.0, CONFIG) + 0.3


@pytest.mark.parametrize("gap", [2.0, 5.0])
def test_a_jetty_on_the_shadow_side_is_refused(gap: float) -> None:
    for seed in (1, 2, 3):
        world = replace(SHIP, freeboard=4.0, jetty=-gap)
        found = measure(world, seed)
        assert isinstance(found, Refused)
        assert found.code in ("shadow-not-on-water", "edge-unresolved")


def test_the_limit_of_coarse_pixels_grows_with_the_beam() -> None:
    """The deck moves by 0.19 beams from ballast to her marks; 19 pairs in 20 are told by d / 2.33."""
    assert largest_sigma(0.5, 30.0, CONFIG) == CONFIG.max_expected_sigma
    assert largest_sigma(3.0, 30.0, CONFIG) == pytest.approx(0.07 * 30.0)
    assert largest_sigma(3.0, 10.0, CONFIG) == CONFIG.max_expected_sigma
    wide, narrow = (expected_sigma(VIEW, 30.0, 3.0, beam=beam) for beam in (24.0, 11.0))
    assert wide < largest_sigma(3.0, 24.0, CONFIG)
    assert narrow > 0.5


def lit_sea(level: float, patch: tuple[slice, slice], depth: float) -> Chip:
    rng = np.random.default_rng(1)
    pixels = level * (1 + 0.01 * rng.standard_normal((1, 80, 80)))
    pixels[0][patch] *= depth
    grid = Grid(shape=(80, 80), to_ground=(3.0, 0.0, -120.0, 0.0, -3.0, 120.0), origin=ORIGIN)
    valid = np.ones((80, 80), dtype=np.bool_)
    return Chip(pixels=pixels.astype(np.float32), valid=valid, bands=("red",), grid=grid, calibrated=True)


def test_level_of_a_full_shadow_is_read_where_it_is_broad() -> None:
    """A ship heading north whose block throws a patch of four by five pixels to port, at 0.4 of the sea."""
    patch = (slice(52, 57), slice(32, 36))
    chip = lit_sea(0.06, patch, 0.4)
    water = np.array([[0.06, 0.0006, 0.0002]])
    where = Beside(0.0, (0.0, 0.0), -1, 9.0, 120.0, 1.2)
    found = deep_shadow(chip, np.array([[1.0]]), None, where, water)
    assert found is not None
    assert found[0, 0] == pytest.approx(0.4 * 0.06, abs=0.03 * 0.06)
    assert found[0, 1] < 0.08 * 0.06
    elsewhere = where._replace(side=1)
    assert deep_shadow(chip, np.array([[1.0]]), None, elsewhere, water) is None
    narrow = where._replace(slope=0.2)
    assert deep_shadow(chip, np.array([[1.0]]), None, narrow, water) is None
    hidden = np.zeros((80, 80), dtype=np.bool_)
    hidden[patch] = True
    assert deep_shadow(chip, np.array([[1.0]]), hidden, where, water) is None
