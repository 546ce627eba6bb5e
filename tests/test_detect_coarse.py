"""Ships at pixels of some metres: foam told from hull, beams unblurred, dull sea skipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_detect import BANDS, CONFIG, SHORE, Ship, draw, grid_of, sky

from pipeline.clouds import find_clouds
from pipeline.config import CloudsConfig, IngestConfig
from pipeline.datatypes import Chip, Detection, Grid, QuayModel
from pipeline.detect import find_ships, search_ships
from pipeline.detect.glance import find_places
from pipeline.detect.mixed import measure_mixed
from pipeline.detect.outline import Box, Cover, refine_box
from pipeline.detect.wake import band_shift, lift_bands, solid_ends
from pipeline.detect.water import find_water
from pipeline.geometry import axis_between, ground_to_pixel, ship_axes
from pipeline.ingest import find_deliveries, read_chip, read_quays, read_scene

ROOT = Path(__file__).resolve().parents[1]
IMAGERY = ROOT.parent / "shared" / "imagery"
ALONG = np.arange(-300.0, 301.0, 5.0)


def between(low: float, high: float, blur: float = 8.0) -> npt.NDArray[np.float64]:
    """A blurred plateau on `ALONG`, half its height at both ends."""
    step = 5.0
    plateau = ((low < ALONG) & (high > ALONG)).astype(np.float64)
    return np.asarray(cv2.GaussianBlur(plateau[None], (0, 0), blur / step)[0], np.float64)


def find(chip: Chip) -> tuple[Detection, ...]:
    return find_ships(chip, sky(chip), known=None, config=CONFIG)


# ------------------------------------------------------------------------------------------- wakes


@settings(max_examples=25, deadline=None)
@given(length=st.floats(50, 180), tail=st.floats(120, 250), foam=st.floats(0.5, 2.0))
def test_foam_is_cut_off_behind_the_hull(length: float, tail: float, foam: float) -> None:
    hull, wake = between(-length / 2, length / 2), between(-length / 2 - tail, -length / 2)
    ends = solid_ends(ALONG, 0.1 * hull, 0.1 * hull + foam * 0.1 * wake, (-length / 2 - tail, length / 2))
    assert ends is not None
    assert ends[0] == pytest.approx(-length / 2, abs=8)
    assert ends[1] == pytest.approx(length / 2, abs=8)


@settings(max_examples=25, deadline=None)
@given(length=st.floats(60, 180), ahead=st.floats(0, 24), tail=st.floats(60, 150))
def test_a_fast_ship_is_not_shortened_by_how_far_she_goes_between_bands(
    length: float, ahead: float, tail: float
) -> None:
    hull, light = between(ahead - length / 2, ahead + length / 2), between(-length / 2 - tail, length / 2)
    ends = solid_ends(ALONG, 0.1 * hull, 0.15 * light, (-length / 2 - tail, length / 2))
    assert ends is not None
    assert ends[1] - ends[0] == pytest.approx(length, abs=10)
    assert sum(ends) / 2 == pytest.approx(ahead, abs=4)


def test_a_solid_hull_is_not_cut_though_her_stern_is_darker() -> None:
    hull = 0.12 * between(0, 90) + 0.05 * between(-90, 0)
    assert solid_ends(ALONG, hull, hull, (-90, 90)) is None


@pytest.mark.parametrize("shift", [-17.0, -4.0, 0.0, 8.0, 12.5])
def test_the_shift_between_bands_is_read_to_a_part_of_a_pixel(shift: float) -> None:
    first, second = between(-60, 60), between(-60 + shift, 60 + shift)
    assert band_shift(ALONG, first, second, 40.0) == pytest.approx(shift, abs=2.5)


def test_noise_has_no_shift() -> None:
    rng = np.random.default_rng(3)
    assert band_shift(ALONG, rng.normal(size=ALONG.size), rng.normal(size=ALONG.size), 40.0) == 0.0


def wake_of(chip: Chip, ship: Ship, tail: float) -> Chip:
    """The chip with foam behind a ship that heads north: white, dimmer in the near infrared."""
    (x, y), _, length, beam = ship
    a, b, c, d, e, f = chip.grid.to_ground
    row, col = np.mgrid[: chip.grid.shape[0], : chip.grid.shape[1]] + 0.5
    east, north = a * col + b * row + c, d * col + e * row + f
    behind = (north < y - length / 2) & (north > y - length / 2 - tail) & (np.abs(east - x) < beam / 2)
    foam = cv2.GaussianBlur(behind.astype(np.float32), (0, 0), 0.6)
    bands = {"blue": 0.22, "green": 0.22, "red": 0.2, "nir": 0.13, "swir16": 0.02}
    pixels = np.stack([p + foam * bands[n] for p, n in zip(chip.pixels, chip.bands, strict=True)])
    return Chip(pixels=pixels, valid=chip.valid, bands=chip.bands, grid=chip.grid, calibrated=True)


def with_swir(chip: Chip) -> Chip:
    """The chip with a short-wave infrared band: 0.8 of the near infrared, at pixels twice as wide."""
    swir = cv2.blur(0.8 * chip.pixels[3], (2, 2))
    pixels = np.concatenate([chip.pixels, swir[None]])
    return Chip(pixels=pixels, valid=chip.valid, bands=(*BANDS, "swir16"), grid=chip.grid, calibrated=True)


def test_a_wake_is_flagged_and_not_measured_as_length() -> None:
    ship: Ship = ((0.0, 50.0), 0.0, 120.0, 20.0)
    chip = wake_of(with_swir(draw(grid_of(10.0, 600.0), [ship])), ship, 250.0)
    (found,) = find(chip)
    assert "wake" in found.flags
    assert abs(found.length - 120) < 2 * found.length_sigma
    assert abs(found.beam - 20) < 2.5 * found.beam_sigma
    assert axis_between(found.heading, 0.0) < 3


# ------------------------------------------------------------------------------------- ends and beams


def lit(grid: Grid, box: Box, house: float) -> Cover:
    """A box of light, its last 15 m `house` times as bright, in pixels blurred by half their size."""
    a, b, c, d, e, f = grid.to_ground
    row, col = np.mgrid[: 10 * grid.shape[0], : 10 * grid.shape[1]] / 10.0 + 0.05
    ground = np.stack([a * col + b * row + c, d * col + e * row + f], -1)
    along, across = (ground @ axis for axis in ship_axes(box.heading))
    hull = (np.abs(along) < box.length / 2) & (np.abs(across) < box.beam / 2)
    light = hull * np.where(along < 15.0 - box.length / 2, house, 1.0)
    pixels = light.reshape(grid.shape[0], 10, grid.shape[1], 10).mean((1, 3))
    return Cover(grid=grid, plane=cv2.GaussianBlur(pixels, (0, 0), 0.5).astype(np.float32))


@settings(max_examples=10, deadline=None)
@given(house=st.floats(2.0, 5.0), heading=st.floats(0, 360))
def test_a_bright_house_at_her_stern_makes_no_ship_longer(house: float, heading: float) -> None:
    box, grid = Box(centre=(0.0, 0.0), heading=heading, length=150.0, beam=24.0), grid_of(10.0, 400.0)
    plain, bright = (refine_box(lit(grid, box, light), box) for light in (1.0, house))
    assert bright.length == pytest.approx(plain.length, abs=4)


@settings(max_examples=20, deadline=None)
@given(length=st.floats(90, 250), heading=st.floats(0, 180), seed=st.integers(0, 99))
def test_beams_at_ten_metres_are_within_their_sigma(length: float, heading: float, seed: int) -> None:
    beam = length / 6.3
    chip = draw(grid_of(10.0, 500.0), [((0.0, 0.0), heading, length, beam)], seed=seed)
    water = find_water(chip, chip.valid)
    cover = Cover(grid=chip.grid, plane=np.maximum(water.lift, 0.0).astype(np.float32))
    box = Box(centre=(0.0, 0.0), heading=heading, length=length, beam=beam + 10.0)
    hull = measure_mixed(lift_bands(chip, water), cover, box)
    assert abs(hull.box.beam - beam) < 3.5 * hull.beam_sigma
    assert "wake" not in hull.flags


# ------------------------------------------------------------------------------------ what is skipped


def test_only_places_where_something_stands_out_of_water_are_searched() -> None:
    sea = draw(grid_of(10.0), [])
    ship = draw(grid_of(10.0), [((0.0, 0.0), 20.0, 60.0, 10.0)])
    shore = draw(grid_of(10.0), [], quays=[SHORE])
    land = draw(grid_of(10.0), [], quays=[(-400.0, -400.0, 400.0, 400.0)])
    whole = (0, 0, *sea.grid.shape)
    assert find_places(sea, sea.valid, whole, 60) == []
    assert find_places(land, land.valid, whole, 60) == []
    ((top, left, bottom, right),) = find_places(ship, ship.valid, whole, 60)
    row, col = ground_to_pixel(ship.grid, np.zeros(2))[::-1]
    assert row - 16 < top < row - 1 < row + 1 < bottom < row + 16
    assert col - 16 < left < col < right < col + 16
    assert find_places(ship, ship.valid, (0, 0, top - 8, right), 60) == []  # another block's
    ((north, _, south, _),) = find_places(shore, shore.valid, whole, 60)
    assert (north, south) == (0, shore.grid.shape[0])
    for chip, water in ((sea, True), (land, False), (shore, True)):
        search = search_ships(chip, sky(chip), known=None, config=CONFIG)
        assert (search.ships, search.water) == ((), water)
    visual = replace(sea, calibrated=False)
    assert find_places(visual, sea.valid, whole, 60) == [whole]
    assert find_places(visual, ~sea.valid, whole, 60) == []


def test_glint_and_haze_move_nothing() -> None:
    ship: Ship = ((40.0, 30.0), 60.0, 150.0, 24.0)
    chip = draw(grid_of(10.0, 600.0), [ship])
    east = np.linspace(0, 0.03, chip.grid.shape[1], dtype=np.float32)
    glint = Chip(
        pixels=chip.pixels + 0.04 + east, valid=chip.valid, bands=BANDS, grid=chip.grid, calibrated=True
    )
    (plain,), (seen,) = find(chip), find(glint)
    assert seen.length == pytest.approx(plain.length, abs=8)
    assert axis_between(seen.heading, plain.heading) < 2


def test_a_nodata_wedge_holds_no_ship() -> None:
    chip = draw(grid_of(10.0, 600.0), [((150.0, 0.0), 10.0, 150.0, 24.0)])
    valid = chip.valid.copy()
    for row in range(valid.shape[0]):
        valid[row, : row // 2] = False
    pixels = np.where(valid, chip.pixels, 0.0).astype(np.float32)
    (found,) = find(Chip(pixels=pixels, valid=valid, bands=BANDS, grid=chip.grid, calibrated=True))
    assert found.length == pytest.approx(150, abs=14)


def test_a_seam_between_detectors_holds_no_ship() -> None:
    chip = draw(grid_of(10.0, 600.0), [])
    step = np.where(np.arange(chip.grid.shape[1]) < 60, 0.0, 0.012).astype(np.float32)
    seam = Chip(pixels=chip.pixels + step, valid=chip.valid, bands=BANDS, grid=chip.grid, calibrated=True)
    assert find(seam) == ()


# ---------------------------------------------------------------------------------------- real images


def look_real(folder: Path, quays: QuayModel | None = None) -> tuple[Chip, tuple[Detection, ...]]:
    (delivery,) = find_deliveries([folder])
    scene = read_scene(delivery)
    chip = read_chip(scene, aoi=None, config=IngestConfig())
    clouds = find_clouds(chip, scene.geometry, config=CloudsConfig())
    return chip, find_ships(chip, clouds, known=None, config=CONFIG, quays=quays)


@pytest.mark.imagery
@pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there")
def test_four_ships_at_anchor_are_four() -> None:
    _, ships = look_real(IMAGERY / "rapideye-sfbay")
    assert len(ships) == 4
    assert all(150 < ship.length < 250 for ship in ships)


# ------------------------------------------------------------------------------- three metres


def match(ships: tuple[Detection, ...], truth: Ship) -> Detection:
    """The one detection about a true ship."""
    (found,) = (s for s in ships if np.hypot(s.centre[0] - truth[0][0], s.centre[1] - truth[0][1]) < 8.0)
    return found


@pytest.mark.parametrize(("beams", "gap"), [((17.0, 15.0), 3.0), ((16.0, 10.0), 2.5)])
def test_two_ships_side_by_side_are_two_at_three_metres(beams: tuple[float, float], gap: float) -> None:
    """The gap fills no pixel; that each half is as slender as a ship and the whole is not tells them."""
    bow, starboard = ship_axes(70.0)
    centre = (sum(beams) / 2 + gap) * starboard + 6.0 * bow
    first = ((0.0, 0.0), 70.0, 6.4 * beams[0], beams[0])
    second = ((float(centre[0]), float(centre[1])), 70.0, 6.4 * beams[1], beams[1])
    ships = find(draw(grid_of(3.0, turn=7.0), [first, second]))
    assert len(ships) == 2
    for truth in (first, second):
        found = match(ships, truth)
        assert found.length == pytest.approx(truth[2], abs=12)
        assert found.beam == pytest.approx(truth[3], abs=5)


def test_a_tug_beside_her_hides_no_ship_at_three_metres() -> None:
    for heading in (20.0, 55.0, 130.0):
        _, starboard = ship_axes(heading)
        beside = 11.0 * starboard
        tug = ((float(beside[0]), float(beside[1])), heading, 30.0, 10.0)
        ships = find(draw(grid_of(3.0, turn=7.0), [((0.0, 0.0), heading, 74.0, 11.0), tug]))
        assert len(ships) == 1
        assert ships[0].length == pytest.approx(74.0, abs=12)


# -------------------------------------------------------------------------- what is no ship in water


def patch(chip: Chip, size: tuple[float, float], light: dict[str, float]) -> Chip:
    """The chip with a rectangle about its middle, length northward, of some light above the water's."""
    a, b, c, d, e, f = chip.grid.to_ground
    row, col = np.mgrid[: chip.grid.shape[0], : chip.grid.shape[1]] + 0.5
    east, north = a * col + b * row + c, d * col + e * row + f
    inside = ((np.abs(north) < size[0] / 2) & (np.abs(east) < size[1] / 2)).astype(np.float32)
    inside = cv2.GaussianBlur(inside, (0, 0), 0.6)
    pixels = np.stack([p + inside * light[n] for p, n in zip(chip.pixels, chip.bands, strict=True)])
    return Chip(pixels=pixels, valid=chip.valid, bands=chip.bands, grid=chip.grid, calibrated=True)


