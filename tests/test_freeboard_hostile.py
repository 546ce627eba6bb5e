"""What is no ship alone on the sea: refused with a code of the contract, or the interval holds the truth."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hull_world import ORIGIN, World, detection_of, render

from pipeline.config import FreeboardConfig
from pipeline.datatypes import BoolArray, Chip, Detection, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard import expected_sigma, measure_freeboard, open_sides
from pipeline.freeboard.azimuth import with_turned
from pipeline.freeboard.block import BLOCK_FRONT, BLOCK_TOP, LEAST_CLEAR, clear_share
from pipeline.freeboard.combine import summarise
from pipeline.freeboard.lean import block_offset, judge_azimuth, lean_gap, lean_odds, turned_probability
from pipeline.freeboard.strip import pixels_about
from pipeline.geometry import ground_to_lonlat, pixel_to_ground, shift_per_metre, ship_axes
from pipeline.readings import Freeboard

CODES = {"no-geometry", "gsd-too-coarse", "geometry-blind", "shadow-not-on-water"} | {
    "clouded",
    "edge-unresolved",
    "outside-image",
}
SEEDS = (1, 2)
VIEW = ViewGeometry(incidence_angle=12.0, azimuth=285.0, sun_elevation=42.0, sun_azimuth=140.0, source="stac")
"""Heading 30: the sun stands to starboard, the shadow falls to port."""
SHIP = World(freeboard=3.6, length=78, beam=12.5, gsd=0.7, view=VIEW, waves=0.05, samples=2, traced=0.75)


@lru_cache(maxsize=4)
def alone(seed: int) -> Chip:
    return render(SHIP, seed=seed)


def measure(
    chip: Chip, detection: Detection, view: ViewGeometry = VIEW, blocked: BoolArray | None = None
) -> Freeboard | Refused:
    return measure_freeboard(chip, detection, view, beam=None, blocked=blocked, config=FreeboardConfig())


def assert_honest(found: Freeboard | Refused, truth: float) -> None:
    """Refused, or within three standard deviations and no more than a metre off."""
    if isinstance(found, Refused):
        assert found.code in CODES
        return
    assert abs(found.value - truth) < 3 * found.sigma
    assert found.interval90[0] - 0.15 < truth < found.interval90[1] + 0.15


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("gap", [-2.0, -4.0])
def test_a_tanker_that_is_a_pier(seed: int, gap: float) -> None:
    """The outline lies on the jetty, with a ship before it: what is read is the jetty's own height, 3 m."""
    world = replace(SHIP, jetty=gap)
    ship = detection_of(world, seed=seed)
    across = -(world.beam / 2 + abs(gap) + 7.5)
    centre = np.asarray(ship.centre) + across * ship_axes(world.heading)[1]
    pier = replace(ship, centre=(float(centre[0]), float(centre[1])), length=1.4 * world.length, beam=15.0)
    assert_honest(measure(render(world, seed=seed), pier), 3.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ship_cut_by_the_edge_of_the_image(seed: int) -> None:
    chip = alone(seed)
    rows, cols = chip.grid.shape
    row, col = np.mgrid[0:rows, 0:cols]
    ground = pixel_to_ground(chip.grid, np.stack([col + 0.5, row + 0.5], axis=-1))
    ahead = ground @ ship_axes(SHIP.heading)[0]
    for share, code in ((-0.05, "clouded"), (0.25, None)):
        cut = replace(chip, valid=chip.valid & (ahead < share * SHIP.length))
        found = measure(cut, detection_of(SHIP, seed=seed))
        assert code is None or (isinstance(found, Refused) and found.code == code)
        assert_honest(found, SHIP.freeboard)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ship_half_under_cloud(seed: int) -> None:
    """Across her, and along her on the side of the shadow: bright, soft, and only partly told."""
    chip = alone(seed)
    rows, cols = chip.grid.shape
    row, col = np.mgrid[0:rows, 0:cols]
    ground = pixel_to_ground(chip.grid, np.stack([col + 0.5, row + 0.5], axis=-1))
    bow, starboard = ship_axes(SHIP.heading)
    for place in (ground @ bow, -(ground @ starboard) - 9.0):
        veil = 1.0 / (1.0 + np.exp(-place / 4.0))
        under = replace(chip, pixels=(chip.pixels * (1 - veil) + 0.5 * veil).astype(np.float32))
        for told in (veil > 0.1, veil > 0.5, None):
            assert_honest(measure(under, detection_of(SHIP, seed=seed), blocked=told), SHIP.freeboard)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tug_on_the_shadow_side(seed: int) -> None:
    world = replace(SHIP, length=100.0, beam=16.5, tug=(-12.0, 9.0)[seed - 1])
    assert_honest(measure(render(world, seed=seed), detection_of(world, seed=seed)), world.freeboard)


@pytest.mark.parametrize("freeboard", [5.0, 7.0])
def test_a_neighbour_whose_deck_is_as_bright_as_the_sea(freeboard: float) -> None:
    """The tip lies on her; beyond it her deck passes for water in a sum of all bands (2.4 m low)."""
    view = replace(VIEW, azimuth=110.0)
    paint = (0.029, 0.048, 0.034, 0.053)
    ship = replace(SHIP, view=view, freeboard=freeboard, length=95.0, beam=16.0, deck=(0.2,) * 4, waves=0.03)
    world = replace(ship, gsd=0.5, neighbour=-3.0, neighbour_paint=paint)
    found = measure(render(world, seed=1), detection_of(world, seed=1), view)
    assert isinstance(found, Refused)
    assert found.code == "shadow-not-on-water"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_two_ships_abreast(seed: int, side: float) -> None:
    """One outline round one of them, and one round both."""
    world = replace(SHIP, neighbour=side * 2.5)
    chip, one = render(world, seed=seed), detection_of(world, seed=seed)
    assert_honest(measure(chip, one), world.freeboard)
    bow, starboard = ship_axes(world.heading)
    centre = np.asarray(one.centre) + side * (world.beam + 2.5) / 2 * starboard
    wide = 2 * world.beam + 2.5
    corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    ring = np.array([centre + a * one.length / 2 * bow + b * wide / 2 * starboard for a, b in corners])
    both = replace(
        one,
        outline=tuple((float(x), float(y)) for x, y in ground_to_lonlat(ORIGIN, ring)),
        centre=(float(centre[0]), float(centre[1])),
        beam=wide,
        beam_sigma=0.08 * wide,
    )
    assert_honest(measure(chip, both), world.freeboard)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("heel", [-2.0, 1.5])
def test_a_ship_with_a_list(seed: int, heel: float) -> None:
    world = replace(SHIP, heel=heel)
    assert_honest(measure(render(world, seed=seed), detection_of(world, seed=seed)), world.freeboard)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("incidence", "azimuth"), [(28.0, 285.0), (25.0, 110.0)])
