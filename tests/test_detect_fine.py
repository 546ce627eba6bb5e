"""Fine images: dark decks, bright water, shadows, pairs, wakes, mounds, decks read, berths never empty."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from shapely import Polygon

from pipeline.config import DetectConfig
from pipeline.datatypes import Chip, CloudMask, Detection, Grid, Site, SiteFeature, ViewGeometry
from pipeline.detect import find_doubtful, find_ships, open_berths, search_ships
from pipeline.detect.deck import judge_bow, judge_kind, sample_deck
from pipeline.detect.outline import Box, waterline_polygon
from pipeline.detect.structure import Structure
from pipeline.geometry import ground_to_lonlat, ship_axes

GSD = 0.8
SIDE = 400
ORIGIN = (133.0, 42.75)
BANDS = ("blue", "green", "red", "nir")
BLUE, BROWN = (0.05, 0.05, 0.03, 0.01), (0.10, 0.15, 0.13, 0.05)
RED, DARK, WHITE = (0.05, 0.06, 0.16, 0.20), (0.05, 0.05, 0.06, 0.07), (0.5, 0.5, 0.5, 0.5)
Colour = tuple[float, float, float, float]
Planes = npt.NDArray[np.float32]


def sea(colour: Colour, seed: int = 1) -> Planes:
    """Water with waves that move all bands together."""
    rng = np.random.default_rng(seed)
    waves = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 4.0)
    level = np.reshape(np.asarray(colour, np.float32), (4, 1, 1))
    return np.asarray(level * (1 + 0.15 * waves / waves.std()), np.float32)


def block(planes: Planes, centre: tuple[float, float], size: tuple[float, float], colour: Colour) -> None:
    """A north-south block of (beam, length) [m] about (east, north)."""
    east = (np.arange(SIDE) + 0.5) * GSD - SIDE * GSD / 2
    across = np.abs(east - centre[0]) < size[0] / 2
    along = np.abs(-east - centre[1]) < size[1] / 2
    planes[:, np.outer(along, across)] = np.reshape(np.asarray(colour, np.float32), (4, 1))


def ship(planes: Planes, centre: tuple[float, float], size: tuple[float, float], deck: Colour) -> None:
    """A hull with her bow to the north: house aft, a narrow bow."""
    beam, length = size
    block(planes, centre, size, deck)
    block(planes, (centre[0], centre[1] - 0.38 * length), (0.8 * beam, 0.1 * length), WHITE)
    water = tuple(float(v) for v in np.median(planes.reshape(4, -1), axis=1))
    for sense in (-1, 1):
        corner = (centre[0] + sense * 0.42 * beam, centre[1] + 0.46 * length)
        block(planes, corner, (0.2 * beam, 0.08 * length), (water[0], water[1], water[2], water[3]))


def chip_of(planes: Planes, seed: int = 2) -> Chip:
    rng = np.random.default_rng(seed)
    soft = np.stack([cv2.GaussianBlur(plane, (0, 0), 0.6) for plane in planes])
    half = SIDE * GSD / 2
    return Chip(
        pixels=(soft + rng.normal(0, 0.001, soft.shape)).astype(np.float32),
        valid=np.ones((SIDE, SIDE), bool),
        bands=BANDS,
        grid=Grid(shape=(SIDE, SIDE), to_ground=(GSD, 0.0, -half, 0.0, -GSD, half), origin=ORIGIN),
        calibrated=True,
    )


def find(
    planes: Planes, known: Structure | None = None, view: ViewGeometry | None = None
) -> tuple[Detection, ...]:
    chip = chip_of(planes)
    none = np.zeros(chip.valid.shape, bool)
    sky = CloudMask(cloudy=none, shadowed=none, method="test")
    return find_ships(chip, sky, known=known, config=DetectConfig(), view=view)


@pytest.mark.parametrize("deck", [RED, DARK])
@pytest.mark.parametrize("water", [BLUE, BROWN])
def test_a_deck_as_dark_as_the_water_is_found_and_her_shadow_is_not(deck: Colour, water: Colour) -> None:
    planes = sea(water)
    block(planes, (-14.0, 0.0), (12.0, 100.0), tuple(0.2 * v for v in water))  # type: ignore[arg-type]
    ship(planes, (0.0, 0.0), (16.0, 100.0), deck)
    (found,) = find(planes)
    assert found.beam == pytest.approx(16.0, abs=2.0)
    assert found.length == pytest.approx(100.0, abs=4.0)
    assert found.centre == pytest.approx((0.0, 0.0), abs=2.0)


@pytest.mark.parametrize("side", [(0.02, 0.02, 0.02, 0.02), (0.25, 0.20, 0.10, 0.12), None])
@pytest.mark.parametrize("sense", [-1, 1])
def test_an_outline_lies_at_the_waterline_not_where_the_deck_is_seen(side: Colour | None, sense: int) -> None:
    planes = sea(BLUE)
    length, beam, incidence = 150.0, 22.0, 27.0
    lean = 0.037 * length * float(np.tan(np.radians(incidence)))  # of a deck as high as is usual
    if side is not None:
        block(planes, (0.0, 0.0), (beam, length), side)
    ship(planes, (-sense * lean, 0.0), (beam, length), RED)
    view = ViewGeometry(
        incidence_angle=incidence, azimuth=90.0 * sense, sun_elevation=40.0, sun_azimuth=180.0, source="test"
    )
    (leaning,), (found,) = find(planes), find(planes, view=view)
    assert found.centre[0] == pytest.approx(0.0, abs=1.0)
    assert abs(leaning.centre[0]) > 1.2
    assert found.beam == pytest.approx(beam, abs=1.3)
    assert found.beam_sigma >= leaning.beam_sigma


def test_a_shadow_that_turbid_water_half_fills_with_light_is_no_ship() -> None:
    """As far off as the shadow of a funnel: two thirds of the water's light are left in it."""
    planes = sea(BROWN)
    block(planes, (-14.0, 0.0), (12.0, 100.0), tuple(0.2 * v for v in BROWN))  # type: ignore[arg-type]
    block(planes, (-40.0, -20.0), (9.0, 60.0), tuple(0.65 * v for v in BROWN))  # type: ignore[arg-type]
    ship(planes, (0.0, 0.0), (16.0, 100.0), RED)
    (found,) = find(planes)
    assert found.centre == pytest.approx((0.0, 0.0), abs=2.0)


