"""Clouds, their shadows and the outcomes of berths, on scenes whose truth is a closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.clouds import decide_berths, find_clouds, summarise_clouds
from pipeline.clouds.berths import IMAGED_SHARE
from pipeline.clouds.s2 import BANDS, find_cloud_s2, has_ten_bands
from pipeline.clouds.shadows import shift_per_height
from pipeline.config import CloudsConfig
from pipeline.datatypes import BoolArray, Chip, CloudMask, Grid, Site, SiteFeature, ViewGeometry
from pipeline.geometry import ground_to_lonlat, relief_shift, shadow_shift

ORIGIN = (133.05, 42.74)
CONFIG = CloudsConfig()
VIEW = ViewGeometry(incidence_angle=12.0, azimuth=285.0, sun_elevation=42.0, sun_azimuth=158.0, source="stac")
WATER = {"blue": 0.055, "green": 0.06, "red": 0.04, "nir": 0.012, "swir16": 0.005}
LAND = {"blue": 0.07, "green": 0.10, "red": 0.11, "nir": 0.25, "swir16": 0.22}
ROOF = {"blue": 0.42, "green": 0.46, "red": 0.48, "nir": 0.52, "swir16": 0.45}
CLOUD = 0.62
Place = npt.NDArray[np.float32]


def ground(size: float, gsd: float) -> tuple[Grid, Place, Place]:
    """A square grid about the origin, with (east, north) of its pixel centres."""
    n = round(size / gsd)
    grid = Grid(shape=(n, n), to_ground=(gsd, 0, -size / 2, 0, -gsd, size / 2), origin=ORIGIN)
    axis = ((np.arange(n) + 0.5) * gsd - size / 2).astype(np.float32)
    east, north = np.meshgrid(axis, -axis)
    return grid, east, north


def paint(
    planes: list[Place], where: Place | BoolArray, colour: dict[str, float] | float, bands: tuple[str, ...]
) -> None:
    """Cover with a colour, by an opacity of 0..1."""
    covered = np.nonzero(where)
    opacity = where[covered].astype(np.float32)
    for plane, name in zip(planes, bands, strict=True):
        value = np.float32(colour if isinstance(colour, float) else colour[name])
        plane[covered] += opacity * (value - plane[covered])


def make_chip(grid: Grid, planes: list[Place], bands: tuple[str, ...], *, calibrated: bool = True) -> Chip:
    pixels = np.random.default_rng(7).standard_normal((len(planes), *grid.shape), np.float32)
    pixels *= np.float32(0.002)
    for out, plane in zip(pixels, planes, strict=True):
        out += plane
    np.maximum(pixels, 0.0, out=pixels)
    if not calibrated:
        pixels = np.round(np.clip(pixels * np.float32(1.8), 0, 1) * 255) / np.float32(255)
    return Chip(pixels=pixels, valid=np.ones(grid.shape, bool), bands=bands, grid=grid, calibrated=calibrated)


def puff(east: Place, north: Place, centre: tuple[float, float], radius: float, soft: float) -> Place:
    """Opacity of a round cloud whose rim is `soft` metres wide."""
    distance = np.hypot(east - centre[0], north - centre[1])
    return np.asarray(np.clip((radius - distance) / soft + 0.5, 0, 1))


def rectangle(
    east: Place, north: Place, west_south: tuple[float, float], size: tuple[float, float]
) -> BoolArray:
    x, y = west_south
    across, along = east[:1], north[:, :1]
    return np.asarray((across >= x) & (across < x + size[0]) & (along >= y) & (along < y + size[1]))


def port(gsd: float, bands: tuple[str, ...], size: float = 1200.0) -> tuple[Grid, Place, Place, list[Place]]:
    """Land to the west with white roofs of up to 90 m, a broad quay, a jetty, white ships in the water."""
    grid, east, north = ground(size, gsd)
    planes = [np.full(grid.shape, WATER[name], np.float32) for name in bands]
    paint(planes, east < -150, LAND, bands)
    paint(planes, (east > -170) & (east < -110), ROOF, bands)
    for k in range(-4, 5):
        paint(planes, rectangle(east, north, (-400.0, 120.0 * k), (90.0, 60.0)), ROOF, bands)
        paint(planes, rectangle(east, north, (-290.0, 115.0 * k), (40.0, 80.0)), 0.5, bands)
    paint(planes, rectangle(east, north, (-110.0, 0.0), (300.0, 25.0)), ROOF, bands)
    for k in range(3):
        paint(planes, rectangle(east, north, (200.0, -300.0 + 250 * k), (45.0, 240.0)), 0.6, bands)
    return grid, east, north, planes


FOUR = ("blue", "green", "red", "nir")


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("bands", [("blue", "green", "red"), FOUR, (*FOUR, "swir16")])
def test_a_bright_port_with_white_ships_is_not_cloud(gsd: float, bands: tuple[str, ...]) -> None:
    grid, _, _, planes = port(gsd, bands)
    found = find_clouds(make_chip(grid, planes, bands), VIEW, config=CONFIG)
    assert found.method == "spectral"
    assert not found.cloudy.any()
    assert not found.shadowed.any()


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("calibrated", [True, False])
def test_cumulus_is_found_and_the_rest_left_alone(gsd: float, calibrated: bool) -> None:
    grid, east, north, planes = port(gsd, FOUR)
    thick = puff(east, north, (300.0, 350.0), 130.0, 40.0)
    paint(planes, thick, CLOUD, FOUR)
    found = find_clouds(make_chip(grid, planes, FOUR, calibrated=calibrated), None, config=CONFIG)
    assert found.cloudy[thick > 0.5].mean() > 0.97
    beyond = np.hypot(east - 300.0, north - 350.0) > 150.0 + 6 * max(gsd, 5.0)  # a ship lies half under it
    assert not found.cloudy[beyond].any()


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
def test_thin_cloud_over_water_is_seen(gsd: float) -> None:
    grid, east, north = ground(1200.0, gsd)
    planes = [np.full(grid.shape, WATER[name], np.float32) for name in FOUR]
    veil = 0.25 * puff(east, north, (0.0, 100.0), 250.0, 150.0)
    paint(planes, veil, CLOUD, FOUR)
    found = find_clouds(make_chip(grid, planes, FOUR), None, config=CONFIG)
    assert found.cloudy[veil > 0.2].mean() > 0.95
    assert not found.cloudy[veil == 0.0].any()


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("bands", [("blue", "green", "red"), (*FOUR, "swir16")])
def test_overcast_is_cloudy(gsd: float, bands: tuple[str, ...]) -> None:
    grid, east, north = ground(900.0, gsd)
    lumps = np.asarray(0.6 + 0.08 * np.sin(east / 70) * np.cos(north / 90), np.float32)
    chip = make_chip(grid, [lumps.copy() for _ in bands], bands)
    assert find_clouds(chip, VIEW, config=CONFIG).cloudy.mean() > 0.99


@pytest.mark.parametrize("gsd", [0.5, 3.0, 10.0])
def test_glint_is_not_cloud(gsd: float) -> None:
    """The sea brightens evenly from rim to rim, with waves on it, all bands alike."""
    grid, east, _ = ground(1500.0, gsd)
    waves = 1 + 0.25 * np.random.default_rng(3).standard_normal(grid.shape, np.float32)
    glint = np.asarray(0.07 * (0.5 + east / 3000) * waves, np.float32)
    chip = make_chip(grid, [np.float32(WATER[name]) + glint for name in FOUR], FOUR)
    assert find_clouds(chip, None, config=CONFIG).cloudy.mean() < 0.01


INTO_THE_SUN = ViewGeometry(
    incidence_angle=24.0, azimuth=20.0, sun_elevation=62.0, sun_azimuth=200.0, source="stac"
)
"""Facets tilted by 2 deg glitter."""


@pytest.mark.parametrize("swell", [0.1, 0.5])
def test_cloud_over_a_glittering_sea_is_cloud_and_the_glitter_is_not(swell: float) -> None:
    """Glitter is the same all over, wave by wave; a cloud is one patch."""
    grid, east, north = ground(480.0, 0.8)
    waves = (1 + swell * np.sin(east / 2.2) * np.cos(north / 3.1)) * (1 + 0.5 * swell * np.sin(north / 5.0))
    planes = [WATER[name] + 0.15 * waves for name in FOUR]
    paint(planes, rectangle(east, north, (-200.0, -150.0), (20.0, 140.0)), 0.05, FOUR)  # a dark ship
    assert not find_clouds(make_chip(grid, planes, FOUR), INTO_THE_SUN, config=CONFIG).cloudy.any()
    thick = puff(east, north, (60.0, 40.0), 110.0, 40.0)
    paint(planes, thick, CLOUD, FOUR)
    found = find_clouds(make_chip(grid, planes, FOUR), INTO_THE_SUN, config=CONFIG)
    assert found.cloudy[thick > 0.5].mean() > 0.97


@pytest.mark.parametrize("height", [0.25, 0.4])
def test_an_even_veil_before_the_sun_is_not_taken_for_glitter(height: float) -> None:
    grid, east, north = ground(480.0, 0.8)
    planes = [np.full(grid.shape, WATER[name], np.float32) for name in FOUR]
    paint(planes, rectangle(east, north, (-200.0, -150.0), (20.0, 140.0)), 0.02, FOUR)
    lumps = np.asarray(height * (1 + 0.03 * np.sin(east / 40) * np.cos(north / 50)), np.float32)
    paint(planes, lumps, CLOUD, FOUR)
    assert find_clouds(make_chip(grid, planes, FOUR), INTO_THE_SUN, config=CONFIG).cloudy.mean() > 0.95


def test_the_shift_is_that_of_the_closed_form() -> None:
    grid, _, _ = ground(1000.0, 10.0)
    row, col = shift_per_height(VIEW, grid)
    cot, tan = 1 / np.tan(np.radians(42.0)), np.tan(np.radians(12.0))
    east = -cot * np.sin(np.radians(158.0)) + tan * np.sin(np.radians(285.0))
    north = -cot * np.cos(np.radians(158.0)) + tan * np.cos(np.radians(285.0))
    assert (row, col) == pytest.approx((-north / 10.0, east / 10.0))


@pytest.mark.parametrize("height", [500.0, 1200.0, 2400.0])
@pytest.mark.parametrize("turned", [False, True])
def test_a_shadow_lies_where_sun_and_view_put_it(height: float, turned: bool) -> None:
    grid, east, north = ground(5000.0, 10.0)
    planes = [np.full(grid.shape, LAND[name], np.float32) for name in FOUR]
    texture = np.random.default_rng(5).normal(1.0, 0.08, grid.shape).astype(np.float32)
    sea = rectangle(east, north, (-2500.0, -2500.0), (600.0, 5000.0))
    paint(planes, sea, WATER, FOUR)
    relief, shadow = relief_shift(VIEW), shadow_shift(VIEW)
    seen, dark = (np.zeros(grid.shape, np.float32) for _ in range(2))
    for centre, radius in (((300.0, -1500.0), 260.0), ((1100.0, -900.0), 180.0)):
        for plane, shift in ((seen, relief), (dark, shadow)):
            place = (centre[0] + height * shift[0], centre[1] + height * shift[1])
            np.maximum(plane, puff(east, north, place, radius, 60.0), out=plane)
    for plane in planes:
        plane *= texture * (1 - 0.6 * dark)
    paint(planes, seen, CLOUD, FOUR)
    view = replace(VIEW, azimuth=(VIEW.azimuth + 180.0) % 360.0, azimuth_trusted=False) if turned else VIEW
    found = find_clouds(make_chip(grid, planes, FOUR), view, config=CONFIG)
    hidden = dark * (1 - seen)
    assert found.shadowed[(hidden > 0.9) & ~found.cloudy].mean() > 0.9
    assert found.shadowed[hidden < 0.05].mean() < 0.005
    assert not (found.shadowed & found.cloudy).any()
    assert not find_clouds(make_chip(grid, planes, FOUR), None, config=CONFIG).shadowed.any()


def test_what_is_not_measured_is_neither_cloud_nor_shadow() -> None:
    grid, east, north = ground(1200.0, 10.0)
    planes = [np.full(grid.shape, WATER[name], np.float32) for name in FOUR]
    paint(planes, puff(east, north, (0.0, 0.0), 200.0, 60.0), CLOUD, FOUR)
    chip = make_chip(grid, planes, FOUR)
    valid = east < 50.0
    chip = replace(chip, valid=valid, pixels=np.where(valid, chip.pixels, 0).astype(np.float32))
    found = find_clouds(chip, VIEW, config=CONFIG)
    assert found.cloudy[valid].any()
    assert not found.cloudy[~valid].any()
    nothing = replace(chip, valid=np.zeros_like(valid), pixels=np.zeros_like(chip.pixels))
    assert not find_clouds(nothing, VIEW, config=CONFIG).cloudy.any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (37, 41)])
@pytest.mark.parametrize("gsd", [0.5, 10.0])
def test_any_size_and_any_bands(shape: tuple[int, int], gsd: float) -> None:
    grid = Grid(shape=shape, to_ground=(gsd, 0, 0, 0, -gsd, 0), origin=ORIGIN)
    for bands in (("pan",), ("b1", "b2")):
        pixels = np.full((len(bands), *shape), 0.04, np.float32)
        chip = Chip(pixels=pixels, valid=np.ones(shape, bool), bands=bands, grid=grid, calibrated=True)
        assert find_clouds(chip, VIEW, config=CONFIG).cloudy.shape == shape


def test_the_same_twice_and_nothing_changed() -> None:
    grid, east, north, planes = port(3.0, FOUR)
    paint(planes, puff(east, north, (300.0, 300.0), 130.0, 40.0), CLOUD, FOUR)
    chip = make_chip(grid, planes, FOUR)
    chip = replace(chip, delivered_cloudy=east > 0, delivered_shadowed=north > 0, delivered_method="udm2")
    arrays = (chip.pixels, chip.valid, chip.delivered_cloudy, chip.delivered_shadowed)
    before = [a.copy() for a in arrays if a is not None]
    for array in arrays:
        assert array is not None
        array.flags.writeable = False
    first, second = (find_clouds(chip, VIEW, config=CONFIG) for _ in range(2))
    assert np.array_equal(first.cloudy, second.cloudy)
    assert np.array_equal(first.shadowed, second.shadowed)
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays, strict=True) if b is not None)


def test_a_delivered_mask_loses_quays_and_gains_what_it_missed() -> None:
    grid, east, north, planes = port(10.0, FOUR)
    known = puff(east, north, (350.0, 400.0), 140.0, 60.0)
    missed = puff(east, north, (350.0, -450.0), 110.0, 60.0)
    for cloud in (known, missed):
        paint(planes, cloud, CLOUD, FOUR)
    quay = (east > -170) & (east < -110)
    shadow = rectangle(east, north, (-50.0, 200.0), (100.0, 100.0))
    chip = replace(
        make_chip(grid, planes, FOUR),
        delivered_cloudy=quay | (known > 0.3),
        delivered_shadowed=shadow,
        delivered_method="scl",
    )
    found = find_clouds(chip, VIEW, config=CONFIG)
    assert found.method == "scl"
    assert not found.cloudy[quay & (known == 0)].any()
    assert found.cloudy[known > 0.5].mean() > 0.97
    assert found.cloudy[missed > 0.5].mean() > 0.95
    assert np.array_equal(found.shadowed, shadow & ~found.cloudy)


@pytest.mark.parametrize("lacking", ["cirrus", "coastal", "nir09"])
def test_surface_reflectance_does_not_go_to_s2cloudless(lacking: str) -> None:
    """L2A lacks B10, and no other band stands in for it."""
    grid, east, north = ground(2000.0, 10.0)
    bands = ("green", "rededge074", *(name for names in BANDS for name in names if name != lacking))
    planes = [np.full(grid.shape, 0.02, np.float32) for _ in bands]
    thick = puff(east, north, (200.0, 100.0), 500.0, 100.0)
    paint(planes, thick, dict.fromkeys(bands, 0.5), bands)
    chip = make_chip(grid, planes, bands)
    assert not has_ten_bands(chip)
    assert find_cloud_s2(chip) is None
    found = find_clouds(chip, None, config=CONFIG)
    assert found.method == "spectral"
    assert found.cloudy[thick > 0.5].mean() > 0.95


def test_ten_bands_go_to_s2cloudless() -> None:
    try:
        import s2cloudless  # noqa: F401
    except (ImportError, OSError) as missing:  # its classifier wants the system's OpenMP library
        pytest.skip(f"s2cloudless does not load: {missing}")
    grid, east, north = ground(3000.0, 10.0)
    bands = (
        "coastal",
        "blue",
        "green",
        "red",
        "rededge071",
        "nir",
        "nir08",
        "nir09",
        "cirrus",
        "swir16",
        "swir22",
    )
    sea = dict.fromkeys(bands, 0.01) | {
        "coastal": 0.12,
        "blue": 0.09,
        "green": 0.06,
        "red": 0.035,
        "cirrus": 0.001,
    }
    cloud = dict.fromkeys(bands, 0.5) | {"nir09": 0.25, "cirrus": 0.03, "swir16": 0.35, "swir22": 0.25}
    planes = [np.full(grid.shape, sea[name], np.float32) for name in bands]
    thick = puff(east, north, (300.0, 200.0), 600.0, 100.0)
    paint(planes, thick, cloud, bands)
    found = find_clouds(make_chip(grid, planes, bands), None, config=CONFIG)
    assert found.method == "s2cloudless"
    assert found.cloudy[thick > 0.5].mean() > 0.97
    assert found.cloudy[np.hypot(east - 300.0, north - 200.0) > 900.0].mean() < 0.01


# ---------------------------------------------------------------------------------------------- berths


def berth(
    name: str, west: float, south: float, width: float, height: float, *, verified: bool = True
) -> SiteFeature:
    corners = [(west, south), (west + width, south), (west + width, south + height), (west, south + height)]
    ring = tuple((float(p[0]), float(p[1])) for p in ground_to_lonlat(ORIGIN, corners))
    return SiteFeature(id=name, role="berth", outline=ring, verified=verified)


def berth_scene(cloudy_to: float) -> tuple[Site, Chip, CloudMask]:
    """Four berths of 100 m, the last over the eastern rim; cloud over all west of `cloudy_to`."""
    grid, east, _ = ground(400.0, 1.0)
    site = Site(
        id="s",
        name="S",
        features=(
            berth("b", -150.0, 0.0, 100.0, 40.0),
            berth("a", 0.0, 0.0, 100.0, 40.0, verified=False),
            replace(berth("z", 0.0, -100.0, 100.0, 40.0), role="anchorage"),
            berth("rim", 170.0, 0.0, 100.0, 40.0),
            berth("far", 900.0, 0.0, 100.0, 40.0),
        ),
    )
    chip = Chip(
        pixels=np.zeros((1, *grid.shape), np.float32),
        valid=np.ones(grid.shape, bool),
        bands=("red",),
        grid=grid,
        calibrated=True,
    )
    cloudy = np.asarray(east < cloudy_to)
    return site, chip, CloudMask(cloudy=cloudy, shadowed=~cloudy, method="spectral")


def test_the_four_outcomes() -> None:
    site, chip, mask = berth_scene(cloudy_to=-100.0)
    states = decide_berths(site, chip, mask, {}, config=CONFIG)
    assert [(s.id, s.state, s.verified) for s in states] == [
        ("b", "obscured", True),
        ("a", "clear-empty", False),
        ("rim", "not-imaged", True),
        ("far", "not-imaged", True),
    ]
    assert [s.clear_fraction for s in states] == pytest.approx([0.5, 1.0, 0.3, 0.0], abs=0.02)
    ships = {"d2": "b", "d9": "rim", "d10": "b"}
    states = decide_berths(site, chip, mask, ships, config=CONFIG)
    assert [s.state for s in states] == ["occupied", "clear-empty", "occupied", "not-imaged"]
    assert [s.detection_ids for s in states] == [("d2", "d10"), (), ("d9",), ()]
    assert states[0].clear_fraction == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("cloudy_to", [-200.0, -121.0, -119.0, -60.0, 10.0, 40.0, 200.0])
def test_obscured_is_never_empty(cloudy_to: float) -> None:
    site, chip, mask = berth_scene(cloudy_to)
    for state in decide_berths(site, chip, mask, {}, config=CONFIG):
        assert (state.state == "clear-empty") == (state.clear_fraction >= CONFIG.berth_clear_share)


def test_a_berth_that_was_hardly_measured_was_not_imaged() -> None:
    site, chip, mask = berth_scene(cloudy_to=-200.0)
    for share, outcome in ((IMAGED_SHARE + 0.1, "obscured"), (IMAGED_SHARE - 0.1, "not-imaged")):
        valid = np.ones_like(chip.valid)
        valid[:, 200 + round(100 * share) :] = False
        states = decide_berths(site, replace(chip, valid=valid), mask, {}, config=CONFIG)
        assert states[1].state == outcome
        assert states[1].clear_fraction == pytest.approx(share, abs=0.02)


def test_the_summary_counts_measured_pixels() -> None:
    cloudy, shadowed, valid = (np.zeros((10, 10), bool) for _ in range(3))
    valid[:8] = True
    cloudy[:2] = True
    shadowed[1:3] = True
    shadowed[9] = True
    result = summarise_clouds(CloudMask(cloudy=cloudy, shadowed=shadowed, method="udm"), valid)
    assert result.method == "udm"
    shares = (result.cloud_fraction, result.shadow_fraction, result.nodata_fraction)
    assert shares == pytest.approx((0.25, 0.125, 0.2))
    nothing = summarise_clouds(
        CloudMask(cloudy=cloudy, shadowed=shadowed, method="udm"), np.zeros_like(valid)
    )
    assert (nothing.cloud_fraction, nothing.nodata_fraction) == (0.0, 1.0)
