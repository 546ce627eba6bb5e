"""Sun, view and ground: the closed forms that every stage shares.

Frame and symbols follow the cross-hull profile: psi the heading, n the unit vector to starboard, and per
metre of height the signed shifts across the hull, positive to starboard,

    V = tan(theta) sin(Av - psi)      the direction to the satellite
    S = cot(eps)   sin(As - psi)      the direction to the sun

so that in an image rectified to the sea a point at height h appears at u - h V and its shadow at u - h S.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.constants import EARTH_RADIUS, TERRESTRIAL_LESS_UT1
from pipeline.datatypes import Grid, LonLat, Polygon, ViewGeometry, Window

if TYPE_CHECKING:
    from pyproj import Transformer

Points = npt.NDArray[np.float64]


def wrap_degrees(angle: float) -> float:
    """`angle` in 0 <= a < 360 [deg]."""
    wrapped = float(angle) % 360.0
    return 0.0 if wrapped == 360.0 else wrapped


def angle_between(first: float, second: float) -> float:
    """Smallest angle between two directions, 0..180 [deg]."""
    return abs((first - second + 180.0) % 360.0 - 180.0)


def axis_between(first: float, second: float) -> float:
    """Smallest angle between two axes (headings modulo 180), 0..90 [deg]."""
    return abs((first - second + 90.0) % 180.0 - 90.0)


def incidence_from_off_nadir(off_nadir: float, orbit_height: float) -> float:
    """View zenith angle at the ground from the angle at the satellite: sin(theta) = (R + H)/R sin(eta) [deg].

    Parameters
    ----------
    off_nadir
        At the satellite [deg].
    orbit_height
        Above the Earth [m].

    Raises
    ------
    ValueError
        The ray misses the Earth.
    """
    sine = (EARTH_RADIUS + orbit_height) / EARTH_RADIUS * np.sin(np.radians(abs(off_nadir)))
    if sine >= 1.0:
        raise ValueError(
            f"off-nadir angle {off_nadir} deg from {orbit_height / 1000:.0f} km misses the Earth"
        )
    return float(np.degrees(np.arcsin(sine)))


def shift_per_metre(view: ViewGeometry, heading: float) -> tuple[float, float]:
    """(S, V): cross-hull shift of shadow and of view per metre of height, positive to starboard [1]."""
    S = np.sin(np.radians(view.sun_azimuth - heading)) / np.tan(np.radians(view.sun_elevation))
    V = np.sin(np.radians(view.azimuth - heading)) * np.tan(np.radians(view.incidence_angle))
    return float(S), float(V)


def relief_shift(view: ViewGeometry) -> tuple[float, float]:
    """(east, north) shift on the ground of the image of a point, per metre of its height [1]."""
    size = np.tan(np.radians(view.incidence_angle))
    azimuth = np.radians(view.azimuth)
    return float(-size * np.sin(azimuth)), float(-size * np.cos(azimuth))


def shadow_shift(view: ViewGeometry) -> tuple[float, float]:
    """(east, north) of the shadow of a point on the water, per metre of its height [1]."""
    size = 1.0 / np.tan(np.radians(view.sun_elevation))
    azimuth = np.radians(view.sun_azimuth)
    return float(-size * np.sin(azimuth)), float(-size * np.cos(azimuth))


def ship_axes(heading: npt.ArrayLike) -> tuple[Points, Points]:
    """Unit vectors (east, north) to the bow and to starboard: (2,), or (2, ...) of headings (...)."""
    psi = np.radians(heading)
    return np.array([np.sin(psi), np.cos(psi)]), np.array([np.cos(psi), -np.sin(psi)])


def sun_position(when: datetime, place: LonLat) -> tuple[float, float]:
    """(elevation, azimuth) of the sun's centre, unrefracted [deg] (Reda and Andreas 2004, as in pvlib).

    Raises
    ------
    ValueError
        `when` carries no time zone.
    """
    if when.tzinfo is None:
        raise ValueError("time without a zone")
    lon, lat = place
    air = {
        "elev": 0.0,
        "pressure": 1013.25,
        "temp": 12.0,
        "atmos_refract": 0.5667,
    }  # moves no unrefracted sun
    _, _, _, elevation, azimuth, _ = load_sun().solar_position_numpy(
        np.array([when.timestamp()]), lat, lon, delta_t=TERRESTRIAL_LESS_UT1, numthreads=1, **air
    )
    return float(elevation[0]), float(azimuth[0])


@lru_cache(maxsize=1)
def load_sun() -> ModuleType:
    """The solar position algorithm of pvlib alone: the package around it takes a second to import."""
    package = find_spec("pvlib")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'pvlib'", name="pvlib")
    spec = spec_from_file_location("pvlib.spa", f"{package.submodule_search_locations[0]}/spa.py")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("No module named 'pvlib.spa'", name="pvlib.spa")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---------------------------------------------------------------------------------------------- grids


@lru_cache(maxsize=64)
def _local_plane(origin: LonLat) -> Transformer:
    """Geographic to the azimuthal equidistant plane at `origin`; north up is true north there."""
    from pyproj import CRS, Transformer

    plane = CRS.from_dict(
        {"proj": "aeqd", "lon_0": origin[0], "lat_0": origin[1], "datum": "WGS84", "units": "m"}
    )
    return Transformer.from_crs("EPSG:4326", plane, always_xy=True)


def lonlat_to_ground(origin: LonLat, lonlat: npt.ArrayLike) -> Points:
    """(..., 2) lon/lat [deg] to (east, north) [m] of the plane at `origin`."""
    points = np.asarray(lonlat, dtype=np.float64)
    east, north = _local_plane(origin).transform(points[..., 0], points[..., 1])
    return np.stack([np.asarray(east), np.asarray(north)], axis=-1)


def ground_to_lonlat(origin: LonLat, ground: npt.ArrayLike) -> Points:
    """(..., 2) (east, north) [m] of the plane at `origin` to lon/lat [deg]."""
    points = np.asarray(ground, dtype=np.float64)
    lon, lat = _local_plane(origin).transform(points[..., 0], points[..., 1], direction="INVERSE")
    return np.stack([np.asarray(lon), np.asarray(lat)], axis=-1)


def pixel_to_ground(grid: Grid, colrow: npt.ArrayLike) -> Points:
    """(..., 2) (col, row), corner convention, to (east, north) [m]."""
    p = np.asarray(colrow, dtype=np.float64)
    a, b, c, d, e, f = grid.to_ground
    return np.stack([a * p[..., 0] + b * p[..., 1] + c, d * p[..., 0] + e * p[..., 1] + f], axis=-1)


def ground_to_pixel(grid: Grid, ground: npt.ArrayLike) -> Points:
    """(..., 2) (east, north) [m] to (col, row), corner convention."""
    p = np.asarray(ground, dtype=np.float64)
    a, b, c, d, e, f = grid.to_ground
    x, y, det = p[..., 0] - c, p[..., 1] - f, a * e - b * d
    return np.stack([(e * x - b * y) / det, (a * y - d * x) / det], axis=-1)


def pixel_to_lonlat(grid: Grid, colrow: npt.ArrayLike) -> Points:
    """(..., 2) (col, row), corner convention, to lon/lat [deg]."""
    return ground_to_lonlat(grid.origin, pixel_to_ground(grid, colrow))


def lonlat_to_pixel(grid: Grid, lonlat: npt.ArrayLike) -> Points:
    """(..., 2) lon/lat [deg] to (col, row), corner convention."""
    return ground_to_pixel(grid, lonlat_to_ground(grid.origin, lonlat))


def grid_of(
    crs: str, transform: tuple[float, float, float, float, float, float], shape: tuple[int, int]
) -> Grid:
    """The ground grid of pixels given in a CRS: least squares of an affine map through 5 x 5 points.

    Parameters
    ----------
    crs
        EPSG code or WKT.
    transform
        (a, b, c, d, e, f): x = a col + b row + c, y = d col + e row + f, corner convention.
    shape
        (rows, cols)

    Raises
    ------
    ValueError
        The CRS cannot be carried to longitude and latitude there.
    """
    from pyproj import Transformer

    rows, cols = shape
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    col, row = (m.ravel() for m in np.meshgrid(np.linspace(0, cols, 5), np.linspace(0, rows, 5)))
    a, b, c, d, e, f = transform
    lon, lat = to_lonlat.transform(a * col + b * row + c, d * col + e * row + f)
    if not (np.all(np.isfinite(lon)) and np.all(np.isfinite(lat))):
        raise ValueError("the image does not lie on the Earth in this CRS")
    origin = (float(np.round(lon[12], 7)), float(np.round(lat[12], 7)))
    ground = lonlat_to_ground(origin, np.stack([lon, lat], axis=-1))
    basis = np.stack([col, row, np.ones_like(col)], axis=-1)
    (a, d), (b, e), (c, f) = np.linalg.lstsq(basis, ground, rcond=None)[0]
    return Grid(
        shape=shape,
        to_ground=(float(a), float(b), float(c), float(d), float(e), float(f)),
        origin=origin,
    )


def find_window(
    crs: str, transform: tuple[float, ...], shape: tuple[int, int], area: Polygon
) -> Window | None:
    """The pixels of a raster that cover `area` (lon, lat); None where its CRS does not reach so far.

    Parameters
    ----------
    transform
        (a, b, c, d, e, f) from (col, row) to the CRS.
    """
    from pyproj import Transformer

    points = np.asarray(area, dtype=np.float64)
    share = np.linspace(0.0, 1.0, 8, endpoint=False)[
        :, None
    ]  # a straight side is curved in another projection
    dense = np.concatenate(
        [p + share * (q - p) for p, q in zip(points, np.roll(points, -1, axis=0), strict=True)]
    )
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(dense[:, 0], dense[:, 1])
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        return None
    a, b, c, d, e, f = transform
    det = a * e - b * d
    col, row = (e * (x - c) - b * (y - f)) / det, (a * (y - f) - d * (x - c)) / det
    top, left = max(0, int(np.floor(row.min()))), max(0, int(np.floor(col.min())))
    return top, left, min(shape[0], int(np.ceil(row.max()))), min(shape[1], int(np.ceil(col.max())))


def crop_grid(grid: Grid, row: int, col: int, shape: tuple[int, int]) -> Grid:
    """The grid of a window whose first pixel is (row, col); same origin."""
    a, b, c, d, e, f = grid.to_ground
    return Grid(
        shape=shape,
        to_ground=(a, b, a * col + b * row + c, d, e, d * col + e * row + f),
        origin=grid.origin,
    )


def polygon_mask(grid: Grid, outline: Polygon) -> npt.NDArray[np.bool_]:
    """(row, col), True where a pixel's centre lies inside a lon/lat polygon."""
    inside = np.zeros(grid.shape, dtype=np.bool_)
    fill_outline(inside, grid, outline, True)
    return inside


