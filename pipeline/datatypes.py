"""The nomenclature: every quantity that stages exchange, defined once, with unit and axis order.

Frames
------
pixel
    (row, col), integer at pixel centres in code, (col, row) with the corner convention in affine maps.
ground
    (east, north) [m] of a local plane tangent at `Grid.origin`, *true* north up: heights above the water.
geographic
    (lon, lat) [deg], WGS 84.

Azimuths and headings are clockwise from true north, 0..360 [deg]; azimuths point *from the ship* to the
sun or to the satellite. Times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32] | npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
LonLat = tuple[float, float]
Polygon = tuple[LonLat, ...]
"""Exterior ring, (lon, lat), closed or not, any orientation."""
Window = tuple[int, int, int, int]
"""(top, left, bottom, right) [pixel]; empty where bottom <= top or right <= left."""
Interval = tuple[float, float]
"""Lower and upper bound of the central 90 % interval, unit of its quantity."""
BerthOutcome = Literal["occupied", "clear-empty", "obscured", "not-imaged"]
ShipKind = Literal["tanker", "other", "unknown"]


# ------------------------------------------------------------------------------------------- imagery


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something the reader of a result must know, that did not stop the work."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file that was read, by name and content."""

    path: str
    """As given by the user or by the item, relative to its scene's folder [POSIX]."""
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewGeometry:
    """Where the satellite and the sun stood, seen from the ground."""

    incidence_angle: float
    """View zenith angle at the ground, 0..90 [deg]; never the off-nadir angle at the satellite."""
    azimuth: float
    """From the ship to the satellite [deg]."""
    sun_elevation: float
    """[deg]"""
    sun_azimuth: float
    """From the ship to the sun [deg]."""
    source: str
    """Which metadata gave the view: "rpc", "stac", "maxar-imd", ..."""
    azimuth_trusted: bool = True
    """False where the vendor's convention is not known: both senses must then be considered."""
    sun_source: str = "metadata"
    """"metadata" or "computed"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Pixels on the ground: an affine map onto a local plane, exact to centimetres over a few kilometres.

    It absorbs what differs between products: grid convergence, scale factor (Web Mercator), pixels that
    are not square (geographic CRS), rotation and flips. See `pipeline.geometry` for its functions.
    """

    shape: tuple[int, int]
    """(rows, cols)"""
    to_ground: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f): east = a col + b row + c, north = d col + e row + f [m]; corner convention, so
    the centre of pixel (row i, col j) is at col = j + 0.5, row = i + 0.5."""
    origin: LonLat
    """Where (east, north) = (0, 0)."""

    @property
    def gsd_col(self) -> float:
        """Length of one step in col on the ground [m]."""
        return float(np.hypot(self.to_ground[0], self.to_ground[3]))

    @property
    def gsd_row(self) -> float:
        """Length of one step in row on the ground [m]."""
        return float(np.hypot(self.to_ground[1], self.to_ground[4]))

    @property
    def gsd(self) -> float:
        """Side of a square of a pixel's area [m]."""
        a, b, _, d, e, _ = self.to_ground
        return float(np.sqrt(abs(a * e - b * d)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band and where its pixels are."""

    name: str
    """Common name: coastal blue green red rededge nir nir08 nir09 swir16 swir22 cirrus pan; for Sentinel-2
    the three red edges are rededge071, rededge075, rededge078; unknown bands are b1, b2, ..."""
    path: str
    """File, resolved."""
    index: int
    """1-based band index in the file."""
    scale: float = 1.0
    """reflectance = scale * DN + offset"""
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A delivery: metadata only, pixels live in `Chip`."""

    scene_id: str
    """Safe as a folder name: letters, digits, dot, underscore, hyphen; at most 100 characters."""
    datetime: datetime | None
    """Aware UTC; None only for a bare image without a date (detection only)."""
    platform: str | None
    gsd: float
    """On the ground, of the finest band [m]."""
    crs: str
    """EPSG:code or WKT."""
    transform: tuple[float, float, float, float, float, float]
    """(a, b, c, d, e, f) of the finest band: x = a col + b row + c, y = d col + e row + f [CRS units]."""
    shape: tuple[int, int]
    """(rows, cols) of the finest band."""
    footprint: Polygon
    """(lon, lat)"""
    bands: tuple[Band, ...]
    geometry: ViewGeometry | None
    calibrated: bool
    """True where scale and offset give reflectance; False for 8-bit visual products (DN / 255)."""
    source: str
    """How it was read: "stac", "planet", "safe", "geotiff", "band-files", ..."""
    nodata: float | None = None
    mask_paths: tuple[tuple[str, str], ...] = ()
    """Delivered masks as (kind, path): kind is "scl", "udm", "udm2", "alpha"."""
    mask_indexes: tuple[int, ...] = ()
    """1-based band of each of `mask_paths` in its file; empty = the first."""
    inputs: tuple[InputFile, ...] = ()
    cloud_cover: float | None = None
    """As the vendor states it for the whole scene, 0..1."""
    simulated: bool = False
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chip:
    """Pixels of the area of interest."""

    pixels: npt.NDArray[np.float32]
    """(band, row, col), reflectance [1], NaN nowhere; what is not valid is 0."""
    valid: BoolArray
    """(row, col), True where every band was measured."""
    bands: tuple[str, ...]
    """Common names, in the order of `pixels`."""
    grid: Grid
    calibrated: bool
    delivered_cloudy: BoolArray | None = None
    """(row, col), True where a delivered mask says cloud (thin cloud included); None without a mask."""
    delivered_shadowed: BoolArray | None = None
    """(row, col), True where a delivered mask says cloud shadow."""
    delivered_method: str | None = None
    """"scl", "udm", "udm2" """

    def band(self, *names: str) -> npt.NDArray[np.float32] | None:
        """(row, col) of the first of `names` that is there, else None."""
        for name in names:
            if name in self.bands:
                plane: npt.NDArray[np.float32] = self.pixels[self.bands.index(name)]
                return plane
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CloudMask:
    """What hides the ground."""

    cloudy: BoolArray
    """(row, col)"""
    shadowed: BoolArray
    """(row, col), True in the shadow of a cloud."""
    method: str
    """"s2cloudless", "scl", "udm2", "udm", "spectral" """


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """A sum of small decision trees, learned and written down as numbers; the first node is the root."""

    name: str
    sha256: str
    traits: tuple[str, ...]
    trait: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float64]
    """(tree, node) of both: which of `traits` is asked; left where it is not above the threshold."""
    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]
    """(tree, node) of both: the next node, which has a higher number, or below 0 the leaf ~node."""
    leaf: npt.NDArray[np.float64]
    """(tree, leaf)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A small network in the exchange format ONNX, which onnxruntime runs."""

    name: str
    sha256: str
    graph: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuayModel:
    """What was learned of ships at quays: a forest that judges rectangles, a network that marks pixels."""

    forest: Forest
    network: Network


