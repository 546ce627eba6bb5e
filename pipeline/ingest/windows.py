"""Windows of rasters: read once, in the file's own pixels, and laid onto the target's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Band, BoolArray
from pipeline.errors import InputError
from pipeline.ingest.opening import Transform, open_raster

_ABSURD: Final = 1e12
"""No reflectance, radiance or count is larger."""
_FRAY: Final = 16
"""Pixels by which the edges of the bands may differ."""
_ALIGNED: Final = 0.02
"""Grids that differ by less are one, over the whole window [px]."""
_PAD: Final = 2
"""Pixels read around a window that is to be resampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The pixels wanted, on the grid of the scene's finest band."""

    crs: str
    transform: Transform
    """Of the window."""
    shape: tuple[int, int]
    nodata: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What of a file covers the target."""

    window: tuple[int, int, int, int]
    """(row, col, rows, cols)"""
    transform: Transform
    aligned: bool
    """True where its pixels are the target's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """What the pixels of one file say of their own validity, (row, col) on the target's grid."""

    valid: BoolArray
    """False on nodata other than 0, on NaN and infinity, on blocks that are not there, outside the file."""
    any_zero: BoolArray | None
    """True where one of the bands is 0; None where 0 cannot mean "nothing"."""
    all_zero: BoolArray | None
    """True where all of them are."""
    rim_only: bool
    """True where nothing is declared, so that emptiness must reach the rim."""
    coarseness: int
    """Pixels of the target along one of the file's, rounded up."""


def read_planes(
    path: Path, bands: Sequence[Band], rows_out: Sequence[int], target: Target, out: npt.NDArray[np.float32]
) -> Planes:
    """Write the reflectance of `bands` of one file into out[rows_out].

    Parameters
    ----------
    out
        (band, row, col) on the target's grid; 0 where a pixel is certainly not valid.

    Raises
    ------
    InputError
        "corrupt": a block of the file cannot be decoded.
    """
    with open_raster(path) as dataset:
        source = _cover(dataset, target)
        if source is None:
            nothing = np.zeros(target.shape, bool)
            return Planes(valid=nothing, any_zero=None, all_zero=None, rim_only=False, coarseness=1)
        raw = read_window(dataset, [b.index for b in bands], source.window)
        nodata = target.nodata if target.nodata is not None else dataset.nodata
        valid = find_measured(raw, nodata)
        missing = _missing_blocks(dataset, raw, source.window)
    if missing is not None:
        valid &= ~missing
    # 0 says "nothing" where it is declared, and may where nothing is; among floats it is a value like others
    doubtful = nodata == 0.0 or (nodata is None and raw.dtype.kind != "f")
    any_zero, all_zero = _find_zeros(raw) if doubtful else (None, None)
    if source.aligned:
        empty = None if valid.all() else ~valid
        for plane, band, i in zip(raw, bands, rows_out, strict=True):
            np.multiply(plane, np.float32(band.scale), out=out[i], dtype=np.float32, casting="unsafe")
            if band.offset != 0.0:
                out[i] += np.float32(band.offset)
            if empty is not None:
                out[i][empty] = 0.0
        return Planes(
            valid=valid, any_zero=any_zero, all_zero=all_zero, rim_only=nodata is None, coarseness=1
        )
    covered = np.ones(target.shape, bool)
    for plane, band, i in zip(raw, bands, rows_out, strict=True):
        values = plane.astype(np.float32) * np.float32(band.scale) + np.float32(band.offset)
        values[~valid] = np.nan
        out[i] = resample(values, source.transform, target, nearest=False)
        finite = np.isfinite(out[i])
        out[i][~finite] = 0.0
        covered &= finite
    ratio = np.hypot(source.transform[0], source.transform[3]) / np.hypot(
        target.transform[0], target.transform[3]
    )
    return Planes(
        valid=covered,
        any_zero=_on_target(any_zero, source, target),
        all_zero=_on_target(all_zero, source, target),
        rim_only=nodata is None,
        coarseness=int(np.ceil(ratio - 1e-6)),
    )


