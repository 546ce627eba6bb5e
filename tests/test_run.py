"""The glue: what is read, what is hidden, what is passed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from handmade import FLEET, SITE, scene, visits

from pipeline.config import Config
from pipeline.datatypes import (
    Chip,
    CloudMask,
    Detection,
    Grid,
    Identity,
    Scene,
    SiteFeature,
)
from pipeline.detect import Structure
from pipeline.geometry import pixel_to_lonlat
from pipeline.look import Look, hidden_pixels
from pipeline.pieces import area_of, meets_site
from pipeline.products import Software
from pipeline.run import Background, describe_scene, measure_ship, register_beam, visit_places

GRID = Grid(shape=(40, 60), to_ground=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0), origin=(132.9, 42.7))
SCENE = Scene(
    scene_id="s1",
    datetime=datetime(2024, 8, 1, 2, tzinfo=UTC),
    platform=None,
    gsd=1.0,
    crs="EPSG:32653",
    transform=(1, 0, 0, 0, -1, 0),
    shape=(40, 60),
    footprint=((132.9, 42.69), (132.95, 42.69), (132.95, 42.72), (132.9, 42.72)),
    bands=(),
    geometry=None,
    calibrated=True,
    source="geotiff",
)


def box(left: int, top: int, right: int, bottom: int) -> tuple[tuple[float, float], ...]:
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return tuple((float(x), float(y)) for x, y in pixel_to_lonlat(GRID, corners))


def detection(name: str, *corners: int, kind: str = "tanker") -> Detection:
    return Detection(
        id=name,
        outline=box(*corners),
        centre=(0.0, 0.0),
        heading=90.0,
        heading_sigma=1.0,
        heading_ambiguous=False,
        length=20.0,
        length_sigma=1.0,
        beam=5.0,
        beam_sigma=1.0,
        kind=kind,  # type: ignore[arg-type]
        tanker_probability=0.9,
        score=0.9,
    )


def look(*, cloud: tuple[slice, slice] | None = None) -> Look:
    cloudy = np.zeros(GRID.shape, bool)
    if cloud is not None:
        cloudy[cloud] = True
    valid = np.ones(GRID.shape, bool)
    valid[:, -1] = False
    chip = Chip(
        pixels=np.zeros((1, *GRID.shape), np.float32), valid=valid, bands=("red",), grid=GRID, calibrated=True
    )
    clouds = CloudMask(cloudy=cloudy, shadowed=np.zeros(GRID.shape, bool), method="spectral")
    return Look(scene=SCENE, chip=chip, clouds=clouds, site=SITE)


def test_the_area_is_the_aoi_else_a_hull_of_the_berths() -> None:
    assert area_of(SITE) == SITE.of_role("aoi")[0].outline
    berths = replace(SITE, features=SITE.of_role("berth"))
    hull = area_of(berths)
    assert hull is not None
    assert set(hull) == set(SITE.of_role("berth")[0].outline)
    assert area_of(replace(SITE, features=())) is None


@pytest.mark.parametrize(("shift", "meets"), [(0.0, True), (0.019, True), (0.021, False), (10.0, False)])
def test_a_scene_meets_the_site_where_they_have_ground_in_common(shift: float, meets: bool) -> None:
    moved = tuple((lon + shift, lat) for lon, lat in SCENE.footprint)
    assert meets_site(replace(SCENE, footprint=moved), SITE) is meets


def test_a_twisted_footprint_is_no_stumbling_block() -> None:
    twisted = (SCENE.footprint[0], SCENE.footprint[2], SCENE.footprint[1], SCENE.footprint[3])
    assert meets_site(replace(SCENE, footprint=twisted), SITE)


def test_what_hides_a_ship() -> None:
    ship, other = detection("d1", 10, 10, 30, 15), detection("d2", 32, 10, 50, 15)
    known = np.zeros(GRID.shape, bool)
    known[:12] = True  # the quay, drawn two metres over the ship
    structure = Structure(fixed=known, lift=np.zeros(GRID.shape, np.float32))
    hidden = hidden_pixels(look(cloud=(slice(13, 14), slice(0, 60))), ship, [other], structure)
    assert hidden[5, 20]
    assert not hidden[11, 20], "a quay never hides a ship from herself"
    assert hidden[13, 20], "a cloud does"
    assert hidden[12, 40], "the other ship"
    assert hidden[20, 59], "what is not valid"
    assert not hidden[20, 20]
    assert known.sum() == 12 * 60, "arguments are not changed"


def test_only_a_certain_ship_lends_her_beam() -> None:
    sure = (Identity(imo=9000001, name="Alpha", probability=0.97),)
    assert register_beam(sure, FLEET) == (16.6, 0.2)
    assert register_beam((replace(sure[0], probability=0.9),), FLEET) is None
    assert register_beam((Identity(imo=None, name=None, probability=0.99),), FLEET) is None
    assert register_beam((), FLEET) is None


@pytest.mark.parametrize(
    ("kind", "gsd", "code"),
    [("other", 1.0, "not-a-tanker"), ("tanker", 1.0, "no-geometry"), ("unknown", 1.0, "no-geometry")],
)
def test_what_is_not_measured_says_why(kind: str, gsd: float, code: str) -> None:
    ship = detection("d1", 10, 10, 30, 15, kind=kind)
    background = Background(
        site=SITE,
        fleet=FLEET,
        memory=None,
        quays=None,
        config=Config(),
        software=Software(version="0", models={}, config_sha256=""),
    )
    result = measure_ship(look(), ship, [ship], "b1", None, background)
    assert result.freeboard is None
    assert result.not_measurable is not None
    assert result.not_measurable.code == code
    ring = result.outline["coordinates"][0]  # type: ignore[index]
    assert ring[0] == ring[-1]


def test_a_refused_scene_keeps_what_its_metadata_say() -> None:
    software = Software(version="0", models={}, config_sha256="")
    assert describe_scene(SCENE, software).status == "ok"
    result = describe_scene(SCENE, software, reason=None)
    assert (result.scene_id, result.datetime, result.geometry) == ("s1", SCENE.datetime, None)


def test_a_visit_lies_where_the_ship_lay_else_at_her_berth() -> None:
    results, document = [scene()], visits()
    lon, lat = visit_places(document, results, SITE)["V-2024-08-10-b1"]
    assert (lon, lat) == pytest.approx((132.9005, 42.70025))
    lon, lat = visit_places(document, [], SITE)["V-2024-08-10-b1"]
    assert 132.899 < lon < 132.902
    nowhere = replace(SITE, features=(SiteFeature(id="x", role="land", outline=box(0, 0, 1, 1)),))
    assert visit_places(document, [], nowhere) == {}
