"""Fine images of quays and piers that nobody knows: the ship is found, what stands there is none."""

from __future__ import annotations

import pytest
from test_detect_fine import BLUE, GSD, RED, SIDE, block, find, sea, ship

CONCRETE = (0.24, 0.25, 0.26, 0.27)
HALF = SIDE * GSD / 2


@pytest.mark.parametrize("gap", [0.0, 3.0])
@pytest.mark.parametrize("depth", [40.0, 90.0])
def test_a_ship_at_a_quay_that_leaves_the_image_is_found_with_her_beam(gap: float, depth: float) -> None:
    planes = sea(BLUE)
    quay = -HALF + depth
    block(planes, (-HALF + depth / 2, 0.0), (depth, 2 * HALF), CONCRETE)
    beam, length = 20.0, 124.0
    ship(planes, (quay + gap + beam / 2, 10.0), (beam, length), RED)
    (found,) = find(planes)
    assert {"alongside", "quay-unknown"} <= set(found.flags)
    assert found.centre == pytest.approx((quay + gap + beam / 2, 10.0), abs=2.5)
    assert found.length == pytest.approx(length, abs=5.0)
    assert found.beam == pytest.approx(beam, abs=2.5)


def test_a_bare_quay_is_no_ship() -> None:
    planes = sea(BLUE)
    block(planes, (-HALF + 30.0, 0.0), (60.0, 2 * HALF), CONCRETE)
    block(planes, (-HALF + 68.0, -20.0), (16.0, 110.0), CONCRETE)  # a step in it
    assert find(planes) == ()


@pytest.mark.parametrize("beside", [False, True])
def test_the_head_of_a_pier_and_its_walks_are_no_ships(beside: bool) -> None:
    planes = sea(BLUE)
    block(planes, (-9.0, 0.0), (18.0, 70.0), CONCRETE)
    block(planes, (-12.0, 8.0), (8.0, 30.0), (0.6, 0.6, 0.6, 0.6))  # a roof on it
    block(planes, (-18.0 - HALF / 2, 5.0), (HALF, 9.0), CONCRETE)  # its road
    for sense in (-1.0, 1.0):
        block(planes, (-9.0, sense * 60.0), (3.0, 60.0), CONCRETE)
        block(planes, (-9.0, sense * 85.0), (10.0, 10.0), CONCRETE)
    if beside:
        ship(planes, (16.0, 0.0), (24.0, 150.0), RED)
    found = find(planes)
    assert len(found) == beside
    for hull in found:
        assert hull.centre == pytest.approx((16.0, 0.0), abs=3.0)


def test_a_tug_at_her_side_makes_no_pier_of_a_ship() -> None:
    planes = sea(BLUE)
    ship(planes, (0.0, 0.0), (22.0, 140.0), RED)
    block(planes, (27.0, 20.0), (30.0, 11.0), (0.4, 0.4, 0.38, 0.4))
    (found,) = find(planes)
    assert found.beam == pytest.approx(22.0, abs=3.0)
