"""Freeboard: closed forms, refusals and ships of known freeboard from a ray caster that shares no code."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hull_world import World, detection_of, draw_world, render

from pipeline.config import FreeboardConfig
from pipeline.datatypes import BoolArray, Chip, ViewGeometry
from pipeline.errors import Refused
from pipeline.freeboard import expected_sigma, measure_freeboard
from pipeline.freeboard.combine import combine_sides, summarise
from pipeline.freeboard.model import hidden_sky, masks, side_shifts
from pipeline.freeboard.prepare import GRID, Prepared, look_at_sides, prepare
from pipeline.freeboard.refusals import refuse_alongside
from pipeline.freeboard.scan import FLOOR
from pipeline.freeboard.sides import _along_edges, fit_side
from pipeline.freeboard.strip import _lengthened
from pipeline.freeboard.windows import choose_channels
from pipeline.geometry import polygon_mask
from pipeline.readings import Curve, Freeboard

CONFIG = FreeboardConfig()


def view_of(incidence: float, azimuth: float, elevation: float, sun: float) -> ViewGeometry:
    return ViewGeometry(
        incidence_angle=incidence, azimuth=azimuth, sun_elevation=elevation, sun_azimuth=sun, source="stac"
    )


# Heading 30: port looks to 300 and starboard to 120. The names are those of the table of cases.
CASES = {
    "A": World(freeboard=3.6, length=75, beam=12.5, view=view_of(22, 105, 38, 140), waves=0.05),
    "A'": World(
        freeboard=3.6,
        length=75,
        beam=12.5,
        view=view_of(33, 115, 60, 150),
        side=(0.03, 0.03, 0.03, 0.03),
        waves=0.05,
        manifold=False,
    ),
    "B": World(freeboard=3.6, length=75, beam=12.5, view=view_of(24, 295, 45, 140), waves=0.05),
    "C": World(freeboard=3.6, length=75, beam=12.5, view=view_of(3, 60, 42, 140), waves=0.05),
}


@lru_cache(maxsize=16)
def scene(name: str, seed: int = 1) -> Chip:
    return render(CASES[name], seed=seed)


def measure(
    world: World,
    chip: Chip,
    *,
    seed: int = 1,
    view: ViewGeometry | None = None,
    blocked: BoolArray | None = None,
    config: FreeboardConfig = CONFIG,
) -> Freeboard | Refused:
    detection = detection_of(world, seed=seed)
    return measure_freeboard(chip, detection, view or world.view, beam=None, blocked=blocked, config=config)


@lru_cache(maxsize=16)
def measured(name: str, seed: int = 1) -> Freeboard:
    found = measure(CASES[name], scene(name, seed), seed=seed)
    assert isinstance(found, Freeboard), found
    return found


# ------------------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize(
    ("view", "side", "deck", "waterline", "tip"),
    [
        (view_of(25, 120, 45, 120), -1, 9.87, 9.87, 12.00),
        (view_of(25, 120, 45, 120), 1, 6.13, 8.00, 8.00),
        (view_of(25, 300, 45, 120), -1, 6.13, 8.00, 12.00),
        (view_of(25, 300, 45, 120), 1, 9.87, 9.87, 9.87),
        (view_of(35, 120, 65, 120), -1, 10.80, 10.80, 10.80),
        (view_of(35, 120, 65, 120), 1, 5.20, 8.00, 8.00),
    ],
)
def test_edges_are_those_of_the_closed_forms(
    view: ViewGeometry, side: int, deck: float, waterline: float, tip: float
) -> None:
    """F = 4, B = 16, heading 30: where deck, side and shadow end, outwards from the centreline."""
    shifts = replace(side_shifts(view, 30.0, side), sky=0.0)
    v = np.arange(0.0, 16.0, 0.005)
    edge = 8.0 - 4.0 * side * np.tan(np.radians(view.incidence_angle)) * np.sin(
        np.radians(view.azimuth - 30.0)
    )
    share = masks(v, shifts, (np.array([4.0]), np.array([edge])), (0.02, 0.0, 0.0))[0]
    widths = share.sum(axis=1) * 0.005
    assert widths[0] == pytest.approx(deck, abs=0.01)
    assert widths[0] + widths[1] == pytest.approx(waterline, abs=0.01)
    assert widths[:3].sum() == pytest.approx(tip, abs=0.01)
    assert share.sum(axis=0) == pytest.approx(np.ones(len(v)), abs=1e-9)


def test_which_side_shows_what() -> None:
    sun_side = side_shifts(view_of(25, 120, 45, 120), 30.0, 1)
    shadow_side = side_shifts(view_of(25, 120, 45, 120), 30.0, -1)
    assert sun_side.lit
    assert sun_side.beta == sun_side.alpha
    assert not shadow_side.lit
    assert shadow_side.alpha == 0.0
    assert shadow_side.beta == pytest.approx(1.0 - np.tan(np.radians(25.0)))


def test_light_that_enters_the_water_lengthens_the_shadow_by_its_depth() -> None:
    """The mean of the tail is z_eff (S' - V'), with both rays bent by the surface."""
    view = view_of(20, 300, 40, 120)
    shifts = replace(side_shifts(view, 30.0, -1), sky=0.0)
    v = np.arange(0.0, 40.0, 0.005)
    width = [
        masks(v, shifts, (np.array([4.0]), np.array([8.0])), (0.1, z, 0.0))[0][2].sum() * 0.005
        for z in (0.0, 0.3)
    ]
    sun = np.tan(np.arcsin(np.cos(np.radians(40.0)) / 1.34))
    sight = np.tan(np.arcsin(np.sin(np.radians(20.0)) / 1.34))
    assert width[1] - width[0] == pytest.approx(0.3 * (sun + sight), abs=0.01)


def test_a_hull_hides_the_sky_of_the_sea_beside_her() -> None:
    """The closed form against directions of an even sky, drawn by their light on the sea."""
    rng = np.random.default_rng(0)
    height = rng.random(400_000)
    rise, run = np.sqrt(1 - height), np.sqrt(height) * np.cos(2 * np.pi * rng.random(height.size))
    for distance in (0.3, 1.0, 3.0, 9.0):
        behind = (run < 0) & (rise * distance < -3.0 * run)
        assert hidden_sky(np.array([distance]), np.array([3.0]))[0] == pytest.approx(behind.mean(), abs=0.003)


def test_the_hidden_sky_darkens_the_sea_most_at_the_foot_of_the_hull() -> None:
    """Light is that of sun and sky, less half of the sky's at the foot; far off nothing is missing."""
    view = view_of(0, 0, 40, 120)
    shifts = side_shifts(view, 30.0, -1)
    v = np.arange(0.0, 200.0, 0.01)
    share = masks(v, shifts, (np.array([4.0]), np.array([8.0])), (0.02, 0.0, 0.0))[0]
    shadow, water = 0.02, 0.05
    light = shadow * share[2] + water * share[3]
    missing = 0.5 * shifts.sky * (water - shadow)
    assert light[np.searchsorted(v, 8.1)] == pytest.approx(shadow - missing, rel=0.03)
    assert light[-1] == pytest.approx(water, rel=0.001)
    tip = 8.0 + 4.0 * shifts.beta
    assert water > light[np.searchsorted(v, tip + 0.2)] > water - missing
    assert share.sum(axis=0) == pytest.approx(np.ones(len(v)), abs=1e-9)