def test_an_azimuth_that_is_half_a_turn_off(seed: int, incidence: float, azimuth: float) -> None:
    """The block leans the other way; the right azimuth is accused of nothing."""
    view = replace(VIEW, incidence_angle=incidence, azimuth=azimuth)
    world = replace(SHIP, view=view, traced=1.05)
    chip, ship = render(world, seed=seed), detection_of(world, seed=seed)
    right = measure(chip, ship, view)
    assert isinstance(right, Freeboard)
    assert right.azimuth_check != "contradicts"
    assert_honest(right, world.freeboard)
    wrong = measure(chip, ship, replace(view, azimuth=(azimuth + 180.0) % 360.0))
    assert isinstance(wrong, Refused)


def test_what_a_block_says_of_an_azimuth() -> None:
    """A block 8.5 m high on a ship of 100 m, seen from starboard by half a metre a metre: 4.3 m to port."""
    size = (100.0, 16.0)
    assert lean_gap(-4.25, 0.5, size) > 5.0
    assert lean_gap(4.25, 0.5, size) == pytest.approx(-lean_gap(-4.25, 0.5, size))
    assert lean_gap(0.0, 0.5, size) == pytest.approx(0.0)
    assert abs(lean_gap(-0.5, 0.05, size)) < 1.0
    assert judge_azimuth(lean_odds(0.0, lean_gap(4.25, 0.5, size))) == "contradicts"
    assert judge_azimuth(lean_odds(0.0, lean_gap(-4.25, 0.5, size))) == "agrees"
    assert judge_azimuth(lean_odds(10.0, -4.0)) == "undecided", "paint may fake the one, a roof the other"


