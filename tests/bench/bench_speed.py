"""Speed and memory of the commands as a user runs them: each figure is of a process of its own.

Memory is the proportional set size summed over the command and its children, sampled every 20 ms, so
that pages they share are counted once.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from render_examples import ORIGIN, VIEW, make_chip

from bench.bench_clouds import speed as clouds_speed
from bench.bench_detect import IMAGERY, MISSING
from bench.table import Table
from pipeline.clouds import find_clouds
from pipeline.config import Config
from pipeline.detect import search_ships
from pipeline.ingest import find_deliveries, prepare_environment, read_chip, read_quays, read_scene
from pipeline.pieces import outline_of

PLIMSOLL = (sys.executable, "-m", "pipeline.cli")
ROOT = Path(__file__).resolve().parents[2]
Ship = tuple[tuple[float, float], float, tuple[float, float], float]
"""Place, heading, (length, beam), freeboard."""
SHIP: Ship = ((0.0, 0.0), 34.0, (121.0, 18.0), 4.2)
FLEET: tuple[Ship, ...] = tuple(
    ((380.0 * (k % 4) - 570.0, 420.0 * (k // 4) - 420.0), 30.0 * k, (90.0 + 6 * k, 15.0 + k / 2), 2.0 + k / 3)
    for k in range(12)
)
"""Twelve ships in the roads."""
SAMPLE_EVERY = 0.02
"""[s]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command, measured from outside."""

    seconds: float
    """Wall clock [s]."""
    peak: int
    """Largest memory of the command and its children together [byte]."""
    code: int


def _family(root: int) -> list[int]:
    """The process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        found.append(queue.pop())
        queue += parents.get(found[-1], [])
    return found