def _find_zeros(raw: npt.NDArray[Any]) -> tuple[BoolArray, BoolArray]:
    """(row, col) twice: where any band, and where every band, is 0."""
    any_zero = np.asarray(raw[0] == 0, dtype=bool)
    all_zero = any_zero.copy()
    for plane in raw[1:]:
        zero = plane == 0
        any_zero |= zero
        all_zero &= zero
    return any_zero, all_zero


def _on_target(values: BoolArray | None, source: _Source, target: Target) -> BoolArray | None:
    if values is None:
        return None
    moved = resample(values.astype(np.float32), source.transform, target, nearest=True)
    return np.asarray(moved > 0.5, dtype=bool)


def find_empty(planes: Sequence[Planes], shape: tuple[int, int]) -> BoolArray:
    """Where the files together hold nothing.

    A 0 in one band is dark water as often as it is nothing. A pixel is empty where every band of every file
    is 0, and where some band is 0 a few pixels from there; where no file declares 0 the empty area must
    also reach the rim of the window.

    Returns
    -------
    numpy.ndarray
        (row, col)
    """
    empty = np.zeros(shape, bool)
    if not planes or any(p.all_zero is None for p in planes):
        return empty
    all_zero, any_zero = np.ones(shape, bool), np.zeros(shape, bool)
    for plane in planes:
        if plane.all_zero is not None and plane.any_zero is not None:
            all_zero &= plane.all_zero
            any_zero |= plane.any_zero
    if not all_zero.any():
        return empty
    margin = _reaching_rim(all_zero)
    empty = margin if all(p.rim_only for p in planes) else all_zero
    # the bands of one swath end a few pixels apart; further in, a 0 in one band is dark water
    empty = empty | (any_zero & _dilate(margin, _FRAY))
    reach = max(p.coarseness for p in planes)
    if reach > 1 and empty.any():  # interpolation has mixed the margin into its neighbours
        empty = _dilate(empty, reach)
    return empty


def read_classes(path: Path, indexes: Sequence[int], target: Target) -> npt.NDArray[Any] | None:
    """(band, row, col) of a mask file on the target's grid by nearest neighbour; None where it is elsewhere.

    Raises
    ------
    InputError
        "corrupt"; "bands": the mask has fewer bands than asked for.
    """
    with open_raster(path) as dataset:
        if max(indexes) > dataset.count:
            raise InputError("bands", f"{path.name}: {dataset.count} bands, expected {max(indexes)}")
        source = _cover(dataset, target)
        if source is None:
            return None
        raw = read_window(dataset, indexes, source.window)
    if source.aligned:
        return raw
    planes = [resample(plane.astype(np.float32), source.transform, target, nearest=True) for plane in raw]
    return np.nan_to_num(np.stack(planes), nan=0.0).astype(raw.dtype)


def read_window(dataset: Any, indexes: Sequence[int], window: tuple[int, int, int, int]) -> npt.NDArray[Any]:
    """(band, row, col) of a window as it is stored.

    Raises
    ------
    InputError
        "corrupt".
    """
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    row, col, rows, cols = window
    try:
        return np.asarray(dataset.read(list(indexes), window=Window(col, row, cols, rows)))
    except (RasterioError, MemoryError) as error:
        name = Path(dataset.name).name
        raise InputError(
            "corrupt",
            f"{name}: pixels not readable: {error!s:.160}",
            hint="the file is cut short or damaged: fetch it again",
        ) from error


