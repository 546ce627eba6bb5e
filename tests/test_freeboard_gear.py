"""What stands on deck: the shadow it adds, against rays drawn one by one and what is known of bulwarks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.bulwarks import with_bulwark
from pipeline.datatypes import ViewGeometry
from pipeline.freeboard.bulwark import SHARE, bulwark_probability
from pipeline.freeboard.evidence import noise_covariance, posterior_levels
from pipeline.freeboard.gear import (
    LINES,
    PIPES,
    RACK_SHADE,
    RACKS,
    SURE,
    TRUNKS,
    gear_heights,
    gear_sigma,
    shade_odds,
)
from pipeline.freeboard.model import Levels, SideShifts, kernels, masks, side_shifts, variants
from pipeline.freeboard.plates import (
    KINDS,
    MARGINS,
    PLATES,
    RAIL,
    SHADED,
    USUAL,
    plate_shades,
    plate_sigma,
)


def shifts_under(sun_elevation: float) -> SideShifts:
    """Of the side her shadow falls on, sun abeam, seen from nearly above."""
    view = ViewGeometry(
        incidence_angle=4.0, azimuth=300.0, sun_elevation=sun_elevation, sun_azimuth=120.0, source="test"
    )
    return side_shifts(view, 30.0, -1)


def drawn(shifts: SideShifts, beam: float, *, count: int = 200_000) -> np.ndarray:
    """What gear adds to the height that rays over it and over the bare edge tell apart, where all is seen."""
    rng = np.random.default_rng(1)
    tip = np.zeros(count)
    for (low, high), (near, far), share in RACKS + TRUNKS:
        height, place = rng.uniform(low, high, count), beam * rng.uniform(near, far, count)
        beyond = height * shifts.shade - place
        tip = np.maximum(tip, np.where(rng.random(count) < share, beyond, 0.0))
    (low, high), (near, far), share, radius = LINES
    beyond = rng.uniform(low, high, count) * shifts.shade - rng.uniform(near, far, count)
    broad = 2 * radius * np.hypot(1.0, shifts.shade)  # of a pipe's shade on the level
    tip = np.maximum(tip, np.where(rng.random(count) < share, np.minimum(beyond, broad), 0.0))
    return tip / shifts.beta


@pytest.mark.parametrize(
    ("sun", "beam"), [(15.0, 12.0), (18.0, 16.5), (25.0, 12.0), (40.0, 20.0), (60.0, 16.0)]
)
def test_heights_are_those_of_rays_drawn_at_random(sun: float, beam: float) -> None:
    shifts = shifts_under(sun)
    heights, shares = gear_heights(shifts, beam, 0.01)
    by_rays = drawn(shifts, beam)
    assert shares.sum() == pytest.approx(1.0)
    assert shares @ heights == pytest.approx(by_rays.mean(), abs=0.02)
    assert gear_sigma(shifts, beam, 0.01) == pytest.approx(by_rays.std(), abs=0.03)


@pytest.mark.parametrize("sun", [18.0, 30.0, 60.0])
def test_plates_shade_what_rays_to_the_sun_say(sun: float) -> None:
    """Points of deck and sea along a line across the hull, each looked at from the sun."""
    shifts, freeboard, edge = shifts_under(sun), 3.0, 8.0
    v = np.arange(5.0, edge + 12.0, 0.02)
    shades = plate_shades(v, shifts, (np.array([freeboard]), np.array([edge])), 0.01)
    foot = edge + freeboard * (shifts.beta - shifts.shade)  # the plumb line of the edge, as the sea shows it
    for k, plate in enumerate(KINDS):
        outboard = v - (edge - plate.inset)
        # seen from her side, the plate's dark face covers deck inboard of its foot
        face = plate.height * (shifts.beta - shifts.shade)
        shaded = (v < edge) & (outboard > -face) & (outboard < plate.height * shifts.shade)
        painted = (v < edge) & (v > edge - plate.margin)
        on_deck = np.maximum(1.0 * shaded, plate.lost / (1 - SHADED) * painted)
        over_plate = v - (foot - plate.inset) < (freeboard + plate.height) * shifts.shade
        on_sea = (v > edge + freeboard * shifts.beta) & over_plate & (plate.height > 0)
        for found, rays in ((shades.deck[k, 0], on_deck), (shades.water[k, 0], on_sea)):
            assert 0.02 * np.abs(found - rays).sum() < 0.05
    over_rail = (v > edge + freeboard * shifts.beta) & (v - foot < (freeboard + RAIL[0]) * shifts.shade)
    assert 0.02 * shades.rail[0].sum() == pytest.approx(0.02 * over_rail.sum(), abs=0.05)


def test_the_profile_that_is_drawn_has_the_plate_that_stands_there() -> None:
    """A deck in the shade of a plate 0.25 m high at its edge, seen sharply, against a fit without plates."""
    shifts, v, blur, edge = shifts_under(25.0), np.arange(3.0, 24.0, 0.2), 0.15, np.array([8.0])
    state, setting = (np.array([4.0]), edge), (blur, 0.1, 0.0)
    levels = Levels(
        deck=(0.2, 0.05),
        side=(0.05, 0.02),
        shadow=(0.03, 0.01),
        water=(0.06, 0.01),
        structure=(0.002, 0.002, 0.001, 0.001),
        boot=0.0,
        bands=0.0,
        bar=0.0,
        dark=0.0,
    )
    shades = plate_shades(v, shifts, state, blur)
    stands = next(k for k, plate in enumerate(KINDS) if 0.24 < plate.height < 0.3 and plate.inset < 0.2)
    seen = np.array([0.2, 0.05, 0.03, 0.06]) @ masks(v, shifts, state, setting)[0]
    seen -= 0.8 * 0.2 * shades.deck[stands, 0] + 0.03 * shades.water[stands, 0]
    seen -= RAIL[1] * 0.03 * shades.rail[0]
    data = (v, seen, noise_covariance(v, np.full(v.shape, 0.001)))
    shares, correlation = variants(v, shifts, state, setting), kernels(v, blur)
    with_plates, without = (
        np.abs(posterior_levels(data, shares, 8.0, levels, correlation, some)[1] - seen).max()
        for some in (shades, None)
    )
    assert without > 0.03
    assert with_plates < 0.25 * without


def test_plates_leave_most_open_where_their_shade_reaches_the_edge() -> None:
    low = plate_sigma(shifts_under(10.0).shade, 0.5)
    rng = np.random.default_rng(3)
    heights = np.concatenate(
        [rng.uniform(least, most, round(1e5 * share)) for least, most, share in PLATES]
        + [np.zeros(round(1e5 * (1 - sum(share for _, _, share in PLATES))))]
        + [np.full(round(1e5 * MARGINS[2] / (1 - MARGINS[2])), USUAL[0])]
    )
    assert low == pytest.approx(heights.std(), abs=0.02)
    # the sunlit strip beside a plate is seen in fine pixels under a high sun
    assert plate_sigma(shifts_under(85.0).shade, 0.05) < 0.5 * low
    # what pixels cannot part counts whole
    assert plate_sigma(shifts_under(65.0).shade, 30.0) == pytest.approx(heights.std(), abs=0.02)


def test_a_low_sun_casts_the_racks_of_a_narrow_deck_over_its_edge() -> None:
    wide, narrow = (gear_heights(shifts_under(18.0), beam, 0.5) for beam in (32.0, 12.0))
    assert wide[1][wide[0] > 1.0].sum() == 0.0
    assert narrow[1][narrow[0] > 1.0].sum() > 0.15
    high_sun = gear_heights(shifts_under(40.0), 12.0, 0.5)
    assert high_sun[1][high_sun[0] > 1.0].sum() == 0.0


def test_a_deck_in_the_dark_up_to_its_edge_speaks_for_gear_that_shades_the_edge() -> None:
    def deck(light: float) -> Levels:
        some = (0.05, 0.02)
        return Levels(
            deck=(0.02 + light, 0.1),
            side=some,
            shadow=some,
            water=some,
            structure=(0.0, 0.0, 0.0, 0.0),
            boot=0.0,
            bands=0.0,
            bar=0.0,
            dark=0.02,
        )

    dark, middling, sunny = (shade_odds(deck(light), deck(0.2)) for light in (0.06, 0.115, 0.18))
    assert dark > 5.0
    assert middling == pytest.approx(1.0)
    assert sunny == SURE[0]
    assert shade_odds(deck(0.06), deck(0.0)) == 1.0  # of a black deck nobody can say
    shifts = shifts_under(22.0)
    heights, before = gear_heights(shifts, 14.0, 0.5)
    after = gear_heights(shifts, 14.0, 0.5, dark)[1]
    free, left = (float(shares[heights == 0.0].sum()) for shares in (before, after))
    assert left == pytest.approx(free / (free + dark * (1 - free)))


def test_wide_pixels_do_not_part_the_shade_of_gear_from_the_shadow() -> None:
    """Pipes by the rail count as well, and a rack's shade that ends within a pixel of the edge."""

    def mean(sun: float, beam: float, gsd: float) -> float:
        heights, shares = gear_heights(shifts_under(sun), beam, gsd)
        return float(shares @ heights)

    low, high, share = PIPES
    # under a high sun racks throw their shade far inboard
    assert mean(60.0, 40.0, 3.0) - mean(60.0, 40.0, 1.5) == pytest.approx(share * (low + high) / 2, abs=0.03)
    # drawn at random: a rack counts when its shade ends within three metres
    shifts, count, rng = shifts_under(34.0), 100_000, np.random.default_rng(2)
    drawn_heights = np.zeros(count)
    drawn_heights += np.where(rng.random(count) < share, rng.uniform(low, high, count), 0.0)
    for (least, most), (near, far), chance in RACKS:
        beyond = rng.uniform(least, most, count) * shifts.shade - 20.0 * rng.uniform(near, far, count)
        seen = (rng.random(count) < chance) & (beyond > -3.0)
        added = np.where(seen, (np.maximum(beyond, 0.0) + RACK_SHADE) / shifts.beta, 0.0)
        drawn_heights = np.maximum(drawn_heights, added)
    assert mean(34.0, 20.0, 3.0) == pytest.approx(drawn_heights.mean(), abs=0.03)


def test_unseen_bulwarks_are_as_many_as_ships_of_that_length_have() -> None:
    assert bulwark_probability(70.0, None, 0.0) == SHARE
    assert 0.0 < bulwark_probability(100.0, None, 0.0) < SHARE
    assert bulwark_probability(120.0, None, 0.0) == 0.0


def test_a_bulwark_leaves_a_second_freeboard_a_metre_lower_where_she_would_float() -> None:
    grid = np.asarray(0.05 * np.arange(241), dtype=np.float64)
    for freeboard, lower_share in ((3.0, 0.3), (1.0, 0.0)):
        curve = np.asarray(-0.5 * ((grid - freeboard) / 0.06) ** 2, dtype=np.float64)
        density = np.exp(with_bulwark(grid, curve, 0.3))
        density /= density.sum()
        assert density[grid < freeboard - 0.5].sum() == pytest.approx(lower_share, abs=0.01)
