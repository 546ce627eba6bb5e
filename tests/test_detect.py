"""Ships drawn on water: found, sized, turned; quays learned; no berth called empty in doubt."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import DetectConfig
from pipeline.datatypes import BoolArray, Chip, CloudMask, Detection, Grid, Site, SiteFeature
from pipeline.detect import (
    assign_berth,
    find_doubtful,
    find_ships,
    learn_structure,
    project_structure,
    site_cells,
    survey_water,
)
from pipeline.geometry import axis_between, ground_to_lonlat, pixel_to_ground, ship_axes

Ship = tuple[tuple[float, float], float, float, float]
"""(centre, heading, length, beam)"""
ORIGIN = (133.0, 42.75)
BANDS = ("blue", "green", "red", "nir")
WATER = (0.05, 0.055, 0.035, 0.012)
DECK = (0.10, 0.12, 0.20, 0.24)
HOUSE = (0.45, 0.45, 0.45, 0.45)
QUAY = (0.22, 0.23, 0.24, 0.27)
CONFIG = DetectConfig()


def grid_of(gsd: float, reach: float = 300.0, turn: float = 0.0) -> Grid:
    count = round(2 * reach / gsd)
    c, s = gsd * np.cos(np.radians(turn)), gsd * np.sin(np.radians(turn))
    west, north = (
        -reach * (np.cos(np.radians(turn)) - np.sin(np.radians(turn))),
        reach * (np.cos(np.radians(turn)) + np.sin(np.radians(turn))),
    )
    return Grid(shape=(count, count), to_ground=(c, s, west, s, -c, north), origin=ORIGIN)


def draw(
    grid: Grid,
    ships: list[Ship],
    *,
    quays: list[tuple[float, float, float, float]] | None = None,
    seed: int = 1,
) -> Chip:
    """A chip with hulls (deck, house aft, pointed bow) and quays (west, south, east, north), blurred."""
    still = _draw_still(grid, tuple(ships), tuple(quays or ()))
    pixels = still + np.random.default_rng(seed).normal(0, 0.002, still.shape).astype(np.float32)
    valid = np.ones(grid.shape, bool)
    return Chip(pixels=pixels, valid=valid, bands=BANDS, grid=grid, calibrated=True)


@lru_cache(maxsize=2)
def _draw_still(
    grid: Grid, ships: tuple[Ship, ...], quays: tuple[tuple[float, float, float, float], ...]
) -> npt.NDArray[np.float32]:
    """(band, row, col) without noise: several looks show the same."""
    fine = 4 if grid.gsd > 2 else 2
    rows, cols = grid.shape
    a, b, c, d, e, f = grid.to_ground
    sub = Grid(
        shape=(rows * fine, cols * fine),
        to_ground=(a / fine, b / fine, c, d / fine, e / fine, f),
        origin=ORIGIN,
    )
    col, row = np.meshgrid(np.arange(cols * fine) + 0.5, np.arange(rows * fine) + 0.5)
    ground = pixel_to_ground(sub, np.stack([col, row], -1))
    east, north = ground[..., 0], ground[..., 1]
    planes = np.empty((4, *sub.shape), np.float32)
    planes[:] = np.reshape(WATER, (4, 1, 1))
    for west, south, far, top in quays:
        planes[:, (east > west) & (east < far) & (north > south) & (north < top)] = np.reshape(QUAY, (4, 1))
    for (x, y), heading, length, beam in ships:
        bow, starboard = ship_axes(heading)
        ahead = (east - x) * bow[0] + (north - y) * bow[1]
        side = (east - x) * starboard[0] + (north - y) * starboard[1]
        taper = np.clip((length / 2 - ahead) / (0.16 * length), 0, 1) ** 0.6
        hull = (np.abs(ahead) < length / 2) & (np.abs(side) < beam / 2 * taper)
        planes[:, hull] = np.reshape(DECK, (4, 1))
        house = hull & (ahead < -0.3 * length) & (ahead > -0.43 * length) & (np.abs(side) < 0.4 * beam)
        planes[:, house] = np.reshape(HOUSE, (4, 1))
    return np.stack(
        [cv2.resize(cv2.GaussianBlur(p, (0, 0), 0.6 * fine), (cols, rows), interpolation=cv2.INTER_AREA)
         for p in planes]
    )  # fmt: skip


def sky(chip: Chip, cloudy: BoolArray | None = None) -> CloudMask:
    none = np.zeros(chip.grid.shape, bool)
    return CloudMask(cloudy=none if cloudy is None else cloudy, shadowed=none, method="test")


def find(chip: Chip, cloudy: BoolArray | None = None) -> tuple[Detection, ...]:
    return find_ships(chip, sky(chip, cloudy), known=None, config=CONFIG)


@pytest.mark.parametrize(
    ("gsd", "ship", "tolerance"),
    [
        (0.5, ((20.0, -30.0), 35.0, 98.0, 16.0), (2.0, 1.2, 1.0)),
        (0.5, ((-60.0, 40.0), 250.0, 62.0, 10.5), (2.0, 1.2, 1.5)),
        (0.8, ((0.0, 0.0), 120.0, 183.0, 32.0), (3.0, 1.5, 1.0)),
        (3.0, ((10.0, 15.0), 300.0, 120.0, 18.0), (6.0, 4.0, 2.5)),
        (10.0, ((5.0, -40.0), 80.0, 183.0, 32.0), (14.0, 7.0, 4.0)),
    ],
)
def test_a_ship_is_found_with_her_size_and_heading(
    gsd: float, ship: Ship, tolerance: tuple[float, float, float]
) -> None:
    (found,) = find(draw(grid_of(gsd, 300.0 if gsd < 5 else 900.0, turn=7.0), [ship]))
    (x, y), heading, length, beam = ship
    assert np.hypot(found.centre[0] - x, found.centre[1] - y) < 2.5 + 0.5 * gsd
    assert found.length == pytest.approx(length, abs=tolerance[0])
    assert found.beam == pytest.approx(beam, abs=tolerance[1])
    assert axis_between(found.heading, heading) < tolerance[2]
    if gsd < 5:
        assert not found.heading_ambiguous
        assert abs((found.heading - heading + 180) % 360 - 180) < 10  # bow, not stern
    assert found.score > 0.7


@settings(max_examples=12, deadline=None)
@given(heading=st.floats(0, 360), length=st.floats(60, 180), seed=st.integers(0, 10**6))
def test_any_heading_and_length(heading: float, length: float, seed: int) -> None:
    ship = ((0.0, 0.0), heading, length, length / 6.3)
    (found,) = find(draw(grid_of(1.0, 200.0), [ship], seed=seed))
    assert found.length == pytest.approx(length, abs=4)
    assert axis_between(found.heading, heading) < 1.5
    assert abs(found.beam - length / 6.3) < 3.5 * found.beam_sigma


def test_empty_water_and_waves_hold_no_ship() -> None:
    chip = draw(grid_of(1.0), [])
    east, north = np.meshgrid(np.arange(600.0), np.arange(600.0))
    waves = 0.004 * np.sin(east / 6 + north / 9).astype(np.float32)
    glint = (0.02 * east / 600).astype(np.float32)
    rough = Chip(
        pixels=chip.pixels + waves + glint, valid=chip.valid, bands=BANDS, grid=chip.grid, calibrated=True
    )
    assert find(chip) == ()
    assert find(rough) == ()


def test_ships_are_numbered_from_north_west() -> None:
    ships: list[Ship] = [((-150.0, -150.0), 0.0, 80.0, 13.0), ((150.0, 180.0), 90.0, 90.0, 14.0)]
    found = find(draw(grid_of(1.0), ships))
    assert [d.id for d in found] == ["d1", "d2"]
    assert found[0].centre[1] > found[1].centre[1]


def test_a_cloud_hides_a_ship() -> None:
    chip = draw(grid_of(1.0), [((0.0, 0.0), 40.0, 90.0, 14.0)])
    cloudy = np.zeros(chip.grid.shape, bool)
    cloudy[150:450, 150:450] = True
    assert len(find(chip)) == 1
    assert find(chip, cloudy) == ()


def test_nothing_valid_is_no_ship() -> None:
    chip = draw(grid_of(2.0), [((0.0, 0.0), 40.0, 90.0, 14.0)])
    void = Chip(
        pixels=np.zeros_like(chip.pixels),
        valid=np.zeros(chip.grid.shape, bool),
        bands=BANDS,
        grid=chip.grid,
        calibrated=True,
    )
    assert find(void) == ()


def test_inputs_are_left_alone_and_outputs_repeat() -> None:
    chip = draw(grid_of(1.0), [((0.0, 0.0), 40.0, 90.0, 14.0)])
    before = chip.pixels.copy()
    first, second = find(chip), find(chip)
    np.testing.assert_array_equal(chip.pixels, before)
    assert first == second


# -------------------------------------------------------------------------------- the terminal's memory

PIER = (0.0, -120.0, 14.0, 120.0)
SHORE = (-300.0, -300.0, -200.0, 300.0)
TRESTLE = (-205.0, -112.0, 5.0, -104.0)
MOORED: Ship = ((-11.0, 10.0), 0.0, 98.0, 16.0)
"""West of the pier, three metres off."""


def ring(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    corners = ground_to_lonlat(ORIGIN, [(west, south), (east, south), (east, north), (west, north)])
    return tuple((float(x), float(y)) for x, y in corners)


SITE = Site(
    id="test",
    name="Test",
    features=(
        SiteFeature(id="aoi", role="aoi", outline=ring(-280, -280, 280, 280)),
        SiteFeature(id="west", role="berth", outline=ring(-34, -80, 0, 80)),
        SiteFeature(id="east", role="berth", outline=ring(14, -80, 48, 80)),
    ),
)


def terminal(gsd: float, ships: list[Ship], seed: int = 1) -> Chip:
    return draw(grid_of(gsd), ships, quays=[PIER, SHORE, TRESTLE], seed=seed)


def memory_of(gsd: float, looks: list[list[Ship]]) -> tuple[npt.NDArray[np.uint8] | None, Grid]:
    cells = site_cells(SITE, gsd)
    chips = [terminal(gsd, ships, seed=k) for k, ships in enumerate(looks)]
    return learn_structure([survey_water(chip, sky(chip), cells) for chip in chips]), cells


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
def test_a_ship_at_a_learned_pier_is_found_and_the_pier_is_not(gsd: float) -> None:
    empty, cells = memory_of(gsd, [[], [MOORED], [], [MOORED]])
    for ships in ([], [MOORED]):
        chip = terminal(gsd, ships, seed=9)
        known = project_structure(empty, cells, np.zeros(chip.grid.shape, bool), chip.grid)
        found = find_ships(chip, sky(chip), known=known, config=CONFIG)
        assert len(found) == len(ships)
        for ship in found:
            assert assign_berth(ship, SITE) == "west"
            assert ship.length == pytest.approx(98, abs=3 + 1.2 * gsd)
            assert axis_between(ship.heading, 0.0) < 3


def test_memory_needs_three_looks() -> None:
    assert memory_of(3.0, [[], []])[0] is None
    assert memory_of(3.0, [[], [], []])[0] is not None


def test_a_busy_berth_is_not_learned_as_structure() -> None:
    """Five looks of six show a ship; the one that shows water decides."""
    empty, cells = memory_of(3.0, [[MOORED]] * 5 + [[]])
    assert empty is not None
    chip = terminal(3.0, [MOORED], seed=8)
    known = project_structure(empty, cells, np.zeros(chip.grid.shape, bool), chip.grid)
    assert len(find_ships(chip, sky(chip), known=known, config=CONFIG)) == 1


def test_a_berth_with_something_in_it_is_doubtful() -> None:
    empty, cells = memory_of(1.0, [[], [], []])
    for ships, doubted in (([], frozenset()), ([MOORED], frozenset({"west"}))):
        chip = terminal(1.0, ships, seed=5)
        known = project_structure(empty, cells, np.zeros(chip.grid.shape, bool), chip.grid)
        assert find_doubtful(chip, sky(chip), SITE, known=known) == doubted


def test_without_memory_a_ship_at_the_shore_is_told_by_her_step() -> None:
    ship: Ship = ((-189.0, 30.0), 0.0, 120.0, 18.0)
    chip = draw(grid_of(5.0), [ship], quays=[SHORE])
    (found,) = find(chip)
    assert "quay-unknown" in found.flags
    assert found.length == pytest.approx(120, abs=15)
    assert np.hypot(found.centre[0] + 189, found.centre[1] - 30) < 10


def test_cells_are_the_same_for_like_sensors() -> None:
    assert site_cells(SITE, 0.5) == site_cells(SITE, 0.8)
    assert site_cells(SITE, 0.5) != site_cells(SITE, 3.0)
    cells = site_cells(SITE, 10.0)
    assert cells.gsd == pytest.approx(10.0)


def test_a_ship_half_outside_a_berth_lies_at_none() -> None:
    (found,) = find(draw(grid_of(1.0), [((-60.0, 0.0), 0.0, 98.0, 16.0)]))
    assert assign_berth(found, SITE) is None