def _cover(dataset: Any, target: Target) -> _Source | None:
    """The window of the file under the target, padded where it is resampled; None where there is none."""
    a, b, c, d, e, f = (float(v) for v in dataset.transform[:6])
    ta, tb, tc, td, te, tf = target.transform
    rows, cols = target.shape
    corners = np.array([(0, 0), (cols, 0), (0, rows), (cols, rows)], dtype=np.float64)
    x, y = ta * corners[:, 0] + tb * corners[:, 1] + tc, td * corners[:, 0] + te * corners[:, 1] + tf
    det = a * e - b * d
    col_at, row_at = (e * (x - c) - b * (y - f)) / det, (a * (y - f) - d * (x - c)) / det
    row, col = round(row_at[0]), round(col_at[0])
    off = np.abs(np.stack([col_at - col - corners[:, 0], row_at - row - corners[:, 1]])).max()
    inside = 0 <= row <= dataset.height - rows and 0 <= col <= dataset.width - cols
    if off < _ALIGNED and inside:
        return _Source(window=(row, col, rows, cols), transform=target.transform, aligned=True)
    left = max(0, int(np.floor(col_at.min())) - _PAD)
    top = max(0, int(np.floor(row_at.min())) - _PAD)
    right = min(dataset.width, int(np.ceil(col_at.max())) + _PAD)
    bottom = min(dataset.height, int(np.ceil(row_at.max())) + _PAD)
    if right <= left or bottom <= top:
        return None
    return _Source(
        window=(top, left, bottom - top, right - left),
        transform=(a, b, a * left + b * top + c, d, e, d * left + e * top + f),
        aligned=False,
    )


def resample(
    values: npt.NDArray[np.float32], transform: Transform, target: Target, *, nearest: bool
) -> npt.NDArray[np.float32]:
    """(row, col) on the target's grid, bilinear or nearest; NaN where there is nothing."""
    from affine import Affine
    from rasterio.warp import Resampling, reproject

    out = np.full(target.shape, np.nan, np.float32)
    reproject(
        values,
        out,
        src_transform=Affine(*transform),
        src_crs=target.crs,
        src_nodata=np.nan,
        dst_transform=Affine(*target.transform),
        dst_crs=target.crs,
        dst_nodata=np.nan,
        resampling=Resampling.nearest if nearest else Resampling.bilinear,
        num_threads=1,
    )
    return out


def find_measured(raw: npt.NDArray[Any], nodata: float | None) -> BoolArray:
    """(row, col): every band finite and, where nodata is declared and not 0, different from it."""
    valid = np.ones(raw.shape[1:], bool)
    if raw.dtype.kind == "f":
        for plane in raw:
            valid &= np.abs(plane) < _ABSURD  # False for NaN and infinity
    if nodata is not None and np.isfinite(nodata) and nodata != 0.0:
        for plane in raw:
            valid &= plane != nodata
    return valid


def _reaching_rim(all_zero: BoolArray) -> BoolArray:
    """The components of `all_zero` that touch the rim."""
    import cv2

    count, labels = cv2.connectedComponents(all_zero.astype(np.uint8), connectivity=8)
    chosen = np.zeros(count, bool)
    for side in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
        chosen[np.unique(labels[side])] = True
    chosen[0] = False
    return np.asarray(chosen[labels], dtype=bool)


def _dilate(values: BoolArray, reach: int) -> BoolArray:
    import cv2

    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.dilate(values.astype(np.uint8), kernel), dtype=bool)


def _missing_blocks(
    dataset: Any, raw: npt.NDArray[Any], window: tuple[int, int, int, int]
) -> BoolArray | None:
    """(row, col), True on blocks that a sparse TIFF lacks, which read as zeros; None where none does."""
    if dataset.driver != "GTiff" or raw[0].all() or raw.any(axis=0).all():
        return None
    row, col, rows, cols = window
    height, width = dataset.block_shapes[0]
    missing = np.zeros((rows, cols), bool)
    for i in range(row // height, (row + rows - 1) // height + 1):
        for j in range(col // width, (col + cols - 1) // width + 1):
            if dataset.get_tag_item(f"BLOCK_OFFSET_{j}_{i}", "TIFF", bidx=1) is None:
                top, left = max(0, i * height - row), max(0, j * width - col)
                missing[top : (i + 1) * height - row, left : (j + 1) * width - col] = True
    return missing if missing.any() else None
