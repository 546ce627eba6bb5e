"""What is wrong with an image is said with a code; the same image undamaged, and real ones, raise nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_detect_fine import BLUE, BROWN, DARK, RED, Planes, block, chip_of, sea, ship

from pipeline.config import IngestConfig
from pipeline.datatypes import Chip
from pipeline.detect import find_doubts
from pipeline.ingest import find_deliveries, read_chip, read_scene

IMAGERY = Path(__file__).resolve().parents[1].parent / "shared" / "imagery"
SEEDS = range(4)
Damage = Callable[[Chip, np.random.Generator], Chip]


def scene(seed: int) -> Chip:
    """Two ships and a quay with a roof, in blue or brown water."""
    planes: Planes = sea((BLUE, BROWN)[seed % 2], seed)
    block(planes, (-140.0, 0.0), (40.0, 320.0), (0.25, 0.26, 0.27, 0.28))
    block(planes, (-140.0, 40.0), (25.0, 60.0), (0.45, 0.44, 0.46, 0.47))
    ship(planes, (-20.0 + 10.0 * seed, 20.0), (18.0, 110.0), RED)
    ship(planes, (70.0, -30.0), (14.0, 80.0), DARK)
    return chip_of(planes, seed)


def saturated(chip: Chip, rng: np.random.Generator) -> Chip:
    return replace(chip, pixels=np.minimum(chip.pixels, np.float32(np.quantile(chip.pixels[3], 0.94))))


def stretched(chip: Chip, rng: np.random.Generator) -> Chip:
    low, high = (np.quantile(chip.pixels, q, axis=(1, 2), keepdims=True) for q in (0.02, 0.98))
    share = np.clip((chip.pixels - low) / (high - low), 0, 1)
    return replace(chip, pixels=((share * 255).round() / 255).astype(np.float32))


def swapped(chip: Chip, rng: np.random.Generator) -> Chip:
    """Infrared and blue in one another's place."""
    return replace(chip, pixels=chip.pixels[[3, 1, 2, 0]])


def striped(chip: Chip, rng: np.random.Generator) -> Chip:
    gain = 1 + 0.04 * rng.standard_normal(chip.valid.shape[1])
    return replace(chip, pixels=(chip.pixels * gain).astype(np.float32))


def seamed(chip: Chip, rng: np.random.Generator) -> Chip:
    gain = np.where(np.arange(chip.valid.shape[1]) < rng.integers(150, 300), 1.0, 1.12)
    return replace(chip, pixels=(chip.pixels * gain).astype(np.float32))


def wedged(chip: Chip, rng: np.random.Generator) -> Chip:
    row, col = np.indices(chip.valid.shape)
    valid = np.asarray(col + 0.3 * row > rng.uniform(90, 160))
    return replace(chip, valid=valid, pixels=np.where(valid, chip.pixels, 0).astype(np.float32))


def drawn(chip: Chip, rng: np.random.Generator) -> Chip:
    """A white legend with a scale bar."""
    pixels = chip.pixels.copy()
    top, left = rng.integers(20, 300, 2)
    pixels[:, top : top + 60, left : left + 90] = 1.0
    pixels[:, top + 45 : top + 50, left + 10 : left + 80] = 0.0
    return replace(chip, pixels=pixels)


DAMAGES: dict[str, Damage] = {
    "saturated": saturated, "stretched": stretched, "bands-swapped": swapped, "striped": striped,
    "detector-seam": seamed, "nodata-wedge": wedged, "drawn-over": drawn,
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("code", DAMAGES)
def test_damage_is_named(code: str, seed: int) -> None:
    damaged = DAMAGES[code](scene(seed), np.random.default_rng(seed))
    assert code in {flag.code for flag in find_doubts(damaged)}


@pytest.mark.parametrize("turned", [False, True])
def test_a_ship_along_the_image_is_no_seam(turned: bool) -> None:
    """Seven tenths of it long, her deck as even as water and hardly brighter."""
    planes: Planes = sea(BLUE, 3)
    block(planes, (0.0, 0.0), (24.0, 220.0), (0.055, 0.056, 0.034, 0.012))
    chip = chip_of(planes.transpose(0, 2, 1).copy() if turned else planes, 3)
    assert "detector-seam" not in {flag.code for flag in find_doubts(chip)}


@pytest.mark.parametrize("seed", SEEDS)
def test_glints_that_the_sensor_cut_off_are_no_saturation(seed: int) -> None:
    chip = scene(seed)
    glint = np.random.default_rng(seed).random(chip.valid.shape) < 0.08
    chip = replace(chip, pixels=np.where(glint, np.float32(0.8), np.minimum(chip.pixels, 0.8)))
    assert "saturated" not in {flag.code for flag in find_doubts(chip)}


@pytest.mark.parametrize("seed", SEEDS)
def test_an_undamaged_scene_raises_nothing(seed: int) -> None:
    assert find_doubts(scene(seed)) == ()


@pytest.mark.imagery
@pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there")
def test_real_images_raise_nothing() -> None:
    said = {}
    for folder in ("rapideye-sfbay", "sen2ships", "s2-debris-ports"):
        for delivery in find_deliveries([IMAGERY / folder]):
            scene_ = read_scene(delivery)
            flags = find_doubts(read_chip(scene_, aoi=None, config=IngestConfig()))
            if flags:
                said[scene_.scene_id] = [flag.message for flag in flags]
    assert said == {}
