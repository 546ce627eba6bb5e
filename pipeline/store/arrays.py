"""Small arrays and grids as values of the database."""

import json
import zlib

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Grid


def pack_array(values: npt.NDArray[np.uint8]) -> bytes:
    """(row, col) uint8, deflated."""
    return zlib.compress(np.ascontiguousarray(values, dtype=np.uint8).tobytes(), 6)


def unpack_array(data: bytes, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """(row, col) uint8 of `pack_array`.

    Raises
    ------
    ValueError
        The bytes do not fill the shape.
    """
    return np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)


def grid_to_text(grid: Grid) -> str:
    """A grid, exactly, as one line: grids are the same where their lines are."""
    return json.dumps([list(grid.shape), list(grid.to_ground), list(grid.origin)])


def text_to_grid(text: str) -> Grid:
    """The grid of `grid_to_text`."""
    (rows, cols), to_ground, (lon, lat) = json.loads(text)
    return Grid(shape=(rows, cols), to_ground=tuple(to_ground), origin=(lon, lat))