def test_a_deck_as_dark_as_shadow_is_hers_towards_the_sun() -> None:
    """Hatches in a deck darker than brown water in every band; her shadow falls to the west."""
    planes = sea(BROWN)
    black = (0.03, 0.03, 0.03, 0.02)
    block(planes, (-18.0, 0.0), (14.0, 120.0), (0.02, 0.02, 0.02, 0.01))
    ship(planes, (0.0, 0.0), (24.0, 130.0), black)
    for step in range(-3, 4):
        block(planes, (0.0, 14.0 * step), (13.0, 11.0), WHITE)
    view = ViewGeometry(incidence_angle=3.0, azimuth=0.0, sun_elevation=35.0, sun_azimuth=90.0, source="test")
    (found,) = find(planes, view=view)
    assert found.beam == pytest.approx(24.0, abs=3.0)
    assert found.centre[0] == pytest.approx(0.0, abs=2.0)


def cloud(planes: Planes, centre: tuple[float, float], size: float, most: float) -> None:
    """White light with a soft edge, as of thin cloud `size` metres wide."""
    ground = (np.arange(SIDE) + 0.5) * GSD - SIDE * GSD / 2
    east, north = np.meshgrid(ground, -ground)
    share = most * np.exp(-((((east - centre[0]) ** 2 + (north - centre[1]) ** 2) / size**2) ** 2))
    planes[:] = (planes * (1 - share) + 0.9 * share).astype(np.float32)


@pytest.mark.parametrize("deck", [RED, DARK])
def test_a_ship_half_below_haze_is_found_whole(deck: Colour) -> None:
    planes = sea(BLUE)
    ship(planes, (0.0, 0.0), (18.0, 110.0), deck)
    cloud(planes, (60.0, 60.0), 100.0, 0.2)
    (found,) = find(planes)
    assert found.length == pytest.approx(110.0, abs=6.0)
    assert found.beam == pytest.approx(18.0, abs=2.5)


def test_wisps_of_cloud_are_no_ships() -> None:
    planes = sea(BLUE)
    for step in range(5):
        cloud(planes, (-70.0 + 3.0 * step, -28.0 + 14.0 * step), 11.0, 0.3)
    ship(planes, (60.0, 0.0), (18.0, 110.0), RED)
    (found,) = find(planes)
    assert found.centre == pytest.approx((60.0, 0.0), abs=2.0)


def test_a_plain_deck_ahead_of_a_wake_is_no_mole() -> None:
    """Of a single paint, but for her house: foam ends a ship, not a mound."""
    planes = sea(BLUE)
    for step in range(40):
        level = 0.35 * np.exp(-step / 20) + 0.03
        block(planes, (0.0, -51.0 - 1.5 * step), (14.0, 1.6), (level, level, 0.95 * level, 0.8 * level))
    block(planes, (0.0, 0.0), (18.0, 100.0), (0.25, 0.25, 0.25, 0.25))
    block(planes, (0.0, -36.0), (15.0, 12.0), (0.24, 0.27, 0.26, 0.25))
    (found,) = find(planes)
    assert abs(found.centre[0]) < 2.0