# ---------------------------------------------------------------------------------------- site, fleet


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFeature:
    """One polygon of a site."""

    id: str
    role: Literal["aoi", "berth", "anchorage", "land"]
    outline: Polygon
    name: str | None = None
    accuracy: float | None = None
    """One standard deviation of its position [m]; None = not known."""
    verified: bool = True
    """False for a candidate that nobody has confirmed."""
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A terminal: what to read and where ships lie."""

    id: str
    name: str
    features: tuple[SiteFeature, ...]
    water_density: float | None = None
    """[kg/m3]; None = not known."""
    timezone: str = "UTC"
    simulated: bool = False

    def of_role(self, role: str) -> tuple[SiteFeature, ...]:
        """The features of one role."""
        return tuple(f for f in self.features if f.role == role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """One row of the register; None = not known, never guessed here."""

    imo: int | None
    name: str
    former_names: str | None = None
    flag: str | None = None
    ship_type: str | None = None
    dwt: float | None = None
    """Deadweight at the summer load line in sea water of 1025 kg/m3 [t]."""
    loa: float | None = None
    """[m]"""
    beam: float | None = None
    """[m]"""
    depth: float | None = None
    """Moulded depth to the main deck at side [m]."""
    summer_draught: float | None = None
    """[m]"""
    built: int | None = None
    un_designated: bool = False
    un_designation_date: str | None = None
    """ISO date."""
    source: str | None = None


# ------------------------------------------------------------------------------------------ detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One ship in one scene."""

    id: str
    """"d1", "d2", ... from north-west to south-east within the scene."""
    outline: Polygon
    """Hull at the waterline, (lon, lat)."""
    centre: tuple[float, float]
    """(east, north) of the hull's middle at the waterline, in the chip's grid [m]."""
    heading: float
    """Of the bow [deg]; where `heading_ambiguous`, one of the two ends."""
    heading_sigma: float
    """Of the axis [deg]."""
    heading_ambiguous: bool
    length: float
    """Over all [m]"""
    length_sigma: float
    beam: float
    """[m]"""
    beam_sigma: float
    kind: ShipKind
    tanker_probability: float
    score: float
    """Confidence that this is a ship, 0..1."""
    flags: tuple[str, ...] = ()
    """"wake", "cut-by-edge", "alongside", "part-clouded", "ship-to-ship", ..."""


# ------------------------------------------------------------------------------------------- identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One candidate of a ranked list; `imo` and `name` are None for "none of these"."""

    imo: int | None
    name: str | None
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIdentity:
    """An analyst's word on who a sighting shows; it binds, and of two on one sighting the later holds."""

    scene_id: str
    detection_id: str
    imo: int | None
    """None = she is none of the register's ships."""
    by: str
    """Who says so."""
    at: datetime
    """When it was signed, aware UTC."""
