"""A tile of 10,980 x 10,980 pixels through detection by blocks: `python -m bench.tile` prints CPU and memory.

The tile is a real port with its roads, mirrored over and over: one field of four is coast, city and quays,
the others sea with ships at anchor. Bands are handed over block by block, as a reader would decode them, so
that nobody ever holds them whole; handing over is not counted.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.bench_detect import IMAGERY
from pipeline.config import Config
from pipeline.datatypes import Chip, CloudMask, Grid
from pipeline.detect import Block, stream_ships
from pipeline.detect.structure import Structure
from pipeline.ingest import find_deliveries, read_chip, read_quays, read_scene

SIDE = 10_980
FIELD = 1098
"""[pixel]"""


def _mirrored(first: int, last: int, count: int) -> npt.NDArray[np.intp]:
    """Indices into `count` pixels that go to and fro."""
    at = np.arange(first, last) % (2 * count)
    return np.where(at < count, at, 2 * count - 1 - at)


def main() -> None:
    """Stream the tile and say what it took."""
    (delivery,) = find_deliveries([IMAGERY / "sen2ships" / "sen2ships" / "algiers"])
    scene = read_scene(delivery)
    port = read_chip(scene, aoi=None, config=Config().ingest)
    coast, sea = port.pixels, np.ascontiguousarray(port.pixels[:, :600, 640:])
    gsd = port.grid.gsd
    handing = 0.0

    def read(block: Block) -> tuple[Chip, CloudMask, Structure | None]:
        nonlocal handing
        start = time.process_time()
        top, left, bottom, right = block.window
        fields = (np.arange(top, bottom) // FIELD % 2)[:, None] | (np.arange(left, right) // FIELD % 2)
        parts = [
            p[:, _mirrored(top, bottom, p.shape[1])][:, :, _mirrored(left, right, p.shape[2])]
            for p in (coast, sea)
        ]
        pixels = np.where(fields == 0, *parts).astype(np.float32)
        shape = (bottom - top, right - left)
        grid = Grid(shape=shape, to_ground=(gsd, 0, left * gsd, 0, -gsd, -top * gsd), origin=(3.0, 36.0))
        none = np.zeros(shape, bool)
        chip = Chip(pixels=pixels, valid=~none, bands=port.bands, grid=grid, calibrated=True)
        handing += time.process_time() - start
        return chip, CloudMask(cloudy=none, shadowed=none, method="none"), None

    start = time.process_time()
    ships = stream_ships(read, (SIDE, SIDE), gsd, config=Config().detect, quays=read_quays())
    spent = time.process_time() - start - handing
    status = Path("/proc/self/status").read_text()  # rusage has the peak of whoever started this, too
    peak = next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": spent, "peak": peak, "ships": len(ships)}))


if __name__ == "__main__":
    main()