def test_how_likely_an_azimuth_is_half_a_turn_off() -> None:
    """Bayes: one item in fifty where the image speaks against it, one in two where nobody vouches."""
    assert turned_probability(0.0, trusted=True) == 0.0
    assert turned_probability(-3.0, trusted=True) == pytest.approx(1 / (1 + 49 * np.exp(-3.0)))
    assert turned_probability(0.0, trusted=False) == pytest.approx(0.5)
    assert turned_probability(np.log(9.0), trusted=False) == pytest.approx(0.1)
    assert turned_probability(-np.log(49.0), trusted=True) == pytest.approx(0.5)


def test_a_curve_holds_both_senses_of_an_azimuth() -> None:
    """Two normals, one of them where the same shadow would put her; none where no ship of her beam floats."""
    grid = np.arange(0.0, 14.0, 0.05)
    curve = -0.5 * ((grid - 4.0) / 0.1) ** 2
    value, sigma = summarise(grid, with_turned(grid, curve, (0.5, 0.2), 8.0))
    assert value == pytest.approx(0.8 * 4.0 + 0.2 * 2.0, abs=1e-3)
    within = 0.8 * 0.1**2 + 0.2 * 0.05**2
    assert sigma**2 == pytest.approx(within + 0.8 * 0.2 * 2.0**2, rel=1e-2)
    for scale in (1.0, 3.0, 0.05):
        assert summarise(grid, with_turned(grid, curve, (scale, 0.2), 8.0)) == pytest.approx(
            (4.0, 0.1), rel=1e-3
        )


@pytest.mark.parametrize("turn", [0.0, 180.0])
def test_an_azimuth_for_which_nobody_vouches(turn: float) -> None:
    """Seen from nearly above nothing tells: said rightly or wrongly, the interval holds the truth."""
    view = replace(VIEW, incidence_angle=6.0)
    world = replace(SHIP, view=view)
    chip, ship = render(world, seed=1), detection_of(world, seed=1)
    view = replace(view, azimuth=(view.azimuth + turn) % 360.0)
    sure, open_ = measure(chip, ship, view), measure(chip, ship, replace(view, azimuth_trusted=False))
    assert isinstance(sure, Freeboard)
    assert isinstance(open_, Freeboard)
    assert open_.interval90[0] < world.freeboard < open_.interval90[1]
    assert open_.sigma > sure.sigma


@pytest.mark.parametrize(("painted", "neighbour"), [(0.0, False), (0.5, False), (0.0, True)])
def test_half_a_block_says_nothing_nor_do_two(painted: float, neighbour: bool) -> None:
    """Under a roof half in the deck's paint, or with a neighbour's beside, the middle is not the block's."""
    chip = alone(1)
    rows, cols = np.mgrid[0 : chip.grid.shape[0], 0 : chip.grid.shape[1]]
    ground = pixel_to_ground(chip.grid, np.stack([cols + 0.5, rows + 0.5], axis=-1))
    bow, starboard = ship_axes(SHIP.heading)
    ahead, across = ground @ bow, ground @ starboard - 1.5
    light = np.where((np.abs(ahead) < 39.0) & (np.abs(across) < 6.0), 0.1, 0.05)
    block = (np.abs(ahead + 30.0) < 4.0) & (np.abs(across) < 6.0)
    light[block & (across < 6.0 - 12.0 * painted)] = 0.5
    light[neighbour & (np.abs(ahead + 28.0) < 4.0) & (np.abs(across - 11.0) < 4.0)] = 0.5
    flat = replace(chip, pixels=np.broadcast_to(light.astype(np.float32), chip.pixels.shape))
    strip = pixels_about(flat, None, (SHIP.heading, (0.0, 0.0)), (20.0, 10.0))
    found = block_offset(flat, None, strip, (78.0, 12.5), (0.0, 0.5))
    assert found is None if painted or neighbour else found == pytest.approx(1.5, abs=0.4)


