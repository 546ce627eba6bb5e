"""The simulator against closed forms: poles, decks, shadows, clouds, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.config import Config
from pipeline.datatypes import ViewGeometry
from pipeline.errors import MissingExtraError
from pipeline.geometry import lonlat_to_ground, pixel_to_ground, relief_shift, shadow_shift, shift_per_metre
from pipeline.simulate.meshes import Mesh, box, join, place
from pipeline.simulate.render import mitsuba

try:
    mitsuba()
except MissingExtraError as missing:
    pytest.skip(f"{missing} ({missing.hint})", allow_module_level=True)

from pipeline.simulate.chips import ORIGIN, simulate_chips, truth_detection
from pipeline.simulate.render import Frame, Sea, sheets, trace
from pipeline.simulate.sensor import Sensor, record
from pipeline.simulate.ships import Hull, Paint, build_ship
from pipeline.simulate.sky import Clouds, hide, opacity
from pipeline.simulate.world import SITUATIONS, Situation

Array = npt.NDArray[np.float64]
SAMPLE = Path(__file__).resolve().parents[1] / "sample_scenes"
CALM = Sea(upwelling=(0.05, 0.06, 0.05, 0.02, 0.01), roughness=0.3, depth=0.0, waves=0.0)
WHITE = (0.8, 0.8, 0.8, 0.8, 0.8)
STEP = 0.25


def view_of(incidence: float, azimuth: float, elevation: float, sun: float) -> ViewGeometry:
    return ViewGeometry(
        incidence_angle=incidence, azimuth=azimuth, sun_elevation=elevation, sun_azimuth=sun, source="test"
    )


def photograph(
    meshes: list[Mesh], view: ViewGeometry, side: float, samples: int = 12
) -> tuple[Array, Array, Array]:
    """(plane, east, north) of a square about the origin, one band."""
    count = round(side / STEP)
    frame = Frame(centre=(0.0, 0.0), shape=(count, count), axes=(STEP, 0.0, 0.0, -STEP))
    plane = trace(meshes, CALM, view, frame, samples=samples, bands=("red",))[0].astype(np.float64)
    along = (np.arange(count) + 0.5) * STEP - side / 2
    east, north = np.meshgrid(along, -along)
    return plane, east, north


def centroid(weight: Array, east: Array, north: Array, near: Array, radius: float) -> Array:
    inside = np.hypot(east - near[0], north - near[1]) < radius
    w = np.where(inside, weight, 0.0)
    return np.asarray(np.array([(w * east).sum(), (w * north).sum()]) / w.sum(), dtype=np.float64)


@pytest.mark.parametrize(
    "view", [view_of(25, 300, 40, 150), view_of(10, 95, 55, 200), view_of(33, 200, 35, 80)]
)
def test_a_pole_leans_and_throws_its_shadow_by_the_closed_form(view: ViewGeometry) -> None:
    """The cap of a 20 m pole lies at h tan(incidence), its shadow at h cot(elevation), to 0.1 px of 0.5 m.

    The pole stops five metres below its cap, so that what is measured is the cap alone.
    """
    height = 20.0
    pole = box((-0.06, -0.06, 0.0), (0.06, 0.06, height - 5.0), WHITE)
    cap = box((-1.0, -1.0, height - 0.02), (1.0, 1.0, height), WHITE)
    plane, east, north = photograph([join([pole, cap])], view, 76.0)
    water = float(np.median(plane))
    top = height * np.asarray(relief_shift(view))
    tip = height * np.asarray(shadow_shift(view))
    seen = centroid(np.maximum(plane - 3 * water, 0), east, north, top, 2.5)
    dark = centroid(np.maximum(0.75 * water - plane, 0), east, north, tip, 2.5)
    assert np.hypot(*top) == pytest.approx(height * np.tan(np.radians(view.incidence_angle)))
    assert np.hypot(*tip) == pytest.approx(height / np.tan(np.radians(view.sun_elevation)))
    assert np.abs(seen - top).max() < 0.05
    assert np.abs(dark - tip).max() < 0.05


def crossing(u: Array, profile: Array, level: float, low: float, high: float) -> float:
    """The outermost place between `low` and `high` at which the profile crosses a level."""
    inside = (u >= low) & (u <= high)
    x, y = u[inside], profile[inside] - level
    k = np.flatnonzero(y[:-1] * y[1:] <= 0)[0]
    return float(x[k] - y[k] * (x[k + 1] - x[k]) / (y[k + 1] - y[k]))


def test_deck_edges_and_shadow_tip_of_a_hull() -> None:
    """Case B of the freeboard's geometry: deck edges at +-B/2 - F V, shadow tip at -B/2 - F S."""
    white = Paint(deck=WHITE, side=WHITE, boot_top=WHITE, house=WHITE, gear=WHITE, funnel=WHITE)
    hull = Hull(
        kind="tanker", length=90.0, beam=16.0, depth=8.0, draught=4.0, paint_line=4.0, paint=white,
        forecastle=False, poop=False, gutter=0.0, pipes=0, seed=1,
    )  # fmt: skip
    heading, view = 30.0, view_of(25, 300, 45, 120)
    S, V = shift_per_metre(view, heading)
    plane, east, north = photograph([place(build_ship(hull), heading, (0.0, 0.0))], view, 60.0, samples=24)
    psi = np.radians(heading)
    u, v = east * np.cos(psi) - north * np.sin(psi), east * np.sin(psi) + north * np.cos(psi)
    station = np.abs(v + 12.0) < 4.0  # clear of manifold and house
    bins = np.arange(-16.0, 16.0, 0.2)
    which = np.digitize(u[station], bins)
    profile = np.array([np.median(plane[station][which == k]) for k in range(1, len(bins))])
    middle = bins[:-1] + 0.1
    water = float(np.median(profile[middle > 14]))
    deck = float(np.median(profile[np.abs(middle + 4 * V) < 6]))
    starboard = crossing(middle[::-1], profile[::-1], (deck + water) / 2, 5.0, 15.0)
    tip = crossing(middle, profile, 0.6 * water, -15.5, -9.0)
    assert starboard == pytest.approx(8.0 - 4.0 * V, abs=0.15)
    assert tip == pytest.approx(-8.0 - 4.0 * S, abs=0.15)


