"""Clouds on real pixels: a bright port is none, a cumulus is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.clouds import find_clouds
from pipeline.config import CloudsConfig, IngestConfig
from pipeline.datatypes import Chip, CloudMask
from pipeline.ingest import find_deliveries, read_chip, read_scene

IMAGERY = Path(__file__).resolve().parents[1].parent / "shared" / "imagery"
pytestmark = [
    pytest.mark.imagery,
    pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there"),
]


def look(folder: str) -> dict[str, tuple[Chip, CloudMask]]:
    found = {}
    for delivery in find_deliveries([IMAGERY / folder]):
        scene = read_scene(delivery)
        chip = read_chip(scene, aoi=None, config=IngestConfig())
        found[delivery.name] = (chip, find_clouds(chip, scene.geometry, config=CloudsConfig()))
    return found


def test_five_clear_ports() -> None:
    for name, (_, mask) in look("sen2ships").items():
        assert mask.cloudy.mean() < 0.001, name


def test_ships_at_anchor_in_a_visual_product() -> None:
    ((_, mask),) = look("rapideye-sfbay").values()
    assert not mask.cloudy.any()


def test_only_the_cloudy_chip_of_48_is_cloudy() -> None:
    shares = {name: float(mask.cloudy.mean()) for name, (_, mask) in look("eotdl-ships-s2").items()}
    cloudy = {name for name, share in shares.items() if share > 0.0}
    assert cloudy == {"ship_219023648_2022-08-25"}
    assert shares["ship_219023648_2022-08-25"] > 0.02


def test_cumulus_and_a_salt_lake() -> None:
    places = look("s2-debris-ports")
    chip, mask = places["accra"]
    blue = chip.band("blue")
    assert blue is not None
    assert chip.delivered_cloudy is not None
    assert mask.method == "scl"
    core = blue > 0.7
    core[:, :190] = False  # the large cumulus, apart from roofs
    core[:190] = False
    core[350:, :] = False
    core[:, 345:] = False
    assert core.sum() > 2000
    assert mask.cloudy[core].mean() > 0.97
    assert not mask.cloudy[400:460, 130:200].any()  # the fishing harbour, which SCL calls cloud in parts
    assert chip.delivered_cloudy[400:460, 130:200].any()
    assert np.mean(places["limassol"][1].cloudy) < 0.002