@pytest.mark.parametrize(("elevation", "off"), [(10.0, -10.0), (13.0, 16.0)])
def test_a_low_sun_from_astern_throws_the_shadow_of_the_block_along_the_side(
    elevation: float, off: float
) -> None:
    """It reaches from the block to the bow and is longer than the deck's all along."""
    view = replace(VIEW, sun_elevation=elevation, sun_azimuth=210.0 + off)
    world = replace(SHIP, view=view, length=100.0, beam=16.0)
    chip, ship = render(world, seed=3), detection_of(world, seed=3)
    assert_honest(measure(chip, replace(ship, heading_ambiguous=False), view), world.freeboard)
    assert_honest(measure(chip, replace(ship, heading_ambiguous=True), view), world.freeboard)


@pytest.mark.parametrize(("elevation", "off"), [(25.0, 20.0), (35.0, -20.0), (50.0, 20.0), (35.0, 160.0)])
def test_the_shadow_of_the_block_is_known_beforehand(elevation: float, off: float) -> None:
    """The share of the mid-body beside which rays find no shade but the deck's is the one forecast."""
    view = replace(VIEW, incidence_angle=0.0, sun_elevation=elevation, sun_azimuth=(210.0 + off) % 360.0)
    world = replace(SHIP, view=view, length=100.0, beam=16.0, waves=0.0, noise=0.0, traced=0.6)
    world = replace(world, house=(BLOCK_FRONT, BLOCK_TOP - world.freeboard / world.length))
    chip, across_sun = render(world, seed=1), shift_per_metre(view, world.heading)[0]
    rows, cols = np.mgrid[0 : chip.grid.shape[0], 0 : chip.grid.shape[1]]
    ground = pixel_to_ground(chip.grid, np.stack([cols + 0.5, rows + 0.5], axis=-1))
    bow, starboard = ship_axes(world.heading)
    ahead, outwards = ground @ bow, -np.sign(across_sun) * (ground @ starboard)
    beyond = outwards - world.beam / 2 - abs(across_sun) * world.freeboard
    beside = (np.abs(ahead) < 0.22 * world.length) & (np.abs(beyond - 2.0) < 0.6)
    light = chip.pixels[0]
    open_sea = np.median(light[outwards < -world.beam])
    found = float(np.mean(light[beside] > 0.8 * open_sea))
    assert clear_share(view, world.heading) == pytest.approx(found, abs=0.05)
    both = len(open_sides(view, world.heading)) == 2
    assert both == (found > LEAST_CLEAR)
    blind = expected_sigma(view, world.heading, 0.5, sides=(int(np.sign(across_sun)),))
    assert (expected_sigma(view, world.heading, 0.5) == blind) != both


def test_a_platform_that_is_no_brighter_than_the_crests_of_a_glittering_sea() -> None:
    """The mean over stations tells it from water that single pixels would not."""
    chip = render(SHIP, seed=4)
    rng = np.random.default_rng(4)
    rows, cols = np.mgrid[0 : chip.grid.shape[0], 0 : chip.grid.shape[1]]
    ground = pixel_to_ground(chip.grid, np.stack([cols + 0.5, rows + 0.5], axis=-1))
    bow, starboard = ship_axes(SHIP.heading)
    port, ahead = -(ground @ starboard), ground @ bow
    off = (np.abs(port) > SHIP.beam / 2 + 1.0) | (np.abs(ahead) > SHIP.length / 2 + 1.0)
    pixels = chip.pixels * np.where(off, np.exp(rng.normal(0, 0.45, off.shape)), 1.0)
    platform = (np.abs(port - SHIP.beam / 2 - 7.0) < 5.0) & (np.abs(ahead) < 0.4 * SHIP.length)
    sea = np.median(chip.pixels[:, off], axis=1)
    pixels[:, platform] = 1.7 * sea[:, None]
    told = measure(replace(chip, pixels=pixels.astype(np.float32)), detection_of(SHIP, seed=4))
    assert isinstance(told, Refused)
    assert told.code == "shadow-not-on-water"