def _memory(root: int) -> int:
    """Proportional set size of a process and its descendants [byte]."""
    total = 0
    for process in _family(root):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def measure(command: Sequence[str], *, one_core: bool = False, watch: bool = True) -> Run:
    """Run a command and measure it; on one core where asked."""
    start = time.perf_counter()
    pin: list[str] = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if one_core else []
    process = subprocess.Popen(
        [*pin, *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peaks, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_EVERY):
            peaks.append(_memory(process.pid))

    watcher = threading.Thread(target=sample)
    if watch:
        watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    over.set()
    if watch:
        watcher.join()
    return Run(seconds=seconds, peak=max(peaks), code=code)


def write_scene(
    folder: Path, *, pixels: int = 2400, gsd: float = 0.5, ships: tuple[Ship, ...] = (SHIP,)
) -> Path:
    """A square scene of open water and ships, four bands, with its STAC item."""
    import rasterio
    from affine import Affine
    from pyproj import Transformer

    chip, side = make_chip((pixels, pixels), gsd, ships=ships), pixels * gsd
    folder.mkdir(parents=True)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32653", always_xy=True).transform(*chip.grid.origin)
    west, north = round(x) - side / 2, round(y) + side / 2
    with rasterio.open(
        folder / "scene.tif", "w", driver="COG", width=pixels, height=pixels, count=4, dtype="uint16",
        crs="EPSG:32653", transform=Affine(gsd, 0, west, 0, -gsd, north), compress="deflate", nodata=0,
    ) as out:  # fmt: skip
        out.write(np.clip(np.round(chip.pixels * 1e4), 1, 65535).astype(np.uint16))
    item = folder / "scene.json"
    item.write_text(json.dumps(_item(chip.bands, (west, north), side, gsd)), encoding="utf-8")
    return item


def write_tile(folder: Path) -> Path:
    """A 10 m tile of 10,980 x 10,980 pixels about the same place, four bands of water, with its STAC item."""
    import rasterio
    from affine import Affine
    from pyproj import Transformer

    count, side = 10_980, 109_800.0
    folder.mkdir(parents=True)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32653", always_xy=True).transform(*ORIGIN)
    west, north = round(x) - side / 2, round(y) + side / 2
    block = np.random.default_rng(1).normal(500, 20, (1098, 1098)).astype(np.uint16)
    profile = {"driver": "GTiff", "width": count, "height": count, "count": 4, "dtype": "uint16"}
    profile |= {"tiled": True, "interleave": "band", "compress": "deflate", "zlevel": 1, "nodata": 0}
    bands = ("blue", "green", "red", "nir")
    with rasterio.open(
        folder / "scene.tif", "w", crs="EPSG:32653", transform=Affine(10, 0, west, 0, -10, north), **profile
    ) as out:
        for band in range(1, 5):
            out.write(np.tile(block // band, (10, 10)), band)
    item = folder / "tile.json"
    item.write_text(json.dumps(_item(bands, (west, north), side, 10.0)), encoding="utf-8")
    return item


def _item(bands: Sequence[str], corner: tuple[float, float], side: float, gsd: float) -> dict[str, object]:
    from pyproj import Transformer

    west, north = corner
    back = Transformer.from_crs("EPSG:32653", "EPSG:4326", always_xy=True)
    outline = [(west, north), (west + side, north), (west + side, north - side), (west, north - side)]
    ring = [list(back.transform(*point)) for point in (*outline, outline[0])]
    lon, lat = zip(*ring, strict=True)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"bench-{gsd:g}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [min(lon), min(lat), max(lon), max(lat)],
        "properties": {
            "datetime": "2026-09-28T02:14:09Z",
            "gsd": gsd,
            "platform": "bench",
            "view:incidence_angle": VIEW.incidence_angle,
            "view:azimuth": VIEW.azimuth,
            "view:sun_azimuth": VIEW.sun_azimuth,
            "view:sun_elevation": VIEW.sun_elevation,
            "proj:epsg": 32653,
        },
        "links": [],
        "assets": {
            "image": {
                "href": "./scene.tif",
                "roles": ["data"],
                "eo:bands": [{"name": name, "common_name": name} for name in bands],
                "raster:bands": [{"scale": 1e-4, "offset": 0.0} for _ in bands],
            }
        },
    }


def _site(folder: Path, half: float) -> Path:
    """A site of one berth round the ship, read `half` metres each way."""
    from pipeline.geometry import ground_to_lonlat

    def feature(name: str, role: str, half: float) -> dict[str, object]:
        corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)])
        ring = [[float(p[0]), float(p[1])] for p in ground_to_lonlat(ORIGIN, corners)]
        return {
            "type": "Feature",
            "properties": {"id": name, "role": role},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    path = folder / f"site-{half:.0f}.geojson"
    site = {
        "type": "FeatureCollection",
        "site": {"id": "bench", "name": "Bench"},
        "features": [feature("all", "aoi", half), feature("b1", "berth", 90.0)],
    }
    path.write_text(json.dumps(site), encoding="utf-8")
    return path


def _row(name: str, runs: Sequence[Run], target: str) -> tuple[str, ...]:
    wall = statistics.median(run.seconds for run in runs)
    peak = max(run.peak for run in runs)
    codes = ", ".join(str(code) for code in sorted({run.code for run in runs}))
    return (name, f"{wall:.2f} s", f"{peak / 2**20:.0f} MiB" if peak else "", target, codes)


def bench_help() -> tuple[str, ...]:
    """`--help`, median of nine."""
    runs = [measure([*PLIMSOLL, "--help"], watch=False) for _ in range(9)]
    return _row("--help", runs, "< 0.3 s")


def _bench_run(folder: Path, item: Path, half: float, name: str, target: str) -> tuple[str, ...]:
    """One scene to result.json, its pictures and the season's files on one core; median of three."""
    site = _site(folder, half)
    outs = [folder / f"{item.stem}-{i}" for i in range(3)]
    runs = [
        measure(
            [*PLIMSOLL, "run", str(item), "--site", str(site), "--out", str(out), "-j", "1"], one_core=True
        )
        for out in outs
    ]
    drawn = sorted(outs[0].rglob("annotated.png"))
    return _row(name + ("" if drawn else " (NO PICTURE WAS MADE)"), runs, target)


def bench_scenes(folder: Path) -> list[tuple[str, ...]]:
    """Fine scenes: one ship, the same in a larger area, and many."""
    one = write_scene(folder / "one" / "scene")
    large = write_scene(folder / "large" / "scene", pixels=4000)
    dense = write_scene(folder / "dense" / "scene", pixels=2400, gsd=0.8, ships=FLEET)
    return [
        _bench_run(folder / "one", one, 590.0, "0.5 m, 1.2 x 1.2 km, one core", "< 3 s, < 1 GB"),
        _bench_run(folder / "large", large, 990.0, "0.5 m, 2 x 2 km, one core", "< 6 s"),
        _bench_run(folder / "dense", dense, 950.0, "0.8 m, 1.9 x 1.9 km, twelve ships, one core", ""),
    ]


def bench_tile(folder: Path) -> tuple[str, ...]:
    """A tile of which only the area of interest is read."""
    item = write_tile(folder / "tile")
    return _bench_run(folder, item, 2500.0, "10 m tile of 10,980 x 10,980, area of 5 x 5 km, one core", "")


def _write_port(image: Path, driver: str, **options: object) -> Path:
    """A real port in five bands, with its STAC item, whose path it is."""
    import rasterio
    from affine import Affine

    (delivery,) = find_deliveries([IMAGERY / "sen2ships" / "sen2ships" / "algiers"])
    port = read_chip(read_scene(delivery), aoi=None, config=Config().ingest)
    count, rows, cols = port.pixels.shape
    image.parent.mkdir(parents=True)
    west, north = 300_000.0, 4_100_000.0
    with rasterio.open(
        image, "w", driver=driver, width=cols, height=rows, count=count, dtype="uint16",
        crs="EPSG:32653", transform=Affine(10, 0, west, 0, -10, north), **options,
    ) as out:  # fmt: skip
        out.write(np.clip(np.round(port.pixels * 1e4), 1, 65535).astype(np.uint16))
    item = image.with_suffix(".json")
    text = json.dumps(_item(port.bands, (west, north), 10.0 * min(rows, cols), 10.0))
    item.write_text(text.replace("scene.tif", image.name))
    return item


def _area_row(item: Path, image: Path) -> tuple[str, ...]:
    """From files to ships of 5 x 5 km about the harbour, and reading alone; the best of five, CPU time."""
    import rasterio

    scene, quays, config = read_scene(find_deliveries([item])[0]), read_quays(), Config()
    area = outline_of(scene, (200, 0, 700, 500))
    spent: list[tuple[float, ...]] = []
    for _ in range(5):
        marks = [time.process_time()]
        with rasterio.open(image) as file:
            file.read(window=rasterio.windows.Window(0, 200, 500, 500))
        marks.append(time.process_time())
        chip = read_chip(scene, aoi=area, config=config.ingest)
        marks.append(time.process_time())
        clouds = find_clouds(chip, scene.geometry, config=config.clouds)
        marks.append(time.process_time())
        search_ships(chip, clouds, known=None, config=config.detect, quays=quays)
        marks.append(time.process_time())
        spent.append(tuple(np.diff(marks)))
    bare, read, sky, ships = np.min(spent, axis=0)
    parts = [f"{1000 * part:.0f} ms" for part in (bare, read, sky, ships, read + sky + ships)]
    return (image.suffix[1:], *parts, f"< {1000 * (2 * bare + 0.4):.0f} ms")


def bench_area(folder: Path) -> Table:
    """An area of 5 x 5 km of a Sentinel-2 image, in this process."""
    title = "Speed: 5 x 5 km of a Sentinel-2 image about a harbour, five bands, CPU time"
    columns = ("file", "bands alone", "read", "clouds", "ships", "read to ships", "asked")
    if not IMAGERY.is_dir():
        return Table(title, columns, [], MISSING)
    prepare_environment()
    tif, jp2 = folder / "cog" / "scene.tif", folder / "jp2" / "scene.jp2"
    rows = [
        _area_row(_write_port(tif, "COG", compress="deflate"), tif),
        _area_row(_write_port(jp2, "JP2OpenJPEG", quality="100", reversible="yes"), jp2),
    ]
    note = "A COG, and a JP2 in code tiles of 1,024 pixels. No site, no memory; asked: twice the bands "
    return Table(title, columns, rows, note + "alone, and 0.4 s.")


def bench_season(folder: Path) -> tuple[str, ...] | None:
    """The sample season and its report, all cores; None where it is not there."""
    scenes = ROOT / "sample_scenes"
    if not (scenes / "site.geojson").is_file():
        return None
    out = str(folder / "season")
    where = ["--site", str(scenes / "site.geojson"), "--fleet", str(scenes / "fleet.csv"), "--out", out]
    run = measure([*PLIMSOLL, "run", str(scenes), *where])
    report = measure([*PLIMSOLL, "report", "--out", out])
    both = Run(
        seconds=run.seconds + report.seconds,
        peak=max(run.peak, report.peak),
        code=run.code,
    )
    return _row(f"sample season and report, {os.cpu_count()} cores", [both], "< 60 s on two cores")


def bench_stream() -> Table:
    """Detection alone over a whole tile, block by block, in a process of its own."""
    title = "Speed: detection over a tile of 10,980 x 10,980 from decoded bands, by blocks"
    columns = ("CPU", "peak memory", "ships", "asked")
    if not IMAGERY.is_dir():
        return Table(title, columns, [], MISSING)
    done = subprocess.run(
        [sys.executable, "-m", "bench.tile"], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    said = json.loads(done.stdout)
    row = (
        f"{said['seconds']:.0f} s",
        f"{said['peak'] / 2**20:.0f} MiB",
        said["ships"],
        "< 20 s, < 1 GB",
    )
    note = "A real port and its roads, mirrored over the tile: one field of four is coast, city and quays."
    return Table(title, columns, [row], note)


def tables() -> list[Table]:
    """Speed and peak memory of the commands, and of detection over a tile."""
    folder = Path(tempfile.mkdtemp(prefix="plimsoll-bench-"))
    try:
        rows = [bench_help(), *bench_scenes(folder), bench_tile(folder), bench_season(folder)]
        area = bench_area(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Table(
            title="Speed",
            columns=("command", "wall", "peak memory", "target", "exit code"),
            rows=tuple(row for row in rows if row is not None),
            note="Start of the interpreter included. Exit code 3 in the season is its damaged file.",
        ),
        area,
        bench_stream(),
        clouds_speed(),
    ]