# --------------------------------------------------------------------------------------- refusals


def refusal(found: Freeboard | Refused) -> str:
    assert isinstance(found, Refused), found
    assert found.message.strip()
    return found.code


def test_pixels_too_coarse() -> None:
    world = World(length=70, beam=12, gsd=4.0, waves=0.0)
    assert refusal(measure(world, render(world))) == "gsd-too-coarse"


def test_coarse_pixels_where_fine_ones_would_do() -> None:
    world = World(length=70, beam=12, gsd=3.0, waves=0.0, view=view_of(20, 285, 62, 158))
    assert refusal(measure(world, render(world))) == "gsd-too-coarse"


@pytest.mark.parametrize(
    "view",
    [view_of(4, 32, 60, 31), view_of(8, 205, 75, 212), view_of(20, 300, 4, 120)],
    ids=["both along the ship", "both along, from astern", "sun on the horizon"],
)
def test_geometry_blind(view: ViewGeometry) -> None:
    assert refusal(measure(CASES["C"], scene("C"), view=view)) == "geometry-blind"


def test_expected_error_grows_with_pixels_and_with_blindness() -> None:
    good = view_of(20, 300, 42, 120)
    at = [expected_sigma(good, 30.0, gsd) for gsd in (0.3, 0.5, 0.8, 3.0)]
    assert at == sorted(at)
    assert at[0] < 0.22  # heel, a coaming and the floor of 0.10 m are more than half of it
    assert at[3] > 0.5
    turned = [expected_sigma(view_of(5, psi + 3, 60, psi), 30.0, 0.5) for psi in (120, 75, 45, 30)]
    assert turned == sorted(turned)
    assert turned[-1] > 1.0


