"""Sun, view and ground against closed forms, published values and an independent ray cast."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_files import affine_rpc
from pyproj import Geod

from pipeline.datatypes import Grid, ViewGeometry
from pipeline.geometry import (
    angle_between,
    axis_between,
    crop_grid,
    grid_of,
    ground_to_lonlat,
    ground_to_pixel,
    incidence_from_off_nadir,
    lonlat_to_ground,
    lonlat_to_pixel,
    pixel_to_ground,
    pixel_to_lonlat,
    polygon_mask,
    relief_shift,
    shadow_shift,
    shift_per_metre,
    ship_axes,
    sun_position,
    wrap_degrees,
)
from pipeline.ingest.dimap import read_dimap_xml
from pipeline.ingest.draft import ViewClaim
from pipeline.ingest.maxar import read_imd
from pipeline.ingest.stac import item_view
from pipeline.ingest.view import pleiades_azimuth, settle_geometry, view_from_rpc

angles = st.floats(-1080, 1080, allow_nan=False)


def make_view(incidence: float, azimuth: float, elevation: float, sun_azimuth: float) -> ViewGeometry:
    return ViewGeometry(
        incidence_angle=incidence,
        azimuth=azimuth,
        sun_elevation=elevation,
        sun_azimuth=sun_azimuth,
        source="test",
    )


@given(angles)
def test_wrapped_angles_lie_in_one_turn(angle: float) -> None:
    wrapped = wrap_degrees(angle)
    assert 0.0 <= wrapped < 360.0
    assert angle_between(wrapped, angle) == pytest.approx(0.0, abs=1e-6)


def test_angles_across_north() -> None:
    assert angle_between(359.0, 2.0) == pytest.approx(3.0)
    assert axis_between(1.0, 179.0) == pytest.approx(2.0)
    assert axis_between(10.0, 190.0) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("height", "off_nadir", "loss"),
    # taking the angle at the satellite for the one at the ground loses this much displacement
    [(475e3, 10.0, 0.07), (770e3, 30.0, 0.15)],
)
def test_off_nadir_is_not_the_incidence_angle(height: float, off_nadir: float, loss: float) -> None:
    theta = incidence_from_off_nadir(off_nadir, height)
    naive = np.tan(np.radians(off_nadir)) / np.tan(np.radians(theta)) - 1
    assert naive == pytest.approx(-loss, abs=0.01)


def test_a_ray_that_misses_the_earth_is_an_error() -> None:
    with pytest.raises(ValueError, match="misses"):
        incidence_from_off_nadir(75.0, 600e3)


def test_slants_of_the_published_vector() -> None:
    # F = 4 m, B = 16 m, heading 30, sun 45 deg high: edges of the profile at -12.00, -9.87 and +6.13 m
    S, V = shift_per_metre(make_view(25.0, 120.0, 45.0, 120.0), 30.0)
    assert pytest.approx(-12.00, abs=0.005) == -8 - 4 * S
    assert pytest.approx(-9.87, abs=0.005) == -8 - 4 * V
    assert pytest.approx(6.13, abs=0.005) == 8 - 4 * V


@pytest.mark.parametrize(
    ("heading", "sun", "satellite", "edges"),
    # of an independent ray cast, one centimetre a step, F = 4 m, B = 16 m: where the deck ends to port and to
    # starboard, where the shadow ends
    [
        (30, (45, 120), (25, 120), (-9.87, 6.13, -12.00)),
        (30, (45, 120), (25, 300), (-6.14, 9.86, -12.00)),
        (30, (45, 300), (25, 120), (-9.87, 6.13, 12.00)),
        (30, (45, 300), (25, 300), (-6.14, 9.86, 12.00)),
        (30, (65, 120), (35, 120), (-10.81, 5.19, None)),
        (75, (50, 160), (20, 250), (-8.13, 7.87, -11.35)),
        (200, (38, 140), (28, 95), (-5.95, 10.05, 12.43)),
    ],
)
def test_edges_of_a_box_on_the_sea(
    heading: float,
    sun: tuple[float, float],
    satellite: tuple[float, float],
    edges: tuple[float, float, float | None],
) -> None:
    S, V = shift_per_metre(make_view(satellite[0], satellite[1], sun[0], sun[1]), heading)
    port, starboard, tip = edges
    assert port == pytest.approx(-8 - 4 * V, abs=0.011)
    assert starboard == pytest.approx(8 - 4 * V, abs=0.011)
    if tip is None:  # the hull hides her shadow
        assert V > S > 0
    else:
        assert tip == pytest.approx(-8 * np.sign(S) - 4 * S, abs=0.011)


@given(st.floats(1, 60), st.floats(0, 359.9), st.floats(5, 85), st.floats(0, 359.9), st.floats(0, 359.9))
def test_shifts_are_the_ground_vectors_seen_across_the_hull(
    incidence: float, azimuth: float, elevation: float, sun_azimuth: float, heading: float
) -> None:
    view = make_view(incidence, azimuth, elevation, sun_azimuth)
    S, V = shift_per_metre(view, heading)
    _, starboard = ship_axes(heading)
    assert np.dot(relief_shift(view), starboard) == pytest.approx(-V, abs=1e-9)
    assert np.dot(shadow_shift(view), starboard) == pytest.approx(-S, abs=1e-9)
    assert np.hypot(*relief_shift(view)) == pytest.approx(np.tan(np.radians(incidence)))


def test_sun_of_a_published_example() -> None:
    # Reda and Andreas (2004), NREL/TP-560-34302, table A5.1: topocentric zenith 50.11162 with refraction
    # of 0.0160 deg at Golden, azimuth 194.34024, 2003-10-17 12:30:30 at UTC-7
    elevation, azimuth = sun_position(datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), (-105.1786, 39.742476))
    assert elevation == pytest.approx(90 - 50.11162 - 0.0160, abs=0.01)
    assert azimuth == pytest.approx(194.34024, abs=0.01)


def test_sun_is_that_of_pvlib() -> None:
    import pandas as pd
    from pvlib.solarposition import get_solarposition

    for month, hour in ((1, 2), (3, 20), (7, 12), (12, 23)):
        when = datetime(2024, month, 11, hour, 17, 5, tzinfo=UTC)
        expected = get_solarposition(pd.DatetimeIndex([when]), 42.7, 133.0, method="nrel_numpy")
        found = sun_position(when, (133.0, 42.7))
        assert found == pytest.approx((expected["elevation"].iloc[0], expected["azimuth"].iloc[0]), abs=1e-9)


def test_a_time_without_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="zone"):
        sun_position(datetime(2024, 6, 1), (133.0, 42.7))


GRIDS = {
    "utm": ("EPSG:32653", (10.0, 0.0, 340_000.0, 0.0, -10.0, 4_735_000.0)),
    "utm rotated": ("EPSG:32653", (8.0, 3.0, 340_000.0, 3.0, -8.0, 4_735_000.0)),
    "south up": ("EPSG:32653", (10.0, 0.0, 340_000.0, 0.0, 10.0, 4_730_000.0)),
    "web mercator": ("EPSG:3857", (10.0, 0.0, 3.4e6, 0.0, -10.0, -3.4e6)),
    "geographic": ("EPSG:4326", (1.5e-4, 0.0, 10.5, 0.0, -9e-5, 54.5)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_measures_true_metres_and_true_north(name: str) -> None:
    crs, transform = GRIDS[name]
    grid = grid_of(crs, transform, (400, 500))
    geod = Geod(ellps="WGS84")
    pixels = np.array([[20.0, 30.0], [480.0, 370.0]])
    (lon0, lat0), (lon1, lat1) = pixel_to_lonlat(grid, pixels)
    azimuth, _, distance = geod.inv(lon0, lat0, lon1, lat1)
    east, north = np.diff(pixel_to_ground(grid, pixels), axis=0)[0]
    assert np.hypot(east, north) == pytest.approx(distance, rel=2e-5)
    assert angle_between(float(np.degrees(np.arctan2(east, north))), azimuth) < 0.05
    assert lonlat_to_pixel(grid, pixel_to_lonlat(grid, pixels)) == pytest.approx(pixels, abs=1e-3)


def test_a_grid_agrees_with_the_crs_it_came_from() -> None:
    from pyproj import Transformer

    crs, transform = GRIDS["utm rotated"]
    grid = grid_of(crs, transform, (400, 500))
    a, b, c, d, e, f = transform
    col, row = 123.0, 321.0
    lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        a * col + b * row + c, d * col + e * row + f
    )
    assert lonlat_to_pixel(grid, lonlat) == pytest.approx([col, row], abs=0.01)


def test_grid_north_is_not_true_north_at_vostochny() -> None:
    grid = grid_of("EPSG:32653", (10.0, 0.0, 340_000.0, 0.0, -10.0, 4_735_000.0), (400, 500))
    a, _, _, d, _, _ = grid.to_ground
    assert np.degrees(np.arctan2(d, a)) == pytest.approx(1.3, abs=0.05)


def test_web_mercator_pixels_shrink_with_latitude() -> None:
    grid = grid_of(*GRIDS["web mercator"], (400, 500))
    assert grid.gsd == pytest.approx(10 * np.cos(np.radians(29.2)), rel=0.01)


@given(st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_ground_and_geographic_are_inverse(east: float, north: float) -> None:
    origin = (133.6, 42.75)
    assert lonlat_to_ground(origin, ground_to_lonlat(origin, (east, north))) == pytest.approx(
        [east, north],
        abs=1e-3,  # PROJ takes a point within 0.2 mm of the origin for the origin
    )


def test_a_cropped_grid_keeps_its_ground() -> None:
    grid = grid_of(*GRIDS["utm rotated"], (400, 500))
    crop = crop_grid(grid, 50, 70, (100, 120))
    assert pixel_to_ground(crop, (3.0, 4.0)) == pytest.approx(pixel_to_ground(grid, (73.0, 54.0)))
    assert ground_to_pixel(crop, pixel_to_ground(grid, (70.0, 50.0))) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_polygon_mask_holds_the_pixels_whose_centre_is_inside() -> None:
    grid = Grid(shape=(20, 30), to_ground=(2.0, 0.0, -30.0, 0.0, -2.0, 20.0), origin=(133.6, 42.75))
    corners = [(5.1, 4.1), (14.9, 4.1), (14.9, 8.9), (5.1, 8.9)]
    outline = tuple((float(x), float(y)) for x, y in pixel_to_lonlat(grid, corners))
    inside = polygon_mask(grid, outline)
    expected = np.zeros(grid.shape, bool)
    expected[4:9, 5:15] = True
    assert np.array_equal(inside, expected)
    assert not polygon_mask(grid, tuple((x + 1.0, y) for x, y in outline)).any()


# ------------------------------------------------------------------------------- vendors' conventions
# Real metadata of Planet, Sentinel-2 and STAC items are read in test_ingest_vendors; here are closed forms.

PLACE, WHEN = (133.06, 42.745), datetime(2024, 8, 12, 1, 45, tzinfo=UTC)


def look_from(elevation: float, azimuth: float, height: float) -> float:
    """Off-nadir angle at a satellite seen so, by vectors on a sphere [deg]."""
    radius = 6_371_008.8
    e = np.radians(elevation)
    up, flat = np.sin(e), np.cos(e)
    distance = -radius * up + np.sqrt((radius * up) ** 2 + 2 * radius * height + height**2)
    east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    satellite = np.array([0.0, 0.0, radius]) + distance * np.array([flat * east, flat * north, up])
    down = -satellite / np.linalg.norm(satellite)
    sight = (np.array([0.0, 0.0, radius]) - satellite) / distance
    return float(np.degrees(np.arccos(down @ sight)))


@given(st.floats(35, 85), st.floats(0, 359), st.sampled_from([450e3, 617e3, 694e3, 770e3]))
def test_zenith_from_off_nadir_is_that_of_the_sphere(elevation: float, azimuth: float, height: float) -> None:
    off_nadir = look_from(elevation, azimuth, height)
    assert incidence_from_off_nadir(off_nadir, height) == pytest.approx(90 - elevation, abs=1e-6)


def test_maxar_elevation_is_at_the_ground_and_off_nadir_at_the_satellite() -> None:
    """WV02 at MEANSATEL 55.5 looks 30.4 deg off nadir; the relief moves by tan(34.5), away from MEANSATAZ."""
    off_nadir = look_from(55.5, 294.8, 770e3)
    assert off_nadir == pytest.approx(30.4, abs=0.1)
    text = f'meanSatAz = 294.8;\nmeanSatEl = 55.5;\nmeanOffNadirViewAngle = {off_nadir};\nsatId = "WV02";'
    claim = read_imd(text).view
    assert claim.incidence_angle == pytest.approx(34.5)
    geometry, flags = settle_geometry(claim, affine_rpc(34.5, 294.8), WHEN, PLACE)
    assert geometry is not None
    assert geometry.source == "rpc"
    assert {f.code for f in flags} == {"sun-computed"}
    alone, _ = settle_geometry(claim, None, WHEN, PLACE)
    assert alone is not None
    assert relief_shift(alone) == pytest.approx(relief_shift(geometry), abs=1e-6)


def dimap(
    mission: str, lines: str, along: str, across: str, incidence: str, values: tuple[float, ...]
) -> str:
    tags = "".join(
        f"<{tag}>{value}</{tag}>"
        for tag, value in zip((lines, along, across, incidence), values, strict=True)
    )
    return (
        f"<Dimap_Document><MISSION>{mission}</MISSION><Located_Geometric_Values>"
        f"<LOCATION_TYPE>Center</LOCATION_TYPE>{tags}</Located_Geometric_Values></Dimap_Document>"
    )


V1 = ("ORIENTATION", "ALONG_TRACK_INCIDENCE", "ORTHO_TRACK_INCIDENCE", "GLOBAL_INCIDENCE")
V2 = ("AZIMUTH_ANGLE", "INCIDENCE_ANGLE_ALONG_TRACK", "INCIDENCE_ANGLE_ACROSS_TRACK", "INCIDENCE_ANGLE")
NEO = ("IMAGE_ORIENTATION", *V2[1:])


@pytest.mark.parametrize(
    ("mission", "tags", "trusted"),
    [("PHR", V1, True), ("PHR", V2, True), ("PNEO", NEO, False), ("SPOT", V2, False)],
    ids=["pleiades-1", "pleiades-2", "pleiades-neo", "spot"],
)
@pytest.mark.parametrize(("satellite", "lines"), [(341.2, 178.0), (95.0, 190.0), (200.0, 12.0)])
def test_airbus_azimuths(
    mission: str, tags: tuple[str, str, str, str], trusted: bool, satellite: float, lines: float
) -> None:
    """A satellite 24 deg from the zenith, its slant resolved along and across the lines of the image.

    Across is positive to the left of the lines' direction, as two PHR1B products with RPC have it. SPOT's
    AZIMUTH_ANGLE is the satellite's own.
    """
    slant = np.tan(np.radians(24.0))
    along = np.degrees(np.arctan(slant * np.cos(np.radians(satellite - lines))))
    across = np.degrees(np.arctan(-slant * np.sin(np.radians(satellite - lines))))
    assert pleiades_azimuth(lines, float(across), float(along)) == pytest.approx(satellite)
    first = satellite if mission == "SPOT" else lines
    text = dimap(mission, *tags, (first, float(along), float(across), 24.0))
    claim = read_dimap_xml(ElementTree.fromstring(text)).view
    assert claim.incidence_angle == 24.0
    assert claim.azimuth == pytest.approx(satellite)
    assert claim.azimuth_trusted is trusted


@given(st.floats(2, 45), st.floats(0, 359.9))
def test_rpc_need_no_convention(incidence: float, azimuth: float) -> None:
    found = view_from_rpc(affine_rpc(incidence, azimuth))
    assert found[0] == pytest.approx(incidence, abs=1e-5)
    assert angle_between(found[1], azimuth) < 1e-4


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ((30.0, 100.0), None),
        ((30.5, 101.0), None),
        ((30.0, 280.0), "turned by 180"),
        ((24.0, 100.0), "6.0 deg"),
    ],
)
def test_angles_that_contradict_the_rpc_are_named(stated: tuple[float, float], said: str | None) -> None:
    claim = ViewClaim(incidence_angle=stated[0], azimuth=stated[1], source="stac")
    geometry, flags = settle_geometry(claim, affine_rpc(30.0, 100.0), WHEN, PLACE)
    assert geometry is not None
    assert (geometry.incidence_angle, geometry.azimuth) == pytest.approx((30.0, 100.0), abs=1e-6)
    found = [f.message for f in flags if f.code == "view-disagrees"]
    assert bool(found) == (said is not None)
    assert all(said in message for message in found if said)


@pytest.mark.parametrize(
    ("off_nadir", "incidence", "wrong"), [(25.0, 28.2, False), (25.0, 25.0, True), (3.0, 3.0, False)]
)
def test_an_angle_at_the_satellite_given_for_the_ground_is_named(
    off_nadir: float, incidence: float, wrong: bool
) -> None:
    claim = item_view(
        {"view:off_nadir": off_nadir, "view:incidence_angle": incidence, "view:azimuth": 10.0}, "WV02"
    )
    _, flags = settle_geometry(claim, None, WHEN, PLACE)
    assert ("view-contradictory" in {f.code for f in flags}) is wrong


@pytest.mark.parametrize(
    ("platform", "trusted"), [("WV02", True), ("sentinel-2a", False), ("skysat SSC4", False)]
)
def test_whose_azimuth_is_trusted_in_stac(platform: str, trusted: bool) -> None:
    claim = item_view({"view:off_nadir": 8.0, "view:azimuth": -80.0}, platform)
    assert claim is not None
    assert claim.azimuth_trusted is trusted


def test_a_sun_against_the_clock_is_named_and_kept() -> None:
    right = sun_position(WHEN, PLACE)
    for shift, codes in ((0.2, set()), (0.5, {"sun-disagrees"}), (20.0, {"sun-disagrees"})):
        claim = ViewClaim(
            incidence_angle=20.0,
            azimuth=10.0,
            sun_elevation=right[0] - shift,
            sun_azimuth=right[1],
            source="stac",
        )
        geometry, flags = settle_geometry(claim, None, WHEN, PLACE)
        assert geometry is not None
        assert geometry.sun_elevation == right[0] - shift
        assert {f.code for f in flags} == codes