def test_two_ships_side_by_side_are_two() -> None:
    planes = sea(BLUE)
    ship(planes, (-10.0, 0.0), (16.0, 100.0), RED)
    ship(planes, (10.0, 5.0), (18.0, 110.0), RED)
    found = sorted(find(planes), key=lambda d: d.centre[0])
    assert [round(d.centre[0] / 10) for d in found] == [-1, 1]


def test_a_wake_is_not_measured_as_hull() -> None:
    planes = sea(BLUE)
    for step in range(60):
        level = 0.35 * np.exp(-step / 25) + 0.03
        block(planes, (0.0, -41.0 - 1.5 * step), (14.0, 1.6), (level, level, 0.95 * level, 0.8 * level))
    ship(planes, (0.0, 0.0), (13.0, 80.0), RED)
    (found,) = find(planes)
    assert found.length == pytest.approx(80.0, abs=16.0)


def test_a_long_broken_wake_hides_no_ship() -> None:
    """Foam in patches, four times as long as she is, and white; her deck is red."""
    planes = sea(BLUE)
    rng = np.random.default_rng(11)
    for step in range(80):
        for across in np.arange(-6.0, 6.1, 1.5):
            level = 0.3 * np.exp(-step / 50) * rng.uniform(0.4, 1.6) + 0.03
            at = (float(across), 38.0 - 2.0 * step)
            block(planes, at, (1.6, 2.0), (level, level, 0.97 * level, 0.7 * level))
    ship(planes, (0.0, 80.0), (13.0, 84.0), RED)
    (found,) = find(planes)
    assert found.centre == pytest.approx((0.0, 80.0), abs=8.0)
    assert found.length == pytest.approx(84.0, abs=16.0)


