"""The one way in: a file is opened by its content, with the driver named, after it was found harmless.

Order: what kind of file it is -> its first bytes -> the driver they name -> size and blocks against the
budget -> CRS and geotransform. Nothing is decoded before all of this holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.datatypes import Grid, InputFile
from pipeline.errors import InputError
from pipeline.geometry import grid_of
from pipeline.ingest.environment import prepare_environment

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Transform = tuple[float, float, float, float, float, float]

_MAGIC: Final = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"MM\x00+", "GTiff"),
    (b"\x00\x00\x00\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
)
MAX_JSON: Final = 16 * 2**20
MAX_XML: Final = 64 * 2**20
MAX_SCENE_PIXELS: Final = 10**10
"""Of one band of a whole delivery: a strip of 30 x 30 km at 0.3 m."""
MAX_BLOCK: Final = 512 * 2**20
"""Bytes that a decoder must hold at once: one block of all bands."""
GSD_RANGE: Final = (0.2, 60.0)
_CRS_TEXT = re.compile(
    r"^(EPSG:\d{4,6}|(PROJCS|GEOGCS|PROJCRS|GEOGCRS|GEODCRS|COMPD_CS|COMPOUNDCRS|BOUNDCRS)\[)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterHeader:
    """What a raster says of itself, checked."""

    path: str
    crs: str | None
    """EPSG:code or WKT; None where the file names none."""
    transform: Transform
    shape: tuple[int, int]
    count: int
    dtype: str
    nodata: float | None
    descriptions: tuple[str | None, ...]
    colours: tuple[str, ...]
    """Colour interpretation of each band, e.g. "red", "alpha"."""
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    tags: dict[str, str]
    rpc: dict[str, str] | None
    """RPC00B coefficients under GDAL's names."""


def check_file(path: Path, *, root: Path | None = None) -> os.stat_result:
    """Status of a regular file that is not empty and lies below `root`.

    Raises
    ------
    InputError
        "missing", "not-a-file", "empty", "outside-folder".
    """
    try:
        status = os.lstat(path)
    except (OSError, ValueError) as error:
        raise InputError(
            "missing", f"{path.name}: named but not there", hint="fetch the whole delivery"
        ) from error
    if stat.S_ISLNK(status.st_mode):
        raise InputError(
            "not-a-file", f"{path.name}: a symbolic link", hint="copy the file that it points to in its place"
        )
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not-a-file", f"{path.name}: not a regular file", hint="remove it from the input")
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise InputError(
            "outside-folder",
            f"{path.name}: lies outside the folder of its scene",
            hint="keep assets beside the item",
        )
    if status.st_size == 0:
        raise InputError("empty", f"{path.name}: empty file, 0 bytes", hint="fetch it again")
    return status


