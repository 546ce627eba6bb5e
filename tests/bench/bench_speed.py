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
from render_examples import VIEW, make_chip

from bench.table import Table

PLIMSOLL = (sys.executable, "-m", "pipeline.cli")
ROOT = Path(__file__).resolve().parents[2]
SHIP = ((0.0, 0.0), 34.0, (121.0, 18.0), 4.2)
SAMPLE_EVERY = 0.02
"""[s]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command, measured from outside."""

    seconds: float
    """Wall clock [s]."""
    cpu: float
    """User and system time of the command and its children [s]."""
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
    before = os.times()
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
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(seconds=seconds, cpu=cpu, peak=max(peaks), code=code)


def write_scene(folder: Path) -> Path:
    """A 0.5 m scene of 1.2 x 1.2 km, four bands, one tanker, with its STAC item."""
    import rasterio
    from affine import Affine
    from pyproj import Transformer

    chip = make_chip((2400, 2400), 0.5, ships=(SHIP,))
    folder.mkdir(parents=True)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32653", always_xy=True).transform(*chip.grid.origin)
    west, north = round(x) - 600.0, round(y) + 600.0
    with rasterio.open(
        folder / "scene.tif", "w", driver="COG", width=2400, height=2400, count=4, dtype="uint16",
        crs="EPSG:32653", transform=Affine(0.5, 0, west, 0, -0.5, north), compress="deflate", nodata=0,
    ) as out:  # fmt: skip
        out.write(np.clip(np.round(chip.pixels * 1e4), 1, 65535).astype(np.uint16))
    item = folder / "scene.json"
    item.write_text(json.dumps(_item(chip.bands, (west, north))), encoding="utf-8")
    return item


def _item(bands: Sequence[str], corner: tuple[float, float]) -> dict[str, object]:
    from pyproj import Transformer

    west, north = corner
    back = Transformer.from_crs("EPSG:32653", "EPSG:4326", always_xy=True)
    outline = [(west, north), (west + 1200, north), (west + 1200, north - 1200), (west, north - 1200)]
    ring = [list(back.transform(*point)) for point in (*outline, outline[0])]
    lon, lat = zip(*ring, strict=True)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "bench-050",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [min(lon), min(lat), max(lon), max(lat)],
        "properties": {
            "datetime": "2026-09-28T02:14:09Z",
            "gsd": 0.5,
            "platform": "worldview-2",
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


def _site(folder: Path) -> Path:
    """A site of one berth round the ship."""
    from render_examples import ORIGIN

    from pipeline.geometry import ground_to_lonlat

    def feature(name: str, role: str, half: float) -> dict[str, object]:
        corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)])
        ring = [[float(p[0]), float(p[1])] for p in ground_to_lonlat(ORIGIN, corners)]
        return {
            "type": "Feature",
            "properties": {"id": name, "role": role},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    path = folder / "site.geojson"
    site = {
        "type": "FeatureCollection",
        "site": {"id": "bench", "name": "Bench"},
        "features": [feature("all", "aoi", 590.0), feature("b1", "berth", 90.0)],
    }
    path.write_text(json.dumps(site), encoding="utf-8")
    return path


def _row(name: str, runs: Sequence[Run], target: str) -> tuple[str, ...]:
    wall = statistics.median(run.seconds for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    peak = max(run.peak for run in runs)
    codes = ", ".join(str(code) for code in sorted({run.code for run in runs}))
    return (name, f"{wall:.2f} s", f"{cpu:.2f} s", f"{peak / 2**20:.0f} MiB" if peak else "", target, codes)


def bench_help() -> tuple[str, ...]:
    """`--help`, median of nine."""
    runs = [measure([*PLIMSOLL, "--help"], watch=False) for _ in range(9)]
    return _row("--help", runs, "< 0.3 s")


def bench_scene(folder: Path) -> tuple[str, ...]:
    """A scene to result.json, annotated.png and annotated.tif, and the season's files; median of three."""
    item, site = write_scene(folder / "scene"), _site(folder)
    runs = []
    for i in range(3):
        command = [
            *PLIMSOLL,
            "run",
            str(item),
            "--site",
            str(site),
            "--out",
            str(folder / f"out{i}"),
            "-j",
            "1",
        ]
        runs.append(measure(command, one_core=True))
    drawn = sorted((folder / "out0").rglob("annotated.png"))
    name = "0.5 m, 1.2 x 1.2 km, one core" + ("" if drawn else " (NO PICTURE WAS MADE)")
    return _row(name, runs, "< 3 s, < 1 GB")


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
        cpu=run.cpu + report.cpu,
        peak=max(run.peak, report.peak),
        code=run.code,
    )
    return _row(f"sample season and report, {os.cpu_count()} cores", [both], "< 60 s on two cores")


def tables() -> list[Table]:
    """Speed and peak memory of the commands."""
    folder = Path(tempfile.mkdtemp(prefix="plimsoll-bench-"))
    try:
        rows = [bench_help(), bench_scene(folder), bench_season(folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Table(
            title="Speed",
            columns=("command", "wall", "CPU", "peak memory", "target", "exit code"),
            rows=tuple(row for row in rows if row is not None),
            note="Start of the interpreter included. Exit code 3 in the season is its damaged file.",
        )
    ]