def test_shadow_on_a_jetty() -> None:
    """Sun to starboard, satellite overhead, jetty to port: the shadow lies on it."""
    world = replace(CASES["C"], jetty=-1.5)
    assert refusal(measure(world, render(world, seed=3))) == "shadow-not-on-water"


def test_clouded() -> None:
    world, chip = CASES["C"], scene("C")
    hull = polygon_mask(chip.grid, detection_of(world, seed=1).outline)
    assert refusal(measure(world, chip, blocked=hull)) == "clouded"


def test_outside_the_image() -> None:
    world, chip = CASES["C"], scene("C")
    valid = chip.valid.copy()
    rows = np.arange(chip.grid.shape[0])
    half = replace(
        chip,
        grid=replace(chip.grid, shape=(int(0.47 * len(rows)), chip.grid.shape[1])),
        pixels=chip.pixels[:, : int(0.47 * len(rows))],
        valid=valid[: int(0.47 * len(rows))],
    )
    assert refusal(measure(world, half)) == "outside-image"


def test_edge_unresolved_where_nothing_is_to_be_seen() -> None:
    """A patch of sea that was taken for a ship."""
    chip = scene("C")
    rng = np.random.default_rng(5)
    level = np.array([0.05, 0.045, 0.03, 0.012])[:, None, None]
    sea = level * (1 + 0.05 * rng.standard_normal(chip.pixels.shape))
    empty = replace(chip, pixels=sea.astype(np.float32))
    assert refusal(measure(CASES["C"], empty)) == "edge-unresolved"


# ------------------------------------------------------------------------------------ measurements


@pytest.mark.parametrize("name", sorted(CASES))
def test_known_freeboard_is_found(name: str) -> None:
    found = measured(name)
    assert abs(found.value - 3.6) < 3 * found.sigma
    assert abs(found.value - 3.6) < 0.6
    assert found.sigma < 0.6
    assert found.cues


def test_cue_names_follow_the_case() -> None:
    assert {c.cue for c in measured("C").cues} >= {"shadow"}
    assert {c.cue for c in measured("A'").cues} == {"lit-side"}


@pytest.mark.parametrize("freeboard", [1.0, 2.2, 5.0])
def test_freeboard_is_followed(freeboard: float) -> None:
    world = replace(CASES["B"], freeboard=freeboard)
    found = measure(world, render(world, seed=2), seed=2)
    assert isinstance(found, Freeboard)
    assert abs(found.value - freeboard) < 3 * found.sigma
    assert abs(found.value - freeboard) < 0.4


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_curve_value_sigma_and_interval_are_one_statement(name: str) -> None:
    found = measured(name)
    curve = np.array(found.curve.log_likelihood)
    assert curve.max() == 0.0
    assert curve.min() >= -60.0
    F, density = found.curve.freeboards(), found.curve.density()
    mean = float((density * F).sum())
    assert found.value == pytest.approx(mean, abs=1e-6)
    assert found.sigma == pytest.approx(float(np.sqrt((density * (F - mean) ** 2).sum())), abs=1e-6)
    low, high = found.interval90
    assert low < found.value < high
    inside = density[(low <= F) & (high >= F)].sum()
    assert inside == pytest.approx(0.9, abs=1.2 * density.max())
    assert found.information > 2.0


def test_lines_lie_where_the_edges_are() -> None:
    names = [line.name for line in measured("B").lines]
    assert names.count("deck-edge") == 2
    assert names.count("waterline") == 1
    assert names.count("shadow-tip") == 1
    profile = measured("B").profile
    assert profile is not None
    assert len(profile.u) == len(profile.observed) == len(profile.fitted)
    assert list(profile.u) == sorted(profile.u)
    assert {p.name for p in profile.parts} >= {"deck", "shaded-side", "shadow", "water"}


def test_wrong_azimuth_of_the_satellite_is_told() -> None:
    world = World(
        freeboard=6.0,
        length=100,
        beam=18.0,
        view=view_of(33, 115, 30, 130),
        side=(0.3, 0.3, 0.3, 0.3),
        waves=0.05,
    )
    chip = render(world, seed=1)
    right = measure(world, chip)
    assert isinstance(right, Freeboard)
    assert right.azimuth_check == "agrees"
    turned = replace(world.view, azimuth=(world.view.azimuth + 180.0) % 360.0)
    assert refusal(measure(world, chip, view=turned)) == "no-geometry"