def read_json(path: Path) -> Any:
    """Content of a JSON file; NaN and Infinity are not JSON.

    Raises
    ------
    InputError
        "metadata": not readable; "too-large"; those of `check_file`.
    """
    if check_file(path).st_size > MAX_JSON:
        raise InputError("too-large", f"{path.name}: larger than {MAX_JSON >> 20} MiB of JSON")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(
            "metadata", f"{path.name}: not readable as JSON: {error}", hint="fetch the metadata again"
        ) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def read_xml(path: Path) -> Element:
    """Root of an XML file, read without DTD, entities or external references.

    Raises
    ------
    InputError
        "xml": not well formed, or with a DTD; "too-large"; those of `check_file`.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    if check_file(path).st_size > MAX_XML:
        raise InputError("too-large", f"{path.name}: larger than {MAX_XML >> 20} MiB of XML")
    try:
        root: Element = parse(path, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, ValueError, OSError) as error:
        raise InputError(
            "xml", f"{path.name}: not usable XML: {error!s:.200}", hint="fetch the metadata again"
        ) from error
    return root


def hash_file(path: Path, *, root: Path) -> InputFile:
    """Name below `root`, sha256 and size of a file."""
    size, sha256 = 0, hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            sha256.update(chunk)
            size += len(chunk)
    name = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return InputFile(path=name.as_posix(), sha256=sha256.hexdigest(), bytes=size)


def find_driver(path: Path) -> str:
    """GDAL's driver for what the first bytes are.

    Raises
    ------
    InputError
        "driver", "no-georef" or "not-an-image".
    """
    check_file(path)
    with path.open("rb") as stream:
        head = stream.read(256)
    for magic, driver in _MAGIC:
        if head.startswith(magic):
            return driver
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")):
        raise InputError(
            "no-georef",
            f"{path.name}: a picture without position on the Earth",
            hint="give the GeoTIFF or JPEG 2000 of the delivery",
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        raise InputError(
            "not-an-image", f"{path.name}: a web page, saved as an image", hint="log in and fetch it again"
        )
    raise InputError(
        "driver",
        f"{path.name}: neither TIFF nor JPEG 2000 by its content",
        hint="virtual and other formats are not opened; convert it to GeoTIFF",
    )


@contextmanager
def open_raster(path: Path) -> Iterator[Any]:
    """A rasterio dataset, opened with the driver that the content names.

    Raises
    ------
    InputError
        "corrupt" where the header cannot be read; those of `find_driver`.
    """
    prepare_environment()
    import rasterio

    driver = find_driver(path)
    with (
        warnings.catch_warnings(),
        rasterio.Env(
            GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED=False, GDAL_GEOREF_SOURCES="INTERNAL"
        ),
    ):
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(path, driver=driver, sharing=False)
        except rasterio.errors.RasterioError as error:
            raise InputError(
                "corrupt", f"{path.name}: header not readable: {error!s:.200}", hint="fetch the file again"
            ) from error
        with dataset:
            yield dataset


def read_header(path: Path) -> RasterHeader:
    """The header of a raster, within the budget of size.

    Raises
    ------
    InputError
        "too-large", "geotransform", "corrupt"; those of `find_driver`.
    """
    with open_raster(path) as dataset:
        rows, cols = dataset.height, dataset.width
        itemsize = np.dtype(dataset.dtypes[0]).itemsize
        block = max(h * w for h, w in dataset.block_shapes) * itemsize * dataset.count
        if rows * cols > MAX_SCENE_PIXELS or block > MAX_BLOCK:
            raise InputError(
                "too-large",
                f"{path.name}: {cols} x {rows} pixels, {dataset.count} bands, blocks of {block >> 20} MiB",
                hint="cut the area of interest out of it, tiled",
            )
        a, b, c, d, e, f = tuple(float(x) for x in dataset.transform[:6])
        rpcs = dataset.rpcs
        return RasterHeader(
            path=str(path),
            crs=_crs_text(dataset.crs),
            transform=(a, b, c, d, e, f),
            shape=(rows, cols),
            count=dataset.count,
            dtype=str(dataset.dtypes[0]),
            nodata=None if dataset.nodata is None else float(dataset.nodata),
            descriptions=tuple(dataset.descriptions),
            colours=tuple(c.name for c in dataset.colorinterp),
            scales=tuple(float(s) for s in dataset.scales),
            offsets=tuple(float(o) for o in dataset.offsets),
            tags=dict(dataset.tags()),
            rpc=None if rpcs is None else dict(rpcs.to_gdal()),
        )


def _crs_text(crs: Any) -> str | None:
    """EPSG code where there is one, else WKT."""
    if not crs:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def check_crs(text: str, where: str) -> str:
    """A CRS from metadata: an EPSG code or WKT, never a path or URL.

    Raises
    ------
    InputError
        "crs-syntax".
    """
    if not _CRS_TEXT.match(text):
        raise InputError(
            "crs-syntax", f"{where}: CRS given as {text[:60]!r}", hint="expected an EPSG code or WKT"
        )
    return text


def ground_grid(header: RasterHeader, crs: str | None) -> Grid:
    """The ground grid of a whole raster, when its georeference is plausible.

    Raises
    ------
    InputError
        "no-georef", "no-crs", "geotransform", "crs-implausible".
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError, ProjError

    name, t = Path(header.path).name, header.transform
    identity = t == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    if identity:
        raise InputError(
            "no-georef",
            f"{name}: no position on the Earth",
            hint="give the georeferenced product of the delivery",
        )
    if crs is None:
        raise InputError(
            "no-crs", f"{name}: names no coordinate system", hint="give it one, e.g. by rio edit-info --crs"
        )
    if not np.all(np.isfinite(t)) or t[0] * t[4] - t[1] * t[3] == 0.0:
        raise InputError(
            "geotransform", f"{name}: geotransform {t} is not usable", hint="fetch the file again"
        )
    try:
        geographic = CRS.from_user_input(crs).is_geographic
        rows, cols = header.shape
        corners = [
            (t[0] * i + t[1] * j + t[2], t[3] * i + t[4] * j + t[5]) for i in (0, cols) for j in (0, rows)
        ]
        degrees = not geographic or all(abs(x) <= 360.0 and abs(y) <= 90.0 for x, y in corners)
        grid = grid_of(crs, t, header.shape) if degrees else None
    except (ValueError, CRSError, ProjError):
        grid = None
    if grid is None:
        raise InputError(
            "crs-implausible",
            f"{name}: corner {t[2]:.7g}, {t[5]:.7g} does not lie on the Earth in {crs[:40]}",
            hint="the coordinate system and the coordinates do not belong together",
        )
    if not all(GSD_RANGE[0] <= size <= GSD_RANGE[1] for size in (grid.gsd_col, grid.gsd_row)):
        raise InputError(
            "geotransform",
            f"{name}: pixels of {grid.gsd_col:.4g} x {grid.gsd_row:.4g} m, expected 0.2 to 60 m",
            hint="the geotransform, or the coordinate system, is wrong",
        )
    return grid