def test_truth_of_a_chip_is_the_hull_afloat() -> None:
    chip = next(iter(simulate_chips(1, seed=5, gsd=3.0)))
    again = next(iter(simulate_chips(1, seed=5, gsd=3.0)))
    truth = chip.truth
    np.testing.assert_array_equal(chip.chip.pixels, again.chip.pixels)
    assert truth.freeboard == pytest.approx((truth.freeboard_port + truth.freeboard_starboard) / 2)
    assert truth.freeboard == pytest.approx(truth.depth - truth.draught, abs=0.02)
    lift = truth.beam * np.sin(np.radians(truth.heel))
    assert truth.freeboard_port - truth.freeboard_starboard == pytest.approx(lift)
    outline = lonlat_to_ground(ORIGIN, truth.outline)
    extent = outline @ np.array([np.sin(np.radians(truth.heading)), np.cos(np.radians(truth.heading))])
    assert np.ptp(extent) == pytest.approx(truth.length, rel=0.05)
    exact = truth_detection(truth, error=0.0)
    assert (exact.length, exact.beam, exact.heading) == (truth.length, truth.beam, truth.heading)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_lies_about_a_ship_is_on_the_picture(situation: Situation) -> None:
    """Open water is even beyond the ship and her shadow; anything alongside breaks it."""
    (chip,) = simulate_chips(1, seed=12, gsd=1.0, situations=(situation,))
    assert chip.situation == situation
    plane = chip.chip.band("nir")
    assert plane is not None
    ground = pixel_to_ground(
        chip.chip.grid, np.stack(np.meshgrid(*(np.arange(n) + 0.5 for n in plane.shape[::-1])), -1)
    )
    psi = np.radians(chip.truth.heading)
    side = ground[..., 0] * np.cos(psi) - ground[..., 1] * np.sin(psi)
    beyond = np.abs(side) > chip.truth.beam / 2 + 3.0 * chip.truth.freeboard + 4.0
    lit = plane > 2.5 * np.median(plane[beyond])
    share = float(lit[beyond].mean())
    assert share < 0.002 if situation == "open" else share > 0.002


def test_a_cloud_is_seen_and_shades_at_its_offsets() -> None:
    view = view_of(20, 100, 40, 160)
    clouds = Clouds(cover=0.2, height=1000.0, size=200.0, thickness=0.9, seed=4)
    east, north = np.meshgrid(np.arange(-2000.0, 2000.0, 40.0), np.arange(2000.0, -2000.0, -40.0))
    film = np.full((1, *east.shape), 0.1, np.float32)
    hidden, seen, dark = hide(film, east, north, clouds, view)
    relief, shadow = relief_shift(view), shadow_shift(view)
    np.testing.assert_allclose(seen, opacity(clouds, east - 1000 * relief[0], north - 1000 * relief[1]))
    np.testing.assert_allclose(dark, opacity(clouds, east - 1000 * shadow[0], north - 1000 * shadow[1]))
    assert hidden[0][(seen < 0.02) & (dark > 0.8)].max() < 0.06
    assert hidden[0][seen > 0.8].min() > 0.3
    none, _, _ = hide(film, east, north, Clouds(cover=0.0), view)
    np.testing.assert_array_equal(none, film)