def test_the_fast_form_agrees_with_the_exact_one() -> None:
    """Candidates that one depth of light makes faint are not asked at the others: it moves little."""
    for name in ("B", "C"):
        world = CASES[name]
        prepared = prepare(scene(name), detection_of(world, seed=1), world.view, blocked=None)
        assert isinstance(prepared, Prepared)
        looks = look_at_sides(prepared, world.view, None)
        curves = []
        for exact in (False, True):
            fits = {
                side: fit_side(look.window, look.shifts, GRID, look.scan, exact=exact)
                for side, look in looks.items()
                if look.window is not None and look.scan is not None
            }
            curves.append(summarise(GRID, combine_sides(GRID, fits, (12.5, 0.8))))
        (fast, fast_sigma), (value, sigma) = curves
        assert fast == pytest.approx(value, abs=0.2 * sigma)
        assert fast_sigma == pytest.approx(sigma, rel=0.1)


def test_the_sea_must_be_seen_beyond_the_tip_where_another_body_ends_it() -> None:
    world = CASES["C"]
    prepared = prepare(scene("C"), detection_of(world, seed=1), world.view, blocked=None)
    assert isinstance(prepared, Prepared)
    side, look = next((k, v) for k, v in look_at_sides(prepared, world.view, None).items() if v.shifts.shade)
    assert look.window is not None
    assert look.scan is not None
    fit = fit_side(look.window, look.shifts, GRID, look.scan)
    height, edge = fit.best
    tip = edge + height * fit.shifts.beta
    for beyond, told in ((0.6, "shadow-not-on-water"), (3.0, None)):
        seen = fit.window.v < tip + beyond
        ended = replace(fit, window=replace(fit.window, v=fit.window.v[seen], cut=True))
        refused = refuse_alongside({side: ended})
        assert (refused and refused.code) == told


def test_same_input_same_answer_and_nothing_is_changed() -> None:
    world, chip = CASES["C"], scene("C")
    pixels, valid = chip.pixels.copy(), chip.valid.copy()
    blocked = np.zeros(chip.grid.shape, dtype=np.bool_)
    blocked[:5, :5] = True
    kept = blocked.copy()
    first = measure(world, chip, blocked=blocked)
    second = measure(world, chip, blocked=blocked)
    assert first == second
    assert np.array_equal(chip.pixels, pixels)
    assert np.array_equal(chip.valid, valid)
    assert np.array_equal(blocked, kept)


def test_images_of_one_ship_multiply() -> None:
    looks = [measured("B"), measured("C"), measured("A")]
    total = np.sum([np.array(look.curve.log_likelihood) for look in looks], axis=0)
    value, sigma = summarise(looks[0].curve.freeboards(), total)
    assert sigma < min(look.sigma for look in looks)
    assert abs(value - 3.6) < 0.3
    joined = Curve(
        start=looks[0].curve.start,
        step=looks[0].curve.step,
        log_likelihood=tuple(float(x) for x in total - total.max()),
    )
    assert joined.density().sum() == pytest.approx(1.0)


def test_single_band_and_other_bands_measure_too() -> None:
    for bands in (("pan",), ("green",)):
        world = replace(CASES["B"], bands=bands)
        found = measure(world, render(world, seed=4), seed=4)
        assert isinstance(found, Freeboard)
        assert abs(found.value - 3.6) < 3 * found.sigma


def test_random_ships_in_open_water() -> None:
    """Drawn wider than the fit assumes: the intervals hold and nothing is confidently wrong."""
    errors, inside = [], []
    for seed in (1, 5, 7, 9, 15, 17):
        world = replace(draw_world(seed), samples=3, traced=0.6)
        found = measure(world, render(world, seed=seed), seed=seed)
        assert isinstance(found, Freeboard)
        errors.append(found.value - world.freeboard)
        assert abs(errors[-1]) < max(1.0, 3 * found.sigma)
        inside.append(found.interval90[0] - 0.1 < world.freeboard < found.interval90[1] + 0.1)
    assert np.mean(np.abs(errors)) < 0.35
    assert np.mean(inside) >= 0.65


