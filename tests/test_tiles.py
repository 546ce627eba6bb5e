"""Scenes too large to be held: every pixel in one tile's own part, every ship once, one picture of all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import Polygon as Ring
from shapely import intersection_all, union_all
from test_run_pieces import over_vostochny
from tiny_season import SIZE, write_fleet, write_scene

from pipeline.batch import InProcess, Pool, Request, Step, run_batch
from pipeline.config import Config, update_config
from pipeline.datatypes import CloudMask
from pipeline.geometry import block_mean
from pipeline.ingest import find_deliveries, read_chip, read_fleet, read_scene, read_site
from pipeline.pieces import window_of
from pipeline.tiles import PICTURE, Whole, is_own, own_part, plan_tiles


@pytest.mark.parametrize(
    ("gsd", "max_pixels"), [(0.5, 8 * 10**7), (3.0, 10**6), (3.0, 10**8), (10.0, 10**5), (10.0, 10**6)]
)
def test_own_parts_cover_the_scene_once_and_no_tile_is_too_large(gsd: float, max_pixels: int) -> None:
    scene = over_vostochny(gsd)
    rows, cols = scene.shape
    tiles = plan_tiles(scene, max_pixels)
    assert bool(tiles) == (rows * cols > max_pixels)
    seen = np.zeros((rows // 8, cols // 8), int)  # at every eighth pixel
    for tile in tiles:
        top, left, bottom, right = window_of(scene, tile.area)
        assert (bottom - top) * (right - left) <= max_pixels
        own = tile.part
        assert top <= own[0] < own[2] <= bottom
        assert left <= own[1] < own[3] <= right
        seen[-(-own[0] // 8) : -(-own[2] // 8), -(-own[1] // 8) : -(-own[3] // 8)] += 1
    assert not tiles or (seen == 1).all()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles")
    write_scene(folder / "in", "look", day=1)
    write_fleet(folder / "fleet.csv")
    return folder


def carry_out(root: Path, out: Path, executor: InProcess | Pool, **ingest: int) -> tuple[Any, list[Step]]:
    steps: list[Step] = []
    request = Request(
        deliveries=find_deliveries([root / "in"]),
        out=out,
        site=read_site("vostochny"),  # elsewhere
        fleet=read_fleet(root / "fleet.csv"),
        config=update_config(Config(), {"ingest": ingest} if ingest else {}),
    )
    outcome = run_batch(request, executor, report=steps.append)
    assert not outcome.troubled
    return json.loads((out / "scenes" / "look" / "result.json").read_text()), steps


def test_a_scene_in_tiles_says_what_the_whole_says(root: Path, tmp_path: Path) -> None:
    whole, _ = carry_out(root, tmp_path / "whole", InProcess())
    tiled, _ = carry_out(root, tmp_path / "tiled", InProcess(), max_pixels=10_000)
    (ship,), (same,) = whole["detections"], tiled["detections"]
    one, other = (Ring(found["outline"]["coordinates"][0]) for found in (ship, same))
    assert intersection_all([one, other]).area > 0.9 * union_all([one, other]).area
    assert same["id"] == "d1"
    assert "cut-by-edge" not in same["flags"]
    codes = {flag["code"] for flag in tiled["flags"]}
    assert codes == {flag["code"] for flag in whole["flags"]} | {"read-in-pieces"}
    for share in ("cloud_fraction", "shadow_fraction", "nodata_fraction"):
        assert tiled["cloud"][share] == pytest.approx(whole["cloud"][share], abs=0.01)
    pictures = sorted(p.name for p in (tmp_path / "tiled" / "scenes" / "look").glob("annotated*"))
    assert pictures == ["annotated.png", "annotated.tif"]


def test_tiles_in_a_pool_are_the_same_and_their_progress_is_told(root: Path, tmp_path: Path) -> None:
    pool = Pool(jobs=1, memory=2**33, timeout=120.0)
    alone, _ = carry_out(root, tmp_path / "alone", InProcess(), max_pixels=10_000)
    pooled, steps = carry_out(root, tmp_path / "pooled", pool, max_pixels=10_000)
    assert pooled == alone
    pieces = [step for step in steps if step.phase == "piece"]
    assert pieces
    assert all(step.name == "look" and 0 <= step.done < step.total for step in pieces)


def test_the_picture_of_the_whole_is_its_mean(root: Path) -> None:
    scene = read_scene(find_deliveries([root / "in"])[0])
    chip = read_chip(scene, aoi=None, config=Config().ingest)
    cloudy = np.zeros(chip.valid.shape, bool)
    cloudy[:40] = True
    whole = Whole(replace(scene, shape=scene.shape))
    for tile in plan_tiles(scene, 10_000):
        part = read_chip(scene, aoi=tile.area, config=Config().ingest)
        top, left, bottom, right = window_of(scene, tile.area)
        seen = cloudy[top:bottom, left:right]
        whole.add(part, CloudMask(cloudy=seen, shadowed=~seen, method="test"), tile)
        rows, cols = own_part(part.grid, tile.own)
        assert (rows.start + top, cols.start + left) == tile.part[:2]
        assert (rows.stop + top, cols.stop + left) == tile.part[2:]
    drawn, clouds = whole.look()
    factor = -(-SIZE // PICTURE)
    assert drawn.pixels == pytest.approx(np.stack([block_mean(p, factor) for p in chip.pixels]), abs=1e-6)
    assert (clouds.cloudy == cloudy).all()
    assert (clouds.shadowed == ~cloudy).all()
    assert drawn.valid.all()


def test_a_ship_on_a_seam_is_one_tiles_own(root: Path) -> None:
    scene = read_scene(find_deliveries([root / "in"])[0])
    grid = read_chip(scene, aoi=None, config=Config().ingest).grid
    tiles = plan_tiles(scene, 10_000)
    lon, lat = np.array(tiles[6].own).mean(axis=0)
    corners = ((-1e-4, -1e-4), (1e-4, -1e-4), (1e-4, 1e-4), (-1e-4, 1e-4))
    outline = tuple((lon + x, lat + y) for x, y in corners)
    assert [is_own(grid, tile.own, outline) for tile in tiles] == [at == 6 for at in range(len(tiles))]