def test_a_sensor_blurs_adds_noise_and_counts() -> None:
    film = np.full((4, 80, 80), 0.1, np.float32)
    film[:, :, 40:] = 0.2
    sensor = Sensor(gsd=0.5, blur=0.5, shot=0.001, read=0.0005)
    counts = record(film, 2, sensor, 3)
    assert counts.shape == (4, 40, 40)
    assert counts.dtype == np.uint16
    assert counts[:, :, :15].mean() == pytest.approx(1000, abs=2)
    assert counts[:, :, :15].std() == pytest.approx(np.hypot(5, 10), rel=0.1)
    np.testing.assert_array_equal(counts, record(film, 2, sensor, 3))
    hazy = record(film, 2, replace(sensor, toa=True), 3)
    assert hazy[0].mean() > hazy[3].mean() + 300  # blue air is brighter than infrared air
    sharp = record(film, 2, replace(sensor, pansharpened=True), 3)
    assert abs(float(sharp.mean()) - float(counts.mean())) < 20


# ------------------------------------------------------------------------------------ the sample season


def truths() -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(SAMPLE.glob("*/truth.json"))]


def test_the_sample_season_is_what_it_says() -> None:
    from pipeline.simulate.season import PLAN

    names = {plan.scene_id for plan in PLAN}
    assert names == {path.parent.name for path in SAMPLE.glob("*/item.json")}
    assert 14 <= len(names) <= 20
    size = sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file())
    assert size < 25e6
    visits = {plan.ship[0] for plan in PLAN if plan.ship}
    assert len(visits) == 4
    assert {plan.gsd for plan in PLAN} == {0.5, 3.0, 10.0}
    assert sum(plan.damaged for plan in PLAN) == 1
    for item in SAMPLE.glob("*/item.json"):
        document = json.loads(item.read_text())
        assert document["properties"]["plimsoll:simulated"] is True
        assert "simulated" in document["properties"]["title"]
    for truth in truths():
        assert truth["simulated"] is True


def test_season_ships_float_at_their_cargo() -> None:
    """Draught and cargo in the truth agree through the displacement law, by another route."""
    from pipeline.simulate.register import CONSUMABLES, RESIDUAL, SHIPS, VISITS, cargo_of

    for visit, (name, fraction) in VISITS.items():
        ship = SHIPS[name]
        draught = ship.draught_for(cargo_of(visit) + (CONSUMABLES + RESIDUAL) * ship.dwt)
        levels = np.linspace(draught, ship.summer_draught, 4001)
        cw = 1 - 2 / 3 * (1 - ship.block) * (ship.summer_draught / levels) ** (1 / 3)
        immersion = np.trapezoid(1.025 * 1.005 * ship.lbp * ship.beam * cw, levels)
        salt = ship.displacement(draught, 1024.0) - ship.displacement(draught, 1025.0)
        weight = ship.dwt - immersion + salt
        assert weight == pytest.approx(cargo_of(visit) + (CONSUMABLES + RESIDUAL) * ship.dwt, rel=2e-3)
        assert cargo_of(visit) / (ship.dwt * (1 - CONSUMABLES)) == pytest.approx(fraction)
        assert draught < ship.summer_draught


def test_a_chip_on_disk_reads_back(tmp_path: Path) -> None:
    from pipeline.ingest import find_deliveries, read_chip, read_scene
    from pipeline.simulate.chipfiles import write_chip

    simulated = next(iter(simulate_chips(1, seed=9, gsd=3.0)))
    write_chip(simulated, tmp_path / "chip-9")
    (delivery,) = find_deliveries([tmp_path])
    scene = read_scene(delivery)
    assert scene.simulated
    assert scene.geometry is not None
    assert scene.geometry.incidence_angle == simulated.view.incidence_angle
    assert scene.geometry.azimuth == simulated.view.azimuth
    chip = read_chip(scene, aoi=None, config=Config().ingest)
    np.testing.assert_allclose(chip.pixels, simulated.chip.pixels, atol=1e-6)
    assert chip.grid.gsd == pytest.approx(3.0, rel=2e-3)


@pytest.mark.parametrize("elevation", [20.0, 35.0, 60.0])
def test_light_from_within_the_water_reaches_as_far_as_bent_rays_do(elevation: float) -> None:
    """By Snell: red light from z deep is shifted by z tan(refracted); near infrared hardly enters at all."""
    sea = replace(CALM, depth=0.3)
    depths, weights = sheets(sea, view_of(0.0, 90.0, elevation, 180.0), ("green", "red", "nir"))
    reach = np.array(depths) @ np.array(weights) / np.tan(np.radians(elevation))
    below = np.arcsin(np.cos(np.radians(elevation)) / 1.34)
    way = 1 / np.cos(below) + 1.0
    wanted = np.tan(below) / (1 / sea.depth + way * np.array([0.06, 0.4, 3.3]))
    assert reach == pytest.approx(wanted, rel=0.15)
    assert reach[2] < 0.4 * reach[0]
