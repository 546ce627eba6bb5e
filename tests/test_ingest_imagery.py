"""Every folder of real pixels reads, and its traps are met."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import IngestConfig
from pipeline.datatypes import Chip, Scene
from pipeline.geometry import lonlat_to_pixel, pixel_to_lonlat
from pipeline.ingest import find_deliveries, read_chip, read_scene

IMAGERY = Path(__file__).resolve().parents[1].parent / "shared" / "imagery"
pytestmark = [
    pytest.mark.imagery,
    pytest.mark.skipif(not IMAGERY.is_dir(), reason="../shared/imagery is not there"),
]
CONFIG = IngestConfig()


def read_all(folder: str) -> dict[str, tuple[Scene, Chip]]:
    found = {}
    for delivery in find_deliveries([IMAGERY / folder]):
        scene = read_scene(delivery)
        found[delivery.name] = (scene, read_chip(scene, aoi=None, config=CONFIG))
    return found


def test_eotdl_chips() -> None:
    """Twelve bands in degrees, pixels of about 10.3 x 9.7 m: each grid agrees with the truth."""
    chips = read_all("eotdl-ships-s2")
    assert len(chips) == 48
    with (IMAGERY / "eotdl-ships-s2" / "ais_truth_per_chip.csv").open() as stream:
        truth = {row["chip"]: row for row in csv.DictReader(stream)}
    assert set(truth) == set(chips)
    for name, (scene, chip) in chips.items():
        row = truth[name]
        assert chip.pixels.shape == (12, 128, 128)
        assert chip.calibrated
        assert chip.grid.gsd_col == pytest.approx(float(row["gsd_x_m"]), rel=5e-3)
        assert chip.grid.gsd_row == pytest.approx(float(row["gsd_y_m"]), rel=5e-3)
        col, r = lonlat_to_pixel(chip.grid, [float(row["lon"]), float(row["lat"])])
        assert (int(r), int(col)) == (int(row["row"]), int(row["col"]))
        assert f"{scene.datetime:%Y-%m-%d}" == row["date"]
        assert scene.geometry is None
        assert chip.band("blue") is not None
        assert np.isfinite(chip.pixels).all()


def test_sen2ships_ports() -> None:
    """Web Mercator: 10 m of map are 10 m x cos(latitude) on the ground; reflectance is DN / 65535."""
    ports = read_all("sen2ships")
    assert sorted(n.split("-")[0] for n in ports) == ["algiers", "casablanca", "durban", "honolulu", "klang"]
    for scene, chip in ports.values():
        assert chip.bands == ("blue", "green", "red", "nir", "swir16")
        lat = pixel_to_lonlat(chip.grid, [chip.grid.shape[1] / 2, chip.grid.shape[0] / 2])[1]
        assert chip.grid.gsd_col == pytest.approx(10.0 * np.cos(np.radians(lat)), rel=6e-3)
        assert {b.scale for b in scene.bands} == {1.0 / 65535.0}
        blue, swir = chip.band("blue"), chip.band("swir16")
        assert blue is not None
        assert swir is not None
        assert 0.01 < float(np.median(blue[chip.valid])) < 0.15
        assert float(np.percentile(swir[chip.valid], 5)) < 0.06  # the sea is dark there
        assert [f.code for f in scene.flags] == ["time-of-day-unknown"]
        assert chip.valid.all()  # the sea off Honolulu is 0 in the infrared up to the rim, and was measured


def test_s2_debris_ports() -> None:
    """The offset of -0.1 is in; SCL is a mask and not a band."""
    ports = read_all("s2-debris-ports")
    assert set(ports) == {"accra", "limassol"}
    for scene, chip in ports.values():
        assert chip.bands == ("blue", "green", "red", "rededge075", "nir", "swir16")
        assert {(b.scale, b.offset) for b in scene.bands} == {(1e-4, -0.1)}
        assert scene.crs.startswith("EPSG:326")
        assert chip.delivered_method == "scl"
        nir = chip.band("nir")
        assert nir is not None
        assert -0.01 < float(np.percentile(nir[chip.valid], 2)) < 0.05
    cloudy, shadowed = ports["accra"][1].delivered_cloudy, ports["accra"][1].delivered_shadowed
    assert cloudy is not None
    assert shadowed is not None
    assert cloudy.mean() > 0.01
    assert shadowed.any()
    salt = ports["limassol"][1].delivered_cloudy
    assert salt is not None
    assert salt.mean() < 0.02  # the salt lake is snow to SCL, and no cloud here


def test_rapideye() -> None:
    ((scene, chip),) = read_all("rapideye-sfbay").values()
    assert chip.bands == ("red", "green", "blue")
    assert not chip.calibrated
    assert chip.grid.gsd == pytest.approx(5.0, rel=2e-3)
    assert scene.crs == "EPSG:32610"
    assert 0.98 < chip.valid.mean() < 0.99
    assert chip.pixels.max() <= 1.0
    lon, lat = pixel_to_lonlat(chip.grid, [346.0, 166.0])
    assert -122.5 < lon < -122.2
    assert 37.6 < lat < 37.9


def test_metadata_folders_are_refused_by_name() -> None:
    """Their rasters are stubs: each delivery says what is missing, and none is taken for a scene."""
    from pipeline.errors import InputError

    deliveries = find_deliveries([IMAGERY / "metadata"])
    assert len(deliveries) > 10
    codes = set()
    for delivery in deliveries:
        with pytest.raises(InputError) as caught:
            read_scene(delivery)
        codes.add(caught.value.code)
    assert codes <= {"missing", "geotransform", "unsupported"}
