"""Ships at quays that nobody knows: waterfronts, rectangles at them, their traits, what the forest says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon as Ring
from test_detect import CONFIG, Ship, draw, grid_of
from test_detect_coarse import IMAGERY, ROOT, look_real, with_swir

from pipeline.datatypes import BoolArray, Chip, Forest, Grid
from pipeline.detect.alongside import find_berthed, find_rectangles, has_quay_bands, look_along
from pipeline.detect.bodies import Looked
from pipeline.detect.coarse import part_ground
from pipeline.detect.forest import judge_forest
from pipeline.detect.outline import Box, hull_polygon
from pipeline.detect.traits import TRAITS, Summed, fit_beams, may_be_hulls
from pipeline.detect.water import find_water
from pipeline.detect.waterfront import Front, find_stretches
from pipeline.errors import PlimsollError
from pipeline.geometry import axis_between
from pipeline.ingest import read_quays

QUAY = (-1000.0, -1000.0, 1000.0, -100.0)
"""Land south of y = -100 m."""
BERTHED: Ship = ((50.0, -85.0), 90.0, 180.0, 30.0)


def looked_at(chip: Chip) -> Looked:
    none = np.zeros(chip.grid.shape, bool)
    water = find_water(chip, chip.valid)
    return Looked(chip=chip, usable=chip.valid, shaded=none, water=water, fixed=None)


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    one, other = Ring(hull_polygon(first)), Ring(hull_polygon(second))
    return float(one.intersection(other).area / one.union(other).area)


# ------------------------------------------------------------------------------------- the waterfront


def split(grid: Grid, slope: float) -> tuple[BoolArray, BoolArray]:
    """(land, water): land below a line through the middle."""
    row, col = np.mgrid[: grid.shape[0], : grid.shape[1]]
    land = row - grid.shape[0] / 2 > slope * (col - grid.shape[1] / 2)
    return land, ~land


@settings(max_examples=20, deadline=None)
@given(slope=st.floats(-1.0, 1.0))
def test_a_straight_shore_is_one_stretch_with_land_on_its_own_side(slope: float) -> None:
    grid = grid_of(10.0, 600.0)
    land, wet = split(grid, slope)
    stretches = find_stretches(land, wet, grid, 400.0)
    assert stretches
    for stretch in stretches:
        assert axis_between(stretch.heading, 90.0 + np.degrees(np.arctan(slope))) < 3
        x, y = stretch.box((-50.0, 50.0), 60.0).centre
        assert y < -slope * x  # inland
    assert find_stretches(land, np.zeros_like(wet), grid, 400.0) == []


# --------------------------------------------------------------------------------------- rectangles


@pytest.mark.parametrize("beyond", [False, True], ids=["alone", "next in line"])
def test_a_hull_at_a_quay_is_among_the_rectangles(beyond: bool) -> None:
    others: list[Ship] = [((-160.0, -87.0), 90.0, 150.0, 26.0)] if beyond else []
    chip = with_swir(draw(grid_of(10.0, 800.0), [BERTHED, *others], quays=[QUAY]))
    looked = looked_at(chip)
    ground = part_ground(looked, CONFIG)
    fronts = look_along(looked, (ground.land, ground.wet), CONFIG)
    found = [find_rectangles(stretches, front, looked, CONFIG) for stretches, front in fronts]
    boxes = [box for some, _, _ in found for box in some]
    traits = np.concatenate([some for _, some, _ in found])
    assert traits.shape == (len(boxes), len(TRAITS))
    assert np.isfinite(traits).all()
    (centre, heading, length, beam) = BERTHED
    hull = Box(centre=centre, heading=heading, length=length, beam=beam)
    assert max(overlap(box, hull) for box in boxes) > 0.6


def front_of(light: dict[str, float]) -> Front:
    """A front of even land of one colour, 40 m deep, with water outside and behind."""
    along, across = np.arange(-200.0, 201.0, 5.0), np.arange(-40.0, 111.0, 5.0)
    land = np.broadcast_to((across >= 0) & (across < 40), (len(along), len(across))).astype(float)
    bands = [light[name] * land for name in ("blue", "green", "red", "nir", "swir16")]
    return Front(along=along, across=across, planes=np.stack([*bands, land, 1 - land])[None])


@pytest.mark.parametrize(
    ("light", "hull"),
    [
        ({"blue": 0.05, "green": 0.06, "red": 0.10, "nir": 0.11, "swir16": 0.08}, True),
        ({"blue": 0.30, "green": 0.30, "red": 0.28, "nir": 0.18, "swir16": 0.03}, False),  # surf
        ({"blue": 0.02, "green": 0.05, "red": 0.03, "nir": 0.25, "swir16": 0.12}, False),  # plants
        ({"blue": 0.02, "green": 0.04, "red": 0.05, "nir": 0.05, "swir16": 0.005}, False),  # mud in water
    ],
    ids=["deck", "surf", "plants", "turbid water"],
)
def test_what_no_hull_is_made_of_is_no_hull(light: dict[str, float], hull: bool) -> None:
    summed = Summed(front_of(light))
    given = fit_beams(summed, np.zeros(1, np.intp), np.array([-80.0]), np.array([80.0]))
    assert may_be_hulls(summed, given).tolist() == [hull]


# --------------------------------------------------------------------------------------- the forest


def walk(forest: Forest, row: npt.NDArray[np.float64]) -> float:
    """What a forest says of one row, tree by tree."""
    total = 0.0
    for t in range(len(forest.leaf)):
        node = 0
        while node >= 0:
            left = row[forest.trait[t, node]] <= forest.threshold[t, node]
            node = int((forest.left if left else forest.right)[t, node])
        total += forest.leaf[t, ~node]
    return total


def test_a_forest_says_what_its_trees_say() -> None:
    forest = read_quays().forest
    assert forest.traits == TRAITS
    rows = np.random.default_rng(4).normal(0.5, 1.0, (40, len(TRAITS)))
    assert judge_forest(forest, rows) == pytest.approx([walk(forest, row) for row in rows])


def test_forests_rise_with_the_traits_that_speak_for_a_hull() -> None:
    forest = read_quays().forest
    rows = np.random.default_rng(5).normal(0.5, 0.5, (200, len(TRAITS)))
    more = rows.copy()
    for name in ("wet_outside", "wet_end", "solid"):
        more[:, TRAITS.index(name)] += 0.3
    assert (judge_forest(forest, more) >= judge_forest(forest, rows) - 1e-9).all()


def test_a_forest_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(PlimsollError, match="without_atlantis"):
        read_quays(without="atlantis")


def test_the_ports_held_back_were_not_learned_from() -> None:
    metrics = json.loads((ROOT / "models" / "quay_v2" / "metrics.json").read_text())
    assert not {"klang", "honolulu"} & set(metrics["left_out"])
    assert all(port["auc"] > 0.93 for port in metrics["left_out"].values())


def test_without_the_short_wave_infrared_the_forest_is_not_asked() -> None:
    looked = looked_at(draw(grid_of(10.0, 800.0), [BERTHED], quays=[QUAY]))
    assert not has_quay_bands(looked)
    assert not has_quay_bands(replace(looked, chip=replace(looked.chip, calibrated=False)))


def test_open_sea_has_no_berths() -> None:
    looked = looked_at(with_swir(draw(grid_of(10.0, 400.0), [])))
    ground = part_ground(looked, CONFIG)
    assert find_berthed(looked, (ground.land, ground.wet), [], read_quays(), CONFIG) == []


# ---------------------------------------------------------------------------------------- real images


@pytest.mark.imagery
@pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there")
def test_ships_at_the_quays_of_a_port_left_out_are_found() -> None:
    """A floor far below the bench's figure."""
    folder: Path = IMAGERY / "sen2ships" / "sen2ships" / "casablanca"
    _, ships = look_real(folder, read_quays(without="casablanca"))
    berthed = [ship for ship in ships if "quay-unknown" in ship.flags]
    assert 5 <= len(berthed) <= 25
    assert all(50 <= ship.length <= 400 and ship.beam <= 62 for ship in berthed)
