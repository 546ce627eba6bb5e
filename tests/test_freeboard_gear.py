"""What stands on deck: the shadow it adds, against rays drawn one by one and what is known of bulwarks."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.datatypes import ViewGeometry
from pipeline.freeboard.bulwark import SHARE, bulwark_probability, with_bulwark
from pipeline.freeboard.gear import INSET, PLATES, RACK_SHADE, RACKS, RAIL, gear_heights, gear_sigma
from pipeline.freeboard.model import SideShifts, side_shifts


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
    for (low, high), (near, far), share in RACKS:
        height, place = rng.uniform(low, high, count), beam * rng.uniform(near, far, count)
        beyond = height * shifts.shade - place
        tip = np.maximum(tip, np.where(rng.random(count) < share, beyond, 0.0))
    kind = rng.random(count)
    plate = np.zeros(count)
    start = 0.0
    for low, high, share in PLATES:
        chosen = (kind >= start) & (kind < start + share)
        height, inset = rng.uniform(low, high, count), rng.uniform(0.0, INSET, count)
        plate = np.where(chosen & (height * shifts.shade >= inset), height, plate)
        start += share
    return np.maximum(plate, tip / shifts.beta)


@pytest.mark.parametrize(
    ("sun", "beam"), [(15.0, 12.0), (18.0, 16.5), (25.0, 12.0), (40.0, 20.0), (60.0, 16.0)]
)
def test_heights_are_those_of_rays_drawn_at_random(sun: float, beam: float) -> None:
    shifts = shifts_under(sun)
    heights, shares = gear_heights(shifts, beam, 0.01)  # pixels so fine that every strip is parted
    by_rays = drawn(shifts, beam)
    assert shares.sum() == pytest.approx(1.0)
    assert shares @ heights == pytest.approx(by_rays.mean(), abs=0.02)
    assert gear_sigma(shifts, beam, 0.01) == pytest.approx(by_rays.std(), abs=0.03)


def test_a_bar_adds_all_its_height_where_its_shade_reaches_the_edge_and_less_under_a_high_sun() -> None:
    means = []
    for sun in (20.0, 35.0, 50.0, 65.0):
        heights, shares = gear_heights(shifts_under(sun), 30.0, 0.5)
        means.append(float(shares @ heights))
    assert means == sorted(means, reverse=True)
    whole = sum(share * (low + high) / 2 for low, high, share in PLATES)
    assert means[0] == pytest.approx(whole, abs=0.02)
    assert means[-1] < 0.6 * whole
    # what pixels cannot part counts whole
    coarse, shares = gear_heights(shifts_under(65.0), 30.0, 3.0)
    assert float(shares @ coarse) > 0.8 * whole


def test_a_low_sun_casts_the_racks_of_a_narrow_deck_over_its_edge() -> None:
    wide, narrow = (gear_heights(shifts_under(18.0), beam, 0.5) for beam in (32.0, 12.0))
    assert wide[1][wide[0] > 1.0].sum() == 0.0
    assert narrow[1][narrow[0] > 1.0].sum() > 0.15
    high_sun = gear_heights(shifts_under(40.0), 12.0, 0.5)
    assert high_sun[1][high_sun[0] > 1.0].sum() == 0.0


def test_wide_pixels_do_not_part_the_shade_of_gear_from_the_shadow() -> None:
    """Pipes by the rail count as well, and a rack's shade that ends within a pixel of the edge."""

    def mean(sun: float, beam: float, gsd: float) -> float:
        heights, shares = gear_heights(shifts_under(sun), beam, gsd)
        return float(shares @ heights)

    low, high, share = RAIL
    # under a high sun racks throw their shade far inboard, and a pixel of 1.5 m parts no plate
    assert mean(60.0, 40.0, 3.0) - mean(60.0, 40.0, 1.5) == pytest.approx(share * (low + high) / 2, abs=0.03)
    # drawn at random: plate and pipes add up, and a rack counts when its shade ends within three metres
    shifts, count, rng = shifts_under(34.0), 100_000, np.random.default_rng(2)
    drawn_heights = np.zeros(count)
    start, kind = 0.0, rng.random(count)
    for least, most, chance in PLATES:
        chosen = (kind >= start) & (kind < start + chance)
        drawn_heights = np.where(chosen, rng.uniform(least, most, count), drawn_heights)
        start += chance
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