def fill_outline(mask: npt.NDArray[np.bool_], grid: Grid, outline: Polygon, value: bool) -> None:
    """Set `mask`, (row, col) on the grid, where a pixel's centre lies inside a lon/lat polygon."""
    from skimage.draw import polygon

    points = lonlat_to_pixel(grid, outline) - 0.5
    mask[polygon(points[:, 1], points[:, 0], grid.shape)] = value


def block_mean(plane: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Means over blocks of `factor` x `factor` pixels of a (row, col) plane.

    A block cut by the last row or column is filled up with that row or column.
    """
    import cv2

    if factor == 1:
        return plane
    down, right = (-n % factor for n in plane.shape)
    if down or right:
        plane = cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REPLICATE)
    size = (plane.shape[1] // factor, plane.shape[0] // factor)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def scale_grid(grid: Grid, shape: tuple[int, int]) -> Grid:
    """The same ground cut into `shape` (rows, cols) pixels."""
    down, across = grid.shape[0] / shape[0], grid.shape[1] / shape[1]
    a, b, c, d, e, f = grid.to_ground
    return Grid(shape=shape, to_ground=(a * across, b * down, c, d * across, e * down, f), origin=grid.origin)


def coarser_grid(grid: Grid, factor: int) -> Grid:
    """The grid of blocks of `factor` x `factor` pixels."""
    a, b, c, d, e, f = grid.to_ground
    rows, cols = (-(-n // factor) for n in grid.shape)
    return Grid(
        shape=(rows, cols),
        to_ground=(a * factor, b * factor, c, d * factor, e * factor, f),
        origin=grid.origin,
    )