def test_a_mole_cut_by_the_edge_is_no_ship_and_a_ship_is() -> None:
    planes = sea(BLUE)
    ship(planes, (-60.0, 120.0), (14.0, 100.0), RED)
    block(planes, (60.0, 130.0), (18.0, 160.0), (0.18, 0.18, 0.19, 0.22))
    inside = planes[3] > 0.21
    rough = 1 + 0.3 * np.random.default_rng(3).standard_normal(int(inside.sum()))
    planes[:, inside] *= np.clip(rough, 0.4, 2.0).astype(np.float32)
    for north in range(60, 161, 10):  # no two stretches of it are alike
        stretch = (inside, np.arange(SIDE)[:, None] // 12 == round((160 - north) / 9.6))
        planes[:, stretch[0] & stretch[1]] *= 0.8 + 0.04 * (north % 7)
    found = find(planes)
    assert [round(ship.centre[0] / 10) for ship in found] == [-6]


@pytest.mark.parametrize("glint", [0.0, 0.12])
def test_glints_beside_a_hull_do_not_widen_her(glint: float) -> None:
    planes = sea(BLUE)
    lit = np.random.default_rng(5).random((SIDE, SIDE)) < glint
    planes[:, lit] += 0.25
    ship(planes, (0.0, 0.0), (18.0, 110.0), RED)
    found = min(find(planes), key=lambda ship: abs(ship.centre[0]) + abs(ship.centre[1]))
    assert found.beam == pytest.approx(18.0, abs=1.5)
    assert found.length == pytest.approx(110.0, abs=4.0)


def test_a_waterline_is_shorter_than_the_ship() -> None:
    box = Box(centre=(100.0, -50.0), heading=30.0, length=150.0, beam=24.0)
    ring = waterline_polygon(box) - np.asarray(box.centre)
    bow, starboard = ship_axes(box.heading)
    along, across = ring @ bow, ring @ starboard
    assert np.ptp(along) == pytest.approx(0.965 * 150.0)
    assert (across.min(), across.max()) == pytest.approx((-12.0, 12.0))
    assert 0.84 < Polygon(ring).area / (150.0 * 24.0) < 0.92  # of tankers, ballast to laden


def test_a_mound_of_stones_is_no_ship() -> None:
    planes = sea(BLUE)
    rng = np.random.default_rng(3)
    block(planes, (0.0, 0.0), (16.0, 110.0), (0.18, 0.18, 0.19, 0.22))
    inside = planes[3] > 0.2
    planes[:, inside] *= (1 + 0.3 * rng.standard_normal(int(inside.sum()))).astype(np.float32)
    assert find(planes) == ()


def test_pipes_speak_for_a_tanker_and_hatches_against() -> None:
    chances = []
    for kind in ("pipes", "hatches"):
        planes = sea(BLUE)
        ship(planes, (0.0, 0.0), (20.0, 120.0), RED)
        if kind == "pipes":
            for x in (-2.5, 0.0, 2.5):
                block(planes, (x, 5.0), (0.9, 80.0), WHITE)
        else:
            for y in (-24.0, -4.0, 16.0, 36.0):
                block(planes, (0.0, y), (11.0, 12.0), WHITE)
        chip = chip_of(planes)
        box = Box(centre=(0.0, 0.0), heading=180.0, length=120.0, beam=20.0)
        turned = judge_bow(sample_deck(chip, chip.valid, box), box)
        assert turned.heading == pytest.approx(0.0)
        assert not turned.ambiguous
        box = Box(centre=(0.0, 0.0), heading=0.0, length=120.0, beam=20.0)
        chances.append(judge_kind(sample_deck(chip, chip.valid, box), box))
    assert chances[0] > 0.8
    assert chances[1] < 0.3


@pytest.mark.parametrize("verified", [True, False])
def test_a_berth_never_seen_empty_is_not_called_empty(verified: bool) -> None:
    planes = sea(BLUE)
    ship(planes, (20.0, 0.0), (16.0, 100.0), RED)
    chip = chip_of(planes)
    corners = np.array([(10.0, -60.0), (34.0, -60.0), (34.0, 60.0), (10.0, 60.0)])
    ring = tuple((float(x), float(y)) for x, y in ground_to_lonlat(ORIGIN, corners))
    berth = SiteFeature(id="b1", role="berth", outline=ring, verified=verified)
    site = Site(id="s", name="s", features=(berth,))
    learned = np.zeros(chip.valid.shape, bool)
    learned[:, 180:] = planes[3][:, 180:] > 0.1  # at every look she lay there
    known = Structure(fixed=learned, lift=np.zeros(learned.shape, np.float32))
    opened = open_berths(known, site, chip.grid)
    found = find(planes, opened)
    none = np.zeros(chip.valid.shape, bool)
    sky = CloudMask(cloudy=none, shadowed=none, method="test")
    assert len(found) == (1 if verified else 0)
    assert find_doubtful(chip, sky, site, known=opened) == {"b1"}


def town(seed: int) -> Planes:
    """Roofs with their shadows, streets, bare soil and lawns, and no water."""
    rng = np.random.default_rng(seed)
    wide = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 18.0)
    close = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 1.5)
    soil, lawn, street = (0.07, 0.10, 0.13, 0.24), (0.03, 0.06, 0.04, 0.33), (0.07, 0.075, 0.08, 0.085)
    ground = np.where((wide > 0.3 * wide.std())[..., None], lawn, soil) * (1 + 0.3 * close[..., None])
    planes = np.ascontiguousarray(ground.transpose(2, 0, 1), np.float32)
    for at in range(-150, 160, 70):
        block(planes, (at, 0.0), (9.0, 320.0), street)
        block(planes, (0.0, at), (320.0, 8.0), street)
    roofs = ((0.12, 0.13, 0.15, 0.17), (0.3, 0.3, 0.31, 0.32), RED, WHITE, (0.1, 0.1, 0.1, 0.11))
    for _ in range(110):
        centre = tuple(rng.uniform(-150, 150, 2))
        size = tuple(rng.permutation([rng.uniform(8, 25), rng.uniform(12, 80)]))
        block(planes, (centre[0] + 5.0, centre[1] - 3.0), (size[0], size[1]), (0.02, 0.02, 0.02, 0.02))
        block(planes, (centre[0], centre[1]), (size[0], size[1]), roofs[rng.integers(len(roofs))])
    return planes


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("haze", [(0.0, 0.0, 0.0, 0.0), (0.08, 0.05, 0.03, 0.01)])
def test_a_town_without_water_has_no_ships(seed: int, haze: Colour) -> None:
    planes = town(seed) + np.reshape(np.asarray(haze, np.float32), (4, 1, 1))
    assert find(planes) == ()
    none = np.zeros((SIDE, SIDE), bool)
    sky = CloudMask(cloudy=none, shadowed=none, method="test")
    assert not search_ships(chip_of(planes), sky, known=None, config=DetectConfig()).water


def test_a_town_by_the_water_hides_no_ship() -> None:
    planes = sea(BLUE)
    planes[:, :, :200] = town(5)[:, :, :200]
    ship(planes, (80.0, 0.0), (16.0, 100.0), RED)
    assert any(abs(d.centre[0] - 80.0) < 3.0 for d in find(planes))