@pytest.mark.parametrize(
    ("light", "count"),
    [
        ({"blue": 0.05, "green": 0.06, "red": 0.1, "nir": 0.1, "swir16": 0.07}, 1),
        ({"blue": 0.01, "green": 0.03, "red": 0.05, "nir": 0.05, "swir16": 0.002}, 0),
        ({"blue": 0.0, "green": 0.01, "red": 0.03, "nir": 0.06, "swir16": 0.007}, 0),
        ({"blue": 0.0, "green": 0.0, "red": 0.19, "nir": 0.0, "swir16": 0.0}, 0),
        ({"blue": 0.0, "green": 0.0, "red": 0.0, "nir": 0.0, "swir16": 0.19}, 0),
    ],
    ids=["a deck", "mud in the water", "a shoal", "an aircraft in the red", "an aircraft in the infrared"],
)
def test_what_is_black_in_the_short_wave_infrared_is_no_ship(light: dict[str, float], count: int) -> None:
    chip = patch(with_swir(draw(grid_of(10.0, 600.0), [])), (150.0, 30.0), light)
    assert len(find(chip)) == count


@pytest.mark.imagery
@pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there")
def test_a_mole_with_boats_at_it_is_no_ship() -> None:
    """It stands alone in a harbour of the Baltic, 220 m long with an arm of 50 m."""
    deliveries = find_deliveries([IMAGERY / "eotdl-ships-s2"])
    (path,) = [d.path for d in deliveries if d.name == "ship_246818000_2022-08-25"]
    _, ships = look_real(path, read_quays())
    assert not [ship for ship in ships if ship.length > 120]


@pytest.mark.imagery
@pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there")
def test_the_surf_of_a_coast_is_no_ship() -> None:
    """Nine stretches of breakers along Accra's beach are as long and as slender as ships."""
    (port,) = [d.path for d in find_deliveries([IMAGERY / "s2-debris-ports"]) if d.name == "accra"]
    _, ships = look_real(port)
    assert not [ship for ship in ships if "wake" in ship.flags or "moving" in ship.flags]


def test_a_very_bright_hull_is_found_though_optics_spill_her_light() -> None:
    light = dict.fromkeys(("blue", "green", "red", "nir", "swir16"), 0.6)
    chip = patch(with_swir(draw(grid_of(10.0, 600.0), [])), (220.0, 40.0), light)
    (found,) = find(chip)
    assert found.length == pytest.approx(220, abs=15)