def test_the_band_that_parts_side_and_deck_is_taken() -> None:
    """A red side under a green deck is of the deck's brightness in red, and dark in green."""
    across = np.tile(np.linspace(-1, 1, 101), 40)
    rng = np.random.default_rng(3)
    side = across > 0.84
    noise = rng.normal(0, 0.004, (4, across.size))
    red_side = np.array([0.05, 0.07, 0.11, 0.2])[:, None]
    green_deck = np.array([0.06, 0.14, 0.115, 0.21])[:, None]
    bands = ("blue", "green", "red", "nir")
    apart = np.where(side, red_side, green_deck) + noise
    alike = np.where(side, green_deck, green_deck) + noise
    assert [c.name for c in choose_channels(bands, apart, across)] == ["green", "nir"]
    assert [c.name for c in choose_channels(bands, alike, across)] == ["red", "nir"]


def test_a_peak_beside_a_node_that_was_not_looked_at_is_not_raised() -> None:
    """Between nodes a parabola; where a neighbour says nothing, no higher than the node itself."""
    e = np.arange(9.0, 11.0, 0.25)
    row = -40.0 * (e - 9.8) ** 2
    places = np.arange(9.0, 10.8, 0.05)
    assert _along_edges(places, e, row).max() == pytest.approx(0.0, abs=0.05)
    row[: int(np.argmax(row))] = FLOOR
    assert _along_edges(places, e, row).max() <= row.max() + 1e-9


def test_a_shadow_on_the_wrong_side_is_no_freeboard() -> None:
    """The sun's azimuth off by half a turn: nothing is seen where the shadow should lie."""
    view = CASES["C"].view
    turned = replace(view, sun_azimuth=(view.sun_azimuth + 180.0) % 360.0)
    assert refusal(measure(CASES["C"], scene("C"), view=turned)) == "edge-unresolved"


def test_a_ship_abreast_on_the_shadow_side() -> None:
    world = replace(CASES["C"], neighbour=-2.5)
    assert refusal(measure(world, render(world, seed=7), seed=7)) == "shadow-not-on-water"


def test_list_and_boot_topping_leave_the_mean_of_both_edges() -> None:
    world = replace(CASES["B"], boot=(0.03, 0.03, 0.05, 0.05), boot_height=1.5, heel=1.0)
    found = measure(world, render(world, seed=6), seed=6)
    assert isinstance(found, Freeboard)
    assert found.interval90[0] < 3.6 < found.interval90[1]
    assert found.sigma < 0.5


def test_a_glaring_margin_plate_on_a_dark_deck_ends_where_the_deck_does() -> None:
    """It is no gear far inside the edge, with a strip of "deck" beyond it that is as dark as her shadow."""
    world = replace(
        CASES["C"],
        freeboard=5.2,
        length=110,
        beam=22.0,
        view=view_of(4, 103, 22, 14),
        deck=(0.03, 0.032, 0.05, 0.04),
        clutter=0.2,
        waves=0.03,
        gutter=0.5,
        gutter_level=7.0,
        samples=3,
        traced=0.5,
    )
    found = measure(world, render(world, seed=1), seed=1)
    assert isinstance(found, Freeboard)
    assert found.interval90[0] < 5.2 < found.interval90[1]
    assert found.sigma < 0.6


def test_a_bulwark_along_the_side_is_said_and_leaves_both_freeboards() -> None:
    """It shades a strip of deck on the sunny side; open rails, the rule, do not."""
    world = replace(
        CASES["C"],
        length=85,
        beam=14.0,
        view=view_of(15, 300, 38, 120),
        deck=(0.1, 0.1, 0.17, 0.18),
        clutter=0.05,
        samples=3,
        traced=0.55,
    )
    railed = measure(world, render(world, seed=8), seed=8)
    walled = replace(world, bar=(1.0, 0.0))
    found = measure(walled, render(walled, seed=8), seed=8)
    assert isinstance(railed, Freeboard)
    assert isinstance(found, Freeboard)
    assert "bulwark" not in railed.flags
    assert "bulwark" in found.flags
    assert found.interval90[0] < 3.6 < found.interval90[1]


def test_stations_with_a_longer_shadow_do_not_count() -> None:
    """Awnings and bulwarks lengthen a shadow, nothing shortens it; alike stations all count."""
    shade = np.full((10, 20), 0.0)
    shade[:, :8] = 0.3
    present = np.ones(shade.shape, dtype=np.bool_)
    trimmed = shade.copy()
    trimmed[:, 8] = np.linspace(0.0, 0.3, 10)
    assert not _lengthened(trimmed, present, 0.7).any()
    awning = shade.copy()
    awning[2:8, 8:14] = 0.3
    assert _lengthened(awning, present, 0.7).tolist() == [False] * 2 + [True] * 6 + [False] * 2
    awning[0:8, 8:14] = 0.3
    assert not _lengthened(awning, present, 0.7).any()
